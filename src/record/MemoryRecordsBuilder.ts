/**
 * # MemoryRecordsBuilder
 *
 * Writes one batch: records first, behind a gap for the header, then the header over
 * them, because length, count, largest timestamp and CRC are known only at the end.
 *
 *     magic 2:               [header 61   | records, packed as one block        ]
 *     magic 0/1, packed:     [offset, size, wrapper header | packed inner set   ]
 *     magic 0/1, unpacked:   message after message, each a batch of its own
 *
 * Invariants: offsets ascend; the first record fixes the first timestamp; after
 * `build()` nothing can be added.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/MemoryRecordsBuilder.java#MemoryRecordsBuilder
 * @differs no write limit and no size estimate: nothing here batches while it waits
 * @module
 */

import { writeInt64 } from '../base/bytes/int64.ts'
import { sizeOfVarint } from '../base/bytes/varint.ts'
import { crc32 } from '../base/crc.ts'
import { IllegalArgumentException, IllegalStateException } from '../base/errors.ts'
import { CompressionType } from './CompressionType.ts'
import { ControlRecordType } from './ControlRecordType.ts'
import { DefaultRecord } from './DefaultRecord.ts'
import { DefaultRecordBatch } from './DefaultRecordBatch.ts'
import type { EndTransactionMarker } from './EndTransactionMarker.ts'
import type { RecordHeader, SimpleRecord } from './KafkaRecord.ts'
import { LegacyRecord, recordOverhead } from './LegacyRecord.ts'
import { LOG_OVERHEAD, RECORD_BATCH_OVERHEAD, RecordBatch } from './RecordBatch.ts'
import { TimestampType } from './TimestampType.ts'

const NO_HEADERS: readonly RecordHeader[] = []
const INITIAL_CAPACITY = 512

/** What a batch is; everything may be left out. */
export interface MemoryRecordsBuilderOptions {
  /** 0, 1 or 2; 2 when left out. */
  readonly magic?: number | undefined
  /** NONE when left out. */
  readonly compressionType?: CompressionType | undefined
  /** CreateTime when left out; for magic 0 it does not matter. */
  readonly timestampType?: TimestampType | undefined
  /** Offset of the first record; 0 when left out. */
  readonly baseOffset?: number | undefined
  /** The time for LogAppendTime, in milliseconds since 1970; -1 when left out. */
  readonly logAppendTime?: number | undefined
  /** Magic 2 only; -1n, none, when left out. */
  readonly producerId?: bigint | undefined
  readonly producerEpoch?: number | undefined
  readonly baseSequence?: number | undefined
  readonly isTransactional?: boolean | undefined
  readonly isControlBatch?: boolean | undefined
  /** -1, none, when left out. */
  readonly partitionLeaderEpoch?: number | undefined
  /** Bytes to begin with; the buffer grows when they do not do. */
  readonly initialCapacity?: number | undefined
}

/** What the log's time index wants to know of a set just built. */
export interface RecordsInfo {
  /** Largest timestamp, or the append time; -1 when there is none. */
  readonly maxTimestamp: number
  /** Offset of the batch (for uncompressed magic 0/1: of the message) that has it. */
  readonly shallowOffsetOfMaxTimestamp: number
}

/** Builds the bytes of one batch (uncompressed magic 0/1: of several). */
export class MemoryRecordsBuilder {
  readonly magic: number
  readonly compressionType: CompressionType
  readonly timestampType: TimestampType
  readonly #baseOffset: number
  readonly #logAppendTime: number
  readonly #producerId: bigint
  readonly #producerEpoch: number
  readonly #baseSequence: number
  readonly #isTransactional: boolean
  readonly #isControlBatch: boolean
  readonly #partitionLeaderEpoch: number
  readonly #headerBytes: number

  #buffer: Buffer
  #position: number
  #numRecords = 0
  #lastOffset: number | undefined
  #firstTimestamp: number | undefined
  #maxTimestamp: number = RecordBatch.NO_TIMESTAMP
  #offsetOfMaxTimestamp = -1
  #built: Buffer | undefined

