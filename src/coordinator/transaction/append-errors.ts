/**
 * # What an append's error means to a transactional producer
 *
 * Producers know nothing of `__transaction_state`. An error of its partition is told to
 * them as one of their coordinator: it is not there, or it is another one now.
 *
 * | append | producer |
 * |---|---|
 * | unknown topic, too few replicas, timed out | COORDINATOR_NOT_AVAILABLE: ask again |
 * | not leader, disk | NOT_COORDINATOR: look for it again |
 * | too large | UNKNOWN_SERVER_ERROR |
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionStateManager.scala#TransactionStateManager.appendTransactionToLog
 * @module
 */
import { Errors, type WireError } from '../../base/errors.ts'

/** What a failed append is told as. */
export function coordinatorError(error: WireError): WireError {
  switch (error) {
    case Errors.UNKNOWN_TOPIC_OR_PARTITION:
    case Errors.NOT_ENOUGH_REPLICAS:
    case Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case Errors.REQUEST_TIMED_OUT:
      return Errors.COORDINATOR_NOT_AVAILABLE
    case Errors.NOT_LEADER_FOR_PARTITION:
    case Errors.KAFKA_STORAGE_ERROR:
      return Errors.NOT_COORDINATOR
    case Errors.MESSAGE_TOO_LARGE:
    case Errors.RECORD_LIST_TOO_LARGE:
      return Errors.UNKNOWN_SERVER_ERROR
    default:
      return error
  }
}
