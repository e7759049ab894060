/**
 * # Cleaner
 *
 * Cleans one log: of every key only the last message stays. It reads the dirty part once to
 * learn where each key was seen last, then copies everything from the beginning on, leaving
 * out what was overwritten, group by group, into new segments.
 *
 *     keys   a b a c │ a b d        1  map of the dirty part:  a→4 b→5 d→6
 *            0 1 2 3 │ 4 5 6        2  copied:  c@3  a@4  b@5  d@6
 *            clean     dirty
 *
 * Offsets never change; those that are left out are a hole. Data of aborted transactions
 * goes, as do deletions (messages without a value) and markers that everyone has had
 * `delete.retention.ms` to read. A batch that is the last of its producer stays, if need be
 * empty, so that the producer's sequence is known after a recovery.
 *
 * The work is done in small pieces. Between two of them everything else runs, and the log
 * may be truncated or deleted: who does that says so first, and `checkDone` ends the work
 * before the next piece. Until `replaceSegments`, which is one piece, the log is untouched.
 *
 * @kafka core/src/main/scala/kafka/log/LogCleaner.scala#Cleaner
 * @differs the markers of transactions are never taken for messages with a key, and a batch
 *   whose checksum is wrong ends the cleaning; 1.1.1 does not look.
 * @module
 */
import { logger } from '../base/logger.ts'
import type { Platform } from '../base/platform/Platform.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { batchSizeAt } from '../record/ByteBufferLogInputStream.ts'
import type { RecordCursor } from '../record/KafkaRecord.ts'
import { MemoryRecords } from '../record/MemoryRecords.ts'
import type { RecordBatch } from '../record/RecordBatch.ts'
import type { BatchRetention, RecordFilter } from '../record/RecordFilter.ts'
import { CleanedTransactionMetadata } from './CleanedTransactionMetadata.ts'
import { CleanerStats } from './CleanerStats.ts'
import type { Log } from './Log.ts'
import { LogSegment } from './LogSegment.ts'
import type { LogToClean } from './LogToClean.ts'
import {
  CleanedFileSuffix,
  logFile,
  offsetIndexFile,
  timeIndexFile,
  transactionIndexFile,
} from './log-file-names.ts'
import type { OffsetMap } from './OffsetMap.ts'
import type { Throttler } from './Throttler.ts'

const maxInt = 0x7fffffff

/** Records after which everything else runs: a millisecond or two of work. */
const recordsAtOnce = 2000

/** What a cleaner is made with. */
export interface CleanerOptions {
  /** Number of the thread, for messages. */
  readonly id: number
  readonly offsetMap: OffsetMap
  /** Bytes that are read at once. */
  readonly ioBufferSize: number
  /** Share of the map's slots that may be used, 0 to 1. */
  readonly dupBufferLoadFactor: number
  readonly throttler: Throttler
  readonly platform: Platform
  /** Ends the waits. */
  readonly signal?: AbortSignal | undefined
  /** Throws when the cleaning of a log must end. */
  readonly checkDone: (topicPartition: TopicPartition) => void
}

/** One pass over the segments of a log. */
interface CleaningPass {
  readonly log: Log
  /** Deletions and markers in segments changed at or before this time go (wall ms). */
  readonly deleteHorizonMs: number
  readonly transactionMetadata: CleanedTransactionMetadata
  /** The last sequence of each producer. */
  readonly activeProducers: ReadonlyMap<bigint, number>
  readonly stats: CleanerStats
}

/**
 * Cleans logs, one after the other.
 *
 * @kafka core/src/main/scala/kafka/log/LogCleaner.scala#Cleaner
 */
export class Cleaner {
  readonly #options: CleanerOptions

  /** What is read goes here; made when first needed. */
  #readBuffer: Buffer | undefined

  readonly #log = logger('LogCleaner')

  constructor(options: CleanerOptions) {
    this.#options = options
  }

  /**
   * Cleans a log.
   *
   * @returns the offset up to which it is clean now, and what was done
   * @throws LogCleaningAbortedException when `checkDone` does, KafkaStorageException or
   *   the storage's own error when the disk fails
   */
  async clean(cleanable: LogToClean): Promise<readonly [number, CleanerStats]> {
    // Deletions stay until the clean part is old enough.
    const { log, firstDirtyOffset } = cleanable
    const lastClean = log.segments.range(0, firstDirtyOffset).at(-1)
    const deleteHorizonMs =
      lastClean === undefined
        ? 0
        : lastClean.lastModified - log.config.deleteRetentionMs
    return this.doClean(cleanable, deleteHorizonMs)
  }

