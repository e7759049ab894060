/**
 * # AdminManager
 *
 * Creates, grows and deletes topics, and reads and changes their settings, for the admin
 * APIs. It writes to ZooKeeper what shall be; the controller makes it so; the request waits
 * in a purgatory until this broker has heard of it.
 *
 *     CreateTopics ─▶ assign replicas ─▶ ZooKeeper ─▶ topicPurgatory
 *                                            │              ▲ tryCompleteDelayedTopicOperations
 *                                       controller ─▶ UpdateMetadata
 *
 * Invariants: each callback is called exactly once; one topic's failure leaves the others
 * alone.
 *
 * @kafka core/src/main/scala/kafka/server/AdminManager.scala#AdminManager
 * @differs Methods that write to ZooKeeper are asynchronous. There are no policies.
 * @module
 */
import {
  AdminOperationException,
  ConfigException,
  Errors,
  InvalidConfigurationException,
  InvalidPartitionsException,
  InvalidReplicaAssignmentException,
  InvalidRequestException,
  KafkaException,
  ReassignmentInProgressException,
  UnknownTopicOrPartitionException,
  type WireError,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Platform } from '../base/platform/Platform.ts'
import { LogConfig } from '../log/LogConfig.ts'
import type { DelayedOperation } from '../replica/DelayedOperation.ts'
import { DelayedOperationPurgatory } from '../replica/DelayedOperationPurgatory.ts'
import { AdminUtils, type BrokerMetadata } from '../zk/AdminUtils.ts'
import {
  AdminZkClient,
  type ConfigEntries,
  type ReplicaAssignment,
  TopicAlreadyMarkedForDeletionException,
} from '../zk/AdminZkClient.ts'
import { ConfigType } from '../zk/admin-znodes.ts'
import type { KafkaZkClient } from '../zk/KafkaZkClient.ts'
import { Topic } from '../zk/Topic.ts'
import { ApiError } from './ApiError.ts'
import {
  type ConfigEntry,
  type DescriptionScope,
  describeBrokerConfigs,
  describeDefaultConfigs,
  describeTopicConfigs,
} from './config-descriptions.ts'
import {
  type ApiErrorCallback,
  type CreatePartitionsMetadata,
  DelayedCreatePartitions,
} from './DelayedCreatePartitions.ts'
import {
  DelayedDeleteTopics,
  type DeleteTopicMetadata,
  type WireErrorCallback,
} from './DelayedDeleteTopics.ts'
import { DynamicBrokerConfig } from './DynamicBrokerConfig.ts'
import type { KafkaConfig } from './KafkaConfig.ts'
import type { MetadataCache } from './MetadataCache.ts'
import { TopicKey } from './TopicKey.ts'

const log = logger('AdminManager')

/** In a CreateTopics request: not given, because the assignment is. */
const NO_NUM_PARTITIONS = -1
const NO_REPLICATION_FACTOR = -1

/** Kinds of resources as numbers on the wire; topics and brokers have settings. */
export const ResourceType = { ANY: 1, TOPIC: 2, GROUP: 3, BROKER: 4 } as const

/** What an admin manager is made from. */
export interface AdminManagerOptions {
  readonly config: KafkaConfig
  readonly metadataCache: MetadataCache
  readonly zkClient: KafkaZkClient
  readonly platform: Platform
  /** Settings that change while the broker runs; none when left out. */
  readonly dynamicConfig?: DynamicBrokerConfig
}

/**
 * A topic to create: counts, or an assignment.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/CreateTopicsRequest.java#TopicDetails
 */
export interface TopicDetails {
  /** -1 with an assignment. */
  readonly numPartitions: number
  /** -1 with an assignment. */
  readonly replicationFactor: number
  /** Brokers by partition; empty to have them chosen. */
  readonly replicasAssignments: ReplicaAssignment
  /** Values that differ from the defaults; null is an error. */
  readonly configs: ReadonlyMap<string, string | null>
}

/** Partitions to add. */
export interface NewPartitions {
  /** How many the topic shall have. */
  readonly totalCount: number
  /** Brokers of each new one; null to have them chosen. */
  readonly assignments: readonly (readonly number[])[] | null
}

