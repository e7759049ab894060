/**
 * # ProducerStateManager
 *
 * The idempotent and transactional producers of one partition: who they are, what they sent
 * last, which transactions are open, and from where on the log is undecided.
 *
 *     open transactions         ongoingTxns ─┐
 *                                            ├─ the smaller first offset is the
 *     ended, but the marker is               │  first unstable offset: readers of
 *     not yet on all replicas   unreplicated ┘  committed data stop there
 *
 * The state is a summary of the log: it can always be rebuilt by scanning. Snapshots save
 * the scan; they are taken at each roll and at close, and named after the offset they
 * reach.
 *
 * Invariants: the state covers the log up to `mapEndOffset`, not more and not less.
 *
 * @kafka core/src/main/scala/kafka/log/ProducerStateManager.scala#ProducerStateManager
 * @differs when the log's head is deleted, Kafka means to forget single batches as well,
 *   but drops the result of doing so; here, too, only whole producers are forgotten.
 * @module
 */
import { IllegalArgumentException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Storage } from '../base/platform/Platform.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { RecordBatch } from '../record/RecordBatch.ts'
import type { CompletedTxn } from './CompletedTxn.ts'
import type { LogOffsetMetadata } from './LogOffsetMetadata.ts'
import {
  offsetFromFile,
  ProducerSnapshotFileSuffix,
  producerSnapshotFile,
} from './log-file-names.ts'
import {
  ProducerAppendInfo,
  startedTxn,
  type TxnMetadata,
  type ValidationType,
} from './ProducerAppendInfo.ts'
import { ProducerStateEntry } from './ProducerStateEntry.ts'
import {
  CorruptSnapshotException,
  readSnapshot,
  writeSnapshot,
} from './producer-snapshot.ts'
import { SortedMap } from './sorted-map.ts'

/** The topic to whose appends no sequences belong. */
const GROUP_METADATA_TOPIC_NAME = '__consumer_offsets'

/**
 * The producers of one partition.
 *
 * @kafka core/src/main/scala/kafka/log/ProducerStateManager.scala#ProducerStateManager
 */
export class ProducerStateManager {
  readonly topicPartition: TopicPartition

  /** Milliseconds after which a silent producer is forgotten. */
  readonly maxProducerIdExpirationMs: number

  /** The partition's directory; changes when it is renamed. */
  logDir: string

  readonly #storage: Storage
  readonly #log = logger('ProducerStateManager')
  readonly #producers = new Map<bigint, ProducerStateEntry>()

  /** Transactions without a marker, by their first offset. */
  readonly #ongoingTxns = new SortedMap<TxnMetadata>()

  /** Transactions whose marker is at or above the high watermark. */
  readonly #unreplicatedTxns = new SortedMap<TxnMetadata>()

  #lastMapOffset = 0
  #lastSnapOffset = 0

  constructor(options: {
    topicPartition: TopicPartition
    storage: Storage
    logDir: string
    maxProducerIdExpirationMs: number
  }) {
    this.topicPartition = options.topicPartition
    this.logDir = options.logDir
    this.maxProducerIdExpirationMs = options.maxProducerIdExpirationMs
    this.#storage = options.storage
  }

  /**
   * The first offset that is undecided, or decided but not yet on all replicas;
   * `undefined` when everything in the log is stable.
   */
  get firstUnstableOffset(): LogOffsetMetadata | undefined {
    const unreplicated = this.#unreplicatedTxns.first?.firstOffset
    const undecided = this.#ongoingTxns.first?.firstOffset
    if (unreplicated === undefined) return undecided
    if (undecided === undefined) return unreplicated
    return undecided.messageOffset < unreplicated.messageOffset
      ? undecided
      : unreplicated
  }

  /** First offset of the oldest open transaction. */
  get firstUndecidedOffset(): number | undefined {
    return this.#ongoingTxns.first?.firstOffset.messageOffset
  }

  /** The offset up to which the state covers the log (exclusive). */
  get mapEndOffset(): number {
    return this.#lastMapOffset
  }

  /** The producers by id. */
  get activeProducers(): ReadonlyMap<bigint, ProducerStateEntry> {
    return this.#producers
  }

  /** Says whether there is no producer and no transaction to wait for. */
  get isEmpty(): boolean {
    return this.#producers.size === 0 && this.#unreplicatedTxns.size === 0
  }

  /** What is known of a producer. */
  lastEntry(producerId: bigint): ProducerStateEntry | undefined {
    return this.#producers.get(producerId)
  }

