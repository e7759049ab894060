/**
 * # DefaultRecordBatch
 *
 * The batch of magic 2, the format of 0.11 and later. The header stands outside the
 * compression, so that a broker can move and judge a batch without unpacking it:
 *
 *     [baseOffset 8 | batchLength 4 | partitionLeaderEpoch 4 | magic 1 | crc 4
 *      | attributes 2 | lastOffsetDelta 4 | firstTimestamp 8 | maxTimestamp 8
 *      | producerId 8 | producerEpoch 2 | baseSequence 4 | count 4 | records …]
 *
 *     attributes: [unused 10 | control 1 | transactional 1 | timestampType 1 | codec 3]
 *
 * The CRC-32C covers everything from the attributes on. What the broker sets for every
 * batch, base offset and leader epoch, lies before it and costs no second pass.
 *
 * Invariants: one producer, one codec, one timestamp type to a batch; the base offset
 * never changes with compaction, neither does the last one.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/DefaultRecordBatch.java#DefaultRecordBatch
 * @module
 */

import { readInt64, writeInt64 } from '../base/bytes/int64.ts'
import { crc32c } from '../base/crc.ts'
import { InvalidRecordException } from '../base/errors.ts'
import { CompressionType } from './CompressionType.ts'
import { DefaultRecordCursor, incrementSequence } from './DefaultRecordCursor.ts'
import type { KafkaRecord, RecordCursor } from './KafkaRecord.ts'
import type { RecordBatch } from './RecordBatch.ts'
import { LOG_OVERHEAD, MAGIC_OFFSET, RECORD_BATCH_OVERHEAD } from './RecordBatch.ts'
import { TimestampType } from './TimestampType.ts'

const LENGTH_OFFSET = 8
const PARTITION_LEADER_EPOCH_OFFSET = 12
const CRC_OFFSET = 17
const ATTRIBUTES_OFFSET = 21
const LAST_OFFSET_DELTA_OFFSET = 23
const FIRST_TIMESTAMP_OFFSET = 27
const MAX_TIMESTAMP_OFFSET = 35
const PRODUCER_ID_OFFSET = 43
const PRODUCER_EPOCH_OFFSET = 51
const BASE_SEQUENCE_OFFSET = 53
const RECORDS_COUNT_OFFSET = 57

const COMPRESSION_CODEC_MASK = 0x07
const TIMESTAMP_TYPE_MASK = 0x08
const TRANSACTIONAL_FLAG_MASK = 0x10
const CONTROL_FLAG_MASK = 0x20

/** Everything that a magic-2 header says. */
export interface DefaultBatchHeader {
  readonly baseOffset: number
  readonly lastOffsetDelta: number
  /** Bytes of the whole batch, offset and length included. */
  readonly sizeInBytes: number
  readonly compressionType: CompressionType
  readonly timestampType: TimestampType
  readonly firstTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly isTransactional: boolean
  readonly isControlBatch: boolean
  readonly partitionLeaderEpoch: number
  readonly count: number
}

/**
 * A batch of magic 2 over its bytes. The header's 61 bytes alone are enough to ask for
 * anything but validity and records.
 */
export class DefaultRecordBatch implements RecordBatch {
  readonly buffer: Buffer

  /**
   * @param buffer - the batch's bytes, from its base offset on; at least 61
   * @throws InvalidRecordException when shorter
   */
  constructor(buffer: Buffer) {
    if (buffer.length < RECORD_BATCH_OVERHEAD) {
      throw new InvalidRecordException(
        `a batch of ${buffer.length} bytes is shorter than its header`,
      )
    }
    this.buffer = buffer
  }

  get baseOffset(): number {
    return readInt64(this.buffer, 0)
  }

  get lastOffset(): number {
    return this.baseOffset + this.lastOffsetDelta
  }

  get nextOffset(): number {
    return this.lastOffset + 1
  }

