/**
 * # Condition
 *
 * A place to wait for "something changed"; who wakes looks again for himself.
 *
 * @differs belongs to no lock: nothing can change between looking and waiting
 * @module
 */
import type { Clock } from '../platform/Platform.ts'
import { Waiters } from './Waiters.ts'

/** What became of `java.util.concurrent.locks.Condition`. */
export class Condition {
  readonly #waiters = new Waiters<true>()

  /** Waits for a signal. @throws AbortError (rejects) when `signal` fires first */
  async wait(signal?: AbortSignal): Promise<void> {
    await this.#waiters.wait({ signal })
  }

  /**
   * Waits for a signal, no longer than `timeoutMs`.
   *
   * @returns whether the signal came
   */
  async waitFor(
    timeoutMs: number,
    clock: Clock,
    signal?: AbortSignal,
  ): Promise<boolean> {
    return (await this.#waiters.wait({ signal, timeoutMs, clock })) === true
  }

  /** Wakes the one who waited longest. */
  signal(): void {
    this.#waiters.wakeOne(true)
  }

  /** Wakes all who wait now. */
  signalAll(): void {
    this.#waiters.wakeAll(true)
  }
}
