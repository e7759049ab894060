/**
 * # ZooKeeperClient
 *
 * A client that outlives its sessions. It keeps the registered handlers, sets a watch
 * only where one of them listens, limits how many requests are under way, waits out a
 * lost connection, and opens a new session when the old one has expired.
 *
 *     connected ──link lost──▶ connecting ──link back──▶ connected   requests are resent
 *         └───────── expired ◀────┘
 *                       │ beforeInitializingSession of every state handler
 *                       ▼ new session, tried until it succeeds
 *                       │ afterInitializingSession of every state handler
 *                       ▼
 *                   connected                     watches are gone: handlers must re-read
 *
 * Invariants: at most `maxInFlightRequests` requests are under way. Between expiry and
 * the end of the `before` handlers requests fail with SESSIONEXPIRED; while the new
 * session is being opened they wait for it. Registering a handler sends nothing.
 *
 * @kafka core/src/main/scala/kafka/zookeeper/ZooKeeperClient.scala#ZooKeeperClient
 * @differs Requests are methods that return promises, not a batch of request objects
 *   with a latch; the resending of KafkaZkClient (`retryRequestsUntilConnected`) lives
 *   here, because the old consumer needs it, too. What was `initializationLock` is the
 *   promise `#initialization`: nothing else runs between two awaits.
 * @module
 */
import { Condition } from '../base/async/Condition.ts'
import { mapInTurn } from '../base/async/map-in-turn.ts'
import { logger } from '../base/logger.ts'
import { Distribution } from '../base/metrics/Distribution.ts'
import type { Clock } from '../base/platform/Platform.ts'
import {
  type Acl,
  AuthFailedException,
  ConnectionLossException,
  type CreateMode,
  type GuardedWrite,
  KeeperCode,
  keeperException,
  type NodeAcl,
  type NodeChildren,
  type NodeData,
  type NodeVersion,
  type Stat,
  type WatchEvent,
  type ZooKeeperConnect,
  type ZooKeeperSession,
  type ZooKeeperState,
} from './client.ts'

const log = logger('ZooKeeperClient')

/** Ms between tries to open a session that replaces an expired one. */
const REINITIALIZE_PAUSE_MS = 1000

/** Told when a node comes, goes or changes; a watch fires once per read. */
export interface ZNodeChangeHandler {
  readonly path: string
  handleCreation?(): void
  handleDeletion?(): void
  handleDataChange?(): void
}

/** Told when children of a node come or go. */
export interface ZNodeChildChangeHandler {
  readonly path: string
  handleChildChange(): void
}

/** Told what happens to the session. */
export interface StateChangeHandler {
  /** Distinguishes handlers: a second one of the same name replaces the first. */
  readonly name: string
  /** The session has expired; a new one is opened when this has settled. */
  beforeInitializingSession?(): Promise<void> | void
  /** A new session stands; nothing of the old one does. */
  afterInitializingSession?(): Promise<void> | void
  /** The server refused our identity; for good. */
  onAuthFailure?(): void
}

/** The client failed by itself. */
export class ZooKeeperClientException extends Error {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
  }
}
/** No connection came about in time. */
export class ZooKeeperClientTimeoutException extends ZooKeeperClientException {}
/** The session expired while a connection was awaited. */
export class ZooKeeperClientExpiredException extends ZooKeeperClientException {}
/** The server refused our identity. */
export class ZooKeeperClientAuthFailedException extends ZooKeeperClientException {}

/** What a client is made of. */
export interface ZooKeeperClientOptions {
  /** Opens sessions. */
  readonly connect: ZooKeeperConnect
  /** `host:port,host:port/chroot`. */
  readonly connectString: string
  readonly sessionTimeoutMs: number
  readonly connectionTimeoutMs: number
  /** Requests under way at a time, at least 1. */
  readonly maxInFlightRequests: number
  readonly clock: Clock
}

