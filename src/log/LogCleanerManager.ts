/**
 * # LogCleanerManager
 *
 * Decides which log is cleaned next, knows which are being cleaned, and keeps, in a file of
 * each log directory, up to where each log is clean.
 *
 *     none ──grab──▶ InProgress ──done──▶ none           the end is written down
 *       │                │
 *       │           abort and pause
 *       │                ▼
 *       └─pause─▶ Paused ◀─ noticed ─ Aborted            nothing is written down
 *
 * Invariants: a log is cleaned by one cleaner at a time; never while it is paused.
 *
 * @kafka core/src/main/scala/kafka/log/LogCleanerManager.scala#LogCleanerManager
 * @differs aborting does not wait until the cleaner has noticed: a cleaner looks at the
 *   state each time before it touches the log, and nothing runs in between. As in later
 *   versions, a log may be paused more than once (1.1.1 throws), and one that cannot be
 *   cleaned is left alone.
 * @module
 */
import { Condition } from '../base/async/Condition.ts'
import { IllegalStateException, KafkaStorageException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Platform } from '../base/platform/Platform.ts'
import { join } from '../base/platform/path.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap, TopicPartitionSet } from '../base/TopicPartitionMap.ts'
import type { Log } from './Log.ts'
import { LogCleaningAbortedException } from './LogCleaningAbortedException.ts'
import type { LogDirFailureChannel } from './LogDirFailureChannel.ts'
import { LogToClean } from './LogToClean.ts'
import { OffsetCheckpointFile } from './OffsetCheckpointFile.ts'

/** Name of the file that says up to where each log of a directory is clean. */
export const offsetCheckpointFile = 'cleaner-offset-checkpoint'

/**
 * Whether a log is being cleaned, or must not be.
 *
 * @kafka core/src/main/scala/kafka/log/LogCleanerManager.scala#LogCleaningState
 */
export interface LogCleaningState {
  readonly name: 'InProgress' | 'Aborted' | 'Paused'

  /** How many wait for {@link LogCleanerManager.resumeCleaning}; 0 when in progress. */
  readonly pausedCount: number
}

/** What the manager is made with. */
export interface LogCleanerManagerOptions {
  /** The log directories that work. */
  readonly logDirs: readonly string[]
  /** The logs in service; changes as they come and go. */
  readonly logs: TopicPartitionMap<Log>
  readonly logDirFailureChannel: LogDirFailureChannel
  readonly platform: Platform
}

/**
 * The state of cleaning, for all logs.
 *
 * @kafka core/src/main/scala/kafka/log/LogCleanerManager.scala#LogCleanerManager
 */
export class LogCleanerManager {
  /** Woken whenever a log is done. */
  readonly cleaned = new Condition()

  /** How dirty the dirtiest log was when last looked, 0 to 1. */
  dirtiestLogCleanableRatio = 0

  /** When a cleaner last looked for a log to clean, wall ms; at first, when this began. */
  timeOfLastRun: number

  readonly #logs: TopicPartitionMap<Log>
  readonly #inProgress = new TopicPartitionMap<LogCleaningState>()

  /** Logs that cannot be cleaned, as an error has shown. */
  readonly #uncleanablePartitions = new TopicPartitionSet()
  readonly #checkpoints = new Map<string, OffsetCheckpointFile>()
  readonly #platform: Platform
  readonly #log = logger('LogCleaner')

  /** Opens the file of each directory; a directory that fails is reported. */
  constructor(options: LogCleanerManagerOptions) {
    const { logDirFailureChannel, platform } = options
    this.#logs = options.logs
    this.#platform = platform
    this.timeOfLastRun = platform.clock.now()
    for (const dir of options.logDirs) {
      try {
        const path = join(dir, offsetCheckpointFile)
        const { storage } = platform
        const file = new OffsetCheckpointFile(storage, path, logDirFailureChannel)
        this.#checkpoints.set(dir, file)
      } catch (error) {
        const message = `Error while opening ${offsetCheckpointFile} in ${dir}`
        logDirFailureChannel.maybeAddOfflineLogDir(dir, message, error)
      }
    }
  }

  /** Up to where each log is clean, of all directories that can be read. */
  get allCleanerCheckpoints(): TopicPartitionMap<number> {
    const all = new TopicPartitionMap<number>()
    for (const [dir, checkpoint] of this.#checkpoints) {
      try {
        for (const [topicPartition, offset] of checkpoint.read()) {
          all.set(topicPartition, offset)
        }
      } catch (error) {
        if (!(error instanceof KafkaStorageException)) throw error
        this.#log.error(`Failed to access ${offsetCheckpointFile} in ${dir}`, error)
      }
    }
    return all
  }

  /** Milliseconds since a cleaner last looked for work; long ago when they have died. */
  get timeSinceLastRunMs(): number {
    return this.#platform.clock.now() - this.timeOfLastRun
  }

