/** kafkajs, as {@link tryFeatures} asks for it. */
import { EventEmitter, once } from 'node:events'
import { createRequire } from 'node:module'
import { type Admin, type EachMessagePayload, Kafka, logLevel } from 'kafkajs'
import type { FeatureClient, Isolation, MemberEvents } from './features.ts'

const TOPIC = 2
const BROKER = 4
const CODECS = ['none', 'gzip']

/** The version of kafkajs that is installed. */
export const kafkajsVersion = String(
  createRequire(import.meta.url)('kafkajs/package.json').version,
)

/** kafkajs. @param broker - whose settings it changes */
export class KafkajsClient implements FeatureClient {
  readonly name = 'kafkajs'
  readonly codecs = CODECS
  readonly #kafka: Kafka
  readonly #broker: number

  constructor(servers: string, broker: number) {
    this.#broker = broker
    this.#kafka = new Kafka({
      ...{ clientId: 'features', brokers: servers.split(',') },
      ...{ logLevel: logLevel.NOTHING, retry: { initialRetryTime: 20 } },
    })
  }

  produce(topic: string, values: string[], codec: string) {
    return this.#send(topic, values, CODECS.indexOf(codec))
  }

  produceIdempotent(topic: string, values: string[]) {
    return this.#send(topic, values, 0, { idempotent: true, maxInFlightRequests: 1 })
  }

  async transact(topic: string, all: readonly { values: string[]; commit: boolean }[]) {
    const producer = this.#kafka.producer({
      ...{ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 },
    })
    await producer.connect()
    for (const { values, commit } of all) {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: values.map((value) => ({ value })) })
      await (commit ? transaction.commit() : transaction.abort())
    }
    await producer.disconnect()
  }

  async readAll(
    reading: { topic: string; group: string; isolation?: Isolation },
    count: number,
  ): Promise<string[]> {
    const values: string[] = []
    const changed = new EventEmitter()
    const took = (value: string) => {
      values.push(value)
      changed.emit('change')
    }
    const member = await this.#consume(reading, { took, shareIs: () => {} })
    while (values.length < count) await once(changed, 'change')
    await member.disconnect()
    return values
  }

  async join(topic: string, group: string, events: MemberEvents) {
    const consumer = await this.#consume({ topic, group }, events)
    return { leave: () => consumer.disconnect() }
  }

  createTopic(topic: string, numPartitions: number) {
    const topics = [{ topic, numPartitions, replicationFactor: 2 }]
    return this.#admin((admin) => admin.createTopics({ topics }))
  }

  topicSize(topic: string) {
    return this.#admin(async (admin) => {
      if (!(await admin.listTopics()).includes(topic)) return undefined
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      return topics[0]?.partitions.length
    })
  }

  growTopic(topic: string, count: number) {
    const topicPartitions = [{ topic, count }]
    return this.#admin((admin) => admin.createPartitions({ topicPartitions }))
  }

  deleteTopic(topic: string) {
    return this.#admin((admin) => admin.deleteTopics({ topics: [topic] }))
  }

  deleteRecords(topic: string, before: number) {
    const partitions = [{ partition: 0, offset: `${before}` }]
    return this.#admin(async (admin) => {
      // It looks the leader up in what it knows already.
      await admin.fetchTopicOffsets(topic)
      await admin.deleteTopicRecords({ topic, partitions })
    })
  }

  topicSetting(topic: string, key: string) {
    return this.#setting({ type: TOPIC, name: topic }, key)
  }

  setTopicSetting(topic: string, key: string, value: string) {
    return this.#set({ type: TOPIC, name: topic }, key, value)
  }

  brokerSetting(key: string) {
    return this.#setting({ type: BROKER, name: `${this.#broker}` }, key)
  }

  setBrokerSetting(key: string, value: string) {
    return this.#set({ type: BROKER, name: `${this.#broker}` }, key, value)
  }

  listGroups() {
    return this.#admin(async (admin) =>
      (await admin.listGroups()).groups.map(({ groupId }) => groupId),
    )
  }

  groupState(group: string) {
    return this.#admin(
      async (admin) => (await admin.describeGroups([group])).groups[0]?.state,
    )
  }

  deleteGroup(group: string) {
    return this.#admin((admin) => admin.deleteGroups([group]))
  }

  async #send(topic: string, values: string[], compression: number, more = {}) {
    const producer = this.#kafka.producer({ allowAutoTopicCreation: false, ...more })
    await producer.connect()
    const messages = values.map((value) => ({ value }))
    await producer.send({ topic, messages, compression })
    await producer.disconnect()
  }

  async #consume(
    reading: { topic: string; group: string; isolation?: Isolation },
    { took, shareIs }: MemberEvents,
  ) {
    const { topic, group: groupId, isolation } = reading
    const consumer = this.#kafka.consumer({
      ...{ groupId, maxWaitTimeInMs: 50, heartbeatInterval: 100 },
      readUncommitted: isolation === 'read_uncommitted',
    })
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

  #setting(resource: { type: number; name: string }, key: string) {
    return this.#admin(async (admin) => {
      const wanted = { ...resource, configNames: [key] }
      const { resources } = await admin.describeConfigs({
        ...{ resources: [wanted], includeSynonyms: false },
      })
      return resources[0]?.configEntries[0]?.configValue
    })
  }

  #set(resource: { type: number; name: string }, name: string, value: string) {
    const configEntries = [{ name, value }]
    return this.#admin((admin) =>
      admin.alterConfigs({
        ...{ resources: [{ ...resource, configEntries }], validateOnly: false },
      }),
    )
  }

  async #admin<T>(use: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.#kafka.admin()
    await admin.connect()
    try {
      return await use(admin)
    } finally {
      await admin.disconnect()
    }
  }
}
