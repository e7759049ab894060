/**
 * # AdminZkClient
 *
 * Changes topics and configurations on behalf of someone: a request handler, the broker
 * that meets an unknown topic, a tool. It checks, then writes znodes; the controller and
 * the other brokers learn of it through their watches.
 *
 *     createTopic ─▶ Topic.validate ─▶ assign replicas ─▶ /config/topics/t
 *                                                      ─▶ /brokers/topics/t ─▶ controller
 *
 * Invariants: the configuration of a topic exists before the topic does, so that whoever
 * sees the topic finds its configuration. The two writes are not one transaction: a crash
 * between them leaves a configuration without a topic, which harms nobody.
 *
 * @kafka core/src/main/scala/kafka/zk/AdminZkClient.scala#AdminZkClient
 * @module
 */

import {
  AdminOperationException,
  InvalidPartitionsException,
  InvalidReplicaAssignmentException,
  InvalidTopicException,
  KafkaException,
  TopicExistsException,
  UnknownTopicOrPartitionException,
} from '../base/errors.ts'
import { NodeExistsException } from '../zookeeper/client.ts'
import { AdminUtils, type BrokerMetadata } from './AdminUtils.ts'
import { ConfigEntityName, ConfigType } from './admin-znodes.ts'
import type { KafkaZkClient } from './KafkaZkClient.ts'
import { Topic } from './Topic.ts'

/** Replicas by number of partition, the preferred leader first. */
export type ReplicaAssignment = ReadonlyMap<number, readonly number[]>

/** A configuration: names and values as text. */
export type ConfigEntries = Readonly<Record<string, string>>

/**
 * Whether racks matter: never; if all brokers tell theirs; or always, and it is an error
 * when a broker does not tell.
 *
 * @kafka core/src/main/scala/kafka/admin/RackAwareMode.scala#RackAwareMode
 */
export type RackAwareMode = 'Disabled' | 'Safe' | 'Enforced'

/**
 * The deletion of the topic has been ordered before.
 *
 * @kafka core/src/main/scala/kafka/common/TopicAlreadyMarkedForDeletionException.scala#TopicAlreadyMarkedForDeletionException
 */
export class TopicAlreadyMarkedForDeletionException extends KafkaException {}

/** What the client needs from outside. */
export interface AdminZkClientOptions {
  /** Draws a whole number from 0 to below its argument. */
  readonly nextInt: (bound: number) => number

  /** Throws when the configuration of a topic is not valid; absent: anything goes. */
  readonly validateTopicConfig?: ((config: ConfigEntries) => void) | undefined
}

/** Administrative changes. */
export class AdminZkClient {
  readonly #zkClient: KafkaZkClient
  readonly #nextInt: (bound: number) => number
  readonly #validateTopicConfig: (config: ConfigEntries) => void

  /**
   * Works through a client.
   *
   * @param options - randomness, and the check of topic configurations, which lives with
   *   the log
   * @differs Kafka calls LogConfig.validate itself; the log is above this wing here
   */
  constructor(zkClient: KafkaZkClient, options: AdminZkClientOptions) {
    this.#zkClient = zkClient
    this.#nextInt = options.nextInt
    this.#validateTopicConfig = options.validateTopicConfig ?? (() => {})
  }

  // ── Topics ────────────────────────────────────────────────────────────────────────────

  /**
   * Creates a topic and chooses its brokers.
   *
   * @throws InvalidTopicException, TopicExistsException, InvalidPartitionsException,
   *   InvalidReplicationFactorException, InvalidConfigurationException
   * @kafka core/src/main/scala/kafka/zk/AdminZkClient.scala#AdminZkClient.createTopic
   */
  async createTopic(
    topic: string,
    partitions: number,
    replicationFactor: number,
    topicConfig: ConfigEntries = {},
    rackAwareMode: RackAwareMode = 'Enforced',
  ): Promise<void> {
    const brokers = await this.getBrokerMetadatas(rackAwareMode)
    const request = { nPartitions: partitions, replicationFactor }
    const assignment = AdminUtils.assignReplicasToBrokers(
      brokers,
      request,
      this.#nextInt,
    )
    await this.createOrUpdateTopicPartitionAssignmentPathInZK(
      topic,
      assignment,
      topicConfig,
    )
  }

