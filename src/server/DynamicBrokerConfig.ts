/**
 * # DynamicBrokerConfig
 *
 * Settings of brokers that change while they run. Some of the settings in
 * `server.properties` can be overlaid from ZooKeeper, for one broker or for all of them:
 *
 *     1 DYNAMIC_BROKER_CONFIG          /config/brokers/0           ◀ wins
 *     2 DYNAMIC_DEFAULT_BROKER_CONFIG  /config/brokers/<default>
 *     3 STATIC_BROKER_CONFIG           server.properties
 *     4 DEFAULT_CONFIG                 built in
 *
 * AlterConfigs has them checked here by the broker that is asked, which writes them; the
 * brokers read them at a note in `/config/changes`, and at their start.
 *
 *     updateBrokerConfig ─▶ overlay ─▶ new KafkaConfig ─▶ updateCurrentConfig
 *                                                     └─▶ each BrokerReconfigurable
 *
 * The one `KafkaConfig` that all parts of a broker hold is changed in place, so whoever
 * reads a setting when it needs it has the new one. Parts that were built to a setting,
 * such as pools of threads, are told.
 *
 * @kafka core/src/main/scala/kafka/server/DynamicBrokerConfig.scala#DynamicBrokerConfig
 * @differs Metrics reporters, and what belongs to SSL and SASL on one listener, cannot be
 *   changed while a broker runs; in 1.1.1 they can. What belongs to SSL and SASL on all
 *   listeners is kept for one broker, as in 1.1.1; no listener here reads it, nor does a
 *   listener of 1.1.1 without security. A setting that is taken away returns to what
 *   the file says at once; in 1.1.1 only with the next change of another one.
 * @module
 */
import { Mutex } from '../base/async/Mutex.ts'
import { ConfigException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { logConfigKeys } from '../log/log-config-definitions.ts'
import type { ConfigEntries } from '../zk/AdminZkClient.ts'
import { ConfigEntityName, ConfigType } from '../zk/admin-znodes.ts'
import type { KafkaZkClient } from '../zk/KafkaZkClient.ts'
import { type ConfigProps, KafkaConfig } from './KafkaConfig.ts'

const log = logger('DynamicBrokerConfig')

/** Settings that size pools of threads. */
export const THREAD_POOL_CONFIGS: ReadonlySet<string> = new Set([
  ...['num.io.threads', 'num.network.threads', 'num.replica.fetchers'],
  ...['num.recovery.threads.per.data.dir', 'background.threads'],
])

/** Settings of the cleaner of compacted logs. */
export const LOG_CLEANER_CONFIGS: ReadonlySet<string> = new Set([
  ...['log.cleaner.threads', 'log.cleaner.dedupe.buffer.size'],
  ...['log.cleaner.io.buffer.load.factor', 'log.cleaner.io.buffer.size'],
  ...['message.max.bytes', 'log.cleaner.io.max.bytes.per.second'],
  'log.cleaner.backoff.ms',
])

/** Broker settings that mean the same in other units, the winner first. */
const unitSynonyms: readonly (readonly string[])[] = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
]

/** All names of a setting, in other units, too; the one that wins first. */
export function brokerConfigSynonyms(name: string): readonly string[] {
  // The scheduler's interval is a default for the other, and a setting of its own.
  if (name === 'log.flush.interval.ms') return [name, 'log.flush.scheduler.interval.ms']
  return unitSynonyms.find((family) => family.includes(name)) ?? [name]
}

/**
 * Defaults of topics. The format of messages stays: all brokers must know it.
 *
 * @kafka core/src/main/scala/kafka/server/DynamicBrokerConfig.scala#DynamicLogConfig
 */
export const LOG_CONFIGS: ReadonlySet<string> = new Set(
  logConfigKeys
    .map(({ serverConfigName }) => brokerConfigSynonyms(serverConfigName)[0])
    .filter((name) => name !== undefined)
    .filter((name) => KafkaConfig.isKnown(name))
    .filter((name) => name !== 'log.message.format.version'),
)

/** Where a broker listens. No two brokers share it, so it is set for one at a time. */
export const LISTENER_CONFIGS: ReadonlySet<string> = new Set([
  ...['listeners', 'advertised.listeners', 'listener.security.protocol.map'],
])

/**
 * How listeners secure themselves, and log in. Keys and certificates are not among these:
 * they are set for one listener.
 *
 * @kafka core/src/main/scala/kafka/server/DynamicBrokerConfig.scala#DynamicListenerConfig
 */
const SECURITY_CONFIGS: ReadonlySet<string> = new Set([
  ...['principal.builder.class', 'ssl.client.auth', 'ssl.cipher.suites'],
  ...['ssl.protocol', 'ssl.provider', 'ssl.enabled.protocols'],
  ...['ssl.keymanager.algorithm', 'ssl.trustmanager.algorithm'],
  ...['ssl.endpoint.identification.algorithm', 'ssl.secure.random.implementation'],
  ...['sasl.mechanism.inter.broker.protocol', 'sasl.enabled.mechanisms'],
  ...['sasl.kerberos.service.name', 'sasl.kerberos.kinit.cmd'],
  ...['sasl.kerberos.ticket.renew.window.factor', 'sasl.kerberos.ticket.renew.jitter'],
  'sasl.kerberos.min.time.before.relogin',
  'sasl.kerberos.principal.to.local.rules',
])

