/**
 * # Log
 *
 * One replica of a partition on disk: an endless row of batches, cut into segments, of
 * which only the last takes appends. An offset never changes once it is given out, and
 * never comes back once it is deleted.
 *
 *     logStartOffset                    recoveryPoint        logEndOffset
 *          │                                  │                    │
 *     ┌────┴─────────┬────────────────┬───────┴────────────┐       │
 *     │ segment 0    │ segment 1042   │ segment 2210 (active) ─────┤ append here
 *     └──────────────┴────────────────┴────────────────────────────┘
 *       deleted by      only read        on disk up to the recovery point,
 *       retention                        in the page cache from there on
 *
 * An append is one synchronous stretch: checks, offsets, epochs, producer state, bytes,
 * indexes, log end. No reader and no other append ever sees it half done. Only flushing
 * waits for the disk, and lets appends go on meanwhile.
 *
 * Invariants: offsets rise; there is always a last segment; the log start offset is never
 * above the high watermark; what `logEndOffsetMetadata` says is in the file.
 *
 * The files themselves, the epochs and the producers are the business of `LocalLog` and
 * `LogState`, which this extends.
 *
 * @kafka core/src/main/scala/kafka/log/Log.scala#Log
 * @differs the lock around all changes is gone: between two awaits nothing else runs.
 * @module
 */
