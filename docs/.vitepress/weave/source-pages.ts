/**
 * # Annotated source pages
 *
 * Makes one page for each file of `src/`: comments in a margin, the code they speak of
 * beside them. What a reader sees is the file itself, cut into rows; nothing is typed twice.
 *
 *     module header                      across both columns, as prose
 *     doc comment of a symbol            across both columns, as prose, with its anchor
 *     `// Do it. Because …`  │  the paragraph's code
 *
 * @module
 */
import { colourLines, escapeHtml } from './colour.ts'
import type { RelationIndex } from './relations.ts'
import {
  anchor,
  paragraphAnchor,
  readDoc,
  type SourceFile,
  type SourceIndex,
  type SourceSymbol,
} from './source-index.ts'

/** Tests beyond this many are counted. */
const MOST_TESTS = 8

interface Row {
  readonly prose: string
  /** The first line of its comment; `from` when it has none. */
  readonly start: number
  readonly from: number
  readonly to: number
}

/** The page of one file, as markdown with HTML. */
export function sourcePage(
  index: SourceIndex,
  source: SourceFile,
  toHtml: (markdown: string) => string,
  relations?: RelationIndex,
): string {
  const lines = source.text.split('\n')
  const colours = colourLines(index, source)
  const starts = new Map<number, SourceSymbol[]>()
  for (const symbol of source.symbols) {
    const at = starts.get(symbol.from)
    if (at) at.push(symbol)
    else starts.set(symbol.from, [symbol])
  }

  const places = paragraphPlaces(source)
  const out: string[] = []
  const block = (html: string) => out.push(`<div class="wide" v-pre>${html}</div>`)
  if (source.header) block(toHtml(source.header))
  block(pointers(source))

  const put = (row: Row, doc: string) => {
    const prose = [doc, row.prose].filter((text) => text !== '').join('\n\n')
    const place = places.get(row.start)
    const id = place === undefined ? '' : ` id="${place}"`
    out.push(
      `<div class="row"${id} v-pre>${anchorsOf(starts, row)}` +
        `<div class="margin">${prose && toHtml(prose)}</div>` +
        `<div class="code">${codeOf(colours, row.from, row.to)}</div></div>`,
    )
    return row.to + 1
  }

  // Walk down the file: imports folded, doc comments as prose, paragraphs in rows.
  let line = source.headerEnd + 1
  const end = lines.length
  while (line <= end) {
    const text = lines[line - 1]?.trim() ?? ''
    if (text === '') {
      line++
    } else if (/^import\b/.test(text)) {
      const last = endOfImports(lines, line)
      const code = codeOf(colours, line, last)
      out.push(`<details class="imports"><summary>imports</summary>${code}</details>`)
      line = last + 1
    } else if (text.startsWith('/**')) {
      const last = lines.findIndex((l, i) => i >= line - 1 && l.includes('*/')) + 1
      const comment = lines.slice(line - 1, last).join('\n')
      const symbols = starts.get(nextCode(lines, last + 1)) ?? []
      for (const symbol of symbols) {
        block(symbolDoc(symbol, toHtml, relationsOf(index, symbol, relations)))
      }
      line = last + 1
      if (symbols.length > 0) continue

      // A field has no place of its own on the page: its comment goes into the margin.
      const doc = comment.replace(/^\s*\/\*\*|\*\/\s*$/g, '')
      line = put(nextRow(lines, line), readDoc(doc).prose)
    } else {
      line = put(nextRow(lines, line), '')
    }
  }
  const title = source.title.replaceAll('`', '')
  return [
    '---',
    `title: ${JSON.stringify(title)}`,
    'layout: doc',
    'aside: false',
    'pageClass: source-page',
    'editLink: false',
    '---',
    '',
    `# ${title}`,
    '',
    `<p class="location"><code>src/${source.file}</code></p>`,
    '',
    ...out,
    '',
  ].join('\n')
}

/** Where paragraphs begin: first line → id; a name that stands twice has one place. */
function paragraphPlaces({ symbols }: SourceFile): ReadonlyMap<number, string> {
  const lines = new Map<string, number>()
  for (const symbol of symbols) {
    for (const paragraph of symbol.paragraphs) {
      const id = paragraphAnchor(symbol, paragraph)
      if (!lines.has(id)) lines.set(id, paragraph.from)
    }
  }
  return new Map([...lines].map(([id, line]) => [line, id]))
}

function pointers(source: SourceFile): string {
  const items = [
    ...source.kafka.map(
      (path) => `<li>in Kafka 1.1.1: <code>${escapeHtml(path)}</code></li>`,
    ),
    ...source.differs.map((text) => `<li>differs: ${escapeHtml(text)}</li>`),
  ]
  return items.length > 0 ? `<ul class="pointers">${items.join('')}</ul>` : ''
}

