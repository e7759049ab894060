/**
 * # Adler-32
 *
 * The checksum of ZooKeeper's files. Two running sums modulo 65521, the second over the
 * values of the first.
 *
 * @kafka none: java.util.zip.Adler32
 * @module
 */

const BASE = 65521

/** Bytes that can be summed before 32 bits could overflow. */
const RUN = 3800

/** @returns the checksum, unsigned */
export function adler32(bytes: Buffer): number {
  let a = 1
  let b = 0
  for (let from = 0; from < bytes.length; from += RUN) {
    const to = Math.min(from + RUN, bytes.length)
    for (let i = from; i < to; i++) {
      a += bytes[i]!
      b += a
    }
    a %= BASE
    b %= BASE
  }
  return b * 0x10000 + a
}
