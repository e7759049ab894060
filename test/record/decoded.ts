/**
 * # Decoded batches
 *
 * What Kafka 1.1.1's own reader prints of a set of batches, as the golden files hold
 * it, and the same of ours.
 *
 * @module
 */

import type { KafkaRecord } from '../../src/record/KafkaRecord.ts'
import type { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import type { RecordBatch } from '../../src/record/RecordBatch.ts'

/** One record; bytes are in hex. */
export interface DecodedRecord {
  readonly offset: number
  readonly timestamp: number
  readonly sequence: number
  readonly sizeInBytes: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [string, string | null])[]
}

/** One batch. */
export interface DecodedBatch {
  readonly magic: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly sizeInBytes: number
  readonly codec: string
  readonly timestampType: string
  readonly maxTimestamp: number
  readonly producerId: string
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly lastSequence: number
  readonly isTransactional: boolean
  readonly isControlBatch: boolean
  readonly partitionLeaderEpoch: number
  readonly count: number | null
  readonly checksum: number
  readonly records: readonly DecodedRecord[]
}

const hex = (bytes: Buffer | null) => bytes?.toString('hex') ?? null

/** Reads everything of a set. */
export function decode(set: MemoryRecords): DecodedBatch[] {
  return [...set.batches()].map(decodeBatch)
}

function decodeBatch(batch: RecordBatch): DecodedBatch {
  batch.ensureValid()
  return {
    magic: batch.magic,
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    sizeInBytes: batch.sizeInBytes,
    codec: batch.compressionType.name,
    timestampType: batch.timestampType,
    maxTimestamp: batch.maxTimestamp,
    producerId: String(batch.producerId),
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    lastSequence: batch.lastSequence,
    isTransactional: batch.isTransactional,
    isControlBatch: batch.isControlBatch,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    count: batch.countOrNull,
    checksum: batch.checksum,
    records: [...batch].map(decodeRecord),
  }
}

function decodeRecord(record: KafkaRecord): DecodedRecord {
  record.ensureValid()
  return {
    offset: record.offset,
    timestamp: record.timestamp,
    sequence: record.sequence,
    sizeInBytes: record.sizeInBytes,
    key: hex(record.key),
    value: hex(record.value),
    headers: record.headers.map(({ key, value }) => [key, hex(value)] as const),
  }
}
