/** Questions to the coordinator of transactions, in all states, and what readers see. */
import { AddOffsetsToTxn } from '../../../src/protocol/messages/AddOffsetsToTxn.ts'
import { AddPartitionsToTxn } from '../../../src/protocol/messages/AddPartitionsToTxn.ts'
import { EndTxn } from '../../../src/protocol/messages/EndTxn.ts'
import { Fetch } from '../../../src/protocol/messages/Fetch.ts'
import { InitProducerId } from '../../../src/protocol/messages/InitProducerId.ts'
import { ListOffsets } from '../../../src/protocol/messages/ListOffsets.ts'
import { OffsetFetch } from '../../../src/protocol/messages/OffsetFetch.ts'
import { Produce } from '../../../src/protocol/messages/Produce.ts'
import { TxnOffsetCommit } from '../../../src/protocol/messages/TxnOffsetCommit.ts'
import { WriteTxnMarkers } from '../../../src/protocol/messages/WriteTxnMarkers.ts'
import { MemoryRecords } from '../../../src/record/MemoryRecords.ts'
import type { BrokerPair } from './BrokerPair.ts'

type Side = 'ours' | 'apache'

/** Who a producer is to one broker. */
type Producer = (side: Side) => {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** Asks all of it. */
export async function transactions(pair: BrokerPair): Promise<void> {
  await pair.createTopics(['ledger', 2])
  await names(pair)
  await states(pair)
  await whole(pair)
  await markers(pair)
  await later(pair)
}

/** Who may have a producer id. */
async function names(pair: BrokerPair): Promise<void> {
  const wanted: readonly (readonly [string | null, number])[] = [
    ...([
      [null, 60_000],
      [null, 0],
      [null, -1],
      ['', 60_000],
    ] as const),
    ...([
      ['t', 0],
      ['t', -1],
      ['t', 900_001],
      ['t', 900_000],
      ['t', 60_000],
    ] as const),
  ]
  for (const [transactionalId, transactionTimeoutMs] of wanted) {
    const name = `of ${JSON.stringify(transactionalId)}, ${transactionTimeoutMs} ms`
    await pair.compare(name, InitProducerId, { transactionalId, transactionTimeoutMs })
  }
}

async function producerOf(
  pair: BrokerPair,
  transactionalId: string,
): Promise<Producer> {
  const body = { transactionalId, transactionTimeoutMs: 60_000 }
  const answers = await pair.ask(InitProducerId, 0, body)
  return (side) => {
    const { producerId = -1n, producerEpoch = -1 } = answers[side] ?? {}
    return { transactionalId, producerId, producerEpoch }
  }
}

/** Waits until the markers of the last transaction are written. */
async function untilEnded(pair: BrokerPair, who: Producer): Promise<void> {
  const body = (side: Side) => ({
    ...who(side),
    topics: [{ name: 'ledger', partitions: [1] }],
  })
  const isFree = (answer: { results: readonly object[] }) =>
    !JSON.stringify(answer).includes('"partitionErrorCode":51')
  await pair.until(AddPartitionsToTxn, 0, body, isFree)
}

async function states(pair: BrokerPair): Promise<void> {
  const t = await producerOf(pair, 'states')
  const add = (
    name: string,
    extra: (side: Side) => object = () => ({}),
    topics: readonly (readonly [string, ...number[]])[] = [['ledger', 0]],
  ) =>
    pair.compare(name, AddPartitionsToTxn, (side) => ({
      ...t(side),
      topics: topics.map(([topic, ...partitions]) => ({ name: topic, partitions })),
      ...extra(side),
    }))
  const end = (name: string, extra: (side: Side) => object = () => ({})) =>
    pair.compare(name, EndTxn, (side) => ({
      ...t(side),
      committed: true,
      ...extra(side),
    }))
  const addOffsets = (name: string, extra: (side: Side) => object = () => ({})) =>
    pair.compare(name, AddOffsetsToTxn, (side) => ({
      ...{ ...t(side), groupId: 'g', ...extra(side) },
    }))
  const wrong: readonly (readonly [string, (side: Side) => object])[] = [
    ['of an unknown id', () => ({ transactionalId: 'nobody' })],
    ['of an empty id', () => ({ transactionalId: '' })],
    ['of a wrong producer', (side) => ({ producerId: t(side).producerId + 5n })],
    ['of a later epoch', (side) => ({ producerEpoch: t(side).producerEpoch + 1 })],
    ['of an epoch before', (side) => ({ producerEpoch: t(side).producerEpoch - 1 })],
  ]

  // Nothing has begun.
  await end('of nothing begun')
  await end('of nothing begun, aborted', () => ({ committed: false }))
  for (const [name, extra] of wrong) {
    await end(name, extra)
    await add(name, extra)
    await addOffsets(name, extra)
  }
  await add('of nothing', undefined, [])
  await add('of an unknown topic', undefined, [
    ['nope', 0],
    ['ledger', 0],
  ])
  await add('of an unknown partition', undefined, [['ledger', 0, 9]])
  await add('of an internal topic', undefined, [['__consumer_offsets', 0]])
  await addOffsets('of no group', () => ({ groupId: '' }))

  // It has; a new incarnation aborts it, and the former is fenced.
  await add('of one')
  await add('of one again')
  await addOffsets('of a group')
  for (const [name, extra] of wrong) {
    if (name !== 'of a later epoch') await end(`${name}, begun`, extra)
  }
  const again = { transactionalId: 'states', transactionTimeoutMs: 60_000 }
  await pair.compare('while one goes on', InitProducerId, again)
  await pair.until(InitProducerId, 0, again, ({ errorCode }) => errorCode === 0)
  await end('of who is fenced')
  await add('of who is fenced')
}

/** An epoch that nobody was given: 1.1.1 refuses it and leaves the transaction half ended. */
async function later(pair: BrokerPair): Promise<void> {
  const t = await producerOf(pair, 'later')
  const topics = [{ name: 'ledger', partitions: [0] }]
  await pair.compare('of one', AddPartitionsToTxn, (side) => ({ ...t(side), topics }))
  await pair.compare('of a later epoch, begun', EndTxn, (side) => ({
    ...{ ...t(side), producerEpoch: t(side).producerEpoch + 1, committed: true },
  }))
  const end = (side: Side) => ({ ...t(side), committed: true })
  await pair.compare('after one of a later epoch', EndTxn, end)
}

/** A transaction that commits and one that aborts, and what is read meanwhile. */
async function whole(pair: BrokerPair): Promise<void> {
  const t = await producerOf(pair, 'whole')
  const topics = [{ name: 'ledger', partitions: [0] }]
  const add = (name: string) =>
    pair.compare(name, AddPartitionsToTxn, (side) => ({ ...t(side), topics }))
  const end = (name: string, committed: boolean) =>
    pair.compare(name, EndTxn, (side) => ({ ...t(side), committed }))
  const produce = (name: string, baseSequence: number) =>
    pair.compare(
      name,
      Produce,
      (side) => {
        const { producerId, producerEpoch } = t(side)
        const options = { producerId, producerEpoch, baseSequence, magic: 2 } as const
        const value = Buffer.from('t')
        const { buffer } = MemoryRecords.withRecords(
          { ...options, isTransactional: true },
          { timestamp: 1, key: null, value },
        )
        return {
          ...{ transactionalId: 'whole', acks: -1, timeoutMs: 10_000 },
          topicData: [
            { name: 'ledger', partitionData: [{ index: 0, records: buffer }] },
          ],
        }
      },
      [5],
    )
  const read = async (when: string) => {
    for (const isolationLevel of [0, 1]) {
      const name = `${when}, isolation ${isolationLevel}`
      const partition = { partition: 0, timestamp: -1 }
      const last = { name: 'ledger', partitions: [partition] }
      const list = { replicaId: -1, isolationLevel, topics: [last] }
      await pair.compare(name, ListOffsets, list, [2])
      const one = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }
      await pair.compare(
        name,
        Fetch,
        {
          ...{ replicaId: -1, maxWaitMs: 10, minBytes: 1, maxBytes: 1 << 20 },
          ...{ isolationLevel, topics: [{ topic: 'ledger', partitions: [one] }] },
        },
        [4, 7],
      )
    }
  }
  const commit = (
    name: string,
    [topic, partition]: readonly [string, number],
    extra: (side: Side) => object = () => ({}),
  ) =>
    pair.compare(name, TxnOffsetCommit, (side) => ({
      ...{ ...t(side), groupId: 'buyers' },
      topics: [
        {
          name: topic,
          partitions: [{ partition, committedOffset: 5, committedMetadata: 'x' }],
        },
      ],
      ...extra(side),
    }))
  const offsets = (name: string) =>
    pair.compare(name, OffsetFetch, {
      groupId: 'buyers',
      topics: [{ name: 'ledger', partitionIndexes: [0] }],
    })

  // Committed.
  await add('of a whole one')
  await produce('of a whole one', 0)
  await read('open')
  await pair.compare('of buyers', AddOffsetsToTxn, (side) => ({
    ...{ ...t(side), groupId: 'buyers' },
  }))
  await commit('of one', ['ledger', 0])
  await commit('of an unknown topic', ['nope', 0])
  await commit('of an unknown partition', ['ledger', 9])
  await commit('of an epoch before', ['ledger', 0], () => ({ producerEpoch: -1 }))
  await commit('of no group', ['ledger', 0], () => ({ groupId: '' }))
  await offsets('that wait')
  await end('of a whole one', true)
  await untilEnded(pair, t)
  await end('of what untilEnded() began', true)
  await untilEnded(pair, t)
  await offsets('that are committed')

  // Aborted, with what the question above began.
  await add('of another')
  await produce('of another', 1)
  await end('of another, aborted', false)
  await untilEnded(pair, t)
}

/** Markers of a coordinator that nobody knows. */
async function markers(pair: BrokerPair): Promise<void> {
  const ask = (name: string, list: readonly object[]) => {
    const whole = list.map((marker) => ({
      ...{ producerId: 5000n, producerEpoch: 0, transactionResult: true },
      ...{ coordinatorEpoch: 0, topics: [{ name: 'ledger', partitionIndexes: [0] }] },
      ...marker,
    }))
    return pair.compare(name, WriteTxnMarkers, { markers: whole })
  }
  await ask('none', [])
  await ask('of one', [{}])
  await ask('of what is not there', [
    {
      topics: [
        { name: 'ledger', partitionIndexes: [0, 9] },
        { name: 'nope', partitionIndexes: [0] },
      ],
    },
  ])
  await ask('of an epoch before', [{ producerEpoch: -1 }])
  await ask('of a coordinator before', [{ coordinatorEpoch: -5 }])
}
