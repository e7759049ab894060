/**
 * # Who may change a transaction, and when
 *
 * The tests that a request must pass before anything is prepared, in their order: is it the
 * producer that the id belongs to, in the epoch that counts; is nothing else on its way;
 * does the state allow it.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionCoordinator.scala#TransactionCoordinator
 * @module
 */
import { Errors, IllegalStateException, type WireError } from '../../base/errors.ts'
import type { TopicPartition } from '../../base/TopicPartition.ts'
import type { TransactionMetadata } from './TransactionMetadata.ts'
import type { TransactionResult, TransactionState } from './TransactionState.ts'

/** Who asks. */
export interface AskingProducer {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/**
 * Why partitions cannot be added.
 *
 * @returns NONE when they are in already: there is nothing to write; undefined when they
 *   may be added
 */
export function addPartitionsRefusal(
  metadata: TransactionMetadata,
  { producerId, producerEpoch }: AskingProducer,
  partitions: readonly TopicPartition[],
): WireError | undefined {
  const { state, topicPartitions } = metadata
  if (metadata.producerId !== producerId) return Errors.INVALID_PRODUCER_ID_MAPPING
  if (metadata.producerEpoch !== producerEpoch) return Errors.INVALID_PRODUCER_EPOCH
  const isEnding = state === 'PrepareCommit' || state === 'PrepareAbort'
  if (metadata.pendingTransitionInProgress || isEnding) {
    return Errors.CONCURRENT_TRANSACTIONS
  }
  const hasAll = partitions.every((partition) => topicPartitions.has(partition))
  return state === 'Ongoing' && hasAll ? Errors.NONE : undefined
}

/**
 * Why a transaction cannot be ended this way.
 *
 * @returns NONE when it has ended so already; undefined when it may be decided now
 * @differs 1.1.1 lets any newer epoch pass here and looks again once the decision is in
 *   the log: the answer is the same, but the transaction stays half ended.
 */
export function endTransactionRefusal(
  metadata: TransactionMetadata,
  { producerId, producerEpoch }: AskingProducer,
  result: TransactionResult,
): WireError | undefined {
  // Let a newer epoch pass only when it is that of a fence on its way.
  const { state, pendingState } = metadata
  const isFence = pendingState === 'PrepareEpochFence'
  const isOther = producerEpoch !== metadata.producerEpoch
  if (metadata.producerId !== producerId) return Errors.INVALID_PRODUCER_ID_MAPPING
  if (isOther && (producerEpoch < metadata.producerEpoch || !isFence)) {
    return Errors.INVALID_PRODUCER_EPOCH
  }
  if (pendingState !== undefined && !isFence) {
    return Errors.CONCURRENT_TRANSACTIONS
  }
  return repeatedEnd(state, result)
}

/** What a second request to end is answered, by state: the same way, or the other. */
function repeatedEnd(
  state: TransactionState,
  result: TransactionResult,
): WireError | undefined {
  const same = (wanted: TransactionResult, answer: WireError) =>
    result === wanted ? answer : Errors.INVALID_TXN_STATE
  switch (state) {
    case 'Ongoing':
      return undefined
    case 'CompleteCommit':
      return same('COMMIT', Errors.NONE)
    case 'CompleteAbort':
      return same('ABORT', Errors.NONE)
    case 'PrepareCommit':
      return same('COMMIT', Errors.CONCURRENT_TRANSACTIONS)
    case 'PrepareAbort':
      return same('ABORT', Errors.CONCURRENT_TRANSACTIONS)
    case 'Empty':
      return Errors.INVALID_TXN_STATE
    default:
      throw new IllegalStateException(`no transaction is ever ${state}`)
  }
}
