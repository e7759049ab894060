/**
 * # Fetch
 *
 * Batches out of partitions, for consumers and for followers. A fetch that finds too
 * little waits in the purgatory; what it finds goes from the file into the response
 * without being parsed, unless the client is too old for its format.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleFetchRequest
 * @module
 */
import { ByteWriter } from '../../base/bytes/ByteWriter.ts'
import { Errors, type WireError } from '../../base/errors.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import type { Request } from '../../network/RequestChannel.ts'
import { Fetch, type FetchRequest } from '../../protocol/messages/Fetch.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import type { FetchPartitionData } from '../../replica/LogReadResult.ts'
import type { ReplicationQuotaManager } from '../../replica/ReplicationQuotaManager.ts'
import type { FetchAnswer, FetchContext } from '../FetchContext.ts'
import type { FetchPartition } from '../FetchSession.ts'
import type { ApisContext } from './ApisContext.ts'
import { updateRecordConversionStats } from './record-conversion.ts'

/** Versions up to this take the size of a partition literally. */
const LAST_VERSION_OF_HARD_LIMIT = 2

/**
 * Whether a byte names an isolation level; a request with another is not understood.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/IsolationLevel.java#IsolationLevel.forId
 */
export function isIsolationLevel(id: number): boolean {
  return id === READ_UNCOMMITTED || id === READ_COMMITTED
}

const READ_UNCOMMITTED = 0
const READ_COMMITTED = 1

/** The first version that knows KAFKA_STORAGE_ERROR. */
const FIRST_VERSION_OF_STORAGE_ERROR = 6

type PartitionBody = {
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly abortedTransactions:
    | readonly { readonly producerId: bigint; readonly firstOffset: number }[]
    | null
  readonly records: FetchPartitionData['records'] | MemoryRecords | null
}

/** Serves a Fetch request; see `KafkaApis.handleFetchRequest`. */
export function handleFetch(context: ApisContext, request: Request): void {
  const body = request.body<FetchRequest>()
  const version = request.header.apiVersion
  const isFollower = body.replicaId >= 0
  if (!isIsolationLevel(body.isolationLevel)) {
    context.closeConnection(request)
    return
  }
  const fetchContext = newFetchContext(context, body, isFollower)

  // Sort out partitions that this broker does not know.
  const refused: (readonly [TopicPartition, PartitionBody])[] = []
  const interesting: (readonly [TopicPartition, FetchPartition])[] = []
  const fetchOffsets = new TopicPartitionMap<number>()
  fetchContext.foreachPartition((topicPartition, partition) => {
    if (context.metadataCache.containsPartition(topicPartition)) {
      interesting.push([topicPartition, partition])
      fetchOffsets.set(topicPartition, partition.fetchOffset)
    } else {
      const error = Errors.UNKNOWN_TOPIC_OR_PARTITION
      refused.push([topicPartition, failed(topicPartition, error)])
    }
  })

  const processResponseCallback = (
    results: readonly (readonly [TopicPartition, FetchPartitionData])[],
  ) => {
    const found = results.map(
      ([topicPartition, data]) =>
        [topicPartition, toBody(topicPartition, data, version)] as const,
    )
    const all = [...found, ...refused]

    // Keep what goes wrong here to this request: a producer may have completed it.
    try {
      const answer = fetchContext.updateAndGenerateResponseData(all)
      answerFetch(context, request, { answer, fetchOffsets, isFollower })
    } catch (error) {
      context.handleError(request, error)
    }
  }
  if (interesting.length === 0) {
    processResponseCallback([])
    return
  }

  // Read, and wait if there is too little.
  context.replicaManager.fetchMessages({
    timeout: body.maxWaitMs,
    replicaId: body.replicaId,
    fetchMinBytes: body.minBytes,
    fetchMaxBytes: body.maxBytes,
    hardMaxBytesLimit: version <= LAST_VERSION_OF_HARD_LIMIT,
    fetchInfos: interesting,
    quota: isFollower ? context.quotas.leader : undefined,
    isolationLevel:
      body.isolationLevel === READ_COMMITTED ? 'READ_COMMITTED' : 'READ_UNCOMMITTED',
    responseCallback: processResponseCallback,
  })
}

