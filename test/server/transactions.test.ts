/**
 * Transactions from the producer's side: kafkajs over real sockets.
 */
import { type Consumer, Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'

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

async function createTopic(topic: string, numPartitions = 1): Promise<void> {
  const admin = kafkaOf(cluster).admin()
  await admin.connect()
  const topics = [{ topic, numPartitions, replicationFactor: 1 }]
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

describe('a transactional producer', () => {
  it('has what it commits read, and what it aborts not', async () => {
    await createTopic('txn')
    const producer = await producerOf('p1')
    const first = await producer.transaction()
    await first.send({ topic: 'txn', messages: texts('a', 'b') })
    await first.commit()
    const second = await producer.transaction()
    await second.send({ topic: 'txn', messages: texts('c', 'd') })
    await second.abort()
    const third = await producer.transaction()
    await third.send({ topic: 'txn', messages: texts('end') })
    await third.commit()
    await producer.disconnect()
    expect(await readTo('end', 'txn')).toEqual(['a', 'b', 'end'])
    const all = await readTo('end', 'txn', { uncommitted: true })
    expect(all).toEqual(['a', 'b', 'c', 'd', 'end'])
  })
})
