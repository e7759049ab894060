/**
 * # ConfigHandler
 *
 * Takes a changed configuration in. A topic's goes to its logs, and says which of its
 * replicas are copied at a limited rate; a broker's says that rate. Those of clients and users
 * go to the quotas, that of a broker to whatever was built to it.
 *
 * @kafka core/src/main/scala/kafka/server/ConfigHandler.scala#ConfigHandler
 * @module
 */
import { ConfigException, IllegalArgumentException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { Quota } from '../base/metrics/Quota.ts'
import { LogConfig } from '../log/LogConfig.ts'
import type { LogManager } from '../log/LogManager.ts'
import {
  AllReplicas,
  type ReplicationQuotaManager,
  type ReplicationQuotas,
} from '../replica/ReplicationQuotaManager.ts'
import type { ConfigEntries } from '../zk/AdminZkClient.ts'
import { ConfigEntityName } from '../zk/admin-znodes.ts'
import {
  type DynamicBrokerConfig,
  validateThrottledRate,
} from './DynamicBrokerConfig.ts'
import type { QuotaId } from './QuotaEntity.ts'
import type { QuotaManagers } from './QuotaFactory.ts'

const log = logger('TopicConfigHandler')

/** Takes the configurations of one type of entity in. */
export interface ConfigHandler {
  /** Takes what is set for an entity now; what is absent has its default again. */
  processConfigChanges(entityName: string, value: ConfigEntries): void | Promise<void>
}

/**
 * Hands the settings of topics to their logs, and the lists of throttled replicas to the
 * quotas of replication.
 *
 * @kafka core/src/main/scala/kafka/server/ConfigHandler.scala#TopicConfigHandler
 */
export class TopicConfigHandler implements ConfigHandler {
  readonly #logManager: LogManager
  readonly #brokerId: number
  readonly #quotas: Pick<ReplicationQuotas, 'leader' | 'follower'>

  constructor(
    logManager: LogManager,
    brokerId: number,
    quotas: Pick<ReplicationQuotas, 'leader' | 'follower'>,
  ) {
    this.#logManager = logManager
    this.#brokerId = brokerId
    this.#quotas = quotas
  }

  /** @throws ConfigException for a setting that is not valid; nothing changes then */
  processConfigChanges(topic: string, topicConfig: ConfigEntries): void {
    // Lay what is set over the defaults of this broker.
    const { currentDefaultConfig } = this.#logManager
    const config = LogConfig.fromProps(currentDefaultConfig, topicConfig)
    const updated = new Set(Object.keys(topicConfig))
    for (const each of this.#logManager.logsByTopic(topic)) {
      each.updateConfig(updated, config)
    }

    // Throttle its replicas on this broker, whether they have logs by now or not.
    const { leader, follower } = this.#quotas
    this.#updateThrottledList(leader, topic, config.LeaderReplicationThrottledReplicas)
    this.#updateThrottledList(
      ...([follower, topic, config.FollowerReplicationThrottledReplicas] as const),
    )
    log.info(`${topic}: ${[...updated].join(', ') || 'all settings'} changed`)
  }

  #updateThrottledList(
    quotaManager: ReplicationQuotaManager,
    topic: string,
    replicas: readonly string[],
  ): void {
    if (replicas.length === 0) quotaManager.removeThrottle(topic)
    else
      quotaManager.markThrottled(topic, throttledPartitions(replicas, this.#brokerId))
  }
}

/**
 * Picks the partitions of one broker out of a list of replicas.
 *
 * @param replicas - `*`, or `partition:broker` each, as `LogConfig` has checked it
 * @kafka core/src/main/scala/kafka/server/ConfigHandler.scala#TopicConfigHandler.parseThrottledPartitions
 */
export function throttledPartitions(
  replicas: readonly string[],
  brokerId: number,
): readonly number[] {
  if (replicas[0] === '*') return AllReplicas
  return replicas
    .map((replica) => replica.split(':').map(Number))
    .filter(([, broker]) => broker === brokerId)
    .map(([partition]) => partition ?? -1)
}

/**
 * Hands quotas on: a setting that is absent takes its quota away.
 *
 * @kafka core/src/main/scala/kafka/server/ConfigHandler.scala#QuotaConfigHandler
 */
export class QuotaConfigHandler {
  readonly #quotaManagers: QuotaManagers

  constructor(quotaManagers: QuotaManagers) {
    this.#quotaManagers = quotaManagers
  }

  /**
   * Sets what a user, a client id or both may use.
   *
   * @throws ConfigException for a value that is no number; no quota is changed then
   */
  updateQuotaConfig(id: QuotaId, config: ConfigEntries): void {
    const { produce, fetch, request } = this.#quotaManagers
    const producerQuota = quotaOf(config, 'producer_byte_rate')
    const consumerQuota = quotaOf(config, 'consumer_byte_rate')
    const requestQuota = quotaOf(config, 'request_percentage')
    produce.updateQuota(id, producerQuota)
    fetch.updateQuota(id, consumerQuota)
    request.updateQuota(id, requestQuota)
  }
}

function quotaOf(config: ConfigEntries, key: string): Quota | undefined {
  const text = config[key]
  if (text === undefined) return undefined
  const bound = text.trim() === '' ? Number.NaN : Number(text)
  if (Number.isNaN(bound)) {
    throw new ConfigException(`invalid value '${text}' for ${key}: expected a number`)
  }
  return Quota.upperBound(bound)
}

/**
 * Takes the quotas of client ids in.
 *
 * @kafka core/src/main/scala/kafka/server/ConfigHandler.scala#ClientIdConfigHandler
 */
export class ClientIdConfigHandler extends QuotaConfigHandler implements ConfigHandler {
  processConfigChanges(sanitizedClientId: string, clientConfig: ConfigEntries): void {
    this.updateQuotaConfig({ sanitizedClientId }, clientConfig)
  }
}

/**
 * Takes the quotas of users, and of the client ids of a user, in.
 *
 * @kafka core/src/main/scala/kafka/server/ConfigHandler.scala#UserConfigHandler
 * @differs There are no SCRAM credentials to be updated.
 */
export class UserConfigHandler extends QuotaConfigHandler implements ConfigHandler {
  /** @param quotaEntityPath - `<user>` or `<user>/clients/<client id>` */
  processConfigChanges(quotaEntityPath: string, config: ConfigEntries): void {
    const [sanitizedUser, clients, sanitizedClientId, ...rest] =
      quotaEntityPath.split('/')
    const isUser = clients === undefined
    const isBoth = clients === 'clients' && sanitizedClientId && rest.length === 0
    if (!sanitizedUser || !(isUser || isBoth)) {
      throw new IllegalArgumentException(`no quotas are set for ${quotaEntityPath}`)
    }
    this.updateQuotaConfig({ sanitizedUser, sanitizedClientId }, config)
  }
}

/**
 * Takes the settings of brokers in: those of all, and those of this one.
 *
 * @kafka core/src/main/scala/kafka/server/ConfigHandler.scala#BrokerConfigHandler
 * @differs A rate is one of a broker, as in Kafka: set for all brokers it does nothing.
 */
export class BrokerConfigHandler implements ConfigHandler {
  readonly #brokerId: number
  readonly #dynamicConfig: DynamicBrokerConfig
  readonly #quotas: ReplicationQuotas

  constructor(
    brokerId: number,
    dynamicConfig: DynamicBrokerConfig,
    quotas: ReplicationQuotas,
  ) {
    this.#brokerId = brokerId
    this.#dynamicConfig = dynamicConfig
    this.#quotas = quotas
  }

  /**
   * Resolves when all parts of the broker have followed.
   *
   * @throws ConfigException for a rate that is no whole number; no rate changes then
   */
  async processConfigChanges(
    brokerId: string,
    properties: ConfigEntries,
  ): Promise<void> {
    if (brokerId === ConfigEntityName.Default) {
      await this.#dynamicConfig.updateDefaultConfig(properties)
    } else if (brokerId.trim() === String(this.#brokerId)) {
      await this.#dynamicConfig.updateBrokerConfig(properties)

      // Take the rates in: one that is absent limits nothing any more.
      const leader = rateOf(properties, 'leader.replication.throttled.rate')
      const follower = rateOf(properties, 'follower.replication.throttled.rate')
      const alterLogDirs = rateOf(
        ...([properties, 'replica.alter.log.dirs.io.max.bytes.per.second'] as const),
      )
      this.#quotas.leader.updateQuota(leader)
      this.#quotas.follower.updateQuota(follower)
      this.#quotas.alterLogDirs.updateQuota(alterLogDirs)
    }
  }
}

/** A rate of replication, in bytes a second; one that nothing exceeds when it is absent. */
function rateOf(properties: ConfigEntries, key: string): Quota {
  const text = properties[key]
  if (text === undefined) return Quota.upperBound(Number.POSITIVE_INFINITY)
  validateThrottledRate(key, text)
  return Quota.upperBound(Number(text))
}
