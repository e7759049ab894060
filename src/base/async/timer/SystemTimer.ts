/**
 * # SystemTimer
 *
 * Runs many tasks, each at its time, most of which are taken back before. A purgatory has
 * one for its timeouts; its reaper turns the hand with `advanceClock`.
 *
 *     add ─▶ TimingWheel ─▶ bucket ─▶ DelayQueue ─▶ advanceClock ─▶ executor
 *              ▲                                        │
 *              └──────── not due yet, one level down ◀──┘
 *
 * @differs The read-write lock is gone: filing and flushing are synchronous. The executor
 *   of one thread became a list that is worked off in the next microtask, in order, so
 *   that a task never runs inside `add`.
 * @kafka core/src/main/scala/kafka/utils/timer/Timer.scala#SystemTimer
 * @module
 */
import { logger } from '../../logger.ts'
import type { Clock } from '../../platform/Platform.ts'
import { DelayQueue } from './DelayQueue.ts'
import type { TimerTask } from './TimerTask.ts'
import { TimerTaskEntry } from './TimerTaskEntry.ts'
import type { TaskCounter, TimerTaskList } from './TimerTaskList.ts'
import { TimingWheel } from './TimingWheel.ts'

/** Longer delays, such as Java's `Long.MAX_VALUE`, mean "never"; 140 thousand years do. */
const MAX_DELAY_MS = 2 ** 52

/**
 * What a purgatory needs of a timer.
 *
 * @kafka core/src/main/scala/kafka/utils/timer/Timer.scala#Timer
 */
export interface Timer {
  /** Files a task, to run `delayMs` from now. */
  add(timerTask: TimerTask): void
  /** Moves the hand; waits up to `timeoutMs` for something to be due. */
  advanceClock(timeoutMs: number, signal?: AbortSignal): Promise<boolean>
  /** Tasks that wait. */
  readonly size: number
  /** Runs nothing from now on. */
  shutdown(): void
}

/** The timer of one purgatory. */
export class SystemTimer implements Timer {
  readonly #clock: Clock
  readonly #delayQueue: DelayQueue<TimerTaskList>
  readonly #taskCounter: TaskCounter = { count: 0 }
  readonly #timingWheel: TimingWheel
  #closed = false
  readonly #due: TimerTask[] = []
  readonly #executorName: string

  /**
   * @param executorName - the purgatory's name, for the log
   * @param tickMs - width of the finest bucket
   * @param wheelSize - buckets of each wheel
   */
  constructor(executorName: string, clock: Clock, tickMs = 1, wheelSize = 20) {
    this.#executorName = executorName
    this.#clock = clock
    this.#delayQueue = new DelayQueue(clock)
    this.#timingWheel = new TimingWheel({
      tickMs,
      wheelSize,
      startMs: this.#now(),
      taskCounter: this.#taskCounter,
      queue: this.#delayQueue,
    })
  }

  get size(): number {
    return this.#taskCounter.count
  }

  /** Levels of wheels that were needed so far. */
  get levels(): number {
    return this.#timingWheel.levels
  }

  add(timerTask: TimerTask): void {
    const delayMs = Math.min(Math.max(0, Math.ceil(timerTask.delayMs)), MAX_DELAY_MS)
    const expirationMs = this.#now() + delayMs
    this.addTimerTaskEntry(new TimerTaskEntry(timerTask, expirationMs))
  }

  /** Files an entry, or gives its task to the executor when it is due. */
  addTimerTaskEntry(entry: TimerTaskEntry): void {
    if (this.#timingWheel.add(entry) || entry.cancelled) return
    this.#submit(entry.timerTask!)
  }

  /**
   * Handles every bucket that is due, waiting for the first.
   *
   * @param timeoutMs - how long to wait at most; may be infinite
   * @returns whether any was due
   * @throws AbortError (rejects) when `signal` fires first
   */
  async advanceClock(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    const first = await this.#delayQueue.poll(timeoutMs, signal)
    for (let bucket = first; bucket; bucket = this.#delayQueue.tryPoll()) {
      this.#timingWheel.advanceClock(bucket.getExpiration())
      bucket.flush((entry) => this.addTimerTaskEntry(entry))
    }
    return first !== undefined
  }

  shutdown(): void {
    this.#closed = true
    this.#delayQueue.close()
    this.#due.length = 0
  }

  #submit(task: TimerTask): void {
    if (this.#closed) return
    this.#due.push(task)

    // Floats on purpose: #runDue catches what tasks throw.
    if (this.#due.length === 1) void Promise.resolve().then(() => this.#runDue())
  }

  #runDue(): void {
    for (let task = this.#due[0]; task !== undefined; task = this.#due[0]) {
      try {
        task.run()
      } catch (error) {
        logger(`executor-${this.#executorName}`).error('a task failed', error)
      }
      this.#due.shift()
    }
  }

  #now(): number {
    return Math.floor(this.#clock.monotonic())
  }
}
