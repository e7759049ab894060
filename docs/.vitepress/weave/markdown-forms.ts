/**
 * # The forms of an author
 *
 * What a hand-written page may contain beside markdown:
 *
 * - `@code Log.append` alone on a line: the whole symbol, with its location;
 * - `@code Log.append / Assign offsets`: one paragraph of it;
 * - `@trace produce`: the diagram of a recording, and a link to all of it;
 *   `@trace produce / Log.append` (perhaps with `/ Assign offsets`): the cluster when the run
 *   comes there; `@trace produce / Produce request`: the first of them, byte by byte;
 *   `@trace compaction / files / Cleaner.doClean`: the files of a log then, and in the end;
 *   `@trace find-offset / search / Log.read`: a search through one; `@trace replicate / batch`:
 *   the first batch, with the bytes that the broker wrote;
 * - inline code in the shape of a symbol: a link to its annotated source;
 * - `[[high watermark]]`: a link to its place in the glossary; `[[copies|replica]]` says it
 *   in other words.
 *
 * A name that does not resolve fails the build; so does inline code of the shape
 * `Class.method` on a page that is written by hand.
 *
 * @module
 */

import { ApiKeys } from '../../../src/protocol/ApiKeys.ts'
import { type ClusterMoment, momentOf } from './cluster-moment.ts'
import { escapeHtml } from './colour.ts'
import { batchFigure, filesFigure, searchFigure } from './log-picture.ts'
import { breakable, withBreaks } from './pointer-pages.ts'
import type { SourceIndex } from './source-index.ts'
import type { TraceOutput } from './trace-pages.ts'
import { wireStrip } from './wire-strip.ts'

// What is used of markdown-it; its types are not a dependency of ours.
interface Markdown {
  readonly renderer: { readonly rules: Record<string, unknown> }
}

interface Token {
  readonly content: string
  readonly type?: string
}

/** Replaces `@trace` lines: by a diagram, the cluster at a moment, or a request in bytes. */
export function expandTraceForms(
  markdown: string,
  recordings: readonly TraceOutput[],
): string {
  return markdown.replace(/^@trace (.+)$/gm, (_, target: string) => {
    const [name = '', what, beginning, more] = target
      .split(' / ')
      .map((part) => part.trim())
    const recording = recordings.find((candidate) => candidate.name === name)
    if (!recording) throw new Error(`no recording is named ${name}`)
    const api = what === undefined ? undefined : /^(\w+) request$/.exec(what)?.[1]
    if (api !== undefined) return wireOf(recording, api)
    if (what === 'batch') return batchFigure(recording)
    if (what === 'files' && beginning) return filesFigure(recording, beginning, more)
    if (what === 'search' && beginning) return searchFigure(recording, beginning)
    if (what !== undefined) return momentForm(momentOf(recording, what, beginning))
    const link = `[The whole recording](/traces/${recording.name}) has the call tree.`
    return ['```mermaid', recording.mermaid, '```', '', link].join('\n')
  })
}

function wireOf({ name, wires = [] }: TraceOutput, api: string): string {
  const wire = wires.find(({ apiKey }) => ApiKeys.forId(apiKey)?.name === api)
  if (!wire) throw new Error(`the recording ${name} has kept no ${api} request`)
  return wireStrip(wire, name)
}

/** The picture is drawn by the theme's own component, while the site is built. */
function momentForm(moment: ClusterMoment): string {
  const data = encodeURIComponent(JSON.stringify(moment)).replaceAll("'", '%27')
  return `<ClusterMoment moment="${data}" />`
}

/** Replaces `@code` lines by fences that carry their location. */
export function expandCodeForms(markdown: string, index: SourceIndex): string {
  return markdown.replace(/^@code (.+)$/gm, (_, target: string) => {
    const [id = '', sentence] = target.split(' / ').map((part) => part.trim())
    const symbol = index.get(id)
    const place = sentence === undefined ? symbol : index.paragraph(id, sentence)
    const source = index.files.find((file) => file.file === place.file)
    const lines = source?.text.split('\n').slice(place.from - 1, place.to) ?? []
    const indent = Math.min(
      ...lines.filter((l) => l.trim()).map((l) => l.length - l.trimStart().length),
    )
    const code = lines.map((l) => l.slice(indent)).join('\n')
    const where = `src/${place.file}`
    return [
      `<p class="location"><a href="${index.href(symbol)}">${withBreaks(id)}</a> ${breakable(where)}</p>`,
      '',
      '```ts',
      code,
      '```',
    ].join('\n')
  })
}

/** The terms of a glossary: its headings of the third level. */
export function readTerms(glossary: string): ReadonlySet<string> {
  return new Set(
    Array.from(glossary.matchAll(/^### (.+)$/gm), ([, term = '']) =>
      term.toLowerCase(),
    ),
  )
}

/** Replaces `[[term]]` by links into the glossary. */
export function expandTerms(markdown: string, terms: ReadonlySet<string>): string {
  return markdown.replace(
    /\[\[([\w -]+)(?:\|([\w -]+))?\]\]/g,
    (_, text: string, term = text) => {
      const name = term.toLowerCase()
      if (!terms.has(name)) throw new Error(`the glossary has no term "${term}"`)
      return `[${text}](/glossary#${name.replaceAll(' ', '-')}){.term}`
    },
  )
}

/** Whether somebody wrote the page, of which VitePress tells the path. */
export function isWritten(path: string | undefined): boolean {
  return path !== undefined && !/^(api|source|notes|traces|protocol)\//.test(path)
}

/** Makes inline code that names a symbol a link to it. */
export function linkInlineCode(md: Markdown, index: SourceIndex): void {
  md.renderer.rules.code_inline = (
    tokens: Token[],
    i: number,
    _options?: unknown,
    env?: { readonly relativePath?: string },
  ): string => {
    const { content } = tokens[i] ?? { content: '' }
    const isLongName = /^[\w./<>]{25,}$/.test(content)
    const html = isLongName
      ? breakable(content)
      : `<code v-pre>${escapeHtml(content)}</code>`
    if (isInLink(tokens, i)) return html
    const id = content.replace(/\(\)$/, '')
    const symbol = /^(new )?[A-Z]\w+(\.\w+)?$/.test(id) ? index.find(id) : undefined
    if (symbol) return `<a href="${index.href(symbol)}">${html}</a>`
    if (isWritten(env?.relativePath) && /^[A-Z]\w+\.[a-z]\w+$/.test(id)) {
      throw new Error(`${env?.relativePath}: no symbol of src/ is named ${id}`)
    }
    return html
  }
}

/** Whether a token stands within the words of a link: a link holds no other. */
function isInLink(tokens: readonly Token[], at: number): boolean {
  const before = tokens.slice(0, at).map(({ type }) => type)
  return before.lastIndexOf('link_open') > before.lastIndexOf('link_close')
}
