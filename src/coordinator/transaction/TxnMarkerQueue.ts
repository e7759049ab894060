/**
 * # TxnMarkerQueue
 *
 * The markers that wait to be sent to one broker, by the partition of `__transaction_state`
 * that their transactions are kept in: when this broker gives that partition up, they are
 * found and dropped at once.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionMarkerChannelManager.scala#TxnMarkerQueue
 * @module
 */
import type { TopicPartition } from '../../base/TopicPartition.ts'
import type { BrokerEndPoint } from '../../zk/Broker.ts'
import type { TransactionResult } from './TransactionState.ts'

/** One marker, for partitions of one broker. */
export interface TxnMarkerEntry {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  readonly transactionResult: TransactionResult
  readonly partitions: readonly TopicPartition[]
}

/** A marker, and the id whose transaction it ends. */
export interface TxnIdAndMarkerEntry {
  readonly txnId: string
  readonly txnMarkerEntry: TxnMarkerEntry
}

/** Markers on their way to one broker. */
export class TxnMarkerQueue {
  /** Where the broker was when the last marker was put in. */
  destination: BrokerEndPoint
  readonly #markersPerTxnTopicPartition = new Map<number, TxnIdAndMarkerEntry[]>()

  constructor(destination: BrokerEndPoint) {
    this.destination = destination
  }

  /** Puts a marker in. */
  addMarkers(txnTopicPartition: number, txnIdAndMarker: TxnIdAndMarkerEntry): void {
    const queue = this.#markersPerTxnTopicPartition.get(txnTopicPartition) ?? []
    queue.push(txnIdAndMarker)
    this.#markersPerTxnTopicPartition.set(txnTopicPartition, queue)
  }

  /** Takes the markers of one partition out. */
  removeMarkersForTxnTopicPartition(txnTopicPartition: number): TxnIdAndMarkerEntry[] {
    const queue = this.#markersPerTxnTopicPartition.get(txnTopicPartition) ?? []
    this.#markersPerTxnTopicPartition.delete(txnTopicPartition)
    return queue
  }

  /** Takes all markers out. */
  drain(): TxnIdAndMarkerEntry[] {
    const all = [...this.#markersPerTxnTopicPartition.values()].flat()
    this.#markersPerTxnTopicPartition.clear()
    return all
  }

  /** How many markers wait. */
  get totalNumMarkers(): number {
    let sum = 0
    for (const queue of this.#markersPerTxnTopicPartition.values()) sum += queue.length
    return sum
  }
}
