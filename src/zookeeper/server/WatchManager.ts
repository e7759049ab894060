/**
 * # WatchManager
 *
 * Who watches which path. A watch fires once and is gone; several reads of one path by
 * one watcher make one watch.
 *
 *     path ─▶ { watchers }        watcher ─▶ { paths }     two views of the same pairs
 *
 * @kafka none: org/apache/zookeeper/server/WatchManager.java
 * @module
 */
import type { WatchEvent } from '../client.ts'

/** Is told of events; a connection. */
export interface Watcher {
  process(event: WatchEvent): void
}

/** One table of watches; a tree has one for data and one for children. */
export class WatchManager {
  readonly #watchTable = new Map<string, Set<Watcher>>()
  readonly #watch2Paths = new Map<Watcher, Set<string>>()

  /** Watches that are set. */
  get size(): number {
    let size = 0
    for (const watchers of this.#watchTable.values()) size += watchers.size
    return size
  }

  /** Paths with at least one watch. */
  get paths(): ReadonlyMap<string, ReadonlySet<Watcher>> {
    return this.#watchTable
  }

  /** Paths by watcher. */
  get watchers(): ReadonlyMap<Watcher, ReadonlySet<string>> {
    return this.#watch2Paths
  }

  /** Sets a watch. */
  addWatch(path: string, watcher: Watcher): void {
    addTo(this.#watchTable, path, watcher)
    addTo(this.#watch2Paths, watcher, path)
  }

  /** Drops all watches of a watcher that is gone. */
  removeWatcher(watcher: Watcher): void {
    for (const path of this.#watch2Paths.get(watcher) ?? []) {
      removeFrom(this.#watchTable, path, watcher)
    }
    this.#watch2Paths.delete(watcher)
  }

  /**
   * Fires the watches on a path and drops them.
   *
   * @param supress - watchers that were told already
   * @returns the watchers that had one
   */
  triggerWatch(
    path: string,
    type: WatchEvent['type'],
    supress?: ReadonlySet<Watcher>,
  ): ReadonlySet<Watcher> {
    const watchers = this.#watchTable.get(path) ?? new Set<Watcher>()
    this.#watchTable.delete(path)
    for (const watcher of watchers) removeFrom(this.#watch2Paths, watcher, path)

    // Tell them when both views are already without them.
    for (const watcher of watchers) {
      if (!supress?.has(watcher)) watcher.process({ type, path })
    }
    return watchers
  }
}

function addTo<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const set = map.get(key)
  if (set) set.add(value)
  else map.set(key, new Set([value]))
}

function removeFrom<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const set = map.get(key)
  set?.delete(value)
  if (set?.size === 0) map.delete(key)
}