  /** Last offset minus base offset, as the producer wrote it. */
  get lastOffsetDelta(): number {
    return this.buffer.readInt32BE(LAST_OFFSET_DELTA_OFFSET)
  }

  get magic(): number {
    return this.buffer.readInt8(MAGIC_OFFSET)
  }

  get sizeInBytes(): number {
    return LOG_OVERHEAD + this.buffer.readInt32BE(LENGTH_OFFSET)
  }

  get compressionType(): CompressionType {
    return CompressionType.forId(this.#attributes & COMPRESSION_CODEC_MASK)
  }

  get isCompressed(): boolean {
    return (this.#attributes & COMPRESSION_CODEC_MASK) !== 0
  }

  get timestampType(): TimestampType {
    return this.#attributes & TIMESTAMP_TYPE_MASK
      ? TimestampType.LOG_APPEND_TIME
      : TimestampType.CREATE_TIME
  }

  get maxTimestamp(): number {
    return readInt64(this.buffer, MAX_TIMESTAMP_OFFSET)
  }

  get firstTimestamp(): number {
    return readInt64(this.buffer, FIRST_TIMESTAMP_OFFSET)
  }

  get producerId(): bigint {
    return this.buffer.readBigInt64BE(PRODUCER_ID_OFFSET)
  }

  get producerEpoch(): number {
    return this.buffer.readInt16BE(PRODUCER_EPOCH_OFFSET)
  }

  get baseSequence(): number {
    return this.buffer.readInt32BE(BASE_SEQUENCE_OFFSET)
  }

  get lastSequence(): number {
    return incrementSequence(this.baseSequence, this.lastOffsetDelta)
  }

  get hasProducerId(): boolean {
    return this.buffer.readInt8(PRODUCER_ID_OFFSET) >= 0
  }

  get isTransactional(): boolean {
    return (this.#attributes & TRANSACTIONAL_FLAG_MASK) !== 0
  }

  get isControlBatch(): boolean {
    return (this.#attributes & CONTROL_FLAG_MASK) !== 0
  }

  get partitionLeaderEpoch(): number {
    return this.buffer.readInt32BE(PARTITION_LEADER_EPOCH_OFFSET)
  }

  get countOrNull(): number {
    return this.buffer.readInt32BE(RECORDS_COUNT_OFFSET)
  }

  get checksum(): number {
    return this.buffer.readUInt32BE(CRC_OFFSET)
  }

  get isValid(): boolean {
    return (
      this.sizeInBytes >= RECORD_BATCH_OVERHEAD && this.checksum === this.#computed()
    )
  }

  ensureValid(): void {
    // Hold the length against the header's own, then the CRC against the bytes.
    if (this.sizeInBytes < RECORD_BATCH_OVERHEAD) {
      throw new InvalidRecordException(
        `a batch of ${this.sizeInBytes} bytes is shorter than its header`,
      )
    }
    const computed = this.#computed()
    if (this.checksum !== computed) {
      throw new InvalidRecordException(
        `the batch is corrupt (stored crc ${this.checksum}, computed ${computed})`,
      )
    }

    // Refuse an offset that a double cannot hold.
    if (!Number.isSafeInteger(this.baseOffset)) {
      throw new InvalidRecordException(`an offset of ${this.baseOffset} is too large`)
    }
  }

  setLastOffset(offset: number): void {
    writeInt64(this.buffer, 0, offset - this.lastOffsetDelta)
  }

  setPartitionLeaderEpoch(epoch: number): void {
    this.buffer.writeInt32BE(epoch, PARTITION_LEADER_EPOCH_OFFSET)
  }

  setMaxTimestamp(timestampType: TimestampType, maxTimestamp: number): void {
    // Leave the bytes, and so the CRC, when they say this already.
    if (this.timestampType === timestampType && this.maxTimestamp === maxTimestamp)
      return

    const others = this.#attributes & ~TIMESTAMP_TYPE_MASK
    const bit =
      timestampType === TimestampType.LOG_APPEND_TIME ? TIMESTAMP_TYPE_MASK : 0
    this.buffer.writeInt16BE(others | bit, ATTRIBUTES_OFFSET)
    writeInt64(this.buffer, MAX_TIMESTAMP_OFFSET, maxTimestamp)
    this.buffer.writeUInt32BE(this.#computed(), CRC_OFFSET)
  }

  streamingIterator(maxBytes?: number): RecordCursor {
    const count = this.countOrNull
    if (count < 0) throw new InvalidRecordException(`a batch of ${count} records`)

    // Unpack the records; an empty batch has nothing to unpack, whatever its codec.
    const stored = this.buffer.subarray(RECORD_BATCH_OVERHEAD, this.sizeInBytes)
    const bytes =
      count === 0
        ? stored
        : this.compressionType.decompress(stored, { magic: this.magic, maxBytes })
    const isLogAppendTime = this.timestampType === TimestampType.LOG_APPEND_TIME
    return new DefaultRecordCursor(bytes, {
      count,
      baseOffset: this.baseOffset,
      firstTimestamp: this.firstTimestamp,
      logAppendTime: isLogAppendTime ? this.maxTimestamp : undefined,
      baseSequence: this.baseSequence,
    })
  }

  *[Symbol.iterator](): Iterator<KafkaRecord> {
    const cursor = this.streamingIterator()
    while (cursor.next()) yield cursor.record()
  }

  /**
   * Writes a header in front of records that are already there, CRC last.
   *
   * @param buffer - the batch's bytes: 61 for the header, then the records
   * @param header - what to write; its size must be the buffer's
   * @kafka clients/src/main/java/org/apache/kafka/common/record/DefaultRecordBatch.java#writeHeader
   */
  static writeHeader(buffer: Buffer, header: DefaultBatchHeader): void {
    // Fold codec and flags into the attributes.
    const { timestampType } = header
    let attributes = header.compressionType.id
    if (timestampType === TimestampType.LOG_APPEND_TIME)
      attributes |= TIMESTAMP_TYPE_MASK
    if (header.isTransactional) attributes |= TRANSACTIONAL_FLAG_MASK
    if (header.isControlBatch) attributes |= CONTROL_FLAG_MASK

    // Write the fields in the order of the wire.
    writeInt64(buffer, 0, header.baseOffset)
    buffer.writeInt32BE(header.sizeInBytes - LOG_OVERHEAD, LENGTH_OFFSET)
    buffer.writeInt32BE(header.partitionLeaderEpoch, PARTITION_LEADER_EPOCH_OFFSET)
    buffer.writeInt8(2, MAGIC_OFFSET)
    buffer.writeInt16BE(attributes, ATTRIBUTES_OFFSET)
    buffer.writeInt32BE(header.lastOffsetDelta, LAST_OFFSET_DELTA_OFFSET)
    writeInt64(buffer, FIRST_TIMESTAMP_OFFSET, header.firstTimestamp)
    writeInt64(buffer, MAX_TIMESTAMP_OFFSET, header.maxTimestamp)
    buffer.writeBigInt64BE(header.producerId, PRODUCER_ID_OFFSET)
    buffer.writeInt16BE(header.producerEpoch, PRODUCER_EPOCH_OFFSET)
    buffer.writeInt32BE(header.baseSequence, BASE_SEQUENCE_OFFSET)
    buffer.writeInt32BE(header.count, RECORDS_COUNT_OFFSET)

    // Seal everything from the attributes on.
    const crc = crc32c(buffer, ATTRIBUTES_OFFSET, header.sizeInBytes)
    buffer.writeUInt32BE(crc, CRC_OFFSET)
  }

  get #attributes(): number {
    return this.buffer.readInt16BE(ATTRIBUTES_OFFSET)
  }

  #computed(): number {
    const end = Math.min(this.sizeInBytes, this.buffer.length)
    return crc32c(this.buffer, ATTRIBUTES_OFFSET, end)
  }
}
