/**
 * # TransactionMarkerChannelManager
 *
 * Ends transactions: sends the marker, commit or abort, to the leader of every partition
 * that was written to, until all have it; then writes that the transaction is complete.
 *
 *     addTxnMarkersToSend ─▶ DelayedTxnMarker waits
 *       └─▶ addTxnMarkersToBrokerQueue ─▶ queue of each leader ─▶ WriteTxnMarkers
 *                ▲                                                     │
 *                └── failed, or the leader has moved ◀─────────────────┤
 *     no partition left ◀─ TransactionMetadata.removePartition ◀───────┘ written
 *       └─▶ TransactionStateManager.appendTransactionToLog(Complete…)
 *
 * Partitions whose leader is not alive wait in a queue of their own, which is looked
 * through whenever the controller tells something new. A partition that the controller
 * never told of has been deleted, and needs no marker.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionMarkerChannelManager.scala#TransactionMarkerChannelManager
 * @module
 */
import { Errors, type WireError } from '../../base/errors.ts'
import { logger } from '../../base/logger.ts'
import type { Platform } from '../../base/platform/Platform.ts'
import type { TopicPartition } from '../../base/TopicPartition.ts'
import {
  InterBrokerSendThread,
  type RequestAndCompletionHandler,
} from '../../network/InterBrokerSendThread.ts'
import {
  WriteTxnMarkers,
  type WriteTxnMarkersRequest,
  type WriteTxnMarkersRequestInput,
  type WriteTxnMarkersResponse,
  type WriteTxnMarkersResponseInput,
} from '../../protocol/messages/WriteTxnMarkers.ts'
import type { DelayedOperationPurgatory } from '../../replica/DelayedOperationPurgatory.ts'
import type { BrokerEndPoint } from '../../zk/Broker.ts'
import { DelayedTxnMarker } from './DelayedTxnMarker.ts'
import type {
  TransactionConfig,
  TransactionMetadataCache,
} from './TransactionConfig.ts'
import { TransactionMarkerRequestCompletionHandler } from './TransactionMarkerRequestCompletionHandler.ts'
import type { TransactionMetadata, TxnTransitMetadata } from './TransactionMetadata.ts'
import type { TransactionResult } from './TransactionState.ts'
import type { TransactionStateManager } from './TransactionStateManager.ts'
import {
  type TxnIdAndMarkerEntry,
  type TxnMarkerEntry,
  TxnMarkerQueue,
} from './TxnMarkerQueue.ts'

const log = logger('TransactionMarkerChannelManager')

const NO_NODE: BrokerEndPoint = { id: -1, host: '', port: -1 }

/** What the manager is made from. */
export interface TransactionMarkerChannelManagerOptions {
  readonly config: TransactionConfig
  readonly metadataCache: TransactionMetadataCache
  readonly platform: Platform
  readonly txnStateManager: TransactionStateManager
  readonly txnMarkerPurgatory: DelayedOperationPurgatory<DelayedTxnMarker>
}

/** A transaction whose markers are written, to be written as complete. */
interface TxnLogAppend {
  readonly transactionalId: string
  readonly coordinatorEpoch: number
  readonly newMetadata: TxnTransitMetadata
}

/** Sends markers. */
export class TransactionMarkerChannelManager extends InterBrokerSendThread<
  WriteTxnMarkersRequest,
  WriteTxnMarkersResponse,
  WriteTxnMarkersRequestInput,
  WriteTxnMarkersResponseInput
