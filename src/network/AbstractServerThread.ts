/**
 * # AbstractServerThread
 *
 * What acceptor and processor share: a loop that is started, can be woken, and is told to
 * stop.
 *
 * @differs Latches of threads became promises; `signal` is what wakes a blocked wait.
 * @kafka core/src/main/scala/kafka/network/SocketServer.scala#AbstractServerThread
 * @module
 */
import { CountDownLatch } from '../base/async/CountDownLatch.ts'

/** Base of the loops of the socket server. */
export abstract class AbstractServerThread {
  /** As Kafka names the thread. */
  readonly name: string
  readonly #startupLatch = new CountDownLatch(1)
  readonly #shutdownLatch = new CountDownLatch(1)
  readonly #alive = new AbortController()
  #started = false

  constructor(name: string) {
    this.name = name
  }

  /** Fires when the loop is to stop. */
  protected get signal(): AbortSignal {
    return this.#alive.signal
  }

  /** Whether nobody asked it to stop. */
  get isRunning(): boolean {
    return !this.#alive.signal.aborted
  }

  /** The loop; catches all, and calls the two `…Complete` methods. */
  abstract run(): Promise<void>

  /** Makes the loop look at what is new. */
  abstract wakeup(): void

  /** Starts the loop. */
  start(): void {
    if (this.#started) return
    this.#started = true

    // Floats on purpose: run() catches all, and shutdown() waits for its end.
    void this.run()
  }

  /** Asks the loop to stop and waits until it has. */
  async shutdown(): Promise<void> {
    this.#alive.abort()
    this.wakeup()
    if (this.#started) await this.#shutdownLatch.await()
  }

  /** Waits until the loop runs. */
  async awaitStartup(): Promise<void> {
    await this.#startupLatch.await()
  }

  protected startupComplete(): void {
    this.#startupLatch.countDown()
  }

  protected shutdownComplete(): void {
    this.#shutdownLatch.countDown()
  }
}
