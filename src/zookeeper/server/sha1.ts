/**
 * # SHA-1
 *
 * Only for the `digest` scheme, whose ids are hashes of `user:password`. Our own, since
 * what the platforms offer in common can only be awaited, and a proof of identity must
 * count for the very next request.
 *
 * @kafka none: java.security.MessageDigest
 * @module
 */

/** @returns 20 bytes */
export function sha1(message: Buffer): Buffer {
  // Pad with a one bit, zeros, and the length in bits, to a multiple of 64 bytes.
  const padded = Buffer.alloc((((message.length + 8) >> 6) << 6) + 64)
  message.copy(padded)
  padded[message.length] = 0x80
  padded.writeBigUInt64BE(BigInt(message.length) * 8n, padded.length - 8)

  // Mix in one block of 64 bytes after the other.
  const h = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0])
  const w = new Int32Array(80)
  for (let at = 0; at < padded.length; at += 64) mixBlock(padded, at, h, w)
  const digest = Buffer.alloc(20)
  for (const [i, word] of h.entries()) digest.writeInt32BE(word, i * 4)
  return digest
}

function mixBlock(bytes: Buffer, at: number, h: Int32Array, w: Int32Array): void {
  for (let i = 0; i < 16; i++) w[i] = bytes.readInt32BE(at + i * 4)
  for (let i = 16; i < 80; i++) {
    w[i] = rotate(w[i - 3]! ^ w[i - 8]! ^ w[i - 14]! ^ w[i - 16]!, 1)
  }

  // Run the eighty rounds on five words.
  let [a, b, c, d, e] = h as unknown as [number, number, number, number, number]
  for (let i = 0; i < 80; i++) {
    const [f, k] = round(i, b, c, d)
    const next = (rotate(a, 5) + f + e + k + w[i]!) | 0
    e = d
    d = c
    c = rotate(b, 30)
    b = a
    a = next
  }
  for (const [i, word] of [a, b, c, d, e].entries()) h[i] = (h[i]! + word) | 0
}

function round(i: number, b: number, c: number, d: number): [number, number] {
  if (i < 20) return [(b & c) | (~b & d), 0x5a827999]
  if (i < 40) return [b ^ c ^ d, 0x6ed9eba1]
  if (i < 60) return [(b & c) | (b & d) | (c & d), 0x8f1bbcdc]
  return [b ^ c ^ d, 0xca62c1d6]
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
