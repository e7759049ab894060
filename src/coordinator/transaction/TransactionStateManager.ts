/**
 * # TransactionStateManager
 *
 * The coordinator's memory: what every transactional id of its partitions is going through,
 * and each change of that as a record in `__transaction_state`.
 *
 *     appendTransactionToLog ─▶ append (acks -1) ─▶ appended ─▶ completeTransitionTo ─▶ answer
 *     leader of a partition  ─▶ loadTransactionsForTxnTopicPartition ─▶ cache
 *                                   └ Prepare… found: its markers are sent again
 *     no longer leader       ─▶ removeTransactionsForTxnTopicPartition
 *     clock ─▶ timedOutTransactions, removeExpiredTransactionalIds ─▶ tombstones
 *
 * The epoch of the leader of the partition is the epoch of the coordinator: a change that
 * was begun in one epoch is not completed in another.
 *
 * Invariants: a state holds only after it is in the log of enough copies; while a partition
 * is loaded nobody is answered about it.
 *
 * What became of the locks: `stateLock` kept emigration out between the look at the epoch
 * and the append; both are in one synchronous stretch here. The one thread that loads and
 * unloads is a mutex.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionStateManager.scala
 * @module
 */
import type { KafkaScheduler } from '../../base/async/KafkaScheduler.ts'
import { Mutex } from '../../base/async/Mutex.ts'
import {
  Errors,
  IllegalStateException,
  KafkaException,
  type WireError,
} from '../../base/errors.ts'
import { javaStringHashCode } from '../../base/hash.ts'
import { logger } from '../../base/logger.ts'
import type { Pool } from '../../base/Pool.ts'
import type { Platform } from '../../base/platform/Platform.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import type {
  PartitionResponse,
  ProduceCallback,
} from '../../replica/DelayedProduce.ts'
import { TRANSACTION_STATE_TOPIC_NAME } from '../../zk/Topic.ts'
import { coordinatorError } from './append-errors.ts'
import { loadTransactionMetadata } from './load-transactions.ts'
import { PartitionsAndLeaderEpochs } from './PartitionsAndLeaderEpochs.ts'
import type {
  TransactionConfig,
  TransactionReplicaManager,
  TransactionZkClient,
} from './TransactionConfig.ts'
import { TransactionLog } from './TransactionLog.ts'
import type { TransactionMetadata, TxnTransitMetadata } from './TransactionMetadata.ts'
import type { TransactionResult } from './TransactionState.ts'

const log = logger('TransactionStateManager')

/** What the manager is made from. */
export interface TransactionStateManagerOptions {
  readonly config: TransactionConfig
  readonly replicaManager: TransactionReplicaManager
  readonly zkClient: TransactionZkClient
  readonly platform: Platform
  readonly scheduler: KafkaScheduler
}

/** An id, and the epoch of the coordinator that knows it. */
export interface CoordinatorEpochAndTxnMetadata {
  readonly coordinatorEpoch: number
  readonly transactionMetadata: TransactionMetadata
}

/** A value, or why there is none. */
export type ApiResult<T> = { readonly error: WireError } | { readonly value: T }

/** Sends the markers of a transaction whose end is decided. */
export type SendTxnMarkersCallback = (
  transactionalId: string,
  coordinatorEpoch: number,
  txnResult: TransactionResult,
  txnMetadata: TransactionMetadata,
  newMetadata: TxnTransitMetadata,
) => void

/** What is known of one partition. */
interface TxnMetadataCacheEntry {
  readonly coordinatorEpoch: number
  readonly metadataPerTransactionalId: Pool<string, TransactionMetadata>
}

/**
 * Keeps transactional ids, in memory and in the log.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionStateManager.scala#TransactionStateManager
 */
export class TransactionStateManager {
  readonly #options: TransactionStateManagerOptions
  readonly #loadingPartitions = new PartitionsAndLeaderEpochs()
  readonly #leavingPartitions = new PartitionsAndLeaderEpochs()
  readonly #transactionMetadataCache = new Map<number, TxnMetadataCacheEntry>()
  // The one thread of Kafka's scheduler: loads and unloads happen in their order.
  readonly #thread = new Mutex()
  #shuttingDown = false
  #transactionTopicPartitionCount: number

  constructor(options: TransactionStateManagerOptions) {
    this.#options = options
    this.#transactionTopicPartitionCount = options.config.transactionTopicPartitions
  }

  /**
   * Learns how many partitions ids are spread over.
   *
   * @differs Kafka reads the count in the constructor; that is an await here.
   */
  async startup(): Promise<void> {
    this.#transactionTopicPartitionCount =
      await this.#getTransactionTopicPartitionCount()
  }

