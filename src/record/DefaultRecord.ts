/**
 * # DefaultRecord
 *
 * One record of a magic-2 batch, written and read.
 *
 *     [length varint | attributes 1 | timestampDelta varlong | offsetDelta varint
 *      | keyLength varint (-1 null) | key | valueLength varint (-1 null) | value
 *      | headerCount varint | {keyLength varint | key | valueLength varint | value}*]
 *
 * Deltas are against the batch's first timestamp and base offset, so that a record of a
 * busy topic needs one byte for each. A record has no CRC of its own.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/DefaultRecord.java#DefaultRecord
 * @module
 */

import {
  sizeOfVarint,
  sizeOfVarlong,
  writeVarint,
  writeVarlong,
} from '../base/bytes/varint.ts'
import type { KafkaRecord, RecordHeader } from './KafkaRecord.ts'

/** Bytes that a record can need beside key, value and headers. */
export const MAX_RECORD_OVERHEAD = 21

/** A record that stands in its batch at these deltas. */
export interface RecordDeltas {
  /** Offset minus base offset; int32, not negative. */
  readonly offsetDelta: number
  /** Timestamp minus first timestamp, in milliseconds. */
  readonly timestampDelta: number
}

/** A record of magic 2 as read. */
export class DefaultRecord implements KafkaRecord {
  readonly offset: number
  readonly timestamp: number
  readonly sequence: number
  readonly sizeInBytes: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]

  constructor(parts: {
    readonly offset: number
    readonly timestamp: number
    readonly sequence: number
    readonly sizeInBytes: number
    readonly key: Buffer | null
    readonly value: Buffer | null
    readonly headers: readonly RecordHeader[]
  }) {
    this.offset = parts.offset
    this.timestamp = parts.timestamp
    this.sequence = parts.sequence
    this.sizeInBytes = parts.sizeInBytes
    this.key = parts.key
    this.value = parts.value
    this.headers = parts.headers
  }

  get hasKey(): boolean {
    return this.key !== null
  }

  /** Always false: in this format the batch is compressed, never a record. */
  get isCompressed(): boolean {
    return false
  }

  hasMagic(magic: number): boolean {
    return magic >= 2
  }

  /** Does nothing: the batch's CRC covers the record. */
  ensureValid(): void {}

  /**
   * Counts the bytes that a record takes after its own length.
   *
   * @param deltas - its place in the batch
   * @param key - null for none
   * @param value - null for none
   * @param headers - in order
   */
  static sizeOfBodyInBytes(
    deltas: RecordDeltas,
    key: Buffer | null,
    value: Buffer | null,
    headers: readonly RecordHeader[],
  ): number {
    return (
      1 +
      sizeOfVarlong(deltas.timestampDelta) +
      sizeOfVarint(deltas.offsetDelta) +
      sizeOfBytes(key) +
      sizeOfBytes(value) +
      sizeOfHeaders(headers)
    )
  }

  /**
   * Writes a record.
   *
   * @param buffer - has room for the length and the body
   * @param at - index of the first byte
   * @param bodyBytes - what {@link sizeOfBodyInBytes} gave for the same record
   * @param deltas - its place in the batch
   * @param record - its parts
   * @returns index after the last byte
   */
  static writeTo(
    buffer: Buffer,
    at: number,
    bodyBytes: number,
    deltas: RecordDeltas,
    record: {
      readonly key: Buffer | null
      readonly value: Buffer | null
      readonly headers: readonly RecordHeader[]
    },
  ): number {
    // Write length, the unused attributes and the place in the batch.
    let position = writeVarint(buffer, at, bodyBytes)
    buffer[position++] = 0
    position = writeVarlong(buffer, position, deltas.timestampDelta)
    position = writeVarint(buffer, position, deltas.offsetDelta)

    // Write key and value, each behind its length.
    position = writeBytes(buffer, position, record.key)
    position = writeBytes(buffer, position, record.value)

    // Write the headers, whose keys are UTF-8 and never null.
    position = writeVarint(buffer, position, record.headers.length)
    for (const header of record.headers) {
      const keyBytes = Buffer.byteLength(header.key)
      position = writeVarint(buffer, position, keyBytes)
      position += buffer.write(header.key, position, keyBytes)
      position = writeBytes(buffer, position, header.value)
    }
    return position
  }
}

/**
 * Counts the bytes of a record's headers with their number.
 *
 * @param headers - in order
 */
export function sizeOfHeaders(headers: readonly RecordHeader[]): number {
  let size = sizeOfVarint(headers.length)
  for (const header of headers) {
    const keyBytes = Buffer.byteLength(header.key)
    size += sizeOfVarint(keyBytes) + keyBytes + sizeOfBytes(header.value)
  }
  return size
}

/** Bytes of a nullable value behind its varint length. */
function sizeOfBytes(bytes: Buffer | null): number {
  return bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length
}

/** Writes a nullable value behind its varint length. */
function writeBytes(buffer: Buffer, at: number, bytes: Buffer | null): number {
  if (bytes === null) return writeVarint(buffer, at, -1)
  const position = writeVarint(buffer, at, bytes.length)
  bytes.copy(buffer, position)
  return position + bytes.length
}
