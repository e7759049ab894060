/**
 * Bytes of Apache Kafka 1.1.1 itself. `goldens.json` was made once with the classes of
 * `kafka-clients` 1.1.1: `MemoryRecordsBuilder` wrote each set with the options noted
 * beside it, `MemoryRecords` read it back, and both, bytes and what was read, were put
 * down. A set whose options are null was put together from several batches, or has
 * gaps.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CompressionType } from '../../src/record/CompressionType.ts'
import { EndTransactionMarker } from '../../src/record/EndTransactionMarker.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import type { TimestampType } from '../../src/record/TimestampType.ts'
import { type DecodedBatch, decode } from './decoded.ts'

interface Golden {
  readonly name: string
  readonly options: {
    readonly magic?: number
    readonly codec?: string
    readonly timestampType?: TimestampType
    readonly baseOffset: number
    readonly logAppendTime?: number
    readonly producerId?: string
    readonly producerEpoch?: number
    readonly baseSequence?: number
    readonly isTransactional?: boolean
    readonly partitionLeaderEpoch?: number
    readonly marker?: 'COMMIT' | 'ABORT'
    readonly coordinatorEpoch?: number
    readonly timestamp?: number
  } | null
  readonly hex: string
  readonly batches: readonly DecodedBatch[]
}

const url = new URL('./goldens.json', import.meta.url)
const goldens = JSON.parse(readFileSync(url, 'utf8')) as Golden[]
const bytesOf = (hex: string | null) => (hex === null ? null : Buffer.from(hex, 'hex'))

/** Builds the same set with our writer, out of what the golden's reader saw. */
function rebuild({ options, batches }: Golden): MemoryRecords {
  const { codec, producerId, marker, ...rest } = options!
  const producer = producerId === undefined ? {} : { producerId: BigInt(producerId) }
  if (marker !== undefined) {
    const { baseOffset, timestamp, partitionLeaderEpoch, producerEpoch } = rest
    return MemoryRecords.withEndTransactionMarker(
      {
        baseOffset,
        timestamp: timestamp!,
        partitionLeaderEpoch,
        producerId: producer.producerId!,
        producerEpoch: producerEpoch!,
      },
      new EndTransactionMarker(marker, rest.coordinatorEpoch!),
    )
  }
  const records = batches.flatMap((batch) => batch.records)
  return MemoryRecords.withRecords(
    { ...rest, ...producer, compressionType: CompressionType.forName(codec!) },
    ...records.map(({ key, value, timestamp, headers }, index) => ({
      key: bytesOf(key),
      value: bytesOf(value),
      timestamp: createTime(rest.timestampType!, rest.magic!, index) ?? timestamp,
      headers: headers.map(([name, v]) => ({ key: name, value: bytesOf(v) })),
    })),
  )
}

/**
 * With LogAppendTime a magic-2 record keeps its create time as a delta that readers do
 * not see; these are the times that the golden was written with.
 */
function createTime(type: TimestampType, magic: number, index: number) {
  if (type !== 'LogAppendTime' || magic < 2) return undefined
  const first = 1_530_000_000_000
  return [first, first + 250, first - 100_000, -1, first + 5, first + 1][index]
}

describe('Kafka 1.1.1 wrote', () => {
  it.each(goldens.map((golden) => [golden.name, golden] as const))(
    '%s',
    (_, golden) => {
      const set = new MemoryRecords(bytesOf(golden.hex)!)
      expect(decode(set)).toEqual(golden.batches)
      expect(set.validBytes).toBe(set.sizeInBytes)
    },
  )
})

describe('our writer gives', () => {
  const withOptions = goldens.filter(({ options }) => options !== null)
  const isPlain = ({ batches }: Golden) =>
    batches.every(({ codec }) => codec === 'none')

  it.each(withOptions.filter(isPlain).map((golden) => [golden.name, golden] as const))(
    'the same bytes: %s',
    (_, golden) => {
      expect(rebuild(golden).buffer.toString('hex')).toBe(golden.hex)
    },
  )

  it.each(
    withOptions
      .filter((g) => !isPlain(g))
      .map((golden) => [golden.name, golden] as const),
  )('the same records: %s', (_, golden) => {
    // Codecs may pack differently, so size and checksum are the writer's own.
    const ours = decode(rebuild(golden))
    const own = ours.map(({ sizeInBytes, checksum }) => ({ sizeInBytes, checksum }))
    expect(ours).toEqual(golden.batches.map((batch, i) => ({ ...batch, ...own[i] })))
  })
})
