/**
 * # RecordFilter
 *
 * What compaction does to batches: keeps a batch whose records all stay as it is, byte
 * for byte, and writes the others anew without the records that go. The base and last
 * offset of a magic-2 batch stay what they were, so that the producer's last sequence
 * can still be computed when its last record is gone.
 *
 * | verdict on a batch | records are asked for | no record stays |
 * |---|---|---|
 * | `DELETE` | no | the batch goes |
 * | `DELETE_EMPTY` | yes | the batch goes |
 * | `RETAIN_EMPTY` | yes | its header stays, with a count of 0 |
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/MemoryRecords.java#filterTo
 * @kafka clients/src/main/java/org/apache/kafka/common/record/MemoryRecords.java#RecordFilter
 * @differs the output grows as needed, so that one call always filters all batches
 * @module
 */

import { IllegalStateException } from '../base/errors.ts'
import { CompressionType } from './CompressionType.ts'
import { DefaultRecordBatch } from './DefaultRecordBatch.ts'
import type { KafkaRecord, RecordCursor } from './KafkaRecord.ts'
import { MemoryRecordsBuilder } from './MemoryRecordsBuilder.ts'
import { RECORD_BATCH_OVERHEAD, RecordBatch } from './RecordBatch.ts'
import { TimestampType } from './TimestampType.ts'

/** What happens to a batch. */
export type BatchRetention = 'DELETE' | 'RETAIN_EMPTY' | 'DELETE_EMPTY'

/** Decides what stays. */
export interface RecordFilter {
  /**
   * Judges a batch before its records are looked at.
   *
   * @param batch - of the set, in order
   */
  checkBatchRetention(batch: RecordBatch): BatchRetention

  /**
   * Judges a record.
   *
   * @param batch - the one it is in
   * @param record - stands on it; in the order of the batch
   */
  shouldRetainRecord(batch: RecordBatch, record: RecordCursor): boolean
}

/** What was read and what stayed. */
export interface FilterResult<Output> {
  /** The batches that stayed. */
  readonly output: Output
  readonly messagesRead: number
  readonly bytesRead: number
  readonly messagesRetained: number
  /** Bytes of batches with records; headers of emptied batches do not count. */
  readonly bytesRetained: number
  /** Largest offset of a record that stayed; -1 when none did. */
  readonly maxOffset: number
  /** Largest timestamp of what stayed; -1 when there is none. */
  readonly maxTimestamp: number
  /** Offset of the batch that has it; -1 when there is none. */
  readonly shallowOffsetOfMaxTimestamp: number
}

/**
 * Filters batches.
 *
 * @param batches - in the order of their offsets
 * @param filter - what stays
 * @returns the bytes that stay, and the count of everything
 * @throws IllegalStateException when a batch below magic 2 is to stay empty
 */
export function filterTo(
  batches: Iterable<RecordBatch>,
  filter: RecordFilter,
): FilterResult<Buffer> {
  const parts: Buffer[] = []
  const result = {
    messagesRead: 0,
    bytesRead: 0,
    messagesRetained: 0,
    bytesRetained: 0,
    maxOffset: -1,
    maxTimestamp: RecordBatch.NO_TIMESTAMP as number,
    shallowOffsetOfMaxTimestamp: -1,
  }
  for (const batch of batches) {
    result.bytesRead += batch.sizeInBytes
    const retention = filter.checkBatchRetention(batch)
    if (retention === 'DELETE') continue

    // Collect what stays. A record of another format than its batch is an old fault of
    // the log (KAFKA-4298), repaired by writing the batch anew.
    const retained: KafkaRecord[] = []
    let writeOriginalBatch = true
    const cursor = batch.streamingIterator()
    while (cursor.next()) {
      result.messagesRead++
      const stays = filter.shouldRetainRecord(batch, cursor)
      if (stays) retained.push(cursor.record())
      if (!stays || !cursor.hasMagic(batch.magic)) writeOriginalBatch = false
      if (stays && cursor.offset > result.maxOffset) result.maxOffset = cursor.offset
    }

    // Keep only the header of a batch that lost everything, if it is to stay.
    if (retained.length === 0) {
      if (retention === 'RETAIN_EMPTY') parts.push(emptyBatch(batch))
      continue
    }

    // Keep the bytes, or write the rest anew.
    const kept = writeOriginalBatch ? keep(batch) : rewrite(batch, retained)
    parts.push(kept.bytes)
    result.messagesRetained += retained.length
    result.bytesRetained += kept.bytes.length
    if (kept.maxTimestamp > result.maxTimestamp) {
      result.maxTimestamp = kept.maxTimestamp
      result.shallowOffsetOfMaxTimestamp = kept.shallowOffsetOfMaxTimestamp
    }
  }
  return { output: Buffer.concat(parts), ...result }
}

/** A batch that stays, with what the time index needs. */
interface KeptBatch {
  readonly bytes: Buffer
  readonly maxTimestamp: number
  readonly shallowOffsetOfMaxTimestamp: number
}

function keep(batch: RecordBatch): KeptBatch {
  return {
    bytes: batch.buffer,
    maxTimestamp: batch.maxTimestamp,
    shallowOffsetOfMaxTimestamp: batch.lastOffset,
  }
}

/** Writes some records of a batch as a batch that is the same in all else. */
function rewrite(batch: RecordBatch, retained: readonly KafkaRecord[]): KeptBatch {
  const isAppendTime = batch.timestampType === TimestampType.LOG_APPEND_TIME
  const isLegacy = batch.magic < RecordBatch.MAGIC_VALUE_V2
  const builder = new MemoryRecordsBuilder({
    magic: batch.magic,
    compressionType: batch.compressionType,
    timestampType: batch.timestampType,
    baseOffset: isLegacy ? retained[0]!.offset : batch.baseOffset,
    logAppendTime: isAppendTime ? batch.maxTimestamp : RecordBatch.NO_TIMESTAMP,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
    isControlBatch: batch.isControlBatch,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    initialCapacity: batch.sizeInBytes,
  })
  for (const record of retained) builder.appendWithOffset(record.offset, record)
  if (!isLegacy) builder.overrideLastOffset(batch.lastOffset)
  const bytes = builder.build()
  return { bytes, ...builder.info() }
}

/** Writes the header of a batch as one without records. */
function emptyBatch(batch: RecordBatch): Buffer {
  if (batch.magic < RecordBatch.MAGIC_VALUE_V2) {
    throw new IllegalStateException('empty batches need magic 2 or above')
  }
  const bytes = Buffer.alloc(RECORD_BATCH_OVERHEAD)
  DefaultRecordBatch.writeHeader(bytes, {
    baseOffset: batch.baseOffset,
    lastOffsetDelta: batch.lastOffset - batch.baseOffset,
    sizeInBytes: RECORD_BATCH_OVERHEAD,
    compressionType: CompressionType.NONE,
    timestampType: batch.timestampType,
    firstTimestamp: RecordBatch.NO_TIMESTAMP,
    maxTimestamp: batch.maxTimestamp,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
    isControlBatch: batch.isControlBatch,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    count: 0,
  })
  return bytes
}