function newFetchContext(
  { fetchManager }: ApisContext,
  body: FetchRequest,
  isFollower: boolean,
): FetchContext {
  const fetchData = new TopicPartitionMap<FetchPartition>()
  for (const { topic, partitions } of body.topics) {
    for (const {
      partition,
      fetchOffset,
      logStartOffset,
      partitionMaxBytes: maxBytes,
    } of partitions) {
      const fetch = { fetchOffset, logStartOffset, maxBytes }
      fetchData.set(new TopicPartition(topic, partition), fetch)
    }
  }
  const toForget = body.forgottenTopicsData.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => new TopicPartition(topic, partition)),
  )
  const { sessionId, sessionEpoch: epoch } = body
  return fetchManager.newContext({ sessionId, epoch }, fetchData, toForget, isFollower)
}

function failed({ partition }: TopicPartition, error: WireError): PartitionBody {
  return {
    ...{ partition, errorCode: error.code, highWatermark: -1, lastStableOffset: -1 },
    ...{ logStartOffset: -1, abortedTransactions: null, records: MemoryRecords.EMPTY },
  }
}

function toBody(
  { partition }: TopicPartition,
  data: FetchPartitionData,
  version: number,
): PartitionBody {
  return {
    partition,
    errorCode: errorCodeFor(data.error, version),
    highWatermark: data.highWatermark,
    lastStableOffset: data.lastStableOffset ?? -1,
    logStartOffset: data.logStartOffset,
    abortedTransactions: data.abortedTransactions,
    records: data.records,
  }
}

/** Old clients take a dead disk for a moved leader, and look elsewhere. */
function errorCodeFor(error: WireError, version: number): number {
  const unknown =
    error === Errors.KAFKA_STORAGE_ERROR && version < FIRST_VERSION_OF_STORAGE_ERROR
  return unknown ? Errors.NOT_LEADER_FOR_PARTITION.code : error.code
}

/** What was found, and what it was asked for. */
interface Fetched {
  readonly answer: FetchAnswer<PartitionBody>
  readonly fetchOffsets: TopicPartitionMap<number>
  readonly isFollower: boolean
}

/** Answers: late if a client is sent more bytes than it may be, at once if a broker. */
function answerFetch(context: ApisContext, request: Request, fetched: Fetched): void {
  const { quotas, platform } = context
  request.apiRemoteCompleteTimeMs = platform.clock.monotonic()
  if (fetched.isFollower) {
    // Count what was let through; what is too much is left out of the next answers.
    recordThrottled(quotas.leader, fetched.answer, request.header.apiVersion)
    fetchResponseCallback(context, request, fetched, 0)
    return
  }

  // Measure before anything is converted: what waits shall not lie in memory.
  const { header, sanitizedUser } = request
  const isMeasured = quotas.fetch.quotasEnabled
  const size = isMeasured ? sizeOf(fetched.answer, header.apiVersion) : 0
  quotas.fetch.maybeRecordAndThrottle(
    sanitizedUser,
    header.clientId,
    size,
    (throttleTimeMs) =>
      fetchResponseCallback(context, request, fetched, throttleTimeMs),
  )
}

/**
 * Counts what a follower is sent of throttled partitions, of those in sync, too.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.sizeOfThrottledPartitions
 * @differs An answer without such a partition counts as nothing; in Kafka it counts as the
 *   few bytes of its header.
 */
function recordThrottled(
  quota: ReplicationQuotaManager,
  answer: FetchAnswer<PartitionBody>,
  version: number,
): void {
  const partitions = answer.partitions.filter(([tp]) => quota.isThrottled(tp))
  if (partitions.length > 0) quota.record(sizeOf({ ...answer, partitions }, version))
}