  /**
   * Lists the live brokers with their racks.
   *
   * @param rackAwareMode - `Enforced` demands a rack of each; `Safe` forgets all racks
   *   when one is missing; `Disabled` always forgets them
   * @param brokerList - only these; all when absent
   * @throws AdminOperationException when a rack is missing and racks are enforced
   * @kafka core/src/main/scala/kafka/zk/AdminZkClient.scala#AdminZkClient.getBrokerMetadatas
   */
  async getBrokerMetadatas(
    rackAwareMode: RackAwareMode = 'Enforced',
    brokerList?: readonly number[],
  ): Promise<BrokerMetadata[]> {
    // Pick the brokers.
    const all = await this.#zkClient.getAllBrokersInCluster()
    const brokers = brokerList ? all.filter((b) => brokerList.includes(b.id)) : all
    const withRack = brokers.filter((b) => b.rack !== undefined).length
    const incomplete = withRack > 0 && withRack < brokers.length
    if (rackAwareMode === 'Enforced' && incomplete) {
      throw new AdminOperationException('not all brokers tell their rack')
    }

    // Forget the racks where they are of no use.
    const useRacks =
      rackAwareMode === 'Enforced' || (rackAwareMode === 'Safe' && !incomplete)
    return brokers.map(({ id, rack }) => ({ id, rack: useRacks ? rack : undefined }))
  }

  /**
   * Creates a topic with a given assignment, or replaces the assignment of one that exists.
   *
   * @param update - the topic exists; its configuration is left alone
   * @kafka core/src/main/scala/kafka/zk/AdminZkClient.scala#AdminZkClient.createOrUpdateTopicPartitionAssignmentPathInZK
   */
  async createOrUpdateTopicPartitionAssignmentPathInZK(
    topic: string,
    partitionReplicaAssignment: ReplicaAssignment,
    config: ConfigEntries = {},
    update = false,
  ): Promise<void> {
    await this.validateCreateOrUpdateTopic(
      topic,
      partitionReplicaAssignment,
      config,
      update,
    )

    // Write the configuration first. Who sees the topic must find it.
    if (!update) {
      await this.#zkClient.setOrCreateEntityConfigs(ConfigType.Topic, topic, config)
    }
    await this.#writeTopicPartitionAssignment(topic, partitionReplicaAssignment, update)
  }

  /**
   * Checks what {@link createOrUpdateTopicPartitionAssignmentPathInZK} would write.
   *
   * @differs 1.1.1 creates a partition with a number below zero, too
   * @throws InvalidTopicException, TopicExistsException, InvalidReplicaAssignmentException,
   *   InvalidConfigurationException
   * @kafka core/src/main/scala/kafka/zk/AdminZkClient.scala#AdminZkClient.validateCreateOrUpdateTopic
   */
  async validateCreateOrUpdateTopic(
    topic: string,
    assignment: ReplicaAssignment,
    config: ConfigEntries,
    update: boolean,
  ): Promise<void> {
    // Check a new name against the rules and the other names.
    Topic.validate(topic)
    if (!update) {
      if (await this.#zkClient.topicExists(topic)) {
        throw new TopicExistsException(`topic ${topic} exists already`)
      }
      if (Topic.hasCollisionChars(topic)) await this.#refuseCollision(topic)
    }

    // Demand as many different brokers for each partition.
    const sizes = new Set([...assignment.values()].map((replicas) => replicas.length))
    if (sizes.size !== 1) {
      throw new InvalidReplicaAssignmentException(
        'all partitions must have the same number of replicas',
      )
    }
    for (const [partition, replicas] of assignment) {
      if (partition < 0) {
        throw new InvalidReplicaAssignmentException(
          `there is no partition ${partition}`,
        )
      }
      if (new Set(replicas).size === replicas.length) continue
      throw new InvalidReplicaAssignmentException(
        `partition ${partition} names a broker twice: ${replicas}`,
      )
    }
    if (!update) this.#validateTopicConfig(config)
  }

