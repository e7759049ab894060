/**
 * # ReplicationQuotaManager
 *
 * Keeps the copying of some partitions below a rate, so that a copy of much, such as the
 * move of a partition to another broker, does not take the network from clients.
 *
 *     replica lists of topics ─▶ markThrottled      which partitions
 *     rate of the broker ──────▶ updateQuota        how many bytes a second
 *     bytes copied ────────────▶ record             throttled partitions only
 *     next fetch ──────────────▶ isThrottled && isQuotaExceeded ? leave it out
 *
 * A broker has three: for what it sends as a leader, for what it takes as a follower, and
 * for what it moves between its own log directories. Nobody is told to wait: a partition is
 * left out of a fetch, and asked for again when the rate has come down.
 *
 * Invariants: a replica in sync is never left out, or it would fall out of the ISR because
 * of the limit; but its bytes count. The quota may be exceeded by one fetch, because bytes
 * are counted when they have been copied.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicationQuotaManager.scala
 * @module
 */
import type { MetricConfig } from '../base/metrics/MetricConfig.ts'
import type { MetricName } from '../base/metrics/MetricName.ts'
import type { Metrics } from '../base/metrics/Metrics.ts'
import { type Quota, QuotaViolationException } from '../base/metrics/Quota.ts'
import { SimpleRate } from '../base/metrics/Rate.ts'
import type { Sensor } from '../base/metrics/Sensor.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'

/** After so long without a byte a rate is forgotten. */
const INACTIVE_SENSOR_EXPIRATION_TIME_SECONDS = 3600

/**
 * How a rate is measured.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicationQuotaManager.scala#ReplicationQuotaManagerConfig
 */
export interface ReplicationQuotaManagerConfig {
  /** Samples kept, at least 1. */
  readonly numQuotaSamples: number
  /** Length of one. */
  readonly quotaWindowSizeSeconds: number
}

/**
 * Says whether a fetch must do without a partition.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicationQuotaManager.scala#ReplicaQuota
 */
export interface ReplicaQuota {
  /** Whether the quota is for this partition. */
  isThrottled(topicPartition: TopicPartition): boolean
  /** Whether more was copied lately than may be. */
  isQuotaExceeded(): boolean
}

/**
 * The quota of whoever has none, such as a consumer.
 *
 * @kafka core/src/main/scala/kafka/server/QuotaFactory.scala#QuotaFactory.UnboundedQuota
 */
export const UnboundedQuota: ReplicaQuota = {
  isThrottled: () => false,
  isQuotaExceeded: () => false,
}

/**
 * Stands for every partition of a topic.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicationQuotaManager.scala#Constants.AllReplicas
 */
export const AllReplicas: readonly number[] = [-1]

/**
 * Which copying it is for, as its metric is called.
 *
 * @kafka core/src/main/scala/kafka/server/QuotaFactory.scala#QuotaType
 */
export type ReplicationType =
  | 'LeaderReplication'
  | 'FollowerReplication'
  | 'AlterLogDirsReplication'

/** The three quotas of a broker's copying. */
export interface ReplicationQuotas {
  readonly leader: ReplicationQuotaManager
  readonly follower: ReplicationQuotaManager
  readonly alterLogDirs: ReplicationQuotaManager
}

/**
 * One rate, and the partitions that are held to it.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicationQuotaManager.scala#ReplicationQuotaManager
 */
export class ReplicationQuotaManager implements ReplicaQuota {
  readonly config: ReplicationQuotaManagerConfig
  readonly #metrics: Metrics
  readonly #replicationType: ReplicationType
  readonly #rateMetricName: MetricName
  /** Topic → its throttled partitions. Changed by the settings of topics. */
  readonly #throttledPartitions = new Map<string, readonly number[]>()
  #quota: Quota | undefined

  /** Starts without a bound, for no partition. */
  constructor(
    config: ReplicationQuotaManagerConfig,
    metrics: Metrics,
    replicationType: ReplicationType,
  ) {
    this.config = config
    this.#metrics = metrics
    this.#replicationType = replicationType
    this.#rateMetricName = metrics.metricName(
      'byte-rate',
      replicationType,
      `bytes a second of ${replicationType}`,
    )
  }

  /** Sets another bound, in bytes a second. What was copied already counts. */
  updateQuota(quota: Quota): void {
    this.#quota = quota
    const metric = this.#metrics.metric(this.#rateMetricName)
    if (metric) metric.config = this.#quotaMetricConfig()
  }

  isQuotaExceeded(): boolean {
    try {
      this.#sensor().checkQuotas()
      return false
    } catch (error) {
      if (error instanceof QuotaViolationException) return true
      throw error
    }
  }

  isThrottled({ topic, partition }: TopicPartition): boolean {
    const partitions = this.#throttledPartitions.get(topic)
    if (partitions === undefined) return false
    return partitions === AllReplicas || partitions.includes(partition)
  }

  /** Counts bytes, whether that is too many or not. */
  record(bytes: number): void {
    this.#sensor().record(bytes, undefined, false)
  }

  /**
   * Holds partitions of a topic to the quota, in place of those before.
   *
   * @param partitions - all of them when left out
   */
  markThrottled(topic: string, partitions: readonly number[] = AllReplicas): void {
    this.#throttledPartitions.set(topic, partitions)
  }

  /** Lets all partitions of a topic go. */
  removeThrottle(topic: string): void {
    this.#throttledPartitions.delete(topic)
  }

  /** Bytes a second that may be copied; infinite without a quota. */
  upperBound(): number {
    return this.#quota?.bound ?? Number.POSITIVE_INFINITY
  }

  #quotaMetricConfig(): MetricConfig {
    const { numQuotaSamples: samples, quotaWindowSizeSeconds } = this.config
    return { samples, timeWindowMs: quotaWindowSizeSeconds * 1000, quota: this.#quota }
  }

  #sensor(): Sensor {
    return this.#metrics.getOrCreate(this.#replicationType, {
      metricName: () => this.#rateMetricName,
      config: () => this.#quotaMetricConfig(),
      measure: () => new SimpleRate(),
      expirationTimeSeconds: INACTIVE_SENSOR_EXPIRATION_TIME_SECONDS,
    })
  }
}
