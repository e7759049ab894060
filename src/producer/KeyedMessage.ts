/**
 * # KeyedMessage
 *
 * What the old producer is given to send.
 *
 * @kafka core/src/main/scala/kafka/producer/KeyedMessage.scala#KeyedMessage
 * @module
 */

/**
 * A message for a topic, perhaps with a key, which travels along and picks the
 * partition.
 */
export class KeyedMessage<K, V> {
  readonly topic: string

  /** Kept with the message; null for none. */
  readonly key: K | null

  /** Picks the partition in the key's place; null to let the key do it. */
  readonly partKey: unknown

  readonly message: V

  /** @throws TypeError when the topic is missing, as callers from JavaScript may do */
  constructor(
    topic: string,
    message: V,
    key: K | null = null,
    partKey: unknown = null,
  ) {
    if (typeof topic !== 'string') throw new TypeError('a message needs a topic')
    this.topic = topic
    this.message = message
    this.key = key
    this.partKey = partKey
  }

  /** What picks the partition; null when any will do. */
  get partitionKey(): unknown {
    return this.partKey ?? this.key
  }

  /** Whether a key travels with the message. */
  get hasKey(): boolean {
    return this.key !== null
  }
}
