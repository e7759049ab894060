/**
 * # Records of the ZooKeeper protocol
 *
 * What travels between a client and a server, record by record. After the handshake
 * (ConnectRequest, ConnectResponse; they have no header) each frame is a header and one
 * record that the header's type decides.
 *
 *     client ─▶ [length 4 | xid 4 | type 4 | request record]
 *     server ─▶ [length 4 | xid 4 | zxid 8 | err 4 | response record, only if err = 0]
 *
 * Invariant: field order here is the order on the wire.
 *
 * @kafka none: zookeeper/src/zookeeper.jute
 * @module
 */
import type { ByteReader } from '../base/bytes/ByteReader.ts'
import type { ByteWriter } from '../base/bytes/ByteWriter.ts'
import { type GuardedWrite, KeeperCode, type Stat as StatValue } from './client.ts'
import {
  boolean,
  buffer,
  int,
  type Jute,
  type JuteType,
  long,
  millis,
  record,
  ustring,
  vector,
} from './jute.ts'

/** Kinds of requests, and of transactions. */
export const OpCode = {
  notification: 0,
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getACL: 6,
  setACL: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  createSession: -10,
  closeSession: -11,
  error: -1,
} as const

const opNames: Readonly<Record<number, string>> = {
  [OpCode.createSession]: 'SESS',
  [OpCode.closeSession]: 'CLOS',
  [OpCode.getChildren2]: 'GETC',
  [OpCode.create2]: 'CREA',
  [OpCode.setWatches]: 'SETW',
  [OpCode.getACL]: 'GETA',
  [OpCode.setACL]: 'SETA',
  [OpCode.create]: 'CREA',
  [OpCode.delete]: 'DELE',
  [OpCode.exists]: 'EXIS',
  [OpCode.getData]: 'GETD',
  [OpCode.setData]: 'SETD',
  [OpCode.getChildren]: 'GETC',
  [OpCode.sync]: 'SYNC',
  [OpCode.ping]: 'PING',
  [OpCode.check]: 'CHEC',
  [OpCode.multi]: 'MULT',
}

/** The four letters by which `cons` names an operation; `NA` for the rest. */
export function opName(type: number): string {
  return opNames[type] ?? 'NA'
}

/** Numbers of packets that answer no ordinary request. */
export const Xid = { notification: -1, ping: -2, auth: -4, setWatches: -8 } as const

/** Who may do what to a node. */
export const AclRecord = record({ perms: int, scheme: ustring, id: ustring })

/** 68 bytes about a node. */
export const StatRecord: Jute<StatValue> = record({
  czxid: long,
  mzxid: long,
  ctime: millis,
  mtime: millis,
  version: int,
  cversion: int,
  aversion: int,
  ephemeralOwner: long,
  dataLength: int,
  numChildren: int,
  pzxid: long,
})

/** The first frame of a connection; a byte `readOnly` may follow. */
export const ConnectRequest = record({
  protocolVersion: int,
  lastZxidSeen: long,
  timeOut: int,
  sessionId: long,
  passwd: buffer,
})
/** What the first frame says. */
export type ConnectRequest = JuteType<typeof ConnectRequest>

/** The answer; `timeOut` 0 means that the session is over. */
export const ConnectResponse = record({
  protocolVersion: int,
  timeOut: int,
  sessionId: long,
  passwd: buffer,
})

/** Before every request. */
export const RequestHeader = record({ xid: int, type: int })
/** Before every answer and event. */
export const ReplyHeader = record({ xid: int, zxid: long, err: int })

/** Flags: 1 ephemeral, 2 sequential. */
export const CreateRequest = record({
  path: ustring,
  data: buffer,
  acl: vector(AclRecord),
  flags: int,
})
/** Removes a node; checks a version, when it stands in a multi. */
export const PathVersion = record({ path: ustring, version: int })
/** Reads, and may set a watch. */
export const PathWatch = record({ path: ustring, watch: boolean })
/** A path alone; also the answer to create and sync. */
export const PathRecord = record({ path: ustring })
/** Writes a node. */
export const SetDataRequest = record({ path: ustring, data: buffer, version: int })
/** Replaces an access list. */
export const SetACLRequest = record({
  path: ustring,
  acl: vector(AclRecord),
  version: int,
})
/** A proof of identity. */
export const AuthPacket = record({ type: int, scheme: ustring, auth: buffer })
/** The watches that a client had, and the last transaction that it saw. */
export const SetWatches = record({
  relativeZxid: long,
  dataWatches: vector(ustring),
  existWatches: vector(ustring),
  childWatches: vector(ustring),
})

