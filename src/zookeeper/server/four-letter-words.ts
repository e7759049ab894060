/**
 * # Four-letter words
 *
 * Questions that an operator asks with a bare socket: `echo ruok | nc host 2181`.
 *
 * @kafka none: org/apache/zookeeper/server/NIOServerCnxn.java, its CommandThreads
 * @differs without a whitelist every word is answered; 3.4.10 then leaves out `wchp` and
 *   `wchc`. The trace mask is kept and told, and nothing is traced by it.
 * @module
 */
import type { Clock, ProcessView } from '../../base/platform/Platform.ts'
import type { DataTree } from './DataTree.ts'
import type { ServerCnxn } from './ServerCnxn.ts'
import type { ServerStats } from './ServerStats.ts'
import type { SessionTracker } from './SessionTracker.ts'
import type { Watcher } from './WatchManager.ts'

/**
 * What is told as the version: the ZooKeeper that this server behaves like, and when that
 * one was built. Programs take the numbers and the date out of it by their places.
 */
export const ZOOKEEPER_VERSION = '3.4.10-annotated-kafka, built on 03/23/2017 10:13 GMT'

/** Bits of what ZooKeeper traces unless told otherwise: requests, sessions, warnings. */
export const DEFAULT_TRACE_MASK = 0x132n

/** Bytes of the trace mask that follow the word `stmk`. */
export const TRACE_MASK_BYTES = 8

/** The surroundings that `envi` names; a program that asks for one finds its line. */
const ENVIRONMENT = [
  ...['host.name', 'java.version', 'java.vendor', 'java.home', 'java.class.path'],
  ...['java.library.path', 'java.io.tmpdir', 'java.compiler', 'os.name', 'os.arch'],
  ...['os.version', 'user.name', 'user.home', 'user.dir'],
]

/** What the words ask about. */
export interface Observed {
  readonly serving: boolean
  readonly tree: DataTree
  readonly stats: ServerStats
  readonly sessionTracker: SessionTracker
  readonly cnxns: ReadonlySet<ServerCnxn>
  /** Settings by name, as `conf` prints them. */
  readonly conf: Readonly<Record<string, string | number>>
  /** Surroundings by name; `envi` prints `<NA>` for those that are not here. */
  readonly env: Readonly<Record<string, string>>
  /** What may be asked; undefined for all. */
  readonly whitelist: ReadonlySet<string> | undefined
  /** Flushes of the log that took longer than they should. */
  readonly fsyncThresholdExceedCount: number
  readonly process: ProcessView | undefined
  readonly clock: Clock
  /** As `stmk` has set it. */
  readonly traceMask: bigint
}

const words: Readonly<Record<string, (server: Observed) => string>> = {
  srvr: (server) => `Zookeeper version: ${ZOOKEEPER_VERSION}\n${summary(server)}`,
  stat: (server) =>
    `Zookeeper version: ${ZOOKEEPER_VERSION}\nClients:\n${clients(server)}\n${summary(server)}`,
  mntr: (server) => mntr(server),
  conf: ({ conf }) => lines(conf),
  envi: ({ env }) => {
    const known = ENVIRONMENT.map((name) => [name, env[name] ?? '<NA>'])
    const all = { 'zookeeper.version': ZOOKEEPER_VERSION, ...Object.fromEntries(known) }
    return `Environment:\n${lines(all)}`
  },
  cons: (server) => `${clients(server, session)}\n`,
  crst: ({ cnxns }) => {
    for (const { stats } of cnxns) stats.reset()
    return 'Connection stats reset.\n'
  },
  srst: ({ stats }) => {
    stats.reset()
    return 'Server stats reset.\n'
  },
  dump: (server) => dump(server),
  // The three that tell of watches leave out those on children, as ZooKeeper's do.
  wchs: ({ tree: { dataWatches } }) => {
    const { watchers, paths, size } = dataWatches
    return `${watchers.size} connections watching ${paths.size} paths\nTotal watches:${size}\n`
  },
  wchc: ({ tree: { dataWatches } }) => {
    const tables = [...dataWatches.watchers]
    return `${tables.map(([who, paths]) => `${sessionOf(who)}\n${below(paths)}`).join('')}\n`
  },
  wchp: ({ tree: { dataWatches } }) => {
    const tables = [...dataWatches.paths]
    const told = ([path, who]: readonly [string, ReadonlySet<Watcher>]): string =>
      `${path}\n${below([...who].map(sessionOf))}`
    return `${tables.map(told).join('')}\n`
  },
}

/** @returns the answer; undefined when it is no word of ours */
export function answerFourLetterWord(
  word: string,
  server: Observed,
): string | undefined {
  if (!isWord(word)) return undefined
  if (server.whitelist?.has(word) === false) {
    return `${word} is not executed because it is not in the whitelist.\n`
  }
  if (word === 'ruok') return 'imok'
  if (word === 'isro') return server.serving ? 'rw' : 'null'
  if (word === 'gtmk' || word === 'stmk') return String(server.traceMask)
  return server.serving
    ? words[word]!(server)
    : 'This ZooKeeper instance is not currently serving requests\n'
}

