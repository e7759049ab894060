/**
 * # Opening a log
 *
 * Makes sense of what lies in a partition's directory, whatever the last run left there.
 *
 *     1  .deleted .cleaned        removed: they were on their way out, or not done
 *        .swap                    kept for step 3; indexes of its offset removed
 *     2  *.log, oldest first      opened; indexes checked, rebuilt where they are corrupt
 *     3  .swap                    scanned, and put in place of the segments it replaces
 *     4  not closed properly?     every segment from the recovery point on is scanned and
 *                                 cut at the first bad batch; what follows a cut is removed
 *
 * After a clean shutdown step 4 is left out, and opening costs a few reads a segment.
 *
 * @kafka core/src/main/scala/kafka/log/Log.scala#loadSegments
 * @differs in Kafka these are methods of `Log`; here functions, because `Log` calls them
 *   once, before it is a log. A missing offset index is rebuilt; 1.1.1 means to, but makes
 *   an empty one first and then finds it in order. A crash in the middle of a swap does not
 *   cost the segment before it; in 1.1.1 it does, when the old segment was away already.
 *   What was scanned is flushed, since the next start will believe that it is on the disk;
 *   and a log without segments begins at its log start, not at 0.
 * @module
 */
import type { Steps } from '../base/async/steps.ts'
import { logger } from '../base/logger.ts'
import type { Platform } from '../base/platform/Platform.ts'
import { join } from '../base/platform/path.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import {
  CorruptIndexException,
  InvalidOffsetException,
} from './CorruptIndexException.ts'
import type { LeaderEpochFileCache } from './LeaderEpochFileCache.ts'
import type { LogConfig } from './LogConfig.ts'
import { LogSegment } from './LogSegment.ts'
import { loadProducersFromLog } from './log-append.ts'
import {
  CleanedFileSuffix,
  DeleteDirSuffix,
  DeletedFileSuffix,
  isIndexFile,
  isLogFile,
  logFile,
  offsetFromFile,
  offsetIndexFile,
  SwapFileSuffix,
  timeIndexFile,
  transactionIndexFile,
} from './log-file-names.ts'
import { ProducerStateManager } from './ProducerStateManager.ts'
import type { SortedMap } from './sorted-map.ts'

const log = logger('Log')

/** What opening a log needs of it. */
export interface LogLoadContext {
  readonly dir: string
  readonly config: LogConfig
  readonly platform: Platform
  readonly topicPartition: TopicPartition
  readonly logStartOffset: number
  /** Everything below is known to be on the disk and whole. */
  readonly recoveryPoint: number
  readonly maxProducerIdExpirationMs: number
  readonly leaderEpochCache: LeaderEpochFileCache
  /** Whether the last run closed this log properly. */
  readonly hasCleanShutdownFile: boolean
  /** Filled with what is found. */
  readonly segments: SortedMap<LogSegment>
  /** Takes a segment out of service. */
  deleteSegment(segment: LogSegment): void
  /** Puts a segment in place of others. */
  replaceSegments(
    newSegment: LogSegment,
    oldSegments: readonly LogSegment[],
    isRecoveredSwapFile: boolean,
  ): void
  /** Makes an empty segment. */
  newSegment(baseOffset: number): LogSegment
}

/**
 * Loads all segments, recovering what needs it.
 *
 * @returns steps, a segment or a stretch of it each; in the end the next offset, which is
 *   also the new recovery point; `undefined` for the recovery point when it must stay as it
 *   was
 * @kafka core/src/main/scala/kafka/log/Log.scala#loadSegments
 */
