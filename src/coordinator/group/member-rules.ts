/**
 * # Member rules
 *
 * Who may join, sync, beat and commit, and with what they are refused who may not. The
 * order of the tests is part of the protocol: clients act on the first error they get.
 *
 * | refused with | the client |
 * |---|---|
 * | UNKNOWN_MEMBER_ID | forgets its id and joins as a newcomer |
 * | ILLEGAL_GENERATION | joins again |
 * | REBALANCE_IN_PROGRESS | joins again, after committing |
 * | INCONSISTENT_GROUP_PROTOCOL | gives up: it does not fit into this group |
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupCoordinator.scala#GroupCoordinator
 * @differs in Kafka these tests are spread over the handlers.
 * @module
 */
import { Errors, type WireError } from '../../base/errors.ts'
import type { GroupMetadata } from './GroupMetadata.ts'
import {
  type JoinCallback,
  type JoinGroupResult,
  MemberMetadata,
  type MemberProtocol,
} from './MemberMetadata.ts'

/** In a JoinGroup request: "I am new, give me an id". */
export const UNKNOWN_MEMBER_ID = ''

/** What a member says when it joins. */
export interface JoinGroupOptions {
  readonly groupId: string
  /** Empty for a newcomer. */
  readonly memberId: string
  readonly clientId: string
  readonly clientHost: string
  /** How long it wants to be given to rejoin, in ms. */
  readonly rebalanceTimeoutMs: number
  /** How long it may be silent, in ms. */
  readonly sessionTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly MemberProtocol[]
  readonly responseCallback: JoinCallback
}

/** Why a member may not join with its session timeout; undefined when it may. */
export function sessionTimeoutRefusal(
  limits: {
    /** In ms, as the other. */
    readonly groupMinSessionTimeoutMs: number
    readonly groupMaxSessionTimeoutMs: number
  },
  { sessionTimeoutMs }: JoinGroupOptions,
): WireError | undefined {
  const isAllowed =
    sessionTimeoutMs >= limits.groupMinSessionTimeoutMs &&
    sessionTimeoutMs <= limits.groupMaxSessionTimeoutMs
  return isAllowed ? undefined : Errors.INVALID_SESSION_TIMEOUT
}

/** Why a member may not join a group; undefined when it may. */
export function joinRefusal(
  group: GroupMetadata,
  { memberId, protocolType, protocols }: JoinGroupOptions,
): WireError | undefined {
  // Compare protocols with those of the others; the first member has to bring some.
  const names = protocols.map(({ name }) => name)
  if (group.is('Empty')) {
    const saysNothing = protocols.length === 0 || protocolType === ''
    if (saysNothing) return Errors.INCONSISTENT_GROUP_PROTOCOL
  } else if (group.protocolType !== protocolType || !group.supportsProtocols(names)) {
    return Errors.INCONSISTENT_GROUP_PROTOCOL
  }

  // Know the member, if it says that it is one.
  if (memberId !== UNKNOWN_MEMBER_ID && !group.has(memberId)) {
    return Errors.UNKNOWN_MEMBER_ID
  }
  return group.is('Dead') ? Errors.UNKNOWN_MEMBER_ID : undefined
}

/**
 * True when a member that joins again can be answered at once: it says nothing new, and
 * nobody is joining. A stable group's leader asks for a rebalance by joining again.
 */
export function isSettled(group: GroupMetadata, member: MemberMetadata): boolean {
  if (group.is('CompletingRebalance')) return true
  return group.is('Stable') && !group.isLeader(member.memberId)
}

/** Why a member may not sync; undefined when it may. */
export function syncRefusal(
  group: GroupMetadata | undefined,
  memberId: string,
  generation: number,
): WireError | undefined {
  if (!group?.has(memberId)) return Errors.UNKNOWN_MEMBER_ID
  if (generation !== group.generationId) return Errors.ILLEGAL_GENERATION
  if (group.is('Empty') || group.is('Dead')) return Errors.UNKNOWN_MEMBER_ID
  return group.is('PreparingRebalance') ? Errors.REBALANCE_IN_PROGRESS : undefined
}

/** Why a sign of life does not count; undefined when it does. */
export function heartbeatRefusal(
  group: GroupMetadata | undefined,
  memberId: string,
  generation: number,
): WireError | undefined {
  if (!group || group.is('Dead') || group.is('Empty')) return Errors.UNKNOWN_MEMBER_ID
  if (!group.has(memberId)) return Errors.UNKNOWN_MEMBER_ID

  // Send whoever should be syncing to do so; its deadline does not move.
  if (group.is('CompletingRebalance')) return Errors.REBALANCE_IN_PROGRESS
  return generation === group.generationId ? undefined : Errors.ILLEGAL_GENERATION
}

/** Why a member may not commit; undefined when it may, also while others join again. */
export function commitRefusal(
  group: GroupMetadata,
  memberId: string,
  generation: number,
): WireError | undefined {
  if (group.is('CompletingRebalance')) return Errors.REBALANCE_IN_PROGRESS
  if (!group.has(memberId)) return Errors.UNKNOWN_MEMBER_ID
  return generation === group.generationId ? undefined : Errors.ILLEGAL_GENERATION
}

/**
 * True while a member is given time. One that waits for us cannot send heartbeats.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupCoordinator.scala#GroupCoordinator.shouldKeepMemberAlive
 */
export function shouldKeepMemberAlive(
  member: MemberMetadata,
  heartbeatDeadline: number,
): boolean {
  if (member.awaitingJoinCallback || member.awaitingSyncCallback) return true
  return member.latestHeartbeat + member.sessionTimeoutMs > heartbeatDeadline
}

/** What a member is answered that has joined: the leader learns what all members said. */
export function joinResult(group: GroupMetadata, memberId: string): JoinGroupResult {
  const isLeader = group.isLeader(memberId)
  return {
    members: isLeader ? group.currentMemberMetadata() : new Map(),
    memberId,
    generationId: group.generationId,
    subProtocol: group.protocolOrNull ?? '',
    leaderId: group.leaderOrNull ?? '',
    error: Errors.NONE,
  }
}

/**
 * What a member is answered that may not join.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupCoordinator.scala#GroupCoordinator.joinError
 */
export function joinError(memberId: string, error: WireError): JoinGroupResult {
  const members = new Map<string, Buffer>()
  return { members, memberId, generationId: 0, subProtocol: '', leaderId: '', error }
}

/** Makes a member that waits for the rebalance it brings about. */
export function newMember(memberId: string, options: JoinGroupOptions): MemberMetadata {
  const { groupId, clientId, clientHost, protocolType } = options
  const { rebalanceTimeoutMs, sessionTimeoutMs } = options
  const member = new MemberMetadata({
    memberId,
    groupId,
    clientId,
    clientHost,
    rebalanceTimeoutMs,
    sessionTimeoutMs,
    protocolType,
    supportedProtocols: copied(options.protocols),
  })
  member.awaitingJoinCallback = options.responseCallback
  return member
}

/** Copies protocols out of the network buffer in which a request lies. */
export function copied(protocols: readonly MemberProtocol[]): MemberProtocol[] {
  return protocols.map(({ name, metadata }) => ({
    name,
    metadata: Buffer.from(metadata),
  }))
}
