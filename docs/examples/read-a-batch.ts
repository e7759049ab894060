/**
 * # Read a batch
 *
 * The codec of records alone: no broker, no network. The bytes are those of a log file or
 * of a fetch response; [Records, byte by byte](/records) names each of them.
 */
import { CompressionType, MemoryRecords } from 'annotated-kafka'

/** Returns offset and value of each record: `18 hello`, `19 world`. */
export function readABatch(): string[] {
  const { buffer } = MemoryRecords.withRecords(
    { baseOffset: 18, compressionType: CompressionType.GZIP },
    { key: Buffer.from('user-7'), value: Buffer.from('hello'), timestamp: 1000 },
    { key: null, value: Buffer.from('world'), timestamp: 1300 },
  )

  // Read it again as if it had come from somewhere.
  const lines: string[] = []
  for (const batch of new MemoryRecords(buffer).batches()) {
    batch.ensureValid()
    for (const { offset, value } of batch) lines.push(`${offset} ${value}`)
  }
  return lines
}