  async #refuseCollision(topic: string): Promise<void> {
    const others = await this.#zkClient.getAllTopicsInCluster()
    const twins = others.filter((other) => Topic.hasCollision(topic, other))
    if (twins.length === 0) return
    throw new InvalidTopicException(
      `topic ${topic} differs only in . and _ from existing topics: ${twins.join(', ')}`,
    )
  }

  async #writeTopicPartitionAssignment(
    topic: string,
    assignment: ReplicaAssignment,
    update: boolean,
  ): Promise<void> {
    if (update) return this.#zkClient.setTopicAssignment(topic, assignment)
    try {
      await this.#zkClient.createTopicAssignment(topic, assignment)
    } catch (e) {
      if (!(e instanceof NodeExistsException)) throw e
      throw new TopicExistsException(`topic ${topic} exists already`, { cause: e })
    }
  }

  /**
   * Orders the deletion of a topic; the controller carries it out.
   *
   * @throws UnknownTopicOrPartitionException, TopicAlreadyMarkedForDeletionException
   * @kafka core/src/main/scala/kafka/zk/AdminZkClient.scala#AdminZkClient.deleteTopic
   */
  async deleteTopic(topic: string): Promise<void> {
    if (!(await this.#zkClient.topicExists(topic))) {
      throw new UnknownTopicOrPartitionException(`topic ${topic} does not exist`)
    }
    try {
      await this.#zkClient.createDeleteTopicPath(topic)
    } catch (e) {
      if (!(e instanceof NodeExistsException)) throw e
      throw new TopicAlreadyMarkedForDeletionException(
        `topic ${topic} is marked for deletion already`,
        { cause: e },
      )
    }
  }

  /**
   * Adds partitions to a topic.
   *
   * @param existingAssignment - what the topic has now
   * @param numPartitions - how many it shall have
   * @param replicaAssignment - where to put the new ones; chosen when absent
   * @param validateOnly - check, write nothing
   * @returns the whole new assignment
   * @throws InvalidPartitionsException, InvalidReplicaAssignmentException
   * @kafka core/src/main/scala/kafka/zk/AdminZkClient.scala#AdminZkClient.addPartitions
   */
  async addPartitions(
    topic: string,
    existingAssignment: ReplicaAssignment,
    allBrokers: readonly BrokerMetadata[],
    numPartitions: number,
    replicaAssignment?: ReplicaAssignment,
    validateOnly = false,
  ): Promise<Map<number, readonly number[]>> {
    // Look at partition 0: the new ones get as many replicas.
    const first = existingAssignment.get(0)
    if (first === undefined) {
      throw new AdminOperationException(`topic ${topic} has no partition 0`)
    }
    const nPartitions = numPartitions - existingAssignment.size
    if (nPartitions <= 0) {
      throw new InvalidPartitionsException(
        `topic ${topic} has ${existingAssignment.size} partitions, ` +
          `the number can only grow, not become ${numPartitions}`,
      )
    }

    // Take the given assignment, or deal on from the first one.
    const startPartitionId = existingAssignment.size
    if (replicaAssignment) {
      const ids = new Set(allBrokers.map((b) => b.id))
      validateReplicaAssignment(
        replicaAssignment,
        nPartitions,
        startPartitionId,
        first,
        ids,
      )
    }
    const start = allBrokers.findIndex((b) => b.id >= first[0]!)
    const added =
      replicaAssignment ??
      AdminUtils.assignReplicasToBrokers(
        allBrokers,
        {
          nPartitions,
          replicationFactor: first.length,
          fixedStartIndex: Math.max(0, start),
          startPartitionId,
        },
        this.#nextInt,
      )

    // Write old and new partitions together.
    const proposed = new Map([...existingAssignment, ...added])
    if (!validateOnly) {
      await this.createOrUpdateTopicPartitionAssignmentPathInZK(
        topic,
        proposed,
        {},
        true,
      )
    }
    return proposed
  }

  // ── Configurations ────────────────────────────────────────────────────────────────────

  /**
   * Replaces the configuration of a topic and tells all brokers.
   *
   * @throws AdminOperationException when there is no such topic,
   *   InvalidConfigurationException
   * @kafka core/src/main/scala/kafka/zk/AdminZkClient.scala#AdminZkClient.changeTopicConfig
   */
  async changeTopicConfig(topic: string, configs: ConfigEntries): Promise<void> {
    await this.validateTopicConfig(topic, configs)
    await this.#changeEntityConfig(ConfigType.Topic, topic, configs)
  }

  /** Checks what {@link changeTopicConfig} would write. */
  async validateTopicConfig(topic: string, configs: ConfigEntries): Promise<void> {
    Topic.validate(topic)
    if (!(await this.#zkClient.topicExists(topic))) {
      throw new AdminOperationException(`topic ${topic} does not exist`)
    }
    this.#validateTopicConfig(configs)
  }

  /**
   * Replaces the configuration of some brokers, or of all of them.
   *
   * @param brokers - ids; `undefined` for the default of all brokers
   * @kafka core/src/main/scala/kafka/zk/AdminZkClient.scala#AdminZkClient.changeBrokerConfig
   */
  async changeBrokerConfig(
    brokers: readonly number[] | undefined,
    configs: ConfigEntries,
  ): Promise<void> {
    for (const name of brokers?.map(String) ?? [ConfigEntityName.Default]) {
      await this.#changeEntityConfig(ConfigType.Broker, name, configs)
    }
  }

  /** Replaces the configuration of a client id, or of a user: `<u>`, `<u>/clients/<c>`. */
  async changeConfigs(
    entityType: typeof ConfigType.Client | typeof ConfigType.User,
    sanitizedEntityName: string,
    configs: ConfigEntries,
  ): Promise<void> {
    await this.#changeEntityConfig(entityType, sanitizedEntityName, configs)
  }

  async #changeEntityConfig(
    rootEntityType: string,
    sanitizedEntityName: string,
    configs: ConfigEntries,
  ): Promise<void> {
    // Write the configuration, then the note for the brokers.
    const zk = this.#zkClient
    await zk.setOrCreateEntityConfigs(rootEntityType, sanitizedEntityName, configs)
    await zk.createConfigChangeNotification(`${rootEntityType}/${sanitizedEntityName}`)
  }

  /** What was set for an entity; empty when nothing was. */
  fetchEntityConfig(
    rootEntityType: string,
    sanitizedEntityName: string,
  ): Promise<Record<string, string>> {
    return this.#zkClient.getEntityConfigs(rootEntityType, sanitizedEntityName)
  }

  /** What was set for each topic. */
  async getAllTopicConfigs(): Promise<Map<string, Record<string, string>>> {
    return this.fetchAllEntityConfigs(ConfigType.Topic)
  }

  /** What was set for each entity of a type. */
  async fetchAllEntityConfigs(
    entityType: string,
  ): Promise<Map<string, Record<string, string>>> {
    const names = await this.#zkClient.getAllEntitiesWithConfig(entityType)
    const read = async (name: string) =>
      [name, await this.fetchEntityConfig(entityType, name)] as const
    return new Map(await Promise.all(names.map(read)))
  }

  /** What was set for each pair of user and client id, by `<u>/clients/<c>`. */
  async fetchAllChildEntityConfigs(
    rootEntityType: string,
    childEntityType: string,
  ): Promise<Map<string, Record<string, string>>> {
    const configs = new Map<string, Record<string, string>>()
    for (const parent of await this.#zkClient.getAllEntitiesWithConfig(
      rootEntityType,
    )) {
      const folder = `${rootEntityType}/${parent}/${childEntityType}`
      for (const [child, config] of await this.fetchAllEntityConfigs(folder)) {
        configs.set(`${parent}/${childEntityType}/${child}`, config)
      }
    }
    return configs
  }
}

