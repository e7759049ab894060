/**
 * # The log of a simulated run
 *
 * What happened, in order, with virtual time: for a reader of a run that failed, and for
 * the proof that a seed always gives the same run. Two runs are the same when their
 * digests are.
 *
 *     t=  4.210  crash b1, its unflushed bytes are torn
 *     t=  5.730  t-0: leader 2, epoch 3, ISR 2,0 (controller epoch 2)
 *
 * @module
 */
import { crc32c } from '../../base/crc.ts'
import type { Clock } from '../../base/platform/Platform.ts'

/** Lines with their times, and a digest over all of them. */
export class EventLog {
  readonly #clock: Clock
  readonly #startMs: number
  readonly #lines: string[] = []
  #digest = 0
  #count = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startMs = clock.monotonic()
  }

  /** Stands for everything added so far. */
  get digest(): string {
    return `${this.#count}:${this.#digest.toString(16).padStart(8, '0')}`
  }

  /** Adds a line that a reader wants to see. */
  add(text: string): void {
    const seconds = (this.#clock.monotonic() - this.#startMs) / 1000
    const line = `t=${seconds.toFixed(3).padStart(7)}  ${text}`
    this.#lines.push(line)
    this.note(line)
  }

  /** Counts for the digest only: too much for a reader. */
  note(text: string): void {
    this.#digest = crc32c(Buffer.from(text), 0, undefined, this.#digest)
    this.#count++
  }

  /** All lines for a reader. */
  toString(): string {
    return this.#lines.join('\n')
  }
}
