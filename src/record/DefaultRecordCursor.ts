/**
 * # DefaultRecordCursor
 *
 * The walk over the records of a magic-2 batch: the hot path of every produce. It reads
 * the framing of each record into plain number fields and steps over key and value, so
 * that checking a batch of ten thousand records makes no object but this one.
 *
 * Invariants: never reads past the bytes it was given; a batch that ends early, says
 * too many bytes, holds an impossible length or a time 2^53 ms from the batch's own ends
 * in an InvalidRecordException and nothing else.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/DefaultRecordBatch.java#RecordIterator
 * @kafka clients/src/main/java/org/apache/kafka/common/record/DefaultRecord.java#readFrom
 * @module
 */

import { InvalidRecordException } from '../base/errors.ts'
import { DefaultRecord } from './DefaultRecord.ts'
import type { KafkaRecord, RecordCursor, RecordHeader } from './KafkaRecord.ts'

const NO_HEADERS: readonly RecordHeader[] = []
const INT32_MAX = 0x7fff_ffff

/** What the batch tells its cursor. */
export interface CursorOrigin {
  /** Number of records that the header announces; not negative. */
  readonly count: number
  /** What offset deltas add to. */
  readonly baseOffset: number
  /** What timestamp deltas add to. */
  readonly firstTimestamp: number
  /** Time that stands for every record's own; undefined for CreateTime. */
  readonly logAppendTime: number | undefined
  /** Sequence of the first record; -1 for none. */
  readonly baseSequence: number
}

/** Walks the records of one magic-2 batch. */
export class DefaultRecordCursor implements RecordCursor {
  offset = -1
  timestamp = -1
  sizeInBytes = 0
  hasKey = false
  hasValue = false

  readonly #bytes: Buffer
  readonly #origin: CursorOrigin
  readonly #count: number
  readonly #baseOffset: number
  readonly #firstTimestamp: number
  readonly #isAppendTime: boolean
  readonly #logAppendTime: number
  #offsetDelta = 0
  #read = 0
  #position = 0
  /** No byte of the record may be read from here on. */
  #limit = 0
  #keyAt = 0
  #keyBytes = -1
  #valueAt = 0
  #valueBytes = -1
  #headersAt = 0
  #headerCount = 0

  /**
   * @param bytes - the records, unpacked, and nothing else
   * @param origin - what they are relative to
   */
  constructor(bytes: Buffer, origin: CursorOrigin) {
    this.#bytes = bytes
    this.#origin = origin
    this.#count = origin.count
    this.#baseOffset = origin.baseOffset
    this.#firstTimestamp = origin.firstTimestamp
    this.#isAppendTime = origin.logAppendTime !== undefined
    this.#logAppendTime = origin.logAppendTime ?? -1
  }

