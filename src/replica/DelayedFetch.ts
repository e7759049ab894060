/**
 * # DelayedFetch
 *
 * A fetch that found less than it asked for. It waits until its partitions together offer
 * `minBytes`, and then reads again: what it was woken for is a hint, not the answer.
 *
 *     consumer: bytes between fetch offset and high watermark (or last stable offset)
 *     follower: bytes between fetch offset and log end
 *
 * Counting needs no read: offset and position of both ends are known, so the bytes between
 * them are a subtraction, as long as both lie in one segment.
 *
 * A partition that a quota keeps from a follower counts as empty. Nothing wakes the fetch
 * when the quota allows more: the next append does, or the end of its waiting.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedFetch.scala
 * @module
 */
import {
  KafkaStorageException,
  NotLeaderForPartitionException,
  UnknownTopicOrPartitionException,
} from '../base/errors.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import type { LogOffsetMetadata } from '../log/LogOffsetMetadata.ts'
import { DelayedOperation } from './DelayedOperation.ts'
import type { Expirations } from './Expirations.ts'
import {
  type FetchPartitionData,
  type LogReadResult,
  toFetchPartitionData,
} from './LogReadResult.ts'
import type { Partition } from './Partition.ts'
import type { Replica } from './Replica.ts'
import {
  type FetchParams,
  type FetchPartitionStatus,
  type PartitionData,
  shouldLeaderThrottle,
} from './read-from-local-log.ts'

/** What is answered to a fetch, in the order of its partitions. */
export type FetchCallback = (
  results: readonly (readonly [TopicPartition, FetchPartitionData])[],
) => void

/** What a delayed fetch asks its manager. */
export interface DelayedFetchManager {
  getLeaderReplicaIfLocal(topicPartition: TopicPartition): Replica
  nonOfflinePartition(topicPartition: TopicPartition): Partition | undefined
  /** Told of those that found too little in time. */
  readonly expirations: Expirations
  readFromLocalLog(
    params: FetchParams,
    partitions: readonly (readonly [TopicPartition, PartitionData])[],
  ): (readonly [TopicPartition, LogReadResult])[]
}

/** What a waiting fetch is made from. */
export interface DelayedFetchOptions {
  /** How long to wait, in ms. */
  readonly delayMs: number
  readonly params: FetchParams
  readonly partitions: readonly FetchPartitionStatus[]
  readonly manager: DelayedFetchManager
  readonly responseCallback: FetchCallback
}

/**
 * Waits for bytes.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedFetch.scala#DelayedFetch
 */
export class DelayedFetch extends DelayedOperation {
  readonly #options: DelayedFetchOptions

  /** Makes the waiting fetch; it is not under watch yet. */
  constructor(options: DelayedFetchOptions) {
    super(options.delayMs)
    this.#options = options
  }

  /** Adds up what is there; completes when it is enough, or when waiting is pointless. */
  override tryComplete(): boolean {
    return this.missingBytes() > 0 ? false : this.forceComplete()
  }

  /** The bytes that it still waits for; 0 when it should be answered now. */
  missingBytes(): number {
    let accumulatedSize = 0
    for (const status of this.#options.partitions) {
      // Leave out what was unreadable at the first look; the answer will say why.
      if (status.startOffsetMetadata.messageOffset < 0) continue
      const available = this.#bytesAvailable(status)
      if (available === undefined) return 0
      accumulatedSize += available
    }
    return Math.max(0, this.minBytes - accumulatedSize)
  }

  /** The bytes that it wants, as the client asked. */
  get minBytes(): number {
    return this.#options.params.fetchMinBytes
  }

  // Undefined when the fetch should be answered now, whatever else it waits for.
  #bytesAvailable(status: FetchPartitionStatus): number | undefined {
    const start = status.startOffsetMetadata
    try {
      const end = this.#endOffset(status.topicPartition)
      if (end.messageOffset === start.messageOffset) return 0

      // Answer at once when the end went back behind the start, into an older segment: the
      // log was truncated, and the read will tell.
      if (end.onOlderSegment(start)) return undefined
      if (start.messageOffset > end.messageOffset) return 0

      // Count nothing of what the answer would leave out for a quota.
      if (this.#isThrottled(status.topicPartition)) return 0

      // Answer at once when the start is in an older segment: all the rest of it is there.
      if (start.onOlderSegment(end)) return undefined

      // Count the bytes between, but no more than the partition would be given.
      return Math.min(end.positionDiff(start), status.fetchInfo.maxBytes)
    } catch (error) {
      // Answer at once when the partition is gone, elsewhere, or on a failed disk.
      if (error instanceof NotLeaderForPartitionException) return undefined
      if (error instanceof UnknownTopicOrPartitionException) return undefined
      if (error instanceof KafkaStorageException) return undefined
      throw error
    }
  }

  #isThrottled(topicPartition: TopicPartition): boolean {
    const { manager, params } = this.#options
    const partition = manager.nonOfflinePartition(topicPartition)
    return shouldLeaderThrottle(params, topicPartition, partition)
  }

  #endOffset(topicPartition: TopicPartition): LogOffsetMetadata {
    const { manager, params } = this.#options
    const replica = manager.getLeaderReplicaIfLocal(topicPartition)
    if (params.isolationLevel === 'READ_COMMITTED') return replica.lastStableOffset
    return params.fetchOnlyCommitted ? replica.highWatermark : replica.logEndOffset
  }

  /** Counts it; the answer went out with what there was. */
  override onExpiration(): void {
    const { expirations } = this.#options.manager
    if (this.#options.params.replicaId >= 0) expirations.followerFetches += 1
    else expirations.consumerFetches += 1
  }

  /** Reads again, and answers. A follower's progress is not taken down a second time. */
  override onComplete(): void {
    const { manager, params, partitions, responseCallback } = this.#options
    const wanted = partitions.map(
      ({ topicPartition, fetchInfo }) => [topicPartition, fetchInfo] as const,
    )
    const results = manager.readFromLocalLog(params, wanted)
    responseCallback(results.map(([tp, result]) => [tp, toFetchPartitionData(result)]))
  }
}
