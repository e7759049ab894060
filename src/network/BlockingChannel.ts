/**
 * # BlockingChannel
 *
 * The plainest way to talk to a broker: one connection, one request, then its response.
 * The old clients use it. Responses are not matched by correlation id; the order in which
 * a broker answers is trusted.
 *
 *     connect ─▶ send ─▶ receive ─▶ send ─▶ receive … ─▶ disconnect
 *
 * `connect` swallows its failure: the caller learns of it at the next `send`, which
 * throws ClosedChannelException. After a failed `receive` the next response may belong to
 * an earlier request, so callers disconnect then.
 *
 * @differs A blocked thread became a promise. The lock around connect and disconnect is
 *   gone; those who share a channel take turns by their own mutex, as in Kafka.
 * @kafka core/src/main/scala/kafka/network/BlockingChannel.scala#BlockingChannel
 * @module
 */
import { AsyncQueue } from '../base/async/AsyncQueue.ts'
import { ClosedChannelException, IOException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Clock, Network } from '../base/platform/Platform.ts'
import type { Api } from '../protocol/Api.ts'
import { encodeRequest } from '../protocol/framing.ts'
import { FramedConnection } from './framed-connection.ts'
import { NetworkReceive } from './NetworkReceive.ts'

export { NetworkReceive } from './NetworkReceive.ts'

/** What a channel needs. */
export interface BlockingChannelOptions {
  readonly host: string
  readonly port: number
  /** How long `receive` waits, in ms. */
  readonly readTimeoutMs: number
  /** How long `connect` tries, in ms; the read timeout when left out, as in Kafka. */
  readonly connectTimeoutMs?: number
  readonly network: Network
  readonly clock: Clock
  /** Sent in each header unless the request names another. */
  readonly clientId?: string
}

/** What the header of one request says. */
export interface SendOptions {
  /** Counted up from 0 when left out. */
  readonly correlationId?: number
  readonly clientId?: string | null
}

/** What waits to be received: a frame, or the end. */
type Arrival = Buffer | IOException

const log = logger('BlockingChannel')

/** A connection on which requests and responses take turns. */
export class BlockingChannel {
  readonly host: string
  readonly port: number
  readonly #options: BlockingChannelOptions
  #connection: FramedConnection | undefined
  #arrivals = new AsyncQueue<Arrival>()
  #nextCorrelationId = 0

  constructor(options: BlockingChannelOptions) {
    this.host = options.host
    this.port = options.port
    this.#options = options
  }

  get isConnected(): boolean {
    return this.#connection?.isOpen === true
  }

  /** Connects unless it is connected. Never throws; look at `isConnected`. */
  async connect(): Promise<void> {
    if (this.isConnected) return
    const { network, host, port, readTimeoutMs, connectTimeoutMs } = this.#options
    const arrivals = new AsyncQueue<Arrival>()
    try {
      this.#connection = await FramedConnection.connect({
        network,
        host,
        port,
        connectTimeoutMs: connectTimeoutMs ?? readTimeoutMs,
        onFrame: (payload) => arrivals.offer(payload),
        onClose: (error) => arrivals.offer(error),
      })
      this.#arrivals = arrivals
    } catch (error) {
      // Let the next send say it: that is where callers handle it.
      log.debug(`connect to ${host}:${port} failed`, error)
      this.disconnect()
    }
  }

  /** Drops the connection, if there is one; `connect` makes a new one. */
  disconnect(): void {
    this.#connection?.close()
    this.#connection = undefined
  }

  /**
   * Sends a request.
   *
   * @returns the size of its frame in bytes, once the host has taken it
   * @throws ClosedChannelException (rejects) when not connected
   * @throws IOException (rejects) when sending fails
   */
  async send<Req, Res, ReqIn, ResIn>(
    api: Api<Req, Res, ReqIn, ResIn>,
    version: number,
    body: ReqIn,
    header: SendOptions = {},
  ): Promise<number> {
    const connection = this.#connection
    if (!connection?.isOpen) throw new ClosedChannelException()
    const correlationId = header.correlationId ?? this.#nextCorrelationId++
    const clientId = header.clientId ?? this.#options.clientId ?? ''
    const frame = encodeRequest(api, version, correlationId, clientId, body)
    await connection.send(frame)
    return frame.length
  }

  /**
   * Waits for the next response.
   *
   * @throws ClosedChannelException (rejects) when not connected
   * @throws IOException (rejects) when the connection ends, or nothing came in time
   */
  async receive(): Promise<NetworkReceive> {
    const { clock, readTimeoutMs, host, port } = this.#options
    if (this.#connection === undefined) throw new ClosedChannelException()
    const arrival = await this.#arrivals.poll(readTimeoutMs, clock)
    if (arrival === undefined) {
      throw new IOException(`${host}:${port} did not answer in ${readTimeoutMs} ms`)
    }
    if (Buffer.isBuffer(arrival)) return new NetworkReceive(arrival)

    // Leave the end where the next receive finds it, too.
    this.#arrivals.offer(arrival)
    throw arrival
  }
}