function symbolDoc(
  symbol: SourceSymbol,
  toHtml: (markdown: string) => string,
  related: string,
): string {
  const kafka = symbol.kafka.map(
    (path) => `<li>in Kafka 1.1.1: <code>${escapeHtml(path)}</code></li>`,
  )
  const differs = symbol.differs.map((text) => `<li>differs: ${escapeHtml(text)}</li>`)
  const list = [...kafka, ...differs].join('')
  const tail = list ? `<ul class="pointers">${list}</ul>` : ''
  const level = symbol.kind === 'method' ? 'method' : 'symbol'
  return (
    `<div class="${level}" id="${anchor(symbol.id)}">` +
    `<a class="name" href="#${anchor(symbol.id)}">${escapeHtml(symbol.id)}</a>` +
    `${toHtml(symbol.doc)}${tail}${related}</div>`
  )
}

/** Called from, calls, in these recordings, proved by these tests: folded. */
function relationsOf(
  index: SourceIndex,
  symbol: SourceSymbol,
  relations: RelationIndex | undefined,
): string {
  const known = relations?.get(symbol)
  if (!known) return ''
  const link = (to: SourceSymbol) =>
    `<a href="${index.href(to)}">${escapeHtml(to.id)}</a>`
  const { calledFrom, calls, recordings, tests } = known
  const rows: [string, string][] = [
    ['called from', [...calledFrom].map(link).join(', ')],
    ['calls', [...calls].map(link).join(', ')],
    [
      'recorded in',
      [...recordings]
        .map(([name, at]) => `<a href="/traces/${name}?step=${at}">${name}</a>`)
        .join(', '),
    ],
    [
      'proved by',
      tests
        .slice(0, MOST_TESTS)
        .map(
          ({ file, title }) => `${escapeHtml(title)} <code>${escapeHtml(file)}</code>`,
        )
        .join('<br>') +
        (tests.length > MOST_TESTS ? `<br>and ${tests.length - MOST_TESTS} more` : ''),
    ],
  ]
  const shown = rows.filter(([, html]) => html !== '')
  if (shown.length === 0) return ''
  const counts = [calledFrom.size, calls.size, recordings.size, tests.length]
  const summary = rows
    .map(([name], i) => [name, counts[i] ?? 0] as const)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${count}`)
  const list = shown.map(([name, html]) => `<dt>${name}</dt><dd>${html}</dd>`)
  return (
    `<details class="relations"><summary>${summary.join(' · ')}</summary>` +
    `<dl>${list.join('')}</dl></details>`
  )
}

function anchorsOf(starts: ReadonlyMap<number, SourceSymbol[]>, row: Row): string {
  let html = ''
  for (let line = row.from; line <= row.to; line++) {
    for (const symbol of starts.get(line) ?? []) {
      if (symbol.doc === '') html += `<span id="${anchor(symbol.id)}"></span>`
    }
  }
  return html
}

/** A row begins at a line, and ends before the next comment that begins a paragraph. */
function nextRow(lines: readonly string[], start: number): Row {
  let line = start
  const comment: string[] = []
  while (lines[line - 1]?.trim() === '') line++
  const first = line
  while (/^\s*\/\/(?! biome-)/.test(lines[line - 1] ?? '')) {
    comment.push((lines[line - 1] ?? '').replace(/^\s*\/\/ ?/, ''))
    line++
  }
  const from = Math.min(line, lines.length)
  let to = from
  while (to < lines.length && !beginsRow(lines, to + 1)) to++
  return { prose: comment.join('\n'), start: first, from, to }
}

function beginsRow(lines: readonly string[], line: number): boolean {
  const text = (lines[line - 1] ?? '').trim()
  const above = (lines[line - 2] ?? '').trim()
  if (text.startsWith('/**')) return true
  return (
    text.startsWith('//') && !text.startsWith('// biome-') && !above.startsWith('//')
  )
}

function nextCode(lines: readonly string[], from: number): number {
  let line = from
  while (line < lines.length && /^\s*(\/\/.*)?$/.test(lines[line - 1] ?? '')) line++
  return line
}

function endOfImports(lines: readonly string[], from: number): number {
  let last = from
  let open = false
  for (let line = from; line <= lines.length; line++) {
    const text = (lines[line - 1] ?? '').trim()
    if (!open && !/^import\b/.test(text)) {
      if (text === '') continue
      break
    }
    open = !/from '[^']+'$|^import '[^']+'$|\} from "[^"]+"$/.test(text)
    last = line
  }
  return last
}

function codeOf(colours: readonly string[], from: number, to: number): string {
  const rows = colours.slice(from - 1, to)
  while (rows.length > 0 && isBlank(rows.at(-1) ?? '')) rows.pop()
  if (rows.length === 0) return ''
  // A blank line would end the block of HTML; a comment keeps its place.
  const html = rows.map((row) => (isBlank(row) ? '<!---->' : row)).join('\n')
  return `<pre class="source"><code>${html}</code></pre>`
}

function isBlank(html: string): boolean {
  return html.replace(/<[^>]*>/g, '').trim() === ''
}
