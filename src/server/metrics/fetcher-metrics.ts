/**
 * # The metrics of fetchers
 *
 * What each thread that copies from a leader does, and how far each of its partitions is
 * behind.
 *
 * @kafka core/src/main/scala/kafka/server/AbstractFetcherThread.scala#FetcherStats
 * @module
 */
import type { FetcherStats } from '../../network/fetcher/FetcherStats.ts'
import type { KafkaServer } from '../KafkaServer.ts'
import type { MetricDefinition, MetricSample } from './metric-definition.ts'

/** The threads that copy from other brokers. */
function threadsOf({ replicaManager }: KafkaServer) {
  return replicaManager.replicaFetcherManager.fetcherThreadMap.values()
}

/** A count of each thread. */
function fetcherCounter(
  name: string,
  help: string,
  key: keyof FetcherStats,
): MetricDefinition {
  return {
    ...{ mbean: `kafka.server:type=FetcherStats,name=${name}`, help },
    ...{ type: 'counter', labels: ['clientId', 'brokerHost', 'brokerPort'] },
    *collect(broker): Iterable<MetricSample> {
      for (const { name: clientId, sourceBroker, fetcherStats } of threadsOf(broker)) {
        const { host: brokerHost, port } = sourceBroker
        const labels = { clientId, brokerHost, brokerPort: String(port) }
        yield { labels, value: fetcherStats[key].count }
      }
    },
  }
}

const consumerLag: MetricDefinition = {
  mbean: 'kafka.server:type=FetcherLagMetrics,name=ConsumerLag',
  help: 'records by which the copy here is behind its leader',
  ...{ type: 'gauge', labels: ['clientId', 'topic', 'partition'] },
  *collect(broker): Iterable<MetricSample> {
    for (const { name: clientId, fetcherLagStats } of threadsOf(broker)) {
      for (const [{ topic, partition }, value] of fetcherLagStats) {
        yield { labels: { clientId, topic, partition: String(partition) }, value }
      }
    }
  },
}

/** What is told of fetchers. */
export const fetcherMetrics: readonly MetricDefinition[] = [
  fetcherCounter('RequestsPerSec', 'fetches of a thread', 'requestRate'),
  fetcherCounter('BytesPerSec', 'bytes that a thread fetched', 'byteRate'),
  consumerLag,
]
