/**
 * # RecordBatch
 *
 * The unit that is sent, checked, stored and fetched. Since magic 2 a batch is a header
 * and a row of records; before that a batch is one message, alone or as the wrapper of
 * an inner set. This is what all of them have in common, so that the log never asks
 * which.
 *
 * A batch is a *view*: its fields are read from the given bytes when asked for, and the
 * three setters write to those same bytes.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/RecordBatch.java#RecordBatch
 * @kafka clients/src/main/java/org/apache/kafka/common/record/MutableRecordBatch.java#MutableRecordBatch
 * @module
 */

import type { CompressionType } from './CompressionType.ts'
import type { KafkaRecord, RecordCursor } from './KafkaRecord.ts'
import type { TimestampType } from './TimestampType.ts'

/** The values that stand for "none", and the formats. */
export const RecordBatch = {
  /** Format of 0.7: no timestamps, absolute inner offsets. */
  MAGIC_VALUE_V0: 0,
  /** Format of 0.10: timestamps, relative inner offsets. */
  MAGIC_VALUE_V1: 1,
  /** Format of 0.11: headers, producer ids, one CRC-32C a batch. */
  MAGIC_VALUE_V2: 2,
  /** The newest format that is read and written. */
  CURRENT_MAGIC_VALUE: 2,
  /** A record without a timestamp. */
  NO_TIMESTAMP: -1,
  /** A batch of a producer that is not idempotent. */
  NO_PRODUCER_ID: -1n,
  /** Epoch that goes with no producer id. */
  NO_PRODUCER_EPOCH: -1,
  /** Sequence that goes with no producer id, and that of control batches. */
  NO_SEQUENCE: -1,
  /** Epoch of a batch that no leader has appended. */
  NO_PARTITION_LEADER_EPOCH: -1,
} as const

/** Bytes before what a batch's length counts: `[offset 8 | length 4]`. */
export const LOG_OVERHEAD = 12

/** Index of the byte that names the format, in every format. */
export const MAGIC_OFFSET = 16

/** Bytes that must be there to know a batch's length and format. */
export const HEADER_SIZE_UP_TO_MAGIC = MAGIC_OFFSET + 1

/** Bytes of a magic-2 header: `[61 | records]`. */
export const RECORD_BATCH_OVERHEAD = 61

/** A batch of any format over the bytes that hold it. */
export interface RecordBatch {
  /** The batch's own bytes, offset and length included. */
  readonly buffer: Buffer
  /** Offset of the first record; below magic 2 it is found by unpacking. */
  readonly baseOffset: number
  /** Offset of the last record, also of one that compaction removed (magic 2). */
  readonly lastOffset: number
  /** Offset after {@link lastOffset}. */
  readonly nextOffset: number
  /** 0, 1 or 2. */
  readonly magic: number
  /** Bytes from offset to end. */
  readonly sizeInBytes: number
  /** @throws IllegalArgumentException when the id is none of 1.1's */
  readonly compressionType: CompressionType
  /** Whether the records are packed. */
  readonly isCompressed: boolean
  /** Whose clock the timestamps come from. */
  readonly timestampType: TimestampType
  /** Largest timestamp as the header says; -1 when there is none. */
  readonly maxTimestamp: number
  /** What the records' deltas add to (magic 2); below, the message's own timestamp. */
  readonly firstTimestamp: number
  /** Who produced it; -1n when not idempotent. */
  readonly producerId: bigint
  /** Incarnation of that producer; -1 for none. */
  readonly producerEpoch: number
  /** Sequence of the first record; -1 for none. */
  readonly baseSequence: number
  /** Sequence of the last record; wraps from 2^31-1 to 0. */
  readonly lastSequence: number
  /** Whether a producer id is set. */
  readonly hasProducerId: boolean
  /** Whether it belongs to a transaction. */
  readonly isTransactional: boolean
  /** Whether it holds a marker instead of data. */
  readonly isControlBatch: boolean
  /** Epoch of the leader that appended it; -1 for none and below magic 2. */
  readonly partitionLeaderEpoch: number
  /** Number of records in the header; null below magic 2, which does not keep it. */
  readonly countOrNull: number | null
  /** The stored CRC, unsigned. */
  readonly checksum: number
  /** Whether the bytes match the CRC. */
  readonly isValid: boolean

  /**
   * Checks size and CRC.
   *
   * @throws InvalidRecordException (a CorruptRecordException) when either is wrong, or
   *   when an offset is beyond 2^53
   */
  ensureValid(): void

  /**
   * Moves the whole batch so that it ends at an offset. Outside the CRC.
   *
   * @param offset - of the last record
   */
  setLastOffset(offset: number): void

  /**
   * Notes which leader appended it. Outside the CRC.
   *
   * @param epoch - int32
   * @throws IllegalStateException below magic 2, which has no room for it
   */
  setPartitionLeaderEpoch(epoch: number): void

  /**
   * Sets type and largest timestamp, and redoes the CRC if that changes a byte.
   *
   * @param timestampType - CreateTime or LogAppendTime
   * @param maxTimestamp - milliseconds since 1970, or -1
   * @throws IllegalStateException for magic 0, which has no timestamps
   */
  setMaxTimestamp(timestampType: TimestampType, maxTimestamp: number): void

  /**
   * Goes over the records without an object for each.
   *
   * @param maxBytes - most bytes to unpack to; 128 MiB when left out
   * @throws InvalidRecordException here or in `next()` when the bytes make no sense
   */
  streamingIterator(maxBytes?: number): RecordCursor

  /** Goes over the records, which must be those that the header announces. */
  [Symbol.iterator](): Iterator<KafkaRecord>
}
