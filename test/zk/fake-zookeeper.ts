/**
 * A ZooKeeper small enough to hold in one hand: nodes, versions, one-shot watches and
 * sessions, in memory. Tests use it where they want to break something on purpose: lose an
 * answer, let another write come first, end a session.
 *
 * @module
 */

import {
  type CreateMode,
  type GuardedWrite,
  KeeperCode,
  keeperException,
  type NodeChildren,
  type NodeData,
  type NodeVersion,
  type Stat,
  type WatchEvent,
  type ZooKeeperConnectOptions,
  type ZooKeeperSession,
  type ZooKeeperState,
} from '../../src/zookeeper/client.ts'

interface Node {
  data: Buffer | null
  version: number
  owner: bigint
  counter: number
  czxid: bigint
}

/** One server. */
export class FakeZooKeeper {
  readonly nodes = new Map<string, Node>([
    ['', { data: null, version: 0, owner: 0n, counter: 0, czxid: 0n }],
  ])
  #zxid = 0n
  readonly sessions: FakeSession[] = []

  /** Called before each request is carried out; may change nodes, or throw. */
  before: (operation: string, path: string) => void = () => {}

  /** Called after each request was carried out; what it throws is the answer. */
  after: (operation: string, path: string) => void = () => {}

  readonly connect = async (o: ZooKeeperConnectOptions): Promise<ZooKeeperSession> => {
    const session = new FakeSession(this, BigInt(this.sessions.length + 1), o)
    this.sessions.push(session)
    return session
  }

  /** The text of a node; undefined when there is none. */
  text(path: string): string | undefined {
    const node = this.nodes.get(path)
    return node && (node.data?.toString() ?? 'null')
  }

  /** The JSON of a node. */
  json(path: string): unknown {
    const text = this.text(path)
    return text === undefined ? undefined : JSON.parse(text)
  }

  children(path: string): string[] {
    const prefix = `${path}/`
    return [...this.nodes.keys()]
      .filter((p) => p.startsWith(prefix) && !p.slice(prefix.length).includes('/'))
      .map((p) => p.slice(prefix.length))
  }

  create(path: string, data: Buffer | null, mode: CreateMode, owner: bigint): string {
    const parentPath = path.slice(0, path.lastIndexOf('/'))
    const parent = this.nodes.get(parentPath)
    if (!parent) throw keeperException(KeeperCode.NONODE, path)
    const name = mode.endsWith('SEQUENTIAL')
      ? path + String(parent.counter++).padStart(10, '0')
      : path
    if (this.nodes.has(name)) throw keeperException(KeeperCode.NODEEXISTS, name)
    const isEphemeral = mode.startsWith('EPHEMERAL')
    const czxid = ++this.#zxid
    const node = {
      data,
      version: 0,
      owner: isEphemeral ? owner : 0n,
      counter: 0,
      czxid,
    }
    this.nodes.set(name, node)
    this.#fire('data', name, 'NodeCreated')
    this.#fire('children', parentPath, 'NodeChildrenChanged')
    return name
  }

  delete(path: string, version = -1): void {
    const node = this.#at(path)
    if (version !== -1 && version !== node.version) {
      throw keeperException(KeeperCode.BADVERSION, path)
    }
    if (this.children(path).length > 0) throw keeperException(KeeperCode.NOTEMPTY, path)
    this.nodes.delete(path)
    this.#fire('data', path, 'NodeDeleted')
    this.#fire('children', path, 'NodeDeleted')
    this.#fire('children', path.slice(0, path.lastIndexOf('/')), 'NodeChildrenChanged')
  }

  set(path: string, data: Buffer | null, version = -1): Stat {
    const node = this.#at(path)
    if (version !== -1 && version !== node.version) {
      throw keeperException(KeeperCode.BADVERSION, path)
    }
    node.data = data
    node.version++
    this.#fire('data', path, 'NodeDataChanged')
    return this.stat(path)!
  }

