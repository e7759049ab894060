/**
 * The site as a reader uses it, in headless Chromium: from home to a method and back, the
 * search, a whole recording forward and back, without JavaScript, by keyboard; and what an
 * accessibility check and the network say of it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StepperData } from '../../docs/.vitepress/weave/stepper-data.ts'
import { stepAddresses } from '../../src/traces/step-address.ts'
import { paragraphAt } from '../../src/traces/stepping.ts'
import { DIST, missing, openSite, type Site } from './browser.ts'

if (missing) process.stdout.write(`NOT RUN: the site in a browser: ${missing}\n`)

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

// What runs in the page knows the page's own names; no other test does.
declare const document: any
declare const window: any

/** One page of each kind. */
const KINDS = [
  ...['/', '/notes/', '/chapters/kafka-apis', '/source/replica/DelayedFetch'],
  ...['/traces/produce', '/protocol/', '/protocol/Fetch', '/znodes', '/states'],
  ...['/config', '/errors', '/metrics', '/glossary', '/clients', '/benchmarks'],
  ...['/kafka-to-ours', '/divergences', '/source/', '/api/', '/api/log/Log'],
]

let site: Site

describe.skipIf(missing !== undefined)('the site', () => {
  beforeAll(async () => {
    site = await openSite()
  })
  afterAll(() => site?.close())

  it('leads from home over the notes to a method, its source, and back', async () => {
    const page = await site.open('/')
    await page.getByRole('link', { name: 'Read the notes' }).first().click()
    await page.waitForURL('**/notes/')
    await page.getByRole('link', { name: 'ReplicaManager.appendRecords' }).click()
    await page.waitForURL('**/source/replica/ReplicaManager?via=produce.1.1*')
    const path = page.getByRole('navigation', { name: 'Call stack' })
    await path.getByText('handleProduceRequest').waitFor()

    // Into the first call, out again, and back by the browser.
    await page.keyboard.press('l')
    await page.waitForURL('**/source/replica/Partition?via=produce.1.1.1*')
    await path.locator('button[data-way=out]').click()
    await page.waitForURL('**/source/replica/ReplicaManager?via=produce.1.1*')
    await page.goBack()
    await page.waitForURL('**/source/replica/Partition?via=produce.1.1.1*')
    await path.getByRole('link', { name: 'notes' }).click()
    await page.waitForURL('**/notes/')
  })

  it.each([
    [
      'maybeIncrementLeaderHW',
      /\/source\/replica\/Partition#Partition\.maybeIncrement/,
    ],
    ['Log.append', /\/source\/log\/Log#Log\.append$/],
    ['maybeShrinkIsr', /#\w+\.maybeShrinkIsr$/],
    ['fetch', /\/source\/.*#\w+\.fetch$/],
    ['high watermark', /\/glossary#high-watermark$/],
  ])('finds what is named %s first', async (name, target) => {
    const page = await site.open('/chapters/')
    await page.keyboard.press('/')
    await page.locator('#localsearch-input').fill(name)
    const first = page.locator('#localsearch-list li').first()
    await first.waitFor()
    expect(await first.locator('a').getAttribute('href')).toMatch(target)
    await page.context().close()
  })

  it('steps a whole recording forward and back, the right paragraph lit', async () => {
    const page = await site.open('/traces/produce')
    const data: StepperData = JSON.parse(
      readFileSync(`${DIST}/recordings/produce.json`, 'utf8'),
    )
    const { playback, sources } = data
    await page.locator('.stepper .count').waitFor()
    const total = playback.steps.length

    /** What the page shows at a step, against what the recording says. */
    const seen = () =>
      page.evaluate(() => ({
        count: document.querySelector('.stepper .count')?.textContent,
        current: document.querySelector('.events [aria-current]')?.textContent,
        lit: Array.from(document.querySelectorAll('.stepper .line.lit'), (line: any) =>
          (line.textContent ?? '').replace(/\n$/, ''),
        ),
      }))
    const expected = (step: number): string | undefined => {
      const [frame = 0, what = -1] = playback.steps[step] ?? []
      const sentence = playback.sentences[paragraphAt(playback, step) ?? -1]
      if (what < 0 || sentence === undefined) return undefined
      const views = sources[playback.frames[frame]?.[0] ?? -1] ?? []
      const view = views.find((v) => v.paragraphs.some(([s]) => s === sentence))
      const found = view?.paragraphs.find(([s]) => s === sentence)
      return view && found && text(view.lines.slice(found[1], found[2] + 1).join('\n'))
    }
    let paragraphs = 0
    const look = async (step: number) => {
      const { count, lit, current } = await seen()
      expect(count).toBe(`${step + 1} / ${total}`)
      const wanted = expected(step)
      if (wanted === undefined) return
      paragraphs++
      expect(lit.join('\n').trimEnd()).toBe(wanted.trimEnd())
      expect(current).toContain(playback.sentences[playback.steps[step]?.[1] ?? -1])
    }
    for (let step = 0; step < total; step++) {
      await look(step)
      await page.keyboard.press('j')
    }
    for (let step = total - 1; step >= 0; step--) {
      await look(step)
      await page.keyboard.press('k')
    }
    expect(paragraphs).toBeGreaterThan(40)
    expect(new URL(page.url()).searchParams.get('step')).toMatch(/^produce~/)
  })

  it('opens a recording at the step of the address, and moves by buttons', async () => {
    const data: StepperData = JSON.parse(
      readFileSync(`${DIST}/recordings/replicate.json`, 'utf8'),
    )
    const address = stepAddresses(data.playback)[39]
    const page = await site.open(`/traces/replicate?step=${address}`)
    const count = page.locator('.stepper .count')
    await count.waitFor()
    expect(await count.textContent()).toMatch(/^40 \//)
    await page.locator('.stepper button[data-way=message]').click()
    expect(await page.locator('.events [aria-current] .moves').count()).toBeGreaterThan(
      0,
    )
    const picture = page.locator('.cluster svg')
    expect(await picture.getAttribute('aria-label')).toContain('high watermark')
  })

  it('is readable without JavaScript: words, code, links to go on', async () => {
    for (const path of KINDS) {
      const page = await site.open(path, { javaScript: false })
      const main = page.locator('main, .VPContent').first()
      expect((await main.innerText()).split(/\s+/).length, path).toBeGreaterThan(40)
      expect(await page.locator('.VPNav').count(), path).toBe(1)
      expect(await main.locator('a[href^="/"], a[href^="."]').count(), path).not.toBe(0)
      await page.context().close()
    }
    const page = await site.open('/traces/produce', { javaScript: false })
    expect(await page.locator('pre.tree').innerText()).toContain('appendRecords')
    const home = await site.open('/', { javaScript: false })
    expect(await home.locator('.cluster .broker').count()).toBe(3)

    // From the notes by plain links to the source of a method, and to its caller.
    const notes = await site.open('/notes/', { javaScript: false })
    await notes.getByRole('link', { name: 'ReplicaManager.appendRecords' }).click()
    await notes.waitForURL('**/source/replica/ReplicaManager?via=*')
    const code = notes.locator('.source-page pre.source')
    expect(await code.allInnerTexts().then((all) => all.join('\n'))).toContain(
      'appendRecords(',
    )
  })

  it('has no error in any console, and nothing wider than a phone', async () => {
    site.complaints.length = 0
    const pages = process.env.SITE_FULL ? allPages() : KINDS
    for (const path of pages) {
      const page = await site.open(path, { width: 390 })
      const over = await page.evaluate(
        () => document.documentElement.scrollWidth - window.innerWidth,
      )
      expect(over, path).toBeLessThanOrEqual(0)
      await page.context().close()
    }
    expect(site.complaints).toEqual([])
  })

  // In the dark all kinds look like one of the first nine; SITE_FULL=1 looks at each.
  const dark = process.env.SITE_FULL ? KINDS : KINDS.slice(0, 9)
  it.each([
    ...KINDS.map((path) => ({ path, colorScheme: 'light' as const })),
    ...dark.map((path) => ({ path, colorScheme: 'dark' as const })),
  ])('$path, $colorScheme: no accessibility check objects', async (options) => {
    const { path, colorScheme } = options
    const page = await site.open(path, { colorScheme })
    if (path.startsWith('/traces')) await page.locator('.stepper .count').waitFor()
    await page.addScriptTag({ path: axe })
    const found = await page.evaluate(async () => {
      const { axe } = window as unknown as {
        axe: { run(): Promise<{ violations: Violation[] }> }
      }
      const { violations } = await axe.run()
      return violations.map(
        ({ id, nodes }) =>
          `${id}: ${nodes.slice(0, 3).map((n) => n.html.slice(0, 120))}`,
      )
    })
    expect(found).toEqual([])
    await page.context().close()
  })

  it('is light: a chapter takes less than 200 KB of JavaScript', async () => {
    const rows: string[] = []
    for (const path of [
      '/',
      '/chapters/request',
      '/source/log/Log',
      '/traces/produce',
    ]) {
      const page = await site.open(path)
      const paint: number = await page.evaluate(
        () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
      )
      await page.context().close()

      // What the page itself asks for; the browser fetches more when it has nothing to do.
      const file = `${DIST}${path === '/' ? '/index' : path}.html`
      const html = readFileSync(file, 'utf8')
      const assets = html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)
      const scripts = new Set(Array.from(assets, ([, name]) => `${DIST}${name}`))
      let bytes = 0
      for (const script of scripts) bytes += gzipSync(readFileSync(script)).length
      const kb = (size: number) => `${Math.round(size / 1024)} KB`
      rows.push(
        `${path}: first contentful paint ${Math.round(paint)} ms; compressed: ` +
          `${kb(bytes)} of JavaScript, ${kb(gzipSync(html).length)} of HTML`,
      )
      expect(bytes, path).toBeGreaterThan(0)
      expect(bytes, path).toBeLessThan(200 * 1024)
    }
    process.stdout.write(`${rows.join('\n')}\n`)
  })
})

interface Violation {
  readonly id: string
  readonly nodes: readonly { readonly html: string }[]
}

/** HTML of code as a reader sees it. */
function text(html: string): string {
  return html
    .replace(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
}

/** Every page but those of the API reference. */
function allPages(): string[] {
  return readdirSync(DIST, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.html') && !/^(api\/|404)/.test(name))
    .map((name) => `/${name.replace(/(index)?\.html$/, '')}`)
}
