/**
 * # GroupMetadata
 *
 * A group as its coordinator knows it: state, generation, members, leader, protocol.
 *
 *            ┌──────────── last member gone ───────────┐
 *            ▼                                         │
 *     Empty ──▶ PreparingRebalance ──▶ CompletingRebalance ──▶ Stable
 *                 ▲   all joined, or time up   leader's assignment │
 *                 └──────── member joins, leaves, fails ◀──────────┘
 *     any ──▶ Dead    unloaded, or empty and forgotten
 *
 * Invariants: only the transitions of the table below; the generation grows with each
 * completed join; the leader is a member while there is one.
 *
 * What became of the lock: each group has a lock in Kafka, held by every handler and lent
 * to delayed operations. A handler is one synchronous stretch here, so the lock is gone,
 * and with it the rule about the order of locks.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadata.scala
 * @module
 */
import { IllegalStateException } from '../../base/errors.ts'
import { GroupOffsets } from './GroupOffsets.ts'
import type { MemberMetadata, MemberSummary } from './MemberMetadata.ts'

/** The states of a group, by Kafka's names. */
export type GroupState =
  | 'PreparingRebalance'
  | 'CompletingRebalance'
  | 'Stable'
  | 'Dead'
  | 'Empty'

/** From which states each state may be entered. */
export const validPreviousStates: Readonly<Record<GroupState, readonly GroupState[]>> =
  {
    Dead: ['Stable', 'PreparingRebalance', 'CompletingRebalance', 'Empty', 'Dead'],
    CompletingRebalance: ['PreparingRebalance'],
    Stable: ['CompletingRebalance'],
    PreparingRebalance: ['Stable', 'CompletingRebalance', 'Empty'],
    Empty: ['PreparingRebalance'],
  }

/** A group as ListGroups shows it. */
export interface GroupOverview {
  readonly groupId: string
  readonly protocolType: string
}

/** A group as DescribeGroups shows it. */
export interface GroupSummary {
  readonly state: GroupState | ''
  readonly protocolType: string
  readonly protocol: string
  readonly members: readonly MemberSummary[]
}

/** What is told of a group by a broker that may not tell. */
export const EmptyGroup: GroupSummary = {
  state: '',
  protocolType: '',
  protocol: '',
  members: [],
}

/** What is told of a group that does not exist. */
export const DeadGroup: GroupSummary = { ...EmptyGroup, state: 'Dead' }

/** What is known of a group that is read back from the log. */
export interface LoadedGroup {
  readonly generationId: number
  readonly protocolType: string
  readonly protocol: string | null
  readonly leaderId: string | null
  readonly members: readonly MemberMetadata[]
}

/**
 * A group.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadata.scala#GroupMetadata
 */
export class GroupMetadata {
  readonly groupId: string
  /** What it has committed. */
  readonly offsets = new GroupOffsets()
  /** Undefined until the first member joins. */
  protocolType: string | undefined
  /** 0 before the first rebalance; one more with each. */
  generationId = 0
  /** True when somebody joined while the first rebalance was still waiting. */
  newMemberAdded = false
  readonly #members = new Map<string, MemberMetadata>()
  #state: GroupState
  #leaderId: string | undefined
  #protocol: string | undefined

  /** Makes a group without members. */
  constructor(groupId: string, initialState: GroupState) {
    this.groupId = groupId
    this.#state = initialState
  }

  /** Makes a group from what the log says: Stable with its members, or Empty. */
  static loadGroup(groupId: string, loaded: LoadedGroup): GroupMetadata {
    const state = loaded.members.length === 0 ? 'Empty' : 'Stable'
    const group = new GroupMetadata(groupId, state)
    group.generationId = loaded.generationId
    group.protocolType = loaded.protocolType === '' ? undefined : loaded.protocolType
    group.#protocol = loaded.protocol ?? undefined
    group.#leaderId = loaded.leaderId ?? undefined
    for (const member of loaded.members) group.add(member)
    return group
  }

  /** The state it is in. */
  get currentState(): GroupState {
    return this.#state
  }

  /** The leader's member id; null when there is none. */
  get leaderOrNull(): string | null {
    return this.#leaderId ?? null
  }

  /** The protocol of this generation; null when there is none. */
  get protocolOrNull(): string | null {
    return this.#protocol ?? null
  }