export function* loadSegments(
  context: LogLoadContext,
): Steps<{ nextOffset: number; recoveryPoint: number | undefined }> {
  // Clear away what was under way, load what is there, finish what was half done.
  const swapFiles = removeTempFilesAndCollectSwapFiles(context)
  yield* loadSegmentFiles(context)
  yield* completeSwapOperations(context, swapFiles)

  // A log without segments is new, or was to start over when it was cut off.
  const { segments, dir, config } = context
  if (segments.size === 0) {
    const { logStartOffset } = context
    segments.set(logStartOffset, context.newSegment(logStartOffset))
    return { nextOffset: logStartOffset, recoveryPoint: logStartOffset }
  }

  // A log that only waits for deletion need not be right.
  if (dir.endsWith(DeleteDirSuffix)) return { nextOffset: 0, recoveryPoint: undefined }

  // The last segment takes appends again.
  const nextOffset = yield* recoverLog(context)
  segments.last?.resizeIndexes(config.maxIndexSize)
  return { nextOffset, recoveryPoint: nextOffset }
}

/**
 * Throws away what a cleaner or a deletion left half done, and names the segments whose
 * replacement was complete.
 *
 * @returns paths of `.swap` files that are to take their place.
 * @kafka core/src/main/scala/kafka/log/Log.scala#Log.removeTempFilesAndCollectSwapFiles
 */
function removeTempFilesAndCollectSwapFiles(context: LogLoadContext): string[] {
  const { dir, platform } = context
  const { storage } = platform
  const swapFiles: string[] = []
  for (const name of storage.readdir(dir)) {
    // What was being deleted or written is of no use.
    if (name.endsWith(DeletedFileSuffix) || name.endsWith(CleanedFileSuffix)) {
      storage.unlink(join(dir, name))
      continue
    }

    // What was being swapped in will be, with indexes made anew.
    if (!name.endsWith(SwapFileSuffix)) continue
    const base = name.slice(0, -SwapFileSuffix.length)
    if (!isIndexFile(base) && !isLogFile(base)) continue
    log.info(
      `Found ${name} from an interrupted swap; deleting the indexes of its offset`,
    )
    const offset = offsetFromFile(base)
    for (const file of [offsetIndexFile, timeIndexFile, transactionIndexFile]) {
      const path = file(dir, offset)
      if (storage.exists(path)) storage.unlink(path)
    }
    if (isLogFile(base)) swapFiles.push(join(dir, name))
    else storage.unlink(join(dir, name))
  }
  return swapFiles
}

function* loadSegmentFiles(context: LogLoadContext): Steps<void> {
  // Go up in offsets: producer state of one segment builds on that of those before.
  const { dir, platform } = context
  const { storage } = platform
  for (const name of storage.readdir(dir).sort()) {
    // An index without its log is of no use.
    if (isIndexFile(name)) {
      if (storage.exists(logFile(dir, offsetFromFile(name)))) continue
      log.warn(`Found an orphaned index file ${join(dir, name)}, deleting it`)
      storage.unlink(join(dir, name))
      continue
    }

    // Open the segment, and rebuild its indexes if they cannot be right.
    if (!isLogFile(name)) continue
    yield* openSegment(context, offsetFromFile(name))
    yield
  }
}

function* openSegment(context: LogLoadContext, baseOffset: number): Steps<void> {
  const { dir, config, platform, segments } = context
  const { storage } = platform
  const timeIndexMissing = !storage.exists(timeIndexFile(dir, baseOffset))
  const offsetIndexMissing = !storage.exists(offsetIndexFile(dir, baseOffset))
  const segment = LogSegment.open({
    dir,
    baseOffset,
    config,
    platform,
    fileAlreadyExists: true,
  })
  segments.set(baseOffset, segment)
  try {
    segment.sanityCheck(timeIndexMissing, offsetIndexMissing)
    ensureIndexFits(segment)
  } catch (error) {
    if (!(error instanceof CorruptIndexException)) throw error
    log.warn(`Rebuilding the indexes of ${segment.log.path}`, error)
    yield* recoverSegment(context, segment)
  }
}

/**
 * Holds the last entry of the offset index against the log. The last entry is where the log
 * end is looked for: one that points nowhere would let offsets be given out again.
 *
 * @throws CorruptIndexException when no batch of that offset begins there
 */
function ensureIndexFits({ log: records, offsetIndex }: LogSegment): void {
  if (offsetIndex.entries === 0) return
  const { offset, position } = offsetIndex.lookup(offsetIndex.lastOffset)
  if (records.isBatchAt(position, offset)) return
  throw new CorruptIndexException(`${offsetIndex.path} does not fit to its log`)
}

