/**
 * # The settings of a broker
 *
 * One row a setting: the property of `KafkaConfig`, the key in `server.properties`, the
 * type, the default, and what it means. Parsing, checking and the reference page read this
 * table; a key that is not here is warned about.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaConfig.scala#Defaults
 * @module
 */

/** The types of settings, and what each is read as. */
export interface ConfigTypes {
  int: number
  /** Java's largest long is read as the nearest number. */
  long: number
  double: number
  boolean: boolean
  string: string
  list: readonly string[]
}

/** One setting. */
export interface ConfigDefinition<T extends keyof ConfigTypes = keyof ConfigTypes> {
  readonly key: string
  readonly type: T
  /** `undefined` for a setting that may be absent. */
  readonly default: string | undefined
  readonly doc: string
  readonly min?: number
  readonly oneOf?: readonly string[]
}

type Extra = { readonly min?: number; readonly oneOf?: readonly string[] }

function define<T extends keyof ConfigTypes>(type: T) {
  return (
    key: string,
    fallback: string,
    doc: string,
    extra: Extra = {},
  ): ConfigDefinition<T> & { readonly default: string } => ({
    ...{ key, type, default: fallback, doc },
    ...extra,
  })
}

function optional<T extends keyof ConfigTypes>(type: T) {
  return (
    key: string,
    doc: string,
    extra: Extra = {},
  ): ConfigDefinition<T> & { readonly default: undefined } => ({
    ...{ key, type, default: undefined, doc },
    ...extra,
  })
}

const int = define('int')
const long = define('long')
const double = define('double')
const boolean = define('boolean')
const string = define('string')
const list = define('list')
const maybeInt = optional('int')
const maybeLong = optional('long')
const maybeString = optional('string')
const never = '9223372036854775807'

