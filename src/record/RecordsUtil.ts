/**
 * # RecordsUtil
 *
 * Down-conversion: batches rewritten in an older format for a client that asked with an
 * old version of Fetch. What the older format has no words for is lost: headers,
 * producer ids, markers, leader epochs.
 *
 * | batch | target below 2 | target 2 |
 * |---|---|---|
 * | not newer than the target | as it is | as it is |
 * | control batch | left out | |
 * | uncompressed | records from the fetch offset on | |
 * | compressed | all records, packed again | |
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/AbstractRecords.java#downConvert
 * @module
 */

import type { KafkaRecord } from './KafkaRecord.ts'
import { MemoryRecordsBuilder } from './MemoryRecordsBuilder.ts'
import { RecordBatch } from './RecordBatch.ts'
import { TimestampType } from './TimestampType.ts'

/** Conversion of batches; kept apart from MemoryRecords, which files use too. */
export class RecordsUtil {
  /**
   * Rewrites every batch that is newer than a format.
   *
   * @param batches - in the order of their offsets
   * @param toMagic - the newest format that may come out
   * @param firstOffset - the fetch offset
   * @returns the bytes of the new set, and how many records were written anew
   */
  static downConvert(
    batches: Iterable<RecordBatch>,
    toMagic: number,
    firstOffset: number,
  ): { readonly bytes: Buffer; readonly conversionCount: number } {
    const parts: Buffer[] = []
    let conversionCount = 0
    for (const batch of batches) {
      // Leave out what old clients would take for data.
      const legacy = toMagic < RecordBatch.MAGIC_VALUE_V2
      if (legacy && batch.isControlBatch) continue

      // Keep a batch that the client can read.
      if (batch.magic <= toMagic) {
        parts.push(batch.buffer)
        continue
      }

      // Take the records from the fetch offset on, or all of a packed batch.
      const records: KafkaRecord[] = []
      for (const record of batch) {
        const wanted = !legacy || batch.isCompressed || record.offset >= firstOffset
        if (wanted) records.push(record)
      }
      if (records.length === 0) continue
      parts.push(convertRecordBatch(batch, records, toMagic))
      conversionCount += records.length
    }
    return { bytes: Buffer.concat(parts), conversionCount }
  }
}

/** Writes records of a batch as one batch of an older format, at their own offsets. */
function convertRecordBatch(
  batch: RecordBatch,
  records: readonly KafkaRecord[],
  toMagic: number,
): Buffer {
  const isAppendTime = batch.timestampType === TimestampType.LOG_APPEND_TIME
  const builder = new MemoryRecordsBuilder({
    magic: toMagic,
    compressionType: batch.compressionType,
    timestampType: batch.timestampType,
    baseOffset: records[0]!.offset,
    logAppendTime: isAppendTime ? batch.maxTimestamp : RecordBatch.NO_TIMESTAMP,
    initialCapacity: batch.sizeInBytes + 16 * records.length,
  })
  for (const { offset, timestamp, key, value } of records) {
    builder.appendWithOffset(offset, { timestamp, key, value })
  }
  return builder.build()
}
