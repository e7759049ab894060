/**
 * # znode
 *
 * What is told about every znode beside its path and its codec: who makes it, who watches
 * it, when it goes. The objects that the program runs on carry these lines themselves, so
 * the table of znodes on the site is made from them and cannot drift.
 *
 * @module
 */

/** How a znode lives: until deleted, until its session ends, or numbered by ZooKeeper. */
export type ZNodeKind = 'persistent' | 'ephemeral' | 'persistent sequential'

/** One row of the table of znodes. */
export interface ZNode {
  /** Path with its variable parts in angle brackets. */
  readonly pattern: string

  /** How it lives. */
  readonly kind: ZNodeKind

  /** What it holds, by example. `null` is a znode without data. */
  readonly payload: string

  /** Who writes it, and when. */
  readonly writer: string

  /** Who watches it, and why. */
  readonly watchers: string

  /** When it is deleted, and by whom. */
  readonly deleted: string
}

/** An object of the table: a {@link ZNode} that also makes paths, and reads and writes. */
export type ZNodeObject = ZNode & { readonly [member: string]: unknown }

/** Text as the bytes of a znode. */
export function encodeText(text: string): Buffer {
  return Buffer.from(text, 'utf8')
}

/** A parent that holds nothing itself and is made when a broker starts. */
export function parentZNode(path: string, watchers = 'none') {
  return {
    pattern: path,
    kind: 'persistent' as const,
    payload: 'null',
    writer: 'every broker at its start, if missing',
    watchers,
    deleted: 'never',

    /** The path, which has no variable parts. */
    path(): string {
      return path
    },
  }
}
