/**
 * # CleanedTransactionMetadata
 *
 * Follows transactions while a log is read from its beginning, to know which data was
 * aborted, and which markers have nothing left to mark.
 *
 * | batch | may go |
 * |---|---|
 * | data of an aborted transaction | yes |
 * | other data | as its keys say |
 * | abort marker | once no data of its transaction was seen |
 * | commit marker | once no data of its transaction was seen |
 *
 * A marker that may go stays `delete.retention.ms` longer, for readers who are on their way
 * through the transaction.
 *
 * @kafka core/src/main/scala/kafka/log/LogCleaner.scala#CleanedTransactionMetadata
 * @differs 1.1.1 begins anew with every segment, and so may drop the marker of a
 *   transaction whose data lies in the segment before; here, as in later versions, one
 *   object goes through the whole log.
 * @module
 */
import { ControlRecordType } from '../record/ControlRecordType.ts'
import type { RecordBatch } from '../record/RecordBatch.ts'
import type { AbortedTxn } from './AbortedTxn.ts'
import type { TransactionIndex } from './TransactionIndex.ts'

/** An aborted transaction that is being read. */
interface AbortedTransactionMetadata {
  readonly abortedTxn: AbortedTxn
  /** Offset of the last batch of it that was there. */
  lastObservedBatchOffset: number | undefined
}

/**
 * The transactions of a log that is being read.
 *
 * @kafka core/src/main/scala/kafka/log/LogCleaner.scala#CleanedTransactionMetadata
 */
export class CleanedTransactionMetadata {
  /** Told of the aborted transactions whose markers stay; none while keys are learnt. */
  cleanedIndex: TransactionIndex | undefined

  /** Those that have not begun yet, by first offset. */
  readonly #abortedTransactions: AbortedTxn[] = []

  /** Producers in a transaction that was committed and has data. */
  readonly #ongoingCommittedTxns = new Set<bigint>()

  readonly #ongoingAbortedTxns = new Map<bigint, AbortedTransactionMetadata>()

  /** Learns of aborted transactions, as the indexes have them; again does no harm. */
  addAbortedTransactions(abortedTransactions: readonly AbortedTxn[]): void {
    this.#abortedTransactions.push(...abortedTransactions)
    this.#abortedTransactions.sort((a, b) => a.firstOffset - b.firstOffset)
  }

  /**
   * Notes a marker.
   *
   * @returns whether nothing is left that it marks
   */
  onControlBatchRead(controlBatch: RecordBatch): boolean {
    // Of a marker that was cleaned away only the header is there.
    this.#consumeAbortedTxnsUpTo(controlBatch.lastOffset)
    const record = [...controlBatch][0]
    if (record === undefined) return true

    // The transaction ends here.
    const { producerId } = controlBatch
    switch (ControlRecordType.parse(record.key)) {
      case 'ABORT': {
        const aborted = this.#ongoingAbortedTxns.get(producerId)
        this.#ongoingAbortedTxns.delete(producerId)
        if (aborted?.lastObservedBatchOffset === undefined) return true
        this.cleanedIndex?.append(aborted.abortedTxn)
        return false
      }
      case 'COMMIT':
        return !this.#ongoingCommittedTxns.delete(producerId)
      default:
        return false
    }
  }

  /**
   * Notes a batch of data.
   *
   * @returns whether it belongs to an aborted transaction
   */
  onBatchRead(batch: RecordBatch): boolean {
    this.#consumeAbortedTxnsUpTo(batch.lastOffset)
    if (!batch.isTransactional) return false
    const aborted = this.#ongoingAbortedTxns.get(batch.producerId)
    if (aborted === undefined) {
      this.#ongoingCommittedTxns.add(batch.producerId)
      return false
    }
    aborted.lastObservedBatchOffset = batch.lastOffset
    return true
  }

  #consumeAbortedTxnsUpTo(offset: number): void {
    for (
      let next = this.#abortedTransactions[0];
      next !== undefined && next.firstOffset <= offset;
      next = this.#abortedTransactions[0]
    ) {
      this.#abortedTransactions.shift()
      if (this.#ongoingAbortedTxns.has(next.producerId)) continue
      const abortedTxn = next
      this.#ongoingAbortedTxns.set(next.producerId, {
        abortedTxn,
        lastObservedBatchOffset: undefined,
      })
    }
  }
}