  /**
   * @param options - what the batch is
   * @throws IllegalArgumentException for a transactional or control batch below magic 2
   */
  constructor(options: MemoryRecordsBuilderOptions = {}) {
    // Take the options, with "none" for what is left out.
    this.magic = options.magic ?? RecordBatch.CURRENT_MAGIC_VALUE
    this.compressionType = options.compressionType ?? CompressionType.NONE
    this.timestampType = options.timestampType ?? TimestampType.CREATE_TIME
    this.#baseOffset = options.baseOffset ?? 0
    this.#logAppendTime = options.logAppendTime ?? RecordBatch.NO_TIMESTAMP
    this.#producerId = options.producerId ?? RecordBatch.NO_PRODUCER_ID
    this.#producerEpoch = options.producerEpoch ?? RecordBatch.NO_PRODUCER_EPOCH
    this.#baseSequence = options.baseSequence ?? RecordBatch.NO_SEQUENCE
    this.#isTransactional = options.isTransactional ?? false
    this.#isControlBatch = options.isControlBatch ?? false
    this.#partitionLeaderEpoch =
      options.partitionLeaderEpoch ?? RecordBatch.NO_PARTITION_LEADER_EPOCH

    // Refuse what the format has no place for.
    const legacy = this.magic < RecordBatch.MAGIC_VALUE_V2
    if (legacy && (this.#isTransactional || this.#isControlBatch)) {
      throw new IllegalArgumentException(
        `magic ${this.magic} has no transactional and no control batches`,
      )
    }
    if (!legacy && this.timestampType === TimestampType.NO_TIMESTAMP_TYPE) {
      throw new IllegalArgumentException('the timestamp type must be set for magic > 0')
    }

    // Leave a gap for the header.
    this.#headerBytes = headerBytes(this.magic, this.compressionType)
    const capacity = Math.max(
      this.#headerBytes,
      options.initialCapacity ?? INITIAL_CAPACITY,
    )
    this.#buffer = Buffer.allocUnsafe(capacity)
    this.#position = this.#headerBytes
  }

  /** Records added so far. */
  get numRecords(): number {
    return this.#numRecords
  }

  /** Bytes of the batch so far, before any packing. */
  get uncompressedBytes(): number {
    return this.#position
  }

  /**
   * Adds a record at the next offset.
   *
   * @param record - key, value, timestamp, headers
   */
  append(record: SimpleRecord): void {
    const offset =
      this.#lastOffset === undefined ? this.#baseOffset : this.#lastOffset + 1
    this.appendWithOffset(offset, record)
  }

  /**
   * Adds a record at an offset.
   *
   * @param offset - above all offsets before
   * @param record - key, value, timestamp, headers
   * @throws IllegalArgumentException for an offset that does not ascend, a timestamp
   *   below -1, or headers below magic 2
   * @throws IllegalStateException after `build()`
   */
  appendWithOffset(offset: number, record: SimpleRecord): void {
    // Refuse what would make a batch that no reader takes.
    const timestamp = record.timestamp ?? RecordBatch.NO_TIMESTAMP
    const headers = record.headers ?? NO_HEADERS
    this.#checkAppend(offset, timestamp, headers)
    this.#firstTimestamp ??= timestamp

    const key = record.key ?? null
    const value = record.value ?? null
    if (this.magic > RecordBatch.MAGIC_VALUE_V1) {
      this.#appendDefaultRecord(offset, timestamp, key, value, headers)
    } else {
      this.#appendLegacyRecord(offset, timestamp, key, value)
    }
  }

  /**
   * Adds the marker that ends a transaction.
   *
   * @param timestamp - milliseconds since 1970
   * @param marker - commit or abort
   * @throws IllegalArgumentException when this is no transactional control batch with a
   *   producer id
   */
  appendEndTxnMarker(timestamp: number, marker: EndTransactionMarker): void {
    if (this.#producerId === RecordBatch.NO_PRODUCER_ID) {
      throw new IllegalArgumentException('an end marker needs a producer id')
    }
    if (!this.#isTransactional || !this.#isControlBatch) {
      throw new IllegalArgumentException(
        'end markers go into transactional control batches',
      )
    }
    const key = ControlRecordType.recordKey(marker.controlType)
    this.append({ timestamp, key, value: marker.serializeValue() })
  }

  /**
   * Sets the last offset of the batch, so that it stays when compaction took the
   * record.
   *
   * @param lastOffset - at least that of the last record added
   * @throws IllegalStateException after `build()` and below magic 2
   */
  overrideLastOffset(lastOffset: number): void {
    if (this.#built !== undefined || this.magic < RecordBatch.MAGIC_VALUE_V2) {
      throw new IllegalStateException('the last offset cannot be set')
    }
    this.#lastOffset = lastOffset
  }

  /**
   * Finishes the batch: packs the records and writes the header.
   *
   * @returns the bytes, a view; empty when no record was added
   * @throws IllegalArgumentException when the producer's fields do not fit together
   */
  build(): Buffer {
    if (this.#built !== undefined) return this.#built
    this.#validateProducerState()

    if (this.#numRecords === 0) this.#built = Buffer.alloc(0)
    else if (this.magic > RecordBatch.MAGIC_VALUE_V1) this.#built = this.#buildDefault()
    else if (this.#isPacked) this.#built = this.#buildWrapper()
    else this.#built = this.#buffer.subarray(0, this.#position)
    return this.#built
  }

  /** Tells what the log's time index wants to know; meaningful after `build()`. */
  info(): RecordsInfo {
    const lastOffset = this.#lastOffset ?? -1
    const oneBatch = this.#isPacked || this.magic >= RecordBatch.MAGIC_VALUE_V2
    if (this.timestampType === TimestampType.LOG_APPEND_TIME) {
      return {
        maxTimestamp: this.#logAppendTime,
        shallowOffsetOfMaxTimestamp: oneBatch ? lastOffset : this.#baseOffset,
      }
    }
    const hasNone = this.#maxTimestamp === RecordBatch.NO_TIMESTAMP
    return {
      maxTimestamp: this.#maxTimestamp,
      shallowOffsetOfMaxTimestamp:
        hasNone || oneBatch ? lastOffset : this.#offsetOfMaxTimestamp,
    }
  }

  get #isPacked(): boolean {
    return this.compressionType !== CompressionType.NONE
  }

  #checkAppend(
    offset: number,
    timestamp: number,
    headers: readonly RecordHeader[],
  ): void {
    if (this.#built !== undefined) throw new IllegalStateException('the batch is built')
    if (offset <= (this.#lastOffset ?? this.#baseOffset - 1)) {
      throw new IllegalArgumentException(
        `offset ${offset} does not follow ${this.#lastOffset ?? this.#baseOffset - 1}`,
      )
    }
    if (!Number.isInteger(timestamp) || timestamp < RecordBatch.NO_TIMESTAMP) {
      throw new IllegalArgumentException(`invalid timestamp ${timestamp}`)
    }
    if (this.magic < RecordBatch.MAGIC_VALUE_V2 && headers.length > 0) {
      throw new IllegalArgumentException(`magic ${this.magic} has no record headers`)
    }
  }

  #appendDefaultRecord(
    offset: number,
    timestamp: number,
    key: Buffer | null,
    value: Buffer | null,
    headers: readonly RecordHeader[],
  ): void {
    const deltas = {
      offsetDelta: offset - this.#baseOffset,
      timestampDelta: timestamp - this.#firstTimestamp!,
    }
    const bodyBytes = DefaultRecord.sizeOfBodyInBytes(deltas, key, value, headers)
    const at = this.#reserve(sizeOfVarint(bodyBytes) + bodyBytes)
    DefaultRecord.writeTo(this.#buffer, at, bodyBytes, deltas, { key, value, headers })
    this.#recordWritten(offset, timestamp)
  }

  #appendLegacyRecord(
    offset: number,
    createTime: number,
    key: Buffer | null,
    value: Buffer | null,
  ): void {
    // Put offset and size first; inside a v1 wrapper offsets are relative.
    const size = LegacyRecord.recordSize(this.magic, key, value)
    const at = this.#reserve(LOG_OVERHEAD + size)
    const isRelative = this.magic > RecordBatch.MAGIC_VALUE_V0 && this.#isPacked
    writeInt64(this.#buffer, at, isRelative ? offset - this.#baseOffset : offset)
    this.#buffer.writeInt32BE(size, at + 8)

    // Write the message with its own CRC.
    const isAppendTime = this.timestampType === TimestampType.LOG_APPEND_TIME
    const timestamp = isAppendTime ? this.#logAppendTime : createTime
    LegacyRecord.write(this.#buffer, at + LOG_OVERHEAD, {
      magic: this.magic,
      timestamp,
      key,
      value,
      compressionType: CompressionType.NONE,
      timestampType: this.timestampType,
    })
    this.#recordWritten(offset, timestamp)
  }

  #recordWritten(offset: number, timestamp: number): void {
    this.#numRecords++
    this.#lastOffset = offset
    if (this.magic > RecordBatch.MAGIC_VALUE_V0 && timestamp > this.#maxTimestamp) {
      this.#maxTimestamp = timestamp
      this.#offsetOfMaxTimestamp = offset
    }
  }

  /** Makes room for so many bytes. @returns index of the first */
  #reserve(bytes: number): number {
    const at = this.#position
    this.#position += bytes
    if (this.#position > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(
        Math.max(this.#position, this.#buffer.length * 2),
      )
      this.#buffer.copy(larger, 0, 0, at)
      this.#buffer = larger
    }
    return at
  }

  #validateProducerState(): void {
    const hasProducerId = this.#producerId !== RecordBatch.NO_PRODUCER_ID
    if (this.#isTransactional && !hasProducerId) {
      throw new IllegalArgumentException('a transactional batch needs a producer id')
    }
    if (!hasProducerId) return
    if (this.#producerEpoch === RecordBatch.NO_PRODUCER_EPOCH) {
      throw new IllegalArgumentException('a producer id needs an epoch')
    }
    if (this.#baseSequence < 0 && !this.#isControlBatch) {
      throw new IllegalArgumentException('a producer id needs a sequence number')
    }
    if (this.magic < RecordBatch.MAGIC_VALUE_V2) {
      throw new IllegalArgumentException(`magic ${this.magic} has no producer ids`)
    }
  }

