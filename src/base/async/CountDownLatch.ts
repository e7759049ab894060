/**
 * # CountDownLatch
 *
 * A gate that opens when it was counted down to zero, and stays open.
 *
 * @module
 */
import type { Clock } from '../platform/Platform.ts'
import { Waiters } from './Waiters.ts'

/** What became of `java.util.concurrent.CountDownLatch`. */
export class CountDownLatch {
  #count: number
  readonly #waiters = new Waiters<true>()

  /** @param count - calls of `countDown` that open it */
  constructor(count: number) {
    this.#count = count
  }

  get count(): number {
    return this.#count
  }

  countDown(): void {
    if (this.#count === 0) return
    this.#count--
    if (this.#count === 0) this.#waiters.wakeAll(true)
  }

  /**
   * Waits until the gate is open.
   *
   * @param timeoutMs - how long at most; needs `clock`; for ever when left out
   * @returns whether it is open, `false` when the time ran out
   */
  async await(
    timeoutMs?: number,
    clock?: Clock,
    signal?: AbortSignal,
  ): Promise<boolean> {
    if (this.#count === 0) return true
    return (await this.#waiters.wait({ signal, timeoutMs, clock })) === true
  }
}
