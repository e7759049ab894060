/**
 * # ZookeeperTopicEventWatcher
 *
 * Tells a handler which topics there are, once at the start and whenever one comes or goes.
 *
 *     /brokers/topics changes ─▶ handleChildChange ─▶ handleTopicEvent(all topics)
 *
 * @kafka core/src/main/scala/kafka/consumer/ZookeeperTopicEventWatcher.scala#ZookeeperTopicEventWatcher
 * @differs There is no listener for a new session: after one, all listeners of `ZkUtils`
 *   look again by themselves. `ZkUtils` also runs them one after the other, which makes
 *   Kafka's lock unnecessary.
 * @module
 */
import { logger } from '../base/logger.ts'
import { TopicsZNode } from '../zk/topic-znodes.ts'
import type { IZkChildListener, ZkUtils } from '../zk/ZkUtils.ts'

const log = logger('ZookeeperTopicEventWatcher')

/**
 * Wants to know which topics there are.
 *
 * @kafka core/src/main/scala/kafka/consumer/TopicEventHandler.scala#TopicEventHandler
 */
export interface TopicEventHandler {
  handleTopicEvent(allTopics: readonly string[]): Promise<void>
}

/** Watches the list of topics for one handler. */
export class ZookeeperTopicEventWatcher implements IZkChildListener {
  readonly #zkUtils: ZkUtils
  readonly #eventHandler: TopicEventHandler
  #isShutdown = false

  constructor(zkUtils: ZkUtils, eventHandler: TopicEventHandler) {
    this.#zkUtils = zkUtils
    this.#eventHandler = eventHandler
  }

  /** Begins to watch, and tells of the topics that are there already. */
  async startWatchingTopicEvents(): Promise<void> {
    const path = TopicsZNode.path()
    await this.#zkUtils.makeSurePersistentPathExists(path)
    const topics = await this.#zkUtils.subscribeChildChanges(path, this)
    await this.handleChildChange(path, topics ?? [])
  }

  /** Tells of all topics. A failure is logged: the next change may mend it. */
  async handleChildChange(
    _parentPath: string,
    currentChilds: string[] | null,
  ): Promise<void> {
    if (this.#isShutdown) return
    try {
      await this.#eventHandler.handleTopicEvent(currentChilds ?? [])
    } catch (error) {
      log.error('a change of the topics could not be handled', error)
    }
  }

  /** Ends all subscriptions of this consumer in ZooKeeper. */
  shutdown(): void {
    if (this.#isShutdown) return
    this.#isShutdown = true
    this.#zkUtils.unsubscribeAll()
  }
}
