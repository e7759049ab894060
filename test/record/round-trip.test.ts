import { describe, expect, it } from 'vitest'
import { CompressionType } from '../../src/record/CompressionType.ts'
import { EndTransactionMarker } from '../../src/record/EndTransactionMarker.ts'
import type { SimpleRecord } from '../../src/record/KafkaRecord.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'

const b = (text: string) => Buffer.from(text)
const CODECS = ['none', 'gzip', 'snappy', 'lz4'].map((n) => CompressionType.forName(n))

/** Records that have every kind of null; with headers where the format has them. */
function samples(magic: number): SimpleRecord[] {
  const headers = [
    { key: 'h', value: b('1') },
    { key: 'h', value: null },
    { key: '', value: b('') },
  ]
  return [
    { key: b('k1'), value: b('v1'.repeat(400)), timestamp: magic === 0 ? -1 : 1000 },
    { key: null, value: b(''), timestamp: magic === 0 ? -1 : 900 },
    { key: b(''), value: null, timestamp: magic === 0 ? -1 : 2 ** 41 },
    ...(magic === 2 ? [{ key: null, value: null, timestamp: -1, headers }] : []),
  ]
}

describe.each([0, 1, 2])('magic %i', (magic) => {
  it.each(CODECS)(
    'withRecords() gives back what it was given (%s)',
    (compressionType) => {
      const given = samples(magic)
      const set = MemoryRecords.withRecords(
        { magic, compressionType, baseOffset: 70 },
        ...given,
      )
      for (const batch of set.batches()) batch.ensureValid()
      const read = [...set.records()]
      expect(read.map(({ offset }) => offset)).toEqual(given.map((_, i) => 70 + i))
      expect(
        read.map(({ key, value, timestamp, headers }) => ({
          key,
          value,
          timestamp,
          headers,
        })),
      ).toEqual(given.map((record) => ({ headers: [], ...record })))
      expect(set.validBytes).toBe(set.sizeInBytes)
    },
  )

  it.each(CODECS)(
    'batches() stops at a trailing partial batch (%s)',
    (compressionType) => {
      const one = MemoryRecords.withRecords(
        { magic, compressionType },
        samples(magic)[0]!,
      )
      for (let cut = 1; cut < one.sizeInBytes; cut++) {
        const bytes = Buffer.concat([one.buffer, one.buffer.subarray(0, cut)])
        expect(new MemoryRecords(bytes).validBytes).toBe(one.sizeInBytes)
      }
    },
  )
})

describe('magic 2', () => {
  it('keeps the fields of an idempotent, transactional producer', () => {
    const set = MemoryRecords.withRecords(
      {
        producerId: 2n ** 62n,
        producerEpoch: 7,
        baseSequence: 2 ** 31 - 2,
        isTransactional: true,
        partitionLeaderEpoch: 9,
        baseOffset: 2 ** 40,
      },
      { timestamp: 5 },
      { timestamp: 6 },
      { timestamp: 4 },
    )
    const [batch] = set.batches()
    expect(batch).toMatchObject({
      producerId: 2n ** 62n,
      producerEpoch: 7,
      baseSequence: 2 ** 31 - 2,
      lastSequence: 0,
      hasProducerId: true,
      isTransactional: true,
      isControlBatch: false,
      partitionLeaderEpoch: 9,
      baseOffset: 2 ** 40,
      lastOffset: 2 ** 40 + 2,
      nextOffset: 2 ** 40 + 3,
      countOrNull: 3,
      firstTimestamp: 5,
      maxTimestamp: 6,
      timestampType: 'CreateTime',
    })
    expect([...set.records()].map(({ sequence }) => sequence)).toEqual([
      2 ** 31 - 2,
      2 ** 31 - 1,
      0,
    ])
  })

  it('withEndTransactionMarker() writes a marker that deserialize() reads', () => {
    const set = MemoryRecords.withEndTransactionMarker(
      { baseOffset: 12, timestamp: 99, producerId: 4n, producerEpoch: 1 },
      new EndTransactionMarker('COMMIT', 33),
    )
    const [batch] = set.batches()
    expect(batch).toMatchObject({ isControlBatch: true, isTransactional: true })
    const [record] = set.records()
    expect(EndTransactionMarker.deserialize(record!)).toEqual(
      new EndTransactionMarker('COMMIT', 33),
    )
  })
})
