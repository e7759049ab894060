/**
 * # A session by node-zookeeper-client
 *
 * Puts the library behind `ZooKeeperSession`. Its requests are sent only over a link that
 * has proven itself by one round trip, so that they stand behind the identity and the
 * watches that the library sends again after a reconnect.
 *
 *     request ─▶ held ──connected + round trip──▶ library ─▶ socket
 *                 └──────── attempt failed ─▶ CONNECTIONLOSS ◀── link lost
 *
 * A heartbeat, every third of the timeout, finds a link that is dead but not closed:
 * since answers come in order, its answer vouches for all requests before it.
 *
 * Invariants: every request settles; a session that is final (expired, closed, refused)
 * holds no socket and no timer; nothing that the library throws reaches the process.
 *
 * @differs no class of Kafka; `org.apache.zookeeper.ClientCnxn` has its rules
 * @module
 */
import library, {
  type Client,
  type RawError,
  type RawResult,
  type RawStat,
} from 'node-zookeeper-client'
import jute from 'node-zookeeper-client/lib/jute/index.js'
import { Deferred } from '../base/async/Deferred.ts'
import { IllegalArgumentException } from '../base/exceptions.ts'
import { logger } from '../base/logger.ts'
import { HostClock } from '../base/platform/node/host-clock.ts'
import { nextMacrotask } from '../base/platform/node/macrotask.ts'
import type { Clock, TimerHandle } from '../base/platform/Platform.ts'
import {
  type Acl,
  type CreateMode,
  type GuardedWrite,
  KeeperCode,
  keeperException,
  type NodeAcl,
  type NodeChildren,
  type NodeData,
  type NodeVersion,
  OPEN_ACL_UNSAFE,
  type Stat,
  type ZooKeeperConnect,
  type ZooKeeperConnectOptions,
  type ZooKeeperSession,
  type ZooKeeperState,
} from './client.ts'
import { type Hardened, harden, ManagerState } from './node-client-hardening.ts'
import { parseConnectString, withChroot, withoutChroot } from './paths.ts'
import { EventType } from './records.ts'

const log = logger('NodeZookeeperClientSession')

/** How long the server may take to hang up after a good-bye, in ms. */
const CLOSE_TIMEOUT_MS = 3000

const createModes: Readonly<Record<CreateMode, number>> = {
  PERSISTENT: 0,
  EPHEMERAL: 1,
  PERSISTENT_SEQUENTIAL: 2,
  EPHEMERAL_SEQUENTIAL: 3,
}

const eventTypes = new Map(
  Object.entries(EventType).map(([name, type]) => [
    type as number,
    name as keyof typeof EventType,
  ]),
)

/** A request that has not settled. */
interface Pending {
  /** Hands it to the library. */
  start(): void
  fail(code: number): void
}

/** Opens sessions by node-zookeeper-client, over sockets, with any ZooKeeper server. */
export const connectWithNodeZookeeperClient: ZooKeeperConnect = (options) =>
  new NodeZookeeperClientSession(options, new HostClock()).open()

/** One session of the library. */
class NodeZookeeperClientSession implements ZooKeeperSession {
  readonly #options: ZooKeeperConnectOptions
  readonly #clock: Clock
  readonly #chroot: string
  readonly #client: Client
  readonly #hardened: Hardened
  readonly #connected = new Deferred<this>()
  readonly #outstanding = new Set<Pending>()
  #held: Pending[] = []
  #attempts = 0
  #unanswered = 0
  #timer: TimerHandle | undefined
  #closing: Promise<void> | undefined
  state: ZooKeeperState = 'connecting'

