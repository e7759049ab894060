/**
 * # KafkaMetric
 *
 * A statistic under a name. Its settings can be replaced while it lives; that is how a
 * changed quota reaches a client that is being measured.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/metrics/KafkaMetric.java#KafkaMetric
 * @module
 */
import type { Clock } from '../platform/Platform.ts'
import type { MetricConfig } from './MetricConfig.ts'
import type { MetricName } from './MetricName.ts'
import type { MeasurableStat } from './SampledStat.ts'

/** One metric. */
export class KafkaMetric {
  readonly metricName: MetricName
  readonly measurable: MeasurableStat
  /** Settings it is measured with. Who changes a quota replaces them. */
  config: MetricConfig
  readonly #clock: Clock

  constructor(
    metricName: MetricName,
    measurable: MeasurableStat,
    config: MetricConfig,
    clock: Clock,
  ) {
    this.metricName = metricName
    this.measurable = measurable
    this.config = config
    this.#clock = clock
  }

  /** The number now. */
  value(): number {
    return this.measurableValue(this.#clock.now())
  }

  /** The number at a wall time. */
  measurableValue(timeMs: number): number {
    return this.measurable.measure(this.config, timeMs)
  }
}
