/**
 * # The metrics of replicas
 *
 * What goes in and out of partitions, which of them are led here, who fetches, who waits.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager
 * @module
 */
import type { BrokerTopicMetrics } from '../../replica/BrokerTopicStats.ts'
import type { KafkaServer } from '../KafkaServer.ts'
import { counter, gauge, type MetricDefinition } from './metric-definition.ts'

/** A count of each topic; the sample without a topic is that of all. */
function topicCounter(
  name: string,
  help: string,
  key: keyof BrokerTopicMetrics,
): MetricDefinition {
  return {
    ...{ mbean: `kafka.server:type=BrokerTopicMetrics,name=${name}`, help },
    ...{ type: 'counter', labels: ['topic'] },
    *collect({ replicaManager: { brokerTopicStats } }) {
      yield { labels: { topic: '' }, value: brokerTopicStats.allTopicsStats[key] }
      for (const [topic, stats] of brokerTopicStats.topics()) {
        yield { labels: { topic }, value: stats[key] }
      }
    },
  }
}

const purgatories = [
  ['Produce', (broker: KafkaServer) => broker.replicaManager.delayedProducePurgatory],
  ['Fetch', (broker: KafkaServer) => broker.replicaManager.delayedFetchPurgatory],
  [
    'DeleteRecords',
    (broker: KafkaServer) => broker.replicaManager.delayedDeleteRecordsPurgatory,
  ],
  ['Heartbeat', (broker: KafkaServer) => broker.groupCoordinator.heartbeatPurgatory],
  ['Rebalance', (broker: KafkaServer) => broker.groupCoordinator.joinPurgatory],
  ['topic', (broker: KafkaServer) => broker.apis.adminManager.topicPurgatory],
  [
    'txn-marker-purgatory',
    ({ transactionCoordinator }: KafkaServer) =>
      transactionCoordinator.txnMarkerChannelManager.txnMarkerPurgatory,
  ],
] as const

/** A number of each purgatory. */
function purgatoryGauge(
  name: string,
  help: string,
  key: 'watched' | 'delayed',
): MetricDefinition {
  return {
    ...{ mbean: `kafka.server:type=DelayedOperationPurgatory,name=${name}`, help },
    ...{ type: 'gauge', labels: ['delayedOperation'] },
    *collect(broker) {
      for (const [delayedOperation, purgatory] of purgatories) {
        yield { labels: { delayedOperation }, value: purgatory(broker)[key] }
      }
    },
  }
}

/** What is told of the copies here. */
export const replicaGauges: readonly MetricDefinition[] = [
  gauge(
    'kafka.server:type=ReplicaManager,name=LeaderCount',
    'partitions that are led here',
    ({ replicaManager }) => replicaManager.leaderCount,
  ),
  gauge(
    'kafka.server:type=ReplicaManager,name=PartitionCount',
    'partitions with a copy here',
    ({ replicaManager }) => replicaManager.partitionCount,
  ),
  gauge(
    'kafka.server:type=ReplicaManager,name=OfflineReplicaCount',
    'copies on disks that have failed',
    ({ replicaManager }) => replicaManager.offlineReplicaCount,
  ),
  gauge(
    'kafka.server:type=ReplicaManager,name=UnderReplicatedPartitions',
    'partitions led here with a copy that is not in sync',
    ({ replicaManager }) => replicaManager.underReplicatedPartitionCount,
  ),
  gauge(
    'kafka.server:type=ReplicaManager,name=UnderMinIsrPartitionCount',
    'partitions led here that refuse acks=all: too few copies are in sync',
    ({ replicaManager }) => replicaManager.underMinIsrPartitionCount,
  ),
  gauge(
    'kafka.server:type=ReplicaFetcherManager,name=MinFetchRate',
    'fetches a second, in the last minute, of the thread that fetches least',
    ({ replicaManager }) => replicaManager.replicaFetcherManager.minFetchRate,
  ),
  gauge(
    'kafka.server:type=ReplicaFetcherManager,name=MaxLag',
    'records by which the copy here that is furthest behind is behind its leader',
    ({ replicaManager }) => replicaManager.replicaFetcherManager.maxLag,
  ),
  counter(
    'kafka.server:type=ReplicaManager,name=IsrShrinksPerSec',
    'times that followers fell out of sync',
    ({ replicaManager }) => replicaManager.isrShrinks,
  ),
  counter(
    'kafka.server:type=ReplicaManager,name=IsrExpandsPerSec',
    'times that followers came into sync',
    ({ replicaManager }) => replicaManager.isrExpands,
  ),
  counter(
    'kafka.server:type=ReplicaManager,name=FailedIsrUpdatesPerSec',
    'changes of who is in sync that ZooKeeper did not take',
    ({ replicaManager }) => replicaManager.failedIsrUpdates,
  ),
]

