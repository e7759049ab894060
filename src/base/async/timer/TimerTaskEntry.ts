/**
 * # TimerTaskEntry
 *
 * The link that holds a task in a bucket, with the time at which it is due. A list of
 * links that know their neighbours lets a task leave in constant time.
 *
 * @kafka core/src/main/scala/kafka/utils/timer/TimerTaskList.scala#TimerTaskEntry
 * @module
 */
import type { TimerTask } from './TimerTask.ts'
import type { TimerTaskList } from './TimerTaskList.ts'

/** One waiting task. */
export class TimerTaskEntry {
  readonly timerTask: TimerTask | undefined
  /** When it is due, in ms of the timer's clock. */
  readonly expirationMs: number
  list: TimerTaskList | undefined
  next: TimerTaskEntry | undefined
  prev: TimerTaskEntry | undefined

  /** @param timerTask - `undefined` only for the root of a list */
  constructor(timerTask: TimerTask | undefined, expirationMs: number) {
    this.timerTask = timerTask
    this.expirationMs = expirationMs
    timerTask?.setTimerTaskEntry(this)
  }

  /** Whether the task was taken back, or added anew elsewhere. */
  get cancelled(): boolean {
    return this.timerTask?.getTimerTaskEntry() !== this
  }

  /** Leaves the bucket in which it sits, if any. */
  remove(): void {
    this.list?.remove(this)
  }
}
