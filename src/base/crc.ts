/**
 * # CRC
 *
 * The two checksums of Kafka's bytes: CRC-32C (Castagnoli) over a batch of magic 2, and
 * CRC-32 (IEEE) over a message of magic 0 or 1. Long inputs go to machine code where
 * it is present; short ones stay here, because the call out costs more than the sum.
 *
 * Own code: *slicing by 8*, eight tables that take eight bytes in one round.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/utils/Crc32C.java#Crc32C
 * @module
 */
import { loadNativeCrc } from './native-crc.ts'

/** From this many bytes on the native routine wins. */
const NATIVE_THRESHOLD = 256

const native = loadNativeCrc()
let castagnoli: Int32Array[] | undefined
let ieee: Int32Array[] | undefined

/**
 * CRC-32C of `buffer[start, end)`.
 *
 * @param previous - the checksum of the bytes before, to go on from
 * @returns an unsigned 32 bit integer
 */
export function crc32c(
  buffer: Buffer,
  start = 0,
  end = buffer.length,
  previous = 0,
): number {
  if (native !== undefined && end - start >= NATIVE_THRESHOLD) {
    return native.crc32c(buffer.subarray(start, end), previous)
  }
  castagnoli ??= tablesOf(0x82f63b78)
  return slicingBy8(castagnoli, buffer, start, end, previous)
}

/**
 * CRC-32 of `buffer[start, end)`.
 *
 * @param previous - the checksum of the bytes before, to go on from
 * @returns an unsigned 32 bit integer
 */
export function crc32(
  buffer: Buffer,
  start = 0,
  end = buffer.length,
  previous = 0,
): number {
  if (native !== undefined && end - start >= NATIVE_THRESHOLD) {
    return native.crc32(buffer.subarray(start, end), previous)
  }
  ieee ??= tablesOf(0xedb88320)
  return slicingBy8(ieee, buffer, start, end, previous)
}

/** CRC-32C without machine code, whatever the length. For the tests, and a browser. */
export function crc32cInTypeScript(buffer: Buffer, previous = 0): number {
  castagnoli ??= tablesOf(0x82f63b78)
  return slicingBy8(castagnoli, buffer, 0, buffer.length, previous)
}

/** CRC-32 without machine code, whatever the length. For the tests, and a browser. */
export function crc32InTypeScript(buffer: Buffer, previous = 0): number {
  ieee ??= tablesOf(0xedb88320)
  return slicingBy8(ieee, buffer, 0, buffer.length, previous)
}

/** Table `k` advances a byte that has `k` more bytes of its round behind it. */
function tablesOf(polynomial: number): Int32Array[] {
  const tables = Array.from({ length: 8 }, () => new Int32Array(256))
  const first = tables[0]!
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    }
    first[byte] = crc
  }

  // Derive each further table from the one before it.
  for (let k = 1; k < 8; k++) {
    for (let byte = 0; byte < 256; byte++) {
      const crc = tables[k - 1]![byte]!
      tables[k]![byte] = (crc >>> 8) ^ first[crc & 0xff]!
    }
  }
  return tables
}

function slicingBy8(
  tables: readonly Int32Array[],
  b: Buffer,
  start: number,
  end: number,
  previous: number,
): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ]
  let crc = ~previous
  let i = start

  // Take eight bytes a round.
  for (; i + 8 <= end; i += 8) {
    const low = crc ^ (b[i]! | (b[i + 1]! << 8) | (b[i + 2]! << 16) | (b[i + 3]! << 24))
    crc =
      t7[low & 0xff]! ^
      t6[(low >>> 8) & 0xff]! ^
      t5[(low >>> 16) & 0xff]! ^
      t4[low >>> 24]! ^
      t3[b[i + 4]!]! ^
      t2[b[i + 5]!]! ^
      t1[b[i + 6]!]! ^
      t0[b[i + 7]!]!
  }

  // Take the last bytes one by one.
  for (; i < end; i++) crc = (crc >>> 8) ^ t0[(crc ^ b[i]!) & 0xff]!
  return ~crc >>> 0
}
