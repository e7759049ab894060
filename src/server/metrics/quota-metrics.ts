/**
 * # The metrics of quotas
 *
 * What is measured of clients, and of copying, as far as a quota is for it.
 *
 * @kafka core/src/main/scala/kafka/server/ClientQuotaManager.scala#ClientQuotaManager
 * @module
 */
import type { MetricDefinition } from './metric-definition.ts'

/** What is measured of each client that a quota is for. */
function quotaGauge(
  type: 'Produce' | 'Fetch' | 'Request',
  name: string,
  help: string,
): MetricDefinition {
  return {
    ...{ mbean: `kafka.server:type=${type},name=${name}`, help, type: 'gauge' },
    labels: ['user', 'clientId'],
    *collect({ metrics }) {
      for (const metric of metrics.metrics()) {
        const { metricName } = metric
        if (metricName.group !== type || metricName.name !== name) continue
        const { user = '', 'client-id': clientId = '' } = metricName.tags
        yield { labels: { user, clientId }, value: metric.value() }
      }
    },
  }
}

/** What is measured of copying between replicas, as far as it is held to a quota. */
function replicationQuotaGauge(
  type: 'LeaderReplication' | 'FollowerReplication' | 'AlterLogDirsReplication',
  help: string,
): MetricDefinition {
  return {
    ...{ mbean: `kafka.server:type=${type},name=byte-rate`, help },
    ...{ type: 'gauge', labels: [] },
    *collect({ metrics }) {
      for (const metric of metrics.metrics()) {
        const { group, name } = metric.metricName
        if (group === type && name === 'byte-rate') yield { value: metric.value() }
      }
    },
  }
}

/** What is told of quotas. */
export const quotaGauges: readonly MetricDefinition[] = [
  replicationQuotaGauge(
    'LeaderReplication',
    'bytes a second of throttled partitions that followers were given',
  ),
  replicationQuotaGauge(
    'FollowerReplication',
    'bytes a second of throttled partitions that were fetched from leaders',
  ),
  replicationQuotaGauge(
    'AlterLogDirsReplication',
    'bytes a second that were moved between log directories',
  ),
  quotaGauge('Produce', 'byte-rate', 'bytes a second that clients with quotas send'),
  quotaGauge('Produce', 'throttle-time', 'ms that their answers are held, on average'),
  quotaGauge('Produce', 'queue-size', 'answers to producers that are held now'),
  quotaGauge('Fetch', 'byte-rate', 'bytes a second that clients with quotas are sent'),
  quotaGauge('Fetch', 'throttle-time', 'ms that their answers are held, on average'),
  quotaGauge('Fetch', 'queue-size', 'answers to fetches that are held now'),
  quotaGauge('Request', 'request-time', 'percent of a second that clients take'),
  quotaGauge('Request', 'throttle-time', 'ms that their answers are held, on average'),
  quotaGauge('Request', 'queue-size', 'answers to any request that are held now'),
]
