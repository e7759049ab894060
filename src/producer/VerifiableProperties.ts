/**
 * # VerifiableProperties
 *
 * The settings of the old producer: one table of keys, and a reader that checks a value
 * when it is asked for.
 *
 * @kafka core/src/main/scala/kafka/utils/VerifiableProperties.scala#VerifiableProperties
 * @kafka core/src/main/scala/kafka/producer/ProducerConfig.scala#ProducerConfig
 * @kafka core/src/main/scala/kafka/producer/async/AsyncProducerConfig.scala#AsyncProducerConfig
 * @module
 */

import { ConfigException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'

const log = logger('VerifiableProperties')

/** Settings as a file holds them: text by key. */
export type Properties = Readonly<Record<string, string>>

/** One setting of the old producer. */
export interface ProducerConfigKey {
  readonly name: string
  readonly type: 'int' | 'string'

  /** `undefined` for a key that must be set. */
  readonly default: string | undefined

  /** What it means, for the reference page. */
  readonly doc: string

  /** Words that are allowed, for a setting that knows only some. */
  readonly oneOf?: readonly string[]

  /** The least number that is allowed. */
  readonly min?: number

  /** The largest number that is allowed; that of an int32 when absent. */
  readonly max?: number
}

type Row = readonly [
  name: string,
  type: ProducerConfigKey['type'],
  fallback: string | undefined,
  doc: string,
  limit?: Pick<ProducerConfigKey, 'oneOf' | 'min' | 'max'>,
]

const positive = { min: 1 }

const rows: readonly Row[] = [
  ['metadata.broker.list', 'string', undefined, 'host:port list to learn topics from'],
  ['host', 'string', undefined, 'the broker of a SyncProducer'],
  ['port', 'int', undefined, 'its port', positive],
  [
    'producer.type',
    'string',
    'sync',
    'whether send waits',
    { oneOf: ['sync', 'async'] },
  ],
  ['client.id', 'string', '', 'name in requests'],
  [
    'request.required.acks',
    'int',
    '0',
    'replicas to wait for: 0, 1 or -1',
    { min: -1, max: 1 },
  ],
  [
    'request.timeout.ms',
    'int',
    '10000',
    'to connect, to be answered, and for acks',
    positive,
  ],
  ['send.buffer.bytes', 'int', '102400', 'send buffer of a socket'],
  ['message.send.max.retries', 'int', '3', 'tries after the first'],
  ['retry.backoff.ms', 'int', '100', 'pause between two tries'],
  [
    'topic.metadata.refresh.interval.ms',
    'int',
    '600000',
    'age at which metadata is renewed; 0 after each message, negative only on failure',
  ],
  ['partitioner.class', 'string', 'DefaultPartitioner', 'chooses partitions by key'],
  ['serializer.class', 'string', 'DefaultEncoder', 'turns values into bytes'],
  ['key.serializer.class', 'string', undefined, 'turns keys into bytes'],
  ['compression.codec', 'string', 'none', 'none, gzip, snappy, lz4, or their number'],
  ['compressed.topics', 'string', '', 'topics to compress; all when empty'],
  ['queue.buffering.max.ms', 'int', '5000', 'longest wait of an async message'],
  ['queue.buffering.max.messages', 'int', '10000', 'messages that may wait', positive],
  [
    'queue.enqueue.timeout.ms',
    'int',
    '-1',
    'wait for room in the queue; 0 drops at once, -1 waits for ever',
  ],
  ['batch.num.messages', 'int', '200', 'messages sent at once in async mode', positive],
]

/** All settings of the old producer, in the order of the reference page. */
export const producerConfigKeys: readonly ProducerConfigKey[] = rows.map(
  ([name, type, fallback, doc, limit]) => ({
    name,
    type,
    default: fallback,
    doc,
    ...limit,
  }),
)

const keys = new Map(producerConfigKeys.map((key) => [key.name, key]))

/**
 * Reads settings, with the defaults and limits of {@link producerConfigKeys}.
 *
 * @kafka core/src/main/scala/kafka/utils/VerifiableProperties.scala#VerifiableProperties
 */
export class VerifiableProperties {
  /** The settings as given. */
  readonly props: Properties

  constructor(props: Properties) {
    this.props = props
  }

  /**
   * Warns of keys that nobody reads; those that begin with `external` are the
   * application's.
   *
   * @kafka core/src/main/scala/kafka/utils/VerifiableProperties.scala#verify
   */
  verify(): void {
    for (const name of Object.keys(this.props)) {
      if (keys.has(name) || name.startsWith('external')) continue
      log.warn(`no setting is named ${name}`)
    }
  }

  /**
   * Reads a text.
   *
   * @throws ConfigException when it must be set and is not, or is none of the words
   *   allowed
   * @kafka core/src/main/scala/kafka/utils/VerifiableProperties.scala#getString
   */
  getString(name: string): string {
    const key = keys.get(name)
    const value = this.props[name]?.trim() ?? key?.default
    if (value === undefined) throw new ConfigException(`${name} is not set`)
    if (key?.oneOf !== undefined && !key.oneOf.includes(value))
      throw new ConfigException(
        `${name} is ${value}, expected one of ${key.oneOf.join(', ')}`,
      )
    return value
  }

  /**
   * Reads a whole number.
   *
   * @throws ConfigException when it is not set, no int32, or below the key's limit
   * @kafka core/src/main/scala/kafka/utils/VerifiableProperties.scala#getIntInRange
   */
  getInt(name: string): number {
    const text = this.getString(name)
    const { min = -0x80000000, max = 0x7fffffff } = keys.get(name) ?? {}
    const value = Number(text)
    if (!/^-?\d+$/.test(text) || value < min || value > max)
      throw new ConfigException(
        `${name} is ${text}, expected a whole number from ${min} to ${max}`,
      )
    return value
  }
}
