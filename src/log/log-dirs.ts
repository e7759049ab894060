/**
 * # LogDirs
 *
 * The log directories of a broker, as directories: which of them work, who holds their
 * locks, and the two checkpoint files in each. What the logs in them mean is the business
 * of `LogManager`.
 *
 * A directory is live until something in it fails. It never comes back before a restart.
 *
 * @kafka core/src/main/scala/kafka/log/LogManager.scala#LogManager
 * @differs in Kafka this is part of `LogManager`.
 * @module
 */
import {
  IOException,
  KafkaException,
  KafkaStorageException,
  LogDirNotFoundException,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Platform } from '../base/platform/Platform.ts'
import { join } from '../base/platform/path.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { isIOException } from './io-exception.ts'
import type { LogDirFailureChannel } from './LogDirFailureChannel.ts'
import { OffsetCheckpointFile } from './OffsetCheckpointFile.ts'

/** Name of the lock in each log directory. */
export const LockFile = '.lock'

/** Name of the file of recovery points in each log directory. */
export const RecoveryPointCheckpointFile = 'recovery-point-offset-checkpoint'

/** Name of the file of log start offsets in each log directory. */
export const LogStartOffsetCheckpointFile = 'log-start-offset-checkpoint'

/** What the directories are made of. */
export interface LogDirsOptions {
  /** Absolute paths of all log directories. */
  readonly logDirs: readonly string[]
  /** Those of them that have failed already. */
  readonly initialOfflineDirs?: readonly string[]
  readonly platform: Platform
  readonly logDirFailureChannel: LogDirFailureChannel
  /** Called when no log directory is left; throws by default. */
  readonly halt?: (message: string) => void
}

/** What is known of the logs of a directory before they are opened. */
export interface LogDirCheckpoints {
  /** Offsets below which all is on the disk. */
  readonly recoveryPoints: TopicPartitionMap<number>
  /** Offsets below which all was deleted. */
  readonly logStartOffsets: TopicPartitionMap<number>
}

/** The log directories of one broker. */
export class LogDirs {
  readonly #options: LogDirsOptions
  readonly #locks = new Map<string, () => void>()
  readonly #recoveryPoints = new Map<string, OffsetCheckpointFile>()
  readonly #logStartOffsets = new Map<string, OffsetCheckpointFile>()
  readonly #log = logger('LogManager')
  #live: readonly string[] = []

  /** Touches nothing yet. */
  constructor(options: LogDirsOptions) {
    this.#options = options
  }

  /** The directories that work, in the order of the configuration. */
  get live(): readonly string[] {
    return this.#live
  }

  /** The directories that have failed. */
  get offline(): readonly string[] {
    return this.#options.logDirs.filter((dir) => !this.#live.includes(dir))
  }

  /**
   * Makes the directories that are missing.
   *
   * @throws KafkaException when one is named twice
   * @kafka core/src/main/scala/kafka/log/LogManager.scala#createAndValidateLogDirs
   */
  createAndValidateLogDirs(): void {
    // A directory named twice would be locked by ourselves.
    const { logDirs } = this.#options
    if (new Set(logDirs).size < logDirs.length) {
      throw new KafkaException(`duplicate log directory found: ${logDirs.join(', ')}`)
    }

    // One that does not work is left out; without any the broker cannot work.
    this.#live = logDirs
    this.#keepWhere('creating or validating', (dir) => this.#validate(dir))
  }

