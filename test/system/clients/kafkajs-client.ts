/** kafkajs, asked for the same as the Python clients: see features.py beside this file. */
import { EventEmitter, once } from 'node:events'
import { createRequire } from 'node:module'
import { type Consumer, type EachMessagePayload, Kafka, logLevel } from 'kafkajs'
import { expect } from 'vitest'

const TOPIC_RESOURCE = 2

/** Does what one feature is about; throws when it fails, and may say what is missing. */
type Feature = () => Promise<unknown>

/** The version of kafkajs that is installed. */
export const kafkajsVersion = String(
  createRequire(import.meta.url)('kafkajs/package.json').version,
)

/** What kafkajs is asked to do, by name. */
export function kafkajsFeatures(servers: string): Record<string, Feature> {
  const kafka = new Kafka({
    ...{
      clientId: 'features',
      brokers: servers.split(','),
      logLevel: logLevel.NOTHING,
    },
    retry: { initialRetryTime: 20 },
  })
  return {
    'all codecs': () => codecs(kafka),
    'a group of three that come and go': () => groupOfThree(kafka),
    'commit and resume': () => commitAndResume(kafka),
    'idempotent produce': () => idempotent(kafka),
    'transactions, committed and aborted, read both ways': () => transactions(kafka),
    'topics made, grown and deleted': () => topics(kafka),
    'settings of a topic shown and changed': () => settings(kafka),
  }
}

async function withAdmin<T>(
  kafka: Kafka,
  use: (admin: ReturnType<Kafka['admin']>) => Promise<T>,
): Promise<T> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

function create(kafka: Kafka, topic: string, numPartitions: number) {
  const topics = [{ topic, numPartitions, replicationFactor: 2 }]
  return withAdmin(kafka, (admin) => admin.createTopics({ topics }))
}

async function send(kafka: Kafka, topic: string, values: string[], more = {}) {
  const producer = kafka.producer({ allowAutoTopicCreation: false, ...more })
  await producer.connect()
  await producer.send({ topic, messages: values.map((value) => ({ value })) })
  await producer.disconnect()
}

/** Starts a consumer. @param took - told of every value, and how much is assigned */
async function consume(
  kafka: Kafka,
  { topic, groupId, ...more }: { topic: string; groupId: string } & object,
  took: (value: string) => void,
  shareIs: (partitions: number) => void = () => {},
): Promise<Consumer> {
  const settings = { maxWaitTimeInMs: 50, heartbeatInterval: 100, ...more }
  const consumer = kafka.consumer({ groupId, ...settings })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) =>
    shareIs(payload.memberAssignment[topic]?.length ?? 0),
  )
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const eachMessage = async ({ message }: EachMessagePayload) =>
    took(String(message.value))
  await consumer.run({ eachMessage })
  return consumer
}

/** Reads that many values as a group, which commits them as it leaves. */
async function readAll(
  kafka: Kafka,
  options: { topic: string; groupId: string; readUncommitted?: boolean },
  count: number,
): Promise<string[]> {
  const values: string[] = []
  const changed = new EventEmitter()
  const consumer = await consume(kafka, options, (value) => {
    values.push(value)
    changed.emit('change')
  })
  while (values.length < count) await once(changed, 'change')
  await consumer.disconnect()
  return values
}

/** Without a codec and with gzip: kafkajs brings no other. */
async function codecs(kafka: Kafka): Promise<string> {
  for (const [compression, name] of ['none', 'gzip'].entries()) {
    const topic = `kafkajs-${name}`
    await create(kafka, topic, 1)
    const values = Array.from({ length: 50 }, (_, i) => `${i} ${'again '.repeat(40)}`)
    const producer = kafka.producer()
    await producer.connect()
    const messages = values.map((value) => ({ value }))
    await producer.send({ topic, messages, compression })
    await producer.disconnect()
    expect(await readAll(kafka, { topic, groupId: topic }, 50)).toEqual(values)
  }
  return 'passed with gzip; it brings no other'
}

