/**
 * # Deleting records on the leader
 *
 * The local half of a delete-records request: each partition's leader moves the start of
 * its log up. The copies follow with their next fetches, which is what
 * `DelayedDeleteRecords` waits for.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager.deleteRecordsOnLocalLog
 * @module
 */
import {
  Errors,
  InvalidTopicException,
  OffsetOutOfRangeException,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { Topic } from '../zk/Topic.ts'
import type { DeleteRecordsPartitionStatus } from './DelayedDeleteRecords.ts'
import type { LocalPartitions } from './LocalPartitions.ts'

const log = logger('ReplicaManager')

/** In a request: "up to the high watermark". */
const HIGH_WATERMARK = -1

/**
 * Moves log starts up; partitions fail alone.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager.deleteRecordsOnLocalLog
 */
export function deleteRecordsOnLocalLog(
  partitions: LocalPartitions,
  offsets: TopicPartitionMap<number>,
): TopicPartitionMap<DeleteRecordsPartitionStatus> {
  const statuses = new TopicPartitionMap<DeleteRecordsPartitionStatus>()
  for (const [topicPartition, offset] of offsets) {
    try {
      statuses.set(topicPartition, deleteRecords(partitions, topicPartition, offset))
    } catch (error) {
      const wire = Errors.forException(error)
      if (wire === Errors.UNKNOWN_SERVER_ERROR) {
        log.error(`cannot delete records of ${topicPartition}`, error)
      }
      const failed = { requiredOffset: -1, lowWatermark: -1, error: wire }
      statuses.set(topicPartition, failed)
    }
  }
  return statuses
}

/**
 * Whether there is anything to wait for: at least one log start has moved.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager.delayedDeleteRecordsRequired
 */
export function delayedDeleteRecordsRequired(
  statuses: TopicPartitionMap<DeleteRecordsPartitionStatus>,
): boolean {
  return Array.from(statuses.values()).some(({ error }) => error === Errors.NONE)
}

function deleteRecords(
  partitions: LocalPartitions,
  topicPartition: TopicPartition,
  requestedOffset: number,
): DeleteRecordsPartitionStatus {
  // Keep hands off Kafka's own topics.
  if (Topic.isInternal(topicPartition.topic)) {
    throw new InvalidTopicException(`cannot delete records of ${topicPartition.topic}`)
  }

  // Replace the wildcard by what is replicated now.
  const { partition, leaderReplica } =
    partitions.getPartitionAndLeaderReplicaIfLocal(topicPartition)
  const offset =
    requestedOffset === HIGH_WATERMARK
      ? leaderReplica.highWatermark.messageOffset
      : requestedOffset
  if (offset < 0) {
    throw new OffsetOutOfRangeException(`no offset ${offset} in ${topicPartition}`)
  }
  const lowWatermark = partition.deleteRecordsOnLeader(offset)
  return { requiredOffset: offset, lowWatermark, error: Errors.NONE }
}
