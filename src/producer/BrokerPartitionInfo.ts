/**
 * # BrokerPartitionInfo
 *
 * What the old producer remembers of topics: for each its partitions and their leaders,
 * as the last metadata said. It grows stale by design; a failed send has it renewed.
 *
 * @kafka core/src/main/scala/kafka/producer/BrokerPartitionInfo.scala#BrokerPartitionInfo
 * @module
 */

import { Errors, KafkaException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { BrokerEndPoint } from '../zk/Broker.ts'
import { ClientUtils } from './ClientUtils.ts'
import type { ProducerConfig } from './ProducerConfig.ts'
import type { ProducerPool } from './ProducerPool.ts'
import type { ProducerPlatform } from './SyncProducer.ts'
import type { TopicMetadata } from './TopicMetadata.ts'

const log = logger('BrokerPartitionInfo')

/**
 * A partition, and who leads it if anybody does.
 *
 * @kafka core/src/main/scala/kafka/producer/BrokerPartitionInfo.scala#PartitionAndLeader
 */
export interface PartitionAndLeader {
  readonly topic: string
  readonly partitionId: number
  readonly leaderBrokerIdOpt: number | undefined
}

/** Remembers topics, and asks when it does not know one. */
export class BrokerPartitionInfo {
  readonly #producerConfig: ProducerConfig
  readonly #producerPool: ProducerPool
  readonly #platform: ProducerPlatform
  readonly #brokers: readonly BrokerEndPoint[]

  /** Topics that were answered without an error. */
  readonly #topicPartitionInfo = new Map<string, TopicMetadata>()

  /** @throws ConfigException when the broker list cannot be read */
  constructor(
    producerConfig: ProducerConfig,
    producerPool: ProducerPool,
    platform: ProducerPlatform,
  ) {
    this.#producerConfig = producerConfig
    this.#producerPool = producerPool
    this.#platform = platform
    this.#brokers = ClientUtils.parseBrokerList(producerConfig.brokerList)
  }

  /**
   * The partitions of a topic, asked for if they are not known.
   *
   * @param topic - name
   * @param correlationId - number of the question, if there is one
   * @returns by ascending partition, those without a leader included
   * @throws KafkaException (rejects) when no broker knows the topic, or it has no
   *   partitions
   * @kafka core/src/main/scala/kafka/producer/BrokerPartitionInfo.scala#getBrokerPartitionInfo
   */
  async getBrokerPartitionInfo(
    topic: string,
    correlationId: number,
  ): Promise<PartitionAndLeader[]> {
    // Ask for a topic that is not known.
    if (!this.#topicPartitionInfo.has(topic))
      await this.updateInfo(new Set([topic]), correlationId)
    const metadata = this.#topicPartitionInfo.get(topic)
    if (metadata === undefined) throw new KafkaException(`no metadata for ${topic}`)

    // Refuse a topic that has nothing to send to.
    if (metadata.partitionsMetadata.length === 0) {
      const cause =
        metadata.error === Errors.NONE ? undefined : metadata.error.exception()
      throw new KafkaException(`topic ${topic} has no partitions`, { cause })
    }
    return metadata.partitionsMetadata
      .map(({ partitionId, leader }) => ({
        topic,
        partitionId,
        leaderBrokerIdOpt: leader?.id,
      }))
      .sort((a, b) => a.partitionId - b.partitionId)
  }

  /**
   * Asks for topics, remembers them, and has the pool follow.
   *
   * @param topics - names
   * @param correlationId - number of the question
   * @throws KafkaException (rejects) when no broker answered
   * @kafka core/src/main/scala/kafka/producer/BrokerPartitionInfo.scala#updateInfo
   */
  async updateInfo(topics: ReadonlySet<string>, correlationId: number): Promise<void> {
    const { topicsMetadata } = await ClientUtils.fetchTopicMetadata(
      topics,
      this.#brokers,
      this.#producerConfig,
      correlationId,
      this.#platform,
    )

    // Remember what was answered without an error.
    for (const metadata of topicsMetadata) {
      const { topic, error, partitionsMetadata } = metadata
      if (error === Errors.NONE) this.#topicPartitionInfo.set(topic, metadata)
      else log.warn(`no metadata for ${topic}: ${error.message}`)
      for (const p of partitionsMetadata)
        if (p.error === Errors.LEADER_NOT_AVAILABLE)
          log.warn(`partition ${topic}-${p.partitionId}: ${p.error.message}`)
    }
    await this.#producerPool.updateProducer(topicsMetadata)
  }
}
