/**
 * Transactions from the producer's side: kafkajs over real sockets.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Consumer, Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { InitProducerId } from '../../src/protocol/messages/InitProducerId.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { clientOf } from './clients.ts'

let cluster: KafkaCluster

beforeAll(async () => {
  cluster = await startCluster()
})

afterAll(async () => {
  await cluster.close()
})

const kafkaOf = ({ bootstrapServers }: KafkaCluster) =>
  new Kafka({
    ...{ clientId: 'test', brokers: bootstrapServers.split(',') },
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, retries: 20 },
  })

async function createTopic(
  topic: string,
  options: { partitions?: number; replicas?: number; cluster?: KafkaCluster } = {},
): Promise<void> {
  const { partitions = 1, replicas = 1, cluster: of = cluster } = options
  const admin = kafkaOf(of).admin()
  await admin.connect()
  const topics = [{ topic, numPartitions: partitions, replicationFactor: replicas }]
  expect(await admin.createTopics({ topics })).toBe(true)
  await admin.disconnect()
}

async function producerOf(
  transactionalId: string,
  options: { transactionTimeout?: number; cluster?: KafkaCluster } = {},
): Promise<Producer> {
  const { cluster: of = cluster, transactionTimeout = 30_000 } = options
  const producer = kafkaOf(of).producer({
    ...{ transactionalId, transactionTimeout, maxInFlightRequests: 1 },
    idempotent: true,
  })
  await producer.connect()
  return producer
}

/** Reads a topic to a text that says that this was all. */
async function readTo(
  last: string,
  topic: string,
  options: { uncommitted?: boolean; cluster?: KafkaCluster } = {},
): Promise<string[]> {
  const { uncommitted = false, cluster: of = cluster } = options
  const groupId = `readers-of-${topic}-${uncommitted}-${last}`
  const consumer: Consumer = kafkaOf(of).consumer({
    ...{ groupId, maxWaitTimeInMs: 50, readUncommitted: uncommitted },
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const got: string[] = []
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
      got.push(String(message.value))
      if (got.at(-1) === last) resolve()
    }
    consumer.run({ eachMessage }).catch(reject)
  })
  await consumer.disconnect()
  return got
}

const texts = (...values: string[]) => values.map((value) => ({ value }))

async function send(producer: Producer, topic: string, ...values: string[]) {
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: texts(...values) })
  await transaction.commit()
}

async function committed(groupId: string, topic: string): Promise<string | undefined> {
  const admin = kafkaOf(cluster).admin()
  await admin.connect()
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] })
  await admin.disconnect()
  return offsets?.partitions.find(({ partition }) => partition === 0)?.offset
}

describe('a transactional producer', () => {
  it('has what it commits read, and what it aborts not', async () => {
    await createTopic('txn')
    const producer = await producerOf('p1')
    await send(producer, 'txn', 'a', 'b')
    const aborted = await producer.transaction()
    await aborted.send({ topic: 'txn', messages: texts('c', 'd') })
    await aborted.abort()
    await send(producer, 'txn', 'end')
    await producer.disconnect()
    expect(await readTo('end', 'txn')).toEqual(['a', 'b', 'end'])
    const all = await readTo('end', 'txn', { uncommitted: true })
    expect(all).toEqual(['a', 'b', 'c', 'd', 'end'])
  })

  it('holds readers back while its transaction is open', async () => {
    await createTopic('open')
    const producer = await producerOf('p2')
    const open = await producer.transaction()
    await open.send({ topic: 'open', messages: texts('first') })
    const other = kafkaOf(cluster).producer()
    await other.connect()
    await other.send({ topic: 'open', messages: texts('end') })
    await other.disconnect()
    expect(await readTo('end', 'open', { uncommitted: true })).toEqual(['first', 'end'])

    // Whoever reads committed records waits for the end of the first.
    const read = readTo('end', 'open')
    await open.commit()
    expect(await read).toEqual(['first', 'end'])
    await producer.disconnect()
  })

  it('commits offsets of a group with its records, or not at all', async () => {
    await createTopic('in')
    await createTopic('out')
    const producer = await producerOf('p3')
    const consumerGroupId = 'processors'
    const offsetsAt = (offset: string) => ({
      consumerGroupId,
      topics: [{ topic: 'in', partitions: [{ partition: 0, offset }] }],
    })
    const first = await producer.transaction()
    await first.send({ topic: 'out', messages: texts('done') })
    await first.sendOffsets(offsetsAt('7'))
    expect(await committed(consumerGroupId, 'in')).toBe('-1')
    await first.commit()
    await expect.poll(() => committed(consumerGroupId, 'in')).toBe('7')

    const second = await producer.transaction()
    await second.sendOffsets(offsetsAt('9'))
    await second.abort()
    await send(producer, 'out', 'end')
    expect(await committed(consumerGroupId, 'in')).toBe('7')
    await producer.disconnect()
  })

  it('is fenced by a second one with its id, which aborts what it left open', async () => {
    await createTopic('fenced')
    const slow = await producerOf('p4')
    const open = await slow.transaction()
    await open.send({ topic: 'fenced', messages: texts('lost') })
    const quick = await producerOf('p4')
    const next = await quick.transaction()
    const fenced = { type: 'INVALID_PRODUCER_EPOCH' }
    const late = open.send({ topic: 'fenced', messages: texts('late') })
    await expect(late).rejects.toMatchObject(fenced)
    await expect(open.commit()).rejects.toMatchObject(fenced)
    await next.send({ topic: 'fenced', messages: texts('end') })
    await next.commit()
    expect(await readTo('end', 'fenced')).toEqual(['end'])
    await Promise.all([slow.disconnect(), quick.disconnect()])
  })
})