  async #getTransactionTopicPartitionCount(): Promise<number> {
    const { zkClient, config } = this.#options
    const count = await zkClient.getTopicPartitionCount(TRANSACTION_STATE_TOPIC_NAME)
    return count ?? config.transactionTopicPartitions
  }

  /** The partition of `__transaction_state` that keeps an id: from 0. */
  partitionFor(transactionalId: string): number {
    const hash = javaStringHashCode(transactionalId)
    const positive = hash === -0x80000000 ? 0 : Math.abs(hash)
    return positive % this.#transactionTopicPartitionCount
  }

  /** What `__transaction_state` must be created with. */
  transactionTopicConfigs(): Record<string, string> {
    const { transactionTopicMinISR, transactionTopicSegmentBytes } =
      this.#options.config
    return {
      'unclean.leader.election.enable': 'false',
      'compression.type': 'uncompressed',
      'cleanup.policy': 'compact',
      'min.insync.replicas': String(transactionTopicMinISR),
      'segment.bytes': String(transactionTopicSegmentBytes),
    }
  }

  /** Whether a producer may ask for this timeout, in ms. */
  validateTransactionTimeoutMs(txnTimeoutMs: number): boolean {
    return (
      txnTimeoutMs > 0 && txnTimeoutMs <= this.#options.config.transactionMaxTimeoutMs
    )
  }

  /**
   * Looks an id up.
   *
   * @returns undefined for one that is ours to know and does not exist; an error for one
   *   that is another's, or not loaded yet
   */
  getTransactionState(
    transactionalId: string,
  ): ApiResult<CoordinatorEpochAndTxnMetadata | undefined> {
    const partitionId = this.partitionFor(transactionalId)
    if (this.#loadingPartitions.hasPartition(partitionId)) {
      return { error: Errors.COORDINATOR_LOAD_IN_PROGRESS }
    }
    const entry = this.#transactionMetadataCache.get(partitionId)
    if (!entry || this.#leavingPartitions.hasPartition(partitionId)) {
      return { error: Errors.NOT_COORDINATOR }
    }
    const { coordinatorEpoch, metadataPerTransactionalId } = entry
    const transactionMetadata = metadataPerTransactionalId.get(transactionalId)
    return {
      value: transactionMetadata && { coordinatorEpoch, transactionMetadata },
    }
  }

  /** Puts an id into the cache. @returns the one that is there then */
  putTransactionStateIfNotExists(
    txnMetadata: TransactionMetadata,
  ): ApiResult<CoordinatorEpochAndTxnMetadata> {
    const { transactionalId } = txnMetadata
    const found = this.getTransactionState(transactionalId)
    if ('error' in found) return found
    if (found.value) return { value: found.value }
    const partitionId = this.partitionFor(transactionalId)
    const entry = this.#transactionMetadataCache.get(partitionId)
    if (!entry) return { error: Errors.NOT_COORDINATOR }
    entry.metadataPerTransactionalId.put(transactionalId, txnMetadata)
    const { coordinatorEpoch } = entry
    return { value: { coordinatorEpoch, transactionMetadata: txnMetadata } }
  }

  /** The ids whose transaction has been open for longer than its producer allowed. */
  timedOutTransactions(): TransactionMetadata[] {
    const now = this.#now()
    return [...this.#transactionMetadataCache].flatMap(([partitionId, entry]) =>
      this.#leavingPartitions.hasPartition(partitionId)
        ? []
        : [...entry.metadataPerTransactionalId.values()].filter(
            ({ state, pendingState, txnStartTimestamp, txnTimeoutMs }) =>
              state === 'Ongoing' &&
              pendingState === undefined &&
              txnStartTimestamp + txnTimeoutMs < now,
          ),
    )
  }

  /** Begins to forget ids that nobody uses any more. */
  enableTransactionalIdExpiration(): void {
    const { scheduler, config } = this.#options
    const intervalMs = config.transactionRemoveExpiredTransactionalIdCleanupIntervalMs
    const task = () => this.removeExpiredTransactionalIds()
    scheduler.schedule('transactionalId-expiration', task, intervalMs, intervalMs)
  }

  /**
   * Writes tombstones for ids that have been idle for too long, then forgets them.
   *
   * @differs In Kafka an id that is about to change makes the whole pass fail, and one
   *   whose tombstone cannot be written stays pending, and so unusable, for ever.
   */
  removeExpiredTransactionalIds(): void {
    const { config, replicaManager } = this.#options
    const now = this.#now()
    const latest = now - config.transactionIdExpirationMs
    for (const [partitionId, entry] of this.#transactionMetadataCache) {
      // Choose those that rest.
      const expired = [...entry.metadataPerTransactionalId.values()].filter(
        (metadata) => isExpired(metadata, latest),
      )
      if (expired.length === 0) continue
      for (const metadata of expired) metadata.prepareDead()

      // Bury them all in one batch.
      const tombstones = expired.map(({ transactionalId }) => ({
        ...{ timestamp: now, value: null },
        key: TransactionLog.keyToBytes(transactionalId),
      }))
      const partition = new TopicPartition(TRANSACTION_STATE_TOPIC_NAME, partitionId)
      const removeFromCacheCallback: ProduceCallback = (responses) =>
        this.#removeFromCache(entry, expired, responses.get(partition))
      replicaManager.appendRecords({
        ...this.#appendOf(partition, MemoryRecords.withRecords({}, ...tombstones)),
        timeout: config.requestTimeoutMs,
        responseCallback: removeFromCacheCallback,
      })
    }
  }

  #removeFromCache(
    { metadataPerTransactionalId }: TxnMetadataCacheEntry,
    expired: readonly TransactionMetadata[],
    response: PartitionResponse | undefined,
  ): void {
    const isBuried = response?.error === Errors.NONE
    if (!isBuried) log.info(`cannot forget ids: ${response?.error.name}`)
    for (const metadata of expired) {
      if (metadata.pendingState !== 'Dead') continue
      if (isBuried) metadataPerTransactionalId.remove(metadata.transactionalId)
      else metadata.pendingState = undefined
    }
  }

  /**
   * Loads the ids of a partition that this broker now leads, and goes on with those whose
   * end was decided.
   */
  loadTransactionsForTxnTopicPartition(
    partitionId: number,
    coordinatorEpoch: number,
    sendTxnMarkers: SendTxnMarkersCallback,
  ): void {
    this.#leavingPartitions.delete(partitionId, coordinatorEpoch)
    this.#loadingPartitions.add(partitionId, coordinatorEpoch)
    this.#scheduleInTurn(`load-txns-for-partition-${partitionId}`, () =>
      this.#loadTransactions(partitionId, coordinatorEpoch, sendTxnMarkers),
    )
  }

  async #loadTransactions(
    partitionId: number,
    coordinatorEpoch: number,
    sendTxnMarkers: SendTxnMarkersCallback,
  ): Promise<void> {
    await this.#validateTransactionTopicPartitionCountIsStable()
    const { replicaManager, config, platform } = this.#options
    const stillLoads = () =>
      !this.#shuttingDown && this.#loadingPartitions.has(partitionId, coordinatorEpoch)
    const loaded = await loadTransactionMetadata(
      new TopicPartition(TRANSACTION_STATE_TOPIC_NAME, partitionId),
      { replicaManager, config, stillLoads, clock: platform.clock },
    )
    if (!stillLoads()) return

    // Serve them from now on. Only then go on with those whose markers may be missing:
    // to complete them, the coordinator has to be open.
    this.addLoadedTransactionsToCache(partitionId, coordinatorEpoch, loaded)
    this.#loadingPartitions.delete(partitionId, coordinatorEpoch)
    for (const metadata of loaded.values()) {
      const { state, transactionalId } = metadata
      if (state !== 'PrepareCommit' && state !== 'PrepareAbort') continue
      const result = state === 'PrepareCommit' ? 'COMMIT' : 'ABORT'
      const newMetadata = metadata.prepareComplete(this.#now())
      sendTxnMarkers(transactionalId, coordinatorEpoch, result, metadata, newMetadata)
    }
  }

  /**
   * Puts a partition into the cache.
   *
   * @differs In Kafka it is fatal when the partition is there already; here the newer one
   *   takes the place of the older.
   */
  addLoadedTransactionsToCache(
    partitionId: number,
    coordinatorEpoch: number,
    metadataPerTransactionalId: Pool<string, TransactionMetadata>,
  ): void {
    const entry = { coordinatorEpoch, metadataPerTransactionalId }
    this.#transactionMetadataCache.set(partitionId, entry)
    const { size } = metadataPerTransactionalId
    log.info(`partition ${partitionId}: ${size} ids in epoch ${coordinatorEpoch}`)
  }

  /** Forgets the ids of a partition that this broker no longer leads. */
  removeTransactionsForTxnTopicPartition(
    partitionId: number,
    coordinatorEpoch: number,
  ): void {
    // Refuse at once; what is loading stops, in whatever epoch it began.
    this.#loadingPartitions.deletePartition(partitionId)
    this.#leavingPartitions.add(partitionId, coordinatorEpoch)
    const removeTransactions = async () => {
      if (!this.#leavingPartitions.has(partitionId, coordinatorEpoch)) return
      this.#transactionMetadataCache.delete(partitionId)
      this.#leavingPartitions.delete(partitionId, coordinatorEpoch)
    }
    this.#scheduleInTurn(`remove-txns-for-partition-${partitionId}`, removeTransactions)
  }

  async #validateTransactionTopicPartitionCountIsStable(): Promise<void> {
    const known = this.#transactionTopicPartitionCount
    const count = await this.#getTransactionTopicPartitionCount()
    if (count === known) return
    const topic = TRANSACTION_STATE_TOPIC_NAME
    throw new KafkaException(`${topic} had ${known} partitions and now has ${count}`)
  }

  /**
   * Writes how an id will stand, and makes it hold once enough copies have it.
   *
   * @param responseCallback told NONE then; else an error of a coordinator
   * @param retryOnError whether the caller tries again after this error: the change then
   *   stays pending, so that nothing else begins
   */
  appendTransactionToLog(
    transactionalId: string,
    coordinatorEpoch: number,
    newMetadata: TxnTransitMetadata,
    responseCallback: (error: WireError) => void,
    retryOnError: (error: WireError) => boolean = () => false,
  ): void {
    // See that the id is still ours, in the same epoch.
    const found = this.#inEpoch(transactionalId, coordinatorEpoch)
    if ('error' in found) {
      responseCallback(found.error)
      return
    }

    const partitionId = this.partitionFor(transactionalId)
    const partition = new TopicPartition(TRANSACTION_STATE_TOPIC_NAME, partitionId)
    const records = MemoryRecords.withRecords(
      {},
      {
        timestamp: this.#now(),
        key: TransactionLog.keyToBytes(transactionalId),
        value: TransactionLog.valueToBytes(newMetadata),
      },
    )
    const updateCacheCallback: ProduceCallback = (responses) => {
      const response = responses.get(partition)
      if (!response) throw new IllegalStateException(`no answer for ${partition}`)
      const id = { transactionalId, coordinatorEpoch, retryOnError }
      responseCallback(this.#updateCache(id, newMetadata, response.error))
    }
    this.#options.replicaManager.appendRecords({
      ...this.#appendOf(partition, records),
      timeout: newMetadata.txnTimeoutMs,
      responseCallback: updateCacheCallback,
    })
  }

  /** After the append: completes the change, or takes it back. */
  #updateCache(
    id: {
      readonly transactionalId: string
      readonly coordinatorEpoch: number
      readonly retryOnError: (error: WireError) => boolean
    },
    newMetadata: TxnTransitMetadata,
    appendError: WireError,
  ): WireError {
    const found = this.#inEpoch(id.transactionalId, id.coordinatorEpoch)
    if (appendError === Errors.NONE) {
      if ('error' in found) return found.error
      found.value.completeTransitionTo(newMetadata)
      return Errors.NONE
    }

    // Let other changes begin again, unless the caller goes on with this one.
    const error = coordinatorError(appendError)
    const { txnState } = newMetadata
    log.info(`${id.transactionalId} cannot be ${txnState}: ${appendError.name}`)
    if ('value' in found && !id.retryOnError(error)) {
      found.value.pendingState = undefined
    }
    return error
  }

  #inEpoch(
    transactionalId: string,
    coordinatorEpoch: number,
  ): ApiResult<TransactionMetadata> {
    const found = this.getTransactionState(transactionalId)
    if ('error' in found) return found
    return found.value?.coordinatorEpoch === coordinatorEpoch
      ? { value: found.value.transactionMetadata }
      : { error: Errors.NOT_COORDINATOR }
  }

  #appendOf(partition: TopicPartition, records: MemoryRecords) {
    return {
      requiredAcks: TransactionLog.EnforcedRequiredAcks,
      internalTopicsAllowed: true,
      isFromClient: false,
      entriesPerPartition: new TopicPartitionMap<MemoryRecords>().set(
        partition,
        records,
      ),
    }
  }

  #scheduleInTurn(name: string, work: () => Promise<void>): void {
    this.#options.scheduler.schedule(name, () => this.#thread.runExclusive(work))
  }

  #now(): number {
    return this.#options.platform.clock.now()
  }

  /** Forgets everything, and stops loading. */
  shutdown(): void {
    this.#shuttingDown = true
    this.#loadingPartitions.clear()
    this.#transactionMetadataCache.clear()
  }
}

function isExpired(metadata: TransactionMetadata, latest: number): boolean {
  const { state, pendingTransitionInProgress, txnLastUpdateTimestamp } = metadata
  const rests =
    state === 'Empty' || state === 'CompleteCommit' || state === 'CompleteAbort'
  return rests && !pendingTransitionInProgress && txnLastUpdateTimestamp <= latest
}