/** Answer to create2. */
export const PathStat = record({ path: ustring, stat: StatRecord })
/** Answer to getData. */
export const DataStat = record({ data: buffer, stat: StatRecord })
/** Answer to getChildren. */
export const Children = record({ children: vector(ustring) })
/** Answer to getChildren2. */
export const ChildrenStat = record({ children: vector(ustring), stat: StatRecord })
/** Answer to getACL. */
export const AclStat = record({ acl: vector(AclRecord), stat: StatRecord })

/** A watch fired. `state` is 3, connected. */
export const WatcherEvent = record({ type: int, state: int, path: ustring })
/** Numbers of {@link WatcherEvent} by name. */
export const EventType = {
  NodeCreated: 1,
  NodeDeleted: 2,
  NodeDataChanged: 3,
  NodeChildrenChanged: 4,
} as const

/** Before each operation of a multi, and once at its end with `done`. */
export const MultiHeader = record({ type: int, done: boolean, err: int })

/** An operation of a multi. */
export interface MultiOp {
  readonly type: number
  /** Its record, not yet read. */
  readonly request:
    | JuteType<typeof CreateRequest>
    | JuteType<typeof PathVersion>
    | JuteType<typeof SetDataRequest>
}

const multiRequests = new Map<number, Jute<MultiOp['request']>>([
  [OpCode.create, CreateRequest as Jute<MultiOp['request']>],
  [OpCode.create2, CreateRequest as Jute<MultiOp['request']>],
  [OpCode.delete, PathVersion as Jute<MultiOp['request']>],
  [OpCode.check, PathVersion as Jute<MultiOp['request']>],
  [OpCode.setData, SetDataRequest as Jute<MultiOp['request']>],
])

/** Reads the operations of a multi. @returns undefined when one is of unknown type */
export function readMulti(from: ByteReader): MultiOp[] | undefined {
  const ops: MultiOp[] = []
  for (;;) {
    const { type, done } = MultiHeader.read(from)
    if (done) return ops
    const request = multiRequests.get(type)
    if (request === undefined) return undefined
    ops.push({ type, request: request.read(from) })
  }
}

/** Writes a check of one node and a write of another, as one multi. */
export function writeGuarded(
  to: ByteWriter,
  check: JuteType<typeof PathVersion>,
  write: GuardedWrite,
): void {
  // Write the condition, and what depends on it.
  MultiHeader.write(to, { type: OpCode.check, done: false, err: -1 })
  PathVersion.write(to, check)
  MultiHeader.write(to, { type: OpCode[write.kind], done: false, err: -1 })
  switch (write.kind) {
    case 'create':
      CreateRequest.write(to, { ...write, flags: 0 })
      break
    case 'setData':
      SetDataRequest.write(to, write)
      break
    case 'delete':
      PathVersion.write(to, { path: write.path, version: -1 })
  }

  // End the transaction.
  MultiHeader.write(to, { type: -1, done: true, err: -1 })
}

/** What became of a guarded write: done, or which operation failed and how. */
export type GuardedResult =
  | { readonly stat: StatValue | undefined }
  | { readonly at: number; readonly err: number }

/** Reads the answer to {@link writeGuarded}. */
export function readGuarded(from: ByteReader): GuardedResult {
  // Read what each operation came to.
  const errors: number[] = []
  let stat: StatValue | undefined
  for (;;) {
    const { type, done } = MultiHeader.read(from)
    if (done) break
    if (type === OpCode.error) errors.push(from.readInt32())
    if (type === OpCode.create) PathRecord.read(from)
    if (type === OpCode.setData) stat = StatRecord.read(from)
  }
  if (errors.length === 0) return { stat }

  // The one that failed has an error of its own; those behind it only say so.
  const at = errors.findIndex((err) => err !== 0)
  return { at, err: errors[at] ?? KeeperCode.SYSTEMERROR }
}
