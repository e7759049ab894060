/**
 * # Hash
 *
 * The three hashes on which Kafka's processes must agree: which partition of
 * `__consumer_offsets` owns a group, and to which partition a key goes.
 *
 * @module
 */

/** @returns what `String.hashCode` answers in Java, a signed 32 bit integer */
export function javaStringHashCode(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (31 * hash + text.charCodeAt(i)) | 0
  return hash
}

/** @returns what `Arrays.hashCode(byte[])` answers in Java, a signed 32 bit integer */
export function javaBytesHashCode(bytes: Uint8Array): number {
  let hash = 1
  for (let i = 0; i < bytes.length; i++) {
    hash = (31 * hash + ((bytes[i]! << 24) >> 24)) | 0
  }
  return hash
}

/**
 * The absolute value of an int32, with 0 for the one that has none.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/utils/Utils.java#abs
 */
export function abs(n: number): number {
  return n === -2147483648 ? 0 : Math.abs(n)
}

/**
 * The non-negative int32 that is left when the sign bit is cleared.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/utils/Utils.java#toPositive
 */
export function toPositive(n: number): number {
  return n & 0x7fffffff
}

/**
 * The hash by which producers place keyed records.
 *
 * @returns a signed 32 bit integer
 * @kafka clients/src/main/java/org/apache/kafka/common/utils/Utils.java#murmur2
 */
export function murmur2(data: Uint8Array): number {
  const m = 0x5bd1e995
  const length = data.length
  let h = 0x9747b28c ^ length

  // Mix four bytes at a time.
  const whole = length & ~3
  for (let i = 0; i < whole; i += 4) {
    let k = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    h = Math.imul(h, m) ^ Math.imul(k, m)
  }

  // Mix what is left over.
  const rest = length & 3
  if (rest === 3) h ^= data[whole + 2]! << 16
  if (rest >= 2) h ^= data[whole + 1]! << 8
  if (rest >= 1) h = Math.imul(h ^ data[whole]!, m)

  // Spread the last bits over the word.
  h ^= h >>> 13
  h = Math.imul(h, m)
  return (h ^ (h >>> 15)) | 0
}