import type { ScheduledTask } from '../base/async/KafkaScheduler.ts'
import { finish, type Steps } from '../base/async/steps.ts'
import {
  KafkaException,
  OffsetOutOfRangeException,
  RecordBatchTooLargeException,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { MemoryRecords } from '../record/MemoryRecords.ts'
import { RecordBatch } from '../record/RecordBatch.ts'
import type { AbortedTxn } from './AbortedTxn.ts'
import type { FetchDataInfo, IsolationLevel } from './FetchDataInfo.ts'
import type { LogAppendInfo } from './LogAppendInfo.ts'
import type { LogConfig } from './LogConfig.ts'
import { LogOffsetMetadata } from './LogOffsetMetadata.ts'
import type { LogSegment } from './LogSegment.ts'
import * as appending from './log-append.ts'
import * as reading from './log-read.ts'
import * as retention from './log-retention.ts'
import { LogState, type LogStateOptions } from './log-state.ts'
import type { TimestampOffset } from './TimeIndex.ts'

const maxInt = 0x7fffffff

/** What a log is opened with; the name of its directory says which partition it is. */
export interface LogOptions extends LogStateOptions {
  /** Milliseconds between two searches for silent producers. */
  readonly producerIdExpirationCheckIntervalMs: number
}

/**
 * The log of one replica.
 *
 * @kafka core/src/main/scala/kafka/log/Log.scala#Log
 */
export class Log extends LogState {
  #expirationTask: ScheduledTask | undefined
  readonly #log = logger('Log')

  /** A log that is not loaded yet. */
  private constructor(options: LogOptions) {
    super(options)
  }

  /**
   * Opens the log, recovering what a crash has left; makes an empty one in a directory
   * that is new.
   *
   * @throws an error of the storage; the caller reports the log directory
   * @kafka core/src/main/scala/kafka/log/Log.scala#Log.apply
   */
  static open(options: LogOptions): Log {
    return finish(Log.opening(options))
  }

  /**
   * Opens the log step by step: a broker that starts has many of them, and may have to
   * look through all of their bytes. Given up in between, it gives its files back, and
   * leaves them so that the next start begins again.
   *
   * @returns steps, and in the end the log
   * @throws an error of the storage; the caller reports the log directory
   */
  static *opening(options: LogOptions): Steps<Log> {
    // Load what there is, or let go of it.
    const log = new Log(options)
    let isLoaded = false
    try {
      yield* log.load()
      isLoaded = true
    } finally {
      if (!isLoaded) log.closeHandlers()
    }

    // Forget silent producers from time to time.
    const checkMs = options.producerIdExpirationCheckIntervalMs
    log.#expirationTask = log.schedule(
      'PeriodicProducerExpirationCheck',
      () => log.producerStateManager.removeExpiredProducers(log.now()),
      checkMs,
      checkMs,
    )
    return log
  }

  /**
   * Replaces the settings.
   *
   * @param updatedKeys names of those that changed
   */
  updateConfig(updatedKeys: ReadonlySet<string>, newConfig: LogConfig): void {
    const { retentionMs, messageTimestampDifferenceMaxMs } = newConfig
    const concerns =
      updatedKeys.has('retention.ms') ||
      updatedKeys.has('message.timestamp.difference.max.ms')
    if (
      concerns &&
      this.topicPartition.partition === 0 &&
      retentionMs < messageTimestampDifferenceMaxMs
    ) {
      this.#log.warn(
        `${this.topicPartition.topic}: retention.ms is ${retentionMs}, smaller than ` +
          `message.timestamp.difference.max.ms: segments may be rolled often`,
      )
    }
    this.config = newConfig
  }

  /**
   * Appends what a producer, or the broker itself, sent to this leader: gives offsets and
   * stamps the leader epoch on every batch, in the caller's own bytes where possible.
   *
   * @param records whole batches; changed in place
   * @param leaderEpoch epoch of this leadership
   * @param isFromClient false for what the broker writes itself
   * @returns offsets and times; those of the first copy when this is a second one
   * @throws KafkaStorageException when the disk fails, and what the checks throw
   */
  appendAsLeader(
    records: MemoryRecords,
    leaderEpoch: number,
    isFromClient = true,
  ): LogAppendInfo {
    return this.append(records, { isFromClient, assignOffsets: true, leaderEpoch })
  }

  /**
   * Appends what a follower has fetched, as it is.
   *
   * @throws UnexpectedAppendOffsetException when it begins below the log end
   * @throws KafkaStorageException when the disk fails
   */
  appendAsFollower(records: MemoryRecords): LogAppendInfo {
    const mode = { isFromClient: false, assignOffsets: false, leaderEpoch: -1 }
    return this.append(records, mode)
  }

  /**
   * The append, in Kafka's order.
   *
   * @throws OffsetsOutOfOrderException when given offsets do not rise
   * @throws RecordBatchTooLargeException for more than a segment holds
   * @kafka core/src/main/scala/kafka/log/Log.scala#append
   */
  append(records: MemoryRecords, mode: appending.AppendMode): LogAppendInfo {
    return this.maybeHandleIOException('appending records', () => {
      // Check what can be checked from the batches alone.
      const appendInfo = this.analyzeAndValidateRecords(records, mode.isFromClient)
      if (appendInfo.shallowCount === 0) return appendInfo
      let validRecords = this.trimInvalidBytes(records, appendInfo)
      this.checkIfMemoryMappedBufferClosed()

      // Give offsets, or check those that were given.
      if (mode.assignOffsets) {
        const { clock } = this.platform
        const startMs = clock.monotonic()
        validRecords = appending.assignOffsets(
          ...[this, validRecords, appendInfo, mode, this.now()],
        )
        if (appendInfo.conversionCount > 0) {
          appendInfo.conversionTimeMs = clock.monotonic() - startMs
        }
      } else {
        appending.checkOffsets(this, validRecords, appendInfo)
      }

      // Note a new leader epoch before any of its records is in the log.
      for (const batch of validRecords.batches()) {
        if (batch.magic < RecordBatch.MAGIC_VALUE_V2) continue
        this.leaderEpochCache.assign(batch.partitionLeaderEpoch, batch.baseOffset)
      }

      // Refuse what would not fit into any segment.
      if (validRecords.sizeInBytes > this.config.segmentSize) {
        throw new RecordBatchTooLargeException(
          `message batch size is ${validRecords.sizeInBytes} bytes which exceeds the ` +
            `maximum configured segment size of ${this.config.segmentSize}`,
        )
      }

      // Check sequences; a second copy is answered like the first, and not appended.
      const updates = this.analyzeAndValidateProducerState(
        validRecords,
        mode.isFromClient,
      )
      const duplicate = updates.maybeDuplicate
      if (duplicate !== undefined) {
        appendInfo.firstOffset = duplicate.firstOffset
        appendInfo.lastOffset = duplicate.lastOffset
        appendInfo.logAppendTime = duplicate.timestamp
        appendInfo.logStartOffset = this.logStartOffset
        return appendInfo
      }

      // Write, and publish the new end.
      this.#appendToSegment(validRecords, appendInfo, updates)
      this.updateLogEndOffset(appendInfo.lastOffset + 1)
      this.updateFirstUnstableOffset()
      if (this.unflushedMessages >= this.config.flushInterval) this.flushNow()
      return appendInfo
    })
  }

  /**
   * Checks sizes and checksums, and gathers what the append needs to know.
   *
   * @kafka core/src/main/scala/kafka/log/Log.scala#analyzeAndValidateRecords
   */
  analyzeAndValidateRecords(
    records: MemoryRecords,
    isFromClient: boolean,
  ): LogAppendInfo {
    return appending.analyzeAndValidateRecords(records, this, isFromClient)
  }

  /**
   * Leaves out the part of a batch at the end.
   *
   * @kafka core/src/main/scala/kafka/log/Log.scala#trimInvalidBytes
   */
  trimInvalidBytes(records: MemoryRecords, info: LogAppendInfo): MemoryRecords {
    return appending.trimInvalidBytes(records, info)
  }

  /**
   * Checks the batches of idempotent producers against what is known of them, without
   * changing it.
   *
   * @kafka core/src/main/scala/kafka/log/Log.scala#analyzeAndValidateProducerState
   */
  analyzeAndValidateProducerState(
    records: MemoryRecords,
    isFromClient: boolean,
  ): appending.ProducerUpdates {
    const manager = this.producerStateManager
    return appending.analyzeAndValidateProducerState(records, manager, isFromClient)
  }

  /**
   * Begins a new segment if the batches do not fit into the active one.
   *
   * @returns the segment to append to
   */
  maybeRoll(
    messagesSize: number,
    maxTimestampInMessages: number,
    maxOffsetInMessages: number,
  ): LogSegment {
    // The first offset of old formats is not known, but not further from the last.
    const segment = this.activeSegment
    const rolls = segment.shouldRoll(
      messagesSize,
      maxTimestampInMessages,
      maxOffsetInMessages,
      this.now(),
    )
    return rolls ? this.roll(maxOffsetInMessages - maxInt) : segment
  }

  /**
   * Begins a new segment at the log end.
   *
   * @differs a compacted log is flushed before, and not only when there is time: a machine
   *   that loses the end of one segment and keeps the next would leave a hole there that
   *   looks like compaction, and the last value of a key would be gone for good.
   * @param expectedNextOffset base offset of the segment, if above the log end
   * @throws KafkaException when the active segment already begins there
   */
  roll(expectedNextOffset = 0): LogSegment {
    return this.maybeHandleIOException('rolling log segment', () => {
      // A segment cannot follow one of the same base.
      this.checkIfMemoryMappedBufferClosed()
      const newOffset = Math.max(expectedNextOffset, this.logEndOffset)
      if (this.segments.get(newOffset) !== undefined) {
        throw new KafkaException(
          `trying to roll a new log segment for ${this.topicPartition} with start ` +
            `offset ${newOffset} while it already exists`,
        )
      }

      // Finish the old segment, and keep the producer state at the border.
      this.removeLeftOvers(newOffset)
      this.activeSegment.onBecomeInactiveSegment()
      this.producerStateManager.updateMapEndOffset(newOffset)
      this.producerStateManager.takeSnapshot()

      // Holes in a compacted log are no sign of a loss, so there must be none at a border.
      if (this.config.compact) this.flushNow()

      // Begin the new one; the next offset stays, its place is new.
      const segment = this.newSegment(newOffset)
      this.addSegment(segment)
      this.updateLogEndOffset(this.logEndOffset)

      // Flush the old one when there is time.
      this.schedule('flush-log', () => this.flush(newOffset), 0)
      return segment
    })
  }

  /**
   * Reads from an offset on. Nothing is read from the disk yet but what finds the place.
   *
   * @param startOffset first offset wanted
   * @param maxLength bytes at most
   * @param maxOffset offset at which to stop (exclusive); `undefined` for the log end
   * @param minOneMessage whether the first batch comes even if it is above `maxLength`
   * @param isolationLevel READ_COMMITTED adds the aborted transactions of the range
   * @throws OffsetOutOfRangeException below the log start and above the log end
   */
  read(
    startOffset: number,
    maxLength: number,
    maxOffset: number | undefined,
    minOneMessage: boolean,
    isolationLevel: IsolationLevel,
  ): FetchDataInfo {
    const read = { startOffset, maxLength, maxOffset, minOneMessage, isolationLevel }
    return this.maybeHandleIOException('reading', () => reading.readLog(this, read))
  }

  /** The aborted transactions that overlap a range of offsets (end exclusive). */
  collectAbortedTransactions(
    startOffset: number,
    upperBoundOffset: number,
  ): AbortedTxn[] {
    const segment = this.segments.floor(startOffset)
    return reading.collectAbortedTransactions(
      this,
      startOffset,
      upperBoundOffset,
      segment,
    )
  }

  /**
   * Finds the first record that is as young as a time.
   *
   * @param targetTimestamp milliseconds; -2 for the log start, -1 for the log end
   * @returns `undefined` when all records are older
   * @throws UnsupportedForMessageFormatException for a topic without timestamps
   */
  fetchOffsetsByTimestamp(targetTimestamp: number): TimestampOffset | undefined {
    return this.maybeHandleIOException('fetching offset by timestamp', () =>
      reading.fetchOffsetsByTimestamp(this, targetTimestamp),
    )
  }

  /**
   * Lists offsets at which segments begin, as version 0 of ListOffsets wants them.
   *
   * @param timestamp milliseconds; segments changed later are left out. -1 and -2 as above
   * @param maxNumOffsets how many at most
   * @returns offsets, falling
   */
  legacyFetchOffsetsBefore(timestamp: number, maxNumOffsets: number): number[] {
    return reading.fetchOffsetsBefore(this, timestamp, maxNumOffsets, this.now())
  }

  /** Finds the place of an offset; `undefined` when it is out of range. */
  convertToOffsetMetadata(offset: number): LogOffsetMetadata | undefined {
    try {
      const info = this.read(offset, 1, undefined, false, 'READ_UNCOMMITTED')
      return info.fetchOffsetMetadata
    } catch (error) {
      if (error instanceof OffsetOutOfRangeException) return undefined
      throw error
    }
  }

  /**
   * Deletes the segments that are too old, too many, or below the log start.
   *
   * @returns how many
   */
  deleteOldSegments(): number {
    if (!this.config.delete) return 0
    return (
      this.deleteRetentionMsBreachedSegments() +
      this.deleteRetentionSizeBreachedSegments() +
      this.deleteLogStartOffsetBreachedSegments()
    )
  }

  /** Deletes the segments that are older than `retention.ms`. */
  deleteRetentionMsBreachedSegments(): number {
    return this.#deleteWhere(retention.retentionMsRule(this, this.now()))
  }

  /** Deletes the oldest segments while the log is above `retention.bytes`. */
  deleteRetentionSizeBreachedSegments(): number {
    return this.#deleteWhere(retention.retentionSizeRule(this))
  }

  /** Deletes the segments whose records are all below the log start. */
  deleteLogStartOffsetBreachedSegments(): number {
    return this.#deleteWhere(retention.logStartOffsetRule(this))
  }

  /**
   * Brings everything to the disk before a log that was moved here goes into service. The
   * bulk of it was flushed before, so this takes the time of one small flush.
   */
  flushBeforeService(): void {
    this.maybeHandleIOException('flushing', () => this.flushNow())
  }

  /** Brings everything to the disk, with a snapshot, and gives the files back. */
  close(): void {
    this.checkIfMemoryMappedBufferClosed()
    this.maybeHandleIOException('closing', () => {
      this.producerStateManager.takeSnapshot()
      this.closeSegments()
    })
    this.#expirationTask?.cancel()
  }

  /** Gives the files back without touching the disk, which has failed. */
  closeHandlers(): void {
    this.closeSegmentHandlers()
    this.#expirationTask?.cancel()
  }

  /** Removes the partition's directory with everything in it, at once. */
  delete(): void {
    this.maybeHandleIOException('deleting', () => {
      this.checkIfMemoryMappedBufferClosed()
      this.leaderEpochCache.clear()
      this.deleteFiles()
    })
    this.#expirationTask?.cancel()
  }

  /** For messages. */
  override toString(): string {
    return `Log(${this.dir})`
  }

  /** Writes the batches, then takes over what they change for their producers. */
  #appendToSegment(
    records: MemoryRecords,
    appendInfo: LogAppendInfo,
    updates: appending.ProducerUpdates,
  ): void {
    // Write into the active segment, or into a new one.
    const { firstOffset, lastOffset, maxTimestamp } = appendInfo
    const segment = this.maybeRoll(records.sizeInBytes, maxTimestamp, lastOffset)
    const place = new LogOffsetMetadata(firstOffset, segment.baseOffset, segment.size)
    segment.append({
      firstOffset,
      largestOffset: lastOffset,
      largestTimestamp: maxTimestamp,
      shallowOffsetOfMaxTimestamp: appendInfo.offsetOfMaxTimestamp,
      records,
    })

    // The bytes are in the log: now the producer state may change.
    const manager = this.producerStateManager
    for (const producerAppendInfo of updates.updatedProducers.values()) {
      producerAppendInfo.maybeCacheTxnFirstOffsetMetadata(place)
      manager.update(producerAppendInfo)
    }

    // An ended transaction frees the offsets up to the next open one.
    for (const completedTxn of updates.completedTxns) {
      segment.updateTxnIndex(completedTxn, manager.completeTxn(completedTxn))
    }
    manager.updateMapEndOffset(lastOffset + 1)
  }

  /** Deletes the segments that a rule gives up; an empty one takes the place of all. */
  #deleteWhere(rule: retention.RetentionRule | undefined): number {
    if (rule === undefined) return 0
    return this.maybeHandleIOException('deleting segments', () => {
      const deletable = retention.deletableSegments(
        this.logSegments,
        rule,
        this,
        this.replicaHighWatermark,
      )
      return this.#deleteSegments(deletable)
    })
  }

  #deleteSegments(deletable: readonly LogSegment[]): number {
    if (deletable.length === 0) return 0
    if (deletable.length === this.numberOfSegments) this.roll()
    this.checkIfMemoryMappedBufferClosed()
    for (const segment of deletable) this.deleteSegment(segment)
    this.maybeIncrementLogStartOffset(this.segments.first?.baseOffset ?? 0)
    return deletable.length
  }
}
