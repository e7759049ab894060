/**
 * # EventHandler
 *
 * What a producer hands its messages to: at once (sync) or from its queue (async).
 *
 * @kafka core/src/main/scala/kafka/producer/async/EventHandler.scala#EventHandler
 * @module
 */

import type { KeyedMessage } from './KeyedMessage.ts'

/** Delivers messages. */
export interface EventHandler<K, V> {
  /** Delivers all of them, or rejects. */
  handle(events: readonly KeyedMessage<K, V>[]): Promise<void>

  /** Gives up its connections. */
  close(): Promise<void>
}