async function groupOfThree(kafka: Kafka): Promise<void> {
  const topic = 'kafkajs-group'
  await create(kafka, topic, 6)
  const changed = new EventEmitter()
  const shares = new Map<number, number>()
  const read = new Set<string>()
  const join = (member: number) =>
    consume(
      kafka,
      { topic, groupId: topic },
      (value) => changed.emit('change', read.add(value)),
      (share) => changed.emit('change', shares.set(member, share)),
    )
  const until = async (holds: () => boolean) => {
    while (!holds()) await once(changed, 'change')
  }
  const sharesAre = (...wanted: number[]) =>
    until(() => [...shares.values()].sort().join() === wanted.join())

  const first = await join(1)
  await sharesAre(6)
  const others = await Promise.all([join(2), join(3)])
  await sharesAre(2, 2, 2)
  const before = Array.from({ length: 60 }, (_, i) => `before ${i}`)
  await send(kafka, topic, before)
  await until(() => before.every((value) => read.has(value)))

  // One goes; the two that stay share what it had.
  await first.disconnect()
  shares.delete(1)
  await sharesAre(3, 3)
  const after = Array.from({ length: 60 }, (_, i) => `after ${i}`)
  await send(kafka, topic, after)
  await until(() => after.every((value) => read.has(value)))
  expect(read.size).toBe(120)
  for (const consumer of others) await consumer.disconnect()
}

async function commitAndResume(kafka: Kafka): Promise<void> {
  const topic = 'kafkajs-resume'
  const group = { topic, groupId: topic }
  await create(kafka, topic, 1)
  await send(kafka, topic, ['a', 'b', 'c'])
  expect(await readAll(kafka, group, 3)).toEqual(['a', 'b', 'c'])
  await send(kafka, topic, ['d', 'e'])
  expect(await readAll(kafka, group, 2)).toEqual(['d', 'e'])
}

async function idempotent(kafka: Kafka): Promise<void> {
  const topic = 'kafkajs-idempotent'
  await create(kafka, topic, 1)
  const values = Array.from({ length: 200 }, (_, i) => String(i))
  await send(kafka, topic, values, { idempotent: true, maxInFlightRequests: 1 })
  expect(await readAll(kafka, { topic, groupId: topic }, 200)).toEqual(values)
}

async function transactions(kafka: Kafka): Promise<void> {
  const topic = 'kafkajs-transactions'
  await create(kafka, topic, 1)
  const producer = kafka.producer({
    ...{ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 },
  })
  await producer.connect()
  const transact = async (values: string[], commit: boolean) => {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: values.map((value) => ({ value })) })
    await (commit ? transaction.commit() : transaction.abort())
  }
  await transact(['kept 1', 'kept 2'], true)
  await transact(['dropped'], false)
  await transact(['kept 3'], true)
  await producer.disconnect()
  const committed = { topic, groupId: `${topic}-committed` }
  const kept = ['kept 1', 'kept 2', 'kept 3']
  expect(await readAll(kafka, committed, 3)).toEqual(kept)
  const all = { topic, groupId: `${topic}-all`, readUncommitted: true }
  const everything = ['kept 1', 'kept 2', 'dropped', 'kept 3']
  expect(await readAll(kafka, all, 4)).toEqual(everything)
}

async function topics(kafka: Kafka): Promise<void> {
  const topic = 'kafkajs-made'
  await create(kafka, topic, 2)
  await withAdmin(kafka, async (admin) => {
    const count = async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      return topics[0]?.partitions.length
    }
    expect(await count()).toBe(2)
    await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] })
    expect(await count()).toBe(4)
    await admin.deleteTopics({ topics: [topic] })
    expect(await admin.listTopics()).not.toContain(topic)
  })
}

async function settings(kafka: Kafka): Promise<void> {
  const topic = 'kafkajs-settings'
  await create(kafka, topic, 1)
  await withAdmin(kafka, async (admin) => {
    const resource = { type: TOPIC_RESOURCE, name: topic }
    const retention = async () => {
      const wanted = { ...resource, configNames: ['retention.ms'] }
      const { resources } = await admin.describeConfigs({
        ...{ resources: [wanted], includeSynonyms: false },
      })
      return resources[0]?.configEntries[0]?.configValue
    }
    expect(await retention()).toBe('604800000')
    const configEntries = [{ name: 'retention.ms', value: '86400000' }]
    await admin.alterConfigs({
      ...{ resources: [{ ...resource, configEntries }], validateOnly: false },
    })
    expect(await retention()).toBe('86400000')
  })
}
