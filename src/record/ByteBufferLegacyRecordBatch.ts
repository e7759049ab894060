/**
 * # ByteBufferLegacyRecordBatch
 *
 * A message of magic 0 or 1 with its place, seen as a batch: of one record when it is
 * not compressed, else of the records of its inner set. One level only: an inner
 * message that is compressed again is refused.
 *
 *     [offset 8 | size 4 | message size]
 *                └ codec ≠ 0: value = packed ([offset 8 | size 4 | message])*
 *
 * | | offset of the wrapper | offsets inside | timestamp of the wrapper |
 * |---|---|---|---|
 * | v0 | of the last inner message | absolute | none |
 * | v1 | of the last inner message | 0, 1, 2 … relative | largest inner, or append |
 *
 * So the *first* offset of a compressed batch is known only after unpacking it, which
 * is one of the reasons for magic 2.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/AbstractLegacyRecordBatch.java#ByteBufferLegacyRecordBatch
 * @kafka clients/src/main/java/org/apache/kafka/common/record/AbstractLegacyRecordBatch.java#DeepRecordsIterator
 * @module
 */

import { readInt64, writeInt64 } from '../base/bytes/int64.ts'
import {
  CorruptRecordException,
  IllegalStateException,
  InvalidRecordException,
} from '../base/errors.ts'
import type { CompressionType } from './CompressionType.ts'
import type { KafkaRecord, RecordCursor, RecordHeader } from './KafkaRecord.ts'
import { LegacyRecord, RECORD_OVERHEAD_V0, RECORD_OVERHEAD_V1 } from './LegacyRecord.ts'
import { LegacyRecordCursor } from './LegacyRecordCursor.ts'
import { LOG_OVERHEAD, RecordBatch } from './RecordBatch.ts'
import type { TimestampType } from './TimestampType.ts'

const SIZE_OFFSET = 8
const NO_HEADERS: readonly RecordHeader[] = []

/** A batch of magic 0 or 1 over its bytes; uncompressed, it is its own only record. */
export class ByteBufferLegacyRecordBatch implements RecordBatch, KafkaRecord {
  readonly buffer: Buffer
  /** The message behind offset and size. */
  readonly outerRecord: LegacyRecord
  /** Offset when it is another than the bytes say: inside a v1 wrapper. */
  readonly #absoluteOffset: number | undefined

  /**
   * @param buffer - the batch's bytes, from its offset on
   * @param inner - for a message out of a wrapper: its absolute offset and what the
   *   wrapper's timestamp makes of it
   * @throws InvalidRecordException when shorter than its format
   */
  constructor(
    buffer: Buffer,
    inner?: { readonly offset: number; readonly record: LegacyRecord },
  ) {
    this.buffer = buffer
    this.outerRecord = inner?.record ?? new LegacyRecord(buffer.subarray(LOG_OVERHEAD))
    this.#absoluteOffset = inner?.offset
    const size = this.outerRecord.sizeInBytes
    if (size < RECORD_OVERHEAD_V0 || (this.magic > 0 && size < RECORD_OVERHEAD_V1)) {
      throw new InvalidRecordException(`a message of ${size} bytes is too short`)
    }
  }

  get offset(): number {
    return this.#absoluteOffset ?? readInt64(this.buffer, 0)
  }

  get lastOffset(): number {
    return this.offset
  }

  get nextOffset(): number {
    return this.offset + 1
  }

  get baseOffset(): number {
    return this.isCompressed ? this.#innerBatches()[0]!.offset : this.offset
  }

  get magic(): number {
    return this.outerRecord.magic
  }

  get sizeInBytes(): number {
    return LOG_OVERHEAD + this.outerRecord.sizeInBytes
  }

  get compressionType(): CompressionType {
    return this.outerRecord.compressionType
  }

  get isCompressed(): boolean {
    return this.outerRecord.isCompressed
  }

  get timestampType(): TimestampType {
    return this.outerRecord.timestampType
  }

  get timestamp(): number {
    return this.outerRecord.timestamp
  }

  get maxTimestamp(): number {
    return this.timestamp
  }

  get firstTimestamp(): number {
    return this.timestamp
  }

  get producerId(): bigint {
    return RecordBatch.NO_PRODUCER_ID
  }

  get producerEpoch(): number {
    return RecordBatch.NO_PRODUCER_EPOCH
  }

  get baseSequence(): number {
    return RecordBatch.NO_SEQUENCE
  }

  get lastSequence(): number {
    return RecordBatch.NO_SEQUENCE
  }

