import { describe, expect, it } from 'vitest'
import { writeVarint } from '../../src/base/bytes/varint.ts'
import { crc32, crc32c } from '../../src/base/crc.ts'
import {
  CorruptRecordException,
  IllegalArgumentException,
  InvalidRecordException,
  InvalidTimestampException,
  UnsupportedForMessageFormatException,
} from '../../src/base/errors.ts'
import { CompressionType } from '../../src/record/CompressionType.ts'
import { EndTransactionMarker } from '../../src/record/EndTransactionMarker.ts'
import { LogValidator, type ValidationRequest } from '../../src/record/LogValidator.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import type { MemoryRecordsBuilderOptions } from '../../src/record/MemoryRecordsBuilder.ts'

const { NONE, GZIP, SNAPPY, LZ4 } = CompressionType
const NOW = 1_530_000_000_000
const b = (text: string) => Buffer.from(text)
const record = { key: b('k'), value: b('v'), timestamp: NOW }

/** A set of three records, the second the latest. */
function three(options: MemoryRecordsBuilderOptions = {}): MemoryRecords {
  const at = (timestamp: number) => (options.magic === 0 ? -1 : timestamp)
  return MemoryRecords.withRecords(
    options,
    { key: b('a'), value: b('1'), timestamp: at(NOW) },
    { key: b('b'), value: b('2'), timestamp: at(NOW + 9) },
    { key: b('c'), value: b('3'), timestamp: at(NOW - 9) },
  )
}

/** Validates with a plain topic's demands; finds the codec of the set as `Log` does. */
function validate(records: MemoryRecords, demands: Partial<ValidationRequest> = {}) {
  let sourceCodec: CompressionType = NONE
  for (const batch of records.batches()) {
    batch.ensureValid()
    if (batch.compressionType !== NONE) sourceCodec = batch.compressionType
  }
  return LogValidator.validateMessagesAndAssignOffsets({
    records,
    nextOffset: 500,
    now: NOW,
    sourceCodec,
    targetCodec: sourceCodec,
    compactedTopic: false,
    magic: 2,
    timestampType: 'CreateTime',
    timestampDiffMaxMs: Number.MAX_SAFE_INTEGER,
    partitionLeaderEpoch: 8,
    isFromClient: true,
    ...demands,
  })
}

/** Writes over a magic-2 header and seals it again. */
function forge(records: MemoryRecords, change: (bytes: Buffer) => void): MemoryRecords {
  const bytes = Buffer.from(records.buffer)
  change(bytes)
  bytes.writeUInt32BE(crc32c(bytes, 21), 17)
  return new MemoryRecords(bytes)
}

describe('validateMessagesAndAssignOffsets() takes times beyond 2^53', () => {
  const far = [
    ['nanoseconds', 1_700_000_000_123_456_789n],
    ['the largest', 2n ** 63n - 1n],
    ['the smallest', -(2n ** 63n)],
  ] as const

  it.each(far)('%s', (_, time) => {
    const records = forge(MemoryRecords.withRecords({}, record), (bytes) => {
      bytes.writeBigInt64BE(time, 27)
      bytes.writeBigInt64BE(time, 35)
    })
    const before = Buffer.from(records.buffer)
    const { validatedRecords, maxTimestamp } = validate(records)
    const { buffer } = validatedRecords
    expect(maxTimestamp).toBe(time < 0n ? -1 : Number(time))
    expect(buffer.subarray(27, 35).equals(before.subarray(27, 35))).toBe(true)
    for (const batch of validatedRecords.batches()) batch.ensureValid()
  })
})

