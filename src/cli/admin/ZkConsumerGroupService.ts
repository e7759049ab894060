/**
 * # ZkConsumerGroupService
 *
 * Groups of the old consumer, read from the znodes that its members keep:
 *
 *     /consumers/[group]/ids/[consumer]                    who is there
 *     /consumers/[group]/owners/[topic]/[partition]        who reads what
 *     /consumers/[group]/offsets/[topic]/[partition]       how far
 *
 * A group may store its offsets with a coordinator instead; those win, as in Kafka.
 *
 * @kafka core/src/main/scala/kafka/admin/ConsumerGroupCommand.scala#ZkConsumerGroupService
 * @module
 */
import { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import type { ClusterClient } from '../../clients/ClusterClient.ts'
import { LATEST_TIMESTAMP, listOffsets } from '../../clients/list-offsets.ts'
import { Topic } from '../../zk/Topic.ts'
import { ZKGroupDirs, ZKGroupTopicDirs, type ZkUtils } from '../../zk/ZkUtils.ts'
import type {
  ConsumerGroupService,
  DeletedGroup,
  GroupOffsets,
  PartitionAssignmentState,
} from './ConsumerGroupService.ts'
import { byPartition, KafkaConsumerGroupService } from './KafkaConsumerGroupService.ts'

/** Groups in ZooKeeper. */
export class ZkConsumerGroupService implements ConsumerGroupService {
  readonly hasHosts = false
  readonly #zkUtils: ZkUtils
  readonly #client: ClusterClient

  /** @param client - for the ends of logs, and for offsets that a coordinator holds */
  constructor(zkUtils: ZkUtils, client: ClusterClient) {
    this.#zkUtils = zkUtils
    this.#client = client
  }

  async listGroups(): Promise<readonly string[]> {
    return (
      (await this.#zkUtils.getChildrenParentMayNotExist('/consumers')) ?? []
    ).sort()
  }

  async collectGroupOffsets(group: string): Promise<GroupOffsets> {
    const state = undefined
    if (!(await this.listGroups()).includes(group)) return { state, rows: undefined }

    // Find the partitions of all topics that the group has to do with.
    const dirs = new ZKGroupDirs(group)
    const children = async (path: string) =>
      (await this.#zkUtils.getChildrenParentMayNotExist(path)) ?? []
    const topics = await this.#topicsOf(group)
    const partitions: TopicPartition[] = []
    for (const [topic, ids] of await this.#zkUtils.getPartitionsForTopics(topics)) {
      for (const partition of ids) partitions.push(new TopicPartition(topic, partition))
    }
    partitions.sort(byPartition)

    // Print each with its owner; then the members that own nothing.
    const offsets = await this.#offsetsOf(group, partitions)
    const ends = await listOffsets(this.#client, partitions, LATEST_TIMESTAMP)
    const idle = new Set(await children(dirs.consumerRegistryDir))
    const rows: PartitionAssignmentState[] = []
    for (const tp of partitions) {
      const { consumerOwnerDir } = new ZKGroupTopicDirs(group, tp.topic)
      const owner = await this.#zkUtils.readDataMaybeNull(
        `${consumerOwnerDir}/${tp.partition}`,
      )
      const consumerId = owner?.slice(0, owner.lastIndexOf('-'))
      if (consumerId !== undefined) idle.delete(consumerId)
      rows.push({
        ...{ topic: tp.topic, partition: tp.partition, consumerId },
        ...{ offset: offsets.get(tp), logEndOffset: ends.get(tp) },
      })
    }
    for (const consumerId of [...idle].sort()) rows.push({ consumerId })
    return { state, rows }
  }

  /** @kafka core/src/main/scala/kafka/admin/AdminUtils.scala#deleteConsumerGroupInZK */
  async deleteGroups(groups: readonly string[]): Promise<readonly DeletedGroup[]> {
    const outcome: DeletedGroup[] = []
    for (const group of groups) {
      const problem = await this.#problemOf(group)
      if (problem === undefined) {
        const { consumerGroupDir } = new ZKGroupDirs(group)
        await this.#zkUtils.deletePathRecursive(consumerGroupDir)
      }
      outcome.push({ group, problem })
    }
    return outcome
  }

  /**
   * @kafka core/src/main/scala/kafka/admin/AdminUtils.scala#deleteConsumerGroupInfoForTopicInZK
   * @differs of all groups, one that is active is told of
   */
  async deleteGroupsInfoForTopic(
    topic: string,
    groups: readonly string[],
  ): Promise<readonly DeletedGroup[]> {
    Topic.validate(topic)
    const outcome: DeletedGroup[] = []
    for (const group of groups.length > 0 ? groups : await this.listGroups()) {
      // Of all groups, pass by those that have nothing to do with the topic.
      const topics = await this.#topicsOf(group)
      if (groups.length === 0 && !topics.includes(topic)) continue
      const problem = await this.#problemOf(group)
      if (problem === undefined) {
        const isAll = topics.length === 1 && topics[0] === topic
        const { consumerGroupDir } = new ZKGroupDirs(group)
        const { consumerOwnerDir, consumerOffsetDir } = new ZKGroupTopicDirs(
          group,
          topic,
        )
        const paths = isAll ? [consumerGroupDir] : [consumerOwnerDir, consumerOffsetDir]
        for (const path of paths) await this.#zkUtils.deletePathRecursive(path)
      }
      outcome.push({ group, problem })
    }
    return outcome
  }

  /** Why a group cannot be deleted, if it cannot. */
  async #problemOf(group: string): Promise<string | undefined> {
    if (!(await this.listGroups()).includes(group)) return 'there is no such group'
    const members = await this.#zkUtils.getConsumersInGroup(group)
    return members.length > 0 ? 'its consumers are still active' : undefined
  }

  /** The topics that a group has to do with, sorted. */
  async #topicsOf(group: string): Promise<string[]> {
    const dirs = new ZKGroupDirs(group)
    const topics = new Set<string>()
    for (const path of [dirs.consumerGroupOffsetsDir, dirs.consumerGroupOwnersDir]) {
      for (const topic of (await this.#zkUtils.getChildrenParentMayNotExist(path)) ??
        []) {
        topics.add(topic)
      }
    }
    return [...topics].sort()
  }

  /** Offsets that a coordinator holds, and from ZooKeeper those it does not hold. */
  async #offsetsOf(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<TopicPartitionMap<number>> {
    const held = new KafkaConsumerGroupService(this.#client)
    const offsets = new TopicPartitionMap<number>()
    const inKafka = await held.listGroupOffsets(group)
    for (const tp of partitions) {
      const { consumerOffsetDir } = new ZKGroupTopicDirs(group, tp.topic)
      const path = `${consumerOffsetDir}/${tp.partition}`
      const text = await this.#zkUtils.readDataMaybeNull(path)
      const offset = inKafka.get(tp) ?? (text === undefined ? undefined : Number(text))
      if (offset !== undefined) offsets.set(tp, offset)
    }
    return offsets
  }
}
