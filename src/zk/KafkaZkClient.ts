/**
 * # KafkaZkClient
 *
 * Everything the broker and its controller say to ZooKeeper, by name. Methods read and
 * write whole values; paths and JSON are the business of the znode objects.
 *
 *     broker ─────▶ registerBrokerInZk           ─▶ /brokers/ids/1
 *     controller ─▶ updateLeaderAndIsr(epoch 7)  ─▶ /brokers/topics/t/partitions/0/state
 *
 * A method about many partitions sends its requests at once and waits for all; how many
 * are under way together is the business of the client below. A lost connection is waited
 * out there too, so a method here ends with an answer of ZooKeeper or with the end of the
 * session.
 *
 * Invariants: states of partitions are written only if they are at the version the writer
 * has read; and by a controller only while its epoch is the last one.
 *
 * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient
 * @module
 */

import { ControllerMovedException, KafkaException } from '../base/errors.ts'
import type { Platform } from '../base/platform/Platform.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import {
  BadVersionException,
  KeeperCode,
  NodeExistsException,
  NoNodeException,
  type Stat,
} from '../zookeeper/client.ts'
import type {
  StateChangeHandler,
  ZNodeChangeHandler,
  ZNodeChildChangeHandler,
  ZooKeeperClient,
} from '../zookeeper/ZooKeeperClient.ts'
import { AdminZNodesClient } from './AdminZNodesClient.ts'
import type { Broker, BrokerInfo } from './Broker.ts'
import {
  BrokerIdsZNode,
  BrokerIdZNode,
  BrokerSequenceIdZNode,
  ClusterIdZNode,
  ControllerEpochZNode,
  ControllerZNode,
} from './cluster-znodes.ts'
import { type LeaderAndIsr, LeaderIsrAndControllerEpoch } from './LeaderAndIsr.ts'
import { outcome, toError } from './outcome.ts'
import {
  TopicPartitionStateZNode,
  TopicPartitionsZNode,
  TopicPartitionZNode,
  TopicsZNode,
  TopicZNode,
} from './topic-znodes.ts'
import { ZkData } from './ZkData.ts'
import {
  brokerIdTaken,
  type ControllerOffice,
  EphemeralNodeTakenException,
} from './ZNodeAccess.ts'

/**
 * What came of writing the states of several partitions.
 *
 * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.UpdateLeaderAndIsrResult
 */
export interface UpdateLeaderAndIsrResult {
  /** Written, each with its new zk version. */
  readonly successfulPartitions: TopicPartitionMap<LeaderAndIsr>

  /** Refused because someone else wrote meanwhile: read again, decide again. */
  readonly partitionsToRetry: readonly TopicPartition[]

  /** Failed for any other reason. */
  readonly failedPartitions: TopicPartitionMap<Error>
}

/** Kafka's view of ZooKeeper. */
export class KafkaZkClient extends AdminZNodesClient {
  readonly #platform: Platform

  /**
   * Uses a client that was started, and closes it in the end.
   *
   * @param zooKeeperClient - keeps the session
   * @param isSecure - `zookeeper.set.acl`: reserve nodes for the user of the session
   * @param platform - its clock stamps registrations
   */
  constructor(zooKeeperClient: ZooKeeperClient, isSecure: boolean, platform: Platform) {
    super(zooKeeperClient, isSecure)
    this.#platform = platform
  }

  // ── Cluster and brokers ───────────────────────────────────────────────────────────────

  /**
   * Makes the parents that everything else expects.
   *
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.createTopLevelPaths
   */
  async createTopLevelPaths(): Promise<void> {
    // Ask for all at once: ZooKeeper takes them in order and writes its disk once.
    await Promise.all(
      ZkData.PersistentZkPaths.map((path) => this.makeSurePersistentPathExists(path)),
    )
  }

  /** The id of the cluster; `undefined` before its first broker. */
  async getClusterId(): Promise<string | undefined> {
    const node = await this.getDataOrNone(ClusterIdZNode.path())
    return node?.data ? ClusterIdZNode.decode(node.data) : undefined
  }

