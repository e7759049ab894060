/**
 * # TransactionCoordinator
 *
 * Lets a producer write to many partitions as if they were one: all of it is seen, or none
 * of it. The coordinator of a transactional id is the leader of its partition of
 * `__transaction_state`; it keeps the decision, and sees to it that every partition is told.
 *
 *     InitProducerId   ─▶ an id and an epoch; who has an older epoch is fenced
 *     AddPartitionsToTxn, AddOffsetsToTxn ─▶ Ongoing, with what is about to be written to
 *     EndTxn ─▶ PrepareCommit │ PrepareAbort: decided, answered
 *                 └─▶ markers to every partition ─▶ CompleteCommit │ CompleteAbort
 *     clock  ─▶ a transaction that is open for too long is aborted
 *
 * Invariants: each callback is called exactly once; a decision that was answered is carried
 * out whatever fails, by this broker or by the next coordinator; an epoch that was fenced
 * never decides anything again.
 *
 * Worked example: the producer `p` starts (epoch 0), adds `t-0`, sends a batch, and dies. Its
 * successor asks for an id: the epoch becomes 1, the open transaction is aborted, and the
 * successor is told CONCURRENT_TRANSACTIONS until `t-0` has its marker; then it gets epoch
 * 2. When the first one was only slow, its next request is answered INVALID_PRODUCER_EPOCH.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionCoordinator.scala
 * @module
 */
import { KafkaScheduler } from '../../base/async/KafkaScheduler.ts'
import { Errors, type WireError } from '../../base/errors.ts'
import { logger } from '../../base/logger.ts'
import type { Platform } from '../../base/platform/Platform.ts'
import type { TopicPartition } from '../../base/TopicPartition.ts'
import { DelayedOperationPurgatory } from '../../replica/DelayedOperationPurgatory.ts'
import type { DelayedTxnMarker } from './DelayedTxnMarker.ts'
import type { ProducerIdManager } from './ProducerIdManager.ts'
import type {
  TransactionConfig,
  TransactionMetadataCache,
  TransactionReplicaManager,
  TransactionZkClient,
} from './TransactionConfig.ts'
import { TransactionMarkerChannelManager } from './TransactionMarkerChannelManager.ts'
import {
  NO_PRODUCER_EPOCH,
  TransactionMetadata,
  type TxnTransitMetadata,
} from './TransactionMetadata.ts'
import type { TransactionResult } from './TransactionState.ts'
import {
  type ApiResult,
  type CoordinatorEpochAndTxnMetadata,
  TransactionStateManager,
} from './TransactionStateManager.ts'
import { addPartitionsRefusal, endTransactionRefusal } from './transaction-rules.ts'

const log = logger('TransactionCoordinator')

/** What a coordinator is made from. */
export interface TransactionCoordinatorOptions {
  readonly config: TransactionConfig
  readonly replicaManager: TransactionReplicaManager
  readonly zkClient: TransactionZkClient
  readonly metadataCache: TransactionMetadataCache
  readonly producerIdManager: ProducerIdManager
  readonly platform: Platform
}

/**
 * What a producer is told that starts.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionCoordinator.scala#InitProducerIdResult
 */
export interface InitProducerIdResult {
  /** -1 with an error. */
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly error: WireError
}

type ErrorCallback = (error: WireError) => void

/** A change that may be appended. */
interface Transit {
  readonly coordinatorEpoch: number
  readonly newMetadata: TxnTransitMetadata
}

/**
 * Coordinates the transactional ids whose partition of `__transaction_state` this broker
 * leads.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionCoordinator.scala#TransactionCoordinator
 */
export class TransactionCoordinator {
  readonly txnManager: TransactionStateManager
  readonly txnMarkerChannelManager: TransactionMarkerChannelManager
  readonly #config: TransactionConfig
  readonly #platform: Platform
  readonly #producerIdManager: ProducerIdManager
  readonly #scheduler: KafkaScheduler

