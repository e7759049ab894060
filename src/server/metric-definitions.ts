/**
 * # The metrics of a broker
 *
 * One row a metric: the MBean of Kafka 1.1.1 that tells the same, from which its name is
 * derived, what it means, and where the number is read. What is collected and the reference
 * page are made of this table.
 *
 *     kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec
 *       ─▶ kafka_server_broker_topic_metrics_messages_in_total
 *
 * Nothing is computed before somebody asks: a row reads what the parts of the broker know,
 * or have counted with a plain addition.
 *
 * @kafka core/src/main/scala/kafka/metrics/KafkaMetricsGroup.scala#KafkaMetricsGroup
 * @differs Meters become counters: the rate is the business of who collects them.
 *   Histograms have buckets in place of percentiles. `RequestHandlerAvgIdlePercent` and
 *   `NetworkProcessorAvgIdlePercent` are absent: in Kafka they tell how busy two pools of
 *   threads are. Handlers and processors here share one event loop, and one that waits
 *   says nothing about whether the loop has time; `event_loop_idle_ratio` does.
 * @module
 */
import { Errors } from '../base/errors.ts'
import type { ControllerState } from '../controller/ControllerEventManager.ts'
import type { GroupState } from '../coordinator/group/GroupMetadata.ts'
import { Distribution } from '../network/RequestMetrics.ts'
import type { BrokerTopicMetrics } from '../replica/BrokerTopicStats.ts'
import { BrokerStates } from './BrokerStates.ts'
import type { KafkaServer } from './KafkaServer.ts'
import { partitionMetrics } from './partition-metrics.ts'

/** One number, or one distribution, with what tells it from others of its metric. */
export interface MetricSample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number | Distribution
}

/** One metric. */
export interface MetricDefinition {
  /** As it is called in Kafka: `domain:type=…,name=…`, tags left out. */
  readonly mbean: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** Names of the labels that its samples have. */
  readonly labels: readonly string[]
  /** Reads it now. */
  readonly collect: (broker: KafkaServer) => Iterable<MetricSample>
}

/** The name of a metric: its MBean, in the spelling of Prometheus. */
export function metricNameOf({ mbean, type }: MetricDefinition): string {
  const [domain = '', keys = ''] = mbean.split(':')
  const values = keys.split(',').map((pair) => pair.split('=')[1] ?? '')
  const words = [domain, ...values].map((word) =>
    word
      .replace(/PerSec$/, '')
      .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
      .replace(/[^A-Za-z0-9]+/g, '_')
      .toLowerCase(),
  )
  return `${words.join('_')}${type === 'counter' ? '_total' : ''}`
}

/** What a controller does, by the state it is in meanwhile. */
const controllerWork: readonly (readonly [string, ControllerState, string])[] = [
  [
    'LeaderElectionRateAndTimeMs',
    'BrokerChange',
    'time that the controller takes when brokers come or go, elections included',
  ],
  ['ControllerChangeRateAndTimeMs', 'ControllerChange', 'time to become controller'],
  ['TopicChangeRateAndTimeMs', 'TopicChange', 'time for new topics'],
  ['TopicDeletionRateAndTimeMs', 'TopicDeletion', 'time for deletions of topics'],
  ['IsrChangeRateAndTimeMs', 'IsrChange', 'time for changes of in-sync replicas'],
  [
    'ControlledShutdownRateAndTimeMs',
    'ControlledShutdown',
    'time to move the leaders of a broker that wants to end',
  ],
  [
    'PartitionReassignmentRateAndTimeMs',
    'PartitionReassignment',
    'time for replicas that move',
  ],
  ['AutoLeaderBalanceRateAndTimeMs', 'AutoLeaderBalance', 'time to look for imbalance'],
  [
    'ManualLeaderBalanceRateAndTimeMs',
    'ManualLeaderBalance',
    'time for ordered elections of preferred leaders',
  ],
  [
    'LeaderAndIsrResponseReceivedRateAndTimeMs',
    'LeaderAndIsrResponseReceived',
    'time for answers that name failed replicas',
  ],
  ['LogDirChangeRateAndTimeMs', 'LogDirChange', 'time for log directories that fail'],
]

