/**
 * # LogReadResult
 *
 * What one partition's read brought: the bytes, and how the leader stood *before* the
 * read. The order matters: a follower that reads at the leader's earlier end has caught
 * up, even when the log grew during the read.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#LogReadResult
 * @module
 */
import { Errors, type WireError } from '../base/errors.ts'
import type { FetchDataInfo } from '../log/FetchDataInfo.ts'
import { LogOffsetMetadata } from '../log/LogOffsetMetadata.ts'
import { MemoryRecords } from '../record/MemoryRecords.ts'

/** The outcome of reading one partition. Offsets are -1 when the read failed. */
export interface LogReadResult {
  readonly info: FetchDataInfo
  readonly highWatermark: number
  readonly leaderLogStartOffset: number
  readonly leaderLogEndOffset: number
  readonly followerLogStartOffset: number
  readonly fetchTimeMs: number
  /** The size that the partition was asked for, in bytes. */
  readonly readSize: number
  /** Only for `read_committed`. */
  readonly lastStableOffset: number | undefined
  readonly error: WireError
}

/** What a fetch answers for one partition. */
export interface FetchPartitionData {
  readonly error: WireError
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly records: FetchDataInfo['records']
  readonly lastStableOffset: number | null
  readonly abortedTransactions: FetchDataInfo['abortedTransactions']
}

/** A read that brought nothing. */
export function emptyFetchDataInfo(
  fetchOffsetMetadata: LogOffsetMetadata = LogOffsetMetadata.UnknownOffsetMetadata,
): FetchDataInfo {
  return {
    fetchOffsetMetadata,
    records: MemoryRecords.EMPTY,
    firstEntryIncomplete: false,
    abortedTransactions: null,
  }
}

/** The result of a read that failed with `error`. */
export function failedLogReadResult(readSize: number, error: WireError): LogReadResult {
  return {
    info: emptyFetchDataInfo(),
    highWatermark: -1,
    leaderLogStartOffset: -1,
    leaderLogEndOffset: -1,
    followerLogStartOffset: -1,
    fetchTimeMs: -1,
    readSize,
    lastStableOffset: undefined,
    error,
  }
}

/**
 * What a new leader assumes of a follower: nothing. Its log end is unknown, so the high
 * watermark cannot pass it until it fetches.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#LogReadResult.UnknownLogReadResult
 */
export const UnknownLogReadResult: LogReadResult = failedLogReadResult(-1, Errors.NONE)

/** Turns what was read into what is answered. */
export function toFetchPartitionData(result: LogReadResult): FetchPartitionData {
  return {
    error: result.error,
    highWatermark: result.highWatermark,
    logStartOffset: result.leaderLogStartOffset,
    records: result.info.records,
    lastStableOffset: result.lastStableOffset ?? null,
    abortedTransactions: result.info.abortedTransactions,
  }
}
