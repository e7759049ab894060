/**
 * # LogCleaningAbortedException
 *
 * Cleaning of a log was given up, because the log is about to be truncated, moved or
 * deleted, or because the cleaner stops. Nothing of the log has changed.
 *
 * @kafka core/src/main/scala/kafka/common/LogCleaningAbortedException.scala#LogCleaningAbortedException
 * @module
 */

/** Ends the cleaning of one log, and nothing else. */
export class LogCleaningAbortedException extends Error {
  override readonly name = 'LogCleaningAbortedException'
}
