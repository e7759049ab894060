/**
 * # LogManager
 *
 * All logs of a broker, in one or more log directories. It makes and deletes them,
 * runs what has to be done from time to time, and closes them in such a way that the next
 * start has nothing to recover. Opening them, and finding them, is the part of
 * `LoadedLogs`, which this extends.
 *
 *     /data/a/.lock                            held while a broker uses the directory
 *            /meta.properties                  which broker
 *            /recovery-point-offset-checkpoint what of each log is on the disk
 *            /log-start-offset-checkpoint      what of each log was deleted on request
 *            /orders-0/ …                      a log
 *            /orders-1.3f…-delete/             a log that waits for its deletion
 *            /.kafka_cleanshutdown             only between a proper stop and the next start
 *
 * A directory that fails is taken out of service; the others go on.
 *
 * Invariants: a partition has at most one log in service, and at most one that is being
 * moved here.
 *
 * @kafka core/src/main/scala/kafka/log/LogManager.scala#LogManager
 * @differs where Kafka halts the process because no log directory is left, `halt` is
 *   called; it throws by default.
 * @module
 */
import { inLanes } from '../base/async/steps.ts'
import { IllegalStateException, KafkaStorageException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Platform } from '../base/platform/Platform.ts'
import { join } from '../base/platform/path.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap, TopicPartitionSet } from '../base/TopicPartitionMap.ts'
import type { Log } from './Log.ts'
import type { LogCleanerView } from './LogCleanerView.ts'
import type { LogConfig } from './LogConfig.ts'
import { LoadedLogs } from './loaded-logs.ts'
import {
  CleanShutdownFile,
  logDeleteDirName,
  logDirName,
  logFutureDirName,
} from './log-file-names.ts'
import type { LogManagerOptions } from './log-manager-options.ts'

/** Milliseconds before any of the periodic tasks first runs. */
export const InitialTaskDelayMs = 30 * 1000

/** Milliseconds between two looks for logs to delete, when none is waiting. */
const minDeleteIntervalMs = 1000

/**
 * All logs of a broker.
 *
 * @kafka core/src/main/scala/kafka/log/LogManager.scala#LogManager
 */
export class LogManager extends LoadedLogs {
  readonly #options: LogManagerOptions
  readonly #platform: Platform
  readonly #log = logger('LogManager')

  /** Logs whose directories wait to be removed, with the time they were renamed. */
  readonly #logsToBeDeleted: { readonly log: Log; readonly scheduledMs: number }[] = []

  /** Where a log is to be made, if someone said so. */
  readonly #preferredLogDirs = new TopicPartitionMap<string>()

  /** Logs that the cleaner keeps off because they are being moved. */
  readonly #pausedForMove = new TopicPartitionSet()

  #cleaner: LogCleanerView | undefined

  /**
   * Takes the directories; {@link loadLogs} is to be called before anything else.
   *
   * @throws KafkaException when a directory is in use, or named twice
   * @throws KafkaStorageException when none can be used
   */
  constructor(options: LogManagerOptions) {
    super(options)
    this.#options = options
    this.#platform = options.platform
  }

  /** The cleaner of compacted logs, if there is one; made once the logs are loaded. */
  get cleaner(): LogCleanerView | undefined {
    return this.#cleaner
  }

  override async loadLogs(signal?: AbortSignal): Promise<void> {
    await super.loadLogs(signal)
    try {
      const { createCleaner } = this.#options
      this.#cleaner = createCleaner?.(this.currentLogs(), this.liveLogDirs)
    } catch (error) {
      this.giveUp()
      throw error
    }
  }

  /** Begins what has to be done from time to time, and the cleaner. */
  startup(): void {
    // Everything waits half a minute, until the broker has found its feet.
    const { config, scheduler } = this.#options
    const first = InitialTaskDelayMs
    this.#log.info(`Starting log cleanup every ${config.logCleanupIntervalMs} ms`)
    scheduler.schedule(
      'kafka-log-retention',
      () => this.cleanupLogs(),
      first,
      config.logCleanupIntervalMs,
    )
    scheduler.schedule(
      'kafka-log-flusher',
      () => this.flushDirtyLogs(),
      first,
      config.logFlushSchedulerIntervalMs,
    )

    // What the next start will want to know.
    scheduler.schedule(
      'kafka-recovery-point-checkpoint',
      () => this.checkpointLogRecoveryOffsets(),
      first,
      config.logFlushOffsetCheckpointIntervalMs,
    )
    scheduler.schedule(
      'kafka-log-start-offset-checkpoint',
      () => this.checkpointLogStartOffsets(),
      first,
      config.logFlushStartOffsetCheckpointIntervalMs,
    )

    // Deleting schedules itself, for when the next log is due.
    scheduler.schedule('kafka-delete-logs', () => this.deleteLogs(), first)
    this.cleaner?.startup()
  }

