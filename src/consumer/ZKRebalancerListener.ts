/**
 * # ZKRebalancerListener
 *
 * Shares the partitions out anew whenever the group, a topic or the brokers change.
 *
 *     something changed ─▶ rebalanceEventTriggered ─▶ watcher executor ─▶ syncedRebalance
 *                                                                             │ up to 4 tries
 *          closeFetchers ─▶ commit ─▶ release ─▶ assign ─▶ fetch offsets ◀────┘
 *              ─▶ claim owner nodes ─▶ updateFetcher
 *
 * No coordinator decides: each member computes the same assignment from the same nodes.
 * Where two members disagree for a moment, the claim of an owner node fails, and the one
 * that lost waits and tries again.
 *
 * Invariants: a partition is fetched only while its owner node is ours; offsets are
 * committed before ownership is given up, so that the next owner begins where we ended.
 *
 * Lock: `rebalanceLock` is a mutex, held for a whole rebalance with its pauses, as in Kafka.
 *
 * @kafka core/src/main/scala/kafka/consumer/ZookeeperConsumerConnector.scala#ZKRebalancerListener
 * @differs A broker that registers between "none is alive" and the watch is seen, and what
 *   was claimed before a claim failed in ZooKeeper is given back; 1.1.1 does neither, and
 *   waits or blocks others until something else changes.
 * @module
 */
