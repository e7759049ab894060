/**
 * # TopicKey
 *
 * Waits under a topic: operations that end when the topic has come, grown or gone.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedOperationKey.scala#TopicKey
 * @module
 */
import type { DelayedOperationKey } from '../replica/DelayedOperation.ts'

/** The key of a topic. */
export class TopicKey implements DelayedOperationKey {
  readonly topic: string
  readonly keyLabel: string

  constructor(topic: string) {
    this.topic = topic
    this.keyLabel = topic
  }

  /** The label: the topic's name. */
  toString(): string {
    return this.keyLabel
  }
}
