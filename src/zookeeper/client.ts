/**
 * # ZooKeeper, as its users see it
 *
 * The client interface: what a session can do, what it tells, how it fails. Two adapters
 * stand behind it, `node-zookeeper-client-session.ts` (sockets, any ZooKeeper server) and
 * `in-process-session.ts` (the embedded server, without sockets).
 *
 *     ZooKeeperClient ──▶ ZooKeeperConnect ──▶ ZooKeeperSession ──▶ server
 *                 ◀── onWatch, onState ──
 *
 * Invariants: a session that is expired, closed or refused stays so; its owner connects
 * again to get another. A watch event is told before any answer that shows the change.
 *
 * @differs stands for the Java client `org.apache.zookeeper.ZooKeeper`; of several requests
 *   in one transaction (multi) only a write with a condition on another node is there
 * @module
 */

/** What ZooKeeper knows about a node besides its data. */
export interface Stat {
  /** Transaction that created the node. */
  readonly czxid: bigint
  /** Transaction that last wrote its data. */
  readonly mzxid: bigint
  /** Wall ms of its creation, by the server's clock. */
  readonly ctime: number
  /** Wall ms of its last write. */
  readonly mtime: number
  /** Writes of its data since creation. */
  readonly version: number
  /** Creations and deletions of its children. */
  readonly cversion: number
  /** Writes of its access list. */
  readonly aversion: number
  /** Session that an ephemeral node lives with; 0 for a persistent one. */
  readonly ephemeralOwner: bigint
  /** Bytes of data; 0 both for empty and for no data. */
  readonly dataLength: number
  readonly numChildren: number
  /** Transaction that last changed the set of its children. */
  readonly pzxid: bigint
}

/** One entry of an access list. */
export interface Acl {
  /** Sum of {@link Perms}. */
  readonly perms: number
  /** Who says so: `world`, `auth`, `digest`, `ip`. */
  readonly scheme: string
  /** Whom it concerns, in the words of the scheme. */
  readonly id: string
}

/** The bits of a permission. */
export const Perms = {
  READ: 1,
  WRITE: 2,
  CREATE: 4,
  DELETE: 8,
  ADMIN: 16,
  ALL: 31,
} as const

/** Everybody may do everything. */
export const OPEN_ACL_UNSAFE: Acl[] = [
  { perms: Perms.ALL, scheme: 'world', id: 'anyone' },
]

/** How long a new node lives, and whether the server completes its name. */
export type CreateMode =
  | 'PERSISTENT'
  | 'EPHEMERAL'
  | 'PERSISTENT_SEQUENTIAL'
  | 'EPHEMERAL_SEQUENTIAL'

/** What a watch tells, once. */
export interface WatchEvent {
  readonly type:
    | 'NodeCreated'
    | 'NodeDeleted'
    | 'NodeDataChanged'
    | 'NodeChildrenChanged'
  readonly path: string
}

/** Where a session stands; the last three are final. */
export type ZooKeeperState =
  | 'connecting'
  | 'connected'
  | 'expired'
  | 'closed'
  | 'authFailed'

/** Proof of identity, given again at each reconnect. */
export interface AuthInfo {
  /** Such as `digest`. */
  readonly scheme: string
  /** For `digest`: `user:password`. */
  readonly auth: Buffer
}

/** Data of a node, null when it has none (which differs from empty). */
export interface NodeData {
  readonly data: Buffer | null
  readonly stat: Stat
}

/** Names of the nodes below one, in no particular order. */
export interface NodeChildren {
  readonly children: string[]
  readonly stat: Stat
}

/** A node that must have a version. */
export interface NodeVersion {
  readonly path: string
  readonly version: number
}

/** A write that depends on another node: a persistent node comes, changes, or goes. */
export type GuardedWrite =
  | {
      readonly kind: 'create'
      readonly path: string
      readonly data: Buffer | null
      readonly acl: readonly Acl[]
    }
  | {
      readonly kind: 'setData'
      readonly path: string
      readonly data: Buffer
      /** That the node must have; -1 for any. */
      readonly version: number
    }
  | { readonly kind: 'delete'; readonly path: string }

/** The access list of a node. */
export interface NodeAcl {
  readonly acl: Acl[]
  readonly stat: Stat
}

/**
 * One session, from connect to expiry or close. Requests that are sent without waiting
 * are answered in their order. All methods reject with a {@link KeeperException}.
 */
export interface ZooKeeperSession {
  readonly sessionId: bigint
  /** As granted by the server, which may differ from what was asked. */
  readonly sessionTimeoutMs: number
  readonly state: ZooKeeperState

