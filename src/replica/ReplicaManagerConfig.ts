/**
 * # What replica/ asks of its house
 *
 * The configuration keys that this wing reads, under their names in `KafkaConfig`, and the
 * two neighbours that live in higher wings, as interfaces that this wing owns.
 *
 * @differs Kafka passes `KafkaConfig` and `MetadataCache` themselves, which live in the
 *   package that also uses this one.
 * @module
 */
import type { KafkaScheduler } from '../base/async/KafkaScheduler.ts'
import type { Platform } from '../base/platform/Platform.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import type { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import type { IsolationLevel } from '../log/FetchDataInfo.ts'
import type { LogDirFailureChannel } from '../log/LogDirFailureChannel.ts'
import type { LogManager } from '../log/LogManager.ts'
import type { UpdateMetadataRequest } from '../protocol/messages/UpdateMetadata.ts'
import type { MemoryRecords } from '../record/MemoryRecords.ts'
import type { RecordsProcessingStats } from '../record/RecordsProcessingStats.ts'
import type { Broker } from '../zk/Broker.ts'
import type { KafkaZkClient } from '../zk/KafkaZkClient.ts'
import type { FetchCallback } from './DelayedFetch.ts'
import type { ProduceCallback } from './DelayedProduce.ts'
import type { ReplicaQuota, ReplicationQuotas } from './ReplicationQuotaManager.ts'
import type { PartitionData } from './read-from-local-log.ts'

/** Configuration keys that replication reads. */
export interface ReplicaManagerConfig {
  readonly brokerId: number
  readonly interBrokerListenerName: string
  readonly replicaLagTimeMaxMs: number
  readonly replicaHighWatermarkCheckpointIntervalMs: number
  readonly producerPurgatoryPurgeIntervalRequests: number
  readonly fetchPurgatoryPurgeIntervalRequests: number
  readonly deleteRecordsPurgatoryPurgeIntervalRequests: number
  readonly numReplicaFetchers: number
  /** Threads that move replicas between log directories; one a directory by default. */
  readonly numReplicaAlterLogDirsThreads?: number | undefined
  readonly replicaFetchBackoffMs: number
  readonly replicaFetchMaxBytes: number
  readonly replicaFetchMinBytes: number
  readonly replicaFetchResponseMaxBytes: number
  readonly replicaFetchWaitMaxMs: number
  readonly replicaSocketTimeoutMs: number
}

/** What replication asks of the broker's picture of the cluster. */
export interface MetadataCacheView {
  getAliveBrokers(): readonly Broker[]
  isBrokerAlive(brokerId: number): boolean
  /** Takes the controller's news in. @returns the partitions that were deleted. */
  updateCache(correlationId: number, request: UpdateMetadataRequest): TopicPartition[]
}

/** What a replica manager is made from. */
export interface ReplicaManagerOptions {
  readonly config: ReplicaManagerConfig
  readonly platform: Platform
  readonly zkClient: KafkaZkClient
  readonly scheduler: KafkaScheduler
  readonly logManager: LogManager
  /** True once the broker's shutdown has begun: no fetcher is started any more. */
  readonly isShuttingDown: () => boolean
  readonly metadataCache: MetadataCacheView
  /** How fast throttled partitions may be copied. */
  readonly quotaManagers: Pick<ReplicationQuotas, 'follower' | 'alterLogDirs'>
  readonly logDirFailureChannel: LogDirFailureChannel
  /**
   * Called when going on would lose committed records. Default: only logged.
   *
   * @differs Kafka ends the process. No input ends ours; whoever owns it may.
   */
  readonly halt?: (reason: string) => void
}

/** What `appendRecords` takes. */
export interface AppendRecordsOptions {
  /** How long followers may take, in ms. */
  readonly timeout: number
  /** 0: answer nothing is waited for; 1: the leader's log; -1: the whole ISR. */
  readonly requiredAcks: number
  /** True for Kafka's own writes to its internal topics. */
  readonly internalTopicsAllowed: boolean
  /** False for coordinators: their sequence numbers are not checked. */
  readonly isFromClient: boolean
  readonly entriesPerPartition: TopicPartitionMap<MemoryRecords>
  /** Told of each partition whose records were written anew. */
  readonly recordConversion?: (
    topicPartition: TopicPartition,
    stats: RecordsProcessingStats,
  ) => void
  readonly responseCallback: ProduceCallback
}

/** What `fetchMessages` takes. */
export interface FetchMessagesOptions {
  /** How long to wait for `fetchMinBytes`, in ms. */
  readonly timeout: number
  /** A follower's broker id, or -1 for consumers, -2 for debugging tools. */
  readonly replicaId: number
  readonly fetchMinBytes: number
  readonly fetchMaxBytes: number
  /** True for fetch versions up to 2. */
  readonly hardMaxBytesLimit: boolean
  readonly fetchInfos: readonly (readonly [TopicPartition, PartitionData])[]
  readonly isolationLevel: IsolationLevel
  /** What may be sent of throttled partitions; all of them when left out. */
  readonly quota?: ReplicaQuota | undefined
  readonly responseCallback: FetchCallback
}