type Read = (broker: KafkaServer) => number

/** A number of the broker as a whole. */
function gauge(mbean: string, help: string, read: Read): MetricDefinition {
  const collect = (broker: KafkaServer) => [{ value: read(broker) }]
  return { mbean, help, type: 'gauge', labels: [], collect }
}

function counter(mbean: string, help: string, read: Read): MetricDefinition {
  return { ...gauge(mbean, help, read), type: 'counter' }
}

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

const requestTimes = [
  ['RequestQueueTimeMs', 'time that requests wait for a handler'],
  ['LocalTimeMs', 'time that handlers take for requests'],
  ['RemoteTimeMs', 'time that requests wait for other brokers, or for records'],
  ['ThrottleTimeMs', 'time that answers are held back by quotas'],
  ['ResponseQueueTimeMs', 'time that answers wait for the network'],
  ['ResponseSendTimeMs', 'time that it takes to send answers'],
  ['TotalTimeMs', 'time from reading requests to having sent their answers'],
  ['RequestBytes', 'size of requests'],
] as const

const requestsPerSec: MetricDefinition = {
  mbean: 'kafka.network:type=RequestMetrics,name=RequestsPerSec',
  ...{ help: 'requests that were answered', type: 'counter', labels: ['request'] },
  *collect({ socketServer: { requestChannel } }) {
    for (const [request, { TotalTimeMs }] of requestChannel.metrics.entries()) {
      yield { labels: { request }, value: TotalTimeMs.count }
    }
  },
}

const errorsPerSec: MetricDefinition = {
  mbean: 'kafka.network:type=RequestMetrics,name=ErrorsPerSec',
  help: 'what answers said, by partition where they have many; NONE is that all was well',
  ...{ type: 'counter', labels: ['request', 'error'] },
  *collect({ socketServer: { requestChannel } }) {
    for (const [request, { errors }] of requestChannel.metrics.entries()) {
      for (const [code, value] of errors) {
        yield { labels: { request, error: Errors.forCode(code).name }, value }
      }
    }
  },
}

const responseQueueSize: MetricDefinition = {
  mbean: 'kafka.network:type=RequestChannel,name=ResponseQueueSize',
  help: 'answers that wait for the network, of each processor and together',
  ...{ type: 'gauge', labels: ['processor'] },
  collect({ socketServer: { requestChannel } }) {
    const sizes = [...requestChannel.responseQueueSizes()]
    const all = sizes.reduce((sum, [, size]) => sum + size, 0)
    const each = sizes.map(([id, value]) => ({ labels: { processor: `${id}` }, value }))
    return [{ labels: { processor: '' }, value: all }, ...each]
  },
}

const requestMetrics = requestTimes.map(
  ([name, help]): MetricDefinition => ({
    ...{ mbean: `kafka.network:type=RequestMetrics,name=${name}`, help },
    ...{ type: 'histogram', labels: ['request'] },
    *collect({ socketServer: { requestChannel } }) {
      for (const [request, metrics] of requestChannel.metrics.entries()) {
        yield { labels: { request }, value: metrics[name] }
      }
    },
  }),
)