/** Says whether four letters are a word that has an answer. */
function isWord(word: string): boolean {
  return ['ruok', 'isro', 'gtmk', 'stmk'].includes(word) || Object.hasOwn(words, word)
}

function lines(entries: Readonly<Record<string, string | number>>): string {
  return Object.entries(entries)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

/** The session of a watcher; those of a server are its connections. */
function sessionOf(watcher: Watcher): string {
  return `0x${hex((watcher as ServerCnxn).sessionId)}`
}

/** Lines that are part of the one before. */
function below(texts: Iterable<string>): string {
  return [...texts].map((text) => `\t${text}\n`).join('')
}

function summary({ stats, cnxns, tree }: Observed): string {
  return [
    `Latency min/avg/max: ${stats.minLatency}/${stats.avgLatency}/${stats.maxLatency}`,
    `Received: ${stats.packetsReceived}`,
    `Sent: ${stats.packetsSent}`,
    `Connections: ${cnxns.size}`,
    `Outstanding: ${outstanding(cnxns)}`,
    `Zxid: 0x${tree.lastProcessedZxid.toString(16)}`,
    'Mode: standalone',
    `Node count: ${tree.nodeCount}`,
    '',
  ].join('\n')
}

/** A line for each connection. @param more - what else to tell of one */
function clients({ cnxns }: Observed, more?: (cnxn: ServerCnxn) => string): string {
  return [...cnxns]
    .map((cnxn) => {
      const { remoteAddress, remotePort } = cnxn.connection
      const interest = cnxn.isInitialized ? 1 : 0
      const { packetsReceived, packetsSent } = cnxn.stats
      const queued = cnxn.isInitialized ? cnxn.outstandingRequests : 0
      const counts = `queued=${queued},recved=${packetsReceived},sent=${packetsSent}`
      return ` /${remoteAddress}:${remotePort}[${interest}](${counts}${more?.(cnxn) ?? ''})\n`
    })
    .join('')
}

/** The session of a connection and its last request; nothing before the handshake. */
function session({ sessionId, sessionTimeoutMs, stats }: ServerCnxn): string {
  if (sessionId === 0n) return ''
  const { cxid, zxid, op, timeMs, latencyMs } = stats.last
  return [
    ...['', `sid=0x${hex(sessionId)}`, `lop=${op}`, `est=${stats.establishedMs}`],
    ...[
      `to=${sessionTimeoutMs}`,
      ...(cxid >= 0 ? [`lcxid=0x${cxid.toString(16)}`] : []),
    ],
    ...[`lzxid=0x${hex(zxid)}`, `lresp=${timeMs}`, `llat=${latencyMs}`],
    ...[`minlat=${stats.minLatency}`, `avglat=${stats.avgLatency}`],
    `maxlat=${stats.maxLatency}`,
  ].join(',')
}

/** 64 bits without a sign, as Java prints them. */
function hex(value: bigint): string {
  return BigInt.asUintN(64, value).toString(16)
}

function mntr({ stats, cnxns, tree, process, ...server }: Observed): string {
  const ephemerals = [...tree.ephemerals.values()].reduce((n, set) => n + set.size, 0)
  const values = {
    version: ZOOKEEPER_VERSION,
    avg_latency: stats.avgLatency,
    max_latency: stats.maxLatency,
    min_latency: stats.minLatency,
    packets_received: stats.packetsReceived,
    packets_sent: stats.packetsSent,
    num_alive_connections: cnxns.size,
    outstanding_requests: outstanding(cnxns),
    server_state: 'standalone',
    znode_count: tree.nodeCount,
    watch_count: tree.dataWatches.size + tree.childWatches.size,
    ephemerals_count: ephemerals,
    approximate_data_size: tree.approximateDataSize(),
    open_file_descriptor_count: process?.openFileDescriptorCount(),
    max_file_descriptor_count: process?.maxFileDescriptorCount(),
    fsync_threshold_exceed_count: server.fsyncThresholdExceedCount,
  }
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `zk_${key}\t${value}\n`)
    .join('')
}

function dump({ sessionTracker, tree, clock }: Observed): string {
  const sets = [...sessionTracker.sessionSets()].map(([deadline, ids]) => {
    const at = javaDate(clock.now() + (deadline - clock.monotonic()))
    return `${ids.length} expire at ${at}:\n${below(ids.map((id) => `0x${hex(id)}`))}`
  })
  const owners = [...tree.ephemerals].map(
    ([id, paths]) => `0x${hex(id)}:\n${[...paths].map((p) => `\t${p}\n`).join('')}`,
  )
  return [
    `SessionTracker dump:\nSession Sets (${sets.length}):\n${sets.join('')}`,
    'ephemeral nodes dump:\n',
    `Sessions with Ephemerals (${owners.length}):\n${owners.join('')}`,
  ].join('')
}

/** A time as Java prints it: `Thu Jan 01 00:00:00 UTC 1970`. */
function javaDate(ms: number): string {
  const words = new Date(ms).toUTCString().split(/,? /)
  const [weekday, day, month, year, time] = words
  return `${weekday} ${month} ${day} ${time} UTC ${year}`
}

function outstanding(cnxns: ReadonlySet<ServerCnxn>): number {
  let count = 0
  for (const cnxn of cnxns) count += cnxn.outstandingRequests
  return count
}
