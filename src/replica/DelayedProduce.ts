/**
 * # DelayedProduce
 *
 * A produce with `acks=-1` whose records are in the leader's log and not yet on the
 * followers'. It waits, for each partition, until the high watermark passes its records.
 *
 *     append ─▶ DelayedProduce(t-0: 18, t-1: 7) ─▶ HW of t-0 ≥ 18, HW of t-1 ≥ 7 ─▶ answer
 *
 * Invariants: a partition's status is settled once; the answer holds whatever is settled,
 * and REQUEST_TIMED_OUT for the rest.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedProduce.scala
 * @module
 */
import { Errors, type WireError } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { DelayedOperation } from './DelayedOperation.ts'
import type { Expirations } from './Expirations.ts'
import type { Partition } from './Partition.ts'

const log = logger('DelayedProduce')

/** What a produce answers for one partition. Offsets are -1 when nothing was appended. */
export interface PartitionResponse {
  readonly error: WireError
  readonly baseOffset: number
  /** -1 unless the topic stamps records itself. */
  readonly logAppendTime: number
  readonly logStartOffset: number
}

/** How far one partition of a produce is. */
interface ProducePartitionStatus {
  /** The high watermark that must be reached. */
  readonly requiredOffset: number
  readonly response: PartitionResponse
  /** True while the followers are waited for. */
  acksPending: boolean
  error: WireError
}

/** What a delayed produce asks its manager. */
export interface DelayedProduceManager {
  getPartition(topicPartition: TopicPartition): Partition | undefined
  /** Told of those that were not settled in time. */
  readonly expirations: Expirations
}

/** What a produce is answered with, by partition. */
export type ProduceCallback = (responses: TopicPartitionMap<PartitionResponse>) => void

/**
 * Waits for the in-sync replicas of every partition of a produce request.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedProduce.scala#DelayedProduce
 */
export class DelayedProduce extends DelayedOperation {
  readonly #status = new TopicPartitionMap<ProducePartitionStatus>()
  readonly #manager: DelayedProduceManager
  readonly #responseCallback: ProduceCallback

  /**
   * @param delayMs how long to wait for the followers.
   * @param appended what the local append gave, and the offset that must be replicated.
   */
  constructor(
    delayMs: number,
    appended: TopicPartitionMap<{
      requiredOffset: number
      response: PartitionResponse
    }>,
    manager: DelayedProduceManager,
    responseCallback: ProduceCallback,
  ) {
    super(delayMs)
    this.#manager = manager
    this.#responseCallback = responseCallback

    // Assume the worst of those that have to wait, so that expiry has nothing to do.
    for (const [tp, { requiredOffset, response }] of appended) {
      const acksPending = response.error === Errors.NONE
      const error = acksPending ? Errors.REQUEST_TIMED_OUT : response.error
      this.#status.set(tp, { requiredOffset, response, acksPending, error })
    }
  }

  /** Settles the partitions that can be; completes when none is left. */
  override tryComplete(): boolean {
    let pending = false
    for (const [topicPartition, status] of this.#status) {
      if (!status.acksPending) continue

      // Ask the partition; it may have gone, or be led elsewhere by now.
      const { hasEnough, error } = this.#ask(topicPartition, status.requiredOffset)
      if (hasEnough || error !== Errors.NONE) {
        status.acksPending = false
        status.error = error
      } else {
        pending = true
      }
    }
    return pending ? false : this.forceComplete()
  }

  #ask(topicPartition: TopicPartition, requiredOffset: number) {
    const partition = this.#manager.getPartition(topicPartition)
    if (!partition) {
      return { hasEnough: false, error: Errors.UNKNOWN_TOPIC_OR_PARTITION }
    }
    if (partition.isOffline)
      return { hasEnough: false, error: Errors.KAFKA_STORAGE_ERROR }
    return partition.checkEnoughReplicasReachOffset(requiredOffset)
  }

  /** Notes who kept the client waiting. */
  override onExpiration(): void {
    for (const [topicPartition, status] of this.#status) {
      if (!status.acksPending) continue
      log.debug(`produce to ${topicPartition} expired`)
      this.#manager.expirations.recordProduce(topicPartition)
    }
  }

  /** Answers with what is settled so far. */
  override onComplete(): void {
    const responses = new TopicPartitionMap<PartitionResponse>()
    for (const [topicPartition, { response, error }] of this.#status) {
      responses.set(topicPartition, { ...response, error })
    }
    this.#responseCallback(responses)
  }
}
