/**
 * # Batches for `__consumer_offsets`
 *
 * One batch for each change: a group, a commit of many offsets, or the tombstones that
 * bury both.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadataManager.scala#GroupMetadataManager
 * @module
 */
import type { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import type { CompressionType } from '../../record/CompressionType.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import type { GroupMetadata } from './GroupMetadata.ts'
import {
  groupMetadataKey,
  groupMetadataValue,
  offsetCommitKey,
  offsetCommitValue,
} from './group-messages.ts'
import type { OffsetAndMetadata } from './OffsetAndMetadata.ts'

/** The format that the partition takes, how it is packed, and the time that is written. */
export interface BatchStamp {
  readonly magic: number
  readonly compressionType: CompressionType
  /** Wall time in ms. */
  readonly timestamp: number
}

/** Who commits within a transaction. */
export interface TransactionalProducer {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** A group with what its members are assigned. */
export function groupRecords(
  group: GroupMetadata,
  assignment: ReadonlyMap<string, Buffer>,
  { timestamp, ...format }: BatchStamp,
): MemoryRecords {
  const key = groupMetadataKey(group.groupId)
  const value = groupMetadataValue(group, assignment)
  return MemoryRecords.withRecords(format, { timestamp, key, value })
}

/** A commit. A producer's carries its id, so that its marker ends it. */
export function offsetRecords(
  groupId: string,
  offsets: TopicPartitionMap<OffsetAndMetadata>,
  { timestamp, ...format }: BatchStamp,
  producer?: TransactionalProducer,
): MemoryRecords {
  const records = [...offsets].map(([topicPartition, offset]) => ({
    timestamp,
    key: offsetCommitKey(groupId, topicPartition),
    value: offsetCommitValue(offset),
  }))
  const transaction = producer && {
    ...producer,
    baseSequence: 0,
    isTransactional: true,
  }
  return MemoryRecords.withRecords({ ...format, ...transaction }, ...records)
}

/** Tombstones for offsets and, if asked, for the group; undefined when there are none. */
export function tombstones(
  groupId: string,
  removed: Iterable<TopicPartition>,
  buriesGroup: boolean,
  { timestamp, ...format }: BatchStamp,
): MemoryRecords | undefined {
  const keys = [...removed].map((tp) => offsetCommitKey(groupId, tp))
  if (buriesGroup) keys.push(groupMetadataKey(groupId))
  if (keys.length === 0) return undefined
  const records = keys.map((key) => ({ timestamp, key, value: null }))
  return MemoryRecords.withRecords(format, ...records)
}

/** The same answer for every partition, or one that depends on it. */
export function answerAll<R>(
  offsets: TopicPartitionMap<unknown>,
  answer: (topicPartition: TopicPartition) => R,
): TopicPartitionMap<R> {
  const answers = new TopicPartitionMap<R>()
  for (const topicPartition of offsets.keys()) {
    answers.set(topicPartition, answer(topicPartition))
  }
  return answers
}
