/**
 * # Producer
 *
 * The old producer: takes messages for any topic and brings them to the leaders of
 * their partitions. Synchronous, `send` returns when they are delivered (or, with acks
 * 0, written to a socket); asynchronous, when they are in a queue.
 *
 *     sync   send ─▶ DefaultEventHandler.handle ─▶ SyncProducer.send
 *     async  send ─▶ queue ─▶ ProducerSendThread ─▶ DefaultEventHandler.handle ─▶ …
 *
 * @kafka core/src/main/scala/kafka/producer/Producer.scala#Producer
 * @module
 */

import { AsyncQueue } from '../base/async/AsyncQueue.ts'
import { isAbortError } from '../base/async/abort.ts'
import { Mutex } from '../base/async/Mutex.ts'
import { ProducerClosedException, QueueFullException } from '../base/errors.ts'
import { DefaultEventHandler } from './DefaultEventHandler.ts'
import { createEncoder, type Encoder } from './Encoder.ts'
import type { EventHandler } from './EventHandler.ts'
import type { KeyedMessage } from './KeyedMessage.ts'
import { createPartitioner, type Partitioner } from './Partitioner.ts'
import type { ProducerConfig } from './ProducerConfig.ts'
import { ProducerPool } from './ProducerPool.ts'
import { ProducerSendThread, type QueueItem } from './ProducerSendThread.ts'
import type { ProducerPlatform } from './SyncProducer.ts'

/** Objects in the place of classes that the settings would name. */
export interface ProducerParts<K, V> {
  readonly partitioner?: Partitioner
  readonly encoder?: Encoder<V>
  readonly keyEncoder?: Encoder<K>

  /** Delivers in the place of {@link DefaultEventHandler}. */
  readonly eventHandler?: EventHandler<K, V>
}

/** Sends messages to topics. */
export class Producer<K, V> {
  readonly #config: ProducerConfig
  readonly #platform: ProducerPlatform
  readonly #eventHandler: EventHandler<K, V>

  /** Kafka's `lock`: one sender at a time, for its whole delivery. */
  readonly #lock = new Mutex()

  readonly #queue: AsyncQueue<QueueItem<K, V>>

  /** The loop of an asynchronous producer. */
  readonly #producerSendThread: ProducerSendThread<K, V> | undefined

  #hasShutdown = false

  /**
   * @param config - settings
   * @param platform - clock, network and chance
   * @param parts - encoders and partitioner that are objects rather than names
   * @throws ConfigException when a setting names an encoder or partitioner we do not
   *   have
   */
  constructor(
    config: ProducerConfig,
    platform: ProducerPlatform,
    parts: ProducerParts<K, V> = {},
  ) {
    this.#config = config
    this.#platform = platform
    this.#eventHandler = parts.eventHandler ?? eventHandler(config, platform, parts)
    this.#queue = new AsyncQueue(config.queueBufferingMaxMessages)
    if (config.producerType === 'sync') return

    // Start the loop that empties the queue.
    this.#producerSendThread = new ProducerSendThread(
      `ProducerSendThread-${config.clientId}`,
      this.#queue,
      this.#eventHandler,
      platform.clock,
      { queueTime: config.queueBufferingMaxMs, batchSize: config.batchNumMessages },
    )
    this.#producerSendThread.start()
  }

  /**
   * Sends messages; a synchronous producer delivers them before it returns.
   *
   * @throws ProducerClosedException (rejects) after `close`
   * @throws FailedToSendMessageException (rejects) when some could not be delivered
   *   (sync)
   * @throws QueueFullException (rejects) when the queue has no room in time (async);
   *   the messages before that one stay queued
   * @kafka core/src/main/scala/kafka/producer/Producer.scala#send
   */
  async send(...messages: readonly KeyedMessage<K, V>[]): Promise<void> {
    await this.#lock.runExclusive(async () => {
      if (this.#hasShutdown) throw new ProducerClosedException()
      if (this.#producerSendThread === undefined)
        await this.#eventHandler.handle(messages)
      else await this.asyncSend(messages)
    })
  }

  /**
   * Queues messages, waiting for room as configured.
   *
   * @throws QueueFullException (rejects) at the first message that found no room
   * @kafka core/src/main/scala/kafka/producer/Producer.scala#asyncSend
   */
  async asyncSend(messages: readonly KeyedMessage<K, V>[]): Promise<void> {
    for (const message of messages)
      if (!(await this.#enqueue(message)))
        throw new QueueFullException(`no room for a message for ${message.topic}`)
  }

  /**
   * Delivers what is queued and gives up the connections, once.
   *
   * Waits for the senders before it, as they hold the same lock.
   *
   * @kafka core/src/main/scala/kafka/producer/Producer.scala#close
   */
  async close(): Promise<void> {
    await this.#lock.runExclusive(async () => {
      if (this.#hasShutdown) return
      this.#hasShutdown = true
      await this.#producerSendThread?.shutdown()
      await this.#eventHandler.close()
    })
  }

  /** Queues one message. Returns whether there was room in time. */
  async #enqueue(message: KeyedMessage<K, V>): Promise<boolean> {
    const { queueEnqueueTimeoutMs } = this.#config
    const { clock } = this.#platform
    if (this.#queue.offer(message)) return true
    if (queueEnqueueTimeoutMs === 0) return false

    // Wait for room, for ever if the time is negative.
    const patience = new AbortController()
    const timer =
      queueEnqueueTimeoutMs < 0
        ? undefined
        : clock.setTimeout(() => patience.abort(), queueEnqueueTimeoutMs)
    try {
      await this.#queue.put(message, patience.signal)
      return true
    } catch (e) {
      if (isAbortError(e)) return false
      throw e
    } finally {
      clock.clearTimeout(timer)
    }
  }
}

/** Makes the handler that the settings describe. */
function eventHandler<K, V>(
  config: ProducerConfig,
  platform: ProducerPlatform,
  parts: ProducerParts<K, V>,
): EventHandler<K, V> {
  // Make what is named, unless it was given.
  const { partitionerClass, serializerClass, keySerializerClass } = config
  const partitioner = parts.partitioner ?? createPartitioner(partitionerClass)
  const encoder = parts.encoder ?? createEncoder(serializerClass, 'serializer.class')
  const keyEncoder =
    parts.keyEncoder ?? createEncoder(keySerializerClass, 'key.serializer.class')

  const producerPool = new ProducerPool(config, platform)
  const made = { partitioner, encoder, keyEncoder, producerPool }
  return new DefaultEventHandler(config, made, platform)
}
