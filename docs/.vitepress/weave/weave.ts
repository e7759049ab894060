/**
 * # The weave
 *
 * Makes the generated pages before VitePress builds: the annotated source, the notes, a
 * page for each trace, and the reference tables. Everything it writes is git-ignored.
 *
 * @module
 */
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import MarkdownIt from 'markdown-it'
import { ApiKeys } from '../../../src/protocol/ApiKeys.ts'
import { ties } from '../../../src/traces/ties.ts'
import { zNodes } from '../../../src/zk/ZkData.ts'
import { chapterList, headingsWithoutChapter } from './chapters.ts'
import { undocumentedExports } from './check-source.ts'
import { escapeHtml } from './colour.ts'
import { examplesPage } from './examples-page.ts'
import { type Expansion, readExpansion } from './expansion.ts'
import { type ExpansionTools, Sightings } from './expansion-page.ts'
import { livingMoments, type Moment } from './living-picture.ts'
import { linkInlineCode } from './markdown-forms.ts'
import { notesPage } from './notes-page.ts'
import { divergences, kafkaToOurs } from './pointer-pages.ts'
import { recordsPage } from './records-page.ts'
import { RelationIndex } from './relations.ts'
import { SourceIndex } from './source-index.ts'
import { sourcePage } from './source-pages.ts'
import { statesPage } from './state-pages.ts'
import { stepperData } from './stepper-data.ts'
import {
  apiPage,
  clientsPage,
  configPage,
  errorsPage,
  metricsPage,
  protocolPage,
} from './table-pages.ts'
import { readRecordings, type TraceOutput, tracePage } from './trace-pages.ts'
import { transcriptOf } from './transcript.ts'
import { notesWalk } from './walk.ts'
import { znodesPage } from './znodes-page.ts'

/** The recording that the home page shows. */
export const HOME_TRACE = 'replicate'

/** Weaves all generated pages below `docs`. */
export function weave(root: string): SourceIndex {
  const docs = join(root, 'docs')
  const index = SourceIndex.read(join(root, 'src'))
  const silent = undocumentedExports(index)
  if (silent.length > 0) throw new Error(silent.join('\n'))
  // A renderer of its own: VitePress would share its one, and comments hold no HTML.
  const markdown = new MarkdownIt({ html: false })
  linkInlineCode(markdown, index)
  const toHtml = (text: string) => unbroken(markdown.render(linkTags(text)))
  const inline = (text: string) => markdown.renderInline(linkTags(text))
  const write = (path: string, text: string) => {
    const target = join(docs, path)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, text)
  }

  // Make a page for each source file, with what each function has to do with others.
  const recordings = readRecordings(join(docs, '.vitepress', 'recordings'))
  const relations = new RelationIndex(index)
  relations.addRecordings(recordings)
  relations.addTests(join(root, 'test'))
  rmSync(join(docs, 'source'), { recursive: true, force: true })
  for (const source of index.files) {
    const page = sourcePage(index, source, toHtml, relations)
    write(`source/${source.file.replace(/\.ts$/, '.md')}`, page)
  }
  write('source/index.md', sourceList(index))

  // Make the page of the notes, and one for each recording.
  const notes = readFileSync(join(docs, 'notes', 'call-trace-notes.md'), 'utf8')
  const untold = headingsWithoutChapter(notes, chapterList, join(docs, 'chapters'))
  if (untold.length > 0) throw new Error(untold.join('\n'))
  const walk = notesWalk(notes, ties, index, recordings)
  const expansions = readExpansions(join(docs, 'notes', 'full'), index)
  const tools = expansionTools(index, recordings)
  write('notes/index.md', notesPage(notes, ties, index, walk, { expansions, tools }))
  rmSync(join(docs, 'traces'), { recursive: true, force: true })
  rmSync(join(docs, 'public', 'recordings'), { recursive: true, force: true })
  const colours = new Map<string, readonly string[]>()
  for (const recording of recordings) {
    const { name, title, playback } = recording
    write(`traces/${name}.md`, tracePage(index, recording))
    const data = stepperData(index, name, playback, colours)
    write(`public/recordings/${name}.json`, JSON.stringify(data))
    write(`public/recordings/${name}.txt`, transcriptOf(name, title, playback))
  }
  const timelines = join(docs, '.vitepress', 'recordings', 'perfetto')
  cpSync(timelines, join(docs, 'public', 'recordings', 'perfetto'), { recursive: true })
  write('public/recordings/home/walk.json', JSON.stringify(walk))
  write('public/recordings/home/moments.json', JSON.stringify(homeMoments(recordings)))

  // Make the pages of reference.
  write('kafka-to-ours.md', kafkaToOurs(index))
  write('divergences.md', divergences(index, inline))
  write('config.md', configPage(inline))
  write('errors.md', errorsPage(inline))
  write('metrics.md', metricsPage(inline))
  write('records.md', recordsPage(inline))
  write('states.md', statesPage(inline))
  write('znodes.md', znodesPage(zNodes, inline))
  const examples = readdirSync(join(docs, 'examples')).sort()
  const programs = examples.map((name) =>
    readFileSync(join(docs, 'examples', name), 'utf8'),
  )
  write('examples.md', examplesPage(programs))
  const clients = readFileSync(join(docs, 'clients.json'), 'utf8')
  const suites = readFileSync(join(docs, 'suites.json'), 'utf8')
  write('clients.md', clientsPage(JSON.parse(clients), JSON.parse(suites)))
  rmSync(join(docs, 'protocol'), { recursive: true, force: true })
  write('protocol/index.md', protocolPage(index))
  for (const api of ApiKeys.all) {
    write(`protocol/${api.name}.md`, apiPage(index, api, inline))
  }
  return index
}