  /**
   * Cleans a log, with the time given up to which deletions go.
   *
   * @param deleteHorizonMs wall time in ms
   */
  async doClean(
    cleanable: LogToClean,
    deleteHorizonMs: number,
  ): Promise<readonly [number, CleanerStats]> {
    // Learn the keys of the dirty part, as far as the map has room.
    const { log, firstDirtyOffset, firstUncleanableOffset } = cleanable
    const { offsetMap, platform } = this.#options
    const stats = new CleanerStats(platform.clock)
    this.#log.info(`Beginning cleaning of log ${log.name}`)
    await this.buildOffsetMap(log, firstDirtyOffset, firstUncleanableOffset, stats)
    const endOffset = Math.max(offsetMap.latestOffset + 1, firstDirtyOffset)
    stats.indexDone()

    // Copy what stays of everything up to there.
    const pass = {
      log,
      deleteHorizonMs,
      transactionMetadata: new CleanedTransactionMetadata(),
      activeProducers: log.activeProducersWithLastSequence,
      stats,
    }
    const groups = this.groupSegmentsBySize(
      log.segments.range(0, endOffset),
      log.config.segmentSize,
      log.config.maxIndexSize,
      firstUncleanableOffset,
    )
    for (const group of groups) await this.cleanSegments(pass, group)

    // Tell how it went, and give the memory back.
    stats.bufferUtilization = offsetMap.utilization
    offsetMap.clear()
    stats.allDone()
    return [endOffset, stats]
  }

  /**
   * Replaces a group of segments by one that holds what stays of them.
   *
   * @param segments neighbours, oldest first
   */
  async cleanSegments(
    pass: CleaningPass,
    segments: readonly LogSegment[],
  ): Promise<void> {
    // Begin a segment that is not in service; one of an earlier try is of no use.
    const { log, transactionMetadata } = pass
    const { platform } = this.#options
    const { dir, config } = log
    const { baseOffset } = segments[0] as LogSegment
    removeCleanedFiles(platform, dir, baseOffset)
    const initFileSize = config.preallocate ? config.segmentSize : 0
    const cleaned = LogSegment.open({
      ...{ dir, baseOffset, config, platform, initFileSize },
      ...{ preallocate: config.preallocate, fileSuffix: CleanedFileSuffix },
    })
    transactionMetadata.cleanedIndex = cleaned.txnIndex

    // Fill it, bring it to the disk, and let it look as old as what it replaces.
    try {
      for (const segment of segments) await this.#cleanSegment(pass, segment, cleaned)
      cleaned.onBecomeInactiveSegment()
      await cleaned.flush()
      this.#options.checkDone(log.topicPartition)
      platform.storage.syncDirectory(dir)
      cleaned.lastModified = (segments.at(-1) as LogSegment).lastModified
      this.#log.debug(`Swapping in cleaned ${cleaned} of ${dir}`)
      log.replaceSegments(cleaned, segments)
    } catch (error) {
      // Nothing of the log has changed, unless the swap itself failed on the disk.
      if (log.segments.get(baseOffset) !== cleaned) this.#discard(cleaned)
      throw error
    }
  }

