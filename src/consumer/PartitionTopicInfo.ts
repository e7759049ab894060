/**
 * # PartitionTopicInfo
 *
 * Where one owned partition stands: two offsets, and the queue to its stream.
 *
 *     broker ──fetch──▶ fetchedOffset ──queue──▶ iterator ──▶ consumedOffset ──▶ commit
 *
 * Invariant: `consumedOffset` ≤ `fetchedOffset` once something was fetched.
 *
 * @kafka core/src/main/scala/kafka/consumer/PartitionTopicInfo.scala#PartitionTopicInfo
 * @module
 */
import type { AsyncQueue } from '../base/async/AsyncQueue.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import type { ByteBufferMessageSet } from '../record/ByteBufferMessageSet.ts'
import type { QueueItem } from './FetchedDataChunk.ts'

/** The offset of a partition for which nothing is stored. */
export const InvalidOffset = -1

/** One partition that this consumer owns. */
export class PartitionTopicInfo {
  readonly topicPartition: TopicPartition
  readonly #chunkQueue: AsyncQueue<QueueItem>
  /** Next offset the application has not been given; what a commit reports. */
  #consumedOffset: number
  /** Next offset to ask a broker for. */
  #fetchedOffset: number

  /** @param offset the stored offset, {@link InvalidOffset} when none is. */
  constructor(
    topicPartition: TopicPartition,
    chunkQueue: AsyncQueue<QueueItem>,
    offset: number,
  ) {
    this.topicPartition = topicPartition
    this.#chunkQueue = chunkQueue
    this.#consumedOffset = offset
    this.#fetchedOffset = offset
  }

  get topic(): string {
    return this.topicPartition.topic
  }

  get partitionId(): number {
    return this.topicPartition.partition
  }

  getConsumeOffset(): number {
    return this.#consumedOffset
  }

  getFetchOffset(): number {
    return this.#fetchedOffset
  }

  resetConsumeOffset(newConsumeOffset: number): void {
    this.#consumedOffset = newConsumeOffset
  }

  resetFetchOffset(newFetchOffset: number): void {
    this.#fetchedOffset = newFetchOffset
  }

  /**
   * Puts fetched messages into the stream's queue, and moves the fetch offset behind them.
   * Waits while the queue is full: a slow application slows its fetcher down.
   *
   * @throws AbortError when the fetcher is stopped while it waits.
   */
  async enqueue(messages: ByteBufferMessageSet, signal?: AbortSignal): Promise<void> {
    const fetchOffset = this.#fetchedOffset
    const chunk = { messages, topicInfo: this, fetchOffset }

    // Hand the messages on, then ask for what comes behind them.
    const last = messages.lastShallow
    if (last !== undefined) {
      await this.#chunkQueue.put(chunk, signal)
      this.#fetchedOffset = last.nextOffset
      return
    }

    // A message larger than the fetch: the iterator tells the application.
    if (messages.sizeInBytes > 0) await this.#chunkQueue.put(chunk, signal)
  }

  toString(): string {
    const { key } = this.topicPartition
    return `${key}: fetched ${this.#fetchedOffset}, consumed ${this.#consumedOffset}`
  }
}
