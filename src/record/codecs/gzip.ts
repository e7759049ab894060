/**
 * # gzip
 *
 * A plain gzip stream; several members one after another are read as one, as Java's
 * `GZIPInputStream` does.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/CompressionType.java#GZIP
 * @module
 */

import { gunzipSync, gzipSync } from 'node:zlib'
import { corrupt, tooLarge } from './bound.ts'

/**
 * Packs bytes at zlib's default level, which is Java's too.
 *
 * @param data - bytes to pack
 */
export function compressGzip(data: Buffer): Buffer {
  return gzipSync(data)
}

/**
 * Unpacks a gzip stream.
 *
 * @param data - one or more gzip members
 * @param maxBytes - most bytes to give
 * @throws InvalidRecordException when damaged, cut short or larger than that
 */
export function decompressGzip(data: Buffer, maxBytes: number): Buffer {
  try {
    return gunzipSync(data, { maxOutputLength: Math.max(1, maxBytes) })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw tooLarge('gzip', maxBytes)
    }
    throw corrupt('gzip', (cause as Error).message, cause)
  }
}
