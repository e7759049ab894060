/** Requests of transactions at a broker in memory: what is taken and what is refused. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Errors } from '../../src/base/errors.ts'
import type { NetworkClient } from '../../src/network/NetworkClient.ts'
import { AddOffsetsToTxn } from '../../src/protocol/messages/AddOffsetsToTxn.ts'
import { AddPartitionsToTxn } from '../../src/protocol/messages/AddPartitionsToTxn.ts'
import { EndTxn } from '../../src/protocol/messages/EndTxn.ts'
import { FindCoordinator } from '../../src/protocol/messages/FindCoordinator.ts'
import { InitProducerId } from '../../src/protocol/messages/InitProducerId.ts'
import { TxnOffsetCommit } from '../../src/protocol/messages/TxnOffsetCommit.ts'
import { WriteTxnMarkers } from '../../src/protocol/messages/WriteTxnMarkers.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { clientOf, createTopic } from './clients.ts'

let cluster: KafkaCluster
let client: NetworkClient
let producerId: bigint

const code = (name: keyof typeof Errors) => (Errors[name] as { code: number }).code

/** Asks until the coordinator is there and has loaded. */
async function until<T extends { errorCode: number }>(
  ask: () => Promise<T>,
): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer.errorCode === 0) return answer
    await cluster.platform.clock.sleep(5)
  }
}

beforeAll(async () => {
  cluster = await startCluster({ platform: 'memory' })
  client = clientOf(cluster)
  await createTopic(client, 't')
  await until(() => client.sendAndReceive(FindCoordinator, 1, { key: 'p', keyType: 1 }))
  await until(() => client.sendAndReceive(FindCoordinator, 1, { key: 'g', keyType: 0 }))
  const request = { transactionalId: 'p', transactionTimeoutMs: 1000 }
  const producer = await until(() => client.sendAndReceive(InitProducerId, 0, request))
  producerId = producer.producerId
})

afterAll(async () => {
  client.close()
  await cluster.close()
})

const identity = () => ({ transactionalId: 'p', producerId, producerEpoch: 0 })

/** Adds partition 0 of topics. @returns what is answered for each */
async function add(...topics: string[]): Promise<Record<string, number | undefined>> {
  const { results } = await client.sendAndReceive(AddPartitionsToTxn, 0, {
    ...identity(),
    topics: topics.map((name) => ({ name, partitions: [0] })),
  })
  return Object.fromEntries(
    results.map(({ name, resultsByPartition }) => [
      name,
      resultsByPartition[0]?.partitionErrorCode,
    ]),
  )
}

describe('handleAddPartitionToTxnRequest()', () => {
  it('adds nothing when one of the partitions cannot be written to', async () => {
    expect(await add('t', 'nowhere', '__consumer_offsets')).toEqual({
      t: code('OPERATION_NOT_ATTEMPTED'),
      nowhere: code('UNKNOWN_TOPIC_OR_PARTITION'),
      __consumer_offsets: code('TOPIC_AUTHORIZATION_FAILED'),
    })
    const end = { ...identity(), committed: true }
    const { errorCode } = await client.sendAndReceive(EndTxn, 0, end)
    expect(errorCode).toBe(code('INVALID_TXN_STATE'))
  })

  it('adds them all otherwise', async () => {
    expect(await add('t')).toEqual({ t: 0 })
    const end = { ...identity(), committed: false }
    expect((await client.sendAndReceive(EndTxn, 0, end)).errorCode).toBe(0)
  })
})

describe('handleTxnOffsetCommitRequest()', () => {
  it('refuses topics that do not exist, and takes the others', async () => {
    const added = { ...identity(), groupId: 'g' }
    await until(() => client.sendAndReceive(AddOffsetsToTxn, 0, added))
    const offset = { partition: 0, committedOffset: 5, committedMetadata: null }
    const commit = async () => {
      const { topics } = await client.sendAndReceive(TxnOffsetCommit, 0, {
        ...added,
        topics: ['t', 'nowhere'].map((name) => ({ name, partitions: [offset] })),
      })
      const answers = new Map(
        topics.map(({ name, partitions }) => [name, partitions[0]?.errorCode]),
      )
      return { errorCode: answers.get('t') ?? -1, nowhere: answers.get('nowhere') }
    }
    const { nowhere } = await until(commit)
    expect(nowhere).toBe(code('UNKNOWN_TOPIC_OR_PARTITION'))
    const end = { ...identity(), committed: true }
    expect((await client.sendAndReceive(EndTxn, 0, end)).errorCode).toBe(0)
  })
})

describe('handleWriteTxnMarkersRequest()', () => {
  const write = async (
    markers: { topics: string[]; id?: bigint; coordinatorEpoch?: number }[],
  ) => {
    const response = await client.sendAndReceive(WriteTxnMarkers, 0, {
      markers: markers.map(({ topics, id = 99n, coordinatorEpoch = 0 }) => ({
        ...{ producerId: id, producerEpoch: 0, transactionResult: true },
        topics: topics.map((name) => ({ name, partitionIndexes: [0] })),
        coordinatorEpoch,
      })),
    })
    return response.markers.map(({ producerId: id, topics }) => ({
      id,
      ...Object.fromEntries(
        topics.map(({ name, partitions }) => [name, partitions[0]?.errorCode]),
      ),
    }))
  }

  it('answers for each producer when all appends are done', async () => {
    await createTopic(client, 'old', {
      configs: { 'message.format.version': '0.10.2' },
    })
    const unknown = code('UNKNOWN_TOPIC_OR_PARTITION')
    const asked = [
      { topics: ['t', 'nowhere'], id: 98n },
      { topics: ['old'], id: 99n },
    ]
    expect(await write(asked)).toEqual([
      { id: 98n, t: 0, nowhere: unknown },
      { id: 99n, old: code('UNSUPPORTED_FOR_MESSAGE_FORMAT') },
    ])
    expect(await write([])).toEqual([])
    expect(await write([{ topics: ['nowhere'] }])).toEqual([
      { id: 99n, nowhere: unknown },
    ])
  })

  it('refuses the marker of a coordinator that was replaced', async () => {
    expect(await write([{ topics: ['t'], id: 5n, coordinatorEpoch: 3 }])).toEqual([
      { id: 5n, t: 0 },
    ])
    expect(await write([{ topics: ['t'], id: 5n, coordinatorEpoch: 2 }])).toEqual([
      { id: 5n, t: code('TRANSACTION_COORDINATOR_FENCED') },
    ])
  })
})
