/**
 * # Meter
 *
 * Counts what happens, and knows how often it happened lately: the rate of the last minute,
 * in which what is older weighs less and less.
 *
 *     every 5 s   rate ← rate + (events of these 5 s / 5 − rate) · (1 − e^(−5/60))
 *
 * Nothing runs every 5 s: who marks or asks makes up for the intervals that went by.
 *
 * @kafka core/src/main/scala/kafka/metrics/KafkaMetricsGroup.scala#KafkaMetricsGroup.newMeter
 * @differs most meters of Kafka are plain counts here, whose rate is the business of who
 *   collects them; this one is for a rate that the broker itself shows.
 * @module
 */
import type { Clock } from '../platform/Platform.ts'

const TICK_SECONDS = 5
const ALPHA = 1 - Math.exp(-TICK_SECONDS / 60)

/** A count with a rate. */
export class Meter {
  /** All that was marked. */
  count = 0
  readonly #clock: Clock
  #uncounted = 0
  #lastTickMs: number
  /** A second; undefined before the first interval is over. */
  #rate: number | undefined

  /** Begins to count, now. */
  constructor(clock: Clock) {
    this.#clock = clock
    this.#lastTickMs = clock.monotonic()
  }

  /** Notes that something happened. */
  mark(amount = 1): void {
    this.#tickIfNecessary()
    this.count += amount
    this.#uncounted += amount
  }

  /** Events a second, lately; 0 in the first 5 s. */
  get oneMinuteRate(): number {
    this.#tickIfNecessary()
    return this.#rate ?? 0
  }

  #tickIfNecessary(): void {
    const elapsedMs = this.#clock.monotonic() - this.#lastTickMs
    const ticks = Math.floor(elapsedMs / (TICK_SECONDS * 1000))
    if (ticks === 0) return
    this.#lastTickMs += ticks * TICK_SECONDS * 1000

    // Take in the interval that ended; nothing happened in those that followed it.
    const instant = this.#uncounted / TICK_SECONDS
    this.#uncounted = 0
    const rate = this.#rate ?? instant
    this.#rate = (rate + (instant - rate) * ALPHA) * (1 - ALPHA) ** (ticks - 1)
  }
}
