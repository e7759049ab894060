/**
 * # ConfigHandler
 *
 * Takes a changed configuration in. A topic's goes to its logs, those of clients and users
 * to the quotas, that of a broker to whatever was built to it.
 *
 * @kafka core/src/main/scala/kafka/server/ConfigHandler.scala#ConfigHandler
 * @module
 */
import { ConfigException, IllegalArgumentException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { Quota } from '../base/metrics/Quota.ts'
import { LogConfig } from '../log/LogConfig.ts'
import type { LogManager } from '../log/LogManager.ts'
import type { ConfigEntries } from '../zk/AdminZkClient.ts'
import { ConfigEntityName } from '../zk/admin-znodes.ts'
import type { DynamicBrokerConfig } from './DynamicBrokerConfig.ts'
import type { QuotaId } from './QuotaEntity.ts'
import type { QuotaManagers } from './QuotaFactory.ts'

const log = logger('TopicConfigHandler')

/** Takes the configurations of one type of entity in. */
export interface ConfigHandler {
  /** Takes what is set for an entity now; what is absent has its default again. */
  processConfigChanges(entityName: string, value: ConfigEntries): void | Promise<void>
}

/**
 * Hands the settings of topics to their logs.
 *
 * @kafka core/src/main/scala/kafka/server/ConfigHandler.scala#TopicConfigHandler
 * @differs Throttled replicas are not looked at: there are no replication quotas.
 */
export class TopicConfigHandler implements ConfigHandler {
  readonly #logManager: LogManager

  constructor(logManager: LogManager) {
    this.#logManager = logManager
  }

  processConfigChanges(topic: string, topicConfig: ConfigEntries): void {
    const logs = this.#logManager.logsByTopic(topic)
    if (logs.length === 0) return

    // Lay what is set over the defaults of this broker.
    const { currentDefaultConfig } = this.#logManager
    const config = LogConfig.fromProps(currentDefaultConfig, topicConfig)
    const updated = new Set(Object.keys(topicConfig))
    for (const each of logs) each.updateConfig(updated, config)
    log.info(`${topic}: ${[...updated].join(', ') || 'all settings'} changed`)
  }
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
 * @differs The rates of replication are not looked at.
 */
export class BrokerConfigHandler implements ConfigHandler {
  readonly #brokerId: number
  readonly #dynamicConfig: DynamicBrokerConfig

  constructor(brokerId: number, dynamicConfig: DynamicBrokerConfig) {
    this.#brokerId = brokerId
    this.#dynamicConfig = dynamicConfig
  }

  /** Resolves when all parts of the broker have followed. */
  async processConfigChanges(
    brokerId: string,
    properties: ConfigEntries,
  ): Promise<void> {
    if (brokerId === ConfigEntityName.Default) {
      await this.#dynamicConfig.updateDefaultConfig(properties)
    } else if (brokerId.trim() === String(this.#brokerId)) {
      await this.#dynamicConfig.updateBrokerConfig(properties)
    }
  }
}
