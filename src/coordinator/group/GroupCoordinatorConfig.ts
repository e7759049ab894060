/**
 * # What coordinator/group/ asks of its house
 *
 * The configuration keys that this room reads, under their names in `KafkaConfig`, and the
 * part of the replica manager that it appends to and reads from.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/OffsetConfig.scala#OffsetConfig
 * @module
 */
import type { TopicPartition } from '../../base/TopicPartition.ts'
import type { Log } from '../../log/Log.ts'
import type { Partition } from '../../replica/Partition.ts'
import type { AppendRecordsOptions } from '../../replica/ReplicaManagerConfig.ts'

/** Configuration keys that the group coordinator reads. */
export interface GroupCoordinatorConfig {
  readonly brokerId: number
  readonly groupMinSessionTimeoutMs: number
  readonly groupMaxSessionTimeoutMs: number
  /** How long a first member waits for others, in ms. */
  readonly groupInitialRebalanceDelay: number
  /** Longest metadata of a commit, in characters. */
  readonly offsetMetadataMaxSize: number
  /** Bytes read at a time when loading. */
  readonly offsetsLoadBufferSize: number
  readonly offsetsRetentionMinutes: number
  readonly offsetsRetentionCheckIntervalMs: number
  /** Partitions of `__consumer_offsets` while it does not exist. */
  readonly offsetsTopicPartitions: number
  readonly offsetsTopicSegmentBytes: number
  /** How batches are packed: 0 not at all, 1 gzip, 2 snappy, 3 lz4. */
  readonly offsetsTopicCompressionCodec: number
  readonly offsetCommitTimeoutMs: number
  readonly offsetCommitRequiredAcks: number
}

/** What the coordinator asks of the replica manager. */
export interface GroupReplicaManager {
  appendRecords(options: AppendRecordsOptions): void
  getMagic(topicPartition: TopicPartition): number | undefined
  getLog(topicPartition: TopicPartition): Log | undefined
  getLogEndOffset(topicPartition: TopicPartition): number | undefined
  nonOfflinePartition(topicPartition: TopicPartition): Partition | undefined
}

/** What the coordinator asks of ZooKeeper. */
export interface GroupZkClient {
  /** Undefined when the topic does not exist. */
  getTopicPartitionCount(topic: string): Promise<number | undefined>
}
