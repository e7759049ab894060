/**
 * # DataTree
 *
 * All nodes, in memory, by path; and the watches on them. It is changed by transactions
 * only, which were checked before (PrepRequestProcessor) and are durable by now
 * (SyncRequestProcessor): `processTxn` does not ask, it does.
 *
 *     txn ─▶ processTxn ─▶ nodes changed ─▶ watches fire ─▶ result, for the reply
 *
 * Invariants: every node but the root has its parent; `lastProcessedZxid` never goes
 * back; the ephemeral nodes of a session are exactly those listed for it. The event of a
 * change is told before the reply to the change, because it is told in here.
 *
 * @kafka none: org/apache/zookeeper/server/DataTree.java
 * @module
 */
import type { Acl, Stat } from '../client.ts'
import { KeeperCode, OPEN_ACL_UNSAFE } from '../client.ts'
import { nameOf, parentOf } from '../paths.ts'
import { OpCode } from '../records.ts'
import { DataNode } from './DataNode.ts'
import { QUOTA_PATH, Quotas } from './Quotas.ts'
import type { Txn, TxnHeader } from './txn.ts'
import { type Watcher, WatchManager } from './WatchManager.ts'

/** What came of a transaction. */
export interface ProcessTxnResult {
  readonly type: number
  /** 0, or why nothing happened. */
  readonly err: number
  /** The node made, for a create. */
  readonly path?: string
  /** The node's state afterwards, for a create, setData or setACL. */
  readonly stat?: Stat
  /** One result an operation, for a multi. */
  readonly multiResult?: readonly ProcessTxnResult[]
}

/** The nodes that every tree has. */
export const SYSTEM_PATHS = ['/', '/zookeeper', QUOTA_PATH] as const

/** Paths of watches that a client had, by what they are for. */
export interface WatchPaths {
  readonly dataWatches: readonly string[]
  readonly existWatches: readonly string[]
  readonly childWatches: readonly string[]
}

/** The nodes, by path. */
export class DataTree {
  readonly #nodes = new Map<string, DataNode>()
  readonly #ephemerals = new Map<bigint, Set<string>>()
  readonly #quotas = new Quotas(this.#nodes)
  readonly dataWatches = new WatchManager()
  readonly childWatches = new WatchManager()
  /** Number of the last transaction applied; starts at 0, only grows. */
  lastProcessedZxid = 0n

  constructor() {
    for (const path of SYSTEM_PATHS) {
      const node = newNode(null, OPEN_ACL_UNSAFE, 0n, 0, 0n)
      this.#nodes.set(path, node)
      if (path !== '/') this.#nodes.get(parentOf(path))!.children.add(nameOf(path))
    }
  }

  /** @returns `undefined` when there is no such node */
  getNode(path: string): DataNode | undefined {
    return this.#nodes.get(path)
  }

  /** Paths of all nodes, parents before their children. */
  paths(): IterableIterator<string> {
    return this.#nodes.keys()
  }

  /** How many nodes there are. ZooKeeper counts its root twice: as `/`, and as ``. */
  get nodeCount(): number {
    return this.#nodes.size + 1
  }

  /** Ephemeral nodes by session. */
  get ephemerals(): ReadonlyMap<bigint, ReadonlySet<string>> {
    return this.#ephemerals
  }

  /** @returns the paths of the nodes that end with a session */
  getEphemerals(sessionId: bigint): ReadonlySet<string> {
    return this.#ephemerals.get(sessionId) ?? new Set()
  }

