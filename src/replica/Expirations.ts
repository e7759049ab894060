/**
 * # Expirations
 *
 * How often the clock ended a wait: what a produce, a fetch or a deletion of records waited
 * for had not come. Fetches that expire are the rule where little is written; produces that
 * do are followers too slow for `acks=all`.
 *
 * @kafka core/src/main/scala/kafka/server/DelayedProduce.scala#DelayedProduceMetrics
 * @kafka core/src/main/scala/kafka/server/DelayedFetch.scala#DelayedFetchMetrics
 * @kafka core/src/main/scala/kafka/server/DelayedDeleteRecords.scala#DelayedDeleteRecordsMetrics
 * @differs three objects of the process in Kafka, one of each broker here: a process has
 *   many brokers.
 * @module
 */
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'

/** Counts of waits that ended without what was waited for. */
export class Expirations {
  /** Partitions of produces, all together. */
  produces = 0
  readonly producesByPartition = new TopicPartitionMap<number>()
  /** Fetches of followers. */
  followerFetches = 0
  /** Fetches of anybody else. */
  consumerFetches = 0
  /** Partitions of deletions of records. */
  deleteRecords = 0

  /** Notes a partition whose followers were not there in time. */
  recordProduce(topicPartition: TopicPartition): void {
    this.produces += 1
    const before = this.producesByPartition.get(topicPartition) ?? 0
    this.producesByPartition.set(topicPartition, before + 1)
  }
}
