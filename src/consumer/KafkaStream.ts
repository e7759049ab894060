/**
 * # KafkaStream
 *
 * One stream of messages, fed by the partitions that it owns. An async iterable: a
 * `for await` loop over it is a consumer.
 *
 *     for await (const { offset, message } of stream) …
 *
 * @kafka core/src/main/scala/kafka/consumer/KafkaStream.scala#KafkaStream
 * @module
 */
import { ConsumerIterator, type ConsumerIteratorOptions } from './ConsumerIterator.ts'
import type { MessageAndMetadata } from './MessageAndMetadata.ts'

/** The messages of the partitions that one stream owns. */
export class KafkaStream<K, V> {
  readonly #iterator: ConsumerIterator<K, V>
  readonly clientId: string

  constructor(options: ConsumerIteratorOptions<K, V>) {
    this.#iterator = new ConsumerIterator(options)
    this.clientId = options.clientId
  }

  /** The iterator of this stream; always the same one. */
  iterator(): ConsumerIterator<K, V> {
    return this.#iterator
  }

  /** Drops what was fetched and not given out; called at each rebalance. */
  clear(): void {
    this.#iterator.clearCurrentChunk()
  }

  /** Gives out messages until the connector is shut down. Leaving the loop keeps them. */
  [Symbol.asyncIterator](): AsyncIterator<MessageAndMetadata<K, V>, void> {
    const iterator = this.iterator()
    return {
      next: async () => {
        // Take what is there; look again when a rebalance took back what there was.
        do {
          const value = iterator.nextAtHand()
          if (value !== undefined) return { done: false, value }
        } while (await iterator.hasNext())
        return { done: true, value: undefined }
      },
    }
  }
}