  constructor(options: TransactionCoordinatorOptions) {
    const { config, replicaManager, zkClient, metadataCache, platform } = options
    const { clock } = platform
    this.#config = config
    this.#platform = platform
    this.#producerIdManager = options.producerIdManager
    this.#scheduler = new KafkaScheduler(clock)
    const scheduler = this.#scheduler
    const txnStateManager = new TransactionStateManager({
      ...{ config, replicaManager, zkClient, platform, scheduler },
    })

    // Nothing in this purgatory ever expires.
    const txnMarkerPurgatory = new DelayedOperationPurgatory<DelayedTxnMarker>({
      ...{ purgatoryName: 'txn-marker-purgatory', clock, brokerId: config.brokerId },
      ...{ reaperEnabled: false, timerEnabled: false },
    })
    this.txnManager = txnStateManager
    this.txnMarkerChannelManager = new TransactionMarkerChannelManager({
      ...{ config, metadataCache, platform, txnStateManager, txnMarkerPurgatory },
    })
  }

  /** Learns how ids are spread over partitions; begins to look at the clock. */
  async startup(enableTransactionalIdExpiration = true): Promise<void> {
    await this.txnManager.startup()
    this.#scheduler.startup()
    const intervalMs = this.#config.transactionAbortTimedOutTransactionCleanupIntervalMs
    const task = () => this.abortTimedOutTransactions()
    this.#scheduler.schedule('transaction-abort', task, intervalMs, intervalMs)
    if (enableTransactionalIdExpiration) {
      this.txnManager.enableTransactionalIdExpiration()
    }
    this.txnMarkerChannelManager.start()
  }

  /** Ends everything; whoever waits is not answered. */
  async shutdown(): Promise<void> {
    if (this.#scheduler.isStarted) await this.#scheduler.shutdown()
    this.txnManager.shutdown()
    await this.txnMarkerChannelManager.shutdown()
  }

  /** What `__transaction_state` must be created with. */
  transactionTopicConfigs(): Record<string, string> {
    return this.txnManager.transactionTopicConfigs()
  }

  /** The partition of `__transaction_state` that keeps an id. */
  partitionFor(transactionalId: string): number {
    return this.txnManager.partitionFor(transactionalId)
  }

  /**
   * Gives a producer its id and its epoch, and fences those before it.
   *
   * @param transactionalId null for a producer that only wants its batches counted; any
   *   broker serves it, and nothing is kept
   * @param transactionTimeoutMs how long a transaction may be open, in ms
   */
  async handleInitProducerId(
    transactionalId: string | null,
    transactionTimeoutMs: number,
    responseCallback: (result: InitProducerIdResult) => void,
  ): Promise<void> {
    if (transactionalId === null) {
      const producerId = await this.#producerIdManager.generateProducerId()
      responseCallback({ producerId, producerEpoch: 0, error: Errors.NONE })
      return
    }
    const refusal = this.#initRefusal(transactionalId, transactionTimeoutMs)
    if (refusal) {
      responseCallback(initTransactionError(refusal))
      return
    }

    // Draw a producer id first if one is needed: the rest must not be interrupted. An id
    // that turns out not to be needed, because another was faster, is lost.
    const freshId = this.#needsProducerId(transactionalId)
      ? await this.#producerIdManager.generateProducerId()
      : undefined
    const result = this.#prepareInitProducerId(
      ...([transactionalId, transactionTimeoutMs, freshId] as const),
    )
    if ('error' in result) {
      responseCallback(initTransactionError(result.error))
      return
    }

    // Fence a producer that has left a transaction open: abort it, and have the new one
    // ask again. The epoch that does so is given to nobody.
    const { coordinatorEpoch, newMetadata } = result.value
    const { producerId, producerEpoch, txnState } = newMetadata
    if (txnState === 'PrepareEpochFence') {
      const sendRetriableErrorCallback = (error: WireError) =>
        responseCallback(
          initTransactionError(
            error === Errors.NONE ? Errors.CONCURRENT_TRANSACTIONS : error,
          ),
        )
      this.handleEndTransaction(
        ...([transactionalId, producerId, producerEpoch, 'ABORT'] as const),
        sendRetriableErrorCallback,
      )
      return
    }

    // Note the new epoch, then give it out.
    const sendPidResponseCallback = (error: WireError) => {
      log.info(`${transactionalId}: ${producerId}/${producerEpoch}, ${error.name}`)
      responseCallback(
        error === Errors.NONE
          ? { producerId, producerEpoch, error }
          : initTransactionError(error),
      )
    }
    this.txnManager.appendTransactionToLog(
      ...([transactionalId, coordinatorEpoch, newMetadata] as const),
      sendPidResponseCallback,
    )
  }

