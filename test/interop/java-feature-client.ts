/** The Java clients of 1.1.1, as {@link tryFeatures} asks for them. */
import type {
  FeatureClient,
  Isolation,
  Member,
  MemberEvents,
} from '../system/clients/features.ts'
import type { Row } from './group-members.ts'
import type { JavaHost } from './JavaHost.ts'

type Settings = Readonly<Record<string, string>>

/** A consumer's settings; the short waits keep the test short. */
export const consumerSettings = (
  servers: string,
  group: string,
  isolation: Isolation = 'read_committed',
): Settings => ({
  'bootstrap.servers': servers,
  'group.id': group,
  'isolation.level': isolation,
  'auto.offset.reset': 'earliest',
  'heartbeat.interval.ms': '100',
  'fetch.max.wait.ms': '50',
  'metadata.max.age.ms': '500',
})

/** Has a member join, with a method of `Members.java`, and passes its news on. */
export async function joinInJava(
  java: JavaHost,
  method: 'join' | 'joinVerifiable',
  joining: { name: string; topic: string; settings: Settings },
  { took, shareIs }: MemberEvents,
): Promise<Member> {
  await java.call(`Members.${method}`, joining)
  const { name } = joining
  type News = { share: number; values: string[]; isOver: boolean }
  const reading = (async () => {
    for (;;) {
      const news = await java.call<News>('Members.next', { name })
      if (news.isOver) return
      shareIs(news.share)
      for (const value of news.values) took(value)
    }
  })()
  const leave = async () => {
    await java.call('Members.leave', { name })
    await reading
  }
  return { leave }
}

/** KafkaProducer, KafkaConsumer and AdminClient. */
export class JavaFeatureClient implements FeatureClient {
  readonly name = 'java'
  readonly #java: JavaHost
  readonly #servers: string
  readonly #broker: number
  #joined = 0

  constructor(java: JavaHost, servers: string, broker: number) {
    this.#java = java
    this.#servers = servers
    this.#broker = broker
  }

  produce(topic: string, values: string[], codec: string) {
    return this.#send(topic, values, { 'compression.type': codec })
  }

  produceIdempotent(topic: string, values: string[]) {
    return this.#send(topic, values, { 'enable.idempotence': 'true' })
  }

  async transact(topic: string, all: readonly { values: string[]; commit: boolean }[]) {
    const producer = {
      name: topic,
      settings: this.#with({ 'transactional.id': topic }),
    }
    await this.#java.call('Clients.openProducer', producer)
    for (const { values, commit } of all) {
      await this.#java.call('Clients.beginTransaction', producer)
      await this.#java.call('Clients.send', {
        ...producer,
        topic,
        partition: 0,
        values,
      })
      const end = commit ? 'commitTransaction' : 'abortTransaction'
      await this.#java.call(`Clients.${end}`, producer)
    }
    await this.#java.call('Clients.closeProducer', producer)
  }

  async readAll(
    reading: { topic: string; group: string; isolation?: Isolation },
    count: number,
  ): Promise<string[]> {
    const { topic, group, isolation } = reading
    const settings = consumerSettings(this.#servers, group, isolation)
    const rows = await this.#java.call<Row[]>('Clients.consume', {
      ...{ topic, count, settings },
    })
    return rows.map(([, , , value]) => value)
  }

  join(topic: string, group: string, events: MemberEvents) {
    const name = `${this.name}-${this.#joined++}`
    const settings = consumerSettings(this.#servers, group)
    return joinInJava(this.#java, 'join', { name, topic, settings }, events)
  }

  createTopic(topic: string, partitions: number) {
    const size = { partitions, replicas: 2, configs: {}, validateOnly: false }
    return this.#admin('createTopic', { topic, ...size })
  }

  async topicSize(topic: string) {
    const topics = await this.#admin<string[]>('listTopics')
    if (!topics.includes(topic)) return undefined
    return Object.keys(await this.#admin<object>('describeTopic', { topic })).length
  }

  growTopic(topic: string, count: number) {
    return this.#admin('createPartitions', { topic, count })
  }

  deleteTopic(topic: string) {
    return this.#admin('deleteTopic', { topic })
  }

  deleteRecords(topic: string, before: number) {
    return this.#admin('deleteRecords', { topic, partition: 0, before })
  }

  topicSetting(topic: string, key: string) {
    return this.#setting('TOPIC', topic, key)
  }

  setTopicSetting(name: string, key: string, value: string) {
    return this.#admin('alterConfigs', {
      type: 'TOPIC',
      name,
      configs: { [key]: value },
    })
  }

  brokerSetting(key: string) {
    return this.#setting('BROKER', `${this.#broker}`, key)
  }

  setBrokerSetting(key: string, value: string) {
    const resource = { type: 'BROKER', name: `${this.#broker}` }
    return this.#admin('alterConfigs', { ...resource, configs: { [key]: value } })
  }

  async #setting(type: string, name: string, key: string) {
    type Configs = Record<string, [string, string]>
    return (await this.#admin<Configs>('describeConfigs', { type, name }))[key]?.[0]
  }

  async #send(topic: string, values: string[], more: Settings) {
    const name = `${topic}-${values[0]}`
    const opening = { name, settings: this.#with(more) }
    await this.#java.call('Clients.openProducer', opening)
    await this.#java.call('Clients.send', { name, topic, values })
    await this.#java.call('Clients.closeProducer', { name })
  }

  #with(more: Settings): Settings {
    return {
      'bootstrap.servers': this.#servers,
      acks: 'all',
      'linger.ms': '5',
      ...more,
    }
  }

  #admin<T>(method: string, more: object = {}): Promise<T> {
    const settings = { 'bootstrap.servers': this.#servers }
    return this.#java.call<T>(`Admin.${method}`, { settings, ...more })
  }
}
