/**
 * # MetricConfig
 *
 * How a metric samples what it is told, and the bound it is held to.
 *
 *     samples = 4:   [ 1 s ][ 1 s ][ 1 s ][ now…     the oldest is taken anew when
 *                                                    the newest is full
 *
 * @differs Kafka can also end a sample after so many events; no one in a broker does.
 * @kafka clients/src/main/java/org/apache/kafka/common/metrics/MetricConfig.java#MetricConfig
 * @module
 */
import type { Quota } from './Quota.ts'

/** Settings of a metric. */
export interface MetricConfig {
  /** Samples kept, at least 1. */
  readonly samples: number
  /** Length of one, in ms. */
  readonly timeWindowMs: number
  /** What the metric may reach; none when left out. */
  readonly quota?: Quota | undefined
}

/** Two samples of half a minute, without a bound. */
export const DEFAULT_METRIC_CONFIG: MetricConfig = { samples: 2, timeWindowMs: 30_000 }
