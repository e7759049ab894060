/**
 * # Reading a log
 *
 * Finds places in the segments: by offset, by time, by aborted transactions. Nothing of the
 * batches is read but the headers on the way; what comes out are slices of files.
 *
 * @kafka core/src/main/scala/kafka/log/Log.scala#read
 * @module
 */
import {
  OffsetOutOfRangeException,
  UnsupportedForMessageFormatException,
} from '../base/errors.ts'
import { MemoryRecords } from '../record/MemoryRecords.ts'
import { RecordBatch } from '../record/RecordBatch.ts'
import type { AbortedTxn } from './AbortedTxn.ts'
import type { FetchDataInfo, IsolationLevel } from './FetchDataInfo.ts'
import type { LogConfig } from './LogConfig.ts'
import { LogOffsetMetadata } from './LogOffsetMetadata.ts'
import type { LogSegment } from './LogSegment.ts'
import type { SortedMap } from './sorted-map.ts'
import type { TimestampOffset } from './TimeIndex.ts'

/** What stands for "the first offset" where a timestamp is asked for. */
export const EARLIEST_TIMESTAMP = -2

/** What stands for "the offset that comes next" where a timestamp is asked for. */
export const LATEST_TIMESTAMP = -1

/** What reading needs of a log. */
export interface LogReadView {
  readonly segments: SortedMap<LogSegment>
  readonly logStartOffset: number
  readonly nextOffsetMetadata: LogOffsetMetadata
}

/** What is to be read. */
export interface LogRead {
  readonly startOffset: number
  /** Bytes at most. */
  readonly maxLength: number
  /** Offset at which to stop (exclusive); `undefined` for the log end. */
  readonly maxOffset: number | undefined
  /** Whether the first batch comes even if it is above `maxLength`. */
  readonly minOneMessage: boolean
  readonly isolationLevel: IsolationLevel
}

/**
 * Reads from an offset on.
 *
 * @throws OffsetOutOfRangeException below the log start and above the log end
 * @kafka core/src/main/scala/kafka/log/Log.scala#read
 */
export function readLog(log: LogReadView, read: LogRead): FetchDataInfo {
  // At the very end there is nothing yet.
  const { startOffset, maxOffset, maxLength, minOneMessage, isolationLevel } = read
  const { segments, logStartOffset, nextOffsetMetadata: end } = log
  if (startOffset === end.messageOffset) return emptyFetch(end, isolationLevel)
  const floor = segments.floor(startOffset)
  const isBelow = floor === undefined || startOffset < logStartOffset
  if (startOffset > end.messageOffset || isBelow) {
    throw new OffsetOutOfRangeException(
      `request for offset ${startOffset}, but we only have log segments in the range ` +
        `${logStartOffset} to ${end.messageOffset}`,
    )
  }

  // Compaction may have emptied the end of a segment: look on in the next.
  let segment: LogSegment | undefined = floor
  for (; segment !== undefined; segment = segments.higher(segment.baseOffset)) {
    const isActive = segment === segments.last
    const info = segment.read({
      startOffset,
      maxOffset,
      maxSize: maxLength,
      maxPosition: isActive ? end.relativePositionInSegment : segment.size,
      minOneMessage,
    })
    if (info === undefined) continue
    if (isolationLevel === 'READ_UNCOMMITTED') return info
    return addAbortedTransactions(log, startOffset, segment, info)
  }
  return emptyFetch(end, isolationLevel)
}

/**
 * Collects the aborted transactions that overlap a range of offsets.
 *
 * @param startOffset first offset of the range
 * @param upperBoundOffset offset at or behind its end
 * @param from segment in which the range begins
 * @kafka core/src/main/scala/kafka/log/Log.scala#collectAbortedTransactions
 */
export function collectAbortedTransactions(
  log: LogReadView,
  startOffset: number,
  upperBoundOffset: number,
  from: LogSegment | undefined,
): AbortedTxn[] {
  const found: AbortedTxn[] = []
  let segment = from
  for (; segment !== undefined; segment = log.segments.higher(segment.baseOffset)) {
    const result = segment.collectAbortedTxns(startOffset, upperBoundOffset)
    found.push(...result.abortedTransactions)
    if (result.isComplete) break
  }
  return found
}

/**
 * Finds the first record that is as young as a time.
 *
 * @param targetTimestamp milliseconds; -2 for the log start, -1 for the log end
 * @returns `undefined` when all records are older
 * @throws UnsupportedForMessageFormatException for a topic without timestamps
 * @kafka core/src/main/scala/kafka/log/Log.scala#fetchOffsetsByTimestamp
 */
