/**
 * # Requests of a transactional producer
 *
 * In the order in which it sends them: who am I (InitProducerId); I am about to write to
 * these partitions (AddPartitionsToTxn), and to commit offsets of this group
 * (AddOffsetsToTxn, then TxnOffsetCommit to the coordinator of the group); this is the end
 * (EndTxn).
 *
 * The handlers translate between the wire and `TransactionCoordinator`; what may follow
 * what is decided there.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleInitProducerIdRequest
 * @module
 */
import { Errors, type WireError } from '../../base/errors.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import type { OffsetAndMetadata } from '../../coordinator/group/OffsetAndMetadata.ts'
import type { Request } from '../../network/RequestChannel.ts'
import {
  AddOffsetsToTxn,
  type AddOffsetsToTxnRequest,
} from '../../protocol/messages/AddOffsetsToTxn.ts'
import {
  AddPartitionsToTxn,
  type AddPartitionsToTxnRequest,
} from '../../protocol/messages/AddPartitionsToTxn.ts'
import { EndTxn, type EndTxnRequest } from '../../protocol/messages/EndTxn.ts'
import {
  InitProducerId,
  type InitProducerIdRequest,
} from '../../protocol/messages/InitProducerId.ts'
import {
  TxnOffsetCommit,
  type TxnOffsetCommitRequest,
} from '../../protocol/messages/TxnOffsetCommit.ts'
import { GROUP_METADATA_TOPIC_NAME, Topic } from '../../zk/Topic.ts'
import type { ApisContext } from './ApisContext.ts'
import { byTopic } from './by-topic.ts'

/** Serves an InitProducerId request; see `KafkaApis.handleInitProducerIdRequest`. */
export function handleInitProducerIdRequest(
  context: ApisContext,
  request: Request,
): Promise<void> {
  const body = request.body<InitProducerIdRequest>()
  return context.txnCoordinator.handleInitProducerId(
    ...([body.transactionalId, body.transactionTimeoutMs] as const),
    ({ producerId, producerEpoch, error }) =>
      context.sendResponseMaybeThrottle(request, InitProducerId, (throttleTimeMs) => ({
        throttleTimeMs,
        ...{ errorCode: error.code, producerId, producerEpoch },
      })),
  )
}

/** Serves an AddPartitionsToTxn request: all partitions are added, or none. */
export function handleAddPartitionToTxnRequest(
  context: ApisContext,
  request: Request,
): void {
  const body = request.body<AddPartitionsToTxnRequest>()
  const partitionsToAdd = body.topics.flatMap(({ name, partitions }) =>
    partitions.map((partition) => new TopicPartition(name, partition)),
  )
  const sendResponseCallback = (
    errorOf: (topicPartition: TopicPartition) => WireError,
  ) => {
    const answers = new TopicPartitionMap<{ readonly partitionErrorCode: number }>()
    for (const tp of partitionsToAdd) {
      answers.set(tp, { partitionErrorCode: errorOf(tp).code })
    }
    const results = byTopic(answers).map(({ name, partitions }) => ({
      ...{ name, resultsByPartition: partitions },
    }))
    context.sendResponseMaybeThrottle(
      request,
      AddPartitionsToTxn,
      (throttleTimeMs) => ({ throttleTimeMs, results }),
    )
  }

  // One that cannot be written to keeps the others out.
  const refusals = new TopicPartitionMap<WireError>()
  for (const topicPartition of partitionsToAdd) {
    const refusal = refusalOf(context, topicPartition)
    if (refusal) refusals.set(topicPartition, refusal)
  }
  if (refusals.size > 0) {
    sendResponseCallback((tp) => refusals.get(tp) ?? Errors.OPERATION_NOT_ATTEMPTED)
    return
  }
  context.txnCoordinator.handleAddPartitionsToTransaction(
    ...([body.transactionalId, body.producerId, body.producerEpoch] as const),
    partitionsToAdd,
    (error) => sendResponseCallback(() => error),
  )
}

/** Nobody but Kafka writes to its own topics; others have to exist. */
function refusalOf(
  { metadataCache }: ApisContext,
  { topic }: TopicPartition,
): WireError | undefined {
  if (Topic.isInternal(topic)) return Errors.TOPIC_AUTHORIZATION_FAILED
  return metadataCache.contains(topic) ? undefined : Errors.UNKNOWN_TOPIC_OR_PARTITION
}

/** Serves an AddOffsetsToTxn request: adds the group's partition of the offsets topic. */
export function handleAddOffsetsToTxnRequest(
  context: ApisContext,
  request: Request,
): void {
  const body = request.body<AddOffsetsToTxnRequest>()
  const partition = context.groupCoordinator.partitionFor(body.groupId)
  context.txnCoordinator.handleAddPartitionsToTransaction(
    ...([body.transactionalId, body.producerId, body.producerEpoch] as const),
    [new TopicPartition(GROUP_METADATA_TOPIC_NAME, partition)],
    ({ code: errorCode }) =>
      context.sendResponseMaybeThrottle(request, AddOffsetsToTxn, (throttleTimeMs) => ({
        throttleTimeMs,
        errorCode,
      })),
  )
}

/** Serves an EndTxn request; see `KafkaApis.handleEndTxnRequest`. */
export function handleEndTxnRequest(context: ApisContext, request: Request): void {
  const body = request.body<EndTxnRequest>()
  context.txnCoordinator.handleEndTransaction(
    ...([body.transactionalId, body.producerId, body.producerEpoch] as const),
    body.committed ? 'COMMIT' : 'ABORT',
    ({ code: errorCode }) =>
      context.sendResponseMaybeThrottle(request, EndTxn, (throttleTimeMs) => ({
        throttleTimeMs,
        errorCode,
      })),
  )
}

/** Serves a TxnOffsetCommit request; see `KafkaApis.handleTxnOffsetCommitRequest`. */
export function handleTxnOffsetCommitRequest(
  context: ApisContext,
  request: Request,
): void {
  const body = request.body<TxnOffsetCommitRequest>()
  const answers = new TopicPartitionMap<{ readonly errorCode: number }>()
  const sendResponseCallback = (errors: Iterable<[TopicPartition, WireError]>) => {
    for (const [tp, { code }] of errors) answers.set(tp, { errorCode: code })
    context.sendResponseMaybeThrottle(request, TxnOffsetCommit, (throttleTimeMs) => ({
      throttleTimeMs,
      topics: byTopic(answers),
    }))
  }

  // Stamp the commits; leave out those of topics that do not exist.
  const { config, platform, metadataCache } = context
  const now = platform.clock.now()
  const expireTimestamp = now + config.offsetsRetentionMinutes * 60_000
  const offsets = new TopicPartitionMap<OffsetAndMetadata>()
  for (const { name, partitions } of body.topics) {
    for (const { partition, committedOffset, committedMetadata } of partitions) {
      const topicPartition = new TopicPartition(name, partition)
      if (!metadataCache.contains(name)) {
        const errorCode = Errors.UNKNOWN_TOPIC_OR_PARTITION.code
        answers.set(topicPartition, { errorCode })
        continue
      }
      offsets.set(topicPartition, {
        ...{ offset: committedOffset, metadata: committedMetadata ?? '' },
        ...{ commitTimestamp: now, expireTimestamp },
      })
    }
  }
  if (offsets.size === 0) {
    sendResponseCallback([])
    return
  }
  const { groupId, producerId, producerEpoch } = body
  const producer = { producerId, producerEpoch }
  context.groupCoordinator.handleTxnCommitOffsets(
    groupId,
    producer,
    offsets,
    sendResponseCallback,
  )
}
