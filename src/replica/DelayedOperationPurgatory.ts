/**
 * # DelayedOperationPurgatory
 *
 * A waiting room. An operation enters when it cannot finish yet, is tried again when a key
 * it watches changes, and leaves exactly once: completed or expired.
 *
 *     append ─▶ checkAndComplete(key) ─▶ tryCompleteWatched ─▶ maybeTryComplete
 *     clock  ─▶ advanceClock ─▶ SystemTimer ─▶ DelayedOperation.run
 *
 * Invariants: an operation that is neither completed nor cancelled stands in the list of
 * each of its keys and in the timer; a key without watchers has no list.
 *
 * One operation waits under many keys. When one key completes it, the other lists still
 * hold it: nobody searches them. They are swept when their key is touched next, or when
 * the estimate of dead entries passes the purge interval.
 *
 * What became of the locks: `removeWatchersLock` kept a list from being dropped between
 * the look-up and the add. Both are in one synchronous stretch here, so it is gone.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedOperation.scala#DelayedOperationPurgatory
 * @module
 */

import { ShutdownableThread } from '../base/async/ShutdownableThread.ts'
import { SystemTimer } from '../base/async/timer/SystemTimer.ts'
import { Pool } from '../base/Pool.ts'
import type { Clock } from '../base/platform/Platform.ts'
import type { DelayedOperation, DelayedOperationKey } from './DelayedOperation.ts'

/** What a purgatory is made from. */
export interface DelayedOperationPurgatoryOptions {
  /** For thread names and logs: `Produce`, `Fetch`, `Rebalance` … */
  readonly purgatoryName: string
  /** Where the time comes from. */
  readonly clock: Clock
  /** For the reaper's name only. Default 0. */
  readonly brokerId?: number
  /** Completed operations tolerated in lists before a sweep. Default 1000. */
  readonly purgeInterval?: number
  /** False in tests that move the clock by hand. Default true. */
  readonly reaperEnabled?: boolean
  /** False for operations that wait for as long as it takes. Default true. */
  readonly timerEnabled?: boolean
}

/**
 * Holds operations until an event or the clock completes them.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedOperation.scala#DelayedOperationPurgatory
 */
export class DelayedOperationPurgatory<T extends DelayedOperation> {
  readonly purgatoryName: string
  /** Key text → who waits under it. */
  readonly watchersForKey = new Pool<string, Watchers<T>>()
  readonly timeoutTimer: SystemTimer
  readonly #purgeInterval: number
  readonly #timerEnabled: boolean
  readonly #expirationReaper: ExpiredOperationReaper | undefined
  // Operations put under watch since the last sweep, plus those pending at it: never
  // fewer than what the lists hold.
  #estimatedTotalOperations = 0

  /** Makes an empty room and starts its reaper. */
  constructor(options: DelayedOperationPurgatoryOptions) {
    const { purgatoryName, clock, brokerId = 0 } = options
    this.purgatoryName = purgatoryName
    this.#purgeInterval = options.purgeInterval ?? 1000
    this.timeoutTimer = new SystemTimer(purgatoryName, clock)
    this.#timerEnabled = options.timerEnabled ?? true

    // Start the loop that lets time pass in this room.
    if (options.reaperEnabled ?? true) {
      const name = `ExpirationReaper-${brokerId}-${purgatoryName}`
      this.#expirationReaper = new ExpiredOperationReaper(name, this)
      this.#expirationReaper.start()
    }
  }

  /**
   * Completes an operation at once, or puts it under watch.
   *
   * @param operation not known to anybody else yet.
   * @param watchKeys whose events may complete it; at least one.
   * @returns true when this call completed it.
   */
  tryCompleteElseWatch(
    operation: T,
    watchKeys: readonly DelayedOperationKey[],
  ): boolean {
    if (watchKeys.length === 0)
      throw new Error('an operation needs a key to wait under')

    // Try it first: most are ready, and a list costs more than a look.
    if (operation.tryComplete()) return true

    // Let it wait under each of its keys.
    for (const key of watchKeys) this.#watchForOperation(key, operation)
    this.#estimatedTotalOperations += 1

    // Look again before sleeping. Kafka needs this for what other threads did between
    // the first look and the watch; here only the first look itself may have moved
    // something (a high watermark, a group's state).
    if (operation.maybeTryComplete()) return true

    // Put it on the clock.
    if (!operation.isCompleted && this.#timerEnabled) {
      this.timeoutTimer.add(operation)
      if (operation.isCompleted) operation.cancel()
    }
    return false
  }

  /**
   * Tries every operation that waits under a key.
   *
   * @returns how many this call completed.
   */
  checkAndComplete(key: DelayedOperationKey): number {
    const watchers = this.watchersForKey.get(key.keyLabel)

    // Try those who wait, if anyone does.
    if (watchers) {
      return watchers.tryCompleteWatched()
    }
    return 0
  }