  /**
   * Gives the cluster an id, unless it has one.
   *
   * @param proposed - 22 characters: 16 bytes in URL-safe base64 without padding
   * @returns the id that holds from now on: ours, or that of a faster broker
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.createOrGetClusterId
   */
  async createOrGetClusterId(proposed: string): Promise<string> {
    try {
      await this.createRecursive(ClusterIdZNode.path(), ClusterIdZNode.encode(proposed))
      return proposed
    } catch (e) {
      if (!(e instanceof NodeExistsException)) throw e
      const id = await this.getClusterId()
      if (id === undefined) throw new KafkaException('the cluster has lost its id')
      return id
    }
  }

  /**
   * Draws a broker id that no other broker has drawn.
   *
   * @returns from 1 on; the caller adds `reserved.broker.max.id`
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.generateBrokerSequenceId
   */
  async generateBrokerSequenceId(): Promise<number> {
    // Let the version of the node count.
    const path = BrokerSequenceIdZNode.path()
    const draw = () => this.zooKeeperClient.setData(path, Buffer.alloc(0), -1)
    try {
      return (await draw()).version
    } catch (e) {
      if (!(e instanceof NoNodeException)) throw e

      // Make the node that was missing.
      await this.makeSurePersistentPathExists(path)
      return (await draw()).version
    }
  }

