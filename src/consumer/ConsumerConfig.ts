/**
 * # ConsumerConfig
 *
 * The settings of the ZooKeeper-based consumer: one table of keys, a check for each, and
 * properties named as Kafka's.
 *
 * @kafka core/src/main/scala/kafka/consumer/ConsumerConfig.scala#ConsumerConfig
 * @module
 */
import { ConfigException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'

const log = logger('ConsumerConfig')

/** One setting: its type, what it is without being set, and what it means. */
export interface ConsumerConfigKey {
  readonly name: string
  readonly type: 'int' | 'boolean' | 'string'
  /** `undefined` for a key that must be set or that another key stands in for. */
  readonly default: string | undefined
  readonly doc: string
  /** Words that are allowed, for a setting that knows only some. */
  readonly oneOf?: readonly string[]
}

type Row = readonly [
  name: string,
  type: ConsumerConfigKey['type'],
  fallback: string | undefined,
  doc: string,
  oneOf?: readonly string[],
]

const rows: readonly Row[] = [
  ['group.id', 'string', undefined, 'the group that shares the partitions'],
  ['consumer.id', 'string', undefined, 'the name of this member; made up when not set'],
  ['zookeeper.connect', 'string', undefined, 'host:port list, perhaps with a path'],
  [
    'zookeeper.session.timeout.ms',
    'int',
    '6000',
    'silence after which a member is dead',
  ],
  [
    'zookeeper.connection.timeout.ms',
    'int',
    undefined,
    'wait for the first connection',
  ],
  ['zookeeper.sync.time.ms', 'int', '2000', 'how far ZooKeeper followers may lag'],
  ['client.id', 'string', undefined, 'name in requests; the group unless set'],
  ['socket.timeout.ms', 'int', '30000', 'wait for an answer of a broker'],
  ['socket.receive.buffer.bytes', 'int', '65536', 'receive buffer of a socket'],
  ['fetch.message.max.bytes', 'int', '1048576', 'bytes to ask for, per partition'],
  ['num.consumer.fetchers', 'int', '1', 'fetchers for each broker'],
  ['auto.commit.enable', 'boolean', 'true', 'commit from time to time'],
  ['auto.commit.interval.ms', 'int', '60000', 'time between two such commits'],
  ['queued.max.message.chunks', 'int', '2', 'chunks that wait for a stream'],
  ['rebalance.max.retries', 'int', '4', 'tries of one rebalance'],
  [
    'rebalance.backoff.ms',
    'int',
    undefined,
    'pause between tries; sync time unless set',
  ],
  ['fetch.min.bytes', 'int', '1', 'bytes for which a broker waits'],
  ['fetch.max.bytes', 'int', '52428800', 'read but unused, as in 1.1.1'],
  ['fetch.wait.max.ms', 'int', '100', 'the longest a broker waits for them'],
  ['refresh.leader.backoff.ms', 'int', '200', 'pause before looking for leaders again'],
  [
    'offsets.channel.backoff.ms',
    'int',
    '1000',
    'pause before the next try with offsets',
  ],
  ['offsets.channel.socket.timeout.ms', 'int', '10000', 'wait for the coordinator'],
  ['offsets.commit.max.retries', 'int', '5', 'further tries of an automatic commit'],
  [
    ...(['offsets.storage', 'string', 'zookeeper', 'where offsets are kept'] as const),
    ['zookeeper', 'kafka'],
  ],
  ['dual.commit.enabled', 'boolean', undefined, 'also to ZooKeeper; true for kafka'],
  [
    ...([
      'auto.offset.reset',
      'string',
      'largest',
      'where to begin without one',
    ] as const),
    ['smallest', 'largest'],
  ],
  ['consumer.timeout.ms', 'int', '-1', 'give up waiting for a message; -1 never'],
  [
    ...(['partition.assignment.strategy', 'string', 'range', 'who owns what'] as const),
    ['range', 'roundrobin'],
  ],
  ['exclude.internal.topics', 'boolean', 'true', 'expressions pass internal topics by'],
]

/** All settings, in the order of the reference page. */
export const consumerConfigKeys: readonly ConsumerConfigKey[] = rows.map(
  ([name, type, fallback, doc, oneOf]) => ({
    ...{ name, type, default: fallback, doc },
    ...(oneOf ? { oneOf } : {}),
  }),
)

const keys = new Map(consumerConfigKeys.map((key) => [key.name, key]))

/** The settings of one consumer. */
export class ConsumerConfig {
  readonly #values: ReadonlyMap<string, string>

  readonly groupId: string
  readonly consumerId: string | undefined
  readonly zkConnect: string
  readonly zkSessionTimeoutMs: number
  readonly zkConnectionTimeoutMs: number
  readonly clientId: string
  readonly socketTimeoutMs: number
  readonly fetchMessageMaxBytes: number
  readonly numConsumerFetchers: number
  readonly autoCommitEnable: boolean
  readonly autoCommitIntervalMs: number
  readonly queuedMaxMessages: number
  readonly rebalanceMaxRetries: number
  readonly rebalanceBackoffMs: number
  readonly fetchMinBytes: number
  readonly fetchWaitMaxMs: number
  readonly refreshLeaderBackoffMs: number
  readonly offsetsChannelBackoffMs: number
  readonly offsetsChannelSocketTimeoutMs: number
  readonly offsetsCommitMaxRetries: number
  readonly offsetsStorage: 'zookeeper' | 'kafka'
  readonly dualCommitEnabled: boolean
  readonly autoOffsetReset: 'smallest' | 'largest'
  readonly consumerTimeoutMs: number
  readonly partitionAssignmentStrategy: string
  readonly excludeInternalTopics: boolean

  /**
   * @param props keys as in Kafka; unknown ones are warned about and left out.
   * @throws ConfigException naming the key, the value, and what was expected.
   */
  constructor(props: Readonly<Record<string, string>>) {
    for (const name of Object.keys(props)) {
      if (!keys.has(name)) log.warn(`no setting is named ${name}`)
    }
    this.#values = new Map(Object.entries(props))

    // Name the group and where ZooKeeper is.
    this.groupId = this.#required('group.id')
    this.zkConnect = this.#required('zookeeper.connect')
    this.consumerId = this.#string('consumer.id')
    this.clientId = this.#string('client.id') ?? this.groupId
    validateChars('group.id', this.groupId)
    validateChars('client.id', this.clientId)

    // Read the times of ZooKeeper and of the rebalance.
    this.zkSessionTimeoutMs = this.#int('zookeeper.session.timeout.ms')
    this.zkConnectionTimeoutMs = this.#int(
      'zookeeper.connection.timeout.ms',
      this.zkSessionTimeoutMs,
    )
    const syncTimeMs = this.#int('zookeeper.sync.time.ms')
    this.rebalanceMaxRetries = this.#int('rebalance.max.retries')
    this.rebalanceBackoffMs = this.#int('rebalance.backoff.ms', syncTimeMs)
    this.partitionAssignmentStrategy =
      this.#string('partition.assignment.strategy') ?? ''

    // Read how to fetch.
    this.socketTimeoutMs = this.#int('socket.timeout.ms')
    this.fetchMessageMaxBytes = this.#int('fetch.message.max.bytes')
    this.numConsumerFetchers = this.#int('num.consumer.fetchers')
    this.queuedMaxMessages = this.#int('queued.max.message.chunks')
    this.fetchMinBytes = this.#int('fetch.min.bytes')
    this.fetchWaitMaxMs = this.#int('fetch.wait.max.ms')
    this.refreshLeaderBackoffMs = this.#int('refresh.leader.backoff.ms')
    this.consumerTimeoutMs = this.#int('consumer.timeout.ms')
    this.autoOffsetReset = this.#string('auto.offset.reset') as 'smallest' | 'largest'
    this.excludeInternalTopics = this.#boolean('exclude.internal.topics')
    if (this.fetchWaitMaxMs > this.socketTimeoutMs) {
      throw new ConfigException(
        `socket.timeout.ms is ${this.socketTimeoutMs}; expected at least ` +
          `fetch.wait.max.ms, which is ${this.fetchWaitMaxMs}`,
      )
    }

    // Read what becomes of offsets.
    this.autoCommitEnable = this.#boolean('auto.commit.enable')
    this.autoCommitIntervalMs = this.#int('auto.commit.interval.ms')
    this.offsetsChannelBackoffMs = this.#int('offsets.channel.backoff.ms')
    this.offsetsChannelSocketTimeoutMs = this.#int('offsets.channel.socket.timeout.ms')
    this.offsetsCommitMaxRetries = this.#int('offsets.commit.max.retries')
    this.offsetsStorage = this.#string('offsets.storage') as 'zookeeper' | 'kafka'
    this.dualCommitEnabled = this.#boolean(
      'dual.commit.enabled',
      this.offsetsStorage === 'kafka',
    )
  }

  #required(name: string): string {
    const value = this.#values.get(name)
    if (value === undefined || value === '') {
      throw new ConfigException(`${name} is not set; expected a value`)
    }
    return value
  }

  #string(name: string): string | undefined {
    const key = keys.get(name)
    const value = this.#values.get(name) ?? key?.default
    if (key?.oneOf && value !== undefined && !key.oneOf.includes(value)) {
      throw new ConfigException(
        `${name} is ${value}; expected one of ${key.oneOf.join(', ')}`,
      )
    }
    return value
  }

  #int(name: string, fallback?: number): number {
    const text = this.#values.get(name) ?? keys.get(name)?.default
    if (text === undefined && fallback !== undefined) return fallback
    if (text === undefined || !/^-?\d+$/.test(text.trim())) {
      throw new ConfigException(`${name} is ${text}; expected a whole number`)
    }
    return Number(text)
  }

  #boolean(name: string, fallback = false): boolean {
    const text = this.#values.get(name) ?? keys.get(name)?.default
    if (text === undefined) return fallback
    if (text !== 'true' && text !== 'false') {
      throw new ConfigException(`${name} is ${text}; expected true or false`)
    }
    return text === 'true'
  }
}

/** Names go into paths of ZooKeeper and into metrics, so few characters are allowed. */
function validateChars(name: string, value: string): void {
  if (!/^[a-zA-Z0-9._-]*$/.test(value)) {
    throw new ConfigException(
      `${name} is ${value}; expected letters, digits, dot, underscore and dash`,
    )
  }
}
