/**
 * # DynamicConfigManager
 *
 * Lets settings change while brokers run. Who changes one writes it to ZooKeeper and hangs
 * up a note; every broker reads the note, then the setting, and hands it on.
 *
 *     AdminZkClient ─▶ /config/topics/t, then /config/changes/config_change_n
 *                                              │ every broker
 *                            TopicConfigHandler ─▶ Log.updateConfig
 *     ClientIdConfigHandler, UserConfigHandler ─▶ ClientQuotaManager.updateQuota
 *
 * A broker reads all notes that hang when it starts: some of them may concern logs that it
 * loaded with an older setting.
 *
 * @kafka core/src/main/scala/kafka/server/DynamicConfigManager.scala#DynamicConfigManager
 * @module
 */
import { logger } from '../base/logger.ts'
import type { Clock } from '../base/platform/Platform.ts'
import {
  ConfigEntityChangeNotificationSequenceZNode,
  ConfigEntityChangeNotificationZNode,
  ConfigType,
} from '../zk/admin-znodes.ts'
import type { KafkaZkClient } from '../zk/KafkaZkClient.ts'
import { ZkNodeChangeNotificationListener } from '../zk/ZkNodeChangeNotificationListener.ts'
import type { ConfigHandler } from './ConfigHandler.ts'

const log = logger('DynamicConfigManager')

/** Reads changed settings and hands them on. */
export class DynamicConfigManager {
  readonly #zkClient: KafkaZkClient
  readonly #configHandlers: ReadonlyMap<string, ConfigHandler>
  readonly #configChangeListener: ZkNodeChangeNotificationListener

  /** @param configHandlers - by type of entity, such as `topics` */
  constructor(
    zkClient: KafkaZkClient,
    configHandlers: ReadonlyMap<string, ConfigHandler>,
    clock: Clock,
  ) {
    this.#zkClient = zkClient
    this.#configHandlers = configHandlers
    this.#configChangeListener = new ZkNodeChangeNotificationListener(zkClient, {
      seqNodeRoot: ConfigEntityChangeNotificationZNode.path(),
      seqNodePrefix: ConfigEntityChangeNotificationSequenceZNode.SequenceNumberPrefix,
      processNotification: (path, note) => this.processNotification(path, note),
      clock,
    })
  }

  /** Begins to watch, then takes in everything that is set now. */
  async startup(): Promise<void> {
    await this.#configChangeListener.init()
    for (const [entityType, handler] of this.#configHandlers) {
      const names = await this.#entityNames(entityType)
      await Promise.all(names.map((name) => this.#apply(entityType, name, handler)))
    }
  }

  /** All that something is set for; the client ids of users, too. */
  async #entityNames(entityType: string): Promise<string[]> {
    const names = await this.#zkClient.getAllEntitiesWithConfig(entityType)
    if (entityType !== ConfigType.User) return names
    const ofUsers = names.map(async (user) => {
      const folder = `${user}/${ConfigType.Client}`
      const path = `${entityType}/${folder}`
      const clients = await this.#zkClient.getAllEntitiesWithConfig(path)
      return clients.map((client) => `${folder}/${client}`)
    })
    return [...names, ...(await Promise.all(ofUsers)).flat()]
  }

  /**
   * Reads one note: which entity has other settings now.
   *
   * @throws what ZooKeeper throws: the note is then read again.
   * @differs A note of a form that is not known is skipped; 1.1.1 skips one that is no JSON,
   *   and any other keeps all later ones from being read.
   */
  async processNotification(path: string, note: Buffer): Promise<void> {
    let entity: string
    try {
      entity = ConfigEntityChangeNotificationSequenceZNode.decode(path, note)
    } catch (error) {
      log.error(`the note ${path} is not understood`, error)
      return
    }
    const [entityType = '', ...rest] = entity.split('/')
    const handler = this.#configHandlers.get(entityType)
    if (handler) await this.#apply(entityType, rest.join('/'), handler)
    else log.info(`settings of ${entity} changed; nothing here reads them`)
  }

  async #apply(
    entityType: string,
    entityName: string,
    handler: ConfigHandler,
  ): Promise<void> {
    const config = await this.#zkClient.getEntityConfigs(entityType, entityName)
    try {
      await handler.processConfigChanges(entityName, config)
    } catch (error) {
      // Keep the settings that were in force; those of others go on.
      log.error(`settings of ${entityType}/${entityName} are not valid`, error)
    }
  }

  /** Ends the watching. */
  async shutdown(): Promise<void> {
    await this.#configChangeListener.close()
  }
}
