/**
 * # LogToClean
 *
 * A compacted log with the offsets between which it is dirty, and how dirty that makes it.
 *
 *     ┌─────────────────┬─────────────────────┬──────────────────────┐
 *     │ clean           │ cleanable           │ not yet: active, open │
 *     └─────────────────┴─────────────────────┴──────────────────────┘
 *                 firstDirtyOffset     firstUncleanableOffset
 *
 * @kafka core/src/main/scala/kafka/log/LogCleaner.scala#LogToClean
 * @module
 */
import type { TopicPartition } from '../base/TopicPartition.ts'
import type { Log } from './Log.ts'
import type { LogSegment } from './LogSegment.ts'

/**
 * A log that may be cleaned.
 *
 * @kafka core/src/main/scala/kafka/log/LogCleaner.scala#LogToClean
 */
export class LogToClean {
  readonly topicPartition: TopicPartition
  readonly log: Log

  /** Below, every key is there once. */
  readonly firstDirtyOffset: number

  /** Base offset of the first segment that must be left alone. */
  readonly firstUncleanableOffset: number

  /** Bytes below the first dirty offset. */
  readonly cleanBytes: number

  /** Bytes that cleaning would read for their keys. */
  readonly cleanableBytes: number

  /** Bytes of both. */
  readonly totalBytes: number

  /** Share of the dirty bytes, 0 to 1. */
  readonly cleanableRatio: number

  /** @param uncleanableOffset offset from which on nothing may be cleaned */
  constructor(
    topicPartition: TopicPartition,
    log: Log,
    firstDirtyOffset: number,
    uncleanableOffset: number,
  ) {
    this.topicPartition = topicPartition
    this.log = log
    this.firstDirtyOffset = firstDirtyOffset

    // Only whole segments can be replaced.
    const { segments, activeSegment } = log
    const [uncleanable] = segments.range(uncleanableOffset, activeSegment.baseOffset)
    this.firstUncleanableOffset =
      uncleanableOffset < activeSegment.baseOffset && uncleanable !== undefined
        ? uncleanable.baseOffset
        : activeSegment.baseOffset

    // How much of what would be read is new.
    const upTo = this.firstUncleanableOffset
    this.cleanBytes = sizeOf(
      log.logSegments.filter((segment) => segment.baseOffset < firstDirtyOffset),
    )
    this.cleanableBytes = sizeOf(segments.range(firstDirtyOffset, upTo))
    this.totalBytes = this.cleanBytes + this.cleanableBytes
    this.cleanableRatio =
      this.totalBytes === 0 ? 0 : this.cleanableBytes / this.totalBytes
  }
}

function sizeOf(segments: readonly LogSegment[]): number {
  return segments.reduce((sum, segment) => sum + segment.size, 0)
}
