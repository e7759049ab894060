/**
 * # Keys of delayed operations
 *
 * Events carry a key, operations wait under keys. A key is compared by its text.
 *
 *     append to t-0 ─▶ TopicPartitionOperationKey "t-0" ─▶ fetches waiting for t-0
 *
 * @kafka core/src/main/scala/kafka/server/DelayedOperationKey.scala
 * @module
 */
import type { TopicPartition } from '../base/TopicPartition.ts'
import type { DelayedOperationKey } from './DelayedOperation.ts'

/**
 * Waits under a partition: produce, fetch and delete-records operations.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedOperationKey.scala#TopicPartitionOperationKey
 */
export class TopicPartitionOperationKey implements DelayedOperationKey {
  readonly topic: string
  readonly partitionId: number
  readonly keyLabel: string

  /**
   * @param topicPartition the partition whose events wake the operation.
   * @differs Kafka calls the second field `partition`; the notes write `partitionId`.
   */
  constructor(topicPartition: TopicPartition) {
    this.topic = topicPartition.topic
    this.partitionId = topicPartition.partition
    this.keyLabel = topicPartition.key
  }

  /** The label: `t-0`. */
  toString(): string {
    return this.keyLabel
  }
}

/**
 * Waits under a member of a group: heartbeats.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedOperationKey.scala#MemberKey
 */
export class MemberKey implements DelayedOperationKey {
  readonly groupId: string
  readonly consumerId: string
  readonly keyLabel: string

  /** Makes the key of member `consumerId` of group `groupId`. */
  constructor(groupId: string, consumerId: string) {
    this.groupId = groupId
    this.consumerId = consumerId
    // Neither part is checked for a separator, so the group's length goes in front:
    // ("a-b", "c") and ("a", "b-c") must not meet.
    this.keyLabel = `${groupId.length}:${groupId}-${consumerId}`
  }

  /** The label. */
  toString(): string {
    return this.keyLabel
  }
}

/**
 * Waits under a group: joins.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedOperationKey.scala#GroupKey
 */
export class GroupKey implements DelayedOperationKey {
  readonly groupId: string
  readonly keyLabel: string

  /** Makes the key of group `groupId`. */
  constructor(groupId: string) {
    this.groupId = groupId
    this.keyLabel = groupId
  }

  /** The label: the group's name. */
  toString(): string {
    return this.keyLabel
  }
}
