/**
 * # Processor
 *
 * Serves the connections of one listener that fell to it: reads requests, hands them to
 * the request channel, sends the responses. One loop, six steps, always in this order:
 *
 *     configureNewConnections   connections the acceptor brought
 *     processNewResponses       answers that handlers finished
 *     poll                      wait until something happens
 *     processCompletedReceives  frames become requests; their connection is muted
 *     processCompletedSends     a response has left; its connection is unmuted
 *     processDisconnected       connections that are gone
 *
 * Invariants: one request of a connection is in the broker at a time, so answers keep the
 * order of requests; what goes wrong on a connection closes that one only, and the
 * address it came from is counted down exactly once.
 *
 * @differs Kafka's loop is a thread that polls every 300 ms; this one is woken. Queues
 *   between threads became arrays. Nothing else runs between two of its awaits.
 * @kafka core/src/main/scala/kafka/network/SocketServer.scala#Processor
 * @module
 */
import { isAbortError } from '../base/async/abort.ts'
import { ByteReader } from '../base/bytes/ByteReader.ts'
import { logger } from '../base/logger.ts'
import type { Clock, Connection } from '../base/platform/Platform.ts'
import { RequestHeader } from '../protocol/RequestHeader.ts'
import { AbstractServerThread } from './AbstractServerThread.ts'
import type { ConnectionQuotas } from './ConnectionQuotas.ts'
import {
  ANONYMOUS,
  Request,
  type RequestChannel,
  type Response,
} from './RequestChannel.ts'
import { type CompletedReceive, Selector } from './Selector.ts'

/** What a processor needs. */
export interface ProcessorOptions {
  /** Unique in the broker. */
  readonly id: number
  readonly name: string
  readonly listenerName: string
  readonly securityProtocol: string
  readonly clock: Clock
  readonly requestChannel: RequestChannel
  readonly connectionQuotas: ConnectionQuotas
  readonly maxRequestSize: number
  readonly connectionsMaxIdleMs: number
}

/** One network loop of a listener. */
export class Processor extends AbstractServerThread {
  readonly id: number
  readonly #options: ProcessorOptions
  readonly #selector: Selector
  #newConnections: Connection[] = []
  #responseQueue: Response[] = []
  /** Responses on their way, by connection. */
  readonly #inflightResponses = new Map<string, Response>()
  #nextConnectionIndex = 0