  get sequence(): number {
    return incrementSequence(this.#origin.baseSequence, this.#offsetDelta)
  }

  get isCompressed(): boolean {
    return false
  }

  hasMagic(magic: number): boolean {
    return magic >= 2
  }

  ensureValid(): void {}

  rewind(): void {
    this.#read = 0
    this.#position = 0
  }

  next(): boolean {
    // End after the announced number, where nothing may be left over.
    if (this.#read === this.#count) return this.#end()
    this.#read++

    // Take the record's own length as the limit of everything in it.
    const start = this.#position
    this.#limit = this.#bytes.length
    const bodyBytes = this.#readVarint()
    const end = this.#position + bodyBytes
    if (bodyBytes < 0 || end > this.#bytes.length) this.#fail('a record ends too late')
    this.#limit = end
    this.sizeInBytes = end - start

    // Step over the attributes and add the deltas to the batch's first record.
    this.#position++
    const timestamp = this.#firstTimestamp + this.#readVarlong()
    this.timestamp = this.#isAppendTime ? this.#logAppendTime : timestamp
    this.#offsetDelta = this.#readVarint()
    this.offset = this.#baseOffset + this.#offsetDelta
    if (Math.abs(timestamp) > 2 ** 63) this.#fail(`timestamp ${timestamp}`)

    // Step over key and value, keeping where they are.
    this.#keyBytes = this.#readVarint()
    this.hasKey = this.#keyBytes >= 0
    this.#keyAt = this.#position
    if (this.#keyBytes > 0) this.#skip(this.#keyBytes)
    this.#valueBytes = this.#readVarint()
    this.hasValue = this.#valueBytes >= 0
    this.#valueAt = this.#position
    if (this.#valueBytes > 0) this.#skip(this.#valueBytes)

    // Step over the headers and demand that the record ends with them.
    this.#headerCount = this.#readVarint()
    this.#headersAt = this.#position
    if (this.#headerCount !== 0) this.#skipHeaders()
    if (this.#position !== end) this.#fail('a record has bytes left over')
    return true
  }

  key(): Buffer | null {
    return this.#slice(this.#keyAt, this.#keyBytes)
  }

  record(): KafkaRecord {
    return new DefaultRecord({
      offset: this.offset,
      timestamp: this.timestamp,
      sequence: this.sequence,
      sizeInBytes: this.sizeInBytes,
      key: this.#slice(this.#keyAt, this.#keyBytes),
      value: this.#slice(this.#valueAt, this.#valueBytes),
      headers: this.#headerCount === 0 ? NO_HEADERS : this.#headers(),
    })
  }

  #slice(at: number, length: number): Buffer | null {
    return length < 0 ? null : this.#bytes.subarray(at, at + length)
  }

  #headers(): readonly RecordHeader[] {
    const resume = this.#position
    this.#position = this.#headersAt
    const headers: RecordHeader[] = []
    for (let i = 0; i < this.#headerCount; i++) {
      const keyBytes = this.#readVarint()
      const key = this.#bytes.toString(
        'utf8',
        this.#position,
        this.#position + keyBytes,
      )
      this.#position += keyBytes
      const valueBytes = this.#readVarint()
      const value = this.#slice(this.#position, valueBytes)
      if (valueBytes > 0) this.#position += valueBytes
      headers.push({ key, value })
    }
    this.#position = resume
    return headers
  }

  #skipHeaders(): void {
    if (this.#headerCount < 0) this.#fail(`${this.#headerCount} headers`)
    for (let i = 0; i < this.#headerCount; i++) {
      const keyBytes = this.#readVarint()
      if (keyBytes < 0) this.#fail('a header without a key')
      this.#skip(keyBytes)
      const valueBytes = this.#readVarint()
      if (valueBytes > 0) this.#skip(valueBytes)
    }
  }

  #skip(length: number): void {
    this.#position += length
    if (this.#position > this.#limit) this.#fail('a field ends beyond its record')
  }

  #readVarint(): number {
    // Most lengths and deltas are one byte.
    const bytes = this.#bytes
    let position = this.#position
    if (position >= this.#limit) this.#fail('a record is cut short')
    let byte = bytes[position++]!
    if (byte < 0x80) {
      this.#position = position
      return (byte >>> 1) ^ -(byte & 1)
    }

    // Add seven bits a byte, at most five bytes.
    let zigzag = byte & 0x7f
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 28) this.#fail('a number of more than 32 bits')
      if (position >= this.#limit) this.#fail('a record is cut short')
      byte = bytes[position++]!
      zigzag |= (byte & 0x7f) << shift
    }
    this.#position = position
    return (zigzag >>> 1) ^ -(zigzag & 1)
  }

  #readVarlong(): number {
    // Read up to four bytes as a small number.
    const bytes = this.#bytes
    let position = this.#position
    let zigzag = 0
    let byte = 0x80
    for (let shift = 0; byte >= 0x80 && shift < 28; shift += 7) {
      if (position >= this.#limit) this.#fail('a record is cut short')
      byte = bytes[position++]!
      zigzag |= (byte & 0x7f) << shift
    }
    if (byte < 0x80) {
      this.#position = position
      return (zigzag >>> 1) ^ -(zigzag & 1)
    }

    // Go on by multiplication, which stays exact where shifts of 32 bits do not.
    for (let factor = 0x1000_0000; byte >= 0x80; factor *= 0x80) {
      if (factor > 2 ** 63) this.#fail('a number of more than 64 bits')
      if (position >= this.#limit) this.#fail('a record is cut short')
      byte = bytes[position++]!
      zigzag += (byte & 0x7f) * factor
    }
    this.#position = position
    if (zigzag > Number.MAX_SAFE_INTEGER) this.#fail('a timestamp 2^53 ms away')
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
  }

  #end(): false {
    if (this.#position !== this.#bytes.length && this.#count > 0) {
      this.#fail('bytes are left over after the last record')
    }
    return false
  }

  #fail(reason: string): never {
    throw new InvalidRecordException(
      `record ${this.#read} of the batch at offset ${this.#baseOffset}: ${reason}`,
    )
  }
}

/**
 * Adds to a sequence number, which wraps from 2^31-1 to 0.
 *
 * @param baseSequence - -1 for none, which stays none
 * @param increment - not negative
 * @returns int32
 * @kafka clients/src/main/java/org/apache/kafka/common/record/DefaultRecordBatch.java#incrementSequence
 */
export function incrementSequence(baseSequence: number, increment: number): number {
  if (baseSequence < 0) return -1
  const sequence = baseSequence + increment
  return sequence > INT32_MAX ? sequence - INT32_MAX - 1 : sequence
}
