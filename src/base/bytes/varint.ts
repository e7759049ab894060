/**
 * # Varint
 *
 * Integers in as few bytes as they need: seven bits a byte, low ones first, the top bit
 * set while more follow. Signed ones are *zigzagged* before, so that small negative
 * numbers stay short: 0, -1, 1, -2, 2 become 0, 1, 2, 3, 4.
 *
 *     300 = 0b10_0101100  ⇒  [1·0101100] [0·0000010]
 *
 * The record format uses them for every field of a record. Readers that walk many records
 * go through a `Cursor` instead of allocating.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/utils/ByteUtils.java#ByteUtils
 * @module
 */
import { SchemaException } from '../exceptions.ts'

/** A place in a buffer that a reader moves on. */
export interface Cursor {
  position: number
}

/** @returns the bytes that `writeUnsignedVarint` takes for `value`, 1 to 5 */
export function sizeOfUnsignedVarint(value: number): number {
  const u = value >>> 0
  if (u < 0x80) return 1
  if (u < 0x4000) return 2
  if (u < 0x200000) return 3
  return u < 0x10000000 ? 4 : 5
}

/** @returns the bytes that `writeVarint` takes for an int32, 1 to 5 */
export function sizeOfVarint(value: number): number {
  return sizeOfUnsignedVarint((value << 1) ^ (value >> 31))
}

/** @returns the bytes that `writeVarlong` takes for a safe integer, 1 to 8 */
export function sizeOfVarlong(value: number): number {
  let magnitude = value < 0 ? -(value + 1) : value
  let size = 1
  for (let limit = 0x40; magnitude >= limit; magnitude /= 0x80) size++
  return size
}

/** Writes an int32 or uint32 as it stands. @returns the position behind it */
export function writeUnsignedVarint(
  target: Buffer,
  position: number,
  value: number,
): number {
  let u = value >>> 0
  let at = position
  while (u >= 0x80) {
    target[at++] = (u & 0x7f) | 0x80
    u >>>= 7
  }
  target[at++] = u
  return at
}

/** Writes an int32, zigzagged. @returns the position behind it */
export function writeVarint(target: Buffer, position: number, value: number): number {
  return writeUnsignedVarint(target, position, (value << 1) ^ (value >> 31))
}

/** Writes a safe integer, zigzagged as 64 bits. @returns the position behind it */
export function writeVarlong(target: Buffer, position: number, value: number): number {
  if (value === (value | 0)) return writeVarint(target, position, value)

  // Split off the sign, then seven bits at a time by division.
  const negative = value < 0
  let magnitude = negative ? -(value + 1) : value
  let at = position
  target[at++] = ((magnitude % 0x40) << 1) | (negative ? 1 : 0) | 0x80
  magnitude = Math.floor(magnitude / 0x40)
  while (magnitude >= 0x80) {
    target[at++] = (magnitude % 0x80) | 0x80
    magnitude = Math.floor(magnitude / 0x80)
  }
  target[at++] = magnitude
  return at
}

/**
 * Reads a uint32.
 *
 * @param end - where the bytes end
 * @throws SchemaException when they end too early, or five bytes do not finish it
 */
export function readUnsignedVarint(
  source: Buffer,
  cursor: Cursor,
  end: number,
): number {
  let value = 0
  for (let shift = 0; shift <= 28; shift += 7) {
    if (cursor.position >= end) throw tooShort(cursor)
    const byte = source[cursor.position++]!
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) return value >>> 0
  }
  throw new SchemaException('a varint has more than 5 bytes')
}

/** Reads a zigzagged int32. @throws SchemaException as `readUnsignedVarint` does */
export function readVarint(source: Buffer, cursor: Cursor, end: number): number {
  const zigzag = readUnsignedVarint(source, cursor, end)
  return (zigzag >>> 1) ^ -(zigzag & 1)
}

/**
 * Reads a zigzagged int64.
 *
 * @throws SchemaException when the bytes end too early, when ten do not finish it, or
 *   when the value is no safe integer
 */
export function readVarlong(source: Buffer, cursor: Cursor, end: number): number {
  if (cursor.position >= end) throw tooShort(cursor)
  let byte = source[cursor.position++]!
  const negative = (byte & 1) === 1
  let magnitude = (byte & 0x7f) >>> 1

  // Each further byte weighs 128 times as much; the first holds six bits and the sign.
  for (let weight = 0x40, count = 1; byte >= 0x80; weight *= 0x80, count++) {
    if (count === 10) throw new SchemaException('a varlong has more than 10 bytes')
    if (cursor.position >= end) throw tooShort(cursor)
    byte = source[cursor.position++]!
    magnitude += (byte & 0x7f) * weight
  }
  if (magnitude > Number.MAX_SAFE_INTEGER) {
    throw new SchemaException('a varlong is beyond 53 bits')
  }
  return negative ? -magnitude - 1 : magnitude
}

function tooShort(cursor: Cursor): SchemaException {
  return new SchemaException(`the bytes end inside a varint at ${cursor.position}`)
}