> {
  readonly #options: TransactionMarkerChannelManagerOptions
  readonly #markersQueuePerBroker = new Map<number, TxnMarkerQueue>()
  readonly #markersQueueForUnknownBroker = new TxnMarkerQueue(NO_NODE)
  #txnLogAppendRetryQueue: TxnLogAppend[] = []
  #stopWatching: (() => void) | undefined

  constructor(options: TransactionMarkerChannelManagerOptions) {
    const { config, platform } = options
    super({
      name: `TxnMarkerSenderThread-${config.brokerId}`,
      clientId: `broker-${config.brokerId}-txn-marker-sender`,
      ...{ api: WriteTxnMarkers, version: 0, platform },
      requestTimeoutMs: config.requestTimeoutMs,
    })
    this.#options = options
  }

  /** Begins to send, and to look out for brokers that come back. */
  override start(): void {
    this.#stopWatching = this.#options.metadataCache.onUpdate(() => {
      if (this.#markersQueueForUnknownBroker.totalNumMarkers > 0) this.wakeup()
    })
    super.start()
  }

  /** Ends sending. What is not written yet is sent by the next coordinator. */
  override async shutdown(): Promise<void> {
    this.#stopWatching?.()
    await super.shutdown()
    await this.#options.txnMarkerPurgatory.shutdown()
    this.#markersQueuePerBroker.clear()
  }

  override generateRequests() {
    return this.drainQueuedTransactionMarkers()
  }

  /** The markers of a broker that wait; undefined when none was ever sent to it. */
  queueForBroker(brokerId: number): TxnMarkerQueue | undefined {
    return this.#markersQueuePerBroker.get(brokerId)
  }

  /** The markers that wait for a leader that is not alive. */
  get queueForUnknownBroker(): TxnMarkerQueue {
    return this.#markersQueueForUnknownBroker
  }

  /** Transactions whose markers are written, to be written down as complete once more. */
  get logAppendRetryQueueSize(): number {
    return this.#txnLogAppendRetryQueue.length
  }

  /** Where transactions wait for their markers. */
  get txnMarkerPurgatory(): DelayedOperationPurgatory<DelayedTxnMarker> {
    return this.#options.txnMarkerPurgatory
  }

  /** Takes all markers out of the queues, one request a broker. */
  drainQueuedTransactionMarkers(): RequestAndCompletionHandler<
    WriteTxnMarkersRequestInput,
    WriteTxnMarkersResponse
  >[] {
    this.retryLogAppends()

    // Look again for the leaders that were not alive.
    for (const {
      txnId,
      txnMarkerEntry,
    } of this.#markersQueueForUnknownBroker.drain()) {
      this.#enqueue(txnId, txnMarkerEntry, txnMarkerEntry.partitions)
    }

    // Make one request of what waits for a broker.
    const requests = []
    for (const queue of this.#markersQueuePerBroker.values()) {
      const entries = queue.drain()
      if (entries.length === 0) continue
      const { txnStateManager } = this.#options
      const { destination } = queue
      requests.push({
        destination,
        request: { markers: entries.map(markerOnTheWire) },
        handler: new TransactionMarkerRequestCompletionHandler(
          ...([destination.id, txnStateManager, this, entries] as const),
        ),
      })
    }
    return requests
  }

  /** Writes again what could not be written as complete. */
  retryLogAppends(): void {
    const retries = this.#txnLogAppendRetryQueue
    this.#txnLogAppendRetryQueue = []
    for (const retry of retries) this.#tryAppendToLog(retry)
  }

  /**
   * Sends the markers of a transaction, and completes it when all are written.
   *
   * @param newMetadata how the id stands then
   */
  addTxnMarkersToSend(
    transactionalId: string,
    coordinatorEpoch: number,
    txnResult: TransactionResult,
    txnMetadata: TransactionMetadata,
    newMetadata: TxnTransitMetadata,
  ): void {
    const append = { transactionalId, coordinatorEpoch, newMetadata }
    const delayedTxnMarker = new DelayedTxnMarker(txnMetadata, () =>
      this.#complete(append),
    )
    const key = { keyLabel: transactionalId }
    this.#options.txnMarkerPurgatory.tryCompleteElseWatch(delayedTxnMarker, [key])
    this.addTxnMarkersToBrokerQueue(
      transactionalId,
      {
        producerId: txnMetadata.producerId,
        producerEpoch: txnMetadata.producerEpoch,
        ...{ transactionResult: txnResult, coordinatorEpoch },
      },
      [...txnMetadata.topicPartitions],
    )
  }

  #complete(append: TxnLogAppend): void {
    const { transactionalId, coordinatorEpoch } = append
    const found = this.#options.txnStateManager.getTransactionState(transactionalId)
    if ('value' in found && found.value?.coordinatorEpoch === coordinatorEpoch) {
      this.#tryAppendToLog(append)
    } else {
      // Whoever coordinates it now finds it in the log and sends its markers again.
      log.info(`${transactionalId} is no longer ours in epoch ${coordinatorEpoch}`)
    }
  }

  #tryAppendToLog(append: TxnLogAppend): void {
    const { transactionalId, coordinatorEpoch, newMetadata } = append
    const isTemporary = (error: WireError) => error === Errors.COORDINATOR_NOT_AVAILABLE
    this.#options.txnStateManager.appendTransactionToLog(
      ...([transactionalId, coordinatorEpoch, newMetadata] as const),
      (error) => {
        if (isTemporary(error)) {
          this.#txnLogAppendRetryQueue.push(append)
          this.wakeupLater()
        } else if (error !== Errors.NONE) {
          log.info(`${transactionalId} is not ours to complete: ${error.name}`)
        }
      },
      isTemporary,
    )
  }

  /** Queues a marker at the leaders of its partitions, and wakes the sender. */
  addTxnMarkersToBrokerQueue(
    transactionalId: string,
    marker: Omit<TxnMarkerEntry, 'partitions'>,
    topicPartitions: Iterable<TopicPartition>,
  ): void {
    this.#enqueue(transactionalId, marker, topicPartitions)
    this.wakeup()
  }

  /** The same for a marker that has just failed: it is sent after a pause. */
  retryTxnMarkers(
    transactionalId: string,
    marker: Omit<TxnMarkerEntry, 'partitions'>,
    topicPartitions: Iterable<TopicPartition>,
  ): void {
    this.#enqueue(transactionalId, marker, topicPartitions)
    this.wakeupLater()
  }

  #enqueue(
    txnId: string,
    marker: Omit<TxnMarkerEntry, 'partitions'>,
    topicPartitions: Iterable<TopicPartition>,
  ): void {
    // Sort the partitions by where their leaders are.
    const { metadataCache, config, txnStateManager } = this.#options
    const byLeader = new Map<number, [BrokerEndPoint, TopicPartition[]]>()
    const unknown: TopicPartition[] = []
    for (const topicPartition of topicPartitions) {
      const { topic, partition } = topicPartition
      const leader = metadataCache.getPartitionLeaderEndpoint(
        ...([topic, partition, config.interBrokerListenerName] as const),
      )
      if (!leader) unknown.push(topicPartition)
      else if (byLeader.has(leader.id))
        byLeader.get(leader.id)?.[1].push(topicPartition)
      else byLeader.set(leader.id, [leader, [topicPartition]])
    }

    // Put one marker into the queue of each leader.
    const txnTopicPartition = txnStateManager.partitionFor(txnId)
    for (const [leader, partitions] of byLeader.values()) {
      const txnMarkerEntry = { ...marker, partitions }
      this.#addMarkersForBroker(leader, txnTopicPartition, { txnId, txnMarkerEntry })
    }
    if (unknown.length > 0) this.#skipDeleted(txnId, marker.coordinatorEpoch, unknown)
  }

  /** Puts a marker into the queue of a broker, or of those that nobody can reach now. */
  #addMarkersForBroker(
    broker: BrokerEndPoint,
    txnTopicPartition: number,
    txnIdAndMarker: TxnIdAndMarkerEntry,
  ): void {
    const queue =
      broker.id === NO_NODE.id
        ? this.#markersQueueForUnknownBroker
        : (this.#markersQueuePerBroker.get(broker.id) ?? new TxnMarkerQueue(broker))
    if (broker.id !== NO_NODE.id) {
      this.#markersQueuePerBroker.set(broker.id, queue)
      queue.destination = broker
    }
    queue.addMarkers(txnTopicPartition, txnIdAndMarker)
  }

  /** Nobody has told of these partitions: they are gone, and need no marker. */
  #skipDeleted(
    transactionalId: string,
    coordinatorEpoch: number,
    topicPartitions: readonly TopicPartition[],
  ): void {
    const found = this.#options.txnStateManager.getTransactionState(transactionalId)
    if ('error' in found || found.value?.coordinatorEpoch !== coordinatorEpoch) {
      this.removeMarkersForTxnId(transactionalId)
      return
    }
    log.info(
      `${transactionalId}: ${topicPartitions.join(', ')} need no marker any more`,
    )
    const { transactionMetadata } = found.value
    for (const tp of topicPartitions) transactionMetadata.removePartition(tp)
    this.completeSendMarkersForTxnId(transactionalId)
  }

  /** Drops what waits for ids of a partition that this broker gives up. */
  removeMarkersForTxnTopicPartition(txnTopicPartitionId: number): void {
    const queues = [
      this.#markersQueueForUnknownBroker,
      ...this.#markersQueuePerBroker.values(),
    ]
    for (const queue of queues) {
      const removed = queue.removeMarkersForTxnTopicPartition(txnTopicPartitionId)
      for (const { txnId } of removed) this.removeMarkersForTxnId(txnId)
    }
  }

  /** Waits no longer for the markers of an id. */
  removeMarkersForTxnId(transactionalId: string): void {
    this.#options.txnMarkerPurgatory.cancelForKey({ keyLabel: transactionalId })
  }

  /** Looks whether the markers of an id are all written. */
  completeSendMarkersForTxnId(transactionalId: string): void {
    this.#options.txnMarkerPurgatory.checkAndComplete({ keyLabel: transactionalId })
  }
}

function markerOnTheWire({ txnMarkerEntry }: TxnIdAndMarkerEntry) {
  const byTopic = new Map<string, number[]>()
  for (const { topic, partition } of txnMarkerEntry.partitions) {
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition])
  }
  return {
    producerId: txnMarkerEntry.producerId,
    producerEpoch: txnMarkerEntry.producerEpoch,
    transactionResult: txnMarkerEntry.transactionResult === 'COMMIT',
    topics: Array.from(byTopic, ([name, partitionIndexes]) => ({
      ...{ name, partitionIndexes },
    })),
    coordinatorEpoch: txnMarkerEntry.coordinatorEpoch,
  }
}