/** Bytes of the body of a response, as it would be without conversion. */
function sizeOf(answer: FetchAnswer<PartitionBody>, version: number): number {
  let recordBytes = 0
  const responses = byTopic(answer, (_, body) => {
    recordBytes += body.records?.sizeInBytes ?? 0
    return { ...body, records: null }
  })
  const writer = new ByteWriter()
  const { error, sessionId } = answer
  const body = { throttleTimeMs: 0, errorCode: error.code, sessionId, responses }
  Fetch.response.encode(version, body, writer)
  return writer.position + recordBytes
}

/** Groups partitions under their topics: neighbours only, the order stays as it is. */
function byTopic(
  answer: FetchAnswer<PartitionBody>,
  convert: (topicPartition: TopicPartition, body: PartitionBody) => PartitionBody,
): { topic: string; partitions: PartitionBody[] }[] {
  const responses: { topic: string; partitions: PartitionBody[] }[] = []
  for (const [topicPartition, body] of answer.partitions) {
    const { topic } = topicPartition
    if (responses.at(-1)?.topic !== topic) responses.push({ topic, partitions: [] })
    responses.at(-1)?.partitions.push(convert(topicPartition, body))
  }
  return responses
}

/**
 * Converts what was read for the version that asked, and answers.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleFetchRequest.fetchResponseCallback
 */
function fetchResponseCallback(
  context: ApisContext,
  request: Request,
  { answer, fetchOffsets, isFollower }: Fetched,
  bandwidthThrottleTimeMs: number,
): void {
  const createResponse = (requestThrottleTimeMs: number) => ({
    throttleTimeMs: bandwidthThrottleTimeMs + requestThrottleTimeMs,
    errorCode: answer.error.code,
    sessionId: answer.sessionId,
    responses: byTopic(answer, (topicPartition, body) => {
      const fetched = { body, fetchOffset: fetchOffsets.get(topicPartition) ?? 0 }
      const data = convertedPartitionData(context, request, topicPartition, fetched)
      const stats = context.replicaManager.brokerTopicStats
      const bytes = data.records?.sizeInBytes ?? 0
      stats.updateBytesOut(topicPartition.topic, isFollower, bytes)
      return data
    }),
  })

  // Make room for what there is; what is converted may need a little more.
  let size = 1024
  for (const [{ topic }, { records }] of answer.partitions) {
    size += (records?.sizeInBytes ?? 0) + 64 + topic.length
  }
  if (isFollower) {
    context.sendResponseExemptThrottle(request, Fetch, createResponse(0), size)
  } else {
    context.sendResponseMaybeThrottle(request, Fetch, createResponse, size)
  }
}

/**
 * Converts what an old client cannot read: versions 0 and 1 know format 0 only, 2 and 3
 * know format 1 as well.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleFetchRequest.convertedPartitionData
 */
export function convertedPartitionData(
  context: ApisContext,
  request: Request,
  topicPartition: TopicPartition,
  { body, fetchOffset }: { readonly body: PartitionBody; readonly fetchOffset: number },
): PartitionBody {
  const version = request.header.apiVersion
  const readable = version <= 1 ? 0 : version <= 3 ? 1 : 2
  const { records } = body
  if (readable === 2 || records === null || records.sizeInBytes === 0) return body
  const stored = context.replicaManager.getMagic(topicPartition) ?? 2
  if (stored <= readable) return body

  // Read the bytes, and write them anew in the older format.
  const { clock } = context.platform
  const startMs = clock.monotonic()
  const bytes = Buffer.allocUnsafe(records.sizeInBytes)
  const length = records.copyInto(bytes, 0)
  const memory = new MemoryRecords(bytes.subarray(0, length))
  const converted = memory.downConvert(readable, fetchOffset)

  // Count what had to be written anew.
  if (converted.conversionCount > 0) {
    const { conversionCount } = converted
    const conversionTimeMs = clock.monotonic() - startMs
    const stats = { conversionCount, conversionTimeMs }
    const key = 'fetchMessageConversions'
    updateRecordConversionStats(context, request, topicPartition, key, stats)
  }
  return { ...body, records: converted.records }
}