/** Requests, watches and sessions, for as long as the process wants them. */
export class ZooKeeperClient {
  readonly #options: ZooKeeperClientOptions
  readonly #zNodeChangeHandlers = new Map<string, ZNodeChangeHandler>()
  readonly #zNodeChildChangeHandlers = new Map<string, ZNodeChildChangeHandler>()
  readonly #stateChangeHandlers = new Map<string, StateChangeHandler>()
  readonly #isConnectedOrExpired = new Condition()
  readonly #permitReturned = new Condition()
  readonly #closing = new AbortController()
  /** How often a session came into a state, since this client was made. */
  readonly stateCounts = new Map<ZooKeeperState, number>()
  /** How long requests took to be answered, in ms. */
  readonly requestLatencyMs = new Distribution()
  #inFlight = 0
  #session: ZooKeeperSession | undefined
  /** Settles when the session that is being opened stands; undefined at other times. */
  #initialization: Promise<void> | undefined
  /** The handling of the expiries so far, one after the other. */
  #expiries: Promise<void> = Promise.resolve()

  /** @param options - of the client; nothing is sent before `start` */
  constructor(options: ZooKeeperClientOptions) {
    this.#options = options
  }

  /**
   * Opens the first session.
   *
   * @throws ZooKeeperClientTimeoutException (rejects) after `connectionTimeoutMs`
   * @throws ZooKeeperClientAuthFailedException (rejects) when our identity is refused
   */
  async start(): Promise<void> {
    const { connectString, connectionTimeoutMs } = this.#options
    log.debug(`opening a session with ${connectString}`)
    try {
      await this.#open()
    } catch (error) {
      if (error instanceof AuthFailedException) {
        throw new ZooKeeperClientAuthFailedException(
          `${connectString} refused our identity`,
          { cause: error },
        )
      }
      if (!(error instanceof ConnectionLossException)) throw error
      throw new ZooKeeperClientTimeoutException(
        `no connection to ZooKeeper at ${connectString} within ${connectionTimeoutMs} ms`,
        { cause: error },
      )
    }
  }

  /** The id of the session; 0 before the first. Ephemeral nodes carry it. */
  get currentSessionId(): bigint {
    return this.#session?.sessionId ?? 0n
  }

