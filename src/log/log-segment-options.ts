/**
 * # What a segment is given
 *
 * How its files are opened, and what is appended to it.
 *
 * @kafka core/src/main/scala/kafka/log/LogSegment.scala#LogSegment
 * @module
 */
import type { Platform } from '../base/platform/Platform.ts'
import type { MemoryRecords } from '../record/MemoryRecords.ts'
import type { LogConfig } from './LogConfig.ts'

/** What a new segment's file is to look like. */
export interface OpenSegmentOptions {
  readonly dir: string
  readonly baseOffset: number
  readonly config: LogConfig
  readonly platform: Platform
  /** True when the files are there. */
  readonly fileAlreadyExists?: boolean
  /** Bytes to give a new file at once, with {@link preallocate}. */
  readonly initFileSize?: number
  readonly preallocate?: boolean
  /** Second suffix of the files, such as `.swap`. */
  readonly fileSuffix?: string
}

/** What is appended, and what the log already knows about it. */
export interface SegmentAppend {
  /** Offset of the first record; below magic 2 on a follower, of the first batch's last. */
  readonly firstOffset: number
  /** Offset of the last record. */
  readonly largestOffset: number
  /** Largest timestamp, milliseconds; -1 for none. */
  readonly largestTimestamp: number
  /** Offset of the record, or batch, that has it. */
  readonly shallowOffsetOfMaxTimestamp: number
  readonly records: MemoryRecords
}
