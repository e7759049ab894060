/**
 * # AdminZNodesClient
 *
 * Reads and writes what tools and brokers leave for the controller, the dynamic
 * configuration, access rules, and offsets of old consumers. The half of
 * {@link KafkaZkClient} that is not about brokers, partitions and elections.
 *
 * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient
 * @differs one class in Kafka; two here for the size of the file
 * @module
 */

import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { NodeExistsException } from '../zookeeper/client.ts'
import {
  ConfigEntityChangeNotificationSequenceZNode,
  ConfigEntityTypeZNode,
  ConfigEntityZNode,
  ConfigType,
  DeleteTopicsTopicZNode,
  DeleteTopicsZNode,
  PreferredReplicaElectionZNode,
  ReassignPartitionsZNode,
} from './admin-znodes.ts'
import { ConsumerOffset } from './consumer-znodes.ts'
import {
  AclChangeNotificationSequenceZNode,
  type AclEntry,
  ResourceTypeZNode,
  ResourceZNode,
} from './security-znodes.ts'
import {
  IsrChangeNotificationSequenceZNode,
  IsrChangeNotificationZNode,
  LogDirEventNotificationSequenceZNode,
  LogDirEventNotificationZNode,
} from './topic-znodes.ts'
import {
  type ConditionalUpdate,
  type ControllerOffice,
  type DataAndStat,
  ZNodeAccess,
} from './ZNodeAccess.ts'
import { encodeText } from './znode.ts'

/** Administrative znodes. */
export class AdminZNodesClient extends ZNodeAccess {
  // ── Dynamic configuration ─────────────────────────────────────────────────────────────

  /**
   * Reads the configuration of an entity.
   *
   * @param rootEntityType - one of {@link ConfigType}
   * @param sanitizedEntityName - its name, made safe for a path
   * @returns only what was set; empty when there is no node
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.getEntityConfigs
   */
  async getEntityConfigs(
    rootEntityType: string,
    sanitizedEntityName: string,
  ): Promise<Record<string, string>> {
    const path = ConfigEntityZNode.path(rootEntityType, sanitizedEntityName)
    const node = await this.getDataOrNone(path)
    return node === undefined ? {} : ConfigEntityZNode.decode(path, node.data)
  }

  /**
   * Replaces the configuration of an entity. Brokers notice only after
   * {@link createConfigChangeNotification}.
   *
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.setOrCreateEntityConfigs
   */
  async setOrCreateEntityConfigs(
    rootEntityType: string,
    sanitizedEntityName: string,
    config: Readonly<Record<string, string>>,
  ): Promise<void> {
    // Overwrite what is there.
    const path = ConfigEntityZNode.path(rootEntityType, sanitizedEntityName)
    const data = ConfigEntityZNode.encode(config)
    if (await this.setIfPresent(path, data)) return

    // Create the node; another writer may have been faster.
    try {
      await this.createRecursive(path, data)
    } catch (e) {
      if (!(e instanceof NodeExistsException)) throw e
      await this.setIfPresent(path, data)
    }
  }

  /** Names of the entities of a type that have a configuration, in no order. */
  getAllEntitiesWithConfig(entityType: string): Promise<string[]> {
    return this.getChildren(ConfigEntityTypeZNode.path(entityType))
  }

  /**
   * Tells all brokers to read the configuration of an entity again.
   *
   * @param sanitizedEntityPath - such as `topics/t`
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.createConfigChangeNotification
   */
  async createConfigChangeNotification(sanitizedEntityPath: string): Promise<void> {
    const node = ConfigEntityChangeNotificationSequenceZNode
    await this.createSequential(node.createPath(), node.encode(sanitizedEntityPath))
  }

  /**
   * Reads the overrides of some topics.
   *
   * @returns by topic: what was set, or the error that kept it from being read
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.getLogConfigs
   * @differs returns what the node says instead of a LogConfig, which is above this wing;
   *   the caller lays it over its own defaults
   */
  async getLogConfigs(
    topics: Iterable<string>,
  ): Promise<Map<string, Readonly<Record<string, string>> | Error>> {
    const configs = new Map<string, Readonly<Record<string, string>> | Error>()
    const read = async (topic: string) => {
      try {
        configs.set(topic, await this.getEntityConfigs(ConfigType.Topic, topic))
      } catch (e) {
        configs.set(topic, e instanceof Error ? e : new Error(String(e)))
      }
    }
    await Promise.all(Array.from(new Set(topics), read))
    return configs
  }

  /** Deletes the configurations of topics. */
  async deleteTopicConfigs(
    topics: Iterable<string>,
    office?: ControllerOffice,
  ): Promise<void> {
    for (const topic of topics) {
      await this.deletePath(ConfigEntityZNode.path(ConfigType.Topic, topic), office)
    }
  }

  // ── Deletion of topics ────────────────────────────────────────────────────────────────

