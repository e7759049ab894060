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
 * @kafka core/src/main/scala/kafka/log/Log.scala#Log
 * @differs the lock around all changes is gone: between two awaits nothing else runs.
 * @module
 */
import type { KafkaScheduler, ScheduledTask } from '../base/async/KafkaScheduler.ts'
import {
  IllegalArgumentException,
  KafkaException,
  OffsetOutOfRangeException,
  OffsetsOutOfOrderException,
  RecordBatchTooLargeException,
  UnsupportedForMessageFormatException,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Platform } from '../base/platform/Platform.ts'
import { basename, join } from '../base/platform/path.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { LogValidator } from '../record/LogValidator.ts'
import type { MemoryRecords } from '../record/MemoryRecords.ts'
import { RecordBatch } from '../record/RecordBatch.ts'
import type { AbortedTxn } from './AbortedTxn.ts'
import type { CompletedTxn } from './CompletedTxn.ts'
import type { FetchDataInfo, IsolationLevel } from './FetchDataInfo.ts'
import { LeaderEpochCheckpointFile } from './LeaderEpochCheckpointFile.ts'
import { LeaderEpochFileCache } from './LeaderEpochFileCache.ts'
import { LocalLog } from './LocalLog.ts'
import type { LogAppendInfo } from './LogAppendInfo.ts'
import type { LogConfig } from './LogConfig.ts'
import type { LogDirFailureChannel } from './LogDirFailureChannel.ts'
import { LogOffsetMetadata } from './LogOffsetMetadata.ts'
import type { LogSegment } from './LogSegment.ts'
import * as appending from './log-append.ts'
import {
  CleanShutdownFile,
  FutureDirSuffix,
  parseTopicPartitionName,
} from './log-file-names.ts'
import { loadProducerState, loadSegments } from './log-loading.ts'
import * as reading from './log-read.ts'
import * as retention from './log-retention.ts'
import type { ProducerAppendInfo } from './ProducerAppendInfo.ts'
import type { BatchMetadata } from './ProducerStateEntry.ts'
import { ProducerStateManager } from './ProducerStateManager.ts'
import type { TimestampOffset } from './TimeIndex.ts'
import { UnexpectedAppendOffsetException } from './UnexpectedAppendOffsetException.ts'

const maxInt = 0x7fffffff

/** What a log is opened with. */
export interface LogOptions {
  /** The partition's directory; its name says which partition. */
  readonly dir: string
  readonly config: LogConfig
  /** Offset below which everything is deleted, as checkpointed. */
  readonly logStartOffset: number
  /** Offset below which everything is on the disk, as checkpointed. */
  readonly recoveryPoint: number
  readonly scheduler: KafkaScheduler
  readonly platform: Platform
  /** Milliseconds after which a silent producer is forgotten. */
  readonly maxProducerIdExpirationMs: number
  /** Milliseconds between two searches for such producers. */
  readonly producerIdExpirationCheckIntervalMs: number
  readonly logDirFailureChannel: LogDirFailureChannel
}

/** Who appends, and who gives the offsets. */
interface AppendMode {
  readonly isFromClient: boolean
  /** True on a leader; a follower keeps the offsets that it fetched. */
  readonly assignOffsets: boolean
  /** Stamped on every batch by a leader. */
  readonly leaderEpoch: number
}

/** What the producers in an append have changed. */
interface ProducerUpdates {
  readonly updatedProducers: ReadonlyMap<bigint, ProducerAppendInfo>
  readonly completedTxns: readonly CompletedTxn[]
  /** Set when the whole append is a second copy of what is there. */
  readonly maybeDuplicate: BatchMetadata | undefined
}

/**
 * The log of one replica.
 *
 * @kafka core/src/main/scala/kafka/log/Log.scala#Log
 */
export class Log {
  readonly topicPartition: TopicPartition
  readonly producerStateManager: ProducerStateManager

  /** First offset that may be read. */
  logStartOffset: number

  /**
   * First offset of the oldest transaction that is open, or whose end is not yet on all
   * replicas; `undefined` when there is none. Readers of committed data stop there.
   */
  firstUnstableOffset: LogOffsetMetadata | undefined

  #leaderEpochCache: LeaderEpochFileCache

  /** As last told by the replica; `undefined` before: nothing is deleted until then. */
  #replicaHighWatermark: number | undefined

  /** The files. */
  readonly #local: LocalLog
  readonly #platform: Platform
  readonly #logDirFailureChannel: LogDirFailureChannel
  readonly #expirationTask: ScheduledTask | undefined
  readonly #log = logger('Log')