/** Reads what the notes say in full, in the order of the numbers of the files. */
function readExpansions(directory: string, index: SourceIndex): Expansion[] {
  return readdirSync(directory)
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    .map((file) => {
      const name = file.replace(/^\d+-|\.md$/g, '')
      return readExpansion(name, readFileSync(join(directory, file), 'utf8'), index)
    })
}

function expansionTools(
  index: SourceIndex,
  recordings: readonly TraceOutput[],
): ExpansionTools {
  const linking = new MarkdownIt({ html: false })
  linkInlineCode(linking, index)
  const plain = new MarkdownIt({ html: false })
  return {
    index,
    sightings: new Sightings(recordings),
    linked: (relativePath, text) => linking.renderInline(text, { relativePath }),
    plain: (text) => plain.renderInline(text),
    traceOf: (heading) => ties.find(({ line }) => line === heading)?.trace ?? '',
  }
}

/** What the picture of the home page shows, moment by moment. */
export function homeMoments(recordings: readonly TraceOutput[]): Moment[] {
  const recording = recordings.find(({ name }) => name === HOME_TRACE)
  if (!recording) throw new Error(`no recording is named ${HOME_TRACE}`)
  return livingMoments(recording.playback)
}

/** A blank line would end a block of HTML in the middle; a comment keeps its place. */
function unbroken(html: string): string {
  return html.replace(/\n(?=[ \t]*\n)/g, '\n<!---->')
}

/** The comments' own form of a link as inline code, which is linked where it is a symbol. */
function linkTags(text: string): string {
  return text.replace(/\{@link ([\w.#]+)\}/g, '`$1`')
}

function sourceList(index: SourceIndex): string {
  const wings = new Map<string, string[]>()
  for (const { file, title, header } of index.files) {
    const wing = file.includes('/') ? file.slice(0, file.indexOf('/')) : '(root)'
    const page = `/source/${file.replace(/\.ts$/, '')}`
    const first = /^[\s\S]*?[.:](?=\s|$)/.exec(header.split('\n\n')[0] ?? '')?.[0] ?? ''
    const text = first.replace(/\s+/g, ' ').replace(/:$/, '.')
    const link =
      `<li><a href="${page}">${escapeHtml(title.replaceAll('`', ''))}</a> ` +
      `<small>${escapeHtml(file)}</small> ${escapeHtml(text.replaceAll('`', ''))}</li>`
    wings.set(wing, [...(wings.get(wing) ?? []), link])
  }
  const parts = [...wings].map(
    ([wing, links]) => `## ${wing}\n\n<ul class="files" v-pre>${links.join('')}</ul>\n`,
  )
  const words = [
    `${index.files.length} files. On the page of each, its comments stand in a margin beside`,
    'the code that they speak of; names in the code are links.',
  ]
  const front = ['---', 'title: Source', '---', '', '# Annotated source', '', ...words]
  return [...front, '', ...parts].join('\n')
}