  /** Where the session stands. */
  get connectionState(): ZooKeeperState {
    if (this.#closing.signal.aborted) return 'closed'
    return this.#session?.state ?? 'connecting'
  }

  /** Makes a node. @returns its path, with its number when the mode is sequential */
  create(
    path: string,
    data: Buffer | null,
    mode: CreateMode,
    acl?: readonly Acl[],
  ): Promise<string> {
    return this.send((session) => session.create(path, data, mode, acl))
  }

  /** Removes a node. @param version - that it must have; -1 for any */
  delete(path: string, version = -1): Promise<void> {
    return this.send((session) => session.delete(path, version))
  }

  /** Looks at a node, and watches it if a change handler for it is registered. */
  exists(path: string): Promise<Stat | undefined> {
    return this.send((session) =>
      session.exists(path, this.#zNodeChangeHandlers.has(path)),
    )
  }

  /** Reads a node, and watches it if a change handler for it is registered. */
  getData(path: string): Promise<NodeData> {
    return this.send((session) =>
      session.getData(path, this.#zNodeChangeHandlers.has(path)),
    )
  }

  /** Writes a node. @param version - that it must have; -1 for any */
  setData(path: string, data: Buffer | null, version = -1): Promise<Stat> {
    return this.send((session) => session.setData(path, data, version))
  }

  /**
   * Writes a node while another one has a version, in one transaction.
   *
   * @returns the stat of a node whose data was written; `undefined` for other writes
   * @throws KeeperException (rejects) whose `path` tells which of the two nodes refused
   */
  writeWhile(other: NodeVersion, write: GuardedWrite): Promise<Stat | undefined> {
    return this.send((session) => session.writeWhile(other, write))
  }

  /** Lists children, and watches them if a child handler for it is registered. */
  getChildren(path: string): Promise<NodeChildren> {
    return this.send((session) =>
      session.getChildren(path, this.#zNodeChildChangeHandlers.has(path)),
    )
  }

  /** Reads the access list of a node. */
  getAcl(path: string): Promise<NodeAcl> {
    return this.send((session) => session.getAcl(path))
  }

  /** Replaces the access list of a node. @param version - its `aversion`; -1 for any */
  setAcl(path: string, acl: readonly Acl[], version = -1): Promise<Stat> {
    return this.send((session) => session.setAcl(path, acl, version))
  }

  /**
   * Listens to a node. The watch itself is set by the next `exists` or `getData`, and
   * again by the next one after it fired. One handler a path: a second replaces the first.
   */
  registerZNodeChangeHandler(handler: ZNodeChangeHandler): void {
    this.#zNodeChangeHandlers.set(handler.path, handler)
  }

  /** Stops listening to a node. A watch that is set stays, and is ignored. */
  unregisterZNodeChangeHandler(path: string): void {
    this.#zNodeChangeHandlers.delete(path)
  }

  /** Listens to the children of a node; the next `getChildren` sets the watch. */
  registerZNodeChildChangeHandler(handler: ZNodeChildChangeHandler): void {
    this.#zNodeChildChangeHandlers.set(handler.path, handler)
  }

  /** Stops listening to the children of a node. */
  unregisterZNodeChildChangeHandler(path: string): void {
    this.#zNodeChildChangeHandlers.delete(path)
  }

  /** Listens to the session. */
  registerStateChangeHandler(handler: StateChangeHandler): void {
    this.#stateChangeHandlers.set(handler.name, handler)
  }

  /** Stops listening to the session. */
  unregisterStateChangeHandler(name: string): void {
    this.#stateChangeHandlers.delete(name)
  }

  /**
   * Waits for a connection, as long as it takes.
   *
   * @throws ZooKeeperClientExpiredException (rejects) when the session expires instead
   * @throws ZooKeeperClientAuthFailedException (rejects) when our identity is refused
   */
  async waitUntilConnected(): Promise<void> {
    for (;;) {
      const state = this.connectionState
      if (state === 'connected') return
      if (state === 'expired' || state === 'closed') {
        throw new ZooKeeperClientExpiredException(
          `session ${state} while waiting for a connection`,
        )
      }
      if (state === 'authFailed') {
        throw new ZooKeeperClientAuthFailedException(
          'ZooKeeper refused our identity while waiting for a connection',
        )
      }
      await this.#isConnectedOrExpired.wait()
    }
  }

  /** Ends the session. Requests under way fail; handlers are no longer called. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    this.#zNodeChangeHandlers.clear()
    this.#zNodeChildChangeHandlers.clear()
    this.#stateChangeHandlers.clear()

    // Free those who wait for a connection, then say good-bye to the server.
    this.#isConnectedOrExpired.signalAll()
    await this.#session?.close()
  }

  /**
   * Sends one request: waits for its turn and for the session, and sends it again when
   * the connection was lost on the way. A write may thus be carried out twice.
   *
   * @kafka core/src/main/scala/kafka/zk/KafkaZkClient.scala#KafkaZkClient.retryRequestsUntilConnected
   */
  async send<R>(request: (session: ZooKeeperSession) => Promise<R>): Promise<R> {
    for (;;) {
      // Let a session that is being opened stand first.
      while (this.#initialization) await this.#initialization
      await this.#takePermit()
      const startMs = this.#options.clock.monotonic()
      try {
        return await request(this.#liveSession())
      } catch (error) {
        if (!(error instanceof ConnectionLossException)) throw error
        if (this.#closing.signal.aborted) throw error
      } finally {
        this.requestLatencyMs.update(this.#options.clock.monotonic() - startMs)
        this.#returnPermit()
      }
      await this.waitUntilConnected()
    }
  }

  /**
   * Does the same for many nodes: as many at a time as may be under way.
   *
   * @param request - sends the requests for one of them
   * @returns the answers, in the order of the items
   * @throws (rejects) what the first request that failed threw
   * @kafka core/src/main/scala/kafka/zookeeper/ZooKeeperClient.scala#ZooKeeperClient.handleRequests
   */
  handleRequests<T, R>(
    items: readonly T[],
    request: (item: T) => Promise<R>,
  ): Promise<R[]> {
    return mapInTurn(items, this.#options.maxInFlightRequests, request)
  }

  #liveSession(): ZooKeeperSession {
    if (this.#closing.signal.aborted) throw keeperException(KeeperCode.SESSIONEXPIRED)
    if (this.#session) return this.#session
    throw new ZooKeeperClientException('the client was not started')
  }

  async #takePermit(): Promise<void> {
    while (this.#inFlight >= this.#options.maxInFlightRequests) {
      await this.#permitReturned.wait()
    }
    this.#inFlight++
  }

  #returnPermit(): void {
    this.#inFlight--
    this.#permitReturned.signal()
  }

  /** Opens a session and makes it the current one. */
  async #open(): Promise<void> {
    const { connect, connectString, sessionTimeoutMs, connectionTimeoutMs } =
      this.#options
    let opened: ZooKeeperSession | undefined
    const isCurrent = (): boolean => opened === undefined || opened === this.#session
    const session = await connect({
      connectString,
      sessionTimeoutMs,
      connectionTimeoutMs,
      onWatch: (event) => {
        if (isCurrent()) this.processWatch(event)
      },
      onState: (state) => {
        if (!isCurrent()) return
        this.stateCounts.set(state, (this.stateCounts.get(state) ?? 0) + 1)
        this.processState(state)
      },
    })
    opened = session
    this.#session = session

    // Close what came too late, and act on what happened before it was ours.
    if (this.#closing.signal.aborted) await session.close()
    else if (session.state === 'expired') this.processState('expired')
  }

  /** Hands a watch that fired to the handler of its path. */
  processWatch({ type, path }: WatchEvent): void {
    const node = this.#zNodeChangeHandlers.get(path)
    switch (type) {
      case 'NodeChildrenChanged': {
        const children = this.#zNodeChildChangeHandlers.get(path)
        this.#call(path, () => children?.handleChildChange())
        break
      }
      case 'NodeCreated':
        this.#call(path, () => node?.handleCreation?.())
        break
      case 'NodeDeleted':
        this.#call(path, () => node?.handleDeletion?.())
        break
      case 'NodeDataChanged':
        this.#call(path, () => node?.handleDataChange?.())
        break
    }
  }

  /** Acts on a new state of the session. */
  processState(state: ZooKeeperState): void {
    log.debug(`session 0x${this.currentSessionId.toString(16)} is ${state}`)
    this.#isConnectedOrExpired.signalAll()
    if (this.#closing.signal.aborted) return
    if (state === 'authFailed') {
      for (const handler of [...this.#stateChangeHandlers.values()]) {
        this.#call(handler.name, () => handler.onAuthFailure?.())
      }
    }
    if (state === 'expired') {
      const expired = this.#session
      this.#expiries = this.#expiries.then(() => this.reinitialize(expired))
    }
  }

  /**
   * Replaces an expired session. Never rejects.
   *
   * @param expired - the session it is about; nothing happens when another one stands
   */
  async reinitialize(expired: ZooKeeperSession | undefined): Promise<void> {
    if (this.#session !== expired || this.#closing.signal.aborted) return
    log.info('the session expired, opening a new one')
    await this.#callStateHandlers('beforeInitializingSession')

    // Hold requests back until the new session stands.
    this.#initialization = this.#openUntilItSucceeds()
    await this.#initialization
    this.#initialization = undefined
    this.#isConnectedOrExpired.signalAll()
    await this.#callStateHandlers('afterInitializingSession')
  }

  async #openUntilItSucceeds(): Promise<void> {
    const { clock } = this.#options
    await this.#session?.close()
    while (!this.#closing.signal.aborted) {
      try {
        await this.#open()
        return
      } catch (error) {
        log.info('no new session yet, trying again', error)
        if (this.#closing.signal.aborted) return
        await clock
          .sleep(REINITIALIZE_PAUSE_MS, this.#closing.signal)
          .catch(() => undefined)
      }
    }
  }

  async #callStateHandlers(
    step: 'beforeInitializingSession' | 'afterInitializingSession',
  ): Promise<void> {
    for (const handler of [...this.#stateChangeHandlers.values()]) {
      if (this.#closing.signal.aborted) return
      try {
        await handler[step]?.()
      } catch (error) {
        log.error(`${step} of ${handler.name} failed`, error)
      }
    }
  }

  /** Calls a handler; what it throws is its own business. */
  #call(of: string, handler: () => void): void {
    try {
      handler()
    } catch (error) {
      log.error(`a handler of ${of} failed`, error)
    }
  }
}
