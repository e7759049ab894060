/**
 * # ByteWriter
 *
 * Writes values one after the other into a buffer that grows by doubling. The counterpart
 * of `ByteReader`; the result is a view on what was written, not a copy.
 *
 * Record data arrives as a `BytesSource`, which copies itself into place: bytes go from
 * a file into the response frame in one move.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/protocol/types/Type.java#Type
 * @module
 */
import { SchemaException } from '../exceptions.ts'
import { writeInt64 } from './int64.ts'
import {
  sizeOfVarlong,
  writeUnsignedVarint,
  writeVarint,
  writeVarlong,
} from './varint.ts'

/** Bytes that can put themselves into a buffer, wherever they are now. */
export interface BytesSource {
  readonly sizeInBytes: number

  /** Copies all bytes into `target` at `offset`. @returns how many were written */
  copyInto(target: Buffer, offset: number): number
}

/** The longest string that an int16 length can announce. */
const MAX_STRING_BYTES = 0x7fff

/** Collects bytes, big-endian. */
export class ByteWriter {
  #buffer: Buffer
  #position = 0

  /** @param initialCapacity - bytes to begin with; exact when the size is known */
  constructor(initialCapacity = 256) {
    this.#buffer = Buffer.allocUnsafe(initialCapacity)
  }

  /** Bytes written so far. */
  get position(): number {
    return this.#position
  }

  writeInt8(value: number): this {
    const at = this.#reserve(1)
    this.#buffer.writeInt8(value, at)
    return this
  }

  writeUint8(value: number): this {
    const at = this.#reserve(1)
    this.#buffer.writeUInt8(value, at)
    return this
  }

  writeBoolean(value: boolean): this {
    return this.writeUint8(value ? 1 : 0)
  }

  writeInt16(value: number): this {
    const at = this.#reserve(2)
    this.#buffer.writeInt16BE(value, at)
    return this
  }

  writeUint16(value: number): this {
    const at = this.#reserve(2)
    this.#buffer.writeUInt16BE(value, at)
    return this
  }

  writeInt32(value: number): this {
    const at = this.#reserve(4)
    this.#buffer.writeInt32BE(value, at)
    return this
  }

  writeUint32(value: number): this {
    const at = this.#reserve(4)
    this.#buffer.writeUInt32BE(value, at)
    return this
  }

  /** @throws SchemaException when `value` is no safe integer */
  writeInt64(value: number): this {
    if (!Number.isInteger(value) || Math.abs(value) > 2 ** 63) {
      throw new SchemaException(`${value} is no whole number of 64 bits`)
    }
    const at = this.#reserve(8)
    writeInt64(this.#buffer, at, value)
    return this
  }

  writeBigInt64(value: bigint): this {
    const at = this.#reserve(8)
    this.#buffer.writeBigInt64BE(value, at)
    return this
  }

  writeFloat64(value: number): this {
    const at = this.#reserve(8)
    this.#buffer.writeDoubleBE(value, at)
    return this
  }

  /** @throws SchemaException when the text takes more than 32767 bytes */
  writeString(value: string): this {
    const length = Buffer.byteLength(value)
    if (length > MAX_STRING_BYTES) {
      throw new SchemaException(`a string of ${length} bytes is too long`)
    }
    this.writeInt16(length)
    const at = this.#reserve(length)
    this.#buffer.write(value, at, length, 'utf8')
    return this
  }

  writeNullableString(value: string | null): this {
    return value === null ? this.writeInt16(-1) : this.writeString(value)
  }

  writeBytes(value: Uint8Array): this {
    return this.writeInt32(value.length).writeRaw(value)
  }

  writeNullableBytes(value: Uint8Array | null): this {
    return value === null ? this.writeInt32(-1) : this.writeBytes(value)
  }

  /** Writes an int32, zigzagged, in 1 to 5 bytes. */
  writeVarint(value: number): this {
    const at = this.#ensure(5)
    this.#position = writeVarint(this.#buffer, at, value)
    return this
  }

  /** Writes a safe integer, zigzagged, in 1 to 8 bytes. */
  writeVarlong(value: number): this {
    const at = this.#ensure(sizeOfVarlong(value))
    this.#position = writeVarlong(this.#buffer, at, value)
    return this
  }

  /** Writes a uint32 in 1 to 5 bytes. */
  writeUnsignedVarint(value: number): this {
    const at = this.#ensure(5)
    this.#position = writeUnsignedVarint(this.#buffer, at, value)
    return this
  }

  /** Writes a UUID as its 16 bytes. */
  writeUuid(value: string): this {
    return this.writeRaw(Buffer.from(value.replaceAll('-', ''), 'hex'))
  }

  /** Copies bytes without a length before them. */
  writeRaw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length)
    this.#buffer.set(bytes, at)
    return this
  }

  /** Lets a source copy itself here, without a length before it. */
  writeSource(source: BytesSource): this {
    const size = source.sizeInBytes
    const at = this.#reserve(size)
    const written = source.copyInto(this.#buffer, at)
    if (written !== size) {
      throw new SchemaException(`a source of ${size} bytes gave ${written}`)
    }
    return this
  }

  /** Overwrites four bytes at `at`, such as a length that is known only now. */
  patchInt32(at: number, value: number): this {
    if (at + 4 > this.#position) throw new RangeError(`nothing was written at ${at}`)
    this.#buffer.writeInt32BE(value, at)
    return this
  }

  /** @returns a view on all that was written; write nothing afterwards */
  toBuffer(): Buffer {
    return this.#buffer.subarray(0, this.#position)
  }

  /** Claims `n` bytes. @returns where they begin */
  #reserve(n: number): number {
    const at = this.#ensure(n)
    this.#position = at + n
    return at
  }

  /** Makes room for `n` bytes without claiming them. @returns the position */
  #ensure(n: number): number {
    const at = this.#position
    if (at + n > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(at + n, this.#buffer.length * 2))
      this.#buffer.copy(grown, 0, 0, at)
      this.#buffer = grown
    }
    return at
  }
}
