/**
 * # ControllerContext
 *
 * What the controller knows: brokers, topics, who holds which partition, who leads it. It
 * is a copy of what ZooKeeper holds, filled when the controller takes office and emptied
 * when it leaves.
 *
 * A broker that asked for a controlled shutdown still runs, but gets no new duties:
 *
 *     liveOrShuttingDownBrokers = liveBrokers + shuttingDownBrokers
 *
 * Invariants: only events of the controller change it, so it never changes while an event
 * looks at it, except by that event.
 *
 * @kafka core/src/main/scala/kafka/controller/ControllerContext.scala#ControllerContext
 * @module
 */

import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap, type TopicPartitionSet } from '../base/TopicPartitionMap.ts'
import type { Broker } from '../zk/Broker.ts'
import type { LeaderIsrAndControllerEpoch } from '../zk/LeaderAndIsr.ts'
import type { ZNodeChangeHandler } from '../zookeeper/ZooKeeperClient.ts'
import type { ControllerChannelManager } from './ControllerChannelManager.ts'
import { PartitionAndReplica } from './PartitionAndReplica.ts'

/**
 * A partition that is on its way to other brokers.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#ReassignedPartitionsContext
 */
export interface ReassignedPartitionsContext {
  /** Where it shall be. */
  readonly newReplicas: readonly number[]

  /** The watch on its state, once registered: the new replicas may have caught up. */
  reassignIsrChangeHandler: ZNodeChangeHandler | undefined
}

/** The knowledge of a controller. */
export class ControllerContext {
  /** The epoch before the first controller. */
  static readonly InitialControllerEpoch = 0

  /** Sends to brokers; there while the controller is in office. */
  controllerChannelManager: ControllerChannelManager | undefined

  /** Brokers that asked for a controlled shutdown and have not gone yet. */
  readonly shuttingDownBrokerIds = new Set<number>()

  /** Our epoch: how many controllers there were, us included. 0 out of office. */
  epoch = ControllerContext.InitialControllerEpoch

  /** Version of the node that the epoch was read from or written to. */
  epochZkVersion = 0

  /** All topics, those under deletion too. */
  allTopics = new Set<string>()

  /** Broker ids by partition, the preferred leader first. */
  readonly partitionReplicaAssignment = new TopicPartitionMap<readonly number[]>()

  /** Leader and ISR of each partition that was ever led. */
  readonly partitionLeadershipInfo =
    new TopicPartitionMap<LeaderIsrAndControllerEpoch>()

  /** Elections that gave a partition to a replica that was not in sync. */
  uncleanLeaderElections = 0

  /** What is being moved. */
  readonly partitionsBeingReassigned =
    new TopicPartitionMap<ReassignedPartitionsContext>()

  /** By broker: partitions whose log directory failed there. */
  readonly replicasOnOfflineDirs = new Map<number, TopicPartitionSet>()

  #brokers = new Map<number, Broker>()
  /** Broker id → the transaction that registered it, when we looked last. */
  readonly #brokerEpochs = new Map<number, bigint>()

  // ── Brokers ───────────────────────────────────────────────────────────────────────────

  /** Replaces the brokers by those that are registered now. */
  setLiveBrokers(brokers: Iterable<Broker>): void {
    this.#brokers = new Map(Array.from(brokers, (b) => [b.id, b]))
  }

  /** Replaces the brokers, and remembers which registration of each this is. */
  setLiveBrokersAndEpochs(brokers: ReadonlyMap<Broker, bigint>): void {
    this.setLiveBrokers(brokers.keys())
    for (const [{ id }, epoch] of brokers) this.#brokerEpochs.set(id, epoch)
  }

  /** Whether a broker that we know has registered again since. */
  hasBounced({ id }: Broker, epoch: bigint): boolean {
    return this.#brokers.has(id) && this.#brokerEpochs.get(id) !== epoch
  }

