/**
 * The notes in full: what a file of them may say, what the build refuses, and that every
 * line of the notes has its step there.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import MarkdownIt from 'markdown-it'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allSteps, readExpansion } from '../../docs/.vitepress/weave/expansion.ts'
import {
  type ExpansionTools,
  expansionHtml,
  Sightings,
} from '../../docs/.vitepress/weave/expansion-page.ts'
import { linkInlineCode } from '../../docs/.vitepress/weave/markdown-forms.ts'
import { notesPage } from '../../docs/.vitepress/weave/notes-page.ts'
import { SourceIndex } from '../../docs/.vitepress/weave/source-index.ts'
import type { Tie } from '../../src/trace/notes.ts'

const OVEN = `/** Bakes. */
export class Oven {
  bake() {
    // Warm up. Cold bread is no bread.
    this.warm()
  }

  warm() {}
}
`
const BAKING = `# # Oven

- \`Oven.bake\`: bakes
  - L: \`heatLock\`, so that one
    bakes at a time @ Warm up
  - D: {num.io.threads} ovens
  - E: the flour is out: NOT_LEADER_FOR_PARTITION
  - \`Oven.warm\`: waits
`

let dir: string
let index: SourceIndex
let tools: ExpansionTools

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'in-full-'))
  writeFileSync(join(dir, 'Oven.ts'), OVEN)
  index = SourceIndex.read(dir)
  const linking = new MarkdownIt()
  linkInlineCode(linking as never, index)
  const playback = {
    ...{ actors: ['main'], functions: ['Oven.bake'], sentences: ['Warm up'] },
    ...{ frames: [[0, -1, 0, '', '']], changes: [], messages: [] },
    steps: [
      [0, -1],
      [0, 0],
      [0, -2],
    ],
  } as never
  const recording = { name: 'bread', title: '', heading: '', mermaid: '', tree: '' }
  tools = {
    index,
    sightings: new Sightings([{ ...recording, playback }]),
    linked: (relativePath, text) => linking.renderInline(text, { relativePath }),
    plain: (text) => new MarkdownIt().renderInline(text),
    traceOf: () => 'bread',
  }
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const read = (text: string) => readExpansion('oven', text, index)

describe('the notes in full', () => {
  it('has folds, facts by kind, defaults of the program, proofs of a recording', () => {
    const html = expansionHtml([read(BAKING)], tools)
    expect(html).toContain('<li class="step" id="oven.Oven.bake"><details><summary>')
    expect(html).toMatch(
      /href="\/traces\/bread\?step=Oven\.bake~\w{6}">recorded in bread/,
    )
    expect(html).toContain('so that one bakes at a time')
    expect(html).toMatch(/class="seen" href="[^"]*step=Oven\.bake\/warm-up~/)
    expect(html).toContain('/config#num.io.threads')
    expect(html).toMatch(/num\.io\.threads<\/code><\/a> = <strong>8<\/strong> ovens/)
    expect(html).toContain('href="/errors#not_leader_for_partition"')
    expect(html).toContain('<li class="step leaf" id="oven.Oven.warm">')
    expect(html.match(/type="checkbox"/g)).toHaveLength(7)
    expect(html).not.toMatch(/<summary>(?:(?!<\/summary>).)*<a /)
  })

  it('writes $ for the class of the call above, and reads it', () => {
    const dollar = read(
      BAKING.replace('`Oven.warm`', '`$.warm`').replace('@ W', '@ $.bake / W'),
    )
    expect(allSteps(dollar.steps).map(({ name }) => name)).toEqual([
      ...['Oven.bake', 'Oven.warm'],
    ])
    const html = expansionHtml([dollar], tools)
    expect(html).toBe(expansionHtml([read(BAKING)], tools))
    expect(html).toContain('<code>Oven.bake</code>')
    expect(html).toContain('<code>$.warm</code>')
    expect(html).toContain('id="oven.Oven.warm"')
  })

  it.each([
    ['a $ without a class', '`Oven.bake`', '`$.bake`', '3: $ has no class above it'],
    [
      'a step that is gone',
      'Oven.warm',
      'Oven.cool',
      '8: no symbol of src/ is named Oven.cool',
    ],
    ['a paragraph that is gone', '@ Warm', '@ Heat', '4: 0 paragraphs of Oven.bake'],
    ['a setting', 'num.io.threads', 'num.ovens', '6: no setting is named num.ovens'],
    ['an error', 'NOT_LEADER_', 'NO_BAKER_', '7: no error is named NO_BAKER_FOR'],
    ['neither step nor fact', '`Oven.warm`: ', 'then ', '8: neither a step nor a fact'],
    ['a fact without a step', '- `Oven.bake`: bakes', '- S: warm', '3: a fact stands'],
    ['an item too deep', '  - D: {', '      - D: {', '6: stands too deep'],
    ['no heading', '# # Oven', 'Oven', '1: no heading'],
  ])('fails the build for %s', (_, from, to, message) => {
    expect(() => read(BAKING.replace(from, to))).toThrow(`oven.md:${message}`)
  })

  it('fails the build for a name within a fact that is gone', () => {
    const expansion = read(BAKING.replace('`heatLock`', '`Oven.lock`'))
    expect(() => expansionHtml([expansion], tools)).toThrow('oven.md: no symbol')
  })

  it('fails the build for a line of the notes that it does not tell', () => {
    const ties: Tie[] = [
      { line: '# Oven', trace: 'bread', sees: [] },
      { line: 'bake()', trace: 'bread', sees: [{ frame: 'Oven.bake' }] },
    ]
    const notes = '# Oven\nbake()\n'
    const full = { expansions: [read(BAKING)], tools }
    const page = notesPage(notes, ties, index, [], full)
    expect(page).toContain('href="#oven.Oven.bake"')
    expect(page).toContain('3 facts about\n2 steps')
    const less = read('# # Oven\n\n- `Oven.warm`: waits\n')
    expect(() =>
      notesPage(notes, ties, index, [], { expansions: [less], tools }),
    ).toThrow('no step in full for line 2 of the notes: bake()')
  })

  it('of this project tells more of each heading than its calls', () => {
    const real = SourceIndex.read('src')
    const files = readdirSync('docs/notes/full')
    for (const file of files) {
      const text = readFileSync(join('docs/notes/full', file), 'utf8')
      const steps = allSteps(readExpansion(file, text, real).steps)
      const kinds = new Set(
        steps.flatMap(({ parts }) => parts.map((p) => ('kind' in p ? p.kind : ''))),
      )
      expect(kinds.size, file).toBeGreaterThanOrEqual(5)
    }
    expect(files.length).toBeGreaterThanOrEqual(7)
  })
})