describe('a transaction that is left open', () => {
  it('is aborted when its time is up', async () => {
    const config = {
      'transaction.abort.timed.out.transaction.cleanup.interval.ms': '50',
    }
    await using own = await startCluster({ config })
    await createTopic('late', { cluster: own })
    const producer = await producerOf('p', { cluster: own, transactionTimeout: 200 })
    const open = await producer.transaction()
    await open.send({ topic: 'late', messages: texts('lost') })
    const other = kafkaOf(own).producer()
    await other.connect()
    await other.send({ topic: 'late', messages: texts('end') })
    await other.disconnect()
    expect(await readTo('end', 'late', { cluster: own })).toEqual(['end'])
    await expect(open.commit()).rejects.toMatchObject({
      type: 'INVALID_PRODUCER_EPOCH',
    })
    await producer.disconnect()
  })

  it('is known to a broker that starts again, and ended by who comes next', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'annotated-kafka-'))
    try {
      const before = await startCluster({ dataDir })
      await createTopic('kept', { cluster: before })
      const producer = await producerOf('p', { cluster: before })
      await send(producer, 'kept', 'a')
      const open = await producer.transaction()
      await open.send({ topic: 'kept', messages: texts('lost') })
      await producer.disconnect()
      await before.close()

      await using after = await startCluster({ dataDir })
      const next = await producerOf('p', { cluster: after })
      await send(next, 'kept', 'end')
      await next.disconnect()
      expect(await readTo('end', 'kept', { cluster: after })).toEqual(['a', 'end'])

      // Epoch 0 was the first one's, 1 fenced it, 2 was the second one's.
      const client = clientOf(after)
      const request = { transactionalId: 'p', transactionTimeoutMs: 1000 }
      const answer = await client.sendAndReceive(InitProducerId, 0, request)
      expect(answer).toMatchObject({ errorCode: 0, producerEpoch: 3 })
      client.close()
    } finally {
      rmSync(dataDir, { recursive: true, force: true })
    }
  })
})

describe('transactions over three brokers', () => {
  it('end on all of them, with a new coordinator when the old one stops', async () => {
    const config = { 'offsets.topic.replication.factor': '2' }
    await using own = await startCluster({ brokers: 3, config })
    await createTopic('wide', { partitions: 6, replicas: 3, cluster: own })
    const producer = await producerOf('p', { cluster: own })
    const open = await producer.transaction()
    for (let partition = 0; partition < 6; partition += 1) {
      await open.send({
        topic: 'wide',
        messages: [{ partition, value: `${partition}` }],
      })
    }

    // Stop the broker that coordinates it.
    const { transactionCoordinator, metadataCache } = own.brokers[0]!
    const partition = transactionCoordinator.partitionFor('p')
    const info = metadataCache.getPartitionInfo('__transaction_state', partition)
    await own.brokers[info!.leader]!.shutdown()
    await open.commit()
    const end = await producer.transaction()
    for (let at = 0; at < 6; at += 1) {
      await end.send({ topic: 'wide', messages: [{ partition: at, value: 'end' }] })
    }
    await end.commit()
    const got: string[] = []
    const consumer = kafkaOf(own).consumer({ groupId: 'g', maxWaitTimeInMs: 50 })
    await consumer.connect()
    await consumer.subscribe({ topic: 'wide', fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({
        message,
      }: {
        message: { value: Buffer | null }
      }) => {
        got.push(String(message.value))
        if (got.filter((text) => text === 'end').length === 6) resolve()
      }
      consumer.run({ eachMessage }).catch(reject)
    })
    expect(got.filter((text) => text !== 'end').sort()).toEqual([...'012345'])
    await consumer.disconnect()
    await producer.disconnect()
  })
})
