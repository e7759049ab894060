/**
 * # TimerTask
 *
 * Something to do later, unless it is taken back first. While it waits it sits in one
 * bucket of a timing wheel, through its `TimerTaskEntry`.
 *
 * @kafka core/src/main/scala/kafka/utils/timer/TimerTask.scala#TimerTask
 * @module
 */
import type { TimerTaskEntry } from './TimerTaskEntry.ts'

/** Base of what a `SystemTimer` runs. */
export abstract class TimerTask {
  /** Ms from being added to being run. */
  readonly delayMs: number
  #entry: TimerTaskEntry | undefined

  constructor(delayMs: number) {
    this.delayMs = delayMs
  }

  /** Does it. Called at most once for each time it was added, and not after `cancel`. */
  abstract run(): void

  /** Takes it back, wherever it waits. */
  cancel(): void {
    this.#entry?.remove()
    this.#entry = undefined
  }

  /** Ties the task to the place where it waits; it leaves an earlier one. */
  setTimerTaskEntry(entry: TimerTaskEntry): void {
    if (this.#entry !== undefined && this.#entry !== entry) this.#entry.remove()
    this.#entry = entry
  }

  getTimerTaskEntry(): TimerTaskEntry | undefined {
    return this.#entry
  }
}
