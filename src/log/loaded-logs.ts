/**
 * # LoadedLogs
 *
 * The logs of a broker, found by partition: opened when it starts, and written down, one
 * directory at a time, so that the next start finds how far each of them was on the disk.
 *
 *     currentLogs   orders-0 ─▶ /data/a/orders-0            in service
 *     futureLogs    orders-0 ─▶ /data/b/orders-0.3f…-future  being moved here
 *
 * A start loads all directories beside each other, and in each of them as many logs as
 * `num.recovery.threads.per.data.dir` says:
 *
 *     loadLogs ─┬─ loadLogDir /data/a ─┬─ lane: loadLog orders-0, loadLog stock-2, …
 *               │                      └─ lane: loadLog orders-1, …
 *               └─ loadLogDir /data/b ─── …
 *
 * The marker of a clean shutdown goes when all logs of its directory are open. Until all
 * directories are done nothing is written down: a broker that ends while it loads, whether
 * by a signal or a crash, leaves them as it found them, for the next start to begin again.
 *
 * Invariants: a partition has at most one log in service, and at most one that is being
 * moved here; the two never lie in one directory.
 *
 * @kafka core/src/main/scala/kafka/log/LogManager.scala#LogManager
 * @differs in Kafka a part of `LogManager`, which here extends it and decides what becomes
 *   of the logs. A pool of threads per directory becomes lanes in one thread: they share
 *   the processor, and wait for the disk at the same time, which is most of what many small
 *   logs wait for. A directory that fails while it loads is out of service at once, and not
 *   when somebody comes to hear of it; one whose epochs cannot be read is, too, where 1.1.1
 *   does not start.
 * @module
 */
