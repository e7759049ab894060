/**
 * # ZKSessionExpireListener
 *
 * With the session went this member's node and its owner nodes. In the new session it
 * registers again and rebalances.
 *
 * @kafka core/src/main/scala/kafka/consumer/ZookeeperConsumerConnector.scala#ZKSessionExpireListener
 * @module
 */
import { logger } from '../base/logger.ts'
import type { TopicCount } from './TopicCount.ts'
import type { ZKRebalancerListener } from './ZKRebalancerListener.ts'
import type { ZookeeperConsumerConnector } from './ZookeeperConsumerConnector.ts'

const log = logger('ZKSessionExpireListener')

/** Brings a member back after its session expired. */
export class ZKSessionExpireListener {
  readonly #connector: ZookeeperConsumerConnector
  readonly #topicCount: TopicCount
  readonly #loadBalancerListener: ZKRebalancerListener

  constructor(
    connector: ZookeeperConsumerConnector,
    topicCount: TopicCount,
    loadBalancerListener: ZKRebalancerListener,
  ) {
    this.#connector = connector
    this.#topicCount = topicCount
    this.#loadBalancerListener = loadBalancerListener
  }

  /** Called in the new session. */
  async handleNewSession(): Promise<void> {
    log.info(`${this.#connector.consumerIdString}: the session expired; joining again`)
    this.#loadBalancerListener.resetState()
    await this.#connector.registerConsumerInZK(this.#topicCount)
    await this.#loadBalancerListener.syncedRebalance()
  }
}
