/**
 * # DynamicListenerConfig
 *
 * Listeners that come and go while the broker runs: those that are new are bound, those
 * that are gone are closed with their connections, and the registration of the broker in
 * ZooKeeper says what it now advertises. The controller watches it and tells all brokers,
 * and so their clients.
 *
 *     /config/brokers/0 changes ─▶ reconfigure ─▶ SocketServer.removeListeners
 *                                             ├─▶ SocketServer.addListeners
 *                                             └─▶ KafkaController.updateBrokerInfo
 *                                                 └─▶ /brokers/ids/0 ─▶ UpdateMetadata
 *
 * @kafka core/src/main/scala/kafka/server/DynamicBrokerConfig.scala#DynamicListenerConfig
 * @differs A listener that stays keeps its address: another one is refused. 1.1.1 takes it,
 *   binds nothing, and advertises an address where nobody listens. There the settings of
 *   SSL and SASL are among these, too; here no listener has any.
 * @module
 */
import { ConfigException } from '../base/errors.ts'
import type { KafkaController } from '../controller/KafkaController.ts'
import type { SocketServer } from '../network/SocketServer.ts'
import type { BrokerInfo } from '../zk/Broker.ts'
import type { EndPoint } from '../zk/EndPoint.ts'
import { type BrokerReconfigurable, LISTENER_CONFIGS } from './DynamicBrokerConfig.ts'
import type { KafkaConfig } from './KafkaConfig.ts'

/** The parts of a broker that follow its listeners. */
export interface ListeningBroker {
  readonly config: KafkaConfig
  readonly socketServer: Pick<
    SocketServer,
    'addListeners' | 'removeListeners' | 'listenerNames' | 'boundPort'
  >
  readonly kafkaController: Pick<KafkaController, 'updateBrokerInfo'>
  /** What the broker advertises by the settings in force. */
  createBrokerInfo(): BrokerInfo
}

/** Binds and closes listeners as the settings say. */
export class DynamicListenerConfig implements BrokerReconfigurable {
  readonly reconfigurableConfigs = LISTENER_CONFIGS
  readonly #broker: ListeningBroker

  constructor(broker: ListeningBroker) {
    this.#broker = broker
  }

  /**
   * Checks what the settings alone do not tell.
   *
   * @throws ConfigException when a listener that is bound would get another address or
   *   protocol, or when the brokers' own listener would no longer be advertised
   */
  validateReconfiguration(newConfig: KafkaConfig): void {
    const { config, socketServer } = this.#broker
    const bound = socketServer.listenerNames
    for (const old of config.listeners) {
      const name = old.listenerName
      if (!bound.has(name)) continue
      const next = newConfig.listeners.find(
        (listener) => listener.listenerName === name,
      )
      if (next === undefined) continue
      const stays =
        next.host === old.host &&
        next.securityProtocol === old.securityProtocol &&
        (next.port === 0 || next.port === socketServer.boundPort(name))
      if (stays) continue
      throw new ConfigException(
        `listener ${name} is bound to ${old}: it cannot be changed to ${next}; ` +
          'restart the broker, or add a listener of another name',
      )
    }

    // Without it no broker could reach another.
    const { interBrokerListenerName: name } = config
    if (namesOf(newConfig.advertisedListeners).has(name)) return
    throw new ConfigException(
      `advertised.listeners must have the listener of the brokers, ${name}`,
    )
  }

  /**
   * Closes what is gone, binds what is not bound yet, and registers what is advertised.
   *
   * @throws KafkaException (rejects) when an address cannot be bound: nothing new is
   *   registered, and the next change tries again
   */
  async reconfigure(oldConfig: KafkaConfig, newConfig: KafkaConfig): Promise<void> {
    const { socketServer, kafkaController } = this.#broker
    const without = (listeners: readonly EndPoint[], other: ReadonlySet<string>) =>
      listeners.filter(({ listenerName }) => !other.has(listenerName))
    const { listeners } = newConfig
    await socketServer.removeListeners(without(oldConfig.listeners, namesOf(listeners)))
    await socketServer.addListeners(without(listeners, socketServer.listenerNames))
    await kafkaController.updateBrokerInfo(this.#broker.createBrokerInfo())
  }
}

function namesOf(listeners: readonly EndPoint[]): ReadonlySet<string> {
  return new Set(listeners.map(({ listenerName }) => listenerName))
}
