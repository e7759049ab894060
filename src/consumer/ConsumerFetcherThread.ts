/**
 * # ConsumerFetcherThread
 *
 * Fetches the partitions that one broker leads and puts what comes into the queues of
 * their streams. The loop itself is `AbstractFetcherThread`, which followers use, too.
 *
 *     doWork ─▶ buildFetchRequest ─▶ fetch ─▶ processPartitionData ─▶ enqueue
 *                                      └─ error ─▶ back to the leader finder
 *
 * @kafka core/src/main/scala/kafka/consumer/ConsumerFetcherThread.scala#ConsumerFetcherThread
 * @module
 */
import { IllegalStateException, KafkaException } from '../base/errors.ts'
import type { Platform } from '../base/platform/Platform.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import {
  AbstractFetcherThread,
  type PartitionData,
  type PartitionStates,
  type ResultWithPartitions,
} from '../network/fetcher/AbstractFetcherThread.ts'
import { ByteBufferMessageSet } from '../record/ByteBufferMessageSet.ts'
import { MemoryRecords } from '../record/MemoryRecords.ts'
import type { BrokerEndPoint } from '../zk/Broker.ts'
import type { ConsumerConfig } from './ConsumerConfig.ts'
import type { ConsumerFetcherManager } from './ConsumerFetcherManager.ts'
import { FetchRequest, type PartitionFetchInfo } from './FetchRequest.ts'
import type { PartitionTopicInfo } from './PartitionTopicInfo.ts'
import { OffsetRequest, SimpleConsumer } from './SimpleConsumer.ts'

/** What a ConsumerFetcherThread is made of. */
export interface ConsumerFetcherThreadOptions {
  readonly consumerIdString: string
  readonly fetcherId: number
  readonly config: ConsumerConfig
  readonly sourceBroker: BrokerEndPoint
  readonly partitionMap: TopicPartitionMap<PartitionTopicInfo>
  readonly consumerFetcherManager: ConsumerFetcherManager
  readonly platform: Platform
}

/** Fetches for the streams of one consumer from one broker. */
export class ConsumerFetcherThread extends AbstractFetcherThread<
  FetchRequest,
  PartitionData
> {
  readonly #config: ConsumerConfig
  readonly #partitionMap: TopicPartitionMap<PartitionTopicInfo>
  readonly #manager: ConsumerFetcherManager
  readonly simpleConsumer: SimpleConsumer

  constructor(options: ConsumerFetcherThreadOptions) {
    const { config, consumerIdString, fetcherId, sourceBroker, platform } = options
    const { clock, network } = platform
    super({
      name: `ConsumerFetcherThread-${consumerIdString}-${fetcherId}-${sourceBroker.id}`,
      clientId: config.clientId,
      sourceBroker,
      fetchBackOffMs: config.refreshLeaderBackoffMs,
      includeLogTruncation: false,
      clock,
    })
    this.#config = config
    this.#partitionMap = options.partitionMap
    this.#manager = options.consumerFetcherManager
    const { host, port } = sourceBroker
    this.simpleConsumer = new SimpleConsumer({
      ...{ host, port, soTimeout: config.socketTimeoutMs, clientId: config.clientId },
      ...{ network, clock },
    })
  }

  /** Stops the loop, and frees it from a request that it waits for. */
  override initiateShutdown(): boolean {
    const initiated = super.initiateShutdown()
    if (initiated) this.simpleConsumer.close()
    return initiated
  }

  /**
   * Puts fetched messages into the stream's queue; waits while it is full.
   *
   * @throws KafkaException when the partition stands elsewhere than was asked: the loop
   *   ends, for somebody else moved it.
   */
  override async processPartitionData(
    topicPartition: TopicPartition,
    fetchOffset: number,
    { toRecords }: PartitionData,
  ): Promise<void> {
    const info = this.#infoOf(topicPartition)
    if (info.getFetchOffset() !== fetchOffset) {
      throw new KafkaException(
        `${topicPartition} was fetched at ${fetchOffset} but stands at ` +
          `${info.getFetchOffset()}`,
      )
    }
    await info.enqueue(new ByteBufferMessageSet(toRecords.buffer), this.signal)
  }

  /** Begins anew where `auto.offset.reset` says; also for a partition without an offset. */
  override async handleOffsetOutOfRange(
    topicPartition: TopicPartition,
  ): Promise<number> {
    const { LatestTime, EarliestTime } = OffsetRequest
    const time = this.#config.autoOffsetReset === 'smallest' ? EarliestTime : LatestTime
    const newOffset = await this.simpleConsumer.earliestOrLatestOffset(
      topicPartition,
      time,
    )
    const info = this.#infoOf(topicPartition)
    info.resetFetchOffset(newOffset)
    info.resetConsumeOffset(newOffset)
    return newOffset
  }

  /** Gives partitions that failed back to the leader finder. */
  override async handlePartitionsWithErrors(
    partitions: Iterable<TopicPartition>,
  ): Promise<void> {
    const failed = [...partitions]
    await this.removePartitions(failed)
    this.#manager.addPartitionsWithError(failed)
  }

  override buildFetchRequest(
    states: PartitionStates,
  ): ResultWithPartitions<FetchRequest> {
    const { clientId, fetchWaitMaxMs, fetchMinBytes, fetchMessageMaxBytes } =
      this.#config
    const requestInfo = new TopicPartitionMap<PartitionFetchInfo>()
    for (const [topicPartition, state] of states) {
      if (!this.isReadyForFetch(state)) continue
      const { fetchOffset: offset } = state
      requestInfo.set(topicPartition, { offset, fetchSize: fetchMessageMaxBytes })
    }
    const options = { clientId, maxWait: fetchWaitMaxMs, minBytes: fetchMinBytes }
    return { result: new FetchRequest(options, requestInfo), partitionsWithError: [] }
  }

  override async fetch(
    fetchRequest: FetchRequest,
  ): Promise<readonly (readonly [TopicPartition, PartitionData])[]> {
    const { data } = await this.simpleConsumer.fetch(fetchRequest)
    return [...data].map(([topicPartition, { error, hw, messages }]) => [
      topicPartition,
      { error, highWatermark: hw, toRecords: new MemoryRecords(messages.buffer) },
    ])
  }

  /** A consumer has no log to cut: it asks about no epoch. */
  override buildLeaderEpochRequest(): ResultWithPartitions<TopicPartitionMap<number>> {
    return { result: new TopicPartitionMap(), partitionsWithError: [] }
  }

  override async fetchEpochsFromLeader(): Promise<TopicPartitionMap<never>> {
    return new TopicPartitionMap()
  }

  override truncateToEpochs(): ResultWithPartitions<TopicPartitionMap<number>> {
    return { result: new TopicPartitionMap(), partitionsWithError: [] }
  }

  #infoOf(topicPartition: TopicPartition): PartitionTopicInfo {
    const info = this.#partitionMap.get(topicPartition)
    if (!info) throw new IllegalStateException(`${topicPartition} is not ours`)
    return info
  }
}
