/**
 * # LZ4 frames
 *
 *     [04 22 4D 18 | FLG | BD | content size 8? | HC] ([length 4 LE | block])* [0 4]
 *
 * FLG holds the version (bits 6-7 = 1), block independence (5), block checksums (4),
 * content size (3), content checksum (2); BD the largest block (4 = 64 KiB … 7 = 4
 * MiB). A block whose length has the top bit set is not compressed.
 *
 * HC, one byte, checks the header. **Kafka before 0.10 hashed the frame's magic with
 * it**, and magic-0 readers still expect that: for magic 0 the wrong byte is written
 * and no byte is checked; from magic 1 on the right one is written and checked. Blocks
 * that refer to earlier blocks are refused, as Kafka does; a content checksum is passed
 * over.
 *
 * @differs block checksums are passed over too: the CRC of the batch covers them
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/KafkaLZ4BlockInputStream.java#KafkaLZ4BlockInputStream
 * @kafka clients/src/main/java/org/apache/kafka/common/record/KafkaLZ4BlockOutputStream.java#KafkaLZ4BlockOutputStream
 * @module
 */

import { corrupt, tooLarge } from './bound.ts'
import { optionalPackage } from './optional-package.ts'
import { xxHash32Short } from './xxhash32.ts'

/** The two functions used of the package. */
interface Lz4Package {
  compressFrameSync(data: Buffer): Buffer
  /** Takes one block behind the length that it unpacks to, u32 LE. */
  uncompressSync(data: Buffer): Buffer
}

const lz4 = optionalPackage<Lz4Package>('lz4', 'lz4-napi')

const FRAME_MAGIC = 0x184d2204
const FLG_AT = 4
const BD_AT = 5
const FLG_CONTENT_SIZE = 0x08
const FLG_BLOCK_CHECKSUM = 0x10
const FLG_INDEPENDENT = 0x20
const UNCOMPRESSED = 0x8000_0000

/** What the header of a frame says. */
interface FrameHeader {
  readonly flg: number
  /** Index of HC, the header's last byte. */
  readonly checksumAt: number
  /** Most bytes that one block unpacks to. */
  readonly maxBlockBytes: number
}

/**
 * Packs bytes into one frame.
 *
 * @param data - bytes to pack
 * @param magic - of the batch: 0 gets the header checksum that old readers expect
 */
export function compressLz4(data: Buffer, magic: number): Buffer {
  const frame = lz4().compressFrameSync(data)
  if (magic === 0) {
    const { checksumAt } = readHeader(frame)
    frame[checksumAt] = headerChecksum(frame.subarray(0, checksumAt))
  }
  return frame
}

/**
 * Unpacks one frame; bytes after its end mark are ignored.
 *
 * @param data - packed bytes
 * @param magic - of the batch: 0 has its header checksum ignored
 * @param maxBytes - most bytes to give
 * @throws InvalidRecordException when damaged, cut short or larger than that
 */
export function decompressLz4(data: Buffer, magic: number, maxBytes: number): Buffer {
  // Hold the header's checksum against its bytes, except in the old format.
  const header = readHeader(data)
  const descriptor = data.subarray(FLG_AT, header.checksumAt)
  const expected = headerChecksum(descriptor)
  if (magic > 0 && data[header.checksumAt] !== expected) {
    throw corrupt('lz4', 'the frame header does not match its checksum')
  }

  // Find the blocks and what they give, then unpack them side by side.
  const blocks = blocksOf(data, header, maxBytes)
  const last = blocks.at(-1)
  const target = Buffer.allocUnsafe(last === undefined ? 0 : last.to)
  for (const block of blocks) unpackBlock(data, block, target)
  return target
}

/** The checksum byte over the given part of a header. */
function headerChecksum(bytes: Buffer): number {
  return (xxHash32Short(bytes) >>> 8) & 0xff
}

