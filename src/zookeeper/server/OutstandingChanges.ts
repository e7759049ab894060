/**
 * # OutstandingChanges
 *
 * The future of the tree: what it will look like when the transactions that wait for the
 * disk are applied. Each new write is checked against this, not against the present, so
 * that a client may send ten writes that build on each other without waiting.
 *
 *     tree (applied) ◀── /a v3
 *     outstanding    ◀── /a v4 (zxid 17), /a v5 (zxid 18), /b deleted (zxid 18)
 *     getRecordForPath(/a) ─▶ v5
 *
 * Invariant: a record stays until its transaction was applied, or taken back.
 *
 * @kafka none: ZooKeeperServer.outstandingChanges, ChangeRecord
 * @module
 */
import type { Acl } from '../client.ts'
import type { DataTree } from './DataTree.ts'

/** What a later write needs to know of a node. */
export interface ChangeRecord {
  /** Transaction that makes it so; 0 when it is so already. */
  readonly zxid: bigint
  readonly path: string
  readonly deleted: boolean
  readonly version: number
  /** Creations below it, as stored. */
  readonly cversion: number
  readonly aversion: number
  readonly ephemeralOwner: bigint
  readonly childCount: number
  readonly acl: readonly Acl[]
}

/** The changes under way, over the tree. */
export class OutstandingChanges {
  readonly #tree: DataTree
  #changes: ChangeRecord[] = []
  readonly #forPath = new Map<string, ChangeRecord>()

  constructor(tree: DataTree) {
    this.#tree = tree
  }

  /** @returns the node as it will be; `undefined` when it will not be */
  getRecordForPath(path: string): ChangeRecord | undefined {
    const change = this.#forPath.get(path)
    if (change) return change.deleted ? undefined : change
    const node = this.#tree.getNode(path)
    if (!node) return undefined
    const { version, cversion, aversion, ephemeralOwner } = node.stat
    return {
      ...{ zxid: 0n, path, deleted: false },
      ...{ version, cversion, aversion, ephemeralOwner },
      childCount: node.children.size,
      acl: node.acl,
    }
  }

  /** Notes what a transaction will do. */
  addChangeRecord(record: ChangeRecord): void {
    this.#changes.push(record)
    this.#forPath.set(record.path, record)
  }

  /** @returns a place to come back to with `rollback` */
  mark(): number {
    return this.#changes.length
  }

  /** Takes back all that was noted since `mark`. */
  rollback(mark: number): void {
    this.#changes.length = mark
    this.#forPath.clear()
    for (const change of this.#changes) this.#forPath.set(change.path, change)
  }

  /** Forgets what has been applied. */
  removeUpTo(zxid: bigint): void {
    let applied = 0
    for (const change of this.#changes) {
      if (change.zxid > zxid) break
      if (this.#forPath.get(change.path) === change) this.#forPath.delete(change.path)
      applied++
    }
    if (applied > 0) this.#changes = this.#changes.slice(applied)
  }

  /** @returns the paths that will live with a session */
  ephemeralsOf(sessionId: bigint): Set<string> {
    const paths = new Set(this.#tree.getEphemerals(sessionId))
    for (const { path, deleted, ephemeralOwner } of this.#changes) {
      if (deleted) paths.delete(path)
      else if (ephemeralOwner === sessionId) paths.add(path)
    }
    return paths
  }
}