  /**
   * Orders the deletion of a topic.
   *
   * @throws NodeExistsException when that was ordered before
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.createDeleteTopicPath
   */
  async createDeleteTopicPath(topic: string): Promise<void> {
    await this.createRecursive(DeleteTopicsTopicZNode.path(topic))
  }

  /** Whether the deletion of a topic was ordered. */
  isTopicMarkedForDeletion(topic: string): Promise<boolean> {
    return this.pathExists(DeleteTopicsTopicZNode.path(topic))
  }

  /** The topics whose deletion was ordered. */
  getTopicDeletions(): Promise<string[]> {
    return this.getChildren(DeleteTopicsZNode.path())
  }

  /** Takes orders to delete a topic back, or marks them done. */
  async deleteTopicDeletions(
    topics: Iterable<string>,
    office?: ControllerOffice,
  ): Promise<void> {
    for (const topic of topics) {
      await this.deletePath(DeleteTopicsTopicZNode.path(topic), office)
    }
  }

  // ── Reassignment and preferred leaders ────────────────────────────────────────────────

  /**
   * Reads which partitions are to move where.
   *
   * @returns new replicas by partition; empty when nothing is to move
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.getPartitionReassignment
   */
  async getPartitionReassignment(): Promise<TopicPartitionMap<number[]>> {
    const node = await this.getDataOrNone(ReassignPartitionsZNode.path())
    if (node === undefined || node.data === null) return new TopicPartitionMap()
    return ReassignPartitionsZNode.decode(node.data)
  }

  /** Writes what is left to move. */
  async setOrCreatePartitionReassignment(
    reassignment: TopicPartitionMap<readonly number[]>,
    office: ControllerOffice,
  ): Promise<void> {
    const data = ReassignPartitionsZNode.encode(reassignment)
    const path = ReassignPartitionsZNode.path()
    if (await this.setIfPresent(path, data, office)) return
    await this.create(path, data, office)
  }

  /**
   * Orders partitions to move.
   *
   * @throws NodeExistsException when an earlier order is not done
   */
  async createPartitionReassignment(
    reassignment: TopicPartitionMap<readonly number[]>,
  ): Promise<void> {
    const data = ReassignPartitionsZNode.encode(reassignment)
    await this.createRecursive(ReassignPartitionsZNode.path(), data)
  }

  /** Marks the moves as done. */
  async deletePartitionReassignment(office: ControllerOffice): Promise<void> {
    await this.deletePath(ReassignPartitionsZNode.path(), office)
  }

  /** Whether partitions are being moved. */
  reassignPartitionsInProgress(): Promise<boolean> {
    return this.pathExists(ReassignPartitionsZNode.path())
  }

  /** The partitions that should go back to their preferred leaders. */
  async getPreferredReplicaElection(): Promise<TopicPartition[]> {
    const node = await this.getDataOrNone(PreferredReplicaElectionZNode.path())
    if (node === undefined || node.data === null) return []
    return PreferredReplicaElectionZNode.decode(node.data)
  }

  /**
   * Orders partitions to go back to their preferred leaders.
   *
   * @throws NodeExistsException when an earlier order is not done
   */
  async createPreferredReplicaElection(
    partitions: Iterable<TopicPartition>,
  ): Promise<void> {
    const data = PreferredReplicaElectionZNode.encode(partitions)
    await this.createRecursive(PreferredReplicaElectionZNode.path(), data)
  }

  /** Marks the elections as done. */
  async deletePreferredReplicaElection(office: ControllerOffice): Promise<void> {
    await this.deletePath(PreferredReplicaElectionZNode.path(), office)
  }

  // ── Notes for the controller ──────────────────────────────────────────────────────────

  /** Tells the controller that the ISR of these partitions changed. */
  async propagateIsrChanges(partitions: Iterable<TopicPartition>): Promise<void> {
    const node = IsrChangeNotificationSequenceZNode
    await this.createSequential(node.path(), node.encode(partitions))
  }

  /** Numbers of the notes about changed ISRs. */
  async getAllIsrChangeNotifications(): Promise<string[]> {
    const children = await this.getChildren(IsrChangeNotificationZNode.path())
    return children.map(IsrChangeNotificationSequenceZNode.sequenceNumber).sort()
  }

  /** The partitions that these notes name. */
  async getPartitionsFromIsrChangeNotifications(
    sequenceNumbers: readonly string[],
  ): Promise<TopicPartition[]> {
    const read = async (n: string) => {
      const node = await this.getDataOrNone(IsrChangeNotificationSequenceZNode.path(n))
      return node?.data ? IsrChangeNotificationSequenceZNode.decode(n, node.data) : []
    }
    return (await Promise.all(sequenceNumbers.map(read))).flat()
  }

