/**
 * # ZkUtils
 *
 * ZooKeeper as the old consumer sees it: text in, text out, and listeners that stay. The
 * watch of ZooKeeper fires once; here an event reads the node again, which sets the next
 * watch, and hands what it read to the listeners.
 *
 *     event ─▶ queue ─▶ exists + getChildren (watch set again) ─▶ handleChildChange(list)
 *
 * Invariants: listeners run one at a time, in the order of their events, and never inside
 * the call that subscribed them. After a new session the state listeners run first, then
 * all others, because nobody knows what happened in between. After `close` none runs.
 *
 * Left out: what command-line tools use, and listeners for changes of the connection,
 * where the old consumer does nothing.
 *
 * @kafka core/src/main/scala/kafka/utils/ZkUtils.scala#ZkUtils
 * @differs Kafka puts this on the zkclient library; here it stands on the same client as
 *   KafkaZkClient, with the rules of zkclient for listeners
 * @module
 */

import { logger } from '../base/logger.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import type { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { NodeExistsException, NoNodeException } from '../zookeeper/client.ts'
import type { ZooKeeperClient } from '../zookeeper/ZooKeeperClient.ts'
import { type Broker, Cluster } from './Broker.ts'
import { BrokerIdsZNode, BrokerIdZNode } from './cluster-znodes.ts'
import { ConsumerPathZNode } from './consumer-znodes.ts'
import type { LeaderIsrAndControllerEpoch } from './LeaderAndIsr.ts'
import { TopicPartitionStateZNode, TopicsZNode, TopicZNode } from './topic-znodes.ts'
import { parentPath, ZNodeAccess } from './ZNodeAccess.ts'
import { encodeText } from './znode.ts'

const log = logger('ZkUtils')

/** Told when the children of a node changed. */
export interface IZkChildListener {
  /** @param currentChilds - the names read after the event; null when the node is gone */
  handleChildChange(
    parentPath: string,
    currentChilds: string[] | null,
  ): void | Promise<void>
}

/** Told when the data of a node changed. */
export interface IZkDataListener {
  /** @param data - what was read after the event; null for a node without data */
  handleDataChange(dataPath: string, data: string | null): void | Promise<void>
  handleDataDeleted(dataPath: string): void | Promise<void>
}

/** Told when a new session replaced one that expired. */
export interface IZkStateListener {
  /** All ephemeral nodes of the old session are gone: make them again. */
  handleNewSession(): void | Promise<void>
}

/**
 * The paths of a group.
 *
 * @kafka core/src/main/scala/kafka/utils/ZkUtils.scala#ZKGroupDirs
 */
export class ZKGroupDirs {
  readonly group: string

  constructor(group: string) {
    this.group = group
  }

  /** The parent of all groups. */
  get consumerDir(): string {
    return ConsumerPathZNode.path()
  }

  get consumerGroupDir(): string {
    return `${this.consumerDir}/${this.group}`
  }

  /** The parent of the members. */
  get consumerRegistryDir(): string {
    return `${this.consumerGroupDir}/ids`
  }

  /** The parent of the committed offsets. */
  get consumerGroupOffsetsDir(): string {
    return `${this.consumerGroupDir}/offsets`
  }

  /** The parent of the claims on partitions. */
  get consumerGroupOwnersDir(): string {
    return `${this.consumerGroupDir}/owners`
  }
}

/**
 * The paths of a group in one topic.
 *
 * @kafka core/src/main/scala/kafka/utils/ZkUtils.scala#ZKGroupTopicDirs
 */
export class ZKGroupTopicDirs extends ZKGroupDirs {
  readonly topic: string

  constructor(group: string, topic: string) {
    super(group)
    this.topic = topic
  }

  /** The parent of the topic's offsets. */
  get consumerOffsetDir(): string {
    return `${this.consumerGroupOffsetsDir}/${this.topic}`
  }

  /** The parent of the claims on the topic's partitions. */
  get consumerOwnerDir(): string {
    return `${this.consumerGroupOwnersDir}/${this.topic}`
  }
}

/** Who listens at one path. */
interface PathListeners {
  readonly children: Set<IZkChildListener>
  readonly data: Set<IZkDataListener>
}

/** The old consumer's ZooKeeper client. */
export class ZkUtils {
  readonly #client: ZooKeeperClient
  readonly #access: ZNodeAccess
  readonly #listeners = new Map<string, PathListeners>()
  readonly #stateListeners = new Set<IZkStateListener>()
  #events: Promise<void> = Promise.resolve()
  #closed = false

