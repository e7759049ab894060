/** Questions that bring records, in all formats, whole and broken. */

import { crc32c } from '../../../src/base/crc.ts'
import { Produce } from '../../../src/protocol/messages/Produce.ts'
import { CompressionType } from '../../../src/record/CompressionType.ts'
import { MemoryRecords } from '../../../src/record/MemoryRecords.ts'
import { batchOf } from '../../server/clients.ts'
import { type BrokerPair, versionsOf } from './BrokerPair.ts'

type Options = Parameters<typeof MemoryRecords.withRecords>[0]

interface Text {
  readonly value?: string | null
  readonly key?: string
  readonly timestamp?: number
}

/** Texts as a batch, with what a batch can have. */
function recordsOf(options: Options, ...texts: readonly Text[]): Buffer {
  const records = texts.map(({ value = 'v', key, timestamp = 1000 }) => ({
    timestamp,
    key: key === undefined ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
  }))
  return MemoryRecords.withRecords(options, ...records).buffer
}

/** A batch with something wrong in it. */
function edited(spoil: (batch: Buffer) => unknown, magic: 1 | 2 = 2): Buffer {
  const batch = Buffer.from(batchOf(['a'], magic))
  spoil(batch)
  return batch
}

const last = (batch: Buffer) => {
  batch[batch.length - 1] = (batch[batch.length - 1] as number) ^ 1
}

/** What is produced: name, topic, bytes, versions; acks 1 where nothing is said. */
function cases(): readonly (readonly [
  string,
  string,
  Buffer | null,
  number[],
  number?,
])[] {
  const all = versionsOf(Produce)
  const a = batchOf(['a'])
  const two = Buffer.concat([a, batchOf(['b'])])
  const twoOld = Buffer.concat([batchOf(['a'], 1), batchOf(['b'], 1)])
  return [
    ...([0, 1, 2] as const).map(
      (magic) => [`format ${magic}`, 'plain', batchOf(['a', 'b'], magic), all] as const,
    ),
    ['format 2 to a topic of 0.9', 'v0', batchOf(['a', 'b'], 2), [3, 4, 5]],
    ['format 1 to a topic of 0.9', 'v0', batchOf(['a', 'b'], 1), [2]],
    ['format 2 to a topic of 0.10', 'v1', batchOf(['a', 'b'], 2), [3, 4, 5]],
    ['format 0 to a topic of 0.10', 'v1', batchOf(['a', 'b'], 0), [0, 1, 2]],
    ...[-1, 0, 2, -2].map(
      (acks) => [`acks ${acks}`, 'plain', a, all.slice(3), acks] as const,
    ),
    ['an unknown topic', 'nope', a, all.slice(3)],
    ['a bad name', 'a b', a, [5]],
    ['offsets', '__consumer_offsets', a, [5]],
    ['transactions', '__transaction_state', a, [5]],
    ['no bytes', 'plain', Buffer.alloc(0), all],
    ['null', 'plain', null, all],
    ['half a batch', 'plain', a.subarray(0, 50), all],
    ['half a message', 'plain', batchOf(['a'], 1).subarray(0, 20), [0, 1, 2]],
    ['a wrong CRC', 'plain', edited(last), [3, 4, 5]],
    ['a wrong CRC of a message', 'plain', edited(last, 1), [0, 1, 2]],
    ['two batches', 'plain', two, [3, 4, 5]],
    ['two messages', 'plain', twoOld, [0, 1, 2]],
    ['bytes behind', 'plain', Buffer.concat([a, Buffer.alloc(5)]), [3, 5]],
    ['format 3', 'plain', edited((b) => b.writeInt8(3, 16)), [3, 5]],
    ['format -1', 'plain', edited((b) => b.writeInt8(-1, 16)), [3, 5]],
    ['a negative length', 'plain', edited((b) => b.writeInt32BE(-5, 8)), [3, 5]],
    ['a length too short', 'plain', edited((b) => b.writeInt32BE(10, 8)), [3, 5]],
    ['a length too long', 'plain', edited((b) => b.writeInt32BE(100, 8)), [3, 5]],
    ['no key, compacted', 'compact', recordsOf({ magic: 2 }, {}), [5]],
    ['a key, compacted', 'compact', recordsOf({ magic: 2 }, { key: 'k' }), [5]],
    ['a tombstone', 'compact', recordsOf({ magic: 2 }, { key: 'k', value: null }), [5]],
    ['no key in a message', 'compact', batchOf(['a'], 1), [2]],
    ["the broker's time", 'append', a, [3, 4, 5]],
    ["the broker's time, old", 'append', batchOf(['a'], 1), [0, 1, 2]],
    ['an old time', 'stamp', recordsOf({ magic: 2 }, { timestamp: 5 }), [5]],
    ['this time', 'stamp', recordsOf({ magic: 2 }, { timestamp: Date.now() }), [5]],
    ['no time', 'stamp', recordsOf({ magic: 2 }, { timestamp: -1 }), [5]],
    ['no time, anywhere', 'plain', recordsOf({ magic: 2 }, { timestamp: -1 }), [5]],
    ['too much', 'small', recordsOf({ magic: 2 }, { value: 'v'.repeat(300) }), [3, 5]],
    ['too much, old', 'small', batchOf(['v'.repeat(300)], 1), [2]],
    ['too few in sync, all asked', 'isr', a, [5], -1],
    ['too few in sync, one asked', 'isr', a, [5], 1],
    ...(['gzip', 'snappy', 'lz4'] as const).flatMap((codec) =>
      ([1, 2] as const).map((magic) => {
        const compressionType = CompressionType.forName(codec)
        const packed = recordsOf(
          { magic, compressionType },
          { value: 'a' },
          { value: 'b' },
        )
        return [`${codec} ${magic}`, 'packed', packed, magic === 1 ? [2] : [5]] as const
      }),
    ),
    ['plain, to be packed', 'gzip', batchOf(['a', 'b']), [5]],
  ]
}

