/**
 * # ConsumerConnector
 *
 * What an application holds: it makes streams, commits, and shuts down.
 *
 * @kafka core/src/main/scala/kafka/consumer/ConsumerConnector.scala#ConsumerConnector
 * @module
 */
import type { Platform } from '../base/platform/Platform.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import type { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import type { ZooKeeperConnect } from '../zookeeper/client.ts'
import type { ConsumerConfig } from './ConsumerConfig.ts'
import type { ConsumerThreadId } from './ConsumerThreadId.ts'
import type { Decoder } from './Decoder.ts'
import type { KafkaStream } from './KafkaStream.ts'
import type { TopicFilter } from './TopicFilter.ts'
import { ZookeeperConsumerConnector } from './ZookeeperConsumerConnector.ts'

/** Streams by topic. */
export type TopicStreams<K, V> = Map<string, KafkaStream<K, V>[]>

/** The consumer of an application. */
export interface ConsumerConnector {
  /**
   * Makes streams, joins the group, and begins to fetch. Once only.
   *
   * @param topicCountMap how many streams of each topic.
   * @throws MessageStreamsExistException at the second call.
   * @throws ConsumerRebalanceFailedException when no partitions could be claimed.
   */
  createMessageStreams<K, V>(
    topicCountMap: ReadonlyMap<string, number>,
    keyDecoder: Decoder<K>,
    valueDecoder: Decoder<V>,
  ): Promise<TopicStreams<K, V>>
  /**
   * Makes streams of all topics that a filter allows, now and later. Once only.
   *
   * @param numStreams how many; all topics share them.
   * @returns the streams, in no order that matters.
   * @throws MessageStreamsExistException when streams were made already.
   * @throws ConsumerRebalanceFailedException when no partitions could be claimed.
   */
  createMessageStreamsByFilter<K, V>(
    topicFilter: TopicFilter,
    numStreams: number,
    keyDecoder: Decoder<K>,
    valueDecoder: Decoder<V>,
  ): Promise<KafkaStream<K, V>[]>
  /**
   * Stores how far the application has read.
   *
   * @param isAutoCommit the name misleads, as in Kafka: true, the default, tries once,
   *   false tries again; both give up silently.
   */
  commitOffsets(isAutoCommit?: boolean): Promise<void>
  /**
   * Stores given offsets: what the application has handled, where that is not what it was
   * given.
   *
   * @param offsetsToCommit the offset of the next message to read, by partition.
   * @param retryOnFailure whether a commit that fails is tried again; then it is given up
   *   silently.
   */
  commitOffsets(
    offsetsToCommit: ReadonlyOffsets,
    retryOnFailure: boolean,
  ): Promise<void>
  /** Sets who is told before partitions are given up and before they are fetched. */
  setConsumerRebalanceListener(listener: ConsumerRebalanceListener): void
  /** Commits, leaves the group, ends the streams. */
  shutdown(): Promise<void>
}

/**
 * Told of rebalances, which wait for it meanwhile. It must not wait for `shutdown`, which
 * waits for the rebalance.
 *
 * @kafka core/src/main/scala/kafka/javaapi/consumer/ConsumerRebalanceListener.java
 */
export interface ConsumerRebalanceListener {
  /** Fetchers stand still; the partitions are about to be given up. */
  beforeReleasingPartitions?(
    partitionOwnership: ReadonlyMap<string, ReadonlySet<number>>,
  ): void | Promise<void>
  /** Partitions are claimed; fetching is about to begin. The assignment is everybody's. */
  beforeStartingFetchers?(
    consumerId: string,
    globalPartitionAssignment: ReadonlyMap<
      string,
      ReadonlyMap<number, ConsumerThreadId>
    >,
  ): void | Promise<void>
}

/** What a consumer runs on. */
export interface ConsumerEnvironment {
  readonly platform: Platform
  /** How a session with ZooKeeper is made. */
  readonly zooKeeperConnect: ZooKeeperConnect
}

/** Offsets by partition, as an application hands them over. */
export type ReadonlyOffsets = Iterable<readonly [TopicPartition, number]>

/** Offsets by partition, as a commit sends them. */
export type OffsetsToCommit = TopicPartitionMap<number>

/**
 * Where an application begins.
 *
 * @kafka core/src/main/scala/kafka/consumer/ConsumerConnector.scala#Consumer
 */
export const Consumer = {
  /**
   * Makes a connector: connected to ZooKeeper, not yet a member of the group.
   *
   * @param enableFetcher false to fetch nothing; Kafka has it in the connector's own
   *   constructor only.
   * @differs Kafka's constructor blocks until it is connected; here that is awaited.
   */
  async create(
    config: ConsumerConfig,
    environment: ConsumerEnvironment,
    enableFetcher = true,
  ): Promise<ZookeeperConsumerConnector> {
    const connector = new ZookeeperConsumerConnector(config, environment, enableFetcher)
    await connector.open()
    return connector
  },
}
