/**
 * # DelayedDeleteRecords
 *
 * A delete-records request whose leader has moved its log start, and which waits until the
 * copies have moved theirs: until the low watermark reaches the requested offset.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedDeleteRecords.scala
 * @module
 */
import {
  Errors,
  NotLeaderForPartitionException,
  type WireError,
} from '../base/errors.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { DelayedOperation } from './DelayedOperation.ts'
import type { DelayedProduceManager } from './DelayedProduce.ts'

/** What is answered for one partition. */
export interface DeleteRecordsPartitionResult {
  readonly error: WireError
  /** -1 unless it succeeded. */
  readonly lowWatermark: number
}

/** How one partition of the request stands. */
export interface DeleteRecordsPartitionStatus {
  readonly requiredOffset: number
  readonly lowWatermark: number
  readonly error: WireError
}

/** What a delete-records request is answered with. */
export type DeleteRecordsCallback = (
  results: TopicPartitionMap<DeleteRecordsPartitionResult>,
) => void

/**
 * Waits for low watermarks.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedDeleteRecords.scala#DelayedDeleteRecords
 */
export class DelayedDeleteRecords extends DelayedOperation {
  readonly #pending = new TopicPartitionMap<number>()
  readonly #results = new TopicPartitionMap<DeleteRecordsPartitionResult>()
  readonly #manager: DelayedProduceManager
  readonly #responseCallback: DeleteRecordsCallback

  /** @param statuses what moving the leader's log start gave. */
  constructor(
    delayMs: number,
    statuses: TopicPartitionMap<DeleteRecordsPartitionStatus>,
    manager: DelayedProduceManager,
    responseCallback: DeleteRecordsCallback,
  ) {
    super(delayMs)
    this.#manager = manager
    this.#responseCallback = responseCallback

    // Assume the worst of those that have to wait.
    for (const [tp, { requiredOffset, lowWatermark, error }] of statuses) {
      if (error !== Errors.NONE) {
        this.#results.set(tp, { error, lowWatermark: -1 })
      } else {
        this.#pending.set(tp, requiredOffset)
        this.#results.set(tp, { error: Errors.REQUEST_TIMED_OUT, lowWatermark })
      }
    }
  }

  /** Settles the partitions that can be; completes when none is left. */
  override tryComplete(): boolean {
    for (const [topicPartition, requiredOffset] of [...this.#pending]) {
      const result = this.#ask(topicPartition)
      if (result.error === Errors.NONE && result.lowWatermark < requiredOffset) continue
      this.#pending.delete(topicPartition)
      this.#results.set(topicPartition, result)
    }
    return this.#pending.size === 0 ? this.forceComplete() : false
  }

  #ask(topicPartition: TopicPartition): DeleteRecordsPartitionResult {
    const partition = this.#manager.getPartition(topicPartition)
    if (!partition)
      return { error: Errors.UNKNOWN_TOPIC_OR_PARTITION, lowWatermark: -1 }
    if (partition.isOffline)
      return { error: Errors.KAFKA_STORAGE_ERROR, lowWatermark: -1 }
    try {
      return { error: Errors.NONE, lowWatermark: partition.lowWatermarkIfLeader() }
    } catch (error) {
      if (!(error instanceof NotLeaderForPartitionException)) throw error
      return { error: Errors.NOT_LEADER_FOR_PARTITION, lowWatermark: -1 }
    }
  }

  /** Counts those left, which are answered REQUEST_TIMED_OUT. */
  override onExpiration(): void {
    this.#manager.expirations.deleteRecords += this.#pending.size
  }

  /** Answers with what is settled so far. */
  override onComplete(): void {
    this.#responseCallback(this.#results)
  }
}
