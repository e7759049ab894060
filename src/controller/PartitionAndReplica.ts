/**
 * # PartitionAndReplica
 *
 * One replica: a partition, and the broker that holds this copy of it.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#PartitionAndReplica
 * @module
 */

import type { TopicPartition } from '../base/TopicPartition.ts'

/** A partition on a broker. Two with the same `key` are the same. */
export class PartitionAndReplica {
  readonly topicPartition: TopicPartition

  /** Broker id. */
  readonly replica: number

  /** `topic-partition@broker`: what to compare. */
  readonly key: string

  constructor(topicPartition: TopicPartition, replica: number) {
    this.topicPartition = topicPartition
    this.replica = replica
    this.key = `${topicPartition.key}@${replica}`
  }

  get topic(): string {
    return this.topicPartition.topic
  }

  toString(): string {
    return this.key
  }
}

/** Those of `all` that are not in `others`. */
export function withoutReplicas(
  all: readonly PartitionAndReplica[],
  others: readonly PartitionAndReplica[],
): PartitionAndReplica[] {
  const keys = new Set(others.map((r) => r.key))
  return all.filter((r) => !keys.has(r.key))
}

/** Sorts replicas to their brokers, in order of first appearance. */
export function replicasByBroker(
  replicas: readonly PartitionAndReplica[],
): Map<number, PartitionAndReplica[]> {
  const byBroker = new Map<number, PartitionAndReplica[]>()
  for (const replica of replicas) {
    const ofBroker = byBroker.get(replica.replica)
    if (ofBroker === undefined) byBroker.set(replica.replica, [replica])
    else ofBroker.push(replica)
  }
  return byBroker
}
