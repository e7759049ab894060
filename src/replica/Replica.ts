/**
 * # Replica
 *
 * What a broker knows of one copy of a partition. Of its own copy it knows the log; of a
 * copy elsewhere it knows only what that follower's fetches say: where it reads next.
 *
 *     local:  log ─▶ logEndOffset, logStartOffset     highWatermark, lastStableOffset
 *     remote: last fetch ─▶ logEndOffset, logStartOffset, lastCaughtUpTimeMs
 *
 * Invariants: only the local replica has a high watermark worth reading; a remote log end
 * offset is a fetch offset, so everything below it is on the follower's disk.
 *
 * @kafka core/src/main/scala/kafka/cluster/Replica.scala
 * @module
 */
import { KafkaException, OffsetOutOfRangeException } from '../base/errors.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import type { Log } from '../log/Log.ts'
import { LogOffsetMetadata } from '../log/LogOffsetMetadata.ts'
import type { LogReadResult } from './LogReadResult.ts'

/**
 * One copy of a partition, seen from this broker.
 *
 * @kafka core/src/main/scala/kafka/cluster/Replica.scala#Replica
 */
export class Replica {
  readonly brokerId: number
  readonly topicPartition: TopicPartition
  #log: Log | undefined
  #highWatermark: LogOffsetMetadata
  // Remote only. Starts unknown (-1), set by each fetch of the follower.
  #logEndOffset: LogOffsetMetadata = LogOffsetMetadata.UnknownOffsetMetadata
  #logStartOffset = -1
  // The leader's end when the follower fetched last, and when that was: a follower that
  // reads up to there now had, at that time, everything.
  #lastFetchLeaderLogEndOffset = 0
  #lastFetchTimeMs = 0
  #lastCaughtUpTimeMs = 0

  /**
   * @param brokerId where the copy lies.
   * @param initialHighWatermark from the checkpoint file, local only.
   * @param log the copy itself, local only.
   */
  constructor(
    brokerId: number,
    topicPartition: TopicPartition,
    initialHighWatermark = 0,
    log?: Log,
  ) {
    this.brokerId = brokerId
    this.topicPartition = topicPartition
    this.#log = log
    this.#highWatermark = new LogOffsetMetadata(initialHighWatermark)
    log?.onHighWatermarkIncremented(initialHighWatermark)
  }

  /** The log, for the copy on this broker; undefined for the others. */
  get log(): Log | undefined {
    return this.#log
  }

  /** True for the copy on this broker. */
  get isLocal(): boolean {
    return this.log !== undefined
  }

  /** Wall time, in ms, at which the follower last had all that the leader had. */
  get lastCaughtUpTimeMs(): number {
    return this.#lastCaughtUpTimeMs
  }

  /** Where the copy ends: the next offset it will hold. */
  get logEndOffset(): LogOffsetMetadata {
    return this.log ? this.log.logEndOffsetMetadata : this.#logEndOffset
  }

  /** Where the copy begins; -1 while unknown. */
  get logStartOffset(): number {
    return this.log ? this.log.logStartOffset : this.#logStartOffset
  }

  /** Below this offset every in-sync copy has the records. */
  get highWatermark(): LogOffsetMetadata {
    return this.#highWatermark
  }

  /**
   * Below this offset no transaction is open: what `read_committed` consumers may see.
   * The high watermark, unless an open transaction begins before it.
   */
  get lastStableOffset(): LogOffsetMetadata {
    const unstable = this.#localLog('read the last stable offset').firstUnstableOffset
    if (unstable && unstable.messageOffset < this.#highWatermark.messageOffset) {
      return unstable
    }
    return this.#highWatermark
  }