  /** @throws IllegalArgumentException when the connect string cannot be used */
  constructor(options: ZooKeeperConnectOptions, clock: Clock) {
    const { servers, chroot } = parseConnectString(options.connectString)
    if (servers.some(({ host }) => host.includes(':'))) {
      throw new IllegalArgumentException(
        'the ZooKeeper client cannot use IPv6 addresses',
      )
    }
    this.#options = options
    this.#clock = clock
    this.#chroot = chroot
    this.#client = library.createClient(
      servers.map(({ host, port }) => `${host}:${port}`).join(','),
      { sessionTimeout: options.sessionTimeoutMs, spinDelay: 0, retries: 0 },
    )
    this.#hardened = harden(this.#client, {
      clock,
      onEvent: (event) => this.#onEvent(event.type, event.path),
      onAttempt: () => this.#onAttempt(),
    })
    for (const { scheme, auth } of options.authInfo ?? []) {
      this.#client.addAuthInfo(scheme, auth)
    }
    this.#client.on('connected', () => this.#onLink())
    this.#client.on('disconnected', () => this.#onLinkLost())
    this.#client.on('expired', () => this.#end('expired'))
    this.#client.on('authenticationFailed', () => this.#end('authFailed'))
  }

  get sessionId(): bigint {
    return this.#client.getSessionId().readBigInt64BE(0)
  }

  get sessionTimeoutMs(): number {
    return this.#client.getSessionTimeout()
  }

  /** Connects. @throws KeeperException (rejects) when that fails, or takes too long */
  async open(): Promise<this> {
    const { connectionTimeoutMs } = this.#options
    const timer = this.#clock.setTimeout(() => {
      this.#connected.reject(keeperException(KeeperCode.CONNECTIONLOSS))
    }, connectionTimeoutMs)
    this.#client.connect()
    try {
      return await this.#connected.promise
    } catch (error) {
      await this.close()
      throw error
    } finally {
      this.#clock.clearTimeout(timer)
    }
  }

  async create(
    path: string,
    data: Buffer | null,
    mode: CreateMode,
    acl: readonly Acl[] = OPEN_ACL_UNSAFE,
  ): Promise<string> {
    const created = await this.#request<string>(path, (at, done) => {
      this.#client.create(at, data, rawAcls(acl), createModes[mode], done)
    })
    return withoutChroot(this.#chroot, created)
  }

  delete(path: string, version = -1): Promise<void> {
    return this.#request(path, (at, done) => {
      this.#client.remove(at, version, (error) => done(error, undefined))
    })
  }

  async exists(path: string, watch = false): Promise<Stat | undefined> {
    const raw = await this.#request<RawStat | null>(path, (at, done) => {
      this.#client.exists(at, watch ? ignoreEvent : undefined, done)
    })
    return raw ? statOf(raw) : undefined
  }

  getData(path: string, watch = false): Promise<NodeData> {
    return this.#request(path, (at, done) => {
      this.#client.getData(at, watch ? ignoreEvent : undefined, (error, data, raw) =>
        done(error, error ? undefined : { data: data ?? null, stat: statOf(raw) }),
      )
    })
  }

  setData(path: string, data: Buffer | null, version = -1): Promise<Stat> {
    return this.#request(path, (at, done) => {
      const answer = (error: RawError | null | undefined, raw?: RawStat): void =>
        done(error, raw && statOf(raw))
      if (data) this.#client.setData(at, data, version, answer)
      else this.#setNoData(at, version, answer)
    })
  }

  async writeWhile(other: NodeVersion, write: GuardedWrite): Promise<Stat | undefined> {
    const { path } = write
    const results = await this.#request<readonly RawResult[]>(path, (at, done) => {
      // The library's own way in takes version 0 for any; this goes below that.
      const header = new jute.protocol.RequestHeader()
      header.type = jute.OP_CODES.MULTI!
      const checked = withChroot(this.#chroot, other.path)
      const { version } = other
      const check = { type: jute.OP_CODES.CHECK!, path: checked, version }
      const payload = new jute.TransactionRequest([check, rawWrite(write, at)])
      const request = new jute.Request(header, payload)
      this.#client.connectionManager.queue(request, (error, response) =>
        done(error, error ? undefined : response.payload.results),
      )
    })

    // Name the node that refused.
    const failed = results.findIndex(({ err = 0 }) => err !== 0)
    const stat = results[1]?.stat
    if (failed < 0) return stat && statOf(stat)
    const code = results[failed]?.err ?? KeeperCode.SYSTEMERROR
    throw keeperException(code, failed === 0 ? other.path : path)
  }

  getChildren(path: string, watch = false): Promise<NodeChildren> {
    return this.#request(path, (at, done) => {
      const watcher = watch ? ignoreEvent : undefined
      this.#client.getChildren(at, watcher, (error, children, raw) =>
        done(
          error,
          error ? undefined : { children: children ?? [], stat: statOf(raw) },
        ),
      )
    })
  }

  getAcl(path: string): Promise<NodeAcl> {
    return this.#request(path, (at, done) => {
      this.#client.getACL(at, (error, acls, raw) =>
        done(error, error ? undefined : { acl: aclsOf(acls ?? []), stat: statOf(raw) }),
      )
    })
  }

  setAcl(path: string, acl: readonly Acl[], version = -1): Promise<Stat> {
    return this.#request(path, (at, done) => {
      this.#client.setACL(at, rawAcls(acl), version, (error, raw) =>
        done(error, error ? undefined : statOf(raw)),
      )
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.hangUp()
    return this.#closing
  }

  /** Says good-bye if somebody listens, and sees the socket closed. Never rejects. */
  async hangUp(): Promise<void> {
    const { connectionManager: manager } = this.#client
    const wasOver = isFinal(this.state)
    if (!wasOver) this.#enter('closed')
    const { socket } = manager
    if (!wasOver && manager.state === ManagerState.connected) this.#client.close()
    else this.#dropForGood()
    if (!socket || socket.closed) return

    // Wait for the server to hang up; it does so when the ephemeral nodes are gone.
    const closed = new Deferred()
    const timer = this.#clock.setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS)
    socket.once('close', () => closed.resolve())
    await closed.promise
    this.#clock.clearTimeout(timer)
  }

  /** Sends a request, now or when the link stands. `send` calls `done` once. */
  #request<T>(
    path: string,
    send: (
      at: string,
      done: (error: RawError | null | undefined, value?: T) => void,
    ) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        start: () => {
          // The library throws at what it finds wrong with the arguments.
          try {
            send(withChroot(this.#chroot, path), (error, value) => {
              if (!this.#outstanding.delete(pending)) return
              if (error) reject(keeperException(this.#codeOf(error), path))
              else resolve(value as T)
            })
          } catch (cause) {
            this.#outstanding.delete(pending)
            reject(keeperException(KeeperCode.BADARGUMENTS, path, { cause }))
          }
        },
        fail: (code) => {
          if (this.#outstanding.delete(pending)) reject(keeperException(code, path))
        },
      }
      this.#outstanding.add(pending)
      if (isFinal(this.state)) pending.fail(finalCode(this.state))
      else if (this.state === 'connected') pending.start()
      else this.#held.push(pending)
    })
  }

  #codeOf(error: RawError): number {
    return this.#hardened.unknownCode ?? error.code ?? KeeperCode.SYSTEMERROR
  }

  /** The library copies the data even when there is none; this goes below that. */
  #setNoData(
    path: string,
    version: number,
    answer: (error: RawError | null | undefined, raw?: RawStat) => void,
  ): void {
    const header = new jute.protocol.RequestHeader()
    header.type = jute.OP_CODES.SET_DATA!
    const payload = new jute.protocol.SetDataRequest()
    payload.path = path
    payload.version = version
    const request = new jute.Request(header, payload)
    this.#client.connectionManager.queue(request, (error, response) =>
      answer(error, error ? undefined : response.payload.stat),
    )
  }

  /** A server is tried: whoever waited for the one before has waited in vain. */
  #onAttempt(): void {
    this.#hardened.reset()
    if (this.#attempts++ > 0 && this.state === 'connecting') {
      this.#failAll(KeeperCode.CONNECTIONLOSS)
    }

    // Give up a handshake that nobody answers.
    this.#setTimer((this.#options.sessionTimeoutMs * 2) / 3, () => this.#dropLink())
  }

  /** The handshake is through: make one round trip before anything else. */
  #onLink(): void {
    this.#client.exists('/', undefined, (error) => {
      if (error?.code === KeeperCode.CONNECTIONLOSS || isFinal(this.state)) return
      this.#attempts = 0
      this.#unanswered = 0
      this.#scheduleHeartbeat()
      this.#enter('connected')
      this.#connected.resolve(this)
      const held = this.#held
      this.#held = []
      for (const pending of held) pending.start()
    })
  }

  #onLinkLost(): void {
    this.#hardened.reset()
    if (isFinal(this.state)) return

    // Requests made from now on wait; those made before may or may not have arrived.
    const wasConnected = this.state === 'connected'
    if (wasConnected) this.#enter('connecting')
    if (wasConnected) this.#failAll(KeeperCode.CONNECTIONLOSS)
  }

  #scheduleHeartbeat(): void {
    this.#setTimer(this.sessionTimeoutMs / 3, () => {
      // Floats on purpose: heartbeat never rejects.
      void this.heartbeat()
    })
  }

  /** Asks the server something; the one before must have been answered. */
  async heartbeat(): Promise<void> {
    // Read first what came while this process was held up.
    await nextMacrotask()
    if (this.state !== 'connected') return
    if (this.#unanswered > 0) {
      log.info('the server has gone silent, dropping the link')
      this.#dropLink()
      return
    }
    this.#unanswered++
    this.#client.exists('/', undefined, () => {
      this.#unanswered = 0
    })
    this.#scheduleHeartbeat()
  }

  #onEvent(number: number, path: string): void {
    const type = eventTypes.get(number)
    if (!type || isFinal(this.state)) return
    try {
      this.#options.onWatch({ type, path: withoutChroot(this.#chroot, path) })
    } catch (error) {
      log.error('a watcher failed', error)
    }
  }

  /** The session is over, by the server's word. */
  #end(state: 'expired' | 'authFailed'): void {
    if (isFinal(this.state)) return
    this.#enter(state)
    this.#dropForGood()
  }

  #enter(state: ZooKeeperState): void {
    this.state = state
    if (isFinal(state)) {
      this.#clock.clearTimeout(this.#timer)
      this.#hardened.stop()
      this.#failAll(finalCode(state))
      this.#connected.reject(keeperException(finalCode(state)))
      this.#connected.promise.catch(() => undefined)
    }
    try {
      this.#options.onState(state)
    } catch (error) {
      log.error('a state handler failed', error)
    }
  }

  #failAll(code: number): void {
    this.#held = []
    for (const pending of [...this.#outstanding]) pending.fail(code)
  }

  /** Cuts the link; the library makes another. */
  #dropLink(): void {
    this.#client.connectionManager.socket?.destroy()
  }

  /** Cuts the link so that the library does not make another. */
  #dropForGood(): void {
    const { connectionManager: manager } = this.#client
    if (manager.state >= 0) manager.setState(ManagerState.closing)
    if (manager.connectTimeoutHandler) clearTimeout(manager.connectTimeoutHandler)
    manager.socket?.destroy()
  }

  #setTimer(ms: number, fn: () => void): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = this.#clock.setTimeout(fn, ms)
  }
}

