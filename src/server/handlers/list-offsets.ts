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

/** What is answered about one partition; of each version only a part is sent. */
interface Answer {
  readonly errorCode: number
  readonly oldStyleOffsets: readonly number[]
  readonly timestamp: number
  readonly offset: number
}

/** Serves a ListOffsets request; see `KafkaApis.handleListOffsetRequest`. */
export function handleListOffsets(context: ApisContext, request: Request): void {
  const body = request.body<ListOffsetsRequest>()

  // Hang up on what is not understood.
  if (!isIsolationLevel(body.isolationLevel)) {
    context.closeConnection(request)
    return
  }
  const answers =
    request.header.apiVersion === 0
      ? handleListOffsetRequestV0(context, body)
      : handleListOffsetRequestV1AndAbove(context, body)
  context.sendResponseMaybeThrottle(request, ListOffsets, (throttleTimeMs) => ({
    throttleTimeMs,
    topics: byTopic(answers),
  }))
}

/**
 * Answers version 0: offsets at which segments begin, newest first.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleListOffsetRequestV0
 */
function handleListOffsetRequestV0(
  context: ApisContext,
  body: ListOffsetsRequest,
): TopicPartitionMap<Answer> {
  const { questions } = questionsOf(body)
  return answerEach(questions, (topicPartition, question) =>
    segmentOffsets(context, topicPartition, question, body),
  )
}

/**
 * Answers version 1 and later: the first offset that is at least as young as a time. A
 * partition that is named twice is refused.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleListOffsetRequestV1AndAbove
 */
function handleListOffsetRequestV1AndAbove(
  context: ApisContext,
  body: ListOffsetsRequest,
): TopicPartitionMap<Answer> {
  const { questions, twice } = questionsOf(body)
  return answerEach(questions, (topicPartition, question) =>
    twice.has(topicPartition)
      ? failed(Errors.INVALID_REQUEST.code)
      : offsetAndTimestamp(context, topicPartition, question, body),
  )
}

/** What is asked of each partition (of two questions the later), and who is named twice. */
function questionsOf({ topics }: ListOffsetsRequest) {
  const questions = new TopicPartitionMap<Question>()
  const twice = new TopicPartitionSet()
  for (const { name, partitions } of topics) {
    for (const question of partitions) {
      const topicPartition = new TopicPartition(name, question.partition)
      if (questions.has(topicPartition)) twice.add(topicPartition)
      questions.set(topicPartition, question)
    }
  }
  return { questions, twice }
}

/** Answers each on its own: what one cannot be told fails alone. */
function answerEach(
  questions: TopicPartitionMap<Question>,
  answer: (topicPartition: TopicPartition, question: Question) => Answer,
): TopicPartitionMap<Answer> {
  const answers = new TopicPartitionMap<Answer>()
  for (const [topicPartition, question] of questions) {
    try {
      answers.set(topicPartition, answer(topicPartition, question))
    } catch (error) {
      const wire = Errors.forException(error)
      if (wire === Errors.UNKNOWN_SERVER_ERROR) log.error('listing offsets', error)
      answers.set(topicPartition, failed(wire.code))
    }
  }
  return answers
}

function failed(errorCode: number): Answer {
  return { errorCode, oldStyleOffsets: [], timestamp: -1, offset: -1 }
}

/** Offsets at which segments begin, newest first. */
function segmentOffsets(
  { replicaManager }: ApisContext,
  topicPartition: TopicPartition,
  { timestamp, maxNumOffsets }: Question,
  { replicaId }: ListOffsetsRequest,
): Answer {
  const replica = replicaManager.getLeaderReplicaIfLocal(topicPartition)
  const all = replica.log?.legacyFetchOffsetsBefore(timestamp, maxNumOffsets) ?? []
  if (replicaId !== -1) return { ...failed(0), oldStyleOffsets: all }

  // A consumer is shown the high watermark in place of what lies beyond it.
  const hw = replica.highWatermark.messageOffset
  const visible = all.filter((offset) => offset <= hw)
  const offsets = visible.length < all.length ? [hw, ...visible] : all
  return { ...failed(0), oldStyleOffsets: offsets }
}

/** The first offset that is at least as young as a time. */
function offsetAndTimestamp(
  { replicaManager }: ApisContext,
  topicPartition: TopicPartition,
  { timestamp }: Question,
  { replicaId, isolationLevel }: ListOffsetsRequest,
): Answer {
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
