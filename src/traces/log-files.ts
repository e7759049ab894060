/**
 * # The files of a log as a recording sees them
 *
 * Cleaning, recovery and searches have to do with what lies in files, and not with where a log
 * ends. So while one of them runs the recorder looks at the segments themselves: which batches
 * each holds, with which keys, what its index says, and how many bytes behind the last whole
 * batch are nonsense.
 *
 *     Cleaner.…                     ─▶ files/t-1 = every segment of the log that is cleaned
 *     Log.deleteOldSegments         ─▶ files/t-1 = every segment of a log that has several
 *     LogSegment.recover            ─▶ files/t-1 = the segment that is scanned
 *     LogSegment.translateOffset    ─▶ files/t-1 = the segment that is searched
 *                                      search/t-1 = where the search began and ended
 *     Log.append                    ─▶ batch/t-1/came, batch/t-1/stored = the same bytes,
 *                                      before the broker has looked at them and after
 *
 * A record is kept by its offset and its key; what cannot be read is only counted.
 *
 * @module
 */
import type { Log } from '../log/Log.ts'
import type { LogSegment } from '../log/LogSegment.ts'
import type { LogToClean } from '../log/LogToClean.ts'
import { SegmentScan } from '../log/segment-scan.ts'
import type { MemoryRecords } from '../record/MemoryRecords.ts'
import type { RecordBatch } from '../record/RecordBatch.ts'
import type { Frame, Json, Seen } from '../trace/Recorder.ts'

/** Longer batches are not kept: nobody reads them byte by byte. */
const MOST_BYTES = 200

/** A record in a file. */
export interface RecordView {
  readonly offset: number
  /** Its key as text; null without one. */
  readonly key: string | null
  /** False where it says that its key is deleted. */
  readonly hasValue: boolean
}

/** A batch in a file. */
export interface BatchInFile {
  readonly position: number
  readonly sizeBytes: number
  readonly records: readonly RecordView[]
}

/** A segment's file. */
export interface SegmentInFile {
  readonly baseOffset: number
  readonly sizeBytes: number
  /** Those that are whole. */
  readonly batches: readonly BatchInFile[]
  /** What its offset index says. */
  readonly entries: readonly { readonly offset: number; readonly position: number }[]
}

/** A search for an offset. */
export interface SearchView {
  readonly offset: number
  /** Where the index sent it. */
  readonly from: number
  /** Where the batch begins that it came to. */
  readonly found: number
}

/** Looks at files while something is done to them. */
export class LogFilesWatch {
  readonly #seen = new Set<string>()

  /** Looks at a cleaner: at the log that it was given, or has given to a part of itself. */
  seeCleaner(args: Readonly<Record<string, unknown>>): readonly Seen[] {
    const { cleanable, pass } = args as {
      readonly cleanable?: LogToClean
      readonly pass?: { readonly log: Log }
    }
    const log = cleanable?.log ?? pass?.log
    if (!log) return []
    const segments = [...log.segments.values()].map(segmentRow)
    return [[`files/${log.topicPartition.key}`, segments]]
  }

  /** Looks at a log whose old segments may go: before that is decided, and after. */
  *seeRetention(log: Log, frame: Frame): Generator<Seen> {
    if (frame.name !== 'Log.deleteOldSegments') return
    const name = `files/${log.topicPartition.key}`
    if (log.segments.size === 1 && !this.#seen.has(name)) return
    this.#seen.add(name)
    yield [name, [...log.segments.values()].map(segmentRow)]
  }

  /** Looks at a segment that is scanned after a crash, or searched by its index. */
  *seeSegment(
    segment: LogSegment,
    args: Readonly<Record<string, unknown>>,
    frame: Frame,
  ): Generator<Seen> {
    const isScan = frame.name === 'LogSegment.recover'
    const isSearch =
      frame.name === 'LogSegment.translateOffset' && segment.offsetIndex.entries > 1
    if (!isScan && !isSearch) return
    const partition = segment.log.path.split('/').at(-2) ?? ''
    yield [`files/${partition}`, [segmentRow(segment)]]
    const offset = Number(args.offset)
    const found = isSearch ? segment.translateOffset(offset)?.position : undefined
    if (found === undefined) return
    const { position: from } = segment.offsetIndex.lookup(offset)
    yield [`search/${partition}`, { offset, from, found }]
  }

  /** Looks at the first bytes that are appended to a log: before it is done, and after. */
  *seeAppend(
    log: Log,
    args: Readonly<Record<string, unknown>>,
    frame: Frame,
  ): Generator<Seen> {
    const { records } = args as { readonly records?: MemoryRecords }
    if (frame.name !== 'Log.appendAsLeader' || !records) return
    if (records.sizeInBytes > MOST_BYTES) return
    const name = `batch/${log.topicPartition.key}`
    const hex = records.buffer.toString('hex')
    if (!this.#seen.has(name)) {
      this.#seen.add(name)
      this.#seen.add(`${name} ${frame.id}`)
      yield [`${name}/came`, hex]
    } else if (this.#seen.has(`${name} ${frame.id}`)) yield [`${name}/stored`, hex]
  }
}

/** The segments at a moment, as they were kept. */
export function segmentsOf(value: Json): SegmentInFile[] {
  const rows = value as unknown as readonly SegmentRow[]
  return rows.map(([baseOffset, sizeBytes, batches, entries]) => ({
    ...{ baseOffset, sizeBytes },
    batches: batches.map(([position, size, records]) => ({
      ...{ position, sizeBytes: size },
      records: records.map(([offset, key, hasValue]) => ({ offset, key, hasValue })),
    })),
    entries: entries.map(([offset, position]) => ({ offset, position })),
  }))
}

type RecordRow = readonly [offset: number, key: string | null, hasValue: boolean]
type BatchRow = readonly [position: number, size: number, records: RecordRow[]]
type EntryRow = readonly [offset: number, position: number]
type SegmentRow = readonly [
  baseOffset: number,
  size: number,
  batches: BatchRow[],
  entries: EntryRow[],
]

function segmentRow(segment: LogSegment): SegmentRow {
  const batches: BatchRow[] = []
  const scan = new SegmentScan(segment.baseOffset)
  let position = 0
  try {
    for (const batch of segment.log.batches()) {
      scan.check(batch)
      batches.push([position, batch.sizeInBytes, recordRows(batch)])
      position += batch.sizeInBytes
    }
  } catch {
    // What follows is not whole; the picture shows how many bytes that is.
  }
  const { offsetIndex } = segment
  const entries = Array.from({ length: offsetIndex.entries }, (_, n): EntryRow => {
    const { offset, position: at } = offsetIndex.entry(n)
    return [offset, at]
  })
  return [segment.baseOffset, segment.size, batches, entries]
}

function recordRows(batch: RecordBatch): RecordRow[] {
  return Array.from(batch, ({ offset, key, value }): RecordRow => {
    return [offset, key?.toString() ?? null, value !== null]
  })
}