  /**
   * Opens the log, recovering what a crash has left; makes an empty one in a directory
   * that is new.
   *
   * @throws an error of the storage; the caller reports the log directory
   */
  constructor(options: LogOptions) {
    // What is given.
    const { dir, platform, maxProducerIdExpirationMs } = options
    this.#platform = platform
    this.#logDirFailureChannel = options.logDirFailureChannel
    this.#local = new LocalLog(options)
    this.logStartOffset = options.logStartOffset
    this.topicPartition = parseTopicPartitionName(dir)
    this.producerStateManager = new ProducerStateManager({
      topicPartition: this.topicPartition,
      storage: platform.storage,
      logDir: dir,
      maxProducerIdExpirationMs,
    })

    // What is on the disk.
    platform.storage.mkdir(dir)
    this.#leaderEpochCache = this.#initializeLeaderEpochCache()
    this.#load()

    // Forget silent producers from time to time.
    this.#expirationTask = this.#local.schedule(
      'PeriodicProducerExpirationCheck',
      () => this.producerStateManager.removeExpiredProducers(this.#now()),
      options.producerIdExpirationCheckIntervalMs,
      options.producerIdExpirationCheckIntervalMs,
    )
  }

  /** The partition's directory, `topic-partition`; changes when it is renamed. */
  get dir(): string {
    return this.#local.dir
  }

  /** The log directory that the partition's directory lies in. */
  get parentDir(): string {
    return this.#local.parentDir
  }

  /** Name of the partition's directory. */
  get name(): string {
    return basename(this.dir)
  }

  /** Says whether this is a replica that is being moved here, not yet in service. */
  get isFuture(): boolean {
    return this.name.endsWith(FutureDirSuffix)
  }

  /** Settings of the topic; replaced when they change. */
  get config(): LogConfig {
    return this.#local.config
  }

  set config(config: LogConfig) {
    this.#local.config = config
  }

  /** Everything below is on the disk; moved up by flushes, down by truncation. */
  get recoveryPoint(): number {
    return this.#local.recoveryPoint
  }

  set recoveryPoint(offset: number) {
    this.#local.recoveryPoint = offset
  }

  /** Which leader wrote which stretch. */
  get leaderEpochCache(): LeaderEpochFileCache {
    return this.#leaderEpochCache
  }

  /** The next offset, with the place where its batch will be. */
  get logEndOffsetMetadata(): LogOffsetMetadata {
    return this.#local.nextOffsetMetadata
  }

  /** The next offset. */
  get logEndOffset(): number {
    return this.#local.logEndOffset
  }

  /** The segment that takes appends. */
  get activeSegment(): LogSegment {
    return this.#local.activeSegment
  }

  /** All segments, oldest first. */
  get logSegments(): readonly LogSegment[] {
    return this.#local.segments.values()
  }

  /** Number of segments. */
  get numberOfSegments(): number {
    return this.#local.segments.size
  }

  /** Bytes of all segments. */
  get size(): number {
    return this.#local.size
  }

  /** Wall time in ms of the last flush; of the opening, before the first. */
  get lastFlushTime(): number {
    return this.#local.lastFlushTime
  }

  /** Messages that may not be on the disk. */
  get unflushedMessages(): number {
    return this.logEndOffset - this.recoveryPoint
  }