/**
 * Checks an assignment for partitions that are to be added.
 *
 * @kafka core/src/main/scala/kafka/zk/AdminZkClient.scala#AdminZkClient.validateReplicaAssignment
 */
function validateReplicaAssignment(
  assignment: ReplicaAssignment,
  count: number,
  startPartitionId: number,
  like: readonly number[],
  availableBrokers: ReadonlySet<number>,
): void {
  // Demand exactly the partitions that follow the existing ones.
  const refuse = (problem: string) => new InvalidReplicaAssignmentException(problem)
  if (assignment.size !== count) {
    throw refuse(`${count} partitions are added, ${assignment.size} are assigned`)
  }
  for (let p = startPartitionId; p < startPartitionId + count; p++) {
    // Check the replicas of one of them.
    const replicas = assignment.get(p)
    if (replicas === undefined) throw refuse(`partition ${p} is not assigned`)
    if (replicas.length === 0) throw refuse(`partition ${p} has no replicas`)
    if (new Set(replicas).size !== replicas.length) {
      throw refuse(`partition ${p} names a broker twice: ${replicas}`)
    }
    const unknown = replicas.filter((id) => !availableBrokers.has(id))
    if (unknown.length > 0) throw refuse(`partition ${p} is on dead brokers ${unknown}`)
    if (replicas.length !== like.length) {
      throw refuse(`partition ${p} has ${replicas.length} replicas, not ${like.length}`)
    }
  }
}
