/**
 * # Partition
 *
 * One partition as this broker sees it: who has copies, who leads, who is in sync. When
 * the leader is here, appends go in and the high watermark goes up; when it is elsewhere,
 * the local copy follows. The copies themselves are the business of `PartitionReplicas`.
 *
 *     produce ─▶ appendRecordsToLeader ─▶ Log
 *                    │ wake fetches
 *     follower's fetch ─▶ updateReplicaLogReadResult ─▶ maybeExpandIsr
 *                                                  └─▶ maybeIncrementLeaderHW ─▶ wake all
 *     clock ─▶ maybeShrinkIsr ─▶ updateIsr ─▶ ZooKeeper
 *
 * Invariants: the high watermark never passes a member of the ISR, nor one that is being
 * let in; the ISR in memory changes only after ZooKeeper has taken it; on one broker a
 * leader epoch never goes back.
 *
 * What became of the lock: `leaderIsrUpdateLock` is a read/write lock in Kafka. Its
 * readers (append, truncate, epoch look-up) never await here, so they need none. Its
 * writers do: creating the local copy asks ZooKeeper for the topic's configuration, and an
 * ISR change is a conditional write there. They take turns on an async mutex that keeps
 * the name. *While a writer waits for ZooKeeper, appends and fetches go on*, with the role
 * and the ISR of before: a role changes in one stretch after the await. In Kafka the same
 * write stalls the partition.
 *
 * @kafka core/src/main/scala/kafka/cluster/Partition.scala
 * @module
 */