  #buildDefault(): Buffer {
    const bytes = this.#pack()
    const isAppendTime = this.timestampType === TimestampType.LOG_APPEND_TIME
    DefaultRecordBatch.writeHeader(bytes, {
      baseOffset: this.#baseOffset,
      lastOffsetDelta: this.#lastOffset! - this.#baseOffset,
      sizeInBytes: bytes.length,
      compressionType: this.compressionType,
      timestampType: this.timestampType,
      firstTimestamp: this.#firstTimestamp!,
      maxTimestamp: isAppendTime ? this.#logAppendTime : this.#maxTimestamp,
      producerId: this.#producerId,
      producerEpoch: this.#producerEpoch,
      baseSequence: this.#baseSequence,
      isTransactional: this.#isTransactional,
      isControlBatch: this.#isControlBatch,
      partitionLeaderEpoch: this.#partitionLeaderEpoch,
      count: this.#numRecords,
    })
    return bytes
  }

  #buildWrapper(): Buffer {
    // Write the wrapper as a message whose value is the packed set.
    const isAppendTime = this.timestampType === TimestampType.LOG_APPEND_TIME
    const bytes = this.#pack()
    LegacyRecord.write(bytes, LOG_OVERHEAD, {
      magic: this.magic,
      timestamp: isAppendTime ? this.#logAppendTime : this.#maxTimestamp,
      key: null,
      value: Buffer.alloc(0),
      compressionType: this.compressionType,
      timestampType: this.timestampType,
    })

    // Set the true length of the value, which is in place already, and seal it all.
    bytes.writeInt32BE(bytes.length - this.#headerBytes, this.#headerBytes - 4)
    bytes.writeUInt32BE(crc32(bytes, LOG_OVERHEAD + 4), LOG_OVERHEAD)
    writeInt64(bytes, 0, this.#lastOffset!)
    bytes.writeInt32BE(bytes.length - LOG_OVERHEAD, 8)
    return bytes
  }

  /** Packs what lies behind the gap. @returns gap and packed bytes */
  #pack(): Buffer {
    if (!this.#isPacked) return this.#buffer.subarray(0, this.#position)
    const plain = this.#buffer.subarray(this.#headerBytes, this.#position)
    const packed = this.compressionType.compress(plain, this.magic)
    return Buffer.concat([this.#buffer.subarray(0, this.#headerBytes), packed])
  }
}

/**
 * Tells how many bytes stand before the records of a batch.
 *
 * @param magic - format of the batch
 * @param compressionType - its codec; below magic 2, NONE has no header of its own
 * @kafka clients/src/main/java/org/apache/kafka/common/record/AbstractRecords.java#recordBatchHeaderSizeInBytes
 */
export function headerBytes(magic: number, compressionType: CompressionType): number {
  if (magic > RecordBatch.MAGIC_VALUE_V1) return RECORD_BATCH_OVERHEAD
  if (compressionType === CompressionType.NONE) return 0
  return LOG_OVERHEAD + recordOverhead(magic)
}
