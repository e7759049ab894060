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
 * @differs Where 1.1.1 waits for ever, for a coordinator or a ZooKeeper that does not come,
 *   `shutdown` gives up after a time; it goes on after a step that failed, and a second call
 *   waits for the first.
 * @module
 */
import { AsyncQueue } from '../base/async/AsyncQueue.ts'
import { KafkaScheduler } from '../base/async/KafkaScheduler.ts'
import { Mutex } from '../base/async/Mutex.ts'
import {
  IllegalArgumentException,
  IllegalStateException,
  MessageStreamsExistException,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { Pool } from '../base/Pool.ts'
import type { Platform } from '../base/platform/Platform.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { ConsumerIdsZNode, ConsumerIdZNode } from '../zk/consumer-znodes.ts'
import { TopicZNode } from '../zk/topic-znodes.ts'
import { ZkUtils } from '../zk/ZkUtils.ts'
import { ZooKeeperClient } from '../zookeeper/ZooKeeperClient.ts'
import type { ConsumerConfig } from './ConsumerConfig.ts'
import type {
  ConsumerConnector,
  ConsumerEnvironment,
  ConsumerRebalanceListener,
  OffsetsToCommit,
  ReadonlyOffsets,
  TopicStreams,
} from './ConsumerConnector.ts'
import { ConsumerFetcherManager } from './ConsumerFetcherManager.ts'
import type { ConsumerThreadId } from './ConsumerThreadId.ts'
import type { Decoder } from './Decoder.ts'
import { type QueueItem, shutdownCommand } from './FetchedDataChunk.ts'
import { KafkaStream } from './KafkaStream.ts'
import { OffsetsChannel } from './OffsetsChannel.ts'
import { InvalidOffset } from './PartitionTopicInfo.ts'
import { StoredOffsets } from './stored-offsets.ts'
import {
  constructTopicCount,
  StaticTopicCount,
  type TopicCount,
  WildcardTopicCount,
} from './TopicCount.ts'
import type { TopicFilter } from './TopicFilter.ts'
import { unlessAborted } from './unless-aborted.ts'
import { WildcardStreamsHandler } from './WildcardStreamsHandler.ts'
import {
  type TopicRegistry,
  topicAndConsumerThreadId,
  ZKRebalancerListener,
} from './ZKRebalancerListener.ts'
import { ZKSessionExpireListener } from './ZKSessionExpireListener.ts'
import { ZKTopicPartitionChangeListener } from './ZKTopicPartitionChangeListener.ts'

const log = logger('ZookeeperConsumerConnector')

/** A stream and the queue that feeds it. */
export interface QueueAndStream {
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
  /** `topic/thread` → the queue that feeds that stream. */
  readonly topicThreadIdAndQueues = new Pool<string, AsyncQueue<QueueItem>>()
  consumerRebalanceListener: ConsumerRebalanceListener | undefined
  readonly #environment: ConsumerEnvironment
  readonly #enableFetcher: boolean
  readonly #scheduler: KafkaScheduler
  /** Of all streams, also those that no topic feeds yet. */
  readonly #queues: AsyncQueue<QueueItem>[] = []
  readonly #shutdown = new AbortController()
  #shuttingDown: Promise<void> | undefined
  #zkClient: ZooKeeperClient | undefined
  #zkUtils: ZkUtils | undefined
  #fetcher: ConsumerFetcherManager | undefined
  #offsetsChannel: OffsetsChannel | undefined
  #storedOffsets: StoredOffsets | undefined
  #messageStreamCreated = false
  #loadBalancerListener: ZKRebalancerListener | undefined
  #sessionExpirationListener: ZKSessionExpireListener | undefined
  #topicPartitionChangeListener: ZKTopicPartitionChangeListener | undefined
  #wildcardStreamsHandler: WildcardStreamsHandler | undefined

  /**
   * @param enableFetcher false for who only wants the group's share of partitions, or to
   *   commit: it owns them and fetches nothing, so its streams stay empty.
   */
  constructor(
    config: ConsumerConfig,
    environment: ConsumerEnvironment,
    enableFetcher = true,
  ) {
    const { clock, random, hostName } = environment.platform
    this.config = config
    this.platform = environment.platform
    this.#environment = environment
    this.#enableFetcher = enableFetcher
    this.#scheduler = new KafkaScheduler(clock)
    const made = `${hostName}-${clock.now()}-${random.uuid().slice(0, 8)}`
    this.consumerIdString = `${config.groupId}_${config.consumerId ?? made}`
  }

  /**
   * Does what Kafka's constructor does and has to wait for. Waits for a coordinator as long
   * as it takes, when offsets are kept in Kafka.
   *
   * @throws when ZooKeeper cannot be reached; nothing stays open then.
   */
  async open(): Promise<void> {
    try {
      await this.connectZk()
      this.createFetcher()
      await this.ensureOffsetManagerConnected()
    } catch (error) {
      await this.#zkUtils?.close()
      throw error
    }

    // Commit from time to time.
    if (!this.config.autoCommitEnable) return
    const { autoCommitIntervalMs: period } = this.config
    this.#scheduler.startup()
    const name = 'kafka-consumer-autocommit'
    this.#scheduler.schedule(name, () => this.autoCommit(), period, period)
  }

  /** Opens the session that this member lives in. */
  async connectZk(): Promise<void> {
    const { config, platform } = this
    const { zkConnect, zkSessionTimeoutMs, zkConnectionTimeoutMs } = config
    const client = new ZooKeeperClient({
      connect: this.#environment.zooKeeperConnect,
      connectString: zkConnect,
      sessionTimeoutMs: zkSessionTimeoutMs,
      connectionTimeoutMs: zkConnectionTimeoutMs,
      maxInFlightRequests: 10,
      clock: platform.clock,
    })
    await client.start()
    this.#zkClient = client
    const zkUtils = new ZkUtils(client)
    this.#zkUtils = zkUtils
    const channel = new OffsetsChannel({ config, zkUtils, platform })
    this.#offsetsChannel = channel
    this.#storedOffsets = new StoredOffsets({ config, zkUtils, channel })
  }

  /** Makes what fetches, if it is wanted; it stands still until something is owned. */
  createFetcher(): void {
    if (!this.#enableFetcher) return
    const { consumerIdString, config, zkUtils, platform } = this
    const options = { consumerIdString, config, zkUtils, platform }
    this.#fetcher = new ConsumerFetcherManager(options)
  }

  /** Connects to the coordinator, if it is needed at all. */
  async ensureOffsetManagerConnected(): Promise<void> {
    if (this.config.offsetsStorage !== 'kafka') return
    await this.#offsetsChannel?.ensureOffsetManagerConnected(this.shutdownSignal)
  }

  get zkUtils(): ZkUtils {
    if (!this.#zkUtils) throw new IllegalStateException('the connector is not open')
    return this.#zkUtils
  }

  /** Where the group's offsets are kept. */
  get storedOffsets(): StoredOffsets {
    const stored = this.#storedOffsets
    if (!stored) throw new IllegalStateException('the connector is not open')
    return stored
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
    this.#streamsAreMadeNow()
    return this.consume(topicCountMap, keyDecoder, valueDecoder)
  }

  /**
   * Makes streams that all topics share which a filter allows.
   *
   * @throws MessageStreamsExistException once streams were made.
   * @throws IllegalArgumentException for less than one stream.
   */
  async createMessageStreamsByFilter<K, V>(
    topicFilter: TopicFilter,
    numStreams: number,
    keyDecoder: Decoder<K>,
    valueDecoder: Decoder<V>,
  ): Promise<KafkaStream<K, V>[]> {
    if (!Number.isInteger(numStreams) || numStreams < 1) {
      throw new IllegalArgumentException(`${numStreams} streams; expected at least 1`)
    }
    this.#streamsAreMadeNow()
    const decoders = { keyDecoder, valueDecoder }
    const pairs = this.#queuesAndStreams(numStreams, decoders)
    const handler = new WildcardStreamsHandler(this, topicFilter, pairs)
    this.#wildcardStreamsHandler = handler
    await handler.start()
    return pairs.map(({ stream }) => stream as unknown as KafkaStream<K, V>)
  }

  #streamsAreMadeNow(): void {
    if (this.#messageStreamCreated) {
      throw new MessageStreamsExistException(
        'streams were made by this connector already',
      )
    }
    this.#messageStreamCreated = true
  }

  #queuesAndStreams<K, V>(
    count: number,
    decoders: { readonly keyDecoder: Decoder<K>; readonly valueDecoder: Decoder<V> },
  ): QueueAndStream[] {
    const { clientId, consumerTimeoutMs, queuedMaxMessages } = this.config
    const { clock } = this.platform
    return Array.from({ length: count }, () => {
      const channel = new AsyncQueue<QueueItem>(queuedMaxMessages)
      this.#queues.push(channel)
      const options = { channel, consumerTimeoutMs, clientId, clock, ...decoders }
      const stream = new KafkaStream(options) as KafkaStream<unknown, unknown>
      return { queue: channel, stream }
    })
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

    // Make a queue and a stream for every thread of every topic.
    const count = [...threadIds.values()].flat().length
    const queuesAndStreams = this.#queuesAndStreams(count, { keyDecoder, valueDecoder })

    // Join the group; what is owned begins to flow.
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

  /**
   * Ties threads to queues, watches what matters, and rebalances. Called once for a list of
   * topics, and again and again for an expression, as topics come and go.
   *
   * @param queuesAndStreams one for each thread of each topic; with an expression, one for
   *   each thread, which all topics share.
   */
  async reinitializeConsumer(
    topicCount: TopicCount,
    queuesAndStreams: readonly QueueAndStream[],
  ): Promise<void> {
    const isWildcard = topicCount instanceof WildcardTopicCount
    const allTopics = isWildcard ? await this.zkUtils.getAllTopics() : []
    if (this.isShuttingDown) {
      throw new IllegalStateException('the connector is shut down')
    }

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
    const threadIds = topicCount.getConsumerThreadIdsPerTopic(allTopics)
    const topicStreamsMap = loadBalancerListener.kafkaMessageAndMetadataStreams
    let next = 0
    for (const [topic, ids] of threadIds) {
      const from = isWildcard ? 0 : next
      const pairs = queuesAndStreams.slice(from, from + ids.length)
      next = from + ids.length
      for (const [i, { queue }] of pairs.entries()) {
        const threadId = ids[i] as ConsumerThreadId
        this.topicThreadIdAndQueues.put(
          topicAndConsumerThreadId(topic, threadId),
          queue,
        )
      }
      topicStreamsMap.set(
        topic,
        pairs.map(({ stream }) => stream),
      )
    }

    // Watch the session, the members and the topics.
    const { zkUtils } = this
    const idsDir = ConsumerIdsZNode.path(this.config.groupId)
    zkUtils.subscribeStateChanges(this.#sessionExpirationListener)
    await zkUtils.subscribeChildChanges(idsDir, loadBalancerListener)
    for (const topic of topicStreamsMap.keys()) {
      const path = TopicZNode.path(topic)
      await zkUtils.subscribeDataChanges(path, this.#topicPartitionChangeListener)
    }

    await loadBalancerListener.syncedRebalance()
  }

  /** The queue that feeds a stream. */
  queueOf(topic: string, threadId: ConsumerThreadId): AsyncQueue<QueueItem> {
    const key = topicAndConsumerThreadId(topic, threadId)
    const queue = this.topicThreadIdAndQueues.get(key)
    if (!queue) {
      throw new IllegalStateException(`no stream is named ${threadId} for ${topic}`)
    }
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
    if (partitions.length === 0) return new TopicPartitionMap()
    while (!this.isShuttingDown) {
      const offsets = await this.storedOffsets.fetch(partitions, this.shutdownSignal)
      if (offsets) return offsets
      await this.#backOff()
    }
    return undefined
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
   * @differs 1.1.1 sends the same offsets at each retry, and so may set a group back that
   *   has gone on in another member. It also commits -1 for a partition of which it does
   *   not know yet where it stands, and, without a fetcher, the offset that was stored when
   *   the partition was claimed, over what was committed since.
   */
  commitOffsets(isAutoCommit?: boolean): Promise<void>

  /**
   * Stores given offsets, also of partitions that this member does not own.
   *
   * @param retryOnFailure whether to try `offsets.commit.max.retries` times more.
   * @differs In 1.1.1 `true` tries once and `false` tries again, the contrary of what its
   *   Java interface says; here it is as its name says.
   */
  commitOffsets(
    offsetsToCommit: ReadonlyOffsets,
    retryOnFailure: boolean,
  ): Promise<void>

  async commitOffsets(
    given: boolean | ReadonlyOffsets = true,
    retryOnFailure = given === false,
  ): Promise<void> {
    // Try until it is done, or tries are used up; then give up silently, as Kafka does.
    // Look anew each time: what was given up meanwhile is somebody else's to commit.
    let tries = 1 + (retryOnFailure ? this.config.offsetsCommitMaxRetries : 0)
    while (tries-- > 0) {
      const offsets =
        typeof given === 'boolean'
          ? this.#consumeOffsets()
          : new TopicPartitionMap(given)
      if (offsets.size === 0 || (await this.#tryCommitOffsets(offsets))) return
      if (this.isShuttingDown) return
      if (tries > 0) await this.#backOff()
    }
  }

  #consumeOffsets(): OffsetsToCommit {
    const offsets: OffsetsToCommit = new TopicPartitionMap()

    // Without a fetcher nothing is given out.
    if (!this.#enableFetcher) return offsets
    for (const partitions of this.topicRegistry.values()) {
      for (const info of partitions.values()) {
        const offset = info.getConsumeOffset()
        if (offset !== InvalidOffset) offsets.set(info.topicPartition, offset)
      }
    }
    return offsets
  }

  async #tryCommitOffsets(offsets: OffsetsToCommit): Promise<boolean> {
    const { storedOffsets, shutdownSignal } = this
    if (!this.isShuttingDown) return storedOffsets.commit(offsets, shutdownSignal)

    // Look for a coordinator for a last time, but not for ever.
    const { clock } = this.platform
    const giveUp = new AbortController()
    const patienceMs = this.config.offsetsChannelSocketTimeoutMs
    const timer = clock.setTimeout(() => giveUp.abort(), patienceMs)
    try {
      return await storedOffsets.commit(offsets, giveUp.signal)
    } finally {
      clock.clearTimeout(timer)
    }
  }

  async #backOff(): Promise<void> {
    const { offsetsChannelBackoffMs } = this.config
    try {
      await this.platform.clock.sleep(offsetsChannelBackoffMs, this.shutdownSignal)
    } catch {
      // Cut short by shutdown.
    }
  }

  /**
   * Commits, leaves the group and ends the streams. Never throws. Waits for a rebalance
   * that runs: a rebalance listener must not wait for it.
   */
  shutdown(): Promise<void> {
    this.#shuttingDown ??= this.#shutdownOnce()
    return this.#shuttingDown
  }

  async #shutdownOnce(): Promise<void> {
    this.#shutdown.abort()
    log.info(`${this.consumerIdString} is shutting down`)
    const ending = this.#endConsuming().catch((error) => {
      log.error('error during consumer connector shutdown', error)
    })

    // Leave ZooKeeper in the end, or now, if it does not answer.
    const { signal, stop } = this.#whenZooKeeperIsGone()
    try {
      await unlessAborted(ending, signal)
    } catch {
      log.warn('ZooKeeper does not answer; shutting down without it')
    }
    stop()
    try {
      await this.#zkUtils?.close()
    } catch (error) {
      log.warn('the session could not be closed; it will expire', error)
    }

    // Wait for what went on without ZooKeeper: its failures end it.
    await ending
    this.#offsetsChannel?.disconnect()
  }

  async #endConsuming(): Promise<void> {
    await this.#wildcardStreamsHandler?.shutdown()
    await this.#loadBalancerListener?.shutdown()

    // Wait for a rebalance that runs, then end everything in Kafka's order.
    await this.rebalanceLock.runExclusive(async () => {
      await this.#scheduler.shutdown()
      await this.#fetcher?.stopConnections()
      await this.sendShutdownToAllQueues()
      if (this.config.autoCommitEnable) await this.commitOffsets(true)
    })
  }

  /** A signal that fires when the session must have expired without our hearing of it. */
  #whenZooKeeperIsGone(): { signal: AbortSignal; stop: () => void } {
    const { clock } = this.platform
    const gone = new AbortController()
    const look = () => {
      if (this.#zkClient?.connectionState !== 'connected') gone.abort()
      else timer = clock.setTimeout(look, this.config.zkSessionTimeoutMs)
    }
    let timer = clock.setTimeout(look, this.config.zkSessionTimeoutMs)
    return { signal: gone.signal, stop: () => clock.clearTimeout(timer) }
  }

  /** Ends every stream: what was not given out is dropped. */
  async sendShutdownToAllQueues(): Promise<void> {
    for (const queue of this.#queues) {
      queue.clear()
      await queue.put(shutdownCommand)
    }
  }
}