import {
  Errors,
  NotEnoughReplicasException,
  NotLeaderForPartitionException,
  PolicyViolationException,
  type WireError,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { LogAppendInfo } from '../log/LogAppendInfo.ts'
import type { LogConfig } from '../log/LogConfig.ts'
import type { MemoryRecords } from '../record/MemoryRecords.ts'
import { LeaderAndIsr } from '../zk/LeaderAndIsr.ts'
import { TopicPartitionOperationKey } from './DelayedOperationKey.ts'
import { type LogReadResult, UnknownLogReadResult } from './LogReadResult.ts'
import type { EpochEndOffset, PartitionState } from './PartitionContext.ts'
import { PartitionReplicas } from './partition-replicas.ts'
import type { Replica } from './Replica.ts'
import { lowestLogEnd, lowestLogStart, mayMove } from './watermarks.ts'

const log = logger('Partition')

/**
 * A topic partition: replicas, leader, in-sync set.
 *
 * @kafka core/src/main/scala/kafka/cluster/Partition.scala#Partition
 */
export class Partition extends PartitionReplicas {
  /** Id of the leader; undefined until a LeaderAndIsr request names one. */
  leaderReplicaIdOpt: number | undefined
  /** Who is in sync, as ZooKeeper has it. Empty on followers. */
  inSyncReplicas: ReadonlySet<Replica> = new Set()
  // Replicas whose way into the ISR is being written to ZooKeeper. They count for the
  // high watermark at once: the controller may read the new set before we hear back.
  readonly #expanding = new Set<Replica>()
  #leaderEpoch = LeaderAndIsr.initialLeaderEpoch - 1
  // Our log end when this reign began: all that is below may be committed.
  #leaderEpochStartOffset = 0
  #zkVersion = LeaderAndIsr.initialZKVersion
  // Epoch of the controller that changed the leader last.
  #controllerEpoch = 0

  /** The local copy, when this broker leads. */
  get leaderReplicaIfLocal(): Replica | undefined {
    if (this.isOffline || this.leaderReplicaIdOpt !== this.house.brokerId)
      return undefined
    return this.getReplica()
  }

  /** True when this broker leads and some assigned copy is not in sync. */
  get isUnderReplicated(): boolean {
    if (!this.leaderReplicaIfLocal) return false
    return this.inSyncReplicas.size < this.replicas.size
  }

  /** True when this broker leads and must refuse `acks=-1`. */
  get isUnderMinIsr(): boolean {
    const minIsr = this.leaderReplicaIfLocal?.log?.config.minInSyncReplicas ?? 0
    return this.inSyncReplicas.size < minIsr
  }

  /** First offset of the leader's log, -1 when the leader is elsewhere. */
  get logStartOffset(): number {
    return this.leaderReplicaIfLocal?.logStartOffset ?? -1
  }

  /** Epoch of the leader known here, -1 before the first LeaderAndIsr request. */
  getLeaderEpoch(): number {
    return this.#leaderEpoch
  }

  /** Forgets role and copies, and gives the local logs to the deleter. */
  async delete(): Promise<void> {
    await this.leaderIsrUpdateLock.runExclusive(async () => {
      this.inSyncReplicas = new Set()
      this.leaderReplicaIdOpt = undefined
      this.deleteReplicas()
    })
  }

  /**
   * Makes this broker the leader.
   *
   * @differs Kafka 1.1 learns its own epoch from the first record of its reign. A follower
   *   that asks before about a later epoch than the last is told nothing, and cuts its log
   *   to its own high watermark, which lags (KAFKA-7415, mended in 2.0.1 and 2.1 as here).
   * @returns true when it was not the leader before; a mere epoch bump returns false.
   * @throws KafkaStorageException when the log cannot be made.
   */
  async makeLeader(
    _controllerId: number,
    state: PartitionState,
    _correlationId: number,
  ): Promise<boolean> {
    const { isNewLeader, leaderHWIncremented } =
      await this.leaderIsrUpdateLock.runExclusive(async () => {
        // Ask ZooKeeper for the topic's configuration before anything changes.
        const logConfig = await this.logConfigIfMissing()
        return this.#becomeLeader(state, logConfig)
      })
    if (leaderHWIncremented) this.tryCompleteDelayedRequests()
    return isNewLeader
  }

  #becomeLeader(state: PartitionState, logConfig: LogConfig | undefined) {
    const now = this.house.clock.now()

    // Take over what the controller decided.
    this.#controllerEpoch = state.controllerEpoch
    const creation = { isNew: state.isNew, logConfig }
    const wanted = [...state.isr, ...state.replicas]
    this.replicas.assign(this.house, wanted, state.replicas, creation)
    this.inSyncReplicas = new Set(state.isr.flatMap((id) => this.getReplica(id) ?? []))
    this.#leaderEpoch = state.leaderEpoch
    this.#zkVersion = state.partitionEpoch
    const leaderReplica = this.getReplicaOrException()
    const leaderEnd = leaderReplica.logEndOffset.messageOffset
    this.#leaderEpochStartOffset = leaderEnd
    log.info(`${this.topicPartition}: leader from ${leaderEnd}, ${this.#leaderEpoch}`)

    // Note the epoch before its first record: a follower from an epoch between asks for it.
    leaderReplica.log?.leaderEpochCache.announce(this.#leaderEpoch, leaderEnd)

    // Open an account for each follower. Members of the ISR are caught up by definition;
    // the others have to show it.
    const followers = this.assignedReplicas.filter((r) => r !== leaderReplica)
    for (const follower of followers) {
      const lastCaughtUp = this.inSyncReplicas.has(follower) ? now : 0
      follower.resetLastCaughtUpTime(leaderEnd, now, lastCaughtUp)
    }

    // Start a new reign. What the followers hold is unknown until they fetch, so the high
    // watermark stands still until each of the ISR has done so.
    const isNewLeader = this.leaderReplicaIdOpt !== this.house.brokerId
    if (isNewLeader) {
      leaderReplica.convertHWToLocalOffsetMetadata()
      this.leaderReplicaIdOpt = this.house.brokerId
      for (const f of followers) f.updateLogReadResult(UnknownLogReadResult)
    }
    const leaderHWIncremented = this.maybeIncrementLeaderHW(leaderReplica)
    return { isNewLeader, leaderHWIncremented }
  }

  /**
   * Makes this broker a follower of `state.leader`.
   *
   * @returns true when the fetcher must begin anew: another leader, or a missed epoch.
   * @differs Kafka 1.1 looks at the leader's id alone: a follower cut off while leadership
   *   went and came back keeps what its leader has cut (KAFKA-7164, mended in 2.0.1 so).
   */
  async makeFollower(
    _controllerId: number,
    state: PartitionState,
    _correlationId: number,
  ): Promise<boolean> {
    return this.leaderIsrUpdateLock.runExclusive(async () => {
      // Ask for the topic's configuration before the old role ends.
      const logConfig = await this.logConfigIfMissing()

      // Take over what the controller decided. A follower keeps no ISR: only the leader
      // can judge it.
      this.#controllerEpoch = state.controllerEpoch
      const creation = { isNew: state.isNew, logConfig }
      this.replicas.assign(this.house, state.replicas, state.replicas, creation)
      this.inSyncReplicas = new Set()
      const missedNone = state.leaderEpoch <= this.#leaderEpoch + 1
      this.#leaderEpoch = state.leaderEpoch
      this.#zkVersion = state.partitionEpoch

      // Say whether what we have must be held against the leader's log again.
      if (this.leaderReplicaIdOpt === state.leader && missedNone) return false
      this.leaderReplicaIdOpt = state.leader
      return true
    })
  }

  /**
   * Takes down where a follower stands, after it fetched.
   *
   * @returns true when a watermark moved and the waiting operations were tried.
   */
  updateReplicaLogReadResult(replica: Replica, result: LogReadResult): boolean {
    // Compare low watermarks only when somebody waits for one.
    const watchesLow = this.house.manager.hasDelayedDeleteRecords()
    const oldLow = watchesLow ? this.lowWatermarkIfLeader() : -1
    replica.updateLogReadResult(result)
    const lowIncremented = watchesLow && this.lowWatermarkIfLeader() > oldLow

    // See whether it belongs to the in-sync set, and what its progress allows.
    const hwIncremented = this.maybeExpandIsr(replica.brokerId, result)
    if (!lowIncremented && !hwIncremented) return false
    this.tryCompleteDelayedRequests()
    return true
  }

  /**
   * Lets a follower into the ISR once it has everything that may be committed, and moves
   * the high watermark as far as its progress allows.
   *
   * @returns true when the high watermark moved.
   * @differs Kafka writes to ZooKeeper here, inside the follower's fetch. Here the write
   *   is begun and the fetch goes on; the follower counts for the high watermark from now.
   *   Kafka 1.1 wants the follower at the high watermark only, which lags after an election:
   *   it may lack what is committed (KAFKA-7128, mended in 2.0.1 and 2.1 as here).
   */
  maybeExpandIsr(replicaId: number, result: LogReadResult): boolean {
    const leaderReplica = this.leaderReplicaIfLocal
    if (!leaderReplica) return false

    // Begin the way in, once.
    const replica = this.getReplica(replicaId)
    if (replica && !this.#expanding.has(replica) && this.mayJoinIsr(replica)) {
      this.#expanding.add(replica)
      // Not awaited: a fetch does not wait for ZooKeeper. Failure leaves the follower
      // outside, and its next fetch tries again.
      void this.#expandIsr(replica).catch((error) =>
        log.error(`cannot let ${replica} into the isr`, error),
      )
    }
    return this.maybeIncrementLeaderHW(leaderReplica, result.fetchTimeMs)
  }

  async #expandIsr(replica: Replica): Promise<void> {
    let leaderHWIncremented = false
    try {
      leaderHWIncremented = await this.leaderIsrUpdateLock.runExclusive(async () => {
        // Look again: role and ISR may have changed while others held the lock.
        if (!this.leaderReplicaIfLocal || !this.mayJoinIsr(replica)) return false
        log.info(`${this.topicPartition} lets ${replica.brokerId} into the isr`)
        await this.updateIsr(new Set([...this.inSyncReplicas, replica]))
        const leaderReplica = this.leaderReplicaIfLocal
        return leaderReplica ? this.maybeIncrementLeaderHW(leaderReplica) : false
      })
    } finally {
      this.#expanding.delete(replica)
    }
    if (leaderHWIncremented) this.tryCompleteDelayedRequests()
  }

  /** Whether a follower outside the ISR has everything that may be committed. */
  mayJoinIsr(replica: Replica): boolean {
    const hw = this.leaderReplicaIfLocal?.highWatermark.messageOffset
    if (hw === undefined || this.inSyncReplicas.has(replica)) return false
    if (this.replicas.get(replica.brokerId) !== replica) return false
    const needed = Math.max(hw, this.#leaderEpochStartOffset)
    return replica.logEndOffset.messageOffset >= needed
  }

  /**
   * Tells whether everything below an offset is replicated.
   *
   * The high watermark alone decides; acknowledgements are not counted. The ISR's size
   * decides only between success and "appended, but on too few copies".
   *
   * @param requiredOffset the offset after the last record that must be replicated.
   */
  checkEnoughReplicasReachOffset(requiredOffset: number): {
    readonly hasEnough: boolean
    readonly error: WireError
  } {
    const leaderReplica = this.leaderReplicaIfLocal
    if (!leaderReplica?.log) {
      return { hasEnough: false, error: Errors.NOT_LEADER_FOR_PARTITION }
    }

    if (leaderReplica.highWatermark.messageOffset < requiredOffset) {
      return { hasEnough: false, error: Errors.NONE }
    }

    // The ISR may have shrunk below the minimum after the append was let in.
    const minIsr = leaderReplica.log.config.minInSyncReplicas
    const enough = this.inSyncReplicas.size >= minIsr
    const error = enough ? Errors.NONE : Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND
    return { hasEnough: true, error }
  }

  /**
   * Moves the high watermark up to the lowest log end among the copies that count: those
   * in the ISR, those on their way in, and those that caught up not long ago.
   *
   * The third kind is why a follower can get back in: a high watermark that runs ahead of
   * it would never let it reach the condition of {@link maybeExpandIsr}.
   *
   * @returns true when it moved; it never goes back here.
   */
  maybeIncrementLeaderHW(
    leaderReplica: Replica,
    curTimeMs = this.house.clock.now(),
  ): boolean {
    const counted = this.assignedReplicas.filter((replica) =>
      this.#countsForHighWatermark(replica, curTimeMs),
    )
    const lowest = lowestLogEnd(counted)
    if (!lowest || !mayMove(leaderReplica.highWatermark, lowest)) return false
    leaderReplica.setHighWatermark(lowest)
    return true
  }

  #countsForHighWatermark(replica: Replica, curTimeMs: number): boolean {
    if (this.inSyncReplicas.has(replica) || this.#expanding.has(replica)) return true
    return curTimeMs - replica.lastCaughtUpTimeMs <= this.house.replicaLagTimeMaxMs
  }

  /**
   * The lowest first offset among live copies: below it, deletion is complete.
   *
   * @throws NotLeaderForPartitionException
   */
  lowWatermarkIfLeader(): number {
    if (!this.leaderReplicaIfLocal) throw this.#notLeader()
    const live = this.assignedReplicas.filter(
      (replica) => replica.isLocal || this.house.isBrokerAlive(replica.brokerId),
    )
    return lowestLogStart(live)
  }

  /** Tries all that waits on this partition, after a watermark moved. */
  tryCompleteDelayedRequests(): void {
    const key = new TopicPartitionOperationKey(this.topicPartition)
    this.house.manager.tryCompleteDelayedFetch(key)
    this.house.manager.tryCompleteDelayedProduce(key)
    this.house.manager.tryCompleteDelayedDeleteRecords(key)
  }

  /**
   * Drops from the ISR those who have not caught up for too long.
   *
   * @param replicaMaxLagTimeMs how long is too long.
   */
  async maybeShrinkIsr(replicaMaxLagTimeMs: number): Promise<void> {
    const leader = this.leaderReplicaIfLocal
    // Look without the lock first: on most ticks nobody lags.
    if (!leader || this.getOutOfSyncReplicas(leader, replicaMaxLagTimeMs).size === 0)
      return

    const leaderHWIncremented = await this.leaderIsrUpdateLock.runExclusive(
      async () => {
        // Look again: role and ISR may have changed while others held the lock.
        const leaderReplica = this.leaderReplicaIfLocal
        if (!leaderReplica) return false
        const lagging = this.getOutOfSyncReplicas(leaderReplica, replicaMaxLagTimeMs)
        if (lagging.size === 0) return false

        // Write the smaller set. The leader itself is never lagging, so it is not empty.
        const newIsr = new Set([...this.inSyncReplicas].filter((r) => !lagging.has(r)))
        log.info(`${this.topicPartition} drops ${ids(lagging)} from the isr`)
        await this.updateIsr(newIsr)

        // The high watermark no longer waits for those who left.
        return this.maybeIncrementLeaderHW(leaderReplica)
      },
    )
    if (leaderHWIncremented) this.tryCompleteDelayedRequests()
  }

  /** Members of the ISR, not the leader, that last caught up over `maxLagMs` ago. */
  getOutOfSyncReplicas(leaderReplica: Replica, maxLagMs: number): Set<Replica> {
    const now = this.house.clock.now()
    const lagging = new Set<Replica>()
    for (const replica of this.inSyncReplicas) {
      if (replica === leaderReplica) continue
      if (now - replica.lastCaughtUpTimeMs > maxLagMs) lagging.add(replica)
    }
    return lagging
  }

  /**
   * Writes a new ISR to ZooKeeper and, if it was taken, adopts it.
   *
   * Awaits under `leaderIsrUpdateLock`; appends and fetches go on meanwhile with the old
   * set. When the version there is not ours, the controller was faster: nothing changes
   * here until its LeaderAndIsr request arrives with the new version.
   */
  async updateIsr(newIsr: ReadonlySet<Replica>): Promise<void> {
    const isr = [...newIsr].map((replica) => replica.brokerId)
    const { brokerId } = this.house
    const wanted = new LeaderAndIsr(brokerId, this.#leaderEpoch, isr, this.#zkVersion)
    const { updated, zkVersion } = await this.house.updateLeaderAndIsr(
      this.topicPartition,
      wanted,
      this.#controllerEpoch,
    )

    // Adopt it only if ZooKeeper did.
    if (updated) {
      const hasGrown = newIsr.size > this.inSyncReplicas.size
      this.house.manager.recordIsrChange(this.topicPartition, hasGrown)
      this.inSyncReplicas = newIsr
      this.#zkVersion = zkVersion
    } else {
      this.house.manager.recordFailedIsrUpdate()
      log.info(`${this.topicPartition}: not version ${this.#zkVersion}, isr kept`)
    }
  }

  /**
   * Appends what a client (or a coordinator) produced.
   *
   * @param requiredAcks -1 refuses when the ISR is smaller than `min.insync.replicas`.
   * @throws NotLeaderForPartitionException, NotEnoughReplicasException, and what
   *   `Log.appendAsLeader` throws.
   */
  appendRecordsToLeader(
    records: MemoryRecords,
    isFromClient: boolean,
    requiredAcks = 0,
  ): LogAppendInfo {
    const leaderReplica = this.leaderReplicaIfLocal
    if (!leaderReplica?.log) throw this.#notLeader()

    // Refuse what could not be replicated widely enough.
    const minIsr = leaderReplica.log.config.minInSyncReplicas
    if (requiredAcks === -1 && this.inSyncReplicas.size < minIsr) {
      throw new NotEnoughReplicasException(
        `${this.inSyncReplicas.size} in sync for ${this.topicPartition}, need ${minIsr}`,
      )
    }

    // Append, in one stretch from validation to the new log end.
    const epoch = this.#leaderEpoch
    const info = leaderReplica.log.appendAsLeader(records, epoch, isFromClient)

    // Wake the fetches that wait for this partition. Followers read to the log end, so
    // for them the bytes are there already; consumers wait for the high watermark.
    const key = new TopicPartitionOperationKey(this.topicPartition)
    this.house.manager.tryCompleteDelayedFetch(key)

    // With nobody else in sync the high watermark moves at once.
    if (this.maybeIncrementLeaderHW(leaderReplica)) this.tryCompleteDelayedRequests()
    return info
  }

  /**
   * Moves the first offset of the leader's log up.
   *
   * @returns the low watermark after it.
   * @throws NotLeaderForPartitionException, PolicyViolationException when the topic is
   *   compacted only, OffsetOutOfRangeException above the high watermark.
   */
  deleteRecordsOnLeader(offset: number): number {
    const leaderReplica = this.leaderReplicaIfLocal
    if (!leaderReplica?.log) throw this.#notLeader()
    if (!leaderReplica.log.config.delete) {
      throw new PolicyViolationException(
        `the cleanup policy of ${this.topicPartition} does not allow deleting records`,
      )
    }
    leaderReplica.maybeIncrementLogStartOffset(offset)
    return this.lowWatermarkIfLeader()
  }

  /** Where `leaderEpoch` ended in the leader's log: a follower truncates to it. */
  lastOffsetForLeaderEpoch(leaderEpoch: number): EpochEndOffset {
    const leader = this.leaderReplicaIfLocal?.log
    if (!leader) return { error: Errors.NOT_LEADER_FOR_PARTITION, endOffset: -1 }
    const endOffset = leader.leaderEpochCache.endOffsetFor(leaderEpoch)
    return { error: Errors.NONE, endOffset }
  }

  /** Reads like `t-0 leader=1 isr=1,2`. */
  override toString(): string {
    const leader = this.leaderReplicaIdOpt ?? 'none'
    return `${this.topicPartition} leader=${leader} isr=${ids(this.inSyncReplicas)}`
  }

  #notLeader(): NotLeaderForPartitionException {
    return new NotLeaderForPartitionException(
      `broker ${this.house.brokerId} does not lead ${this.topicPartition}`,
    )
  }
}

function ids(replicas: Iterable<Replica>): string {
  return [...replicas].map((replica) => replica.brokerId).join(',')
}
