/**
 * # LeaderFinderThread
 *
 * Finds the leaders of partitions that have none here, by asking brokers for metadata, and
 * gives the partitions to fetchers of those brokers. One round, a pause, the next round.
 *
 * @kafka core/src/main/scala/kafka/consumer/ConsumerFetcherManager.scala#ConsumerFetcherManager.LeaderFinderThread
 * @differs Kafka holds the manager's lock while it asks for metadata. Here nothing is held:
 *   what changed meanwhile is looked at again before it is used.
 * @module
 */
import { ShutdownableThread } from '../base/async/ShutdownableThread.ts'
import { logger } from '../base/logger.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { ClientUtils } from '../producer/ClientUtils.ts'
import type { TopicMetadata } from '../producer/TopicMetadata.ts'
import type { BrokerEndPoint } from '../zk/Broker.ts'
import type { ConsumerFetcherManager } from './ConsumerFetcherManager.ts'
import { unlessAborted } from './unless-aborted.ts'

const log = logger('LeaderFinderThread')

/** The loop that finds leaders. */
export class LeaderFinderThread extends ShutdownableThread {
  readonly #manager: ConsumerFetcherManager
  #correlationId = 0

  constructor(manager: ConsumerFetcherManager) {
    super(`${manager.consumerIdString}-leader-finder-thread`)
    this.#manager = manager
  }

  override async doWork(): Promise<void> {
    const manager = this.#manager
    let found = new TopicPartitionMap<BrokerEndPoint>()
    try {
      // Wait while every partition has a fetcher.
      while (manager.noLeaderPartitionSet.size === 0) {
        await manager.cond.wait(this.signal)
        if (!this.isRunning) return
      }
      const topicsMetadata = await unlessAborted(this.#askForTopics(), this.signal)
      found = this.#takeThoseWithLeader(topicsMetadata)
    } catch (error) {
      if (!this.isRunning) return
      log.warn(`${this.name}: could not find leaders`, error)
    }
    await this.#addFetchers(found)
    if (!this.isRunning) return

    // Drop fetchers that have nothing left to do, then pause.
    await manager.shutdownIdleFetcherThreads()
    const { refreshLeaderBackoffMs } = manager.config
    await this.pause(refreshLeaderBackoffMs, manager.platform.clock)
  }

  /** Asks any broker about the topics of the waiting partitions. */
  async #askForTopics(): Promise<readonly TopicMetadata[]> {
    const { noLeaderPartitionSet, config, platform, zkUtils } = this.#manager
    const brokers = await ClientUtils.getPlaintextBrokerEndPoints(zkUtils)
    const topics = new Set([...noLeaderPartitionSet].map(({ topic }) => topic))
    const metadata = await ClientUtils.fetchTopicMetadata(
      topics,
      brokers,
      config.clientId,
      config.socketTimeoutMs,
      platform,
      this.#correlationId++,
      this.signal,
    )
    return metadata.topicsMetadata
  }

  /** Takes the partitions that have a leader out of the set. */
  #takeThoseWithLeader(
    topicsMetadata: readonly TopicMetadata[],
  ): TopicPartitionMap<BrokerEndPoint> {
    const { noLeaderPartitionSet } = this.#manager
    const found = new TopicPartitionMap<BrokerEndPoint>()
    for (const { topic, partitionsMetadata } of topicsMetadata) {
      for (const { partitionId, leader } of partitionsMetadata) {
        const topicPartition = new TopicPartition(topic, partitionId)
        if (!leader || !noLeaderPartitionSet.has(topicPartition)) continue
        noLeaderPartitionSet.delete(topicPartition)
        found.set(topicPartition, leader)
      }
    }
    return found
  }

  async #addFetchers(found: TopicPartitionMap<BrokerEndPoint>): Promise<void> {
    const manager = this.#manager
    const partitions = new TopicPartitionMap<{
      broker: BrokerEndPoint
      initOffset: number
    }>()
    for (const [topicPartition, broker] of found) {
      const info = manager.partitionMap?.get(topicPartition)
      if (!info) continue
      partitions.set(topicPartition, { broker, initOffset: info.getFetchOffset() })
    }
    if (partitions.size === 0) return
    try {
      await manager.addFetcherForPartitions(partitions, this.signal)
    } catch (error) {
      if (!this.isRunning) return

      // Look for their leaders again.
      log.warn(`${this.name}: could not add fetchers`, error)
      manager.addPartitionsWithError(found.keys())
    }
  }
}
