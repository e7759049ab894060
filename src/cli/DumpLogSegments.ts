/**
 * # DumpLogSegments
 *
 * Prints the files of a log, each in the form that its suffix tells, and complains about
 * what does not fit together: offsets that are missing, index entries that point to the
 * wrong place. The output is that of Kafka 1.1.1, letter for letter, so that either tool
 * can be held against the other.
 *
 *     .log        a line a batch, or a line a record
 *     .index      a line an entry, held against the .log beside it
 *     .timeindex  a line an entry, held against the .log and .index beside it
 *     .txnindex   a line an aborted transaction
 *     .snapshot   a line a producer
 *
 * Nothing is changed: every file is opened for reading only.
 *
 * @kafka core/src/main/scala/kafka/tools/DumpLogSegments.scala#DumpLogSegments
 * @differs where 1.1.1 ends with a stack trace, an exception with a sentence is thrown
 * @module
 */
import { ByteReader } from '../base/bytes/ByteReader.ts'
import { IllegalArgumentException, KafkaException } from '../base/errors.ts'
import type { Storage } from '../base/platform/Platform.ts'
import { basename, dirname, join } from '../base/platform/path.ts'
import { AbortedTxn } from '../log/AbortedTxn.ts'
import { CorruptIndexException } from '../log/CorruptIndexException.ts'
import { FileRecords } from '../log/FileRecords.ts'
import {
  IndexFileSuffix,
  LogFileSuffix,
  ProducerSnapshotFileSuffix,
  TimeIndexFileSuffix,
  TxnIndexFileSuffix,
} from '../log/log-file-names.ts'
import type { ProducerStateEntry } from '../log/ProducerStateEntry.ts'
import { CorruptSnapshotException, readSnapshot } from '../log/producer-snapshot.ts'
import { ByteBufferLegacyRecordBatch } from '../record/ByteBufferLegacyRecordBatch.ts'
import { ControlRecordType } from '../record/ControlRecordType.ts'
import { EndTransactionMarker } from '../record/EndTransactionMarker.ts'
import type { KafkaRecord } from '../record/KafkaRecord.ts'
import { RecordBatch } from '../record/RecordBatch.ts'
import type { MessageParser } from './message-parsers.ts'
import { timeIndexComplaints } from './time-index-errors.ts'

const offsetEntryBytes = 8
const timeEntryBytes = 12

/** What is to be printed. */
export interface DumpLogOptions {
  /** One line a record instead of one a batch. */
  readonly isDeepIteration: boolean
  /** Prints keys and values, too, if given. */
  readonly parser?: MessageParser | undefined
  /** Checks indexes as a broker does when it starts, and prints nothing of them. */
  readonly indexSanityOnly: boolean
  /** Checks indexes against the log, and prints nothing of them. */
  readonly verifyOnly: boolean
  /** Bytes that are read to find the record of an index entry. */
  readonly maxMessageSize: number
}

/** Where lines go. */
export interface DumpLogOutput {
  out(line: string): void
  err(line: string): void
}

/** An entry of an offset index: absolute offset and position. */
interface OffsetEntry {
  readonly offset: number
  readonly position: number
}

/**
 * Prints files of logs.
 *
 * @kafka core/src/main/scala/kafka/tools/DumpLogSegments.scala#DumpLogSegments
 */
export class DumpLogSegments {
  readonly #storage: Storage
  readonly #options: DumpLogOptions
  readonly #output: DumpLogOutput

  /** Complaints by file, told at the end. */
  readonly #misMatchesForIndexFiles = new Map<string, [number, number][]>()
  readonly #nonConsecutivePairsForLogFiles = new Map<string, [number, number][]>()
  readonly #timeIndexDumpErrors = timeIndexComplaints()

  constructor(storage: Storage, options: DumpLogOptions, output: DumpLogOutput) {
    this.#storage = readOnly(storage)
    this.#options = options
    this.#output = output
  }

  /**
   * Prints files, then what was wrong with them.
   *
   * @param files paths
   * @throws CorruptIndexException, CorruptRecordException or an error of the storage for a
   *   file that cannot be read
   */
  dump(files: readonly string[]): void {
    // One file after the other.
    for (const file of files) {
      this.#output.out(`Dumping ${file}`)
      const name = basename(file)
      const suffix = name.slice(Math.max(name.lastIndexOf('.'), 0))
      if (suffix === LogFileSuffix) this.dumpLog(file)
      else if (suffix === IndexFileSuffix) this.dumpIndex(file)
      else if (suffix === TimeIndexFileSuffix) this.dumpTimeIndex(file)
      else if (suffix === ProducerSnapshotFileSuffix) this.dumpProducerIdSnapshot(file)
      else if (suffix === TxnIndexFileSuffix) this.dumpTxnIndex(file)
      else this.#output.err(`Ignoring unknown file ${file}`)
    }

    // The complaints.
    for (const [file, pairs] of this.#misMatchesForIndexFiles) {
      this.#output.err(`Mismatches in :${file}`)
      for (const [index, log] of pairs) {
        this.#output.err(`  Index offset: ${index}, log offset: ${log}`)
      }
    }
    this.#timeIndexDumpErrors.printErrors((line) => this.#output.err(line))
    for (const [file, pairs] of this.#nonConsecutivePairsForLogFiles) {
      this.#output.err(`Non-consecutive offsets in :${file}`)
      for (const [first, second] of pairs) {
        this.#output.err(`  ${first} is followed by ${second}`)
      }
    }
  }

