/**
 * # MemoryRecords
 *
 * Batches one after the other in one `Buffer`: what a producer sent, what a file gave,
 * what goes into a response. Nothing is parsed until it is asked for, and a batch is a
 * view, so that the log's setters change the very bytes that the socket delivered.
 *
 *     MemoryRecords ─▶ batches() ─▶ RecordBatch ─▶ KafkaRecord
 *     (bytes)          (views)      (header)       (key, value: views)
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/MemoryRecords.java#MemoryRecords
 * @kafka clients/src/main/java/org/apache/kafka/common/record/AbstractRecords.java#AbstractRecords
 * @module
 */

import type { BytesSource } from '../base/bytes/ByteWriter.ts'
import { batchSizeAt, ensureKnownMagic, nextBatch } from './ByteBufferLogInputStream.ts'
import type { EndTransactionMarker } from './EndTransactionMarker.ts'
import type { KafkaRecord, SimpleRecord } from './KafkaRecord.ts'
import type { MemoryRecordsBuilderOptions } from './MemoryRecordsBuilder.ts'
import { MemoryRecordsBuilder } from './MemoryRecordsBuilder.ts'
import type { RecordBatch } from './RecordBatch.ts'
import { type FilterResult, filterTo, type RecordFilter } from './RecordFilter.ts'
import { RecordsUtil } from './RecordsUtil.ts'

/**
 * Records in an older format.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/ConvertedRecords.java#ConvertedRecords
 */
export interface ConvertedRecords {
  readonly records: MemoryRecords
  /** How many of them were written anew. */
  readonly conversionCount: number
}

/** Views that a set keeps: an append goes over its batches four times. */
const MAX_KEPT_BATCHES = 16

/** Batches in memory. */
export class MemoryRecords implements BytesSource {
  /** No batch at all. */
  static readonly EMPTY = new MemoryRecords(Buffer.alloc(0))

  /** All bytes, a trailing partial batch included. */
  readonly buffer: Buffer

  /** The first batches, as far as someone has gone. */
  readonly #kept: RecordBatch[] = []

  /** Whether the first batches are all that there are. */
  #keptAll = false

  /** @param buffer - batches one after the other; kept, not copied */
  constructor(buffer: Buffer) {
    this.buffer = buffer
  }

  /** Bytes, a trailing partial batch included. */
  get sizeInBytes(): number {
    return this.buffer.length
  }

  /**
   * Bytes of all whole batches.
   *
   * @throws CorruptRecordException when a size or format is impossible
   */
  get validBytes(): number {
    return this.#walk().validBytes
  }

  /**
   * The last whole batch; `undefined` when there is none. Those before it are stepped over.
   *
   * @throws CorruptRecordException when a size or format is impossible
   */
  get lastBatch(): RecordBatch | undefined {
    const { lastPosition } = this.#walk()
    return lastPosition < 0 ? undefined : nextBatch(this.buffer, lastPosition)
  }

  /**
   * Goes over the batches; a partial one at the end is left out.
   *
   * @throws CorruptRecordException on arriving at an impossible size or format
   */
  batches(): IterableIterator<RecordBatch, undefined> {
    return this.#keptAll ? this.#kept.values() : this.#walkBatches()
  }

  /**
   * Goes over the records of all batches.
   *
   * @throws CorruptRecordException as `batches()` does
   * @throws InvalidRecordException when a batch cannot be unpacked
   */
  *records(): Generator<KafkaRecord, void, undefined> {
    for (const batch of this.batches()) yield* batch
  }

  /**
   * Tells whether every batch is of a format.
   *
   * @param magic - 0, 1 or 2
   */
  hasMatchingMagic(magic: number): boolean {
    for (const batch of this.batches()) if (batch.magic !== magic) return false
    return true
  }

  /**
   * Tells whether every batch is of a format or an older one.
   *
   * @param magic - 0, 1 or 2
   */
  hasCompatibleMagic(magic: number): boolean {
    for (const batch of this.batches()) if (batch.magic > magic) return false
    return true
  }

