/**
 * # SampledStat
 *
 * Sums over a moving window, in a fixed number of samples. Each sample covers a stretch of
 * time; when the newest is over, the oldest is emptied and becomes the newest. So what is
 * old falls away a sample at a time, and no value has to be remembered by itself.
 *
 *     record ─▶ current sample ── over? ─▶ advance: next sample of the ring, emptied
 *     measure ─▶ empty those too old ─▶ combine all
 *
 * A sample begins when something is recorded, not when the last one ended: while nothing
 * happens no samples are made.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/metrics/stats/SampledStat.java#SampledStat
 * @module
 */
import type { MetricConfig } from './MetricConfig.ts'

/** What can be recorded into, and gives one number. */
export interface MeasurableStat {
  /** Takes a value in. @param timeMs - wall time */
  record(config: MetricConfig, value: number, timeMs: number): void
  /** The number now. @param nowMs - wall time */
  measure(config: MetricConfig, nowMs: number): number
}

/** One stretch of time. */
export interface Sample {
  /** Values recorded in it. */
  eventCount: number
  /** When it began, wall ms. */
  lastWindowMs: number
  /** Their sum. */
  value: number
}

/** A statistic over the samples of a moving window. */
export abstract class SampledStat implements MeasurableStat {
  readonly #samples: Sample[] = []
  #current = 0

  record(config: MetricConfig, value: number, timeMs: number): void {
    let sample = this.#currentSample(timeMs)
    if (timeMs - sample.lastWindowMs >= config.timeWindowMs) {
      sample = this.#advance(config, timeMs)
    }
    sample.value += value
    sample.eventCount += 1
  }

  measure(config: MetricConfig, nowMs: number): number {
    this.purgeObsoleteSamples(config, nowMs)
    return this.combine(this.#samples)
  }

  /** Makes one number of all samples. */
  abstract combine(samples: readonly Sample[]): number

  /** The sample that began first. Makes one when there is none. */
  oldest(nowMs: number): Sample {
    let oldest = this.#samples[0] ?? this.#currentSample(nowMs)
    for (const sample of this.#samples) {
      if (sample.lastWindowMs < oldest.lastWindowMs) oldest = sample
    }
    return oldest
  }

  /** Empties the samples that have left the window because nothing was recorded. */
  purgeObsoleteSamples(config: MetricConfig, nowMs: number): void {
    const expireAgeMs = config.samples * config.timeWindowMs
    for (const sample of this.#samples) {
      if (nowMs - sample.lastWindowMs >= expireAgeMs) reset(sample, nowMs)
    }
  }

  #currentSample(timeMs: number): Sample {
    const sample = this.#samples[this.#current]
    if (sample) return sample
    const first = { eventCount: 0, lastWindowMs: timeMs, value: 0 }
    this.#samples[this.#current] = first
    return first
  }

  #advance(config: MetricConfig, timeMs: number): Sample {
    this.#current = (this.#current + 1) % config.samples
    const sample = this.#currentSample(timeMs)
    reset(sample, timeMs)
    return sample
  }
}

function reset(sample: Sample, nowMs: number): void {
  sample.eventCount = 0
  sample.lastWindowMs = nowMs
  sample.value = 0
}

/**
 * The sum of what was recorded within the window.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/metrics/stats/Rate.java#SampledTotal
 */
export class SampledTotal extends SampledStat {
  override combine(samples: readonly Sample[]): number {
    return samples.reduce((total, { value }) => total + value, 0)
  }
}

/**
 * The mean of what was recorded within the window; 0 when nothing was.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/metrics/stats/Avg.java#Avg
 */
export class Avg extends SampledStat {
  override combine(samples: readonly Sample[]): number {
    const total = samples.reduce((sum, { value }) => sum + value, 0)
    const count = samples.reduce((sum, { eventCount }) => sum + eventCount, 0)
    return count === 0 ? 0 : total / count
  }
}

/**
 * The sum of all that was ever recorded: a counter that may go down, too.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/metrics/stats/Total.java#Total
 */
export class Total implements MeasurableStat {
  #total = 0

  record(_config: MetricConfig, value: number): void {
    this.#total += value
  }

  measure(): number {
    return this.#total
  }
}
