/**
 * # An answer that only says what went wrong
 *
 * When a handler throws, its request is answered all the same: with the error at every
 * place where the response of that API has one.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/AbstractRequest.java#AbstractRequest.getErrorResponse
 * @module
 */
import type { WireError } from '../base/errors.ts'
import type { Request } from '../network/RequestChannel.ts'
import { ApiKeys } from '../protocol/ApiKeys.ts'
import type { AddPartitionsToTxnRequest } from '../protocol/messages/AddPartitionsToTxn.ts'
import type { AlterReplicaLogDirsRequest } from '../protocol/messages/AlterReplicaLogDirs.ts'
import type { FetchRequest } from '../protocol/messages/Fetch.ts'
import type { ListOffsetsRequest } from '../protocol/messages/ListOffsets.ts'
import type { MetadataRequest } from '../protocol/messages/Metadata.ts'
import type { OffsetCommitRequest } from '../protocol/messages/OffsetCommit.ts'
import type { OffsetFetchRequest } from '../protocol/messages/OffsetFetch.ts'
import type { OffsetForLeaderEpochRequest } from '../protocol/messages/OffsetForLeaderEpoch.ts'
import type { ProduceRequest } from '../protocol/messages/Produce.ts'
import type { TxnOffsetCommitRequest } from '../protocol/messages/TxnOffsetCommit.ts'
import type { WriteTxnMarkersRequest } from '../protocol/messages/WriteTxnMarkers.ts'

type Body = Record<string, unknown>

/** APIs whose response holds lists that may be empty beside one error. */
const EMPTY_LISTS: Body = {
  ...{ partitionErrors: [], remainingPartitions: [], members: [], groups: [] },
  ...{ apiKeys: [], topics: [], responses: [], results: [] },
}

/**
 * Makes the response.
 *
 * @returns `undefined` when the sender reads no answer: a Produce with acks 0
 */
export function errorResponse(request: Request, error: WireError): unknown {
  const errorCode = error.code
  switch (request.api) {
    case ApiKeys.PRODUCE:
      return produce(request.body<ProduceRequest>(), errorCode)
    case ApiKeys.FETCH:
      return fetch(request.body<FetchRequest>(), errorCode)
    case ApiKeys.LIST_OFFSETS:
      return listOffsets(request.body<ListOffsetsRequest>(), errorCode)
    case ApiKeys.METADATA:
      return metadata(request.body<MetadataRequest>(), errorCode)
    case ApiKeys.OFFSET_COMMIT:
      return offsetCommit(request.body<OffsetCommitRequest>(), errorCode)
    case ApiKeys.OFFSET_FETCH:
      return offsetFetch(request.body<OffsetFetchRequest>(), errorCode)
    case ApiKeys.TXN_OFFSET_COMMIT:
      return offsetCommit(request.body<TxnOffsetCommitRequest>(), errorCode)
    case ApiKeys.ADD_PARTITIONS_TO_TXN:
      return addPartitions(request.body<AddPartitionsToTxnRequest>(), errorCode)
    case ApiKeys.WRITE_TXN_MARKERS:
      return writeMarkers(request.body<WriteTxnMarkersRequest>(), errorCode)
    case ApiKeys.OFFSET_FOR_LEADER_EPOCH:
      return epochs(request.body<OffsetForLeaderEpochRequest>(), errorCode)
    case ApiKeys.ALTER_REPLICA_LOG_DIRS:
      return alterLogDirs(request.body<AlterReplicaLogDirsRequest>(), errorCode)
    default:
      return byName(request, error)
  }
}

function produce({ acks, topicData }: ProduceRequest, errorCode: number) {
  if (acks === 0) return undefined
  const responses = topicData.map(({ name, partitionData }) => ({
    name,
    partitionResponses: partitionData.map(({ index }) => ({
      ...{ index, errorCode, baseOffset: -1 },
    })),
  }))
  return { responses }
}

function fetch({ topics }: FetchRequest, errorCode: number) {
  const responses = topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition }) => ({
      ...{ partition, errorCode, highWatermark: -1, abortedTransactions: null },
      records: Buffer.alloc(0),
    })),
  }))
  return { errorCode, sessionId: 0, responses }
}

function listOffsets({ topics }: ListOffsetsRequest, errorCode: number) {
  return {
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partition }) => ({
        ...{ partition, errorCode, oldStyleOffsets: [] },
      })),
    })),
  }
}

function alterLogDirs({ dirs }: AlterReplicaLogDirsRequest, errorCode: number) {
  const results = dirs
    .flatMap(({ topics }) => topics)
    .map(({ name: topicName, partitions }) => ({
      topicName,
      partitions: partitions.map((partition) => ({ partition, errorCode })),
    }))
  return { results }
}

function metadata({ topics }: MetadataRequest, errorCode: number) {
  return {
    ...{ brokers: [], clusterId: null, controllerId: -1 },
    topics: (topics ?? []).map(({ name }) => ({
      ...{ errorCode, name, isInternal: false, partitions: [] },
    })),
  }
}

function offsetCommit(
  { topics }: OffsetCommitRequest | TxnOffsetCommitRequest,
  errorCode: number,
) {
  return {
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partition }) => ({ partition, errorCode })),
    })),
  }
}

function addPartitions(
  { topics }: AddPartitionsToTxnRequest,
  partitionErrorCode: number,
) {
  const results = topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partition) => ({
      ...{ partition, partitionErrorCode },
    })),
  }))
  return { results }
}

function writeMarkers({ markers }: WriteTxnMarkersRequest, errorCode: number) {
  const answers = markers.map(({ producerId, topics }) => ({
    producerId,
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partition) => ({ partition, errorCode })),
    })),
  }))
  return { markers: answers }
}

function offsetFetch({ topics }: OffsetFetchRequest, errorCode: number) {
  const answers = (topics ?? []).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partition) => ({
      ...{ partition, committedOffset: -1, metadata: '', errorCode },
    })),
  }))
  return { topics: answers, errorCode }
}

function epochs({ topics }: OffsetForLeaderEpochRequest, errorCode: number) {
  return {
    topics: topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => ({
        ...{ errorCode, partition, endOffset: -1 },
      })),
    })),
  }
}

/** The others name what they are about in one list, or have one error at the top. */
function byName(request: Request, { code: errorCode, message }: WireError): Body {
  const body = request.body<Record<string, unknown> | undefined>() ?? {}
  const names = (value: unknown): string[] =>
    Array.isArray(value)
      ? value.map((item) =>
          typeof item === 'string' ? item : String(item?.name ?? ''),
        )
      : []
  const rest = { errorCode, errorMessage: message, nodeId: -1, host: '', port: -1 }
  const group = { generationId: -1, protocolName: '', leader: '', memberId: '' }
  const top = { ...EMPTY_LISTS, ...rest, ...group, assignment: Buffer.alloc(0) }
  const producer = { producerId: -1n, producerEpoch: -1 }
  switch (request.api) {
    case ApiKeys.CREATE_TOPICS:
      return { topics: names(body.topics).map((name) => ({ name, ...rest })) }
    case ApiKeys.CREATE_PARTITIONS:
      return { results: names(body.topics).map((name) => ({ name, ...rest })) }
    case ApiKeys.DELETE_TOPICS:
      return { responses: names(body.topicNames).map((name) => ({ name, errorCode })) }
    case ApiKeys.DELETE_GROUPS:
      return {
        results: names(body.groupsNames).map((groupId) => ({ groupId, errorCode })),
      }
    default:
      return { ...top, ...producer }
  }
}