  /**
   * Flushes and closes every log, writes the checkpoints, and marks each directory as
   * properly closed.
   *
   * @throws what closing a log throws; the locks are given back all the same
   */
  async shutdown(): Promise<void> {
    // Nobody may change a log that is being closed.
    this.#log.info('Shutting down.')
    await this.cleaner?.shutdown()

    // A directory that fails must not keep the others from being closed.
    let failure: unknown
    const dirs = this.liveLogDirs
    await inLanes(dirs.length, dirs, async (dir) => {
      try {
        await this.#closeLogDir(dir)
      } catch (error) {
        this.#log.error(`Error while closing the logs in ${dir}`, error)
        failure ??= error
      }
    })

    // The directories are free for the next broker.
    this.dirs.unlockAll()
    if (failure !== undefined) throw failure
    this.#log.info('Shutdown complete.')
  }

  /**
   * The log of a partition; made if there is none, in the directory with the fewest logs.
   *
   * @param config settings of its topic, for a new log
   * @param isNew true when the partition itself is new, and so has no log anywhere
   * @param isFuture true for a log that is to replace one in another directory
   * @throws KafkaStorageException when the log may lie in a directory that has failed, or
   *   the disk fails
   */
  getOrCreateLog(
    topicPartition: TopicPartition,
    config: LogConfig,
    isNew = false,
    isFuture = false,
  ): Log {
    // It is there, or may be where we cannot look.
    const existing = this.getLog(topicPartition, isFuture)
    if (existing !== undefined) return existing
    if (!isNew && this.offlineLogDirs.length > 0) {
      throw new KafkaStorageException(
        `cannot create log for ${topicPartition} because log directories ` +
          `${this.offlineLogDirs.join(',')} are offline`,
      )
    }

    // Choose the directory.
    const logDir = this.#chooseLogDir(topicPartition, isFuture)
    if (!this.isLogDirOnline(logDir)) {
      throw new KafkaStorageException(
        `cannot create log for ${topicPartition} because log directory ${logDir} is offline`,
      )
    }

    // Make the log; from then on the choice is as good as forgotten.
    const uuid = this.#platform.random.uuid()
    const name = isFuture
      ? logFutureDirName(topicPartition, uuid)
      : logDirName(topicPartition)
    const log = this.createLog(join(logDir, name), logDir, config)
    this.logs(isFuture).set(topicPartition, log)
    this.#preferredLogDirs.delete(topicPartition)
    this.#log.info(`Created log for partition ${topicPartition} in ${logDir}`)
    return log
  }

  /**
   * Says where a partition's next log is to be made.
   *
   * @param logDir absolute path; ignored when the partition has a log there already
   */
  maybeUpdatePreferredLogDir(topicPartition: TopicPartition, logDir: string): void {
    const isThere = (log: Log | undefined) => log?.parentDir === logDir
    if (isThere(this.getLog(topicPartition))) return
    if (isThere(this.getLog(topicPartition, true))) return
    this.#preferredLogDirs.set(topicPartition, logDir)
  }

