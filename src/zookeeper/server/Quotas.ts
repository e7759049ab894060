/**
 * # Quotas
 *
 * Counts what lies below the nodes that somebody wants counted. A quota is wished for by
 * a node below `/zookeeper/quota`; beside the wish the server keeps the truth. Nobody is
 * refused for being over it: a warning in the log is all that a quota does.
 *
 *     /zookeeper/quota/app/zookeeper_limits   "count=5,bytes=-1"   a client writes it
 *     /zookeeper/quota/app/zookeeper_stats    "count=6,bytes=120"  the server keeps it
 *     create /app/x ─▶ the statistics of /app grow; 6 > 5 ─▶ a warning
 *
 * Invariants: the statistics count the node itself and all below it. They are changed
 * in place: no version, no time and no watch follows.
 *
 * @kafka none: org/apache/zookeeper/server/DataTree.java, Quotas, StatsTrack, PathTrie
 * @module
 */
import { logger } from '../../base/logger.ts'
import { nameOf, parentOf } from '../paths.ts'
import type { DataNode } from './DataNode.ts'

const log = logger('Quotas')

/** Below it quotas are wished for. */
export const QUOTA_PATH = '/zookeeper/quota'

const LIMIT_NODE = 'zookeeper_limits'
const STAT_NODE = 'zookeeper_stats'

/** Nodes, and their bytes of data; as a limit -1 means none. */
interface StatsTrack {
  readonly count: number
  readonly bytes: number
}

/** Which paths are counted, and their counts. Its owner is a DataTree. */
export class Quotas {
  readonly #nodes: ReadonlyMap<string, DataNode>
  readonly #limited = new Set<string>()

  /** @param nodes - those of the tree, by path */
  constructor(nodes: ReadonlyMap<string, DataNode>) {
    this.#nodes = nodes
  }

  /** Takes up the quotas of a tree that was read from a snapshot. */
  setupQuota(): void {
    for (const path of this.#nodes.keys()) {
      if (nameOf(path) !== LIMIT_NODE) continue
      const counted = countedPath(path)
      if (counted === undefined) continue
      this.#limited.add(counted)
      this.#updateQuotaForPath(counted)
    }
  }

  /** Counts a node that is in the tree by now. */
  created(path: string, bytes: number): void {
    const counted = countedPath(path)
    if (counted !== undefined) {
      if (nameOf(path) === LIMIT_NODE) this.#limited.add(counted)
      else if (nameOf(path) === STAT_NODE) this.#updateQuotaForPath(counted)
    }
    this.#add(path, 1, bytes)
  }

  /** Counts a node no more. */
  deleted(path: string, bytes: number): void {
    const counted = countedPath(path)
    if (counted !== undefined && nameOf(path) === LIMIT_NODE) {
      this.#limited.delete(counted)
    }
    this.#add(path, -1, -bytes)
  }

  /** Counts the bytes by which a node has grown. */
  changed(path: string, bytes: number): void {
    this.#add(path, 0, bytes)
  }

  #add(path: string, count: number, bytes: number): void {
    const counted = this.#limited.size > 0 && this.#nearest(path)
    if (!counted) return
    const node = this.#nodes.get(`${QUOTA_PATH}${counted}/${STAT_NODE}`)
    if (!node) return
    const old = parse(node.data)
    const now = { count: old.count + count, bytes: old.bytes + bytes }
    node.data = format(now)

    // Say so when it is too much; whoever wrote it has its answer all the same.
    const limits = this.#nodes.get(`${QUOTA_PATH}${counted}/${LIMIT_NODE}`)
    if (!limits) return
    const limit = parse(limits.data)
    if (count !== 0 && limit.count > -1 && now.count > limit.count) {
      log.warn(`quota exceeded: ${counted} count=${now.count} limit=${limit.count}`)
    }
    if (bytes !== 0 && limit.bytes > -1 && now.bytes > limit.bytes) {
      log.warn(`quota exceeded: ${counted} bytes=${now.bytes} limit=${limit.bytes}`)
    }
  }

  /** @returns the path above or at `path` that is counted; undefined when none is */
  #nearest(path: string): string | undefined {
    for (let at = path; at !== '/'; at = parentOf(at)) {
      if (this.#limited.has(at)) return at
    }
    return undefined
  }

  /** Counts a path anew, into its statistics. */
  #updateQuotaForPath(counted: string): void {
    const node = this.#nodes.get(`${QUOTA_PATH}${counted}/${STAT_NODE}`)
    if (node) node.data = format(this.#counts(counted))
  }

  #counts(counted: string): StatsTrack {
    let count = 0
    let bytes = 0
    const paths = [counted]
    for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
      const node = this.#nodes.get(path)
      if (!node) continue
      count++
      bytes += node.data?.length ?? 0
      for (const child of node.children) paths.push(`${path}/${child}`)
    }
    return { count, bytes }
  }
}

/** @returns what a limits or statistics node is about; undefined for other nodes */
function countedPath(path: string): string | undefined {
  if (!path.startsWith(`${QUOTA_PATH}/`)) return undefined
  return parentOf(path).slice(QUOTA_PATH.length) || undefined
}

/** Reads what a client may have written; no limit where it makes no sense. */
function parse(data: Buffer | null): StatsTrack {
  const [, count, bytes] = /^count=(-?\d+),bytes=(-?\d+)$/.exec(String(data)) ?? []
  return { count: Number(count ?? -1), bytes: Number(bytes ?? -1) }
}

function format({ count, bytes }: StatsTrack): Buffer {
  return Buffer.from(`count=${count},bytes=${bytes}`)
}
