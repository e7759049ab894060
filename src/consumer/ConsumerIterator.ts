/**
 * # ConsumerIterator
 *
 * Walks over the chunks of one stream's queue, message by message. It waits when the queue
 * is empty, which is how an application waits for new messages.
 *
 *     queue ──take──▶ current chunk ──next message──▶ application
 *                          │
 *                          └── consumedOffset, told to PartitionTopicInfo by next()
 *
 * Invariant: the consume offset moves when `next` gives a message out, not before. What
 * was only looked at with `hasNext` is not committed.
 *
 * @kafka core/src/main/scala/kafka/consumer/ConsumerIterator.scala#ConsumerIterator
 * @differs Kafka blocks a thread in `hasNext`; here `hasNext` and `next` are awaited, and
 *   those who ask while one waits get the answer of the same wait. A rebalance takes back
 *   what `hasNext` found and `next` did not give out; 1.1.1 gives it out, and its next
 *   owner does, too. A chunk that lies before the consume offset is passed by as a whole;
 *   1.1.1 gives out its last message.
 * @module
 */
import type { AsyncQueue } from '../base/async/AsyncQueue.ts'
import {
  ConsumerTimeoutException,
  IllegalStateException,
  KafkaException,
  MessageSizeTooLargeException,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Clock } from '../base/platform/Platform.ts'
import type { MessageAndOffset } from '../record/MessageAndOffset.ts'
import type { Decoder } from './Decoder.ts'
import { type QueueItem, shutdownCommand } from './FetchedDataChunk.ts'
import { MessageAndMetadata } from './MessageAndMetadata.ts'
import type { PartitionTopicInfo } from './PartitionTopicInfo.ts'

const log = logger('ConsumerIterator')

/** What a ConsumerIterator is made of. */
export interface ConsumerIteratorOptions<K, V> {
  readonly channel: AsyncQueue<QueueItem>
  /** How long to wait for a message, in milliseconds; negative waits for ever. */
  readonly consumerTimeoutMs: number
  readonly keyDecoder: Decoder<K>
  readonly valueDecoder: Decoder<V>
  readonly clientId: string
  readonly clock: Clock
}

type State = 'NOT_READY' | 'READY' | 'DONE' | 'FAILED'

/** Gives out the messages of one stream in the order in which they were fetched. */
export class ConsumerIterator<K, V> {
  readonly #options: ConsumerIteratorOptions<K, V>
  #state: State = 'NOT_READY'
  #nextItem: MessageAndMetadata<K, V> | undefined
  /** The chunk being walked over; dropped by a rebalance. */
  #current: Iterator<MessageAndOffset> | undefined
  #currentTopicInfo: PartitionTopicInfo | undefined
  /** Next offset after the message that `next` will give out. */
  #consumedOffset = -1
  /** The wait that is under way, for all who ask meanwhile. */
  #computing: Promise<boolean> | undefined

  constructor(options: ConsumerIteratorOptions<K, V>) {
    this.#options = options
  }