  /**
   * Takes a log out of service; its directory is renamed now and removed later.
   *
   * @returns the log, or `undefined` if there is none
   * @throws KafkaStorageException when it may lie in a directory that has failed
   */
  asyncDelete(topicPartition: TopicPartition, isFuture = false): Log | undefined {
    // Take it out of service.
    const logs = this.logs(isFuture)
    const removedLog = logs.get(topicPartition)
    if (removedLog === undefined) {
      if (this.offlineLogDirs.length === 0) return undefined
      throw new KafkaStorageException(
        `failed to delete log for ${topicPartition} because it may be in one of the ` +
          `offline directories ${this.offlineLogDirs.join(',')}`,
      )
    }
    logs.delete(topicPartition)

    // The cleaner lets go of it; where a move ends, it may come back.
    const logDir = removedLog.parentDir
    if (isFuture) this.#resumeCleaning(topicPartition)
    else {
      this.cleaner?.abortCleaning(topicPartition)
      this.cleaner?.updateCheckpoints(logDir)
    }

    // Give it a name that no later log of the partition can have.
    const uuid = this.#platform.random.uuid()
    removedLog.renameDir(logDeleteDirName(topicPartition, uuid))
    this.checkpointLogRecoveryOffsetsInDir(logDir)
    this.checkpointLogStartOffsetsInDir(logDir)
    this.addLogToBeDeleted(removedLog)
    this.#log.info(
      `Log for partition ${topicPartition} is renamed to ${removedLog.dir}`,
    )
    return removedLog
  }

  /**
   * Puts the log that was moved here into service, in place of the one elsewhere, which is
   * deleted.
   *
   * @throws KafkaStorageException when either is offline, or the new one cannot be given
   *   its name: the old one then stays in service
   * @differs the new log is flushed first: what was on the disk must not be lost with the
   *   old directory. When the old directory cannot be put away, its disk is reported and
   *   the new log serves; in 1.1.1 the replica goes offline with the old disk.
   */
  replaceCurrentWithFutureLog(topicPartition: TopicPartition): void {
    // Both must be there.
    const sourceLog = this.logs(false).get(topicPartition)
    const destLog = this.logs(true).get(topicPartition)
    if (sourceLog === undefined || destLog === undefined) {
      const which = sourceLog === undefined ? 'current' : 'future'
      throw new KafkaStorageException(
        `the ${which} replica for ${topicPartition} is offline`,
      )
    }

    // Give the new one its name, and the cleaner its place.
    destLog.flushBeforeService()
    destLog.renameDir(logDirName(topicPartition))
    this.logs(true).delete(topicPartition)
    this.logs(false).set(topicPartition, destLog)
    const { parentDir } = sourceLog
    this.cleaner?.alterCheckpointDir(topicPartition, parentDir, destLog.parentDir)
    this.#resumeCleaning(topicPartition)

    // Put the old one away, to be deleted.
    try {
      const uuid = this.#platform.random.uuid()
      sourceLog.renameDir(logDeleteDirName(topicPartition, uuid))
      sourceLog.close()
      this.checkpointLogRecoveryOffsetsInDir(parentDir)
      this.checkpointLogStartOffsetsInDir(parentDir)
      this.addLogToBeDeleted(sourceLog)
    } catch (error) {
      sourceLog.closeHandlers()
      if (!(error instanceof KafkaStorageException)) throw error
      this.#log.error(`${sourceLog} could not be put away after its move`, error)
    }
  }

  /**
   * Truncates logs; partitions without one are passed over.
   *
   * @param partitionOffsets new log end by partition
   */
  truncateTo(partitionOffsets: TopicPartitionMap<number>, isFuture = false): void {
    let truncated = false
    for (const [topicPartition, offset] of partitionOffsets) {
      const log = this.getLog(topicPartition, isFuture)
      if (log === undefined) continue

      // The cleaner must not work on segments that are about to go.
      const needsPause = !isFuture && offset < log.activeSegment.baseOffset
      const cleaner = needsPause ? this.cleaner : undefined
      cleaner?.abortAndPauseCleaning(topicPartition)
      try {
        if (log.truncateTo(offset)) truncated = true
        const { baseOffset } = log.activeSegment
        cleaner?.maybeTruncateCheckpoint(log.parentDir, topicPartition, baseOffset)
      } finally {
        cleaner?.resumeCleaning(topicPartition)
      }
    }
    if (truncated) this.checkpointLogRecoveryOffsets()
  }

  /** Empties a log and lets it begin at an offset; no log, nothing to do. */
  truncateFullyAndStartAt(
    topicPartition: TopicPartition,
    newOffset: number,
    isFuture = false,
  ): void {
    const log = this.getLog(topicPartition, isFuture)
    if (log === undefined) return
    const cleaner = isFuture ? undefined : this.cleaner
    cleaner?.abortAndPauseCleaning(topicPartition)
    log.truncateFullyAndStartAt(newOffset)
    const { baseOffset } = log.activeSegment
    cleaner?.maybeTruncateCheckpoint(log.parentDir, topicPartition, baseOffset)
    cleaner?.resumeCleaning(topicPartition)
    this.checkpointLogRecoveryOffsetsInDir(log.parentDir)
  }

  /**
   * Keeps the cleaner off a log that is being moved, until the move has ended one way or
   * the other. A second call does nothing.
   */
  abortAndPauseCleaning(topicPartition: TopicPartition): void {
    if (this.#pausedForMove.has(topicPartition)) return
    this.#pausedForMove.add(topicPartition)
    this.cleaner?.abortAndPauseCleaning(topicPartition)
  }

  /**
   * Removes the directories of logs that have waited for `file.delete.delay.ms`, and
   * schedules itself for the next one.
   */
  deleteLogs(): void {
    // The oldest is the first.
    const now = this.#platform.clock.now()
    const delayMs = this.currentDefaultConfig.fileDeleteDelayMs
    const dueMs = () => {
      const next = this.#logsToBeDeleted[0]
      if (next === undefined) return Math.max(delayMs, minDeleteIntervalMs)
      return next.scheduledMs + delayMs - now
    }
    while (dueMs() <= 0) {
      const { log } = this.#logsToBeDeleted.shift() as { log: Log }
      try {
        log.delete()
        this.#log.info(`Deleted log for partition ${log.topicPartition} in ${log.dir}`)
      } catch (error) {
        this.#log.error(`Exception while deleting ${log}`, error)
      }
    }

    // Come back when the next one is due.
    const { scheduler } = this.#options
    if (!scheduler.isStarted) return
    scheduler.schedule('kafka-delete-logs', () => this.deleteLogs(), dueMs())
  }

  /** Applies retention to every log that is not compacted. */
  cleanupLogs(): void {
    let total = 0
    for (const log of this.allLogs) {
      if (!log.config.compact) total += log.deleteOldSegments()
    }
    if (total > 0) this.#log.info(`Log cleanup completed. ${total} segments deleted`)
  }

  /** Flushes the logs whose `flush.ms` has passed. */
  async flushDirtyLogs(): Promise<void> {
    for (const log of this.allLogs) {
      const sinceMs = this.#platform.clock.now() - log.lastFlushTime
      if (sinceMs < log.config.flushMs) continue
      try {
        await log.flush()
      } catch (error) {
        this.#log.error(`Error flushing topic ${log.topicPartition.topic}`, error)
      }
    }
  }

  /**
   * Takes a failed directory and all logs in it out of service.
   *
   * @param dir absolute path
   */
  handleLogDirFailure(dir: string): void {
    // Write nothing there any more.
    this.#log.info(`Stopping serving logs in dir ${dir}`)
    this.dirs.handleLogDirFailure(dir)
    this.cleaner?.handleLogDirFailure(dir)

    // Let its logs go.
    for (const logs of [this.logs(false), this.logs(true)]) {
      for (const [topicPartition, log] of [...logs]) {
        if (log.parentDir !== dir) continue
        logs.delete(topicPartition)
        log.closeHandlers()
        this.#resumeCleaning(topicPartition)
      }
    }
    this.dirs.unlock(dir)
  }

  protected override giveUp(): void {
    for (const { log } of this.#logsToBeDeleted) log.closeHandlers()
    this.#logsToBeDeleted.length = 0
    super.giveUp()
  }

  /** Says whether logs wait for the removal of their directories. */
  get hasLogsToBeDeleted(): boolean {
    return this.#logsToBeDeleted.length > 0
  }

  async #closeLogDir(dir: string): Promise<void> {
    // Bring everything to the disk, with several waits for it at a time.
    const logs = [...this.logsInDir(dir).values()]
    await inLanes(this.numRecoveryThreadsPerDataDir, logs, async (log) => {
      await log.flush()
      log.close()
    })

    // Say so: first how far, then that nothing is missing; if all of it was here.
    if (!this.isLoaded(dir)) return
    this.checkpointLogRecoveryOffsetsInDir(dir)
    this.checkpointLogStartOffsetsInDir(dir)
    this.dirs.tryDir(dir, 'writing the clean shutdown marker', () => {
      const { storage } = this.#platform
      storage.writeFile(join(dir, CleanShutdownFile), '')
      storage.syncDirectory(dir)
    })
  }

  #chooseLogDir(topicPartition: TopicPartition, isFuture: boolean): string {
    const preferred = this.#preferredLogDirs.get(topicPartition)
    if (isFuture && preferred === undefined) {
      throw new IllegalStateException(
        `cannot create the future log for ${topicPartition} without a preferred log dir`,
      )
    }
    if (isFuture && this.getLog(topicPartition)?.parentDir === preferred) {
      throw new IllegalStateException(
        `cannot create the future log for ${topicPartition} where its log is already`,
      )
    }
    return preferred ?? this.#nextLogDir()
  }

  /** The directory with the fewest logs; the first of several. */
  #nextLogDir(): string {
    const [first, ...others] = this.liveLogDirs
    if (first !== undefined && others.length === 0) return first

    // Count the logs of each; a directory without any counts, too.
    const counts = new Map(this.liveLogDirs.map((dir) => [dir, 0]))
    for (const { parentDir } of this.allLogs) {
      const count = counts.get(parentDir)
      if (count !== undefined) counts.set(parentDir, count + 1)
    }
    const [least] = [...counts].sort(([, a], [, b]) => a - b)
    if (least === undefined) throw new KafkaStorageException('no log dir is online')
    return least[0]
  }

  #resumeCleaning(topicPartition: TopicPartition): void {
    if (!this.#pausedForMove.delete(topicPartition)) return
    this.cleaner?.resumeCleaning(topicPartition)
  }

  protected override addLogToBeDeleted(log: Log): void {
    this.#logsToBeDeleted.push({ log, scheduledMs: this.#platform.clock.now() })
  }
}
