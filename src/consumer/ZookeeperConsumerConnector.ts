/**
 * # ZookeeperConsumerConnector
 *
 * The old consumer: a member of a group that meets in ZooKeeper.
 *
 *     /consumers/<group>/ids/<consumer>              who is here, and what it wants
 *     /consumers/<group>/owners/<topic>/<partition>  who reads it now
 *     /consumers/<group>/offsets/<topic>/<partition> how far it was read
 *
 * `createMessageStreams` makes the streams, registers the member, and rebalances;
 * `ZKRebalancerListener` does so again when anything changes; `ConsumerFetcherManager`
 * fetches what is owned; `commitOffsets` stores how far the application is.
 *
 * Invariants: streams are made once; the offset that is committed never runs ahead of what
 * the application was given.
 *
 * @kafka core/src/main/scala/kafka/consumer/ZookeeperConsumerConnector.scala#ZookeeperConsumerConnector
 * @differs Wildcard streams (`createMessageStreamsByFilter`) are not here yet. A member of
 *   the group that uses them is understood.
 * @module
 */
import { AsyncQueue } from '../base/async/AsyncQueue.ts'
import { KafkaScheduler } from '../base/async/KafkaScheduler.ts'
import { Mutex } from '../base/async/Mutex.ts'
import { Errors, MessageStreamsExistException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { Pool } from '../base/Pool.ts'
import type { Platform } from '../base/platform/Platform.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { ApiKeys } from '../protocol/ApiKeys.ts'
import {
  ConsumerIdsZNode,
  ConsumerIdZNode,
  ConsumerOffset,
} from '../zk/consumer-znodes.ts'
import { ZkUtils } from '../zk/ZkUtils.ts'
import { ZooKeeperClient } from '../zookeeper/ZooKeeperClient.ts'
import type { ConsumerConfig } from './ConsumerConfig.ts'
import type {
  ConsumerConnector,
  ConsumerEnvironment,
  ConsumerRebalanceListener,
  OffsetsToCommit,
  TopicStreams,
} from './ConsumerConnector.ts'
import { ConsumerFetcherManager } from './ConsumerFetcherManager.ts'
import type { ConsumerThreadId } from './ConsumerThreadId.ts'
import type { Decoder } from './Decoder.ts'
import { type QueueItem, shutdownCommand } from './FetchedDataChunk.ts'
import { KafkaStream } from './KafkaStream.ts'
import { OffsetsChannel } from './OffsetsChannel.ts'
import { InvalidOffset } from './PartitionTopicInfo.ts'
import { constructTopicCount, StaticTopicCount, type TopicCount } from './TopicCount.ts'
import {
  type TopicRegistry,
  topicAndConsumerThreadId,
  ZKRebalancerListener,
} from './ZKRebalancerListener.ts'
import { ZKSessionExpireListener } from './ZKSessionExpireListener.ts'
import { ZKTopicPartitionChangeListener } from './ZKTopicPartitionChangeListener.ts'

const log = logger('ZookeeperConsumerConnector')

/** A stream and the queue that feeds it. */
interface QueueAndStream {
  readonly queue: AsyncQueue<QueueItem>
  readonly stream: KafkaStream<unknown, unknown>
}

/** A member of a group that meets in ZooKeeper. */
export class ZookeeperConsumerConnector implements ConsumerConnector {
  readonly config: ConsumerConfig
  readonly platform: Platform
  /** `<group>_<consumer.id>`, or `<group>_<host>-<ms>-<8 hex digits>`. */
  readonly consumerIdString: string
  /** Held for a whole rebalance. */
  readonly rebalanceLock = new Mutex()
  /** What is owned; replaced whole by each rebalance that succeeds. */
  topicRegistry: TopicRegistry = new Pool()
  /** What ZooKeeper holds, as far as we know: what has not moved is not written again. */
  readonly checkpointedZkOffsets = new TopicPartitionMap<number>()
  /** `topic/thread` → the queue that feeds that stream. */
  readonly topicThreadIdAndQueues = new Pool<string, AsyncQueue<QueueItem>>()
  consumerRebalanceListener: ConsumerRebalanceListener | undefined
  readonly #environment: ConsumerEnvironment
  readonly #scheduler: KafkaScheduler
  readonly #shutdown = new AbortController()
  #zkUtils: ZkUtils | undefined
  #fetcher: ConsumerFetcherManager | undefined
  #offsetsChannel: OffsetsChannel | undefined
  #messageStreamCreated = false
  #loadBalancerListener: ZKRebalancerListener | undefined
  #sessionExpirationListener: ZKSessionExpireListener | undefined
  #topicPartitionChangeListener: ZKTopicPartitionChangeListener | undefined

  constructor(config: ConsumerConfig, environment: ConsumerEnvironment) {
    const { clock, random, hostName } = environment.platform
    this.config = config
    this.platform = environment.platform
    this.#environment = environment
    this.#scheduler = new KafkaScheduler(clock)
    const made = `${hostName}-${clock.now()}-${random.uuid().slice(0, 8)}`
    this.consumerIdString = `${config.groupId}_${config.consumerId ?? made}`
  }

  /** Does what Kafka's constructor does and has to wait for. */
  async open(): Promise<void> {
    await this.connectZk()
    this.createFetcher()
    await this.ensureOffsetManagerConnected()

    // Commit from time to time.
    if (!this.config.autoCommitEnable) return
    const { autoCommitIntervalMs: period } = this.config
    this.#scheduler.startup()
    const name = 'kafka-consumer-autocommit'
    this.#scheduler.schedule(name, () => this.autoCommit(), period, period)
  }

  async connectZk(): Promise<void> {
    const { zkConnect, zkSessionTimeoutMs, zkConnectionTimeoutMs } = this.config
    const client = new ZooKeeperClient({
      connect: this.#environment.zooKeeperConnect,
      connectString: zkConnect,
      sessionTimeoutMs: zkSessionTimeoutMs,
      connectionTimeoutMs: zkConnectionTimeoutMs,
      maxInFlightRequests: 10,
      clock: this.platform.clock,
    })
    await client.start()
    this.#zkUtils = new ZkUtils(client)
  }

  createFetcher(): void {
    const { consumerIdString, config, zkUtils, platform } = this
    const options = { consumerIdString, config, zkUtils, platform }
    this.#fetcher = new ConsumerFetcherManager(options)
  }

  async ensureOffsetManagerConnected(): Promise<void> {
    if (this.config.offsetsStorage !== 'kafka') return
    const { config, zkUtils, platform } = this
    this.#offsetsChannel ??= new OffsetsChannel({ config, zkUtils, platform })
    await this.#offsetsChannel.ensureOffsetManagerConnected()
  }

  get zkUtils(): ZkUtils {
    if (!this.#zkUtils) throw new Error('the connector is not open')
    return this.#zkUtils
  }

  get fetcher(): ConsumerFetcherManager | undefined {
    return this.#fetcher
  }

  get isShuttingDown(): boolean {
    return this.#shutdown.signal.aborted
  }

  /** Fires when `shutdown` is called. */
  get shutdownSignal(): AbortSignal {
    return this.#shutdown.signal
  }

  get loadBalancerListener(): ZKRebalancerListener | undefined {
    return this.#loadBalancerListener
  }

  /** @throws MessageStreamsExistException at the second call. */
  async createMessageStreams<K, V>(
    topicCountMap: ReadonlyMap<string, number>,
    keyDecoder: Decoder<K>,
    valueDecoder: Decoder<V>,
  ): Promise<TopicStreams<K, V>> {
    if (this.#messageStreamCreated) {
      throw new MessageStreamsExistException(
        'streams were made by this connector already',
      )
    }
    this.#messageStreamCreated = true
    return this.consume(topicCountMap, keyDecoder, valueDecoder)
  }

  /** @throws MessageStreamsExistException once streams were made. */
  setConsumerRebalanceListener(listener: ConsumerRebalanceListener): void {
    if (this.#messageStreamCreated) {
      throw new MessageStreamsExistException(
        'the listener must come before the streams',
      )
    }
    this.consumerRebalanceListener = listener
  }

  /** Makes a queue and a stream for each thread, joins the group, and rebalances. */
  async consume<K, V>(
    topicCountMap: ReadonlyMap<string, number>,
    keyDecoder: Decoder<K>,
    valueDecoder: Decoder<V>,
  ): Promise<TopicStreams<K, V>> {
    const topicCount = new StaticTopicCount(this.consumerIdString, topicCountMap)
    const threadIds = topicCount.getConsumerThreadIdsPerTopic()
    const { config, platform } = this

    // Make a queue and a stream for every thread of every topic.
    const queuesAndStreams = [...threadIds.values()].flat().map((): QueueAndStream => {
      const queue = new AsyncQueue<QueueItem>(config.queuedMaxMessages)
      const stream = new KafkaStream({
        channel: queue,
        consumerTimeoutMs: config.consumerTimeoutMs,
        keyDecoder,
        valueDecoder,
        clientId: config.clientId,
        clock: platform.clock,
      }) as KafkaStream<unknown, unknown>
      return { queue, stream }
    })

    await this.registerConsumerInZK(topicCount)
    await this.reinitializeConsumer(topicCount, queuesAndStreams)
    const streams = this.#loadBalancerListener?.kafkaMessageAndMetadataStreams
    return (streams ?? new Map()) as TopicStreams<K, V>
  }

  /** Writes this member's node, which vanishes with its session. */
  async registerConsumerInZK(topicCount: TopicCount): Promise<void> {
    const path = ConsumerIdZNode.path(this.config.groupId, this.consumerIdString)
    const data = ConsumerIdZNode.encode({
      subscription: topicCount.topicCountMap,
      pattern: topicCount.pattern,
      timestamp: this.platform.clock.now(),
    })
    await this.zkUtils.createCheckedEphemeral(path, data.toString())
    log.info(`${this.consumerIdString} is registered in ${this.config.groupId}`)
  }

  /** Ties threads to queues, watches what matters, and rebalances for the first time. */
  async reinitializeConsumer(
    topicCount: TopicCount,
    queuesAndStreams: readonly QueueAndStream[],
  ): Promise<void> {
    // Make the listeners, once.
    this.#loadBalancerListener ??= new ZKRebalancerListener(this, new Map())
    const loadBalancerListener = this.#loadBalancerListener
    this.#sessionExpirationListener ??= new ZKSessionExpireListener(
      this,
      topicCount,
      loadBalancerListener,
    )
    this.#topicPartitionChangeListener ??= new ZKTopicPartitionChangeListener(
      loadBalancerListener,
    )

    // Tie each thread to its queue, each topic to its streams.
    const threadIds = topicCount.getConsumerThreadIdsPerTopic([])
    const topicStreamsMap = loadBalancerListener.kafkaMessageAndMetadataStreams
    const next = queuesAndStreams[Symbol.iterator]()
    for (const [topic, ids] of threadIds) {
      const streams: KafkaStream<unknown, unknown>[] = []
      for (const threadId of ids) {
        const pair = next.next().value as QueueAndStream
        const key = topicAndConsumerThreadId(topic, threadId)
        this.topicThreadIdAndQueues.put(key, pair.queue)
        streams.push(pair.stream)
      }
      topicStreamsMap.set(topic, streams)
    }

    // Watch the session, the members and the topics.
    const { zkUtils } = this
    const idsDir = ConsumerIdsZNode.path(this.config.groupId)
    zkUtils.subscribeStateChanges(this.#sessionExpirationListener)
    await zkUtils.subscribeChildChanges(idsDir, loadBalancerListener)
    for (const topic of topicStreamsMap.keys()) {
      const path = `/brokers/topics/${topic}`
      await zkUtils.subscribeDataChanges(path, this.#topicPartitionChangeListener)
    }

    await loadBalancerListener.syncedRebalance()
  }

  /** The queue that feeds a stream. */
  queueOf(topic: string, threadId: ConsumerThreadId): AsyncQueue<QueueItem> {
    const key = topicAndConsumerThreadId(topic, threadId)
    const queue = this.topicThreadIdAndQueues.get(key)
    if (!queue) throw new Error(`no stream is named ${threadId} for ${topic}`)
    return queue
  }

  /** All members of the group, sorted. */
  async consumersInGroup(): Promise<string[]> {
    return (await this.zkUtils.getConsumersInGroup(this.config.groupId)).sort()
  }

  /** The streams of all members by topic, sorted as texts. */
  async consumersPerTopic(
    allTopics: readonly string[],
  ): Promise<Map<string, ConsumerThreadId[]>> {
    const { groupId, excludeInternalTopics } = this.config
    return this.zkUtils.getConsumersPerTopic(groupId, async (consumer) => {
      const path = ConsumerIdZNode.path(groupId, consumer)
      const data = await this.zkUtils.readData(path)
      const registration = ConsumerIdZNode.decode(path, data)
      const count = constructTopicCount(consumer, registration, excludeInternalTopics)
      return count.getConsumerThreadIdsPerTopic(allTopics)
    })
  }

  /**
   * Finds where to begin.
   *
   * @returns an offset for each partition, -1 where none is stored; `undefined` when the
   *   connector is shutting down.
   */
  async fetchOffsets(
    partitions: readonly TopicPartition[],
  ): Promise<TopicPartitionMap<number> | undefined> {
    const found = new TopicPartitionMap<number>()
    if (partitions.length === 0) return found

    // Read them from ZooKeeper, unless Kafka keeps them.
    if (this.config.offsetsStorage === 'zookeeper') {
      for (const tp of partitions)
        found.set(tp, await this.fetchOffsetFromZooKeeper(tp))
      return found
    }
    while (!this.isShuttingDown) {
      const offsets = await this.#tryFetchOffsets(partitions)
      if (offsets) return offsets
      await this.#backOff()
    }
    return undefined
  }

  async fetchOffsetFromZooKeeper(topicPartition: TopicPartition): Promise<number> {
    const path = ConsumerOffset.path(this.config.groupId, topicPartition)
    const data = await this.zkUtils.readDataMaybeNull(path)
    return ConsumerOffset.decode(path, data) ?? InvalidOffset
  }

  async #tryFetchOffsets(
    partitions: readonly TopicPartition[],
  ): Promise<TopicPartitionMap<number> | undefined> {
    const groupId = this.config.groupId
    const topics = [...groupByTopic(partitions)].map(([name, ids]) => ({
      name,
      partitionIndexes: ids,
    }))
    try {
      const response = await this.#onOffsetsChannel((channel) =>
        channel.exchange(ApiKeys.OFFSET_FETCH, 2, { groupId, topics }),
      )

      // Look at the error of the whole answer, too.
      let error = Errors.forCode(response.errorCode)
      const offsets = new TopicPartitionMap<number>()
      for (const { name, partitions: answers } of response.topics) {
        for (const { partition, committedOffset, errorCode } of answers) {
          if (errorCode !== 0) error = Errors.forCode(errorCode)
          offsets.set(new TopicPartition(name, partition), committedOffset)
        }
      }
      if (error === Errors.NONE) return await this.#withDualOffsets(offsets)
      log.debug(`the offsets could not be fetched: ${error.name}`)
      if (error !== Errors.COORDINATOR_LOAD_IN_PROGRESS)
        this.#offsetsChannel?.disconnect()
    } catch (failure) {
      log.warn('the offsets could not be fetched', failure)
      this.#offsetsChannel?.disconnect()
    }
    return undefined
  }

  /** While a group moves from one storage to the other, the larger offset counts. */
  async #withDualOffsets(
    offsets: TopicPartitionMap<number>,
  ): Promise<TopicPartitionMap<number>> {
    if (!this.config.dualCommitEnabled) return offsets
    for (const [topicPartition, offset] of [...offsets]) {
      const stored = await this.fetchOffsetFromZooKeeper(topicPartition)
      offsets.set(topicPartition, Math.max(offset, stored))
    }
    return offsets
  }

  /** The task of the scheduler. */
  async autoCommit(): Promise<void> {
    try {
      await this.commitOffsets(false)
    } catch (error) {
      log.error('an automatic commit failed', error)
    }
  }

  /**
   * Stores how far the application was given messages.
   *
   * @param isAutoCommit the name is Kafka's, the meaning is the contrary: with `true` one
   *   attempt is made (shutdown, rebalance, a call without arguments), with `false` it is
   *   retried `offsets.commit.max.retries` times (the periodic task).
   */
  async commitOffsets(isAutoCommit = true): Promise<void> {
    const offsets: OffsetsToCommit = new TopicPartitionMap()
    for (const [topic, partitions] of this.topicRegistry) {
      for (const [partition, info] of partitions) {
        offsets.set(new TopicPartition(topic, partition), info.getConsumeOffset())
      }
    }

    // Try until it is done, or tries are used up; then give up silently, as Kafka does.
    let tries = 1 + (isAutoCommit ? 0 : this.config.offsetsCommitMaxRetries)
    while (offsets.size > 0 && tries-- > 0) {
      if (await this.#tryCommitOffsets(offsets)) return
      if (tries > 0) await this.#backOff()
    }
  }

  async #tryCommitOffsets(offsets: OffsetsToCommit): Promise<boolean> {
    if (this.config.offsetsStorage === 'zookeeper') {
      for (const [tp, offset] of offsets) await this.commitOffsetToZooKeeper(tp, offset)
      return true
    }
    const topics = [...groupByTopic(offsets.keys())].map(([name, ids]) => ({
      name,
      partitions: ids.map((partition) => ({
        partition,
        committedOffset:
          offsets.get(new TopicPartition(name, partition)) ?? InvalidOffset,
        committedMetadata: '',
      })),
    }))
    const { groupId } = this.config
    const member = { generationId: -1, memberId: '', retentionTimeMs: -1 }
    try {
      const response = await this.#onOffsetsChannel((channel) =>
        channel.exchange(ApiKeys.OFFSET_COMMIT, 2, { groupId, ...member, topics }),
      )
      return await this.#handleCommitResponse(offsets, response.topics)
    } catch (failure) {
      log.warn('the offsets could not be committed', failure)
      this.#offsetsChannel?.disconnect()
      return false
    }
  }

  async #handleCommitResponse(
    offsets: OffsetsToCommit,
    topics: readonly {
      readonly name: string
      readonly partitions: readonly {
        readonly partition: number
        readonly errorCode: number
      }[]
    }[],
  ): Promise<boolean> {
    let shouldRetry = false
    for (const { name, partitions } of topics) {
      for (const { partition, errorCode } of partitions) {
        const topicPartition = new TopicPartition(name, partition)
        const error = Errors.forCode(errorCode)
        const offset = offsets.get(topicPartition)

        // Write to ZooKeeper, too, while the group may still have members that read there.
        if (error === Errors.NONE) {
          if (this.config.dualCommitEnabled && offset !== undefined) {
            await this.commitOffsetToZooKeeper(topicPartition, offset)
          }
          continue
        }
        log.warn(`the offset of ${topicPartition} was not committed: ${error.name}`)
        if (error !== Errors.OFFSET_METADATA_TOO_LARGE) shouldRetry = true
        if (
          error === Errors.NOT_COORDINATOR ||
          error === Errors.COORDINATOR_NOT_AVAILABLE
        ) {
          this.#offsetsChannel?.disconnect()
        }
      }
    }
    return !shouldRetry
  }

  /** Writes one offset, unless it is there already. */
  async commitOffsetToZooKeeper(tp: TopicPartition, offset: number): Promise<void> {
    if (this.checkpointedZkOffsets.get(tp) === offset) return
    const path = ConsumerOffset.path(this.config.groupId, tp)
    const data = ConsumerOffset.encode(offset).toString()
    await this.zkUtils.updatePersistentPath(path, data)
    this.checkpointedZkOffsets.set(tp, offset)
  }

  async #onOffsetsChannel<T>(use: (channel: OffsetsChannel) => Promise<T>): Promise<T> {
    const { config, zkUtils, platform } = this
    this.#offsetsChannel ??= new OffsetsChannel({ config, zkUtils, platform })
    const channel = this.#offsetsChannel
    return channel.offsetsChannelLock.runExclusive(async () => {
      await channel.ensureOffsetManagerConnected()
      return use(channel)
    })
  }

  async #backOff(): Promise<void> {
    const { offsetsChannelBackoffMs } = this.config
    try {
      await this.platform.clock.sleep(offsetsChannelBackoffMs, this.shutdownSignal)
    } catch {
      // Cut short by shutdown.
    }
  }

  /** Commits, leaves the group and ends the streams. A second call does nothing. */
  async shutdown(): Promise<void> {
    if (this.isShuttingDown) return
    this.#shutdown.abort()
    log.info(`${this.consumerIdString} is shutting down`)
    await this.#loadBalancerListener?.shutdown()

    // Wait for a rebalance that runs, then end everything in Kafka's order.
    await this.rebalanceLock.runExclusive(async () => {
      try {
        await this.#scheduler.shutdown()
        await this.#fetcher?.stopConnections()
        await this.sendShutdownToAllQueues()
        if (this.config.autoCommitEnable) await this.commitOffsets(true)
      } finally {
        this.#offsetsChannel?.close()
        await this.#zkUtils?.close()
      }
    })
  }

  /** Ends every stream: what was not given out is dropped. */
  async sendShutdownToAllQueues(): Promise<void> {
    const queues = new Set([...this.topicThreadIdAndQueues].map(([, queue]) => queue))
    for (const queue of queues) {
      queue.clear()
      await queue.put(shutdownCommand)
    }
  }
}

function groupByTopic(partitions: Iterable<TopicPartition>): Map<string, number[]> {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    topics.set(topic, [...(topics.get(topic) ?? []), partition])
  }
  return topics
}
