/**
 * # Walking through the notes
 *
 * Where the keys lead from a stop: on and back in the order of the calls, into the first
 * line below, out to the line above, over to the next of the same depth.
 *
 * @module
 */
import type { Stop } from '../../weave/walk.ts'

/** Ways to go from a stop. */
export type Way = 'previous' | 'next' | 'into' | 'out' | 'over'

/** Keys of the ways. */
export const KEYS: Readonly<Record<string, Way>> = {
  j: 'next',
  k: 'previous',
  l: 'into',
  h: 'out',
  o: 'over',
}

/** The stop that a way leads to; undefined when there is none. */
export function goTo(walk: readonly Stop[], at: number, way: Way): Stop | undefined {
  const here = walk[at]
  if (!here) return undefined
  switch (way) {
    case 'previous':
      return walk[at - 1]
    case 'next':
      return walk[at + 1]
    case 'into': {
      const next = walk[at + 1]
      return next && parentOf(next.via) === here.via ? next : undefined
    }
    case 'out':
      return walk.find(({ via }) => via === parentOf(here.via))
    case 'over':
      return walk.find((stop, i) => i > at && !stop.via.startsWith(`${here.via}.`))
  }
}

/** The stops around one, the outermost first, and itself. */
export function pathTo(walk: readonly Stop[], at: number): Stop[] {
  const path: Stop[] = []
  let here = walk[at]
  while (here) {
    path.unshift(here)
    const above = parentOf(here.via)
    here = above === undefined ? undefined : walk.find(({ via }) => via === above)
  }
  return path
}

/** The message that was crossed on the way from the stop before; undefined for none. */
export function crossingAt(walk: readonly Stop[], at: number): string | undefined {
  const here = walk[at]
  const before = walk[at - 1]
  if (!here || !before || here.actor === '' || before.actor === '') return undefined
  if (here.actor === before.actor) return undefined
  if (here.via.split('.')[0] !== before.via.split('.')[0]) return undefined
  return here.crossing ?? `leaving ${before.actor} → ${here.actor}`
}

function parentOf(via: string): string | undefined {
  const cut = via.lastIndexOf('.')
  return cut < 0 ? undefined : via.slice(0, cut)
}
