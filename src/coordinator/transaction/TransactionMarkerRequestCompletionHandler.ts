/**
 * # TransactionMarkerRequestCompletionHandler
 *
 * Takes the answer of a broker that was sent markers, partition by partition:
 *
 * | answer | what becomes of the partition |
 * |---|---|
 * | NONE | done |
 * | unknown, not leader, too few replicas, timed out, disk | sent again, perhaps elsewhere |
 * | no answer | sent again, all of them |
 * | stored in an old format | done: no transactional batch can be in it |
 * | a newer producer, a newer coordinator | not ours any more: all is dropped |
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionMarkerRequestCompletionHandler.scala#TransactionMarkerRequestCompletionHandler
 * @differs Kafka takes a dead disk for an impossible answer and never sends those markers
 *   again: the transaction hangs until its coordinator moves.
 * @module
 */
import { Errors, IllegalStateException, type WireError } from '../../base/errors.ts'
import { logger } from '../../base/logger.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import type { RequestCompletionHandler } from '../../network/InterBrokerSendThread.ts'
import type { WriteTxnMarkersResponse } from '../../protocol/messages/WriteTxnMarkers.ts'
import type { TransactionMarkerChannelManager } from './TransactionMarkerChannelManager.ts'
import type { TransactionMetadata } from './TransactionMetadata.ts'
import type { TransactionStateManager } from './TransactionStateManager.ts'
import type { TxnIdAndMarkerEntry } from './TxnMarkerQueue.ts'

const log = logger('TransactionMarkerRequestCompletionHandler')

type Verdict = 'done' | 'again' | 'drop'

const verdicts = new Map<WireError, Verdict>([
  [Errors.NONE, 'done'],
  [Errors.UNKNOWN_TOPIC_OR_PARTITION, 'again'],
  [Errors.NOT_LEADER_FOR_PARTITION, 'again'],
  [Errors.NOT_ENOUGH_REPLICAS, 'again'],
  [Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND, 'again'],
  [Errors.REQUEST_TIMED_OUT, 'again'],
  [Errors.KAFKA_STORAGE_ERROR, 'again'],
  [Errors.INVALID_PRODUCER_EPOCH, 'drop'],
  [Errors.TRANSACTION_COORDINATOR_FENCED, 'drop'],
  [Errors.UNSUPPORTED_FOR_MESSAGE_FORMAT, 'done'],
  [Errors.UNSUPPORTED_VERSION, 'done'],
])

/** Takes the answer to one request of markers. */
export class TransactionMarkerRequestCompletionHandler
  implements RequestCompletionHandler<WriteTxnMarkersResponse>
{
  readonly #brokerId: number
  readonly #txnStateManager: TransactionStateManager
  readonly #txnMarkerChannelManager: TransactionMarkerChannelManager
  readonly #txnIdAndMarkerEntries: readonly TxnIdAndMarkerEntry[]

  /** @param txnIdAndMarkerEntries what was sent */
  constructor(
    brokerId: number,
    txnStateManager: TransactionStateManager,
    txnMarkerChannelManager: TransactionMarkerChannelManager,
    txnIdAndMarkerEntries: readonly TxnIdAndMarkerEntry[],
  ) {
    this.#brokerId = brokerId
    this.#txnStateManager = txnStateManager
    this.#txnMarkerChannelManager = txnMarkerChannelManager
    this.#txnIdAndMarkerEntries = txnIdAndMarkerEntries
  }

  /** @throws IllegalStateException for an answer that no broker gives */
  onComplete(response: WriteTxnMarkersResponse | undefined): void {
    for (const entry of this.#txnIdAndMarkerEntries) {
      const { txnId, txnMarkerEntry } = entry
      const metadata = this.#stillOurs(entry)
      if (!metadata) {
        this.#txnMarkerChannelManager.removeMarkersForTxnId(txnId)
      } else if (!response) {
        const { partitions } = txnMarkerEntry
        this.#txnMarkerChannelManager.retryTxnMarkers(txnId, txnMarkerEntry, partitions)
      } else {
        this.#take(entry, metadata, response)
      }
    }
  }

  /** The id, when this broker coordinates it in the epoch of the marker. */
  #stillOurs({
    txnId,
    txnMarkerEntry,
  }: TxnIdAndMarkerEntry): TransactionMetadata | undefined {
    const found = this.#txnStateManager.getTransactionState(txnId)
    const isOurs =
      'value' in found &&
      found.value?.coordinatorEpoch === txnMarkerEntry.coordinatorEpoch
    if (isOurs) return found.value.transactionMetadata
    log.info(`${txnId} is no longer ours; its marker is not sent any more`)
    return undefined
  }

  #take(
    { txnId, txnMarkerEntry }: TxnIdAndMarkerEntry,
    metadata: TransactionMetadata,
    response: WriteTxnMarkersResponse,
  ): void {
    // Sort what was answered.
    const again: TopicPartition[] = []
    let isDropped = false
    for (const [topicPartition, error] of errorsOf(
      response,
      txnMarkerEntry.producerId,
    )) {
      const verdict = verdicts.get(error)
      if (verdict === undefined) {
        throw new IllegalStateException(
          `broker ${this.#brokerId}: ${error.name} for ${topicPartition} of ${txnId}`,
        )
      }
      if (error !== Errors.NONE) {
        log.info(`${txnId}, ${topicPartition}: ${error.name}, ${verdict}`)
      }
      if (verdict === 'done') metadata.removePartition(topicPartition)
      else if (verdict === 'again') again.push(topicPartition)
      else isDropped = true
    }

    // Go on with what is left.
    const manager = this.#txnMarkerChannelManager
    if (isDropped) manager.removeMarkersForTxnId(txnId)
    else if (again.length > 0) manager.retryTxnMarkers(txnId, txnMarkerEntry, again)
    else manager.completeSendMarkersForTxnId(txnId)
  }
}

function* errorsOf(
  { markers }: WriteTxnMarkersResponse,
  producerId: bigint,
): Generator<[TopicPartition, WireError]> {
  for (const marker of markers) {
    if (marker.producerId !== producerId) continue
    for (const { name, partitions } of marker.topics) {
      for (const { partition, errorCode } of partitions) {
        yield [new TopicPartition(name, partition), Errors.forCode(errorCode)]
      }
    }
  }
}