describe('validateMessagesAndAssignOffsets() keeps the bytes', () => {
  const cases = [
    { magic: 2, codec: NONE },
    { magic: 1, codec: NONE },
    { magic: 0, codec: NONE },
    { magic: 2, codec: GZIP },
    { magic: 2, codec: SNAPPY },
    { magic: 2, codec: LZ4 },
    { magic: 1, codec: GZIP },
  ]

  it.each(cases)('of magic $magic, $codec', ({ magic, codec }) => {
    const records = three({ magic, compressionType: codec })
    const result = validate(records, { magic })
    expect(result.validatedRecords).toBe(records)
    expect(result).toMatchObject({
      messageSizeMaybeChanged: false,
      nextOffset: 503,
      recordsConverted: 0,
      maxTimestamp: magic === 0 ? -1 : NOW + 9,
    })

    const read = [...records.records()]
    expect(read.map(({ offset }) => offset)).toEqual([500, 501, 502])
    for (const batch of records.batches()) {
      batch.ensureValid()
      expect(batch.partitionLeaderEpoch).toBe(magic === 2 ? 8 : -1)
    }
  })

  it('of magic 2 without a second CRC pass, as offset and epoch lie outside', () => {
    const records = three()
    const before = Buffer.from(records.buffer)
    validate(records)
    expect(records.buffer.subarray(16)).toEqual(before.subarray(16))
    expect(records.buffer.readBigInt64BE(0)).toBe(500n)
  })

  it.each([
    { magic: 2, codec: NONE },
    { magic: 2, codec: LZ4 },
    { magic: 1, codec: NONE },
    { magic: 1, codec: GZIP },
  ])('and sets LogAppendTime in magic $magic, $codec', ({ magic, codec }) => {
    const records = three({ magic, compressionType: codec })
    const now = NOW + 77
    const result = validate(records, { magic, now, timestampType: 'LogAppendTime' })
    const isOneBatch = magic === 2 || codec !== NONE
    expect(result.validatedRecords).toBe(records)
    expect(result.maxTimestamp).toBe(now)
    expect(result.shallowOffsetOfMaxTimestamp).toBe(isOneBatch ? 502 : 500)
    for (const batch of records.batches()) {
      batch.ensureValid()
      expect(batch).toMatchObject({ timestampType: 'LogAppendTime', maxTimestamp: now })
    }
    expect([...records.records()].map(({ timestamp }) => timestamp)).toEqual([
      now,
      now,
      now,
    ])
  })

  it('of a marker that the broker writes itself, whatever the target codec', () => {
    const marker = MemoryRecords.withEndTransactionMarker(
      { timestamp: NOW, producerId: 4n, producerEpoch: 1 },
      new EndTransactionMarker('ABORT', 3),
    )
    const result = validate(marker, { isFromClient: false, targetCodec: GZIP })
    expect(result.validatedRecords).toBe(marker)
    expect([...marker.batches()][0]).toMatchObject({ baseOffset: 500 })
  })
})

describe('validateMessagesAndAssignOffsets() builds anew', () => {
  it.each([
    { from: 0, to: 1 },
    { from: 0, to: 2 },
    { from: 1, to: 0 },
    { from: 1, to: 2 },
    { from: 2, to: 0 },
    { from: 2, to: 1 },
  ])('from magic $from to magic $to', ({ from, to }) => {
    for (const codec of [NONE, SNAPPY]) {
      const result = validate(three({ magic: from, compressionType: codec }), {
        magic: to,
      })
      const read = [...result.validatedRecords.records()]
      expect(read.map(({ offset, key }) => [offset, String(key)])).toEqual([
        [500, 'a'],
        [501, 'b'],
        [502, 'c'],
      ])
      expect(result).toMatchObject({
        messageSizeMaybeChanged: true,
        recordsConverted: 3,
      })
      expect(result.maxTimestamp).toBe(from === 0 || to === 0 ? -1 : NOW + 9)
      expect(result.validatedRecords.hasMatchingMagic(to)).toBe(true)
    }
  })

  it('to pack what came unpacked, with the producer of the batch', () => {
    const producer = { producerId: 9n, producerEpoch: 2, baseSequence: 33 }
    const sent = three({ ...producer, isTransactional: true })
    const { validatedRecords } = validate(sent, { targetCodec: LZ4 })
    const [batch] = validatedRecords.batches()
    const kept = { ...producer, isTransactional: true, partitionLeaderEpoch: 8 }
    expect(batch).toMatchObject({ ...kept, compressionType: LZ4, baseOffset: 500 })
  })

  it('when inner offsets of a packed batch are not 0, 1, 2', () => {
    const sent = three({ magic: 1, compressionType: GZIP, baseOffset: 40 })
    const result = validate(sent, { magic: 1 })
    expect(result.validatedRecords).not.toBe(sent)
    expect([...result.validatedRecords.batches()][0]?.lastOffset).toBe(502)
  })

  it('when several packed batches came in one set', () => {
    const one = three({ compressionType: GZIP })
    const two = three({ compressionType: GZIP, baseOffset: 3 })
    const sent = new MemoryRecords(Buffer.concat([one.buffer, two.buffer]))
    const { validatedRecords, nextOffset } = validate(sent)
    expect([...validatedRecords.batches()]).toHaveLength(1)
    expect(nextOffset).toBe(506)
  })
})

