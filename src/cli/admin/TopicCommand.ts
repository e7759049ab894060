/**
 * # TopicCommand
 *
 * `annotated-kafka topics`: creates, lists, describes, changes and deletes topics, with
 * the flags of `kafka-topics.sh` and its output.
 *
 *     annotated-kafka topics --zookeeper localhost:2181 --describe --topic orders
 *
 * @kafka core/src/main/scala/kafka/admin/TopicCommand.scala#TopicCommand
 * @differs `--bootstrap-server` does the same through the brokers, as later versions do
 * @module
 */
import {
  AdminOperationException,
  IllegalArgumentException,
  InvalidTopicException,
  TopicExistsException,
} from '../../base/errors.ts'
import { Whitelist } from '../../consumer/TopicFilter.ts'
import { LogConfig } from '../../log/LogConfig.ts'
import { GROUP_METADATA_TOPIC_NAME, Topic } from '../../zk/Topic.ts'
import type { TopicDescription, TopicService } from './TopicService.ts'

/** The flags. Exactly one of the first five is set. */
export interface TopicCommandOptions {
  readonly create?: boolean
  readonly list?: boolean
  readonly alter?: boolean
  readonly describe?: boolean
  readonly delete?: boolean
  /** A name; for all but `create` an expression. */
  readonly topic?: string
  readonly partitions?: number
  readonly replicationFactor?: number
  /** `1:2,2:3`: the replicas of each partition. */
  readonly replicaAssignment?: string
  /** `name=value` each. */
  readonly config?: readonly string[]
  readonly deleteConfig?: readonly string[]
  readonly ifNotExists?: boolean
  readonly ifExists?: boolean
  readonly disableRackAware?: boolean
  readonly underReplicatedPartitions?: boolean
  readonly unavailablePartitions?: boolean
  readonly topicsWithOverrides?: boolean
}

/** Carries out one command. */
export class TopicCommand {
  readonly #service: TopicService
  readonly #print: (line: string) => void

  constructor(service: TopicService, print: (line: string) => void) {
    this.#service = service
    this.#print = print
  }

  /**
   * Does what the flags say.
   *
   * @throws IllegalArgumentException (rejects) when flags are missing or contradict, and
   *   whatever refuses the change
   * @kafka core/src/main/scala/kafka/admin/TopicCommand.scala#main
   */
  async run(options: TopicCommandOptions): Promise<void> {
    const { create, list, alter, describe } = options
    const actions = [create, list, alter, describe, options.delete].filter(Boolean)
    if (actions.length !== 1) {
      throw new IllegalArgumentException(
        'give exactly one of --list, --describe, --create, --alter and --delete',
      )
    }
    checkArgs(options)
    if (create) await this.createTopic(options)
    else if (alter) await this.alterTopic(options)
    else if (list) await this.listTopics(options)
    else if (describe) await this.describeTopic(options)
    else await this.deleteTopic(options)
  }

  /** @kafka core/src/main/scala/kafka/admin/TopicCommand.scala#createTopic */
  async createTopic(options: TopicCommandOptions): Promise<void> {
    // Refuse what cannot be a topic before anybody is asked.
    const { topic = '', partitions, replicationFactor, replicaAssignment } = options
    Topic.validate(topic)
    const configs = parseTopicConfigsToBeAdded(options.config ?? [])
    if (
      replicaAssignment === undefined &&
      (partitions === undefined || replicationFactor === undefined)
    ) {
      throw new IllegalArgumentException(
        '--create needs --partitions and --replication-factor, or --replica-assignment',
      )
    }
    if (Topic.hasCollisionChars(topic)) {
      this.#print(
        'WARNING: a period and an underscore look the same in metric names; ' +
          'use one of them in topics, not both.',
      )
    }

