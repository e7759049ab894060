/**
 * # DelayedJoin and InitialDelayedJoin
 *
 * A rebalance waits for every member to join again, but no longer than the most patient
 * member allows. The first rebalance of a group waits for something else: for members that
 * nobody knows yet.
 *
 *     DelayedJoin         all have joined ─▶ onComplete          time up ─▶ onComplete
 *     InitialDelayedJoin  3 s, and 3 s more for each newcomer within, up to the timeout
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/DelayedJoin.scala
 * @module
 */
import { DelayedOperation } from '../../replica/DelayedOperation.ts'
import { GroupKey } from '../../replica/DelayedOperationKey.ts'
import type { DelayedOperationPurgatory } from '../../replica/DelayedOperationPurgatory.ts'
import type { GroupMetadata } from './GroupMetadata.ts'

/** What a join calls on its coordinator. */
export interface JoinCoordinator {
  tryCompleteJoin(group: GroupMetadata, forceComplete: () => boolean): boolean
  onCompleteJoin(group: GroupMetadata): void
  onExpireJoin(): void
}

/**
 * Waits for all members of a group.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/DelayedJoin.scala#DelayedJoin
 */
export class DelayedJoin extends DelayedOperation {
  protected readonly coordinator: JoinCoordinator
  protected readonly group: GroupMetadata

  /** @param rebalanceTimeoutMs how long members may take. */
  constructor(
    coordinator: JoinCoordinator,
    group: GroupMetadata,
    rebalanceTimeoutMs: number,
  ) {
    super(rebalanceTimeoutMs)
    this.coordinator = coordinator
    this.group = group
  }

  /** Completes when every member has joined. */
  override tryComplete(): boolean {
    return this.coordinator.tryCompleteJoin(this.group, () => this.forceComplete())
  }

  /** Nothing to add: completion has dropped those who did not come. */
  override onExpiration(): void {
    this.coordinator.onExpireJoin()
  }

  /** Ends the join phase. */
  override onComplete(): void {
    this.coordinator.onCompleteJoin(this.group)
  }
}

/** What the first join of a group is made from. */
export interface InitialDelayedJoinOptions {
  readonly coordinator: JoinCoordinator
  readonly purgatory: DelayedOperationPurgatory<DelayedJoin>
  readonly group: GroupMetadata
  /** How long one wait for newcomers is, in ms. */
  readonly configuredRebalanceDelay: number
  /** How long this wait is, in ms. */
  readonly delayMs: number
  /** How much may still be waited after this one, in ms. */
  readonly remainingMs: number
}

/**
 * Waits for members that nobody knows yet. Only time ends it.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/DelayedJoin.scala#InitialDelayedJoin
 */
export class InitialDelayedJoin extends DelayedJoin {
  readonly #options: InitialDelayedJoinOptions

  /** Makes the wait; it is not under watch yet. */
  constructor(options: InitialDelayedJoinOptions) {
    super(options.coordinator, options.group, options.delayMs)
    this.#options = options
  }

  /** The first wait of a group: one delay, and what the timeout leaves after it. */
  static first(
    options: Pick<InitialDelayedJoinOptions, 'coordinator' | 'purgatory' | 'group'>,
    delayMs: number,
  ): InitialDelayedJoin {
    const remainingMs = Math.max(options.group.rebalanceTimeoutMs - delayMs, 0)
    const configuredRebalanceDelay = delayMs
    return new InitialDelayedJoin({
      ...options,
      configuredRebalanceDelay,
      delayMs,
      remainingMs,
    })
  }

  /** Never: that all known members are here says nothing about the others. */
  override tryComplete(): boolean {
    return false
  }

  /** Waits once more if somebody came meanwhile and there is time; else ends the join. */
  override onComplete(): void {
    const { group, remainingMs, configuredRebalanceDelay, purgatory } = this.#options
    if (!group.newMemberAdded || remainingMs === 0) {
      super.onComplete()
      return
    }
    group.newMemberAdded = false
    const delayMs = Math.min(configuredRebalanceDelay, remainingMs)
    const again = new InitialDelayedJoin({
      ...this.#options,
      delayMs,
      remainingMs: Math.max(remainingMs - delayMs, 0),
    })
    purgatory.tryCompleteElseWatch(again, [new GroupKey(group.groupId)])
  }
}
