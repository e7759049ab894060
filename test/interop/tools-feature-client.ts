/** Kafka's own command-line tools, as {@link tryFeatures} asks for them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type {
  FeatureClient,
  Isolation,
  MemberEvents,
} from '../system/clients/features.ts'
import type { JavaHost } from './JavaHost.ts'
import { consumerSettings, joinInJava } from './java-feature-client.ts'

/** What the tools are told of the cluster, and of where to write. */
export interface ToolsOptions {
  readonly servers: string
  readonly zookeeper: string
  readonly broker: number
  readonly dir: string
}

/** The console clients, the verifiable consumer, and the tools of administrators. */
export class ToolsFeatureClient implements FeatureClient {
  readonly name = 'tools'
  readonly #java: JavaHost
  readonly #options: ToolsOptions
  #joined = 0

  constructor(java: JavaHost, options: ToolsOptions) {
    this.#java = java
    this.#options = options
  }

  produce(topic: string, values: string[], codec: string) {
    return this.#send(topic, values, '--compression-codec', codec)
  }

  produceIdempotent(topic: string, values: string[]) {
    return this.#send(topic, values, '--producer-property', 'enable.idempotence=true')
  }

  async readAll(
    reading: { topic: string; group: string; isolation?: Isolation },
    count: number,
  ): Promise<string[]> {
    const { topic, group } = reading
    const said = await this.#java.print(
      'kafka.tools.ConsoleConsumer',
      ...['--bootstrap-server', this.#options.servers, '--topic', topic],
      ...['--group', group, '--from-beginning', '--max-messages', `${count}`],
    )
    return said.split('\n').slice(0, -1)
  }

  join(topic: string, group: string, events: MemberEvents) {
    const name = `${this.name}-${this.#joined++}`
    const settings = {
      ...consumerSettings(this.#options.servers, group),
      'enable.auto.commit': 'false',
    }
    return joinInJava(this.#java, 'joinVerifiable', { name, topic, settings }, events)
  }

  createTopic(topic: string, partitions: number) {
    const size = ['--partitions', `${partitions}`, '--replication-factor', '2']
    return this.#topics('--create', '--topic', topic, ...size)
  }

  async topicSize(topic: string) {
    const said = await this.#topics('--describe', '--topic', topic)
    const [, count] = /PartitionCount:(\d+)/.exec(said) ?? []
    return count === undefined ? undefined : Number(count)
  }

  growTopic(topic: string, partitions: number) {
    return this.#topics('--alter', '--topic', topic, '--partitions', `${partitions}`)
  }

  deleteTopic(topic: string) {
    return this.#topics('--delete', '--topic', topic)
  }

  async deleteRecords(topic: string, offset: number) {
    const file = join(this.#options.dir, 'delete.json')
    const partitions = [{ topic, partition: 0, offset }]
    writeFileSync(file, JSON.stringify({ version: 1, partitions }))
    const tool = 'kafka.admin.DeleteRecordsCommand'
    const said = await this.#asked(tool, '--offset-json-file', file)
    if (!said.includes(`low_watermark: ${offset}`)) throw new Error(said)
  }

  topicSetting(topic: string, key: string) {
    return this.#setting(
      ['--zookeeper', this.#options.zookeeper, ...ofTopic(topic)],
      key,
    )
  }

  setTopicSetting(topic: string, key: string, value: string) {
    const where = ['--zookeeper', this.#options.zookeeper, ...ofTopic(topic)]
    return this.#configs(...where, '--alter', '--add-config', `${key}=${value}`)
  }

  brokerSetting(key: string) {
    return this.#setting(this.#ofBroker(), key)
  }

  setBrokerSetting(key: string, value: string) {
    return this.#configs(
      ...[...this.#ofBroker(), '--alter', '--add-config', `${key}=${value}`],
    )
  }

  async listGroups() {
    return (await this.#groups('--list')).split('\n')
  }

  async groupState(group: string) {
    const said = await this.#groups('--describe', '--group', group, '--state')
    return /\b(Stable|Empty|Dead|PreparingRebalance)\b/.exec(said)?.[1]
  }

  deleteGroup(group: string) {
    return this.#groups('--delete', '--group', group)
  }

  /** Waits for each record: here the tool ends without its machine, which would wait. */
  async #send(topic: string, values: string[], ...more: string[]) {
    const lines = values.map((value) => `${value}\n`).join('')
    const { status, stderr } = await this.#java.runWith(
      { stdin: lines },
      'kafka.tools.ConsoleProducer',
      ...['--broker-list', this.#options.servers, '--topic', topic, '--timeout', '0'],
      ...['--request-required-acks', 'all'],
      ...['--producer-property', 'producer.type=sync', ...more],
    )
    if (status !== 0)
      throw new Error(`the console producer ended with ${status}: ${stderr}`)
  }

  async #setting(where: readonly string[], key: string): Promise<string | undefined> {
    const said = await this.#configs(...where, '--describe')
    return said.match(new RegExp(`\\b${key.replaceAll('.', '\\.')}=([^, \\n]*)`))?.[1]
  }

  #topics(...args: readonly string[]) {
    const { zookeeper } = this.#options
    return this.#java.print(
      'kafka.admin.TopicCommand',
      '--zookeeper',
      zookeeper,
      ...args,
    )
  }

  #configs(...args: readonly string[]) {
    return this.#java.print('kafka.admin.ConfigCommand', ...args)
  }

  #groups(...args: readonly string[]) {
    return this.#asked('kafka.admin.ConsumerGroupCommand', ...args)
  }

  #asked(tool: string, ...args: readonly string[]) {
    const { servers } = this.#options
    return this.#java.print(tool, '--bootstrap-server', servers, ...args)
  }

  #ofBroker(): string[] {
    const { servers, broker } = this.#options
    const entity = ['--entity-type', 'brokers', '--entity-name', `${broker}`]
    return ['--bootstrap-server', servers, ...entity]
  }
}

const ofTopic = (topic: string) => ['--entity-type', 'topics', '--entity-name', topic]
