/**
 * # xxHash32 of a few bytes
 *
 * The LZ4 frame checks its own header with one byte of this hash. A header has fewer
 * than 16 bytes, so the four parallel lanes of the full algorithm never start.
 *
 * @module
 */

const PRIME_1 = 0x9e3779b1
const PRIME_2 = 0x85ebca77
const PRIME_3 = 0xc2b2ae3d
const PRIME_4 = 0x27d4eb2f
const PRIME_5 = 0x165667b1

/**
 * Hashes up to 15 bytes with seed 0.
 *
 * @param bytes - fewer than 16
 * @returns unsigned 32 bits
 */
export function xxHash32Short(bytes: Buffer): number {
  // Mix in the length, then whole words, then the bytes left over.
  let hash = (PRIME_5 + bytes.length) | 0
  let at = 0
  for (; at + 4 <= bytes.length; at += 4) {
    hash = (hash + Math.imul(bytes.readInt32LE(at), PRIME_3)) | 0
    hash = Math.imul((hash << 17) | (hash >>> 15), PRIME_4)
  }
  for (; at < bytes.length; at++) {
    hash = (hash + Math.imul(bytes[at]!, PRIME_5)) | 0
    hash = Math.imul((hash << 11) | (hash >>> 21), PRIME_1)
  }

  // Spread every bit over the whole word.
  hash = Math.imul(hash ^ (hash >>> 15), PRIME_2)
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3)
  return (hash ^ (hash >>> 16)) >>> 0
}
