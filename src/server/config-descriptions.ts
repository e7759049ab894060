/**
 * # Describing settings
 *
 * A setting is told with where its value comes from. The same question may be answered in
 * several places; the first of them wins, the others are its synonyms:
 *
 *     retention.ms of a topic
 *       1 TOPIC_CONFIG                   /config/topics/t           retention.ms   ◀ wins
 *       2 DYNAMIC_BROKER_CONFIG          /config/brokers/0          log.retention.ms
 *       3 DYNAMIC_DEFAULT_BROKER_CONFIG  /config/brokers/<default>  log.retention.ms
 *       4 STATIC_BROKER_CONFIG           server.properties          log.retention.hours
 *       5 DEFAULT_CONFIG                 built in                   log.retention.hours
 *
 * @kafka core/src/main/scala/kafka/server/AdminManager.scala#AdminManager.configSynonyms
 * @module
 */
import { LogConfig } from '../log/LogConfig.ts'
import { type ConfigDefinition, definitions } from './config-definitions.ts'
import {
  AllDynamicConfigs,
  brokerConfigSynonyms,
  type DynamicBrokerConfig,
} from './DynamicBrokerConfig.ts'
import type { KafkaConfig } from './KafkaConfig.ts'

/**
 * Where a value comes from, as numbers on the wire.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/DescribeConfigsResponse.java#ConfigSource
 */
export const ConfigSource = {
  TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
} as const

/** A place that answers, and what it says. */
export interface ConfigSynonym {
  readonly name: string
  readonly value: string | null
  readonly source: number
}

/** A setting as DescribeConfigs shows it. */
export interface ConfigEntry {
  readonly name: string
  readonly value: string | null
  readonly readOnly: boolean
  readonly isDefault: boolean
  readonly configSource: number
  readonly isSensitive: boolean
  readonly synonyms: readonly ConfigSynonym[]
}

/** What of a description is wanted. */
export interface DescriptionScope {
  /** Only these settings; null for all. */
  readonly names: ReadonlySet<string> | null
  readonly includeSynonyms: boolean
}

const rows = new Map<string, ConfigDefinition>(
  Object.values(definitions).map((row) => [row.key, row]),
)

/**
 * Asks every place for a broker setting, the one that wins first, and for those that stand
 * in for it when it is not set. What was found before the setting itself is left out; so a
 * setting that nobody set is told without synonyms, though another decides its value.
 */
function configSynonyms(dynamic: DynamicBrokerConfig, name: string): ConfigSynonym[] {
  const names = brokerConfigSynonyms(name)
  const builtIn = Object.fromEntries(names.map((key) => [key, rows.get(key)?.default]))
  const places = [
    [dynamic.currentDynamicBrokerConfigs, ConfigSource.DYNAMIC_BROKER_CONFIG],
    [dynamic.currentDynamicDefaultConfigs, ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG],
    [dynamic.staticBrokerConfigs, ConfigSource.STATIC_BROKER_CONFIG],
    [builtIn, ConfigSource.DEFAULT_CONFIG],
  ] as const

  // What is not known may be a secret: show where it is set, not to what.
  const isSensitive = !rows.has(name)
  const found = places.flatMap(([props, source]) =>
    names.flatMap((synonym) => {
      const value = props[synonym]
      const shown = isSensitive ? null : (value ?? null)
      return value === undefined ? [] : [{ name: synonym, value: shown, source }]
    }),
  )
  const own = found.findIndex((synonym) => synonym.name === name)
  return own < 0 ? [] : found.slice(own)
}

function entry(
  name: string,
  value: string | null,
  places: readonly ConfigSynonym[],
  rest: {
    readonly readOnly: boolean
    readonly includeSynonyms: boolean
    readonly isSensitive?: boolean
  },
): ConfigEntry {
  const configSource = places[0]?.source ?? ConfigSource.DEFAULT_CONFIG
  return {
    ...{ name, value, readOnly: rest.readOnly, configSource },
    isSensitive: rest.isSensitive ?? false,
    isDefault: configSource === ConfigSource.DEFAULT_CONFIG,
    synonyms: rest.includeSynonyms ? places : [],
  }
}

/**
 * Describes the settings of a topic.
 *
 * @param topicProps - what the topic itself sets
 * @throws InvalidConfigurationException when that no longer makes sense
 */
export function describeTopicConfigs(
  config: KafkaConfig,
  dynamic: DynamicBrokerConfig,
  topicProps: Readonly<Record<string, string>>,
  { names, includeSynonyms }: DescriptionScope,
): ConfigEntry[] {
  const logConfig = LogConfig.fromProps(config.extractLogConfigMap(), topicProps)
  const wanted = LogConfig.configNames.filter((name) => names?.has(name) ?? true)
  return wanted.map((name) => {
    const serverName = LogConfig.serverConfigName(name)
    const places = serverName === undefined ? [] : configSynonyms(dynamic, serverName)
    const value = logConfig.valueOf(name) ?? null
    if (Object.hasOwn(topicProps, name)) {
      places.unshift({ name, value, source: ConfigSource.TOPIC_CONFIG })
    }
    return entry(name, value, places, { readOnly: false, includeSynonyms })
  })
}

/** Describes the settings of this broker: all that there are, and unknown ones it has. */
export function describeBrokerConfigs(
  config: KafkaConfig,
  dynamic: DynamicBrokerConfig,
  { names, includeSynonyms }: DescriptionScope,
): ConfigEntry[] {
  const all = new Set([...rows.keys(), ...Object.keys(config.originals)])
  const wanted = [...all].filter((key) => names?.has(key) ?? true)
  return wanted.map((key) => {
    const places = configSynonyms(dynamic, key)
    const value = config.originals[key] ?? rows.get(key)?.default ?? null
    return brokerEntry(key, value, places, includeSynonyms)
  })
}

/** Describes what is set for all brokers together. */
export function describeDefaultConfigs(
  dynamic: DynamicBrokerConfig,
  { names, includeSynonyms }: DescriptionScope,
): ConfigEntry[] {
  const set = Object.entries(dynamic.currentDynamicDefaultConfigs)
  const wanted = set.filter(([key]) => names?.has(key) ?? true)
  return wanted.map(([key, value]) => {
    const source = ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG
    const places = configSynonyms(dynamic, key).filter((s) => s.source === source)
    return brokerEntry(key, value, places, includeSynonyms)
  })
}

function brokerEntry(
  key: string,
  value: string | null,
  places: readonly ConfigSynonym[],
  includeSynonyms: boolean,
): ConfigEntry {
  const readOnly = !brokerConfigSynonyms(key).some((name) =>
    AllDynamicConfigs.has(name),
  )
  const isSensitive = !rows.has(key)
  const shown = isSensitive ? null : value
  return entry(key, shown, places, { readOnly, includeSynonyms, isSensitive })
}
