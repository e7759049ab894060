/**
 * # Topics that make themselves
 *
 * A topic may come to be because someone asked about it: the one in which groups keep
 * their offsets, when the first group looks for its coordinator; the one of transactions,
 * likewise; any other, when
 * `auto.create.topics.enable` is on. Whoever asked is told to ask again: the topic has no
 * leaders yet.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.createTopic
 * @module
 */
import { Errors, TopicExistsException, type WireError } from '../../base/errors.ts'
import { logger } from '../../base/logger.ts'
import type { ConfigEntries } from '../../zk/AdminZkClient.ts'
import {
  GROUP_METADATA_TOPIC_NAME,
  TRANSACTION_STATE_TOPIC_NAME,
} from '../../zk/Topic.ts'
import type { ApisContext } from './ApisContext.ts'

const log = logger('KafkaApis')

/** How a topic that makes itself is to be. */
export interface NewTopic {
  /** `num.partitions` unless given. */
  readonly numPartitions?: number
  /** `default.replication.factor` unless given. */
  readonly replicationFactor?: number
  readonly configs?: ConfigEntries
}

/** Whether a topic is there. */
export interface InternalTopic {
  /** NONE when it is; else why it cannot be used now. */
  readonly error: WireError
  /** Whether this broker knows it. */
  readonly known: boolean
}

/**
 * Creates a topic that was asked about.
 *
 * @returns LEADER_NOT_AVAILABLE when it is created, by us or by somebody faster
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.createTopic
 */
export async function createTopic(
  { adminManager, config }: ApisContext,
  topic: string,
  {
    numPartitions = config.numPartitions,
    replicationFactor = config.defaultReplicationFactor,
    configs = {},
  }: NewTopic = {},
): Promise<WireError> {
  try {
    const { adminZkClient } = adminManager
    await adminZkClient.createTopic(
      ...([topic, numPartitions, replicationFactor, configs, 'Safe'] as const),
    )
    log.info(`created ${topic}, ${numPartitions} × ${replicationFactor}`)
    return Errors.LEADER_NOT_AVAILABLE
  } catch (thrown) {
    if (thrown instanceof TopicExistsException) return Errors.LEADER_NOT_AVAILABLE
    const error = Errors.forException(thrown)
    if (error === Errors.UNKNOWN_SERVER_ERROR) {
      log.error(`cannot create ${topic}`, thrown)
    }
    return error
  }
}

/**
 * Makes sure that a topic of Kafka's own exists, or is on its way.
 *
 * @returns what {@link createInternalTopic} returns when it had to be made
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.getOrCreateInternalTopic
 */
export async function getOrCreateInternalTopic(
  context: ApisContext,
  topic: string,
): Promise<InternalTopic> {
  const known = context.metadataCache.contains(topic)
  return {
    error: known ? Errors.NONE : await createInternalTopic(context, topic),
    known,
  }
}

/**
 * Creates a topic of Kafka's own.
 *
 * @returns COORDINATOR_NOT_AVAILABLE with fewer brokers than it needs replicas, else what
 *   {@link createTopic} returns
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.createInternalTopic
 */
async function createInternalTopic(
  context: ApisContext,
  topic: string,
): Promise<WireError> {
  const asked = internalTopic(context, topic)
  if (!asked) return Errors.UNKNOWN_TOPIC_OR_PARTITION

  // With too few brokers, a broker that fails would take all with it: wait for more.
  const { replicationFactor, key } = asked
  const alive = context.metadataCache.getAliveBrokers().length
  if (alive < replicationFactor) {
    const needs = `${replicationFactor} brokers (${key})`
    log.error(`${topic} needs ${needs}, ${alive} are alive`)
    return Errors.COORDINATOR_NOT_AVAILABLE
  }
  return await createTopic(context, topic, asked)
}

/** How a topic of Kafka's own is to be, and the key that says with how many copies. */
function internalTopic(
  { config, groupCoordinator, txnCoordinator }: ApisContext,
  topic: string,
): (Required<NewTopic> & { readonly key: string }) | undefined {
  switch (topic) {
    case GROUP_METADATA_TOPIC_NAME:
      return {
        key: 'offsets.topic.replication.factor',
        numPartitions: config.offsetsTopicPartitions,
        replicationFactor: config.offsetsTopicReplicationFactor,
        configs: groupCoordinator.offsetsTopicConfigs(),
      }
    case TRANSACTION_STATE_TOPIC_NAME:
      return {
        key: 'transaction.state.log.replication.factor',
        numPartitions: config.transactionTopicPartitions,
        replicationFactor: config.transactionTopicReplicationFactor,
        configs: txnCoordinator.transactionTopicConfigs(),
      }
    default:
      return undefined
  }
}
