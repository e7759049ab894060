/**
 * # LogCleanerView
 *
 * What `LogManager` asks of the cleaner of compacted logs: to keep its hands off a log that
 * is being truncated, moved or deleted.
 *
 * @kafka core/src/main/scala/kafka/log/LogCleaner.scala#LogCleaner
 * @module
 */
import type { TopicPartition } from '../base/TopicPartition.ts'

/**
 * The cleaner, as the manager of the logs sees it.
 *
 * @kafka core/src/main/scala/kafka/log/LogCleaner.scala#LogCleaner
 */
export interface LogCleanerView {
  /** Starts cleaning. */
  startup(): void

  /** Stops cleaning; resolves when nothing is being cleaned any more. */
  shutdown(): Promise<void>

  /** Gives up what is being cleaned of a log. */
  abortCleaning(topicPartition: TopicPartition): void

  /** Like {@link abortCleaning}, and does not begin again before it is resumed. */
  abortAndPauseCleaning(topicPartition: TopicPartition): void

  /** Lets a paused log be cleaned again. */
  resumeCleaning(topicPartition: TopicPartition): void

  /** Moves the point up to which a log counts as clean down to its new end. */
  maybeTruncateCheckpoint(
    logDir: string,
    topicPartition: TopicPartition,
    offset: number,
  ): void

  /** Forgets the logs that are no longer there. */
  updateCheckpoints(logDir: string): void

  /** Carries a log's clean point over to another log directory. */
  alterCheckpointDir(
    topicPartition: TopicPartition,
    sourceLogDir: string,
    destLogDir: string,
  ): void

  /** Stops cleaning in a log directory that has failed. */
  handleLogDirFailure(logDir: string): void
}