  /** Bytes of all paths and data. */
  approximateDataSize(): number {
    let size = 0
    for (const [path, node] of this.#nodes)
      size += path.length + (node.data?.length ?? 0)
    return size
  }

  /** Puts a node in place as a snapshot has it, below a parent that is there. */
  restoreNode(path: string, node: DataNode): void {
    this.#nodes.set(path, node)
    if (path !== '/') this.#nodes.get(parentOf(path))?.children.add(nameOf(path))
    if (node.stat.ephemeralOwner !== 0n) {
      this.#addEphemeral(node.stat.ephemeralOwner, path)
    }
  }

  /** Counts what quotas ask for, when all nodes of a snapshot are in place. */
  setupQuota(): void {
    this.#quotas.setupQuota()
  }

  /** Applies a transaction. */
  processTxn(header: TxnHeader, txn: Txn): ProcessTxnResult {
    const result = this.#apply(header, txn)
    if (header.zxid > this.lastProcessedZxid) this.lastProcessedZxid = header.zxid
    return result
  }

  #apply(header: TxnHeader, txn: Txn): ProcessTxnResult {
    const { type } = txn
    switch (type) {
      case OpCode.create:
      case OpCode.create2:
        return this.#createNode(header, txn)
      case OpCode.delete:
        return { type, err: this.#deleteNode(txn.path, header.zxid) }
      case OpCode.setData:
        return this.#setData(header, txn)
      case OpCode.setACL:
        return this.#setACL(txn)
      case OpCode.closeSession:
        this.#killSession(header.clientId, header.zxid)
        return { type, err: 0 }
      case OpCode.multi:
        return this.#multi(header, txn.txns)
      case OpCode.error:
        return { type, err: txn.err }
      case OpCode.check:
      case OpCode.createSession:
        return { type, err: 0 }
    }
  }

  /**
   * Makes a node. A node that is there already can only be met while a log is replayed
   * over a snapshot that has it; then the parent is brought up to date alone.
   */
  #createNode(
    header: TxnHeader,
    txn: Extract<Txn, { parentCVersion: number }>,
  ): ProcessTxnResult {
    const { zxid, time, clientId } = header
    const { path, data, acl, ephemeral, parentCVersion } = txn
    const parentPath = parentOf(path)
    const parent = this.#nodes.get(parentPath)
    if (!parent) return { type: txn.type, err: KeeperCode.NONODE }
    if (parentCVersion > parent.stat.cversion) parent.stat.cversion = parentCVersion
    if (zxid > parent.stat.pzxid) parent.stat.pzxid = zxid
    if (this.#nodes.has(path)) return { type: txn.type, err: KeeperCode.NODEEXISTS }

    // Put the node below its parent; keep bytes of our own, not a view on a packet.
    const owner = ephemeral ? clientId : 0n
    const node = newNode(data && Buffer.from(data), acl, zxid, time, owner)
    this.#nodes.set(path, node)
    parent.children.add(nameOf(path))
    if (ephemeral) this.#addEphemeral(owner, path)
    this.#quotas.created(path, node.data?.length ?? 0)

    // Tell who waited for the node, then who watches its siblings.
    this.dataWatches.triggerWatch(path, 'NodeCreated')
    this.childWatches.triggerWatch(parentPath, 'NodeChildrenChanged')
    return { type: txn.type, err: 0, path, stat: node.copyStat() }
  }

  #deleteNode(path: string, zxid: bigint): number {
    const parentPath = parentOf(path)
    const node = this.#nodes.get(path)
    const parent = this.#nodes.get(parentPath)
    if (!node || !parent) return KeeperCode.NONODE

    // Take the node out.
    this.#nodes.delete(path)
    parent.children.delete(nameOf(path))
    if (zxid > parent.stat.pzxid) parent.stat.pzxid = zxid
    const owner = node.stat.ephemeralOwner
    const owned = this.#ephemerals.get(owner)
    owned?.delete(path)
    if (owned?.size === 0) this.#ephemerals.delete(owner)
    this.#quotas.deleted(path, node.data?.length ?? 0)

    // Tell each watcher of the node once, then who watches its siblings.
    const told = this.dataWatches.triggerWatch(path, 'NodeDeleted')
    this.childWatches.triggerWatch(path, 'NodeDeleted', told)
    this.childWatches.triggerWatch(parentPath, 'NodeChildrenChanged')
    return 0
  }

