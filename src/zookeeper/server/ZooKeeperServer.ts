/**
 * # ZooKeeperServer
 *
 * A ZooKeeper in this process: one server, no ensemble, the real protocol on a real port
 * (or without any), durable in a directory (or not at all).
 *
 *     connection ─▶ ServerCnxn ─▶ Prep ─▶ Sync ─▶ Final ─▶ ServerCnxn ─▶ connection
 *                                  │        │        │
 *                        OutstandingChanges │     DataTree ─▶ watches
 *                                      FileTxnSnapLog
 *                    SessionTracker ─ expiry ─▶ closeSession, as a request like any other
 *
 * Invariants: a write is answered when it is on the disk; requests of one connection are
 * answered in order; sessions and their ephemeral nodes survive a restart, with a fresh
 * timeout; the transaction number never goes back, not even over a lost data directory.
 *
 * @kafka none: org/apache/zookeeper/server/ZooKeeperServer.java
 * @differs One process, no quorum. A new database begins its transaction numbers at the
 *   wall clock's seconds in the upper half (ZooKeeper: 0), so that clients who knew the
 *   one before it are not turned away. Stations are called, not fed by queues.
 * @module
 */
import { logger } from '../../base/logger.ts'
import type {
  Clock,
  Connection,
  Listener,
  Platform,
} from '../../base/platform/Platform.ts'
import { join } from '../../base/platform/path.ts'
import { KeeperCode } from '../client.ts'
import { decode, encode, int } from '../jute.ts'
import { AuthPacket, type ConnectRequest, OpCode, opName } from '../records.ts'
import { authenticate } from './access-control.ts'
import type { DataNode } from './DataNode.ts'
import { DataTree } from './DataTree.ts'
import { FinalRequestProcessor } from './FinalRequestProcessor.ts'
import { answerFourLetterWord, DEFAULT_TRACE_MASK } from './four-letter-words.ts'
import { connectionPair } from './in-process-connection.ts'
import { OutstandingChanges } from './OutstandingChanges.ts'
import { PrepRequestProcessor } from './PrepRequestProcessor.ts'
import { FileTxnSnapLog, followSessions } from './persistence/FileTxnSnapLog.ts'
import { VERSION_DIRECTORY } from './persistence/file-names.ts'
import type { Request } from './Request.ts'
import { type CnxnOwner, ServerCnxn } from './ServerCnxn.ts'
import { ServerStats } from './ServerStats.ts'
import { SessionTracker } from './SessionTracker.ts'
import { SyncRequestProcessor } from './SyncRequestProcessor.ts'
import { generatePasswd } from './session-passwd.ts'
import type { Txn } from './txn.ts'

const log = logger('ZooKeeperServer')

/** What a server is made of. */
export interface ZooKeeperServerOptions {
  readonly platform: Platform
  /** Directory for log and snapshots; without it nothing outlives the object. */
  readonly dataDir?: string
  /** Address to listen on; `127.0.0.1` when left out. */
  readonly host?: string
  /** Port to listen on, 0 for any; without it only `connectInProcess` leads here. */
  readonly port?: number
  /** Grain of all time here, in ms; 2000 when left out. */
  readonly tickTimeMs?: number
  /** Shortest session granted; 2 ticks when left out. */
  readonly minSessionTimeoutMs?: number
  /** Longest session granted; 20 ticks when left out. */
  readonly maxSessionTimeoutMs?: number
  /** Transactions between snapshots, roughly; 100000 when left out. */
  readonly snapCount?: number
  /** Whether a reply waits for the disk; true when left out. */
  readonly fsync?: boolean
  /** Connections from one address; 0, no limit, when left out. */
  readonly maxClientCnxns?: number
  /** `user:base64(sha1(user:password))` of a user who may do everything. */
  readonly superDigest?: string
  /** Told of every transaction after it was applied: for those who look on from outside. */
  readonly onTxn?: (txn: Txn) => void
  /** Bytes of a request, `jute.maxbuffer`; 0xfffff when left out. */
  readonly maxBuffer?: number
  /** Directory for the log, apart from the snapshots; `dataDir` when left out. */
  readonly dataLogDir?: string
  /** Bytes by which a log file grows in advance; none when left out. */
  readonly preAllocSizeBytes?: number
  /** When old files are removed; behind each snapshot, but for 3, when left out. */
  readonly autopurge?: Autopurge
  /** Four-letter words that are answered; all when left out. */
  readonly whitelist?: ReadonlySet<string>
  /** A flush that takes longer, in ms, is told of; 1000 when left out. */
  readonly fsyncWarningThresholdMs?: number
}