export function fetchOffsetsByTimestamp(
  log: LogReadView & { readonly config: LogConfig },
  targetTimestamp: number,
): TimestampOffset | undefined {
  // The two ends have no timestamp.
  const { logStartOffset, nextOffsetMetadata, segments, config } = log
  const timestamp = RecordBatch.NO_TIMESTAMP
  if (targetTimestamp === EARLIEST_TIMESTAMP) {
    return { timestamp, offset: logStartOffset }
  }
  if (targetTimestamp === LATEST_TIMESTAMP) {
    return { timestamp, offset: nextOffsetMetadata.messageOffset }
  }

  // Messages of magic 0 have none either.
  const { messageFormatVersion } = config
  if (messageFormatVersion.messageFormatVersion < RecordBatch.MAGIC_VALUE_V1) {
    throw new UnsupportedForMessageFormatException(
      `cannot search offsets by timestamp, message format ${messageFormatVersion} has none`,
    )
  }

  // Search the segments that hold anything as young; a batch that compaction has emptied
  // keeps its time, but has no record to be found.
  for (const segment of segments.values()) {
    if (segment.largestTimestamp < targetTimestamp) continue
    const found = segment.findOffsetByTimestamp(targetTimestamp, logStartOffset)
    if (found !== undefined) return found
  }
  return undefined
}

/** Finds the place in the log of an offset that is in its range. */
export function placeOf(
  segments: SortedMap<LogSegment>,
  offset: number,
): LogOffsetMetadata {
  const segment = (segments.floor(offset) ?? segments.first) as LogSegment
  const position = segment.translateOffset(offset)?.position ?? segment.size
  return new LogOffsetMetadata(offset, segment.baseOffset, position)
}

/**
 * Lists the offsets at which segments begin and that are older than a time, as version 0 of
 * ListOffsets wants them. The age of a segment is that of its file.
 *
 * @param timestamp milliseconds; -1 for all, -2 for the first only
 * @param maxNumOffsets how many at most
 * @param now wall time in ms, the age of the log end
 * @returns offsets, falling
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#fetchOffsetsBefore
 */
export function fetchOffsetsBefore(
  log: LogReadView,
  timestamp: number,
  maxNumOffsets: number,
  now: number,
): number[] {
  // The candidates: where each segment begins, and the log end.
  const offsetTimes = log.segments.values().map((segment) => ({
    offset: Math.max(segment.baseOffset, log.logStartOffset),
    time: segment.lastModified,
  }))
  if ((log.segments.last?.size ?? 0) > 0) {
    offsetTimes.push({ offset: log.nextOffsetMetadata.messageOffset, time: now })
  }

  // The last of them that is old enough.
  let startIndex = offsetTimes.length - 1
  if (timestamp === EARLIEST_TIMESTAMP) startIndex = 0
  else if (timestamp !== LATEST_TIMESTAMP) {
    while (startIndex >= 0 && (offsetTimes[startIndex]?.time ?? 0) > timestamp) {
      startIndex -= 1
    }
  }

  // It, and those before it.
  const first = Math.max(startIndex + 1 - maxNumOffsets, 0)
  const chosen = offsetTimes.slice(first, startIndex + 1).map(({ offset }) => offset)
  return chosen.sort((a, b) => b - a)
}

/**
 * Adds to what was read the transactions that its reader must skip.
 *
 * @kafka core/src/main/scala/kafka/log/Log.scala#Log.addAbortedTransactions
 */
function addAbortedTransactions(
  log: LogReadView,
  startOffset: number,
  segment: LogSegment,
  info: FetchDataInfo,
): FetchDataInfo {
  // Find an offset behind everything that was read.
  const { messageOffset, relativePositionInSegment } = info.fetchOffsetMetadata
  const place = { offset: messageOffset, position: relativePositionInSegment }
  const upperBoundOffset =
    segment.fetchUpperBoundOffset(place, info.records.sizeInBytes) ??
    log.segments.higher(segment.baseOffset)?.baseOffset ??
    log.nextOffsetMetadata.messageOffset

  // List what was aborted up to there.
  const found = collectAbortedTransactions(log, startOffset, upperBoundOffset, segment)
  const abortedTransactions = found.map((txn) => txn.asAbortedTransaction())
  return { ...info, abortedTransactions }
}

function emptyFetch(
  fetchOffsetMetadata: LogOffsetMetadata,
  isolationLevel: IsolationLevel,
): FetchDataInfo {
  return {
    fetchOffsetMetadata,
    records: MemoryRecords.EMPTY,
    firstEntryIncomplete: false,
    abortedTransactions: isolationLevel === 'READ_COMMITTED' ? [] : null,
  }
}