/** All settings of `server.properties` that can change while a broker runs. */
export const AllDynamicConfigs: ReadonlySet<string> = new Set([
  ...[...THREAD_POOL_CONFIGS, ...LOG_CLEANER_CONFIGS, ...LOG_CONFIGS],
  ...LISTENER_CONFIGS,
])

/**
 * Settings that stand in no file: bytes a second that replication may take.
 *
 * @kafka core/src/main/scala/kafka/server/DynamicConfig.scala#DynamicConfig.Broker
 */
const THROTTLED_RATES: ReadonlySet<string> = new Set([
  ...['leader.replication.throttled.rate', 'follower.replication.throttled.rate'],
  'replica.alter.log.dirs.io.max.bytes.per.second',
])

/** A part of a broker that was built to some settings. */
export interface BrokerReconfigurable {
  /** The settings it wants to know of. */
  readonly reconfigurableConfigs: ReadonlySet<string>
  /** @throws ConfigException when it cannot be changed so */
  validateReconfiguration(newConfig: KafkaConfig): void
  /** Changes it; called when the new settings are in force. */
  reconfigure(oldConfig: KafkaConfig, newConfig: KafkaConfig): void | Promise<void>
}

/** What a change comes to. */
interface Reconfiguration {
  readonly newConfig: KafkaConfig
  readonly toUpdate: readonly BrokerReconfigurable[]
}

/** The settings of one broker, and what lies over them. */
export class DynamicBrokerConfig {
  readonly #kafkaConfig: KafkaConfig
  readonly #brokerReconfigurables: BrokerReconfigurable[] = []
  /** One change at a time: parts take a while to follow. */
  readonly #lock = new Mutex()
  #static: ConfigProps
  #dynamicBrokerConfigs: ConfigProps = {}
  #dynamicDefaultConfigs: ConfigProps = {}
  #currentConfig: KafkaConfig

  /** @param kafkaConfig - as read at start; changed in place from now on */
  constructor(kafkaConfig: KafkaConfig) {
    this.#kafkaConfig = kafkaConfig
    this.#static = kafkaConfig.originals
    this.#currentConfig = new KafkaConfig(kafkaConfig.originals, false)
  }

  /** What the broker was started with. */
  get staticBrokerConfigs(): ConfigProps {
    return this.#static
  }

  /** What is set for this broker alone. */
  get currentDynamicBrokerConfigs(): ConfigProps {
    return this.#dynamicBrokerConfigs
  }

  /** What is set for all brokers. */
  get currentDynamicDefaultConfigs(): ConfigProps {
    return this.#dynamicDefaultConfigs
  }

  /** Takes in what ZooKeeper has, before the parts of the broker are made. */
  async initialize(zkClient: KafkaZkClient): Promise<void> {
    const read = (name: string) => zkClient.getEntityConfigs(ConfigType.Broker, name)
    await this.updateDefaultConfig(await read(ConfigEntityName.Default))
    await this.updateBrokerConfig(await read(String(this.#kafkaConfig.brokerId)))
  }

  /** Has a part told of changes. */
  addBrokerReconfigurable(reconfigurable: BrokerReconfigurable): void {
    this.#brokerReconfigurables.push(reconfigurable)
  }

  /** Takes in a setting that was found out at start, as if the file had it. */
  setStatic(props: ConfigProps): void {
    this.#static = { ...this.#static, ...props }
    this.#currentConfig = new KafkaConfig(this.#overlaid(), false)
    this.#kafkaConfig.updateCurrentConfig(this.#currentConfig)
  }

  /** Takes in what is set for this broker; what is absent returns to its default. */
  updateBrokerConfig(persistentProps: ConfigEntries): Promise<void> {
    return this.#update(() => {
      this.#dynamicBrokerConfigs = validOnly(
        persistentProps,
        'of this broker',
        isDynamic,
      )
    })
  }