  /** Brokers that can be given duties. */
  get liveBrokers(): Broker[] {
    return this.liveOrShuttingDownBrokers.filter((b) => !this.#isShuttingDown(b.id))
  }

  get liveBrokerIds(): Set<number> {
    return new Set(this.liveBrokers.map((b) => b.id))
  }

  /** Brokers that are registered. */
  get liveOrShuttingDownBrokers(): Broker[] {
    return [...this.#brokers.values()]
  }

  get liveOrShuttingDownBrokerIds(): Set<number> {
    return new Set(this.#brokers.keys())
  }

  #isShuttingDown(brokerId: number): boolean {
    return this.shuttingDownBrokerIds.has(brokerId)
  }

  /**
   * Whether a replica can serve: its broker is alive, and its disk as far as we know.
   *
   * @param includeShuttingDownBrokers - count brokers that are about to go
   * @kafka core/src/main/scala/kafka/controller/ControllerContext.scala#ControllerContext.isReplicaOnline
   */
  isReplicaOnline(
    brokerId: number,
    partition: TopicPartition,
    includeShuttingDownBrokers = false,
  ): boolean {
    const alive =
      this.#brokers.has(brokerId) &&
      (includeShuttingDownBrokers || !this.#isShuttingDown(brokerId))
    return alive && !this.replicasOnOfflineDirs.get(brokerId)?.has(partition)
  }

  // ── Partitions and replicas ───────────────────────────────────────────────────────────

  /** The replicas assigned to a partition; empty for an unknown one. */
  assignment(partition: TopicPartition): readonly number[] {
    return this.partitionReplicaAssignment.get(partition) ?? []
  }

  /** The assigned replicas that can serve, in the order of the assignment. */
  liveReplicas(partition: TopicPartition): number[] {
    return this.assignment(partition).filter((r) => this.isReplicaOnline(r, partition))
  }

  /** Partitions that a broker holds. */
  partitionsOnBroker(brokerId: number): TopicPartition[] {
    return [...this.partitionReplicaAssignment]
      .filter(([, replicas]) => replicas.includes(brokerId))
      .map(([partition]) => partition)
  }

  /** The replicas that these brokers hold. */
  replicasOnBrokers(brokerIds: Iterable<number>): PartitionAndReplica[] {
    return [...brokerIds].flatMap((id) =>
      this.partitionsOnBroker(id).map((p) => new PartitionAndReplica(p, id)),
    )
  }

  /** Partitions of a topic. */
  partitionsForTopic(topic: string): TopicPartition[] {
    return [...this.partitionReplicaAssignment.keys()].filter((p) => p.topic === topic)
  }

  /** The replicas of a topic. */
  replicasForTopic(topic: string): PartitionAndReplica[] {
    return this.replicasForPartition(this.partitionsForTopic(topic))
  }

  /** The replicas of these partitions. */
  replicasForPartition(partitions: Iterable<TopicPartition>): PartitionAndReplica[] {
    return [...partitions].flatMap((p) =>
      this.assignment(p).map((replica) => new PartitionAndReplica(p, replica)),
    )
  }

  /** The replicas on live brokers and healthy disks. */
  allLiveReplicas(): PartitionAndReplica[] {
    return this.replicasOnBrokers(this.liveBrokerIds).filter((r) =>
      this.isReplicaOnline(r.replica, r.topicPartition),
    )
  }

  /** Partitions whose leader is gone, or that never had one. */
  get partitionsWithoutLeader(): TopicPartition[] {
    return [...this.partitionLeadershipInfo]
      .filter(([p, { leaderAndIsr }]) => !this.isReplicaOnline(leaderAndIsr.leader, p))
      .map(([partition]) => partition)
  }

  /** Forgets a topic. */
  removeTopic(topic: string): void {
    for (const partition of this.partitionsForTopic(topic)) {
      this.partitionReplicaAssignment.delete(partition)
      this.partitionLeadershipInfo.delete(partition)
    }
    this.allTopics.delete(topic)
  }

  /**
   * Forgets everything and hangs up on all brokers.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.resetControllerContext
   */
  async resetControllerContext(): Promise<void> {
    // Forget at once, before anything waits.
    const channels = this.controllerChannelManager
    this.controllerChannelManager = undefined
    this.shuttingDownBrokerIds.clear()
    this.epoch = ControllerContext.InitialControllerEpoch
    this.epochZkVersion = 0
    this.allTopics = new Set()
    this.partitionReplicaAssignment.clear()
    this.partitionLeadershipInfo.clear()
    this.partitionsBeingReassigned.clear()
    this.replicasOnOfflineDirs.clear()
    this.#brokers = new Map()

    await channels?.shutdown()
  }
}
