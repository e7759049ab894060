/**
 * # The site's configuration
 *
 * Weaves the generated pages, then tells VitePress what stands where.
 *
 * @module
 */
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'
import { mendApiPage } from './weave/api-pages.ts'
import { frameChapter } from './weave/chapter-frame.ts'
import { chapterList } from './weave/chapters.ts'
import { checkDiagrams } from './weave/check-diagrams.ts'
import { checkSite } from './weave/check-site.ts'
import {
  expandCodeForms,
  expandTerms,
  expandTraceForms,
  isWritten,
  linkInlineCode,
  readTerms,
} from './weave/markdown-forms.ts'
import { searchedText, searchOptions } from './weave/search.ts'
import { shipPlayground } from './weave/ship-playground.ts'
import { readRecordings } from './weave/trace-pages.ts'
import { HOME_TRACE, homeMoments, weave } from './weave/weave.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const index = weave(root)
const recordings = readRecordings(join(root, 'docs', '.vitepress', 'recordings'))
const terms = readTerms(readFileSync(join(root, 'docs', 'glossary.md'), 'utf8'))
shipMermaid()
const playground = shipPlayground(root)

/** Copies Mermaid beside the pages: bundling it would triple the build. */
function shipMermaid(): void {
  const from = join(root, 'node_modules', 'mermaid', 'dist')
  const to = join(root, 'docs', 'public', 'vendor', 'mermaid')
  if (existsSync(to)) return
  mkdirSync(to, { recursive: true })
  cpSync(join(from, 'mermaid.esm.min.mjs'), join(to, 'mermaid.esm.min.mjs'))
  cpSync(
    join(from, 'chunks', 'mermaid.esm.min'),
    join(to, 'chunks', 'mermaid.esm.min'),
    {
      recursive: true,
      filter: (path) => !path.endsWith('.map'),
    },
  )
}

const wings = [...new Set(index.files.map(({ file }) => file))]
  .filter((file) => file.includes('/'))
  .map((file) => file.split('/')[0] ?? '')
  .filter((wing, i, all) => all.indexOf(wing) === i)
const files = new Set(index.files.map(({ file }) => file))
const traces = recordings.map(({ name }) => name)
let diagrams = 0
const drawn = new Set<string>()

export default defineConfig({
  title: 'The Annotated Kafka',
  description: 'Apache Kafka 1.1, from the call traces down to the bytes',
  srcExclude: ['notes/call-trace-notes.md', 'notes/full/*.md'],
  cleanUrls: true,
  // Else a table of all pages stands in each of them.
  metaChunk: true,
  head: [['link', { rel: 'icon', href: '/favicon.svg', type: 'image/svg+xml' }]],
  lastUpdated: false,
  transformPageData({ relativePath, frontmatter }) {
    // A chapter has a foot of its own.
    if (/^chapters\/(?!index)/.test(relativePath)) {
      return { frontmatter: { ...frontmatter, prev: false, next: false } }
    }
    if (relativePath === 'playground.md') return { playground } as object

    // The home page carries the first moment of its picture; the rest comes on demand.
    if (relativePath !== 'index.md') return
    const [first] = homeMoments(recordings)
    return { livingPicture: { trace: HOME_TRACE, first } } as object
  },
  // The home page has no landmark of its own; see `mend-page.ts`.
  transformHtml: (html) => html.replace('class="VPHome"', 'class="VPHome" role="main"'),
  async buildEnd({ outDir }) {
    // Fail for any link whose page or place is not there, and any diagram with a mistake.
    const complaints = [...checkSite(outDir), ...(await checkDiagrams(drawn))]
    if (complaints.length > 0) throw new Error(complaints.join('\n'))
  },
  vite: { build: { chunkSizeWarningLimit: 4000 } },
  markdown: {
    languages: ['ts', 'bash', 'json'],
    config(md) {
      linkInlineCode(md, index)

      // Draw Mermaid fences from their text.
      const fence = md.renderer.rules.fence
      md.renderer.rules.fence = (tokens, i, options, env, self) => {
        const token = tokens[i]
        if (token?.info.trim() !== 'mermaid') {
          return fence?.(tokens, i, options, env, self) ?? ''
        }
        drawn.add(token.content)
        const code = encodeURIComponent(token.content).replaceAll("'", '%27')
        return `<Mermaid id="diagram-${++diagrams}" code="${code}" />`
      }

      // Expand the forms of an author before anything is parsed.
      const parse = md.parse.bind(md)
      md.parse = (source, env) => {
        const path: string = env?.relativePath ?? ''
        if (path.startsWith('api/')) {
          return parse(mendApiPage(path, source, files), env)
        }
        if (!isWritten(path)) return parse(source, env)
        const framed = frameChapter(source, path, index, recordings)
        const linked = expandTerms(framed, terms)
        return parse(expandTraceForms(expandCodeForms(linked, index), recordings), env)
      }
    },
  },
  themeConfig: {
    search: {
      provider: 'local',
      options: {
        miniSearch: { searchOptions },
        _render: (text, env, md) =>
          md.render(searchedText(index, env.relativePath ?? '', text), env),
      },
    },
    outline: [2, 3],
    notFound: {
      title: 'PAGE NOT FOUND',
      quote: 'No page has this address. Names of methods can be looked for above.',
      linkText: 'To the home page',
      linkLabel: 'to the home page',
    },
    nav: [
      { text: 'Notes', link: '/notes/' },
      { text: 'Chapters', link: '/chapters/' },
      { text: 'Traces', link: '/traces/consumer' },
      { text: 'Playground', link: '/playground' },
      { text: 'Source', link: '/source/' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: {
      // Side bars travel in every page, so these two only say where the lists are.
      '/source/': [
        {
          text: 'Source',
          items: [
            { text: 'All files', link: '/source/' },
            ...wings.map((wing) => ({ text: wing, link: `/source/#${wing}` })),
          ],
        },
      ],
      '/api/': [{ text: 'API reference', link: '/api/' }],
      '/': [
        { text: 'The notes', link: '/notes/' },
        { text: 'Playground', link: '/playground' },
        {
          text: 'Chapters',
          items: [
            { text: 'All chapters', link: '/chapters/' },
            ...chapterList.map(({ name, title }) => ({
              text: title,
              link: `/chapters/${name}`,
            })),
          ],
        },
        {
          text: 'Traces',
          items: traces.map((name) => ({ text: name, link: `/traces/${name}` })),
        },
        {
          text: 'Reference',
          items: [
            { text: 'Glossary', link: '/glossary' },
            { text: 'Protocol', link: '/protocol/' },
            { text: 'Records', link: '/records' },
            { text: 'Znodes', link: '/znodes' },
            { text: 'State machines', link: '/states' },
            { text: 'Settings', link: '/config' },
            { text: 'Errors', link: '/errors' },
            { text: 'Metrics', link: '/metrics' },
            { text: 'Clients', link: '/clients' },
            { text: 'From Kafka to here', link: '/kafka-to-ours' },
            { text: 'What differs', link: '/divergences' },
          ],
        },
        {
          text: 'About',
          items: [
            { text: 'Examples', link: '/examples' },
            { text: 'Architecture', link: '/architecture' },
            { text: 'Recording', link: '/recording' },
            { text: 'Benchmarks', link: '/benchmarks' },
            { text: 'How we know', link: '/how-we-know' },
            { text: 'Colophon', link: '/colophon' },
          ],
        },
      ],
    },
  },
})