/** Asks all of it, and leaves the topics for who reads. */
export async function records(pair: BrokerPair): Promise<void> {
  await pair.createTopics(
    ['plain', 2],
    ['packed', 2],
    ['sequences', 2],
    ['v0', 1, { 'message.format.version': '0.9.0' }],
    ['v1', 1, { 'message.format.version': '0.10.2' }],
    ['compact', 1, { 'cleanup.policy': 'compact' }],
    ['append', 1, { 'message.timestamp.type': 'LogAppendTime' }],
    ['stamp', 1, { 'message.timestamp.difference.max.ms': '3600000' }],
    ['small', 1, { 'max.message.bytes': '200' }],
    ['isr', 1, { 'min.insync.replicas': '2' }],
    ['gzip', 1, { 'compression.type': 'gzip' }],
  )
  const of = (topic: string, bytes: Buffer | null, acks = 1, partition = 0) => ({
    ...{ transactionalId: null, acks, timeoutMs: 10_000 },
    topicData: [{ name: topic, partitionData: [{ index: partition, records: bytes }] }],
  })
  for (const [name, topic, bytes, versions, acks] of cases()) {
    await pair.compare(name, Produce, of(topic, bytes, acks), versions)
  }
  const a = batchOf(['a'])
  for (const partition of [9, -1]) {
    await pair.compare(
      `partition ${partition}`,
      Produce,
      of('plain', a, 1, partition),
      [5],
    )
  }
  await pair.compare('nothing', Produce, { ...of('plain', a), topicData: [] })
  const twice = [0, 0].map((index) => ({ index, records: a }))
  await pair.compare(
    'one partition twice',
    Produce,
    { ...of('plain', a), topicData: [{ name: 'packed', partitionData: twice }] },
    [5],
  )
  await sequences(pair)
}

/** An idempotent producer that is right, wrong, late and fenced. */
async function sequences(pair: BrokerPair): Promise<void> {
  const send = async (
    name: string,
    [producerId, producerEpoch, baseSequence]: readonly [bigint, number, number],
    {
      acks = -1,
      isTransactional = false,
      transactionalId = null as string | null,
    } = {},
  ) => {
    // Written over: a builder refuses the numbers that are asked about.
    const options = { magic: 2, producerId, producerEpoch: 0, baseSequence: 0 } as const
    const bytes = recordsOf({ ...options, isTransactional }, {}, {})
    bytes.writeInt16BE(producerEpoch, 51)
    bytes.writeInt32BE(baseSequence, 53)
    bytes.writeUInt32BE(crc32c(bytes.subarray(21)) >>> 0, 17)
    const body = {
      ...{ transactionalId, acks, timeoutMs: 10_000 },
      topicData: [{ name: 'sequences', partitionData: [{ index: 0, records: bytes }] }],
    }
    await pair.compare(name, Produce, body, [3, 5])
  }
  await send('a producer that begins at 5', [1000n, 0, 5])
  await send('the first, twice', [1001n, 0, 0])
  await send('a gap', [1001n, 0, 5])
  await send('the next, twice', [1001n, 0, 2])
  await send('the first once more', [1001n, 0, 0])
  await send('one that overlaps', [1001n, 0, 1])
  await send('a new epoch that begins at 3', [1001n, 1, 3])
  await send('a new epoch', [1001n, 1, 0])
  await send('the old epoch', [1001n, 0, 4])
  await send('a negative sequence', [1002n, 0, -1])
  await send('a negative epoch', [1003n, -1, 0])
  await send('sequences with acks 1', [1004n, 0, 0], { acks: 1 })
  await send('a transaction without an id', [1005n, 0, 0], { isTransactional: true })
  const transactionalId = 'nobody'
  await send('an unknown id', [1006n, 0, 0], { isTransactional: true, transactionalId })
}
