/**
 * # DelayedTxnMarker
 *
 * Waits until every partition of a transaction has its marker, for as long as that takes:
 * the end is decided, so giving up is not an option.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/DelayedTxnMarker.scala#DelayedTxnMarker
 * @module
 */
import { IllegalStateException } from '../../base/errors.ts'
import { DelayedOperation } from '../../replica/DelayedOperation.ts'
import type { TransactionMetadata } from './TransactionMetadata.ts'

/** A hundred years, in ms; the purgatory of these operations has no timer anyway. */
const NEVER = 100 * 365 * 86_400_000

/** Waits for the markers of one transaction. */
export class DelayedTxnMarker extends DelayedOperation {
  readonly #txnMetadata: TransactionMetadata
  readonly #completionCallback: () => void

  /** @param completionCallback - called once no partition is left */
  constructor(txnMetadata: TransactionMetadata, completionCallback: () => void) {
    super(NEVER)
    this.#txnMetadata = txnMetadata
    this.#completionCallback = completionCallback
  }

  /** Completes when no partition is left. */
  override tryComplete(): boolean {
    return this.#txnMetadata.topicPartitions.size === 0 && this.forceComplete()
  }

  /** @throws IllegalStateException always: there is no time that could be up */
  override onExpiration(): void {
    throw new IllegalStateException(`the markers of ${this.#txnMetadata} timed out`)
  }

  override onComplete(): void {
    this.#completionCallback()
  }
}
