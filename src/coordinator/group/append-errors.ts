/**
 * # What an append's error means to a group's member
 *
 * The members of a group know nothing of `__consumer_offsets`. An error of its partition
 * is told to them as one of their coordinator: it is not there, or it is another one now.
 *
 * | append | commit | group |
 * |---|---|---|
 * | unknown topic, too few replicas | COORDINATOR_NOT_AVAILABLE | the same |
 * | not leader, disk | NOT_COORDINATOR | the same |
 * | timed out | as it is | REBALANCE_IN_PROGRESS: join again |
 * | too large | INVALID_COMMIT_OFFSET_SIZE | UNKNOWN_SERVER_ERROR |
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadataManager.scala#GroupMetadataManager
 * @module
 */
import { Errors, type WireError } from '../../base/errors.ts'

/** What a failed append of a group is told as. */
export function groupError(error: WireError): WireError {
  if (isTooLarge(error)) return Errors.UNKNOWN_SERVER_ERROR
  if (error === Errors.REQUEST_TIMED_OUT) return Errors.REBALANCE_IN_PROGRESS
  return coordinatorError(error)
}

/** What a failed append of offsets is told as. */
export function commitError(error: WireError): WireError {
  return isTooLarge(error) ? Errors.INVALID_COMMIT_OFFSET_SIZE : coordinatorError(error)
}

function coordinatorError(error: WireError): WireError {
  switch (error) {
    case Errors.UNKNOWN_TOPIC_OR_PARTITION:
    case Errors.NOT_ENOUGH_REPLICAS:
    case Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
      return Errors.COORDINATOR_NOT_AVAILABLE
    case Errors.NOT_LEADER_FOR_PARTITION:
    case Errors.KAFKA_STORAGE_ERROR:
      return Errors.NOT_COORDINATOR
    default:
      return error
  }
}

function isTooLarge(error: WireError): boolean {
  return (
    error === Errors.MESSAGE_TOO_LARGE ||
    error === Errors.RECORD_LIST_TOO_LARGE ||
    error === Errors.INVALID_FETCH_SIZE
  )
}
