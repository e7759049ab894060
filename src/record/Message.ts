/**
 * # Message
 *
 * The message as the old clients of the notes know it: bytes of magic 0 or 1 from the
 * CRC on, without an offset. The new name of the same bytes is `LegacyRecord`; this
 * class is the way they were written and read before 0.10.
 *
 *     v0: [crc 4 | magic 1 | attributes 1               | fields]
 *     v1: [crc 4 | magic 1 | attributes 1 | timestamp 8 | fields]
 *
 *     fields: [keyLength 4 (-1 null) | key | payloadLength 4 (-1 null) | payload]
 *
 * @kafka core/src/main/scala/kafka/message/Message.scala#Message
 * @module
 */

import { IllegalArgumentException } from '../base/errors.ts'
import { CompressionType } from './CompressionType.ts'
import { LegacyRecord } from './LegacyRecord.ts'
import { RecordBatch } from './RecordBatch.ts'
import { TimestampType } from './TimestampType.ts'

/** What a new message is made of; only the payload must be given. */
export interface MessageParts {
  /** The value; null is a tombstone. */
  readonly bytes: Buffer | null
  /** Null, as when left out, is no key. */
  readonly key?: Buffer | null | undefined
  /** Milliseconds since 1970; -1, none, when left out. */
  readonly timestamp?: number | undefined
  /** CreateTime when left out. */
  readonly timestampType?: TimestampType | undefined
  /** Codec that packed the payload; NONE when left out. */
  readonly codec?: CompressionType | undefined
  /** 0 or 1; 1 when left out. */
  readonly magicValue?: number | undefined
}

/** A message of magic 0 or 1. */
export class Message {
  static readonly MagicValue_V0 = 0
  static readonly MagicValue_V1 = 1
  static readonly CurrentMagicValue = 1
  static readonly NoTimestamp = RecordBatch.NO_TIMESTAMP

  readonly #record: LegacyRecord

  /** @param source - the message's bytes, from its CRC on; or the record made of them */
  constructor(source: Buffer | LegacyRecord) {
    this.#record = source instanceof LegacyRecord ? source : new LegacyRecord(source)
  }

  /**
   * Takes a record for a message. One out of a wrapper keeps the time that the wrapper
   * gives it.
   *
   * @kafka core/src/main/scala/kafka/message/Message.scala#fromRecord
   */
  static fromRecord(record: LegacyRecord): Message {
    return new Message(record)
  }

  /** The message's bytes, from its CRC on. */
  get buffer(): Buffer {
    return this.#record.buffer
  }

  /** Bytes of the message, without offset and size. */
  get size(): number {
    return this.#record.sizeInBytes
  }

  get magic(): number {
    return this.#record.magic
  }

  /** The stored CRC, unsigned. */
  get checksum(): number {
    return this.#record.checksum
  }

  get isValid(): boolean {
    return this.#record.isValid
  }

  get hasKey(): boolean {
    return this.#record.hasKey
  }

  get key(): Buffer | null {
    return this.#record.key
  }

  /** Bytes of the key; -1 when there is none. */
  get keySize(): number {
    return this.#record.key?.length ?? -1
  }

  /** The value; of a compressed message the packed inner set. */
  get payload(): Buffer | null {
    return this.#record.value
  }

  /** Bytes of the payload; -1 when there is none. */
  get payloadSize(): number {
    return this.#record.value?.length ?? -1
  }

  /** Whether there is no payload. */
  get isNull(): boolean {
    return this.#record.value === null
  }

  /** Milliseconds since 1970; -1 when there is none. */
  get timestamp(): number {
    return this.#record.timestamp
  }

  get timestampType(): TimestampType {
    return this.#record.timestampType
  }

  get compressionCodec(): CompressionType {
    return this.#record.compressionType
  }

  /**
   * Checks size and CRC.
   *
   * @throws InvalidRecordException when either is wrong
   */
  ensureValid(): void {
    this.#record.ensureValid()
  }

  /** The same bytes under their new name. */
  asRecord(): LegacyRecord {
    return this.#record
  }

  /**
   * Tells whether two messages have the same bytes.
   *
   * @param other - to compare with
   */
  equals(other: Message): boolean {
    return this.buffer.equals(other.buffer)
  }

  /** Magic, times and sizes, for a log line. */
  toString(): string {
    const time = this.magic === 0 ? '' : `, ${this.timestampType} = ${this.timestamp}`
    const crc = `crc = ${this.checksum}`
    return `Message(magic = ${this.magic}${time}, ${crc}, size = ${this.size})`
  }

  /**
   * Writes a message.
   *
   * @param parts - what it is made of
   * @throws IllegalArgumentException for another format, a timestamp below -1, or a
   *   timestamp in magic 0
   */
  static of(parts: MessageParts): Message {
    const magic = parts.magicValue ?? Message.CurrentMagicValue
    const timestamp = parts.timestamp ?? Message.NoTimestamp
    const key = parts.key ?? null
    if (magic !== Message.MagicValue_V0 && magic !== Message.MagicValue_V1) {
      throw new IllegalArgumentException(`magic value ${magic}`)
    }
    const isStamped = timestamp !== Message.NoTimestamp
    if (timestamp < Message.NoTimestamp || (isStamped && magic === 0)) {
      throw new IllegalArgumentException(`timestamp ${timestamp} with magic ${magic}`)
    }

    const buffer = Buffer.alloc(LegacyRecord.recordSize(magic, key, parts.bytes))
    LegacyRecord.write(buffer, 0, {
      magic,
      timestamp,
      key,
      value: parts.bytes,
      compressionType: parts.codec ?? CompressionType.NONE,
      timestampType: parts.timestampType ?? TimestampType.CREATE_TIME,
    })
    return new Message(buffer)
  }
}
