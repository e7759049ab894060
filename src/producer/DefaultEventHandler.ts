/**
 * # DefaultEventHandler
 *
 * The old producer's delivery: turns messages into bytes, sorts them by leader and
 * partition, sends each broker its share, and tries again with what failed.
 *
 *     messages ─▶ serialize ─▶ partitionAndCollate ─▶ { broker: { partition: set } }
 *                    ▲                                    │ send, broker by broker
 *                    └── pause, fresh metadata ◀── failed ┘
 *
 * Invariants: each try sends only what failed before it, so a message whose answer got
 * lost may be written twice, and with acks 0 only a broken socket counts as a failure;
 * one broker's failure does not keep the others from getting theirs.
 *
 * Messages without a key stick to one random partition until the next fresh metadata.
 *
 * @differs message sets are MemoryRecords of format 1 in place of ByteBufferMessageSet;
 *   the bytes are the same
 * @kafka core/src/main/scala/kafka/producer/async/DefaultEventHandler.scala#DefaultEventHandler
 * @module
 */

import {
  Errors,
  FailedToSendMessageException,
  KafkaException,
  LeaderNotAvailableException,
  NoBrokersForPartitionException,
  UnknownTopicOrPartitionException,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { CompressionType } from '../record/CompressionType.ts'
import { MemoryRecords } from '../record/MemoryRecords.ts'
import { BrokerPartitionInfo, type PartitionAndLeader } from './BrokerPartitionInfo.ts'
import type { Encoder } from './Encoder.ts'
import type { EventHandler } from './EventHandler.ts'
import type { KeyedMessage } from './KeyedMessage.ts'
import type { Partitioner } from './Partitioner.ts'
import type { ProducerConfig } from './ProducerConfig.ts'
import type { ProducerPool } from './ProducerPool.ts'
import { ProducerRequest } from './ProducerRequest.ts'
import type { ProducerPlatform } from './SyncProducer.ts'

const log = logger('DefaultEventHandler')

/** A message as bytes, with what picks its partition. */
interface SerializedMessage {
  readonly topic: string
  readonly partitionKey: unknown
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly timestamp: number
}

/** Messages by partition, for one broker. */
type BrokerShare = TopicPartitionMap<SerializedMessage[]>

/** How messages become bytes and find their partition. */
export interface EventHandlerParts<K, V> {
  readonly partitioner: Partitioner
  readonly encoder: Encoder<V>
  readonly keyEncoder: Encoder<K>
  readonly producerPool: ProducerPool
}

/** Delivers messages to the leaders of their partitions. */
export class DefaultEventHandler<K, V> implements EventHandler<K, V> {
  readonly #config: ProducerConfig
  readonly #platform: ProducerPlatform
  readonly #parts: EventHandlerParts<K, V>
  readonly #brokerPartitionInfo: BrokerPartitionInfo
  readonly #codec: CompressionType

  /** Counts questions and requests of this handler. */
  #correlationId = 0

  /** Wall time of the last periodic refresh; 0 makes the first call refresh. */
  #lastTopicMetadataRefreshTime = 0

  /** Topics of messages since the last periodic refresh. */
  readonly #topicMetadataToRefresh = new Set<string>()

  /** The partition that keyless messages of a topic go to now. */
  readonly #sendPartitionPerTopicCache = new Map<string, number>()

  /**
   * @param config - how often to try, and what with
   * @param parts - encoders, partitioner, and the lines to the brokers
   * @param platform - clock, network and chance
   */
  constructor(
    config: ProducerConfig,
    parts: EventHandlerParts<K, V>,
    platform: ProducerPlatform,
  ) {
    this.#config = config
    this.#parts = parts
    this.#platform = platform
    this.#codec = config.compressionCodec
    const { producerPool } = parts
    this.#brokerPartitionInfo = new BrokerPartitionInfo(config, producerPool, platform)
  }

  /**
   * Delivers messages, trying as often as configured.
   *
   * @param events - of any topics
   * @throws FailedToSendMessageException (rejects) when some are left after the last
   *   try
   * @kafka core/src/main/scala/kafka/producer/async/DefaultEventHandler.scala#handle
   */
  async handle(events: readonly KeyedMessage<K, V>[]): Promise<void> {
    const { messageSendMaxRetries, retryBackoffMs } = this.#config
    let outstanding = this.serialize(events)
    let remainingRetries = messageSendMaxRetries + 1
    while (remainingRetries > 0 && outstanding.length > 0) {
      // Renew metadata that has grown old, then send.
      for (const { topic } of outstanding) this.#topicMetadataToRefresh.add(topic)
      await this.#refreshPeriodically()
      outstanding = await this.dispatchSerializedData(outstanding)
      if (outstanding.length === 0) return

      // Pause, and learn who leads now.
      await this.#platform.clock.sleep(retryBackoffMs)
      await this.#refresh(new Set(outstanding.map(({ topic }) => topic)))
      remainingRetries -= 1
    }
    const left = outstanding.length
    if (left > 0)
      throw new FailedToSendMessageException(
        `${left} messages are left after ${messageSendMaxRetries + 1} tries`,
      )
  }

  /**
   * Closes the lines to the brokers.
   *
   * @kafka core/src/main/scala/kafka/producer/async/DefaultEventHandler.scala#close
   */
  async close(): Promise<void> {
    await this.#parts.producerPool.close()
  }

  /**
   * Turns keys and values into bytes, and stamps them with the time.
   *
   * @throws whatever an encoder throws, if the producer is synchronous; otherwise that
   *   message is dropped with a line in the log
   * @kafka core/src/main/scala/kafka/producer/async/DefaultEventHandler.scala#serialize
   */
  serialize(events: readonly KeyedMessage<K, V>[]): SerializedMessage[] {
    const { encoder, keyEncoder } = this.#parts
    const timestamp = this.#platform.clock.now()
    const serialized: SerializedMessage[] = []
    for (const { topic, key, partitionKey, message } of events)
      try {
        const keyBytes = key === null ? null : keyEncoder.toBytes(key)
        const value = encoder.toBytes(message)
        serialized.push({ topic, partitionKey, key: keyBytes, value, timestamp })
      } catch (e) {
        if (this.#config.producerType === 'sync') throw e
        log.error(`a message for ${topic} cannot be encoded and is dropped`, e)
      }
    return serialized
  }

  /**
   * Sends each broker its share.
   *
   * @returns the messages that were not taken, in no certain order
   * @kafka core/src/main/scala/kafka/producer/async/DefaultEventHandler.scala#dispatchSerializedData
   */
  async dispatchSerializedData(
    messages: readonly SerializedMessage[],
  ): Promise<SerializedMessage[]> {
    const shares = await this.partitionAndCollate(messages)
    if (shares === undefined) return [...messages]

    // Send broker by broker, and gather what fails.
    const failed: SerializedMessage[] = []
    for (const [brokerId, share] of shares) {
      const sets = this.groupMessagesToSet(share)
      const refused =
        sets === undefined ? [...share.keys()] : await this.send(brokerId, sets)
      for (const tp of refused) failed.push(...(share.get(tp) ?? []))
    }
    return failed
  }

  /**
   * Sorts messages by the broker that leads their partition; those without a leader go
   * under -1.
   *
   * @returns `undefined` when it failed for any message: then all count as failed
   * @kafka core/src/main/scala/kafka/producer/async/DefaultEventHandler.scala#partitionAndCollate
   */
  async partitionAndCollate(
    messages: readonly SerializedMessage[],
  ): Promise<Map<number, BrokerShare> | undefined> {
    const shares = new Map<number, BrokerShare>()
    try {
      for (const message of messages) {
        // Pick the partition.
        const { topic, partitionKey } = message
        const partitions = await this.getPartitionListForTopic(topic)
        const index = this.getPartition(topic, partitionKey, partitions)
        const { partitionId, leaderBrokerIdOpt = -1 } = partitions[index]!

        // Put the message with its like.
        const share: BrokerShare =
          shares.get(leaderBrokerIdOpt) ?? new TopicPartitionMap()
        shares.set(leaderBrokerIdOpt, share)
        const tp = new TopicPartition(topic, partitionId)
        const sameTopicPartition = share.get(tp)
        if (sameTopicPartition === undefined) share.set(tp, [message])
        else sameTopicPartition.push(message)
      }
      return shares
    } catch (e) {
      // A topic that is being created, or without a leader, is asked for again.
      if (e instanceof KafkaException) log.warn('messages wait for a leader', e)
      else log.error('messages cannot be sorted by leader', e)
      return undefined
    }
  }

  /**
   * The partitions of a topic.
   *
   * @throws NoBrokersForPartitionException (rejects) when it has none
   * @kafka core/src/main/scala/kafka/producer/async/DefaultEventHandler.scala#getPartitionListForTopic
   */
  async getPartitionListForTopic(topic: string): Promise<PartitionAndLeader[]> {
    const id = this.#correlationId++
    const partitions = await this.#brokerPartitionInfo.getBrokerPartitionInfo(topic, id)
    if (partitions.length === 0)
      throw new NoBrokersForPartitionException(`topic ${topic} has no partitions`)
    return partitions
  }

  /**
   * Picks a partition: by the key over all, led or not; without a key the one that the
   * topic's messages stick to, which has a leader when it is chosen.
   *
   * @returns an index into `partitions`
   * @throws UnknownTopicOrPartitionException when the partitioner points past the end
   * @throws LeaderNotAvailableException when there is no key, and no partition is led
   * @kafka core/src/main/scala/kafka/producer/async/DefaultEventHandler.scala#getPartition
   */
  getPartition(
    topic: string,
    key: unknown,
    partitions: readonly PartitionAndLeader[],
  ): number {
    const count = partitions.length
    if (key !== null && key !== undefined) {
      // Let the key decide, over all partitions.
      const index = this.#parts.partitioner.partition(key, count)
      if (index < 0 || index >= count)
        throw new UnknownTopicOrPartitionException(
          `partition ${index} of ${topic}, which has ${count}`,
        )
      return index
    }

    // Stay with the partition chosen before.
    const sticky = this.#sendPartitionPerTopicCache.get(topic)
    if (sticky !== undefined) return sticky

    // Choose among those that can be written to now.
    const led = partitions.flatMap((p, i) =>
      p.leaderBrokerIdOpt === undefined ? [] : i,
    )
    if (led.length === 0)
      throw new LeaderNotAvailableException(`no partition of ${topic} has a leader`)
    const index = led[this.#platform.random.nextInt(led.length)]!
    this.#sendPartitionPerTopicCache.set(topic, index)
    return index
  }

  /**
   * Makes one message set a partition, compressed if the topic is to be.
   *
   * @returns `undefined` when it failed: then the whole share counts as failed
   * @kafka core/src/main/scala/kafka/producer/async/DefaultEventHandler.scala#groupMessagesToSet
   */
  groupMessagesToSet(
    share: TopicPartitionMap<SerializedMessage[]>,
  ): TopicPartitionMap<MemoryRecords> | undefined {
    try {
      const sets = new TopicPartitionMap<MemoryRecords>()
      for (const [tp, messages] of share) {
        const compressionType = this.#compressionOf(tp.topic)
        const options = { magic: 1, compressionType }
        sets.set(tp, MemoryRecords.withRecords(options, ...messages))
      }
      return sets
    } catch (e) {
      log.error('messages cannot be put into sets', e)
      return undefined
    }
  }

  /**
   * Sends one broker its message sets.
   *
   * @param brokerId - -1 for sets whose leader is not known
   * @returns the partitions that failed
   * @kafka core/src/main/scala/kafka/producer/async/DefaultEventHandler.scala#send
   */
  async send(
    brokerId: number,
    messagesPerTopic: TopicPartitionMap<MemoryRecords>,
  ): Promise<TopicPartition[]> {
    if (brokerId < 0) {
      log.warn(`no leader for ${[...messagesPerTopic.keys()].join()}`)
      return [...messagesPerTopic.keys()]
    }
    const { clientId, requestRequiredAcks, requestTimeoutMs } = this.#config
    const request = new ProducerRequest(
      this.#correlationId++,
      clientId,
      requestRequiredAcks,
      requestTimeoutMs,
      messagesPerTopic,
    )
    try {
      // Believe that all went well when no answer is wanted.
      const producer = this.#parts.producerPool.getProducer(brokerId)
      const response = await producer.send(request)
      if (response === null) return []

      // Take the partitions that were refused.
      if (response.status.size !== messagesPerTopic.size)
        throw new KafkaException(
          `${response.status.size} answers for ${messagesPerTopic.size} partitions`,
        )
      const failed = [...response.status].filter(
        ([, { error }]) => error !== Errors.NONE,
      )
      for (const [tp, { error }] of failed)
        log.warn(`${tp} was refused: ${error.message}`)
      return failed.map(([tp]) => tp)
    } catch (e) {
      log.warn(`sending to broker ${brokerId} failed`, e)
      return [...messagesPerTopic.keys()]
    }
  }

  #compressionOf(topic: string): CompressionType {
    const { compressedTopics } = this.#config
    const wanted = compressedTopics.length === 0 || compressedTopics.includes(topic)
    return wanted ? this.#codec : CompressionType.NONE
  }

  /** Renews the metadata of all topics seen, if the last time is long enough ago. */
  async #refreshPeriodically(): Promise<void> {
    const { topicMetadataRefreshIntervalMs } = this.#config
    const now = this.#platform.clock.now()
    if (topicMetadataRefreshIntervalMs < 0) return
    if (now - this.#lastTopicMetadataRefreshTime <= topicMetadataRefreshIntervalMs)
      return
    this.#lastTopicMetadataRefreshTime = now
    const topics = new Set(this.#topicMetadataToRefresh)
    this.#topicMetadataToRefresh.clear()
    await this.#refresh(topics)
  }

  /**
   * Renews metadata, and lets keyless messages choose anew; a failure is only logged.
   */
  async #refresh(topics: ReadonlySet<string>): Promise<void> {
    try {
      await this.#brokerPartitionInfo.updateInfo(topics, this.#correlationId++)
    } catch (e) {
      if (e instanceof KafkaException) log.warn('metadata cannot be renewed', e)
      else log.error('metadata cannot be renewed', e)
    }
    this.#sendPartitionPerTopicCache.clear()
  }
}
