/**
 * # ZKTopicPartitionChangeListener
 *
 * A topic got partitions: somebody must own them.
 *
 * @kafka core/src/main/scala/kafka/consumer/ZookeeperConsumerConnector.scala#ZKTopicPartitionChangeListener
 * @module
 */
import { logger } from '../base/logger.ts'
import type { ZKRebalancerListener } from './ZKRebalancerListener.ts'

const log = logger('ZKTopicPartitionChangeListener')

/** Asks for a rebalance when a topic's data changes. */
export class ZKTopicPartitionChangeListener {
  readonly loadBalancerListener: ZKRebalancerListener

  constructor(loadBalancerListener: ZKRebalancerListener) {
    this.loadBalancerListener = loadBalancerListener
  }

  handleDataChange(dataPath: string): void {
    log.info(`${dataPath} changed; asking for a rebalance`)
    this.loadBalancerListener.rebalanceEventTriggered()
  }

  handleDataDeleted(dataPath: string): void {
    log.warn(`${dataPath} was deleted`)
  }
}