  #initRefusal(
    transactionalId: string,
    transactionTimeoutMs: number,
  ): WireError | undefined {
    if (transactionalId === '') return Errors.INVALID_REQUEST
    return this.txnManager.validateTransactionTimeoutMs(transactionTimeoutMs)
      ? undefined
      : Errors.INVALID_TRANSACTION_TIMEOUT
  }

  /** Whether the id is new, or has used up the epochs of its producer id. */
  #needsProducerId(transactionalId: string): boolean {
    const known = this.txnManager.getTransactionState(transactionalId)
    if ('error' in known) return false
    return known.value?.transactionMetadata.isProducerEpochExhausted ?? true
  }

  #prepareInitProducerId(
    transactionalId: string,
    transactionTimeoutMs: number,
    freshId: bigint | undefined,
  ): ApiResult<Transit> {
    // Look the id up, or make it.
    const found =
      freshId === undefined
        ? this.txnManager.getTransactionState(transactionalId)
        : this.#putIfNew(transactionalId, freshId, transactionTimeoutMs)
    if ('error' in found) return found
    if (!found.value) return { error: Errors.NOT_COORDINATOR }
    const { coordinatorEpoch, transactionMetadata } = found.value
    const newMetadata = this.#prepareInitProduceIdTransit(
      ...([transactionMetadata, transactionTimeoutMs, freshId] as const),
    )
    if ('error' in newMetadata) return newMetadata
    return { value: { coordinatorEpoch, newMetadata: newMetadata.value } }
  }

  #putIfNew(
    transactionalId: string,
    producerId: bigint,
    txnTimeoutMs: number,
  ): ApiResult<CoordinatorEpochAndTxnMetadata> {
    return this.txnManager.putTransactionStateIfNotExists(
      new TransactionMetadata({
        ...{ transactionalId, producerId, txnTimeoutMs, state: 'Empty' },
        producerEpoch: NO_PRODUCER_EPOCH,
        txnLastUpdateTimestamp: this.#now(),
      }),
    )
  }

  #prepareInitProduceIdTransit(
    metadata: TransactionMetadata,
    transactionTimeoutMs: number,
    freshId: bigint | undefined,
  ): ApiResult<TxnTransitMetadata> {
    const isEnding =
      metadata.state === 'PrepareCommit' || metadata.state === 'PrepareAbort'
    if (metadata.pendingTransitionInProgress || isEnding) {
      return { error: Errors.CONCURRENT_TRANSACTIONS }
    }
    if (metadata.state === 'Ongoing') {
      return { value: metadata.prepareFenceProducerEpoch() }
    }

    // Give the next epoch; when there is none, begin again under another producer id.
    const now = this.#now()
    if (!metadata.isProducerEpochExhausted) {
      return {
        value: metadata.prepareIncrementProducerEpoch(transactionTimeoutMs, now),
      }
    }
    if (freshId === undefined) return { error: Errors.CONCURRENT_TRANSACTIONS }
    const rotated = metadata.prepareProducerIdRotation(
      ...([freshId, transactionTimeoutMs, now] as const),
    )
    return { value: rotated }
  }

  /** Takes partitions into a transaction, before anything is written to them. */
  handleAddPartitionsToTransaction(
    transactionalId: string,
    producerId: bigint,
    producerEpoch: number,
    partitions: readonly TopicPartition[],
    responseCallback: ErrorCallback,
  ): void {
    const found = this.#lookUp(transactionalId)
    if ('error' in found) {
      responseCallback(found.error)
      return
    }
    const { coordinatorEpoch, transactionMetadata } = found.value
    const producer = { producerId, producerEpoch }
    const refusal = addPartitionsRefusal(transactionMetadata, producer, partitions)
    if (refusal) {
      responseCallback(refusal)
      return
    }
    const newMetadata = transactionMetadata.prepareAddPartitions(
      partitions,
      this.#now(),
    )
    this.txnManager.appendTransactionToLog(
      ...([transactionalId, coordinatorEpoch, newMetadata, responseCallback] as const),
    )
  }

  /**
   * Decides how a transaction ends. Answered once the decision is in the log; the markers
   * follow.
   */
  handleEndTransaction(
    transactionalId: string,
    producerId: bigint,
    producerEpoch: number,
    txnMarkerResult: TransactionResult,
    responseCallback: ErrorCallback,
  ): void {
    const found = this.#lookUp(transactionalId)
    if ('error' in found) {
      responseCallback(found.error)
      return
    }
    const { coordinatorEpoch, transactionMetadata } = found.value
    const producer = { producerId, producerEpoch }
    const refusal = endTransactionRefusal(
      transactionMetadata,
      producer,
      txnMarkerResult,
    )
    if (refusal) {
      responseCallback(refusal)
      return
    }

    // A fence becomes the abort that it is for; its epoch holds from here on.
    if (transactionMetadata.pendingState === 'PrepareEpochFence') {
      transactionMetadata.pendingState = undefined
      transactionMetadata.producerEpoch = producerEpoch
    }
    const isCommit = txnMarkerResult === 'COMMIT'
    const newMetadata = transactionMetadata.prepareAbortOrCommit(
      isCommit ? 'PrepareCommit' : 'PrepareAbort',
      this.#now(),
    )
    const sendTxnMarkersCallback = (error: WireError) => {
      if (error !== Errors.NONE) responseCallback(error)
      else this.#sendTxnMarkers(found.value, txnMarkerResult, responseCallback)
    }
    this.txnManager.appendTransactionToLog(
      ...([transactionalId, coordinatorEpoch, newMetadata] as const),
      sendTxnMarkersCallback,
    )
  }

  /** After the decision: answers, then has the markers sent. */
  #sendTxnMarkers(
    { coordinatorEpoch, transactionMetadata }: CoordinatorEpochAndTxnMetadata,
    txnMarkerResult: TransactionResult,
    responseCallback: ErrorCallback,
  ): void {
    const newMetadata = transactionMetadata.prepareComplete(this.#now())
    responseCallback(Errors.NONE)
    const { transactionalId } = transactionMetadata
    this.txnMarkerChannelManager.addTxnMarkersToSend(
      ...([transactionalId, coordinatorEpoch, txnMarkerResult] as const),
      ...([transactionMetadata, newMetadata] as const),
    )
  }

  #lookUp(transactionalId: string): ApiResult<CoordinatorEpochAndTxnMetadata> {
    if (transactionalId === '') return { error: Errors.INVALID_REQUEST }
    const found = this.txnManager.getTransactionState(transactionalId)
    if ('error' in found) return found
    if (!found.value) return { error: Errors.INVALID_PRODUCER_ID_MAPPING }
    return { value: found.value }
  }

  /** Aborts what has been open for longer than its producer allowed, and fences it. */
  abortTimedOutTransactions(): void {
    for (const metadata of this.txnManager.timedOutTransactions()) {
      const { transactionalId } = metadata
      const { producerId, producerEpoch } = metadata.prepareFenceProducerEpoch()
      this.handleEndTransaction(
        ...([transactionalId, producerId, producerEpoch, 'ABORT'] as const),
        (error) => {
          log.info(`${transactionalId} was open for too long, aborted: ${error.name}`)

          // Without the abort, the fence is taken back: the next look tries again.
          if (metadata.pendingState === 'PrepareEpochFence') {
            metadata.pendingState = undefined
          }
        },
      )
    }
  }

  /** Takes over the ids of a partition of `__transaction_state`. */
  handleTxnImmigration(txnTopicPartitionId: number, coordinatorEpoch: number): void {
    this.txnManager.loadTransactionsForTxnTopicPartition(
      txnTopicPartitionId,
      coordinatorEpoch,
      (...markers) => this.txnMarkerChannelManager.addTxnMarkersToSend(...markers),
    )
  }

  /** Gives up the ids of a partition of `__transaction_state`. */
  handleTxnEmigration(txnTopicPartitionId: number, coordinatorEpoch: number): void {
    this.txnManager.removeTransactionsForTxnTopicPartition(
      txnTopicPartitionId,
      coordinatorEpoch,
    )
    this.txnMarkerChannelManager.removeMarkersForTxnTopicPartition(txnTopicPartitionId)
  }

  #now(): number {
    return this.#platform.clock.now()
  }
}

function initTransactionError(error: WireError): InitProducerIdResult {
  return { producerId: -1n, producerEpoch: NO_PRODUCER_EPOCH, error }
}
