/**
 * # Frames to pump
 *
 * Produce requests as librdkafka sends them: batches of up to a megabyte, one partition a
 * request, records of one size.
 *
 * @module
 */
import { ApiKeys } from '../../protocol/ApiKeys.ts'
import { encodeRequest } from '../../protocol/framing.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import { dial } from './pump.ts'

/** Largest batch, in bytes: what librdkafka fills before it sends. */
export const BATCH_BYTES = 1_000_000

/** A batch of equal records that fills `bytes` as well as it can. */
export function batchOf(recordBytes: number, bytes = BATCH_BYTES): MemoryRecords {
  const count = Math.max(1, Math.floor((bytes - 61) / (recordBytes + 12)))
  const value = Buffer.alloc(recordBytes, 'annotated kafka ')
  const timestamp = 1_500_000_000_000
  const records = Array.from({ length: count }, () => ({ value, timestamp }))
  return MemoryRecords.withRecords({ magic: 2 }, ...records)
}

/** A whole Produce request: version 5, or 2 for messages of an old format. */
export function produceFrame(
  topic: string,
  records: MemoryRecords,
  acks = 1,
  version = 5,
): Buffer {
  return encodeRequest(ApiKeys.PRODUCE, version, 1, 'bench', {
    ...{ transactionalId: null, acks, timeoutMs: 30_000 },
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  })
}

/** A whole Fetch request, version 4, for up to `maxBytes` from `offset`. */
export function fetchFrame(
  topic: string,
  offset: number,
  maxBytes: number,
  maxWaitMs = 500,
): Buffer {
  const partition = { partition: 0, fetchOffset: offset, partitionMaxBytes: maxBytes }
  return encodeRequest(ApiKeys.FETCH, 4, 1, 'bench', {
    ...{ replicaId: -1, maxWaitMs, minBytes: 1, maxBytes, isolationLevel: 0 },
    topics: [{ topic, partitions: [partition] }],
  })
}

/** Asks for metadata until the topic has a leader; the first question creates it. */
export async function createTopic(port: number, topic: string): Promise<void> {
  const body = { topics: [{ name: topic }], allowAutoTopicCreation: true }
  const frame = encodeRequest(ApiKeys.METADATA, 4, 1, 'bench', body)
  const socket = await dial(port)
  const { ByteReader } = await import('../../base/bytes/ByteReader.ts')
  const { FrameParser } = await import('../../protocol/framing.ts')
  const parser = new FrameParser()
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('data', (chunk: Buffer) => {
      for (const payload of parser.push(chunk)) {
        const reader = new ByteReader(payload, 4)
        const response = ApiKeys.METADATA.response.decode(4, reader)
        const leader = response.topics[0]?.partitions[0]?.leaderId ?? -1
        if (leader >= 0) resolve()
        else setTimeout(() => socket.write(frame), 5)
      }
    })
    socket.write(frame)
  })
  socket.destroy()
}