  /** The ids of all members. */
  get allMembers(): string[] {
    return [...this.#members.keys()]
  }

  /** All members, in the order in which they came. */
  get allMemberMetadata(): MemberMetadata[] {
    return [...this.#members.values()]
  }

  /** Members that have not joined the rebalance that is going on. */
  get notYetRejoinedMembers(): MemberMetadata[] {
    return this.allMemberMetadata.filter((member) => !member.awaitingJoinCallback)
  }

  /** The longest time that any member wants to be given to rejoin, in ms. */
  get rebalanceTimeoutMs(): number {
    return Math.max(0, ...this.allMemberMetadata.map((m) => m.rebalanceTimeoutMs))
  }

  /** True when a rebalance may begin. */
  get canRebalance(): boolean {
    return validPreviousStates.PreparingRebalance.includes(this.#state)
  }

  /** True when it is in `state`. */
  is(state: GroupState): boolean {
    return this.#state === state
  }

  /** True when `memberId` is a member. */
  has(memberId: string): boolean {
    return this.#members.has(memberId)
  }

  /** The member. @throws IllegalStateException when there is none by that id. */
  get(memberId: string): MemberMetadata {
    const member = this.#members.get(memberId)
    if (member) return member
    throw new IllegalStateException(`${memberId} is not in group ${this.groupId}`)
  }

  /** True when `memberId` leads: it will make the assignment. */
  isLeader(memberId: string): boolean {
    return this.#leaderId === memberId
  }

  /** Adds a member. The first one leads, and says what type of group it is. */
  add(member: MemberMetadata): void {
    if (this.#members.size === 0) this.protocolType = member.protocolType
    if (this.protocolType !== member.protocolType) {
      throw new IllegalStateException(`${member.memberId} is of another protocol type`)
    }
    this.#leaderId ??= member.memberId
    this.#members.set(member.memberId, member)
  }

  /** Removes a member. If it led, the one who came first of the rest does. */
  remove(memberId: string): void {
    this.#members.delete(memberId)
    if (!this.isLeader(memberId)) return
    const [next] = this.#members.keys()
    this.#leaderId = next
  }

  /**
   * Goes to another state.
   *
   * @throws IllegalStateException when that state cannot follow this one.
   */
  transitionTo(state: GroupState): void {
    if (!validPreviousStates[state].includes(this.#state)) {
      throw new IllegalStateException(
        `group ${this.groupId} cannot go from ${this.#state} to ${state}`,
      )
    }
    this.#state = state
  }

  /** True when a newcomer with these protocols would find one that all know. */
  supportsProtocols(memberProtocols: readonly string[]): boolean {
    if (this.#members.size === 0) return true
    const candidates = this.#candidateProtocols()
    return memberProtocols.some((name) => candidates.has(name))
  }

  /**
   * Lets the members vote among the protocols that all know; each for its favourite. On a
   * tie, the one voted for first wins.
   */
  selectProtocol(): string {
    const candidates = this.#candidateProtocols()
    const votes = new Map<string, number>()
    for (const member of this.#members.values()) {
      const vote = member.vote(candidates)
      votes.set(vote, (votes.get(vote) ?? 0) + 1)
    }
    const ranked = [...votes].sort(([, a], [, b]) => b - a)
    const winner = ranked[0]?.[0]
    if (winner !== undefined) return winner
    throw new IllegalStateException(`group ${this.groupId} is empty, nobody votes`)
  }

  #candidateProtocols(): Set<string> {
    const [first, ...others] = this.allMemberMetadata
    const common = (first?.protocols ?? []).filter((name) =>
      others.every((member) => member.protocols.includes(name)),
    )
    return new Set(common)
  }

  /** Ends the join phase: with members the leader is awaited, without the group rests. */
  initNextGeneration(): void {
    this.generationId += 1
    if (this.#members.size > 0) {
      this.#protocol = this.selectProtocol()
      this.transitionTo('CompletingRebalance')
    } else {
      this.#protocol = undefined
      this.transitionTo('Empty')
    }
    this.offsets.resetReceivedCommits()
  }

  /** What each member says under the chosen protocol: the leader's material. */
  currentMemberMetadata(): Map<string, Buffer> {
    const protocol = this.#protocol
    if (protocol === undefined) {
      throw new IllegalStateException(`group ${this.groupId} has no protocol yet`)
    }
    return new Map(
      this.allMemberMetadata.map((m) => [m.memberId, m.metadata(protocol)]),
    )
  }

  /** How DescribeGroups shows it. */
  summary(): GroupSummary {
    const protocolType = this.protocolType ?? ''
    const state = this.#state
    if (state === 'Stable' && this.#protocol !== undefined) {
      const protocol = this.#protocol
      const members = this.allMemberMetadata.map((member) => member.summary(protocol))
      return { state, protocolType, protocol, members }
    }
    const members = this.allMemberMetadata.map((member) => member.summaryNoMetadata())
    return { state, protocolType, protocol: '', members }
  }

  /** How ListGroups shows it. */
  overview(): GroupOverview {
    return { groupId: this.groupId, protocolType: this.protocolType ?? '' }
  }

  /** Reads like `group g Stable generation 3 members 2`. */
  toString(): string {
    const { groupId, generationId } = this
    const size = this.#members.size
    return `group ${groupId} ${this.#state} generation ${generationId} members ${size}`
  }
}
