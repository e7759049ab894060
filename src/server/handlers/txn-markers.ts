/**
 * # WriteTxnMarkers
 *
 * A coordinator has decided; the leaders of the partitions write it down. One append for
 * each marker, with all copies; the request is answered when all of them are.
 *
 *     WriteTxnMarkers ─▶ control batch into each partition ─▶ readers of committed records
 *                          └─ of __consumer_offsets: GroupCoordinator shows the offsets
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleWriteTxnMarkersRequest
 * @module
 */
import { Errors, type WireError } from '../../base/errors.ts'
import { logger } from '../../base/logger.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import type { Request } from '../../network/RequestChannel.ts'
import {
  WriteTxnMarkers,
  type WriteTxnMarkersRequest,
} from '../../protocol/messages/WriteTxnMarkers.ts'
import { EndTransactionMarker } from '../../record/EndTransactionMarker.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import type { PartitionResponse } from '../../replica/DelayedProduce.ts'
import { GROUP_METADATA_TOPIC_NAME } from '../../zk/Topic.ts'
import type { ApisContext } from './ApisContext.ts'
import { byTopic } from './by-topic.ts'

const log = logger('KafkaApis')

/** The first format that has control batches. */
const MAGIC_OF_TRANSACTIONS = 2

type Marker = WriteTxnMarkersRequest['markers'][number]
type ErrorsOfMarker = TopicPartitionMap<WireError>

/** Serves a WriteTxnMarkers request; see `KafkaApis.handleWriteTxnMarkersRequest`. */
export function handleWriteTxnMarkersRequest(
  context: ApisContext,
  request: Request,
): void {
  const { markers } = request.body<WriteTxnMarkersRequest>()
  const errors = new Map<bigint, ErrorsOfMarker>()
  let missing = markers.length
  const sendResponseCallback = () => {
    const answered = Array.from(errors, ([producerId, errorsOfMarker]) => ({
      ...{ producerId, topics: topicsOf(errorsOfMarker) },
    }))
    context.sendResponseExemptThrottle(request, WriteTxnMarkers, { markers: answered })
  }
  if (missing === 0) sendResponseCallback()

  // Append each marker; answer with the last of them.
  for (const marker of markers) {
    const ofMarker: ErrorsOfMarker =
      errors.get(marker.producerId) ?? new TopicPartitionMap()
    errors.set(marker.producerId, ofMarker)
    appendMarker(context, marker, ofMarker, () => {
      missing -= 1
      if (missing === 0) sendResponseCallback()
    })
  }
}

function topicsOf(errors: ErrorsOfMarker) {
  const codes = new TopicPartitionMap<{ readonly errorCode: number }>()
  for (const [topicPartition, { code }] of errors) {
    codes.set(topicPartition, { errorCode: code })
  }
  return byTopic(codes)
}

/** Appends one marker to its partitions. */
function appendMarker(
  context: ApisContext,
  marker: Marker,
  errors: ErrorsOfMarker,
  onAppended: () => void,
): void {
  // Sort out partitions that are not here, or hold an older format.
  const { replicaManager, config } = context
  const entriesPerPartition = new TopicPartitionMap<MemoryRecords>()
  for (const { name, partitionIndexes } of marker.topics) {
    for (const partition of partitionIndexes) {
      const topicPartition = new TopicPartition(name, partition)
      const magic = replicaManager.getMagic(topicPartition)
      if (magic === undefined) {
        errors.set(topicPartition, Errors.UNKNOWN_TOPIC_OR_PARTITION)
      } else if (magic < MAGIC_OF_TRANSACTIONS) {
        errors.set(topicPartition, Errors.UNSUPPORTED_FOR_MESSAGE_FORMAT)
      } else {
        entriesPerPartition.set(topicPartition, recordsOf(context, marker))
      }
    }
  }
  if (entriesPerPartition.size === 0) {
    onAppended()
    return
  }

  // Write the marker into the others.
  replicaManager.appendRecords({
    timeout: config.requestTimeoutMs,
    requiredAcks: -1,
    internalTopicsAllowed: true,
    isFromClient: false,
    entriesPerPartition,
    responseCallback: (responses) => {
      for (const [topicPartition, { error }] of responses) {
        errors.set(topicPartition, error)
      }
      showOffsets(context, marker, responses, errors)
      onAppended()
    },
  })
}

function recordsOf({ platform }: ApisContext, marker: Marker): MemoryRecords {
  const { producerId, producerEpoch, coordinatorEpoch, transactionResult } = marker
  const controlType = transactionResult ? 'COMMIT' : 'ABORT'
  return MemoryRecords.withEndTransactionMarker(
    { timestamp: platform.clock.now(), producerId, producerEpoch },
    new EndTransactionMarker(controlType, coordinatorEpoch),
  )
}

/** Has the offsets that were committed in the transaction count, or dropped. */
function showOffsets(
  { groupCoordinator }: ApisContext,
  { producerId, transactionResult }: Marker,
  responses: TopicPartitionMap<PartitionResponse>,
  errors: ErrorsOfMarker,
): void {
  const written = [...responses]
    .filter(([, { error }]) => error === Errors.NONE)
    .map(([topicPartition]) => topicPartition)
    .filter(({ topic }) => topic === GROUP_METADATA_TOPIC_NAME)
  if (written.length === 0) return
  try {
    groupCoordinator.scheduleHandleTxnCompletion(producerId, written, transactionResult)
  } catch (error) {
    log.error(`the offsets of producer ${producerId} cannot be shown`, error)
    for (const tp of written) errors.set(tp, Errors.UNKNOWN_SERVER_ERROR)
  }
}
