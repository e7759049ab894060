/**
 * The notes in full and the chapters as a reader uses them: a line of the notes leads down
 * to its step, folds open and close, kinds of facts are left out, a fact leads to the step
 * of a recording; a crumb of a chapter leads to the paragraph that made the call.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missing, openSite, type Site } from './browser.ts'

if (missing) process.stdout.write(`NOT RUN: the notes in a browser: ${missing}\n`)

let site: Site

describe.skipIf(missing !== undefined)('the notes in full', () => {
  beforeAll(async () => {
    site = await openSite()
  })
  afterAll(() => site?.close())

  it('lead from a line down to its step, opened', async () => {
    const page = await site.open('/notes/')
    const steps = page.locator('.in-full details')
    const open = page.locator('.in-full details[open]')
    expect(await open.count()).toBe(0)
    await page.locator('a.to-full[href$="updateFetcher"]').click()
    const step = page.locator('[id="zk.ZKRebalancerListener.updateFetcher"]')
    await step.locator('summary').first().waitFor({ state: 'visible' })
    await page.waitForFunction(
      'document.querySelectorAll(".in-full details[open]").length',
    )
    expect(await step.isVisible()).toBe(true)

    // All folds at once, and none.
    await page.getByRole('button', { name: 'everything' }).click()
    expect(await open.count()).toBe(await steps.count())
    await page.getByRole('button', { name: 'nothing' }).click()
    expect(await open.count()).toBe(0)
    await page.context().close()
  })

  it.each([true, false])(
    'leave out kinds of facts, JavaScript %s',
    async (javaScript) => {
      const page = await site.open('/notes/', { javaScript })
      const fold = page.locator('[id="kafka-apis.Acceptor.run"]')
      await fold.locator('summary').first().click()
      const thread = fold.locator('.fact.thread').first()
      const error = fold.locator('.fact.error').first()
      expect(await thread.isVisible()).toBe(true)
      await page.getByLabel('thread', { exact: true }).uncheck()
      expect(await thread.isVisible()).toBe(false)
      expect(await error.isVisible()).toBe(true)
      await page.context().close()
    },
  )

  it('lead from a fact to the step of a recording that shows it', async () => {
    const page = await site.open('/notes/')
    await page.getByRole('button', { name: 'everything' }).click()
    const fact = page.locator('.fact', { hasText: 'in one piece' })
    await fact.locator('a.seen').click()
    await page.waitForURL('**/traces/produce?step=Log.append/write-and-publish*')
    await page.locator('.stepper .count').waitFor()
    const current = page.locator('.events [aria-current]')
    expect(await current.textContent()).toContain('Write, and publish')
    await page.context().close()
  })
})

describe.skipIf(missing !== undefined)('a chapter', () => {
  beforeAll(async () => {
    site = await openSite()
  })
  afterAll(() => site?.close())

  it('returns by its crumbs to the line of the call, and goes on at its foot', async () => {
    const page = await site.open('/chapters/log', { javaScript: false })
    const stack = page.getByRole('navigation', { name: 'How the call came here' })
    await stack.getByRole('link', { name: 'ReplicaManager.appendRecords' }).click()
    await page.waitForURL('**/source/replica/ReplicaManager*#*/append-here-first*')
    const row = page.locator('.row:target')
    expect(await row.innerText()).toContain('appendToLocalLog')
    await page.goBack()
    const foot = page.getByRole('navigation', { name: 'Where to go from here' })
    await foot.getByRole('link', { name: 'Once, and in order' }).click()
    await page.waitForURL('**/chapters/idempotent-producer*')
    await page.context().close()
  })

  it('shows the cluster and the bytes, also without JavaScript', async () => {
    const page = await site.open('/chapters/kafka-apis', { javaScript: false })
    expect(await page.locator('.moment .cluster .broker').count()).toBe(1)
    expect(await page.locator('.moment').innerText()).toContain('Fetch waits')
    const field = page.locator('.wire .field', { hasText: 'topicData[0].name' })
    expect(await field.count()).toBe(1)
    await page.context().close()
  })

  it('draws the lines of those who speak down to their last message', async () => {
    const page = await site.open('/chapters/idempotent-producer')
    const drawing = page.locator('.mermaid svg').first()
    await drawing.waitFor()
    const messages = drawing.locator('.messageLine0, .messageLine1')
    const last = await messages.last().boundingBox()
    const lifeline = await drawing.locator('.actor-line').first().boundingBox()
    if (!last || !lifeline) throw new Error('nothing is drawn')
    const end = lifeline.y + lifeline.height
    expect(end).toBeGreaterThanOrEqual(last.y + last.height)
    await page.context().close()
  })
})