  /**
   * Announces a broker to the cluster, for as long as our session lives.
   *
   * @throws KafkaException when another broker, or a former life of this one, holds the id
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.registerBrokerInZk
   */
  async registerBrokerInZk(brokerInfo: BrokerInfo): Promise<void> {
    const data = BrokerIdZNode.encode(brokerInfo, this.#platform.clock.now())
    const path = BrokerIdZNode.path(brokerInfo.broker.id)
    await this.checkedEphemeralCreate(path, data).catch((e: unknown) => {
      throw e instanceof EphemeralNodeTakenException ? brokerIdTaken(e) : e
    })
  }

  /** Announces other end points of a registered broker. */
  async updateBrokerInfoInZk(brokerInfo: BrokerInfo): Promise<void> {
    const data = BrokerIdZNode.encode(brokerInfo, this.#platform.clock.now())
    await this.zooKeeperClient.setData(
      BrokerIdZNode.path(brokerInfo.broker.id),
      data,
      -1,
    )
  }

  /** Ids of the live brokers, ascending. */
  async getSortedBrokerList(): Promise<number[]> {
    return BrokerIdsZNode.decode(await this.getChildren(BrokerIdsZNode.path()))
  }

  /**
   * The live brokers, in ascending order of their ids.
   *
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.getAllBrokersInCluster
   */
  async getAllBrokersInCluster(): Promise<Broker[]> {
    const ids = await this.getSortedBrokerList()
    const brokers = await Promise.all(ids.map((id) => this.getBroker(id)))
    return brokers.filter((b) => b !== undefined)
  }

  /** A live broker; `undefined` when it is not registered. */
  async getBroker(brokerId: number): Promise<Broker | undefined> {
    const node = await this.getDataOrNone(BrokerIdZNode.path(brokerId))
    return node?.data ? BrokerIdZNode.decode(brokerId, node.data).broker : undefined
  }

  // ── Controller ────────────────────────────────────────────────────────────────────────

  /** The id of the controller; `undefined` while there is none. */
  async getControllerId(): Promise<number | undefined> {
    const node = await this.getDataOrNone(ControllerZNode.path())
    return node?.data ? ControllerZNode.decode(node.data) : undefined
  }

  /** Gives up the office of controller, whoever holds it. */
  async deleteController(): Promise<void> {
    await this.deletePath(ControllerZNode.path())
  }

  /** The epoch of the last controller, and the node it was read from. */
  async getControllerEpoch(): Promise<{ epoch: number; stat: Stat } | undefined> {
    const node = await this.getDataOrNone(ControllerEpochZNode.path())
    if (!node?.data) return undefined
    return { epoch: ControllerEpochZNode.decode(node.data), stat: node.stat }
  }

  /**
   * Writes the next epoch.
   *
   * @returns the new version of the node
   * @throws BadVersionException when another controller was faster, NoNodeException when
   *   there was no controller before
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.setControllerEpochRaw
   */
  async setControllerEpochRaw(epoch: number, epochZkVersion: number): Promise<number> {
    const path = ControllerEpochZNode.path()
    const data = ControllerEpochZNode.encode(epoch)
    return (await this.zooKeeperClient.setData(path, data, epochZkVersion)).version
  }

  /**
   * Writes the first epoch.
   *
   * @throws NodeExistsException when another controller was faster
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.createControllerEpochRaw
   */
  async createControllerEpochRaw(epoch: number): Promise<void> {
    await this.create(ControllerEpochZNode.path(), ControllerEpochZNode.encode(epoch))
  }

  // ── Topics ────────────────────────────────────────────────────────────────────────────

  /** The names of all topics, in no order. */
  getAllTopicsInCluster(): Promise<string[]> {
    return this.getChildren(TopicsZNode.path())
  }

  /** Whether a topic exists. */
  topicExists(topic: string): Promise<boolean> {
    return this.pathExists(TopicZNode.path(topic))
  }

  /**
   * Reads which brokers hold each partition.
   *
   * @returns replicas by partition, the preferred leader first; nothing for a topic that
   *   does not exist
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.getReplicaAssignmentForTopics
   */
  async getReplicaAssignmentForTopics(
    topics: Iterable<string>,
  ): Promise<TopicPartitionMap<number[]>> {
    // Ask for all topics at once.
    const names = [...new Set(topics)]
    const nodes = await this.zooKeeperClient.handleRequests(names, (topic) =>
      this.getDataOrNone(TopicZNode.path(topic)),
    )

    // Put the partitions of all topics into one map.
    const assignment = new TopicPartitionMap<number[]>()
    for (const [i, topic] of names.entries()) {
      const data = nodes[i]?.data
      if (!data) continue
      for (const [tp, replicas] of TopicZNode.decode(topic, data)) {
        assignment.set(tp, replicas)
      }
    }
    return assignment
  }

  /** Replicas by topic and number of partition; an empty map for an unknown topic. */
  async getPartitionAssignmentForTopics(
    topics: Iterable<string>,
  ): Promise<Map<string, Map<number, number[]>>> {
    // Prepare an entry for each topic asked for.
    const names = [...topics]
    const byTopic = new Map(names.map((t) => [t, new Map<number, number[]>()]))

    // Sort the partitions to their topics.
    for (const [tp, replicas] of await this.getReplicaAssignmentForTopics(names)) {
      byTopic.get(tp.topic)?.set(tp.partition, replicas)
    }
    return byTopic
  }

  /** Numbers of the partitions of each topic, ascending. */
  async getPartitionsForTopics(
    topics: Iterable<string>,
  ): Promise<Map<string, number[]>> {
    const assignment = await this.getPartitionAssignmentForTopics(topics)
    const sorted = (m: Map<number, number[]>) => [...m.keys()].sort((a, b) => a - b)
    return new Map([...assignment].map(([topic, m]) => [topic, sorted(m)]))
  }

  /** How many partitions a topic has; `undefined` when it does not exist. */
  async getTopicPartitionCount(topic: string): Promise<number | undefined> {
    const assignment = await this.getReplicaAssignmentForTopics([topic])
    return assignment.size === 0 ? undefined : assignment.size
  }

  /** The brokers that hold a partition; empty when it does not exist. */
  async getReplicasForPartition(tp: TopicPartition): Promise<number[]> {
    return (await this.getReplicaAssignmentForTopics([tp.topic])).get(tp) ?? []
  }

  /**
   * Creates a topic. Its controller takes note and brings the partitions to life.
   *
   * @throws NodeExistsException when the topic exists
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.createTopicAssignment
   */
  async createTopicAssignment(
    topic: string,
    assignment: ReadonlyMap<number, readonly number[]>,
  ): Promise<void> {
    await this.createRecursive(TopicZNode.path(topic), TopicZNode.encode(assignment))
  }

  /**
   * Replaces the assignment of a topic: adds partitions, or moves some.
   *
   * @throws NoNodeException when the topic does not exist
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.setTopicAssignment
   */
  async setTopicAssignment(
    topic: string,
    assignment: ReadonlyMap<number, readonly number[]>,
    office?: ControllerOffice,
  ): Promise<void> {
    const path = TopicZNode.path(topic)
    if (await this.setIfPresent(path, TopicZNode.encode(assignment), office)) return
    throw new NoNodeException(KeeperCode.NONODE, path)
  }

  /** Removes a topic with its partitions and their states. */
  async deleteTopicZNode(topic: string, office?: ControllerOffice): Promise<void> {
    await this.deleteRecursive(TopicZNode.path(topic), office)
  }

  // ── States of partitions ──────────────────────────────────────────────────────────────

  /**
   * Reads the states of partitions.
   *
   * @returns those that have one: a partition that was never led has none
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.getTopicPartitionStates
   */
  async getTopicPartitionStates(
    partitions: Iterable<TopicPartition>,
  ): Promise<TopicPartitionMap<LeaderIsrAndControllerEpoch>> {
    // Ask for all states at once.
    const tps = [...partitions]
    const read = await this.zooKeeperClient.handleRequests(tps, (tp) =>
      this.getTopicPartitionState(tp),
    )

    // Keep those that exist.
    const states = new TopicPartitionMap<LeaderIsrAndControllerEpoch>()
    for (const [i, tp] of tps.entries()) {
      const state = read[i]
      if (state !== undefined) states.set(tp, state)
    }
    return states
  }

  /** The state of one partition; `undefined` when it was never led. */
  async getTopicPartitionState(
    tp: TopicPartition,
  ): Promise<LeaderIsrAndControllerEpoch | undefined> {
    const node = await this.getDataOrNone(TopicPartitionStateZNode.path(tp))
    if (!node?.data) return undefined
    return TopicPartitionStateZNode.decode(tp, node.data, node.stat.version)
  }

  /** The leader of a partition; `undefined` when unknown. */
  async getLeaderForPartition(tp: TopicPartition): Promise<number | undefined> {
    return (await this.getTopicPartitionState(tp))?.leaderAndIsr.leader
  }

  /** The in-sync replicas of a partition; `undefined` when unknown. */
  async getInSyncReplicasForPartition(
    tp: TopicPartition,
  ): Promise<readonly number[] | undefined> {
    return (await this.getTopicPartitionState(tp))?.leaderAndIsr.isr
  }

  /**
   * Creates the first states of new partitions, with the parents they need.
   *
   * @param controller - the office of the controller that decided
   * @returns by partition: `undefined` when created, else what went wrong. A state that
   *   exists already is such an error
   * @throws ControllerMovedException (rejects) when another controller took the next epoch
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.createTopicPartitionStatesRaw
   */
  async createTopicPartitionStatesRaw(
    states: TopicPartitionMap<LeaderIsrAndControllerEpoch>,
    controller: ControllerOffice,
  ): Promise<TopicPartitionMap<Error | undefined>> {
    // Make the parents, one level after the other.
    const tps = [...states.keys()]
    const topics = new Set(tps.map((tp) => tp.topic))
    await this.#createTopicPartitions([...topics], controller)
    await this.#createTopicPartition(tps, controller)

    // Create the states, and keep each answer.
    const results = new TopicPartitionMap<Error | undefined>()
    await this.zooKeeperClient.handleRequests([...states], async ([tp, state]) => {
      const path = TopicPartitionStateZNode.path(tp)
      const data = TopicPartitionStateZNode.encode(state)
      results.set(tp, await this.#created(path, data, controller))
    })
    return results
  }

  #createTopicPartitions(
    topics: readonly string[],
    controller: ControllerOffice,
  ): Promise<void> {
    return this.#createAll(topics.map(TopicPartitionsZNode.path), controller)
  }

  #createTopicPartition(
    partitions: readonly TopicPartition[],
    controller: ControllerOffice,
  ): Promise<void> {
    return this.#createAll(partitions.map(TopicPartitionZNode.path), controller)
  }

  async #createAll(
    paths: readonly string[],
    controller: ControllerOffice,
  ): Promise<void> {
    await this.zooKeeperClient.handleRequests(paths, (path) =>
      this.#created(path, null, controller),
    )
  }

