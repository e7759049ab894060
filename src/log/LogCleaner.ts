/**
 * # LogCleaner
 *
 * Keeps the compacted logs of a broker small: of every key at least the last message stays,
 * and in the end only that one. A few loops choose the dirtiest log, clean it, apply
 * retention to logs that are both compacted and deleted from, and rest when there is
 * nothing to do.
 *
 *     CleanerThread ─▶ grabFilthiestCompactedLog ─▶ Cleaner.clean ─▶ doneCleaning
 *          ▲                    │ none
 *          └── log.cleaner.backoff.ms
 *
 * @kafka core/src/main/scala/kafka/log/LogCleaner.scala#LogCleaner
 * @differs a cleaner is an async loop that gives way after every piece of
 *   `log.cleaner.io.buffer.size`. A log whose cleaning ends in an error that is not the
 *   disk's is left alone from then on, as in later versions; in 1.1.1 such an error ends
 *   the cleaner thread for good.
 * @module
 */
import { isAbortError } from '../base/async/abort.ts'
import { ShutdownableThread } from '../base/async/ShutdownableThread.ts'
import { KafkaStorageException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Platform } from '../base/platform/Platform.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import type { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { Cleaner } from './Cleaner.ts'
import type { CleanerStats } from './CleanerStats.ts'
import { isIOException } from './io-exception.ts'
import type { Log } from './Log.ts'
import { LogCleanerManager } from './LogCleanerManager.ts'
import type { LogCleanerView } from './LogCleanerView.ts'
import { LogCleaningAbortedException } from './LogCleaningAbortedException.ts'
import type { LogDirFailureChannel } from './LogDirFailureChannel.ts'
import type { LogToClean } from './LogToClean.ts'
import { SkimpyOffsetMap } from './SkimpyOffsetMap.ts'
import { Throttler } from './Throttler.ts'

/** Milliseconds between two looks at the rate of reading and writing. */
const throttleCheckIntervalMs = 300

/**
 * What the cleaner needs of the broker's configuration; `KafkaConfig` has all of it.
 *
 * @kafka core/src/main/scala/kafka/log/CleanerConfig.scala#CleanerConfig
 */
export interface LogCleanerConfig {
  /** `log.cleaner.threads`: loops that clean */
  readonly logCleanerThreads: number
  /** `log.cleaner.dedupe.buffer.size`: bytes of all offset maps together */
  readonly logCleanerDedupeBufferSize: number
  /** `log.cleaner.io.buffer.load.factor`: share of an offset map that is used */
  readonly logCleanerDedupeBufferLoadFactor: number
  /** `log.cleaner.io.buffer.size`: bytes of all read and write buffers together */
  readonly logCleanerIoBufferSize: number
  /** `log.cleaner.io.max.bytes.per.second`: bytes read and written by all together */
  readonly logCleanerIoMaxBytesPerSecond: number
  /** `log.cleaner.backoff.ms`: rest when nothing is dirty enough */
  readonly logCleanerBackoffMs: number
}

/** What the cleaner is made with. */
export interface LogCleanerOptions {
  readonly config: LogCleanerConfig
  /** The log directories that work. */
  readonly logDirs: readonly string[]
  /** The logs in service; changes as they come and go. */
  readonly logs: TopicPartitionMap<Log>
  readonly logDirFailureChannel: LogDirFailureChannel
  readonly platform: Platform
}

/**
 * The cleaner of compacted logs.
 *
 * @kafka core/src/main/scala/kafka/log/LogCleaner.scala#LogCleaner
 */
export class LogCleaner implements LogCleanerView {
  /** Which logs are cleaned, and up to where they are clean. */
  readonly cleanerManager: LogCleanerManager

  #cleaners: readonly CleanerThread[]
  /** Bytes that cleaners before the last {@link reconfigure} read and wrote. */
  #ioBytesBefore = 0
  #throttler: Throttler | undefined
  readonly #options: LogCleanerOptions
  readonly #platform: Platform
  readonly #log = logger('LogCleaner')

  /** Makes the loops; none runs before {@link startup}. */
  constructor(options: LogCleanerOptions) {
    this.#options = options
    this.#platform = options.platform
    this.cleanerManager = new LogCleanerManager(options)
    this.#cleaners = this.#newCleaners(options)
  }

