import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import MarkdownIt from 'markdown-it'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { colourLines } from '../../docs/.vitepress/weave/colour.ts'
import {
  expandTerms,
  isWritten,
  linkInlineCode,
  readTerms,
} from '../../docs/.vitepress/weave/markdown-forms.ts'
import {
  breakable,
  divergences,
  kafkaToOurs,
} from '../../docs/.vitepress/weave/pointer-pages.ts'
import { SourceIndex } from '../../docs/.vitepress/weave/source-index.ts'
import { sourcePage } from '../../docs/.vitepress/weave/source-pages.ts'
import { stepperData } from '../../docs/.vitepress/weave/stepper-data.ts'
import {
  apiPage,
  clientsPage,
  configPage,
  errorsPage,
  metricsPage,
  protocolPage,
  type SuiteOutcome,
} from '../../docs/.vitepress/weave/table-pages.ts'
import { tracePage } from '../../docs/.vitepress/weave/trace-pages.ts'
import { ApiKeys } from '../../src/protocol/ApiKeys.ts'

const OVEN = `/**
 * # Oven
 *
 * Bakes.
 *
 * @kafka core/src/main/scala/kafka/kitchen/Oven.scala#Oven
 * @module
 */
import { Dough } from '../larder/Dough.ts'

const HOT = 230

/**
 * Bakes bread.
 *
 * @kafka core/src/main/scala/kafka/kitchen/Oven.scala#Stove
 * @differs it never cools.
 */
export class Oven {
  bake(loaf: Dough): string {
    // Warm up. A {{ template }} stays as it is.
    this.warm(HOT)

    return \`<b>\${Dough.of(loaf)}</b>\`
  }

  warm(degrees: number) {}

  /** How warm it is. */
  heat = 20
}
`
const DOUGH = `/**
 * # Dough
 *
 * @kafka none: org/example/Dough.java
 * @module
 */

/** Flour and water. */
export class Dough {
  /** Makes one. */
  static of(what: unknown) {}
}
`

const EXAMPLE = `/** An example with the name of something else. */
export const bakeBread = {
  async run(record: () => void) {
    // Light the oven.
    record()
  },
}
`
const NAMESAKE = `/** Not an example. */
export function bakeBread() {}
`

let dir: string
let index: SourceIndex
const markdown = new MarkdownIt({ html: false })
const inline = (text: string) => markdown.renderInline(text)
const file = (name: string) => index.files.find((source) => source.file === name)!

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'pages-'))
  for (const [name, text] of Object.entries({
    'kitchen/Oven.ts': OVEN,
    'larder/Dough.ts': DOUGH,
    'larder/bake-bread.ts': NAMESAKE,
    'traces/examples/bake-bread.ts': EXAMPLE,
  })) {
    mkdirSync(join(dir, name, '..'), { recursive: true })
    writeFileSync(join(dir, name), text)
  }
  index = SourceIndex.read(dir)
})

afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('colourLines()', () => {
  const lines = () => colourLines(index, file('kitchen/Oven.ts'))

  it('keeps every line and every character', () => {
    const text = lines()
      .map((line) => line.replace(/<[^>]*>/g, ''))
      .join('\n')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&amp;', '&')
    expect(text).toBe(OVEN)
  })

  it('links names that are imported, declared here, or of this class', () => {
    const html = lines().join('\n')
    expect(html).toContain('href="/source/larder/Dough#Dough"')
    expect(html).toContain('href="/source/larder/Dough#Dough.of"')
    expect(html).toContain('href="/source/kitchen/Oven#Oven.warm"')
    expect(html).toContain('href="/source/kitchen/Oven#HOT"')
  })

  it('tells keywords, strings and comments apart', () => {
    expect(lines()).toContain(
      '<span class="k">const</span> HOT = <span class="n">230</span>',
    )
    const declared = lines().find((line) => line.includes('degrees'))
    expect(declared).toContain('<span class="f">warm</span>(degrees: ')
    expect(lines().join('\n')).toContain('<span class="c">// Warm up.')
  })

  it('holds for files of the project, every one in the full form', () => {
    const real = SourceIndex.read('src')
    const step = process.env.SITE_FULL === '1' ? 1 : 8
    const some = real.files.filter((_, i) => i % step === 0)
    for (const source of some) {
      const count = source.text.split('\n').length
      expect(colourLines(real, source), source.file).toHaveLength(count)
    }
  }, 120_000)
})

