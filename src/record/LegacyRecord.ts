/**
 * # LegacyRecord
 *
 * One message of magic 0 or 1, without the offset and size that stand before it in a
 * set:
 *
 *     v0: [crc 4 | magic 1 | attributes 1               | fields]
 *     v1: [crc 4 | magic 1 | attributes 1 | timestamp 8 | fields]
 *
 *     fields: [keyLength 4 (-1 null) | key | valueLength 4 (-1 null) | value]
 *
 * The CRC-32 covers everything after it. Attributes: codec in bits 0-2, timestamp type
 * in bit 3 (v1). With a codec, the value is an inner set of messages, and key is null.
 *
 * Invariants: never reads past its bytes; impossible lengths end in an
 * InvalidRecordException.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/LegacyRecord.java#LegacyRecord
 * @module
 */

import { readInt64, writeInt64 } from '../base/bytes/int64.ts'
import { crc32 } from '../base/crc.ts'
import { IllegalStateException, InvalidRecordException } from '../base/errors.ts'
import { CompressionType } from './CompressionType.ts'
import { TimestampType } from './TimestampType.ts'

/** Bytes of a v0 message with null key and value. */
export const RECORD_OVERHEAD_V0 = 14

/** Bytes of a v1 message with null key and value. */
export const RECORD_OVERHEAD_V1 = 22

const MAGIC_OFFSET = 4
const ATTRIBUTES_OFFSET = 5
const TIMESTAMP_OFFSET = 6
const KEY_SIZE_OFFSET_V0 = 6
const KEY_SIZE_OFFSET_V1 = 14

const COMPRESSION_CODEC_MASK = 0x07
const TIMESTAMP_TYPE_MASK = 0x08

/** What {@link LegacyRecord.write} is given. */
export interface LegacyRecordParts {
  /** 0 or 1. */
  readonly magic: number
  /** Written for magic 1 only. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly compressionType: CompressionType
  readonly timestampType: TimestampType
}

/** A message of magic 0 or 1 over its bytes. */
export class LegacyRecord {
  /** From the CRC on. */
  readonly buffer: Buffer
  readonly #wrapperTimestamp: number | undefined
  readonly #wrapperTimestampType: TimestampType | undefined

  /**
   * @param buffer - the message's bytes, from its CRC on
   * @param wrapper - timestamp and type of the wrapper that it was found in: the type
   *   always wins, the timestamp when the type is LogAppendTime
   */
  constructor(
    buffer: Buffer,
    wrapper?: { readonly timestamp: number; readonly timestampType: TimestampType },
  ) {
    this.buffer = buffer
    this.#wrapperTimestamp = wrapper?.timestamp
    this.#wrapperTimestampType = wrapper?.timestampType
  }

  get sizeInBytes(): number {
    return this.buffer.length
  }

  get magic(): number {
    return this.buffer.readInt8(MAGIC_OFFSET)
  }

  get checksum(): number {
    return this.buffer.readUInt32BE(0)
  }

  get isValid(): boolean {
    return this.sizeInBytes >= RECORD_OVERHEAD_V0 && this.checksum === this.#computed()
  }