/** All settings by the name of their property. */
export const definitions = {
  // Who this broker is, and where ZooKeeper is.
  brokerId: int('broker.id', '-1', 'number of this broker; -1 to have one made'),
  brokerIdGenerationEnable: boolean(
    'broker.id.generation.enable',
    'true',
    'whether a number may be made',
  ),
  maxReservedBrokerId: int(
    'reserved.broker.max.id',
    '1000',
    'made numbers begin above',
  ),
  rack: maybeString('broker.rack', 'where it stands, for replicas on several racks'),
  zkConnect: string('zookeeper.connect', '', 'host:port list, perhaps with a path'),
  zkSessionTimeoutMs: int('zookeeper.session.timeout.ms', '6000', 'life of a session'),
  zkConnectionTimeout: maybeInt('zookeeper.connection.timeout.ms', 'first connection'),
  zkSyncTimeMs: int('zookeeper.sync.time.ms', '2000', 'lag of a ZooKeeper follower'),
  zkMaxInFlightRequests: int(
    'zookeeper.max.in.flight.requests',
    '10',
    'requests without an answer',
    { min: 1 },
  ),

  // Where it listens.
  hostName: string('host.name', '', 'address to bind when `listeners` is not set'),
  port: int('port', '9092', 'port to bind when `listeners` is not set'),
  listenersText: maybeString('listeners', 'NAME://host:port, several with commas'),
  advertisedListenersText: maybeString('advertised.listeners', 'what clients are told'),
  advertisedHostName: maybeString(
    'advertised.host.name',
    'host to tell clients when `advertised.listeners` is not set',
  ),
  advertisedPort: maybeInt(
    'advertised.port',
    'port to tell clients when `advertised.listeners` is not set',
  ),
  listenerSecurityProtocolMapText: string(
    'listener.security.protocol.map',
    'PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL',
    'the security protocol of each listener',
  ),
  interBrokerListener: maybeString('inter.broker.listener.name', 'used by brokers'),
  interBrokerProtocolVersion: string(
    'inter.broker.protocol.version',
    '1.1-IV0',
    'version that brokers speak to each other',
  ),
  numNetworkThreads: int('num.network.threads', '3', 'processors a listener', {
    min: 1,
  }),
  numIoThreads: int('num.io.threads', '8', 'request handlers', { min: 1 }),
  backgroundThreads: int('background.threads', '10', 'of the scheduler', { min: 1 }),
  queuedMaxRequests: int('queued.max.requests', '500', 'requests that wait', {
    min: 1,
  }),
  socketSendBufferBytes: int('socket.send.buffer.bytes', '102400', 'send buffer'),
  socketReceiveBufferBytes: int(
    'socket.receive.buffer.bytes',
    '102400',
    'receive buffer',
  ),
  socketRequestMaxBytes: int(
    'socket.request.max.bytes',
    '104857600',
    'a larger request closes its connection',
    { min: 1 },
  ),
  maxConnectionsPerIp: int(
    'max.connections.per.ip',
    '2147483647',
    'connections from one address',
    { min: 0 },
  ),
  maxConnectionsPerIpOverridesText: string(
    'max.connections.per.ip.overrides',
    '',
    'connections from some addresses, as address:number pairs',
  ),
  connectionsMaxIdleMs: long(
    'connections.max.idle.ms',
    '600000',
    'silence after which a connection is closed',
  ),
  requestTimeoutMs: int('request.timeout.ms', '30000', 'wait for an answer'),

  // Topics.
  numPartitions: int('num.partitions', '1', 'of a topic made by itself', { min: 1 }),
  defaultReplicationFactor: int('default.replication.factor', '1', 'of such a topic'),
  autoCreateTopicsEnable: boolean('auto.create.topics.enable', 'true', 'make topics'),
  deleteTopicEnable: boolean('delete.topic.enable', 'true', 'allow to delete topics'),
  messageMaxBytes: int('message.max.bytes', '1000012', 'largest batch', { min: 0 }),
  minInSyncReplicas: int('min.insync.replicas', '1', 'for acks=all', { min: 1 }),
  uncleanLeaderElectionEnable: boolean(
    'unclean.leader.election.enable',
    'false',
    'whether a replica that is not in sync may lead',
  ),
  compressionType: string('compression.type', 'producer', 'of what is stored', {
    oneOf: ['uncompressed', 'gzip', 'snappy', 'lz4', 'producer'],
  }),

  // Logs.
  logDirText: string('log.dir', '/tmp/kafka-logs', 'where logs are kept'),
  logDirsText: maybeString('log.dirs', 'several directories; wins over `log.dir`'),
  logSegmentBytes: int('log.segment.bytes', '1073741824', 'size of a segment', {
    min: 14,
  }),
  logRollTimeMs: maybeLong('log.roll.ms', 'age of a segment; wins over hours', {
    min: 1,
  }),
  logRollTimeHours: int('log.roll.hours', '168', 'age of a segment', { min: 1 }),
  logRollTimeJitterMs: maybeLong('log.roll.jitter.ms', 'taken off by chance', {
    min: 0,
  }),
  logRollTimeJitterHours: int('log.roll.jitter.hours', '0', 'taken off by chance'),
  logRetentionTimeMs: maybeLong('log.retention.ms', 'age; wins over minutes'),
  logRetentionTimeMins: maybeInt('log.retention.minutes', 'age; wins over hours'),
  logRetentionTimeHours: int('log.retention.hours', '168', 'age at which logs go'),
  logRetentionBytes: long('log.retention.bytes', '-1', 'size at which logs go'),
  logCleanupIntervalMs: long(
    'log.retention.check.interval.ms',
    '300000',
    'time between two looks',
    { min: 1 },
  ),
  logCleanupPolicy: list('log.cleanup.policy', 'delete', 'delete, compact, or both'),
  logCleanerThreads: int('log.cleaner.threads', '1', 'cleaners', { min: 0 }),
  logCleanerIoMaxBytesPerSecond: double(
    'log.cleaner.io.max.bytes.per.second',
    '1.7976931348623157E308',
    'the most that cleaners read and write',
  ),
  logCleanerDedupeBufferSize: long(
    'log.cleaner.dedupe.buffer.size',
    '134217728',
    'memory for keys',
  ),
  logCleanerIoBufferSize: int('log.cleaner.io.buffer.size', '524288', 'memory for IO'),
  logCleanerDedupeBufferLoadFactor: double(
    'log.cleaner.io.buffer.load.factor',
    '0.9',
    'how full the memory for keys may get',
  ),
  logCleanerBackoffMs: long('log.cleaner.backoff.ms', '15000', 'pause without work'),
  logCleanerMinCleanRatio: double(
    'log.cleaner.min.cleanable.ratio',
    '0.5',
    'share that must be dirty',
  ),
  logCleanerEnable: boolean('log.cleaner.enable', 'true', 'whether to compact'),
  logCleanerDeleteRetentionMs: long(
    'log.cleaner.delete.retention.ms',
    '86400000',
    'life of a tombstone',
  ),
  logCleanerMinCompactionLagMs: long(
    'log.cleaner.min.compaction.lag.ms',
    '0',
    'age before compaction',
  ),
  logIndexSizeMaxBytes: int('log.index.size.max.bytes', '10485760', 'largest index', {
    min: 4,
  }),
  logIndexIntervalBytes: int('log.index.interval.bytes', '4096', 'between entries'),
  logFlushIntervalMessages: long(
    'log.flush.interval.messages',
    never,
    'messages between two flushes',
    { min: 1 },
  ),
  logDeleteDelayMs: long('log.segment.delete.delay.ms', '60000', 'before unlinking'),
  logFlushSchedulerIntervalMs: long(
    'log.flush.scheduler.interval.ms',
    never,
    'time between two looks for what to flush',
  ),
  logFlushIntervalMsOrNone: maybeLong('log.flush.interval.ms', 'between two flushes'),
  logFlushOffsetCheckpointIntervalMs: int(
    'log.flush.offset.checkpoint.interval.ms',
    '60000',
    'between two recovery points',
  ),
  logFlushStartOffsetCheckpointIntervalMs: int(
    'log.flush.start.offset.checkpoint.interval.ms',
    '60000',
    'between two start offsets',
  ),
  logPreAllocateEnable: boolean('log.preallocate', 'false', 'give segments their size'),
  numRecoveryThreadsPerDataDir: int(
    'num.recovery.threads.per.data.dir',
    '1',
    'logs of a directory that load, or close, side by side; in one thread',
    { min: 1 },
  ),
  logMessageFormatVersion: string(
    'log.message.format.version',
    '1.1-IV0',
    'whose batch format is stored',
  ),
  logMessageTimestampType: string(
    'log.message.timestamp.type',
    'CreateTime',
    'whose clock stored timestamps are of',
    { oneOf: ['CreateTime', 'LogAppendTime'] },
  ),
  logMessageTimestampDifferenceMaxMs: long(
    'log.message.timestamp.difference.max.ms',
    never,
    'how far a timestamp may be off',
  ),

  // Replication.
  replicaLagTimeMaxMs: long('replica.lag.time.max.ms', '10000', 'out of sync after'),
  replicaSocketTimeoutMs: int(
    'replica.socket.timeout.ms',
    '30000',
    'wait of followers',
  ),
  replicaSocketReceiveBufferBytes: int(
    'replica.socket.receive.buffer.bytes',
    '65536',
    'receive buffer of followers',
  ),
  replicaFetchMaxBytes: int('replica.fetch.max.bytes', '1048576', 'a partition'),
  replicaFetchWaitMaxMs: int('replica.fetch.wait.max.ms', '500', 'longest wait'),
  replicaFetchMinBytes: int('replica.fetch.min.bytes', '1', 'to wait for'),
  replicaFetchResponseMaxBytes: int(
    'replica.fetch.response.max.bytes',
    '10485760',
    'over all partitions',
  ),
  replicaFetchBackoffMs: int('replica.fetch.backoff.ms', '1000', 'pause after errors'),
  numReplicaAlterLogDirsThreads: maybeInt(
    'num.replica.alter.log.dirs.threads',
    'that move replicas between log directories; one a directory by default',
    { min: 1 },
  ),
  numReplicaFetchers: int('num.replica.fetchers', '1', 'fetchers for each broker'),
  replicaHighWatermarkCheckpointIntervalMs: long(
    'replica.high.watermark.checkpoint.interval.ms',
    '5000',
    'between two checkpoints',
  ),
  fetchPurgatoryPurgeIntervalRequests: int(
    'fetch.purgatory.purge.interval.requests',
    '1000',
    'completed fetches that may linger',
  ),
  producerPurgatoryPurgeIntervalRequests: int(
    'producer.purgatory.purge.interval.requests',
    '1000',
    'completed produces that may linger',
  ),
  deleteRecordsPurgatoryPurgeIntervalRequests: int(
    'delete.records.purgatory.purge.interval.requests',
    '1',
    'completed delete-records that may linger',
  ),

  // Controller.
  autoLeaderRebalanceEnable: boolean(
    'auto.leader.rebalance.enable',
    'true',
    'give leadership back to preferred replicas',
  ),
  leaderImbalancePerBrokerPercentage: int(
    'leader.imbalance.per.broker.percentage',
    '10',
    'share led elsewhere that is borne',
  ),
  leaderImbalanceCheckIntervalSeconds: long(
    'leader.imbalance.check.interval.seconds',
    '300',
    'between two looks',
  ),
  controllerSocketTimeoutMs: int(
    'controller.socket.timeout.ms',
    '30000',
    'wait of the controller for a connection',
  ),
  controlledShutdownEnable: boolean(
    'controlled.shutdown.enable',
    'true',
    'move leaders away first',
  ),
  controlledShutdownMaxRetries: int('controlled.shutdown.max.retries', '3', 'tries'),
  controlledShutdownRetryBackoffMs: long(
    'controlled.shutdown.retry.backoff.ms',
    '5000',
    'pause between tries',
  ),

  // Groups and offsets.
  groupMinSessionTimeoutMs: int('group.min.session.timeout.ms', '6000', 'smallest'),
  groupMaxSessionTimeoutMs: int('group.max.session.timeout.ms', '300000', 'largest'),
  groupInitialRebalanceDelay: int(
    'group.initial.rebalance.delay.ms',
    '3000',
    'wait for more members of a new group',
  ),
  offsetMetadataMaxSize: int('offset.metadata.max.bytes', '4096', 'of a commit'),
  offsetsLoadBufferSize: int('offsets.load.buffer.size', '5242880', 'a read', {
    min: 1,
  }),
  offsetsTopicReplicationFactor: int(
    'offsets.topic.replication.factor',
    '3',
    'of __consumer_offsets',
    { min: 1 },
  ),
  offsetsTopicPartitions: int('offsets.topic.num.partitions', '50', 'of that topic', {
    min: 1,
  }),
  offsetsTopicSegmentBytes: int('offsets.topic.segment.bytes', '104857600', 'of it', {
    min: 1,
  }),
  offsetsTopicCompressionCodec: int(
    'offsets.topic.compression.codec',
    '0',
    'of it: 0 none, 1 gzip, 2 snappy, 3 lz4',
  ),
  offsetsRetentionMinutes: int(
    'offsets.retention.minutes',
    '1440',
    'life of an offset',
    {
      min: 1,
    },
  ),
  offsetsRetentionCheckIntervalMs: long(
    'offsets.retention.check.interval.ms',
    '600000',
    'between two looks',
    { min: 1 },
  ),
  offsetCommitTimeoutMs: int('offsets.commit.timeout.ms', '5000', 'of a commit', {
    min: 1,
  }),
  offsetCommitRequiredAcks: int('offsets.commit.required.acks', '-1', 'of a commit'),

  // Transactions.
  transactionIdExpirationMs: int(
    'transactional.id.expiration.ms',
    '604800000',
    'silence after which a producer is forgotten',
    { min: 1 },
  ),
  transactionMaxTimeoutMs: int(
    'transaction.max.timeout.ms',
    '900000',
    'the longest that a producer may ask for',
    { min: 1 },
  ),
  transactionTopicMinISR: int(
    'transaction.state.log.min.isr',
    '2',
    'copies in sync to write a transaction',
    { min: 1 },
  ),
  transactionsLoadBufferSize: int(
    'transaction.state.log.load.buffer.size',
    '5242880',
    'a read',
    { min: 1 },
  ),
  transactionTopicReplicationFactor: int(
    'transaction.state.log.replication.factor',
    '3',
    'of __transaction_state',
    { min: 1 },
  ),
  transactionTopicPartitions: int(
    'transaction.state.log.num.partitions',
    '50',
    'of that topic',
    { min: 1 },
  ),
  transactionTopicSegmentBytes: int(
    'transaction.state.log.segment.bytes',
    '104857600',
    'of it',
    { min: 1 },
  ),
  transactionAbortTimedOutTransactionCleanupIntervalMs: int(
    'transaction.abort.timed.out.transaction.cleanup.interval.ms',
    '60000',
    'between two looks for transactions whose time is up',
    { min: 1 },
  ),
  transactionRemoveExpiredTransactionalIdCleanupIntervalMs: int(
    'transaction.remove.expired.transaction.cleanup.interval.ms',
    '3600000',
    'between two looks for producers to forget',
    { min: 1 },
  ),

  // Quotas, and how they are measured.
  producerQuotaBytesPerSecondDefault: long(
    'quota.producer.default',
    never,
    'bytes a second from a client id without a quota',
    { min: 1 },
  ),
  consumerQuotaBytesPerSecondDefault: long(
    'quota.consumer.default',
    never,
    'bytes a second to a client id without a quota',
    { min: 1 },
  ),
  numQuotaSamples: int('quota.window.num', '11', 'samples of a client', { min: 1 }),
  quotaWindowSizeSeconds: int('quota.window.size.seconds', '1', 'length of a sample', {
    min: 1,
  }),
  numReplicationQuotaSamples: int(
    'replication.quota.window.num',
    '11',
    'samples of what is copied between brokers',
    { min: 1 },
  ),
  replicationQuotaWindowSizeSeconds: int(
    'replication.quota.window.size.seconds',
    '1',
    'length of such a sample',
    { min: 1 },
  ),
  numAlterLogDirsReplicationQuotaSamples: int(
    'alter.log.dirs.replication.quota.window.num',
    '11',
    'samples of what is moved between log directories',
    { min: 1 },
  ),
  alterLogDirsReplicationQuotaWindowSizeSeconds: int(
    'alter.log.dirs.replication.quota.window.size.seconds',
    '1',
    'length of such a sample',
    { min: 1 },
  ),
  metricNumSamples: int('metrics.num.samples', '2', 'of other metrics', { min: 1 }),
  metricSampleWindowMs: long(
    'metrics.sample.window.ms',
    '30000',
    'length of such a sample',
    { min: 1 },
  ),

  // Fetch sessions.
  maxIncrementalFetchSessionCacheSlots: int(
    'max.incremental.fetch.session.cache.slots',
    '1000',
    'sessions that are kept',
    { min: 0 },
  ),
} as const

/** What the rows say about each property. */
export type ConfigValues = {
  readonly [K in keyof typeof definitions]: (typeof definitions)[K]['default'] extends string
    ? ConfigTypes[(typeof definitions)[K]['type']]
    : ConfigTypes[(typeof definitions)[K]['type']] | undefined
}
