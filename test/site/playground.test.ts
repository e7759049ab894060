/**
 * The playground as a reader uses it: a cluster that runs in the tab takes records, loses
 * its leader, has another one, and does it all again for who opens the same address.
 */
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missing, openSite, type Site } from './browser.ts'

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

// What runs in the page knows the page's own names; no other test does.
declare const window: any

let site: Site

/** Opens the playground and waits until its cluster serves. */
async function play(query = '', options: Parameters<Site['open']>[1] = {}) {
  const page = await site.open(`/playground${query}`, options)
  await page.locator('.playground[aria-busy=false] .bar').waitFor()
  return page
}

/** What the table says of a partition. */
async function partition(page: Page, name: string): Promise<string[]> {
  return page.locator(`tr[data-partition="${name}"] td`).allTextContents()
}

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })

describe.skipIf(missing !== undefined)('the playground', () => {
  beforeAll(async () => {
    site = await openSite()
  })
  afterAll(() => site?.close())

  it('takes a record, loses its leader, and shows the next one', async () => {
    const page = await play('?seed=7')
    expect(await partition(page, 't-0')).toEqual(['t-0', '0', '0', '0, 1, 2', '0', '0'])
    await button(page, 'to t-0').click()
    await button(page, '+1 s').click()
    await page.getByText('m1 to t-0, acks=all: acknowledged').waitFor()

    // Asked where the log will end, answer, and see.
    await button(page, 'kill broker 0').click()
    await page.getByLabel('at offset 1').check()
    await button(page, 'see what happens').click()
    const reveal = page.locator('.reveal')
    await reveal.getByText('As you said').waitFor()
    expect(await reveal.textContent()).toContain('its log ends at 1')
    const [, leader, epoch, isr] = await partition(page, 't-0')
    expect(leader).not.toBe('0')
    expect(epoch).toBe('1')
    expect(isr).not.toContain('0')
    expect(site.complaints).toEqual([])

    // The address is the whole run.
    const address = new URL(page.url())
    const table = await page.locator('.partitions tbody').textContent()
    const log = await page.locator('.log').textContent()
    await page.context().close()
    const again = await play(address.search)
    expect(await again.locator('.partitions tbody').textContent()).toBe(table)
    expect(await again.locator('.log').textContent()).toBe(log)
    await again.context().close()
  })

  it('runs by itself, and undoes the last thing', async () => {
    const page = await play('?seed=3&do=w100.p1')
    await button(page, /run$/).click()
    await page.getByText('m1 to t-1, acks=all: acknowledged').waitFor()
    await button(page, /pause$/).click()
    await button(page, 'undo').click()
    await page.getByText('m1 to t-1, acks=all: on its way').waitFor()
    expect(new URL(page.url()).searchParams.get('do')).toBe('w100.p1')
    await page.context().close()
  })

  it('shows who owns what when consumers come and one dies', async () => {
    const page = await play('?do=a.w3000.a.w4000')
    const owners = page.locator('.consumers li')
    expect(await owners.allTextContents()).toMatchObject([
      expect.stringMatching(/c1 reads; owns t-\d; /),
      expect.stringMatching(/c2 reads; owns t-\d; /),
    ])
    await button(page, 'kill c1').click()
    await button(page, '+5 s').click()
    await owners.nth(1).getByText('owns t-0, t-1').waitFor()
    await page.context().close()
  })

  it('says what is wrong with an address, and plays on', async () => {
    const page = await play('?do=w100.nonsense')
    await page.getByRole('alert').getByText('"nonsense" is no action').waitFor()
    await button(page, '+1 s').click()
    await page.getByText('t = 1').waitFor()
    await page.context().close()
  })

  it.each([
    { width: 390, colorScheme: 'dark' as const },
    { width: 1280, colorScheme: 'light' as const },
  ])('fits $width pixels, and no accessibility check objects', async (options) => {
    const page = await play('?do=a.w3000.p0.w500.k2.w1500', options)
    const over = await page.evaluate(
      () => window.document.documentElement.scrollWidth - window.innerWidth,
    )
    expect(over).toBeLessThanOrEqual(0)
    await page.addScriptTag({ path: axe })
    const found = await page.evaluate(async () => {
      const { violations } = await window.axe.run()
      return violations.map(
        ({ id, nodes }: any) => `${id}: ${nodes.map((n: any) => n.html.slice(0, 100))}`,
      )
    })
    expect(found).toEqual([])
    await page.context().close()
  })

  it('says without JavaScript where to look instead', async () => {
    const page = await site.open('/playground', { javaScript: false })
    const text = await page.locator('main').textContent()
    expect(text).toContain('Without JavaScript nothing can run here')
    await page.context().close()
  })
})