describe('sourcePage()', () => {
  it('puts the comment of a paragraph beside its code, safe from Vue', () => {
    const page = sourcePage(index, file('kitchen/Oven.ts'), (text) =>
      markdown.render(text),
    )
    expect(page).toContain('title: "Oven"')
    expect(page).toContain('<summary>imports</summary>')
    expect(page).toMatch(/v-pre>.*<p>Warm up. A {{ template }} stays as it is\.<\/p>/)
    expect(page).toContain('id="Oven.bake"')
    expect(page).toContain('differs: it never cools.')
    expect(page).not.toContain('<b>')
  })

  it('puts the comment of a field beside it, too', () => {
    const page = sourcePage(index, file('kitchen/Oven.ts'), (text) =>
      markdown.render(text),
    )
    expect(page).toMatch(
      /<p>How warm it is\.<\/p>\n?<\/div><div class="code">.*heat = /,
    )
  })

  it('gives the header of a module to nobody but the module', () => {
    expect(index.get('HOT')).toMatchObject({ doc: '', kafka: [] })
  })
})

describe('tracePage()', () => {
  const playback = {
    actors: ['main', 'oven 1'],
    functions: ['Oven.bake'],
    files: [],
    sentences: ['Warm up'],
    frames: [[0, -1, 1, 'loaf: Dough', '→ bread']],
    steps: [
      [0, -1],
      [0, 0],
      [0, -2],
    ],
    changes: [],
    messages: [[0, 2, 0, 1, 'Bake request', 41]],
  } as const

  it('lists the messages, each with the step at which it leaves', () => {
    const rest = { name: 'n', title: 't', heading: '# h', mermaid: '', tree: '' }
    const page = tracePage(index, { ...rest, playback })
    expect(page).toContain('<Stepper name="n" />')
    expect(page).toMatch(
      /<li><a href="\?step=Oven\.bake~\w{6}">program → oven 1<\/a> Bake request, 41 bytes/,
    )
    expect(page).toContain('href="/recordings/n.txt"')
    expect(page).toContain('href="/recordings/perfetto/n.json"')
  })

  it('gives the stepper the source of what ran, with its paragraphs', () => {
    const { sources } = stepperData(index, 'n', playback)
    const [view] = sources[0] ?? []
    expect(view?.lines[0]?.replace(/<[^>]*>/g, '')).toBe('bake(loaf: Dough): string {')
    expect(view?.paragraphs).toEqual([['Warm up', 1, 2]])
    expect(view?.href).toBe('/source/kitchen/Oven#Oven.bake')
  })

  it('takes the outermost call for the program of the example', () => {
    const outermost = { ...playback, functions: ['bake-bread'] }
    const { sources } = stepperData(index, 'bake-bread', outermost)
    expect(sources[0]?.map(({ file }) => file)).toEqual([
      'src/traces/examples/bake-bread.ts',
    ])
  })

  it('links every call of the tree', () => {
    const tree = '[main] Oven.bake(loaf: Dough)  1.0 ms\n  new Oven()\n  Oven.roast()'
    const rest = { name: 'n', title: 't', heading: '# h', mermaid: '', playback }
    const page = tracePage(index, { ...rest, tree })
    expect(page).toContain('[main] <a href="/source/kitchen/Oven#Oven.bake">')
    expect(page).toContain('  <a href="/source/kitchen/Oven#Oven">new Oven</a>()')
    expect(page).toContain('\n  Oven.roast()')
  })
})

describe('linkInlineCode()', () => {
  const render = (text: string, relativePath: string) => {
    const md = new MarkdownIt()
    linkInlineCode(md as never, index)
    return md.render(text, { relativePath })
  }

  it('links a name of the source', () => {
    expect(render('`Oven.bake()`', 'a.md')).toContain('/source/kitchen/Oven#Oven.bake')
  })

  it('fails the build for a method that is gone, on a page that somebody wrote', () => {
    expect(() => render('`Oven.roast`', 'chapters/a.md')).toThrow('Oven.roast')
    expect(render('`Oven.roast`', 'api/a.md')).toContain('Oven.roast')
    expect(render('`acks` and `NotHere`', 'a.md')).not.toContain('href')
  })
})