/** When old snapshots and logs are removed. */
export interface Autopurge {
  /** Snapshots that stay. */
  readonly snapRetainCount: number
  /** Milliseconds from one removal to the next; 0 for never. */
  readonly purgeIntervalMs: number
}

const DEFAULT_TICK_TIME_MS = 2000
const DEFAULT_SNAP_COUNT = 100_000
const DEFAULT_MAX_BUFFER = 0xfffff

/** Room that a record may take beyond its largest field. */
const MAX_BUFFER_SLACK = 1024

/** All that exists between a startup and a shutdown. */
interface Running {
  readonly tree: DataTree
  /** Timeouts of the sessions that the transactions so far made. */
  readonly sessions: Map<bigint, number>
  readonly sessionTracker: SessionTracker
  readonly txnLog: FileTxnSnapLog | undefined
  readonly sync: SyncRequestProcessor
  readonly first: PrepRequestProcessor
}

/** A server of its own. */
export class ZooKeeperServer implements CnxnOwner {
  readonly #options: ZooKeeperServerOptions
  readonly #platform: Platform
  readonly #stats = new ServerStats()
  readonly #cnxns = new Set<ServerCnxn>()
  readonly #sessionCnxns = new Map<bigint, ServerCnxn>()
  readonly maxBuffer: number
  readonly tickTimeMs: number
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  #running: Running | undefined
  #listener: Listener | undefined
  #hzxid = 0n
  #txnsUntilSnapshot = 0
  #traceMask = DEFAULT_TRACE_MASK

  constructor(options: ZooKeeperServerOptions) {
    this.#options = options
    this.#platform = options.platform
    this.tickTimeMs = options.tickTimeMs ?? DEFAULT_TICK_TIME_MS
    this.minSessionTimeoutMs = options.minSessionTimeoutMs ?? this.tickTimeMs * 2
    this.maxSessionTimeoutMs = options.maxSessionTimeoutMs ?? this.tickTimeMs * 20
    this.maxBuffer = (options.maxBuffer ?? DEFAULT_MAX_BUFFER) + MAX_BUFFER_SLACK
  }

  /** The port it listens on; 0 when it does not. */
  get port(): number {
    return this.#listener?.port ?? 0
  }

  /** The nodes, for who looks on; undefined while it does not run. Never to be changed. */
  get tree(): DataTree | undefined {
    return this.#running?.tree
  }

  /** `host:port` for clients. */
  get connectString(): string {
    return `${this.#options.host ?? '127.0.0.1'}:${this.port}`
  }

  /** The time by which sessions live. */
  get clock(): Clock {
    return this.#platform.clock
  }

  /** Whether requests are served. */
  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /** Reads the state back, and serves. @throws (rejects) when the port is taken */
  async startup(): Promise<void> {
    if (this.#running) return
    const { dataDir, host = '127.0.0.1', port } = this.#options
    const txnLog =
      dataDir === undefined
        ? undefined
        : new FileTxnSnapLog(this.#platform, { ...this.#options, dataDir })
    try {
      this.#running = this.loadData(txnLog)
      txnLog?.startPurging()
      if (port === undefined) return
      this.#listener = await this.#platform.network.listen({
        ...{ host, port },
        onConnection: (connection) => this.accept(connection),
      })
      log.info(`listening on ${host}:${this.port}`)
    } catch (error) {
      this.#running?.sessionTracker.shutdown()
      this.#running = undefined
      txnLog?.close()
      throw error
    }
  }

