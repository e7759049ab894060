/**
 * # ConfigHandler
 *
 * Takes a changed configuration in. A topic's goes to its logs; those of clients, users
 * and brokers have nobody here who reads them.
 *
 * @kafka core/src/main/scala/kafka/server/ConfigHandler.scala#ConfigHandler
 * @module
 */
import { logger } from '../base/logger.ts'
import { LogConfig } from '../log/LogConfig.ts'
import type { LogManager } from '../log/LogManager.ts'
import type { ConfigEntries } from '../zk/AdminZkClient.ts'

const log = logger('TopicConfigHandler')

/** Takes the configurations of one type of entity in. */
export interface ConfigHandler {
  /** Takes what is set for an entity now; what is absent has its default again. */
  processConfigChanges(entityName: string, value: ConfigEntries): void
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
