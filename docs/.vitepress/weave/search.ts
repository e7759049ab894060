/**
 * # What the search finds first
 *
 * Somebody who types a name wants the thing of that name: its source, or its word in the
 * glossary. Pages that only mention it come after.
 *
 * @module
 */
import type { SourceIndex } from './source-index.ts'

/**
 * The weight of an entry for a term that it contains.
 *
 * It travels to the browser as text, so it uses nothing from outside itself.
 *
 * @param id address of the entry: `/source/log/Log#Log.append`.
 * @param term in lower case.
 * @param stored the heading of the entry.
 * @returns a factor of its score.
 */
export function boostDocument(
  id: string,
  term: string,
  stored?: Record<string, unknown>,
): number {
  const title = String(stored?.title ?? '').toLowerCase()
  if (id.startsWith('/glossary')) return title.includes(term) ? 4 : 1
  if (!id.startsWith('/source/')) return 1
  const names = title.split('.')
  const isAside = /^\/source\/(cli|testing|traces?|protocol\/messages)\//.test(id)
  const weight = isAside ? 0.3 : 1
  if (!names.includes(term)) return weight
  return weight * (names.length > 1 && names[1] === term ? 6 : 4)
}

/** How a search goes: a name as it is typed counts more than one that is only like it. */
export const searchOptions = { boostDocument, weights: { fuzzy: 0.1, prefix: 0.2 } }

/**
 * What of a page is searched: of a source page the names of its symbols, of a recording
 * its heading, of the API reference nothing, of any other page all.
 *
 * @param path of the page, below `docs`.
 * @param text of the page, as markdown.
 */
export function searchedText(index: SourceIndex, path: string, text: string): string {
  if (path.startsWith('api/')) return ''
  if (path.startsWith('source/')) return symbolHeadings(index, path)
  if (path.startsWith('traces/')) return text.slice(0, text.indexOf('\n<ClientOnly>'))
  return text
}

/** A source page as a search index sees it: one heading for each symbol. */
function symbolHeadings(index: SourceIndex, path: string): string {
  const name = path.replace(/^source\//, '').replace(/\.md$/, '.ts')
  const source = index.files.find(({ file }) => file === name)
  if (!source) return ''
  const ids = new Set(source.symbols.map(({ id }) => id))
  const headings = [...ids].map((id) => `## ${id} {#${id}}\n\nsrc/${name}\n`)
  const title = source.title.replaceAll('`', '')
  return [`# ${title} {#of-this-file}\n`, ...headings].join('\n')
}
