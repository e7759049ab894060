/**
 * # DataNode
 *
 * A node of the tree: its bytes, what is known about it, and the names below it.
 *
 * @kafka none: org/apache/zookeeper/server/DataNode.java
 * @module
 */
import type { Acl, Stat } from '../client.ts'

/** What is stored about a node; the rest of a {@link Stat} is counted. */
export interface StatPersisted {
  readonly czxid: bigint
  mzxid: bigint
  readonly ctime: number
  mtime: number
  version: number
  /** How many children were ever created; numbers sequential nodes. */
  cversion: number
  aversion: number
  readonly ephemeralOwner: bigint
  pzxid: bigint
}

/** A node. Its owner is the DataTree; nothing else changes it. */
export class DataNode {
  /** Null for none, which a reader is told as such. */
  data: Buffer | null
  acl: readonly Acl[]
  readonly stat: StatPersisted
  readonly children = new Set<string>()

  constructor(data: Buffer | null, acl: readonly Acl[], stat: StatPersisted) {
    this.data = data
    this.acl = acl
    this.stat = stat
  }

  /**
   * What a client is told. Its `cversion` counts creations and deletions of children:
   * c created, n there now, so c + (c - n).
   */
  copyStat(): Stat {
    const numChildren = this.children.size
    return {
      ...this.stat,
      cversion: (this.stat.cversion * 2 - numChildren) | 0,
      dataLength: this.data?.length ?? 0,
      numChildren,
    }
  }
}
