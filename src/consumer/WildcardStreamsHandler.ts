/**
 * # WildcardStreamsHandler
 *
 * Streams of all topics that an expression allows, those included that are created later.
 * There are as many streams as were asked for, and all topics share them.
 *
 *     topic comes or goes ─▶ handleTopicEvent ─▶ reinitializeConsumer ─▶ rebalance
 *
 * @kafka core/src/main/scala/kafka/consumer/ZookeeperConsumerConnector.scala#WildcardStreamsHandler
 * @module
 */
import { logger } from '../base/logger.ts'
import { WildcardTopicCount } from './TopicCount.ts'
import type { TopicFilter } from './TopicFilter.ts'
import type {
  QueueAndStream,
  ZookeeperConsumerConnector,
} from './ZookeeperConsumerConnector.ts'
import {
  type TopicEventHandler,
  ZookeeperTopicEventWatcher,
} from './ZookeeperTopicEventWatcher.ts'

const log = logger('WildcardStreamsHandler')

/** Keeps the streams of one expression up to date. */
export class WildcardStreamsHandler implements TopicEventHandler {
  readonly #connector: ZookeeperConsumerConnector
  readonly #topicFilter: TopicFilter
  readonly #wildcardTopicCount: WildcardTopicCount
  readonly #wildcardQueuesAndStreams: readonly QueueAndStream[]
  readonly #wildcardTopicWatcher: ZookeeperTopicEventWatcher
  #wildcardTopics: readonly string[] = []

  /** @param queuesAndStreams what all topics share. */
  constructor(
    connector: ZookeeperConsumerConnector,
    topicFilter: TopicFilter,
    queuesAndStreams: readonly QueueAndStream[],
  ) {
    const { consumerIdString, config, zkUtils } = connector
    this.#connector = connector
    this.#topicFilter = topicFilter
    this.#wildcardQueuesAndStreams = queuesAndStreams
    this.#wildcardTopicCount = new WildcardTopicCount(
      consumerIdString,
      topicFilter,
      queuesAndStreams.length,
      config.excludeInternalTopics,
    )
    this.#wildcardTopicWatcher = new ZookeeperTopicEventWatcher(zkUtils, this)
  }

  /**
   * Joins the group, rebalances, and watches the topics from then on.
   *
   * @throws ConsumerRebalanceFailedException when no partitions could be claimed.
   */
  async start(): Promise<void> {
    const topics = await this.#connector.zkUtils.getAllTopics()
    this.#wildcardTopics = this.#allowed(topics)
    await this.#connector.registerConsumerInZK(this.#wildcardTopicCount)
    await this.#reinitializeConsumer()
    await this.#wildcardTopicWatcher.startWatchingTopicEvents()
  }

  /** Rebalances when an allowed topic came or went. */
  async handleTopicEvent(allTopics: readonly string[]): Promise<void> {
    const before = new Set(this.#wildcardTopics)
    const now = this.#allowed(allTopics)
    if (now.length === before.size && now.every((topic) => before.has(topic))) return

    // Remember them first: a rebalance that fails is not tried again for the same topics.
    log.info(`topics of the expression: ${now.join(', ')}`)
    this.#wildcardTopics = now
    await this.#reinitializeConsumer()
  }

  /** Ends the watch. */
  shutdown(): void {
    this.#wildcardTopicWatcher.shutdown()
  }

  #reinitializeConsumer(): Promise<void> {
    return this.#connector.reinitializeConsumer(
      this.#wildcardTopicCount,
      this.#wildcardQueuesAndStreams,
    )
  }

  #allowed(topics: readonly string[]): string[] {
    const { excludeInternalTopics } = this.#connector.config
    return topics.filter((topic) =>
      this.#topicFilter.isTopicAllowed(topic, excludeInternalTopics),
    )
  }
}