/** Events are taken where they come in; the library only needs to know that we watch. */
function ignoreEvent(): void {}

function isFinal(state: ZooKeeperState): boolean {
  return state === 'expired' || state === 'closed' || state === 'authFailed'
}

/** Why a request over a session that is over fails; ZooKeeper does not tell closed. */
function finalCode(state: ZooKeeperState): number {
  return state === 'authFailed' ? KeeperCode.AUTHFAILED : KeeperCode.SESSIONEXPIRED
}

function statOf(raw: RawStat): Stat {
  return {
    czxid: raw.czxid.readBigInt64BE(0),
    mzxid: raw.mzxid.readBigInt64BE(0),
    ctime: Number(raw.ctime.readBigInt64BE(0)),
    mtime: Number(raw.mtime.readBigInt64BE(0)),
    version: raw.version,
    cversion: raw.cversion,
    aversion: raw.aversion,
    ephemeralOwner: raw.ephemeralOwner.readBigInt64BE(0),
    dataLength: raw.dataLength,
    numChildren: raw.numChildren,
    pzxid: raw.pzxid.readBigInt64BE(0),
  }
}

function rawAcls(acl: readonly Acl[]): InstanceType<typeof library.ACL>[] {
  return acl.map(
    ({ perms, scheme, id }) => new library.ACL(perms, new library.Id(scheme, id)),
  )
}

/** A guarded write as the library's transactions have it. */
function rawWrite(write: GuardedWrite, path: string): { type: number; path: string } {
  switch (write.kind) {
    case 'create': {
      const rest = { data: write.data, acls: rawAcls(write.acl), mode: 0 }
      return { type: jute.OP_CODES.CREATE!, path, ...rest }
    }
    case 'setData': {
      const rest = { data: write.data, version: write.version }
      return { type: jute.OP_CODES.SET_DATA!, path, ...rest }
    }
    case 'delete': {
      const rest = { version: -1 }
      return { type: jute.OP_CODES.DELETE!, path, ...rest }
    }
  }
}

function aclsOf(
  raw: readonly { permission: number; id: { scheme: string; id: string } }[],
): Acl[] {
  return raw.map(({ permission: perms, id: { scheme, id } }) => ({ perms, scheme, id }))
}