  /**
   * Takes down what a follower's fetch says about its copy.
   *
   * Caught up means: reads at the leader's end now, or reads at what was the leader's end
   * at its previous fetch. The second rule keeps a busy partition's follower in: it never
   * sees the end of a log that grows while it fetches.
   */
  updateLogReadResult(result: LogReadResult): void {
    const fetchOffset = result.info.fetchOffsetMetadata.messageOffset
    if (fetchOffset >= result.leaderLogEndOffset) {
      this.#caughtUpAt(result.fetchTimeMs)
    } else if (fetchOffset >= this.#lastFetchLeaderLogEndOffset) {
      this.#caughtUpAt(this.#lastFetchTimeMs)
    }

    // Remember where it stands, and the leader's end for the next fetch to compare with.
    if (this.isLocal)
      throw new KafkaException('the local log end is set by the log only')
    this.#logStartOffset = result.followerLogStartOffset
    this.#logEndOffset = result.info.fetchOffsetMetadata
    this.#lastFetchLeaderLogEndOffset = result.leaderLogEndOffset
    this.#lastFetchTimeMs = result.fetchTimeMs
  }

  /** Starts the account anew, for a leader that has just learned of its followers. */
  resetLastCaughtUpTime(
    curLeaderLogEndOffset: number,
    curTimeMs: number,
    lastCaughtUpTimeMs: number,
  ): void {
    this.#lastFetchLeaderLogEndOffset = curLeaderLogEndOffset
    this.#lastFetchTimeMs = curTimeMs
    this.#lastCaughtUpTimeMs = lastCaughtUpTimeMs
  }

  /** Sets the high watermark of the local copy and tells the log of it. */
  setHighWatermark(newHighWatermark: LogOffsetMetadata): void {
    const log = this.#localLog('set a high watermark')
    if (newHighWatermark.messageOffset < 0) {
      throw new KafkaException(`high watermark ${newHighWatermark.messageOffset} < 0`)
    }
    this.#highWatermark = newHighWatermark

    // Transactions whose end is replicated stop holding back the last stable offset.
    log.onHighWatermarkIncremented(newHighWatermark.messageOffset)
  }

  /**
   * Finds segment and position of a high watermark that is a bare offset: a follower, or a
   * checkpoint file, knows no more. A leader needs them, to count the bytes below it.
   */
  convertHWToLocalOffsetMetadata(): void {
    const log = this.#localLog('locate the high watermark')
    this.#highWatermark =
      log.convertToOffsetMetadata(this.#highWatermark.messageOffset) ??
      log.convertToOffsetMetadata(log.logStartOffset) ??
      log.logEndOffsetMetadata
  }

  /**
   * Goes on with another log that holds the same records: the one that was made in another
   * log directory. What lies where in it may differ, so the high watermark is looked up
   * anew, and the log is told of it.
   *
   * @throws KafkaStorageException when the new log cannot be read; it has been taken over.
   */
  replaceLog(newLog: Log): void {
    const hadPlace = !this.#highWatermark.messageOffsetOnly
    this.#log = newLog
    if (hadPlace) this.convertHWToLocalOffsetMetadata()
    newLog.onHighWatermarkIncremented(this.#highWatermark.messageOffset)
  }

  /**
   * Moves the beginning of the local copy up, never past the high watermark.
   *
   * @throws OffsetOutOfRangeException when asked to delete what is not replicated yet.
   */
  maybeIncrementLogStartOffset(newLogStartOffset: number): void {
    const log = this.#localLog('delete records')
    const hw = this.#highWatermark.messageOffset
    if (newLogStartOffset > hw) {
      throw new OffsetOutOfRangeException(
        `cannot start ${this.topicPartition} at ${newLogStartOffset}, ` +
          `the high watermark is ${hw}`,
      )
    }
    log.maybeIncrementLogStartOffset(newLogStartOffset)
  }

  /** Reads like `replica 2 of t-0`. */
  toString(): string {
    return `replica ${this.brokerId} of ${this.topicPartition}`
  }

  #caughtUpAt(timeMs: number): void {
    this.#lastCaughtUpTimeMs = Math.max(this.#lastCaughtUpTimeMs, timeMs)
  }

  #localLog(what: string): Log {
    if (!this.log) throw new KafkaException(`cannot ${what} on remote ${this}`)
    return this.log
  }
}
