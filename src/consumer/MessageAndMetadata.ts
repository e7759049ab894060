/**
 * # MessageAndMetadata
 *
 * What an application gets from a stream. Key and message are decoded when they are asked
 * for, so that a bad one can be passed over.
 *
 * @kafka core/src/main/scala/kafka/message/MessageAndMetadata.scala#MessageAndMetadata
 * @module
 */
import type { Message } from '../record/Message.ts'
import type { Decoder } from './Decoder.ts'

/** One message, where it came from, and how to decode it. */
export class MessageAndMetadata<K, V> {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly rawMessage: Message
  readonly #keyDecoder: Decoder<K>
  readonly #valueDecoder: Decoder<V>

  constructor(
    place: {
      readonly topic: string
      readonly partition: number
      readonly offset: number
    },
    rawMessage: Message,
    keyDecoder: Decoder<K>,
    valueDecoder: Decoder<V>,
  ) {
    this.topic = place.topic
    this.partition = place.partition
    this.offset = place.offset
    this.rawMessage = rawMessage
    this.#keyDecoder = keyDecoder
    this.#valueDecoder = valueDecoder
  }

  /** The decoded key; `null` for a message without one. */
  key(): K | null {
    const { key } = this.rawMessage
    return key === null ? null : this.#keyDecoder.fromBytes(key)
  }

  /** The decoded value; `null` for a message without one. */
  message(): V | null {
    const { payload } = this.rawMessage
    return payload === null ? null : this.#valueDecoder.fromBytes(payload)
  }
}