  #newCleaners(options: LogCleanerOptions): CleanerThread[] {
    const { config, platform } = options
    const throttler = new Throttler({
      desiredRatePerSec: config.logCleanerIoMaxBytesPerSecond,
      checkIntervalMs: throttleCheckIntervalMs,
      clock: platform.clock,
    })
    this.#ioBytesBefore = this.ioBytes
    this.#throttler = throttler
    return Array.from(
      { length: config.logCleanerThreads },
      (_, threadId) =>
        new CleanerThread(threadId, this.cleanerManager, throttler, options),
    )
  }

  /** Bytes that cleaners have read and written. */
  get ioBytes(): number {
    return this.#ioBytesBefore + (this.#throttler?.observedTotal ?? 0)
  }

  /** Loops that clean. */
  get numThreads(): number {
    return this.#cleaners.length
  }

  /** The loops themselves, for whoever watches what they do. */
  get threads(): readonly ShutdownableThread[] {
    return this.#cleaners
  }

  /**
   * Stops the loops and starts others, with other settings. What was being cleaned is
   * given up, and begun again.
   *
   * @kafka core/src/main/scala/kafka/log/LogCleaner.scala#LogCleaner.reconfigure
   */
  async reconfigure(config: LogCleanerConfig): Promise<void> {
    await this.shutdown()
    this.#cleaners = this.#newCleaners({ ...this.#options, config })
    this.startup()
  }

  /** What each loop did last; `undefined` before it cleaned anything. */
  get lastStats(): readonly (CleanerStats | undefined)[] {
    return this.#cleaners.map((cleaner) => cleaner.lastStats)
  }

  /**
   * Largest share of its offset map that a loop used in its last cleaning, 0 to 1.
   *
   * @kafka core/src/main/scala/kafka/log/LogCleaner.scala#LogCleaner
   */
  get maxBufferUtilization(): number {
    return Math.max(0, ...this.lastStats.map((stats) => stats?.bufferUtilization ?? 0))
  }

  /** Share of the bytes read that the last cleanings of all loops kept, 0 to 1. */
  get recopyRate(): number {
    let bytesRead = 0
    let bytesWritten = 0
    for (const stats of this.lastStats) {
      bytesRead += stats?.bytesRead ?? 0
      bytesWritten += stats?.bytesWritten ?? 0
    }
    return bytesWritten / Math.max(bytesRead, 1)
  }

  /** Starts the loops. */
  startup(): void {
    this.#log.info('Starting the log cleaner')
    for (const cleaner of this.#cleaners) cleaner.start()
  }

  /** Stops the loops; resolves when nothing is being cleaned any more. */
  async shutdown(): Promise<void> {
    this.#log.info('Shutting down the log cleaner.')
    await Promise.all(this.#cleaners.map((cleaner) => cleaner.shutdown()))
  }

  /** Gives up what is being cleaned of a log. */
  abortCleaning(topicPartition: TopicPartition): void {
    this.cleanerManager.abortCleaning(topicPartition)
  }

  /** Like {@link abortCleaning}, and does not begin again before it is resumed. */
  abortAndPauseCleaning(topicPartition: TopicPartition): void {
    this.cleanerManager.abortAndPauseCleaning(topicPartition)
  }

  /** Lets a paused log be cleaned again. */
  resumeCleaning(topicPartition: TopicPartition): void {
    this.cleanerManager.resumeCleaning(topicPartition)
  }

  /** Moves the point up to which a log counts as clean down to its new end. */
  maybeTruncateCheckpoint(
    logDir: string,
    topicPartition: TopicPartition,
    offset: number,
  ): void {
    this.cleanerManager.maybeTruncateCheckpoint(logDir, topicPartition, offset)
  }

  /** Forgets the logs that are no longer there. */
  updateCheckpoints(logDir: string): void {
    this.cleanerManager.updateCheckpoints(logDir)
  }

  /** Carries a log's clean point over to another log directory. */
  alterCheckpointDir(
    topicPartition: TopicPartition,
    sourceLogDir: string,
    destLogDir: string,
  ): void {
    this.cleanerManager.alterCheckpointDir(topicPartition, sourceLogDir, destLogDir)
  }

  /** Stops cleaning in a log directory that has failed. */
  handleLogDirFailure(logDir: string): void {
    this.cleanerManager.handleLogDirFailure(logDir)
  }

  /**
   * Waits until a log is clean up to an offset.
   *
   * @param maxWaitMs at most this long
   * @returns whether it is
   */
  async awaitCleaned(
    topicPartition: TopicPartition,
    offset: number,
    maxWaitMs = 60_000,
  ): Promise<boolean> {
    const { clock } = this.#platform
    const isCleaned = () =>
      (this.cleanerManager.allCleanerCheckpoints.get(topicPartition) ?? -1) >= offset
    const end = clock.monotonic() + maxWaitMs
    for (
      let left = maxWaitMs;
      !isCleaned() && left > 0;
      left = end - clock.monotonic()
    ) {
      await this.cleanerManager.cleaned.waitFor(left, clock)
    }
    return isCleaned()
  }
}

/**
 * A loop that cleans.
 *
 * @kafka core/src/main/scala/kafka/log/LogCleaner.scala#CleanerThread
 */
class CleanerThread extends ShutdownableThread {
  /** What the last cleaning did. */
  lastStats: CleanerStats | undefined

  readonly #cleaner: Cleaner
  readonly #manager: LogCleanerManager
  readonly #options: LogCleanerOptions
  readonly #log = logger('LogCleaner')

  constructor(
    threadId: number,
    manager: LogCleanerManager,
    throttler: Throttler,
    options: LogCleanerOptions,
  ) {
    // Each loop has its share of the memory, half of it to read into.
    super(`kafka-log-cleaner-thread-${threadId}`)
    const { config, platform } = options
    const threads = config.logCleanerThreads
    const mapBytes = Math.min(config.logCleanerDedupeBufferSize / threads, 0x7fffffff)
    this.#manager = manager
    this.#options = options
    this.#cleaner = new Cleaner({
      id: threadId,
      offsetMap: new SkimpyOffsetMap(mapBytes),
      ioBufferSize: Math.floor(config.logCleanerIoBufferSize / threads / 2),
      dupBufferLoadFactor: config.logCleanerDedupeBufferLoadFactor,
      throttler,
      platform,
      signal: this.signal,
      checkDone: (topicPartition) => this.checkDone(topicPartition),
    })
  }

  /** Cleans a log, or rests. */
  override async doWork(): Promise<void> {
    await this.cleanOrSleep()
  }

  /** Cleans the dirtiest log, or rests if none is dirty enough. */
  async cleanOrSleep(): Promise<void> {
    // Compact one log.
    const cleanable = this.#manager.grabFilthiestCompactedLog()
    const cleaned = cleanable !== undefined && (await this.#cleanLog(cleanable))

    // Delete old segments of logs that are compacted, too.
    for (const [topicPartition, log] of this.#manager.deletableLogs()) {
      try {
        log.deleteOldSegments()
      } catch (error) {
        if (!(error instanceof KafkaStorageException)) throw error
      } finally {
        this.#manager.doneDeleting(topicPartition)
      }
    }
    if (!cleaned) await this.#rest()
  }

  /**
   * Lets the cleaner go on, or not.
   *
   * @throws LogCleaningAbortedException when it must stop
   */
  checkDone(topicPartition: TopicPartition): void {
    if (!this.isRunning)
      throw new LogCleaningAbortedException('the cleaner is stopping')
    this.#manager.checkCleaningAborted(topicPartition)
  }

  /** Logs what a cleaning did. */
  recordStats(name: string, from: number, to: number, stats: CleanerStats): void {
    this.lastStats = stats
    const kept =
      stats.messagesRead === 0 ? 1 : stats.messagesWritten / stats.messagesRead
    this.#log.info(
      `Log cleaner cleaned ${name} (dirty section = [${from}, ${to}]): ` +
        `${stats.bytesRead} bytes and ${stats.messagesRead} messages read in ` +
        `${stats.elapsedSecs} s, ${stats.bytesWritten} bytes and ` +
        `${stats.messagesWritten} messages kept (${Math.round(kept * 100)}%), ` +
        `buffer utilization ${Math.round(stats.bufferUtilization * 100)}%`,
    )
    if (stats.invalidMessagesRead === 0) return
    this.#log.warn(
      `Found ${stats.invalidMessagesRead} messages without a key in ${name}`,
    )
  }

  /** Cleans one log; returns whether that went well. */
  async #cleanLog(cleanable: LogToClean): Promise<boolean> {
    const { log, topicPartition, firstDirtyOffset } = cleanable
    const { parentDir } = log
    let endOffset = firstDirtyOffset
    try {
      const [nextDirtyOffset, stats] = await this.#cleaner.clean(cleanable)
      endOffset = nextDirtyOffset
      this.recordStats(log.name, firstDirtyOffset, endOffset, stats)
      return true
    } catch (error) {
      this.#noteFailure(error, parentDir, topicPartition)
      return false
    } finally {
      this.#manager.doneCleaning(topicPartition, parentDir, endOffset)
    }
  }

  /** Passes over an abort, reports a disk that failed, and a log that is not in order. */
  #noteFailure(error: unknown, dir: string, topicPartition: TopicPartition): void {
    // Files of a log that was given up may be gone; that is no failure.
    if (error instanceof LogCleaningAbortedException || isAbortError(error)) return
    if (this.#manager.cleaningState(topicPartition)?.name === 'Aborted') return
    if (error instanceof KafkaStorageException) return

    // The disk takes the directory with it, anything else only this log.
    const message = `Failed to clean up log for ${topicPartition} in dir ${dir}`
    if (isIOException(error)) {
      this.#options.logDirFailureChannel.maybeAddOfflineLogDir(dir, message, error)
      return
    }
    this.#log.error(message, error)
    this.#manager.markPartitionUncleanable(topicPartition)
  }

  #rest(): Promise<void> {
    const { config, platform } = this.#options
    return this.pause(config.logCleanerBackoffMs, platform.clock)
  }
}
