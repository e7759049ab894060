/**
 * # ProducerConfig
 *
 * The settings of the old producer, which finds the leaders by itself.
 *
 * @kafka core/src/main/scala/kafka/producer/ProducerConfig.scala#ProducerConfig
 * @module
 */

import { ConfigException } from '../base/errors.ts'
import { CompressionType } from '../record/CompressionType.ts'
import { type Properties, VerifiableProperties } from './VerifiableProperties.ts'

/** The settings of one `Producer`. */
export class ProducerConfig {
  /** The settings as given. */
  readonly props: Properties

  /** Where to learn of topics: `host:port`, with commas between. */
  readonly brokerList: string

  /** Whether `send` delivers before it returns. */
  readonly producerType: 'sync' | 'async'

  /** Name in requests; may be empty. */
  readonly clientId: string

  /** Replicas that must have a batch before it is answered: 0, 1 or -1 for all. */
  readonly requestRequiredAcks: number

  /** Wait for a connection, for an answer, and for the replicas, in ms each. */
  readonly requestTimeoutMs: number

  /** Chooses partitions by key. */
  readonly partitionerClass: string

  /** Turns values into bytes. */
  readonly serializerClass: string

  /** Turns keys into bytes; that of values unless set. */
  readonly keySerializerClass: string

  /** Codec for batches. */
  readonly compressionCodec: CompressionType

  /** Topics to compress; empty means all. */
  readonly compressedTopics: readonly string[]

  /** Tries after the first. */
  readonly messageSendMaxRetries: number

  /** Pause between two tries, in ms. */
  readonly retryBackoffMs: number

  /** Age at which metadata is renewed, in ms; negative: only after failures. */
  readonly topicMetadataRefreshIntervalMs: number

  /** Longest time that a message waits for company, in ms (async). */
  readonly queueBufferingMaxMs: number

  /** Messages that may wait (async). */
  readonly queueBufferingMaxMessages: number

  /** Wait for room in the queue, in ms: 0 none, negative for ever (async). */
  readonly queueEnqueueTimeoutMs: number

  /** Messages that go out together (async). */
  readonly batchNumMessages: number

  /**
   * @param props - `metadata.broker.list` at least
   * @throws ConfigException naming the key, the value and what was expected
   */
  constructor(props: Properties) {
    this.props = props
    const verifiable = new VerifiableProperties(props)
    verifiable.verify()

    // Read what every request needs.
    this.brokerList = verifiable.getString('metadata.broker.list')
    this.producerType = verifiable.getString('producer.type') as 'sync' | 'async'
    this.clientId = verifiable.getString('client.id')
    this.requestRequiredAcks = verifiable.getInt('request.required.acks')
    this.requestTimeoutMs = verifiable.getInt('request.timeout.ms')

    // Read how messages become batches.
    this.partitionerClass = verifiable.getString('partitioner.class')
    this.serializerClass = verifiable.getString('serializer.class')
    this.keySerializerClass =
      props['key.serializer.class']?.trim() ?? this.serializerClass
    this.compressionCodec = codecOf(verifiable.getString('compression.codec'))
    const compressed = verifiable.getString('compressed.topics')
    this.compressedTopics = compressed
      .split(',')
      .map((topic) => topic.trim())
      .filter((topic) => topic !== '')

    // Read how often to try.
    this.messageSendMaxRetries = verifiable.getInt('message.send.max.retries')
    this.retryBackoffMs = verifiable.getInt('retry.backoff.ms')
    this.topicMetadataRefreshIntervalMs = verifiable.getInt(
      'topic.metadata.refresh.interval.ms',
    )

    // Read the shape of the queue.
    this.queueBufferingMaxMs = verifiable.getInt('queue.buffering.max.ms')
    this.queueBufferingMaxMessages = verifiable.getInt('queue.buffering.max.messages')
    this.queueEnqueueTimeoutMs = verifiable.getInt('queue.enqueue.timeout.ms')
    this.batchNumMessages = verifiable.getInt('batch.num.messages')
    this.#validateClientId()
    this.#validateBatchSize()
  }

  /** Names go into metrics, so few characters are allowed. */
  #validateClientId(): void {
    if (!/^[a-zA-Z0-9._-]*$/.test(this.clientId))
      throw new ConfigException(
        `client.id is ${this.clientId}; expected letters, digits, dot, underscore and ` +
          'dash',
      )
  }

  /** Refuses batches that the queue can never hold. */
  #validateBatchSize(): void {
    if (this.batchNumMessages > this.queueBufferingMaxMessages)
      throw new ConfigException(
        `batch.num.messages is ${this.batchNumMessages}, expected at most ` +
          `queue.buffering.max.messages, which is ${this.queueBufferingMaxMessages}`,
      )
  }
}

/** The codec that a setting names, by its name in any case or by its number. */
function codecOf(setting: string): CompressionType {
  try {
    return /^\d+$/.test(setting)
      ? CompressionType.forId(Number(setting))
      : CompressionType.forName(setting.toLowerCase())
  } catch (cause) {
    throw new ConfigException(
      `compression.codec is ${setting}, expected none, gzip, snappy, lz4, or 0 to 3`,
      { cause },
    )
  }
}