function* completeSwapOperations(
  context: LogLoadContext,
  swapFiles: readonly string[],
): Steps<void> {
  const { dir, config, platform, segments } = context
  for (const swapFile of swapFiles) {
    // Scan the segment that was to be swapped in.
    const baseOffset = offsetFromFile(swapFile)
    log.info(`Found ${swapFile} from an interrupted swap, completing it`)
    const swapSegment = LogSegment.open({
      dir,
      baseOffset,
      config,
      platform,
      fileAlreadyExists: true,
      fileSuffix: SwapFileSuffix,
    })
    let isRecovered = false
    try {
      yield* recoverSegment(context, swapSegment)
      isRecovered = true
    } finally {
      if (!isRecovered) swapSegment.closeHandlers()
    }

    // Put it in place of all segments that it covers; one before it is not among them.
    const oldSegments = segments
      .range(baseOffset, swapSegment.readNextOffset)
      .filter((old) => old.baseOffset >= baseOffset || old.readNextOffset > baseOffset)
    context.replaceSegments(swapSegment, oldSegments, true)
  }
}

/**
 * Scans one segment with the producer state that belongs to its beginning.
 *
 * @param leaderEpochCache told of epochs that are new; left out to leave it alone
 * @returns steps, and in the end the bytes cut off
 * @kafka core/src/main/scala/kafka/log/Log.scala#recoverSegment
 */
function* recoverSegment(
  context: LogLoadContext,
  segment: LogSegment,
  leaderEpochCache?: LeaderEpochFileCache,
): Steps<number> {
  // Bring a producer state of its own to the beginning of the segment.
  const { topicPartition, dir, platform, logStartOffset, segments } = context
  const stateManager = new ProducerStateManager({
    topicPartition,
    storage: platform.storage,
    logDir: dir,
    maxProducerIdExpirationMs: context.maxProducerIdExpirationMs,
  })
  const { baseOffset } = segment
  stateManager.truncateAndReload(logStartOffset, baseOffset, platform.clock.now())
  for (const earlier of segments.range(stateManager.mapEndOffset, baseOffset)) {
    yield* loadProducersOfSegment(stateManager, earlier)
  }
  stateManager.updateMapEndOffset(baseOffset)

  // Keep that state, scan, and keep the state at the end: another scan begins there.
  stateManager.takeSnapshot()
  const bytesTruncated = yield* segment.recover(stateManager, leaderEpochCache)
  stateManager.takeSnapshot()
  return bytesTruncated
}

function* loadProducersOfSegment(
  stateManager: ProducerStateManager,
  segment: LogSegment,
): Steps<void> {
  const startOffset = Math.max(segment.baseOffset, stateManager.mapEndOffset)
  const info = segment.read({ startOffset, maxSize: Number.MAX_SAFE_INTEGER })
  if (info === undefined) return
  yield* loadProducersFromLog(stateManager, info.records.batches())
}

/**
 * Scans everything that may not have reached the disk, unless the log was closed properly.
 *
 * @returns steps, and in the end the next offset
 * @kafka core/src/main/scala/kafka/log/Log.scala#recoverLog
 * @differs when the machine has lost the end of one segment but kept the next, 1.1.1 goes
 *   on with a hole in the offsets; here the log ends before the hole, and a follower fetches
 *   the rest again. Compaction makes holes too, so compacted topics are left as they are;
 *   they are flushed before a roll, and lose nothing there.
 */