    // Create it.
    const assignment =
      replicaAssignment === undefined
        ? undefined
        : parseReplicaAssignment(replicaAssignment)
    try {
      await this.#service.create({
        ...{ topic, partitions, replicationFactor, assignment, configs },
        disableRackAware: options.disableRackAware ?? false,
      })
    } catch (error) {
      if (options.ifNotExists && error instanceof TopicExistsException) return
      throw error
    }
    this.#print(`Created topic "${topic}".`)
  }

  /** @kafka core/src/main/scala/kafka/admin/TopicCommand.scala#alterTopic */
  async alterTopic(options: TopicCommandOptions): Promise<void> {
    const added = parseTopicConfigsToBeAdded(options.config ?? [])
    const deleted = options.deleteConfig ?? []
    LogConfig.validateNames(Object.fromEntries(deleted.map((name) => [name, ''])))
    for (const topic of await this.#chosen(options)) {
      // Change settings.
      if (options.config?.length || deleted.length) {
        await this.#service.changeConfigs(topic, added, deleted)
        this.#print(`Updated config for topic "${topic}".`)
      }

      // Add partitions.
      if (options.partitions === undefined) continue
      if (topic === GROUP_METADATA_TOPIC_NAME) {
        throw new IllegalArgumentException(
          'the offsets topic keeps its number of partitions: groups are dealt out by it',
        )
      }
      this.#print(
        'WARNING: keys are dealt to partitions by their number; with more of them, ' +
          'the order of messages with one key is not kept across this change.',
      )
      const { replicaAssignment } = options
      const assignment = replicaAssignment
        ? parseReplicaAssignment(replicaAssignment)
        : undefined
      await this.#service.addPartitions(topic, options.partitions, assignment)
      this.#print('Adding partitions succeeded!')
    }
  }

  /** @kafka core/src/main/scala/kafka/admin/TopicCommand.scala#listTopics */
  async listTopics(options: TopicCommandOptions): Promise<void> {
    const topics = await this.#matching(options)
    const marked = await this.#service.markedForDeletion(topics)
    for (const topic of topics) {
      this.#print(marked.has(topic) ? `${topic} - marked for deletion` : topic)
    }
  }

  /** @kafka core/src/main/scala/kafka/admin/TopicCommand.scala#deleteTopic */
  async deleteTopic(options: TopicCommandOptions): Promise<void> {
    for (const topic of await this.#chosen(options)) {
      if (Topic.isInternal(topic)) {
        throw new AdminOperationException(
          `topic ${topic} belongs to Kafka itself and cannot be deleted`,
        )
      }
      const before = await this.#service.delete(topic)
      this.#print(
        before
          ? `Topic ${topic} is already marked for deletion.`
          : `Topic ${topic} is marked for deletion.`,
      )
      if (!before && this.#service.isDeletionSilent) {
        this.#print(
          'Note: a cluster with delete.topic.enable=false will not delete it.',
        )
      }
    }
  }

  /** @kafka core/src/main/scala/kafka/admin/TopicCommand.scala#describeTopic */
  async describeTopic(options: TopicCommandOptions): Promise<void> {
    const topics = await this.#matching(options)
    for (const topic of await this.#service.describe(topics)) {
      this.#describeConfigs(topic, options)
      if (!options.topicsWithOverrides) this.#describePartitions(topic, options)
    }
  }

  #describeConfigs(topic: TopicDescription, options: TopicCommandOptions): void {
    if (options.underReplicatedPartitions || options.unavailablePartitions) return
    const configs = Object.entries(topic.configs)
    if (options.topicsWithOverrides && configs.length === 0) return
    this.#print(
      [
        `Topic:${topic.topic}`,
        `PartitionCount:${topic.partitions.length}`,
        `ReplicationFactor:${topic.partitions[0]?.replicas.length ?? 0}`,
        `Configs:${configs.map(([name, value]) => `${name}=${value}`).join(',')}`,
        ...(topic.markedForDeletion ? ['MarkedForDeletion:true'] : []),
      ].join('\t'),
    )
  }

  #describePartitions(topic: TopicDescription, options: TopicCommandOptions): void {
    const { underReplicatedPartitions, unavailablePartitions } = options
    const some = underReplicatedPartitions || unavailablePartitions
    for (const {
      partition,
      leader,
      leaderIsAlive,
      replicas,
      isr,
    } of topic.partitions) {
      // With a filter, print what it looks for.
      const shown =
        !some ||
        (underReplicatedPartitions && isr.length < replicas.length) ||
        (unavailablePartitions && !leaderIsAlive)
      if (!shown) continue
      this.#print(
        [
          '',
          `Topic: ${topic.topic}`,
          `Partition: ${partition}`,
          `Leader: ${leader ?? 'none'}`,
          `Replicas: ${replicas.join(',')}`,
          `Isr: ${isr.join(',')}`,
          ...(topic.markedForDeletion && some ? ['MarkedForDeletion: true'] : []),
        ].join('\t'),
      )
    }
  }

  /** Topics that the expression names; all without one. */
  async #matching({ topic }: TopicCommandOptions): Promise<readonly string[]> {
    const all = await this.#service.topicNames()
    if (topic === undefined) return all
    const filter = new Whitelist(topic)
    return all.filter((name) => filter.isTopicAllowed(name, false))
  }

  /** Topics to change: there must be one, unless the user said that there may not. */
  async #chosen(options: TopicCommandOptions): Promise<readonly string[]> {
    const topics = await this.#matching(options)
    if (topics.length === 0 && !options.ifExists) {
      throw new InvalidTopicException(`topic ${options.topic} does not exist`)
    }
    return topics
  }
}

