/**
 * # ControllerChannelManager
 *
 * The controller's lines to the brokers: for each broker, its own included, a queue, a
 * connection and a loop that sends one request after the other.
 *
 *     sendRequest(2, LeaderAndIsr) ─▶ [queue of 2] ─▶ RequestSendThread ─▶ broker 2
 *                                            answer ─▶ callback ─▶ an event
 *
 * Invariants: a broker gets its requests in the order they were put, one at a time; a
 * request is sent until it is answered or the broker is removed. So a broker may get one
 * twice, and must not mind: epochs tell it what is old.
 *
 * @kafka core/src/main/scala/kafka/controller/ControllerChannelManager.scala#ControllerChannelManager
 * @module
 */

import { AsyncQueue } from '../base/async/AsyncQueue.ts'
import { ShutdownableThread } from '../base/async/ShutdownableThread.ts'
import { logger } from '../base/logger.ts'
import type { Clock } from '../base/platform/Platform.ts'
import type { Api } from '../protocol/Api.ts'
import type { Broker, BrokerEndPoint } from '../zk/Broker.ts'

const log = logger('ControllerChannelManager')

/** One connection to one broker; `NetworkClient` is one. */
export interface ControllerClient {
  /** Connects. @throws when that fails */
  ready(): Promise<void>

  /** Sends a request and waits for its answer. @throws when the connection breaks */
  sendAndReceive<Req, Res, ReqIn, ResIn>(
    api: Api<Req, Res, ReqIn, ResIn>,
    version: number,
    body: ReqIn,
  ): Promise<Res>

  /** Hangs up; who waits for an answer gets an error. */
  close(): void | Promise<void>
}

/** What the channels need to know. */
export interface ControllerChannelConfig {
  readonly brokerId: number

  /** Brokers are reached at their end point of this listener. */
  readonly interBrokerListenerName: string
}

/** One request on its way. */
export interface QueueItem {
  /** Its name, for logs. */
  readonly name: string

  /** Sends it over a connection that is ready, and handles the answer. */
  send(client: ControllerClient): Promise<void>
}

interface ControllerBrokerStateInfo {
  readonly broker: Broker
  readonly requestSendThread: RequestSendThread
  readonly messageQueue: AsyncQueue<QueueItem>
}

/** All lines of one controller. */
export class ControllerChannelManager {
  readonly #config: ControllerChannelConfig
  readonly #newClient: (broker: BrokerEndPoint) => ControllerClient
  readonly #clock: Clock
  readonly #brokerStateInfo = new Map<number, ControllerBrokerStateInfo>()

  /**
   * Prepares lines; `startup` opens them.
   *
   * @param newClient - makes an unconnected client for a broker
   */
  constructor(
    config: ControllerChannelConfig,
    newClient: (broker: BrokerEndPoint) => ControllerClient,
    clock: Clock,
  ) {
    this.#config = config
    this.#newClient = newClient
    this.#clock = clock
  }

  /** Opens a line to each live broker. */
  startup(liveBrokers: Iterable<Broker>): void {
    for (const broker of liveBrokers) this.addBroker(broker)
  }