describe('validateMessagesAndAssignOffsets() refuses', () => {
  const rejections: [string, new () => Error, () => unknown][] = [
    [
      'a marker from a client',
      InvalidRecordException,
      () =>
        validate(
          MemoryRecords.withEndTransactionMarker(
            { timestamp: NOW, producerId: 4n, producerEpoch: 1 },
            new EndTransactionMarker('ABORT', 3),
          ),
        ),
    ],
    [
      'LogAppendTime from a producer',
      InvalidTimestampException,
      () => validate(three({ timestampType: 'LogAppendTime', logAppendTime: NOW })),
    ],
    [
      'a count of 0',
      InvalidRecordException,
      () => validate(forge(three(), (x) => x.writeInt32BE(0, 57))),
    ],
    [
      'a count that does not fit the offsets',
      InvalidRecordException,
      () => validate(forge(three(), (x) => x.writeInt32BE(2, 57))),
    ],
    [
      'a last offset below the first',
      InvalidRecordException,
      () => validate(forge(three(), (x) => x.writeInt32BE(-1, 23))),
    ],
    [
      'a producer id without sequence',
      InvalidRecordException,
      () => validate(forge(three(), (x) => x.writeBigInt64BE(7n, 43))),
    ],
    [
      'a transactional batch for magic 1',
      UnsupportedForMessageFormatException,
      () => {
        const producer = { producerId: 1n, producerEpoch: 0, baseSequence: 0 }
        return validate(three({ ...producer, isTransactional: true }), { magic: 1 })
      },
    ],
    [
      'an idempotent batch for magic 1',
      UnsupportedForMessageFormatException,
      () => {
        const producer = { producerId: 1n, producerEpoch: 0, baseSequence: 0 }
        return validate(three({ ...producer, compressionType: GZIP }), { magic: 1 })
      },
    ],
    [
      'headers for magic 1, as 1.1.1 does',
      IllegalArgumentException,
      () => {
        const headers = [{ key: 'h', value: null }]
        return validate(MemoryRecords.withRecords({}, { ...record, headers }), {
          magic: 1,
        })
      },
    ],
    [
      'a time too far from now',
      InvalidTimestampException,
      () => validate(three(), { now: NOW + 1000, timestampDiffMaxMs: 1008 }),
    ],
    [
      'a null key on a compacted topic',
      InvalidRecordException,
      () =>
        validate(MemoryRecords.withRecords({}, { value: b('v') }), {
          compactedTopic: true,
        }),
    ],
    [
      'a packed batch inside a packed one',
      InvalidRecordException,
      () => {
        const inner = three({ magic: 1, compressionType: GZIP }).buffer
        const outer = wrapper(inner)
        return validate(new MemoryRecords(outer), { magic: 1 })
      },
    ],
    [
      'an inner message with a wrong CRC',
      InvalidRecordException,
      () => {
        const inner = Buffer.from(three({ magic: 1 }).buffer)
        inner[inner.length - 1]! ^= 1
        return validate(new MemoryRecords(wrapper(inner)), { magic: 1 })
      },
    ],
    [
      'an inner message of another magic than its wrapper',
      InvalidRecordException,
      () =>
        validate(new MemoryRecords(wrapper(three({ magic: 0 }).buffer)), { magic: 1 }),
    ],
    [
      'a batch that unpacks to more than allowed',
      InvalidRecordException,
      () => {
        const bomb = { value: Buffer.alloc(1_000_000) }
        const sent = MemoryRecords.withRecords({ compressionType: GZIP }, bomb)
        return validate(sent, { maxDecompressedBytes: 100_000 })
      },
    ],
    [
      'unpacked records whose offsets are not 0, 1, 2',
      InvalidRecordException,
      () =>
        validate(
          forge(three(), (x) => {
            x[64] = 8 // the offset delta of the first record, 4 instead of 0
          }),
        ),
    ],
    [
      'zstd, which 1.1 does not know',
      IllegalArgumentException,
      () => validate(forge(three(), (x) => x.writeInt16BE(4, 21))),
    ],
    [
      'bytes after the last record',
      InvalidRecordException,
      () =>
        validate(
          forge(three(), (x) => {
            x.writeInt32BE(2, 57)
            x.writeInt32BE(1, 23)
          }),
        ),
    ],
    [
      'a record that claims more bytes than there are',
      InvalidRecordException,
      () => validate(forge(three(), (x) => void writeVarint(x, 61, 60))),
    ],
  ]

  it.each(rejections)('%s', (_, exception, attempt) => {
    expect(attempt).toThrow(exception)
  })

  it('a wrong CRC, by the check that the caller makes', () => {
    const bytes = Buffer.from(three().buffer)
    bytes[70]! ^= 1
    expect(() => validate(new MemoryRecords(bytes))).toThrow(CorruptRecordException)
  })
})

describe('validateMessagesAndAssignOffsets() lets pass', () => {
  it('records without a time, however strict the topic', () => {
    const sent = MemoryRecords.withRecords({}, { value: b('v') })
    expect(validate(sent, { timestampDiffMaxMs: 0 }).maxTimestamp).toBe(-1)
  })

  it('a count below the range of offsets when the broker itself appends', () => {
    const gaps = forge(three(), (x) => x.writeInt32BE(9, 23))
    expect(validate(gaps, { isFromClient: false }).nextOffset).toBe(503)
  })
})

/** Packs a set of messages into one magic-1 wrapper with offset 2, unchecked. */
function wrapper(inner: Buffer): Buffer {
  const packed = GZIP.compress(inner, 1)
  const bytes = Buffer.alloc(12 + 22 + packed.length)
  bytes.writeBigInt64BE(2n, 0)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt8(1, 16)
  bytes.writeInt8(1, 17)
  bytes.writeBigInt64BE(BigInt(NOW), 18)
  bytes.writeInt32BE(-1, 26)
  bytes.writeInt32BE(packed.length, 30)
  packed.copy(bytes, 34)
  bytes.writeUInt32BE(crc32(bytes, 16), 12)
  return bytes
}
