/**
 * # Rate, SimpleRate
 *
 * So much a second: the sum over the samples of a window, divided by the time that these
 * samples cover. The two differ in the time they take for it while the window fills.
 *
 * With a window of 11 samples of 1 s, of which a client has sent 1,000 bytes in its first
 * 100 ms:
 *
 *     Rate        1,000 B / 10.1 s =    99 B/s   the ten samples to come count as empty
 *     SimpleRate  1,000 B /  1.0 s = 1,000 B/s   one sample is the least it counts
 *
 * `Rate` lets a burst at the beginning pass, which is what a quota of a client shall do;
 * `SimpleRate` catches it, which is what the throttling of replication shall do.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/metrics/stats/Rate.java#Rate
 * @module
 */
import type { MetricConfig } from './MetricConfig.ts'
import { type MeasurableStat, SampledTotal } from './SampledStat.ts'

/** A rate per second that takes the whole window for granted. */
export class Rate implements MeasurableStat {
  readonly #stat = new SampledTotal()

  record(config: MetricConfig, value: number, timeMs: number): void {
    this.#stat.record(config, value, timeMs)
  }

  /** @returns units a second; not finite when the window has no length, see `samples` */
  measure(config: MetricConfig, nowMs: number): number {
    const value = this.#stat.measure(config, nowMs)
    return value / (this.windowSize(config, nowMs) / 1000)
  }

  /**
   * The time that the samples stand for: what has passed since the oldest began, and a
   * full length for each of the samples that are still to come, but the last.
   *
   * @returns ms
   */
  windowSize(config: MetricConfig, nowMs: number): number {
    const elapsedMs = this.elapsedMs(config, nowMs)
    const fullWindows = Math.trunc(elapsedMs / config.timeWindowMs)
    const missing = Math.max(0, config.samples - 1 - fullWindows)
    return elapsedMs + missing * config.timeWindowMs
  }

  /** Ms since the oldest sample within the window began. */
  protected elapsedMs(config: MetricConfig, nowMs: number): number {
    this.#stat.purgeObsoleteSamples(config, nowMs)
    return nowMs - this.#stat.oldest(nowMs).lastWindowMs
  }
}

/**
 * A rate per second over the time that has really passed, at least one sample.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/metrics/stats/SimpleRate.java#SimpleRate
 */
export class SimpleRate extends Rate {
  override windowSize(config: MetricConfig, nowMs: number): number {
    return Math.max(this.elapsedMs(config, nowMs), config.timeWindowMs)
  }
}
