/**
 * # FileLogInputStream
 *
 * Walks over the batches of a file by their headers only. A search in a segment passes many
 * batches and wants one: reading all of their bytes would be a waste.
 *
 *     position ─▶ [header │ records …] ─▶ [header │ records …] ─▶ part of a batch: the end
 *
 * The file is read through a small window, so that several small batches cost one read.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/FileLogInputStream.java#FileLogInputStream
 * @module
 */
import { readInt64 } from '../base/bytes/int64.ts'
import { CorruptRecordException } from '../base/errors.ts'
import { batchSizeAt, toBatch } from '../record/ByteBufferLogInputStream.ts'
import {
  HEADER_SIZE_UP_TO_MAGIC,
  MAGIC_OFFSET,
  RECORD_BATCH_OVERHEAD,
  RecordBatch,
} from '../record/RecordBatch.ts'
import type { SegmentFile } from './segment-file.ts'

/** Enough for any header, and for a few small batches whole. */
const windowBytes = 4096

const LAST_OFFSET_DELTA_OFFSET = 23
const MAX_TIMESTAMP_OFFSET = 35
const LEADER_EPOCH_OFFSET = 12
const LEGACY_TIMESTAMP_OFFSET = 18

/** Bytes that hold everything this walk looks at, in the format that needs most. */
const headerBytes = MAX_TIMESTAMP_OFFSET + 8

/**
 * One batch of a file, of which only the header has been read.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/FileLogInputStream.java#FileChannelRecordBatch
 */
export class FileChannelRecordBatch {
  /** Byte in the file where the batch begins. */
  readonly position: number

  /** Bytes of the whole batch. */
  readonly sizeInBytes: number

  /** 0, 1 or 2. */
  readonly magic: number

  /** Offset of the first record; below magic 2 that of the last. */
  readonly firstOffset: number

  /** Offset of the last record. */
  readonly lastOffset: number

  /** Largest timestamp of the records; -1 for none. */
  readonly maxTimestamp: number

  /** Epoch of the leader that appended it; -1 below magic 2. */
  readonly partitionLeaderEpoch: number

  readonly #file: SegmentFile

  /**
   * Reads the header.
   *
   * @param file the segment
   * @param position where the batch begins in the file
   * @param sizeInBytes bytes of the batch, known to be there
   * @param header bytes that begin with the header
   * @throws CorruptRecordException when the batch is too small for its format
   */
  constructor(
    file: SegmentFile,
    position: number,
    sizeInBytes: number,
    header: Buffer,
  ) {
    this.#file = file
    this.position = position
    this.sizeInBytes = sizeInBytes
    this.magic = header.readInt8(MAGIC_OFFSET)
    const offset = readInt64(header, 0)
    this.firstOffset = offset

    // Below magic 2 the offset is that of the last record already.
    if (this.magic < RecordBatch.MAGIC_VALUE_V2) {
      this.lastOffset = offset
      this.maxTimestamp =
        this.magic === RecordBatch.MAGIC_VALUE_V1
          ? readInt64(header, LEGACY_TIMESTAMP_OFFSET)
          : RecordBatch.NO_TIMESTAMP
      this.partitionLeaderEpoch = RecordBatch.NO_PARTITION_LEADER_EPOCH
      return
    }

    // From magic 2 on it is that of the first, and the header says how far the last is.
    if (sizeInBytes < RECORD_BATCH_OVERHEAD) {
      throw new CorruptRecordException(
        `batch at byte ${position} of ${file.path} has only ${sizeInBytes} bytes`,
      )
    }
    this.lastOffset = offset + header.readInt32BE(LAST_OFFSET_DELTA_OFFSET)
    this.maxTimestamp = readInt64(header, MAX_TIMESTAMP_OFFSET)
    this.partitionLeaderEpoch = header.readInt32BE(LEADER_EPOCH_OFFSET)
  }

  /** Says whether an offset may be one of this batch's; old formats hide their first. */
  holds(offset: number): boolean {
    const isOld = this.magic < RecordBatch.MAGIC_VALUE_V2
    return offset <= this.lastOffset && (isOld || offset >= this.firstOffset)
  }

  /** The offset after the last record. */
  get nextOffset(): number {
    return this.lastOffset + 1
  }

  /**
   * Reads the whole batch.
   *
   * @throws CorruptRecordException when it is no longer there, or of no known format
   */
  loadFullBatch(): RecordBatch {
    const bytes = Buffer.allocUnsafe(this.sizeInBytes)
    const read = this.#file.read(bytes, 0, this.sizeInBytes, this.position)
    if (read < this.sizeInBytes) {
      throw new CorruptRecordException(
        `batch at byte ${this.position} of ${this.#file.path} is cut off`,
      )
    }
    return toBatch(bytes)
  }
}

/**
 * Gives the batches of a stretch of a file, one by one.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/FileLogInputStream.java#FileLogInputStream
 */
export class FileLogInputStream {
  readonly #file: SegmentFile
  readonly #end: number
  #position: number
  #window: Buffer = Buffer.alloc(0)
  #windowStart = 0

  /**
   * @param file the segment
   * @param start byte at which a batch begins
   * @param end byte at which the stretch ends
   */
  constructor(file: SegmentFile, start: number, end: number) {
    this.#file = file
    this.#position = start
    this.#end = end
  }

  /**
   * Moves to the next batch.
   *
   * @returns `undefined` at the end, and where the rest is only a part of a batch
   * @throws CorruptRecordException where no batch can begin
   */
  nextBatch(): FileChannelRecordBatch | undefined {
    // Less than a header is left: the end.
    const position = this.#position
    if (position > this.#end - HEADER_SIZE_UP_TO_MAGIC) return undefined
    const header = this.#headerAt(position)
    if (header.length < HEADER_SIZE_UP_TO_MAGIC) return undefined

    // Less than the batch is left: the end too.
    const size = batchSizeAt(header, 0) ?? 0
    if (position > this.#end - size) return undefined
    this.#position = position + size
    return new FileChannelRecordBatch(this.#file, position, size, header)
  }

  /** Bytes from a position on, at least a header unless the file ends before. */
  #headerAt(position: number): Buffer {
    // Answer from the window when the header lies in it whole.
    const at = position - this.#windowStart
    if (at >= 0 && at + headerBytes <= this.#window.length) {
      return this.#window.subarray(at)
    }

    // Move the window.
    const length = Math.min(windowBytes, this.#end - position)
    const window = Buffer.allocUnsafe(length)
    const read = this.#file.read(window, 0, length, position)
    this.#window = window.subarray(0, read)
    this.#windowStart = position
    return this.#window
  }
}
