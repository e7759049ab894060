/**
 * # Stepping through a recording
 *
 * Where a step leads: on, back, into a call, over it, out of it, to the next message. All
 * of these are looks into a row that is there already, so every one of them can be undone.
 *
 *     a() ┬ paragraph      into: the next call that this one makes
 *         ├─ b()           over: the next step of this call, whatever it calls
 *         └ leave          out:  the next step of the caller
 *
 * Several actors run at once, and each has a stack of its own: the call it was last seen
 * in, with the calls around it.
 *
 * @module
 */
import { ENTER, LEAVE, type Playback } from './playback.ts'

/** Ways to go on from a step. */
export type Move =
  | 'next'
  | 'back'
  | 'into'
  | 'over'
  | 'out'
  | 'message'
  | 'first'
  | 'last'

/** One actor and what it is in the middle of. */
export interface ActorStack {
  readonly actor: number
  /** Frames, the outermost first. */
  readonly frames: readonly number[]
}

/**
 * The step that a move leads to.
 *
 * @returns the same step when there is nowhere to go.
 */
export function move(playback: Playback, at: number, way: Move): number {
  const { steps, messages } = playback
  const last = Math.max(0, steps.length - 1)
  const find = (fits: (step: number) => boolean): number => {
    for (let step = at + 1; step <= last; step++) if (fits(step)) return step
    return at
  }
  const here = steps[at]?.[0] ?? 0
  switch (way) {
    case 'next':
      return Math.min(last, at + 1)
    case 'back':
      return Math.max(0, at - 1)
    case 'first':
      return 0
    case 'last':
      return last
    case 'into':
      return into(playback, at)
    case 'over': {
      // At its end, a call goes on in whoever called it.
      const allowed = new Set(
        steps[at]?.[1] === LEAVE ? above(playback, here) : around(playback, here),
      )
      const next = find((step) => allowed.has(steps[step]?.[0] ?? -1))
      return next === at ? Math.min(last, at + 1) : next
    }
    case 'out': {
      const allowed = new Set(above(playback, here))
      return find((step) => allowed.has(steps[step]?.[0] ?? -1))
    }
    case 'message': {
      const moments = new Set(messages.map(([sent]) => sent))
      for (const [, arrived] of messages) moments.add(arrived)
      return find((step) => moments.has(step))
    }
  }
}

/** The next call that the call at hand makes; the next step when it makes none. */
function into({ steps, frames }: Playback, at: number): number {
  const here = steps[at]?.[0] ?? 0
  for (let step = at + 1; step < steps.length; step++) {
    const [frame = 0, what] = steps[step] ?? []
    if (what === ENTER && frames[frame]?.[1] === here) return step
    if (frame === here) return step
  }
  return Math.min(steps.length - 1, at + 1)
}

/** A frame and those that called it, the innermost first. */
export function around({ frames }: Playback, frame: number): number[] {
  const found: number[] = []
  for (let at = frame; at >= 0; at = frames[at]?.[1] ?? -1) found.push(at)
  return found
}

/** Those that called a frame, the innermost first. */
function above(playback: Playback, frame: number): number[] {
  return around(playback, frame).slice(1)
}

/** What every actor is in the middle of, in the order of the actors. */
export function stacksAt(playback: Playback, at: number): ActorStack[] {
  const { steps, frames, actors } = playback
  const latest = new Map<number, number>()
  for (let step = 0; step <= at; step++) {
    const [frame = 0, what] = steps[step] ?? []
    const actor = frames[frame]?.[2] ?? 0
    if (what !== LEAVE || step === at) {
      latest.set(actor, frame)
      continue
    }
    // It left: its actor is back in the nearest call around it that is its own.
    if (latest.get(actor) !== frame) continue
    const outer = above(playback, frame).find((up) => frames[up]?.[2] === actor)
    if (outer === undefined) latest.delete(actor)
    else latest.set(actor, outer)
  }
  return actors.map((_, actor) => {
    const frame = latest.get(actor)
    const chain = frame === undefined ? [] : around(playback, frame)
    return {
      actor,
      frames: chain.filter((f) => frames[f]?.[2] === actor).reverse(),
    }
  })
}

/**
 * The paragraph of its call that a step stands at: its own, or the last one before it.
 *
 * @returns a position in `sentences`; undefined before the first paragraph.
 */
export function paragraphAt({ steps }: Playback, at: number): number | undefined {
  const [frame, what] = steps[at] ?? [0, ENTER]
  if (what >= 0) return what
  if (what === ENTER) return undefined
  for (let step = at - 1; step >= 0; step--) {
    const [other, kind] = steps[step] ?? []
    if (other === frame && kind !== undefined) return kind >= 0 ? kind : undefined
  }
  return undefined
}