/** What is told of who fetches. */
export const fetchSessionGauges: readonly MetricDefinition[] = [
  gauge(
    'kafka.server:type=FetchSessionCache,name=NumIncrementalFetchSessions',
    'fetchers whose partitions are remembered from one fetch to the next',
    ({ apis }) => apis.fetchManager.cache.size,
  ),
  gauge(
    'kafka.server:type=FetchSessionCache,name=NumIncrementalFetchPartitionsCached',
    'partitions that are remembered for them',
    ({ apis }) => apis.fetchManager.cache.totalPartitions,
  ),
  counter(
    'kafka.server:type=FetchSessionCache,name=IncrementalFetchSessionEvictionsPerSec',
    'fetchers that were forgotten for others',
    ({ apis }) => apis.fetchManager.cache.evictions,
  ),
]

const produceExpires: MetricDefinition = {
  mbean: 'kafka.server:type=DelayedProduceMetrics,name=ExpiresPerSec',
  help: 'partitions of produces whose followers were not there in time',
  ...{ type: 'counter', labels: ['topic', 'partition'] },
  *collect({ replicaManager: { expirations } }) {
    yield { labels: { topic: '', partition: '' }, value: expirations.produces }
    for (const [{ topic, partition }, value] of expirations.producesByPartition) {
      yield { labels: { topic, partition: String(partition) }, value }
    }
  },
}

const fetchExpires: MetricDefinition = {
  mbean: 'kafka.server:type=DelayedFetchMetrics,name=ExpiresPerSec',
  help: 'fetches that found less than they wanted in time; the rule where little comes',
  ...{ type: 'counter', labels: ['fetcherType'] },
  collect: ({ replicaManager: { expirations } }) => [
    { labels: { fetcherType: 'follower' }, value: expirations.followerFetches },
    { labels: { fetcherType: 'consumer' }, value: expirations.consumerFetches },
  ],
}

/** What is told of requests that waited in vain. */
export const expirationCounters: readonly MetricDefinition[] = [
  produceExpires,
  fetchExpires,
  counter(
    'kafka.server:type=DelayedDeleteRecordsMetrics,name=ExpiresPerSec',
    'partitions of deletions of records that not all copies followed in time',
    ({ replicaManager }) => replicaManager.expirations.deleteRecords,
  ),
]

/** What is told of requests that wait. */
export const purgatoryGauges: readonly MetricDefinition[] = [
  purgatoryGauge('PurgatorySize', 'keys that waiting requests watch', 'watched'),
  purgatoryGauge('NumDelayedOperations', 'requests that wait', 'delayed'),
]

/** What is told of topics. */
export const topicCounters: readonly MetricDefinition[] = [
  topicCounter('MessagesInPerSec', 'records that were appended', 'messagesIn'),
  topicCounter('BytesInPerSec', 'bytes that were appended', 'bytesIn'),
  topicCounter('BytesOutPerSec', 'bytes that clients were sent', 'bytesOut'),
  topicCounter('BytesRejectedPerSec', 'bytes that were too large', 'bytesRejected'),
  counter(
    'kafka.server:type=BrokerTopicMetrics,name=ReplicationBytesInPerSec',
    'bytes fetched from leaders',
    ({ replicaManager }) =>
      replicaManager.brokerTopicStats.allTopicsStats.replicationBytesIn,
  ),
  counter(
    'kafka.server:type=BrokerTopicMetrics,name=ReplicationBytesOutPerSec',
    'bytes given to followers',
    ({ replicaManager }) =>
      replicaManager.brokerTopicStats.allTopicsStats.replicationBytesOut,
  ),
  topicCounter(
    'TotalProduceRequestsPerSec',
    'appends that were asked for, by partition',
    'totalProduceRequests',
  ),
  topicCounter(
    'FailedProduceRequestsPerSec',
    'appends that failed, by partition',
    'failedProduceRequests',
  ),
  topicCounter(
    'TotalFetchRequestsPerSec',
    'reads that were asked for, by partition',
    'totalFetchRequests',
  ),
  topicCounter(
    'FailedFetchRequestsPerSec',
    'reads that failed, by partition',
    'failedFetchRequests',
  ),
  topicCounter(
    'FetchMessageConversionsPerSec',
    'records that were converted for old clients that read',
    'fetchMessageConversions',
  ),
  topicCounter(
    'ProduceMessageConversionsPerSec',
    'produced records that were converted into the format or codec of their topic',
    'produceMessageConversions',
  ),
]
