/**
 * # Snappy in the xerial framing
 *
 * Kafka's snappy is not the bare format but the stream of the Java library
 * `snappy-java`:
 *
 *     [82 'SNAPPY' 00 | version i32 = 1 | compatible i32 = 1] ([length i32 | block])*
 *
 * Each block is bare snappy of at most 32 KiB of input. Some clients (old librdkafka,
 * any bare snappy library) leave the frame out: both are read, the framed one is
 * written. Streams may be joined, so the 16-byte header can come again where a length
 * is expected.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/CompressionType.java#SNAPPY
 * @module
 */

import { corrupt, tooLarge } from './bound.ts'
import { optionalPackage } from './optional-package.ts'

/** The two functions used of the package. */
interface SnappyPackage {
  compressSync(input: Uint8Array): Buffer
  uncompressSync(
    input: Uint8Array,
    options: { readonly copyOutputData: boolean },
  ): Buffer | string
}

const snappy = optionalPackage<SnappyPackage>('snappy', 'snappy')

const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const HEADER_BYTES = 16
const VERSION = 1
const BLOCK_BYTES = 32 * 1024

/** Bytes out for a byte in can never pass this: a 3-byte copy element gives 64. */
const MAX_RATIO = 32

/**
 * Packs bytes into a xerial stream.
 *
 * @param data - bytes to pack
 */
export function compressSnappy(data: Buffer): Buffer {
  // Open the stream with its name and both versions.
  const header = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(header)
  header.writeInt32BE(VERSION, 8)
  header.writeInt32BE(VERSION, 12)

  // Pack each 32 KiB of input by itself.
  const chunks: Buffer[] = [header]
  for (let at = 0; at < data.length; at += BLOCK_BYTES) {
    const block = snappy().compressSync(data.subarray(at, at + BLOCK_BYTES))
    const length = Buffer.alloc(4)
    length.writeInt32BE(block.length)
    chunks.push(length, block)
  }
  return Buffer.concat(chunks)
}

/**
 * Unpacks a xerial stream, or one bare block when the stream's name is missing.
 *
 * @param data - packed bytes
 * @param maxBytes - most bytes to give
 * @throws InvalidRecordException when damaged, cut short or larger than that
 */
export function decompressSnappy(data: Buffer, maxBytes: number): Buffer {
  // Take bytes without the stream's name for one bare block.
  if (!startsStream(data, 0)) {
    if (unpackedLength(data) > maxBytes) throw tooLarge('snappy', maxBytes)
    return decompressBlock(data)
  }

  // Unpack block after block, passing over repeated headers.
  const blocks: Buffer[] = []
  let total = 0
  let position = 0
  while (position < data.length) {
    if (startsStream(data, position)) {
      checkVersion(data, position)
      position += HEADER_BYTES
      continue
    }
    const end = blockEnd(data, position)
    const packed = data.subarray(position + 4, end)
    total += unpackedLength(packed)
    if (total > maxBytes) throw tooLarge('snappy', maxBytes)
    blocks.push(decompressBlock(packed))
    position = end
  }
  return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks, total)
}

/** Whether the stream's header begins here. */
function startsStream(data: Buffer, at: number): boolean {
  return (
    data.length - at >= HEADER_BYTES &&
    data.compare(MAGIC, 0, MAGIC.length, at, at + MAGIC.length) === 0
  )
}

/** Refuses a stream that says a reader of version 1 cannot read it. */
function checkVersion(data: Buffer, at: number): void {
  const version = data.readInt32BE(at + 8)
  if (version < VERSION) throw corrupt('snappy', `stream version ${version}`)
}

/** Finds where the block whose length stands at `position` ends. */
function blockEnd(data: Buffer, position: number): number {
  if (data.length - position < 4) throw corrupt('snappy', 'a block length is cut short')
  const length = data.readInt32BE(position)
  const end = position + 4 + length
  if (length < 0 || end > data.length) {
    throw corrupt('snappy', `a block of ${length} bytes ends beyond the data`)
  }
  return end
}

/** Reads the length that opens a bare block, before anything is allocated. */
function unpackedLength(block: Buffer): number {
  let length = 0
  let position = 0
  for (let factor = 1; ; factor *= 0x80) {
    const byte = block[position++]
    if (byte === undefined || position > 5) throw corrupt('snappy', 'no block length')
    length += (byte & 0x7f) * factor
    if (byte < 0x80) break
  }
  if (length > block.length * MAX_RATIO) {
    throw corrupt('snappy', `${block.length} bytes cannot hold ${length}`)
  }
  return length
}

/** Unpacks one bare block. */
function decompressBlock(block: Buffer): Buffer {
  const codec = snappy()
  try {
    // Have the bytes copied into the heap: memory that the package owns makes the
    // collector run far too often.
    return codec.uncompressSync(block, { copyOutputData: true }) as Buffer
  } catch (cause) {
    throw corrupt('snappy', (cause as Error).message, cause)
  }
}
