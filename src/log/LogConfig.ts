/**
 * # LogConfig
 *
 * The settings of one topic, parsed: the broker's defaults, overlaid with what the topic
 * itself sets. An object never changes; when a topic's configuration does, its logs are
 * handed a new one.
 *
 * Numbers that Kafka holds as 64-bit longs are `number` here: Java's largest long, which
 * stands for "never", loses its last digits and still is larger than any time.
 *
 * @kafka core/src/main/scala/kafka/log/LogConfig.scala#LogConfig
 * @differs a wrong `message.format.version` or name of a codec is refused when it is set,
 *   with the key, the value and what was expected; 1.1.1 lets some of them pass until the
 *   log is opened.
 * @module
 */
import { InvalidConfigurationException } from '../base/errors.ts'
import type { Random } from '../base/platform/Platform.ts'
import { ApiVersion } from './ApiVersion.ts'
import {
  type LogConfigKey,
  logConfigKeyByName,
  logConfigKeys,
} from './log-config-definitions.ts'

/** Settings as they are written: in ZooKeeper, in a request, in a file. */
export type LogProps = Readonly<Record<string, string | number | boolean>>

/** Where the timestamp of a stored message comes from. */
export type MessageTimestampType = 'CreateTime' | 'LogAppendTime'

/**
 * The settings of one topic.
 *
 * @kafka core/src/main/scala/kafka/log/LogConfig.scala#LogConfig
 */
export class LogConfig {
  /** Words of `cleanup.policy`. */
  static readonly Compact = 'compact'
  static readonly Delete = 'delete'

  /** All settings as written, unknown ones included. */
  readonly originals: Readonly<Record<string, string>>

  /** Names of the settings that the topic itself makes; the others are defaults. */
  readonly overriddenConfigs: ReadonlySet<string>

  /** Bytes at which a segment is full. */
  readonly segmentSize: number

  /** Age in ms at which a segment is full. */
  readonly segmentMs: number

  /** At most this many ms are taken off {@link segmentMs} by chance. */
  readonly segmentJitterMs: number

  /** Bytes at which an index is full. */
  readonly maxIndexSize: number

  /** Messages between two flushes. */
  readonly flushInterval: number

  /** Milliseconds between two flushes. */
  readonly flushMs: number

  /** Bytes of log to keep; negative for all. */
  readonly retentionSize: number

  /** Milliseconds to keep a segment; negative for ever. */
  readonly retentionMs: number

  /** Bytes of the largest batch. */
  readonly maxMessageSize: number

  /** Bytes of log between two entries of the index. */
  readonly indexInterval: number

  /** Milliseconds between taking a file out of service and deleting it. */
  readonly fileDeleteDelayMs: number

  /** Milliseconds to keep a tombstone. */
  readonly deleteRetentionMs: number

  /** Milliseconds before a message may be compacted away. */
  readonly compactionLagMs: number

  /** Share of the log, 0 to 1, that must be dirty for it to be cleaned. */
  readonly minCleanableRatio: number

  /** Whether old values of a key are removed. */
  readonly compact: boolean

  /** Whether old segments are deleted. */
  readonly delete: boolean

  /** Whether a replica that is not in sync may lead. */
  readonly uncleanLeaderElectionEnable: boolean

  /** Replicas that must be in sync for acks=all. */
  readonly minInSyncReplicas: number

  /** Name of the stored codec, or `producer`. */
  readonly compressionType: string

  /** Whether a new segment file gets its full size at once. */
  readonly preallocate: boolean

  /** Version whose batch format is stored. */
  readonly messageFormatVersion: ApiVersion

  /** Whose clock the stored timestamps are of. */
  readonly messageTimestampType: MessageTimestampType

  /** Milliseconds that a timestamp may be off the broker's clock. */
  readonly messageTimestampDifferenceMaxMs: number

  /** Replicas throttled when read from here: `partition:broker`, or `*`. */
  readonly LeaderReplicationThrottledReplicas: readonly string[]

  /** Replicas throttled when written here. */
  readonly FollowerReplicationThrottledReplicas: readonly string[]

