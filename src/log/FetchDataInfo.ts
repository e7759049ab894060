/**
 * # FetchDataInfo
 *
 * What a read of the log gives back: where it started, the bytes (still in their file),
 * and for a reader that wants committed data only, the transactions to skip.
 *
 * @kafka core/src/main/scala/kafka/server/FetchDataInfo.scala#FetchDataInfo
 * @module
 */
import type { MemoryRecords } from '../record/MemoryRecords.ts'
import type { FileRecords } from './FileRecords.ts'
import type { LogOffsetMetadata } from './LogOffsetMetadata.ts'

/** Batches as they can be served: a stretch of a file, or bytes in memory. */
export type Records = FileRecords | MemoryRecords

/**
 * A transaction that a reader of committed data must leave out.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/FetchResponse.java#AbortedTransaction
 */
export interface AbortedTransaction {
  /** The producer whose records are to be skipped. */
  readonly producerId: bigint

  /** Offset of its first record; skipping ends at its abort marker. */
  readonly firstOffset: number
}

/**
 * The result of `Log.read`.
 *
 * @kafka core/src/main/scala/kafka/server/FetchDataInfo.scala#FetchDataInfo
 */
export interface FetchDataInfo {
  /** The offset that was asked for, with its place in the log. */
  readonly fetchOffsetMetadata: LogOffsetMetadata

  /** Whole batches, but for the last one, which the size limit may have cut. */
  readonly records: Records

  /** True when not even the first batch fits into the limit. */
  readonly firstEntryIncomplete: boolean

  /** Aborted transactions in the range; null unless committed data was asked for. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null
}

/**
 * Which records a reader may see: all up to the high watermark, or only those of decided
 * transactions.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/IsolationLevel.java#IsolationLevel
 */
export type IsolationLevel = 'READ_UNCOMMITTED' | 'READ_COMMITTED'
