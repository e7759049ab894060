/**
 * # A session in process
 *
 * A ZooKeeper client without sockets: it speaks the protocol over whatever stream it is
 * given, which for the embedded server is a pair of queues. On the memory platform, and
 * in browsers, this is the client.
 *
 *     request ─▶ queue ─▶ stream ─▶ server          replies come in the order of requests
 *     ConnectRequest, auth, setWatches first, at each reconnect
 *     nothing heard for 2/3 of the session timeout  ─▶ the stream is dropped, another opened
 *
 * Invariants: every request settles. A session that is final (expired, closed, refused)
 * holds no stream and no timer. Events are told in their place among the replies.
 *
 * @differs no class of Kafka; `org.apache.zookeeper.ClientCnxn` has its rules
 * @module
 */
import { Deferred } from '../base/async/Deferred.ts'
import type { ByteReader } from '../base/bytes/ByteReader.ts'
import type { ByteWriter } from '../base/bytes/ByteWriter.ts'
import { logger } from '../base/logger.ts'
import type { Clock, Connection, TimerHandle } from '../base/platform/Platform.ts'
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
  type WatchEvent,
  type ZooKeeperConnect,
  type ZooKeeperConnectOptions,
  type ZooKeeperSession,
  type ZooKeeperState,
} from './client.ts'
import { type Hello, JuteLink } from './jute-link.ts'
import { isValidPath, parseConnectString, withChroot, withoutChroot } from './paths.ts'
import {
  AclStat,
  ChildrenStat,
  CreateRequest,
  DataStat,
  OpCode,
  PathRecord,
  PathVersion,
  PathWatch,
  readGuarded,
  SetACLRequest,
  SetDataRequest,
  StatRecord,
  writeGuarded,
} from './records.ts'
import { WatchedPaths } from './WatchedPaths.ts'

const log = logger('InProcessSession')

/** Ms before a lost stream is opened again. */
const RECONNECT_PAUSE_MS = 50

/** How much of the session timeout the server may be silent before the stream is dropped. */
const READ_TIMEOUT_SHARE = 2 / 3

const createFlags: Readonly<Record<CreateMode, number>> = {
  PERSISTENT: 0,
  EPHEMERAL: 1,
  PERSISTENT_SEQUENTIAL: 2,
  EPHEMERAL_SEQUENTIAL: 3,
}

/** A server in this process. */
export interface InProcessServer {
  /** Of pings and pauses. */
  readonly clock: Clock
  connectInProcess(): Connection
}

/** One request, until it settles. */
interface Pending {
  readonly type: number
  readonly body: (to: ByteWriter) => void
  readonly settle: (err: number, body: ByteReader) => void
  readonly fail: (code: number) => void
}

/**
 * Makes a connect function that leads to a server in this process. The servers in the
 * connect string are not looked at; its chroot is.
 */
export function inProcessConnect(server: InProcessServer): ZooKeeperConnect {
  return (options) => new InProcessSession(options, server).open()
}

/** A session over streams within the process. */
class InProcessSession implements ZooKeeperSession {
  readonly #options: ZooKeeperConnectOptions
  readonly #server: InProcessServer
  readonly #clock: Clock
  readonly #chroot: string
  readonly #connected = new Deferred<this>()
  readonly #watches = new WatchedPaths()
  /** Requests that were sent, in order; the first is answered next. */
  #sent: Pending[] = []
  #held: Pending[] = []
  #link: JuteLink | undefined
  #hello: Hello
  #timer: TimerHandle | undefined
  /** When bytes came last, by the clock's monotonic time. */
  #lastHeardMs = 0
  #closing: Promise<void> | undefined
  state: ZooKeeperState = 'connecting'