  /** Forgets the transactions whose markers have been replicated. */
  onHighWatermarkUpdated(highWatermark: number): void {
    this.#removeUnreplicatedTransactions(highWatermark)
  }

  /** Forgets the producers that have been silent too long and have nothing open. */
  removeExpiredProducers(currentTimeMs: number): void {
    for (const [producerId, entry] of this.#producers) {
      if (this.#isProducerExpired(currentTimeMs, entry)) {
        this.#producers.delete(producerId)
      }
    }
  }

  /**
   * Begins an append of a producer.
   *
   * @param isFromClient whether it must be checked; a leader has checked what replicas copy
   */
  prepareUpdate(producerId: bigint, isFromClient: boolean): ProducerAppendInfo {
    const entry = this.lastEntry(producerId) ?? ProducerStateEntry.empty(producerId)
    return new ProducerAppendInfo(producerId, entry, this.#validation(isFromClient))
  }

  /** Takes over what an append has gathered, once its bytes are in the log. */
  update(appendInfo: ProducerAppendInfo): void {
    // Merge it into what is known.
    const { producerId } = appendInfo
    if (producerId === RecordBatch.NO_PRODUCER_ID) {
      throw new IllegalArgumentException(`invalid producer id ${producerId}`)
    }
    const updatedEntry = appendInfo.toEntry()
    const currentEntry = this.#producers.get(producerId)
    if (currentEntry === undefined) this.#producers.set(producerId, updatedEntry)
    else currentEntry.update(updatedEntry)

    // Remember what it began.
    for (const txn of appendInfo.startedTransactions) {
      this.#ongoingTxns.set(txn.firstOffset.messageOffset, txn)
    }
  }

  /** Says that the state now covers the log up to an offset (exclusive). */
  updateMapEndOffset(lastOffset: number): void {
    this.#lastMapOffset = lastOffset
  }

  /**
   * Ends a transaction.
   *
   * @returns the last stable offset after it, without regard to replication
   * @throws IllegalArgumentException when no such transaction is open
   */
  completeTxn(completedTxn: CompletedTxn): number {
    // Move it from the open ones to those that wait for replication.
    const { firstOffset, lastOffset } = completedTxn
    const txn = this.#ongoingTxns.delete(firstOffset)
    if (txn === undefined) {
      throw new IllegalArgumentException(
        `no transaction of producer ${completedTxn.producerId} began at ${firstOffset}`,
      )
    }
    txn.lastOffset = lastOffset
    this.#unreplicatedTxns.set(firstOffset, txn)

    // Everything before the next open transaction is decided.
    return this.firstUndecidedOffset ?? lastOffset + 1
  }

  /**
   * Makes the state cover the log up to `logEndOffset` at most: from the newest snapshot
   * that does not reach further, unless the state fits already. The caller then scans the
   * log from {@link mapEndOffset} on.
   */
  truncateAndReload(
    logStartOffset: number,
    logEndOffset: number,
    currentTimeMs: number,
  ): void {
    // Remove the snapshots of what is no longer in the log.
    this.#deleteSnapshotFiles(
      (offset) => offset > logEndOffset || offset <= logStartOffset,
    )

    // The state fits but for its beginning.
    if (logEndOffset === this.mapEndOffset) {
      this.truncateHead(logStartOffset)
      return
    }

    // Begin again from the newest snapshot.
    this.#producers.clear()
    this.#ongoingTxns.clear()
    this.#unreplicatedTxns.clear()
    this.#loadFromSnapshot(logStartOffset, currentTimeMs)
  }

  /** Forgets the producers whose batches have all been deleted, and their snapshots. */
  truncateHead(logStartOffset: number): void {
    // Forget producers, with what they had open.
    const evicted = new Set<bigint>()
    for (const [producerId, entry] of this.#producers) {
      if (!isProducerRetained(entry, logStartOffset)) evicted.add(producerId)
    }
    for (const producerId of evicted) this.#producers.delete(producerId)
    this.#ongoingTxns.deleteWhere((txn) => evicted.has(txn.producerId))
    this.#removeUnreplicatedTransactions(logStartOffset)

    // Move up what pointed below.
    this.#lastMapOffset = Math.max(this.#lastMapOffset, logStartOffset)
    this.deleteSnapshotsBefore(logStartOffset)
    this.#lastSnapOffset = this.latestSnapshotOffset ?? logStartOffset
  }

  /** Forgets everything, snapshots included; for a log that starts over. */
  truncate(): void {
    this.#producers.clear()
    this.#ongoingTxns.clear()
    this.#unreplicatedTxns.clear()
    this.#deleteSnapshotFiles(() => true)
    this.#lastSnapOffset = 0
    this.#lastMapOffset = 0
  }

