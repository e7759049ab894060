/**
 * # Produce
 *
 * Batches into partitions: checked, given to the replica manager, answered when as many
 * replicas have them as the producer asked for.
 *
 *     handleProduceRequest ─▶ ReplicaManager.appendRecords ─▶ … ─▶ responseCallback
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleProduceRequest
 * @module
 */
import { CorruptRecordException, Errors, type WireError } from '../../base/errors.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import type { Request } from '../../network/RequestChannel.ts'
import { Produce, type ProduceRequest } from '../../protocol/messages/Produce.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import type { PartitionResponse } from '../../replica/DelayedProduce.ts'
import type { ApisContext } from './ApisContext.ts'
import { byTopic } from './by-topic.ts'
import { updateRecordConversionStats } from './record-conversion.ts'

/** The first version that carries batches of format 2, and nothing else. */
const FIRST_VERSION_OF_BATCHES = 3

/** The first version that knows KAFKA_STORAGE_ERROR. */
const FIRST_VERSION_OF_STORAGE_ERROR = 4

/** Serves a Produce request; see `KafkaApis.handleProduceRequest`. */
export function handleProduce(context: ApisContext, request: Request): void {
  const body = request.body<ProduceRequest>()
  const version = request.header.apiVersion

  // Sort out partitions that this broker does not know.
  const known = new TopicPartitionMap<MemoryRecords>()
  const refused = new TopicPartitionMap<PartitionResponse>()
  for (const { name, partitionData } of body.topicData) {
    for (const { index, records } of partitionData) {
      const topicPartition = new TopicPartition(name, index)
      const set = new MemoryRecords(records ?? Buffer.alloc(0))
      const isAsTheVersionSays = version < FIRST_VERSION_OF_BATCHES || isOneBatch(set)
      if (records === null || !isAsTheVersionSays) {
        context.closeConnection(request)
        return
      }
      if (context.metadataCache.containsPartition(topicPartition)) {
        known.set(topicPartition, set)
      } else {
        refused.set(topicPartition, failed(Errors.UNKNOWN_TOPIC_OR_PARTITION))
      }
    }
  }

  const sendResponseCallback = (responses: TopicPartitionMap<PartitionResponse>) => {
    for (const [topicPartition, response] of refused) {
      responses.set(topicPartition, response)
    }

    // Answer late if the client sends more bytes than it may. Then also, if it has acks 0:
    // its next request is not read meanwhile.
    request.apiRemoteCompleteTimeMs = context.platform.clock.monotonic()
    context.quotas.produce.maybeRecordAndThrottle(
      request.sanitizedUser,
      request.header.clientId,
      request.sizeInBytes,
      (throttleTimeMs) =>
        produceResponseCallback(context, request, responses, throttleTimeMs),
    )
  }
  if (known.size === 0) {
    sendResponseCallback(new TopicPartitionMap())
    return
  }

  // Append, and answer when enough replicas have it.
  context.replicaManager.appendRecords({
    timeout: body.timeoutMs,
    requiredAcks: body.acks,
    internalTopicsAllowed: request.header.clientId === '__admin_client',
    isFromClient: true,
    entriesPerPartition: known,
    recordConversion: (topicPartition, stats) => {
      const key = 'produceMessageConversions'
      updateRecordConversionStats(context, request, topicPartition, key, stats)
    },
    responseCallback: sendResponseCallback,
  })
}

/** From version 3 on a partition carries exactly one batch, of format 2. */
function isOneBatch(records: MemoryRecords): boolean {
  let count = 0
  try {
    for (const batch of records.batches()) {
      if (++count > 1 || batch.magic !== 2) return false
    }
  } catch (error) {
    // What has no length that makes sense is no batch.
    if (error instanceof CorruptRecordException) return false
    throw error
  }
  return count === 1
}

function failed(error: WireError): PartitionResponse {
  return { error, baseOffset: -1, logAppendTime: -1, logStartOffset: -1 }
}

/** What a producer is told about one partition. */
interface PartitionAnswer {
  readonly index: number
  readonly errorCode: number
  readonly baseOffset: number
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
}

/**
 * Answers a Produce request whose partitions are all decided: late if the client has sent
 * more bytes than it may, and with `acks=0` not at all.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleProduceRequest.produceResponseCallback
 */
function produceResponseCallback(
  context: ApisContext,
  request: Request,
  responses: TopicPartitionMap<PartitionResponse>,
  bandwidthThrottleTimeMs: number,
): void {
  const { acks, topicData } = request.body<ProduceRequest>()

  // With acks 0 nobody reads an answer: an error can only be told by hanging up.
  if (acks === 0) {
    const codes = Array.from(responses.values(), ({ error }) => error.code)
    const failed = codes.some((code) => code !== Errors.NONE.code)
    if (failed) context.closeConnection(request, codes)
    else context.sendNoOpResponseExemptThrottle(request)
    return
  }

  const version = request.header.apiVersion
  const asked = new TopicPartitionMap<PartitionAnswer>()
  for (const { name, partitionData } of topicData) {
    for (const { index } of partitionData) {
      const topicPartition = new TopicPartition(name, index)
      const found = responses.get(topicPartition)
      const response = found ?? failed(Errors.UNKNOWN_SERVER_ERROR)
      asked.set(topicPartition, {
        index,
        errorCode: errorCodeFor(response.error, version),
        baseOffset: response.baseOffset,
        logAppendTimeMs: response.logAppendTime,
        logStartOffset: response.logStartOffset,
      })
    }
  }
  const createResponse = (requestThrottleTimeMs: number) => ({
    responses: byTopic(asked).map(({ name, partitions: partitionResponses }) => ({
      ...{ name, partitionResponses },
    })),
    throttleTimeMs: bandwidthThrottleTimeMs + requestThrottleTimeMs,
  })
  context.sendResponseMaybeThrottle(request, Produce, createResponse)
}

/** Old producers take a dead disk for a moved leader, and look elsewhere. */
function errorCodeFor(error: WireError, version: number): number {
  const unknown =
    error === Errors.KAFKA_STORAGE_ERROR && version < FIRST_VERSION_OF_STORAGE_ERROR
  return unknown ? Errors.NOT_LEADER_FOR_PARTITION.code : error.code
}