  /** Closes all lines; requests that were not answered are forgotten. */
  async shutdown(): Promise<void> {
    await Promise.all(
      [...this.#brokerStateInfo.keys()].map((id) => this.removeBroker(id)),
    )
  }

  /**
   * Puts a request on the line to a broker. Without a line it is dropped: the broker died,
   * and gets all it needs to know when it is back.
   *
   * @param callback - called with the answer, on the loop of that line
   * @kafka core/src/main/scala/kafka/controller/ControllerChannelManager.scala#ControllerChannelManager.sendRequest
   */
  sendRequest<Req, Res, ReqIn, ResIn>(
    brokerId: number,
    api: Api<Req, Res, ReqIn, ResIn>,
    version: number,
    request: ReqIn,
    callback?: (response: Res) => void,
  ): void {
    // Find the line.
    const state = this.#brokerStateInfo.get(brokerId)
    if (state === undefined) {
      log.warn(`${api.name} for broker ${brokerId} is dropped: the broker is not alive`)
      return
    }

    // Queue the request with what to do about its answer.
    state.messageQueue.offer({
      name: api.name,
      async send(client) {
        const response = await client.sendAndReceive(api, version, request)
        callback?.(response)
      },
    })
  }

  /** Opens a line to a broker, unless there is one. */
  addBroker(broker: Broker): void {
    if (this.#brokerStateInfo.has(broker.id)) return
    this.#addNewBroker(broker)
    this.#startRequestSendThread(broker.id)
  }

  #addNewBroker(broker: Broker): void {
    // Find where the broker listens to other brokers.
    const endPoint = broker.brokerEndPoint(this.#config.interBrokerListenerName)

    // Make the queue and the loop that empties it.
    const messageQueue = new AsyncQueue<QueueItem>()
    const requestSendThread = new RequestSendThread(
      `Controller-${this.#config.brokerId}-to-broker-${broker.id}-send-thread`,
      messageQueue,
      () => this.#newClient(endPoint),
      this.#clock,
    )
    this.#brokerStateInfo.set(broker.id, { broker, requestSendThread, messageQueue })
  }

  /** Closes the line to a broker. */
  async removeBroker(brokerId: number): Promise<void> {
    const state = this.#brokerStateInfo.get(brokerId)
    if (state !== undefined) await this.#removeExistingBroker(state)
  }

  async #removeExistingBroker(state: ControllerBrokerStateInfo): Promise<void> {
    this.#brokerStateInfo.delete(state.broker.id)
    state.messageQueue.clear()
    await state.requestSendThread.shutdown()
  }

  #startRequestSendThread(brokerId: number): void {
    this.#brokerStateInfo.get(brokerId)?.requestSendThread.start()
  }

  /** Requests that wait, for all brokers together. */
  get totalQueueSize(): number {
    let sum = 0
    for (const { messageQueue } of this.#brokerStateInfo.values()) {
      sum += messageQueue.size
    }
    return sum
  }

  /** Requests that wait, by broker. */
  *queueSizes(): IterableIterator<[number, number]> {
    for (const [brokerId, { messageQueue }] of this.#brokerStateInfo) {
      yield [brokerId, messageQueue.size]
    }
  }

  /** Requests that wait for a broker. */
  queueSize(brokerId: number): number {
    return this.#brokerStateInfo.get(brokerId)?.messageQueue.size ?? 0
  }
}

/**
 * Sends what its queue holds, each request until it is answered.
 *
 * @kafka core/src/main/scala/kafka/controller/ControllerChannelManager.scala#RequestSendThread
 */
export class RequestSendThread extends ShutdownableThread {
  /** Pause after a failure, in ms. */
  static readonly RetryBackoffMs = 100

  readonly #queue: AsyncQueue<QueueItem>
  readonly #newClient: () => ControllerClient
  readonly #clock: Clock
  #client: ControllerClient | undefined

  constructor(
    name: string,
    queue: AsyncQueue<QueueItem>,
    newClient: () => ControllerClient,
    clock: Clock,
  ) {
    super(name)
    this.#queue = queue
    this.#newClient = newClient
    this.#clock = clock
  }

  override async doWork(): Promise<void> {
    const item = await this.#queue.take(this.signal)
    for (let sent = false; this.isRunning && !sent; ) {
      // Connect if need be, send, and wait for the answer.
      try {
        await item.send(await this.brokerReady())
        sent = true
      } catch (e) {
        // Hang up and try again after a pause.
        if (!this.isRunning) return
        log.warn(`${this.name}: ${item.name} failed, trying again`, e)
        await this.#hangUp()
        await this.pause(RequestSendThread.RetryBackoffMs, this.#clock)
      }
    }
  }

  /** Makes sure there is a connection. @throws when the broker cannot be reached */
  async brokerReady(): Promise<ControllerClient> {
    if (this.#client !== undefined) return this.#client
    const client = this.#newClient()
    this.#client = client
    await client.ready()
    return client
  }

  override initiateShutdown(): boolean {
    const first = super.initiateShutdown()
    if (first) void this.#hangUp() // #hangUp catches everything
    return first
  }

  async #hangUp(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    try {
      await client?.close()
    } catch (e) {
      log.debug(`${this.name}: closing failed`, e)
    }
  }
}