import type { AsyncQueue } from '../base/async/AsyncQueue.ts'
import { Condition } from '../base/async/Condition.ts'
import { ShutdownableThread } from '../base/async/ShutdownableThread.ts'
import { ConsumerRebalanceFailedException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { Pool } from '../base/Pool.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import type { Cluster } from '../zk/Broker.ts'
import { ConsumerIdZNode, ConsumerOwnerZNode } from '../zk/consumer-znodes.ts'
import { NodeExistsException } from '../zookeeper/client.ts'
import type { ConsumerConfig } from './ConsumerConfig.ts'
import type { ConsumerThreadId } from './ConsumerThreadId.ts'
import type { QueueItem } from './FetchedDataChunk.ts'
import type { KafkaStream } from './KafkaStream.ts'
import {
  type Assignment,
  type AssignmentContext,
  createPartitionAssignor,
  type PartitionAssignor,
} from './PartitionAssignor.ts'
import { PartitionTopicInfo } from './PartitionTopicInfo.ts'
import { constructTopicCount, type TopicCount } from './TopicCount.ts'
import type { ZookeeperConsumerConnector } from './ZookeeperConsumerConnector.ts'

const log = logger('ZKRebalancerListener')

/** Key of a stream's queue: topic names hold no slash. */
export function topicAndConsumerThreadId(topic: string, id: ConsumerThreadId): string {
  return `${topic}/${id}`
}

function topicOf(topicAndThread: string): string {
  return topicAndThread.slice(0, topicAndThread.indexOf('/'))
}

/** What this consumer owns: topic → partition → where it stands. */
export type TopicRegistry = Pool<string, Pool<number, PartitionTopicInfo>>

/** Reacts to changes of the group by sharing the partitions out anew. */
export class ZKRebalancerListener {
  readonly #connector: ZookeeperConsumerConnector
  /** Of the connector whose partitions it shares out. */
  readonly config: ConsumerConfig
  readonly #partitionAssignor: PartitionAssignor
  readonly #watcherExecutor: WatcherExecutor
  readonly kafkaMessageAndMetadataStreams: Map<string, KafkaStream<unknown, unknown>[]>

  constructor(
    connector: ZookeeperConsumerConnector,
    kafkaMessageAndMetadataStreams: Map<string, KafkaStream<unknown, unknown>[]>,
  ) {
    this.#connector = connector
    this.config = connector.config
    this.kafkaMessageAndMetadataStreams = kafkaMessageAndMetadataStreams
    this.#partitionAssignor = createPartitionAssignor(
      connector.config.partitionAssignmentStrategy,
    )
    this.#watcherExecutor = new WatcherExecutor(connector.consumerIdString, () =>
      this.syncedRebalance(),
    )
    this.#watcherExecutor.start()
  }

  /** A member came or went, or, where there was none, a broker. */
  handleChildChange(): void {
    this.rebalanceEventTriggered()
  }

  /** Asks for a rebalance. Many requests between two rebalances are one. */
  rebalanceEventTriggered(): void {
    this.#watcherExecutor.trigger()
  }

  /** Forgets what is owned, after the session that owned it has ended. */
  resetState(): void {
    this.#connector.topicRegistry.clear()
  }

  /** Ends the loop that waits for changes. */
  async shutdown(): Promise<void> {
    await this.#watcherExecutor.shutdown()
  }

  /**
   * Shares out anew; tries a few times, with pauses.
   *
   * @throws ConsumerRebalanceFailedException when no try succeeds.
   */
  async syncedRebalance(): Promise<void> {
    const { rebalanceLock, config, platform, consumerIdString } = this.#connector
    const { rebalanceMaxRetries, rebalanceBackoffMs } = config
    const done = await rebalanceLock.runExclusive(async () => {
      for (let i = 0; i < rebalanceMaxRetries; i++) {
        if (this.#connector.isShuttingDown) return true
        log.info(`${consumerIdString} begins rebalancing, try ${i}`)
        if (await this.#tryRebalance()) return true
        await this.#pause(rebalanceBackoffMs, platform.clock)
      }
      return false
    })
    if (!done) {
      throw new ConsumerRebalanceFailedException(
        `${consumerIdString} can't rebalance after ${rebalanceMaxRetries} tries`,
      )
    }
  }

  /** Tries once. Never throws; after a failure nothing is fetched until the next try. */
  async #tryRebalance(): Promise<boolean> {
    const { zkUtils, consumerIdString } = this.#connector
    try {
      const cluster = await zkUtils.getCluster()
      if (await this.rebalance(cluster)) return true
    } catch (error) {
      // Go on: another member may have changed the group, and the next try reads anew.
      log.info(`${consumerIdString}: a try to rebalance failed`, error)
    }
    try {
      await this.closeFetchersForQueues(this.#allQueues())
    } catch (error) {
      log.warn(`${consumerIdString}: could not commit between two tries`, error)
    }
    return false
  }

  async #pause(
    ms: number,
    clock: { sleep(ms: number, signal?: AbortSignal): Promise<void> },
  ): Promise<void> {
    try {
      await clock.sleep(ms, this.#connector.shutdownSignal)
    } catch {
      // Cut short by shutdown, which the next try sees.
    }
  }

  /**
   * Shares out once.
   *
   * @returns false when another member still owns what should be ours, or the connector is
   *   shutting down.
   * @throws when ZooKeeper fails, or this member's own registration is gone.
   */
  async rebalance(cluster: Cluster): Promise<boolean> {
    const connector = this.#connector
    const { zkUtils, consumerIdString } = connector

    // Read our registration first. Without it others own what we believe to own.
    const myTopicCount = await this.#myTopicCount()

    // Without a broker there is nothing to share; its coming starts the next rebalance.
    const brokers = await zkUtils.getAllBrokersInCluster()
    if (brokers.length === 0) {
      log.warn('no broker is alive')
      const came = await zkUtils.subscribeChildChanges('/brokers/ids', this)
      if (came && came.length > 0) this.rebalanceEventTriggered()
      return true
    }

    // Stand still, commit, and give up what was owned.
    await this.closeFetchers()
    await connector.consumerRebalanceListener?.beforeReleasingPartitions?.(
      this.#ownership(),
    )
    await this.releasePartitionOwnership(connector.topicRegistry)

    // Compute who owns what; everybody computes the same.
    const context = await this.#assignmentContext(myTopicCount)
    const globalAssignment = this.#partitionAssignor.assign(context)
    const mine: TopicPartitionMap<ConsumerThreadId> =
      globalAssignment.get(consumerIdString) ?? new TopicPartitionMap()

    // Find out where to begin in each.
    const offsets = await connector.fetchOffsets([...mine.keys()])
    if (connector.isShuttingDown || offsets === undefined) return false
    for (const topicPartition of mine.keys()) {
      if (!offsets.has(topicPartition)) return false
    }

    // Claim the partitions; all or none.
    if (!(await this.reflectPartitionOwnershipDecision(mine))) return false
    const registry = await this.#registryOf(mine)
    if (registry === undefined) return false
    connector.topicRegistry = registry
    await connector.consumerRebalanceListener?.beforeStartingFetchers?.(
      consumerIdString,
      byTopic(globalAssignment),
    )

    await this.updateFetcher(cluster)
    return true
  }

  /** Stops fetching into the streams of the topics that are subscribed now. */
  async closeFetchers(): Promise<void> {
    const topics = new Set(this.kafkaMessageAndMetadataStreams.keys())
    const queues = new Set<AsyncQueue<QueueItem>>()
    for (const [key, queue] of this.#connector.topicThreadIdAndQueues) {
      if (topics.has(topicOf(key))) queues.add(queue)
    }
    await this.closeFetchersForQueues([...queues])
  }

  /** Stops all fetchers, drops what waits in `queues`, and commits what was given out. */
  async closeFetchersForQueues(
    queues: readonly AsyncQueue<QueueItem>[],
  ): Promise<void> {
    const { fetcher, config } = this.#connector
    if (!fetcher) return
    await fetcher.stopConnections()
    this.clearFetcherQueues(queues)

    // Commit before ownership is released, so that the next owner begins behind us.
    if (config.autoCommitEnable) await this.#connector.commitOffsets(true)
  }

  /** Drops chunks that were not given out, also the one each stream is walking over. */
  clearFetcherQueues(queues: readonly AsyncQueue<QueueItem>[]): void {
    for (const queue of queues) queue.clear()
    for (const streams of this.kafkaMessageAndMetadataStreams.values()) {
      for (const stream of streams) stream.clear()
    }
  }

  /** Deletes our owner nodes. */
  async releasePartitionOwnership(registry: TopicRegistry): Promise<void> {
    for (const topic of [...registry.keys()]) {
      for (const partition of registry.get(topic)?.keys() ?? []) {
        await this.#deleteOwnership(new TopicPartition(topic, partition))
      }
      registry.remove(topic)
    }
  }

  async #deleteOwnership(topicPartition: TopicPartition): Promise<void> {
    const { zkUtils, config } = this.#connector
    await zkUtils.deletePath(ConsumerOwnerZNode.path(config.groupId, topicPartition))
  }

  /** Takes a partition into `registry`, at the stored offset. */
  addPartitionTopicInfo(
    registry: TopicRegistry,
    topicPartition: TopicPartition,
    offset: number,
    threadId: ConsumerThreadId,
  ): void {
    const { topic, partition } = topicPartition
    const queue = this.#connector.queueOf(topic, threadId)
    const info = new PartitionTopicInfo(topicPartition, queue, offset)
    registry.getAndMaybePut(topic, () => new Pool()).put(partition, info)

    // What is stored need not be stored again.
    this.#connector.storedOffsets.checkpointedZkOffsets.set(topicPartition, offset)
  }

  /**
   * Makes the registry of what has just been claimed.
   *
   * @returns undefined when the connector is shutting down; the claims are given back then
   * @differs 1.1.1 begins at the offsets that it read before it claimed. Whoever owned a
   *   partition until then may have committed in between, and its last messages came
   *   twice; so they are read once more.
   */
  async #registryOf(
    mine: TopicPartitionMap<ConsumerThreadId>,
  ): Promise<TopicRegistry | undefined> {
    let offsets: TopicPartitionMap<number> | undefined
    try {
      offsets = await this.#connector.fetchOffsets([...mine.keys()])
    } finally {
      if (offsets === undefined) await this.#giveBack([...mine.keys()])
    }
    if (offsets === undefined) return undefined
    const registry: TopicRegistry = new Pool()
    for (const [topicPartition, threadId] of mine) {
      const offset = offsets.get(topicPartition) ?? -1
      this.addPartitionTopicInfo(registry, topicPartition, offset, threadId)
    }
    return registry
  }

  /**
   * Creates our owner nodes. Should one exist, its owner has not let go yet: what was
   * claimed in this round is given back.
   */
  async reflectPartitionOwnershipDecision(
    mine: TopicPartitionMap<ConsumerThreadId>,
  ): Promise<boolean> {
    const claimed: TopicPartition[] = []
    try {
      for (const [topicPartition, threadId] of mine) {
        if (await this.#claim(topicPartition, threadId)) claimed.push(topicPartition)
      }
    } catch (error) {
      // Give back what we hold, else nobody could claim it while we live.
      await this.#giveBack(claimed)
      throw error
    }
    if (claimed.length === mine.size) return true
    await this.#giveBack(claimed)
    return false
  }

  async #claim(
    topicPartition: TopicPartition,
    threadId: ConsumerThreadId,
  ): Promise<boolean> {
    const { zkUtils, config } = this.#connector
    const path = ConsumerOwnerZNode.path(config.groupId, topicPartition)
    try {
      await zkUtils.createEphemeralPathExpectConflict(path, threadId.toString())
      return true
    } catch (error) {
      if (!(error instanceof NodeExistsException)) throw error
      log.info(`waiting for the owner of ${topicPartition} to release it`)
      return false
    }
  }

  async #giveBack(claimed: readonly TopicPartition[]): Promise<void> {
    for (const topicPartition of claimed) await this.#deleteOwnership(topicPartition)
  }

  /** Starts to fetch what is owned now. */
  async updateFetcher(cluster: Cluster): Promise<void> {
    const allPartitionInfos: PartitionTopicInfo[] = []
    for (const partitions of this.#connector.topicRegistry.values()) {
      allPartitionInfos.push(...partitions.values())
    }
    log.info(`${this.#connector.consumerIdString} owns ${allPartitionInfos.join(', ')}`)
    this.#connector.fetcher?.startConnections(allPartitionInfos, cluster)
  }

  /** Reads our own registration: what it says decides, not what we remember. */
  async #myTopicCount(): Promise<TopicCount> {
    const { zkUtils, config, consumerIdString } = this.#connector
    const { groupId, excludeInternalTopics } = config
    const path = ConsumerIdZNode.path(groupId, consumerIdString)
    const registration = ConsumerIdZNode.decode(path, await zkUtils.readData(path))
    return constructTopicCount(consumerIdString, registration, excludeInternalTopics)
  }

  async #assignmentContext(myTopicCount: TopicCount): Promise<AssignmentContext> {
    const { zkUtils, consumerIdString: consumerId } = this.#connector
    const topics = await zkUtils.getAllTopics()
    const myTopicThreadIds = myTopicCount.getConsumerThreadIdsPerTopic(topics)
    const consumersForTopic = await this.#connector.consumersPerTopic(topics)
    const consumers = await this.#connector.consumersInGroup()
    const partitionsForTopic = await zkUtils.getPartitionsForTopics(
      new Set([...myTopicThreadIds.keys(), ...consumersForTopic.keys()]),
    )
    return {
      ...{ consumerId, myTopicThreadIds, consumers },
      ...{ consumersForTopic, partitionsForTopic },
    }
  }

  #ownership(): Map<string, ReadonlySet<number>> {
    const owned = new Map<string, ReadonlySet<number>>()
    for (const [topic, partitions] of this.#connector.topicRegistry) {
      owned.set(topic, new Set(partitions.keys()))
    }
    return owned
  }

  #allQueues(): AsyncQueue<QueueItem>[] {
    const queues = [...this.#connector.topicThreadIdAndQueues].map(([, queue]) => queue)
    return [...new Set(queues)]
  }
}