  /**
   * Takes over a client that was started; `close` closes it.
   *
   * @param client - keeps the session; it must have no other owner
   */
  constructor(client: ZooKeeperClient) {
    this.#client = client
    this.#access = new ZNodeAccess(client, false)
    client.registerStateChangeHandler({
      name: 'ZkUtils',
      afterInitializingSession: () => this.#newSession(),
    })
  }

  // ── Brokers and topics ────────────────────────────────────────────────────────────────

  /** The live brokers by id. */
  async getCluster(): Promise<Cluster> {
    return new Cluster(await this.getAllBrokersInCluster())
  }

  /**
   * The live brokers, in ascending order of their ids.
   *
   * @kafka core/src/main/scala/kafka/utils/ZkUtils.scala#ZkUtils.getAllBrokersInCluster
   */
  async getAllBrokersInCluster(): Promise<Broker[]> {
    const children = await this.getChildrenParentMayNotExist(BrokerIdsZNode.path())
    const ids = BrokerIdsZNode.decode(children ?? [])
    const brokers = await Promise.all(ids.map((id) => this.getBrokerInfo(id)))
    return brokers.filter((b) => b !== undefined)
  }

  /** A live broker; `undefined` when it is not registered. */
  async getBrokerInfo(brokerId: number): Promise<Broker | undefined> {
    const node = await this.#access.getDataOrNone(BrokerIdZNode.path(brokerId))
    return node?.data ? BrokerIdZNode.decode(brokerId, node.data).broker : undefined
  }

  /** The names of all topics. */
  async getAllTopics(): Promise<string[]> {
    return (await this.getChildrenParentMayNotExist(TopicsZNode.path())) ?? []
  }

  /**
   * Numbers of the partitions of each topic, ascending.
   *
   * @kafka core/src/main/scala/kafka/utils/ZkUtils.scala#ZkUtils.getPartitionsForTopics
   */
  async getPartitionsForTopics(
    topics: Iterable<string>,
  ): Promise<Map<string, number[]>> {
    const numbers = async (topic: string) => {
      const assignment = await this.#assignment(topic)
      const partitions = Array.from(assignment?.keys() ?? [], (tp) => tp.partition)
      return [topic, partitions.sort((a, b) => a - b)] as const
    }
    return new Map(await Promise.all(Array.from(topics, numbers)))
  }

