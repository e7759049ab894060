/**
 * # DelayedHeartbeat
 *
 * The deadline of one member: it completes when the member gives a sign of life (or says
 * goodbye), and expires when it does not. Each sign of life replaces it by a later one.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/DelayedHeartbeat.scala
 * @module
 */
import { DelayedOperation } from '../../replica/DelayedOperation.ts'
import type { GroupMetadata } from './GroupMetadata.ts'
import type { MemberMetadata } from './MemberMetadata.ts'

/** What a heartbeat calls on its coordinator. */
export interface HeartbeatCoordinator {
  tryCompleteHeartbeat(
    group: GroupMetadata,
    member: MemberMetadata,
    heartbeatDeadline: number,
    forceComplete: () => boolean,
  ): boolean
  onExpireHeartbeat(
    group: GroupMetadata,
    member: MemberMetadata,
    heartbeatDeadline: number,
  ): void
  onCompleteHeartbeat(): void
}

/**
 * Waits for a member's next sign of life.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/DelayedHeartbeat.scala#DelayedHeartbeat
 */
export class DelayedHeartbeat extends DelayedOperation {
  readonly #coordinator: HeartbeatCoordinator
  readonly #group: GroupMetadata
  readonly #member: MemberMetadata
  readonly #heartbeatDeadline: number

  /**
   * @param heartbeatDeadline wall time, in ms, by which the member must have shown life.
   * @param sessionTimeoutMs how long that is from now.
   */
  constructor(
    coordinator: HeartbeatCoordinator,
    group: GroupMetadata,
    member: MemberMetadata,
    heartbeatDeadline: number,
    sessionTimeoutMs: number,
  ) {
    super(sessionTimeoutMs)
    this.#coordinator = coordinator
    this.#group = group
    this.#member = member
    this.#heartbeatDeadline = heartbeatDeadline
  }

  /** Completes when the member is alive beyond the deadline, or leaving. */
  override tryComplete(): boolean {
    return this.#coordinator.tryCompleteHeartbeat(
      this.#group,
      this.#member,
      this.#heartbeatDeadline,
      () => this.forceComplete(),
    )
  }

  /** Removes the member, unless it is alive after all. */
  override onExpiration(): void {
    this.#coordinator.onExpireHeartbeat(
      this.#group,
      this.#member,
      this.#heartbeatDeadline,
    )
  }

  /** Nothing to do: the next heartbeat is on its way. */
  override onComplete(): void {
    this.#coordinator.onCompleteHeartbeat()
  }
}
