/**
 * The stepper, held against the recording and the source: each step of a whole recording,
 * forward and back, lights the paragraph that ran; each way of going on leads where the
 * calls say. `SITE_FULL=1` walks every recording.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { actorText } from '../../docs/.vitepress/theme/stepper/cluster-layout.ts'
import { SourceIndex } from '../../docs/.vitepress/weave/source-index.ts'
import { ENTER, LEAVE, type Playback } from '../../src/traces/playback.ts'
import { missing, openSite, type Site } from './browser.ts'
import { type Seen, seeAll, tryAll } from './stepper-walk.ts'

// What runs in the page knows the page's own names; no other test does.
declare const window: any

const RECORDINGS = 'docs/.vitepress/recordings'
const all = missing
  ? []
  : readdirSync(RECORDINGS)
      .filter((name) => name.endsWith('.json'))
      .map((name) => name.replace('.json', ''))
const walked = process.env.SITE_FULL
  ? all
  : ['commit-offset', 'produce', 'rebalance-failed'].filter((name) => !missing && name)

let site: Site
let index: SourceIndex

/** What was recorded, as the command wrote it: not what the page was given. */
function recorded(name: string): Playback {
  return JSON.parse(readFileSync(`${RECORDINGS}/${name}.json`, 'utf8')).playback
}

async function openTrace(name: string, query = ''): Promise<Page> {
  const page = await site.open(`/traces/${name}${query}`)
  await page.locator('.stepper .count').waitFor()
  return page
}

/** What is wrong with what the page showed at a step; undefined when nothing is. */
function complaint(playback: Playback, name: string, step: number, seen: Seen) {
  const { steps, frames, functions, sentences, actors } = playback
  const [at, what] = steps[step] ?? [0, ENTER]
  const [fn = 0, , actor = 0] = frames[at] ?? []
  const id = functions[fn] ?? ''
  const who = actorText(actors[actor] ?? '')
  const sentence = sentences[what] ?? ''
  const text =
    what === ENTER ? `▸ ${id}` : what === LEAVE ? `◂ leaves ${id}` : `· ${sentence}`
  const wrong = (thing: string) =>
    `${name}, step ${step + 1}, ${id} ${text}: ${thing}: ${JSON.stringify(seen)}`

  // The count, the list of events, the live text and the stacks speak of this step.
  if (seen.count !== `${step + 1} / ${steps.length}`) return wrong('count')
  if (seen.event !== text || seen.eventWho !== who) return wrong('event')
  if (seen.who !== who || seen.title !== id) return wrong('title')
  if (!seen.spoken.startsWith(`Step ${step + 1} of ${steps.length}: ${who}: `)) {
    return wrong('spoken')
  }
  if (seen.stackTop !== id) return wrong('stack')
  if (!seen.isLitInView || !seen.isEventInView) return wrong('out of view')

  // The lit lines stand in the file, within the function, where the sentence stands.
  const [page = '', anchor = ''] = seen.href.replace('/source/', '').split('#')
  const file = index.files.find((source) => source.file === `${page}.ts`)
  const symbols = file?.symbols.filter((symbol) => symbol.id === anchor) ?? []
  const lines = file?.text.split('\n') ?? []
  if (symbols.length === 0) return wrong('source')
  const own = id === name ? anchor : id.replace(/^new (\w+)$/, '$1.constructor')
  if (anchor !== own && `${anchor}.constructor` !== own) return wrong('function')
  const fits = symbols.some(({ from, to, paragraphs }) => {
    const found = paragraphs.find((each) => each.sentence === sentence)
    const [first, last] =
      what === LEAVE ? [to, to] : what === ENTER ? [from, 0] : [found?.from, found?.to]
    if (first === undefined || last === undefined) return false
    const end = last || first + seen.lit.length - 1
    if (end > to) return false
    return (
      lines
        .slice(first - 1, end)
        .map(trim)
        .join('\n') === seen.lit.join('\n')
    )
  })
  return fits ? undefined : wrong('lit')
}

const trim = (line: string) => line.trim()