  /** Creates a node; only the loss of office is not one of many outcomes. */
  async #created(path: string, data: Buffer | null, controller: ControllerOffice) {
    const error = await outcome(this.create(path, data, controller))
    if (error instanceof ControllerMovedException) throw error
    return error
  }

  /**
   * Writes the states of partitions, each only if it is at the version that was read.
   *
   * @param leaderAndIsrs - what to write, with the version it was derived from
   * @param controller - the epoch under which the leader holds office, and the version of
   *   its node
   * @throws ControllerMovedException (rejects) when another controller took the next epoch
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.updateLeaderAndIsr
   */
  async updateLeaderAndIsr(
    leaderAndIsrs: TopicPartitionMap<LeaderAndIsr>,
    controller: ControllerOffice,
  ): Promise<UpdateLeaderAndIsrResult> {
    // Write all states at once. Each is refused when our epoch is not the last.
    const successfulPartitions = new TopicPartitionMap<LeaderAndIsr>()
    const failedPartitions = new TopicPartitionMap<Error>()
    const partitionsToRetry: TopicPartition[] = []
    const write = async ([tp, value]: [TopicPartition, LeaderAndIsr]) => {
      const path = TopicPartitionStateZNode.path(tp)
      const state = new LeaderIsrAndControllerEpoch(value, controller.epoch)
      const data = TopicPartitionStateZNode.encode(state)

      // Sort the partition by the answer.
      try {
        const { zkVersion: version } = value
        const write = { kind: 'setData', path, data, version } as const
        const stat = await this.writeInOffice(controller, write)
        successfulPartitions.set(tp, value.withZkVersion(stat?.version ?? version + 1))
      } catch (e) {
        if (e instanceof ControllerMovedException) throw e
        if (e instanceof BadVersionException) partitionsToRetry.push(tp)
        else failedPartitions.set(tp, toError(e))
      }
    }
    await this.zooKeeperClient.handleRequests([...leaderAndIsrs], write)
    return { successfulPartitions, partitionsToRetry, failedPartitions }
  }

  // ── Watches ───────────────────────────────────────────────────────────────────────────

  /**
   * Has a handler told when a node comes, goes or changes; from now on, without a race.
   *
   * @returns whether the node exists now
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.registerZNodeChangeHandlerAndCheckExistence
   */
  registerZNodeChangeHandlerAndCheckExistence(
    handler: ZNodeChangeHandler,
  ): Promise<boolean> {
    this.zooKeeperClient.registerZNodeChangeHandler(handler)
    return this.pathExists(handler.path)
  }

  /** Like the above, but the watch is set only when the node is read next. */
  registerZNodeChangeHandler(handler: ZNodeChangeHandler): void {
    this.zooKeeperClient.registerZNodeChangeHandler(handler)
  }

  /** Forgets the handler of a node. */
  unregisterZNodeChangeHandler(path: string): void {
    this.zooKeeperClient.unregisterZNodeChangeHandler(path)
  }

  /** Has a handler told when children come or go, from the next listing of them on. */
  registerZNodeChildChangeHandler(handler: ZNodeChildChangeHandler): void {
    this.zooKeeperClient.registerZNodeChildChangeHandler(handler)
  }

  /** Forgets the handler of a node's children. */
  unregisterZNodeChildChangeHandler(path: string): void {
    this.zooKeeperClient.unregisterZNodeChildChangeHandler(path)
  }

  /** Has a handler called around each new session. */
  registerStateChangeHandler(handler: StateChangeHandler): void {
    this.zooKeeperClient.registerStateChangeHandler(handler)
  }

  /** Forgets a handler of sessions. */
  unregisterStateChangeHandler(name: string): void {
    this.zooKeeperClient.unregisterStateChangeHandler(name)
  }

  /** Ends the session: all our ephemeral nodes go. */
  async close(): Promise<void> {
    await this.zooKeeperClient.close()
  }
}
