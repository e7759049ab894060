/**
 * # SimpleConsumer
 *
 * Asks one broker for messages of the partitions it is told. No group, no offsets, no
 * failover: who uses it says where to begin and what to do when the leader moves.
 *
 *     fetch(request) ─▶ sendRequest ─▶ BlockingChannel.send ─▶ … ─▶ receive
 *                           └─ lost connection: reconnect, once more
 *
 * One request is in flight at a time. Kafka's monitor around send and receive is an async
 * mutex here, for the next caller may come while the answer is awaited.
 *
 * @kafka core/src/main/scala/kafka/consumer/SimpleConsumer.scala#SimpleConsumer
 * @module
 */
import { Mutex } from '../base/async/Mutex.ts'
import { ClosedChannelException, Errors, KafkaException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Clock, Network } from '../base/platform/Platform.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { BlockingChannel } from '../network/BlockingChannel.ts'
import type { Api } from '../protocol/Api.ts'
import { ApiKeys } from '../protocol/ApiKeys.ts'
import { FetchRequest, FetchResponse } from './FetchRequest.ts'
import { unlessAborted } from './unless-aborted.ts'

const log = logger('SimpleConsumer')

/** What a SimpleConsumer is made of. */
export interface SimpleConsumerOptions {
  readonly host: string
  readonly port: number
  /** Wait for a connection and for an answer, in milliseconds. */
  readonly soTimeout: number
  readonly clientId: string
  readonly network: Network
  readonly clock: Clock
}

/** The largest and the smallest offset that a partition has, as times to ask for. */
export const OffsetRequest = { LatestTime: -1, EarliestTime: -2 } as const

/** A connection to one broker that fetches. */
export class SimpleConsumer {
  readonly host: string
  readonly port: number
  readonly clientId: string
  readonly #blockingChannel: BlockingChannel
  /** Stands for the monitor that Kafka holds over send and receive. */
  readonly #lock = new Mutex()
  readonly #closed = new AbortController()

  constructor(options: SimpleConsumerOptions) {
    const { host, port, soTimeout, clientId, network, clock } = options
    this.host = host
    this.port = port
    this.clientId = clientId
    this.#blockingChannel = new BlockingChannel({
      ...{ host, port, network, clock, clientId },
      ...{ readTimeoutMs: soTimeout, connectTimeoutMs: soTimeout },
    })
  }

  /**
   * Fetches messages.
   *
   * @throws when the broker cannot be reached, also at the second try.
   */
  async fetch(request: FetchRequest): Promise<FetchResponse> {
    const version = FetchRequest.CurrentVersion
    const body = await this.sendRequest(ApiKeys.FETCH, version, request.toBody())
    return FetchResponse.fromBody(body)
  }

  /**
   * Finds the earliest or the latest offset of a partition.
   *
   * @param earliestOrLatest a time of {@link OffsetRequest}.
   * @throws the exception of the partition's error.
   */
  async earliestOrLatestOffset(
    topicPartition: TopicPartition,
    earliestOrLatest: number,
  ): Promise<number> {
    const [offset] = await this.getOffsetsBefore(topicPartition, earliestOrLatest, 1)
    if (offset === undefined) {
      throw new KafkaException(`no offset is known for ${topicPartition}`)
    }
    return offset
  }

  /**
   * Lists offsets at which segments begin, the newest first, before a time.
   *
   * @param time milliseconds, or a time of {@link OffsetRequest}.
   * @throws the exception of the partition's error.
   */
  async getOffsetsBefore(
    { topic, partition }: TopicPartition,
    time: number,
    maxNumOffsets: number,
  ): Promise<readonly number[]> {
    const partitions = [{ partition, timestamp: time, maxNumOffsets }]
    const body = { replicaId: -1, topics: [{ name: topic, partitions }] }
    const response = await this.sendRequest(ApiKeys.LIST_OFFSETS, 0, body)
    const answer = response.topics[0]?.partitions[0]
    if (!answer) {
      throw new KafkaException(
        `the answer does not have ${new TopicPartition(topic, partition)}`,
      )
    }
    const error = Errors.forCode(answer.errorCode)
    if (error !== Errors.NONE) throw error.exception()
    return answer.oldStyleOffsets
  }

  /** Sends one request and waits for its answer; once more after a lost connection. */
  async sendRequest<Req, Res, ReqIn, ResIn>(
    api: Api<Req, Res, ReqIn, ResIn>,
    version: number,
    body: ReqIn,
  ): Promise<Res> {
    return this.#lock.runExclusive(async () => {
      try {
        await this.getOrMakeConnection()
        return await this.#exchange(api, version, body)
      } catch (error) {
        if (this.#closed.signal.aborted) throw error

        // Reconnect and try once more; a second failure is the caller's to see.
        log.info(`reconnecting to ${this.host}:${this.port} after a failure`, error)
        try {
          await this.reconnect()
          return await this.#exchange(api, version, body)
        } catch (second) {
          this.disconnect()
          throw second
        }
      }
    })
  }

  /** Connects unless it is connected. @throws ClosedChannelException once closed */
  async getOrMakeConnection(): Promise<void> {
    if (!this.#blockingChannel.isConnected) await this.#connect()
  }

  /** Makes a new connection in place of the old one. */
  async reconnect(): Promise<void> {
    this.disconnect()
    await this.#connect()
  }

  async #connect(): Promise<void> {
    const { signal } = this.#closed
    if (signal.aborted) throw new ClosedChannelException('the consumer is closed')

    // Drop a connection that comes about after `close`.
    const connecting = this.#blockingChannel.connect().then(() => {
      if (signal.aborted) this.disconnect()
    })
    await unlessAborted(connecting, signal)
  }

  /** Drops the connection; the next request makes a new one. Unblocks a waiting request. */
  disconnect(): void {
    this.#blockingChannel.disconnect()
  }

  /**
   * Ends the consumer for good. A request that waits fails at once, also one that waits
   * for its connection.
   *
   * @differs In 1.1.1 connecting marks the consumer as closed, so only the retry path ever
   *   reconnects, also after `close`. Here closed means closed.
   */
  close(): void {
    this.#closed.abort()
    this.disconnect()
  }

  async #exchange<Req, Res, ReqIn, ResIn>(
    api: Api<Req, Res, ReqIn, ResIn>,
    version: number,
    body: ReqIn,
  ): Promise<Res> {
    await this.#blockingChannel.send(api, version, body)
    const response = await this.#blockingChannel.receive()
    return response.decode(api, version)
  }
}
