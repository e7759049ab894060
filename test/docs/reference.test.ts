/** The pages of states and znodes say what their tables say. */
import { readdirSync, readFileSync } from 'node:fs'
import MarkdownIt from 'markdown-it'
import { describe, expect, it } from 'vitest'
import { checkDiagrams } from '../../docs/.vitepress/weave/check-diagrams.ts'
import {
  expandCodeForms,
  expandTerms,
  linkInlineCode,
  readTerms,
} from '../../docs/.vitepress/weave/markdown-forms.ts'
import { SourceIndex } from '../../docs/.vitepress/weave/source-index.ts'
import {
  machines,
  stateDiagram,
  statesPage,
} from '../../docs/.vitepress/weave/state-pages.ts'
import { znodesPage, znodeTree } from '../../docs/.vitepress/weave/znodes-page.ts'
import { zNodes } from '../../src/zk/ZkData.ts'

const markdown = new MarkdownIt({ html: false })
const inline = (text: string) => markdown.renderInline(text)

describe('statesPage()', () => {
  it('draws an arrow for every move that a table allows', () => {
    const rows = [
      { name: 'Open', previous: ['Shut'] },
      { name: 'Shut', previous: ['Open', 'Shut'] },
    ]
    expect(stateDiagram('Shut', rows).split('\n')).toEqual([
      'stateDiagram-v2',
      '  [*] --> Shut',
      '  Shut --> Open',
      '  Open --> Shut',
      '  Shut --> Shut',
    ])
  })

  it('knows every state that an arrow comes from', () => {
    expect(machines).toHaveLength(5)
    for (const { start, rows } of machines) {
      const names = rows.map(({ name }) => name)
      expect(names).toContain(start)
      for (const { previous } of rows)
        expect(names).toEqual(expect.arrayContaining([...previous]))
    }
  })

  it('has diagrams that parse, and a row for each state', async () => {
    const page = statesPage(inline)
    const drawn = Array.from(
      page.matchAll(/```mermaid\n([\s\S]*?)```/g),
      (m) => m[1] ?? '',
    )
    expect(drawn).toHaveLength(5)
    expect(await checkDiagrams(drawn)).toEqual([])
    const states = machines.reduce((sum, { rows }) => sum + rows.length, 0)
    expect(page.match(/<tr><td><code>/g)).toHaveLength(states)
    expect(page).toContain('<td>StopReplica (delete) to it;')
  })
})

describe('znodesPage()', () => {
  it('has a tree, with inner paths, whose links have their entries', () => {
    expect(znodeTree(['/a/b/<x>', '/a-c', '/a/b'])).toBe(
      '<pre v-pre>/a\n  <a href="#znode-a-b">/b</a>\n' +
        '    <a href="#znode-a-b-x">/&lt;x&gt;</a>\n<a href="#znode-a-c">/a-c</a></pre>',
    )
    const page = znodesPage(zNodes, inline)
    const targets = Array.from(page.matchAll(/href="#([^"]+)"/g), (m) => m[1])
    const ids = Array.from(page.matchAll(/ id="([^"]+)"/g), (m) => m[1])
    expect(targets.sort()).toEqual(ids.sort())
    expect(new Set(ids).size).toBe(Object.keys(zNodes).length)
  })
})

/** Pages that somebody wrote; those beside them are made by the weave. */
const WRITTEN = [
  ...readdirSync('docs/chapters').map((name) => `chapters/${name}`),
  ...['architecture', 'benchmarks', 'colophon', 'glossary', 'how-we-know'].map(
    (name) => `${name}.md`,
  ),
  'recording.md',
]

describe('written pages', () => {
  it('quote code and name terms that are there, and draw what can be drawn', async () => {
    const index = SourceIndex.read('src')
    const terms = readTerms(readFileSync('docs/glossary.md', 'utf8'))
    const page = new MarkdownIt()
    linkInlineCode(page as never, index)
    const drawn: string[] = []
    for (const name of WRITTEN) {
      const text = readFileSync(`docs/${name}`, 'utf8')
      for (const [, code = ''] of text.matchAll(/```mermaid\n([\s\S]*?)```/g)) {
        drawn.push(code)
      }
      const expanded = expandCodeForms(expandTerms(text, terms), index)
      expect(expanded, name).not.toMatch(/^@code /m)
      expect(() => page.render(expanded, { relativePath: name })).not.toThrow()
    }
    expect(drawn.length).toBeGreaterThan(0)
    expect(await checkDiagrams(drawn)).toEqual([])
  })

  it('name tests that are there, by file and title', () => {
    const shown: string[] = []
    for (const name of readdirSync('docs/chapters')) {
      const text = readFileSync(`docs/chapters/${name}`, 'utf8').replace(/\s+/g, ' ')
      for (const [, path, title] of text.matchAll(/`(test\/\S+)`(?:, \*([^*]+)\*)?/g)) {
        const source = readFileSync(path ?? '', 'utf8')
        if (title) expect(source, `${name} shows`).toContain(`'${title}'`)
        shown.push(path ?? '')
      }
    }
    expect(shown.length).toBeGreaterThan(10)
  })
})