  /** Takes in what is set for all brokers; what is absent returns to its default. */
  updateDefaultConfig(persistentProps: ConfigEntries): Promise<void> {
    return this.#update(() => {
      this.#dynamicDefaultConfigs = validOnly(
        persistentProps,
        'of all brokers',
        isForAll,
      )
    })
  }

  async #update(change: () => void): Promise<void> {
    await this.#lock.runExclusive(async () => {
      // Check the new settings as a whole.
      const dynamicBroker = this.#dynamicBrokerConfigs
      const dynamicDefault = this.#dynamicDefaultConfigs
      const oldConfig = this.#currentConfig
      let found: Reconfiguration
      try {
        change()
        found = this.#processReconfiguration(this.#overlaid())
      } catch (error) {
        // Keep to the settings that are in force.
        this.#dynamicBrokerConfigs = dynamicBroker
        this.#dynamicDefaultConfigs = dynamicDefault
        log.error('changed settings could not be applied', error)
        return
      }

      // Put the new settings in force, then have the parts follow.
      const { newConfig, toUpdate } = found
      this.#currentConfig = newConfig
      this.#kafkaConfig.updateCurrentConfig(newConfig)
      for (const part of toUpdate) await part.reconfigure(oldConfig, newConfig)
    })
  }

  /**
   * Checks a change that someone asks for.
   *
   * @param perBrokerConfig - for this broker; false: for all
   * @throws ConfigException when a setting cannot be changed, or not to that value
   * @kafka core/src/main/scala/kafka/server/DynamicBrokerConfig.scala#DynamicBrokerConfig.validate
   */
  validate(props: ConfigEntries, perBrokerConfig: boolean): void {
    const fixed = Object.keys(props).filter((key) => !isDynamic(key))
    if (fixed.length > 0) {
      throw new ConfigException(
        `these settings cannot be changed while a broker runs: ${fixed.join(', ')}`,
      )
    }
    const perBroker = Object.keys(props).filter((key) => !isForAll(key))
    if (!perBrokerConfig && perBroker.length > 0) {
      throw new ConfigException(
        `these settings can be changed for one broker only: ${perBroker.join(', ')}`,
      )
    }
    for (const [key, value] of Object.entries(props)) validateValue(key, value)
    const layers = perBrokerConfig
      ? [this.#dynamicDefaultConfigs, props]
      : [props, this.#dynamicBrokerConfigs]
    this.#processReconfiguration(overlay(this.#static, layers))
  }

  #overlaid(): ConfigProps {
    const layers = [this.#dynamicDefaultConfigs, this.#dynamicBrokerConfigs]
    return overlay(this.#static, layers)
  }

  /** Checks new settings as a whole, and with each part that they concern. */
  #processReconfiguration(newProps: ConfigProps): Reconfiguration {
    const { originals } = this.#currentConfig
    const keys = new Set([...Object.keys(newProps), ...Object.keys(originals)])
    const updated = [...keys].filter((key) => newProps[key] !== originals[key])
    if (updated.length === 0) return { newConfig: this.#currentConfig, toUpdate: [] }

    // Ask the parts that were built to what changes, under any of its names.
    const names = new Set(updated.flatMap(brokerConfigSynonyms))
    const newConfig = new KafkaConfig(newProps, false)
    const toUpdate = this.#brokerReconfigurables.filter(({ reconfigurableConfigs }) =>
      [...names].some((key) => reconfigurableConfigs.has(key)),
    )
    for (const part of toUpdate) part.validateReconfiguration(newConfig)
    return { newConfig, toUpdate }
  }
}

/** Whether a setting can be changed while a broker runs; unknown ones can: they do nothing. */
function isDynamic(key: string): boolean {
  if (AllDynamicConfigs.has(key) || SECURITY_CONFIGS.has(key)) return true
  if (THROTTLED_RATES.has(key)) return true
  return !KafkaConfig.isKnown(key) && !key.startsWith('listener.name.')
}

/** Whether a setting can be changed for all brokers at once. */
function isForAll(key: string): boolean {
  return isDynamic(key) && !LISTENER_CONFIGS.has(key) && !SECURITY_CONFIGS.has(key)
}

function validateValue(key: string, value: string): void {
  if (!THROTTLED_RATES.has(key)) {
    KafkaConfig.validateValue(key, value)
    return
  }
  validateThrottledRate(key, value)
}

/** @throws ConfigException unless the rate of a replication is a whole number */
export function validateThrottledRate(key: string, value: string): void {
  if (/^\d+$/.test(value)) return
  throw new ConfigException(
    `invalid value '${value}' for ${key}: expected a whole number of at least 0`,
  )
}

/** Leaves out what cannot be applied, and says so. */
function validOnly(
  props: ConfigEntries,
  whose: string,
  isAllowed: (key: string) => boolean,
): ConfigProps {
  const valid: Record<string, string> = {}
  for (const [key, value] of Object.entries(props)) {
    try {
      if (!isAllowed(key)) throw new ConfigException('it cannot be changed')
      validateValue(key, value)
      valid[key] = value
    } catch (error) {
      log.error(`the setting ${key} ${whose} is ignored`, error)
    }
  }
  return valid
}

/**
 * Lays settings over others. One in any unit takes the place of the same in other units:
 * `log.retention.ms` of a higher layer wins over `log.retention.hours` of a lower one.
 */
function overlay(props: ConfigProps, layers: readonly ConfigProps[]): ConfigProps {
  const result: Record<string, string> = { ...props }
  for (const [key, value] of layers.flatMap((layer) => Object.entries(layer))) {
    for (const synonym of brokerConfigSynonyms(key)) delete result[synonym]
    result[key] = value
  }
  return result
}