  /**
   * Parses and checks settings; what is not given has its default.
   *
   * @param props settings by name; unknown names are kept and not looked at
   * @param overriddenConfigs which of them the topic itself makes
   * @throws InvalidConfigurationException for a value that its setting does not allow
   */
  constructor(
    props: LogProps = {},
    overriddenConfigs: ReadonlySet<string> = new Set(),
  ) {
    // Keep what was written, for those who describe it.
    this.originals = stringValues(props)
    this.overriddenConfigs = overriddenConfigs
    const value = (name: string) => parsedValue(name, this.originals)
    const number = (name: string) => value(name) as number
    const list = (name: string) => value(name) as readonly string[]

    // Segments and their indexes.
    this.segmentSize = number('segment.bytes')
    this.segmentMs = number('segment.ms')
    this.segmentJitterMs = number('segment.jitter.ms')
    this.maxIndexSize = number('segment.index.bytes')
    this.indexInterval = number('index.interval.bytes')
    this.preallocate = value('preallocate') as boolean

    // Flushing and deletion.
    this.flushInterval = number('flush.messages')
    this.flushMs = number('flush.ms')
    this.retentionSize = number('retention.bytes')
    this.retentionMs = number('retention.ms')
    this.fileDeleteDelayMs = number('file.delete.delay.ms')

    // Compaction.
    const policies = list('cleanup.policy').map((policy) => policy.toLowerCase())
    this.compact = policies.includes(LogConfig.Compact)
    this.delete = policies.includes(LogConfig.Delete)
    this.deleteRetentionMs = number('delete.retention.ms')
    this.compactionLagMs = number('min.compaction.lag.ms')
    this.minCleanableRatio = number('min.cleanable.dirty.ratio')

    // Messages.
    this.maxMessageSize = number('max.message.bytes')
    this.compressionType = (value('compression.type') as string).toLowerCase()
    this.messageFormatVersion = ApiVersion.forName(
      value('message.format.version') as string,
    )
    this.messageTimestampType = value('message.timestamp.type') as MessageTimestampType
    this.messageTimestampDifferenceMaxMs = number('message.timestamp.difference.max.ms')

    // Replication.
    this.uncleanLeaderElectionEnable = value(
      'unclean.leader.election.enable',
    ) as boolean
    this.minInSyncReplicas = number('min.insync.replicas')
    this.LeaderReplicationThrottledReplicas = list(
      'leader.replication.throttled.replicas',
    )
    this.FollowerReplicationThrottledReplicas = list(
      'follower.replication.throttled.replicas',
    )
  }

  /** Names of all settings, sorted. */
  static get configNames(): readonly string[] {
    return logConfigKeys.map((key) => key.name).sort()
  }

  /** The broker setting that gives the default of a topic setting. */
  static serverConfigName(configName: string): string | undefined {
    return logConfigKeyByName.get(configName)?.serverConfigName
  }

  /**
   * Overlays a topic's own settings on the broker's defaults.
   *
   * @param defaults a configuration, or settings as written
   * @param overrides what the topic sets
   * @throws InvalidConfigurationException for a value that its setting does not allow
   * @kafka core/src/main/scala/kafka/log/LogConfig.scala#fromProps
   */
  static fromProps(defaults: LogProps | LogConfig, overrides: LogProps): LogConfig {
    const base = defaults instanceof LogConfig ? defaults.originals : defaults
    const overridden = new Set(Object.keys(overrides))
    return new LogConfig({ ...base, ...overrides }, overridden)
  }

  /**
   * Refuses names that are no settings of a topic.
   *
   * @throws InvalidConfigurationException naming the first of them
   */
  static validateNames(props: LogProps): void {
    for (const name of Object.keys(props)) {
      if (!logConfigKeyByName.has(name)) {
        throw new InvalidConfigurationException(`unknown topic config name: ${name}`)
      }
    }
  }

  /**
   * Refuses unknown names and values that do not parse or are out of range.
   *
   * @throws InvalidConfigurationException naming key, value and what was expected
   */
  static validate(props: LogProps): void {
    LogConfig.validateNames(props)
    const values = stringValues(props)
    for (const key of logConfigKeys) {
      const value = values[key.name]
      if (value !== undefined) parse(key, value)
    }
  }

  /** The value of a setting as written, or its default. */
  valueOf(name: string): string | undefined {
    return this.originals[name] ?? logConfigKeyByName.get(name)?.defaultValue
  }