  /** Prints batches, or records. */
  dumpLog(file: string): void {
    // A line for each, with the position of its batch.
    this.#output.out(`Starting offset: ${baseOffsetOf(file)}`)
    const fileRecords = this.#openLog(file)
    let validBytes = 0
    let lastOffset = -1
    for (const batch of fileRecords.batches()) {
      if (this.#options.isDeepIteration) {
        for (const record of batch) {
          if (lastOffset !== -1 && record.offset !== lastOffset + 1) {
            const pair: [number, number] = [lastOffset, record.offset]
            note(this.#nonConsecutivePairsForLogFiles, absolute(file), pair)
          }
          lastOffset = record.offset
          this.#output.out(this.#recordLine(batch, record, validBytes))
        }
      } else {
        this.#output.out(batchLine(batch, validBytes))
      }
      validBytes += batch.sizeInBytes
    }

    // What follows the last whole batch.
    const trailingBytes = fileRecords.sizeInBytes - validBytes
    if (trailingBytes <= 0) return
    this.#output.out(
      `Found ${trailingBytes} invalid bytes at the end of ${basename(file)}`,
    )
  }

  /** Prints an offset index, and holds it against its log. */
  dumpIndex(file: string): void {
    // Only look whether a broker would take it.
    const { indexSanityOnly, verifyOnly, maxMessageSize } = this.#options
    const fileRecords = this.#openLog(beside(file, LogFileSuffix))
    const bytes = this.#storage.readFile(file)
    if (indexSanityOnly) {
      checkOffsetIndex(file, bytes)
      this.#output.out(`${file} passed sanity check.`)
      return
    }

    // Each entry points to the batch that begins with its offset.
    const baseOffset = baseOffsetOf(file)
    const entries = Math.floor(bytes.length / offsetEntryBytes)
    for (let i = 0; i < entries; i++) {
      const { offset, position } = offsetEntry(bytes, i, baseOffset)
      const [firstBatch] = fileRecords.read(position, maxMessageSize).batches()
      const [firstRecord] = firstBatch ?? []
      if (firstRecord === undefined) {
        throw new KafkaException(
          `no record within ${maxMessageSize} bytes at position ${position} of the log`,
        )
      }
      if (firstRecord.offset !== offset) {
        const pair: [number, number] = [offset, firstRecord.offset]
        note(this.#misMatchesForIndexFiles, absolute(file), pair)
      }

      // A file that was not closed ends with zeros.
      if (offset === baseOffset && i > 0) return
      if (!verifyOnly) this.#output.out(`offset: ${offset} position: ${position}`)
    }
  }

  /** Prints a time index, and holds it against its log. */
  dumpTimeIndex(file: string): void {
    // The same for the index of times; it is read through that of offsets.
    const { indexSanityOnly, verifyOnly } = this.#options
    const fileRecords = this.#openLog(beside(file, LogFileSuffix))
    const bytes = this.#storage.readFile(file)
    const baseOffset = baseOffsetOf(file)
    if (indexSanityOnly) {
      checkTimeIndex(file, bytes)
      this.#output.out(`${file} passed sanity check.`)
      return
    }

    // Each entry names the last batch so far that has its timestamp.
    const index = offsetEntries(
      this.#storage.readFile(beside(file, IndexFileSuffix)),
      baseOffset,
    )
    const errors = this.#timeIndexDumpErrors
    const path = absolute(file)
    let prevTimestamp: number = RecordBatch.NO_TIMESTAMP
    for (let i = 0; i < Math.floor(bytes.length / timeEntryBytes); i++) {
      const timestamp = Number(bytes.readBigInt64BE(i * timeEntryBytes))
      const offset = baseOffset + bytes.readInt32BE(i * timeEntryBytes + 8)
      const batch = batchOf(fileRecords, index, offset)
      if (batch === undefined || batch.lastOffset !== offset) {
        errors.recordShallowOffsetNotFound(path, offset, batch?.lastOffset ?? -1)
      } else {
        const maxTimestamp = maxTimestampOf(batch)
        if (maxTimestamp !== timestamp) {
          errors.recordMismatchTimeIndex(path, timestamp, maxTimestamp)
        }
        if (prevTimestamp >= timestamp) {
          errors.recordOutOfOrderIndexTimestamp(path, timestamp, prevTimestamp)
        }
        if (offset === baseOffset && i > 0) return
      }
      if (!verifyOnly) this.#output.out(`timestamp: ${timestamp} offset: ${offset}`)
      prevTimestamp = timestamp
    }
  }

  /** Prints the aborted transactions of a segment. */
  dumpTxnIndex(file: string): void {
    const bytes = this.#storage.readFile(file)
    const reader = new ByteReader(bytes)
    while (reader.remaining >= AbortedTxn.TotalSize) {
      const txn = AbortedTxn.read(reader)
      this.#output.out(
        `version: ${txn.version} producerId: ${txn.producerId} ` +
          `firstOffset: ${txn.firstOffset} lastOffset: ${txn.lastOffset} ` +
          `lastStableOffset: ${txn.lastStableOffset}`,
      )
    }
  }