import { inLanes, Pace } from '../base/async/steps.ts'
import { IllegalStateException, KafkaStorageException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { Distribution } from '../base/metrics/Distribution.ts'
import type { Platform } from '../base/platform/Platform.ts'
import { join } from '../base/platform/path.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { isIOException } from './io-exception.ts'
import { Log, type LogOptions } from './Log.ts'
import type { LogConfig } from './LogConfig.ts'
import { type LogDirCheckpoints, LogDirs } from './log-dirs.ts'
import {
  CleanShutdownFile,
  DeleteDirSuffix,
  parseTopicPartitionName,
} from './log-file-names.ts'
import type { LogManagerOptions } from './log-manager-options.ts'

/** Milliseconds between two searches for silent producers. */
export const ProducerIdExpirationCheckIntervalMs = 10 * 60 * 1000

/** Milliseconds between two lines about the progress of loading. */
const PROGRESS_INTERVAL_MS = 1000

/** The logs of a broker, and the directories they lie in. */
export abstract class LoadedLogs {
  /** Settings of the topics that had their own when the broker started. */
  readonly topicConfigs: ReadonlyMap<string, LogConfig>

  /** The directories: which work, who holds their locks, their checkpoint files. */
  protected readonly dirs: LogDirs

  /**
   * How long flushes of segments take, in ms.
   *
   * @kafka core/src/main/scala/kafka/log/LogSegment.scala#LogFlushStats
   */
  readonly logFlushTimer = new Distribution()

  readonly #options: LogManagerOptions
  readonly #platform: Platform
  readonly #log = logger('LogManager')

  /** Logs in service. */
  readonly #currentLogs = new TopicPartitionMap<Log>()

  /** Logs that are being filled to replace those in service elsewhere. */
  readonly #futureLogs = new TopicPartitionMap<Log>()

  #currentDefaultConfig: LogConfig
  #numRecoveryThreadsPerDataDir: number

  /** The directories all of whose logs are open: of others nothing may be written down. */
  readonly #loaded = new Set<string>()

  /** How many of its logs each directory has open, while it loads. */
  readonly #progress = new Map<string, { opened: number; readonly all: number }>()

  /** When progress was last told; on the clock that only rises. */
  #lastTold = 0

  /**
   * Takes the directories; their logs come with {@link loadLogs}.
   *
   * @throws KafkaException when a directory is in use, or named twice
   * @throws KafkaStorageException when none can be used. No lock is held then.
   */
  constructor(options: LogManagerOptions) {
    // What is given.
    this.#options = options
    this.#platform = options.platform
    this.topicConfigs = options.topicConfigs
    this.#currentDefaultConfig = options.initialDefaultConfig
    this.#numRecoveryThreadsPerDataDir = options.config.numRecoveryThreadsPerDataDir

    // The directories that can be used, and are ours.
    this.dirs = new LogDirs(options)
    this.dirs.createAndValidateLogDirs()
    this.dirs.lockLogDirs()
    this.dirs.openCheckpoints()
  }

  /** Takes in a log whose directory waits to be removed. */
  protected abstract addLogToBeDeleted(log: Log): void

  /** Takes a directory and its logs out of service. */
  abstract handleLogDirFailure(dir: string): void

  /** Settings of topics that have none of their own. */
  get currentDefaultConfig(): LogConfig {
    return this.#currentDefaultConfig
  }

  /** All log directories, those that have failed too, in the order of the configuration. */
  get logDirs(): readonly string[] {
    return this.#options.logDirs
  }

  /** The log directories that work, in the order of the configuration. */
  get liveLogDirs(): readonly string[] {
    return this.dirs.live
  }

  /** The log directories that have failed. */
  get offlineLogDirs(): readonly string[] {
    return this.dirs.offline
  }

  /** All logs, those that are being moved here included. */
  get allLogs(): readonly Log[] {
    return [...this.#currentLogs.values(), ...this.#futureLogs.values()]
  }

  /** How many logs of one directory are loaded, or closed, side by side. */
  get numRecoveryThreadsPerDataDir(): number {
    return this.#numRecoveryThreadsPerDataDir
  }

  /**
   * Changes how many logs of one directory are closed side by side: what is loaded is
   * loaded.
   *
   * @param newSize at least 1
   */
  resizeRecoveryThreadPool(newSize: number): void {
    this.#log.info(
      `Resizing recovery thread pool size for each data dir from ` +
        `${this.#numRecoveryThreadsPerDataDir} to ${newSize}`,
    )
    this.#numRecoveryThreadsPerDataDir = newSize
  }

  /** Replaces the settings of topics that have none of their own. */
  reconfigureDefaultLogConfig(logConfig: LogConfig): void {
    this.#currentDefaultConfig = logConfig
  }

  /**
   * Opens all logs. Where the last run did not stop properly, each is scanned from its
   * recovery point on. Everything else in the process goes on meanwhile.
   *
   * A directory whose disk fails goes offline; the others are loaded.
   *
   * @param signal gives up when it fires
   * @throws KafkaException for a directory that is no log, or a log that is there twice
   * @throws KafkaStorageException when no directory is left
   * @throws AbortError when the signal has fired. After any error no log is open, and the
   *   locks are given back.
   */
  async loadLogs(signal?: AbortSignal): Promise<void> {
    // Load the directories beside each other.
    const { clock } = this.#platform
    const started = clock.monotonic()
    this.#lastTold = started
    const pace = new Pace({ clock, signal, onTurn: () => this.#tellProgress() })
    const dirs = this.liveLogDirs
    try {
      await inLanes(dirs.length, dirs, (dir) => this.#loadLogDir(dir, pace))
    } catch (error) {
      this.#log.warn('Gave up loading logs', error)
      this.giveUp()
      throw error
    } finally {
      this.#progress.clear()
    }
    const ms = Math.round(clock.monotonic() - started)
    this.#log.info(`Logs loading complete in ${ms} ms, ${this.allLogs.length} logs`)
  }

  /**
   * The log of a partition.
   *
   * @param isFuture true for the one that is being moved here
   */
  getLog(topicPartition: TopicPartition, isFuture = false): Log | undefined {
    return this.logs(isFuture).get(topicPartition)
  }

  /** All logs of a topic. */
  logsByTopic(topic: string): readonly Log[] {
    return this.allLogs.filter((log) => log.topicPartition.topic === topic)
  }

  /** The logs in service, by partition. */
  currentLogs(): TopicPartitionMap<Log> {
    return this.#currentLogs
  }

  /**
   * Says whether a log directory works.
   *
   * @throws LogDirNotFoundException when the broker has no such directory
   */
  isLogDirOnline(logDir: string): boolean {
    return this.dirs.isOnline(logDir)
  }

  /** Writes down, in every directory, what of each log is on the disk. */
  checkpointLogRecoveryOffsets(): void {
    for (const dir of this.liveLogDirs) this.checkpointLogRecoveryOffsetsInDir(dir)
  }

  /** Writes down, in every directory, which logs begin above their first segment. */
  checkpointLogStartOffsets(): void {
    for (const dir of this.liveLogDirs) this.checkpointLogStartOffsetsInDir(dir)
  }

  /** Writes the recovery points of one directory, then drops snapshots not needed. */
  checkpointLogRecoveryOffsetsInDir(dir: string): void {
    const logs = this.logsInDir(dir)
    const checkpoint = this.dirs.recoveryPoints(dir)
    if (logs.size === 0 || checkpoint === undefined || !this.isLoaded(dir)) return
    this.dirs.tryDir(dir, 'writing recovery points', () => {
      const recoveryPoints = new TopicPartitionMap<number>()
      for (const [tp, log] of logs) recoveryPoints.set(tp, log.recoveryPoint)
      checkpoint.write(recoveryPoints)
      for (const log of logs.values()) log.deleteSnapshotsAfterRecoveryPointCheckpoint()
    })
  }

  /** Writes the log start offsets of one directory. */
  checkpointLogStartOffsetsInDir(dir: string): void {
    const logs = this.logsInDir(dir)
    const checkpoint = this.dirs.logStartOffsets(dir)
    if (logs.size === 0 || checkpoint === undefined || !this.isLoaded(dir)) return
    this.dirs.tryDir(dir, 'writing log start offsets', () => {
      const startOffsets = new TopicPartitionMap<number>()
      for (const [tp, log] of logs) {
        const base = log.logSegments[0]?.baseOffset ?? 0
        if (log.logStartOffset > base) startOffsets.set(tp, log.logStartOffset)
      }
      checkpoint.write(startOffsets)
    })
  }

  /** Says whether all logs of a directory are open, so that no offset of it is missing. */
  protected isLoaded(dir: string): boolean {
    return this.#loaded.has(dir)
  }

  protected logs(isFuture: boolean): TopicPartitionMap<Log> {
    return isFuture ? this.#futureLogs : this.#currentLogs
  }

  protected logsInDir(dir: string): TopicPartitionMap<Log> {
    const logs = new TopicPartitionMap<Log>()
    for (const log of this.allLogs) {
      if (log.parentDir === dir) logs.set(log.topicPartition, log)
    }
    return logs
  }

  /** Lets go of everything as it is, without a word to the disk but for the locks. */
  protected giveUp(): void {
    for (const log of this.allLogs) log.closeHandlers()
    this.#currentLogs.clear()
    this.#futureLogs.clear()
    this.#loaded.clear()
    this.dirs.unlockAll()
  }

  protected createLog(path: string, logDir: string, config: LogConfig): Log {
    try {
      return Log.open(
        this.#optionsOf(path, config, { recoveryPoint: 0, logStartOffset: 0 }),
      )
    } catch (error) {
      if (!isIOException(error)) throw error
      const message = `Error while creating log ${path}`
      this.#options.logDirFailureChannel.maybeAddOfflineLogDir(logDir, message, error)
      throw new KafkaStorageException(message, { cause: error })
    }
  }

  #optionsOf(
    dir: string,
    config: LogConfig,
    offsets: { readonly recoveryPoint: number; readonly logStartOffset: number },
  ): LogOptions {
    const { scheduler, platform, logDirFailureChannel } = this.#options
    return {
      dir,
      config,
      ...offsets,
      scheduler,
      platform,
      maxProducerIdExpirationMs: this.#options.config.transactionIdExpirationMs,
      producerIdExpirationCheckIntervalMs: ProducerIdExpirationCheckIntervalMs,
      logDirFailureChannel,
      logFlushTimer: this.logFlushTimer,
    }
  }

  /** Loads one directory; when its disk fails, nothing of it stays in service. */
  async #loadLogDir(dir: string, pace: Pace): Promise<void> {
    // Without the marker, every log is looked through.
    const { storage } = this.#platform
    const cleanShutdownFile = join(dir, CleanShutdownFile)
    const isClean = storage.exists(cleanShutdownFile)
    if (!isClean) this.#options.brokerState?.newState('RecoveringFromUncleanShutdown')

    // Find the logs, and where the last run left them.
    const found = this.dirs.getFrom(dir, 'looking for logs', () => {
      const all = storage.readdir(dir).map((name) => join(dir, name))
      const paths = all.filter((path) => storage.stat(path)?.isDirectory === true)
      return { paths, checkpoints: this.dirs.readCheckpoints(dir) }
    })
    if (found === undefined) {
      this.handleLogDirFailure(dir)
      return
    }

    // Open them in lanes; one that the disk refuses does not keep the others.
    const { paths, checkpoints } = found
    let isFine = true
    const progress = { opened: 0, all: paths.length }
    this.#progress.set(dir, progress)
    await inLanes(this.numRecoveryThreadsPerDataDir, paths, async (path) => {
      const load = () => this.#loadLog(path, checkpoints, pace)
      if (!(await this.dirs.tryDirAsync(dir, 'loading logs', load))) isFine = false
      progress.opened += 1
    }).catch((error) => {
      // What is no matter of the disk ends the start: the other directories need not go on.
      pace.fail(error)
      throw error
    })
    this.#progress.delete(dir)

    // From now on a crash is a crash again.
    const unmark = () => {
      if (isClean) storage.unlink(cleanShutdownFile)
    }
    if (!this.dirs.tryDir(dir, 'deleting the clean shutdown file', unmark))
      isFine = false
    if (isFine) this.#loaded.add(dir)
    else this.handleLogDirFailure(dir)
  }

  /** Tells, once a second, how far loading is, so that nobody takes it for standing. */
  #tellProgress(): void {
    const now = this.#platform.clock.monotonic()
    if (now - this.#lastTold < PROGRESS_INTERVAL_MS) return
    this.#lastTold = now
    for (const [dir, { opened, all }] of this.#progress) {
      this.#log.warn(`loading logs: ${opened} of ${all} in ${dir} are open`)
    }
  }

  async #loadLog(
    path: string,
    checkpoints: LogDirCheckpoints,
    pace: Pace,
  ): Promise<void> {
    // Open it where the last run left it.
    const topicPartition = parseTopicPartitionName(path)
    const topicConfig = this.topicConfigs.get(topicPartition.topic)
    const options = this.#optionsOf(path, topicConfig ?? this.#currentDefaultConfig, {
      recoveryPoint: checkpoints.recoveryPoints.get(topicPartition) ?? 0,
      logStartOffset: checkpoints.logStartOffsets.get(topicPartition) ?? 0,
    })
    const log = await pace.run(Log.opening(options))
    if (path.endsWith(DeleteDirSuffix)) {
      this.addLogToBeDeleted(log)
      return
    }

    // Two logs of one partition: nobody but the operator knows which is right.
    const logs = this.logs(log.isFuture)
    const previous = logs.get(topicPartition)
    if (previous !== undefined) {
      log.closeHandlers()
      throw new IllegalStateException(
        `duplicate log directories for ${topicPartition} are found in both ${log.dir} ` +
          `and ${previous.dir}; delete the one whose disk failed`,
      )
    }
    logs.set(topicPartition, log)
  }
}