  /** The state of a log; `undefined` when nobody has a hand on it. */
  cleaningState(topicPartition: TopicPartition): LogCleaningState | undefined {
    return this.#inProgress.get(topicPartition)
  }

  /**
   * Chooses the dirtiest log that is dirty enough, and marks it as in progress.
   *
   * @returns `undefined` when none is
   */
  grabFilthiestCompactedLog(): LogToClean | undefined {
    // Look at every compacted log that nobody has a hand on.
    const now = this.#platform.clock.now()
    this.timeOfLastRun = now
    const lastClean = this.allCleanerCheckpoints
    const dirtyLogs: LogToClean[] = []
    for (const [topicPartition, log] of this.#logs) {
      if (!log.config.compact || this.#inProgress.has(topicPartition)) continue
      if (this.#uncleanablePartitions.has(topicPartition)) continue
      const [firstDirty, firstUncleanable] = cleanableOffsets(log, lastClean, now)
      const toClean = new LogToClean(topicPartition, log, firstDirty, firstUncleanable)
      if (toClean.totalBytes > 0) dirtyLogs.push(toClean)
    }

    // Take the dirtiest.
    dirtyLogs.sort((a, b) => b.cleanableRatio - a.cleanableRatio)
    this.dirtiestLogCleanableRatio = dirtyLogs[0]?.cleanableRatio ?? 0
    const filthiest = dirtyLogs.find(
      ({ cleanableRatio, log }) => cleanableRatio > log.config.minCleanableRatio,
    )
    if (filthiest !== undefined) this.#setInProgress(filthiest.topicPartition)
    return filthiest
  }

  /** The logs that are both compacted and deleted from, each marked as in progress. */
  deletableLogs(): (readonly [TopicPartition, Log])[] {
    const toClean = [...this.#logs].filter(
      ([topicPartition, { config }]) =>
        config.compact && config.delete && !this.#inProgress.has(topicPartition),
    )
    for (const [topicPartition] of toClean) this.#setInProgress(topicPartition)
    return toClean
  }

  /** Gives up what is being cleaned of a log. */
  abortCleaning(topicPartition: TopicPartition): void {
    this.abortAndPauseCleaning(topicPartition)
    this.resumeCleaning(topicPartition)
    this.#log.info(`The cleaning for partition ${topicPartition} is aborted`)
  }

  /** Gives up what is being cleaned of a log, and keeps cleaners off it. */
  abortAndPauseCleaning(topicPartition: TopicPartition): void {
    const state = this.#inProgress.get(topicPartition)
    const name = state === undefined || state.name === 'Paused' ? 'Paused' : 'Aborted'
    const pausedCount = (state?.pausedCount ?? 0) + 1
    this.#inProgress.set(topicPartition, { name, pausedCount })
  }

  /**
   * Takes back one {@link abortAndPauseCleaning}.
   *
   * @throws IllegalStateException for a log that is not paused
   */
  resumeCleaning(topicPartition: TopicPartition): void {
    const state = this.#inProgress.get(topicPartition)
    if (state === undefined || state.pausedCount === 0) {
      throw new IllegalStateException(
        `compaction for partition ${topicPartition} cannot be resumed since it is not paused`,
      )
    }
    this.#setPaused(topicPartition, state.name, state.pausedCount - 1)
  }

  /**
   * Lets the caller go on cleaning, or not.
   *
   * @throws LogCleaningAbortedException when the cleaning was given up
   */
  checkCleaningAborted(topicPartition: TopicPartition): void {
    if (this.#inProgress.get(topicPartition)?.name !== 'Aborted') return
    throw new LogCleaningAbortedException(
      `${topicPartition} is no longer to be cleaned`,
    )
  }

  /**
   * Writes down up to where logs of a directory are clean, and forgets those that are gone.
   *
   * @param update what is new
   */
  updateCheckpoints(dataDir: string, update?: readonly [TopicPartition, number]): void {
    this.#rewrite(dataDir, (offsets) => {
      for (const topicPartition of [...offsets.keys()]) {
        if (!this.#logs.has(topicPartition)) offsets.delete(topicPartition)
      }
      for (const topicPartition of [...this.#uncleanablePartitions]) {
        if (this.#logs.has(topicPartition)) continue
        this.#uncleanablePartitions.delete(topicPartition)
      }
      if (update !== undefined) offsets.set(...update)
      return true
    })
  }

  /** Carries a log's clean point over to another directory. */
  alterCheckpointDir(
    topicPartition: TopicPartition,
    sourceLogDir: string,
    destLogDir: string,
  ): void {
    const offset = this.allCleanerCheckpoints.get(topicPartition)
    if (offset === undefined) return
    this.#rewrite(sourceLogDir, (offsets) => offsets.delete(topicPartition))
    this.updateCheckpoints(destLogDir, [topicPartition, offset])
  }

  /** Writes nothing to a directory any more, and gives up what is cleaned there. */
  handleLogDirFailure(dir: string): void {
    this.#log.info(`Stopping cleaning logs in dir ${dir}`)
    this.#checkpoints.delete(dir)
    for (const [topicPartition, { name }] of [...this.#inProgress]) {
      const isThere = this.#logs.get(topicPartition)?.parentDir === dir
      if (isThere && name === 'InProgress') this.abortCleaning(topicPartition)
    }
  }

  /** Moves the point up to which a log counts as clean down to its new end. */
  maybeTruncateCheckpoint(
    dataDir: string,
    topicPartition: TopicPartition,
    offset: number,
  ): void {
    if (this.#logs.get(topicPartition)?.config.compact !== true) return
    this.#rewrite(dataDir, (offsets) => {
      if ((offsets.get(topicPartition) ?? 0) <= offset) return false
      offsets.set(topicPartition, offset)
      return true
    })
  }

  /** Leaves a log alone until the next start, or until it is deleted. */
  markPartitionUncleanable(topicPartition: TopicPartition): void {
    this.#uncleanablePartitions.add(topicPartition)
  }

  /** Ends the cleaning of a log; what it reached counts unless it was given up. */
  doneCleaning(
    topicPartition: TopicPartition,
    dataDir: string,
    endOffset: number,
  ): void {
    if (this.#inProgress.get(topicPartition)?.name === 'InProgress') {
      this.updateCheckpoints(dataDir, [topicPartition, endOffset])
    }
    this.doneDeleting(topicPartition)
  }

  /**
   * Ends the deletion of old segments of a log.
   *
   * @throws IllegalStateException for a log that was not in progress
   */
  doneDeleting(topicPartition: TopicPartition): void {
    const state = this.#inProgress.get(topicPartition)
    if (state === undefined || state.name === 'Paused') {
      throw new IllegalStateException(
        `partition ${topicPartition} is ${state?.name ?? 'not in progress'}`,
      )
    }
    this.#setPaused(topicPartition, 'Paused', state.pausedCount)
    this.cleaned.signalAll()
  }

  #setInProgress(topicPartition: TopicPartition): void {
    this.#inProgress.set(topicPartition, { name: 'InProgress', pausedCount: 0 })
  }

  /** Sets a state; a paused log that nobody wants paused is free. */
  #setPaused(
    topicPartition: TopicPartition,
    name: LogCleaningState['name'],
    pausedCount: number,
  ): void {
    if (name === 'Paused' && pausedCount === 0) this.#inProgress.delete(topicPartition)
    else this.#inProgress.set(topicPartition, { name, pausedCount })
  }

  /** Changes the file of a directory; a failure is reported by the file. */
  #rewrite(
    dataDir: string,
    change: (offsets: TopicPartitionMap<number>) => boolean,
  ): void {
    const checkpoint = this.#checkpoints.get(dataDir)
    if (checkpoint === undefined) return
    try {
      const offsets = checkpoint.read()
      if (change(offsets)) checkpoint.write(offsets)
    } catch (error) {
      if (!(error instanceof KafkaStorageException)) throw error
      this.#log.error(`Failed to update ${offsetCheckpointFile} in ${dataDir}`, error)
    }
  }
}

/**
 * Tells between which offsets a log may be cleaned.
 *
 * @param lastClean up to where each log is clean
 * @param now wall time in ms
 * @returns the first dirty offset, and the first that must be left alone: that of an open
 *   transaction, of the active segment, or of a segment with a message younger than
 *   `min.compaction.lag.ms`
 * @kafka core/src/main/scala/kafka/log/LogCleanerManager.scala#cleanableOffsets
 */
export function cleanableOffsets(
  log: Log,
  lastClean: TopicPartitionMap<number>,
  now: number,
): readonly [firstDirtyOffset: number, firstUncleanableOffset: number] {
  // Begin where the last cleaning ended, but not below what retention has left.
  const { activeSegment, segments, topicPartition, config } = log
  const logStartOffset = segments.first?.baseOffset ?? 0
  const lastCleanOffset = lastClean.get(topicPartition) ?? logStartOffset
  const firstDirtyOffset = Math.max(lastCleanOffset, logStartOffset)
  if (lastCleanOffset < logStartOffset && !config.delete) {
    logger('LogCleaner').warn(
      `Resetting first dirty offset of ${topicPartition} to log start offset ` +
        `${logStartOffset} since the checkpointed offset ${lastCleanOffset} is invalid`,
    )
  }

  // End before what is still undecided, or too young.
  const lagMs = Math.max(config.compactionLagMs, 0)
  const young =
    lagMs > 0
      ? segments
          .range(firstDirtyOffset, activeSegment.baseOffset)
          .find((segment) => segment.largestTimestamp > now - lagMs)
      : undefined
  const firstUncleanableOffset = Math.min(
    log.firstUnstableOffset?.messageOffset ?? Number.POSITIVE_INFINITY,
    activeSegment.baseOffset,
    young?.baseOffset ?? Number.POSITIVE_INFINITY,
  )
  return [firstDirtyOffset, firstUncleanableOffset]
}
