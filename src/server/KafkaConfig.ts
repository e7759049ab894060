/**
 * # KafkaConfig
 *
 * The settings of one broker, read and checked at start: a wrong value fails there, with
 * the key, the value and what was expected.
 *
 * The wings below `server/` never see this class. Each declares the few properties that it
 * reads, named as here; this class has them all.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaConfig.scala#KafkaConfig
 * @module
 */
import { ConfigException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { ApiVersion } from '../log/ApiVersion.ts'
import { LogConfig } from '../log/LogConfig.ts'
import { EndPoint, isSecurityProtocol } from '../zk/EndPoint.ts'
import {
  type ConfigDefinition,
  type ConfigValues,
  definitions,
} from './config-definitions.ts'

const log = logger('KafkaConfig')

/** Keys of `server.properties` and their values. */
export type ConfigProps = Readonly<Record<string, string>>

/**
 * Keys of Kafka 1.1.1 whose part of the broker is not here yet: security, metrics
 * reporters. They are accepted so that a real `server.properties` works, and what they ask
 * for is not done.
 */
const WITHOUT_EFFECT =
  /^(ssl\.|sasl\.|security\.|principal\.|authorizer\.|super\.users|metric|kafka\.metrics|delegation\.token|password\.encoder|zookeeper\.set\.acl|connections\.max\.reauth|create\.topic\.policy|alter\.config\.policy|queued\.max\.request\.bytes|replica\.fetch\.|log\.|controlled\.|fetch\.max|max\.connections|security\.inter)/

const rows: readonly ConfigDefinition[] = Object.values(definitions)

const byKey = new Map(
  Object.entries(definitions).map(([property, row]) => [row.key, property]),
)

/** The settings of one broker; see `config-definitions.ts` for each. */
export interface KafkaConfig extends ConfigValues {}

/** The settings of one broker, checked. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: see above.
export class KafkaConfig {
  /** The settings as they were written. */
  readonly originals: ConfigProps
  /** Where this broker listens. */
  readonly listeners: readonly EndPoint[]
  /** What it tells others to connect to. */
  readonly advertisedListeners: readonly EndPoint[]
  /** The listener that other brokers use. */
  readonly interBrokerListenerName: string
  /** Where logs are kept. */
  readonly logDirs: readonly string[]
  /** Milliseconds. */
  readonly logRetentionTimeMillis: number
  readonly logRollTimeMillis: number
  readonly logRollTimeJitterMillis: number
  readonly logFlushIntervalMs: number
  readonly zkConnectionTimeoutMs: number
  /** Connections allowed from some addresses, by address. */
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>

  /**
   * @param props keys as in `server.properties`.
   * @param doLog whether to warn of keys that have no effect.
   * @throws ConfigException naming the key, the value and what was expected.
   */
  constructor(props: ConfigProps, doLog = true) {
    this.originals = { ...props }
    for (const key of Object.keys(props)) {
      if (byKey.has(key) || !doLog) continue
      if (WITHOUT_EFFECT.test(key)) log.warn(`${key} is set, but has no effect here`)
      else log.warn(`no setting is named ${key}`)
    }

    // Read every row of the table.
    const values: Record<string, unknown> = {}
    for (const [property, row] of Object.entries(definitions)) {
      values[property] = read(row, props[row.key])
    }
    Object.assign(this, values)

    // Derive what several keys say together.
    this.zkConnectionTimeoutMs = this.zkConnectionTimeout ?? this.zkSessionTimeoutMs
    this.logDirs = splitList(this.logDirsText ?? this.logDirText)
    this.logRetentionTimeMillis = this.#retentionMillis()
    this.logRollTimeMillis = this.logRollTimeMs ?? hours(this.logRollTimeHours)
    this.logRollTimeJitterMillis =
      this.logRollTimeJitterMs ?? hours(this.logRollTimeJitterHours)
    this.logFlushIntervalMs =
      this.logFlushIntervalMsOrNone ?? this.logFlushSchedulerIntervalMs

    this.maxConnectionsPerIpOverrides = this.#readConnectionOverrides()

    // Read the listeners.
    this.listeners = this.#readListeners()
    this.advertisedListeners = this.#readAdvertisedListeners()
    this.interBrokerListenerName = this.#readInterBrokerListener()
    this.#validate()
  }

  /** Reads settings from a map. */
  static fromProps(props: ConfigProps): KafkaConfig {
    return new KafkaConfig(props)
  }

  /** Whether Kafka 1.1.1 has a setting of that name, with an effect here or without. */
  static isKnown(key: string): boolean {
    return byKey.has(key) || WITHOUT_EFFECT.test(key)
  }

  /**
   * Checks one value by itself; any value of an unknown key will do.
   *
   * @throws ConfigException naming the key, the value and what was expected.
   */
  static validateValue(key: string, value: string): void {
    const row = rows.find((each) => each.key === key)
    if (row) read(row, value)
  }

  /**
   * Takes over what changed while the broker runs: all parts of it hold this object.
   *
   * @kafka core/src/main/scala/kafka/server/KafkaConfig.scala#KafkaConfig.updateCurrentConfig
   */
  updateCurrentConfig(newConfig: KafkaConfig): void {
    Object.assign(this, newConfig)
  }

  /** Splits the text of a `server.properties` into keys and values. */
  static parseProperties(text: string): Record<string, string> {
    const props: Record<string, string> = {}
    const joined = text.replace(/\\\r?\n\s*/g, '')
    for (const raw of joined.split(/\r?\n/)) {
      const line = raw.trim()
      if (line === '' || line.startsWith('#') || line.startsWith('!')) continue
      const at = /[=:]/.exec(line)?.index ?? line.length
      props[line.slice(0, at).trim()] = line.slice(at + 1).trim()
    }
    return props
  }

  /** The defaults of topics on this broker, under the names of topic settings. */
  extractLogConfigMap(): Record<string, string> {
    const text = (value: unknown) => String(value)
    const long = (value: number) =>
      value >= Number.MAX_SAFE_INTEGER ? '9223372036854775807' : String(value)
    return {
      'segment.bytes': text(this.logSegmentBytes),
      'segment.ms': long(this.logRollTimeMillis),
      'segment.jitter.ms': long(this.logRollTimeJitterMillis),
      'segment.index.bytes': text(this.logIndexSizeMaxBytes),
      'flush.messages': long(this.logFlushIntervalMessages),
      'flush.ms': long(this.logFlushIntervalMs),
      'retention.bytes': long(this.logRetentionBytes),
      'retention.ms': long(this.logRetentionTimeMillis),
      'max.message.bytes': text(this.messageMaxBytes),
      'index.interval.bytes': text(this.logIndexIntervalBytes),
      'delete.retention.ms': long(this.logCleanerDeleteRetentionMs),
      'min.compaction.lag.ms': long(this.logCleanerMinCompactionLagMs),
      'file.delete.delay.ms': long(this.logDeleteDelayMs),
      'min.cleanable.dirty.ratio': text(this.logCleanerMinCleanRatio),
      'cleanup.policy': this.logCleanupPolicy.join(','),
      'min.insync.replicas': text(this.minInSyncReplicas),
      'compression.type': this.compressionType,
      'unclean.leader.election.enable': text(this.uncleanLeaderElectionEnable),
      preallocate: text(this.logPreAllocateEnable),
      'message.format.version': this.logMessageFormatVersion,
      'message.timestamp.type': this.logMessageTimestampType,
      'message.timestamp.difference.max.ms': long(
        this.logMessageTimestampDifferenceMaxMs,
      ),
    }
  }

  #retentionMillis(): number {
    const minutes = this.logRetentionTimeMins
    const millis =
      this.logRetentionTimeMs ??
      (minutes === undefined ? hours(this.logRetentionTimeHours) : minutes * 60_000)
    return millis < 0 ? -1 : millis
  }

  #readListeners(): EndPoint[] {
    const text = this.listenersText ?? `PLAINTEXT://${this.hostName}:${this.port}`
    return this.#endPoints('listeners', text)
  }

  #readAdvertisedListeners(): readonly EndPoint[] {
    const { advertisedListenersText, advertisedHostName, advertisedPort } = this
    if (advertisedListenersText !== undefined) {
      return this.#checkAdvertised(
        this.#endPoints('advertised.listeners', advertisedListenersText),
      )
    }

    // The two older keys say the same of the one listener there was.
    if (advertisedHostName === undefined && advertisedPort === undefined) {
      return this.listeners
    }
    const host = advertisedHostName ?? this.hostName
    const text = `PLAINTEXT://${host}:${advertisedPort ?? this.port}`
    return this.#checkAdvertised(this.#endPoints('advertised.host.name', text))
  }

  /** Others are told of listeners that exist, at addresses that they can connect to. */
  #checkAdvertised(advertised: EndPoint[]): EndPoint[] {
    const names = this.listeners.map((listener) => listener.listenerName)
    for (const { listenerName, host } of advertised) {
      const text = this.advertisedListenersText ?? `${listenerName}://${host}`
      if (!names.includes(listenerName)) {
        const known = `only names that stand in listeners (${names.join(', ')})`
        throw wrong('advertised.listeners', text, known)
      }
      if (host === '0.0.0.0') {
        throw wrong('advertised.listeners', text, 'an address others can connect to')
      }
    }
    return advertised
  }

  #endPoints(key: string, text: string): EndPoint[] {
    const protocols = this.#securityProtocols()
    const endPoints = splitList(text).map((part) => {
      try {
        return EndPoint.createEndPoint(part, protocols)
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause)
        throw wrong(key, text, `NAME://host:port (${message})`)
      }
    })

    // Each listener has its own name and, but for port 0, its own port.
    const names = endPoints.map((endPoint) => endPoint.listenerName)
    if (new Set(names).size < names.length) throw wrong(key, text, 'names used once')
    const ports = endPoints.map(({ port }) => port).filter((port) => port !== 0)
    if (new Set(ports).size < ports.length) throw wrong(key, text, 'ports used once')
    const unsafe = endPoints.find((e) => e.securityProtocol !== 'PLAINTEXT')
    if (unsafe) {
      throw wrong(key, text, `PLAINTEXT; ${unsafe.securityProtocol} is not built yet`)
    }
    if (endPoints.length === 0) throw wrong(key, text, 'at least one listener')
    return endPoints
  }

  #securityProtocols(): Map<string, string> {
    const text = this.listenerSecurityProtocolMapText
    const protocols = new Map<string, string>()
    for (const part of splitList(text)) {
      const [name = '', protocol = ''] = part.split(':')
      if (!isSecurityProtocol(protocol)) {
        throw wrong('listener.security.protocol.map', text, 'LISTENER:PROTOCOL pairs')
      }
      protocols.set(name.toUpperCase(), protocol)
    }
    return protocols
  }

  #readConnectionOverrides(): Map<string, number> {
    const text = this.maxConnectionsPerIpOverridesText
    const overrides = new Map<string, number>()
    for (const part of splitList(text)) {
      // The address may hold colons itself.
      const at = part.lastIndexOf(':')
      const count = part.slice(at + 1).trim()
      if (at < 1 || !/^\d+$/.test(count)) {
        throw wrong('max.connections.per.ip.overrides', text, 'address:number pairs')
      }
      overrides.set(part.slice(0, at).trim(), Number(count))
    }
    return overrides
  }

  #readInterBrokerListener(): string {
    const names = this.advertisedListeners.map((listener) => listener.listenerName)
    const name = this.interBrokerListener?.toUpperCase()
    if (name === undefined) {
      const plain = this.advertisedListeners.find((l) => l.listenerName === 'PLAINTEXT')
      return plain?.listenerName ?? names[0] ?? 'PLAINTEXT'
    }
    if (names.includes(name)) return name
    throw wrong('inter.broker.listener.name', name, `one of ${names.join(', ')}`)
  }

  /** Checks numbers that must fit each other. */
  #validateNumbers(): void {
    const refuseUnless = (holds: boolean, key: string, value: number, what: string) => {
      if (!holds) throw wrong(key, String(value), what)
    }
    const retention = this.logRetentionTimeMillis
    const keys = 'log.retention.ms, minutes or hours'
    refuseUnless(retention !== 0, keys, retention, 'at least 1 ms, or -1 for ever')

    // Followers must not look dead because they wait.
    const wait = this.replicaFetchWaitMaxMs
    const waitKey = 'replica.fetch.wait.max.ms'
    const { replicaSocketTimeoutMs: socket, replicaLagTimeMaxMs: lag } = this
    const socketLimit = `at most replica.socket.timeout.ms, ${socket}`
    refuseUnless(wait <= socket, waitKey, wait, socketLimit)
    refuseUnless(wait <= lag, waitKey, wait, `at most replica.lag.time.max.ms, ${lag}`)

    // A cleaner needs room for keys, a commit as many replicas as it asks for.
    const { logCleanerThreads, logCleanerDedupeBufferSize: buffer } = this
    const bufferKey = 'log.cleaner.dedupe.buffer.size'
    const enough = logCleanerThreads === 0 || buffer / logCleanerThreads > 1024 * 1024
    refuseUnless(enough, bufferKey, buffer, 'more than 1048576 for each cleaner')
    const acks = this.offsetCommitRequiredAcks
    const replicas = this.offsetsTopicReplicationFactor
    const acksKey = 'offsets.commit.required.acks'
    const fits = acks >= -1 && acks <= replicas
    refuseUnless(fits, acksKey, acks, `-1 to offsets.topic.replication.factor`)
    const codec = this.offsetsTopicCompressionCodec
    const codecKey = 'offsets.topic.compression.codec'
    const packs = codec >= 0 && codec <= 3
    refuseUnless(packs, codecKey, codec, '0 none, 1 gzip, 2 snappy or 3 lz4')
  }

  /** A broker may store no batches that the others do not understand. */
  #validateVersions(): void {
    const read = (key: string, version: string) => {
      try {
        return ApiVersion.forName(version)
      } catch {
        throw wrong(key, version, 'a version such as 1.1')
      }
    }
    const { interBrokerProtocolVersion, logMessageFormatVersion } = this
    const spoken = read('inter.broker.protocol.version', interBrokerProtocolVersion)
    const stored = read('log.message.format.version', logMessageFormatVersion)
    if (spoken.isAtLeast(stored)) return
    const limit = `at most inter.broker.protocol.version, ${interBrokerProtocolVersion}`
    throw wrong('log.message.format.version', logMessageFormatVersion, limit)
  }

  #validate(): void {
    // Check what one row alone cannot know.
    const { brokerId, maxReservedBrokerId, brokerIdGenerationEnable } = this
    if (!brokerIdGenerationEnable && brokerId < 0) {
      throw wrong('broker.id', String(brokerId), '0 or more, as none may be made')
    }
    if (brokerIdGenerationEnable && (brokerId < -1 || brokerId > maxReservedBrokerId)) {
      throw wrong('broker.id', String(brokerId), `-1 to ${maxReservedBrokerId}`)
    }
    if (this.zkConnect === '') {
      throw wrong('zookeeper.connect', '', 'host:port, host:port, perhaps with a /path')
    }
    if (this.logDirs.length === 0) throw wrong('log.dirs', '', 'at least one directory')
    this.#validateNumbers()

    // Check what is handed to topics as their defaults.
    this.#validateVersions()
    try {
      LogConfig.validate(this.extractLogConfigMap())
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      throw new ConfigException(message, { cause })
    }
  }
}

