/**
 * # ShutdownableThread
 *
 * A loop with a name that does one piece of work after the other until it is told to
 * stop. Kafka gives each a thread; here each is an async loop, and the others run while
 * it waits.
 *
 *     start ─▶ ┌─ doWork ─┐ ─▶ complete
 *              └────◀─────┘     ▲
 *     initiateShutdown ─ signal ┘
 *
 * Invariants: `doWork` never runs twice at a time, and never again once `shutdown` has
 * resolved. An error it throws is logged and ends the loop, as in Kafka; the process
 * lives on.
 *
 * @differs The thread's interrupt became `signal`, an AbortSignal that `doWork` hands to
 *   everything it waits for. A thread that never started counts as complete.
 * @kafka core/src/main/scala/kafka/utils/ShutdownableThread.scala#ShutdownableThread
 * @module
 */
import { logger } from '../logger.ts'
import type { Clock } from '../platform/Platform.ts'
import { isAbortError } from './abort.ts'
import { CountDownLatch } from './CountDownLatch.ts'

/** Base of all loops of a broker or a consumer. */
export abstract class ShutdownableThread {
  readonly name: string
  readonly #shutdownInitiated = new AbortController()
  readonly #shutdownComplete = new CountDownLatch(1)
  #started = false

  /** @param name - as Kafka names the thread; in logs and recordings */
  constructor(name: string) {
    this.name = name
  }

  /** Fires when the loop is to stop; `doWork` gives it to everything it awaits. */
  protected get signal(): AbortSignal {
    return this.#shutdownInitiated.signal
  }

  /** Whether nobody asked it to stop yet; true before `start`, too. */
  get isRunning(): boolean {
    return !this.#shutdownInitiated.signal.aborted
  }

  get isShutdownComplete(): boolean {
    return this.#shutdownComplete.count === 0
  }

  /** One piece of work. Called again and again; must wait for something, at times. */
  abstract doWork(): Promise<void>

  /** Starts the loop; a second call does nothing. */
  start(): void {
    if (this.#started || !this.isRunning) return
    this.#started = true

    // Floats on purpose: run() catches all and counts the latch down.
    void this.run()
  }

  /** The loop itself. Ends after a stop, or an error of `doWork`, which it logs. */
  async run(): Promise<void> {
    const log = logger(this.name)
    log.info('starting')
    try {
      while (this.isRunning) await this.doWork()
    } catch (error) {
      // An interrupted wait is how a stop looks from inside; all else is worth a line.
      if (this.isRunning) log.error('stopped by an error', error)
      else if (!isAbortError(error)) log.debug('an error while stopping', error)
    } finally {
      this.#shutdownComplete.countDown()
      log.info('stopped')
    }
  }

  /** Asks the loop to stop and wakes it. @returns whether this was the first time */
  initiateShutdown(): boolean {
    if (!this.isRunning) return false
    this.#shutdownInitiated.abort()
    if (!this.#started) this.#shutdownComplete.countDown()
    return true
  }

  /** Waits until the loop has ended. */
  async awaitShutdown(): Promise<void> {
    if (this.#started) await this.#shutdownComplete.await()
  }

  /** Asks the loop to stop and waits until it has. */
  async shutdown(): Promise<void> {
    this.initiateShutdown()
    await this.awaitShutdown()
  }

  /** Waits inside `doWork`, at most `timeoutMs`, less when asked to stop. */
  async pause(timeoutMs: number, clock: Clock): Promise<void> {
    try {
      await clock.sleep(timeoutMs, this.signal)
    } catch (error) {
      if (!isAbortError(error)) throw error
    }
  }
}