  /** Writes a snapshot at {@link mapEndOffset}, unless the last one is as new. */
  takeSnapshot(): void {
    if (this.#lastMapOffset <= this.#lastSnapOffset) return
    const path = producerSnapshotFile(this.logDir, this.#lastMapOffset)
    writeSnapshot(this.#storage, path, this.#producers.values())
    this.#lastSnapOffset = this.#lastMapOffset
  }

  /** Offset of the newest snapshot file. */
  get latestSnapshotOffset(): number | undefined {
    return this.#snapshotOffsets().at(-1)
  }

  /** Offset of the oldest snapshot file. */
  get oldestSnapshotOffset(): number | undefined {
    return this.#snapshotOffsets()[0]
  }

  /** Removes the snapshots below an offset. */
  deleteSnapshotsBefore(offset: number): void {
    this.#deleteSnapshotFiles((snapOffset) => snapOffset < offset)
  }

  /** Puts a producer in as a snapshot has it. */
  loadProducerEntry(entry: ProducerStateEntry): void {
    const { producerId, currentTxnFirstOffset } = entry
    this.#producers.set(producerId, entry)
    if (currentTxnFirstOffset !== undefined) {
      const txn = startedTxn(producerId, currentTxnFirstOffset)
      this.#ongoingTxns.set(currentTxnFirstOffset, txn)
    }
  }

  #validation(isFromClient: boolean): ValidationType {
    if (!isFromClient) return 'None'
    const isOffsets = this.topicPartition.topic === GROUP_METADATA_TOPIC_NAME
    return isOffsets ? 'EpochOnly' : 'Full'
  }

  #loadFromSnapshot(logStartOffset: number, currentTimeMs: number): void {
    // Try snapshots from the newest down; one that is corrupt is removed.
    for (const offset of this.#snapshotOffsets().reverse()) {
      const path = producerSnapshotFile(this.logDir, offset)
      const entries = this.#readOrDelete(path)
      if (entries === undefined) continue
      for (const entry of entries) {
        if (!isProducerRetained(entry, logStartOffset)) continue
        if (this.#isProducerExpired(currentTimeMs, entry)) continue
        this.loadProducerEntry(entry)
      }
      this.#lastSnapOffset = offset
      this.#lastMapOffset = offset
      return
    }

    // Without one, the whole log has to be scanned.
    this.#lastSnapOffset = logStartOffset
    this.#lastMapOffset = logStartOffset
  }

  #readOrDelete(path: string): ProducerStateEntry[] | undefined {
    try {
      return readSnapshot(this.#storage, path)
    } catch (error) {
      if (!(error instanceof CorruptSnapshotException)) throw error
      this.#log.warn(`Failed to load producer snapshot from ${path}`, error)
      this.#storage.unlink(path)
      return undefined
    }
  }

  #isProducerExpired(currentTimeMs: number, entry: ProducerStateEntry): boolean {
    if (entry.currentTxnFirstOffset !== undefined) return false
    return currentTimeMs - entry.lastTimestamp >= this.maxProducerIdExpirationMs
  }

  #removeUnreplicatedTransactions(offset: number): void {
    this.#unreplicatedTxns.deleteWhere(
      (txn) => txn.lastOffset !== undefined && txn.lastOffset < offset,
    )
  }

  /** Offsets of all snapshot files, rising. */
  #snapshotOffsets(): number[] {
    if (!this.#storage.exists(this.logDir)) return []
    return this.#storage
      .readdir(this.logDir)
      .filter((name) => name.endsWith(ProducerSnapshotFileSuffix))
      .map((name) => offsetFromFile(name))
      .filter((offset) => Number.isSafeInteger(offset))
      .sort((a, b) => a - b)
  }

  #deleteSnapshotFiles(predicate: (offset: number) => boolean): void {
    for (const offset of this.#snapshotOffsets()) {
      if (!predicate(offset)) continue
      const path = producerSnapshotFile(this.logDir, offset)
      if (this.#storage.exists(path)) this.#storage.unlink(path)
    }
  }
}

/**
 * Says whether the log still holds the last batch of a producer.
 *
 * @kafka core/src/main/scala/kafka/log/ProducerStateManager.scala#ProducerStateManager.isProducerRetained
 */
function isProducerRetained(
  entry: ProducerStateEntry,
  logStartOffset: number,
): boolean {
  return entry.lastDataOffset >= logStartOffset
}