  /**
   * Copies all bytes, a trailing partial batch included.
   *
   * @param target - has room for them
   * @param offset - index of the first byte
   * @returns bytes copied
   */
  copyInto(target: Buffer, offset: number): number {
    return this.buffer.copy(target, offset)
  }

  /**
   * Rewrites every batch that is newer than a format, for a fetcher that knows no
   * better. Where not even the first batch is whole, the bytes stay as they are: the
   * fetcher reads a length beyond what it asked for, and can tell its user.
   *
   * @param toMagic - the newest format that may come out
   * @param firstOffset - the fetch offset; uncompressed records below are left out
   *   when `toMagic` is below 2
   * @returns what the fetcher gets, and how many records of it were written anew
   * @kafka clients/src/main/java/org/apache/kafka/common/record/FileRecords.java#FileRecords.downConvert
   * @differs there bytes also stay when nothing but markers was read, in a format that the
   *   fetcher does not know; here it gets nothing
   */
  downConvert(toMagic: number, firstOffset: number): ConvertedRecords {
    if (this.batches().next().done) return { records: this, conversionCount: 0 }
    const converted = RecordsUtil.downConvert(this.batches(), toMagic, firstOffset)
    const { bytes, conversionCount } = converted
    return { records: new MemoryRecords(bytes), conversionCount }
  }

  /**
   * Leaves out records, as compaction does.
   *
   * @param filter - decides what stays
   * @returns new records and the count of what was read and kept
   */
  filterTo(filter: RecordFilter): FilterResult<MemoryRecords> {
    const result = filterTo(this.batches(), filter)
    return { ...result, output: new MemoryRecords(result.output) }
  }

  /**
   * Builds a set of one batch (uncompressed magic 0/1: of one batch a record).
   *
   * @param options - what the batch is
   * @param records - in order
   */
  static withRecords(
    options: MemoryRecordsBuilderOptions,
    ...records: readonly SimpleRecord[]
  ): MemoryRecords {
    const builder = new MemoryRecordsBuilder(options)
    for (const record of records) builder.append(record)
    return new MemoryRecords(builder.build())
  }

  /**
   * Builds the control batch that ends a transaction.
   *
   * @param options - where it stands and whose transaction it is
   * @param marker - commit or abort
   */
  static withEndTransactionMarker(
    options: {
      readonly baseOffset?: number | undefined
      /** Milliseconds since 1970. */
      readonly timestamp: number
      readonly partitionLeaderEpoch?: number | undefined
      readonly producerId: bigint
      readonly producerEpoch: number
    },
    marker: EndTransactionMarker,
  ): MemoryRecords {
    const { timestamp, ...rest } = options
    const builder = new MemoryRecordsBuilder({
      ...rest,
      isTransactional: true,
      isControlBatch: true,
    })
    builder.appendEndTxnMarker(timestamp, marker)
    return new MemoryRecords(builder.build())
  }

  /** Steps from size to size, without a view for each batch. */
  #walk(): { readonly validBytes: number; readonly lastPosition: number } {
    let position = 0
    let lastPosition = -1
    for (;;) {
      const size = batchSizeAt(this.buffer, position)
      if (size === undefined || this.buffer.length - position < size) break
      ensureKnownMagic(this.buffer, position)
      lastPosition = position
      position += size
    }
    return { validBytes: position, lastPosition }
  }

  *#walkBatches(): Generator<RecordBatch, undefined, undefined> {
    for (let n = 0, position = 0; ; n++) {
      const batch = this.#kept[n] ?? this.#batchAt(position, n)
      if (batch === undefined) {
        this.#keptAll = n === this.#kept.length
        return
      }
      yield batch
      position += batch.sizeInBytes
    }
  }

  #batchAt(position: number, n: number): RecordBatch | undefined {
    const batch = nextBatch(this.buffer, position)
    const isFew = n < MAX_KEPT_BATCHES
    if (batch !== undefined && isFew) this.#kept[n] = batch
    return batch
  }
}