function byTopic(
  assignment: Assignment,
): Map<string, ReadonlyMap<number, ConsumerThreadId>> {
  const topics = new Map<string, Map<number, ConsumerThreadId>>()
  for (const owned of assignment.values()) {
    for (const [{ topic, partition }, threadId] of owned) {
      const partitions = topics.get(topic) ?? new Map<number, ConsumerThreadId>()
      partitions.set(partition, threadId)
      topics.set(topic, partitions)
    }
  }
  return topics
}

/** Waits for changes and rebalances; several changes are one rebalance. */
class WatcherExecutor extends ShutdownableThread {
  readonly #rebalance: () => Promise<void>
  readonly #cond = new Condition()
  #isWatcherTriggered = false

  constructor(consumerIdString: string, rebalance: () => Promise<void>) {
    super(`${consumerIdString}_watcher_executor`)
    this.#rebalance = rebalance
  }

  trigger(): void {
    this.#isWatcherTriggered = true
    this.#cond.signalAll()
  }

  override async doWork(): Promise<void> {
    while (!this.#isWatcherTriggered) {
      await this.#cond.wait(this.signal)
      if (!this.isRunning) return
    }
    this.#isWatcherTriggered = false
    try {
      await this.#rebalance()
    } catch (error) {
      // Nothing is consumed until the next change, as in Kafka.
      log.error('error during a rebalance', error)
    }
  }
}
