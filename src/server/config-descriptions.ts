/**
 * # Describing settings
 *
 * A setting is told with where its value comes from. The same question may be answered in
 * several places; the first of them wins, the others are its synonyms:
 *
 *     retention.ms of a topic
 *       1 TOPIC_CONFIG          /config/topics/t    retention.ms        = 60000   ◀ wins
 *       4 STATIC_BROKER_CONFIG  server.properties   log.retention.hours = 24
 *       5 DEFAULT_CONFIG        built in            log.retention.hours = 168
 *
 * @kafka core/src/main/scala/kafka/server/AdminManager.scala#AdminManager.configSynonyms
 * @differs The sources 2 and 3, settings of running brokers in ZooKeeper, are not built.
 * @module
 */
import { LogConfig } from '../log/LogConfig.ts'
import { type ConfigDefinition, definitions } from './config-definitions.ts'
import type { KafkaConfig } from './KafkaConfig.ts'

/**
 * Where a value comes from, as numbers on the wire.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/DescribeConfigsResponse.java#ConfigSource
 */
export const ConfigSource = {
  TOPIC_CONFIG: 1,
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

/** Broker settings that mean the same in other units, the winner first. */
const unitSynonyms = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
] as const

/** A broker setting and those that stand in for it when it is not set. */
function brokerConfigSynonyms(name: string): readonly string[] {
  for (const family of unitSynonyms) {
    const at = (family as readonly string[]).indexOf(name)
    if (at >= 0) return family.slice(at)
  }
  return [name]
}

/** Asks every place for a broker setting, the one that wins first. */
function configSynonyms(config: KafkaConfig, name: string): ConfigSynonym[] {
  // Look into `server.properties`, then at what is built in.
  const names = brokerConfigSynonyms(name)
  const written = names.flatMap((synonym) => {
    const value = config.originals[synonym]
    const source = ConfigSource.STATIC_BROKER_CONFIG
    return value === undefined ? [] : [{ name: synonym, value, source }]
  })
  const builtIn = names.flatMap((synonym) => {
    const value = rows.get(synonym)?.default
    const source = ConfigSource.DEFAULT_CONFIG
    return value === undefined ? [] : [{ name: synonym, value, source }]
  })
  return [...written, ...builtIn]
}

function entry(
  name: string,
  value: string | null,
  places: readonly ConfigSynonym[],
  rest: { readonly readOnly: boolean; readonly includeSynonyms: boolean },
): ConfigEntry {
  const configSource = places[0]?.source ?? ConfigSource.DEFAULT_CONFIG
  return {
    ...{ name, value, readOnly: rest.readOnly, configSource, isSensitive: false },
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
  topicProps: Readonly<Record<string, string>>,
  { names, includeSynonyms }: DescriptionScope,
): ConfigEntry[] {
  const logConfig = LogConfig.fromProps(config.extractLogConfigMap(), topicProps)
  const wanted = LogConfig.configNames.filter((name) => names?.has(name) ?? true)
  return wanted.map((name) => {
    const serverName = LogConfig.serverConfigName(name)
    const places = serverName === undefined ? [] : configSynonyms(config, serverName)
    const value = logConfig.valueOf(name) ?? null
    if (Object.hasOwn(topicProps, name)) {
      places.unshift({ name, value, source: ConfigSource.TOPIC_CONFIG })
    }
    return entry(name, value, places, { readOnly: false, includeSynonyms })
  })
}

/** Describes the settings of this broker; all of them can only be read. */
export function describeBrokerConfigs(
  config: KafkaConfig,
  { names, includeSynonyms }: DescriptionScope,
): ConfigEntry[] {
  const wanted = [...rows.values()].filter(({ key }) => names?.has(key) ?? true)
  return wanted.map(({ key, default: fallback }) => {
    const value = config.originals[key] ?? fallback ?? null
    const places = configSynonyms(config, key)
    return entry(key, value, places, { readOnly: true, includeSynonyms })
  })
}
