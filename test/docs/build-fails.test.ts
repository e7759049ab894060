/**
 * What the build of the site refuses, each shown on a page or a source of a few lines: a
 * name that a page uses and that is gone, code that names nothing, a link without its end,
 * a diagram with a mistake, an export without a comment, a line of the notes without proof.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import MarkdownIt from 'markdown-it'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkDiagrams } from '../../docs/.vitepress/weave/check-diagrams.ts'
import { checkSite } from '../../docs/.vitepress/weave/check-site.ts'
import { undocumentedExports } from '../../docs/.vitepress/weave/check-source.ts'
import {
  expandCodeForms,
  linkInlineCode,
} from '../../docs/.vitepress/weave/markdown-forms.ts'
import { notesPage } from '../../docs/.vitepress/weave/notes-page.ts'
import { SourceIndex } from '../../docs/.vitepress/weave/source-index.ts'
import { checkNotes, parseNotes, type Tie } from '../../src/trace/notes.ts'

const OVEN = `/**
 * # Oven
 *
 * @module
 */

/** Bakes. */
export class Oven {
  bake() {
    // Warm up. Cold bread is no bread.
    this.warm()
  }

  warm() {}
}

/** One of two. */
export function mix(what: string): void
export function mix(what: number): void
export function mix() {}

function knead() {}
`

let dir: string

/** The index of one source. */
function indexOf(source: string): SourceIndex {
  const root = mkdtempSync(join(dir, 'src-'))
  writeFileSync(join(root, 'Oven.ts'), source)
  return SourceIndex.read(root)
}

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'build-fails-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('the build of the site fails', () => {
  it('on a method that a page shows and that was renamed', () => {
    const page = '# Bread\n\n@code Oven.bake\n'
    expect(expandCodeForms(page, indexOf(OVEN))).toContain('bake() {')
    const renamed = indexOf(OVEN.replace('bake()', 'roast()'))
    expect(() => expandCodeForms(page, renamed)).toThrow('Oven.bake')
  })

  it('on a paragraph that a page shows and that was renamed, or stands twice', () => {
    const page = '@code Oven.bake / Warm up'
    expect(expandCodeForms(page, indexOf(OVEN))).toContain('// Warm up. Cold')
    const renamed = indexOf(OVEN.replace('// Warm up', '// Heat up'))
    expect(() => expandCodeForms(page, renamed)).toThrow('0 paragraphs of Oven.bake')
    const twice = '// Warm up. Cold bread is no bread.\n    this.warm()'
    const doubled = indexOf(OVEN.replace(twice, `${twice}\n\n    ${twice}`))
    expect(() => expandCodeForms(page, doubled)).toThrow('2 paragraphs of Oven.bake')
  })

  it('on inline code that names a method which is not there', () => {
    const render = (text: string) => {
      const markdown = new MarkdownIt()
      linkInlineCode(markdown as never, indexOf(OVEN))
      return markdown.render(text, { relativePath: 'chapters/bread.md' })
    }
    expect(render('Call `Oven.warm()`.')).toContain('href="/source/Oven#Oven.warm"')
    expect(() => render('Call `Oven.cool()`.')).toThrow('chapters/bread.md')
    const linked = render('[`Oven.warm`](/elsewhere)')
    expect(linked.match(/<a /g)).toHaveLength(1)
  })

  it('on a dead link and on a dead anchor, in any built page', () => {
    const site = join(dir, 'site')
    mkdirSync(join(site, 'source'), { recursive: true })
    const page = (links: string) => `<main id="top">${links}</main>`
    writeFileSync(join(site, 'index.html'), page('<a href="/source/Oven#top">x</a>'))
    writeFileSync(join(site, 'source', 'Oven.html'), page('<a href="./">x</a>'))
    expect(checkSite(site)).toEqual(['source/Oven.html: ./ leads nowhere'])
    writeFileSync(join(site, 'source', 'Oven.html'), page('<a href="/#crumbs">x</a>'))
    expect(checkSite(site)).toEqual([
      'source/Oven.html: /#crumbs has no such place in index.html',
    ])
  })

  it('on a diagram that does not parse', async () => {
    const diagram = 'sequenceDiagram\n  baker->>oven: bake'
    expect(await checkDiagrams([diagram])).toEqual([])
    const [complaint] = await checkDiagrams([diagram.replace('->>', '=>>')])
    expect(complaint).toContain('a diagram does not parse')
  })

  it('on an export without a comment; of overloads one has it', () => {
    expect(undocumentedExports(indexOf(OVEN))).toEqual([])
    const silent = indexOf(OVEN.replace('/** Bakes. */\n', ''))
    expect(undocumentedExports(silent)).toEqual([
      'src/Oven.ts:7: Oven is exported without a comment',
    ])
  })

  it('on a line of the notes without proof: untied, gone, or never run', () => {
    const tie: Tie = { line: 'bake()', trace: 'bread', sees: [{ frame: 'Oven.bake' }] }
    const index = indexOf(OVEN)
    expect(notesPage('bake()\n', [tie], index)).toContain('href="/traces/bread"')
    expect(() => notesPage('bake()\neat()\n', [tie], index)).toThrow('eat()')
    const gone = { ...tie, sees: [{ frame: 'Oven.roast' }] }
    expect(() => notesPage('bake()\n', [gone], index)).toThrow('Oven.roast')
    const nothing = {
      ...{ name: 'bread', frames: [], changes: [], dropped: 0 },
      isVirtual: false,
    }
    const recordings = new Map([['bread', nothing]])
    const report = checkNotes(parseNotes('bake()\n'), [tie], recordings)
    expect(report.ok).toBe(false)
  })
})