  #setData(header: TxnHeader, txn: Extract<Txn, { type: 5 }>): ProcessTxnResult {
    const node = this.#nodes.get(txn.path)
    if (!node) return { type: txn.type, err: KeeperCode.NONODE }
    const before = node.data?.length ?? 0
    node.data = txn.data && Buffer.from(txn.data)
    this.#quotas.changed(txn.path, (node.data?.length ?? 0) - before)
    node.stat.mzxid = header.zxid
    node.stat.mtime = header.time
    node.stat.version = txn.version
    this.dataWatches.triggerWatch(txn.path, 'NodeDataChanged')
    return { type: txn.type, err: 0, stat: node.copyStat() }
  }

  #setACL(txn: Extract<Txn, { type: 7 }>): ProcessTxnResult {
    const node = this.#nodes.get(txn.path)
    if (!node) return { type: txn.type, err: KeeperCode.NONODE }
    node.acl = txn.acl
    node.stat.aversion = txn.version
    return { type: txn.type, err: 0, stat: node.copyStat() }
  }

  /** Removes what lives with a session. */
  #killSession(sessionId: bigint, zxid: bigint): void {
    for (const path of [...this.getEphemerals(sessionId)]) this.#deleteNode(path, zxid)
  }

  /** Applies all operations, or none when one of them was refused. */
  #multi(header: TxnHeader, txns: readonly Txn[]): ProcessTxnResult {
    const failed = txns.some((txn) => txn.type === OpCode.error)
    const multiResult = txns.map((txn) => {
      if (txn.type === OpCode.error || !failed) return this.#apply(header, txn)
      return { type: OpCode.error, err: KeeperCode.RUNTIMEINCONSISTENCY }
    })
    return { type: OpCode.multi, err: 0, multiResult }
  }

  /**
   * Arms the watches of a client that was away, or tells at once what it missed since
   * the transaction that it saw last.
   */
  setWatches(relativeZxid: bigint, paths: WatchPaths, watcher: Watcher): void {
    for (const path of paths.dataWatches) {
      const node = this.#nodes.get(path)
      if (!node) watcher.process({ type: 'NodeDeleted', path })
      else if (node.stat.mzxid > relativeZxid) {
        watcher.process({ type: 'NodeDataChanged', path })
      } else this.dataWatches.addWatch(path, watcher)
    }
    for (const path of paths.existWatches) {
      const node = this.#nodes.get(path)
      if (node) watcher.process({ type: 'NodeCreated', path })
      else this.dataWatches.addWatch(path, watcher)
    }
    for (const path of paths.childWatches) {
      const node = this.#nodes.get(path)
      if (!node) watcher.process({ type: 'NodeDeleted', path })
      else if (node.stat.pzxid > relativeZxid) {
        watcher.process({ type: 'NodeChildrenChanged', path })
      } else this.childWatches.addWatch(path, watcher)
    }
  }

  /** Drops the watches of a connection that is gone. */
  removeCnxn(watcher: Watcher): void {
    this.dataWatches.removeWatcher(watcher)
    this.childWatches.removeWatcher(watcher)
  }

  #addEphemeral(sessionId: bigint, path: string): void {
    const owned = this.#ephemerals.get(sessionId)
    if (owned) owned.add(path)
    else this.#ephemerals.set(sessionId, new Set([path]))
  }
}

function newNode(
  data: Buffer | null,
  acl: readonly Acl[],
  zxid: bigint,
  time: number,
  ephemeralOwner: bigint,
): DataNode {
  return new DataNode(data, acl, {
    ...{ czxid: zxid, mzxid: zxid, pzxid: zxid },
    ...{ ctime: time, mtime: time },
    ...{ version: 0, cversion: 0, aversion: 0 },
    ephemeralOwner,
  })
}