/** Reads a frame's header and refuses what Kafka's reader refuses. */
function readHeader(data: Buffer): FrameHeader {
  if (data.length < 7) throw corrupt('lz4', 'the frame header is cut short')
  if (data.readUInt32LE(0) !== FRAME_MAGIC) throw corrupt('lz4', 'not a frame')

  // Refuse other versions, reserved bits and blocks that lean on earlier ones.
  const flg = data[FLG_AT]!
  const bd = data[BD_AT]!
  if (flg >>> 6 !== 1) throw corrupt('lz4', `frame version ${flg >>> 6}`)
  if (flg & 0x03) throw corrupt('lz4', 'a reserved bit of the frame is set')
  if (!(flg & FLG_INDEPENDENT)) {
    throw corrupt('lz4', 'frames of dependent blocks are not supported')
  }

  // Work out where the header ends and how large a block may be.
  const sizeCode = bd >>> 4
  if (bd & 0x0f || sizeCode < 4 || sizeCode > 7) {
    throw corrupt('lz4', `block descriptor ${bd}`)
  }
  const checksumAt = flg & FLG_CONTENT_SIZE ? 14 : 6
  if (checksumAt >= data.length) throw corrupt('lz4', 'the frame header is cut short')
  return { flg, checksumAt, maxBlockBytes: 1 << (2 * sizeCode + 8) }
}

/** One block: where it stands in the frame and where it goes. */
interface Block {
  readonly start: number
  readonly end: number
  readonly isPacked: boolean
  /** Index of its first unpacked byte. */
  readonly from: number
  /** Index after its last unpacked byte. */
  readonly to: number
}

/** Finds the blocks of a frame, unpacking nothing; refuses those that give too much. */
function blocksOf(data: Buffer, header: FrameHeader, maxBytes: number): Block[] {
  const trailer = header.flg & FLG_BLOCK_CHECKSUM ? 4 : 0
  const blocks: Block[] = []
  let from = 0
  let position = header.checksumAt + 1
  while (data.length - position >= 4) {
    const word = data.readUInt32LE(position)
    const start = position + 4
    if (word === 0) return blocks

    // Refuse a block that passes the frame's block size or the end of the data.
    const length = word & ~UNCOMPRESSED
    const end = start + length
    if (length > header.maxBlockBytes || end + trailer > data.length) {
      throw corrupt('lz4', `a block of ${length} bytes is too long`)
    }

    // Work out what the block gives, exactly, so that no bomb is unpacked.
    const isPacked = word < UNCOMPRESSED
    const bytes = isPacked ? unpackedBytes(data, start, end) : length
    if (from + bytes > maxBytes) throw tooLarge('lz4', maxBytes)
    if (bytes > header.maxBlockBytes) {
      throw corrupt('lz4', `a block unpacks to ${bytes} bytes`)
    }
    blocks.push({ start, end, isPacked, from, to: from + bytes })
    from += bytes
    position = end + trailer
  }
  throw corrupt('lz4', 'the frame has no end mark')
}

/** Unpacks one block into its place. */
function unpackBlock(data: Buffer, block: Block, target: Buffer): void {
  if (!block.isPacked) {
    data.copy(target, block.from, block.start, block.end)
    return
  }

  // Put the length in front, as the package wants it.
  const expected = block.to - block.from
  const packed = Buffer.allocUnsafe(4 + block.end - block.start)
  packed.writeUInt32LE(expected)
  data.copy(packed, 4, block.start, block.end)

  const codec = lz4()
  let unpacked: Buffer
  try {
    unpacked = codec.uncompressSync(packed)
  } catch (cause) {
    throw corrupt('lz4', (cause as Error).message, cause)
  }
  if (unpacked.length !== expected) throw corrupt('lz4', 'a block ends too early')
  unpacked.copy(target, block.from)
}

/**
 * Adds up the literals and matches of a compressed block.
 *
 *     ([token: literals 4 bits, match 4 bits | more* | bytes | distance 2 | more*])*
 */
function unpackedBytes(data: Buffer, start: number, end: number): number {
  let total = 0
  let position = start
  while (position < end) {
    // Count the literals; a nibble of 15 goes on in further bytes.
    const token = data[position++]!
    let literals = token >>> 4
    for (let more = literals === 15 ? 255 : 0; more === 255 && position < end; ) {
      more = data[position++]!
      literals += more
    }
    total += literals
    position += literals
    if (position >= end) return total

    // Count the match, which is at least four bytes long.
    position += 2
    let match = token & 0x0f
    for (let more = match === 15 ? 255 : 0; more === 255 && position < end; ) {
      more = data[position++]!
      match += more
    }
    total += match + 4
  }
  return total
}