  /** Deletes these notes, or all there are, in the name of a controller. */
  async deleteIsrChangeNotifications(
    office: ControllerOffice,
    sequenceNumbers?: readonly string[],
  ): Promise<void> {
    const numbers = sequenceNumbers ?? (await this.getAllIsrChangeNotifications())
    const paths = numbers.map((n) => IsrChangeNotificationSequenceZNode.path(n))
    await Promise.all(paths.map((path) => this.deletePath(path, office)))
  }

  /** Tells the controller that a log directory of this broker failed. */
  async propagateLogDirEvent(brokerId: number): Promise<void> {
    const node = LogDirEventNotificationSequenceZNode
    await this.createSequential(node.path(), node.encode(brokerId))
  }

  /** Numbers of the notes about failed log directories. */
  async getAllLogDirEventNotifications(): Promise<string[]> {
    const children = await this.getChildren(LogDirEventNotificationZNode.path())
    return children.map(LogDirEventNotificationSequenceZNode.sequenceNumber).sort()
  }

  /** The brokers that these notes name. */
  async getBrokerIdsFromLogDirEvents(
    sequenceNumbers: readonly string[],
  ): Promise<number[]> {
    const read = async (n: string) => {
      const node = await this.getDataOrNone(
        LogDirEventNotificationSequenceZNode.path(n),
      )
      if (!node?.data) return []
      return [LogDirEventNotificationSequenceZNode.decode(n, node.data)]
    }
    return (await Promise.all(sequenceNumbers.map(read))).flat()
  }

  /** Deletes these notes, or all there are, in the name of a controller. */
  async deleteLogDirEventNotifications(
    office: ControllerOffice,
    sequenceNumbers?: readonly string[],
  ): Promise<void> {
    const numbers = sequenceNumbers ?? (await this.getAllLogDirEventNotifications())
    const paths = numbers.map((n) => LogDirEventNotificationSequenceZNode.path(n))
    await Promise.all(paths.map((path) => this.deletePath(path, office)))
  }

  // ── Offsets of old consumers ──────────────────────────────────────────────────────────

  /**
   * Reads the next offset of a group.
   *
   * @returns `undefined` when the group committed none
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.getConsumerOffset
   */
  async getConsumerOffset(
    group: string,
    tp: TopicPartition,
  ): Promise<number | undefined> {
    const path = ConsumerOffset.path(group, tp)
    const node = await this.getDataOrNone(path)
    return node && ConsumerOffset.decode(path, node.data)
  }

  /** Writes the next offset of a group. */
  async setOrCreateConsumerOffset(
    group: string,
    tp: TopicPartition,
    offset: number,
  ): Promise<void> {
    const path = ConsumerOffset.path(group, tp)
    const data = ConsumerOffset.encode(offset)
    if (!(await this.setIfPresent(path, data))) await this.createRecursive(path, data)
  }

  // ── Access rules ──────────────────────────────────────────────────────────────────────

  /** Makes the parents of access rules for these types of resources. */
  async createAclPaths(resourceTypes: readonly string[]): Promise<void> {
    for (const type of resourceTypes) {
      await this.createRecursive(ResourceTypeZNode.path(type), null, false)
    }
    await this.createRecursive('/kafka-acl-changes', null, false)
  }

  /** The rules of a resource and the version to write them with; -1 when none exist. */
  async getVersionedAclsForResource(
    resourceType: string,
    resourceName: string,
  ): Promise<{ acls: AclEntry[]; zkVersion: number }> {
    const path = ResourceZNode.path(resourceType, resourceName)
    const node = await this.getDataOrNone(path)
    if (node === undefined) return { acls: [], zkVersion: -1 }
    return {
      acls: ResourceZNode.decode(path, node.data),
      zkVersion: node.stat.version,
    }
  }

  /** Writes the rules of a resource if they are still the ones that were read. */
  async conditionalSetOrCreateAclsForResource(
    resourceType: string,
    resourceName: string,
    acls: readonly AclEntry[],
    expectedVersion: number,
  ): Promise<ConditionalUpdate> {
    // Change rules that exist.
    const path = ResourceZNode.path(resourceType, resourceName)
    const data = ResourceZNode.encode(acls)
    if (expectedVersion >= 0)
      return this.conditionalUpdatePath(path, data, expectedVersion)

    // Write the first rules of the resource.
    try {
      await this.createRecursive(path, data)
      return { updated: true, zkVersion: 0 }
    } catch (e) {
      if (e instanceof NodeExistsException) return { updated: false, zkVersion: -1 }
      throw e
    }
  }

  /** Tells all brokers to read the rules of a resource again. */
  async createAclChangeNotification(resource: string): Promise<void> {
    const path = AclChangeNotificationSequenceZNode.createPath()
    await this.createSequential(path, encodeText(resource))
  }

  /** The data and version of any node. */
  getDataAndVersion(path: string): Promise<DataAndStat | undefined> {
    return this.getDataOrNone(path)
  }
}
