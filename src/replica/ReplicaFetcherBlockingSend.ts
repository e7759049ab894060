/**
 * # ReplicaFetcherBlockingSend
 *
 * A fetcher's one connection to its leader: a request, then its answer. A failure closes
 * the connection; the next request opens another.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaFetcherBlockingSend.scala
 * @module
 */
import { ClosedChannelException } from '../base/errors.ts'
import type { Platform } from '../base/platform/Platform.ts'
import { NetworkClient } from '../network/NetworkClient.ts'
import type { AnyApi, RequestInputOf, ResponseOf } from '../protocol/Api.ts'
import type { BrokerEndPoint } from '../zk/Broker.ts'

/** What a fetcher needs of its connection. */
export interface BlockingSend {
  /** Sends a request and waits for its answer. @throws when the connection fails. */
  sendRequest<A extends AnyApi>(
    api: A,
    version: number,
    body: RequestInputOf<A>,
  ): Promise<ResponseOf<A>>
  /** Ends the connection for good; a request under way rejects. */
  close(): void
}

/** What a connection is made from. */
export interface ReplicaFetcherBlockingSendOptions {
  readonly sourceBroker: BrokerEndPoint
  readonly clientId: string
  /** How long an answer may take, in ms. */
  readonly socketTimeoutMs: number
  readonly platform: Platform
}

/**
 * Sends a fetcher's requests, one at a time.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaFetcherBlockingSend.scala#ReplicaFetcherBlockingSend
 */
export class ReplicaFetcherBlockingSend implements BlockingSend {
  readonly #options: ReplicaFetcherBlockingSendOptions
  #client: NetworkClient | undefined
  #closed = false

  /** Nothing is connected yet. */
  constructor(options: ReplicaFetcherBlockingSendOptions) {
    this.#options = options
  }

  /** Sends a request, connecting first if need be. */
  async sendRequest<A extends AnyApi>(
    api: A,
    version: number,
    body: RequestInputOf<A>,
  ): Promise<ResponseOf<A>> {
    if (this.#closed) throw new ClosedChannelException('the fetcher is shutting down')
    this.#client ??= this.#connect()
    const client = this.#client
    try {
      await client.ready()
      return await client.sendAndReceive(api, version, body)
    } catch (error) {
      // Begin anew next time: what comes later on this connection could be the answer to
      // this request.
      client.close()
      if (this.#client === client) this.#client = undefined
      throw error
    }
  }

  /** Ends the connection; a request that waits rejects. */
  close(): void {
    this.#closed = true
    this.#client?.close()
    this.#client = undefined
  }

  #connect(): NetworkClient {
    const { sourceBroker, clientId, socketTimeoutMs, platform } = this.#options
    return new NetworkClient({
      host: sourceBroker.host,
      port: sourceBroker.port,
      clientId,
      requestTimeoutMs: socketTimeoutMs,
      network: platform.network,
      clock: platform.clock,
    })
  }
}
