/**
 * # LogSegment
 *
 * A stretch of a log: one file of batches and its three indexes. A segment takes appends
 * while it is the last one; then it is only read, until retention deletes it.
 *
 *     baseOffset 40 ── 40.log        [batch 40-42][batch 43-43][batch 44-57] …
 *                      40.index      44 → 1310
 *                      40.timeindex  12:00:03 → 44
 *                      40.txnindex   producer 4007: 41 … 57
 *
 * Invariants: every offset in the segment is at least `baseOffset` and less than 2^31 above
 * it; the first append never gets an index entry, because nothing lies before it.
 *
 * @kafka core/src/main/scala/kafka/log/LogSegment.scala#LogSegment
 * @module
 */
import type { Steps } from '../base/async/steps.ts'
import {
  CorruptRecordException,
  IllegalArgumentException,
  IOException,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Clock, Storage } from '../base/platform/Platform.ts'
import { basename, join } from '../base/platform/path.ts'
import { MemoryRecords } from '../record/MemoryRecords.ts'
import { RecordBatch } from '../record/RecordBatch.ts'
import { AbortedTxn } from './AbortedTxn.ts'
import type { CompletedTxn } from './CompletedTxn.ts'
import { CorruptIndexException } from './CorruptIndexException.ts'
import type { FetchDataInfo, Records } from './FetchDataInfo.ts'
import { FileRecords, type LogOffsetPosition } from './FileRecords.ts'
import type { LeaderEpochFileCache } from './LeaderEpochFileCache.ts'
import { LogOffsetMetadata } from './LogOffsetMetadata.ts'
import {
  logFile,
  offsetIndexFile,
  timeIndexFile,
  transactionIndexFile,
} from './log-file-names.ts'
import type { OpenSegmentOptions, SegmentAppend } from './log-segment-options.ts'
import { OffsetIndex, type OffsetPosition } from './OffsetIndex.ts'
import type { ProducerStateManager } from './ProducerStateManager.ts'
import { maxRelativeOffset, SegmentScan } from './segment-scan.ts'
import { TimeIndex, type TimestampOffset } from './TimeIndex.ts'
import { TransactionIndex, type TxnIndexSearchResult } from './TransactionIndex.ts'

const recoveryChunkBytes = 4 * 1024 * 1024

/**
 * One segment of a log.
 *
 * @kafka core/src/main/scala/kafka/log/LogSegment.scala#LogSegment
 */
export class LogSegment {
  /** The batches. */
  readonly log: FileRecords

  readonly offsetIndex: OffsetIndex
  readonly timeIndex: TimeIndex
  readonly txnIndex: TransactionIndex

  /** First offset that the segment may hold; also its files' name. */
  readonly baseOffset: number

  /** Milliseconds by which this segment is rolled earlier than `segment.ms`. */
  readonly rollJitterMs: number

  readonly #clock: Clock
  readonly #storage: Storage
  readonly #indexIntervalBytes: number
  readonly #maxSegmentMs: number
  readonly #maxSegmentBytes: number
  readonly #logger = logger('LogSegment')

  /** When the segment was made, or emptied; for batches without timestamps. */
  #created: number

  /** Bytes appended since the last index entry. */
  #bytesSinceLastIndexEntry = 0

  /** Timestamp of the first batch, against which `segment.ms` is held. */
  #rollingBasedTimestamp: number | undefined

  /** Largest timestamp in the segment, -1 for none, and where it is. */
  #maxTimestampSoFar: number
  #offsetOfMaxTimestamp: number

