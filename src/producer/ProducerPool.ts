/**
 * # ProducerPool
 *
 * A {@link SyncProducer} for each broker that leads something, by broker id.
 *
 * Each refresh of the metadata replaces the producers of all leaders it names, even of
 * those whose address did not change: live connections are dropped, new ones are made
 * when they are needed. That is Kafka's way, and kept.
 *
 * @kafka core/src/main/scala/kafka/producer/ProducerPool.scala#ProducerPool
 * @module
 */

import { UnavailableProducerException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { BrokerEndPoint } from '../zk/Broker.ts'
import type { ProducerConfig } from './ProducerConfig.ts'
import { type ProducerPlatform, SyncProducer } from './SyncProducer.ts'
import { SyncProducerConfig } from './SyncProducerConfig.ts'
import type { TopicMetadata } from './TopicMetadata.ts'

const log = logger('ProducerPool')

/** The lines of one producer to the brokers. */
export class ProducerPool {
  readonly #config: ProducerConfig
  readonly #platform: ProducerPlatform

  /** Kafka's lock is gone: the map changes between awaits only. */
  readonly #syncProducers = new Map<number, SyncProducer>()

  constructor(config: ProducerConfig, platform: ProducerPlatform) {
    this.#config = config
    this.#platform = platform
  }

  /**
   * Makes a producer for one broker, with the settings of `config`.
   *
   * @kafka core/src/main/scala/kafka/producer/ProducerPool.scala#createSyncProducer
   */
  static createSyncProducer(
    config: ProducerConfig,
    broker: BrokerEndPoint,
    platform: ProducerPlatform,
  ): SyncProducer {
    const { host, port } = broker
    const props = { ...config.props, host, port: String(port) }
    return new SyncProducer(new SyncProducerConfig(props), platform)
  }

  /**
   * Puts a new producer in place of each leader's.
   *
   * @param topicMetadata - fresh from a broker
   * @returns when the old ones are closed, after the exchanges they had under way
   * @kafka core/src/main/scala/kafka/producer/ProducerPool.scala#updateProducer
   */
  async updateProducer(topicMetadata: readonly TopicMetadata[]): Promise<void> {
    // Collect each leader once.
    const leaders = new Map<number, BrokerEndPoint>()
    for (const { partitionsMetadata } of topicMetadata)
      for (const { leader } of partitionsMetadata)
        if (leader !== undefined) leaders.set(leader.id, leader)

    // Swap them all at once, then close the old ones.
    const old: SyncProducer[] = []
    for (const [id, leader] of leaders) {
      const replaced = this.#syncProducers.get(id)
      if (replaced !== undefined) old.push(replaced)
      const fresh = ProducerPool.createSyncProducer(
        this.#config,
        leader,
        this.#platform,
      )
      this.#syncProducers.set(id, fresh)
    }
    await Promise.all(old.map((producer) => producer.close()))
  }

  /**
   * The producer of a broker.
   *
   * @throws UnavailableProducerException when no metadata named that broker as a leader
   * @kafka core/src/main/scala/kafka/producer/ProducerPool.scala#getProducer
   */
  getProducer(brokerId: number): SyncProducer {
    const producer = this.#syncProducers.get(brokerId)
    if (producer === undefined)
      throw new UnavailableProducerException(`no producer for broker ${brokerId}`)
    return producer
  }

  /**
   * Closes all lines.
   *
   * @kafka core/src/main/scala/kafka/producer/ProducerPool.scala#close
   */
  async close(): Promise<void> {
    log.info('closing all producers')
    await Promise.all([...this.#syncProducers.values()].map((p) => p.close()))
  }
}
