/**
 * kafkajs against the command: topics, producers, groups that members join and leave.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import {
  CompressionTypes,
  type Consumer,
  type ConsumerGroupJoinEvent,
  type EachBatchPayload,
  Kafka,
  logLevel,
} from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { StartedCommand, TemporaryDirectory } from './running-command.ts'
import { textLines, writeTextFile } from './text-file.ts'

const FULL = process.env.SYSTEM_FULL === '1'
const MINUTES = 60_000

let home: TemporaryDirectory
let broker: StartedCommand

beforeAll(async () => {
  home = new TemporaryDirectory()
  broker = await StartedCommand.start({ dataDir: home.path })
})

afterAll(async () => {
  await broker?.[Symbol.asyncDispose]()
  home?.[Symbol.dispose]()
})

function client(): Kafka {
  return new Kafka({
    ...{ clientId: 'system', brokers: broker.bootstrapServers.split(',') },
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, retries: 20 },
  })
}

async function createTopic(topic: string, numPartitions: number): Promise<void> {
  const admin = client().admin()
  await admin.connect()
  const topics = [{ topic, numPartitions, replicationFactor: 1 }]
  expect(await admin.createTopics({ topics })).toBe(true)
  await admin.disconnect()
}

/** Sends texts; the key says which of them it is. */
async function send(
  topic: string,
  texts: readonly string[],
  options: { compression?: CompressionTypes; idempotent?: boolean } = {},
): Promise<void> {
  const { compression = CompressionTypes.None, idempotent = false } = options
  const producer = client().producer({ idempotent })
  await producer.connect()
  for (let at = 0; at < texts.length; at += 5000) {
    const messages = texts
      .slice(at, at + 5000)
      .map((value, index) => ({ key: `${at + index}`, value }))
    await producer.send({ topic, compression, messages })
  }
  await producer.disconnect()
}

/** A member of a group, and what has happened to it. */
class Member {
  readonly consumer: Consumer
  readonly #waiting: (() => void)[] = []
  /** Partitions it was given last. */
  assigned: readonly number[] = []
  readonly received = new Map<string, string>()

  private constructor(groupId: string) {
    this.consumer = client().consumer({
      ...{ groupId, maxWaitTimeInMs: 50, heartbeatInterval: 200 },
      ...{ sessionTimeout: 10_000, rebalanceTimeout: 10_000 },
    })
  }

