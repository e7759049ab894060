/**
 * # Distribution
 *
 * Values, counted in buckets: how many there were, how large together, and how many were
 * at most as large as each of some bounds.
 *
 *     bounds  1  2  5 …      update(3) ─▶ the bucket of 5, count + 1, sum + 3
 *
 * @kafka core/src/main/scala/kafka/metrics/KafkaMetricsGroup.scala#KafkaMetricsGroup.newHistogram
 * @differs Kafka keeps samples for percentiles; here values fall into fixed buckets, which
 *   costs an addition each, and can be added up over brokers.
 * @module
 */

/** Upper bounds of buckets, in ms. */
const TIME_BOUNDS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000,
]

/** Upper bounds of buckets, in bytes. */
export const SIZE_BOUNDS: readonly number[] = [
  100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000,
]

/** Values, counted in buckets. */
export class Distribution {
  readonly bounds: readonly number[]
  /** Values up to the bound of the same place, and above that of the one before. */
  readonly counts: number[]
  count = 0
  sum = 0

  /** @param bounds - ascending; larger values count without a bucket; ms by default */
  constructor(bounds: readonly number[] = TIME_BOUNDS) {
    this.bounds = bounds
    this.counts = bounds.map(() => 0)
  }

  /** Takes a value in. */
  update(value: number): void {
    this.count += 1
    this.sum += value
    for (let i = 0; i < this.bounds.length; i++) {
      if (value > this.bounds[i]!) continue
      this.counts[i]! += 1
      return
    }
  }
}
