/**
 * # TopicService
 *
 * What {@link TopicCommand} needs of a cluster. There are two ways to it: through the
 * znodes, as the command of Kafka 1.1.1 goes, and through the brokers, as later versions
 * and every client go.
 *
 *     TopicCommand ─▶ TopicService ─┬─ ZookeeperTopicService   writes znodes; the controller sees them
 *                                   └─ BrokerTopicService      asks the controller
 *
 * @kafka core/src/main/scala/kafka/admin/TopicCommand.scala#TopicCommand
 * @module
 */

/** One partition as the command prints it. */
export interface PartitionDescription {
  readonly partition: number
  /** Absent when nobody leads. */
  readonly leader: number | undefined
  /** Whether that leader is alive. */
  readonly leaderIsAlive: boolean
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
}

/** One topic as the command prints it. */
export interface TopicDescription {
  readonly topic: string
  readonly partitions: readonly PartitionDescription[]
  /** What was set for this topic alone. */
  readonly configs: Readonly<Record<string, string>>
  readonly markedForDeletion: boolean
}

/** A topic to create: counts, or the assignment in their place. */
export interface NewTopic {
  readonly topic: string
  readonly partitions?: number | undefined
  readonly replicationFactor?: number | undefined
  /** Replicas of each partition, the preferred leader first. */
  readonly assignment?: ReadonlyMap<number, readonly number[]> | undefined
  readonly configs: Readonly<Record<string, string>>
  /** Whether to place replicas as if no broker had a rack. */
  readonly disableRackAware: boolean
}

/** Topics, seen and changed in one of two ways. */
export interface TopicService {
  /** Whether nobody tells that a cluster deletes no topics. */
  readonly isDeletionSilent: boolean

  /** Names of all topics, sorted. */
  topicNames(): Promise<readonly string[]>

  /** Of these, the ones that wait for their deletion. */
  markedForDeletion(topics: readonly string[]): Promise<ReadonlySet<string>>

  /** Describes topics that exist, in the order given. */
  describe(topics: readonly string[]): Promise<readonly TopicDescription[]>

  /** @throws TopicExistsException (rejects), and what makes the topic impossible */
  create(topic: NewTopic): Promise<void>

  /**
   * Adds partitions.
   *
   * @param count - how many the topic shall have
   * @param assignment - replicas of *all* partitions; chosen when absent
   */
  addPartitions(
    topic: string,
    count: number,
    assignment?: ReadonlyMap<number, readonly number[]>,
  ): Promise<void>

  /** Sets and removes overrides; the others stay. */
  changeConfigs(
    topic: string,
    added: Readonly<Record<string, string>>,
    deleted: readonly string[],
  ): Promise<void>

  /**
   * Orders a deletion.
   *
   * @returns whether the topic was marked for deletion before
   */
  delete(topic: string): Promise<boolean>
}
