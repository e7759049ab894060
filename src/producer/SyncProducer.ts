/**
 * # SyncProducer
 *
 * A line to one broker on which one request is out at a time. It knows nothing of
 * topics or leaders; whoever uses it (the event handler, a metadata look-up) decides
 * whom to ask and whether to ask again.
 *
 *     send ─▶ doSend ─▶ getOrMakeConnection ─▶ BlockingChannel.send ─▶ receive
 *                            └ connect, only here           └ not when acks = 0
 *
 * When it connects: before a request, if it is not connected and was not closed. Never
 * in the middle of an exchange. An input or output error drops the connection, and the
 * next request makes a new one; what became of the failed request is not known, so
 * nothing is repeated here.
 *
 * Invariant: requests and responses alternate on the wire, so that a response needs no
 * matching with its request. The `lock` that sees to it spans awaits, so it stayed one.
 *
 * @kafka core/src/main/scala/kafka/producer/SyncProducer.scala#SyncProducer
 * @module
 */

import { Mutex } from '../base/async/Mutex.ts'
import { logger } from '../base/logger.ts'
import type { Platform } from '../base/platform/Platform.ts'
import { BlockingChannel } from '../network/BlockingChannel.ts'
import type { NetworkReceive } from '../network/NetworkReceive.ts'
import type { AnyApi } from '../protocol/Api.ts'
import { isIOException } from './is-io-exception.ts'
import { type ProducerRequest, ProducerResponse } from './ProducerRequest.ts'
import type { SyncProducerConfig } from './SyncProducerConfig.ts'
import { TopicMetadataRequest, TopicMetadataResponse } from './TopicMetadataRequest.ts'

const log = logger('SyncProducer')

/** What a producer needs of the world. */
export type ProducerPlatform = Pick<Platform, 'clock' | 'network' | 'random'>

/** Sends requests to one broker, one after the other. */
export class SyncProducer {
  /** Address and settings. */
  readonly config: SyncProducerConfig

  readonly #blockingChannel: BlockingChannel

  /** Kafka's `lock`: held for a whole exchange. */
  readonly #lock = new Mutex()

  /** False at the start, true for good once closed. */
  #shutdown = false

  constructor(config: SyncProducerConfig, platform: ProducerPlatform) {
    this.config = config
    this.#blockingChannel = new BlockingChannel({
      host: config.host,
      port: config.port,
      readTimeoutMs: config.requestTimeoutMs,
      connectTimeoutMs: config.requestTimeoutMs,
      network: platform.network,
      clock: platform.clock,
    })
  }

  /**
   * Appends messages, or asks for topics.
   *
   * @param request - its acks decide whether an answer is awaited
   * @returns the answer; `null` for messages sent with acks 0, which are not answered
   * @throws ClosedChannelException (rejects) when closed or not connectable
   * @throws IOException (rejects) and others of the network: the connection is dropped,
   *   and nobody knows whether the broker has acted
   * @kafka core/src/main/scala/kafka/producer/SyncProducer.scala#send
   */
  send(request: TopicMetadataRequest): Promise<TopicMetadataResponse>
  send(request: ProducerRequest): Promise<ProducerResponse | null>
  async send(
    request: TopicMetadataRequest | ProducerRequest,
  ): Promise<TopicMetadataResponse | ProducerResponse | null> {
    // Ask for topics, and read on.
    if (request instanceof TopicMetadataRequest) {
      const response = (await this.doSend(request))!
      const decoded = response.decode(request.api, request.versionId)
      return TopicMetadataResponse.readFrom(decoded)
    }

    // Append messages; read on only if there will be an answer.
    const response = await this.doSend(request, request.requiredAcks !== 0)
    if (response === null) return null
    return ProducerResponse.readFrom(response.decode(request.api, request.versionId))
  }

  /**
   * Closes the line for good, after the exchange under way.
   *
   * @kafka core/src/main/scala/kafka/producer/SyncProducer.scala#close
   */
  async close(): Promise<void> {
    await this.#lock.runExclusive(async () => {
      this.disconnect()
      this.#shutdown = true
    })
  }

  /**
   * Closes the line for good, now: the exchange under way fails.
   *
   * @differs Kafka has no such method; its threads are interrupted
   */
  abort(): void {
    this.#shutdown = true
    this.disconnect()
  }

  /**
   * Runs one exchange while nobody else can.
   *
   * @param readResponse - whether to wait for the answer
   * @returns the answer's bytes; `null` when none was awaited
   * @kafka core/src/main/scala/kafka/producer/SyncProducer.scala#doSend
   */
  async doSend(
    request: TopicMetadataRequest | ProducerRequest,
    readResponse = true,
  ): Promise<NetworkReceive | null> {
    return await this.#lock.runExclusive(async () => {
      this.verifyRequest(request)
      await this.getOrMakeConnection()

      // Hang up on a connection that came about after the line was closed.
      if (this.#shutdown) this.disconnect()
      try {
        // Hand over the request, then wait if an answer will come.
        const { versionId, correlationId, clientId } = request
        const api: AnyApi = request.api
        const names = { correlationId, clientId }
        await this.#blockingChannel.send(api, versionId, request.body(), names)
        return readResponse ? await this.#blockingChannel.receive() : null
      } catch (e) {
        // Drop a connection that failed: what is on it belongs to nobody now.
        if (isIOException(e)) this.disconnect()
        throw e
      }
    })
  }

  /**
   * Writes a line about each request at debug level.
   *
   * @kafka core/src/main/scala/kafka/producer/SyncProducer.scala#verifyRequest
   */
  verifyRequest(request: TopicMetadataRequest | ProducerRequest): void {
    const { host, port } = this.config
    const { api, versionId, correlationId } = request
    log.debug(`${api.name} v${versionId} ${correlationId} to ${host}:${port}`)
  }

  /**
   * Connects if there is no connection.
   *
   * @kafka core/src/main/scala/kafka/producer/SyncProducer.scala#getOrMakeConnection
   */
  async getOrMakeConnection(): Promise<void> {
    if (!this.#blockingChannel.isConnected) await this.connect()
  }

  /**
   * Connects, unless closed. A failure shows at the next send, not here.
   *
   * @kafka core/src/main/scala/kafka/producer/SyncProducer.scala#connect
   */
  async connect(): Promise<void> {
    if (this.#blockingChannel.isConnected || this.#shutdown) return
    await this.#blockingChannel.connect()
  }

  /**
   * Drops the connection, if there is one.
   *
   * @kafka core/src/main/scala/kafka/producer/SyncProducer.scala#disconnect
   */
  disconnect(): void {
    this.#blockingChannel.disconnect()
  }
}
