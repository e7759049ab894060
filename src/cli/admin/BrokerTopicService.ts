/**
 * # BrokerTopicService
 *
 * Topics through the brokers, with the requests that every client has: Metadata,
 * CreateTopics, CreatePartitions, DeleteTopics, DescribeConfigs and AlterConfigs.
 *
 * @kafka clients/src/main/java/org/apache/kafka/clients/admin/KafkaAdminClient.java#KafkaAdminClient
 * @differs the command of 1.1.1 cannot do this; it came with 2.2
 * @module
 */
import { Errors } from '../../base/errors.ts'
import { type ClusterClient, throwUnlessNone } from '../../clients/ClusterClient.ts'
import { CreatePartitions } from '../../protocol/messages/CreatePartitions.ts'
import { CreateTopics } from '../../protocol/messages/CreateTopics.ts'
import { DeleteTopics } from '../../protocol/messages/DeleteTopics.ts'
import { alterEntity, ConfigResourceType, describeEntity } from './broker-configs.ts'
import type { NewTopic, TopicDescription, TopicService } from './TopicService.ts'
import { onlyNew } from './ZookeeperTopicService.ts'

/** How long the controller may take to carry something out, in ms. */
const TIMEOUT_MS = 30_000

/** Topics as the brokers tell of them. */
export class BrokerTopicService implements TopicService {
  readonly isDeletionSilent = false
  readonly #client: ClusterClient

  constructor(client: ClusterClient) {
    this.#client = client
  }

  async topicNames(): Promise<readonly string[]> {
    const { topics } = await this.#client.metadata(null)
    return topics.map(({ name }) => name).sort()
  }

  /** None: a broker does not tell; DeleteTopics waits until the topic is gone. */
  async markedForDeletion(): Promise<ReadonlySet<string>> {
    return new Set()
  }

  async describe(topics: readonly string[]): Promise<readonly TopicDescription[]> {
    const metadata = await this.#client.metadata(topics)
    const alive = new Set(metadata.brokers.map(({ nodeId }) => nodeId))
    const described: TopicDescription[] = []
    for (const { name, errorCode, partitions } of metadata.topics) {
      // A topic that lost leaders is still described; one that is gone is not.
      if (errorCode === Errors.UNKNOWN_TOPIC_OR_PARTITION.code) continue
      const configs: Record<string, string> = {}
      const overrides = await describeEntity(
        this.#client,
        ConfigResourceType.TOPIC,
        name,
      )
      for (const { name, value } of overrides) configs[name] = value ?? ''
      const sorted = [...partitions].sort((a, b) => a.partition - b.partition)
      described.push({
        ...{ topic: name, configs, markedForDeletion: false },
        partitions: sorted.map(({ partition, leaderId, replicaNodes, isrNodes }) => ({
          ...{ partition, replicas: replicaNodes, isr: isrNodes },
          leader: leaderId < 0 ? undefined : leaderId,
          leaderIsAlive: alive.has(leaderId),
        })),
      })
    }
    return described
  }

  async create(wanted: NewTopic): Promise<void> {
    const { topic, assignment, partitions = 1, replicationFactor = 1 } = wanted
    const body = {
      topics: [
        {
          name: topic,
          numPartitions: assignment ? -1 : partitions,
          replicationFactor: assignment ? -1 : replicationFactor,
          assignments: [...(assignment ?? [])].map(([partition, replicas]) => ({
            partition,
            brokerIds: [...replicas],
          })),
          configs: Object.entries(wanted.configs).map(([name, value]) => ({
            name,
            value,
          })),
        },
      ],
      ...{ timeoutMs: TIMEOUT_MS, validateOnly: false },
    }
    await this.#client.retry(async () => {
      const node = await this.#client.controller()
      const answer = await this.#client.send(node, CreateTopics, 2, body)
      for (const one of answer.topics) throwUnlessNone(one.errorCode, one.errorMessage)
    }, notTimedOut)
  }

  async addPartitions(
    topic: string,
    count: number,
    assignment?: ReadonlyMap<number, readonly number[]>,
  ): Promise<void> {
    const existing = (await this.#client.metadata([topic])).topics[0]
    const added = assignment && onlyNew(assignment, existing?.partitions.length ?? 0)
    const assignments = added
      ? [...added.values()].map((brokerIds) => ({ brokerIds: [...brokerIds] }))
      : null
    await this.#client.retry(async () => {
      const node = await this.#client.controller()
      const { results } = await this.#client.send(node, CreatePartitions, 0, {
        topics: [{ name: topic, count, assignments }],
        ...{ timeoutMs: TIMEOUT_MS, validateOnly: false },
      })
      for (const one of results) throwUnlessNone(one.errorCode, one.errorMessage)
    }, notTimedOut)
  }

  async changeConfigs(
    topic: string,
    added: Readonly<Record<string, string>>,
    deleted: readonly string[],
  ): Promise<void> {
    const change = { added, deleted }
    await alterEntity(this.#client, ConfigResourceType.TOPIC, topic, change)
  }

  async delete(topic: string): Promise<boolean> {
    await this.#client.retry(async () => {
      const node = await this.#client.controller()
      const { responses } = await this.#client.send(node, DeleteTopics, 1, {
        ...{ topicNames: [topic], timeoutMs: TIMEOUT_MS },
      })
      for (const { errorCode } of responses) throwUnlessNone(errorCode)
    }, notTimedOut)
    return false
  }
}

/** A change that the controller has begun is not ordered twice. */
function notTimedOut(error: (typeof Errors)['NONE']): boolean {
  return error !== Errors.REQUEST_TIMED_OUT
}
