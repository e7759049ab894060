/**
 * # ProducerAppendInfo
 *
 * Gathers what one append changes for one producer, and checks every batch on the way in.
 * Nothing is visible before the bytes are in the log: only then does the
 * `ProducerStateManager` take the gathered state over.
 *
 * | a batch comes with | and |
 * |---|---|
 * | an older epoch | is refused: a newer producer of that name has fenced it |
 * | a newer epoch | must begin at sequence 0 |
 * | the known epoch | must follow the last sequence |
 * | an unknown producer id and a sequence above 0 | is refused as UNKNOWN_PRODUCER_ID |
 *
 * @kafka core/src/main/scala/kafka/log/ProducerStateManager.scala#ProducerAppendInfo
 * @module
 */
import {
  InvalidTxnStateException,
  OutOfOrderSequenceException,
  ProducerFencedException,
  TransactionCoordinatorFencedException,
  UnknownProducerIdException,
} from '../base/errors.ts'
import { EndTransactionMarker } from '../record/EndTransactionMarker.ts'
import { RecordBatch } from '../record/RecordBatch.ts'
import type { CompletedTxn } from './CompletedTxn.ts'
import { LogOffsetMetadata } from './LogOffsetMetadata.ts'
import {
  BatchMetadata,
  ProducerStateEntry,
  sequenceDelta,
} from './ProducerStateEntry.ts'

/** The largest sequence; 0 follows it. */
const maxSequence = 0x7fffffff

/**
 * How much of a batch is checked. Nothing for what a leader has already accepted; only the
 * epoch for offsets committed in a transaction, which carry no sequences; all of it for
 * what a producer sends.
 *
 * @kafka core/src/main/scala/kafka/log/ProducerStateManager.scala#ValidationType
 */
export type ValidationType = 'None' | 'EpochOnly' | 'Full'

/**
 * A transaction in this partition, open or just ended.
 *
 * @kafka core/src/main/scala/kafka/log/ProducerStateManager.scala#TxnMetadata
 */
export interface TxnMetadata {
  readonly producerId: bigint

  /** First record, with its place in the log as soon as that is known. */
  firstOffset: LogOffsetMetadata

  /** Offset of the marker; `undefined` while the transaction is open. */
  lastOffset: number | undefined
}

/** Makes the metadata of a transaction that has just begun. */
export function startedTxn(producerId: bigint, firstOffset: number): TxnMetadata {
  return {
    producerId,
    firstOffset: new LogOffsetMetadata(firstOffset),
    lastOffset: undefined,
  }
}

/**
 * The changes that one append makes for one producer.
 *
 * @kafka core/src/main/scala/kafka/log/ProducerStateManager.scala#ProducerAppendInfo
 */
export class ProducerAppendInfo {
  readonly producerId: bigint
  readonly #currentEntry: ProducerStateEntry
  readonly #validationType: ValidationType
  readonly #transactions: TxnMetadata[] = []
  readonly #updatedEntry: ProducerStateEntry