const purgatories = [
  ['Produce', (broker: KafkaServer) => broker.replicaManager.delayedProducePurgatory],
  ['Fetch', (broker: KafkaServer) => broker.replicaManager.delayedFetchPurgatory],
  [
    'DeleteRecords',
    (broker: KafkaServer) => broker.replicaManager.delayedDeleteRecordsPurgatory,
  ],
  ['Heartbeat', (broker: KafkaServer) => broker.groupCoordinator.heartbeatPurgatory],
  ['Rebalance', (broker: KafkaServer) => broker.groupCoordinator.joinPurgatory],
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

/** A number of each log. */
function logGauge(
  name: 'Size' | 'LogStartOffset' | 'LogEndOffset' | 'NumLogSegments',
  help: string,
  key: 'size' | 'logStartOffset' | 'logEndOffset' | 'numberOfSegments',
): MetricDefinition {
  return {
    ...{ mbean: `kafka.log:type=Log,name=${name}`, help },
    ...{ type: 'gauge', labels: ['topic', 'partition'] },
    *collect({ logManager }) {
      for (const log of logManager.allLogs) {
        const { topic, partition } = log.topicPartition
        if (log.isFuture) continue
        yield { labels: { topic, partition: String(partition) }, value: log[key] }
      }
    },
  }
}

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

const quotaGauges = [
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

const controllerTimes = controllerWork.map(
  ([name, state, help]): MetricDefinition => ({
    ...{ mbean: `kafka.controller:type=ControllerStats,name=${name}`, help },
    ...{ type: 'histogram', labels: [] },
    collect: ({ kafkaController: { eventManager } }) => [
      { value: eventManager.rateAndTimeMetrics.get(state) ?? new Distribution() },
    ],
  }),
)

const controllerGauges = [
  gauge(
    'kafka.controller:type=KafkaController,name=ActiveControllerCount',
    '1 on the broker that is controller',
    ({ kafkaController }) => Number(kafkaController.isActive),
  ),
  gauge(
    'kafka.controller:type=KafkaController,name=OfflinePartitionsCount',
    'partitions without a leader; 0 on who is not controller',
    ({ kafkaController: { isActive, controllerContext } }) =>
      isActive ? controllerContext.partitionsWithoutLeader.length : 0,
  ),
  gauge(
    'kafka.controller:type=KafkaController,name=GlobalTopicCount',
    'topics of the cluster; 0 on who is not controller',
    ({ kafkaController: { isActive, controllerContext } }) =>
      isActive ? controllerContext.allTopics.size : 0,
  ),
  gauge(
    'kafka.controller:type=KafkaController,name=GlobalPartitionCount',
    'partitions of the cluster; 0 on who is not controller',
    ({ kafkaController: { isActive, controllerContext } }) =>
      isActive ? controllerContext.partitionReplicaAssignment.size : 0,
  ),
  gauge(
    'kafka.controller:type=KafkaController,name=PreferredReplicaImbalanceCount',
    'partitions that another than their preferred leader leads; 0 on others',
    ({ kafkaController }) =>
      kafkaController.isActive
        ? kafkaController.metrics.preferredReplicaImbalanceCount
        : 0,
  ),
  gauge(
    'kafka.controller:type=ControllerChannelManager,name=TotalQueueSize',
    'requests of the controller that wait for brokers',
    ({ kafkaController: { controllerContext } }) =>
      controllerContext.controllerChannelManager?.totalQueueSize ?? 0,
  ),
  counter(
    'kafka.controller:type=ControllerStats,name=UncleanLeaderElectionsPerSec',
    'elections of a leader that was not in sync',
    ({ kafkaController: { controllerContext } }) =>
      controllerContext.uncleanLeaderElections,
  ),
  ...controllerTimes,
]

const replicaGauges = [
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

const logGauges = [
  logGauge('Size', 'bytes of the segments', 'size'),
  logGauge('LogStartOffset', 'first offset that can be read', 'logStartOffset'),
  logGauge('LogEndOffset', 'offset that the next record gets', 'logEndOffset'),
  logGauge('NumLogSegments', 'segments', 'numberOfSegments'),
  gauge(
    'kafka.log:type=LogManager,name=OfflineLogDirectoryCount',
    'log directories that have failed',
    ({ logManager }) => logManager.offlineLogDirs.length,
  ),
  gauge(
    'kafka.log:type=LogCleanerManager,name=max-dirty-percent',
    'dirty share of the dirtiest log when last looked',
    ({ logCleaner }) =>
      Math.trunc(100 * (logCleaner?.cleanerManager.dirtiestLogCleanableRatio ?? 0)),
  ),
  gauge(
    'kafka.log:type=LogCleaner,name=max-clean-time-secs',
    'longest of the last cleanings of the cleaners',
    ({ logCleaner }) =>
      Math.max(0, ...(logCleaner?.lastStats ?? []).map((s) => s?.elapsedSecs ?? 0)),
  ),
  gauge(
    'kafka.log:type=LogCleanerManager,name=time-since-last-run-ms',
    'ms since a cleaner last looked for work; 0 without cleaners',
    ({ logCleaner }) => logCleaner?.cleanerManager.timeSinceLastRunMs ?? 0,
  ),
  gauge(
    'kafka.log:type=LogCleaner,name=max-buffer-utilization-percent',
    'largest share of its offset map that a cleaner used when it last cleaned',
    ({ logCleaner }) => Math.trunc(100 * (logCleaner?.maxBufferUtilization ?? 0)),
  ),
  gauge(
    'kafka.log:type=LogCleaner,name=cleaner-recopy-percent',
    'share of the bytes read that the last cleanings kept',
    ({ logCleaner }) => Math.trunc(100 * (logCleaner?.recopyRate ?? 0)),
  ),
]

const fetchSessionGauges = [
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

/** How often the session with ZooKeeper came into a state. */
const sessionCounters = (
  [
    ['Disconnects', 'connecting', 'times that the connection to ZooKeeper was lost'],
    ['SyncConnects', 'connected', 'times that ZooKeeper was reached'],
    ['AuthFailures', 'authFailed', 'times that ZooKeeper refused who we are'],
    ['Expires', 'expired', 'sessions that ZooKeeper gave up'],
  ] as const
).map(([event, state, help]) =>
  counter(
    `kafka.server:type=SessionExpireListener,name=ZooKeeper${event}PerSec`,
    help,
    ({ zkClient }) => zkClient.stateCounts.get(state) ?? 0,
  ),
)

/** How many groups are in a state. */
function groupStateGauge(state: GroupState, help: string): MetricDefinition {
  const mbean = `kafka.coordinator.group:type=GroupMetadataManager,name=NumGroups${state}`
  return gauge(
    mbean,
    help,
    ({ groupCoordinator }) =>
      groupCoordinator.groupManager
        .currentGroups()
        .filter(({ currentState }) => currentState === state).length,
  )
}

const groupGauges: readonly MetricDefinition[] = [
  gauge(
    'kafka.coordinator.group:type=GroupMetadataManager,name=NumGroups',
    'groups that are coordinated here',
    ({ groupCoordinator }) => groupCoordinator.groupManager.currentGroups().length,
  ),
  gauge(
    'kafka.coordinator.group:type=GroupMetadataManager,name=NumOffsets',
    'offsets that groups coordinated here have committed',
    ({ groupCoordinator }) =>
      groupCoordinator.groupManager
        .currentGroups()
        .reduce((sum, { offsets }) => sum + offsets.numOffsets, 0),
  ),
  groupStateGauge('PreparingRebalance', 'groups that wait for members to join'),
  groupStateGauge('CompletingRebalance', 'groups that wait for their assignment'),
  groupStateGauge('Stable', 'groups whose members all know what they read'),
  groupStateGauge('Empty', 'groups without members'),
  groupStateGauge('Dead', 'groups that are being removed'),
]

/** All metrics. */
export const metricDefinitions: readonly MetricDefinition[] = [
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
    'reads whose records were converted for an old client',
    'fetchMessageConversions',
  ),
  requestsPerSec,
  errorsPerSec,
  ...requestMetrics,
  gauge(
    'kafka.network:type=RequestChannel,name=RequestQueueSize',
    'requests that no handler has taken',
    ({ socketServer }) => socketServer.requestChannel.requestQueueSize,
  ),
  responseQueueSize,
  purgatoryGauge('PurgatorySize', 'keys that waiting requests watch', 'watched'),
  purgatoryGauge('NumDelayedOperations', 'requests that wait', 'delayed'),
  ...replicaGauges,
  ...partitionMetrics,
  ...fetchSessionGauges,
  ...sessionCounters,
  ...controllerGauges,
  ...logGauges,
  ...groupGauges,
  ...quotaGauges,
  gauge(
    'kafka.server:type=KafkaServer,name=BrokerState',
    'state of the broker as a number: 3 when it serves',
    ({ brokerState }) => BrokerStates[brokerState.currentState],
  ),
]
