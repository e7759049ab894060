/**
 * # TopicMetadata
 *
 * What the old clients know of a topic: its partitions, and for each the brokers that
 * lead, hold and keep up with it.
 *
 * @kafka core/src/main/scala/kafka/api/TopicMetadata.scala#TopicMetadata
 * @module
 */

import type { WireError } from '../base/errors.ts'
import type { BrokerEndPoint } from '../zk/Broker.ts'

/**
 * One topic, with its partitions in the order of the answer.
 *
 * @kafka core/src/main/scala/kafka/api/TopicMetadata.scala#TopicMetadata
 */
export interface TopicMetadata {
  readonly topic: string
  readonly partitionsMetadata: readonly PartitionMetadata[]

  /** NONE, or why there are no partitions. */
  readonly error: WireError
}

/**
 * One partition.
 *
 * @kafka core/src/main/scala/kafka/api/TopicMetadata.scala#PartitionMetadata
 */
export interface PartitionMetadata {
  readonly partitionId: number

  /** `undefined` while nobody leads, or the leader is not among the live brokers. */
  readonly leader: BrokerEndPoint | undefined
  readonly replicas: readonly BrokerEndPoint[]
  readonly isr: readonly BrokerEndPoint[]

  /** NONE, LEADER_NOT_AVAILABLE or REPLICA_NOT_AVAILABLE. */
  readonly error: WireError
}
