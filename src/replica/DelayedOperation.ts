/**
 * # DelayedOperation
 *
 * Something that was asked for and cannot be answered yet: a produce that waits for its
 * followers, a fetch that waits for bytes, a join that waits for the other members.
 *
 *     tryComplete ── conditions hold ──▶ forceComplete ─▶ onComplete
 *     run (time is up) ────────────────▶ forceComplete ─▶ onComplete ─▶ onExpiration
 *
 * Invariants: `onComplete` runs once in the life of an operation, whatever happens and in
 * whatever order; `onExpiration` runs only after it, and only when time won.
 *
 * What became of the locks: in Kafka many threads may try the same operation, so each one
 * carries a lock, `maybeTryComplete` only *tries* it, and a flag remembers that a second
 * thread looked while the first was busy. Here nothing runs between two statements, so the
 * look itself is all that is left; `forceComplete` keeps its compare-and-set as a plain
 * flag because an operation may be reached again from inside its own `onComplete`.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedOperation.scala
 * @module
 */
import { TimerTask } from '../base/async/timer/TimerTask.ts'

/** What an operation is watched under: a partition, a group, a member of a group. */
export interface DelayedOperationKey {
  /** The key as text; two keys with the same text are the same key. */
  readonly keyLabel: string
}

/**
 * An operation that completes when its conditions hold or when its time is up.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedOperation.scala#DelayedOperation
 * @differs no lock and no `tryCompletePending`: see the module's header.
 */
export abstract class DelayedOperation extends TimerTask {
  #completed = false

  /** True from the moment that somebody won the right to complete it. */
  get isCompleted(): boolean {
    return this.#completed
  }

  /**
   * Completes the operation unless that happened before: cancels its timer, then calls
   * {@link onComplete}.
   *
   * @returns true only for the call that completed it.
   */
  forceComplete(): boolean {
    // Let only the first one in. The second may come from the clock, from another key,
    // or from what `onComplete` itself sets in motion.
    if (this.#completed) return false
    this.#completed = true

    // Take it off the clock; what was answered cannot expire.
    this.cancel()
    this.onComplete()
    return true
  }

  /** Called when time won over completion, after {@link onComplete}. */
  abstract onExpiration(): void

  /** Does what was waited for: sends the answer. Called exactly once. */
  abstract onComplete(): void

  /**
   * Looks whether the conditions hold and, if so, calls {@link forceComplete}.
   *
   * @returns what {@link forceComplete} returned, false when something is still missing.
   */
  abstract tryComplete(): boolean

  /**
   * Tries the operation on behalf of an event that concerns one of its keys.
   *
   * @returns true when this very call completed it.
   */
  maybeTryComplete(): boolean {
    if (this.#completed) return false
    return this.tryComplete()
  }

  /** What the timer calls when the delay is over. */
  override run(): void {
    // Complete first, report the expiry after: the answer must not depend on it.
    if (this.forceComplete()) this.onExpiration()
  }
}
