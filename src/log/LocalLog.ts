/**
 * # LocalLog
 *
 * The files of a log: its segments in order, the one that takes appends, what of them is on
 * the disk, and how they come and go. It knows offsets and bytes; what they mean (epochs,
 * producers, transactions, retention) is the business of `Log`, which extends it.
 *
 *     roll      a new segment file; the old one is flushed when there is time
 *     delete    out of the map ─▶ renamed .deleted ─▶ removed after file.delete.delay.ms
 *     flush     every segment from the recovery point on, then the recovery point moves
 *
 * Whatever the disk throws ends in one place, `maybeHandleIOException`: the log directory is
 * reported, the caller gets a `KafkaStorageException`.
 *
 * @kafka core/src/main/scala/kafka/log/Log.scala#Log
 * @differs 1.1.1 has one class for all of it, of 2,000 lines; later versions of Kafka made
 *   the same cut under this name.
 * @module
 */
import type { KafkaScheduler, ScheduledTask } from '../base/async/KafkaScheduler.ts'
import { KafkaStorageException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Distribution } from '../base/metrics/Distribution.ts'
import type { Platform } from '../base/platform/Platform.ts'
import { basename, dirname, join } from '../base/platform/path.ts'
import { isIOException } from './io-exception.ts'
import type { LogConfig } from './LogConfig.ts'
import type { LogDirFailureChannel } from './LogDirFailureChannel.ts'
import { LogOffsetMetadata } from './LogOffsetMetadata.ts'
import { LogSegment } from './LogSegment.ts'
import {
  CleanedFileSuffix,
  DeletedFileSuffix,
  FutureDirSuffix,
  logFile,
  offsetIndexFile,
  SwapFileSuffix,
  timeIndexFile,
  transactionIndexFile,
} from './log-file-names.ts'
import { SortedMap } from './sorted-map.ts'

/** What the files of a log are opened with. */
export interface LocalLogOptions {
  /** The partition's directory. */
  readonly dir: string
  readonly config: LogConfig
  /** Offset below which everything is on the disk, as checkpointed. */
  readonly recoveryPoint: number
  readonly scheduler: KafkaScheduler
  readonly platform: Platform
  readonly logDirFailureChannel: LogDirFailureChannel
  /** Takes in how long the flush of each segment takes, in ms. */
  readonly logFlushTimer?: Distribution
}

/** The segments of one log. */
export class LocalLog {
  /** Settings of the topic; replaced when they change. */
  config: LogConfig

  /** Everything below is on the disk; moved up by flushes, down by truncation. */
  recoveryPoint: number

  /** The next offset, with the place where its batch will be. */
  nextOffsetMetadata: LogOffsetMetadata

  /** The segments by base offset. */
  readonly segments = new SortedMap<LogSegment>()

  readonly platform: Platform

  #dir: string
  #lastFlushTime: number

  /** True once the files were given up; nothing may touch the disk from then on. */
  #isMemoryMappedBufferClosed = false

  /** True once the segments were closed in good order. */
  #isClosed = false

  /** Counts truncations, so that a flush that was overtaken by one is noticed. */
  #truncations = 0

  /** True while a new file's name may not be on the disk. */
  #dirNeedsSync = true

  readonly #scheduler: KafkaScheduler
  readonly #logDirFailureChannel: LogDirFailureChannel
  readonly #logFlushTimer: Distribution | undefined
  readonly #log = logger('Log')

  /** Notes what is given; nothing is read before the segments are loaded. */
  constructor(options: LocalLogOptions) {
    this.#dir = options.dir
    this.config = options.config
    this.recoveryPoint = options.recoveryPoint
    this.nextOffsetMetadata = new LogOffsetMetadata(0)
    this.platform = options.platform
    this.#lastFlushTime = options.platform.clock.now()
    this.#scheduler = options.scheduler
    this.#logDirFailureChannel = options.logDirFailureChannel
    this.#logFlushTimer = options.logFlushTimer
  }

  /** The partition's directory; changes when it is renamed. */
  get dir(): string {
    return this.#dir
  }