describe('expandTerms()', () => {
  const terms = readTerms('## Bread\n\n### Sour dough\n\ntext\n\n### Crumb\n')

  it('links a term to the glossary, in the words of the page', () => {
    const text = expandTerms('[[sour dough]] has [[crumbs|crumb]]', terms)
    expect(text).toContain('[sour dough](/glossary#sour-dough)')
    expect(text).toContain('[crumbs](/glossary#crumb)')
  })

  it('fails the build for a term that is not there', () => {
    expect(() => expandTerms('[[crust]]', terms)).toThrow('no term "crust"')
  })

  it('is for pages that somebody wrote', () => {
    expect(isWritten('chapters/request.md')).toBe(true)
    expect(isWritten('api/log/Log.md')).toBe(false)
  })

  it('has a glossary in which each term stands once', () => {
    const text = readFileSync('docs/glossary.md', 'utf8')
    expect(readTerms(text).size).toBe(text.match(/^### /gm)?.length)
    expect(readTerms(text)).toContain('high watermark')
  })
})

describe('pages of reference', () => {
  it('kafkaToOurs() leads from files of Kafka to symbols of ours', () => {
    const page = kafkaToOurs(index)
    expect(page).toContain('## kafka.kitchen')
    expect(page).toContain('Stove → <a href="/source/kitchen/Oven#Oven">Oven</a>')
    expect(page).toContain(breakable('org/example/Dough.java'))
  })

  it('divergences() tells what differs', () => {
    expect(divergences(index, inline)).toContain('it never cools.')
  })

  it('clientsPage() has a column for each client and a row for each feature', () => {
    const clients = {
      one: { version: '1.0', features: { reads: 'passed', writes: 'not offered' } },
      two: { version: '2.0', features: { reads: 'passed' } },
    }
    const page = clientsPage(clients, [])
    expect(page).toContain('<th>feature</th><th>one 1.0</th><th>two 2.0</th>')
    const cell = (client: string, text: string) =>
      `<td data-label="${client}">${text}</td>`
    const reads = `${cell('one 1.0', 'passed')}${cell('two 2.0', 'passed')}`
    expect(page).toContain(`<tr><td>reads</td>${reads}</tr>`)
    const writes = `${cell('one 1.0', 'not offered')}${cell('two 2.0', 'not run')}`
    expect(page).toContain(`<tr><td>writes</td>${writes}</tr>`)
  })

  it('clientsPage() has a row for each suite of tests', () => {
    const told = { suite: 'three', version: '3.0', to: 'broker', why: 'its age' }
    const page = clientsPage({}, [{ ...told, passed: 7, failed: 2, alike: 1 }])
    const cell = (column: string, text: string) =>
      `<td data-label="${column}">${text}</td>`
    const counts = `${cell('passed', '7')}${cell('failed', '2')}${cell('alike', '1')}`
    expect(page).toContain(
      `<tr><td>three 3.0</td>${cell('speaks to', 'broker')}${counts}` +
        `${cell('what fails', 'its age')}</tr>`,
    )
  })

  it('suites.json adds up: nothing fails alike that does not fail', () => {
    const file = join(import.meta.dirname, '../../docs/suites.json')
    const suites: SuiteOutcome[] = JSON.parse(readFileSync(file, 'utf8'))
    expect(suites.length).toBeGreaterThan(0)
    for (const { suite, passed, failed, alike, why } of suites) {
      expect(passed, suite).toBeGreaterThan(0)
      expect(alike, suite).toBeLessThanOrEqual(failed)
      expect(why === '', suite).toBe(failed === 0)
    }
  })

  it('configPage() and errorsPage() have a row for each thing', () => {
    const config = configPage(inline)
    expect(config).toContain('<tr id="broker.id">')
    expect(config).toContain('<code>auto.<wbr>offset.<wbr>reset</code>')
    const errors = errorsPage(inline)
    expect(errors).toContain(breakable('NOT_LEADER_FOR_PARTITION'))
    expect(errors.match(/<tr id=/g)).toHaveLength(73)
    expect(metricsPage(inline)).toContain('<tr id="kafka_log_log_size">')
  })

  it('breakable() lets a name break between its words, and nowhere else', () => {
    expect(breakable('a.b_cdE=0.9')).toBe('<code>a.<wbr>b_<wbr>cd<wbr>E=0.9</code>')
    expect(breakable('<x>')).toBe('<code>&lt;x&gt;</code>')
  })

  it('protocolPage() lists the APIs, and apiPage() shows the versions of fields', () => {
    const real = SourceIndex.read('src')
    const list = protocolPage(real)
    expect(list.match(/href="\/protocol\//g)).toHaveLength(43)
    const page = apiPage(real, ApiKeys.PRODUCE, inline)
    expect(page).toContain('versions 0 to 5')
    const row = /<code>transactionalId<\/code>.*?<\/tr>/.exec(page)?.[0] ?? ''
    expect(row).toContain('string or null')
    expect(row.match(/●/g)).toHaveLength(3)
  })
})