  /** The segments from the one that holds `from` to the one before `to`. */
  logSegmentsBetween(from: number, to: number): readonly LogSegment[] {
    return this.#local.segments.range(from, to)
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
  append(records: MemoryRecords, mode: AppendMode): LogAppendInfo {
    return this.#local.maybeHandleIOException('appending records', () => {
      // Check what can be checked from the batches alone.
      const appendInfo = this.analyzeAndValidateRecords(records, mode.isFromClient)
      if (appendInfo.shallowCount === 0) return appendInfo
      let validRecords = this.trimInvalidBytes(records, appendInfo)
      this.#local.checkIfMemoryMappedBufferClosed()

      // Give offsets, or check those that were given.
      if (mode.assignOffsets) {
        validRecords = this.#assignOffsets(validRecords, appendInfo, mode)
      } else {
        this.#checkOffsets(validRecords, appendInfo)
      }

      // Note a new leader epoch before any of its records is in the log.
      for (const batch of validRecords.batches()) {
        if (batch.magic < RecordBatch.MAGIC_VALUE_V2) continue
        this.#leaderEpochCache.assign(batch.partitionLeaderEpoch, batch.baseOffset)
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
      this.#local.updateLogEndOffset(appendInfo.lastOffset + 1)
      this.#updateFirstUnstableOffset()
      if (this.unflushedMessages >= this.config.flushInterval) this.#local.flushNow()
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
  ): ProducerUpdates {
    const updatedProducers = new Map<bigint, ProducerAppendInfo>()
    const completedTxns: CompletedTxn[] = []
    const manager = this.producerStateManager
    for (const batch of records.batches()) {
      if (!batch.hasProducerId) continue

      // A producer that got no answer sends again: the answer is all it needs.
      const maybeDuplicate = isFromClient
        ? manager.lastEntry(batch.producerId)?.findDuplicateBatch(batch)
        : undefined
      if (maybeDuplicate !== undefined) {
        return { updatedProducers, completedTxns, maybeDuplicate }
      }

      // Anything else must follow what is there.
      const completedTxn = appending.updateProducers(
        batch,
        updatedProducers,
        manager,
        isFromClient,
      )
      if (completedTxn !== undefined) completedTxns.push(completedTxn)
    }
    return { updatedProducers, completedTxns, maybeDuplicate: undefined }
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
      this.#now(),
    )
    return rolls ? this.roll(maxOffsetInMessages - maxInt) : segment
  }

  /**
   * Begins a new segment at the log end.
   *
   * @param expectedNextOffset base offset of the segment, if above the log end
   * @throws KafkaException when the active segment already begins there
   */
  roll(expectedNextOffset = 0): LogSegment {
    return this.#local.maybeHandleIOException('rolling log segment', () => {
      // A segment cannot follow one of the same base.
      const local = this.#local
      local.checkIfMemoryMappedBufferClosed()
      const newOffset = Math.max(expectedNextOffset, this.logEndOffset)
      if (local.segments.get(newOffset) !== undefined) {
        throw new KafkaException(
          `trying to roll a new log segment for ${this.topicPartition} with start ` +
            `offset ${newOffset} while it already exists`,
        )
      }

      // Finish the old segment, and keep the producer state at the border.
      local.removeLeftOvers(newOffset)
      this.activeSegment.onBecomeInactiveSegment()
      this.producerStateManager.updateMapEndOffset(newOffset)
      this.producerStateManager.takeSnapshot()

      // Begin the new one; the next offset stays, its place is new.
      const segment = local.newSegment(newOffset)
      local.addSegment(segment)
      local.updateLogEndOffset(this.logEndOffset)

      // Flush the old one when there is time.
      local.schedule('flush-log', () => this.flush(newOffset), 0)
      return segment
    })
  }

  /** Learns up to where all replicas are: transactions ended below are decided. */
  onHighWatermarkIncremented(highWatermark: number): void {
    this.#replicaHighWatermark = highWatermark
    this.producerStateManager.onHighWatermarkUpdated(highWatermark)
    this.#updateFirstUnstableOffset()
  }

  /**
   * Moves the log start up; the segments below go at the next retention check.
   *
   * @param newLogStartOffset ignored when not above the present one
   */
  maybeIncrementLogStartOffset(newLogStartOffset: number): void {
    this.#local.maybeHandleIOException('increasing log start offset', () => {
      this.#local.checkIfMemoryMappedBufferClosed()
      if (newLogStartOffset <= this.logStartOffset) return
      this.logStartOffset = newLogStartOffset
      this.#leaderEpochCache.clearAndFlushEarliest(newLogStartOffset)
      this.producerStateManager.truncateHead(newLogStartOffset)
      this.#updateFirstUnstableOffset()
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
    return this.#local.maybeHandleIOException('reading', () =>
      reading.readLog(this.#readView(), read),
    )
  }

  /** The aborted transactions that overlap a range of offsets (end exclusive). */
  collectAbortedTransactions(
    startOffset: number,
    upperBoundOffset: number,
  ): AbortedTxn[] {
    const view = this.#readView()
    const segment = view.segments.floor(startOffset)
    return reading.collectAbortedTransactions(
      view,
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
    return this.#local.maybeHandleIOException('fetching offset by timestamp', () => {
      // The two ends have no timestamp.
      const timestamp = RecordBatch.NO_TIMESTAMP
      if (targetTimestamp === reading.EARLIEST_TIMESTAMP) {
        return { timestamp, offset: this.logStartOffset }
      }
      if (targetTimestamp === reading.LATEST_TIMESTAMP) {
        return { timestamp, offset: this.logEndOffset }
      }

      // Messages of magic 0 have none either.
      const { messageFormatVersion } = this.config
      if (messageFormatVersion.messageFormatVersion < RecordBatch.MAGIC_VALUE_V1) {
        throw new UnsupportedForMessageFormatException(
          `cannot search offsets of ${this.topicPartition} by timestamp, its message ` +
            `format ${messageFormatVersion} has none`,
        )
      }

      // Search the first segment that holds anything as young.
      const segment = this.logSegments.find(
        (candidate) => candidate.largestTimestamp >= targetTimestamp,
      )
      return segment?.findOffsetByTimestamp(targetTimestamp, this.logStartOffset)
    })
  }

  /**
   * Lists offsets at which segments begin, as version 0 of ListOffsets wants them.
   *
   * @param timestamp milliseconds; segments changed later are left out. -1 and -2 as above
   * @param maxNumOffsets how many at most
   * @returns offsets, falling
   */
  legacyFetchOffsetsBefore(timestamp: number, maxNumOffsets: number): number[] {
    const view = this.#readView()
    return reading.fetchOffsetsBefore(view, timestamp, maxNumOffsets, this.#now())
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
    return this.#deleteWhere(retention.retentionMsRule(this, this.#now()))
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
   * Brings the log to the disk; appends go on meanwhile.
   *
   * @param offset up to which (exclusive); it is the recovery point afterwards
   * @throws KafkaStorageException when the disk fails
   */
  flush(offset = this.logEndOffset): Promise<void> {
    return this.#local.flush(offset)
  }

  /**
   * Removes the producer snapshots that no recovery can need any more. Those of the last
   * two segments stay, and those from the recovery point on.
   *
   * @returns the smallest offset whose snapshot stays
   */
  deleteSnapshotsAfterRecoveryPointCheckpoint(): number {
    const minOffsetToRetain = this.minSnapshotsOffsetToRetain
    this.producerStateManager.deleteSnapshotsBefore(minOffsetToRetain)
    return minOffsetToRetain
  }

  /** The offset below which snapshots are of no use. */
  get minSnapshotsOffsetToRetain(): number {
    const active = this.activeSegment.baseOffset
    const twoSegmentsMinOffset =
      this.#local.segments.lower(active)?.baseOffset ?? active
    const recovered = this.#local.segments.lower(this.recoveryPoint)?.baseOffset
    return Math.min(recovered ?? this.recoveryPoint, twoSegmentsMinOffset)
  }

  /**
   * Cuts off an offset and all above.
   *
   * @returns whether there was anything to cut off
   */
  truncateTo(targetOffset: number): boolean {
    return this.#local.maybeHandleIOException('truncating', () => {
      // Nothing to do at or above the end.
      if (targetOffset < 0) {
        throw new IllegalArgumentException(`cannot truncate to ${targetOffset}`)
      }
      if (targetOffset >= this.logEndOffset) return false
      this.#local.checkIfMemoryMappedBufferClosed()
      this.#log.info(`${this.topicPartition}: truncating to offset ${targetOffset}`)

      // Below the first segment, start over.
      if ((this.#local.segments.first?.baseOffset ?? 0) > targetOffset) {
        this.truncateFullyAndStartAt(targetOffset)
        return true
      }

      // Cut, and bring everything else back to that point.
      this.#local.truncateTo(targetOffset)
      this.logStartOffset = Math.min(targetOffset, this.logStartOffset)
      this.#leaderEpochCache.clearAndFlushLatest(targetOffset)
      this.#loadProducerState(targetOffset, false)
      return true
    })
  }

  /** Deletes everything and begins again at an offset. */
  truncateFullyAndStartAt(newOffset: number): void {
    this.#local.maybeHandleIOException('truncating the entire log', () => {
      // Put an empty segment in place of all, and forget epochs and producers.
      this.#local.checkIfMemoryMappedBufferClosed()
      this.#local.truncateFullyAndStartAt(newOffset)
      this.#leaderEpochCache.clearAndFlush()
      this.producerStateManager.truncate()
      this.producerStateManager.updateMapEndOffset(newOffset)
      this.#updateFirstUnstableOffset()
      this.logStartOffset = newOffset
    })
  }

  /**
   * Puts a segment in place of others, so that a crash at any point leaves either the old
   * ones or the new one.
   *
   * @param isRecoveredSwapFile true when the new segment is a `.swap` already
   */
  replaceSegments(
    newSegment: LogSegment,
    oldSegments: readonly LogSegment[],
    isRecoveredSwapFile = false,
  ): void {
    this.#local.replaceSegments(newSegment, oldSegments, isRecoveredSwapFile)
  }

  /** Brings everything to the disk, with a snapshot, and gives the files back. */
  close(): void {
    this.#local.checkIfMemoryMappedBufferClosed()
    this.#local.maybeHandleIOException('closing', () => {
      this.producerStateManager.takeSnapshot()
      for (const segment of this.logSegments) segment.close()
    })
    this.#expirationTask?.cancel()
  }

  /**
   * Renames the partition's directory.
   *
   * @param name of the new directory, beside the old one
   */
  renameDir(name: string): void {
    this.#local.maybeHandleIOException('renaming', () => {
      this.#local.renameDir(name)
      this.producerStateManager.logDir = this.dir
      this.#leaderEpochCache = this.#initializeLeaderEpochCache()
    })
  }

  /** Gives the files back without touching the disk, which has failed. */
  closeHandlers(): void {
    this.#local.closeHandlers()
    this.#expirationTask?.cancel()
  }

  /** Removes the partition's directory with everything in it, at once. */
  delete(): void {
    this.#local.maybeHandleIOException('deleting', () => {
      this.#local.checkIfMemoryMappedBufferClosed()
      this.#leaderEpochCache.clear()
      this.#local.delete()
    })
    this.#expirationTask?.cancel()
  }

  /** The last sequence of each producer, by id. */
  get activeProducersWithLastSequence(): ReadonlyMap<bigint, number> {
    const entries = [...this.producerStateManager.activeProducers.values()]
    return new Map(entries.map((entry) => [entry.producerId, entry.lastSeq]))
  }

  /** For messages. */
  toString(): string {
    return `Log(${this.dir})`
  }

  /** Reads what is on the disk, and makes everything agree with it. */
  #load(): void {
    // The segments, recovered as far as needed.
    const local = this.#local
    const hasCleanShutdownFile = this.#platform.storage.exists(
      join(this.parentDir, CleanShutdownFile),
    )
    const { nextOffset, recoveryPoint } = loadSegments({
      dir: this.dir,
      config: this.config,
      platform: this.#platform,
      topicPartition: this.topicPartition,
      logStartOffset: this.logStartOffset,
      recoveryPoint: this.recoveryPoint,
      maxProducerIdExpirationMs: this.producerStateManager.maxProducerIdExpirationMs,
      leaderEpochCache: this.#leaderEpochCache,
      hasCleanShutdownFile,
      segments: local.segments,
      deleteSegment: (segment) => local.deleteSegment(segment),
      replaceSegments: (newOne, oldOnes, isSwap) =>
        local.replaceSegments(newOne, oldOnes, isSwap),
      newSegment: (baseOffset) => local.newSegment(baseOffset),
    })
    if (recoveryPoint !== undefined) this.recoveryPoint = recoveryPoint
    local.updateLogEndOffset(nextOffset)

    // The epochs and the start, which may be behind the segments after a crash.
    const firstBaseOffset = local.segments.first?.baseOffset ?? 0
    this.#leaderEpochCache.clearAndFlushLatest(nextOffset)
    this.logStartOffset = Math.max(this.logStartOffset, firstBaseOffset)
    this.#leaderEpochCache.clearAndFlushEarliest(this.logStartOffset)
    this.#loadProducerState(nextOffset, hasCleanShutdownFile)
  }

  #initializeLeaderEpochCache(): LeaderEpochFileCache {
    const { storage } = this.#platform
    const channel = this.#logDirFailureChannel
    const checkpoint = new LeaderEpochCheckpointFile(storage, this.dir, channel)
    const leo = () => this.logEndOffsetMetadata
    return new LeaderEpochFileCache(this.topicPartition, leo, checkpoint)
  }

  #loadProducerState(lastOffset: number, reloadFromCleanShutdown: boolean): void {
    this.#local.checkIfMemoryMappedBufferClosed()
    loadProducerState({
      manager: this.producerStateManager,
      segments: this.#local.segments,
      magic: this.config.messageFormatVersion.messageFormatVersion,
      logStartOffset: this.logStartOffset,
      lastOffset,
      reloadFromCleanShutdown,
      now: this.#now(),
    })
    this.#updateFirstUnstableOffset()
  }

  /** Checks what a producer sent, and gives it its offsets. */
  #assignOffsets(
    validRecords: MemoryRecords,
    appendInfo: LogAppendInfo,
    mode: AppendMode,
  ): MemoryRecords {
    // Offsets go on from the log end.
    const { config } = this
    const now = this.#now()
    appendInfo.firstOffset = this.logEndOffset
    const result = LogValidator.validateMessagesAndAssignOffsets({
      records: validRecords,
      nextOffset: this.logEndOffset,
      now,
      sourceCodec: appendInfo.sourceCodec,
      targetCodec: appendInfo.targetCodec,
      compactedTopic: config.compact,
      magic: config.messageFormatVersion.messageFormatVersion,
      timestampType: config.messageTimestampType,
      timestampDiffMaxMs: config.messageTimestampDifferenceMaxMs,
      partitionLeaderEpoch: mode.leaderEpoch,
      isFromClient: mode.isFromClient,
    })

    // Note what has come out.
    appendInfo.maxTimestamp = result.maxTimestamp
    appendInfo.offsetOfMaxTimestamp = result.shallowOffsetOfMaxTimestamp
    appendInfo.lastOffset = result.nextOffset - 1
    if (config.messageTimestampType === 'LogAppendTime') appendInfo.logAppendTime = now

    // A batch that was packed anew may have become too large.
    if (result.messageSizeMaybeChanged) {
      for (const batch of result.validatedRecords.batches()) {
        appending.ensureSize(batch, config)
      }
    }
    return result.validatedRecords
  }

  /** Checks the offsets that a follower was given. */
  #checkOffsets(records: MemoryRecords, appendInfo: LogAppendInfo): void {
    // They rise, and begin at the log end or above.
    const { firstOffset, lastOffset, offsetsMonotonic } = appendInfo
    if (!offsetsMonotonic) {
      throw new OffsetsOutOfOrderException(
        `out of order offsets found in append to ${this.topicPartition}, from ` +
          `${firstOffset} to ${lastOffset}`,
      )
    }
    if (firstOffset >= this.logEndOffset) return

    // Tell the true first offset, for which the first batch may have to be unpacked.
    const [first] = records.batches()
    throw new UnexpectedAppendOffsetException(
      `unexpected offset in append to ${this.topicPartition}: ${firstOffset} is less ` +
        `than the next offset ${this.logEndOffset}; log start offset is ` +
        `${this.logStartOffset}`,
      { firstOffset: first?.baseOffset ?? firstOffset, lastOffset },
    )
  }

  /** Writes the batches, then takes over what they change for their producers. */
  #appendToSegment(
    records: MemoryRecords,
    appendInfo: LogAppendInfo,
    updates: ProducerUpdates,
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

  /** Finds the first unstable offset anew, with its place in the log. */
  #updateFirstUnstableOffset(): void {
    this.#local.checkIfMemoryMappedBufferClosed()
    const unstable = this.producerStateManager.firstUnstableOffset
    const isPlaced =
      unstable === undefined ||
      (!unstable.messageOffsetOnly && unstable.messageOffset >= this.logStartOffset)
    if (isPlaced) {
      this.firstUnstableOffset = unstable
      return
    }

    // Look up the place; what lies below the log start begins there for readers.
    const offset = Math.max(unstable.messageOffset, this.logStartOffset)
    const segment = this.#local.segments.floor(offset) ?? this.activeSegment
    const position = segment.translateOffset(offset)?.position ?? segment.size
    this.firstUnstableOffset = new LogOffsetMetadata(
      offset,
      segment.baseOffset,
      position,
    )
  }

  /** Deletes the segments that a rule gives up; an empty one takes the place of all. */
  #deleteWhere(rule: retention.RetentionRule | undefined): number {
    if (rule === undefined) return 0
    return this.#local.maybeHandleIOException('deleting segments', () => {
      const deletable = retention.deletableSegments(
        this.logSegments,
        rule,
        this,
        this.#replicaHighWatermark,
      )
      if (deletable.length === 0) return 0
      if (deletable.length === this.numberOfSegments) this.roll()
      this.#local.checkIfMemoryMappedBufferClosed()
      for (const segment of deletable) this.#local.deleteSegment(segment)
      this.maybeIncrementLogStartOffset(this.#local.segments.first?.baseOffset ?? 0)
      return deletable.length
    })
  }

  #readView(): reading.LogReadView {
    const { segments, nextOffsetMetadata } = this.#local
    return { segments, nextOffsetMetadata, logStartOffset: this.logStartOffset }
  }

  #now(): number {
    return this.#platform.clock.now()
  }
}
