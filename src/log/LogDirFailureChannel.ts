/**
 * # LogDirFailureChannel
 *
 * The wire between whoever meets a disk error and the one loop that takes a log directory
 * out of service. Reporting is synchronous and never fails; a directory is reported once,
 * however many requests run into it.
 *
 *     append, flush, checkpoint ─▶ maybeAddOfflineLogDir ─▶ queue ─▶ takeNextOfflineLogDir
 *                                                                   LogDirFailureHandler
 *
 * @kafka core/src/main/scala/kafka/server/LogDirFailureChannel.scala#LogDirFailureChannel
 * @differs it lives in log/, the lowest wing that reports to it.
 * @module
 */
import { AsyncQueue } from '../base/async/AsyncQueue.ts'
import { logger } from '../base/logger.ts'

/**
 * Collects failed log directories until the handler takes them.
 *
 * @kafka core/src/main/scala/kafka/server/LogDirFailureChannel.scala#LogDirFailureChannel
 */
export class LogDirFailureChannel {
  readonly #offlineLogDirs = new Set<string>()
  readonly #offlineLogDirQueue: AsyncQueue<string>
  readonly #log = logger('LogDirFailureChannel')

  /** @param logDirNum how many log directories the broker has; each fails at most once */
  constructor(logDirNum: number) {
    this.#offlineLogDirQueue = new AsyncQueue<string>(Math.max(logDirNum, 1))
  }

  /**
   * Reports a failed directory; a second report of the same one is only logged.
   *
   * @param logDir absolute path of the log directory, not of a partition in it
   * @param message what was being done
   * @param error what the storage threw
   */
  maybeAddOfflineLogDir(logDir: string, message: string, error: unknown): void {
    this.#log.error(message, error)
    if (this.#offlineLogDirs.has(logDir)) return
    this.#offlineLogDirs.add(logDir)
    this.#offlineLogDirQueue.offer(logDir)
  }

  /** Says whether a directory has been reported. */
  hasOfflineLogDir(logDir: string): boolean {
    return this.#offlineLogDirs.has(logDir)
  }

  /**
   * Waits for the next failed directory.
   *
   * @param signal ends the wait with its AbortError
   */
  takeNextOfflineLogDir(signal?: AbortSignal): Promise<string> {
    return this.#offlineLogDirQueue.take(signal)
  }
}