/** Something that has settings: a topic, a broker. */
export interface ConfigResource {
  /** One of {@link ResourceType}, or a number that is not known. */
  readonly type: number
  readonly name: string
}

/** A resource, described. */
export interface ResourceDescription {
  readonly error: ApiError
  readonly entries: readonly ConfigEntry[]
}

/** Creates, grows, deletes and configures topics. */
export class AdminManager {
  readonly config: KafkaConfig
  readonly metadataCache: MetadataCache
  readonly zkClient: KafkaZkClient
  /** Also creates the topics that requests for metadata ask for. */
  readonly adminZkClient: AdminZkClient
  /** Requests that wait for topics, under their names. */
  readonly topicPurgatory: DelayedOperationPurgatory<DelayedOperation>
  readonly #platform: Platform
  readonly #dynamicConfig: DynamicBrokerConfig

  constructor(options: AdminManagerOptions) {
    const { config, metadataCache, zkClient, platform } = options
    this.#dynamicConfig = options.dynamicConfig ?? new DynamicBrokerConfig(config)
    this.config = config
    this.metadataCache = metadataCache
    this.zkClient = zkClient
    this.#platform = platform
    this.adminZkClient = new AdminZkClient(zkClient, {
      nextInt: (bound) => platform.random.nextInt(bound),
      validateTopicConfig: (props) => LogConfig.validate(props),
    })
    this.topicPurgatory = new DelayedOperationPurgatory({
      purgatoryName: 'topic',
      clock: platform.clock,
      brokerId: config.brokerId,
    })
  }

  /** Whether any request waits for a topic. */
  get hasDelayedTopicOperations(): boolean {
    return this.topicPurgatory.delayed !== 0
  }

  /** Looks again at the requests that wait for a topic. */
  tryCompleteDelayedTopicOperations(topic: string): void {
    const completed = this.topicPurgatory.checkAndComplete(new TopicKey(topic))
    log.debug(`news of ${topic} completed ${completed} requests`)
  }

  /**
   * Creates topics. Resolves when they are written; the answer comes with the leaders.
   *
   * @param timeout - ms to wait for leaders; 0 or less to answer at once, timed out
   * @param validateOnly - check, write nothing
   * @param createInfo - by name
   * @kafka core/src/main/scala/kafka/server/AdminManager.scala#AdminManager.createTopics
   */
  async createTopics(
    timeout: number,
    validateOnly: boolean,
    createInfo: ReadonlyMap<string, TopicDetails>,
    responseCallback: ApiErrorCallback,
  ): Promise<void> {
    // Spread the replicas over the brokers that this one knows to be alive.
    const brokers = this.metadataCache
      .getAliveBrokers()
      .map(({ id, rack }) => ({ id, rack }))
    const metadata: CreatePartitionsMetadata[] = []
    for (const [topic, details] of createInfo) {
      metadata.push(await this.#createTopic(topic, details, brokers, validateOnly))
    }
    this.#answerWithLeaders(timeout, validateOnly, metadata, responseCallback)
  }

  async #createTopic(
    topic: string,
    details: TopicDetails,
    brokers: readonly BrokerMetadata[],
    validateOnly: boolean,
  ): Promise<CreatePartitionsMetadata> {
    try {
      const configs = configEntries(details.configs)
      LogConfig.validate(configs)
      const assignment = this.#assign(details, brokers)

      // Check, or check and write.
      const admin = this.adminZkClient
      if (validateOnly) {
        await admin.validateCreateOrUpdateTopic(topic, assignment, configs, false)
      } else {
        await admin.createOrUpdateTopicPartitionAssignmentPathInZK(
          topic,
          assignment,
          configs,
        )
      }
      return { topic, partitions: [...assignment.keys()], error: ApiError.NONE }
    } catch (error) {
      return refused(topic, error, 'create')
    }
  }

