/**
 * # What coordinator/transaction/ asks of its house
 *
 * The configuration keys that this room reads, under their names in `KafkaConfig`; the part
 * of the replica manager that it appends to and reads from; where the leaders of partitions
 * are.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionStateManager.scala#TransactionConfig
 * @module
 */
import type { TopicPartition } from '../../base/TopicPartition.ts'
import type { Log } from '../../log/Log.ts'
import type { AppendRecordsOptions } from '../../replica/ReplicaManagerConfig.ts'
import type { BrokerEndPoint } from '../../zk/Broker.ts'

/** Configuration keys that the transaction coordinator reads. */
export interface TransactionConfig {
  readonly brokerId: number
  readonly requestTimeoutMs: number
  readonly interBrokerListenerName: string
  /** Silence after which an id is forgotten, in ms. */
  readonly transactionIdExpirationMs: number
  /** The longest timeout that a producer may ask for, in ms. */
  readonly transactionMaxTimeoutMs: number
  readonly transactionTopicMinISR: number
  /** Bytes read at a time when loading. */
  readonly transactionsLoadBufferSize: number
  /** Partitions of `__transaction_state` while it does not exist. */
  readonly transactionTopicPartitions: number
  readonly transactionTopicSegmentBytes: number
  /** Time between two looks for transactions whose time is up, in ms. */
  readonly transactionAbortTimedOutTransactionCleanupIntervalMs: number
  /** Time between two looks for ids to forget, in ms. */
  readonly transactionRemoveExpiredTransactionalIdCleanupIntervalMs: number
}

/** What the coordinator asks of the replica manager. */
export interface TransactionReplicaManager {
  appendRecords(options: AppendRecordsOptions): void
  getLog(topicPartition: TopicPartition): Log | undefined
  getLogEndOffset(topicPartition: TopicPartition): number | undefined
}

/** What the coordinator asks of ZooKeeper. */
export interface TransactionZkClient {
  /** Undefined when the topic does not exist. */
  getTopicPartitionCount(topic: string): Promise<number | undefined>
}

/** What the coordinator asks of the metadata cache. */
export interface TransactionMetadataCache {
  /**
   * Where the leader of a partition is.
   *
   * @returns undefined for a partition that is not known; id -1 while nobody who is alive
   *   leads it
   */
  getPartitionLeaderEndpoint(
    topic: string,
    partitionId: number,
    listenerName: string,
  ): BrokerEndPoint | undefined
  /** Has `listener` called after each update. @returns what ends that */
  onUpdate(listener: () => void): () => void
}
