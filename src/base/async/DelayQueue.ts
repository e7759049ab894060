/**
 * # DelayQueue
 *
 * Items that may be taken only when their time has come, the earliest first. One timer is
 * set at most, for the head, and only while somebody waits: an empty queue costs nothing.
 *
 *     add(a, 30), add(b, 10) ─▶ [ b 10 | a 30 ] ─▶ take: b at 10, a at 30
 *
 * @differs stands for `java.util.concurrent.DelayQueue`
 * @module
 */
import type { Clock } from '../platform/Platform.ts'
import { throwIfAborted } from './abort.ts'
import { Waiters } from './Waiters.ts'

/** A queue ordered by time. */
export class DelayQueue<T> {
  readonly #clock: Clock
  readonly #waiters = new Waiters<true>()
  /** By due time; equal ones in the order in which they came. */
  readonly #items: { readonly item: T; readonly dueMs: number }[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Items that nobody has taken, due or not. */
  get size(): number {
    return this.#items.length
  }

  /** Adds an item. @param delayMs - time until it may be taken */
  add(item: T, delayMs: number): void {
    const dueMs = this.#clock.monotonic() + Math.max(0, delayMs)
    let at = this.#items.length
    while (at > 0 && this.#items[at - 1]!.dueMs > dueMs) at--
    this.#items.splice(at, 0, { item, dueMs })
    if (at === 0) this.#waiters.wakeOne(true)
  }

  /**
   * Takes the earliest item, once it is due.
   *
   * @throws AbortError (rejects) on `signal`
   */
  async take(signal?: AbortSignal): Promise<T> {
    const clock = this.#clock
    for (;;) {
      throwIfAborted(signal)
      const head = this.#items[0]
      const waitMs = head && head.dueMs - clock.monotonic()
      if (head && waitMs! <= 0) {
        this.#items.shift()
        return head.item
      }

      // Wait for its time, or for an earlier one.
      await this.#waiters.wait({ signal, timeoutMs: waitMs, clock })
    }
  }
}
