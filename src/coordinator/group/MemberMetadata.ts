/**
 * # MemberMetadata
 *
 * One member of a group: who it is, what it can do, what it was given, and, while it
 * waits, whom to answer.
 *
 *     JoinGroup ─▶ awaitingJoinCallback … until all members have joined
 *     SyncGroup ─▶ awaitingSyncCallback … until the leader's assignment is stored
 *
 * Invariants: a member waits for at most one of the two; a callback is cleared when it is
 * called.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/MemberMetadata.scala
 * @module
 */
import { IllegalArgumentException, type WireError } from '../../base/errors.ts'

/** A way of assigning that a member knows, and what it says under it. */
export interface MemberProtocol {
  readonly name: string
  /** The member's subscription, opaque to the broker. */
  readonly metadata: Buffer
}

/** What a join is answered with. */
export interface JoinGroupResult {
  /** Every member's subscription, for the leader only. */
  readonly members: ReadonlyMap<string, Buffer>
  readonly memberId: string
  readonly generationId: number
  readonly subProtocol: string
  readonly leaderId: string
  readonly error: WireError
}

/** Answers a join. */
export type JoinCallback = (result: JoinGroupResult) => void

/** Answers a sync: what the member is assigned, or why it is not. */
export type SyncCallback = (assignment: Buffer, error: WireError) => void

/** A member as DescribeGroups shows it. */
export interface MemberSummary {
  readonly memberId: string
  readonly clientId: string
  readonly clientHost: string
  readonly metadata: Buffer
  readonly assignment: Buffer
}

/** What a member is made from. */
export interface MemberMetadataOptions {
  readonly memberId: string
  readonly groupId: string
  readonly clientId: string
  readonly clientHost: string
  /** How long others may wait for it to rejoin, in ms. */
  readonly rebalanceTimeoutMs: number
  /** How long it may be silent, in ms. */
  readonly sessionTimeoutMs: number
  /** `consumer`, `connect` …: all members agree. */
  readonly protocolType: string
  /** In the member's order of preference. */
  readonly supportedProtocols: readonly MemberProtocol[]
}

/**
 * A member of a group.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/MemberMetadata.scala#MemberMetadata
 */
export class MemberMetadata {
  readonly memberId: string
  readonly groupId: string
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly protocolType: string
  /** Replaced by each join. */
  supportedProtocols: readonly MemberProtocol[]
  /** What the leader gave it in this generation. */
  assignment: Buffer = Buffer.alloc(0)
  awaitingJoinCallback: JoinCallback | undefined
  awaitingSyncCallback: SyncCallback | undefined
  /** Wall time of its last sign of life, in ms; -1 before the first. */
  latestHeartbeat = -1
  /** True once it said that it leaves. */
  isLeaving = false

  /** Makes a member that waits for nothing. */
  constructor(options: MemberMetadataOptions) {
    this.memberId = options.memberId
    this.groupId = options.groupId
    this.clientId = options.clientId
    this.clientHost = options.clientHost
    this.rebalanceTimeoutMs = options.rebalanceTimeoutMs
    this.sessionTimeoutMs = options.sessionTimeoutMs
    this.protocolType = options.protocolType
    this.supportedProtocols = options.supportedProtocols
  }

  /** The names of its protocols. */
  get protocols(): string[] {
    return this.supportedProtocols.map(({ name }) => name)
  }

  /**
   * What it says under a protocol.
   *
   * @throws IllegalArgumentException when it does not know the protocol.
   */
  metadata(protocol: string): Buffer {
    const found = this.supportedProtocols.find(({ name }) => name === protocol)
    if (found) return found.metadata
    throw new IllegalArgumentException(`${this.memberId} does not know ${protocol}`)
  }

  /** True when `protocols` are its own, in the same order and with the same bytes. */
  matches(protocols: readonly MemberProtocol[]): boolean {
    if (protocols.length !== this.supportedProtocols.length) return false
    return protocols.every(({ name, metadata }, i) => {
      const own = this.supportedProtocols[i]!
      return own.name === name && own.metadata.equals(metadata)
    })
  }

  /**
   * Its favourite among protocols that all members know.
   *
   * @throws IllegalArgumentException when it knows none of them.
   */
  vote(candidates: ReadonlySet<string>): string {
    const favourite = this.protocols.find((name) => candidates.has(name))
    if (favourite !== undefined) return favourite
    throw new IllegalArgumentException(`${this.memberId} knows no common protocol`)
  }

  /** How DescribeGroups shows it in a stable group. */
  summary(protocol: string): MemberSummary {
    const { memberId, clientId, clientHost, assignment } = this
    const metadata = this.metadata(protocol)
    return { memberId, clientId, clientHost, metadata, assignment }
  }

  /** How DescribeGroups shows it while the group rebalances. */
  summaryNoMetadata(): MemberSummary {
    const { memberId, clientId, clientHost } = this
    const nothing = Buffer.alloc(0)
    return { memberId, clientId, clientHost, metadata: nothing, assignment: nothing }
  }
}
