/**
 * # Appending to one partition
 *
 * One produce request goes to many partitions, and each succeeds or fails alone. This is
 * the part that turns what an append throws into what that partition answers.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager.appendToLocalLog
 * @module
 */
import {
  CorruptRecordException,
  Errors,
  InvalidTimestampException,
  InvalidTopicException,
  KafkaStorageException,
  NotLeaderForPartitionException,
  RecordBatchTooLargeException,
  RecordTooLargeException,
  UnknownTopicOrPartitionException,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import type { MemoryRecords } from '../record/MemoryRecords.ts'
import type { RecordsProcessingStats } from '../record/RecordsProcessingStats.ts'
import { Topic } from '../zk/Topic.ts'
import type { BrokerTopicStats } from './BrokerTopicStats.ts'
import type { PartitionResponse } from './DelayedProduce.ts'
import type { Partition } from './Partition.ts'

const log = logger('ReplicaManager')

/** What one partition's append gave. */
export interface LogAppendResult {
  /** The high watermark at which it counts as replicated. */
  readonly requiredOffset: number
  readonly response: PartitionResponse
  /** What was written anew; undefined when the sender's bytes were kept. */
  readonly processingStats?: RecordsProcessingStats | undefined
}

/** How an append is made. */
export interface AppendOptions {
  readonly isFromClient: boolean
  readonly requiredAcks: number
  /** True for Kafka's own writes to its own topics. */
  readonly internalTopicsAllowed: boolean
}

/** Appends to a partition, which may be missing or offline; never throws. */
export function appendToPartition(
  topicPartition: TopicPartition,
  partition: Partition | undefined,
  records: MemoryRecords,
  { isFromClient, requiredAcks, internalTopicsAllowed }: AppendOptions,
  stats: BrokerTopicStats,
): LogAppendResult {
  const { topic } = topicPartition
  stats.count(topic, 'totalProduceRequests')
  try {
    if (Topic.isInternal(topicPartition.topic) && !internalTopicsAllowed) {
      throw new InvalidTopicException(`${topicPartition.topic} is internal`)
    }
    if (!partition) {
      throw new UnknownTopicOrPartitionException(
        `${topicPartition} is not on this broker`,
      )
    }
    if (partition.isOffline) {
      throw new KafkaStorageException(
        `the log directory of ${topicPartition} is offline`,
      )
    }
    const info = partition.appendRecordsToLeader(records, isFromClient, requiredAcks)
    const isEmpty = info.firstOffset < 0 || info.lastOffset < 0
    stats.count(topic, 'bytesIn', records.sizeInBytes)
    stats.count(
      topic,
      'messagesIn',
      isEmpty ? 0 : info.lastOffset - info.firstOffset + 1,
    )
    return {
      requiredOffset: info.lastOffset + 1,
      response: {
        error: Errors.NONE,
        baseOffset: info.firstOffset,
        logAppendTime: info.logAppendTime,
        logStartOffset: info.logStartOffset,
      },
      processingStats: info.conversionCount > 0 ? info : undefined,
    }
  } catch (error) {
    if (isTooLarge(error)) stats.count(topic, 'bytesRejected', records.sizeInBytes)
    if (isExpected(error)) return failedAppend(error)
    stats.count(topic, 'failedProduceRequests')

    // Give the log start with the rest: a producer whose state was deleted with the
    // oldest records can tell from it that nothing is lost.
    log.error(`cannot append to ${topicPartition}`, error)
    const known = partition && !partition.isOffline
    return failedAppend(error, known ? partition.logStartOffset : -1)
  }
}

function failedAppend(error: unknown, logStartOffset = -1): LogAppendResult {
  return {
    requiredOffset: 0,
    response: {
      error: Errors.forException(error),
      baseOffset: -1,
      logAppendTime: -1,
      logStartOffset,
    },
  }
}

function isTooLarge(error: unknown): boolean {
  return (
    error instanceof RecordTooLargeException ||
    error instanceof RecordBatchTooLargeException
  )
}

// What clients and failing disks bring about; anything else deserves a line in the log.
function isExpected(error: unknown): boolean {
  return (
    error instanceof InvalidTopicException ||
    error instanceof UnknownTopicOrPartitionException ||
    error instanceof NotLeaderForPartitionException ||
    isTooLarge(error) ||
    error instanceof CorruptRecordException ||
    error instanceof KafkaStorageException ||
    error instanceof InvalidTimestampException
  )
}

/**
 * Whether acks is all (-1), the leader alone (1), or nobody (0).
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager.isValidRequiredAcks
 */
export function isValidRequiredAcks(requiredAcks: number): boolean {
  return requiredAcks === -1 || requiredAcks === 0 || requiredAcks === 1
}

/** Refuses `acks` that mean nothing, for every partition. */
export function refuseAcks(
  entries: TopicPartitionMap<unknown>,
): TopicPartitionMap<PartitionResponse> {
  const error = Errors.INVALID_REQUIRED_ACKS
  const response = { error, baseOffset: -1, logAppendTime: -1, logStartOffset: -1 }
  const refused = new TopicPartitionMap<PartitionResponse>()
  for (const topicPartition of entries.keys()) refused.set(topicPartition, response)
  return refused
}

/**
 * True when followers are to be waited for: all of them, and something was appended.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager.delayedProduceRequestRequired
 */
export function delayedProduceRequestRequired(
  requiredAcks: number,
  results: TopicPartitionMap<LogAppendResult>,
): boolean {
  if (requiredAcks !== -1) return false
  return [...results.values()].some(({ response }) => response.error === Errors.NONE)
}

/** What is answered when nobody is waited for. */
export function plainResponses(
  results: TopicPartitionMap<LogAppendResult>,
): TopicPartitionMap<PartitionResponse> {
  const responses = new TopicPartitionMap<PartitionResponse>()
  for (const [tp, { response }] of results) responses.set(tp, response)
  return responses
}