  async #assignment(topic: string): Promise<TopicPartitionMap<number[]> | undefined> {
    const node = await this.#access.getDataOrNone(TopicZNode.path(topic))
    return node?.data ? TopicZNode.decode(topic, node.data) : undefined
  }

  /** Leader and ISR of a partition; `undefined` when it was never led. */
  async getLeaderAndIsrForPartition(
    topic: string,
    partition: number,
  ): Promise<LeaderIsrAndControllerEpoch | undefined> {
    const tp = new TopicPartition(topic, partition)
    const node = await this.#access.getDataOrNone(TopicPartitionStateZNode.path(tp))
    if (!node?.data) return undefined
    return TopicPartitionStateZNode.decode(tp, node.data, node.stat.version)
  }

  // ── Groups ────────────────────────────────────────────────────────────────────────────

  /** The members of a group. */
  getConsumersInGroup(group: string): Promise<string[]> {
    return this.getChildren(new ZKGroupDirs(group).consumerRegistryDir)
  }

  /**
   * Lists which threads of which members want each topic.
   *
   * @param threadIdsPerTopic - tells for a member the thread ids by topic
   * @returns thread ids by topic, sorted as text
   * @kafka core/src/main/scala/kafka/utils/ZkUtils.scala#ZkUtils.getConsumersPerTopic
   * @differs Kafka calls TopicCount of the consumer from here, which would be a circle
   */
  async getConsumersPerTopic<T>(
    group: string,
    threadIdsPerTopic: (consumer: string) => Promise<ReadonlyMap<string, Iterable<T>>>,
  ): Promise<Map<string, T[]>> {
    // Collect the threads of all members.
    const consumersPerTopic = new Map<string, T[]>()
    for (const consumer of await this.getConsumersInGroup(group)) {
      for (const [topic, threads] of await threadIdsPerTopic(consumer)) {
        consumersPerTopic.set(topic, [
          ...(consumersPerTopic.get(topic) ?? []),
          ...threads,
        ])
      }
    }

    // Sort them, so that all members see the same order.
    for (const threads of consumersPerTopic.values()) {
      threads.sort((a, b) => (String(a) < String(b) ? -1 : 1))
    }
    return consumersPerTopic
  }

  // ── Reading and writing ───────────────────────────────────────────────────────────────

  /** Names of the children. @throws NoNodeException when there is no such node */
  async getChildren(path: string): Promise<string[]> {
    return (await this.#client.getChildren(path)).children
  }

  /** Names of the children; `undefined` when there is no such node. */
  async getChildrenParentMayNotExist(path: string): Promise<string[] | undefined> {
    try {
      return await this.getChildren(path)
    } catch (e) {
      if (e instanceof NoNodeException) return undefined
      throw e
    }
  }

  /** Whether a node exists. */
  pathExists(path: string): Promise<boolean> {
    return this.#access.pathExists(path)
  }

  /** The text of a node. @throws NoNodeException when there is no such node */
  async readData(path: string): Promise<string> {
    return (await this.#client.getData(path)).data?.toString() ?? ''
  }

  /** The text of a node; `undefined` when there is no such node, or no data in it. */
  async readDataMaybeNull(path: string): Promise<string | undefined> {
    return (await this.#access.getDataOrNone(path))?.data?.toString()
  }

  /** Makes sure that a persistent node exists. */
  makeSurePersistentPathExists(path: string): Promise<void> {
    return this.#access.makeSurePersistentPathExists(path)
  }

  /** Creates a persistent node, with its parents. */
  createPersistentPath(path: string, data = ''): Promise<void> {
    return this.#access.createRecursive(path, encodeText(data))
  }

  /**
   * Writes a persistent node, and creates it where it is missing.
   *
   * @kafka core/src/main/scala/kafka/utils/ZkUtils.scala#ZkUtils.updatePersistentPath
   */
  async updatePersistentPath(path: string, data: string): Promise<void> {
    const bytes = encodeText(data)
    try {
      await this.#client.setData(path, bytes, -1)
    } catch (e) {
      if (!(e instanceof NoNodeException)) throw e

      // Create the node; if another was faster, overwrite it.
      try {
        await this.#access.createRecursive(path, bytes)
      } catch (e2) {
        if (!(e2 instanceof NodeExistsException)) throw e2
        await this.#client.setData(path, bytes, -1)
      }
    }
  }

  /** Creates an ephemeral node, with persistent parents. */
  async createEphemeralPath(path: string, data: string): Promise<void> {
    const create = () => this.#client.create(path, encodeText(data), 'EPHEMERAL')
    try {
      await create()
    } catch (e) {
      const parent = parentPath(path)
      if (!(e instanceof NoNodeException) || parent === undefined) throw e
      await this.#access.makeSurePersistentPathExists(parent)
      await create()
    }
  }

  /**
   * Claims an ephemeral node that another may hold.
   *
   * @throws NodeExistsException when it holds other text than ours, or vanished while we
   *   looked: the caller tries later. The same text means that our claim was answered
   *   before, and the answer lost
   * @kafka core/src/main/scala/kafka/utils/ZkUtils.scala#ZkUtils.createEphemeralPathExpectConflict
   */
  async createEphemeralPathExpectConflict(path: string, data: string): Promise<void> {
    try {
      await this.createEphemeralPath(path, data)
    } catch (e) {
      if (!(e instanceof NodeExistsException)) throw e
      const stored = await this.readDataMaybeNull(path)
      if (stored !== data) throw e
    }
  }

  /**
   * Deletes a node.
   *
   * @returns false when there was none
   * @kafka core/src/main/scala/kafka/utils/ZkUtils.scala#ZkUtils.deletePath
   */
  deletePath(path: string): Promise<boolean> {
    return this.#access.deletePath(path)
  }

  /** Deletes a node and all below it. */
  async deletePathRecursive(path: string): Promise<void> {
    await this.#access.deleteRecursive(path)
  }

  /** Creates an ephemeral node and makes sure that it is ours: `ZKCheckedEphemeral`. */
  async createCheckedEphemeral(path: string, data: string): Promise<void> {
    const parent = parentPath(path)
    if (parent !== undefined) await this.#access.makeSurePersistentPathExists(parent)
    await this.#access.checkedEphemeralCreate(path, encodeText(data))
  }

  // ── Listening ─────────────────────────────────────────────────────────────────────────

  /**
   * Has a listener told whenever children of a node come or go, until unsubscribed.
   *
   * @returns the children now; `undefined` when the node does not exist
   */
  async subscribeChildChanges(
    path: string,
    listener: IZkChildListener,
  ): Promise<string[] | undefined> {
    this.#at(path).children.add(listener)
    await this.#client.exists(path)
    return this.getChildrenParentMayNotExist(path)
  }

  /** Ends a subscription to children. */
  unsubscribeChildChanges(path: string, listener: IZkChildListener): void {
    this.#listeners.get(path)?.children.delete(listener)
    this.#forgetIfUnused(path)
  }

  /** Has a listener told whenever a node comes, goes or changes, until unsubscribed. */
  async subscribeDataChanges(path: string, listener: IZkDataListener): Promise<void> {
    this.#at(path).data.add(listener)
    await this.#client.exists(path)
  }

  /** Ends a subscription to data. */
  unsubscribeDataChanges(path: string, listener: IZkDataListener): void {
    this.#listeners.get(path)?.data.delete(listener)
    this.#forgetIfUnused(path)
  }

  /** Has a listener told of each new session. */
  subscribeStateChanges(listener: IZkStateListener): void {
    this.#stateListeners.add(listener)
  }

  /** Ends all subscriptions. */
  unsubscribeAll(): void {
    this.#stateListeners.clear()
    for (const [path, { children, data }] of [...this.#listeners]) {
      children.clear()
      data.clear()
      this.#forgetIfUnused(path)
    }
  }

  /** Ends the session. Listeners that wait for their turn are dropped. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#client.unregisterStateChangeHandler('ZkUtils')
    this.unsubscribeAll()
    await this.#client.close()
  }

  #at(path: string): PathListeners {
    // Find the listeners of this path.
    const existing = this.#listeners.get(path)
    if (existing !== undefined) return existing
    const listeners: PathListeners = { children: new Set(), data: new Set() }
    this.#listeners.set(path, listeners)

    // Route the events of the path to them.
    const both = () => {
      this.#fireChildChange(path)
      this.#fireDataChange(path)
    }
    this.#client.registerZNodeChangeHandler({
      path,
      handleCreation: both,
      handleDeletion: both,
      handleDataChange: () => this.#fireDataChange(path),
    })
    this.#client.registerZNodeChildChangeHandler({
      path,
      handleChildChange: () => this.#fireChildChange(path),
    })
    return listeners
  }

  #forgetIfUnused(path: string): void {
    const listeners = this.#listeners.get(path)
    if (!listeners || listeners.children.size + listeners.data.size > 0) return
    this.#listeners.delete(path)
    this.#client.unregisterZNodeChangeHandler(path)
    this.#client.unregisterZNodeChildChangeHandler(path)
  }

  #fireChildChange(path: string): void {
    for (const listener of this.#listeners.get(path)?.children ?? []) {
      this.#enqueue(async () => {
        // Read the children, which also sets the watches again.
        await this.#client.exists(path)
        const children = await this.getChildrenParentMayNotExist(path)

        // Tell the listener, if it still wants to know.
        if (!this.#listeners.get(path)?.children.has(listener)) return
        await listener.handleChildChange(path, children ?? null)
      })
    }
  }

  #fireDataChange(path: string): void {
    for (const listener of this.#listeners.get(path)?.data ?? []) {
      this.#enqueue(async () => {
        // Read the data, which also sets the watch again.
        await this.#client.exists(path)
        const node = await this.#access.getDataOrNone(path)

        // Tell the listener, if it still wants to know.
        if (!this.#listeners.get(path)?.data.has(listener)) return
        if (node === undefined) await listener.handleDataDeleted(path)
        else await listener.handleDataChange(path, node.data?.toString() ?? null)
      })
    }
  }

  #newSession(): void {
    // Tell the state listeners first. They restore ephemeral nodes.
    for (const listener of this.#stateListeners) {
      this.#enqueue(() => listener.handleNewSession())
    }

    // Then let every listener look again.
    for (const path of this.#listeners.keys()) {
      this.#fireChildChange(path)
      this.#fireDataChange(path)
    }
  }

  /** Runs listeners one after the other, on what replaces the event thread of zkclient. */
  #enqueue(run: () => void | Promise<void>): void {
    this.#events = this.#events.then(async () => {
      if (this.#closed) return
      try {
        await run()
      } catch (e) {
        if (!this.#closed) log.error('a listener failed', e)
      }
    })
  }
}

/**
 * Registers a member under its own session.
 *
 * @kafka core/src/main/scala/kafka/utils/ZkUtils.scala#ZKCheckedEphemeral
 */
export class ZKCheckedEphemeral {
  readonly #path: string
  readonly #data: string
  readonly #zkUtils: ZkUtils

  constructor(path: string, data: string, zkUtils: ZkUtils) {
    this.#path = path
    this.#data = data
    this.#zkUtils = zkUtils
  }

  /**
   * Creates the node; if it exists and is ours, that is as good.
   *
   * @throws NodeExistsException when another session holds it
   */
  create(): Promise<void> {
    return this.#zkUtils.createCheckedEphemeral(this.#path, this.#data)
  }
}
