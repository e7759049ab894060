/**
 * # VirtualClock
 *
 * Time that stands still until a test moves it. Timers fire in the order in which they
 * are due, and everything that one sets off has settled before the next fires; so a run
 * with the same inputs is the same run.
 *
 *     advance(30): settle ─▶ 10 fires ─▶ settle ─▶ 25 fires ─▶ settle ─▶ now = 30
 *
 * A timer fires in the asynchronous context of the one who set it, as the host's do.
 *
 * @kafka clients/src/test/java/org/apache/kafka/common/utils/MockTime.java#MockTime
 * @module
 */
import { Deferred } from '../../async/Deferred.ts'
import { nextMacrotask } from '../node/macrotask.ts'
import type { Clock, TimerHandle } from '../Platform.ts'
import { sleepOn } from '../sleep.ts'

interface VirtualTimer extends TimerHandle {
  readonly due: number
  readonly fire: Deferred
  cancelled: boolean
}

/** A clock that a test moves. */
export class VirtualClock implements Clock {
  readonly #startMs: number
  #elapsedMs = 0
  /** By due time; equal ones in the order in which they were set. */
  readonly #timers: VirtualTimer[] = []

  /** @param startMs - wall time at the beginning */
  constructor(startMs = 1_600_000_000_000) {
    this.#startMs = startMs
  }

  now(): number {
    return Math.floor(this.#startMs + this.#elapsedMs)
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  /** Timers that are set and not yet due. */
  get pendingTimers(): number {
    return this.#timers.length
  }

  /** Ms until the next timer is due; `undefined` when none is set. */
  get nextTimerInMs(): number | undefined {
    const next = this.#timers[0]
    return next && next.due - this.#elapsedMs
  }

  setTimeout(fn: () => void, ms: number): TimerHandle {
    const due = this.#elapsedMs + Math.max(0, ms)
    const timer: VirtualTimer = { due, fire: new Deferred(), cancelled: false }

    // Continue from a promise, which keeps the context of this caller.
    void timer.fire.promise.then(() => {
      if (!timer.cancelled) fn()
    })
    this.#timers.splice(this.#indexAfter(due), 0, timer)
    return timer
  }

  clearTimeout(handle: TimerHandle | undefined): void {
    if (handle === undefined) return
    const timer = handle as VirtualTimer
    timer.cancelled = true
    for (let i = this.#indexAfter(timer.due) - 1; i >= 0; i--) {
      if (this.#timers[i] === timer) this.#timers.splice(i, 1)
      if (this.#timers[i] === undefined || this.#timers[i]!.due < timer.due) return
    }
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal)
  }

  /** Lets everything settle that can settle without time passing. */
  async settle(): Promise<void> {
    await nextMacrotask()
  }

  /** Moves time on by `ms`, firing what becomes due on the way. */
  async advance(ms: number): Promise<void> {
    const target = this.#elapsedMs + ms
    await this.settle()
    while (this.#timers.length > 0 && this.#timers[0]!.due <= target) {
      this.#fireNext()
      await this.settle()
    }
    this.#elapsedMs = target
  }

  /**
   * Moves time on, timer by timer, until `promise` settles.
   *
   * @param limitMs - time that may pass at most
   * @returns what the promise gives
   * @throws when it rejects, when the time is over, or when no timer is left to fire
   */
  async runUntil<T>(promise: Promise<T>, limitMs = 600_000): Promise<T> {
    let settled = false
    const done = (): void => {
      settled = true
    }
    promise.then(done, done)
    const target = this.#elapsedMs + limitMs

    // A host task that is no timer (a codec, a file) may still be at work: look again.
    let idleTurns = 0
    for (await this.settle(); !settled; await this.settle()) {
      const next = this.#timers[0]
      if (next !== undefined && next.due <= target) {
        this.#fireNext()
        idleTurns = 0
      } else if (++idleTurns > 1000) {
        throw new Error(`nothing settled within ${limitMs} ms of virtual time`)
      }
    }
    return promise
  }

  #fireNext(): void {
    const timer = this.#timers.shift()!
    this.#elapsedMs = Math.max(this.#elapsedMs, timer.due)
    timer.fire.resolve()
  }

  /** @returns the index behind all timers due at or before `due` */
  #indexAfter(due: number): number {
    let low = 0
    let high = this.#timers.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#timers[middle]!.due <= due) low = middle + 1
      else high = middle
    }
    return low
  }
}
