/**
 * # Sensor
 *
 * Where something is measured. What is recorded here goes into each of its metrics; then
 * each metric that has a quota is held against it.
 *
 *     record(value) ─▶ Rate.record ─▶ checkQuotas ─▶ QuotaViolationException
 *
 * The value counts even when it breaks the quota: who asks again must wait for it.
 *
 * @differs No parents and no recording levels: nothing in a broker that is built here uses
 *   them.
 * @kafka clients/src/main/java/org/apache/kafka/common/metrics/Sensor.java#Sensor
 * @module
 */
import type { Clock } from '../platform/Platform.ts'
import { KafkaMetric } from './KafkaMetric.ts'
import type { MetricConfig } from './MetricConfig.ts'
import type { MetricName } from './MetricName.ts'
import { QuotaViolationException } from './Quota.ts'
import type { MeasurableStat } from './SampledStat.ts'

/** What a sensor needs of the registry that it belongs to. */
export interface MetricRegistry {
  /** Takes a metric in. @throws IllegalArgumentException when its name is taken */
  registerMetric(metric: KafkaMetric): void
}

/** What a sensor is made from. */
export interface SensorOptions {
  readonly registry: MetricRegistry
  readonly name: string
  readonly config: MetricConfig
  readonly clock: Clock
  /** Time without a record after which it may be removed, in ms. */
  readonly inactiveSensorExpirationTimeMs: number
}

/** One place of measuring. Made by `Metrics.sensor`. */
export class Sensor {
  readonly name: string
  readonly #options: SensorOptions
  readonly #metrics: KafkaMetric[] = []
  #lastRecordTimeMs: number

  constructor(options: SensorOptions) {
    this.name = options.name
    this.#options = options
    this.#lastRecordTimeMs = options.clock.now()
  }

  /** What it measures. */
  get metrics(): readonly KafkaMetric[] {
    return this.#metrics
  }

  /**
   * Adds a metric.
   *
   * @param config - settings of this metric; those of the sensor when left out
   * @throws IllegalArgumentException when the name is taken
   */
  add(
    metricName: MetricName,
    stat: MeasurableStat,
    config: MetricConfig = this.#options.config,
  ): void {
    const metric = new KafkaMetric(metricName, stat, config, this.#options.clock)
    this.#options.registry.registerMetric(metric)
    this.#metrics.push(metric)
  }

  /**
   * Takes a value in.
   *
   * @param value - in the unit of the sensor; 1 counts an event
   * @param timeMs - wall time
   * @param checkQuotas - false: record only, and let the next one pay
   * @throws QuotaViolationException when a metric is over its bound now; the value counts
   */
  record(value = 1, timeMs = this.#options.clock.now(), checkQuotas = true): void {
    this.#lastRecordTimeMs = timeMs
    for (const { measurable } of this.#metrics) {
      measurable.record(this.#options.config, value, timeMs)
    }
    if (checkQuotas) this.checkQuotas(timeMs)
  }

  /**
   * Holds each metric against its quota.
   *
   * @throws QuotaViolationException for the first that is over its bound
   */
  checkQuotas(timeMs = this.#options.clock.now()): void {
    for (const metric of this.#metrics) {
      const { quota } = metric.config
      if (quota === undefined) continue
      const value = metric.measurableValue(timeMs)
      if (!quota.acceptable(value)) {
        throw new QuotaViolationException(metric.metricName, value, quota.bound)
      }
    }
  }

  /** Whether nothing was recorded for so long that it may be removed. */
  hasExpired(): boolean {
    const { clock, inactiveSensorExpirationTimeMs } = this.#options
    return clock.now() - this.#lastRecordTimeMs > inactiveSensorExpirationTimeMs
  }
}
