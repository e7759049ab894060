/**
 * # LogState
 *
 * What a log knows beyond its bytes: where it begins, which leader wrote which stretch, and
 * what its producers were doing at its end. All of it follows from the segments and a few
 * small files beside them. It is brought up when the log is opened, and set back when the
 * log is cut.
 *
 *     open      segments ─▶ log end ─▶ epochs cut to it ─▶ log start ─▶ producers
 *     truncate  segments cut ─▶ epochs cut ─▶ producers of the newest snapshot, and on
 *
 * Invariants: no epoch begins at or above the log end, but for the last one of a log whose
 * records are all deleted; the log start is not above the log end; the producer state covers the log up
 * to its end and not further.
 *
 * @kafka core/src/main/scala/kafka/log/Log.scala#Log
 * @differs in Kafka a part of `Log`, which here extends it and adds what clients ask for:
 *   appends, reads, retention.
 * @module
 */
import { finish, type Steps } from '../base/async/steps.ts'
import { IllegalArgumentException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { join } from '../base/platform/path.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { LeaderEpochCheckpointFile } from './LeaderEpochCheckpointFile.ts'
import { LeaderEpochFileCache } from './LeaderEpochFileCache.ts'
import { LocalLog, type LocalLogOptions } from './LocalLog.ts'
import type { LogDirFailureChannel } from './LogDirFailureChannel.ts'
import type { LogOffsetMetadata } from './LogOffsetMetadata.ts'
import { CleanShutdownFile, parseTopicPartitionName } from './log-file-names.ts'
import { loadProducerState, loadSegments } from './log-loading.ts'
import { placeOf } from './log-read.ts'
import { ProducerStateManager } from './ProducerStateManager.ts'

/** What the state of a log is opened with; its directory's name says which partition. */
export interface LogStateOptions extends LocalLogOptions {
  /** Offset below which everything is deleted, as checkpointed. */
  readonly logStartOffset: number
  /** Milliseconds after which a silent producer is forgotten. */
  readonly maxProducerIdExpirationMs: number
}

/** The files of a log, and what they mean. */
export class LogState extends LocalLog {
  readonly topicPartition: TopicPartition
  readonly producerStateManager: ProducerStateManager

  /** First offset that may be read. */
  logStartOffset: number

  /**
   * First offset of the oldest transaction that is open, or whose end is not yet on all
   * replicas; `undefined` when there is none. Readers of committed data stop there.
   */
  firstUnstableOffset: LogOffsetMetadata | undefined

  #leaderEpochCache: LeaderEpochFileCache

  /** As last told by the replica; `undefined` before: nothing is deleted until then. */
  #replicaHighWatermark: number | undefined

  readonly #logDirFailureChannel: LogDirFailureChannel
  readonly #log = logger('Log')

  /**
   * Notes what is given, and reads the small files. The segments come with {@link load}.
   *
   * @throws an error of the storage; the caller reports the log directory
   */
  protected constructor(options: LogStateOptions) {
    // What is given.
    super(options)
    const { dir, platform, maxProducerIdExpirationMs } = options
    this.#logDirFailureChannel = options.logDirFailureChannel
    this.logStartOffset = options.logStartOffset
    this.topicPartition = parseTopicPartitionName(dir)
    this.producerStateManager = new ProducerStateManager({
      topicPartition: this.topicPartition,
      storage: platform.storage,
      logDir: dir,
      maxProducerIdExpirationMs,
    })

    // The epochs, which loading holds against the segments.
    platform.storage.mkdir(dir)
    this.#leaderEpochCache = this.#initializeLeaderEpochCache()
  }

  /** The high watermark as the replica last told it; `undefined` before. */
  protected get replicaHighWatermark(): number | undefined {
    return this.#replicaHighWatermark
  }

  /** Which leader wrote which stretch. */
  get leaderEpochCache(): LeaderEpochFileCache {
    return this.#leaderEpochCache
  }

  /** The last sequence of each producer, by id. */
  get activeProducersWithLastSequence(): ReadonlyMap<bigint, number> {
    const entries = [...this.producerStateManager.activeProducers.values()]
    return new Map(entries.map((entry) => [entry.producerId, entry.lastSeq]))
  }

  /** Learns up to where all replicas are: transactions ended below are decided. */
  onHighWatermarkIncremented(highWatermark: number): void {
    this.#replicaHighWatermark = highWatermark
    this.producerStateManager.onHighWatermarkUpdated(highWatermark)
    this.updateFirstUnstableOffset()
  }

  /**
   * Moves the log start up; the segments below go at the next retention check.
   *
   * @param newLogStartOffset ignored when not above the present one
   */
  maybeIncrementLogStartOffset(newLogStartOffset: number): void {
    this.maybeHandleIOException('increasing log start offset', () => {
      this.checkIfMemoryMappedBufferClosed()
      if (newLogStartOffset <= this.logStartOffset) return
      this.logStartOffset = newLogStartOffset
      this.#leaderEpochCache.clearAndFlushEarliest(newLogStartOffset)
      this.producerStateManager.truncateHead(newLogStartOffset)
      this.updateFirstUnstableOffset()
    })
  }

  /**
   * Removes the producer snapshots that no recovery can need any more. Those of the last
   * two segments stay, and those from the recovery point on.
   *
   * @returns the smallest offset whose snapshot stays
   */
  deleteSnapshotsAfterRecoveryPointCheckpoint(): number {
    const minOffsetToRetain = this.minSnapshotsOffsetToRetain
    this.producerStateManager.deleteSnapshotsBefore(minOffsetToRetain)
    return minOffsetToRetain
  }

  /** The offset below which snapshots are of no use. */
  get minSnapshotsOffsetToRetain(): number {
    const active = this.activeSegment.baseOffset
    const twoSegmentsMinOffset = this.segments.lower(active)?.baseOffset ?? active
    const recovered = this.segments.lower(this.recoveryPoint)?.baseOffset
    return Math.min(recovered ?? this.recoveryPoint, twoSegmentsMinOffset)
  }

  /**
   * Cuts off an offset and all above.
   *
   * @returns whether there was anything to cut off
   */
  truncateTo(targetOffset: number): boolean {
    return this.maybeHandleIOException('truncating', () => {
      // Nothing to do at or above the end.
      if (targetOffset < 0) {
        throw new IllegalArgumentException(`cannot truncate to ${targetOffset}`)
      }
      if (targetOffset >= this.logEndOffset) return false
      this.checkIfMemoryMappedBufferClosed()
      this.#log.info(`${this.topicPartition}: truncating to offset ${targetOffset}`)

      // Below the first segment, start over.
      if ((this.segments.first?.baseOffset ?? 0) > targetOffset) {
        this.truncateFullyAndStartAt(targetOffset)
        return true
      }

      // Cut, and bring everything else back to that point.
      this.truncateSegmentsTo(targetOffset)
      this.logStartOffset = Math.min(targetOffset, this.logStartOffset)
      this.#leaderEpochCache.clearAndFlushLatest(targetOffset)
      finish(this.#loadProducerState(targetOffset, false))
      return true
    })
  }

  /** Deletes everything and begins again at an offset. */
  truncateFullyAndStartAt(newOffset: number): void {
    this.maybeHandleIOException('truncating the entire log', () => {
      // Put an empty segment in place of all, and forget epochs and producers.
      this.checkIfMemoryMappedBufferClosed()
      this.replaceAllSegments(newOffset)
      this.#leaderEpochCache.clearAndFlush()
      this.producerStateManager.truncate()
      this.producerStateManager.updateMapEndOffset(newOffset)
      this.updateFirstUnstableOffset()
      this.logStartOffset = newOffset
    })
  }

  /**
   * Renames the partition's directory.
   *
   * @param name of the new directory, beside the old one
   */
  renameDir(name: string): void {
    this.maybeHandleIOException('renaming', () => {
      this.renameSegmentsDir(name)
      this.producerStateManager.logDir = this.dir
      this.#leaderEpochCache = this.#initializeLeaderEpochCache()
    })
  }

  /** Finds the first unstable offset anew, with its place in the log. */
  protected updateFirstUnstableOffset(): void {
    this.checkIfMemoryMappedBufferClosed()
    const unstable = this.producerStateManager.firstUnstableOffset
    const isPlaced =
      unstable === undefined ||
      (!unstable.messageOffsetOnly && unstable.messageOffset >= this.logStartOffset)
    if (isPlaced) {
      this.firstUnstableOffset = unstable
      return
    }

    // Look up the place; what lies below the log start begins there for readers.
    const offset = Math.max(unstable.messageOffset, this.logStartOffset)
    this.firstUnstableOffset = placeOf(this.segments, offset)
  }

  /**
   * Reads what is on the disk, recovers what a crash has left, and makes everything agree
   * with it. In a directory that is new an empty segment is made.
   *
   * @returns steps; until the last one is done the log is of no use
   * @throws an error of the storage; the caller reports the log directory
   */
  protected *load(): Steps<void> {
    // The segments, recovered as far as needed; a scan removes snapshots that it passes.
    const hadSnapshot = this.producerStateManager.latestSnapshotOffset !== undefined
    const hasCleanShutdownFile = this.platform.storage.exists(
      join(this.parentDir, CleanShutdownFile),
    )
    const { nextOffset, recoveryPoint } = yield* loadSegments({
      dir: this.dir,
      config: this.config,
      platform: this.platform,
      topicPartition: this.topicPartition,
      logStartOffset: this.logStartOffset,
      recoveryPoint: this.recoveryPoint,
      maxProducerIdExpirationMs: this.producerStateManager.maxProducerIdExpirationMs,
      leaderEpochCache: this.#leaderEpochCache,
      hasCleanShutdownFile,
      segments: this.segments,
      deleteSegment: (segment) => this.deleteSegment(segment),
      replaceSegments: (newOne, oldOnes, isSwap) =>
        this.replaceSegments(newOne, oldOnes, isSwap),
      newSegment: (baseOffset) => this.newSegment(baseOffset),
    })
    if (recoveryPoint !== undefined) this.recoveryPoint = recoveryPoint
    this.updateLogEndOffset(nextOffset)

    // A crash can lose records that were to be deleted anyway; offsets must not come back.
    if (this.logStartOffset > nextOffset) {
      this.#log.warn(
        `${this.topicPartition}: the log ends at ${nextOffset}, before its start ` +
          `${this.logStartOffset}; starting over there`,
      )
      this.replaceAllSegments(this.logStartOffset)
      this.recoveryPoint = this.logStartOffset
    }

    // The epochs and the start, which may be behind the segments after a crash.
    const firstBaseOffset = this.segments.first?.baseOffset ?? 0
    this.#leaderEpochCache.clearAndFlushLatest(this.logEndOffset)
    this.logStartOffset = Math.max(this.logStartOffset, firstBaseOffset)
    this.#leaderEpochCache.clearAndFlushEarliest(this.logStartOffset)
    const reload = hasCleanShutdownFile && !hadSnapshot
    yield* this.#loadProducerState(this.logEndOffset, reload)
  }

  #initializeLeaderEpochCache(): LeaderEpochFileCache {
    const { storage } = this.platform
    const channel = this.#logDirFailureChannel
    const checkpoint = new LeaderEpochCheckpointFile(storage, this.dir, channel)
    const leo = () => this.logEndOffsetMetadata
    return new LeaderEpochFileCache(this.topicPartition, leo, checkpoint)
  }

  *#loadProducerState(
    lastOffset: number,
    reloadFromCleanShutdown: boolean,
  ): Steps<void> {
    this.checkIfMemoryMappedBufferClosed()
    yield* loadProducerState({
      manager: this.producerStateManager,
      segments: this.segments,
      magic: this.config.messageFormatVersion.messageFormatVersion,
      logStartOffset: this.logStartOffset,
      lastOffset,
      reloadFromCleanShutdown,
      now: this.now(),
    })
    this.updateFirstUnstableOffset()
  }

  /** Wall time in ms. */
  protected now(): number {
    return this.platform.clock.now()
  }
}
