import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkSite } from '../../docs/.vitepress/weave/check-site.ts'
import {
  expandCodeForms,
  expandTraceForms,
} from '../../docs/.vitepress/weave/markdown-forms.ts'
import { notesPage } from '../../docs/.vitepress/weave/notes-page.ts'
import { readDoc, SourceIndex } from '../../docs/.vitepress/weave/source-index.ts'
import { readNotes } from '../../src/cli/trace.ts'
import { ties } from '../../src/traces/ties.ts'

const SOURCE = `/**
 * # Oven
 *
 * Bakes.
 *
 * @kafka core/Oven.scala#Oven
 * @module
 */

/** Bakes bread. @differs It is faster. */
export class Oven {
  /** Bakes one loaf. */
  bake(loaf) {
    // Warm up. Cold bread is no bread.
    this.warm()

    // Bake it.
    this.heat(loaf)
  }
}
`

let dir: string
let index: SourceIndex

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'weave-'))
  mkdirSync(join(dir, 'src', 'kitchen'), { recursive: true })
  writeFileSync(join(dir, 'src', 'kitchen', 'Oven.ts'), SOURCE)
  index = SourceIndex.read(join(dir, 'src'))
})

afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('SourceIndex', () => {
  it('finds symbols, paragraphs and pointers with their lines', () => {
    expect(index.get('Oven.bake')).toMatchObject({
      file: 'kitchen/Oven.ts',
      from: 13,
      to: 19,
    })
    expect(index.paragraph('Oven.bake', 'Warm up')).toMatchObject({ from: 14, to: 15 })
    expect(index.files[0]).toMatchObject({
      title: 'Oven',
      kafka: ['core/Oven.scala#Oven'],
    })
    expect(index.href(index.get('Oven.bake'))).toBe('/source/kitchen/Oven#Oven.bake')
  })

  it('refuses what is not there', () => {
    expect(() => index.get('Oven.freeze')).toThrow(
      'no symbol of src/ is named Oven.freeze',
    )
    expect(() => index.paragraph('Oven.bake', 'Cool')).toThrow('0 paragraphs')
  })

  it('readDoc() tells prose from tags', () => {
    const doc = readDoc(' * Bakes.\n * @differs it is\n *   faster\n * @kafka a#b')
    expect(doc).toMatchObject({
      prose: 'Bakes.',
      kafka: ['a#b'],
      differs: ['it is faster'],
    })
    const said = '@param degrees in Celsius\n * @returns a loaf\n * @throws when cold'
    expect(readDoc(` * ${said}`).notes).toEqual([
      '- `degrees`: in Celsius',
      '- returns a loaf',
      '- throws when cold',
    ])
  })
})

describe('the forms of an author', () => {
  it('@code shows a symbol or a paragraph, cut from the source', () => {
    const whole = expandCodeForms('@code Oven.bake', index)
    expect(whole).toContain('```ts\nbake(loaf) {\n  // Warm up.')
    const part = expandCodeForms('@code Oven.bake / Bake it', index)
    expect(part).toContain('```ts\n// Bake it.\nthis.heat(loaf)\n```')
  })

  it('@code fails the build for a renamed method or paragraph', () => {
    expect(() => expandCodeForms('@code Oven.roast', index)).toThrow('Oven.roast')
    expect(() => expandCodeForms('@code Oven.bake / Burn', index)).toThrow('Burn')
  })

  it('@trace shows a diagram, and fails for a recording that is not there', () => {
    const lists = { actors: [], functions: [], files: [], sentences: [], frames: [] }
    const playback = { ...lists, steps: [], changes: [], messages: [] }
    const rest = { title: 't', heading: '# h', tree: '', playback }
    const recording = { name: 'baking', mermaid: 'sequenceDiagram', ...rest }
    const page = expandTraceForms('@trace baking', [recording])
    expect(page).toContain('```mermaid\nsequenceDiagram\n```')
    expect(() => expandTraceForms('@trace eating', [])).toThrow('eating')
  })
})

describe('notesPage()', () => {
  const real = SourceIndex.read('src')

  it('links every line to its method', () => {
    const page = notesPage(readNotes(), ties, real)
    expect(page).toContain('href="/source/consumer/ConsumerConnector#Consumer.create"')
    expect(page.match(/<li /g)).toHaveLength(ties.length)
  })

  it('fails for a line without a tie, and for a method that is not in the source', () => {
    expect(() => notesPage(`${readNotes()}\nmore()\n`, ties, real)).toThrow('more()')
    expect(() => notesPage(readNotes(), ties, index)).toThrow('not in src/')
  })
})

describe('checkSite()', () => {
  it('finds links without a page and anchors without a place', () => {
    const site = join(dir, 'site')
    mkdirSync(site)
    const links = ['/b', '/b#here', '/b#there', '/c', 'https://example.org/x', '#top']
    links.push('?step=1', '/b?step=2#here', '/d?step=3')
    const anchors = links.map((href) => `<a href="${href}">x</a>`).join('')
    writeFileSync(join(site, 'a.html'), `<p id="top">${anchors}</p>`)
    writeFileSync(join(site, 'b.html'), '<p id="here"></p>')
    expect(checkSite(site)).toEqual([
      'a.html: /b#there has no such place in b.html',
      'a.html: /c leads nowhere',
      'a.html: /d?step=3 leads nowhere',
    ])
  })
})
