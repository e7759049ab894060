/**
 * # Where Kafka's parts are, and what differs
 *
 * Two pages made of tags in doc comments: `@kafka path#symbol` says what a symbol answers
 * to in Kafka 1.1.1, `@differs` where it does something else, and why. A tag that begins
 * with `none:` names something outside Kafka.
 *
 * @module
 */

import { escapeHtml } from './colour.ts'
import type { SourceFile, SourceIndex, SourceSymbol } from './source-index.ts'

/** Makes one line of markdown HTML, with links on names of symbols. */
export type Inline = (markdown: string) => string

/** A tag, with the thing of ours that carries it. */
interface Pointer {
  readonly text: string
  readonly name: string
  readonly href: string
}

const NONE = /^none:\s*/

/** The page that leads from Kafka's files to ours. */
export function kafkaToOurs(index: SourceIndex): string {
  // Sort the pointers: by folder and file of Kafka; what is not Kafka's goes last.
  const folders = new Map<string, Map<string, Pointer[]>>()
  const outside: Pointer[] = []
  for (const pointer of pointersOf(index, 'kafka')) {
    if (NONE.test(pointer.text)) {
      outside.push(pointer)
      continue
    }
    const path = (pointer.text.split('#')[0] ?? '').trim()
    const cut = path.lastIndexOf('/')
    const folder = path.slice(0, cut)
    const files = folders.get(folder) ?? new Map<string, Pointer[]>()
    const file = path.slice(cut + 1)
    files.set(file, [...(files.get(file) ?? []), pointer])
    folders.set(folder, files)
  }

  const parts = [...folders].sort(byName).map(([folder, files]) => {
    const rows = [...files].sort(byName).map(([file, pointers]) => {
      const sorted = pointers.sort((a, b) => compare(a.text, b.text))
      // A file and its class of one name are one entry, which leads to the class.
      const ours = new Map(sorted.map((p) => [linkText(p), entry(p)]))
      const links = [...ours.values()].join(', ')
      return `<tr><td>${breakable(file)}</td><td>${links}</td></tr>`
    })
    return `## ${packageOf(folder)}\n\n${stackedTable(['Kafka 1.1.1', 'here'], rows)}\n`
  })
  const rest = outside.map(
    ({ text, name, href }) =>
      `<tr><td>${breakable(text.replace(NONE, ''))}</td>` +
      `<td><a href="${href}">${escapeHtml(name)}</a></td></tr>`,
  )
  return page('From Kafka to here', [
    `Every class of Kafka 1.1.1 that has a counterpart here, ${folders.size} packages of them,`,
    'from the `@kafka` tags of the source. An arrow stands where the names differ.',
    '',
    ...parts,
    '## Outside Kafka',
    '',
    "Parts that answer to ZooKeeper's server or to Java's own library.",
    '',
    stackedTable(['original', 'here'], rest),
  ])
}

/** The page of everything that differs from Kafka 1.1.1. */
export function divergences(index: SourceIndex, inline: Inline): string {
  const wings = new Map<string, string[]>()
  for (const { file, pointers } of byFile(index, 'differs')) {
    const wing = file.split('/')[0] ?? ''
    const rows = pointers.map(
      ({ text, name, href }) =>
        `<tr><td><a href="${href}">${breakable(name)}</a></td>` +
        `<td>${inline(text)}</td></tr>`,
    )
    wings.set(wing, [...(wings.get(wing) ?? []), ...rows])
  }
  const count = [...wings.values()].reduce((sum, rows) => sum + rows.length, 0)
  return page('What differs', [
    `${count} places where something is done otherwise than in Kafka 1.1.1 (or, in`,
    '`zookeeper/`, than in ZooKeeper), and why: the `@differs` tags of the source, wing by',
    'wing.',
    '',
    ...[...wings].map(
      ([wing, rows]) => `## ${wing}\n\n${stackedTable(['at', 'what'], rows)}\n`,
    ),
  ])
}

