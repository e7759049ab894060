/**
 * # AsyncQueue
 *
 * What became of Java's blocking queues: `put` waits while it is full, `take` waits while
 * it is empty, first come first served on both sides. Capacities are kept where Kafka has
 * them, since they are how a slow reader holds back a fast writer.
 *
 *     put ─▶ [ waiting putters ] ─▶ [ items, at most capacity ] ─▶ take
 *
 * Invariant: when someone waits to take there are no items, and when someone waits to put
 * the queue is full.
 *
 * @differs stands for `ArrayBlockingQueue` and `LinkedBlockingQueue`; needs no lock
 * @module
 */
import type { Clock } from '../platform/Platform.ts'
import { throwIfAborted } from './abort.ts'
import { Waiters } from './Waiters.ts'

/** A queue between async loops. */
export class AsyncQueue<T> {
  readonly capacity: number
  #items: T[] = []
  #head = 0
  readonly #takers = new Waiters<{ readonly item: T }>()
  readonly #putters = new Waiters<true>()

  /** @param capacity - items it holds before `put` waits; without it, any number */
  constructor(capacity = Number.POSITIVE_INFINITY) {
    this.capacity = capacity
  }

  /** Items that wait to be taken. */
  get size(): number {
    return this.#items.length - this.#head
  }

  /** Adds an item unless the queue is full. @returns whether it was added */
  offer(item: T): boolean {
    if (this.#takers.wakeOne({ item })) return true
    if (this.size >= this.capacity) return false
    this.#items.push(item)
    return true
  }

  /** Adds an item, once there is room. @throws AbortError (rejects) on `signal` */
  async put(item: T, signal?: AbortSignal): Promise<void> {
    throwIfAborted(signal)
    while (this.#putters.size > 0 || !this.offer(item)) {
      await this.#putters.wait({ signal })
      if (this.offer(item)) return
    }
  }

  /** Takes the oldest item, once there is one. @throws AbortError (rejects) on `signal` */
  async take(signal?: AbortSignal): Promise<T> {
    throwIfAborted(signal)
    if (this.size > 0) return this.#shift()
    const given = await this.#takers.wait({ signal })
    return given!.item
  }

  /**
   * Takes the oldest item, waiting no longer than `timeoutMs`.
   *
   * @returns `undefined` when none came in time
   * @throws AbortError (rejects) on `signal`
   */
  async poll(
    timeoutMs: number,
    clock: Clock,
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    throwIfAborted(signal)
    if (this.size > 0) return this.#shift()
    if (timeoutMs <= 0) return undefined
    const given = await this.#takers.wait({ signal, timeoutMs, clock })
    return given?.item
  }

  /** Takes the oldest item if there is one now. */
  tryTake(): T | undefined {
    return this.size > 0 ? this.#shift() : undefined
  }

  /** @returns the oldest item, left where it is */
  peek(): T | undefined {
    return this.#items[this.#head]
  }

  /** Empties the queue; those who wait to put go on. @returns what was in it, in order */
  clear(): T[] {
    const items = this.#items.slice(this.#head)
    this.#items = []
    this.#head = 0
    for (let room = items.length; room > 0; room--) this.#putters.wakeOne(true)
    return items
  }

  #shift(): T {
    const item = this.#items[this.#head]!
    this.#items[this.#head++] = undefined as T

    // Give the memory of taken items back now and then.
    if (this.#head === this.#items.length) {
      this.#items = []
      this.#head = 0
    } else if (this.#head >= 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    this.#putters.wakeOne(true)
    return item
  }
}
