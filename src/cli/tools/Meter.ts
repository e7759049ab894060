/**
 * # Meter
 *
 * Counts, and says how many a second it was: since the beginning, and of late. Of late is
 * an average that forgets: every 5 s the rate of these 5 s is mixed into it, with a share
 * that makes one, five or fifteen minutes of memory.
 *
 *     share = 1 - e^(-5 s / memory)       rate += share × (rate of the last 5 s - rate)
 *
 * It is the meter of the library that Kafka 1.1.1 counts with (Yammer Metrics 2.2), whose
 * numbers end up in its files.
 *
 * @kafka core/src/main/scala/kafka/metrics/KafkaMetricsGroup.scala#newMeter
 * @module
 */

/** How often the rates are renewed, in ms. */
export const TICK_INTERVAL_MS = 5_000

/** Memory of the three rates, in minutes. */
const MEMORIES = [1, 5, 15] as const

/** Counts and rates of one thing. */
export class Meter {
  /** How many there were. */
  count = 0
  /** How many since the last tick. */
  #recent = 0
  #rates: readonly number[] | undefined

  /** Counts some more. */
  mark(n: number): void {
    this.count += n
    this.#recent += n
  }

  /** Renews the rates; to be called every {@link TICK_INTERVAL_MS}. */
  tick(): void {
    const seconds = TICK_INTERVAL_MS / 1000
    const now = this.#recent / seconds
    this.#recent = 0
    const shares = MEMORIES.map((minutes) => 1 - Math.exp(-seconds / 60 / minutes))

    // The first 5 s are all there is to remember.
    this.#rates = shares.map((share, i) => {
      const before = this.#rates?.[i] ?? now
      return before + share * (now - before)
    })
  }

  /** So many a second over the last 1, 5 and 15 minutes; 0 before the first tick. */
  get rates(): readonly number[] {
    return this.#rates ?? MEMORIES.map(() => 0)
  }
}
