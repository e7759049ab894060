/**
 * # ProducerSendThread
 *
 * The loop behind an asynchronous producer: takes messages off the queue and hands them
 * on in batches, when there are enough of them or the oldest has waited long enough.
 *
 * Invariants: messages are handed on in the order they were queued; a batch whose
 * delivery fails is lost, with a line in the log; `shutdown` lets all that was queued
 * before it go out first.
 *
 * @kafka core/src/main/scala/kafka/producer/async/ProducerSendThread.scala#ProducerSendThread
 * @module
 */

import type { AsyncQueue } from '../base/async/AsyncQueue.ts'
import { CountDownLatch } from '../base/async/CountDownLatch.ts'
import { IllegalQueueStateException } from '../base/errors.ts'
import { type Logger, logger } from '../base/logger.ts'
import type { Clock } from '../base/platform/Platform.ts'
import type { EventHandler } from './EventHandler.ts'
import type { KeyedMessage } from './KeyedMessage.ts'

/** The object that, once it comes out of the queue, ends the loop. */
export const shutdownCommand = Symbol('shutdownCommand')

/** What the queue of an asynchronous producer holds. */
export type QueueItem<K, V> = KeyedMessage<K, V> | typeof shutdownCommand

/** When to hand on a batch. */
export interface BatchLimits {
  /** Longest time between two batches, in ms. */
  readonly queueTime: number

  /** Messages that fill a batch. */
  readonly batchSize: number
}

/** The loop of one asynchronous producer. */
export class ProducerSendThread<K, V> {
  /** Name of Kafka's thread. */
  readonly name: string

  readonly #queue: AsyncQueue<QueueItem<K, V>>
  readonly #handler: EventHandler<K, V>
  readonly #clock: Clock
  readonly #limits: BatchLimits
  readonly #shutdownLatch = new CountDownLatch(1)
  readonly #log: Logger

  constructor(
    name: string,
    queue: AsyncQueue<QueueItem<K, V>>,
    handler: EventHandler<K, V>,
    clock: Clock,
    limits: BatchLimits,
  ) {
    this.name = name
    this.#queue = queue
    this.#handler = handler
    this.#clock = clock
    this.#limits = limits
    this.#log = logger(name)
  }

  /** Starts the loop, once. */
  start(): void {
    // Floats on purpose: run() catches everything, and shutdown() waits for its end.
    void this.run()
  }

  /**
   * Works until the shutdown command, then says so.
   *
   * @kafka core/src/main/scala/kafka/producer/async/ProducerSendThread.scala#run
   */
  async run(): Promise<void> {
    try {
      await this.processEvents()
    } catch (e) {
      this.#log.error('stopped by an error', e)
    } finally {
      this.#shutdownLatch.countDown()
    }
  }

  /**
   * Puts the shutdown command behind all that is queued, and waits until it is reached.
   *
   * @kafka core/src/main/scala/kafka/producer/async/ProducerSendThread.scala#shutdown
   */
  async shutdown(): Promise<void> {
    await this.#queue.put(shutdownCommand)
    await this.#shutdownLatch.await()
  }

  /**
   * Takes messages and hands them on in batches, until the shutdown command.
   *
   * @throws IllegalQueueStateException (rejects) when something came behind the command
   * @differs waits at least a millisecond, where Kafka would spin with a queue time of
   *   0
   * @kafka core/src/main/scala/kafka/producer/async/ProducerSendThread.scala#processEvents
   */
  async processEvents(): Promise<void> {
    const { queueTime, batchSize } = this.#limits
    let lastSend = this.#clock.now()
    let events: KeyedMessage<K, V>[] = []
    while (true) {
      // Take the next message, if one comes before the batch is due.
      const left = Math.max(1, lastSend + queueTime - this.#clock.now())
      const item = await this.#queue.poll(left, this.#clock)
      if (item === shutdownCommand) break
      if (item !== undefined) events.push(item)

      // Hand on a batch that is full or due.
      if (item === undefined || events.length >= batchSize) {
        lastSend = this.#clock.now()
        await this.tryToHandle(events)
        events = []
      }
    }

    // Hand on what is left.
    await this.tryToHandle(events)
    if (this.#queue.size > 0)
      throw new IllegalQueueStateException(
        `${this.#queue.size} messages are queued behind the shutdown`,
      )
  }

  /**
   * Delivers one batch; if that fails the batch is lost.
   *
   * @kafka core/src/main/scala/kafka/producer/async/ProducerSendThread.scala#tryToHandle
   */
  async tryToHandle(events: readonly KeyedMessage<K, V>[]): Promise<void> {
    if (events.length === 0) return
    try {
      await this.#handler.handle(events)
    } catch (e) {
      this.#log.error(`${events.length} messages are lost`, e)
    }
  }
}
