/**
 * # TimerTaskList
 *
 * A bucket of a timing wheel: all tasks that are due within one tick of it. A ring of
 * entries around a root, so that adding and removing touch two neighbours.
 *
 *     root ⇄ entry ⇄ entry ⇄ root
 *
 * @differs Kafka locks the list and the entry, since a task may move while it is removed.
 *   Here each call runs to its end.
 * @kafka core/src/main/scala/kafka/utils/timer/TimerTaskList.scala#TimerTaskList
 * @module
 */
import type { Delayed } from './DelayQueue.ts'
import { TimerTaskEntry } from './TimerTaskEntry.ts'

/** How many tasks wait in all wheels of a timer. */
export interface TaskCounter {
  count: number
}

/** One bucket. */
export class TimerTaskList implements Delayed {
  readonly #taskCounter: TaskCounter
  readonly #root = new TimerTaskEntry(undefined, -1)
  #expirationMs = -1

  constructor(taskCounter: TaskCounter) {
    this.#taskCounter = taskCounter
    this.#root.next = this.#root
    this.#root.prev = this.#root
  }

  /** Begin of the tick that the bucket stands for; -1 while it stands for none. */
  get expirationMs(): number {
    return this.#expirationMs
  }

  /** Sets the tick it stands for. @returns whether that is another than before */
  setExpiration(expirationMs: number): boolean {
    const changed = this.#expirationMs !== expirationMs
    this.#expirationMs = expirationMs
    return changed
  }

  getExpiration(): number {
    return this.#expirationMs
  }

  /** Puts an entry at the end of the ring, taking it out of another bucket. */
  add(entry: TimerTaskEntry): void {
    entry.remove()
    const tail = this.#root.prev!
    entry.next = this.#root
    entry.prev = tail
    entry.list = this
    tail.next = entry
    this.#root.prev = entry
    this.#taskCounter.count++
  }

  /** Takes an entry out, if it is in here. */
  remove(entry: TimerTaskEntry): void {
    if (entry.list !== this) return
    entry.next!.prev = entry.prev
    entry.prev!.next = entry.next
    entry.next = undefined
    entry.prev = undefined
    entry.list = undefined
    this.#taskCounter.count--
  }

  /** Empties the bucket into `fn`, in order, and frees it for another tick. */
  flush(fn: (entry: TimerTaskEntry) => void): void {
    for (let head = this.#root.next!; head !== this.#root; head = this.#root.next!) {
      this.remove(head)
      fn(head)
    }
    this.#expirationMs = -1
  }
}