  static async join(groupId: string, topic: string): Promise<Member> {
    const member = new Member(groupId)
    const { consumer } = member
    consumer.on(consumer.events.GROUP_JOIN, (event: ConsumerGroupJoinEvent) => {
      member.assigned = event.payload.memberAssignment[topic] ?? []
      member.#changed()
    })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message }) => {
        member.received.set(`${message.key}`, `${message.value}`)
        member.#changed()
      },
    })
    return member
  }

  /** Waits until a condition holds. */
  async until(when: () => boolean): Promise<void> {
    while (!when()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #changed(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}

/** Sends a file's lines to one partition, in order, so many at once. */
async function sendFile(topic: string, path: string): Promise<void> {
  const producer = client().producer()
  await producer.connect()
  let messages: { value: string; partition: number }[] = []
  const flush = async () => {
    await producer.send({ topic, acks: 1, messages })
    messages = []
  }
  for await (const value of createInterface({ input: createReadStream(path) })) {
    if (messages.push({ value, partition: 0 }) === 5000) await flush()
  }
  if (messages.length > 0) await flush()
  await producer.disconnect()
}

/** Reads so many lines of one partition. @returns their SHA-256 as a file */
async function readLines(
  topic: string,
  groupId: string,
  lines: number,
): Promise<string> {
  const consumer = client().consumer({
    groupId,
    maxBytesPerPartition: 4 << 20,
    maxWaitTimeInMs: 50,
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const hash = createHash('sha256')
  let count = 0
  await new Promise<void>((resolve, reject) => {
    const eachBatch = async ({ batch }: EachBatchPayload) => {
      for (const { value } of batch.messages) hash.update(`${value}\n`)
      count += batch.messages.length
      if (count >= lines) resolve()
    }
    consumer.run({ eachBatch }).catch(reject)
  })
  await consumer.disconnect()
  return hash.digest('hex')
}

describe('kafkajs', () => {
  it.runIf(FULL)(
    'brings 1,000,000 lines there and back',
    async () => {
      const text = writeTextFile(`${home.path}/text`, 1_000_000)
      await createTopic('whole', 1)
      const began = performance.now()
      await sendFile('whole', text.path)
      const produced = performance.now()
      expect(await readLines('whole', 'whole', text.lines)).toBe(text.sha256)
      const consumed = performance.now()
      console.info(
        `kafkajs, ${text.lines} lines, ${text.bytes} bytes: ` +
          `produced in ${Math.round(produced - began)} ms, ` +
          `consumed in ${Math.round(consumed - produced)} ms`,
      )
    },
    10 * MINUTES,
  )

  it('brings a file there and back, line by line in order', async () => {
    const text = writeTextFile(`${home.path}/file`, 50_000)
    await createTopic('file', 1)
    await sendFile('file', text.path)
    expect(await readLines('file', 'file', text.lines)).toBe(text.sha256)
  })

  it('sends a text and a group reads the same', async () => {
    const texts = textLines(20_000)
    await createTopic('text', 3)
    await send('text', texts)
    const member = await Member.join('readers', 'text')
    await member.until(() => member.received.size === texts.length)
    await member.consumer.disconnect()
    expect(texts.every((text, at) => member.received.get(`${at}`) === text)).toBe(true)
  })

  it('sends with gzip and sequence numbers, and a group reads the same', async () => {
    const texts = textLines(10_000)
    await createTopic('packed', 2)
    await send('packed', texts, {
      compression: CompressionTypes.GZIP,
      idempotent: true,
    })
    const member = await Member.join('packed-readers', 'packed')
    await member.until(() => member.received.size === texts.length)
    await member.consumer.disconnect()
    expect(texts.every((text, at) => member.received.get(`${at}`) === text)).toBe(true)
  })

  it('shares partitions among members that come and go', async () => {
    const topic = 'shared'
    await createTopic(topic, 4)
    await send(topic, ['before'])
    const first = await Member.join('sharers', topic)
    await first.until(() => first.assigned.length === 4)

    const second = await Member.join('sharers', topic)
    await second.until(() => second.assigned.length === 2)
    await first.until(() => first.assigned.length === 2)
    const both = [...first.assigned, ...second.assigned]
    expect(both.sort()).toEqual([0, 1, 2, 3])

    // Who leaves hands over; nothing is read by nobody.
    await second.consumer.disconnect()
    await first.until(() => first.assigned.length === 4)
    await send(topic, ['0', '1', '2', '3', '4', '5', '6', 'last'])
    await first.until(() => first.received.get('7') === 'last')
    await first.until(() => first.received.size === 8)
    await first.consumer.disconnect()
  })

  it('tells its admin of topics, offsets and groups', async () => {
    const admin = client().admin()
    await admin.connect()
    await createTopic('told', 2)
    await send('told', textLines(10))
    const { topics } = await admin.fetchTopicMetadata({ topics: ['told'] })
    const leaders = topics[0]?.partitions.map(({ leader }) => leader)
    expect(leaders).toEqual([0, 0])

    const member = await Member.join('told-readers', 'told')
    await member.until(() => member.received.size === 10)
    await member.consumer.disconnect()
    const groupId = 'told-readers'
    const [stored] = await admin.fetchOffsets({ groupId, topics: ['told'] })
    const sum = stored?.partitions.reduce((total, { offset }) => total + +offset, 0)
    expect(sum).toBe(10)

    const { groups } = await admin.describeGroups([groupId])
    expect(groups[0]).toMatchObject({ groupId, state: 'Empty', errorCode: 0 })
    await admin.deleteGroups([groupId])
    await admin.deleteTopics({ topics: ['told'] })
    expect(await admin.listTopics()).not.toContain('told')
    await admin.disconnect()
  })
})
