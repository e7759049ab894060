/**
 * # LogDirFailureHandler
 *
 * The loop that waits for log directories to fail, and tells the replica manager.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager.LogDirFailureHandler
 * @module
 */
import { isAbortError } from '../base/async/abort.ts'
import { ShutdownableThread } from '../base/async/ShutdownableThread.ts'
import type { LogDirFailureChannel } from '../log/LogDirFailureChannel.ts'

/** Takes failed directories from the channel, one at a time. */
export class LogDirFailureHandler extends ShutdownableThread {
  readonly #channel: LogDirFailureChannel
  readonly #handle: (dir: string) => Promise<void>

  /** @param handle what to do about a directory; awaited before the next is taken. */
  constructor(channel: LogDirFailureChannel, handle: (dir: string) => Promise<void>) {
    super('LogDirFailureHandler')
    this.#channel = channel
    this.#handle = handle
  }

  /** Waits for the next failure and handles it. */
  override async doWork(): Promise<void> {
    try {
      const dir = await this.#channel.takeNextOfflineLogDir(this.signal)
      await this.#handle(dir)
    } catch (error) {
      // Shutdown ends the wait; everything else ends the loop, as in Kafka.
      if (!isAbortError(error)) throw error
    }
  }
}