  #assign(
    { numPartitions, replicationFactor, replicasAssignments }: TopicDetails,
    brokers: readonly BrokerMetadata[],
  ): ReplicaAssignment {
    const isGiven = replicasAssignments.size > 0
    const hasCounts =
      numPartitions !== NO_NUM_PARTITIONS || replicationFactor !== NO_REPLICATION_FACTOR
    if (isGiven && hasCounts) {
      throw new InvalidRequestException(
        'a topic is given by its counts or by its assignment, not by both',
      )
    }
    if (isGiven) return replicasAssignments
    return AdminUtils.assignReplicasToBrokers(
      brokers,
      { nPartitions: numPartitions, replicationFactor },
      (bound) => this.#platform.random.nextInt(bound),
    )
  }

  /**
   * Deletes topics. Resolves when they are marked; the answer comes when they are gone.
   *
   * @param timeout - ms to wait; 0 or less to answer at once, timed out
   * @kafka core/src/main/scala/kafka/server/AdminManager.scala#AdminManager.deleteTopics
   */
  async deleteTopics(
    timeout: number,
    topics: ReadonlySet<string>,
    responseCallback: WireErrorCallback,
  ): Promise<void> {
    const metadata: DeleteTopicMetadata[] = []
    for (const topic of topics) metadata.push(await this.#markForDeletion(topic))

    // Answer at once when nobody wants to wait, or nothing is to be waited for.
    const nothingToAwait = metadata.every(({ error }) => error !== Errors.NONE)
    if (timeout <= 0 || nothingToAwait) {
      const results = metadata.map(({ topic, error }): [string, WireError] => {
        return [topic, error === Errors.NONE ? Errors.REQUEST_TIMED_OUT : error]
      })
      responseCallback(new Map(results))
      return
    }
    this.topicPurgatory.tryCompleteElseWatch(
      new DelayedDeleteTopics(timeout, metadata, this.metadataCache, responseCallback),
      metadata.map(({ topic }) => new TopicKey(topic)),
    )
  }

  async #markForDeletion(topic: string): Promise<DeleteTopicMetadata> {
    try {
      await this.adminZkClient.deleteTopic(topic)
      return { topic, error: Errors.NONE }
    } catch (thrown) {
      // Someone was faster: wait together.
      if (thrown instanceof TopicAlreadyMarkedForDeletionException) {
        return { topic, error: Errors.NONE }
      }
      log.error(`cannot delete ${topic}`, thrown)
      return { topic, error: Errors.forException(thrown) }
    }
  }

  /**
   * Adds partitions to topics. Resolves when they are written; the answer comes with their
   * leaders.
   *
   * @param timeout - ms to wait for leaders; 0 or less to answer at once, timed out
   * @param newPartitions - by topic
   * @param validateOnly - check, write nothing
   * @kafka core/src/main/scala/kafka/server/AdminManager.scala#AdminManager.createPartitions
   */
  async createPartitions(
    timeout: number,
    newPartitions: ReadonlyMap<string, NewPartitions>,
    validateOnly: boolean,
    callback: ApiErrorCallback,
  ): Promise<void> {
    // A topic that moves has two sets of replicas at once: how many has each partition?
    const isMoving = await this.zkClient.reassignPartitionsInProgress()
    const brokers = await this.adminZkClient.getBrokerMetadatas()
    const metadata: CreatePartitionsMetadata[] = []
    for (const [topic, wanted] of newPartitions) {
      try {
        if (isMoving) {
          throw new ReassignmentInProgressException('partitions are being moved')
        }
        metadata.push(await this.#addPartitions(topic, wanted, brokers, validateOnly))
      } catch (error) {
        metadata.push(refused(topic, error, 'add partitions to'))
      }
    }
    this.#answerWithLeaders(timeout, validateOnly, metadata, callback)
  }

  async #addPartitions(
    topic: string,
    { totalCount, assignments }: NewPartitions,
    brokers: readonly BrokerMetadata[],
    validateOnly: boolean,
  ): Promise<CreatePartitionsMetadata> {
    // See what there is. A name that no topic can have may be no path in ZooKeeper, either.
    const existing = new Map<number, readonly number[]>()
    const topics = Topic.isValid(topic) ? [topic] : []
    const found = await this.zkClient.getReplicaAssignmentForTopics(topics)
    for (const [{ partition }, replicas] of found) existing.set(partition, replicas)
    if (existing.size === 0) {
      throw new UnknownTopicOrPartitionException(`topic ${topic} does not exist`)
    }
    const increment = totalCount - existing.size
    if (increment <= 0) {
      throw new InvalidPartitionsException(
        `topic ${topic} has ${existing.size} partitions already, ` +
          `the number can only grow, not become ${totalCount}`,
      )
    }

    // Put the new ones behind it.
    const given = assignments
      ? numberAssignments(assignments, existing.size, increment, brokers)
      : undefined
    const updated = await this.adminZkClient.addPartitions(
      ...[topic, existing, brokers, totalCount, given, validateOnly],
    )
    return { topic, partitions: [...updated.keys()], error: ApiError.NONE }
  }

  #answerWithLeaders(
    timeout: number,
    validateOnly: boolean,
    metadata: readonly CreatePartitionsMetadata[],
    responseCallback: ApiErrorCallback,
  ): void {
    // Answer at once when nobody wants to wait, or nothing is to be waited for.
    const nothingToAwait = metadata.every(({ error }) => !error.isSuccess)
    if (timeout <= 0 || validateOnly || nothingToAwait) {
      const results = metadata.map(({ topic, error }): [string, ApiError] => {
        const late = error.isSuccess && !validateOnly
        return [topic, late ? new ApiError(Errors.REQUEST_TIMED_OUT) : error]
      })
      responseCallback(new Map(results))
      return
    }

    // Wait for leaders.
    this.topicPurgatory.tryCompleteElseWatch(
      new DelayedCreatePartitions(
        timeout,
        metadata,
        this.metadataCache,
        responseCallback,
      ),
      metadata.map(({ topic }) => new TopicKey(topic)),
    )
  }

  /**
   * Describes the settings of topics and of this broker.
   *
   * @param resources - each with the names that are wanted, null for all
   * @returns in the order of `resources`
   * @kafka core/src/main/scala/kafka/server/AdminManager.scala#AdminManager.describeConfigs
   */
  async describeConfigs(
    resources: readonly (readonly [ConfigResource, ReadonlySet<string> | null])[],
    includeSynonyms: boolean,
  ): Promise<(readonly [ConfigResource, ResourceDescription])[]> {
    const described: [ConfigResource, ResourceDescription][] = []
    for (const [resource, names] of resources) {
      try {
        const entries = await this.#describe(resource, { names, includeSynonyms })
        described.push([resource, { error: ApiError.NONE, entries }])
      } catch (thrown) {
        logUnlessExpected(`cannot describe ${resource.name}`, thrown)
        described.push([
          resource,
          { error: ApiError.fromThrowable(thrown), entries: [] },
        ])
      }
    }
    return described
  }

  async #describe(
    { type, name }: ConfigResource,
    scope: DescriptionScope,
  ): Promise<ConfigEntry[]> {
    if (type === ResourceType.TOPIC) {
      Topic.validate(name)
      const props = await this.adminZkClient.fetchEntityConfig(ConfigType.Topic, name)
      return describeTopicConfigs(this.config, this.#dynamicConfig, props, scope)
    }
    if (type !== ResourceType.BROKER) {
      throw new InvalidRequestException(`resource type ${type} has no settings`)
    }

    // The nameless broker stands for what is set for all of them.
    if (name === '') return describeDefaultConfigs(this.#dynamicConfig, scope)
    this.#requireOwnId(name)
    return describeBrokerConfigs(this.config, this.#dynamicConfig, scope)
  }

  /**
   * Replaces the settings of topics and of this broker, or of all brokers: what is not
   * named returns to its default.
   *
   * @param configs - by resource
   * @param validateOnly - check, write nothing
   * @returns in the order of `configs`
   * @kafka core/src/main/scala/kafka/server/AdminManager.scala#AdminManager.alterConfigs
   */
  async alterConfigs(
    configs: readonly (readonly [ConfigResource, ReadonlyMap<string, string | null>])[],
    validateOnly: boolean,
  ): Promise<(readonly [ConfigResource, ApiError])[]> {
    const altered: [ConfigResource, ApiError][] = []
    for (const [resource, values] of configs) {
      try {
        await this.#alter(resource, configEntries(values), validateOnly)
        altered.push([resource, ApiError.NONE])
      } catch (thrown) {
        logUnlessExpected(`cannot alter ${resource.name}`, thrown)
        altered.push([resource, ApiError.fromThrowable(thrown)])
      }
    }
    return altered
  }

  async #alter(
    { type, name }: ConfigResource,
    configs: ConfigEntries,
    validateOnly: boolean,
  ): Promise<void> {
    if (type === ResourceType.BROKER) {
      await this.#alterBroker(name, configs, validateOnly)
      return
    }
    if (type !== ResourceType.TOPIC) {
      throw new InvalidRequestException(`resource type ${type} has no settings`)
    }

    // An unknown name is INVALID_CONFIG, a bad value of a known one INVALID_REQUEST.
    try {
      await this.adminZkClient.validateTopicConfig(name, configs)
    } catch (cause) {
      if (!(cause instanceof InvalidConfigurationException)) throw cause
      LogConfig.validateNames(configs)
      throw new InvalidRequestException(cause.message, { cause })
    }
    if (!validateOnly) await this.adminZkClient.changeTopicConfig(name, configs)
  }

  async #alterBroker(
    name: string,
    configs: ConfigEntries,
    validateOnly: boolean,
  ): Promise<void> {
    if (name !== '') this.#requireOwnId(name)
    try {
      this.#dynamicConfig.validate(configs, name !== '')
    } catch (cause) {
      if (!(cause instanceof ConfigException)) throw cause
      throw new InvalidRequestException(cause.message, { cause })
    }
    if (validateOnly) return
    const brokers = name === '' ? undefined : [this.config.brokerId]
    await this.adminZkClient.changeBrokerConfig(brokers, configs)
  }

  /** A broker is asked for its own settings only, since others may have other files. */
  #requireOwnId(name: string): void {
    if (!/^\d+$/.test(name)) {
      throw new InvalidRequestException(`the id of a broker is a number, not ${name}`)
    }
    if (Number(name) === this.config.brokerId) return
    throw new InvalidRequestException(
      `this is broker ${this.config.brokerId}, it cannot tell of broker ${name}`,
    )
  }

  /** Ends the purgatory; what waits there is not answered. */
  async shutdown(): Promise<void> {
    await this.topicPurgatory.shutdown()
  }
}