/** Which flags go with which actions; `--topic` goes with all. */
const actionsOf: Readonly<
  Partial<Record<keyof TopicCommandOptions, readonly (keyof TopicCommandOptions)[]>>
> = {
  config: ['create', 'alter'],
  deleteConfig: ['alter'],
  partitions: ['create', 'alter'],
  replicationFactor: ['create'],
  replicaAssignment: ['create', 'alter'],
  underReplicatedPartitions: ['describe'],
  unavailablePartitions: ['describe'],
  topicsWithOverrides: ['describe'],
  ifExists: ['alter', 'delete'],
  ifNotExists: ['create'],
}

/** @kafka core/src/main/scala/kafka/admin/TopicCommand.scala#checkArgs */
function checkArgs(options: TopicCommandOptions): void {
  const refuse = (text: string) => new IllegalArgumentException(text)
  const isGiven = (flag: keyof TopicCommandOptions) => {
    const value = options[flag]
    return Array.isArray(value) ? value.length > 0 : value !== undefined
  }
  const name = (flag: string) =>
    `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

  // Refuse what does not go with the action, or with another flag.
  if (!options.list && !options.describe && !isGiven('topic')) {
    throw refuse('give a --topic')
  }
  for (const [flag, actions = []] of Object.entries(actionsOf)) {
    if (!isGiven(flag as keyof TopicCommandOptions)) continue
    if (!actions.some((action) => options[action])) {
      throw refuse(`${name(flag)} is for ${actions.map(name).join(' and ')}`)
    }
  }
  if (
    options.create &&
    isGiven('replicaAssignment') &&
    (isGiven('partitions') || isGiven('replicationFactor'))
  ) {
    throw refuse('--replica-assignment stands in the place of the two counts')
  }
  const filters = ['underReplicatedPartitions', 'unavailablePartitions'] as const
  const given = [...filters, 'topicsWithOverrides' as const].filter(isGiven)
  if (given.length > 1) throw refuse(`give only one of ${given.map(name).join(', ')}`)
}

/**
 * Reads settings of a topic.
 *
 * @param texts - `name=value` each
 * @throws InvalidConfigurationException naming key, value and what was expected
 */
export function parseTopicConfigsToBeAdded(
  texts: readonly string[],
): Record<string, string> {
  const configs: Record<string, string> = {}
  for (const text of texts) {
    const at = text.indexOf('=')
    if (at <= 0) {
      throw new IllegalArgumentException(`--config ${text}: expected name=value`)
    }
    configs[text.slice(0, at).trim()] = text.slice(at + 1).trim()
  }
  LogConfig.validate(configs)
  return configs
}

/**
 * Reads an assignment.
 *
 * @param text - brokers of a partition with `:` between, partitions with `,` between
 * @throws AdminOperationException when a broker comes twice in a partition, or partitions
 *   have different numbers of replicas
 * @kafka core/src/main/scala/kafka/admin/TopicCommand.scala#parseReplicaAssignment
 */
export function parseReplicaAssignment(text: string): Map<number, number[]> {
  const assignment = new Map<number, number[]>()
  for (const [partition, list] of text.split(',').entries()) {
    const brokers = list.split(':').map((id) => id.trim())
    if (!brokers.every((id) => /^\d+$/.test(id))) {
      throw new AdminOperationException(
        `partition ${partition}: ${JSON.stringify(list)}, expected broker ids with : between`,
      )
    }
    const ids = brokers.map(Number)
    if (new Set(ids).size !== ids.length) {
      throw new AdminOperationException(`partition ${partition} names a broker twice`)
    }
    if (assignment.size > 0 && ids.length !== assignment.get(0)?.length) {
      throw new AdminOperationException(
        `partition ${partition} has another number of replicas than partition 0`,
      )
    }
    assignment.set(partition, ids)
  }
  return assignment
}