  get compressionType(): CompressionType {
    return CompressionType.forId(this.#attributes & COMPRESSION_CODEC_MASK)
  }

  get isCompressed(): boolean {
    return (this.#attributes & COMPRESSION_CODEC_MASK) !== 0
  }

  get timestampType(): TimestampType {
    if (this.magic === 0) return TimestampType.NO_TIMESTAMP_TYPE
    if (this.#wrapperTimestampType !== undefined) return this.#wrapperTimestampType
    return this.#attributes & TIMESTAMP_TYPE_MASK
      ? TimestampType.LOG_APPEND_TIME
      : TimestampType.CREATE_TIME
  }

  /** Milliseconds since 1970; -1 for magic 0. */
  get timestamp(): number {
    if (this.magic === 0) return -1
    const wins = this.#wrapperTimestampType === TimestampType.LOG_APPEND_TIME
    if (wins && this.#wrapperTimestamp !== undefined) return this.#wrapperTimestamp
    if (this.buffer.length < RECORD_OVERHEAD_V1) {
      throw new InvalidRecordException('a message is too short for its timestamp')
    }
    return readInt64(this.buffer, TIMESTAMP_OFFSET)
  }

  get hasKey(): boolean {
    return this.#length(this.#keySizeOffset) >= 0
  }

  get key(): Buffer | null {
    return this.#field(this.#keySizeOffset)
  }

  get value(): Buffer | null {
    const keyBytes = Math.max(0, this.#length(this.#keySizeOffset))
    return this.#field(this.#keySizeOffset + 4 + keyBytes)
  }

  /**
   * Checks size and CRC.
   *
   * @throws InvalidRecordException when either is wrong
   */
  ensureValid(): void {
    if (this.sizeInBytes < RECORD_OVERHEAD_V0) {
      throw new InvalidRecordException(
        `a message of ${this.sizeInBytes} bytes is too short`,
      )
    }
    const computed = this.#computed()
    if (this.checksum !== computed) {
      throw new InvalidRecordException(
        `the message is corrupt (stored crc ${this.checksum}, computed ${computed})`,
      )
    }
  }

  /**
   * Sets the timestamp with its type and redoes the CRC.
   *
   * @param timestampType - CreateTime or LogAppendTime
   * @param timestamp - milliseconds since 1970, or -1
   * @throws IllegalStateException for magic 0
   */
  setTimestamp(timestampType: TimestampType, timestamp: number): void {
    if (this.magic === 0) throw new IllegalStateException('magic 0 has no timestamps')
    const others = this.#attributes & ~TIMESTAMP_TYPE_MASK
    const bit =
      timestampType === TimestampType.LOG_APPEND_TIME ? TIMESTAMP_TYPE_MASK : 0
    this.buffer.writeUInt8(others | bit, ATTRIBUTES_OFFSET)
    writeInt64(this.buffer, TIMESTAMP_OFFSET, timestamp)
    this.buffer.writeUInt32BE(this.#computed(), 0)
  }

  /**
   * Counts the bytes of a message, without its offset and size.
   *
   * @param magic - 0 or 1
   * @param key - null for none
   * @param value - null for none
   */
  static recordSize(magic: number, key: Buffer | null, value: Buffer | null): number {
    return recordOverhead(magic) + (key?.length ?? 0) + (value?.length ?? 0)
  }

  /**
   * Writes a message.
   *
   * @param buffer - has room for {@link recordSize} bytes
   * @param at - index of the first byte
   * @param parts - what to write
   * @returns index after the last byte
   */
  static write(buffer: Buffer, at: number, parts: LegacyRecordParts): number {
    // Leave room for the CRC; write format, attributes and, since v1, the time.
    buffer.writeInt8(parts.magic, at + MAGIC_OFFSET)
    buffer.writeUInt8(attributesOf(parts), at + ATTRIBUTES_OFFSET)
    if (parts.magic > 0) writeInt64(buffer, at + TIMESTAMP_OFFSET, parts.timestamp)

    // Write key and value, each behind its length.
    let position = at + keySizeOffset(parts.magic)
    for (const field of [parts.key, parts.value]) {
      buffer.writeInt32BE(field?.length ?? -1, position)
      position += 4
      if (field !== null) position += field.copy(buffer, position)
    }

    // Seal everything after the CRC.
    buffer.writeUInt32BE(crc32(buffer, at + MAGIC_OFFSET, position), at)
    return position
  }

  get #attributes(): number {
    return this.buffer.readUInt8(ATTRIBUTES_OFFSET)
  }

  get #keySizeOffset(): number {
    return keySizeOffset(this.magic)
  }

  #computed(): number {
    return crc32(this.buffer, MAGIC_OFFSET, this.buffer.length)
  }

  /** Reads a length and checks that so many bytes follow. */
  #length(at: number): number {
    const follows = this.buffer.length - at - 4
    if (follows < 0) throw new InvalidRecordException('a message is cut short')
    const length = this.buffer.readInt32BE(at)
    if (length > follows) {
      throw new InvalidRecordException(
        `a field of ${length} bytes in a message too short`,
      )
    }
    return length
  }

  #field(at: number): Buffer | null {
    const length = this.#length(at)
    return length < 0 ? null : this.buffer.subarray(at + 4, at + 4 + length)
  }
}

/**
 * Tells the bytes of a message beside key and value, without its offset and size.
 *
 * @param magic - 0 or 1
 */
export function recordOverhead(magic: number): number {
  return magic === 0 ? RECORD_OVERHEAD_V0 : RECORD_OVERHEAD_V1
}

function keySizeOffset(magic: number): number {
  return magic === 0 ? KEY_SIZE_OFFSET_V0 : KEY_SIZE_OFFSET_V1
}

function attributesOf(parts: LegacyRecordParts): number {
  const isLogAppendTime = parts.timestampType === TimestampType.LOG_APPEND_TIME
  const bit = parts.magic > 0 && isLogAppendTime ? TIMESTAMP_TYPE_MASK : 0
  return parts.compressionType.id | bit
}