  /**
   * Waits until there is a message, or the stream has ended.
   *
   * @returns false when the connector was shut down.
   * @throws ConsumerTimeoutException after `consumer.timeout.ms`; the iterator stays usable.
   * @throws MessageSizeTooLargeException for a message larger than the fetch size.
   * @throws InvalidRecordException for a message whose checksum is wrong.
   * @throws IllegalStateException when an earlier call failed for good.
   */
  async hasNext(): Promise<boolean> {
    if (this.#computing) return this.#computing
    switch (this.#state) {
      case 'FAILED':
        throw new IllegalStateException('the iterator failed earlier')
      case 'DONE':
        return false
      case 'READY':
        return true
      default:
        this.#computing = this.maybeComputeNext()
        return this.#computing
    }
  }

  /**
   * Gives out the next message, and moves the consume offset behind it.
   *
   * @throws IllegalStateException when the stream has ended.
   */
  async next(): Promise<MessageAndMetadata<K, V>> {
    for (;;) {
      // Take what is there before anybody else can; a rebalance may drop it, too.
      const item = this.#takeReady()
      if (item) return item
      if (!(await this.hasNext())) {
        throw new IllegalStateException('the stream has ended')
      }
    }
  }

  /**
   * Gives out the next message if that takes no wait, and moves the consume offset behind
   * it. Most messages follow another of their chunk.
   *
   * @returns `undefined` when somebody must wait for it: {@link hasNext}
   * @throws what {@link hasNext} throws
   */
  nextAtHand(): MessageAndMetadata<K, V> | undefined {
    if (this.#state === 'NOT_READY' && !this.#computing && this.#current) {
      this.#state = 'FAILED'
      this.#nextItem = this.nextOfChunk()
      this.#state = this.#nextItem ? 'READY' : 'NOT_READY'
    }
    return this.#takeReady()
  }

  #takeReady(): MessageAndMetadata<K, V> | undefined {
    if (this.#state !== 'READY') return undefined
    this.#state = 'NOT_READY'
    const item = this.#nextItem
    const info = this.#currentTopicInfo
    if (!item || !info) throw new IllegalStateException('expected an item, found none')

    // Tell the partition what was given out, before the application has handled it.
    if (this.#consumedOffset < 0) {
      throw new KafkaException(
        `offset ${this.#consumedOffset} returned by the message set`,
      )
    }
    info.resetConsumeOffset(this.#consumedOffset)
    return item
  }

  /** Drops the chunk being walked over; what it still held is fetched again. */
  clearCurrentChunk(): void {
    log.debug(`clearing the current chunk of ${this.#options.clientId}`)
    this.#current = undefined
    if (this.#state === 'READY') this.#state = 'NOT_READY'
  }

  async maybeComputeNext(): Promise<boolean> {
    // Count as failed from here on: any exception but a timeout leaves it so.
    this.#state = 'FAILED'
    try {
      const item = await this.makeNext()
      this.#nextItem = item
      this.#state = item ? 'READY' : 'DONE'
      return item !== undefined
    } finally {
      this.#computing = undefined
    }
  }

  /** Finds the next message; `undefined` when the stream has ended. */
  async makeNext(): Promise<MessageAndMetadata<K, V> | undefined> {
    for (;;) {
      const next = this.nextOfChunk()
      if (next !== undefined) return next

      // Take the next chunk when the current one is used up.
      const item = await this.#takeChunk()
      if (item === shutdownCommand) return undefined
      this.#beginChunk(item)
    }
  }

  /** The next message of the chunk at hand; `undefined` when it is used up. */
  nextOfChunk(): MessageAndMetadata<K, V> | undefined {
    for (;;) {
      const step = this.#current?.next()
      if (!step || step.done) return undefined

      // Skip messages before the consume offset: compressed sets begin earlier than asked.
      const { message, offset, nextOffset } = step.value
      const info = this.#currentTopicInfo
      if (!info || offset < info.getConsumeOffset()) continue

      // Check the message here, on the application's side.
      this.#consumedOffset = nextOffset
      message.ensureValid()
      const { keyDecoder, valueDecoder } = this.#options
      const place = { topic: info.topic, partition: info.partitionId, offset }
      return new MessageAndMetadata(place, message, keyDecoder, valueDecoder)
    }
  }

  async #takeChunk(): Promise<QueueItem> {
    const { channel, clock, consumerTimeoutMs } = this.#options
    if (consumerTimeoutMs < 0) return channel.take()
    const item = await channel.poll(consumerTimeoutMs, clock)
    if (item !== undefined) return item

    // Stay usable after a timeout.
    this.#state = 'NOT_READY'
    throw new ConsumerTimeoutException(`no message in ${consumerTimeoutMs} ms`)
  }

  #beginChunk(chunk: Exclude<QueueItem, typeof shutdownCommand>): void {
    const { topicInfo, fetchOffset, messages } = chunk
    this.#currentTopicInfo = topicInfo

    // Jump to where the fetch began, should the consume offset lag behind it.
    if (topicInfo.getConsumeOffset() < fetchOffset) {
      log.error(
        `consumed up to ${topicInfo.getConsumeOffset()} of ${topicInfo} but fetched ` +
          `from ${fetchOffset}: messages may be lost`,
      )
      topicInfo.resetConsumeOffset(fetchOffset)
    }

    // Tell the application of a message that no fetch can hold.
    this.#current = undefined
    if (messages.validBytes === 0) {
      throw new MessageSizeTooLargeException(
        `a message of ${topicInfo} at offset ${fetchOffset} is larger than ` +
          'fetch.message.max.bytes',
      )
    }
    this.#current = messages[Symbol.iterator]()
  }
}
