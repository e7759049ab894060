/**
 * # MurmurHash3
 *
 * A hash of 128 bits, made of 32-bit steps (the variant called x86_128): quick where
 * numbers of 64 bits are dear. It spreads well, and is no protection against someone who
 * looks for two inputs of one hash.
 *
 * @module
 */

const c1 = 0x239b961b
const c2 = 0xab0e9789
const c3 = 0x38b34ae5
const c4 = 0xa1e38b93

/**
 * Hashes bytes.
 *
 * @param bytes any length
 * @param out where the four words go
 */
export function murmur3(bytes: Buffer, out: Uint32Array): void {
  // Mix in blocks of 16 bytes.
  let h1 = 0
  let h2 = 0
  let h3 = 0
  let h4 = 0
  const { length } = bytes
  const tail = length & ~15
  for (let i = 0; i < tail; i += 16) {
    h1 ^= mix(word(bytes, i), c1, 15, c2)
    h1 = (Math.imul(rotl(h1, 19) + h2, 5) + 0x561ccd1b) | 0
    h2 ^= mix(word(bytes, i + 4), c2, 16, c3)
    h2 = (Math.imul(rotl(h2, 17) + h3, 5) + 0x0bcaa747) | 0
    h3 ^= mix(word(bytes, i + 8), c3, 17, c4)
    h3 = (Math.imul(rotl(h3, 15) + h4, 5) + 0x96cd1c35) | 0
    h4 ^= mix(word(bytes, i + 12), c4, 18, c1)
    h4 = (Math.imul(rotl(h4, 13) + h1, 5) + 0x32ac3b17) | 0
  }

  // Mix in the rest, as if zeros followed.
  const rest = length - tail
  if (rest > 12) h4 ^= mix(partOf(bytes, tail + 12), c4, 18, c1)
  if (rest > 8) h3 ^= mix(partOf(bytes, tail + 8), c3, 17, c4)
  if (rest > 4) h2 ^= mix(partOf(bytes, tail + 4), c2, 16, c3)
  if (rest > 0) h1 ^= mix(partOf(bytes, tail), c1, 15, c2)

  // Let every bit depend on every other.
  h1 ^= length
  h2 ^= length
  h3 ^= length
  h4 ^= length
  h1 = (h1 + h2 + h3 + h4) | 0
  const f1 = finish(h1)
  const f2 = finish((h2 + h1) | 0)
  const f3 = finish((h3 + h1) | 0)
  const f4 = finish((h4 + h1) | 0)
  const sum = (f1 + f2 + f3 + f4) | 0
  out[0] = sum
  out[1] = f2 + sum
  out[2] = f3 + sum
  out[3] = f4 + sum
}

function word(bytes: Buffer, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

/** Up to four bytes; those behind the end count as zero. */
function partOf(bytes: Buffer, at: number): number {
  let value = 0
  const end = Math.min(at + 4, bytes.length)
  for (let i = at; i < end; i++) value |= (bytes[i] as number) << (8 * (i - at))
  return value
}

function mix(k: number, first: number, turn: number, second: number): number {
  return Math.imul(rotl(Math.imul(k, first), turn), second)
}

function rotl(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by))
}

function finish(h: number): number {
  let x = h ^ (h >>> 16)
  x = Math.imul(x, 0x85ebca6b)
  x ^= x >>> 13
  x = Math.imul(x, 0xc2b2ae35)
  return x ^ (x >>> 16)
}
