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
    const offsetTopics = await children(dirs.consumerGroupOffsetsDir)
    const ownerTopics = await children(dirs.consumerGroupOwnersDir)
    const topics = [...new Set([...offsetTopics, ...ownerTopics])].sort()
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
    const known = await this.listGroups()
    for (const group of groups) {
      const dirs = new ZKGroupDirs(group)
      const members = await this.#zkUtils.getChildrenParentMayNotExist(
        dirs.consumerRegistryDir,
      )
      const problem = !known.includes(group)
        ? 'there is no such group'
        : members?.length
          ? 'its consumers are still active'
          : undefined
      if (problem === undefined) {
        await this.#zkUtils.deletePathRecursive(dirs.consumerGroupDir)
      }
      outcome.push({ group, problem })
    }
    return outcome
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
