/**
 * # KafkaScheduler
 *
 * Runs named tasks later, once or again and again: flushing logs, deleting old segments,
 * shrinking in-sync replica sets. What a task throws is logged and the schedule goes on.
 *
 * Invariants: a task never overlaps with itself; nothing begins after `shutdown`, which
 * waits for what is running.
 *
 * @differs Kafka's has `background.threads` threads; here the clock's timers suffice.
 * @kafka core/src/main/scala/kafka/utils/KafkaScheduler.scala#KafkaScheduler
 * @module
 */
import { IllegalStateException } from '../exceptions.ts'
import { logger } from '../logger.ts'
import type { Clock, TimerHandle } from '../platform/Platform.ts'

/** A task that was scheduled, to take it back. */
export interface ScheduledTask {
  /** Keeps it from beginning again. */
  cancel(): void
}

interface Entry extends ScheduledTask {
  timer: TimerHandle | undefined
  running: Promise<void> | undefined
}

const log = logger('KafkaScheduler')

/** The scheduler of one broker or consumer. */
export class KafkaScheduler {
  readonly #clock: Clock
  readonly #entries = new Set<Entry>()
  #isStarted = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isStarted(): boolean {
    return this.#isStarted
  }

  /** @throws IllegalStateException when it is running already */
  startup(): void {
    if (this.#isStarted) throw new IllegalStateException('the scheduler is running')
    this.#isStarted = true
  }

  /**
   * Schedules a task.
   *
   * @param delayMs - when it runs first, from now
   * @param periodMs - time from one beginning to the next; negative for only once. A run
   *   that takes longer delays the next.
   * @throws IllegalStateException before `startup` and after `shutdown`
   */
  schedule(
    name: string,
    fn: () => void | Promise<void>,
    delayMs = 0,
    periodMs = -1,
  ): ScheduledTask {
    if (!this.#isStarted)
      throw new IllegalStateException('the scheduler is not running')
    const entry: Entry = {
      timer: undefined,
      running: undefined,
      cancel: () => {
        this.#clock.clearTimeout(entry.timer)
        if (entry.running === undefined) this.#entries.delete(entry)
        cancelled = true
      },
    }
    let cancelled = false
    let due = this.#clock.monotonic() + delayMs

    // Run once, then arm the timer again relative to when this run was due.
    const begin = (): void => {
      entry.running = this.#runTask(name, fn).then(() => {
        entry.running = undefined
        if (periodMs < 0 || cancelled || !this.#isStarted) {
          this.#entries.delete(entry)
          return
        }
        const now = this.#clock.monotonic()
        due = Math.max(due + periodMs, now)
        entry.timer = this.#clock.setTimeout(begin, due - now)
      })
    }
    this.#entries.add(entry)
    entry.timer = this.#clock.setTimeout(begin, delayMs)
    return entry
  }

  /** Takes all schedules back and waits for the tasks that are running. */
  async shutdown(): Promise<void> {
    this.#isStarted = false
    const entries = [...this.#entries]
    for (const entry of entries) entry.cancel()
    await Promise.all(entries.map((entry) => entry.running))
  }

  async #runTask(name: string, fn: () => void | Promise<void>): Promise<void> {
    try {
      await fn()
    } catch (error) {
      log.error(`task ${name} failed`, error)
    }
  }
}