  /**
   * @param producerId who appends
   * @param currentEntry what is known of the producer; not changed
   * @param validationType how much to check
   */
  constructor(
    producerId: bigint,
    currentEntry: ProducerStateEntry,
    validationType: ValidationType,
  ) {
    this.producerId = producerId
    this.#currentEntry = currentEntry
    this.#validationType = validationType
    this.#updatedEntry = new ProducerStateEntry({
      producerId,
      producerEpoch: currentEntry.producerEpoch,
      coordinatorEpoch: currentEntry.coordinatorEpoch,
      currentTxnFirstOffset: currentEntry.currentTxnFirstOffset,
    })
  }

  /**
   * Checks a batch and adds it.
   *
   * @returns the transaction that it ends, if it is a marker
   * @throws ProducerFencedException, OutOfOrderSequenceException,
   *   UnknownProducerIdException, InvalidTxnStateException or
   *   TransactionCoordinatorFencedException
   */
  append(batch: RecordBatch): CompletedTxn | undefined {
    if (batch.isControlBatch) return this.#appendMarker(batch)
    this.appendDataBatch({
      epoch: batch.producerEpoch,
      firstSeq: batch.baseSequence,
      lastSeq: batch.lastSequence,
      lastTimestamp: batch.maxTimestamp,
      lastOffset: batch.lastOffset,
      isTransactional: batch.isTransactional,
    })
    return undefined
  }

  /**
   * Checks and adds a batch of data, given by its fields.
   *
   * @kafka core/src/main/scala/kafka/log/ProducerStateManager.scala#append
   */
  appendDataBatch(batch: {
    epoch: number
    firstSeq: number
    lastSeq: number
    lastTimestamp: number
    lastOffset: number
    isTransactional: boolean
  }): void {
    // Check epoch and sequence, then remember the batch.
    this.#maybeValidateAppend(batch.epoch, batch.firstSeq)
    const offsetDelta = sequenceDelta(batch.lastSeq, batch.firstSeq)
    const { lastSeq, lastOffset, lastTimestamp: timestamp } = batch
    const metadata = new BatchMetadata({ lastSeq, lastOffset, offsetDelta, timestamp })
    const entry = this.#updatedEntry
    entry.addBatch(batch.epoch, metadata)

    // Within a transaction, everything is transactional.
    if (entry.currentTxnFirstOffset !== undefined && !batch.isTransactional) {
      throw new InvalidTxnStateException(
        `expected transactional write from producer ${this.producerId}`,
      )
    }

    // The first transactional batch begins a transaction.
    if (entry.currentTxnFirstOffset === undefined && batch.isTransactional) {
      entry.currentTxnFirstOffset = metadata.firstOffset
      this.#transactions.push(startedTxn(this.producerId, metadata.firstOffset))
    }
  }

  /**
   * Checks a transaction marker and ends the transaction.
   *
   * @param marker commit or abort, and the epoch of the coordinator that wrote it
   * @param producerEpoch epoch of the producer
   * @param offset of the marker
   * @throws ProducerFencedException for an older producer epoch
   * @throws TransactionCoordinatorFencedException for an older coordinator epoch
   */
  appendEndTxnMarker(
    marker: EndTransactionMarker,
    producerEpoch: number,
    offset: number,
  ): CompletedTxn {
    // Refuse a marker of a producer or coordinator that has been replaced.
    this.#checkProducerEpoch(producerEpoch)
    const entry = this.#updatedEntry
    if (entry.coordinatorEpoch > marker.coordinatorEpoch) {
      throw new TransactionCoordinatorFencedException(
        `invalid coordinator epoch ${marker.coordinatorEpoch}, ` +
          `the current one is ${entry.coordinatorEpoch}`,
      )
    }
    entry.maybeUpdateEpoch(producerEpoch)

    // A transaction without records here begins and ends with its marker.
    const firstOffset = entry.currentTxnFirstOffset ?? offset
    if (entry.currentTxnFirstOffset === undefined) {
      this.#transactions.push(startedTxn(this.producerId, offset))
    }

    // The transaction is over.
    entry.currentTxnFirstOffset = undefined
    entry.coordinatorEpoch = marker.coordinatorEpoch
    const isAborted = marker.controlType === 'ABORT'
    return { producerId: this.producerId, firstOffset, lastOffset: offset, isAborted }
  }

  /** The gathered state, for the manager to take over. */
  toEntry(): ProducerStateEntry {
    return this.#updatedEntry
  }

  /** Transactions that began in this append. */
  get startedTransactions(): readonly TxnMetadata[] {
    return this.#transactions
  }

  /**
   * Notes the place in the log of a transaction that begins with this append. On a leader
   * that is every transaction; elsewhere the place is looked up when it is needed.
   */
  maybeCacheTxnFirstOffsetMetadata(logOffsetMetadata: LogOffsetMetadata): void {
    const first = this.#transactions[0]
    if (first?.firstOffset.messageOffset === logOffsetMetadata.messageOffset) {
      first.firstOffset = logOffsetMetadata
    }
  }

  #appendMarker(batch: RecordBatch): CompletedTxn | undefined {
    const [record] = batch
    if (record === undefined) return undefined
    const marker = EndTransactionMarker.deserialize(record)
    return this.appendEndTxnMarker(marker, batch.producerEpoch, batch.baseOffset)
  }

  #maybeValidateAppend(producerEpoch: number, firstSeq: number): void {
    if (this.#validationType === 'None') return
    this.#checkProducerEpoch(producerEpoch)
    if (this.#validationType === 'Full') this.#checkSequence(producerEpoch, firstSeq)
  }

  #checkProducerEpoch(producerEpoch: number): void {
    const current = this.#updatedEntry.producerEpoch
    if (producerEpoch < current) {
      throw new ProducerFencedException(
        `epoch ${producerEpoch} of producer ${this.producerId} is no longer valid, ` +
          `the current one is ${current}`,
      )
    }
  }

  #checkSequence(producerEpoch: number, appendFirstSeq: number): void {
    // Within an epoch, sequences follow one another.
    const updated = this.#updatedEntry
    if (producerEpoch === updated.producerEpoch) {
      const lastSeq = this.#currentLastSeq(producerEpoch)
      if (!inSequence(lastSeq, appendFirstSeq)) {
        throw new OutOfOrderSequenceException(
          `producer ${this.producerId} sent sequence ${appendFirstSeq} after ${lastSeq}`,
        )
      }
      return
    }

    // A new epoch begins at 0.
    if (appendFirstSeq === 0) return
    if (updated.producerEpoch !== RecordBatch.NO_PRODUCER_EPOCH) {
      throw new OutOfOrderSequenceException(
        `producer ${this.producerId} began epoch ${producerEpoch} with sequence ` +
          `${appendFirstSeq}, not 0`,
      )
    }

    // Without any trace of the producer, retention has probably removed it.
    throw new UnknownProducerIdException(
      `no record of producer ${this.producerId} is left, its last batch may have been ` +
        'deleted by retention',
    )
  }

  /** The last sequence of this epoch; -1 when a marker has just begun it. */
  #currentLastSeq(producerEpoch: number): number {
    if (!this.#updatedEntry.isEmpty) return this.#updatedEntry.lastSeq
    if (producerEpoch !== this.#currentEntry.producerEpoch)
      return RecordBatch.NO_SEQUENCE
    return this.#currentEntry.lastSeq
  }
}

/**
 * Says whether a sequence may follow another; after none (-1) only 0 may.
 *
 * @kafka core/src/main/scala/kafka/log/ProducerStateManager.scala#ProducerAppendInfo.inSequence
 */
function inSequence(lastSeq: number, nextSeq: number): boolean {
  return nextSeq === lastSeq + 1 || (nextSeq === 0 && lastSeq === maxSequence)
}
