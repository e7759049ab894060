/**
 * # DelayQueue
 *
 * Holds things until they are due, the earliest on top of a binary heap. Buckets wait in
 * it, not tasks: so it stays small however many tasks there are, and time jumps from one
 * filled bucket to the next instead of ticking.
 *
 * @differs stands for `java.util.concurrent.DelayQueue`; waits on the clock's timers
 * @module
 */
import type { Clock } from '../../platform/Platform.ts'
import { throwIfAborted } from '../abort.ts'
import { Waiters } from '../Waiters.ts'

/** Something with a time. It must not change while it is queued. */
export interface Delayed {
  readonly expirationMs: number
}

/** A queue whose head comes out only when its time has come. */
export class DelayQueue<T extends Delayed> {
  readonly #clock: Clock
  readonly #heap: T[] = []
  /** Those who wait are woken when an earlier head arrives. */
  readonly #pollers = new Waiters<true>()
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#heap.length
  }

  /** Adds an item. */
  offer(item: T): void {
    this.#heap.push(item)
    this.#siftUp(this.#heap.length - 1)
    if (this.#heap[0] === item) this.#pollers.wakeAll(true)
  }

  /** Lets those who wait go with nothing, now and later. */
  close(): void {
    this.#closed = true
    this.#pollers.wakeAll(true)
  }

  /** @returns the head if it is due now */
  tryPoll(): T | undefined {
    const head = this.#heap[0]
    if (head === undefined || head.expirationMs > this.#now()) return undefined
    const last = this.#heap.pop()!
    if (head !== last) {
      this.#heap[0] = last
      this.#siftDown(0)
    }
    return head
  }

  /**
   * Waits for the head to be due.
   *
   * @param timeoutMs - how long at most; may be infinite
   * @returns the head, or `undefined` when the time ran out or the queue was closed
   * @throws AbortError (rejects) when `signal` fires first
   */
  async poll(timeoutMs: number, signal?: AbortSignal): Promise<T | undefined> {
    const clock = this.#clock
    const deadline = clock.monotonic() + timeoutMs
    for (;;) {
      throwIfAborted(signal)
      if (this.#closed) return undefined
      const due = this.tryPoll()
      const left = deadline - clock.monotonic()
      if (due !== undefined || left <= 0) return due

      // Sleep until the head is due, the time is over, or an earlier head arrives.
      const head = this.#heap[0]
      const untilHead =
        head === undefined ? left : head.expirationMs - clock.monotonic()
      const wait = Math.ceil(Math.min(left, untilHead))
      await this.#pollers.wait(
        Number.isFinite(wait) ? { signal, clock, timeoutMs: wait } : { signal },
      )
    }
  }

  #now(): number {
    return Math.floor(this.#clock.monotonic())
  }

  #siftUp(index: number): void {
    const heap = this.#heap
    const item = heap[index]!
    let at = index
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (heap[parent]!.expirationMs <= item.expirationMs) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = item
  }

  #siftDown(index: number): void {
    const heap = this.#heap
    const item = heap[index]!
    let at = index
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      const right = heap[child + 1]
      if (right !== undefined && right.expirationMs < heap[child]!.expirationMs) child++
      if (heap[child]!.expirationMs >= item.expirationMs) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = item
  }
}
