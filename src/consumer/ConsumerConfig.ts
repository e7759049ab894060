/**
 * # ConsumerConfig
 *
 * The settings of the ZooKeeper-based consumer: one table of keys, a check for each, and
 * properties named as Kafka's.
 *
 * @kafka core/src/main/scala/kafka/consumer/ConsumerConfig.scala#ConsumerConfig
 * @differs A number that no consumer could work with (no fetcher, a queue without room) is
 *   refused here; 1.1.1 takes it and fails later.
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
  /** Whether a word may be written in capitals, too. */
  readonly anyCase?: boolean
  /** The smallest number that makes sense. */
  readonly min?: number
}

type Limits = Pick<ConsumerConfigKey, 'oneOf' | 'anyCase' | 'min'>

function key(type: ConsumerConfigKey['type']) {
  return (
    name: string,
    fallback: string | undefined,
    doc: string,
    limits: Limits = {},
  ): ConsumerConfigKey => ({ name, type, default: fallback, doc, ...limits })
}

const string = key('string')
const int = key('int')
const boolean = key('boolean')
const positive: Limits = { min: 1 }
const notNegative: Limits = { min: 0 }

/** All settings, in the order of the reference page. */
export const consumerConfigKeys: readonly ConsumerConfigKey[] = [
  // Who it is, and where the group meets.
  string('group.id', undefined, 'the group that shares the partitions'),
  string('consumer.id', undefined, 'the name of this member; made up when not set'),
  string('zookeeper.connect', undefined, 'host:port list, perhaps with a path'),
  int('zookeeper.session.timeout.ms', '6000', 'silence that means death', positive),
  int(
    'zookeeper.connection.timeout.ms',
    undefined,
    'wait for the first connection; the session time-out unless set',
    positive,
  ),
  int('zookeeper.sync.time.ms', '2000', 'how far ZooKeeper may lag', notNegative),
  string('client.id', undefined, 'name in requests; the group unless set'),

  // How it fetches.
  int('socket.timeout.ms', '30000', 'wait for an answer of a broker', positive),
  int('socket.receive.buffer.bytes', '65536', 'read but unused', { min: -1 }),
  int('fetch.message.max.bytes', '1048576', 'bytes per partition', positive),
  int('num.consumer.fetchers', '1', 'fetchers for each broker', positive),
  int('queued.max.message.chunks', '2', 'chunks that wait for a stream', positive),
  int('fetch.min.bytes', '1', 'bytes for which a broker waits', notNegative),
  int('fetch.max.bytes', '52428800', 'read but unused, as in 1.1.1', notNegative),
  int('fetch.wait.max.ms', '100', 'the longest a broker waits', notNegative),
  int('refresh.leader.backoff.ms', '200', 'pause of the leader finder', notNegative),
  string('auto.offset.reset', 'largest', 'where to begin without an offset', {
    oneOf: ['smallest', 'largest'],
  }),
  int('consumer.timeout.ms', '-1', 'give up waiting for a message; -1 never'),

  // How the group shares.
  int('rebalance.max.retries', '4', 'tries of one rebalance', notNegative),
  int(
    'rebalance.backoff.ms',
    undefined,
    'pause between tries; the sync time unless set',
    notNegative,
  ),
  string('partition.assignment.strategy', 'range', 'who owns what', {
    oneOf: ['range', 'roundrobin'],
  }),
  boolean('exclude.internal.topics', 'true', 'expressions pass internal topics by'),

  // What becomes of offsets.
  boolean('auto.commit.enable', 'true', 'commit from time to time'),
  int('auto.commit.interval.ms', '60000', 'time between two such commits', positive),
  string('offsets.storage', 'zookeeper', 'where offsets are kept', {
    oneOf: ['zookeeper', 'kafka'],
    anyCase: true,
  }),
  boolean('dual.commit.enabled', undefined, 'also to ZooKeeper; true for kafka'),
  int('offsets.channel.backoff.ms', '1000', 'pause before the next try', notNegative),
  int(
    'offsets.channel.socket.timeout.ms',
    '10000',
    'wait for the coordinator',
    positive,
  ),
  int('offsets.commit.max.retries', '5', 'further tries of a commit', notNegative),
]

const keys = new Map(consumerConfigKeys.map((entry) => [entry.name, entry]))

/** The largest `int` of Java. */
const MAX_INT = 0x7fffffff

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
   * @param props keys as in Kafka; unknown ones are warned about and left out, unless
   *   they begin with `external`, which is the application's.
   * @throws ConfigException naming the key, the value, and what was expected.
   */
  constructor(props: Readonly<Record<string, string>>) {
    for (const name of Object.keys(props)) {
      if (keys.has(name) || name.startsWith('external')) continue
      log.warn(`no setting is named ${name}`)
    }
    this.#values = new Map(
      Object.entries(props).map(([name, value]) => [name, value.trim()]),
    )
    this.#checkAll()

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

  /** Checks every value that is set, also of settings that nothing reads. */
  #checkAll(): void {
    for (const { name, type } of consumerConfigKeys) {
      if (!this.#values.has(name)) continue
      if (type === 'int') this.#int(name)
      else if (type === 'boolean') this.#boolean(name)
      else this.#string(name)
    }
  }

  #required(name: string): string {
    const value = this.#values.get(name)
    if (value === undefined || value === '') {
      throw new ConfigException(`${name} is not set; expected a value`)
    }
    return value
  }

  #string(name: string): string | undefined {
    const entry = keys.get(name)
    const given = this.#values.get(name) ?? entry?.default
    const value = entry?.anyCase ? given?.toLowerCase() : given
    if (entry?.oneOf && value !== undefined && !entry.oneOf.includes(value)) {
      throw new ConfigException(
        `${name} is ${value}; expected one of ${entry.oneOf.join(', ')}`,
      )
    }
    return value
  }

  #int(name: string, fallback?: number): number {
    const entry = keys.get(name)
    const text = this.#values.get(name) ?? entry?.default
    if (text === undefined && fallback !== undefined) return fallback
    const value = /^\s*-?\d+\s*$/.test(text ?? '') ? Number(text) : Number.NaN
    const min = entry?.min ?? -MAX_INT - 1
    if (value >= min && value <= MAX_INT) return value
    throw new ConfigException(
      `${name} is ${text}; expected a whole number from ${min} to ${MAX_INT}`,
    )
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
