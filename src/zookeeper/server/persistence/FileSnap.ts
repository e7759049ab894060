/**
 * # FileSnap
 *
 * The whole tree in one file, so that the log before it is no longer needed.
 *
 *     snapshot.<zxid hex>
 *       [ "ZKSN" 4 | version 4 | dbid 8 ]
 *       count 4, then [ session 8 | timeout 4 ] each
 *       count 4, then [ number 8 | access list ] each
 *       [ path | data | access list number 8 | stat 60 ] for each node, parents first
 *       "/"  [ adler32 8 ]  "/"
 *
 * @kafka none: org/apache/zookeeper/server/persistence/FileSnap.java, SerializeUtils
 * @module
 */
import { ByteReader } from '../../../base/bytes/ByteReader.ts'
import { ByteWriter } from '../../../base/bytes/ByteWriter.ts'
import { SchemaException } from '../../../base/exceptions.ts'
import type { Acl } from '../../client.ts'
import { OPEN_ACL_UNSAFE } from '../../client.ts'
import { buffer, int, long, millis, record, ustring, vector } from '../../jute.ts'
import { AclRecord } from '../../records.ts'
import { adler32 } from '../adler32.ts'
import { DataNode } from '../DataNode.ts'
import type { DataTree } from '../DataTree.ts'

const MAGIC = 0x5a4b534e
const VERSION = 2
const DBID = -1n

/** The access list that is not in the table, because it is everybody's. */
const OPEN_ACL_NUMBER = -1n

const FileHeader = record({ magic: int, version: int, dbid: long })
const Sessions = vector(record({ sessionId: long, timeoutMs: int }))
const AclTable = vector(record({ number: long, acl: vector(AclRecord) }))
const Node = record({
  data: buffer,
  acl: long,
  stat: record({
    czxid: long,
    mzxid: long,
    ctime: millis,
    mtime: millis,
    version: int,
    cversion: int,
    aversion: int,
    ephemeralOwner: long,
    pzxid: long,
  }),
})

/** @returns the bytes of a snapshot */
export function serializeSnapshot(
  tree: DataTree,
  sessions: ReadonlyMap<bigint, number>,
): Buffer {
  const to = new ByteWriter(1 << 16)
  FileHeader.write(to, { magic: MAGIC, version: VERSION, dbid: DBID })
  const timeouts = [...sessions].map(([sessionId, timeoutMs]) => ({
    sessionId,
    timeoutMs,
  }))
  Sessions.write(to, timeouts)

  // Number each access list once; most nodes share a few.
  const numbers = new Map<string, { readonly number: bigint; acl: readonly Acl[] }>()
  for (const [, node] of nodesBelow(tree, '/')) {
    const key = keyOf(node.acl)
    if (key === OPEN_KEY || numbers.has(key)) continue
    numbers.set(key, { number: BigInt(numbers.size + 1), acl: node.acl })
  }
  AclTable.write(to, [...numbers.values()])

  // Write the nodes, the root under an empty name.
  for (const [path, node] of nodesBelow(tree, '/')) {
    const { data, stat } = node
    const acl = numbers.get(keyOf(node.acl))?.number ?? OPEN_ACL_NUMBER
    ustring.write(to, path === '/' ? '' : path)
    Node.write(to, { data, acl, stat })
  }
  ustring.write(to, '/')

  // Seal it; a file without the last string was not written to its end.
  to.writeBigInt64(BigInt(adler32(to.toBuffer())))
  ustring.write(to, '/')
  return to.toBuffer()
}

/**
 * Fills an empty tree from a snapshot.
 *
 * @param sessions - takes the sessions and their timeouts in ms
 * @throws SchemaException when the file is not whole or not sound
 */
export function deserializeSnapshot(
  bytes: Buffer,
  tree: DataTree,
  sessions: Map<bigint, number>,
): void {
  const from = new ByteReader(bytes)
  if (FileHeader.read(from).magic !== MAGIC) throw new SchemaException('no snapshot')
  const timeouts = Sessions.read(from)
  const acls = new Map(AclTable.read(from).map((e) => [e.number, e.acl]))

  // Read all nodes before any is put in place: the seal comes last.
  const nodes: [string, DataNode][] = []
  for (;;) {
    const path = ustring.read(from)
    if (path === '/') break
    const { data, acl, stat } = Node.read(from)
    const list = acls.get(acl) ?? OPEN_ACL_UNSAFE
    nodes.push([
      path || '/',
      new DataNode(data && Buffer.from(data), list, { ...stat }),
    ])
  }
  const sum = BigInt(adler32(bytes.subarray(0, from.position)))
  if (from.readBigInt64() !== sum) throw new SchemaException('wrong checksum')
  for (const { sessionId, timeoutMs } of timeouts) sessions.set(sessionId, timeoutMs)
  for (const [path, node] of nodes) tree.restoreNode(path, node)
}

function keyOf(acl: readonly Acl[]): string {
  return JSON.stringify(acl.map(({ perms, scheme, id }) => [perms, scheme, id]))
}

const OPEN_KEY = keyOf(OPEN_ACL_UNSAFE)

/** A node and all below it, parents first. */
function* nodesBelow(tree: DataTree, top: string): Generator<[string, DataNode]> {
  const paths = [top]
  for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
    const node = tree.getNode(path)!
    yield [path, node]
    const prefix = path === '/' ? '' : path
    for (const child of node.children) paths.push(`${prefix}/${child}`)
  }
}