/** Gives the assignments of new partitions their numbers. */
function numberAssignments(
  assignments: readonly (readonly number[])[],
  firstPartition: number,
  count: number,
  brokers: readonly BrokerMetadata[],
): ReplicaAssignment {
  const known = new Set(brokers.map(({ id }) => id))
  const unknown = new Set(assignments.flat().filter((id) => !known.has(id)))
  if (unknown.size > 0) {
    throw new InvalidReplicaAssignmentException(
      `there are no brokers ${[...unknown].join(', ')}`,
    )
  }
  if (assignments.length !== count) {
    throw new InvalidReplicaAssignmentException(
      `${count} partitions are added, ${assignments.length} are assigned`,
    )
  }
  return new Map(assignments.map((replicas, i) => [firstPartition + i, replicas]))
}

/** Takes settings that all have a value. */
function configEntries(configs: ReadonlyMap<string, string | null>): ConfigEntries {
  const entries: Record<string, string> = {}
  for (const [name, value] of configs) {
    // A null is a fault of the client that 1.1.1 has no code for.
    if (value === null) throw new KafkaException(`${name} has no value`)
    entries[name] = value
  }
  return entries
}

function refused(
  topic: string,
  thrown: unknown,
  deed: string,
): CreatePartitionsMetadata {
  logUnlessExpected(`cannot ${deed} ${topic}`, thrown)
  return { topic, partitions: [], error: ApiError.fromThrowable(thrown) }
}

/** Logs a mistake of ours louder than one of a client. */
function logUnlessExpected(message: string, thrown: unknown): void {
  const isOurs =
    Errors.forException(thrown) === Errors.UNKNOWN_SERVER_ERROR &&
    !(thrown instanceof AdminOperationException)
  if (isOurs) log.error(message, thrown)
  else log.info(`${message}: ${thrown instanceof Error ? thrown.message : thrown}`)
}
