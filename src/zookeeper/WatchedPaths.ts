/**
 * # WatchedPaths
 *
 * What a client watches, kept so that a server that was away can be told again. Paths are
 * the server's, with the chroot.
 *
 * @module
 */
import type { ByteWriter } from '../base/bytes/ByteWriter.ts'
import type { WatchEvent } from './client.ts'
import { SetWatches } from './records.ts'

/** Bytes of paths in one request; servers refuse larger frames. */
const SET_WATCHES_MAX_BYTES = 128 * 1024

/** Paths by the read that set the watch. */
export class WatchedPaths {
  /** Set by getData, and by exists on a node that is there. */
  readonly data = new Set<string>()
  /** Set by exists on a node that is not there. */
  readonly exist = new Set<string>()
  /** Set by getChildren. */
  readonly child = new Set<string>()

  /** Forgets the watches that an event used up. */
  fired({ type, path }: WatchEvent): void {
    if (type !== 'NodeChildrenChanged') {
      this.data.delete(path)
      this.exist.delete(path)
    }
    if (type === 'NodeChildrenChanged' || type === 'NodeDeleted')
      this.child.delete(path)
  }

  /** @returns the bodies of the requests that set all watches again; none for none */
  requests(relativeZxid: bigint): ((to: ByteWriter) => void)[] {
    const all = [
      ...[...this.data].map((path) => ['dataWatches', path] as const),
      ...[...this.exist].map((path) => ['existWatches', path] as const),
      ...[...this.child].map((path) => ['childWatches', path] as const),
    ]
    const requests: ((to: ByteWriter) => void)[] = []
    for (let at = 0; at < all.length; ) {
      const paths = {
        dataWatches: [] as string[],
        existWatches: [] as string[],
        childWatches: [] as string[],
      }
      for (let bytes = 0; at < all.length && bytes < SET_WATCHES_MAX_BYTES; at++) {
        const [kind, path] = all[at]!
        paths[kind].push(path)
        bytes += path.length
      }
      requests.push((to) => SetWatches.write(to, { relativeZxid, ...paths }))
    }
    return requests
  }
}
