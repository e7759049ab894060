/**
 * The site as a reader uses it, in headless Chromium: from home to a method and back, the
 * search, the walk through the notes, without JavaScript, by keyboard; and what an
 * accessibility check and the network say of it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Stop } from '../../docs/.vitepress/weave/walk.ts'
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
  ...['/chapters/', '/records', '/examples', '/architecture', '/colophon'],
]

/** A phone, a tablet, windows in which the side bar begins to stand, and a desk. */
const WIDTHS = [390, 768, 960, 1024, 1280, 1440]

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

  it('says by another way that one came another way', async () => {
    const walk: Stop[] = JSON.parse(
      readFileSync(`${DIST}/recordings/home/walk.json`, 'utf8'),
    )
    const place = ({ href }: Stop) => href.replace(/\?via=[^#]*/, '')
    const [first, second] = walk.flatMap((stop, i) => {
      const other = walk.find((each, j) => j > i && place(each) === place(stop))
      return other && place(stop).startsWith('/source/') ? [stop, other] : []
    })
    if (!first || !second) throw new Error('no method is reached in two ways')
    const paths: string[] = []
    for (const { href } of [first, second]) {
      const page = await site.open(href)
      const path = page.getByRole('navigation', { name: 'Call stack' })
      await path.locator('[aria-current=step]').waitFor()
      paths.push((await path.locator('ol').textContent()) ?? '')
      await page.context().close()
    }
    expect(paths[0]).not.toBe(paths[1])
  })

  it('shows a card where a process is crossed, and colours the side bar', async () => {
    const walk: Stop[] = JSON.parse(
      readFileSync(`${DIST}/recordings/home/walk.json`, 'utf8'),
    )
    const at = walk.findIndex((stop, i) => {
      const before = walk[i - 1]
      const isSame = before?.via.split('.')[0] === stop.via.split('.')[0]
      return isSame && stop.crossing && before?.actor && before.actor !== stop.actor
    })
    const page = await site.open(walk[at - 1]?.href ?? '')
    const process = () => page.evaluate(() => document.documentElement.dataset.process)
    await page.locator('button[data-way=next]').waitFor()
    const before = await process()
    await page.locator('button[data-way=next]').click()
    await page.waitForURL(`**${walk[at]?.href}`)
    // The address changes first; the card of the page before may still be there.
    const text = walk[at]?.crossing ?? ''
    await page
      .locator('.call-path .crossing')
      .getByText(text, { exact: true })
      .waitFor()
    expect(await process()).not.toBe(before)
    expect(await process()).toBe(walk[at]?.actor.split(' ')[0])
    await page.context().close()
  })

  it('has no error in any console, and nothing wider than its window', {
    timeout: 1_800_000,
  }, async () => {
    site.complaints.length = 0
    const paths = process.env.SITE_FULL ? allPages() : KINDS
    const wide: string[] = []
    await site.crawl(paths, {}, async (page, path) => {
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 })
        const over = await page.evaluate(
          () => document.documentElement.scrollWidth - window.innerWidth,
        )
        if (over > 0) wide.push(`${path} by ${over} at ${width}`)
      }
    })
    expect(wide).toEqual([])
    expect(site.complaints).toEqual([])
  })

  it('leads on from an address that is not there', async () => {
    const page = await site.open('/nothing/here')
    expect(await page.locator('#app').innerText()).toContain('PAGE NOT FOUND')
    await page.locator('.NotFound a').click()
    await page.waitForURL(`${site.base}/`)
    await page.context().close()
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

/** Every page of the site. */
function allPages(): string[] {
  return readdirSync(DIST, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.html') && name !== '404.html')
    .map((name) => `/${name.replace(/(index)?\.html$/, '')}`)
}
