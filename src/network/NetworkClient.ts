/**
 * # NetworkClient
 *
 * One broker's line to another: connects when first needed, sends requests without
 * waiting for earlier answers, and checks that each answer belongs to the oldest request
 * that lacks one. Replica fetchers and the controller use it.
 *
 *     sendAndReceive ─▶ [ in flight: 7, 8, 9 ] ─▶ response 7 ─▶ its caller
 *
 * Invariant: a connection that lost its place (a wrong id, a broken frame, a request
 * without an answer in time) is dropped, and all who wait on it are told.
 *
 * @differs Kafka's serves many nodes with one selector and is polled; this one serves one
 *   node and is told. No ApiVersions exchange: between brokers of one version it tells
 *   nothing, and Kafka 1.1.1 leaves it out there, too.
 * @kafka clients/src/main/java/org/apache/kafka/clients/NetworkClient.java#NetworkClient
 * @module
 */
import { AbortError, onAbort, throwIfAborted } from '../base/async/abort.ts'
import { Deferred } from '../base/async/Deferred.ts'
import { ClosedChannelException, IOException } from '../base/errors.ts'
import type { Clock, Network, TimerHandle } from '../base/platform/Platform.ts'
import type { Api } from '../protocol/Api.ts'
import { encodeRequest } from '../protocol/framing.ts'
import { FramedConnection } from './framed-connection.ts'
import { NetworkReceive } from './NetworkReceive.ts'

/** What a client needs. */
export interface NetworkClientOptions {
  readonly host: string
  readonly port: number
  readonly clientId: string
  /** How long to wait for each response, in ms. */
  readonly requestTimeoutMs: number
  /** How long to try to connect, in ms; the request timeout when left out. */
  readonly connectTimeoutMs?: number
  readonly network: Network
  readonly clock: Clock
}

/** A request that waits for its response. */
interface InFlightRequest {
  readonly correlationId: number
  readonly response: Deferred<NetworkReceive>
  readonly timer: TimerHandle
}

/** A line to one broker. */
export class NetworkClient {
  readonly #options: NetworkClientOptions
  #connection: FramedConnection | undefined
  #connecting: Promise<FramedConnection> | undefined
  #inFlight: InFlightRequest[] = []
  #nextCorrelationId = 0
  #closed = false

  constructor(options: NetworkClientOptions) {
    this.#options = options
  }

  /** As in the header of its requests; a broker's own says which broker it is. */
  get clientId(): string {
    return this.#options.clientId
  }

  get isConnected(): boolean {
    return this.#connection?.isOpen === true
  }

  /** Requests without an answer so far. */
  get inFlightRequestCount(): number {
    return this.#inFlight.length
  }

  /**
   * Connects unless it is connected; those who ask meanwhile share the attempt.
   *
   * @throws IOException (rejects) when that fails
   * @throws ClosedChannelException (rejects) after `close`
   */
  async ready(): Promise<void> {
    await this.#readyConnection()
  }

  /**
   * Sends a request and waits for its response.
   *
   * @param signal - stops the waiting; a response that comes later is dropped
   * @throws IOException (rejects) when the connection ends or nothing came in time; what
   *   became of the request is then unknown
   */
  async sendAndReceive<Req, Res, ReqIn, ResIn>(
    api: Api<Req, Res, ReqIn, ResIn>,
    version: number,
    body: ReqIn,
    signal?: AbortSignal,
  ): Promise<Res> {
    throwIfAborted(signal)
    const connection = await this.#readyConnection()
    throwIfAborted(signal)

    // It may have ended since: nobody would tell who takes a place in line now.
    if (!connection.isOpen) {
      const { host, port } = this.#options
      throw new IOException(`the connection to ${host}:${port} was closed`)
    }
    const correlationId = this.#nextCorrelationId
    this.#nextCorrelationId = (correlationId + 1) & 0x7fffffff
    const { clientId } = this.#options
    const frame = encodeRequest(api, version, correlationId, clientId, body)

    // Take a place in line before the bytes leave.
    const response = this.#await(correlationId, connection)
    const forgetSignal =
      signal && onAbort(signal, () => response.reject(new AbortError()))
    connection.send(frame).catch((error) => connection.close(error))
    try {
      const receive = await response.promise
      return receive.decode(api, version)
    } finally {
      forgetSignal?.()
    }
  }

  /**
   * Sends a request that is never answered: a produce with acks 0.
   *
   * @returns when it was handed to the kernel
   * @throws IOException (rejects) when there is no connection
   */
  async sendOneWay<Req, Res, ReqIn, ResIn>(
    api: Api<Req, Res, ReqIn, ResIn>,
    version: number,
    body: ReqIn,
  ): Promise<void> {
    const connection = await this.#readyConnection()
    const correlationId = this.#nextCorrelationId
    this.#nextCorrelationId = (correlationId + 1) & 0x7fffffff
    const { clientId } = this.#options
    await connection.send(encodeRequest(api, version, correlationId, clientId, body))
  }

  /** Drops the connection; whoever waits is told. The next request makes a new one. */
  disconnect(): void {
    this.#connection?.close()
  }

  /** Drops the connection for good. */
  close(): void {
    this.#closed = true
    this.disconnect()
  }

  async #readyConnection(): Promise<FramedConnection> {
    if (this.#closed) throw new ClosedChannelException()
    if (this.#connection?.isOpen) return this.#connection
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  async #connect(): Promise<FramedConnection> {
    const { network, host, port, requestTimeoutMs, connectTimeoutMs } = this.#options
    const connection = await FramedConnection.connect({
      network,
      host,
      port,
      connectTimeoutMs: connectTimeoutMs ?? requestTimeoutMs,
      onFrame: (payload) => this.handleCompletedReceive(payload),
      onClose: (error) => this.handleDisconnection(error),
    })
    if (this.#closed) {
      connection.close()
      throw new ClosedChannelException()
    }
    this.#connection = connection
    return connection
  }

  #await(
    correlationId: number,
    connection: FramedConnection,
  ): Deferred<NetworkReceive> {
    const { clock, requestTimeoutMs, host, port } = this.#options
    const response = new Deferred<NetworkReceive>()
    const timer = clock.setTimeout(() => {
      const what = `${host}:${port} did not answer in ${requestTimeoutMs} ms`
      connection.close(new IOException(what))
    }, requestTimeoutMs)
    this.#inFlight.push({ correlationId, response, timer })
    return response
  }

  /** Gives a response to the oldest request. @throws IOException when it is not its own */
  handleCompletedReceive(payload: Buffer): void {
    const receive = new NetworkReceive(payload)
    const oldest = this.#inFlight.shift()
    if (oldest === undefined) throw new IOException('a response to no request')
    this.#options.clock.clearTimeout(oldest.timer)
    if (oldest.correlationId === receive.correlationId) {
      oldest.response.resolve(receive)
      return
    }

    // Tell this caller as well as those behind it.
    const error = new IOException(
      `response ${receive.correlationId} came where ${oldest.correlationId} was due`,
    )
    oldest.response.reject(error)
    throw error
  }

  /** Tells all who wait that their answer will not come. */
  handleDisconnection(error: IOException): void {
    this.#connection = undefined
    const lost = this.#inFlight
    this.#inFlight = []
    for (const { response, timer } of lost) {
      this.#options.clock.clearTimeout(timer)
      response.reject(error)
    }
  }
}
