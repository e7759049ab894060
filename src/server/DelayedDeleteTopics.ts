/**
 * # DelayedDeleteTopics
 *
 * A request whose topics have been marked for deletion, and which waits until this broker
 * hears that they are gone.
 *
 *     deleteTopics ─▶ /admin/delete_topics/t ─▶ controller: StopReplica … UpdateMetadata
 *                                                            tryComplete ◀────┘
 *
 * @kafka core/src/main/scala/kafka/server/DelayedDeleteTopics.scala
 * @module
 */
import { Errors, type WireError } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { DelayedOperation } from '../replica/DelayedOperation.ts'
import type { MetadataCache } from './MetadataCache.ts'

const log = logger('DelayedDeleteTopics')

/**
 * What became of marking one topic.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedDeleteTopics.scala#DeleteTopicMetadata
 */
export interface DeleteTopicMetadata {
  readonly topic: string
  readonly error: WireError
}

/** What is answered, by topic. */
export type WireErrorCallback = (results: ReadonlyMap<string, WireError>) => void

/**
 * Waits for topics to vanish.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedDeleteTopics.scala#DelayedDeleteTopics
 */
export class DelayedDeleteTopics extends DelayedOperation {
  readonly #deleteMetadata: readonly DeleteTopicMetadata[]
  readonly #metadataCache: MetadataCache
  readonly #responseCallback: WireErrorCallback

  /** @param deleteMetadata - what was marked, and what could not be. */
  constructor(
    delayMs: number,
    deleteMetadata: readonly DeleteTopicMetadata[],
    metadataCache: MetadataCache,
    responseCallback: WireErrorCallback,
  ) {
    super(delayMs)
    this.#deleteMetadata = deleteMetadata
    this.#metadataCache = metadataCache
    this.#responseCallback = responseCallback
  }

  /** Completes when no topic that was marked is known any longer. */
  override tryComplete(): boolean {
    const remaining = this.#deleteMetadata.some((marked) => this.#stillExists(marked))
    return remaining ? false : this.forceComplete()
  }

  /** Answers; a topic that is still there is timed out, and will yet go. */
  override onComplete(): void {
    const results = new Map<string, WireError>()
    for (const marked of this.#deleteMetadata) {
      const late = this.#stillExists(marked)
      results.set(marked.topic, late ? Errors.REQUEST_TIMED_OUT : marked.error)
    }
    this.#responseCallback(results)
  }

  /** Nothing to add. */
  override onExpiration(): void {
    log.debug('some topics were not deleted in time')
  }

  #stillExists({ topic, error }: DeleteTopicMetadata): boolean {
    return error === Errors.NONE && this.#metadataCache.contains(topic)
  }
}