function hours(count: number): number {
  return count * 3_600_000
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function wrong(key: string, value: string, expected: string): ConfigException {
  return new ConfigException(
    `invalid value '${value}' for ${key}: expected ${expected}`,
  )
}

function read(row: ConfigDefinition, written: string | undefined): unknown {
  const text = (written ?? row.default)?.trim()
  if (text === undefined) return undefined
  switch (row.type) {
    case 'boolean':
      if (!/^(true|false)$/i.test(text)) throw wrong(row.key, text, 'true or false')
      return text.toLowerCase() === 'true'
    case 'int':
      return readNumber(
        row,
        text,
        /^[+-]?\d+$/,
        2 ** 31 - 1,
        'a whole number of 32 bits',
      )
    case 'long':
      return readNumber(row, text, /^[+-]?\d+$/, 2 ** 63, 'a whole number of 64 bits')
    case 'double':
      return readNumber(row, text, /^[+-]?[\d.]+(e[+-]?\d+)?$/i, Infinity, 'a number')
    case 'list':
      return splitList(text)
    default:
      if (row.oneOf && !row.oneOf.includes(text)) {
        throw wrong(row.key, text, `one of ${row.oneOf.join(', ')}`)
      }
      return text
  }
}

function readNumber(
  row: ConfigDefinition,
  text: string,
  pattern: RegExp,
  max: number,
  expected: string,
): number {
  const value = Number(text)
  if (!pattern.test(text) || Number.isNaN(value) || Math.abs(value) > max) {
    throw wrong(row.key, text, expected)
  }
  if (row.min !== undefined && value < row.min) {
    throw wrong(row.key, text, `${expected} of at least ${row.min}`)
  }
  return value
}
