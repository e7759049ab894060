/**
 * # Replicas as they lie on the disk
 *
 * Reads the segments of a partition from a log directory, batch by batch, without any
 * broker: what counts at the end of a chaos run is what is in the files.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import type { StoredBatch } from '../faults/history-check.ts'

/** Reads all whole batches of one partition, in the order of offsets. */
export function readStoredBatches(logDir: string, partition: string): StoredBatch[] {
  const dir = join(logDir, partition)
  if (!existsSync(dir)) return []
  const segments = readdirSync(dir).filter((name) => name.endsWith('.log'))
  return segments
    .sort()
    .flatMap((name) => [...batchesOf(readFileSync(join(dir, name)))])
}

function* batchesOf(segment: Buffer): Generator<StoredBatch> {
  let position = 0
  for (const batch of new MemoryRecords(segment).batches()) {
    const bytes = segment.subarray(position, position + batch.sizeInBytes)
    position += batch.sizeInBytes
    yield {
      baseOffset: batch.baseOffset,
      lastOffset: batch.lastOffset,
      leaderEpoch: batch.partitionLeaderEpoch,
      digest: createHash('sha1').update(bytes).digest('base64'),
    }
  }
}
