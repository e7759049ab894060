/**
 * # GroupCoordinator
 *
 * Keeps consumer groups together: who is in, who leads, who is assigned what, and how far
 * each group has read.
 *
 *     JoinGroup ─▶ DelayedJoin ─▶ all answered, one of them as leader
 *     SyncGroup ─▶ the leader's assignment is stored ─▶ all answered with their part
 *     Heartbeat ─▶ the deadline moves       silence ─▶ out, and the others join again
 *     OffsetCommit, OffsetFetch ─▶ GroupMetadataManager
 *
 * The broker never looks into subscriptions or assignments: the leader, a client, assigns.
 *
 * Invariants: each callback is called exactly once; a member is answered in the generation
 * that it takes part in; only the coordinator of a group answers for it.
 *
 * What became of the locks: every handler held its group's lock in Kafka. Here a handler is
 * one synchronous stretch, so two handlers of a group never interleave.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupCoordinator.scala
 * @module
 */
import { Errors, type WireError } from '../../base/errors.ts'
import { logger } from '../../base/logger.ts'
import type { Platform } from '../../base/platform/Platform.ts'
import type { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import { GroupKey, MemberKey } from '../../replica/DelayedOperationKey.ts'
import { DelayedOperationPurgatory } from '../../replica/DelayedOperationPurgatory.ts'
import { DelayedHeartbeat, type HeartbeatCoordinator } from './DelayedHeartbeat.ts'
import { DelayedJoin, InitialDelayedJoin, type JoinCoordinator } from './DelayedJoin.ts'
import { deleteGroups } from './delete-groups.ts'
import type { GroupCoordinatorConfig } from './GroupCoordinatorConfig.ts'
import {
  DeadGroup,
  EmptyGroup,
  GroupMetadata,
  type GroupOverview,
  type GroupSummary,
} from './GroupMetadata.ts'
import {
  type CommitCallback,
  GroupMetadataManager,
  type GroupMetadataManagerOptions,
  type OffsetFetchPartitionData,
} from './GroupMetadataManager.ts'
import { answerAll, type TransactionalProducer } from './group-records.ts'
import type { MemberMetadata, SyncCallback } from './MemberMetadata.ts'
import {
  commitRefusal,
  copied,
  heartbeatRefusal,
  isSettled,
  type JoinGroupOptions,
  joinError,
  joinRefusal,
  joinResult,
  newMember,
  sessionTimeoutRefusal,
  shouldKeepMemberAlive,
  syncRefusal,
  UNKNOWN_MEMBER_ID,
} from './member-rules.ts'
import type { OffsetAndMetadata } from './OffsetAndMetadata.ts'

const log = logger('GroupCoordinator')
const NOTHING = Buffer.alloc(0)

/**
 * Coordinates the groups whose partition of `__consumer_offsets` this broker leads.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupCoordinator.scala#GroupCoordinator
 */
export class GroupCoordinator implements JoinCoordinator, HeartbeatCoordinator {
  readonly groupManager: GroupMetadataManager
  readonly heartbeatPurgatory: DelayedOperationPurgatory<DelayedHeartbeat>
  readonly joinPurgatory: DelayedOperationPurgatory<DelayedJoin>
  readonly #config: GroupCoordinatorConfig
  readonly #platform: Platform
  #isActive = false

  /** Makes a coordinator that refuses everything until {@link startup}. */
  constructor(options: GroupMetadataManagerOptions) {
    const { config, platform } = options
    this.#config = config
    this.#platform = platform
    this.groupManager = new GroupMetadataManager(options)
    const { clock } = platform
    const { brokerId } = config
    const room = (purgatoryName: string) => ({ purgatoryName, clock, brokerId })
    this.heartbeatPurgatory = new DelayedOperationPurgatory(room('Heartbeat'))
    this.joinPurgatory = new DelayedOperationPurgatory(room('Rebalance'))
  }

  /** What `__consumer_offsets` must be created with. */
  offsetsTopicConfigs(): Record<string, string> {
    const segmentBytes = String(this.#config.offsetsTopicSegmentBytes)
    const props = { 'segment.bytes': segmentBytes, 'compression.type': 'producer' }
    return { 'cleanup.policy': 'compact', ...props }
  }

  /** Learns how groups are spread over partitions, and opens the door. */
  async startup(enableMetadataExpiration = true): Promise<void> {
    await this.groupManager.startup(enableMetadataExpiration)
    this.#isActive = true
  }

  /** Closes the door; whoever waits is not answered. */
  async shutdown(): Promise<void> {
    this.#isActive = false
    await this.groupManager.shutdown()
    await this.heartbeatPurgatory.shutdown()
    await this.joinPurgatory.shutdown()
  }

  /** The partition of `__consumer_offsets` that keeps a group. */
  partitionFor(groupId: string): number {
    return this.groupManager.partitionFor(groupId)
  }

  /** Lets a member join, or join again. Answered when the rebalance has all members. */
  handleJoinGroup(options: JoinGroupOptions): void {
    const { groupId, memberId, responseCallback } = options
    const closed = this.#validateGroup(groupId, { needsGroupId: true })
    const error = closed ?? sessionTimeoutRefusal(this.#config, options)
    const known = this.groupManager.getGroup(groupId)
    if (error) {
      responseCallback(joinError(memberId, error))
    } else if (!known && memberId !== UNKNOWN_MEMBER_ID) {
      // Nobody can be a member of a group that does not exist.
      responseCallback(joinError(memberId, Errors.UNKNOWN_MEMBER_ID))
    } else {
      this.doJoinGroup(this.#getOrAddGroup(groupId), options)
    }
  }

  /** Joins a group that exists. */
  doJoinGroup(group: GroupMetadata, options: JoinGroupOptions): void {
    const { memberId, protocols, responseCallback } = options
    const error = joinRefusal(group, options)
    if (error) {
      responseCallback(joinError(memberId, error))
      return
    }

    // Let a newcomer in; answer who says nothing new; let the others join again.
    const member = memberId === UNKNOWN_MEMBER_ID ? undefined : group.get(memberId)
    if (!member) {
      this.#addMemberAndRebalance(group, options)
    } else if (isSettled(group, member) && member.matches(protocols)) {
      responseCallback(joinResult(group, memberId))
    } else {
      this.#updateMemberAndRebalance(group, member, options)
    }

    // See whether this was the last one missing.
    if (group.is('PreparingRebalance')) {
      this.joinPurgatory.checkAndComplete(new GroupKey(group.groupId))
    }
  }

  /**
   * Gives a member its assignment, once the leader has handed it in.
   *
   * @param groupAssignment by member id; from the leader only, empty from the others.
   */
  handleSyncGroup(
    groupId: string,
    generation: number,
    memberId: string,
    groupAssignment: ReadonlyMap<string, Buffer>,
    responseCallback: SyncCallback,
  ): void {
    // Check at the door. Loading is not asked about: a group not loaded yet is not known.
    const closed = this.#validateGroup(groupId, { evenWhileLoading: true })
    const group = this.groupManager.getGroup(groupId)
    const error = closed ?? syncRefusal(group, memberId, generation)
    if (error || !group) responseCallback(NOTHING, error ?? Errors.UNKNOWN_MEMBER_ID)
    else this.doSyncGroup(group, memberId, groupAssignment, responseCallback)
  }

  /** Syncs a member of the current generation. */
  doSyncGroup(
    group: GroupMetadata,
    memberId: string,
    groupAssignment: ReadonlyMap<string, Buffer>,
    responseCallback: SyncCallback,
  ): void {
    const member = group.get(memberId)
    if (group.is('Stable')) {
      // Repeat what is assigned already.
      responseCallback(member.assignment, Errors.NONE)
      this.#completeAndScheduleNextHeartbeatExpiration(group, member)
    } else {
      // Wait for the leader, unless this is the leader.
      member.awaitingSyncCallback = responseCallback
      if (group.isLeader(memberId)) this.#storeAssignment(group, groupAssignment)
    }
  }

  #storeAssignment(
    group: GroupMetadata,
    groupAssignment: ReadonlyMap<string, Buffer>,
  ): void {
    // Give nothing to members whom the leader left out. The bytes are copied: they lie in
    // the buffer of the leader's request.
    const assignment = new Map<string, Buffer>()
    for (const id of group.allMembers) {
      assignment.set(id, Buffer.from(groupAssignment.get(id) ?? NOTHING))
    }

    const { generationId } = group
    this.groupManager.storeGroup(group, assignment, (error) => {
      // Another rebalance may have begun meanwhile; then all have been answered.
      if (!group.is('CompletingRebalance')) return
      if (group.generationId !== generationId) return
      if (error !== Errors.NONE) {
        this.#resetAndPropagateAssignmentError(group, error)
        this.#maybePrepareRebalance(group)
      } else {
        this.#setAndPropagateAssignment(group, assignment)
        group.transitionTo('Stable')
      }
    })
  }

  /** Lets a member go; the others share its part. */
  handleLeaveGroup(
    groupId: string,
    memberId: string,
    responseCallback: (error: WireError) => void,
  ): void {
    const closed = this.#validateGroup(groupId)
    const group = this.groupManager.getGroup(groupId)
    if (closed || !group || group.is('Dead') || !group.has(memberId)) {
      responseCallback(closed ?? Errors.UNKNOWN_MEMBER_ID)
      return
    }

    // End its deadline, then its membership.
    const member = group.get(memberId)
    this.#removeHeartbeatForLeavingMember(member)
    this.#removeMemberAndUpdateGroup(group, member)
    responseCallback(Errors.NONE)
  }

  /** Takes a sign of life, and tells the member when it has to join again. */
  handleHeartbeat(
    groupId: string,
    memberId: string,
    generationId: number,
    responseCallback: (error: WireError) => void,
  ): void {
    // While loading, say that all is well: the group is about to be known.
    const closed = this.#validateGroup(groupId)
    const isLoading = closed === Errors.COORDINATOR_LOAD_IN_PROGRESS
    const group = this.groupManager.getGroup(groupId)
    const error = closed ?? heartbeatRefusal(group, memberId, generationId)
    if (error || !group) {
      responseCallback(isLoading ? Errors.NONE : (error ?? Errors.UNKNOWN_MEMBER_ID))
      return
    }

    // Move the deadline, and call the member in if the others are joining.
    this.#completeAndScheduleNextHeartbeatExpiration(group, group.get(memberId))
    responseCallback(group.is('Stable') ? Errors.NONE : Errors.REBALANCE_IN_PROGRESS)
  }

  /**
   * Commits offsets.
   *
   * @param generationId negative from a client that manages its partitions itself.
   */
  handleCommitOffsets(
    groupId: string,
    memberId: string,
    generationId: number,
    offsetMetadata: TopicPartitionMap<OffsetAndMetadata>,
    responseCallback: CommitCallback,
  ): void {
    // A group that nobody joined is made for whoever only keeps offsets in it.
    const known = this.groupManager.getGroup(groupId)
    const unknown = !known && generationId >= 0 ? Errors.ILLEGAL_GENERATION : undefined
    const error = this.#validateGroup(groupId) ?? unknown
    if (error) {
      responseCallback(answerAll(offsetMetadata, () => error))
      return
    }
    const group = this.#getOrAddGroup(groupId)
    const commit = [generationId, offsetMetadata, responseCallback] as const
    this.doCommitOffsets(group, memberId, ...commit)
  }

  /** Commits offsets within a transaction: shown to readers when its marker is written. */
  handleTxnCommitOffsets(
    groupId: string,
    producer: TransactionalProducer,
    offsetMetadata: TopicPartitionMap<OffsetAndMetadata>,
    responseCallback: CommitCallback,
  ): void {
    const closed = this.#validateGroup(groupId)
    if (closed) {
      responseCallback(answerAll(offsetMetadata, () => closed))
      return
    }
    const group = this.#getOrAddGroup(groupId)
    this.doCommitOffsets(group, '', -1, offsetMetadata, responseCallback, producer)
  }

  /** Commits offsets of a group that exists; the order of the tests matters. */
  doCommitOffsets(
    group: GroupMetadata,
    memberId: string,
    generationId: number,
    offsetMetadata: TopicPartitionMap<OffsetAndMetadata>,
    responseCallback: CommitCallback,
    producer?: TransactionalProducer,
  ): void {
    // Ask no membership of those who only keep offsets here, nor of producers.
    const isMember = !producer && !(generationId < 0 && group.is('Empty'))
    const refusal = isMember ? commitRefusal(group, memberId, generationId) : undefined
    const error = group.is('Dead') ? Errors.UNKNOWN_MEMBER_ID : refusal
    if (error) {
      responseCallback(answerAll(offsetMetadata, () => error))
      return
    }

    // A commit is a sign of life, too.
    if (isMember) {
      this.#completeAndScheduleNextHeartbeatExpiration(group, group.get(memberId))
    }
    this.groupManager.storeOffsets(group, offsetMetadata, responseCallback, producer)
  }

  /** Completes what transactions committed, after markers were written. */
  scheduleHandleTxnCompletion(
    producerId: bigint,
    offsetsPartitions: Iterable<TopicPartition>,
    isCommit: boolean,
  ): void {
    const partitions = new Set([...offsetsPartitions].map((tp) => tp.partition))
    this.groupManager.scheduleHandleTxnCompletion(producerId, partitions, isCommit)
  }

  /** Tells committed offsets, whatever state the group is in. */
  handleFetchOffsets(
    groupId: string,
    partitions?: readonly TopicPartition[],
  ): { error: WireError; offsets: TopicPartitionMap<OffsetFetchPartitionData> } {
    const closed = this.#validateGroup(groupId)
    if (closed) return { error: closed, offsets: new TopicPartitionMap() }
    const offsets = this.groupManager.getOffsets(groupId, partitions)
    return { error: Errors.NONE, offsets }
  }

  /** Tells which groups are coordinated here. */
  handleListGroups(): { error: WireError; groups: GroupOverview[] } {
    if (!this.#isActive) return { error: Errors.COORDINATOR_NOT_AVAILABLE, groups: [] }
    const loading = this.groupManager.isLoading()
    const error = loading ? Errors.COORDINATOR_LOAD_IN_PROGRESS : Errors.NONE
    const groups = this.groupManager.currentGroups().map((group) => group.overview())
    return { error, groups }
  }

  /** Tells how a group stands. One that does not exist is Dead. */
  handleDescribeGroup(groupId: string): { error: WireError; summary: GroupSummary } {
    const closed = this.#validateGroup(groupId)
    if (closed) return { error: closed, summary: EmptyGroup }
    const group = this.groupManager.getGroup(groupId)
    return { error: Errors.NONE, summary: group?.summary() ?? DeadGroup }
  }

  /** Deletes groups that have no members. @returns one error a group. */
  handleDeleteGroups(groupIds: Iterable<string>): Map<string, WireError> {
    return deleteGroups(this.groupManager, groupIds, (groupId) =>
      this.#validateGroup(groupId, { needsGroupId: true }),
    )
  }

  /** Forgets the offsets of deleted partitions. */
  handleDeletedPartitions(topicPartitions: readonly TopicPartition[]): void {
    this.groupManager.cleanupDeletedPartitions(topicPartitions)
  }

  /** Takes over the groups of a partition of `__consumer_offsets`. */
  handleGroupImmigration(offsetsPartition: number): void {
    this.groupManager.loadGroupsForPartition(offsetsPartition, (group) =>
      this.onGroupLoaded(group),
    )
  }

  /** Gives up the groups of a partition of `__consumer_offsets`. */
  handleGroupEmigration(offsetsPartition: number): void {
    this.groupManager.removeGroupsForPartition(offsetsPartition, (group) =>
      this.onGroupUnloaded(group),
    )
  }

  /** Gives every member of a loaded group a full session to show up in. */
  onGroupLoaded(group: GroupMetadata): void {
    for (const member of group.allMemberMetadata) {
      this.#completeAndScheduleNextHeartbeatExpiration(group, member)
    }
  }

  /** Buries a group that another broker coordinates now; who waits is sent there. */
  onGroupUnloaded(group: GroupMetadata): void {
    group.transitionTo('Dead')
    for (const member of group.allMemberMetadata) {
      const { awaitingJoinCallback, awaitingSyncCallback, memberId } = member
      member.awaitingJoinCallback = undefined
      member.awaitingSyncCallback = undefined
      awaitingJoinCallback?.(joinError(memberId, Errors.NOT_COORDINATOR))
      awaitingSyncCallback?.(NOTHING, Errors.NOT_COORDINATOR)
      this.heartbeatPurgatory.checkAndComplete(new MemberKey(group.groupId, memberId))
    }
    this.joinPurgatory.checkAndComplete(new GroupKey(group.groupId))
  }

  /** Completes a join when no member is missing. */
  tryCompleteJoin(group: GroupMetadata, forceComplete: () => boolean): boolean {
    return group.notYetRejoinedMembers.length === 0 ? forceComplete() : false
  }

  /** Nothing to do: completion dropped those who did not come. */
  onExpireJoin(): void {}

  /**
   * Ends the join phase: drops who did not come, answers who did.
   *
   * @differs in 1.1.1 the deadline of the former goes on, and makes the others join again
   */
  onCompleteJoin(group: GroupMetadata): void {
    for (const missing of group.notYetRejoinedMembers) {
      this.#removeHeartbeatForLeavingMember(missing)
      group.remove(missing.memberId)
    }
    if (group.is('Dead')) return

    // Rest when nobody is left; remember it, so that a new coordinator finds no members.
    group.initNextGeneration()
    if (group.is('Empty')) {
      this.groupManager.storeGroup(group, new Map(), (error) => {
        if (error !== Errors.NONE) log.warn(`cannot store ${group}: ${error.name}`)
      })
      return
    }

    // Answer everyone; the leader learns what the others said.
    log.info(`${group}: all members have joined`)
    for (const member of group.allMemberMetadata) {
      const answer = member.awaitingJoinCallback
      member.awaitingJoinCallback = undefined
      answer?.(joinResult(group, member.memberId))
      this.#completeAndScheduleNextHeartbeatExpiration(group, member)
    }
  }

  /** Completes a deadline when the member lives beyond it, or leaves. */
  tryCompleteHeartbeat(
    _group: GroupMetadata,
    member: MemberMetadata,
    heartbeatDeadline: number,
    forceComplete: () => boolean,
  ): boolean {
    const isOver = shouldKeepMemberAlive(member, heartbeatDeadline) || member.isLeaving
    return isOver && forceComplete()
  }

  /** Removes a member that was silent for too long. */
  onExpireHeartbeat(
    group: GroupMetadata,
    member: MemberMetadata,
    heartbeatDeadline: number,
  ): void {
    if (shouldKeepMemberAlive(member, heartbeatDeadline)) return
    log.info(`${group}: member ${member.memberId} has failed`)
    this.#removeMemberAndUpdateGroup(group, member)
  }

  /** Nothing to do: the next deadline is set by who completed this one. */
  onCompleteHeartbeat(): void {}

  #removeHeartbeatForLeavingMember(member: MemberMetadata): void {
    member.isLeaving = true
    const key = new MemberKey(member.groupId, member.memberId)
    this.heartbeatPurgatory.checkAndComplete(key)
  }

  // Why somebody is not let in at all: closed, bad name, elsewhere, loading, in order.
  #validateGroup(
    groupId: string,
    rule: { needsGroupId?: boolean; evenWhileLoading?: boolean } = {},
  ): WireError | undefined {
    if (!this.#isActive) return Errors.COORDINATOR_NOT_AVAILABLE
    if (rule.needsGroupId && groupId === '') return Errors.INVALID_GROUP_ID
    if (!this.groupManager.isGroupLocal(groupId)) return Errors.NOT_COORDINATOR
    const isLoading = this.groupManager.isGroupLoading(groupId)
    if (isLoading && !rule.evenWhileLoading) return Errors.COORDINATOR_LOAD_IN_PROGRESS
    return undefined
  }

  #getOrAddGroup(groupId: string): GroupMetadata {
    return this.groupManager.addGroup(new GroupMetadata(groupId, 'Empty'))
  }

  #addMemberAndRebalance(group: GroupMetadata, options: JoinGroupOptions): void {
    const memberId = `${options.clientId}-${this.#platform.random.uuid()}`
    const member = newMember(memberId, options)

    // Let the first rebalance know that it was worth waiting.
    if (group.is('PreparingRebalance') && group.generationId === 0) {
      group.newMemberAdded = true
    }
    group.add(member)
    this.#maybePrepareRebalance(group)
  }

  #updateMemberAndRebalance(
    group: GroupMetadata,
    member: MemberMetadata,
    { protocols, responseCallback }: JoinGroupOptions,
  ): void {
    member.supportedProtocols = copied(protocols)
    member.awaitingJoinCallback = responseCallback
    this.#maybePrepareRebalance(group)
  }

  #maybePrepareRebalance(group: GroupMetadata): void {
    if (group.canRebalance) this.#prepareRebalance(group)
  }

  #prepareRebalance(group: GroupMetadata): void {
    // Send those who wait for an assignment back to joining.
    if (group.is('CompletingRebalance')) {
      this.#resetAndPropagateAssignmentError(group, Errors.REBALANCE_IN_PROGRESS)
    }

    // Wait for newcomers the first time, for the known members after that.
    const operation = group.is('Empty')
      ? InitialDelayedJoin.first(
          { coordinator: this, purgatory: this.joinPurgatory, group },
          this.#config.groupInitialRebalanceDelay,
        )
      : new DelayedJoin(this, group, group.rebalanceTimeoutMs)
    group.transitionTo('PreparingRebalance')
    log.info(`${group}: rebalances`)
    this.joinPurgatory.tryCompleteElseWatch(operation, [new GroupKey(group.groupId)])
  }

  #removeMemberAndUpdateGroup(group: GroupMetadata, member: MemberMetadata): void {
    group.remove(member.memberId)
    if (group.is('Stable') || group.is('CompletingRebalance')) {
      this.#maybePrepareRebalance(group)
    } else if (group.is('PreparingRebalance')) {
      // The others may have been waiting for this one only.
      this.joinPurgatory.checkAndComplete(new GroupKey(group.groupId))
    }
  }

  #setAndPropagateAssignment(
    group: GroupMetadata,
    assignment: ReadonlyMap<string, Buffer>,
  ): void {
    for (const member of group.allMemberMetadata) {
      member.assignment = assignment.get(member.memberId) ?? NOTHING
    }
    this.#propagateAssignment(group, Errors.NONE)
  }

  #resetAndPropagateAssignmentError(group: GroupMetadata, error: WireError): void {
    for (const member of group.allMemberMetadata) member.assignment = NOTHING
    this.#propagateAssignment(group, error)
  }

  #propagateAssignment(group: GroupMetadata, error: WireError): void {
    for (const member of group.allMemberMetadata) {
      const answer = member.awaitingSyncCallback
      if (!answer) continue
      member.awaitingSyncCallback = undefined
      answer(member.assignment, error)
      this.#completeAndScheduleNextHeartbeatExpiration(group, member)
    }
  }

  #completeAndScheduleNextHeartbeatExpiration(
    group: GroupMetadata,
    member: MemberMetadata,
  ): void {
    // Complete the deadline that was met.
    member.latestHeartbeat = this.#platform.clock.now()
    const key = new MemberKey(member.groupId, member.memberId)
    this.heartbeatPurgatory.checkAndComplete(key)

    // Set the next one.
    const { latestHeartbeat: now, sessionTimeoutMs: wait } = member
    const heartbeat = new DelayedHeartbeat(this, group, member, now + wait, wait)
    this.heartbeatPurgatory.tryCompleteElseWatch(heartbeat, [key])
  }
}
