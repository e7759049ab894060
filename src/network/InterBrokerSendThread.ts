/**
 * # InterBrokerSendThread
 *
 * A loop that sends requests to other brokers, this one included. It asks what there is to
 * send whenever it is woken, and hands each answer to who wanted it.
 *
 *     wakeup ─▶ generateRequests ─▶ a line to each broker ─▶ onComplete(response)
 *                                        └─ broken ─▶ a pause ─▶ onComplete(undefined)
 *
 * Invariants: each request is completed once, unless the loop has ended; a broker that
 * cannot be reached is not tried again without a pause.
 *
 * @kafka core/src/main/scala/kafka/common/InterBrokerSendThread.scala#InterBrokerSendThread
 * @differs Kafka's sends through one client for all brokers; here each broker has a client
 *   of its own. What a handler throws is logged; in Kafka it ends the process when it comes
 *   of a request that could not be sent.
 * @module
 */

import { AsyncQueue } from '../base/async/AsyncQueue.ts'
import { isAbortError } from '../base/async/abort.ts'
import { ShutdownableThread } from '../base/async/ShutdownableThread.ts'
import { logger } from '../base/logger.ts'
import type { Platform } from '../base/platform/Platform.ts'
import type { Api } from '../protocol/Api.ts'
import { NetworkClient } from './NetworkClient.ts'

const log = logger('InterBrokerSendThread')

/** Pause after a failure, in ms: what Kafka's client waits before it connects again. */
const RECONNECT_BACKOFF_MS = 50

/** Where a broker is. */
export interface Destination {
  readonly id: number
  readonly host: string
  readonly port: number
}

/** Takes the answer to a request. */
export interface RequestCompletionHandler<Res> {
  /** @param response - undefined when the connection ended first */
  onComplete(response: Res | undefined): void
}

/** A request, whom it is for, and who wants the answer. */
export interface RequestAndCompletionHandler<ReqIn, Res> {
  readonly destination: Destination
  readonly request: ReqIn
  readonly handler: RequestCompletionHandler<Res>
}

/** What the loop works with. */
export interface InterBrokerSendThreadOptions<Req, Res, ReqIn, ResIn> {
  readonly name: string
  readonly clientId: string
  readonly api: Api<Req, Res, ReqIn, ResIn>
  readonly version: number
  readonly requestTimeoutMs: number
  readonly platform: Pick<Platform, 'network' | 'clock'>
}

interface Line extends Destination {
  readonly client: NetworkClient
}

/** Sends requests of one API to brokers. */
export abstract class InterBrokerSendThread<
  Req,
  Res,
  ReqIn,
  ResIn,
> extends ShutdownableThread {
  readonly #options: InterBrokerSendThreadOptions<Req, Res, ReqIn, ResIn>
  readonly #wakeUps = new AsyncQueue<'wake up'>()
  readonly #lines = new Map<number, Line>()

  constructor(options: InterBrokerSendThreadOptions<Req, Res, ReqIn, ResIn>) {
    super(options.name)
    this.#options = options
  }

  /** What there is to send now. */
  abstract generateRequests(): Iterable<RequestAndCompletionHandler<ReqIn, Res>>

  /** Has the loop look for requests. */
  wakeup(): void {
    if (this.#wakeUps.size === 0) this.#wakeUps.offer('wake up')
  }

  /** The same after a pause: for what has just failed. */
  wakeupLater(): void {
    this.#options.platform.clock.setTimeout(() => this.wakeup(), RECONNECT_BACKOFF_MS)
  }

  /** One round: waits to be woken, then sends what there is. */
  override async doWork(): Promise<void> {
    await this.#wakeUps.take(this.signal)
    for (const request of this.generateRequests()) {
      // Floats on purpose: the next broker does not wait for the answer of this one.
      this.#send(request).catch((error) => {
        if (this.isRunning) log.error(`${this.name} could not take an answer`, error)
      })
    }
  }

  async #send({
    destination,
    request,
    handler,
  }: RequestAndCompletionHandler<ReqIn, Res>): Promise<void> {
    let response: Res | undefined
    try {
      const { client } = this.#lineTo(destination)
      const { api, version } = this.#options
      response = await client.sendAndReceive(api, version, request, this.signal)
    } catch (error) {
      if (isAbortError(error)) return
      log.info(`${this.name}: no answer of broker ${destination.id}`, error)
      await this.pause(RECONNECT_BACKOFF_MS, this.#options.platform.clock)
    }
    if (this.isRunning) handler.onComplete(response)
  }

  /** The line to a broker; a new one when it has moved. */
  #lineTo({ id, host, port }: Destination): Line {
    const known = this.#lines.get(id)
    if (known && known.host === host && known.port === port) return known
    known?.client.close()
    const { clientId, requestTimeoutMs, platform } = this.#options
    const { network, clock } = platform
    const client = new NetworkClient({
      ...{ host, port, clientId, requestTimeoutMs, network, clock },
    })
    const line = { id, host, port, client }
    this.#lines.set(id, line)
    return line
  }

  /** Ends the loop and its lines. Requests without an answer are not completed. */
  override async shutdown(): Promise<void> {
    await super.shutdown()
    for (const { client } of this.#lines.values()) client.close()
    this.#lines.clear()
  }
}
