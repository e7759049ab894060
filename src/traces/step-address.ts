/**
 * # The address of a step
 *
 * A run on real sockets never takes the same number of steps twice: a tick of a clock, a
 * fetch that came back empty. So a link does not count steps. It says which call of which
 * caller is meant:
 *
 *     Log.append/assign-offsets~3f9a2c
 *     function    paragraph     the way there: the names of all calls around it, each with
 *                               its number among the calls of that name by its caller
 *
 * What happens elsewhere in the run changes none of the three. When the way there is
 * another in a later recording, function and paragraph still find a step.
 *
 * @module
 */
import { ENTER, LEAVE, type Playback } from './playback.ts'

/**
 * Names every step of a playback; no two have one name.
 *
 * @returns an address a step, in their order. A paragraph that a loop comes to again has
 *   the number of the visit behind its sentence.
 */
export function stepAddresses(playback: Playback): string[] {
  const { frames, functions, steps, sentences } = playback
  const count = counter()
  const ways: number[] = []
  for (const [fn, parent] of frames) {
    const above = parent < 0 ? 0x811c9dc5 : (ways[parent] ?? 0)
    const name = functions[fn]
    ways.push(mix(above, `${name} ${count(`${parent} ${name}`)}`))
  }
  const visit = counter()
  return steps.map(([frame, what]) => {
    const name = (functions[frames[frame]?.[0] ?? 0] ?? '').replace(' ', '-')
    const way = ((ways[frame] ?? 0) & 0xffffff).toString(16).padStart(6, '0')
    if (what === ENTER) return `${name}~${way}`
    if (what === LEAVE) return `${name}/end~${way}`
    const visits = visit(`${frame} ${what}`)
    const again = visits > 1 ? `.${visits}` : ''
    return `${name}/${slug(sentences[what] ?? '')}${again}~${way}`
  })
}

/**
 * Finds the step that an address means.
 *
 * @param addresses those of the recording, by `stepAddresses`.
 * @param address of this recording or of another of the same trace; a number counts the
 *   steps from 1.
 * @returns counted from 0; undefined when no step has its function and paragraph.
 */
export function stepOfAddress(
  addresses: readonly string[],
  address: string,
): number | undefined {
  if (/^\d+$/.test(address)) {
    return Math.min(Math.max(1, Number(address)), addresses.length) - 1
  }
  const exact = addresses.indexOf(address)
  if (exact >= 0) return exact

  // Take the first of the same name: the way there is another by now.
  const name = address.replace(/(\.\d+)?~.*$/, '')
  const named = addresses.findIndex((each) => each.startsWith(`${name}~`))
  return named >= 0 ? named : undefined
}

/** Counts how often it was given each text, this time included. */
function counter(): (text: string) => number {
  const counts = new Map<string, number>()
  return (text) => {
    const count = (counts.get(text) ?? 0) + 1
    counts.set(text, count)
    return count
  }
}

/** A sentence as a part of an address: words in lower case, with dashes between. */
export function slug(sentence: string): string {
  return sentence
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
}

/** FNV-1a, going on from `hash`. */
function mix(hash: number, text: string): number {
  let mixed = hash
  for (let i = 0; i < text.length; i++) {
    mixed = Math.imul(mixed ^ text.charCodeAt(i), 0x01000193) >>> 0
  }
  return mixed
}
