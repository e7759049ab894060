/**
 * # Producer snapshots
 *
 * The producer state at an offset, in a file named after it, so that a restart need not
 * scan the whole log. All numbers are big-endian:
 *
 *     [version i16 = 1 | crc u32 | count i32 | entry …]       crc: CRC-32C from count on
 *     entry, 46 bytes: [producerId i64 | epoch i16 | lastSequence i32 | lastOffset i64 |
 *       offsetDelta i32 | timestamp i64 | coordinatorEpoch i32 | currentTxnFirstOffset i64]
 *
 * Only the last batch of each producer is kept: after a restart, older ones are no longer
 * recognised as duplicates. -1 stands for "no open transaction".
 *
 * @kafka core/src/main/scala/kafka/log/ProducerStateManager.scala#PidSnapshotMapSchema
 * @module
 */
import { ByteReader } from '../base/bytes/ByteReader.ts'
import { ByteWriter } from '../base/bytes/ByteWriter.ts'
import { crc32c } from '../base/crc.ts'
import { KafkaException, SchemaException } from '../base/errors.ts'
import type { Storage } from '../base/platform/Platform.ts'
import { BatchMetadata, ProducerStateEntry } from './ProducerStateEntry.ts'

const ProducerSnapshotVersion = 1
const CrcOffset = 2
const ProducerEntriesOffset = 6
const EntrySize = 46

/**
 * A snapshot that cannot be used. It is deleted and an older one tried.
 *
 * @kafka core/src/main/scala/kafka/log/ProducerStateManager.scala#CorruptSnapshotException
 */
export class CorruptSnapshotException extends KafkaException {}

/**
 * Reads a snapshot.
 *
 * @throws CorruptSnapshotException for another version, a wrong CRC or a wrong length
 * @kafka core/src/main/scala/kafka/log/ProducerStateManager.scala#readSnapshot
 */
export function readSnapshot(storage: Storage, path: string): ProducerStateEntry[] {
  const bytes = storage.readFile(path)
  try {
    return decodeSnapshot(bytes)
  } catch (error) {
    if (!(error instanceof SchemaException)) throw error
    throw new CorruptSnapshotException(`snapshot ${path} is malformed`, {
      cause: error,
    })
  }
}

/**
 * Writes a snapshot.
 *
 * @kafka core/src/main/scala/kafka/log/ProducerStateManager.scala#writeSnapshot
 */
export function writeSnapshot(
  storage: Storage,
  path: string,
  entries: Iterable<ProducerStateEntry>,
): void {
  storage.writeFile(path, encodeSnapshot([...entries]))
}

function decodeSnapshot(bytes: Buffer): ProducerStateEntry[] {
  // Look at the version before anything else.
  const reader = new ByteReader(bytes)
  const version = reader.readInt16()
  if (version !== ProducerSnapshotVersion) {
    throw new CorruptSnapshotException(`snapshot has the unknown version ${version}`)
  }

  // The CRC covers the rest of the file.
  const crc = reader.readUint32()
  const computedCrc = crc32c(bytes, ProducerEntriesOffset)
  if (crc !== computedCrc) {
    throw new CorruptSnapshotException(
      `snapshot has the CRC ${crc}, but its content gives ${computedCrc}`,
    )
  }

  // Read the entries.
  const count = reader.readInt32()
  if (count < 0 || count * EntrySize > reader.remaining) {
    throw new CorruptSnapshotException(`snapshot cannot hold ${count} entries`)
  }
  return Array.from({ length: count }, () => decodeEntry(reader))
}

function decodeEntry(reader: ByteReader): ProducerStateEntry {
  const producerId = reader.readBigInt64()
  const producerEpoch = reader.readInt16()
  const lastSeq = reader.readInt32()
  const lastOffset = reader.readInt64()
  const offsetDelta = reader.readInt32()
  const timestamp = reader.readInt64()
  const coordinatorEpoch = reader.readInt32()
  const txnFirstOffset = reader.readInt64()
  return new ProducerStateEntry({
    producerId,
    batchMetadata: [new BatchMetadata({ lastSeq, lastOffset, offsetDelta, timestamp })],
    producerEpoch,
    coordinatorEpoch,
    currentTxnFirstOffset: txnFirstOffset >= 0 ? txnFirstOffset : undefined,
  })
}

function encodeSnapshot(entries: readonly ProducerStateEntry[]): Buffer {
  // Write everything, with a zero where the CRC goes.
  const size = ProducerEntriesOffset + 4 + entries.length * EntrySize
  const writer = new ByteWriter(size)
  writer.writeInt16(ProducerSnapshotVersion)
  writer.writeInt32(0)
  writer.writeInt32(entries.length)
  for (const entry of entries) encodeEntry(writer, entry)

  // Put the CRC of the rest into its place.
  const bytes = writer.toBuffer()
  bytes.writeUInt32BE(crc32c(bytes, ProducerEntriesOffset), CrcOffset)
  return bytes
}

function encodeEntry(writer: ByteWriter, entry: ProducerStateEntry): void {
  writer.writeBigInt64(entry.producerId)
  writer.writeInt16(entry.producerEpoch)
  writer.writeInt32(entry.lastSeq)
  writer.writeInt64(entry.lastDataOffset)
  writer.writeInt32(entry.lastOffsetDelta)
  writer.writeInt64(entry.lastTimestamp)
  writer.writeInt32(entry.coordinatorEpoch)
  writer.writeInt64(entry.currentTxnFirstOffset ?? -1)
}
