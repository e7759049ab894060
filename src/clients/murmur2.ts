/**
 * # murmur2
 *
 * The hash by which Kafka's producers choose the partition of a key. All of them must
 * agree on it, or records of one key end up in two partitions.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/utils/Utils.java#murmur2
 * @module
 */

const SEED = 0x9747b28c
const M = 0x5bd1e995

/** Hashes bytes. @returns a signed 32-bit number */
export function murmur2(data: Buffer): number {
  // Mix in four bytes at a time.
  const { length } = data
  let h = SEED ^ length
  const whole = length & ~3
  for (let i = 0; i < whole; i += 4) {
    let k = Math.imul(data.readInt32LE(i), M)
    k = Math.imul(k ^ (k >>> 24), M)
    h = Math.imul(h, M) ^ k
  }

  // Mix in the rest, and stir.
  const left = length - whole
  if (left > 2) h ^= (data[whole + 2] as number) << 16
  if (left > 1) h ^= (data[whole + 1] as number) << 8
  if (left > 0) h = Math.imul(h ^ (data[whole] as number), M)
  h = Math.imul(h ^ (h >>> 13), M)
  return h ^ (h >>> 15)
}
