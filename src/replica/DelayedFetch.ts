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
import {
  type FetchPartitionData,
  type LogReadResult,
  toFetchPartitionData,
} from './LogReadResult.ts'
import type { Replica } from './Replica.ts'
import type {
  FetchParams,
  FetchPartitionStatus,
  PartitionData,
} from './read-from-local-log.ts'

/** What is answered to a fetch, in the order of its partitions. */
export type FetchCallback = (
  results: readonly (readonly [TopicPartition, FetchPartitionData])[],
) => void

/** What a delayed fetch asks its manager. */
export interface DelayedFetchManager {
  getLeaderReplicaIfLocal(topicPartition: TopicPartition): Replica
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
 * @differs replication quotas are left out.
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

      // Answer at once across a segment's border. The end went back behind the start: the
      // log was truncated, and the read will tell. The start is in an older segment: a
      // whole segment's rest is there.
      if (end.onOlderSegment(start) || start.onOlderSegment(end)) return undefined

      // Count the bytes between, but no more than the partition would be given.
      if (start.messageOffset > end.messageOffset) return 0
      return Math.min(end.positionDiff(start), status.fetchInfo.maxBytes)
    } catch (error) {
      // Answer at once when the partition is gone, elsewhere, or on a failed disk.
      if (error instanceof NotLeaderForPartitionException) return undefined
      if (error instanceof UnknownTopicOrPartitionException) return undefined
      if (error instanceof KafkaStorageException) return undefined
      throw error
    }
  }

  #endOffset(topicPartition: TopicPartition): LogOffsetMetadata {
    const { manager, params } = this.#options
    const replica = manager.getLeaderReplicaIfLocal(topicPartition)
    if (params.isolationLevel === 'READ_COMMITTED') return replica.lastStableOffset
    return params.fetchOnlyCommitted ? replica.highWatermark : replica.logEndOffset
  }

  /** Nothing to add: the answer went out with what there was. */
  override onExpiration(): void {}

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