  constructor(options: ZooKeeperConnectOptions, server: InProcessServer) {
    this.#options = options
    this.#server = server
    this.#clock = server.clock
    this.#chroot = parseConnectString(options.connectString).chroot
    this.#hello = {
      ...{ protocolVersion: 0, lastZxidSeen: 0n, sessionId: 0n },
      timeOut: options.sessionTimeoutMs,
      passwd: Buffer.alloc(16),
    }
  }

  get sessionId(): bigint {
    return this.#hello.sessionId
  }

  get sessionTimeoutMs(): number {
    return this.#hello.timeOut
  }

  /** Connects. @throws KeeperException (rejects) when that fails, or takes too long */
  async open(): Promise<this> {
    const timer = this.#clock.setTimeout(() => {
      this.#connected.reject(keeperException(KeeperCode.CONNECTIONLOSS))
    }, this.#options.connectionTimeoutMs)
    this.reconnect()
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
    const op = { path: this.#at(path), data, acl, flags: createFlags[mode] }
    const created = await this.#request(path, OpCode.create, {
      write: (to) => CreateRequest.write(to, op),
      read: PathRecord.read,
    })
    return withoutChroot(this.#chroot, created.path)
  }

  delete(path: string, version = -1): Promise<void> {
    return this.#request(path, OpCode.delete, {
      write: (to) => PathVersion.write(to, { path: this.#at(path), version }),
      read: () => undefined,
    })
  }

  exists(path: string, watch = false): Promise<Stat | undefined> {
    return this.#request<Stat | undefined>(path, OpCode.exists, {
      write: (to) => PathWatch.write(to, { path: this.#at(path), watch }),
      read: (from) => {
        if (watch) this.#watches.data.add(this.#at(path))
        return StatRecord.read(from)
      },
      absent: () => {
        if (watch) this.#watches.exist.add(this.#at(path))
      },
    })
  }

  getData(path: string, watch = false): Promise<NodeData> {
    return this.#request(path, OpCode.getData, {
      write: (to) => PathWatch.write(to, { path: this.#at(path), watch }),
      read: (from) => {
        if (watch) this.#watches.data.add(this.#at(path))
        return DataStat.read(from)
      },
    })
  }

  setData(path: string, data: Buffer | null, version = -1): Promise<Stat> {
    return this.#request(path, OpCode.setData, {
      write: (to) => SetDataRequest.write(to, { path: this.#at(path), data, version }),
      read: StatRecord.read,
    })
  }

  async writeWhile(other: NodeVersion, write: GuardedWrite): Promise<Stat | undefined> {
    const check = { path: this.#at(other.path), version: other.version }
    const path = this.#at(write.path)
    const result = await this.#request(write.path, OpCode.multi, {
      write: (to) => writeGuarded(to, check, { ...write, path }),
      read: readGuarded,
    })
    if (!('at' in result)) return result.stat
    throw keeperException(result.err, result.at === 0 ? other.path : write.path)
  }

  getChildren(path: string, watch = false): Promise<NodeChildren> {
    return this.#request(path, OpCode.getChildren2, {
      write: (to) => PathWatch.write(to, { path: this.#at(path), watch }),
      read: (from) => {
        if (watch) this.#watches.child.add(this.#at(path))
        const { children, stat } = ChildrenStat.read(from)
        return { children: [...children], stat }
      },
    })
  }

  getAcl(path: string): Promise<NodeAcl> {
    return this.#request(path, OpCode.getACL, {
      write: (to) => PathRecord.write(to, { path: this.#at(path) }),
      read: (from) => {
        const { acl, stat } = AclStat.read(from)
        return { acl: [...acl], stat }
      },
    })
  }

  setAcl(path: string, acl: readonly Acl[], version = -1): Promise<Stat> {
    return this.#request(path, OpCode.setACL, {
      write: (to) => SetACLRequest.write(to, { path: this.#at(path), acl, version }),
      read: StatRecord.read,
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.hangUp()
    return this.#closing
  }

  /** Ends the session at the server, when it can be reached. Never rejects. */
  async hangUp(): Promise<void> {
    const link = this.#link
    const wasConnected = this.state === 'connected'
    if (!isFinal(this.state)) this.#enter('closed')
    if (wasConnected) await link?.sayGoodBye()
    link?.destroy()
  }

  #at(path: string): string {
    return withChroot(this.#chroot, path)
  }

  #request<T>(
    path: string,
    type: number,
    { write, read, absent }: Exchange<T>,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (code: number): void => reject(keeperException(code, path))
      const pending: Pending = {
        type,
        body: write,
        settle: (err, body) => {
          if (err === 0) return resolve(read(body))
          if (err !== KeeperCode.NONODE || !absent) return fail(err)
          absent()
          resolve(undefined as T)
        },
        fail,
      }
      if (!isValidPath(path)) fail(KeeperCode.BADARGUMENTS)
      else if (isFinal(this.state)) fail(finalCode(this.state))
      else if (this.state === 'connected') this.#send(pending)
      else this.#held.push(pending)
    })
  }

  #send(pending: Pending): void {
    this.#sent.push(pending)
    this.#link?.send(pending.type, pending.body)
  }

  /** Opens a stream and introduces itself. */
  reconnect(): void {
    const link: JuteLink = new JuteLink(this.#server.connectInProcess(), {
      onWelcome: (hello) => this.#onWelcome(hello),
      onRefused: () => this.#enter('expired'),
      onAuthFailed: () => this.#enter('authFailed'),
      onReply: (err, zxid, body) => {
        if (link === this.#link) this.#onReply(err, zxid, body)
      },
      onEvent: (event) => this.#onEvent(event),
      onHeard: () => {
        this.#lastHeardMs = this.#clock.monotonic()
      },
      onClose: () => {
        if (link === this.#link) this.#onLinkLost()
      },
    })
    this.#link = link
    link.sayHello(this.#hello)

    // Try another stream when no welcome comes over this one.
    this.#setTimer(this.#hello.timeOut, () => link.destroy())
  }

  /** The server knows us: prove who we are, take up watches, send what was held back. */
  #onWelcome({ sessionId, timeOut, passwd }: Hello): void {
    if (isFinal(this.state)) return
    const { lastZxidSeen } = this.#hello
    this.#hello = { ...this.#hello, sessionId, timeOut, passwd }
    for (const info of this.#options.authInfo ?? []) this.#link?.authenticate(info)
    const done = (): void => undefined
    for (const body of this.#watches.requests(lastZxidSeen)) {
      this.#send({ type: OpCode.setWatches, body, settle: done, fail: done })
    }
    this.#schedulePing()
    this.#enter('connected')
    const held = this.#held
    this.#held = []
    for (const pending of held) this.#send(pending)
    this.#connected.resolve(this)
  }

  #onReply(err: number, zxid: bigint, body: ByteReader): void {
    if (zxid > 0n) this.#hello = { ...this.#hello, lastZxidSeen: zxid }
    this.#sent.shift()?.settle(err, body)
  }

  #onEvent(event: WatchEvent): void {
    this.#watches.fired(event)
    if (isFinal(this.state)) return
    try {
      this.#options.onWatch({ ...event, path: withoutChroot(this.#chroot, event.path) })
    } catch (error) {
      log.error('a watcher failed', error)
    }
  }

  #onLinkLost(): void {
    this.#link = undefined
    if (isFinal(this.state)) return

    // Whether what was sent arrived is unknown; what was held back has waited in vain.
    const lost = [...this.#sent, ...this.#held]
    this.#sent = []
    this.#held = []
    if (this.state === 'connected') this.#enter('connecting')
    for (const { fail } of lost) fail(KeeperCode.CONNECTIONLOSS)
    this.#setTimer(RECONNECT_PAUSE_MS, () => this.reconnect())
  }

  #schedulePing(): void {
    this.#setTimer(this.sessionTimeoutMs / 3, () => {
      // Give a silent stream up in time to come back before the session ends.
      const silentMs = this.#clock.monotonic() - this.#lastHeardMs
      if (silentMs >= this.sessionTimeoutMs * READ_TIMEOUT_SHARE) this.#link?.destroy()
      else this.#link?.ping()
      this.#schedulePing()
    })
  }

  #enter(state: ZooKeeperState): void {
    if (isFinal(this.state)) return
    this.state = state
    if (isFinal(state)) {
      const code = finalCode(state)
      this.#clock.clearTimeout(this.#timer)
      for (const { fail } of [...this.#sent, ...this.#held]) fail(code)
      this.#sent = []
      this.#held = []
      this.#connected.reject(keeperException(code))
      this.#connected.promise.catch(() => undefined)
      if (state !== 'closed') this.#link?.destroy()
    }
    try {
      this.#options.onState(state)
    } catch (error) {
      log.error('a state handler failed', error)
    }
  }

  #setTimer(ms: number, fn: () => void): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = this.#clock.setTimeout(fn, ms)
  }
}

/** What a request writes, and what its reply holds. */
interface Exchange<T> {
  readonly write: (to: ByteWriter) => void
  readonly read: (from: ByteReader) => T
  /** Called instead when there is no node and that is an answer. */
  readonly absent?: () => void
}

function isFinal(state: ZooKeeperState): boolean {
  return state === 'expired' || state === 'closed' || state === 'authFailed'
}

/** Why a request over a session that is over fails; ZooKeeper does not tell closed. */
function finalCode(state: ZooKeeperState): number {
  return state === 'authFailed' ? KeeperCode.AUTHFAILED : KeeperCode.SESSIONEXPIRED
}