  /** Opens or makes the files of a segment. */
  constructor(options: OpenSegmentOptions) {
    // The files, named after the base offset.
    const { dir, baseOffset, config, platform, fileSuffix = '' } = options
    const { storage, clock } = platform
    const maxIndexSize = config.maxIndexSize
    this.log = FileRecords.open({
      storage,
      path: logFile(dir, baseOffset, fileSuffix),
      fileAlreadyExists: options.fileAlreadyExists ?? false,
      initFileSize: options.initFileSize ?? 0,
      preallocate: options.preallocate ?? false,
    })
    const index = { storage, baseOffset, maxIndexSize }
    const offsetPath = offsetIndexFile(dir, baseOffset, fileSuffix)
    const timePath = timeIndexFile(dir, baseOffset, fileSuffix)
    const txnPath = transactionIndexFile(dir, baseOffset, fileSuffix)
    this.offsetIndex = new OffsetIndex({ ...index, path: offsetPath })
    this.timeIndex = new TimeIndex({ ...index, path: timePath })
    this.txnIndex = new TransactionIndex(storage, baseOffset, txnPath)

    // When to index, and when to roll.
    this.baseOffset = baseOffset
    this.rollJitterMs = config.randomSegmentJitter(platform.random)
    this.#indexIntervalBytes = config.indexInterval
    this.#maxSegmentMs = config.segmentMs
    this.#maxSegmentBytes = config.segmentSize
    this.#clock = clock
    this.#storage = storage
    this.#created = clock.now()

    // What the time index remembers of the content.
    this.#maxTimestampSoFar = this.timeIndex.lastEntry.timestamp
    this.#offsetOfMaxTimestamp = this.timeIndex.lastEntry.offset
  }

  /**
   * Opens or makes a segment.
   *
   * @kafka core/src/main/scala/kafka/log/LogSegment.scala#open
   */
  static open(options: OpenSegmentOptions): LogSegment {
    return new LogSegment(options)
  }

  /** Bytes of batches. */
  get size(): number {
    return this.log.sizeInBytes
  }

  /** Time of the last change of the batches' file, milliseconds since 1970. */
  get lastModified(): number {
    return this.log.lastModified
  }

  /** Sets the time of the last change, of all files. */
  set lastModified(ms: number) {
    this.log.lastModified = ms
    this.#storage.setMtime(this.offsetIndex.path, ms)
    this.#storage.setMtime(this.timeIndex.path, ms)
  }

  /** Largest timestamp of the records; without any, the file's last change. */
  get largestTimestamp(): number {
    return this.#maxTimestampSoFar >= 0 ? this.#maxTimestampSoFar : this.lastModified
  }

