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
  readonly #requestChannel: RequestChannel
  readonly #running: Promise<void>[] = []

  constructor(
    brokerId: number,
    requestChannel: RequestChannel,
    apis: KafkaApis,
    numThreads: number,
  ) {
    this.#requestChannel = requestChannel
    for (let id = 0; id < numThreads; id++) {
      const handler = new KafkaRequestHandler(id, brokerId, requestChannel, apis)
      this.#running.push(handler.run())
    }
  }

  /** Lets each handler end what it does, and waits for all. */
  async shutdown(): Promise<void> {
    for (const _ of this.#running) await this.#requestChannel.sendShutdownRequest()
    await Promise.all(this.#running)
  }
}
