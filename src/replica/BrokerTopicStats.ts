/**
 * # BrokerTopicStats
 *
 * What goes in and out of a broker, counted: over all topics, and for each topic. Counts
 * only grow; who wants rates takes the difference of two looks.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaRequestHandler.scala#BrokerTopicStats
 * @differs Kafka keeps moving averages, which cost work at each event; here that is left to
 *   who looks.
 * @module
 */

/**
 * Counts of one topic, or of all.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaRequestHandler.scala#BrokerTopicMetrics
 */
export class BrokerTopicMetrics {
  messagesIn = 0
  bytesIn = 0
  bytesOut = 0
  /** Bytes of batches that were too large. */
  bytesRejected = 0
  /** Bytes fetched from leaders; only over all topics. */
  replicationBytesIn = 0
  /** Bytes given to followers; only over all topics. */
  replicationBytesOut = 0
  totalProduceRequests = 0
  failedProduceRequests = 0
  totalFetchRequests = 0
  failedFetchRequests = 0
  /** Records that were converted for an old client that fetches. */
  fetchMessageConversions = 0
  /** Produced records that were converted into the topic's format or codec. */
  produceMessageConversions = 0
}

/** Counts of a broker. */
export class BrokerTopicStats {
  readonly allTopicsStats = new BrokerTopicMetrics()
  readonly #byTopic = new Map<string, BrokerTopicMetrics>()

  /** The counts of a topic, which begin with the first look. */
  topicStats(topic: string): BrokerTopicMetrics {
    let stats = this.#byTopic.get(topic)
    if (stats === undefined) {
      stats = new BrokerTopicMetrics()
      this.#byTopic.set(topic, stats)
    }
    return stats
  }

  /** All topics that were counted. */
  topics(): IterableIterator<[string, BrokerTopicMetrics]> {
    return this.#byTopic.entries()
  }

  /** Adds to a count of a topic, and to that of all. */
  count(topic: string, key: keyof BrokerTopicMetrics, amount = 1): void {
    this.topicStats(topic)[key] += amount
    this.allTopicsStats[key] += amount
  }

  /** Counts what is given out: to a follower, or to a client. */
  updateBytesOut(topic: string, isFollower: boolean, bytes: number): void {
    if (isFollower) this.allTopicsStats.replicationBytesOut += bytes
    else this.count(topic, 'bytesOut', bytes)
  }

  /** Counts what was fetched from a leader. */
  updateReplicationBytesIn(bytes: number): void {
    this.allTopicsStats.replicationBytesIn += bytes
  }

  /** Forgets a topic that is not here any more. */
  removeMetrics(topic: string): void {
    this.#byTopic.delete(topic)
  }
}
