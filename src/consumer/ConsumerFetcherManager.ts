/**
 * # ConsumerFetcherManager
 *
 * Keeps every owned partition at a fetcher of the broker that leads it. Partitions whose
 * leader is not known wait in a set; the leader finder takes them from there.
 *
 *     startConnections ─▶ noLeaderPartitionSet ─▶ LeaderFinderThread ─▶ fetchers
 *                                  ▲                                       │
 *                                  └────── addPartitionsWithError ─────────┘
 *
 * Kafka guards the set by a lock and a condition. Nothing here awaits between reading the
 * set and changing it, so the lock is gone; the condition stays, to wake the finder.
 *
 * @kafka core/src/main/scala/kafka/consumer/ConsumerFetcherManager.scala#ConsumerFetcherManager
 * @module
 */
import { Condition } from '../base/async/Condition.ts'
import { IllegalStateException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Platform } from '../base/platform/Platform.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap, TopicPartitionSet } from '../base/TopicPartitionMap.ts'
import { AbstractFetcherManager } from '../network/fetcher/AbstractFetcherManager.ts'
import type { BrokerEndPoint, Cluster } from '../zk/Broker.ts'
import type { ZkUtils } from '../zk/ZkUtils.ts'
import type { ConsumerConfig } from './ConsumerConfig.ts'
import { ConsumerFetcherThread } from './ConsumerFetcherThread.ts'
import { LeaderFinderThread } from './LeaderFinderThread.ts'
import type { PartitionTopicInfo } from './PartitionTopicInfo.ts'

const log = logger('ConsumerFetcherManager')

/** What a ConsumerFetcherManager is made of. */
export interface ConsumerFetcherManagerOptions {
  readonly consumerIdString: string
  readonly config: ConsumerConfig
  readonly zkUtils: ZkUtils
  readonly platform: Platform
}

/** Owns the fetchers of one consumer, and its leader finder. */
export class ConsumerFetcherManager extends AbstractFetcherManager<ConsumerFetcherThread> {
  readonly consumerIdString: string
  readonly config: ConsumerConfig
  readonly zkUtils: ZkUtils
  readonly platform: Platform
  /** Partitions that wait for a leader. */
  readonly noLeaderPartitionSet = new TopicPartitionSet()
  /** Signalled when partitions come into the set. */
  readonly cond = new Condition()
  /** What this consumer owns; undefined while it owns nothing. */
  partitionMap: TopicPartitionMap<PartitionTopicInfo> | undefined
  #leaderFinderThread: LeaderFinderThread | undefined

  constructor(options: ConsumerFetcherManagerOptions) {
    const { config, consumerIdString } = options
    super(`ConsumerFetcherManager-${consumerIdString}`, config.numConsumerFetchers)
    this.consumerIdString = consumerIdString
    this.config = config
    this.zkUtils = options.zkUtils
    this.platform = options.platform
  }

  /** @throws IllegalStateException while stopping: nobody would end the new thread. */
  override createFetcherThread(
    fetcherId: number,
    sourceBroker: BrokerEndPoint,
  ): ConsumerFetcherThread {
    if (!this.#leaderFinderThread?.isRunning) {
      throw new IllegalStateException(`${this.name} is stopping`)
    }
    const { consumerIdString, config, platform } = this
    return new ConsumerFetcherThread({
      ...{ consumerIdString, config, platform, fetcherId, sourceBroker },
      partitionMap: this.partitionMap ?? new TopicPartitionMap(),
      consumerFetcherManager: this,
    })
  }

  /**
   * Begins to fetch.
   *
   * @param topicInfos all partitions that this consumer owns now.
   * @param _cluster not looked at, as in Kafka: the finder asks brokers, not ZooKeeper.
   */
  startConnections(topicInfos: Iterable<PartitionTopicInfo>, _cluster: Cluster): void {
    // Start a fresh leader finder.
    this.#leaderFinderThread = new LeaderFinderThread(this)
    this.#leaderFinderThread.start()

    // Let every partition wait for its leader.
    this.partitionMap = new TopicPartitionMap()
    for (const info of topicInfos) {
      this.partitionMap.set(info.topicPartition, info)
      this.noLeaderPartitionSet.add(info.topicPartition)
    }
    this.cond.signalAll()
  }

  /** Stops everything: the leader finder first, else it could add fetchers again. */
  async stopConnections(): Promise<void> {
    log.info(`${this.name}: stopping the leader finder and all fetchers`)

    // Tell fetchers to stop, too: one may hold what the finder waits for.
    const finder = this.#leaderFinderThread
    finder?.initiateShutdown()
    for (const thread of this.fetcherThreadMap.values()) thread.initiateShutdown()
    this.cond.signalAll()
    await finder?.awaitShutdown()
    this.#leaderFinderThread = undefined

    await this.closeAllFetchers()

    // Own nothing.
    this.partitionMap = undefined
    this.noLeaderPartitionSet.clear()
  }

  /** Lets partitions wait for a leader again, as long as this consumer owns something. */
  addPartitionsWithError(partitions: Iterable<TopicPartition>): void {
    if (!this.partitionMap) return
    for (const topicPartition of partitions) {
      if (this.partitionMap.has(topicPartition)) {
        this.noLeaderPartitionSet.add(topicPartition)
      }
    }
    this.cond.signalAll()
  }
}