  constructor(options: ProcessorOptions) {
    super(options.name)
    this.id = options.id
    this.#options = options
    this.#selector = new Selector({
      clock: options.clock,
      maxReceiveSize: options.maxRequestSize,
      connectionsMaxIdleMs: options.connectionsMaxIdleMs,
    })
  }

  /** Name of the listener whose connections it serves. */
  get listenerName(): string {
    return this.#options.listenerName
  }

  /** Connections that it took over, ever. */
  get connectionCreations(): number {
    return this.#selector.connectionCreations
  }

  /** Connections of those that are gone. */
  get connectionCloses(): number {
    return this.#selector.connectionCloses
  }

  /** Connections that it serves. */
  get connectionCount(): number {
    return this.#selector.channels().length
  }

  /** Takes over a connection; the loop registers it. */
  accept(connection: Connection): void {
    this.#newConnections.push(connection)
    this.wakeup()
  }

  wakeup(): void {
    this.#selector.wakeup()
  }

  /** Responses that it has not taken up. */
  get responseQueueSize(): number {
    return this.#responseQueue.length
  }

  /** Queues a response for one of its connections, and wakes the loop. */
  enqueueResponse(response: Response): void {
    this.#responseQueue.push(response)
    this.wakeup()
  }

  async run(): Promise<void> {
    this.startupComplete()
    while (this.isRunning) {
      try {
        this.configureNewConnections()
        this.processNewResponses()
        await this.poll()
        await this.processCompletedReceives()
        this.processCompletedSends()
        this.processDisconnected()
      } catch (error) {
        // Go on whatever it was: the other connections are not to blame.
        if (this.isRunning) this.processException('the loop caught an error', error)
      }
    }
    this.closeAll()
    this.shutdownComplete()
  }

  /** Registers the connections that the acceptor brought, and begins to read them. */
  configureNewConnections(): void {
    const connections = this.#newConnections
    this.#newConnections = []
    for (const connection of connections) {
      const id = this.connectionId(connection)
      try {
        this.#selector.register(id, connection)
      } catch (error) {
        this.processException(`registering ${id} failed`, error)
        this.#options.connectionQuotas.dec(connection.remoteAddress)
        connection.destroy()
      }
    }
  }

  /** Carries out what handlers decided: send, nothing, or close. */
  processNewResponses(): void {
    const responses = this.#responseQueue
    this.#responseQueue = []
    for (const response of responses) {
      const { request } = response
      const { connectionId } = request.context
      request.responseDequeueTimeMs = this.#options.clock.monotonic()
      try {
        if (response.kind === 'send') {
          this.sendResponse(response)
          continue
        }

        // A request without an answer is over; the next one of its connection may come.
        this.#options.requestChannel.updateRequestMetrics(request)
        if (response.kind === 'noop') this.#selector.unmute(connectionId)
        else this.close(connectionId)
      } catch (error) {
        this.processChannelException(connectionId, 'answering failed', error)
      }
    }
  }

  /** Starts to send a response; it is dropped when the connection is gone. */
  sendResponse(response: Response & { readonly kind: 'send' }): void {
    const { connectionId } = response.request.context
    if (this.#selector.openOrClosingChannel(connectionId) === undefined) {
      this.#options.requestChannel.updateRequestMetrics(response.request)
      return
    }
    const { clock } = this.#options
    const startMs = clock.monotonic()
    this.#inflightResponses.set(connectionId, response)
    this.#selector.send(connectionId, response.frame)
    response.request.networkThreadTimeMs += clock.monotonic() - startMs
  }

  /** Waits until something happens on a connection, or someone calls `wakeup`. */
  async poll(): Promise<void> {
    await this.#selector.poll()
  }

  /** Makes requests of the frames that came. Waits while the request queue is full. */
  async processCompletedReceives(): Promise<void> {
    for (const receive of this.#selector.completedReceives) {
      try {
        const request = this.parseRequest(receive)

        // Mute before the wait, so that nothing else of it is taken meanwhile.
        this.#selector.mute(receive.source)
        await this.#options.requestChannel.sendRequest(request, this.signal)
      } catch (error) {
        if (isAbortError(error) && !this.isRunning) return
        this.processChannelException(receive.source, 'no request', error)
      }
    }
  }

  /**
   * Reads header and body of a frame. Its peer may be gone: what it asked is done anyway.
   *
   * @throws SchemaException, InvalidRequestException when the bytes are no request
   */
  parseRequest(receive: CompletedReceive): Request {
    const { id, listenerName, securityProtocol, clock } = this.#options
    const startTimeMs = clock.monotonic()
    const reader = new ByteReader(receive.payload)
    const context = {
      header: RequestHeader.parse(reader),
      connectionId: receive.source,
      clientAddress: receive.remoteAddress,
      listenerName,
      securityProtocol,
      principal: ANONYMOUS,
    }
    const request = new Request({ processor: id, context, reader, startTimeMs })
    request.networkThreadTimeMs = clock.monotonic() - startTimeMs
    return request
  }

  /** Ends the requests whose responses have left; the next of the connection may come. */
  processCompletedSends(): void {
    for (const id of this.#selector.completedSends) {
      const response = this.#inflightResponses.get(id)
      this.#inflightResponses.delete(id)
      if (response !== undefined) {
        this.#options.requestChannel.updateRequestMetrics(response.request)
      }
      this.#selector.unmute(id)
    }
  }

  /** Forgets the connections that are gone. */
  processDisconnected(): void {
    for (const { id, remoteAddress } of this.#selector.disconnected) {
      this.#forgetResponse(id)
      this.#options.connectionQuotas.dec(remoteAddress)
    }
  }

  /** Closes a connection and forgets it. */
  close(connectionId: string): void {
    const channel = this.#selector.openOrClosingChannel(connectionId)
    if (channel === undefined) return
    this.#options.connectionQuotas.dec(channel.connection.remoteAddress)
    this.#selector.close(connectionId)
    this.#forgetResponse(connectionId)
  }

  /** Closes all connections, registered or not. */
  closeAll(): void {
    for (const connection of this.#newConnections) {
      this.#options.connectionQuotas.dec(connection.remoteAddress)
      connection.destroy()
    }
    this.#newConnections = []
    for (const channel of this.#selector.channels()) this.close(channel.id)
    this.#selector.closeAll()
  }

  /** Names a connection so that no later one of this processor has the same name. */
  connectionId(connection: Connection): string {
    const { localAddress, localPort, remoteAddress, remotePort } = connection
    const index = this.#nextConnectionIndex
    this.#nextConnectionIndex = (index + 1) & 0x7fffffff
    return `${localAddress}:${localPort}-${remoteAddress}:${remotePort}-${index}`
  }

  /** Closes the connection on which something went wrong, and says why. */
  processChannelException(connectionId: string, message: string, error: unknown): void {
    this.close(connectionId)
    this.processException(`${message} on ${connectionId}, it is closed`, error)
  }

  /** Writes an error down. */
  processException(message: string, error: unknown): void {
    logger(this.name).warn(message, error)
  }

  #forgetResponse(connectionId: string): void {
    const response = this.#inflightResponses.get(connectionId)
    if (response === undefined) return
    this.#inflightResponses.delete(connectionId)
    this.#options.requestChannel.updateRequestMetrics(response.request)
  }
}
