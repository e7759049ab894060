/**
 * # Metrics
 *
 * The registry of one broker: its sensors by name, and their metrics by name. Each broker
 * has its own, so that two in one process do not count for each other.
 *
 * A sensor of a client that is gone must not stay for ever. Each time a new one is made,
 * those that heard nothing for longer than their expiration time are dropped; sensors can
 * only grow in number where they are dropped, too.
 *
 * @differs Kafka looks for expired sensors every 30 s, and hands metrics to reporters.
 * @kafka clients/src/main/java/org/apache/kafka/common/metrics/Metrics.java#Metrics
 * @module
 */
import { IllegalArgumentException } from '../errors.ts'
import type { Clock } from '../platform/Platform.ts'
import type { KafkaMetric } from './KafkaMetric.ts'
import { DEFAULT_METRIC_CONFIG, type MetricConfig } from './MetricConfig.ts'
import { MetricName } from './MetricName.ts'
import type { MeasurableStat } from './SampledStat.ts'
import { type MetricRegistry, Sensor } from './Sensor.ts'

/** What `getOrCreate` makes a missing sensor from; called only then. */
export interface SensorRecipe {
  metricName(): MetricName
  /** Settings of the sensor; those of the registry when left out. */
  config?(): MetricConfig
  measure(): MeasurableStat
  /** Time without a record after which it may be dropped, in seconds. */
  readonly expirationTimeSeconds: number
}

/** Sensors and metrics of one broker. */
export class Metrics implements MetricRegistry {
  readonly clock: Clock
  readonly config: MetricConfig
  readonly #sensors = new Map<string, Sensor>()
  readonly #metrics = new Map<string, KafkaMetric>()

  /** @param config - settings of sensors that are made without */
  constructor(clock: Clock, config: MetricConfig = DEFAULT_METRIC_CONFIG) {
    this.clock = clock
    this.config = config
  }

  /** All metrics, in the order in which they came. */
  metrics(): IterableIterator<KafkaMetric> {
    return this.#metrics.values()
  }

  /** @returns `undefined` when there is none of that name, group and tags */
  metric(name: MetricName): KafkaMetric | undefined {
    return this.#metrics.get(name.key)
  }

  /** A name; see {@link MetricName}. */
  metricName(
    name: string,
    group: string,
    description?: string,
    tags?: Readonly<Record<string, string>>,
  ): MetricName {
    return new MetricName(name, group, description, tags)
  }

  getSensor(name: string): Sensor | undefined {
    return this.#sensors.get(name)
  }

  /**
   * Gives the sensor of a name; makes it when it is missing.
   *
   * @param inactiveSensorExpirationTimeSeconds - never dropped when left out
   */
  sensor(
    name: string,
    config: MetricConfig = this.config,
    inactiveSensorExpirationTimeSeconds = Number.POSITIVE_INFINITY,
  ): Sensor {
    const present = this.#sensors.get(name)
    if (present) return present
    this.removeExpiredSensors()
    const sensor = new Sensor({
      ...{ registry: this, name, config, clock: this.clock },
      inactiveSensorExpirationTimeMs: inactiveSensorExpirationTimeSeconds * 1000,
    })
    this.#sensors.set(name, sensor)
    return sensor
  }

  /**
   * Gives a sensor with one metric; makes both when they are missing.
   *
   * @kafka core/src/main/scala/kafka/server/SensorAccess.scala#SensorAccess.getOrCreate
   * @differs The lock that keeps two threads from making the same sensor is not needed.
   */
  getOrCreate(name: string, recipe: SensorRecipe): Sensor {
    const present = this.#sensors.get(name)
    if (present) return present
    const sensor = this.sensor(name, recipe.config?.(), recipe.expirationTimeSeconds)
    sensor.add(recipe.metricName(), recipe.measure())
    return sensor
  }

  registerMetric(metric: KafkaMetric): void {
    const { key } = metric.metricName
    if (this.#metrics.has(key)) {
      throw new IllegalArgumentException(
        `a metric ${metric.metricName} is there already`,
      )
    }
    this.#metrics.set(key, metric)
  }

  /** Removes a sensor and its metrics; nothing happens when it is missing. */
  removeSensor(name: string): void {
    const sensor = this.#sensors.get(name)
    if (!sensor) return
    this.#sensors.delete(name)
    for (const { metricName } of sensor.metrics) this.#metrics.delete(metricName.key)
  }

  /** Drops the sensors that heard nothing for longer than they may. */
  removeExpiredSensors(): void {
    for (const [name, sensor] of this.#sensors) {
      if (sensor.hasExpired()) this.removeSensor(name)
    }
  }
}
