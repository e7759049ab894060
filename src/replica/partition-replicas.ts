/**
 * # PartitionReplicas
 *
 * The copies of one partition, and what is done to the log of the local one: cut it, fill
 * it, and move it to another log directory. Who leads and who is in sync is the business of
 * `Partition`, which extends this.
 *
 *     current   /data/a/t-0              serves reads and appends throughout
 *     future    /data/b/t-0.3f…-future   copies it, batch by batch
 *     both end at the same offset ─▶ the future log takes the name and the place
 *
 * Between the look at the two ends and the change of places nothing else runs, so no append
 * is lost and none is refused. In Kafka the write lock of the partition sees to that.
 *
 * Invariants: there is at most one future copy, and it lies in another log directory than
 * the current one; it never serves anybody.
 *
 * @kafka core/src/main/scala/kafka/cluster/Partition.scala#Partition
 * @differs in Kafka a part of `Partition`, and the future copy is one more replica, with
 *   the id -3. Its end is compared by offset here; 1.1.1 compares the place in the segment
 *   too, so that a move of a log whose copy was cut into other segments never ends.
 * @module
 */
import { Mutex } from '../base/async/Mutex.ts'
import { IllegalStateException, ReplicaNotAvailableException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import type { LogConfig } from '../log/LogConfig.ts'
import { UnexpectedAppendOffsetException } from '../log/UnexpectedAppendOffsetException.ts'
import type { MemoryRecords } from '../record/MemoryRecords.ts'
import { AssignedReplicas } from './assigned-replicas.ts'
import type { PartitionContext } from './PartitionContext.ts'
import type { Replica } from './Replica.ts'
import { FutureLocalReplicaId } from './read-from-local-log.ts'

const log = logger('Partition')

/** The copies of one partition, seen from one broker. */
export abstract class PartitionReplicas {
  readonly topicPartition: TopicPartition
  /** True only for the stand-in of partitions whose log directory has failed. */
  readonly isOffline: boolean
  /** Held by whoever changes role, ISR or copies; see the header of `Partition`. */
  readonly leaderIsrUpdateLock = new Mutex()
  protected readonly replicas: AssignedReplicas
  readonly #context: PartitionContext | undefined
  /** The copy that is being made in another log directory. */
  #futureReplica: Replica | undefined

  /** @param context undefined only for the offline stand-in. */
  constructor(topicPartition: TopicPartition, context: PartitionContext | undefined) {
    this.topicPartition = topicPartition
    this.#context = context
    this.replicas = new AssignedReplicas(topicPartition)
    this.isOffline = context === undefined
  }

  /** Name of the topic. */
  get topic(): string {
    return this.topicPartition.topic
  }

  /** Number of the partition within its topic. */
  get partitionId(): number {
    return this.topicPartition.partition
  }

  /** Every copy that the controller assigned; a future copy is none of them. */
  get assignedReplicas(): Replica[] {
    return this.replicas.all()
  }

  /**
   * The copy on `replicaId`, by default on this broker.
   *
   * @param replicaId -3 for the copy that is being made in another log directory.
   */
  getReplica(replicaId = this.house.brokerId): Replica | undefined {
    if (replicaId === FutureLocalReplicaId) return this.#futureReplica
    return this.replicas.get(replicaId)
  }

  /** @throws ReplicaNotAvailableException when there is no such copy. */
  getReplicaOrException(replicaId = this.house.brokerId): Replica {
    const replica = this.getReplica(replicaId)
    if (replica) return replica
    throw new ReplicaNotAvailableException(
      `replica ${replicaId} of ${this.topicPartition} is not available`,
    )
  }

  /**
   * Makes sure that the local copy exists: used when there is no leader to follow, so that
   * at least its high watermark is kept on file.
   */
  async getOrCreateReplica(isNew = false): Promise<Replica> {
    return this.leaderIsrUpdateLock.runExclusive(async () => {
      const logConfig = await this.logConfigIfMissing()
      const { brokerId } = this.house
      return this.replicas.getOrCreate(this.house, brokerId, { isNew, logConfig })
    })
  }

  /**
   * Makes the copy that is to replace the current one, if the current one lies elsewhere
   * and no copy is being made yet.
   *
   * @param logDir where to; there must be a current copy.
   * @returns true when there is a future copy in `logDir` now.
   * @throws IllegalStateException when one is being made in a third directory.
   * @throws KafkaStorageException when the log cannot be made.
   * @differs true also for a copy that was there before: whoever asks a second time wants
   *   the move to go on. Kafka makes the copy of an earlier run by another way.
   */
  async maybeCreateFutureReplica(logDir: string): Promise<boolean> {
    return this.leaderIsrUpdateLock.runExclusive(async () => {
      // Ask for the topic's configuration before anything is looked at.
      const logConfig = await this.house.fetchLogConfig(this.topic)
      if (this.getReplicaOrException().log?.parentDir === logDir) return false

      // Refuse a third directory: the caller ends the other move first.
      const going = this.#futureReplica?.log?.parentDir
      if (going !== undefined && going !== logDir) {
        throw new IllegalStateException(
          `${this.topicPartition} is being moved to ${going}, not to ${logDir}`,
        )
      }
      this.#futureReplica ??= this.replicas.createFuture(this.house, logConfig)
      return true
    })
  }

  /** Forgets the copy that is being made; its log is the caller's to delete. */
  removeFutureLocalReplica(): void {
    this.#futureReplica = undefined
  }

  /**
   * Puts the future copy in place of the current one, if it has caught up: both end at the
   * same offset.
   *
   * @returns true when it did; there is no future copy any more.
   * @throws KafkaStorageException when the directory cannot be given its name; the current
   *   copy then stays.
   */
  maybeReplaceCurrentWithFutureReplica(): boolean {
    const replica = this.getReplicaOrException()
    const futureReplica = this.getReplicaOrException(FutureLocalReplicaId)
    const end = futureReplica.logEndOffset.messageOffset
    if (replica.logEndOffset.messageOffset !== end || !futureReplica.log) return false

    // Let the logs change places, on the disk and here, in one stretch.
    this.house.logManager.replaceCurrentWithFutureLog(this.topicPartition)
    this.#futureReplica = undefined
    replica.replaceLog(futureReplica.log)
    log.info(
      `${this.topicPartition}: serves from ${replica.log?.parentDir} from now on`,
    )
    return true
  }

  /**
   * Appends what was fetched, offsets as they are: from the leader to the local copy, or
   * from the local copy to the future one.
   *
   * A batch that begins before an empty log's start is taken whole: the leader deleted
   * records in the middle of it, so the log begins with the batch instead.
   */
  appendRecordsToFollowerOrFutureReplica(
    records: MemoryRecords,
    isFuture: boolean,
  ): void {
    try {
      this.#doAppendRecordsToFollowerOrFutureReplica(records, isFuture)
    } catch (error) {
      if (!(error instanceof UnexpectedAppendOffsetException)) throw error

      // Start the log at the batch, if that is the reason.
      const replica = this.#copy(isFuture)
      const leo = replica.logEndOffset.messageOffset
      const isEmpty = leo === replica.logStartOffset
      const straddles = error.firstOffset < leo && error.lastOffset >= leo
      if (!isEmpty || !straddles) throw error
      this.truncateFullyAndStartAt(error.firstOffset, isFuture)
      this.#doAppendRecordsToFollowerOrFutureReplica(records, isFuture)
    }
  }

  /**
   * Appends to the local copy or to the future one; fails when that is gone.
   *
   * @kafka core/src/main/scala/kafka/cluster/Partition.scala#Partition.doAppendRecordsToFollowerOrFutureReplica
   */
  #doAppendRecordsToFollowerOrFutureReplica(
    records: MemoryRecords,
    isFuture: boolean,
  ): void {
    this.#copy(isFuture).log?.appendAsFollower(records)
  }

  #copy(isFuture: boolean): Replica {
    const id = isFuture ? FutureLocalReplicaId : this.house.brokerId
    return this.getReplicaOrException(id)
  }

  /** Cuts the local log, or the future one, back to `offset`. */
  truncateTo(offset: number, isFuture: boolean): void {
    const offsets = new TopicPartitionMap<number>().set(this.topicPartition, offset)
    this.house.logManager.truncateTo(offsets, isFuture)
  }

  /** Empties the local log, or the future one; the next record gets `newOffset`. */
  truncateFullyAndStartAt(newOffset: number, isFuture: boolean): void {
    const { logManager } = this.house
    logManager.truncateFullyAndStartAt(this.topicPartition, newOffset, isFuture)
  }

  /** Forgets all copies and gives their logs to the deleter. */
  protected deleteReplicas(): void {
    const isMoving = this.#futureReplica !== undefined
    this.replicas.clear()
    this.#futureReplica = undefined
    this.house.logManager.asyncDelete(this.topicPartition)
    if (isMoving) this.house.logManager.asyncDelete(this.topicPartition, true)
  }

  /** The topic's configuration, unless the local copy exists already. */
  protected async logConfigIfMissing(): Promise<LogConfig | undefined> {
    return this.getReplica() ? undefined : this.house.fetchLogConfig(this.topic)
  }

  /** Time, disk, ZooKeeper. @throws IllegalStateException for the offline stand-in. */
  protected get house(): PartitionContext {
    if (!this.#context) throw new IllegalStateException('the partition is offline')
    return this.#context
  }
}
