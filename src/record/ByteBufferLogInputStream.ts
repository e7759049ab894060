/**
 * # ByteBufferLogInputStream
 *
 * Cuts bytes into batches of whatever format, without looking into them:
 *
 *     [offset 8 | size 4 | … | magic at 16 | …] [offset 8 | size 4 | …] [offs
 *      └ 12 + size bytes                       └ next one              └ partial
 *
 * A fetch may end in the middle of a batch, so a partial one at the end is no error. A
 * size that no batch can have, or an unknown format, is: nothing after it can be found.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/ByteBufferLogInputStream.java#ByteBufferLogInputStream
 * @module
 */

import { CorruptRecordException } from '../base/errors.ts'
import { ByteBufferLegacyRecordBatch } from './ByteBufferLegacyRecordBatch.ts'
import { DefaultRecordBatch } from './DefaultRecordBatch.ts'
import { RECORD_OVERHEAD_V0 } from './LegacyRecord.ts'
import { LOG_OVERHEAD, MAGIC_OFFSET, RecordBatch } from './RecordBatch.ts'

const SIZE_OFFSET = 8

/**
 * Reads the size of a batch from its first bytes.
 *
 * @param buffer - bytes to look at
 * @param position - index of the batch's first byte
 * @param end - index after the last byte that may be read
 * @returns bytes of the whole batch, be they there or not; undefined when fewer than 12
 *   bytes are left
 * @throws CorruptRecordException when no batch is so small
 */
export function batchSizeAt(
  buffer: Buffer,
  position: number,
  end = buffer.length,
): number | undefined {
  if (end - position < LOG_OVERHEAD) return undefined
  const size = buffer.readInt32BE(position + SIZE_OFFSET)
  if (size < RECORD_OVERHEAD_V0) {
    throw new CorruptRecordException(
      `record size ${size} is less than the minimum of ${RECORD_OVERHEAD_V0}`,
    )
  }
  return LOG_OVERHEAD + size
}

/**
 * Makes the batch that begins at a position.
 *
 * @param buffer - bytes to look at; the batch is a view on them
 * @param position - index of the batch's first byte
 * @param end - index after the last byte that may be read
 * @returns undefined when the batch is not there to its end
 * @throws CorruptRecordException for an impossible size or an unknown format
 */
export function nextBatch(
  buffer: Buffer,
  position: number,
  end = buffer.length,
): RecordBatch | undefined {
  const size = batchSizeAt(buffer, position, end)
  if (size === undefined || end - position < size) return undefined
  return toBatch(buffer.subarray(position, position + size))
}

/**
 * Makes a batch of its own bytes.
 *
 * @param bytes - one batch, from its offset on
 * @throws CorruptRecordException for an unknown format or too few bytes
 */
export function toBatch(bytes: Buffer): RecordBatch {
  const magic = ensureKnownMagic(bytes, 0)
  return magic > RecordBatch.MAGIC_VALUE_V1
    ? new DefaultRecordBatch(bytes)
    : new ByteBufferLegacyRecordBatch(bytes)
}

/**
 * Reads the format of a batch.
 *
 * @param buffer - bytes to look at
 * @param position - index of the batch's first byte
 * @returns 0, 1 or 2
 * @throws CorruptRecordException for any other
 */
export function ensureKnownMagic(buffer: Buffer, position: number): number {
  const magic = buffer.readInt8(position + MAGIC_OFFSET)
  if (magic < 0 || magic > RecordBatch.CURRENT_MAGIC_VALUE) {
    throw new CorruptRecordException(`invalid magic found in record: ${magic}`)
  }
  return magic
}