  /** The entries of all lists; an operation counts once for each of its keys. */
  get watched(): number {
    let sum = 0
    for (const watchers of this.watchersForKey.values()) sum += watchers.countWatched
    return sum
  }

  /** The operations that the clock can still expire. */
  get delayed(): number {
    return this.timeoutTimer.size
  }

  /**
   * Forgets a key and whoever waits under it, without completing them.
   *
   * @returns the operations that were waiting; the caller answers for them.
   */
  cancelForKey(key: DelayedOperationKey): T[] {
    const watchers = this.watchersForKey.remove(key.keyLabel)
    return watchers ? watchers.cancel() : []
  }

  /** Ends the reaper and the timer; what still waits is never answered. */
  async shutdown(): Promise<void> {
    await this.#expirationReaper?.shutdown()
    this.timeoutTimer.shutdown()
  }

  /**
   * Lets due operations expire, then sweeps the lists if too much in them is dead.
   *
   * @param timeoutMs how long to wait for the next due bucket; may be infinite.
   * @throws AbortError (rejects) when `signal` fires first.
   */
  async advanceClock(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    await this.timeoutTimer.advanceClock(timeoutMs, signal)

    // Sweep when the estimate of dead entries passes the purge interval. The estimate
    // restarts from what is pending before the sweep, so that what enters meanwhile is
    // counted rather than lost.
    if (this.#estimatedTotalOperations - this.delayed > this.#purgeInterval) {
      this.#estimatedTotalOperations = this.delayed
      for (const watchers of [...this.watchersForKey.values()])
        watchers.purgeCompleted()
    }
  }

  #watchForOperation(key: DelayedOperationKey, operation: T): void {
    // A first key may have completed it by now; later lists need not carry it.
    if (operation.isCompleted) return
    this.watchersForKey
      .getAndMaybePut(
        key.keyLabel,
        () => new Watchers(key.keyLabel, this.watchersForKey),
      )
      .watch(operation)
  }
}

/**
 * Who waits under one key, in the order of arrival.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedOperation.scala#Watchers
 */
export class Watchers<T extends DelayedOperation> {
  readonly #key: string
  readonly #watchersForKey: Pool<string, Watchers<T>>
  readonly #operations = new Set<T>()

  /** Makes the empty list of `key` in `watchersForKey`. */
  constructor(key: string, watchersForKey: Pool<string, Watchers<T>>) {
    this.#key = key
    this.#watchersForKey = watchersForKey
  }

  /** The operations in the list, dead ones included. */
  get countWatched(): number {
    return this.#operations.size
  }

  /** True when nobody waits. */
  get isEmpty(): boolean {
    return this.#operations.size === 0
  }

  /** Adds an operation. */
  watch(operation: T): void {
    this.#operations.add(operation)
  }

  /**
   * Tries each operation; drops those that are done.
   *
   * @returns how many this call completed.
   */
  tryCompleteWatched(): number {
    let completed = 0

    // Walk the list in the order of arrival. An answer may bring a new operation under
    // this key; a set lets it be seen at the end of the same walk.
    for (const operation of this.#operations) {
      if (operation.isCompleted) {
        this.#operations.delete(operation)
      } else if (operation.maybeTryComplete()) {
        this.#operations.delete(operation)
        completed += 1
      }
    }

    if (this.isEmpty) this.#removeKeyIfEmpty()
    return completed
  }

  /** Empties the list. @returns what was in it and not completed. */
  cancel(): T[] {
    const waiting = [...this.#operations].filter((operation) => !operation.isCompleted)
    this.#operations.clear()
    return waiting
  }

  /** Drops what other keys or the clock completed. @returns how many. */
  purgeCompleted(): number {
    let purged = 0
    for (const operation of this.#operations) {
      if (!operation.isCompleted) continue
      this.#operations.delete(operation)
      purged += 1
    }

    if (this.isEmpty) this.#removeKeyIfEmpty()
    return purged
  }

  #removeKeyIfEmpty(): void {
    // Only if the key still means this list: an answer given during the walk may have
    // dropped it already, and another may have come in its place.
    if (this.#watchersForKey.get(this.#key) === this) {
      this.#watchersForKey.remove(this.#key)
    }
  }
}

/** What the reaper moves. */
interface Advanceable {
  advanceClock(timeoutMs: number, signal?: AbortSignal): Promise<void>
}

/**
 * The loop that moves a purgatory's clock.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedOperation.scala#ExpiredOperationReaper
 * @differs Kafka polls every 200 ms; this one sleeps until a bucket is due. Each operation
 *   under watch is in a bucket, so the purge rule is looked at often enough all the same.
 */
class ExpiredOperationReaper extends ShutdownableThread {
  readonly #purgatory: Advanceable

  constructor(name: string, purgatory: Advanceable) {
    super(name)
    this.#purgatory = purgatory
  }

  override async doWork(): Promise<void> {
    await this.#purgatory.advanceClock(Number.POSITIVE_INFINITY, this.signal)
  }
}