  /** Prints the producers of a snapshot. */
  dumpProducerIdSnapshot(file: string): void {
    try {
      for (const entry of readSnapshot(this.#storage, file)) {
        this.#output.out(producerLine(entry))
      }
    } catch (error) {
      if (!(error instanceof CorruptSnapshotException)) throw error
      this.#output.err(error.message)
    }
  }

  #openLog(path: string): FileRecords {
    // A missing file is told at once, not when it is first read.
    const storage = this.#storage
    storage.open(path, 'read').close()
    return FileRecords.open({ storage, path, fileAlreadyExists: true })
  }

  #recordLine(batch: RecordBatch, record: KafkaRecord, position: number): string {
    const line =
      `offset: ${record.offset} position: ${position} ` +
      `${batch.timestampType}: ${record.timestamp} isvalid: ${isValid(record)} ` +
      `keysize: ${record.key?.length ?? -1} valuesize: ${record.value?.length ?? -1} ` +
      `magic: ${batch.magic} compresscodec: ${batch.compressionType.name.toUpperCase()}`
    return line + formatPart(batch, record) + this.#contentPart(batch, record)
  }

  #contentPart(batch: RecordBatch, record: KafkaRecord): string {
    if (batch.isControlBatch) {
      const type = ControlRecordType.parse(record.key)
      if (type === 'UNKNOWN') {
        return ` controlType: ${type}(${record.key?.readInt16BE(2)})`
      }
      const marker = EndTransactionMarker.deserialize(record)
      return ` endTxnMarker: ${type} coordinatorEpoch: ${marker.coordinatorEpoch}`
    }
    const { key, payload } = this.#options.parser?.(record) ?? {}
    const keyPart = key === undefined ? '' : ` key: ${key}`
    return keyPart + (payload === undefined ? '' : ` payload: ${payload}`)
  }
}

/** The line of a batch. */
function batchLine(batch: RecordBatch, position: number): string {
  const start =
    batch.magic >= RecordBatch.MAGIC_VALUE_V2
      ? `baseOffset: ${batch.baseOffset} lastOffset: ${batch.lastOffset} ` +
        `baseSequence: ${batch.baseSequence} lastSequence: ${batch.lastSequence} ` +
        `producerId: ${batch.producerId} producerEpoch: ${batch.producerEpoch} ` +
        `partitionLeaderEpoch: ${batch.partitionLeaderEpoch} ` +
        `isTransactional: ${batch.isTransactional}`
      : `offset: ${batch.lastOffset}`
  return (
    `${start} position: ${position} ${batch.timestampType}: ` +
    `${batch.maxTimestamp} isvalid: ${batch.isValid} size: ${batch.sizeInBytes} ` +
    `magic: ${batch.magic} compresscodec: ${batch.compressionType.name.toUpperCase()} ` +
    `crc: ${batch.checksum}`
  )
}

/** The part of a record's line that depends on its format. */
function formatPart(batch: RecordBatch, record: KafkaRecord): string {
  if (batch.magic < RecordBatch.MAGIC_VALUE_V2) {
    const crc = record instanceof ByteBufferLegacyRecordBatch ? record.checksum : null
    return ` crc: ${crc}`
  }
  const headerKeys = record.headers.map(({ key }) => key).join(',')
  return (
    ` producerId: ${batch.producerId} producerEpoch: ${batch.producerEpoch} ` +
    `sequence: ${record.sequence} isTransactional: ${batch.isTransactional} ` +
    `headerKeys: [${headerKeys}]`
  )
}

