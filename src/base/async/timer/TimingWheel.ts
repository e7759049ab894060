/**
 * # TimingWheel
 *
 * Sorts tasks by when they are due, roughly, at constant cost however many there are. A
 * wheel is a ring of buckets, each one tick wide; what lies beyond its round goes to a
 * wheel whose tick is this one's whole round.
 *
 *     level 0   20 buckets of   1 ms   the next  20 ms
 *     level 1   20 buckets of  20 ms   the next 400 ms     made when first needed
 *     level 2   20 buckets of 400 ms   the next   8 s      …
 *
 * When a coarse bucket is due its tasks are filed again, and fall to a finer wheel. Worked
 * example at time 0: a task due at 445 waits in bucket 400 of level 2; at 400 it moves to
 * bucket 440 of level 1; at 440 to bucket 445 of level 0; at 445 it runs.
 *
 * Invariant: a bucket is in the queue exactly while its expiration is set, and all its
 * entries are due within one tick of that.
 *
 * @kafka core/src/main/scala/kafka/utils/timer/TimingWheel.scala#TimingWheel
 * @module
 */
import type { DelayQueue } from './DelayQueue.ts'
import type { TimerTaskEntry } from './TimerTaskEntry.ts'
import { type TaskCounter, TimerTaskList } from './TimerTaskList.ts'

/** What all wheels of a timer share, and the size of this one. */
export interface TimingWheelOptions {
  /** Width of a bucket. */
  readonly tickMs: number
  /** Number of buckets. */
  readonly wheelSize: number
  readonly startMs: number
  readonly taskCounter: TaskCounter
  readonly queue: DelayQueue<TimerTaskList>
}

/** One level of the hierarchy, and through it all levels above. */
export class TimingWheel {
  readonly #options: TimingWheelOptions
  readonly #tickMs: number
  /** One whole round in ms. */
  readonly #interval: number
  readonly #buckets: TimerTaskList[]
  /** Now, rounded down to a tick. Moved by `advanceClock`. */
  #currentTime: number
  #overflowWheel: TimingWheel | undefined

  constructor(options: TimingWheelOptions) {
    const { tickMs, wheelSize, startMs, taskCounter } = options
    this.#options = options
    this.#tickMs = tickMs
    this.#interval = tickMs * wheelSize
    this.#buckets = Array.from(
      { length: wheelSize },
      () => new TimerTaskList(taskCounter),
    )
    this.#currentTime = startMs - (startMs % tickMs)
  }

  /** Levels in use, this one included. */
  get levels(): number {
    return 1 + (this.#overflowWheel?.levels ?? 0)
  }

  /**
   * Files an entry in the bucket for its time.
   *
   * @returns `false` when it is due already, or was taken back
   */
  add(entry: TimerTaskEntry): boolean {
    const expiration = entry.expirationMs
    if (entry.cancelled || expiration < this.#currentTime + this.#tickMs) return false

    // Hand what lies beyond this round to the wheel above.
    if (expiration >= this.#currentTime + this.#interval) {
      this.addOverflowWheel()
      return this.#overflowWheel!.add(entry)
    }

    // Put it into its bucket; queue the bucket when it begins a new round.
    const virtualId = Math.floor(expiration / this.#tickMs)
    const bucket = this.#buckets[virtualId % this.#buckets.length]!
    bucket.add(entry)
    if (bucket.setExpiration(virtualId * this.#tickMs))
      this.#options.queue.offer(bucket)
    return true
  }

  /** Moves now to `timeMs`, here and in the wheels above. */
  advanceClock(timeMs: number): void {
    if (timeMs < this.#currentTime + this.#tickMs) return
    this.#currentTime = timeMs - (timeMs % this.#tickMs)
    this.#overflowWheel?.advanceClock(this.#currentTime)
  }

  /** Makes the wheel above, unless it is there. */
  addOverflowWheel(): void {
    this.#overflowWheel ??= new TimingWheel({
      ...this.#options,
      tickMs: this.#interval,
      startMs: this.#currentTime,
    })
  }
}
