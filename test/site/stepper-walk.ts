/**
 * Walks through a recording within the page. Each function runs in the browser, so it uses
 * nothing from outside itself; a walk of thousands of steps takes no round trips.
 */

// What runs in the page knows the page's own names; nothing else here does.
declare const document: any
declare const KeyboardEvent: any
declare const Event: any

/** What the page shows at one step. */
export interface Seen {
  readonly count: string
  /** Head of the source pane. */
  readonly who: string
  readonly title: string
  readonly href: string
  /** The lit lines, without the blanks around them. */
  readonly lit: readonly string[]
  readonly isLitInView: boolean
  readonly event: string
  readonly eventWho: string
  readonly isEventInView: boolean
  /** What a screen reader is told. */
  readonly spoken: string
  /** The innermost call of who is at work. */
  readonly stackTop: string
}

/** Goes to the end by `j` and to the beginning by `k`, and tells what each step showed. */
export async function seeAll(total: number): Promise<{ there: Seen[]; back: Seen[] }> {
  const root = document.querySelector('.stepper')
  const textOf = (selector: string): string =>
    (root.querySelector(selector)?.textContent ?? '').trim()
  const isInView = (pane: any, row: any): boolean => {
    if (!pane || !row) return false
    const outer = pane.getBoundingClientRect()
    const { top } = row.getBoundingClientRect()
    return top >= outer.top - 2 && top < outer.bottom
  }
  const see = (): Seen => {
    const lit = [...root.querySelectorAll('.line.lit')]
    const row = root.querySelector('.events [aria-current]')
    const stack = root.querySelector('.stacks-pane dt.active + dd')
    return {
      count: textOf('.count'),
      who: textOf('.source-pane .who'),
      title: textOf('.source-pane h2 a'),
      href: root.querySelector('.source-pane h2 a')?.getAttribute('href') ?? '',
      lit: lit.map((line: any) => line.textContent.trim()),
      isLitInView: isInView(root.querySelector('.code'), lit[0]),
      event: textOf('.events [aria-current] .what'),
      eventWho: textOf('.events [aria-current] .who'),
      isEventInView: isInView(root.querySelector('.events'), row),
      spoken: textOf('[aria-live]'),
      stackTop: (stack?.lastElementChild?.textContent ?? '').trim(),
    }
  }
  const press = async (key: string): Promise<void> => {
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))
    // The page redraws, and then scrolls, in microtasks.
    for (let i = 0; i < 8; i++) await Promise.resolve()
  }
  const there: Seen[] = []
  for (let step = 0; step < total; step++) {
    there.push(see())
    await press('j')
  }
  const back: Seen[] = []
  for (let step = total - 1; step >= 0; step--) {
    back[step] = see()
    await press('k')
  }
  return { there, back }
}

/** Where each key leads, from every step that the slider is set to. */
export async function tryAll(total: number): Promise<Record<string, number>[]> {
  const slider = document.querySelector('.stepper .scrub input')
  const count = document.querySelector('.stepper .count')
  const settle = async () => {
    for (let i = 0; i < 8; i++) await Promise.resolve()
  }
  const ends: Record<string, number>[] = []
  for (let step = 0; step < total; step++) {
    const found: Record<string, number> = {}
    for (const key of ['l', 'o', 'h', 'm', 'j', 'k']) {
      slider.value = String(step + 1)
      slider.dispatchEvent(new Event('input', { bubbles: true }))
      await settle()
      document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))
      await settle()
      found[key] = Number(count.textContent.split(' ')[0]) - 1
    }
    ends.push(found)
  }
  return ends
}
