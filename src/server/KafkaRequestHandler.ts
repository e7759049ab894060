/**
 * # KafkaRequestHandler, KafkaRequestHandlerPool
 *
 * Takes requests off the channel and serves them, one after the other. Several handlers
 * run side by side, so that one that awaits (ZooKeeper, a lock) does not hold the others up.
 *
 * Kafka's handler threads are loops here. `num.io.threads` of them: no more requests than
 * that are in the middle of something at any time, as in Kafka.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaRequestHandler.scala#KafkaRequestHandler
 * @module
 */
import { logger } from '../base/logger.ts'
import {
  type BaseRequest,
  type RequestChannel,
  ShutdownRequest,
} from '../network/RequestChannel.ts'
import type { KafkaApis } from './KafkaApis.ts'

const log = logger('KafkaRequestHandler')

/** One handler. */
export class KafkaRequestHandler {
  readonly id: number
  readonly brokerId: number
  readonly #requestChannel: RequestChannel
  readonly #apis: KafkaApis

  constructor(
    id: number,
    brokerId: number,
    requestChannel: RequestChannel,
    apis: KafkaApis,
  ) {
    this.id = id
    this.brokerId = brokerId
    this.#requestChannel = requestChannel
    this.#apis = apis
  }

  /** Serves requests until it is told to end. */
  async run(): Promise<void> {
    for (;;) {
      const request = await this.#next()
      if (request.kind === 'shutdown') return
      try {
        await this.#apis.handle(request)
      } catch (error) {
        // What even the error path of the apis could not deal with.
        log.error(`handler ${this.id} of broker ${this.brokerId}`, error)
      }
    }
  }

  /** The next request; the end, when the channel was closed over our head. */
  async #next(): Promise<BaseRequest> {
    try {
      return await this.#requestChannel.receiveRequest()
    } catch {
      return ShutdownRequest
    }
  }
}

/**
 * All handlers of a broker. They run from construction on.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaRequestHandler.scala#KafkaRequestHandlerPool
 */
export class KafkaRequestHandlerPool {
  readonly #brokerId: number
  readonly #requestChannel: RequestChannel
  readonly #apis: KafkaApis
  readonly #running = new Set<Promise<void>>()
  #nextId = 0
  #threadPoolSize = 0

  constructor(
    brokerId: number,
    requestChannel: RequestChannel,
    apis: KafkaApis,
    numThreads: number,
  ) {
    this.#brokerId = brokerId
    this.#requestChannel = requestChannel
    this.#apis = apis
    while (this.#threadPoolSize < numThreads) this.createHandler()
  }

  /** Handlers that take requests. */
  get threadPoolSize(): number {
    return this.#threadPoolSize
  }

  /** Adds a handler, which runs. */
  createHandler(): void {
    const channel = this.#requestChannel
    const id = this.#nextId++
    const handler = new KafkaRequestHandler(id, this.#brokerId, channel, this.#apis)
    const running = handler.run().finally(() => this.#running.delete(running))
    this.#running.add(running)
    this.#threadPoolSize += 1
  }

  /** Adds handlers, or lets as many end as are too many, after what waits now. */
  async resizeThreadPool(newSize: number): Promise<void> {
    log.info(`${this.#threadPoolSize} handlers become ${newSize}`)
    while (this.#threadPoolSize < newSize) this.createHandler()
    while (this.#threadPoolSize > newSize) {
      this.#threadPoolSize -= 1
      await this.#requestChannel.sendShutdownRequest()
    }
  }

  /** Lets each handler end what it does, and waits for all. */
  async shutdown(): Promise<void> {
    await this.resizeThreadPool(0)
    await Promise.all(this.#running)
  }
}