  /**
   * Says whether an append must go to a new segment: the file would grow too large, its
   * first batch is too old, an index is full, or the offset is too far from the base.
   *
   * @param messagesSize bytes to append
   * @param maxTimestampInMessages their largest timestamp
   * @param maxOffsetInMessages their last offset
   * @param now wall time in ms
   */
  shouldRoll(
    messagesSize: number,
    maxTimestampInMessages: number,
    maxOffsetInMessages: number,
    now: number,
  ): boolean {
    if (this.size > this.#maxSegmentBytes - messagesSize) return true
    if (this.offsetIndex.isFull || this.timeIndex.isFull) return true
    if (!this.canConvertToRelativeOffset(maxOffsetInMessages)) return true
    if (this.size === 0) return false
    const waitedMs = this.timeWaitedForRoll(now, maxTimestampInMessages)
    return waitedMs > this.#maxSegmentMs - this.rollJitterMs
  }

  /**
   * Tells how long the segment has been filling: by the timestamps of its batches, or by
   * the wall clock when they have none.
   */
  timeWaitedForRoll(now: number, messageTimestamp: number): number {
    // Look up the first batch, if it was appended before the last start.
    if (this.#rollingBasedTimestamp === undefined && this.size > 0) {
      const [first] = this.log.batchesFrom(0)
      this.#rollingBasedTimestamp = first?.maxTimestamp
    }

    // Without timestamps, count from when the segment was made.
    const first = this.#rollingBasedTimestamp
    if (first === undefined || first < 0) return now - this.#created
    return messageTimestamp - first
  }

  /** Says whether an offset can be written in an index of this segment. */
  canConvertToRelativeOffset(offset: number): boolean {
    return offset - this.baseOffset <= maxRelativeOffset
  }

  /** Gives both indexes room again, when this becomes the active segment. */
  resizeIndexes(size: number): void {
    this.offsetIndex.resize(size)
    this.timeIndex.resize(size)
  }

  /**
   * Checks the indexes that were found on the disk.
   *
   * @param timeIndexFileNewlyCreated whether the time index was missing
   * @param offsetIndexFileNewlyCreated whether the offset index was missing
   * @throws CorruptIndexException when the segment must be scanned to rebuild them
   */
  sanityCheck(
    timeIndexFileNewlyCreated: boolean,
    offsetIndexFileNewlyCreated: boolean,
  ): void {
    if (offsetIndexFileNewlyCreated) {
      throw new CorruptIndexException(`${this.offsetIndex.path} is missing`)
    }
    this.offsetIndex.sanityCheck()
    if (timeIndexFileNewlyCreated) this.timeIndex.resize(0)
    this.timeIndex.sanityCheck()
    this.txnIndex.sanityCheck()
  }

  /**
   * Appends batches behind the last one.
   *
   * @throws IllegalArgumentException when the last offset is too far from the base
   */
  append(append: SegmentAppend): void {
    // Nothing is appended for nothing.
    const { firstOffset, largestOffset, largestTimestamp, records } = append
    if (records.sizeInBytes === 0) return
    if (!this.canConvertToRelativeOffset(largestOffset)) {
      throw new IllegalArgumentException(
        `offset ${largestOffset} is too far from the base offset ${this.baseOffset}`,
      )
    }

    // Write the bytes; the age of the segment counts from its first batch.
    const physicalPosition = this.size
    if (physicalPosition === 0) this.#rollingBasedTimestamp = largestTimestamp
    this.log.append(records)

    // Keep the largest timestamp.
    if (largestTimestamp > this.#maxTimestampSoFar) {
      this.#maxTimestampSoFar = largestTimestamp
      this.#offsetOfMaxTimestamp = append.shallowOffsetOfMaxTimestamp
    }

    // Add to the indexes when enough lies behind the last entry.
    if (this.#bytesSinceLastIndexEntry > this.#indexIntervalBytes) {
      this.offsetIndex.append(firstOffset, physicalPosition)
      this.#appendLargestTimestamp(false)
      this.#bytesSinceLastIndexEntry = 0
    }
    this.#bytesSinceLastIndexEntry += records.sizeInBytes
  }

  /** Notes a transaction in the index, if it was aborted. */
  updateTxnIndex(completedTxn: CompletedTxn, lastStableOffset: number): void {
    if (!completedTxn.isAborted) return
    this.txnIndex.append(AbortedTxn.of(completedTxn, lastStableOffset))
  }

  /**
   * Finds the batch that holds an offset, or the next one after it.
   *
   * @param startingFilePosition byte before which it cannot be
   * @returns `undefined` when it ends below the offset
   */
  translateOffset(
    offset: number,
    startingFilePosition = 0,
  ): LogOffsetPosition | undefined {
    const { position, offset: entry } = this.offsetIndex.lookup(offset)
    const from = Math.max(position, startingFilePosition)
    return this.log.searchForOffsetWithSize(offset, from, from > position ? -1 : entry)
  }

  /**
   * Cuts out the batches from an offset on.
   *
   * @param read.maxSize bytes at most, but for the first batch with `minOneMessage`
   * @param read.maxOffset offset at which to stop (exclusive); `undefined` for none
   * @param read.maxPosition byte of the file at which to stop
   * @returns `undefined` when the segment ends below the offset
   */
  read(read: {
    startOffset: number
    maxOffset?: number | undefined
    maxSize: number
    maxPosition?: number
    minOneMessage?: boolean
  }): FetchDataInfo | undefined {
    // Find the batch.
    const { startOffset, maxOffset, maxSize, maxPosition = this.size } = read
    if (maxSize < 0) throw new IllegalArgumentException(`invalid max size: ${maxSize}`)
    const start = this.translateOffset(startOffset)
    if (start === undefined) return undefined
    const { position } = start
    const place = new LogOffsetMetadata(startOffset, this.baseOffset, position)

    // Stretch the limit to one batch, if one there must be.
    const limit = read.minOneMessage === true ? Math.max(maxSize, start.size) : maxSize
    if (limit === 0) return dataInfo(place, MemoryRecords.EMPTY)

    // A limit below the start can be, shortly after a change of leaders.
    if (maxOffset !== undefined && maxOffset < startOffset) {
      return dataInfo(place, MemoryRecords.EMPTY)
    }

    // Stop at the batch of the offset limit, or at the position.
    const endPosition =
      maxOffset === undefined
        ? maxPosition
        : (this.translateOffset(maxOffset, position)?.position ?? this.size)
    const available = Math.min(maxPosition, endPosition) - position
    const records = this.log.read(position, Math.max(Math.min(available, limit), 0))
    return dataInfo(place, records, limit < start.size)
  }

  /** An offset that lies surely behind a read; `undefined` when the index ends before. */
  fetchUpperBoundOffset(
    startOffsetPosition: OffsetPosition,
    fetchSize: number,
  ): number | undefined {
    return this.offsetIndex.fetchUpperBoundOffset(startOffsetPosition, fetchSize)
      ?.offset
  }

  /** The aborted transactions in this segment that overlap a range of offsets. */
  collectAbortedTxns(
    fetchOffset: number,
    upperBoundOffset: number,
  ): TxnIndexSearchResult {
    return this.txnIndex.collectAbortedTxns(fetchOffset, upperBoundOffset)
  }

  /**
   * Scans the whole segment: rebuilds its indexes and the producer state, and cuts it off
   * at the first batch that is torn, corrupt or out of order. This makes a crash harmless.
   *
   * @param producerStateManager state at the beginning of the segment; moved to its end
   * @param leaderEpochCache told of epochs that are new; left out to leave it alone
   * @returns steps, and in the end the bytes cut off
   * @throws InvalidOffsetException when offsets do not rise
   */
  *recover(
    producerStateManager: ProducerStateManager,
    leaderEpochCache?: LeaderEpochFileCache,
  ): Steps<number> {
    // Begin with empty indexes. A start without one of offsets begins here again.
    this.offsetIndex.resetWithoutFile()
    this.timeIndex.reset()
    this.txnIndex.reset()
    this.#maxTimestampSoFar = RecordBatch.NO_TIMESTAMP
    const scan = new SegmentScan(this.baseOffset)
    let [validBytes, lastIndexEntry] = [0, 0]

    // Take over batch by batch, as far as they are whole and true.
    try {
      const scratch = Buffer.allocUnsafe(Math.min(recoveryChunkBytes, this.size))
      for (const batch of this.log.batches(scratch)) {
        scan.check(batch)
        this.#noteTimestamp(batch)
        const hasRoom = !this.offsetIndex.isFull && !this.timeIndex.isFull
        if (validBytes - lastIndexEntry > this.#indexIntervalBytes && hasRoom) {
          this.offsetIndex.append(batch.baseOffset, validBytes)
          this.#appendLargestTimestamp(false)
          lastIndexEntry = validBytes
        }
        validBytes += batch.sizeInBytes
        if (scan.isStepOver(validBytes)) yield
        if (batch.magic < RecordBatch.MAGIC_VALUE_V2) continue
        const { partitionLeaderEpoch: epoch } = batch
        const isNew = leaderEpochCache && epoch > leaderEpochCache.latestEpoch()
        if (isNew) leaderEpochCache.assign(epoch, batch.baseOffset)
        this.#updateProducerState(producerStateManager, batch)
      }
    } catch (error) {
      if (!(error instanceof CorruptRecordException)) throw error
      this.#logger.warn(`Found bad bytes in ${this.log.path} at ${validBytes}`, error)
    }

    // Cut off the rest, and flush: what was read may be in the page cache only.
    const truncated = this.log.truncateTo(validBytes)
    this.#appendLargestTimestamp()
    this.timeIndex.trimToValidSize()
    this.log.noteUnflushed()
    const flush = { now: () => this.flushNow(), beside: () => this.flush() }
    yield flush
    this.offsetIndex.trimToValidSize()
    yield flush
    return truncated
  }

  /**
   * Cuts off an offset and all above.
   *
   * @returns bytes cut off
   */
  truncateTo(offset: number): number {
    // Find the place while the index still knows it.
    const mapping = this.translateOffset(offset)
    this.offsetIndex.truncateTo(offset)
    this.timeIndex.truncateTo(offset)
    this.txnIndex.truncateTo(offset)

    // The segment takes appends again, and needs room in its indexes.
    this.offsetIndex.resize(this.offsetIndex.maxIndexSize)
    this.timeIndex.resize(this.timeIndex.maxIndexSize)

    // Cut the batches; an empty segment is as good as new.
    const cut = mapping === undefined ? 0 : this.log.truncateTo(mapping.position)
    if (this.size === 0) {
      this.#created = this.#clock.now()
      this.#rollingBasedTimestamp = undefined
    }
    this.#bytesSinceLastIndexEntry = 0
    if (this.#maxTimestampSoFar >= 0) this.#loadLargestTimestamp()
    return cut
  }

  /** The offset after the last batch; the base offset when there is none. */
  get readNextOffset(): number {
    // Begin at the last index entry: only what follows has to be walked.
    const { position } = this.offsetIndex.lookup(this.offsetIndex.lastOffset)
    let next = this.baseOffset
    for (const batch of this.log.batchesFrom(position)) next = batch.nextOffset
    return next
  }

  /**
   * Finds the first record that is as young as a time.
   *
   * @param timestamp milliseconds
   * @param startingOffset records below do not count
   */
  findOffsetByTimestamp(
    timestamp: number,
    startingOffset = this.baseOffset,
  ): TimestampOffset | undefined {
    const entry = this.timeIndex.lookup(timestamp)
    const from = Math.max(entry.offset, startingOffset)
    const { position } = this.offsetIndex.lookup(from)
    return this.log.searchForTimestamp(timestamp, position, startingOffset)
  }

  /** Brings batches and indexes to the disk; appends may go on meanwhile. */
  async flush(): Promise<void> {
    await this.log.flush()
    await this.offsetIndex.flush()
    await this.timeIndex.flush()
    await this.txnIndex.flush()
  }

  /** Like {@link flush}, without letting anything else run. */
  flushNow(): void {
    this.log.flushNow()
    this.offsetIndex.flushNow()
    this.timeIndex.flushNow()
    this.txnIndex.flushNow()
  }

  /** Makes this a segment that is only read: the next one has been rolled. */
  onBecomeInactiveSegment(): void {
    this.#appendLargestTimestamp()
    this.offsetIndex.trimToValidSize()
    this.timeIndex.trimToValidSize()
    this.log.trim()
  }

  /** Notes that the files now lie in another directory. */
  updateDir(dir: string): void {
    this.log.setFile(join(dir, basename(this.log.path)))
    this.offsetIndex.path = join(dir, basename(this.offsetIndex.path))
    this.timeIndex.path = join(dir, basename(this.timeIndex.path))
    this.txnIndex.path = join(dir, basename(this.txnIndex.path))
  }

  /**
   * Renames all files.
   *
   * @param oldSuffix what they end with; empty for nothing
   * @param newSuffix what takes its place
   */
  changeFileSuffixes(oldSuffix: string, newSuffix: string): void {
    const renamed = (path: string) => {
      if (!path.endsWith(oldSuffix)) {
        throw new IllegalArgumentException(`${path} does not end with ${oldSuffix}`)
      }
      return path.slice(0, path.length - oldSuffix.length) + newSuffix
    }
    this.log.renameTo(renamed(this.log.path))
    this.offsetIndex.renameTo(renamed(this.offsetIndex.path))
    this.timeIndex.renameTo(renamed(this.timeIndex.path))
    this.txnIndex.renameTo(renamed(this.txnIndex.path))
  }

  /** Brings everything to the disk and gives the files back. */
  close(): void {
    this.#swallow(() => this.#appendLargestTimestamp())
    this.#swallow(() => this.offsetIndex.close())
    this.#swallow(() => this.timeIndex.close())
    this.#swallow(() => this.log.close())
    this.#swallow(() => this.txnIndex.close())
  }

  /** Gives the files back without touching the disk, which has failed. */
  closeHandlers(): void {
    this.#swallow(() => this.offsetIndex.closeHandler())
    this.#swallow(() => this.timeIndex.closeHandler())
    this.#swallow(() => this.log.closeHandlers())
  }

  /** Removes all files, whichever of them are there. */
  deleteIfExists(): void {
    // One that cannot be removed must not keep the others.
    const files = [this.log, this.offsetIndex, this.timeIndex, this.txnIndex]
    let failure: unknown
    for (const file of files) {
      try {
        file.deleteIfExists()
      } catch (error) {
        failure ??= new IOException(`delete of ${file.path} failed`, { cause: error })
      }
    }
    if (failure !== undefined) throw failure
  }

  /** For messages. */
  toString(): string {
    return `LogSegment(baseOffset=${this.baseOffset}, size=${this.size})`
  }

  /** Adds the largest timestamp; as the last of all, in the entry kept free for it. */
  #appendLargestTimestamp(isLast = true): void {
    const offset = this.#offsetOfMaxTimestamp
    this.timeIndex.maybeAppend(this.#maxTimestampSoFar, offset, isLast)
  }

  #noteTimestamp(batch: RecordBatch): void {
    if (batch.maxTimestamp <= this.#maxTimestampSoFar) return
    this.#maxTimestampSoFar = batch.maxTimestamp
    this.#offsetOfMaxTimestamp = batch.lastOffset
  }

  #updateProducerState(manager: ProducerStateManager, batch: RecordBatch): void {
    if (batch.hasProducerId) {
      const appendInfo = manager.prepareUpdate(batch.producerId, false)
      const completedTxn = appendInfo.append(batch)
      manager.update(appendInfo)
      if (completedTxn !== undefined) {
        this.updateTxnIndex(completedTxn, manager.completeTxn(completedTxn))
      }
    }
    manager.updateMapEndOffset(batch.lastOffset + 1)
  }

  /** Finds the largest timestamp again after a cut. */
  #loadLargestTimestamp(): void {
    // The time index knows the largest up to its last entry.
    const last = this.timeIndex.lastEntry
    this.#maxTimestampSoFar = last.timestamp
    this.#offsetOfMaxTimestamp = last.offset

    // A larger one may follow.
    const { position } = this.offsetIndex.lookup(last.offset)
    const after = this.log.largestTimestampAfter(position)
    if (after.timestamp > last.timestamp) {
      this.#maxTimestampSoFar = after.timestamp
      this.#offsetOfMaxTimestamp = after.offset
    }
  }

  #swallow(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#logger.warn(`Error while closing ${this}`, error)
    }
  }
}

function dataInfo(
  fetchOffsetMetadata: LogOffsetMetadata,
  records: Records,
  firstEntryIncomplete = false,
): FetchDataInfo {
  return {
    fetchOffsetMetadata,
    records,
    firstEntryIncomplete,
    abortedTransactions: null,
  }
}
