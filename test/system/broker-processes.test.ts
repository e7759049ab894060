/**
 * Three brokers, each a process of its own, on one ZooKeeper. The leader is killed while a
 * producer sends with acks=-1: another takes over, and nothing that was acknowledged is
 * lost.
 */
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../zookeeper/debian-zookeeper.ts'
import { StartedCommand, TemporaryDirectory } from './running-command.ts'
import { textLines } from './text-file.ts'

let home: TemporaryDirectory
const brokers = new Map<number, StartedCommand>()

/** Starts a broker; the first one brings the ZooKeeper of all, and is not killed. */
async function start(id: number, zookeeper: readonly string[]): Promise<void> {
  const settings = [
    ...[`broker.id=${id}`, 'zookeeper.session.timeout.ms=4000'],
    ...['replica.fetch.wait.max.ms=50', 'offsets.topic.num.partitions=3'],
  ]
  const overrides = settings.flatMap((setting) => ['--override', setting])
  const args = [...zookeeper, ...overrides]
  const broker = await StartedCommand.start({ dataDir: `${home.path}/${id}`, args })
  brokers.set(id, broker)
}

beforeAll(async () => {
  home = new TemporaryDirectory()
  const port = await freePort()
  await start(0, ['--zookeeper-port', `${port}`])
  await Promise.all([1, 2].map((id) => start(id, ['--zookeeper', `127.0.0.1:${port}`])))
})

afterAll(async () => {
  for (const broker of brokers.values()) await broker[Symbol.asyncDispose]()
  home?.[Symbol.dispose]()
})

describe('three processes', () => {
  it('lose nothing that all of them acknowledged when the leader is killed', async () => {
    const kafka = new Kafka({
      brokers: [...brokers.values()].map((broker) => broker.bootstrapServers),
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 100 },
    })
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({
      topics: [
        {
          topic: 't',
          replicaAssignment: [{ partition: 0, replicas: [1, 2, 0] }],
          configEntries: [{ name: 'min.insync.replicas', value: '2' }],
        },
      ],
    })

    // Send all the while; what is acknowledged is noted.
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const acknowledged: string[] = []
    const lines = textLines(3000)
    for (let at = 0; at < lines.length; at += 100) {
      if (at === 1000) void brokers.get(1)?.end('SIGKILL')
      const values = lines.slice(at, at + 100)
      await producer.send({
        ...{ topic: 't', acks: -1 },
        messages: values.map((value) => ({ value })),
      })
      acknowledged.push(...values)
    }
    await producer.disconnect()
    const { topics } = await admin.fetchTopicMetadata({ topics: ['t'] })
    expect(topics[0]?.partitions[0]).toMatchObject({ leader: 2, replicas: [1, 2, 0] })

    // The dead one comes back, and catches up with what it missed.
    await start(1, ['--zookeeper', brokers.get(0)?.zookeeperConnect ?? ''])
    const consumer = kafka.consumer({ groupId: 'g', maxWaitTimeInMs: 50 })
    await consumer.connect()
    await consumer.subscribe({ topic: 't', fromBeginning: true })
    const got: string[] = []
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({
        message,
      }: {
        message: { value: Buffer | null }
      }) => {
        if (got.push(`${message.value}`) === lines.length) resolve()
      }
      consumer.run({ eachMessage }).catch(reject)
    })
    await consumer.disconnect()
    await admin.disconnect()
    expect(acknowledged).toHaveLength(lines.length)
    expect(got).toEqual(acknowledged)
  }, 60_000)
})
