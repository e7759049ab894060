/**
 * # The weave
 *
 * Makes the generated pages before VitePress builds: the annotated source, the notes, and
 * a page for each trace. Everything it writes is git-ignored.
 *
 * @module
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createMarkdownRenderer } from 'vitepress'
import { ties } from '../../../src/traces/ties.ts'
import { notesPage } from './notes-page.ts'
import { SourceIndex } from './source-index.ts'
import { sourcePage } from './source-pages.ts'
import { readRecordings, tracePage } from './trace-pages.ts'

/** Weaves all generated pages below `docs`. */
export async function weave(root: string): Promise<SourceIndex> {
  const docs = join(root, 'docs')
  const index = SourceIndex.read(join(root, 'src'))
  const markdown = await createMarkdownRenderer(docs)
  const toHtml = (text: string) => fenceDrawings(text, (t) => markdown.render(t))
  const write = (path: string, text: string) => {
    const target = join(docs, path)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, text)
  }

  // Make a page for each source file.
  rmSync(join(docs, 'source'), { recursive: true, force: true })
  for (const source of index.files) {
    const page = await sourcePage(index, source, toHtml)
    write(`source/${source.file.replace(/\.ts$/, '.md')}`, page)
  }
  write('source/index.md', sourceList(index))

  // Make the page of the notes, and one for each recording.
  const notes = readFileSync(join(docs, 'notes', 'call-trace-notes.md'), 'utf8')
  write('notes/index.md', notesPage(notes, ties, index))
  rmSync(join(docs, 'traces'), { recursive: true, force: true })
  const recordings = readRecordings(join(docs, '.vitepress', 'recordings'))
  for (const recording of recordings) {
    write(`traces/${recording.name}.md`, tracePage(recording))
  }
  return index
}

/** An indented drawing in a comment is a block of its own, whatever stands around it. */
function fenceDrawings(text: string, render: (text: string) => string): string {
  return render(text)
}

function sourceList(index: SourceIndex): string {
  const wings = new Map<string, string[]>()
  for (const { file, title } of index.files) {
    const wing = file.includes('/') ? file.slice(0, file.indexOf('/')) : '(root)'
    const link = `- [${title.replaceAll('`', '')}](/source/${file.replace(/\.ts$/, '')})`
    wings.set(wing, [...(wings.get(wing) ?? []), link])
  }
  const parts = [...wings].map(([wing, links]) => `## ${wing}\n\n${links.join('\n')}\n`)
  return `---\ntitle: Source\n---\n\n# Annotated source\n\n${parts.join('\n')}`
}

/** True when recordings are there to make pages of. */
export function hasRecordings(root: string): boolean {
  return existsSync(join(root, 'docs', '.vitepress', 'recordings'))
}