  /** Builds the stations around the state that was found. */
  loadData(txnLog: FileTxnSnapLog | undefined): Running {
    const { tree, sessions } = txnLog?.restore() ?? {
      tree: new DataTree(),
      sessions: new Map<bigint, number>(),
    }
    if (tree.lastProcessedZxid === 0n) tree.lastProcessedZxid = this.#firstZxid()
    this.#hzxid = tree.lastProcessedZxid
    this.#scheduleSnapshot()
    const { clock } = this.#platform
    const sessionTracker = new SessionTracker({
      clock,
      tickTimeMs: this.tickTimeMs,
      expire: (sessionId) => this.expire(sessionId),
    })

    // Line the stations up, the last one first.
    const changes = new OutstandingChanges(tree)
    const final = new FinalRequestProcessor({
      tree,
      afterTxn: (request) => {
        changes.removeUpTo(request.hdr!.zxid)
        this.#afterTxn(request)
      },
      answered: ({ cnxn, createTime, cxid, type }, zxid) => {
        const latencyMs = clock.monotonic() - createTime
        this.#stats.updateLatency(latencyMs)
        this.#stats.packetsSent++
        const op = opName(type)
        const timeMs = clock.now()
        cnxn?.stats.updateStatsForResponse({ cxid, zxid, op, timeMs, latencyMs })
      },
    })
    const sync = new SyncRequestProcessor(txnLog, final, (error) => {
      this.onDiskFailure(error)
    })
    const first = new PrepRequestProcessor(
      {
        changes,
        sessionTracker,
        getNextZxid: () => ++this.#hzxid,
        now: () => clock.now(),
      },
      sync,
    )

    // Give those who were connected the time to come back.
    for (const [sessionId, timeoutMs] of sessions) {
      sessionTracker.addSession(sessionId, timeoutMs)
    }
    return { tree, sessions, sessionTracker, txnLog, sync, first }
  }

  /** Stops serving. Sessions are left as they are, for the next start. */
  async shutdown(): Promise<void> {
    const running = this.#running
    if (!running) return
    await this.#listener?.close()
    this.#listener = undefined
    running.sessionTracker.shutdown()

    // Let writes that were accepted end, then hang up.
    await running.sync.shutdown()
    this.#running = undefined
    this.#hangUp()
    running.txnLog?.close()
  }

  /** Opens a connection without a socket. @returns the client's end */
  connectInProcess(): Connection {
    const [client, server] = connectionPair()
    this.accept(server)
    return client
  }

