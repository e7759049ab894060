/**
 * # The metrics of a broker
 *
 * One row a metric: the MBean of Kafka 1.1.1 that tells the same, from which its name is
 * derived, what it means, and where the number is read. What is collected and the reference
 * page are made of this table.
 *
 * Nothing is computed before somebody asks: a row reads what the parts of the broker know,
 * or have counted with a plain addition.
 *
 * @kafka core/src/main/scala/kafka/metrics/KafkaMetricsGroup.scala#KafkaMetricsGroup
 * @differs Meters become counters: the rate is the business of who collects them.
 *   Histograms have buckets in place of percentiles. `RequestHandlerAvgIdlePercent` and
 *   `NetworkProcessorAvgIdlePercent` are absent: in Kafka they tell how busy two pools of
 *   threads are. Handlers and processors here share one event loop, and one that waits
 *   says nothing about whether the loop has time; `event_loop_idle_ratio` does. Absent
 *   are, too, `MemoryPoolUsed` and `TemporaryMemoryBytes`, as there is no such pool, the
 *   count of metrics, and what Kafka's libraries tell of connections between brokers.
 * @module
 */
import { BrokerStates } from './BrokerStates.ts'
import { controllerGauges } from './metrics/controller-metrics.ts'
import { groupGauges, transactionGauges } from './metrics/coordinator-metrics.ts'
import { fetcherMetrics } from './metrics/fetcher-metrics.ts'
import { logGauges } from './metrics/log-metrics.ts'
import { gauge, type MetricDefinition, word } from './metrics/metric-definition.ts'
import { partitionMetrics } from './metrics/partition-metrics.ts'
import { quotaGauges } from './metrics/quota-metrics.ts'
import {
  expirationCounters,
  fetchSessionGauges,
  purgatoryGauges,
  replicaGauges,
  topicCounters,
} from './metrics/replica-metrics.ts'
import { requestMetrics } from './metrics/request-metrics.ts'
import { zookeeperMetrics } from './metrics/zookeeper-metrics.ts'

/** All metrics. */
export const metricDefinitions: readonly MetricDefinition[] = [
  ...topicCounters,
  ...requestMetrics,
  ...purgatoryGauges,
  ...expirationCounters,
  ...replicaGauges,
  ...partitionMetrics,
  ...fetcherMetrics,
  ...fetchSessionGauges,
  ...zookeeperMetrics,
  ...controllerGauges,
  ...logGauges,
  ...groupGauges,
  ...transactionGauges,
  ...quotaGauges,
  gauge(
    'kafka.server:type=KafkaServer,name=BrokerState',
    'state of the broker as a number: 3 when it serves',
    ({ brokerState }) => BrokerStates[brokerState.currentState],
  ),
  word(
    'kafka.server:type=KafkaServer,name=ClusterId',
    'the cluster that the broker belongs to',
    'clusterId',
    ({ clusterId }) => clusterId,
  ),
]
