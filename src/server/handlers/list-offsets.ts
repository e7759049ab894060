/**
 * # ListOffsets, OffsetForLeaderEpoch
 *
 * Where a partition begins, where it ends, where a time is, and where an epoch ended.
 * A consumer never hears of offsets beyond the high watermark.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleListOffsetRequest
 * @module
 */
import { Errors } from '../../base/errors.ts'
import { logger } from '../../base/logger.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap, TopicPartitionSet } from '../../base/TopicPartitionMap.ts'
import type { Request } from '../../network/RequestChannel.ts'
import {
  ListOffsets,
  type ListOffsetsRequest,
} from '../../protocol/messages/ListOffsets.ts'
import {
  OffsetForLeaderEpoch,
  type OffsetForLeaderEpochRequest,
} from '../../protocol/messages/OffsetForLeaderEpoch.ts'
import type { ApisContext } from './ApisContext.ts'
import { byTopic } from './by-topic.ts'
import { isIsolationLevel } from './fetch.ts'

const log = logger('KafkaApis')

/** Times that stand for an end of the log. */
const LATEST_TIMESTAMP = -1
const EARLIEST_TIMESTAMP = -2

/** A replica id that may see everything: a tool that debugs. */
const DEBUGGING_REPLICA_ID = -2

type Question = ListOffsetsRequest['topics'][number]['partitions'][number]

/** Serves a ListOffsets request; see `KafkaApis.handleListOffsetRequest`. */
export function handleListOffsets(context: ApisContext, request: Request): void {
  const body = request.body<ListOffsetsRequest>()

  // Hang up on what is not understood.
  const isOldStyle = request.header.apiVersion === 0
  const answer = isOldStyle ? oldStyleOffsets : offsetAndTimestamp
  if (!isIsolationLevel(body.isolationLevel)) {
    context.closeConnection(request)
    return
  }

  // Ask each partition once. From version 1 on it must not be named twice.
  const questions = new TopicPartitionMap<Question>()
  const twice = new TopicPartitionSet()
  for (const { name, partitions } of body.topics) {
    for (const question of partitions) {
      const topicPartition = new TopicPartition(name, question.partition)
      if (questions.has(topicPartition) && !isOldStyle) twice.add(topicPartition)
      questions.set(topicPartition, question)
    }
  }

  // Answer each on its own.
  const answers = new TopicPartitionMap<ReturnType<typeof failed>>()
  for (const [topicPartition, question] of questions) {
    if (twice.has(topicPartition)) {
      answers.set(topicPartition, failed(Errors.INVALID_REQUEST.code))
      continue
    }
    try {
      answers.set(topicPartition, answer(context, topicPartition, question, body))
    } catch (error) {
      const wire = Errors.forException(error)
      if (wire === Errors.UNKNOWN_SERVER_ERROR) log.error('listing offsets', error)
      answers.set(topicPartition, failed(wire.code))
    }
  }
  context.sendResponseMaybeThrottle(request, ListOffsets, (throttleTimeMs) => ({
    throttleTimeMs,
    topics: byTopic(answers),
  }))
}

function failed(errorCode: number) {
  const oldStyleOffsets: readonly number[] = []
  return { errorCode, oldStyleOffsets, timestamp: -1, offset: -1 }
}

/** Version 0: offsets at which segments begin, newest first. */
function oldStyleOffsets(
  { replicaManager }: ApisContext,
  topicPartition: TopicPartition,
  { timestamp, maxNumOffsets }: Question,
  { replicaId }: ListOffsetsRequest,
) {
  const replica = replicaManager.getLeaderReplicaIfLocal(topicPartition)
  const all = replica.log?.legacyFetchOffsetsBefore(timestamp, maxNumOffsets) ?? []
  if (replicaId !== -1) return { ...failed(0), oldStyleOffsets: all }

  // A consumer is shown the high watermark in place of what lies beyond it.
  const hw = replica.highWatermark.messageOffset
  const visible = all.filter((offset) => offset <= hw)
  const offsets = visible.length < all.length ? [hw, ...visible] : all
  return { ...failed(0), oldStyleOffsets: offsets }
}

/** Version 1 on: the first offset that is at least as young as a time. */
function offsetAndTimestamp(
  { replicaManager }: ApisContext,
  topicPartition: TopicPartition,
  { timestamp }: Question,
  { replicaId, isolationLevel }: ListOffsetsRequest,
) {
  const fromConsumer = replicaId === -1
  const replica =
    replicaId === DEBUGGING_REPLICA_ID
      ? replicaManager.getReplicaOrException(topicPartition)
      : replicaManager.getLeaderReplicaIfLocal(topicPartition)

  // A consumer sees up to the high watermark, or up to the first open transaction.
  const bound = fromConsumer
    ? isolationLevel === 1
      ? replica.lastStableOffset.messageOffset
      : replica.highWatermark.messageOffset
    : replica.logEndOffset.messageOffset
  if (timestamp === LATEST_TIMESTAMP) return { ...failed(0), offset: bound }
  const found = replicaManager.fetchOffsetForTimestamp(topicPartition, timestamp)
  if (!found) return failed(0)
  if (timestamp !== EARLIEST_TIMESTAMP && found.offset >= bound) return failed(0)
  return { ...failed(0), timestamp: found.timestamp, offset: found.offset }
}

/** Serves an OffsetForLeaderEpoch request; see `KafkaApis.handleOffsetForLeaderEpochRequest`. */
export function handleOffsetForLeaderEpoch(
  context: ApisContext,
  request: Request,
): void {
  const body = request.body<OffsetForLeaderEpochRequest>()
  const epochs = new TopicPartitionMap<number>()
  for (const { topic, partitions } of body.topics) {
    for (const { partition, leaderEpoch } of partitions) {
      epochs.set(new TopicPartition(topic, partition), leaderEpoch)
    }
  }
  const ends = context.replicaManager.lastOffsetForLeaderEpoch(epochs)
  const topics = body.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition }) => {
      const end = ends.get(new TopicPartition(topic, partition))
      const error = end?.error ?? Errors.UNKNOWN_TOPIC_OR_PARTITION
      return { errorCode: error.code, partition, endOffset: end?.endOffset ?? -1 }
    }),
  }))
  context.sendResponseExemptThrottle(request, OffsetForLeaderEpoch, { topics })
}
