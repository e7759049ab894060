/**
 * # ZookeeperTopicService
 *
 * Topics through their znodes: the way of Kafka 1.1.1, whose command knows no broker. It
 * writes what shall be; the controller watches, and makes it so.
 *
 * @kafka core/src/main/scala/kafka/admin/TopicCommand.scala#TopicCommand
 * @module
 */
import type { Random } from '../../base/platform/Platform.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { LogConfig } from '../../log/LogConfig.ts'
import {
  AdminZkClient,
  TopicAlreadyMarkedForDeletionException,
} from '../../zk/AdminZkClient.ts'
import { ConfigType } from '../../zk/admin-znodes.ts'
import type { KafkaZkClient } from '../../zk/KafkaZkClient.ts'
import type { NewTopic, TopicDescription, TopicService } from './TopicService.ts'

/** Topics as ZooKeeper knows them. */
export class ZookeeperTopicService implements TopicService {
  readonly isDeletionSilent = true
  readonly #zkClient: KafkaZkClient
  readonly #adminZkClient: AdminZkClient

  constructor(zkClient: KafkaZkClient, random: Random) {
    this.#zkClient = zkClient
    this.#adminZkClient = new AdminZkClient(zkClient, {
      nextInt: (bound) => random.nextInt(bound),
      validateTopicConfig: (configs) => LogConfig.validate(configs),
    })
  }

  async topicNames(): Promise<readonly string[]> {
    return (await this.#zkClient.getAllTopicsInCluster()).sort()
  }

  async markedForDeletion(topics: readonly string[]): Promise<ReadonlySet<string>> {
    const marked = await this.#zkClient.getTopicDeletions()
    return new Set(topics.filter((topic) => marked.includes(topic)))
  }

  async describe(topics: readonly string[]): Promise<readonly TopicDescription[]> {
    // Read what holds for all topics once.
    const brokers = await this.#zkClient.getAllBrokersInCluster()
    const alive = new Set(brokers.map(({ id }) => id))
    const marked = await this.markedForDeletion(topics)
    const assignments = await this.#zkClient.getPartitionAssignmentForTopics(topics)

    // Read configuration and state of each.
    const described: TopicDescription[] = []
    for (const topic of topics) {
      const configs = await this.#adminZkClient.fetchEntityConfig(
        ConfigType.Topic,
        topic,
      )
      const assignment = [...(assignments.get(topic) ?? [])].sort(([a], [b]) => a - b)
      const states = await this.#zkClient.getTopicPartitionStates(
        assignment.map(([partition]) => new TopicPartition(topic, partition)),
      )
      const partitions = assignment.map(([partition, replicas]) => {
        const state = states.get(new TopicPartition(topic, partition))?.leaderAndIsr
        const leader = state?.leader
        const leaderIsAlive = leader !== undefined && alive.has(leader)
        return { partition, leader, leaderIsAlive, replicas, isr: state?.isr ?? [] }
      })
      described.push({
        topic,
        partitions,
        configs,
        markedForDeletion: marked.has(topic),
      })
    }
    return described
  }

  async create(wanted: NewTopic): Promise<void> {
    const { topic, assignment, configs } = wanted
    if (assignment) {
      await this.#adminZkClient.createOrUpdateTopicPartitionAssignmentPathInZK(
        topic,
        assignment,
        configs,
      )
      return
    }
    await this.#adminZkClient.createTopic(
      topic,
      wanted.partitions ?? 1,
      wanted.replicationFactor ?? 1,
      configs,
      wanted.disableRackAware ? 'Disabled' : 'Enforced',
    )
  }

  async addPartitions(
    topic: string,
    count: number,
    assignment?: ReadonlyMap<number, readonly number[]>,
  ): Promise<void> {
    const all = await this.#zkClient.getPartitionAssignmentForTopics([topic])
    const existing = all.get(topic) ?? new Map<number, readonly number[]>()
    const added = assignment && onlyNew(assignment, existing.size)
    const brokers = await this.#adminZkClient.getBrokerMetadatas()
    await this.#adminZkClient.addPartitions(topic, existing, brokers, count, added)
  }

  async changeConfigs(
    topic: string,
    added: Readonly<Record<string, string>>,
    deleted: readonly string[],
  ): Promise<void> {
    const before = await this.#adminZkClient.fetchEntityConfig(ConfigType.Topic, topic)
    const after = { ...before, ...added }
    for (const name of deleted) delete after[name]
    await this.#adminZkClient.changeTopicConfig(topic, after)
  }

  async delete(topic: string): Promise<boolean> {
    try {
      await this.#adminZkClient.deleteTopic(topic)
      return false
    } catch (error) {
      if (error instanceof TopicAlreadyMarkedForDeletionException) return true
      throw error
    }
  }
}

/** An assignment without the partitions that a topic has already. */
export function onlyNew(
  assignment: ReadonlyMap<number, readonly number[]>,
  existing: number,
): Map<number, readonly number[]> {
  return new Map([...assignment].filter(([partition]) => partition >= existing))
}