  /** The log directory that the partition's directory lies in. */
  get parentDir(): string {
    return dirname(this.#dir)
  }

  /** Name of the partition's directory. */
  get name(): string {
    return basename(this.#dir)
  }

  /** Says whether this is a replica that is being moved here, not yet in service. */
  get isFuture(): boolean {
    return this.name.endsWith(FutureDirSuffix)
  }

  /** All segments, oldest first. */
  get logSegments(): readonly LogSegment[] {
    return this.segments.values()
  }

  /** Number of segments. */
  get numberOfSegments(): number {
    return this.segments.size
  }

  /** The next offset, with the place where its batch will be. */
  get logEndOffsetMetadata(): LogOffsetMetadata {
    return this.nextOffsetMetadata
  }

  /** Messages that may not be on the disk. */
  get unflushedMessages(): number {
    return this.logEndOffset - this.recoveryPoint
  }

  /** The segment that takes appends. */
  get activeSegment(): LogSegment {
    return this.segments.last as LogSegment
  }

  /** Bytes of all segments. */
  get size(): number {
    return this.segments.values().reduce((sum, segment) => sum + segment.size, 0)
  }

  /** The next offset. */
  get logEndOffset(): number {
    return this.nextOffsetMetadata.messageOffset
  }

  /** Wall time in ms of the last flush; of the opening, before the first. */
  get lastFlushTime(): number {
    return this.#lastFlushTime
  }

  /**
   * Refuses to go on when the files were given up.
   *
   * @throws KafkaStorageException
   */
  protected checkIfMemoryMappedBufferClosed(): void {
    if (!this.#isMemoryMappedBufferClosed) return
    throw new KafkaStorageException(`the files of ${this.#dir} are already closed`)
  }

  /**
   * Does something with the disk; if that fails, reports the log directory.
   *
   * @param what for the message: "appending records"
   * @throws KafkaStorageException in place of an error of the storage
   * @kafka core/src/main/scala/kafka/log/Log.scala#maybeHandleIOException
   */
  protected maybeHandleIOException<T>(what: string, action: () => T): T {
    try {
      return action()
    } catch (error) {
      throw this.#storageFailure(what, error)
    }
  }

  /**
   * Schedules work on this log. When the scheduler is down already, the work is left: the
   * shutdown flushes every log, and the next start removes what waits for deletion.
   */
  protected schedule(
    name: string,
    task: () => void | Promise<void>,
    delayMs: number,
    periodMs = -1,
  ): ScheduledTask | undefined {
    if (!this.#scheduler.isStarted) return undefined
    return this.#scheduler.schedule(name, task, delayMs, periodMs)
  }

  /** Makes an empty segment, preallocated if the topic wants it. */
  protected newSegment(baseOffset: number): LogSegment {
    const { dir, config, platform } = this
    const { preallocate, segmentSize } = config
    const initFileSize = preallocate ? segmentSize : 0
    this.#dirNeedsSync = true
    const segment = { dir, baseOffset, config, platform, initFileSize, preallocate }
    return LogSegment.open(segment)
  }

  /** Puts a segment into service; returns the one it replaces. */
  addSegment(segment: LogSegment): LogSegment | undefined {
    return this.segments.set(segment.baseOffset, segment)
  }

  /** Removes the files that an earlier segment of that base offset may have left. */
  protected removeLeftOvers(baseOffset: number): void {
    const { storage } = this.platform
    for (const file of [
      logFile,
      offsetIndexFile,
      timeIndexFile,
      transactionIndexFile,
    ]) {
      const path = file(this.#dir, baseOffset)
      if (!storage.exists(path)) continue
      this.#log.warn(`Newly rolled segment file ${path} already exists, deleting it`)
      storage.unlink(path)
    }
  }

  /**
   * Publishes the log end: the one value on which readers rely.
   *
   * @kafka core/src/main/scala/kafka/log/Log.scala#updateLogEndOffset
   */
  protected updateLogEndOffset(messageOffset: number): void {
    const { baseOffset, size } = this.activeSegment
    this.nextOffsetMetadata = new LogOffsetMetadata(messageOffset, baseOffset, size)
  }

  /**
   * Takes a segment out of service, and removes its files later: a fetch may still be
   * sending from them.
   *
   * @kafka core/src/main/scala/kafka/log/Log.scala#deleteSegment
   */
  protected deleteSegment(segment: LogSegment): void {
    this.#log.info(`Scheduling ${segment} of ${this.#dir} for deletion`)
    this.segments.delete(segment.baseOffset)
    this.#asyncDeleteSegment(segment)
  }

  /**
   * Puts a segment in place of others, so that a crash at any point leaves either the old
   * ones or the new one: `.cleaned` → `.swap`, old ones → `.deleted`, `.swap` → in service.
   *
   * @param isRecoveredSwapFile true when the new segment is a `.swap` already
   * @kafka core/src/main/scala/kafka/log/Log.scala#replaceSegments
   */
  replaceSegments(
    newSegment: LogSegment,
    oldSegments: readonly LogSegment[],
    isRecoveredSwapFile = false,
  ): void {
    // From .swap on, recovery completes what is begun here.
    this.checkIfMemoryMappedBufferClosed()
    if (!isRecoveredSwapFile) {
      newSegment.changeFileSuffixes(CleanedFileSuffix, SwapFileSuffix)
    }
    this.addSegment(newSegment)

    // Take the old ones away, then let the new one have its name.
    for (const segment of oldSegments) {
      if (segment.baseOffset !== newSegment.baseOffset) {
        this.segments.delete(segment.baseOffset)
      }
      this.#asyncDeleteSegment(segment)
    }
    newSegment.changeFileSuffixes(SwapFileSuffix, '')
    this.#dirNeedsSync = true
  }

  /** Deletes every segment and begins again at an offset. */
  protected replaceAllSegments(newOffset: number): void {
    for (const segment of this.segments.values()) this.deleteSegment(segment)
    this.addSegment(this.newSegment(newOffset))
    this.#truncations += 1
    this.updateLogEndOffset(newOffset)
    this.recoveryPoint = Math.min(newOffset, this.recoveryPoint)
  }

  /** Deletes the segments above an offset, and cuts the one that is then the last. */
  protected truncateSegmentsTo(targetOffset: number): void {
    // From the end down: a crash in between must not leave a hole.
    for (const segment of this.segments.values().slice().reverse()) {
      if (segment.baseOffset > targetOffset) this.deleteSegment(segment)
    }

    // Cut inside the last one.
    this.activeSegment.truncateTo(targetOffset)
    this.#truncations += 1
    this.updateLogEndOffset(targetOffset)
    this.recoveryPoint = Math.min(targetOffset, this.recoveryPoint)
  }

  /**
   * Brings everything below an offset to the disk; appends go on meanwhile.
   *
   * @param offset (exclusive), the log end by default; the recovery point afterwards
   * @throws KafkaStorageException when the disk fails
   * @differs the directory is flushed too when it has new files, so that they are found
   *   after a crash of the machine; 1.1.1 leaves that to the file system.
   */
  async flush(offset = this.logEndOffset): Promise<void> {
    // What was asked for may have been cut off since, by a truncation.
    const end = Math.min(offset, this.logEndOffset)
    if (end <= this.recoveryPoint || this.#isClosed) return

    // Flush every segment that may hold something new.
    const truncations = this.#truncations
    for (const segment of this.segments.range(this.recoveryPoint, end)) {
      await this.#flushSegment(segment)
    }
    if (this.#isMemoryMappedBufferClosed || this.#isClosed) return
    this.maybeHandleIOException('flushing', () => this.#syncDir())

    // What was cut off meanwhile and written anew is not on the disk.
    if (truncations === this.#truncations) this.#moveRecoveryPoint(end)
  }

  /** Like {@link flush} up to the log end, without letting anything else run. */
  protected flushNow(): void {
    const offset = this.logEndOffset
    for (const segment of this.segments.range(this.recoveryPoint, offset)) {
      const startMs = this.platform.clock.monotonic()
      segment.flushNow()
      this.#noteFlush(startMs)
    }
    this.#syncDir()
    this.#moveRecoveryPoint(offset)
  }

  /** Renames the partition's directory; its segments follow. */
  protected renameSegmentsDir(name: string): void {
    const renamedDir = join(this.parentDir, name)
    this.platform.storage.rename(this.#dir, renamedDir)
    this.#dir = renamedDir
    for (const segment of this.segments.values()) segment.updateDir(renamedDir)
  }

  /** Closes every segment. A flush that is under way ends without a word. */
  protected closeSegments(): void {
    this.#isClosed = true
    for (const segment of this.segments.values()) segment.close()
  }

  /** Gives the files back without touching the disk, which has failed. */
  protected closeSegmentHandlers(): void {
    for (const segment of this.segments.values()) segment.closeHandlers()
    this.#isMemoryMappedBufferClosed = true
  }

  /** Removes the partition's directory with everything in it. */
  protected deleteFiles(): void {
    for (const segment of this.segments.values()) segment.deleteIfExists()
    this.segments.clear()
    this.platform.storage.removeDirectory(this.#dir)
    this.#isMemoryMappedBufferClosed = true
  }

  #asyncDeleteSegment(segment: LogSegment): void {
    segment.changeFileSuffixes('', DeletedFileSuffix)
    this.schedule(
      'delete-file',
      () => {
        this.maybeHandleIOException('deleting segments', () => segment.deleteIfExists())
      },
      this.config.fileDeleteDelayMs,
    )
  }

  /** Flushes one segment; that it was deleted meanwhile is no failure. */
  async #flushSegment(segment: LogSegment): Promise<void> {
    const inService = () =>
      !this.#isMemoryMappedBufferClosed &&
      !this.#isClosed &&
      this.segments.get(segment.baseOffset) === segment
    if (!inService()) return
    const startMs = this.platform.clock.monotonic()
    try {
      await segment.flush()
      this.#noteFlush(startMs)
    } catch (error) {
      if (inService()) throw this.#storageFailure('flushing', error)
    }
  }

  #noteFlush(startMs: number): void {
    this.#logFlushTimer?.update(this.platform.clock.monotonic() - startMs)
  }

  #syncDir(): void {
    if (!this.#dirNeedsSync) return
    this.platform.storage.syncDirectory(this.#dir)
    this.platform.storage.syncDirectory(this.parentDir)
    this.#dirNeedsSync = false
  }

  #moveRecoveryPoint(offset: number): void {
    if (offset <= this.recoveryPoint) return
    this.recoveryPoint = offset
    this.#lastFlushTime = this.platform.clock.now()
  }

  #storageFailure(what: string, error: unknown): unknown {
    if (!isIOException(error)) return error
    const message = `Error while ${what} in ${this.#dir}`
    this.#logDirFailureChannel.maybeAddOfflineLogDir(this.parentDir, message, error)
    return new KafkaStorageException(message, { cause: error })
  }
}