  get sequence(): number {
    return RecordBatch.NO_SEQUENCE
  }

  get hasProducerId(): boolean {
    return false
  }

  get isTransactional(): boolean {
    return false
  }

  get isControlBatch(): boolean {
    return false
  }

  get partitionLeaderEpoch(): number {
    return RecordBatch.NO_PARTITION_LEADER_EPOCH
  }

  get countOrNull(): null {
    return null
  }

  get checksum(): number {
    return this.outerRecord.checksum
  }

  get isValid(): boolean {
    return this.outerRecord.isValid
  }

  get hasKey(): boolean {
    return this.outerRecord.hasKey
  }

  get key(): Buffer | null {
    return this.outerRecord.key
  }

  get value(): Buffer | null {
    return this.outerRecord.value
  }

  get headers(): readonly RecordHeader[] {
    return NO_HEADERS
  }

  hasMagic(magic: number): boolean {
    return this.magic === magic
  }

  ensureValid(): void {
    this.outerRecord.ensureValid()
    if (!Number.isSafeInteger(this.offset)) {
      throw new InvalidRecordException(`an offset of ${this.offset} is too large`)
    }
  }

  setLastOffset(offset: number): void {
    writeInt64(this.buffer, 0, offset)
  }

  setPartitionLeaderEpoch(_epoch: number): void {
    throw new IllegalStateException('formats before magic 2 have no leader epoch')
  }

  setMaxTimestamp(timestampType: TimestampType, maxTimestamp: number): void {
    const same = this.timestampType === timestampType && this.timestamp === maxTimestamp
    if (!same) this.outerRecord.setTimestamp(timestampType, maxTimestamp)
  }

  streamingIterator(maxBytes?: number): RecordCursor {
    const records = this.isCompressed ? this.#innerBatches(maxBytes) : [this]
    return new LegacyRecordCursor(records)
  }

  *[Symbol.iterator](): Iterator<KafkaRecord> {
    if (this.isCompressed) yield* this.#innerBatches()
    else yield this
  }

  /** Unpacks the inner set and gives its messages their absolute offsets. */
  #innerBatches(maxBytes?: number): ByteBufferLegacyRecordBatch[] {
    // Unpack the wrapper's value.
    const { magic, timestamp, timestampType, compressionType } = this.outerRecord
    const packed = this.value
    if (packed === null) {
      throw new InvalidRecordException('a compressed message without a value')
    }
    const set = compressionType.decompress(packed, { magic, maxBytes })

    // Cut it into messages, which live by the wrapper's kind of timestamp.
    const inner: { readonly at: Buffer; readonly record: LegacyRecord }[] = []
    for (const at of innerSlices(set)) {
      const plain = new LegacyRecord(at.subarray(LOG_OVERHEAD))
      if (plain.magic !== 0 && plain.magic !== 1) {
        throw new InvalidRecordException(`an inner message of magic ${plain.magic}`)
      }
      if (plain.isCompressed) {
        throw new InvalidRecordException('inner messages must not be compressed')
      }
      const record =
        plain.magic === 1
          ? new LegacyRecord(plain.buffer, { timestamp, timestampType })
          : plain
      inner.push({ at, record })
    }
    const last = inner.at(-1)
    if (last === undefined) {
      throw new InvalidRecordException('a compressed message without inner messages')
    }

    // Shift relative offsets so that the last message has the wrapper's offset. Some
    // versions of librdkafka send 0 for the wrapper: then they stay as they are.
    const lastInner = readInt64(last.at, 0)
    const wrapperOffset = this.offset
    const base = magic === 1 && wrapperOffset !== 0 ? wrapperOffset - lastInner : 0
    if (base < 0) {
      throw new InvalidRecordException(
        `wrapper offset ${wrapperOffset} is below the last inner offset ${lastInner}`,
      )
    }
    return inner.map(({ at, record }) => {
      const offset = base + readInt64(at, 0)
      return new ByteBufferLegacyRecordBatch(at, { offset, record })
    })
  }
}

/** Cuts an inner set into its messages; a partial one at the end is left out. */
function* innerSlices(set: Buffer): Generator<Buffer> {
  let position = 0
  while (set.length - position >= LOG_OVERHEAD) {
    const size = set.readInt32BE(position + SIZE_OFFSET)
    if (size < RECORD_OVERHEAD_V0) {
      throw new CorruptRecordException(`an inner message of ${size} bytes is too short`)
    }
    const end = position + LOG_OVERHEAD + size
    if (end > set.length) return
    yield set.subarray(position, end)
    position = end
  }
}
