/**
 * # Acceptor
 *
 * Binds the address of one listener and deals the connections that come out to its
 * processors, in turn.
 *
 *     port ─▶ accept ─▶ ConnectionQuotas.inc ─▶ Processor 0, 1, 2, 0, 1 …
 *
 * @differs Kafka's thread selects every 500 ms; this loop waits on a queue that the
 *   platform fills. Socket options are the platform's business (no delay, keep alive).
 * @kafka core/src/main/scala/kafka/network/SocketServer.scala#Acceptor
 * @module
 */

import { AsyncQueue } from '../base/async/AsyncQueue.ts'
import { isAbortError } from '../base/async/abort.ts'
import { KafkaException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Connection, Listener, Network } from '../base/platform/Platform.ts'
import { AbstractServerThread } from './AbstractServerThread.ts'
import {
  type ConnectionQuotas,
  TooManyConnectionsException,
} from './ConnectionQuotas.ts'
import type { Processor } from './Processor.ts'

/** What an acceptor needs. */
export interface AcceptorOptions {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly network: Network
  readonly connectionQuotas: ConnectionQuotas
}

/** Accepts the connections of one listener. */
export class Acceptor extends AbstractServerThread {
  readonly #options: AcceptorOptions
  readonly #accepted = new AsyncQueue<Connection>()
  readonly #processors: Processor[] = []
  #nextProcessor = 0
  #listener: Listener | undefined

  constructor(options: AcceptorOptions) {
    super(options.name)
    this.#options = options
  }

  /** The port that is bound; the configured one before. */
  get port(): number {
    return this.#listener?.port ?? this.#options.port
  }

  /** Gives it one more processor to deal to. */
  addProcessor(processor: Processor): void {
    this.#processors.push(processor)
  }

  /** Takes its oldest processors from it; their connections are the caller's to end. */
  removeProcessors(count: number): Processor[] {
    return this.#processors.splice(0, count)
  }

  /** Processors that it deals to. */
  get processorCount(): number {
    return this.#processors.length
  }

  /** Starts the loops of its processors. */
  startProcessors(): void {
    for (const processor of this.#processors) processor.start()
  }

  /**
   * Binds the address. Connections are accepted from now on, and wait.
   *
   * @throws KafkaException (rejects) when the address cannot be bound
   */
  async openServerSocket(): Promise<void> {
    const { host, port, network } = this.#options
    try {
      this.#listener = await network.listen({
        host,
        port,
        onConnection: (connection) => {
          // Leave its bytes where they are until a processor registers it.
          connection.pause()
          this.#accepted.offer(connection)
        },
      })
    } catch (cause) {
      const address = `${host === '' ? '*' : host}:${port}`
      throw new KafkaException(`the socket server cannot bind ${address}`, { cause })
    }
  }

  wakeup(): void {
    // Nothing to do: the loop waits with its signal, which has fired when it shuts down.
  }

  async run(): Promise<void> {
    this.startupComplete()
    while (this.isRunning) {
      try {
        const connection = await this.#accepted.take(this.signal)
        this.accept(connection, this.nextProcessor())
      } catch (error) {
        if (!isAbortError(error)) logger(this.name).error('accepting failed', error)
      }
    }

    // Let the port go, and those who were accepted and never dealt out.
    await this.#listener?.close()
    for (const connection of this.#accepted.clear()) connection.destroy()
    this.shutdownComplete()
  }

  /** Counts a connection and hands it to a processor; one too many is closed. */
  accept(connection: Connection, processor: Processor): void {
    const { connectionQuotas } = this.#options
    const address = connection.remoteAddress
    try {
      connectionQuotas.inc(address)
      processor.accept(connection)
    } catch (error) {
      if (!(error instanceof TooManyConnectionsException)) throw error
      logger(this.name).info(`a connection was refused: ${error.message}`)
      connection.destroy()
      connectionQuotas.dec(address)
    }
  }

  /** @returns the processor whose turn it is */
  nextProcessor(): Processor {
    const processor = this.#processors[this.#nextProcessor % this.#processors.length]!
    this.#nextProcessor = (this.#nextProcessor + 1) % this.#processors.length
    return processor
  }
}