/** The line of a producer. */
function producerLine(entry: ProducerStateEntry): string {
  const { currentTxnFirstOffset: first } = entry
  const last = entry.batchMetadata.at(-1)
  return (
    `producerId: ${entry.producerId} producerEpoch: ${entry.producerEpoch} ` +
    `coordinatorEpoch: ${entry.coordinatorEpoch} ` +
    `currentTxnFirstOffset: ${first === undefined ? 'None' : `Some(${first})`} ` +
    `firstSequence: ${entry.firstSeq} lastSequence: ${entry.lastSeq} ` +
    `lastOffset: ${entry.lastDataOffset} offsetDelta: ${last?.offsetDelta ?? 0} ` +
    `timestamp: ${entry.lastTimestamp}`
  )
}

function isValid(record: KafkaRecord): boolean {
  return record instanceof ByteBufferLegacyRecordBatch ? record.isValid : true
}

/** The batch at or behind an offset, found through the index. */
function batchOf(
  fileRecords: FileRecords,
  index: readonly OffsetEntry[],
  offset: number,
): RecordBatch | undefined {
  const position = index.findLast((entry) => entry.offset <= offset)?.position ?? 0
  for (const batch of fileRecords.batchesFrom(position)) {
    if (batch.lastOffset >= offset) return batch.loadFullBatch()
  }
  return undefined
}

function maxTimestampOf(batch: RecordBatch): number {
  let max: number = RecordBatch.NO_TIMESTAMP
  for (const { timestamp } of batch) max = Math.max(max, timestamp)
  return max
}

function offsetEntry(bytes: Buffer, i: number, baseOffset: number): OffsetEntry {
  const at = i * offsetEntryBytes
  return {
    offset: baseOffset + bytes.readInt32BE(at),
    position: bytes.readInt32BE(at + 4),
  }
}

/** All entries up to the zeros of a file that was not closed. */
function offsetEntries(bytes: Buffer, baseOffset: number): OffsetEntry[] {
  const entries: OffsetEntry[] = []
  for (let i = 0; i < Math.floor(bytes.length / offsetEntryBytes); i++) {
    const entry = offsetEntry(bytes, i, baseOffset)
    if (i > 0 && entry.offset === baseOffset) break
    entries.push(entry)
  }
  return entries
}

/** What a broker asks of an offset index before it trusts it. */
function checkOffsetIndex(file: string, bytes: Buffer): void {
  const entries = Math.floor(bytes.length / offsetEntryBytes)
  const last = entries === 0 ? 0 : offsetEntry(bytes, entries - 1, 0).offset
  if (entries > 0 && last <= 0) {
    throw new CorruptIndexException(
      `corrupt index found, index file (${file}) has non-zero size but the last offset ` +
        'is no greater than the base offset',
    )
  }
  checkLength(file, bytes, offsetEntryBytes)
}

/** What a broker asks of a time index before it trusts it. */
function checkTimeIndex(file: string, bytes: Buffer): void {
  const entries = Math.floor(bytes.length / timeEntryBytes)
  const timestamp = (i: number) => Number(bytes.readBigInt64BE(i * timeEntryBytes))
  if (entries > 0 && timestamp(entries - 1) < timestamp(0)) {
    throw new CorruptIndexException(
      `corrupt time index found, time index file (${file}) has non-zero size but the ` +
        `last timestamp is ${timestamp(entries - 1)} which is less than the first ` +
        `timestamp ${timestamp(0)}`,
    )
  }
  checkLength(file, bytes, timeEntryBytes)
}

function checkLength(file: string, bytes: Buffer, entrySize: number): void {
  if (bytes.length % entrySize === 0) return
  throw new CorruptIndexException(
    `${file} has ${bytes.length} bytes, not a multiple of ${entrySize}`,
  )
}

/** Notes a complaint; those of a file stand newest first, as in Kafka. */
function note(
  complaints: Map<string, [number, number][]>,
  file: string,
  pair: [number, number],
): void {
  complaints.set(file, [pair, ...(complaints.get(file) ?? [])])
}

function baseOffsetOf(file: string): number {
  const name = basename(file)
  const digits = name.slice(0, name.indexOf('.'))
  if (/^\d+$/.test(digits)) return Number(digits)
  throw new IllegalArgumentException(`${name}: expected an offset in front of the dot`)
}

function beside(file: string, suffix: string): string {
  const name = basename(file)
  return join(dirname(file), name.slice(0, name.indexOf('.')) + suffix)
}

function absolute(file: string): string {
  return file.startsWith('/') ? file : join(process.cwd(), file)
}

/** The same storage, on which files are opened for reading only. */
function readOnly(storage: Storage): Storage {
  return Object.assign(Object.create(storage) as Storage, {
    open: (path: string) => storage.open(path, 'read'),
    readFile: (path: string) => storage.readFile(path),
    stat: (path: string) => storage.stat(path),
    exists: (path: string) => storage.exists(path),
  })
}
