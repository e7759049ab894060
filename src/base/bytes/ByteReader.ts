/**
 * # ByteReader
 *
 * Reads values off a buffer, one after the other, big-endian as everywhere in Kafka.
 * Byte strings come back as views on the same memory, not as copies.
 *
 *     [int16 length | utf-8 bytes]   string; length -1 for null where allowed
 *     [int32 length | bytes]         bytes; length -1 for null where allowed
 *
 * Invariant: `position` never passes the end. Every read that would throws
 * `SchemaException` and leaves what was read before valid.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/protocol/types/Type.java#Type
 * @module
 */
import { SchemaException } from '../exceptions.ts'
import { readInt64 } from './int64.ts'
import { readUnsignedVarint, readVarint, readVarlong } from './varint.ts'

/** A cursor over `buffer[offset, end)`. */
export class ByteReader {
  /** Index into the buffer of the next byte. */
  position: number
  readonly buffer: Buffer
  readonly end: number

  /**
   * @param offset - where to begin, 0 when left out
   * @param end - where to stop, the buffer's length when left out
   */
  constructor(buffer: Buffer, offset = 0, end = buffer.length) {
    this.buffer = buffer
    this.position = offset
    this.end = end
  }

  /** Bytes left to read. */
  get remaining(): number {
    return this.end - this.position
  }

  readInt8(): number {
    return this.buffer.readInt8(this.#advance(1))
  }

  readUint8(): number {
    return this.buffer.readUInt8(this.#advance(1))
  }

  readBoolean(): boolean {
    return this.readUint8() !== 0
  }

  readInt16(): number {
    return this.buffer.readInt16BE(this.#advance(2))
  }

  readUint16(): number {
    return this.buffer.readUInt16BE(this.#advance(2))
  }

  readInt32(): number {
    return this.buffer.readInt32BE(this.#advance(4))
  }

  readUint32(): number {
    return this.buffer.readUInt32BE(this.#advance(4))
  }

  /** Reads an int64; beyond ±2^53 it is rounded. */
  readInt64(): number {
    return readInt64(this.buffer, this.#advance(8))
  }

  readBigInt64(): bigint {
    return this.buffer.readBigInt64BE(this.#advance(8))
  }

  readFloat64(): number {
    return this.buffer.readDoubleBE(this.#advance(8))
  }

  readString(): string {
    const text = this.readNullableString()
    if (text === null)
      throw new SchemaException('a string is null where it must not be')
    return text
  }

  readNullableString(): string | null {
    const length = this.readInt16()
    if (length < 0) return null
    const at = this.#advance(length)
    return this.buffer.toString('utf8', at, at + length)
  }

  /** @returns a view, not a copy */
  readBytes(): Buffer {
    const bytes = this.readNullableBytes()
    if (bytes === null)
      throw new SchemaException('bytes are null where they must not be')
    return bytes
  }

  /** @returns a view, not a copy */
  readNullableBytes(): Buffer | null {
    const length = this.readInt32()
    return length < 0 ? null : this.slice(length)
  }

  /** Reads a zigzagged int32 of 1 to 5 bytes. */
  readVarint(): number {
    return readVarint(this.buffer, this, this.end)
  }

  /** Reads a zigzagged int64 of 1 to 10 bytes. @throws SchemaException beyond 53 bits */
  readVarlong(): number {
    return readVarlong(this.buffer, this, this.end)
  }

  /** Reads a uint32 of 1 to 5 bytes. */
  readUnsignedVarint(): number {
    return readUnsignedVarint(this.buffer, this, this.end)
  }

  /** Reads 16 bytes as a UUID in its usual form. */
  readUuid(): string {
    const at = this.#advance(16)
    const hex = this.buffer.toString('hex', at, at + 16)
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }

  /** Takes the next `n` bytes as a view and moves past them. */
  slice(n: number): Buffer {
    const at = this.#advance(n)
    return this.buffer.subarray(at, at + n)
  }

  /** Moves past `n` bytes. */
  skip(n: number): void {
    this.#advance(n)
  }

  #advance(n: number): number {
    const at = this.position
    if (n < 0 || n > this.end - at) {
      throw new SchemaException(`${n} bytes wanted at ${at}, ${this.end - at} are left`)
    }
    this.position = at + n
    return at
  }
}
