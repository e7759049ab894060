/**
 * # DelayedCreatePartitions
 *
 * A request for topics or partitions that have been written to ZooKeeper, and waits until
 * this broker has heard that each of them has a leader. Only then can a client use them.
 *
 *     createTopics ─▶ /brokers/topics/t ─▶ controller ─▶ UpdateMetadata ─▶ tryComplete
 *
 * @kafka core/src/main/scala/kafka/server/DelayedCreatePartitions.scala
 * @module
 */
import { Errors } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { DelayedOperation } from '../replica/DelayedOperation.ts'
import { ApiError } from './ApiError.ts'
import type { MetadataCache } from './MetadataCache.ts'

const log = logger('DelayedCreatePartitions')

/** In the metadata cache: nobody leads the partition. */
const NO_LEADER = -1

/**
 * What became of writing one topic.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedCreatePartitions.scala#CreatePartitionsMetadata
 */
export interface CreatePartitionsMetadata {
  readonly topic: string
  /** Partitions that need a leader; none when it failed. */
  readonly partitions: readonly number[]
  readonly error: ApiError
}

/** What is answered, by topic. */
export type ApiErrorCallback = (results: ReadonlyMap<string, ApiError>) => void

/**
 * Waits for leaders.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedCreatePartitions.scala#DelayedCreatePartitions
 */
export class DelayedCreatePartitions extends DelayedOperation {
  readonly #createMetadata: readonly CreatePartitionsMetadata[]
  readonly #metadataCache: MetadataCache
  readonly #responseCallback: ApiErrorCallback

  /** @param createMetadata - what was written, and what could not be. */
  constructor(
    delayMs: number,
    createMetadata: readonly CreatePartitionsMetadata[],
    metadataCache: MetadataCache,
    responseCallback: ApiErrorCallback,
  ) {
    super(delayMs)
    this.#createMetadata = createMetadata
    this.#metadataCache = metadataCache
    this.#responseCallback = responseCallback
  }

  /** Completes when no partition that was written lacks a leader. */
  override tryComplete(): boolean {
    const leaderless = this.#createMetadata.some(
      (written) => written.error.isSuccess && this.#missingLeaderCount(written) > 0,
    )
    return leaderless ? false : this.forceComplete()
  }

  /** Answers; a topic that still lacks a leader may yet get it: it is timed out. */
  override onComplete(): void {
    const results = new Map<string, ApiError>()
    for (const written of this.#createMetadata) {
      const late = written.error.isSuccess && this.#missingLeaderCount(written) > 0
      const answer = late ? new ApiError(Errors.REQUEST_TIMED_OUT) : written.error
      results.set(written.topic, answer)
    }
    this.#responseCallback(results)
  }

  /** Nothing to add: the topics are there, and get their leaders when they can. */
  override onExpiration(): void {
    log.debug('some partitions had no leader in time')
  }

  #missingLeaderCount({ topic, partitions }: CreatePartitionsMetadata): number {
    return partitions.filter((partition) => this.#isMissingLeader(topic, partition))
      .length
  }

  #isMissingLeader(topic: string, partition: number): boolean {
    const info = this.#metadataCache.getPartitionInfo(topic, partition)
    return info === undefined || info.leader === NO_LEADER
  }
}