  /** @returns the path made, with its number when the mode is sequential */
  create(
    path: string,
    data: Buffer | null,
    mode: CreateMode,
    acl?: readonly Acl[],
  ): Promise<string>
  /** @param version - the version it must have; -1 or left out for any */
  delete(path: string, version?: number): Promise<void>
  /** @returns `undefined` when there is no node; a watch is set in either case */
  exists(path: string, watch?: boolean): Promise<Stat | undefined>
  getData(path: string, watch?: boolean): Promise<NodeData>
  setData(path: string, data: Buffer | null, version?: number): Promise<Stat>
  /**
   * Writes a node while another one has a version, in one transaction.
   *
   * @returns the stat of a node whose data was written; `undefined` for other writes
   * @throws KeeperException (rejects) whose `path` tells which of the two nodes refused
   */
  writeWhile(other: NodeVersion, write: GuardedWrite): Promise<Stat | undefined>
  getChildren(path: string, watch?: boolean): Promise<NodeChildren>
  getAcl(path: string): Promise<NodeAcl>
  /** @param version - of the access list (`aversion`), not of the data */
  setAcl(path: string, acl: readonly Acl[], version?: number): Promise<Stat>

  /** Ends the session, at any time, also twice; nothing is left open afterwards. */
  close(): Promise<void>
}

/** What a session is asked for. */
export interface ZooKeeperConnectOptions {
  /** `host:port,host:port/chroot`. */
  readonly connectString: string
  /** How long a silent client keeps its session; the server clamps it. */
  readonly sessionTimeoutMs: number
  /** How long to wait for the first connection. */
  readonly connectionTimeoutMs: number
  readonly authInfo?: readonly AuthInfo[]
  /** Told of watches that fired; must not throw. */
  readonly onWatch: (event: WatchEvent) => void
  /** Told of every change of the state after the first `connected`; must not throw. */
  readonly onState: (state: ZooKeeperState) => void
}

/**
 * Opens a session.
 *
 * @returns a session that is connected
 * @throws ConnectionLossException (rejects) when no server answered in time
 */
export type ZooKeeperConnect = (
  options: ZooKeeperConnectOptions,
) => Promise<ZooKeeperSession>

/** ZooKeeper's error codes by name. */
export const KeeperCode = {
  OK: 0,
  SYSTEMERROR: -1,
  RUNTIMEINCONSISTENCY: -2,
  DATAINCONSISTENCY: -3,
  CONNECTIONLOSS: -4,
  MARSHALLINGERROR: -5,
  UNIMPLEMENTED: -6,
  OPERATIONTIMEOUT: -7,
  BADARGUMENTS: -8,
  APIERROR: -100,
  NONODE: -101,
  NOAUTH: -102,
  BADVERSION: -103,
  NOCHILDRENFOREPHEMERALS: -108,
  NODEEXISTS: -110,
  NOTEMPTY: -111,
  SESSIONEXPIRED: -112,
  INVALIDCALLBACK: -113,
  INVALIDACL: -114,
  AUTHFAILED: -115,
  SESSIONMOVED: -118,
  NOWATCHER: -121,
} as const

/** The name of an error. */
export type KeeperCodeName = keyof typeof KeeperCode

const codeNames = new Map<number, string>(
  Object.entries(KeeperCode).map(([name, code]) => [code, name]),
)

/**
 * A request failed, by the server's word or because the link or the session was lost.
 * {@link keeperException} picks the subclass.
 */
export class KeeperException extends Error {
  readonly code: number
  /** A {@link KeeperCodeName}, or `UNKNOWN` for a code that is not in the table. */
  readonly codeName: string
  /** The node that the request named, if it named one. */
  readonly path: string | undefined

  constructor(code: number, path?: string, options?: { readonly cause?: unknown }) {
    const codeName = codeNames.get(code) ?? 'UNKNOWN'
    super(`${codeName} (${code})${path === undefined ? '' : ` for ${path}`}`, options)
    this.name = new.target.name
    this.code = code
    this.codeName = codeName
    this.path = path
  }
}

/** There is no such node, or its parent is missing. */
export class NoNodeException extends KeeperException {}
/** The node is there already. */
export class NodeExistsException extends KeeperException {}
/** The node has another version than the request said. */
export class BadVersionException extends KeeperException {}
/** The node has children. */
export class NotEmptyException extends KeeperException {}
/** The link broke: whether the request was carried out is unknown. */
export class ConnectionLossException extends KeeperException {}
/** The session is over, and its ephemeral nodes with it. */
export class SessionExpiredException extends KeeperException {}
/** The access list does not allow it. */
export class NoAuthException extends KeeperException {}
/** The server refused the proof of identity. */
export class AuthFailedException extends KeeperException {}

const exceptionClasses = new Map<number, typeof KeeperException>([
  [KeeperCode.NONODE, NoNodeException],
  [KeeperCode.NODEEXISTS, NodeExistsException],
  [KeeperCode.BADVERSION, BadVersionException],
  [KeeperCode.NOTEMPTY, NotEmptyException],
  [KeeperCode.CONNECTIONLOSS, ConnectionLossException],
  [KeeperCode.SESSIONEXPIRED, SessionExpiredException],
  [KeeperCode.NOAUTH, NoAuthException],
  [KeeperCode.AUTHFAILED, AuthFailedException],
])

/** Makes the exception of an error code. */
export function keeperException(
  code: number,
  path?: string,
  options?: { readonly cause?: unknown },
): KeeperException {
  const Class = exceptionClasses.get(code) ?? KeeperException
  return new Class(code, path, options)
}
