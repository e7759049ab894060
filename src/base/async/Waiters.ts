/**
 * # Waiters
 *
 * A line of those who wait for one thing: first come, first served. Each leaves by being
 * woken, by its time running out, or by its signal. Queue, latch, condition and mutex all
 * stand on it.
 *
 * @module
 */
import type { Clock, TimerHandle } from '../platform/Platform.ts'
import { AbortError, onAbort, throwIfAborted } from './abort.ts'

/** How a wait may end before it is served. */
export interface WaitLimits {
  readonly signal?: AbortSignal | undefined
  /** In ms; with a clock. When it runs out the wait answers `undefined`. */
  readonly timeoutMs?: number | undefined
  readonly clock?: Clock | undefined
}

interface Waiter<T> {
  readonly settle: (value: T | undefined) => void
}

/** Those who wait, in order of arrival. */
export class Waiters<T> {
  readonly #line = new Set<Waiter<T>>()

  get size(): number {
    return this.#line.size
  }

  /**
   * Joins the line.
   *
   * @returns what `wakeOne` gave, or `undefined` when the time ran out
   * @throws AbortError (rejects) when the signal fires first
   */
  wait({ signal, timeoutMs, clock }: WaitLimits = {}): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      throwIfAborted(signal)
      let timer: TimerHandle | undefined
      let forgetSignal: (() => void) | undefined
      const waiter: Waiter<T> = {
        settle: (value) => {
          leave()
          resolve(value)
        },
      }
      const leave = (): void => {
        this.#line.delete(waiter)
        clock?.clearTimeout(timer)
        forgetSignal?.()
      }

      // Stand in line with both ways out open.
      this.#line.add(waiter)
      if (signal !== undefined) {
        forgetSignal = onAbort(signal, () => {
          leave()
          reject(new AbortError(undefined, { cause: signal.reason }))
        })
      }
      if (timeoutMs !== undefined && clock !== undefined) {
        timer = clock.setTimeout(() => waiter.settle(undefined), timeoutMs)
      }
    })
  }

  /** Serves the first in line. @returns whether there was one */
  wakeOne(value: T): boolean {
    for (const waiter of this.#line) {
      waiter.settle(value)
      return true
    }
    return false
  }

  /** Serves all who stand in line now. */
  wakeAll(value: T): void {
    for (const waiter of [...this.#line]) waiter.settle(value)
  }
}