  /**
   * Chooses by how much earlier a new segment is rolled.
   *
   * @returns milliseconds, 0 to {@link segmentJitterMs}
   */
  randomSegmentJitter(random: Random): number {
    const limit = Math.min(this.segmentJitterMs, this.segmentMs)
    return limit <= 0 ? 0 : random.nextInt(Math.min(limit, 0x7fffffff))
  }
}

/** Writes every value as a string. */
function stringValues(props: LogProps): Record<string, string> {
  const strings: Record<string, string> = {}
  for (const [name, value] of Object.entries(props)) strings[name] = String(value)
  return strings
}

/** Parses one setting of a set, or its default. */
function parsedValue(name: string, values: Readonly<Record<string, string>>): unknown {
  const key = logConfigKeyByName.get(name)
  if (key === undefined) {
    throw new InvalidConfigurationException(`unknown topic config name: ${name}`)
  }
  return parse(key, values[name] ?? key.defaultValue)
}

/** Reads a value in the way of its type. */
function parse(key: LogConfigKey, written: string): unknown {
  const text = written.trim()
  switch (key.type) {
    case 'INT':
      return parseInteger(key, text, 31)
    case 'LONG':
      return parseInteger(key, text, 63)
    case 'DOUBLE':
      return parseDouble(key, text)
    case 'BOOLEAN':
      return parseBoolean(key, text)
    case 'LIST':
      return parseList(key, text)
    case 'STRING':
      return parseString(key, text)
  }
}

function parseInteger(key: LogConfigKey, text: string, bits: 31 | 63): number {
  // Java's ranges: what does not fit is a mistake, not a large number.
  const kind = bits === 31 ? 'a whole number of 32 bits' : 'a whole number of 64 bits'
  if (!/^[+-]?\d{1,19}$/.test(text)) throw invalid(key, text, kind)
  const limit = 2n ** BigInt(bits)
  const exact = BigInt(text.replace('+', ''))
  if (exact < -limit || exact >= limit) throw invalid(key, text, kind)
  return checkedRange(key, text, Number(exact))
}

function parseDouble(key: LogConfigKey, text: string): number {
  const value = Number(text)
  if (text === '' || Number.isNaN(value)) throw invalid(key, text, 'a number')
  return checkedRange(key, text, value)
}

function checkedRange(key: LogConfigKey, text: string, value: number): number {
  const { min, max } = key
  if (min !== undefined && max !== undefined && (value < min || value > max)) {
    throw invalid(key, text, `a number from ${min} to ${max}`)
  }
  if (min !== undefined && value < min) {
    throw invalid(key, text, `a number of at least ${min}`)
  }
  return value
}

function parseBoolean(key: LogConfigKey, text: string): boolean {
  const word = text.toLowerCase()
  if (word !== 'true' && word !== 'false') throw invalid(key, text, 'true or false')
  return word === 'true'
}

function parseList(key: LogConfigKey, text: string): readonly string[] {
  // An empty value is an empty list.
  const elements = text === '' ? [] : text.split(/\s*,\s*/)
  const { values, elementPattern } = key
  if (values !== undefined && !elements.every((element) => values.includes(element))) {
    throw invalid(key, text, `a list of ${values.join(', ')}`)
  }

  // A list of replicas may also be the one word for all.
  if (elementPattern !== undefined && elements[0] !== '*') {
    if (!elements.every((element) => elementPattern.test(element))) {
      throw invalid(key, text, '* or a list of partition:broker')
    }
  }
  return elements
}

function parseString(key: LogConfigKey, text: string): string {
  if (key.values !== undefined && !key.values.includes(text)) {
    throw invalid(key, text, `one of ${key.values.join(', ')}`)
  }
  if (key.name === 'message.format.version') parseVersion(key, text)
  return text
}

function parseVersion(key: LogConfigKey, text: string): void {
  try {
    ApiVersion.forName(text)
  } catch {
    throw invalid(key, text, 'a version such as 0.10.2 or 1.1')
  }
}

function invalid(
  key: LogConfigKey,
  value: string,
  expected: string,
): InvalidConfigurationException {
  return new InvalidConfigurationException(
    `invalid value '${value}' for topic config ${key.name}: expected ${expected}`,
  )
}