describe.skipIf(missing !== undefined)('the stepper', () => {
  beforeAll(async () => {
    site = await openSite()
    index = SourceIndex.read('src')
  })
  afterAll(() => site?.close())

  it.each(walked)(
    'steps all of %s forward and back, the right lines lit',
    {
      timeout: 900_000,
    },
    async (name) => {
      const playback = recorded(name)
      const page = await openTrace(name)
      const { there, back } = await page.evaluate(seeAll, playback.steps.length)
      expect(there).toHaveLength(playback.steps.length)
      const wrong = [...there.entries(), ...back.entries()].flatMap(
        ([step, seen]) => complaint(playback, name, step, seen) ?? [],
      )
      expect(wrong.slice(0, 5)).toEqual([])
      expect(site.complaints).toEqual([])
      await page.context().close()
    },
  )

  it('goes into, over, out, and to the next message from every step', async () => {
    const playback = recorded('produce')
    const { steps, frames, messages } = playback
    const page = await openTrace('produce')
    const ends = await page.evaluate(tryAll, steps.length)
    const last = steps.length - 1
    const frameOf = (step: number) => steps[step]?.[0] ?? -1
    const parentOf = (frame: number) => frames[frame]?.[1] ?? -1
    const callersOf = (frame: number): number[] =>
      frame < 0 ? [] : [frame, ...callersOf(parentOf(frame))]
    const moves = new Set(messages.flatMap(([sent, arrived]) => [sent, arrived]))
    for (let step = 0; step <= last; step++) {
      const here = frameOf(step)
      const next = (fits: (step: number) => boolean) =>
        steps.findIndex((_, other) => other > step && fits(other))
      const own = callersOf(here)
      const left = steps[step]?.[1] === LEAVE
      const or = (found: number, otherwise: number) => (found < 0 ? otherwise : found)
      expect({ step, ...ends[step] }).toEqual({
        step,
        l: or(
          next((other) => frameOf(other) === here || enters(playback, other, here)),
          Math.min(last, step + 1),
        ),
        o: or(
          next((other) => own.slice(left ? 1 : 0).includes(frameOf(other))),
          Math.min(last, step + 1),
        ),
        h: or(
          next((other) => own.slice(1).includes(frameOf(other))),
          step,
        ),
        m: or(
          next((other) => moves.has(other)),
          step,
        ),
        j: Math.min(last, step + 1),
        k: Math.max(0, step - 1),
      })
    }
    await page.context().close()
  })

  it('plays only when told to, pauses, and stops at the end', async () => {
    const page = await openTrace('commit-offset')
    const play = page.locator('.stepper .play')
    const count = page.locator('.stepper .count')
    const total = recorded('commit-offset').steps.length
    expect(await play.getAttribute('aria-pressed')).toBe('false')
    await play.click()
    await count.getByText(`3 / ${total}`).waitFor()
    await play.click()
    expect(await play.getAttribute('aria-pressed')).toBe('false')
    await page.locator('.scrub input').fill(String(total - 1))
    await play.click()
    await count.getByText(`${total} / ${total}`).waitFor()
    await page.locator('.play[aria-pressed=false]').waitFor()

    // Any key is a way to take over.
    await page.locator('.scrub input').fill('5')
    await play.click()
    await page.keyboard.press('k')
    expect(await count.textContent()).toBe(`4 / ${total}`)
    expect(await play.getAttribute('aria-pressed')).toBe('false')
    await page.context().close()
  })

  it('keeps its step in the address, however fast the steps come', async () => {
    const page = await openTrace('produce')
    for (let i = 0; i < 150; i++) await page.keyboard.press('j')

    // Browsers refuse many addresses a second, so the last one may come a moment later.
    const whereItLeads = async () => {
      const again = await openTrace('produce', new URL(page.url()).search)
      const count = await again.locator('.stepper .count').textContent()
      await again.context().close()
      return count
    }
    await expect.poll(whereItLeads, { timeout: 20_000 }).toMatch(/^151 \//)
    expect(site.complaints).toEqual([])
    await page.context().close()
  })

  it('moves by its buttons, from the events, and from the stacks', async () => {
    const page = await openTrace('replicate', '?step=40')
    const count = page.locator('.stepper .count')
    expect(await count.textContent()).toMatch(/^40 \//)
    await page.locator('.stepper button[data-way=message]').click()
    expect(await page.locator('.events [aria-current] .moves').count()).toBeGreaterThan(
      0,
    )
    await page.locator('.stepper button[data-way=back]').click()
    const before = Number((await count.textContent())?.split(' ')[0])
    await page.locator('.events [aria-current] + li button').click()
    expect(await count.textContent()).toMatch(new RegExp(`^${before + 1} /`))
    await page.locator('.stacks-pane dd button').first().click()
    expect(Number((await count.textContent())?.split(' ')[0])).toBeLessThan(before)
    await page.context().close()
  })

  it('says the state of the cluster by more than colour', async () => {
    const page = await openTrace('isr-shrink')
    await page.locator('.scrub input').fill('99999')
    const picture = page.locator('.cluster svg')
    const words = (await picture.getAttribute('aria-label')) ?? ''
    expect(words).toMatch(/log end \d+, high watermark \d+, in sync/)
    expect(words).toContain('not in sync')
    const lanes = await page.locator('.cluster .lane').count()
    expect(lanes).toBeGreaterThan(1)
    expect(await page.locator('.cluster .log-end text').count()).toBe(lanes)
    expect(await page.locator('.cluster .high-watermark text').count()).toBe(lanes)
    const hollow = page.locator('.cluster .out-of-sync').first()
    expect(await hollow.evaluate((dot) => window.getComputedStyle(dot).fill)).toBe(
      'none',
    )
    await page.context().close()
  })
})

/** Whether a step begins a call that `frame` makes. */
function enters({ steps, frames }: Playback, step: number, frame: number): boolean {
  const [at = -1, what] = steps[step] ?? []
  return what === ENTER && frames[at]?.[1] === frame
}