function* recoverLog(context: LogLoadContext): Steps<number> {
  const { segments, recoveryPoint, leaderEpochCache } = context
  if (!context.hasCleanShutdownFile) {
    const unflushed = segments.range(recoveryPoint, Number.POSITIVE_INFINITY)
    for (const [i, segment] of unflushed.entries()) {
      // Go no further than to a hole.
      if (isBehindHole(context, segment)) {
        log.warn(
          `Records are missing before ${segment.log.path}, removing what follows`,
        )
        for (const later of unflushed.slice(i)) context.deleteSegment(later)
        break
      }

      // Scan the segment; most are in order.
      log.info(`Recovering unflushed segment ${segment.baseOffset} in ${context.dir}`)
      const truncatedBytes = yield* recoverOrEmpty(context, segment, leaderEpochCache)
      if (truncatedBytes === 0) continue

      // What lies behind a cut has lost its connection to the rest.
      log.warn(`Corruption found in ${segment.log.path}, cut ${truncatedBytes} bytes`)
      for (const later of unflushed.slice(i + 1)) context.deleteSegment(later)
      break
    }
  }
  return segments.last?.readNextOffset ?? 0
}

/** Says whether records that were never flushed are missing before a segment. */
function isBehindHole(context: LogLoadContext, segment: LogSegment): boolean {
  const previous = context.segments.lower(segment.baseOffset)
  if (previous === undefined || context.config.compact) return false
  const end = previous.readNextOffset
  return end < segment.baseOffset && end >= context.recoveryPoint
}

function* recoverOrEmpty(
  context: LogLoadContext,
  segment: LogSegment,
  leaderEpochCache: LeaderEpochFileCache,
): Steps<number> {
  try {
    return yield* recoverSegment(context, segment, leaderEpochCache)
  } catch (error) {
    if (!(error instanceof InvalidOffsetException)) throw error
    log.warn(
      `Found offsets that do not rise in ${segment.log.path}, emptying it`,
      error,
    )
    return segment.truncateTo(segment.baseOffset)
  }
}

/** What bringing the producer state up to date needs. */
export interface ProducerStateLoad {
  readonly manager: ProducerStateManager
  readonly segments: SortedMap<LogSegment>
  /** Magic of the batches that the topic holds. */
  readonly magic: number
  readonly logStartOffset: number
  /** The log end. */
  readonly lastOffset: number
  /** Whether the last run closed this log properly. */
  readonly reloadFromCleanShutdown: boolean
  /** Wall time in ms. */
  readonly now: number
}

/**
 * Makes the producer state cover the log up to its end: from the newest snapshot, and from
 * the batches behind it.
 *
 * @kafka core/src/main/scala/kafka/log/Log.scala#loadProducerState
 */
export function* loadProducerState(load: ProducerStateLoad): Steps<void> {
  // No snapshot, and none to expect: the log is of an older broker or format.
  const { manager, segments, lastOffset, logStartOffset, now } = load
  const mayHaveNone = load.magic < 2 || load.reloadFromCleanShutdown
  if (manager.latestSnapshotOffset === undefined && mayHaveNone) {
    takeEmptySnapshots(load)
    return
  }

  // Begin at the newest snapshot that the log still reaches.
  const isEmptyBeforeTruncation = manager.isEmpty && manager.mapEndOffset >= lastOffset
  manager.truncateAndReload(logStartOffset, lastOffset, now)

  // Scan what follows, unless there were no producers before a truncation.
  if (lastOffset > manager.mapEndOffset && !isEmptyBeforeTruncation) {
    for (const segment of segments.range(manager.mapEndOffset, lastOffset)) {
      const startOffset = Math.max(
        segment.baseOffset,
        manager.mapEndOffset,
        logStartOffset,
      )
      manager.updateMapEndOffset(startOffset)
      manager.takeSnapshot()
      const maxSize = Number.MAX_SAFE_INTEGER
      const info = segment.read({ startOffset, maxOffset: lastOffset, maxSize })
      if (info === undefined) continue
      yield* loadProducersFromLog(manager, info.records.batches())
    }
  }
  manager.updateMapEndOffset(lastOffset)
}

/** Writes snapshots without producers, so that no later start scans the whole log. */
function takeEmptySnapshots(load: ProducerStateLoad): void {
  const { manager, segments, lastOffset } = load
  const active = segments.last?.baseOffset ?? 0
  for (const offset of [segments.lower(active)?.baseOffset, active, lastOffset]) {
    if (offset === undefined) continue
    manager.updateMapEndOffset(offset)
    manager.takeSnapshot()
  }
}