  get(path: string): NodeData {
    return { data: this.#at(path).data, stat: this.stat(path)! }
  }

  stat(path: string): Stat | undefined {
    const node = this.nodes.get(path)
    if (!node) return undefined
    const { version, owner: ephemeralOwner, data, czxid } = node
    const zxid = { czxid, mzxid: czxid, pzxid: czxid, ctime: 0, mtime: 0 }
    const counts = { cversion: 0, aversion: 0, dataLength: data?.length ?? 0 }
    return { ...zxid, ...counts, version, ephemeralOwner, numChildren: 0 }
  }

  /** Ends a session without its consent. */
  expire(session: FakeSession): void {
    this.end(session, 'expired')
    session.options.onState('expired')
  }

  end(session: FakeSession, state: 'expired' | 'closed'): void {
    if (session.state !== 'connected') return
    session.state = state
    session.watches.clear()
    for (const [path, node] of [...this.nodes]) {
      if (node.owner === session.sessionId) this.delete(path)
    }
  }

  #at(path: string): Node {
    const node = this.nodes.get(path)
    if (!node) throw keeperException(KeeperCode.NONODE, path)
    return node
  }

  #fire(kind: string, path: string, type: WatchEvent['type']): void {
    for (const session of this.sessions) {
      if (!session.watches.delete(`${kind} ${path}`)) continue
      queueMicrotask(() => {
        if (session.state === 'connected') session.options.onWatch({ type, path })
      })
    }
  }
}

/** One session with a {@link FakeZooKeeper}. */
export class FakeSession implements ZooKeeperSession {
  readonly #server: FakeZooKeeper
  readonly sessionId: bigint
  readonly options: ZooKeeperConnectOptions
  readonly sessionTimeoutMs = 6000
  readonly watches = new Set<string>()
  state: ZooKeeperState = 'connected'

  constructor(server: FakeZooKeeper, id: bigint, options: ZooKeeperConnectOptions) {
    this.#server = server
    this.sessionId = id
    this.options = options
  }

  async #run<R>(operation: string, path: string, work: () => R): Promise<R> {
    await Promise.resolve()
    if (this.state !== 'connected')
      throw keeperException(KeeperCode.SESSIONEXPIRED, path)
    this.#server.before(operation, path)
    const result = work()
    this.#server.after(operation, path)
    return result
  }

  create(path: string, data: Buffer | null, mode: CreateMode): Promise<string> {
    return this.#run('create', path, () =>
      this.#server.create(path, data, mode, this.sessionId),
    )
  }

  delete(path: string, version?: number): Promise<void> {
    return this.#run('delete', path, () => this.#server.delete(path, version))
  }

  exists(path: string, watch?: boolean): Promise<Stat | undefined> {
    return this.#run('exists', path, () => {
      if (watch) this.watches.add(`data ${path}`)
      return this.#server.stat(path)
    })
  }

  getData(path: string, watch?: boolean): Promise<NodeData> {
    return this.#run('getData', path, () => {
      const result = this.#server.get(path)
      if (watch) this.watches.add(`data ${path}`)
      return result
    })
  }

  setData(path: string, data: Buffer | null, version?: number): Promise<Stat> {
    return this.#run('setData', path, () => this.#server.set(path, data, version))
  }

  writeWhile(other: NodeVersion, write: GuardedWrite): Promise<Stat | undefined> {
    const server = this.#server
    return this.#run(write.kind, write.path, () => {
      if (server.get(other.path).stat.version !== other.version)
        throw keeperException(KeeperCode.BADVERSION, other.path)
      if (write.kind === 'setData')
        return server.set(write.path, write.data, write.version)
      if (write.kind === 'delete') server.delete(write.path)
      else server.create(write.path, write.data, 'PERSISTENT', this.sessionId)
      return undefined
    })
  }

  getChildren(path: string, watch?: boolean): Promise<NodeChildren> {
    return this.#run('getChildren', path, () => {
      const { stat } = this.#server.get(path)
      if (watch) this.watches.add(`children ${path}`)
      return { children: this.#server.children(path), stat }
    })
  }

  getAcl(): Promise<never> {
    throw keeperException(KeeperCode.UNIMPLEMENTED)
  }

  setAcl(): Promise<never> {
    throw keeperException(KeeperCode.UNIMPLEMENTED)
  }

  async close(): Promise<void> {
    this.#server.end(this, 'closed')
  }
}
