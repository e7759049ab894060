/**
 * # Requests as they came
 *
 * A recording keeps short forms of values, and no bytes. Of each kind of request it keeps
 * one all the same: the first that a broker took off a connection, so that a page can show
 * it byte by byte.
 *
 *     Processor.parseRequest ─▶ change wire/0.2 = hex ─▶ { apiKey 0, version 2, hex }
 *
 * @module
 */
import type { Frame, Seen } from '../trace/Recorder.ts'
import type { Recording } from '../trace/record-run.ts'

const PREFIX = 'wire/'

/** Longer requests are not kept: nobody reads them byte by byte. */
const MOST_BYTES = 600

/** The first request of one kind and version. */
export interface Wire {
  readonly apiKey: number
  readonly version: number
  /** The frame behind its length: header and body. */
  readonly hex: string
}

/** Whether a change is a kept request, and no part of the state of the program. */
export function isWire(change: { readonly name: string }): boolean {
  return change.name.startsWith(PREFIX)
}

/** The requests that a recording has kept, in the order in which they came. */
export function wiresOf(recording: Recording): Wire[] {
  return recording.changes.filter(isWire).map(({ name, value }) => {
    const [apiKey = 0, version = 0] = name.slice(PREFIX.length).split('.').map(Number)
    return { apiKey, version, hex: String(value) }
  })
}

/** Keeps the first request of each kind. */
export class WireWatch {
  readonly #kept = new Set<string>()

  /** Looks at a processor that reads a frame. */
  see(args: Readonly<Record<string, unknown>>, frame: Frame): Iterable<Seen> {
    if (frame.name !== 'Processor.parseRequest') return []
    const { payload } = (args.receive ?? {}) as { readonly payload?: Buffer }
    if (!payload || payload.length < 4 || payload.length > MOST_BYTES) return []
    const name = `${PREFIX}${payload.readInt16BE(0)}.${payload.readInt16BE(2)}`
    if (this.#kept.has(name)) return []
    this.#kept.add(name)
    return [[name, payload.toString('hex')]]
  }
}
