/**
 * # Reading from the local log
 *
 * One fetch reads many partitions with one budget of bytes. They are read in the order of
 * the request; what one takes, the next ones lack.
 *
 *     budget 1 MiB ─▶ t-0 takes 700 KiB ─▶ t-1 takes 324 KiB ─▶ t-2 gets nothing
 *
 * The first non-empty partition may exceed its size for one batch, so that a batch larger
 * than the fetch does not stop a consumer for ever (fetch version 3 and up).
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager.readFromLocalLog
 * @module
 */

import {
  Errors,
  KafkaStorageException,
  NotLeaderForPartitionException,
  OffsetOutOfRangeException,
  ReplicaNotAvailableException,
  UnknownTopicOrPartitionException,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import type { FetchDataInfo, IsolationLevel } from '../log/FetchDataInfo.ts'
import type { LogOffsetMetadata } from '../log/LogOffsetMetadata.ts'
import type { BrokerTopicStats } from './BrokerTopicStats.ts'
import {
  emptyFetchDataInfo,
  failedLogReadResult,
  type LogReadResult,
} from './LogReadResult.ts'
import type { Partition } from './Partition.ts'
import type { Replica } from './Replica.ts'
import { type ReplicaQuota, UnboundedQuota } from './ReplicationQuotaManager.ts'

const log = logger('ReplicaManager')

/** Fetches as nobody: an ordinary consumer. */
export const ConsumerReplicaId = -1
/** May read from any replica and past nothing: a debugging tool. */
export const DebuggingConsumerId = -2
/**
 * Reads for the copy that is being made in another log directory of this broker: from any
 * replica, and past the high watermark, as a follower does.
 */
export const FutureLocalReplicaId = -3

/** What a fetch asks of one partition. */
export interface PartitionData {
  readonly fetchOffset: number
  /** The follower's own log start; -1 from consumers. */
  readonly logStartOffset: number
  /** At most so many bytes from this partition. */
  readonly maxBytes: number
}

/** What holds for all partitions of one fetch. */
export interface FetchParams {
  /** Broker id of a follower, or one of the negative ids above. */
  readonly replicaId: number
  readonly fetchMinBytes: number
  readonly fetchMaxBytes: number
  /** True for fetch versions up to 2: sizes are never exceeded. */
  readonly hardMaxBytesLimit: boolean
  readonly isolationLevel: IsolationLevel
  readonly fetchOnlyFromLeader: boolean
  readonly fetchOnlyCommitted: boolean
  /** What its sender may be sent of throttled partitions. */
  readonly quota: ReplicaQuota
}

/** Where the replicas are found, and what time it is. */
export interface LocalReplicas {
  readonly brokerTopicStats: BrokerTopicStats
  getLeaderReplicaIfLocal(topicPartition: TopicPartition): Replica
  getReplicaOrException(topicPartition: TopicPartition): Replica
  nonOfflinePartition(topicPartition: TopicPartition): Partition | undefined
  now(): number
}

/** What a fetch's sender implies: who may read what. */
export function fetchParams(
  options: Omit<FetchParams, 'fetchOnlyFromLeader' | 'fetchOnlyCommitted' | 'quota'> & {
    readonly quota?: ReplicaQuota | undefined
  },
): FetchParams {
  const { replicaId, fetchMinBytes, fetchMaxBytes, quota = UnboundedQuota } = options
  const { hardMaxBytesLimit, isolationLevel } = options
  return {
    replicaId,
    fetchMinBytes,
    fetchMaxBytes,
    hardMaxBytesLimit,
    isolationLevel,
    fetchOnlyFromLeader:
      replicaId !== DebuggingConsumerId && replicaId !== FutureLocalReplicaId,
    fetchOnlyCommitted: replicaId < 0 && replicaId !== FutureLocalReplicaId,
    quota,
  }
}

/**
 * Whether a follower is sent nothing of a partition for now: it is throttled, the quota is
 * used up, and the follower is out of the ISR. One in the ISR is sent all, or the limit
 * would push it out.
 *
 * @param partition - undefined when it is not here: then nobody is in its ISR
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager.shouldLeaderThrottle
 */
export function shouldLeaderThrottle(
  { quota, replicaId }: Pick<FetchParams, 'quota' | 'replicaId'>,
  topicPartition: TopicPartition,
  partition: Partition | undefined,
): boolean {
  if (!quota.isThrottled(topicPartition) || !quota.isQuotaExceeded()) return false
  const replica = partition?.getReplica(replicaId)
  return replica === undefined || !partition?.inSyncReplicas.has(replica)
}

/** True when a fetch need not wait: enough bytes, an error to tell, or nothing asked. */
export function isAnswerable(
  params: FetchParams,
  results: readonly (readonly [TopicPartition, LogReadResult])[],
): boolean {
  if (results.length === 0) return true
  if (results.some(([, result]) => result.error !== Errors.NONE)) return true
  const sizes = results.map(([, result]) => result.info.records.sizeInBytes)
  return sizes.reduce((sum, size) => sum + size, 0) >= params.fetchMinBytes
}

/** One partition of a waiting fetch. */
export interface FetchPartitionStatus {
  readonly topicPartition: TopicPartition
  /** Where the fetch starts, with segment and position as of the first read. */
  readonly startOffsetMetadata: LogOffsetMetadata
  readonly fetchInfo: PartitionData
}

/** What a waiting fetch remembers of its first read. */
export function fetchPartitionStatus(
  fetchInfos: readonly (readonly [TopicPartition, PartitionData])[],
  results: readonly (readonly [TopicPartition, LogReadResult])[],
): FetchPartitionStatus[] {
  return fetchInfos.map(([topicPartition, fetchInfo], i) => {
    const startOffsetMetadata = results[i]![1].info.fetchOffsetMetadata
    return { topicPartition, fetchInfo, startOffsetMetadata }
  })
}

/** Reads all partitions of a fetch. Errors stay with their partition. */
export function readPartitions(
  replicas: LocalReplicas,
  params: FetchParams,
  partitions: readonly (readonly [TopicPartition, PartitionData])[],
): (readonly [TopicPartition, LogReadResult])[] {
  let limitBytes = params.fetchMaxBytes
  let minOneMessage = !params.hardMaxBytesLimit
  return partitions.map(([topicPartition, wanted]) => {
    const budget = { limitBytes, minOneMessage }
    const result = readPartition(replicas, params, topicPartition, wanted, budget)

    // Take what was read off the budget.
    const size = result.info.records.sizeInBytes
    if (size > 0) minOneMessage = false
    limitBytes = Math.max(0, limitBytes - size)
    return [topicPartition, result] as const
  })
}

interface Budget {
  readonly limitBytes: number
  readonly minOneMessage: boolean
}

function readPartition(
  replicas: LocalReplicas,
  params: FetchParams,
  topicPartition: TopicPartition,
  wanted: PartitionData,
  budget: Budget,
): LogReadResult {
  replicas.brokerTopicStats.count(topicPartition.topic, 'totalFetchRequests')
  try {
    const replica = params.fetchOnlyFromLeader
      ? replicas.getLeaderReplicaIfLocal(topicPartition)
      : replicas.getReplicaOrException(topicPartition)
    const result = readReplica(replica, params, wanted, budget, replicas.now())

    // Keep back what is too much now. The place stays: the follower may be in sync by it.
    const partition = replicas.nonOfflinePartition(topicPartition)
    if (!shouldLeaderThrottle(params, topicPartition, partition)) return result
    return { ...result, info: emptyFetchDataInfo(result.info.fetchOffsetMetadata) }
  } catch (error) {
    // Tell our own trouble from what a fetch must expect.
    if (!isExpected(error)) {
      log.error(`cannot read ${topicPartition}`, error)
      replicas.brokerTopicStats.count(topicPartition.topic, 'failedFetchRequests')
    }
    return failedLogReadResult(wanted.maxBytes, Errors.forException(error))
  }
}

function readReplica(
  replica: Replica,
  params: FetchParams,
  wanted: PartitionData,
  budget: Budget,
  fetchTimeMs: number,
): LogReadResult {
  // Note how the leader stands before the read.
  const highWatermark = replica.highWatermark.messageOffset
  const lastStableOffset =
    params.isolationLevel === 'READ_COMMITTED'
      ? replica.lastStableOffset.messageOffset
      : undefined
  const leaderLogEndOffset = replica.logEndOffset.messageOffset
  const leaderLogStartOffset = replica.logStartOffset

  // Read up to the high watermark, or the last stable offset; followers to the end.
  const maxOffset = params.fetchOnlyCommitted
    ? (lastStableOffset ?? highWatermark)
    : undefined
  const maxLength = Math.min(wanted.maxBytes, budget.limitBytes)
  const read: FetchDataInfo | undefined = replica.log?.read(
    wanted.fetchOffset,
    maxLength,
    maxOffset,
    budget.minOneMessage,
    params.isolationLevel,
  )

  // Send nothing rather than half a batch, to those who know how to ask for a whole one.
  let info = read ?? emptyFetchDataInfo()
  if (info.firstEntryIncomplete && !params.hardMaxBytesLimit) {
    info = emptyFetchDataInfo(info.fetchOffsetMetadata)
  }
  return {
    info,
    highWatermark,
    leaderLogStartOffset,
    leaderLogEndOffset,
    followerLogStartOffset: wanted.logStartOffset,
    fetchTimeMs,
    readSize: wanted.maxBytes,
    lastStableOffset,
    error: Errors.NONE,
  }
}

function isExpected(error: unknown): boolean {
  return (
    error instanceof UnknownTopicOrPartitionException ||
    error instanceof NotLeaderForPartitionException ||
    error instanceof ReplicaNotAvailableException ||
    error instanceof KafkaStorageException ||
    error instanceof OffsetOutOfRangeException
  )
}