  /** Copies what stays of one segment. */
  async #cleanSegment(
    pass: CleaningPass,
    segment: LogSegment,
    cleaned: LogSegment,
  ): Promise<void> {
    // The transactions that were aborted in it.
    const { log, deleteHorizonMs, transactionMetadata } = pass
    const next = log.segments.higher(segment.baseOffset)
    const upperBoundOffset =
      next?.baseOffset ?? this.#options.offsetMap.latestOffset + 1
    transactionMetadata.addAbortedTransactions(
      log.collectAbortedTransactions(segment.baseOffset, upperBoundOffset),
    )

    // Deletions go once the segment was clean for long enough.
    const retainDeletes = segment.lastModified > deleteHorizonMs
    this.#log.debug(
      `Cleaning ${segment} of ${log.name} into ${cleaned.baseOffset}, ` +
        `${retainDeletes ? 'retaining' : 'discarding'} deletes`,
    )
    await this.cleanInto(pass, segment, cleaned, retainDeletes)
  }

  /**
   * Copies what stays of one segment into another, piece by piece.
   *
   * @param retainDeletes whether deletions and markers stay
   */
  async cleanInto(
    pass: CleaningPass,
    source: LogSegment,
    dest: LogSegment,
    retainDeletes: boolean,
  ): Promise<void> {
    const { topicPartition } = pass.log
    const { throttler, signal } = this.#options
    const filter = this.#filter(pass, retainDeletes)
    let position = 0
    while (position < source.size) {
      // Let everything else run; then the log may no longer be ours to clean.
      await this.#breathe(topicPartition)
      const records = this.#readChunk(source, position)
      const bytes = records.validBytes
      if (bytes === 0) break

      // Leave out what goes.
      const result = records.filterTo(filter)
      pass.stats.readMessages(result.messagesRead, bytes)
      pass.stats.recopyMessages(result.messagesRetained, result.bytesRetained)
      position += bytes

      // Append the rest as it is.
      const retained = result.output
      const [first] = retained.batches()
      if (first !== undefined) {
        dest.append({
          firstOffset: first.baseOffset,
          largestOffset: result.maxOffset,
          largestTimestamp: result.maxTimestamp,
          shallowOffsetOfMaxTimestamp: result.shallowOffsetOfMaxTimestamp,
          records: retained,
        })
      }
      await throttler.maybeThrottle(bytes + retained.sizeInBytes, signal)
    }
    this.#options.checkDone(topicPartition)
  }

  /**
   * Says whether a whole batch goes whatever its keys are.
   *
   * @param retainTxnMarkers whether a marker stays that marks nothing any more
   */
  shouldDiscardBatch(
    batch: RecordBatch,
    transactionMetadata: CleanedTransactionMetadata,
    retainTxnMarkers: boolean,
  ): boolean {
    if (!batch.isControlBatch) return transactionMetadata.onBatchRead(batch)
    return transactionMetadata.onControlBatchRead(batch) && !retainTxnMarkers
  }

  /**
   * Says whether a message stays: it is the last of its key, and has a value or was
   * deleted not long ago.
   */
  shouldRetainRecord(
    retainDeletes: boolean,
    record: RecordCursor,
    stats: CleanerStats,
  ): boolean {
    // Beyond the map nothing is known.
    const { offsetMap } = this.#options
    if (record.offset > offsetMap.latestOffset) return true

    // Without a key there is no way to tell.
    const key = record.key()
    if (key === null) {
      stats.invalidMessage()
      return false
    }
    const isRedundant = record.offset < offsetMap.get(key)
    const isObsoleteDelete = !retainDeletes && !record.hasValue
    return !isRedundant && !isObsoleteDelete
  }

  /**
   * Puts neighbours together, so that segments that have become small do not stay so.
   *
   * @param segments all to be cleaned, oldest first
   * @param maxSize bytes of batches in a group
   * @param maxIndexSize bytes of either index in a group
   * @param firstUncleanableOffset upper bound of the offsets in the last segment
   */
  groupSegmentsBySize(
    segments: readonly LogSegment[],
    maxSize: number,
    maxIndexSize: number,
    firstUncleanableOffset: number,
  ): LogSegment[][] {
    const groups: LogSegment[][] = []
    let sizes = { log: 0, index: 0, timeIndex: 0 }
    for (const [i, segment] of segments.entries()) {
      // Offsets in a segment must stay within reach of its base.
      const group = groups.at(-1)
      const base = group?.[0]?.baseOffset ?? segment.baseOffset
      const lastOffset = (segments[i + 1]?.baseOffset ?? firstUncleanableOffset) - 1
      const log = sizes.log + segment.size
      const index = sizes.index + segment.offsetIndex.sizeInBytes
      const timeIndex = sizes.timeIndex + segment.timeIndex.sizeInBytes
      const fits =
        log <= maxSize &&
        index <= maxIndexSize &&
        timeIndex <= maxIndexSize &&
        lastOffset - base <= maxInt

      // Join the group, or begin another.
      if (group !== undefined && fits) {
        group.push(segment)
        sizes = { log, index, timeIndex }
        continue
      }
      groups.push([segment])
      sizes = {
        log: segment.size,
        index: segment.offsetIndex.sizeInBytes,
        timeIndex: segment.timeIndex.sizeInBytes,
      }
    }
    return groups
  }

  /**
   * Learns where each key of a range of offsets was seen last, until the map is full.
   *
   * @param start first dirty offset
   * @param end offset at which to stop (exclusive), the base of a segment
   */
  async buildOffsetMap(
    log: Log,
    start: number,
    end: number,
    stats: CleanerStats,
  ): Promise<void> {
    // What was aborted is as good as gone, and shadows nothing.
    this.#options.offsetMap.clear()
    const transactionMetadata = new CleanedTransactionMetadata()
    transactionMetadata.addAbortedTransactions(
      log.collectAbortedTransactions(start, end),
    )

    // Read segment by segment.
    const dirty = log.segments.range(start, end)
    this.#log.info(
      `Building offset map for log ${log.name} for ${dirty.length} segments in offset ` +
        `range [${start}, ${end})`,
    )
    for (const segment of dirty) {
      const isFull = await this.#buildOffsetMapForSegment(
        log.topicPartition,
        segment,
        start,
        transactionMetadata,
        stats,
      )
      if (isFull) break
    }
  }

  /** Learns the keys of one segment; returns whether the map is full. */
  async #buildOffsetMapForSegment(
    topicPartition: TopicPartition,
    segment: LogSegment,
    startOffset: number,
    transactionMetadata: CleanedTransactionMetadata,
    stats: CleanerStats,
  ): Promise<boolean> {
    const { throttler, signal } = this.#options
    let { position } = segment.offsetIndex.lookup(startOffset)
    while (position < segment.size) {
      // Read a piece.
      await this.#breathe(topicPartition)
      const records = this.#readChunk(segment, position)
      let bytes = 0
      for (const batch of records.batches()) {
        bytes += batch.sizeInBytes
        if (this.#noteBatch(batch, startOffset, transactionMetadata, stats)) return true
      }
      if (bytes === 0) break
      position += bytes
      stats.indexBytesRead(bytes)
      await throttler.maybeThrottle(bytes, signal)
    }
    return false
  }

  /** Learns the keys of one batch; returns whether the map is full. */
  #noteBatch(
    batch: RecordBatch,
    startOffset: number,
    transactionMetadata: CleanedTransactionMetadata,
    stats: CleanerStats,
  ): boolean {
    const { offsetMap, dupBufferLoadFactor } = this.#options
    const maxDesiredMapSize = Math.floor(offsetMap.slots * dupBufferLoadFactor)
    if (batch.isControlBatch) {
      transactionMetadata.onControlBatchRead(batch)
      stats.indexMessagesRead(1)
    } else if (transactionMetadata.onBatchRead(batch)) {
      stats.indexMessagesRead(batch.countOrNull ?? 0)
    } else {
      const record = batch.streamingIterator()
      while (record.next()) {
        const key = record.offset >= startOffset ? record.key() : null
        if (key !== null) {
          if (offsetMap.size >= maxDesiredMapSize) return true
          offsetMap.put(key, record.offset)
        }
        stats.indexMessagesRead(1)
      }
    }
    if (batch.lastOffset >= startOffset) offsetMap.updateLatestOffset(batch.lastOffset)
    return false
  }

  #filter(pass: CleaningPass, retainDeletes: boolean): RecordFilter {
    const { transactionMetadata, activeProducers, stats } = pass
    let discardBatchRecords = false
    return {
      checkBatchRetention: (batch): BatchRetention => {
        // A batch written anew gets a new checksum: bad bytes must not pass for good.
        batch.ensureValid()
        discardBatchRecords = this.shouldDiscardBatch(
          batch,
          transactionMetadata,
          retainDeletes,
        )

        // The last batch of a producer tells its sequence.
        const isLastOfProducer =
          batch.hasProducerId &&
          activeProducers.get(batch.producerId) === batch.lastSequence
        if (isLastOfProducer) return 'RETAIN_EMPTY'
        return discardBatchRecords ? 'DELETE' : 'DELETE_EMPTY'
      },
      shouldRetainRecord: (batch, record) => {
        if (discardBatchRecords) return false
        if (batch.isControlBatch) return true
        return this.shouldRetainRecord(retainDeletes, record, stats)
      },
    }
  }

  /**
   * Reads whole batches from a position on: as many as fit and are not too much work, at
   * least one. They are there until the next piece is read.
   */
  #readChunk(segment: LogSegment, position: number): MemoryRecords {
    this.#readBuffer ??= Buffer.allocUnsafe(this.#options.ioBufferSize)
    const chunk = segment.log.readInto(this.#readBuffer, position)
    const firstSize = batchSizeAt(chunk, 0)
    if (firstSize !== undefined && firstSize > chunk.length) {
      const large = Buffer.allocUnsafe(firstSize)
      return new MemoryRecords(segment.log.readInto(large, position))
    }
    return firstRecords(new MemoryRecords(chunk), recordsAtOnce)
  }

  /** Lets everything else run, then checks that the work is to go on. */
  async #breathe(topicPartition: TopicPartition): Promise<void> {
    const { platform, signal, checkDone } = this.#options
    await platform.clock.sleep(0, signal)
    checkDone(topicPartition)
  }

  #discard(cleaned: LogSegment): void {
    try {
      cleaned.deleteIfExists()
    } catch (error) {
      this.#log.warn(`Could not remove ${cleaned.log.path}`, error)
    }
  }
}

/**
 * The first batches of a set, up to the one with which it has enough records. The old
 * formats do not tell how many a batch holds; theirs count as one.
 */
function firstRecords(set: MemoryRecords, enough: number): MemoryRecords {
  let records = 0
  let bytes = 0
  for (const batch of set.batches()) {
    records += batch.countOrNull ?? 1
    bytes += batch.sizeInBytes
    if (records >= enough) return new MemoryRecords(set.buffer.subarray(0, bytes))
  }
  return set
}

/** Removes what an earlier try has left. */
function removeCleanedFiles(
  { storage }: Platform,
  dir: string,
  baseOffset: number,
): void {
  for (const file of [logFile, offsetIndexFile, timeIndexFile, transactionIndexFile]) {
    const path = file(dir, baseOffset, CleanedFileSuffix)
    if (storage.exists(path)) storage.unlink(path)
  }
}