  /** Takes a connection, unless its address has too many. */
  accept(connection: Connection): void {
    const { maxClientCnxns = 0 } = this.#options
    const cnxn = new ServerCnxn(connection, this, this.#platform.clock.now())
    const from = connection.remoteAddress
    const others = [...this.#cnxns].filter((c) => c.connection.remoteAddress === from)
    const tooMany = maxClientCnxns > 0 && others.length >= maxClientCnxns
    if (!this.#running || tooMany) cnxn.destroy()
    else this.#cnxns.add(cnxn)
  }

  /** Closes the sockets of all clients; their sessions live on. For tests. */
  dropConnections(): void {
    for (const cnxn of [...this.#cnxns]) cnxn.destroy()
  }

  /** The session that an ephemeral node ends with; 0 for other nodes, and for none. */
  ephemeralOwner(path: string): bigint {
    return this.#running?.tree.getNode(path)?.stat.ephemeralOwner ?? 0n
  }

  /** A node as it is now, without asking as a client; undefined when there is none. */
  peek(path: string): DataNode | undefined {
    return this.#running?.tree.getNode(path)
  }

  /** Ends a session now, as if its client had been silent for too long. */
  expireSession(sessionId: bigint): void {
    this.#running?.sessionTracker.setSessionClosing(sessionId)
    this.expire(sessionId)
  }

  fourLetterWord(word: string): string | undefined {
    const running = this.#running
    const { dataDir, dataLogDir = dataDir, whitelist } = this.#options
    if (!running) return undefined

    // The question is a packet, too; so is the answer, once it is made.
    this.#stats.packetsReceived++
    const { processView: process } = this.#platform
    const answer = answerFourLetterWord(word, {
      serving: true,
      tree: running.tree,
      sessionTracker: running.sessionTracker,
      stats: this.#stats,
      cnxns: this.#cnxns,
      conf: {
        clientPort: this.port,
        dataDir: dataDir === undefined ? '' : join(dataDir, VERSION_DIRECTORY),
        dataLogDir: dataLogDir === undefined ? '' : join(dataLogDir, VERSION_DIRECTORY),
        tickTime: this.tickTimeMs,
        maxClientCnxns: this.#options.maxClientCnxns ?? 0,
        minSessionTimeout: this.minSessionTimeoutMs,
        maxSessionTimeout: this.maxSessionTimeoutMs,
        serverId: 0,
      },
      env: { 'host.name': this.#platform.hostName, ...process?.properties() },
      ...{ whitelist, process, clock: this.clock, traceMask: this.#traceMask },
      fsyncThresholdExceedCount: running.txnLog?.fsyncThresholdExceedCount ?? 0,
    })
    if (answer === undefined) this.#stats.packetsReceived--
    else this.#stats.packetsSent++
    return answer
  }

  setTraceMask(mask: bigint): void {
    this.#traceMask = mask
  }

  /** Opens a session, or takes one up again. */
  processConnectRequest(cnxn: ServerCnxn, request: ConnectRequest): void {
    const running = this.#running
    if (!running) {
      cnxn.destroy()
      return
    }
    this.#stats.packetsReceived++

    // Turn away a client that has seen more than we know; it would see time go back.
    if (request.lastZxidSeen > running.tree.lastProcessedZxid) {
      log.warn(`a client has seen 0x${request.lastZxidSeen.toString(16)}, we have not`)
      cnxn.close()
      return
    }
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this
    cnxn.sessionTimeoutMs = Math.min(
      Math.max(request.timeOut, minSessionTimeoutMs),
      maxSessionTimeoutMs,
    )
    if (request.sessionId === 0n) this.createSession(cnxn)
    else this.reopenSession(cnxn, request)
  }

  /** Makes a session by a transaction; the handshake ends when that is done. */
  createSession(cnxn: ServerCnxn): void {
    const { sessionTracker } = this.#running!
    const timeoutMs = cnxn.sessionTimeoutMs
    cnxn.sessionId = sessionTracker.createSession(timeoutMs)
    cnxn.passwd = generatePasswd(cnxn.sessionId)
    this.#sessionCnxns.set(cnxn.sessionId, cnxn)
    this.#submit({
      ...{ cnxn, sessionId: cnxn.sessionId, cxid: 0, type: OpCode.createSession },
      body: encode((to) => int.write(to, timeoutMs)),
    })
  }

  /** Hands a session to a new connection, if the secret is right and it still lives. */
  reopenSession(cnxn: ServerCnxn, { sessionId, passwd }: ConnectRequest): void {
    this.#sessionCnxns.get(sessionId)?.destroy()
    const secret = generatePasswd(sessionId)
    const { sessionTracker } = this.#running!
    const isOurs = passwd !== null && secret.equals(passwd)
    if (!isOurs || !sessionTracker.touchSession(sessionId, cnxn.sessionTimeoutMs)) {
      cnxn.finishSessionInit(false)
      return
    }
    cnxn.sessionId = sessionId
    cnxn.passwd = secret
    this.#sessionCnxns.set(sessionId, cnxn)
    cnxn.finishSessionInit(true)
  }

  /** Takes a request. Those of sessions that nobody knows are dropped. */
  processPacket(
    cnxn: ServerCnxn,
    { xid, type }: { readonly xid: number; readonly type: number },
    body: Buffer,
  ): void {
    const running = this.#running
    if (!running) {
      cnxn.destroy()
      return
    }
    this.#stats.packetsReceived++
    if (type === OpCode.auth && !this.#authenticate(cnxn, xid, body)) return
    const { sessionId } = cnxn
    running.sessionTracker.touchSession(sessionId)
    if (!running.sessionTracker.sessions.has(sessionId)) return

    // What only the server may ask for is as unknown as any other number.
    const asked = type === OpCode.createSession ? OpCode.error : type
    this.#submit({ cnxn, sessionId, cxid: xid, type: asked, body })
  }

  /** Gives a connection an identity at once; the reply waits for its turn. */
  #authenticate(cnxn: ServerCnxn, xid: number, body: Buffer): boolean {
    const { scheme, auth } = decode(AuthPacket, body)
    const ids = authenticate(scheme, auth, this.#options.superDigest)
    if (ids) {
      cnxn.authInfo = [...cnxn.authInfo, ...ids]
      return true
    }
    log.warn(`${cnxn.connection.remoteAddress} failed to authenticate by ${scheme}`)
    cnxn.sendResponse({ xid, zxid: 0n, err: KeeperCode.AUTHFAILED })
    cnxn.close()
    return false
  }

  #submit(
    request: Pick<Request, 'cnxn' | 'sessionId' | 'cxid' | 'type' | 'body'>,
  ): void {
    this.#running?.first.processRequest({
      ...request,
      authInfo: request.cnxn?.authInfo ?? [],
      createTime: this.#platform.clock.monotonic(),
      error: 0,
    })
  }

  /** Ends a session whose time is up. */
  expire(sessionId: bigint): void {
    log.info(`session 0x${sessionId.toString(16)} expired`)
    this.#submit({
      ...{ cnxn: undefined, sessionId, cxid: 0, type: OpCode.closeSession },
      body: Buffer.alloc(0),
    })
  }

  /** Keeps sessions in step with an applied transaction, and saves now and then. */
  #afterTxn({ hdr, txn, cnxn }: Request): void {
    const { sessions, sessionTracker, tree, txnLog } = this.#running!
    followSessions(sessions, hdr!, txn!)
    this.#options.onTxn?.(txn!)
    if (txn!.type === OpCode.closeSession) {
      const sessionId = hdr!.clientId
      sessionTracker.removeSession(sessionId)
      const owner = this.#sessionCnxns.get(sessionId)
      if (owner && owner !== cnxn) owner.close()
    }
    if (--this.#txnsUntilSnapshot > 0 || !txnLog) return
    this.#scheduleSnapshot()
    try {
      txnLog.save(tree, sessions)
    } catch (error) {
      // The log alone still holds everything; the next snapshot is another chance.
      log.error('no snapshot could be written', error)
    }
  }

  removeCnxn(cnxn: ServerCnxn): void {
    this.#cnxns.delete(cnxn)
    this.#running?.tree.removeCnxn(cnxn)
    if (this.#sessionCnxns.get(cnxn.sessionId) === cnxn) {
      this.#sessionCnxns.delete(cnxn.sessionId)
    }
  }

  /** Stops at once: nothing that is promised from now on could be kept. */
  onDiskFailure(error: unknown): void {
    log.fatal('the transaction log cannot be written; no longer serving', error)
    const running = this.#running
    this.#running = undefined
    running?.sessionTracker.shutdown()
    this.#hangUp()

    // Floats on purpose: nothing is left that could go wrong for anybody.
    void this.#listener?.close().catch(() => undefined)
    try {
      running?.txnLog?.close()
    } catch (also) {
      log.debug('closing the log failed, too', also)
    }
  }

  #hangUp(): void {
    for (const cnxn of [...this.#cnxns]) cnxn.close()
  }

  #firstZxid(): bigint {
    return BigInt(Math.floor(this.#platform.clock.now() / 1000)) << 32n
  }

  /** Spreads snapshots, so that servers started together do not stop together. */
  #scheduleSnapshot(): void {
    const half = Math.max(
      1,
      Math.floor((this.#options.snapCount ?? DEFAULT_SNAP_COUNT) / 2),
    )
    this.#txnsUntilSnapshot = half + this.#platform.random.nextInt(half)
  }
}
