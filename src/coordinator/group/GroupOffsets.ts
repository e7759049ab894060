/**
 * # GroupOffsets
 *
 * The offsets that a group has committed, and those that are on their way into the log.
 *
 *     commit ─▶ pending ── appended ──▶ offsets ── expired ──▶ gone
 *     transactional commit ─▶ pending per producer ── COMMIT marker ──▶ offsets
 *                                                └─── ABORT marker ──▶ gone
 *
 * Invariants: readers see only what is in the log; of two commits the one further down
 * the log wins, in whatever order the appends are answered.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadata.scala#GroupMetadata
 * @differs in Kafka a part of `GroupMetadata`.
 * @module
 */
import { IllegalStateException } from '../../base/errors.ts'
import type { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import {
  type CommitRecordMetadataAndOffset,
  type OffsetAndMetadata,
  olderThan,
} from './OffsetAndMetadata.ts'

type Commits = TopicPartitionMap<CommitRecordMetadataAndOffset>

/** The committed and the pending offsets of one group. */
export class GroupOffsets {
  readonly #offsets: Commits = new TopicPartitionMap()
  readonly #pendingOffsetCommits = new TopicPartitionMap<OffsetAndMetadata>()
  readonly #pendingTransactionalOffsetCommits = new Map<bigint, Commits>()
  #receivedConsumerOffsetCommits = false
  #receivedTransactionalOffsetCommits = false

  /** How many partitions have an offset. */
  get numOffsets(): number {
    return this.#offsets.size
  }

  /** True when anything is committed or about to be. */
  get hasOffsets(): boolean {
    if (this.#offsets.size > 0 || this.#pendingOffsetCommits.size > 0) return true
    return this.#pendingTransactionalOffsetCommits.size > 0
  }

  /** False when members and transactional producers both commit: they overwrite each other. */
  get hasReceivedConsistentOffsetCommits(): boolean {
    return (
      !this.#receivedConsumerOffsetCommits || !this.#receivedTransactionalOffsetCommits
    )
  }

  /** Every committed offset. */
  get allOffsets(): TopicPartitionMap<OffsetAndMetadata> {
    const all = new TopicPartitionMap<OffsetAndMetadata>()
    for (const [tp, { offsetAndMetadata }] of this.#offsets)
      all.set(tp, offsetAndMetadata)
    return all
  }

  /** The committed offset of a partition. */
  offset(topicPartition: TopicPartition): OffsetAndMetadata | undefined {
    return this.#offsets.get(topicPartition)?.offsetAndMetadata
  }

  /** Takes over what was loaded from the log. */
  initializeOffsets(offsets: Commits, pendingTxnOffsets: Map<bigint, Commits>): void {
    for (const [tp, commit] of offsets) this.#offsets.set(tp, commit)
    for (const [producerId, commits] of pendingTxnOffsets) {
      this.#pendingTransactionalOffsetCommits.set(producerId, commits)
    }
  }

  /** A new generation starts with a clean slate of who commits. */
  resetReceivedCommits(): void {
    this.#receivedConsumerOffsetCommits = false
    this.#receivedTransactionalOffsetCommits = false
  }

  /** Notes what is about to be appended. */
  prepareOffsetCommit(offsets: TopicPartitionMap<OffsetAndMetadata>): void {
    this.#receivedConsumerOffsetCommits = true
    for (const [tp, offset] of offsets) this.#pendingOffsetCommits.set(tp, offset)
  }

  /** Takes an appended commit, unless one further down the log is there already. */
  onOffsetCommitAppend(
    topicPartition: TopicPartition,
    commit: CommitRecordMetadataAndOffset,
  ): void {
    const pending = this.#pendingOffsetCommits.get(topicPartition)
    if (pending === undefined) return
    this.#keepNewer(topicPartition, commit)

    // Keep a later commit of the same partition pending: its answer is still to come.
    if (pending === commit.offsetAndMetadata) {
      this.#pendingOffsetCommits.delete(topicPartition)
    }
  }

  /** Forgets a commit that could not be appended. */
  failPendingOffsetWrite(
    topicPartition: TopicPartition,
    offset: OffsetAndMetadata,
  ): void {
    if (this.#pendingOffsetCommits.get(topicPartition) === offset) {
      this.#pendingOffsetCommits.delete(topicPartition)
    }
  }

  /** Notes what is about to be appended within a transaction. */
  prepareTxnOffsetCommit(
    producerId: bigint,
    offsets: TopicPartitionMap<OffsetAndMetadata>,
  ): void {
    this.#receivedTransactionalOffsetCommits = true
    const commits = this.#pendingTransactionalOffsetCommits.get(producerId)
    const pending: Commits = commits ?? new TopicPartitionMap()
    this.#pendingTransactionalOffsetCommits.set(producerId, pending)
    for (const [tp, offsetAndMetadata] of offsets) {
      pending.set(tp, { appendedBatchOffset: undefined, offsetAndMetadata })
    }
  }

  /** Notes where in the log a transactional commit stands. */
  onTxnOffsetCommitAppend(
    producerId: bigint,
    topicPartition: TopicPartition,
    commit: CommitRecordMetadataAndOffset,
  ): void {
    const pending = this.#pendingTransactionalOffsetCommits.get(producerId)
    const prepared = pending?.get(topicPartition)?.offsetAndMetadata
    if (prepared === commit.offsetAndMetadata) pending?.set(topicPartition, commit)
  }

  /** Forgets a transactional commit that could not be appended. */
  failPendingTxnOffsetCommit(producerId: bigint, topicPartition: TopicPartition): void {
    const pending = this.#pendingTransactionalOffsetCommits.get(producerId)
    pending?.delete(topicPartition)
    if (pending?.size === 0) this.#pendingTransactionalOffsetCommits.delete(producerId)
  }

  /** True while a producer's commits wait for its marker. */
  hasPendingOffsetCommitsFromProducer(producerId: bigint): boolean {
    return this.#pendingTransactionalOffsetCommits.has(producerId)
  }

  /** Takes or drops a producer's commits, once its marker is in the log. */
  completePendingTxnOffsetCommit(producerId: bigint, isCommit: boolean): void {
    const pending = this.#pendingTransactionalOffsetCommits.get(producerId)
    this.#pendingTransactionalOffsetCommits.delete(producerId)
    if (!pending || !isCommit) return
    for (const [topicPartition, commit] of pending) {
      if (commit.appendedBatchOffset === undefined) {
        throw new IllegalStateException(
          `producer ${producerId} commits ${topicPartition} before it is appended`,
        )
      }
      this.#keepNewer(topicPartition, commit)
    }
  }

  /** Forgets partitions that were deleted. @returns what was committed for them. */
  removeOffsets(
    topicPartitions: Iterable<TopicPartition>,
  ): TopicPartitionMap<OffsetAndMetadata> {
    const removed = new TopicPartitionMap<OffsetAndMetadata>()
    for (const topicPartition of topicPartitions) {
      this.#pendingOffsetCommits.delete(topicPartition)
      for (const pending of this.#pendingTransactionalOffsetCommits.values()) {
        pending.delete(topicPartition)
      }
      const commit = this.#offsets.get(topicPartition)
      if (!commit) continue
      this.#offsets.delete(topicPartition)
      removed.set(topicPartition, commit.offsetAndMetadata)
    }
    return removed
  }

  /** Forgets offsets whose time is over at `startMs`. @returns what was forgotten. */
  removeExpiredOffsets(startMs: number): TopicPartitionMap<OffsetAndMetadata> {
    const expired = new TopicPartitionMap<OffsetAndMetadata>()
    for (const [topicPartition, { offsetAndMetadata }] of [...this.#offsets]) {
      // Keep one for which a new commit is on its way.
      if (offsetAndMetadata.expireTimestamp >= startMs) continue
      if (this.#pendingOffsetCommits.has(topicPartition)) continue
      this.#offsets.delete(topicPartition)
      expired.set(topicPartition, offsetAndMetadata)
    }
    return expired
  }

  #keepNewer(
    topicPartition: TopicPartition,
    commit: CommitRecordMetadataAndOffset,
  ): void {
    const current = this.#offsets.get(topicPartition)
    if (!current || olderThan(current, commit))
      this.#offsets.set(topicPartition, commit)
  }
}
