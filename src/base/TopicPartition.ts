/**
 * # TopicPartition
 *
 * The name of one partition of one topic. Two with the same topic and number mean the
 * same partition though they are two objects: compare with `equals`, or key a
 * `TopicPartitionMap` with them.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/TopicPartition.java#TopicPartition
 * @module
 */

/** Names a partition. Immutable. */
export class TopicPartition {
  readonly topic: string
  readonly partition: number
  /** `topic-partition`, one string for one partition. */
  readonly key: string

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
    this.key = `${topic}-${partition}`
  }

  /** @returns the directory name of its log, such as `orders-3` */
  toString(): string {
    return this.key
  }

  /** @returns whether both name the same partition */
  equals(other: TopicPartition): boolean {
    return this.partition === other.partition && this.topic === other.topic
  }
}