/** A table of HTML: markdown's own would need every bar and brace escaped. */
export function table(head: readonly string[], rows: readonly string[]): string {
  const cells = head.map((text) => `<th>${text}</th>`).join('')
  return (
    `<table class="reference" v-pre><thead><tr>${cells}</tr></thead>` +
    `<tbody>${rows.join('')}</tbody></table>`
  )
}

/**
 * A table that a phone shows as a list: each row below the other, its cells, too.
 *
 * @param labelled columns whose cells say there what they are.
 */
export function stackedTable(
  head: readonly string[],
  rows: readonly string[],
  labelled: readonly string[] = [],
): string {
  const stacked = rows.map((row) => {
    let column = 0
    return row.replace(/<td/g, (cell) => {
      const name = head[column++] ?? ''
      return labelled.includes(name) ? `${cell} data-label="${name}"` : cell
    })
  })
  return table(head, stacked).replace('"reference"', '"reference stack"')
}

/** A long name in code, with the places where it may break. */
export function breakable(name: string): string {
  return `<code>${withBreaks(name)}</code>`
}

/** The HTML of a name that may break behind `.`, `_`, `/` and the like, and before a capital. */
export function withBreaks(name: string): string {
  const parts = name.split(/(?<=[._:,/=])(?=[A-Za-z<])|(?<=[a-z])(?=[A-Z])/)
  return parts.map(escapeHtml).join('<wbr>')
}

/**
 * A generated page: its title, then lines of markdown.
 *
 * @param isWide whether it takes the room of the outline as well: tables of many columns.
 */
export function page(title: string, lines: readonly string[], isWide = false): string {
  const wide = isWide ? ['aside: false', 'pageClass: wide-page'] : []
  const front = ['---', `title: ${title}`, ...wide, '---']
  return [...front, '', `# ${title}`, '', ...lines, ''].join('\n')
}

function pointersOf(index: SourceIndex, tag: 'kafka' | 'differs'): Pointer[] {
  return byFile(index, tag).flatMap(({ pointers }) => pointers)
}

function byFile(index: SourceIndex, tag: 'kafka' | 'differs') {
  return index.files
    .map((source) => ({ file: source.file, pointers: ofFile(index, source, tag) }))
    .filter(({ pointers }) => pointers.length > 0)
}

function ofFile(
  index: SourceIndex,
  source: SourceFile,
  tag: 'kafka' | 'differs',
): Pointer[] {
  const title = source.title.replaceAll('`', '')
  const name = index.find(title)?.file === source.file ? title : source.file
  const href = `/source/${source.file.replace(/\.ts$/, '')}`
  const own = source[tag].map((text) => ({ text, name, href }))
  const seen = new Set(own.map(({ text, name }) => `${name} ${text}`))
  const ofSymbols = source.symbols
    .filter((symbol, i) => isFirst(source.symbols, symbol, i))
    .flatMap((symbol) =>
      symbol[tag].map((text) => ({ text, name: symbol.id, href: index.href(symbol) })),
    )
    // A header and its class often carry the same tag.
    .filter(({ text, name }) => !seen.has(`${name} ${text}`))
  return [...own, ...ofSymbols]
}

/** Overloads share a name and a doc comment: one is enough. */
function isFirst(all: readonly SourceSymbol[], { id }: SourceSymbol, i: number) {
  return all.findIndex((symbol) => symbol.id === id) === i
}

function entry(pointer: Pointer): string {
  const { name, href } = pointer
  const before = linkText(pointer).slice(0, -name.length)
  return `${escapeHtml(before)}<a href="${href}">${escapeHtml(name)}</a>`
}

/** The words of an entry: our name, after theirs where it is another. */
function linkText({ text, name }: Pointer): string {
  const theirs = text.split('#')[1]
  const same = theirs === undefined || theirs === name || name.endsWith(`.${theirs}`)
  return same ? name : `${theirs} → ${name}`
}

/** `kafka.server` of `core/src/main/scala/kafka/server`. */
function packageOf(folder: string): string {
  return folder.replace(/^\w+\/src\/\w+\/(scala|java)\//, '').replaceAll('/', '.')
}

function byName(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return compare(a[0], b[0])
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
