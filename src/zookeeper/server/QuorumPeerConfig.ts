/**
 * # QuorumPeerConfig
 *
 * What `zoo.cfg` says, made into the options of a server. The keys are ZooKeeper's; those
 * that it reads from the properties of its JVM, as `zookeeper.snapCount`, may stand in the
 * file without that prefix, as there.
 *
 *     tickTime=2000                 dataDir=/var/lib/zookeeper
 *     clientPort=2181               dataLogDir=/var/log/zookeeper
 *     maxClientCnxns=60             autopurge.purgeInterval=24
 *
 * @kafka none: org/apache/zookeeper/server/quorum/QuorumPeerConfig.java
 * @differs One server is all there is: a file that names more is refused, where ZooKeeper
 *   would look for the others. Without `clientPortAddress` it listens on 127.0.0.1, and
 *   not on every address: what has no password should not be open by default.
 * @module
 */
import { ConfigException } from '../../base/errors.ts'
import type { ZooKeeperServerOptions } from './ZooKeeperServer.ts'

/** What of a server's options comes from the file. */
export type ConfiguredOptions = Omit<ZooKeeperServerOptions, 'platform' | 'onTxn'>

/** Ms of a tick when the file does not say. */
const DEFAULT_TICK_TIME_MS = 3000

/** Snapshots that a removal leaves at least. */
const MIN_SNAP_RETAIN_COUNT = 3

const HOUR_MS = 3_600_000

/** What only an ensemble needs; a single server of ZooKeeper reads it and lets it be. */
const ENSEMBLE_KEYS: ReadonlySet<string> = new Set([
  ...['initLimit', 'syncLimit', 'electionAlg', 'peerType', 'syncEnabled', 'cnxTimeout'],
  ...['quorumListenOnAllIPs', 'leaderServes', 'electionPortBindRetry'],
])

/** The keys that mean something here. */
const KNOWN_KEYS: ReadonlySet<string> = new Set([
  ...['dataDir', 'dataLogDir', 'clientPort', 'clientPortAddress', 'tickTime'],
  ...['maxClientCnxns', 'minSessionTimeout', 'maxSessionTimeout'],
  ...['autopurge.snapRetainCount', 'autopurge.purgeInterval'],
  ...['4lw.commands.whitelist', 'snapCount', 'preAllocSize', 'jute.maxbuffer'],
  ...['forceSync', 'fsync.warningthresholdms'],
  'DigestAuthenticationProvider.superDigest',
])

/** A file that was read, and found right. */
export class QuorumPeerConfig {
  /** What a server is made of. */
  readonly options: ConfiguredOptions
  /** Keys that mean nothing here. ZooKeeper, too, takes any, and says nothing. */
  readonly unknownKeys: readonly string[]

  /**
   * Reads the entries of a file.
   *
   * @throws ConfigException that names the key, its value, and what was expected
   */
  constructor(entries: Readonly<Record<string, string>>) {
    const props = new Props(entries)
    this.unknownKeys = props.keys().filter((key) => !isUnderstood(key))
    refuseEnsemble(props)

    // What must be there.
    const dataDir = props.required('dataDir')
    const port = props.number('clientPort', 0, 65_535)
    if (port === undefined) throw new ConfigException('clientPort is not set')

    // Time, in ticks unless said in ms.
    const tickTimeMs = props.number('tickTime', 1) ?? DEFAULT_TICK_TIME_MS
    const minSessionTimeoutMs = props.duration('minSessionTimeout') ?? tickTimeMs * 2
    const maxSessionTimeoutMs = props.duration('maxSessionTimeout') ?? tickTimeMs * 20
    if (minSessionTimeoutMs > maxSessionTimeoutMs) {
      throw new ConfigException(
        `minSessionTimeout (${minSessionTimeoutMs}) must not be larger than ` +
          `maxSessionTimeout (${maxSessionTimeoutMs})`,
      )
    }
    const options = {
      ...{ dataDir, port, tickTimeMs, minSessionTimeoutMs, maxSessionTimeoutMs },
      dataLogDir: props.text('dataLogDir') ?? dataDir,
      host: props.text('clientPortAddress') ?? '127.0.0.1',
      maxClientCnxns: props.number('maxClientCnxns', 0) ?? 60,
      autopurge: autopurgeOf(props),
      snapCount: props.number('snapCount', 2),
      preAllocSizeBytes: (props.number('preAllocSize', 0) ?? 65_536) * 1024,
      maxBuffer: props.number('jute.maxbuffer', 1),
      fsync: props.text('forceSync') !== 'no',
      fsyncWarningThresholdMs: props.number('fsync.warningthresholdms', 0),
      superDigest: props.text('DigestAuthenticationProvider.superDigest'),
      whitelist: whitelistOf(props.text('4lw.commands.whitelist')),
    }

    // What the file does not say is left to the server.
    const given = Object.entries(options).filter(([, value]) => value !== undefined)
    this.options = Object.fromEntries(given) as ConfiguredOptions
  }
}

/** Old files are kept for ever unless an interval is set. */
function autopurgeOf(props: Props): ZooKeeperServerOptions['autopurge'] {
  const count = props.number('autopurge.snapRetainCount', 0) ?? MIN_SNAP_RETAIN_COUNT
  const hours = props.number('autopurge.purgeInterval', 0) ?? 0
  return {
    snapRetainCount: Math.max(count, MIN_SNAP_RETAIN_COUNT),
    purgeIntervalMs: hours * HOUR_MS,
  }
}

/** The words of a list; undefined for all of them. */
function whitelistOf(list: string | undefined): ReadonlySet<string> | undefined {
  const words = list?.split(',').map((word) => word.trim())
  return words === undefined || words.includes('*') ? undefined : new Set(words)
}

function isUnderstood(key: string): boolean {
  return KNOWN_KEYS.has(key) || ENSEMBLE_KEYS.has(key) || /^server\.\d+$/.test(key)
}

/** A file with one server runs alone; one with more cannot be served. */
function refuseEnsemble(props: Props): void {
  const servers = props.keys().filter((key) => key.startsWith('server.'))
  if (servers.length <= 1) return
  throw new ConfigException(
    `${servers.join(', ')}: an ensemble cannot be run, one server can`,
  )
}

/** The entries of a file, read by what they should be. */
class Props {
  readonly #entries: ReadonlyMap<string, string>

  constructor(entries: Readonly<Record<string, string>>) {
    const named = Object.entries(entries).map(
      ([key, value]) => [key.replace(/^zookeeper\./, ''), value.trim()] as const,
    )
    this.#entries = new Map(named)
  }

  keys(): string[] {
    return [...this.#entries.keys()]
  }

  text(key: string): string | undefined {
    const value = this.#entries.get(key)
    return value === '' ? undefined : value
  }

  required(key: string): string {
    const value = this.text(key)
    if (value === undefined) throw new ConfigException(`${key} is not set`)
    return value
  }

  /** A whole number within bounds. */
  number(key: string, min: number, max = Number.MAX_SAFE_INTEGER): number | undefined {
    const value = this.text(key)
    if (value === undefined) return undefined
    const parsed = /^-?\d+$/.test(value) ? Number(value) : Number.NaN
    if (parsed >= min && parsed <= max) return parsed
    const range =
      max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `${min} to ${max}`
    throw new ConfigException(`${key}=${value}: a whole number, ${range}, was expected`)
  }

  /** Milliseconds; -1 stands for the default. */
  duration(key: string): number | undefined {
    return this.text(key) === '-1' ? undefined : this.number(key, 0)
  }
}
