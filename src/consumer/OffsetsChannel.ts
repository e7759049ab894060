/**
 * # OffsetsChannel
 *
 * The connection to the broker that keeps the offsets of this group. Used only with
 * `offsets.storage` = `kafka`; made when it is needed, dropped when the coordinator moves.
 *
 * `offsetsChannelLock` is a mutex as in Kafka: connecting, sending and receiving are one
 * stretch that awaits.
 *
 * @kafka core/src/main/scala/kafka/consumer/ZookeeperConsumerConnector.scala#ZookeeperConsumerConnector.offsetsChannel
 * @module
 */
import { Mutex } from '../base/async/Mutex.ts'
import { IllegalStateException } from '../base/errors.ts'
import type { Platform } from '../base/platform/Platform.ts'
import type { BlockingChannel } from '../network/BlockingChannel.ts'
import { ClientUtils } from '../producer/ClientUtils.ts'
import type { Api } from '../protocol/Api.ts'
import type { ZkUtils } from '../zk/ZkUtils.ts'
import type { ConsumerConfig } from './ConsumerConfig.ts'
import { unlessAborted } from './unless-aborted.ts'

/** What an OffsetsChannel is made of. */
export interface OffsetsChannelOptions {
  readonly config: ConsumerConfig
  readonly zkUtils: ZkUtils
  readonly platform: Platform
}

/** A connection to the group's coordinator. */
export class OffsetsChannel {
  readonly offsetsChannelLock = new Mutex()
  readonly #options: OffsetsChannelOptions
  #channel: BlockingChannel | undefined

  constructor(options: OffsetsChannelOptions) {
    this.#options = options
  }

  /**
   * Looks the coordinator up and connects; waits until there is one. The caller holds the
   * lock.
   *
   * @param signal gives up. Kafka never does: its consumer hangs, its shutdown too.
   * @throws AbortError when the signal fires.
   */
  async ensureOffsetManagerConnected(signal: AbortSignal): Promise<void> {
    if (this.#channel?.isConnected) return
    const { config, zkUtils, platform } = this.#options
    const { groupId } = config
    const looking = ClientUtils.channelToOffsetManager(groupId, zkUtils, platform, {
      socketTimeoutMs: config.offsetsChannelSocketTimeoutMs,
      retryBackOffMs: config.offsetsChannelBackoffMs,
      signal,
    })
    try {
      this.#channel = await unlessAborted(looking, signal)
    } catch (error) {
      // Drop a connection that comes too late.
      looking.then(
        (channel) => channel.disconnect(),
        () => undefined,
      )
      throw error
    }
  }

  /** Sends one request and waits for its answer. The caller holds the lock. */
  async exchange<Req, Res, ReqIn, ResIn>(
    api: Api<Req, Res, ReqIn, ResIn>,
    version: number,
    body: ReqIn,
  ): Promise<Res> {
    const channel = this.#channel
    if (!channel)
      throw new IllegalStateException('the offsets channel is not connected')
    await channel.send(api, version, body)
    const response = await channel.receive()
    return response.decode(api, version)
  }

  /** Drops the connection; the next use looks the coordinator up again. */
  disconnect(): void {
    this.#channel?.disconnect()
    this.#channel = undefined
  }
}