  /**
   * Takes the lock of every directory.
   *
   * @throws KafkaException when another broker holds one; no lock is held then
   * @kafka core/src/main/scala/kafka/log/LogManager.scala#lockLogDirs
   */
  lockLogDirs(): void {
    try {
      this.#keepWhere('locking', (dir) => {
        this.#locks.set(dir, this.#lock(join(dir, LockFile)))
      })
    } catch (error) {
      this.unlockAll()
      throw error
    }
  }

  /** Gives one lock back. */
  unlock(dir: string): void {
    this.#locks.get(dir)?.()
    this.#locks.delete(dir)
  }

  /** Gives all locks back. */
  unlockAll(): void {
    for (const dir of [...this.#locks.keys()]) this.unlock(dir)
  }

  /**
   * Opens the checkpoint files of every directory.
   *
   * @throws KafkaStorageException when no directory is left; no lock is held then
   */
  openCheckpoints(): void {
    const { logDirFailureChannel: channel, platform } = this.#options
    const open = (dir: string, name: string) =>
      new OffsetCheckpointFile(platform.storage, join(dir, name), channel)
    try {
      this.#keepWhere('opening checkpoints', (dir) => {
        this.#recoveryPoints.set(dir, open(dir, RecoveryPointCheckpointFile))
        this.#logStartOffsets.set(dir, open(dir, LogStartOffsetCheckpointFile))
      })
    } catch (error) {
      this.unlockAll()
      throw error
    }
  }

  /** The file of recovery points; `undefined` once the directory has failed. */
  recoveryPoints(dir: string): OffsetCheckpointFile | undefined {
    return this.#recoveryPoints.get(dir)
  }

  /** The file of log start offsets; `undefined` once the directory has failed. */
  logStartOffsets(dir: string): OffsetCheckpointFile | undefined {
    return this.#logStartOffsets.get(dir)
  }

  /**
   * The recovery points and the log start offsets of a directory, as they were last written.
   *
   * @throws KafkaStorageException when a file is damaged or the disk fails; the directory
   *   has then been reported
   * @differs 1.1.1 goes on with zeros, and the directory goes offline all the same, a moment
   *   after its logs were loaded, and what was deleted on request was there again. Here it is
   *   left as it is. To make it usable, remove the file: without it all is looked through.
   */
  readCheckpoints(dir: string): LogDirCheckpoints {
    return {
      recoveryPoints: this.#recoveryPoints.get(dir)?.read() ?? new TopicPartitionMap(),
      logStartOffsets:
        this.#logStartOffsets.get(dir)?.read() ?? new TopicPartitionMap(),
    }
  }

  /**
   * Takes a directory out of service; its lock stays until its logs have let go.
   *
   * @param dir absolute path
   */
  handleLogDirFailure(dir: string): void {
    this.#live = this.#live.filter((live) => live !== dir)
    if (this.#live.length === 0) {
      this.#halt(`all log dirs in ${this.#options.logDirs.join(', ')} have failed`)
    }
    this.#recoveryPoints.delete(dir)
    this.#logStartOffsets.delete(dir)
  }

  /**
   * Says whether a directory works.
   *
   * @throws LogDirNotFoundException when the broker has no such directory
   */
  isOnline(logDir: string): boolean {
    if (!this.#options.logDirs.includes(logDir)) {
      throw new LogDirNotFoundException(`log dir ${logDir} is not found in the config`)
    }
    return this.#live.includes(logDir)
  }

  /** Does something in a directory; if its disk fails, reports it and returns false. */
  tryDir(dir: string, what: string, action: () => void): boolean {
    try {
      action()
      return true
    } catch (error) {
      this.#report(dir, what, error)
      return false
    }
  }

  /** Like {@link tryDir}, for what has a result; `undefined` when the disk fails. */
  getFrom<T extends object>(dir: string, what: string, action: () => T): T | undefined {
    try {
      return action()
    } catch (error) {
      this.#report(dir, what, error)
      return undefined
    }
  }

  /** Like {@link tryDir}, for what takes its time. */
  async tryDirAsync(
    dir: string,
    what: string,
    action: () => Promise<void>,
  ): Promise<boolean> {
    try {
      await action()
      return true
    } catch (error) {
      this.#report(dir, what, error)
      return false
    }
  }

  /** Reports a failure of the disk; throws anything else again. */
  #report(dir: string, what: string, error: unknown): void {
    // A storage exception has been reported where it was made.
    if (error instanceof KafkaStorageException) return
    if (!isIOException(error)) throw error
    const message = `Error while ${what} in ${dir}`
    this.#options.logDirFailureChannel.maybeAddOfflineLogDir(dir, message, error)
  }

  /** Does something in every directory; those that fail are no longer live. */
  #keepWhere(what: string, action: (dir: string) => void): void {
    const kept = this.#live.filter((dir) => this.tryDir(dir, what, () => action(dir)))
    for (const dir of this.#live) if (!kept.includes(dir)) this.unlock(dir)
    this.#live = kept
    if (kept.length > 0) return
    const { logDirs } = this.#options
    this.#halt(`none of the log dirs ${logDirs.join(', ')} can be used`)
  }

  #validate(dir: string): void {
    if (this.#options.initialOfflineDirs?.includes(dir)) {
      throw new IOException(`failed to load ${dir} during broker startup`)
    }
    const { storage } = this.#options.platform
    if (!storage.exists(dir)) storage.mkdir(dir)
    if (!storage.usable(dir)) throw new IOException(`${dir} is not a usable directory`)
  }

  #lock(path: string): () => void {
    try {
      return this.#options.platform.storage.lock(path)
    } catch (error) {
      if (isIOException(error)) throw error
      throw new KafkaException(
        `failed to acquire lock on file ${path}: another broker, in this process or ` +
          'another, is using this directory',
        { cause: error },
      )
    }
  }

  #halt(message: string): void {
    this.#log.fatal(message)
    if (this.#options.halt === undefined) throw new KafkaStorageException(message)
    this.#options.halt(message)
  }
}
