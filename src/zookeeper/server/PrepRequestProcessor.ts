/**
 * # PrepRequestProcessor
 *
 * Judges a request the moment it comes, against the future of the tree, and turns a
 * write into a transaction: a change without conditions, with a number. From here on
 * nothing can be refused any more, only delayed.
 *
 *     setData /a v4? ─▶ node? ─▶ WRITE allowed? ─▶ is it v4? ─▶ txn: /a becomes v5
 *                        │ −101      │ −102           │ −103
 *                        └───────────┴────────────────┴──────▶ txn: error
 *
 * Invariants: each write takes the next transaction number, also a refused one. Of the
 * reasons for which a write can be refused the first in ZooKeeper's order is told.
 *
 * @kafka none: org/apache/zookeeper/server/PrepRequestProcessor.java
 * @module
 */
import { ByteReader } from '../../base/bytes/ByteReader.ts'
import { SchemaException } from '../../base/exceptions.ts'
import { type Acl, KeeperCode, Perms } from '../client.ts'
import { isValidPath, parentOf } from '../paths.ts'
import {
  CreateRequest,
  type MultiOp,
  OpCode,
  PathVersion,
  readMulti,
  SetACLRequest,
  SetDataRequest,
} from '../records.ts'
import { allows, fixupACL } from './access-control.ts'
import { SYSTEM_PATHS } from './DataTree.ts'
import type { ChangeRecord, OutstandingChanges } from './OutstandingChanges.ts'
import type { Request, RequestProcessor } from './Request.ts'
import type { SessionTracker } from './SessionTracker.ts'
import type { Txn } from './txn.ts'

/** A write is refused; becomes an error transaction. */
class Refusal extends Error {
  readonly code: number

  constructor(code: number) {
    super(`refused with ${code}`)
    this.code = code
  }
}

/** What the first station needs of the server. */
export interface PrepContext {
  readonly changes: OutstandingChanges
  readonly sessionTracker: SessionTracker
  /** Takes the next transaction number. */
  getNextZxid(): bigint
  /** Wall ms. */
  now(): number
}

type CreateOp = ReturnType<typeof CreateRequest.read>
type SetDataOp = ReturnType<typeof SetDataRequest.read>
type SetACLOp = ReturnType<typeof SetACLRequest.read>
type PathVersionOp = ReturnType<typeof PathVersion.read>

const FLAG_EPHEMERAL = 1
const FLAG_SEQUENTIAL = 2
const MAX_FLAGS = 3

/** The first of three stations. */
export class PrepRequestProcessor implements RequestProcessor {
  readonly #context: PrepContext
  readonly #next: RequestProcessor

  constructor(context: PrepContext, next: RequestProcessor) {
    this.#context = context
    this.#next = next
  }

  processRequest(request: Request): void {
    this.pRequest(request)
    this.#next.processRequest(request)
  }

  /** Checks the session, and gives a write its transaction. */
  pRequest(request: Request): void {
    switch (request.type) {
      case OpCode.create:
      case OpCode.create2:
      case OpCode.delete:
      case OpCode.setData:
      case OpCode.setACL:
      case OpCode.check:
      case OpCode.multi:
      case OpCode.createSession:
      case OpCode.closeSession:
        this.#write(request)
        break
      case OpCode.ping:
      case OpCode.auth:
        break
      default:
        if (!this.#isLive(request)) request.error = KeeperCode.SESSIONEXPIRED
    }
  }

  #isLive(request: Request): boolean {
    return this.#context.sessionTracker.isLive(request.sessionId)
  }

  #write(request: Request): void {
    const zxid = this.#context.getNextZxid()
    const time = this.#context.now()
    const mark = this.#context.changes.mark()
    let txn: Txn
    try {
      txn = this.pRequest2Txn(request, zxid)
    } catch (error) {
      // Take back what the request had changed in the future, and say why.
      this.#context.changes.rollback(mark)
      txn = { type: -1, err: codeOf(error) }
    }
    const { sessionId: clientId, cxid } = request
    request.hdr = { clientId, cxid, zxid, time, type: txn.type }
    request.txn = txn
  }

  /** @throws Refusal, or SchemaException for a body that cannot be read */
  pRequest2Txn(request: Request, zxid: bigint): Txn {
    const { type, body, authInfo, sessionId } = request
    const from = new ByteReader(body)
    if (type === OpCode.createSession) {
      return { type, timeOut: from.readInt32() }
    }
    if (type === OpCode.closeSession) return this.#closeSession(sessionId, zxid)
    if (!this.#isLive(request)) throw new Refusal(KeeperCode.SESSIONEXPIRED)
    const by = { authInfo, sessionId, zxid }
    switch (type) {
      case OpCode.create:
      case OpCode.create2:
        return this.create(CreateRequest.read(from), by, type)
      case OpCode.delete:
        return this.delete(PathVersion.read(from), by)
      case OpCode.setData:
        return this.setData(SetDataRequest.read(from), by)
      case OpCode.setACL:
        return this.setACL(SetACLRequest.read(from), by)
      case OpCode.check:
        return this.check(PathVersion.read(from), by)
      default:
        return this.multi(from, by)
    }
  }

  /** Plans a new node, and the number in its name. */
  create(op: CreateOp, by: Actor, type: 1 | 15): Txn {
    const slash = op.path.lastIndexOf('/')
    if (slash < 0 || op.path.includes('\0')) throw new Refusal(KeeperCode.BADARGUMENTS)
    const acl = fixupACL(op.acl, by.authInfo)
    if (!acl) throw new Refusal(KeeperCode.INVALIDACL)
    const parent = this.#recordFor(parentOf(op.path))
    this.#require(parent, Perms.CREATE, by)
    if (op.flags < 0 || op.flags > MAX_FLAGS) throw new Refusal(KeeperCode.BADARGUMENTS)

    // Number the node by how many its parent has had.
    const path =
      op.flags & FLAG_SEQUENTIAL ? op.path + suffix(parent.cversion) : op.path
    if (!isValidPath(path)) throw new Refusal(KeeperCode.BADARGUMENTS)
    const { changes } = this.#context
    if (changes.getRecordForPath(path)) throw new Refusal(KeeperCode.NODEEXISTS)
    if (parent.ephemeralOwner !== 0n) {
      throw new Refusal(KeeperCode.NOCHILDRENFOREPHEMERALS)
    }

    // Note parent and node as they will be.
    const { zxid } = by
    const parentCVersion = (parent.cversion + 1) | 0
    const childCount = parent.childCount + 1
    changes.addChangeRecord({ ...parent, zxid, childCount, cversion: parentCVersion })
    const ephemeral = (op.flags & FLAG_EPHEMERAL) !== 0
    changes.addChangeRecord({
      ...{ zxid, path, acl, deleted: false, childCount: 0 },
      ...{ version: 0, cversion: 0, aversion: 0 },
      ephemeralOwner: ephemeral ? by.sessionId : 0n,
    })
    return { type, path, data: op.data, acl, ephemeral, parentCVersion }
  }

  /** Plans the end of a node. */
  delete({ path, version }: PathVersionOp, by: Actor): Txn {
    const isSystem = (SYSTEM_PATHS as readonly string[]).includes(path)
    if (isSystem || !path.startsWith('/')) throw new Refusal(KeeperCode.BADARGUMENTS)
    const parent = this.#recordFor(parentOf(path))
    const node = this.#recordFor(path)
    this.#require(parent, Perms.DELETE, by)
    checkVersion(node.version, version)
    if (node.childCount > 0) throw new Refusal(KeeperCode.NOTEMPTY)

    // Leave a hole where the node is.
    const { zxid } = by
    const { changes } = this.#context
    changes.addChangeRecord({ ...parent, zxid, childCount: parent.childCount - 1 })
    changes.addChangeRecord({ ...node, zxid, deleted: true })
    return { type: 2, path }
  }

  /** Plans new data, and their version. */
  setData({ path, data, version: expected }: SetDataOp, by: Actor): Txn {
    if (!isValidPath(path)) throw new Refusal(KeeperCode.BADARGUMENTS)
    const node = this.#recordFor(path)
    this.#require(node, Perms.WRITE, by)
    checkVersion(node.version, expected)
    const version = (node.version + 1) | 0
    this.#context.changes.addChangeRecord({ ...node, zxid: by.zxid, version })
    return { type: 5, path, data, version }
  }

  /** Plans a new access list. */
  setACL({ path, acl: asked, version: expected }: SetACLOp, by: Actor): Txn {
    if (!isValidPath(path)) throw new Refusal(KeeperCode.BADARGUMENTS)
    const acl = fixupACL(asked, by.authInfo)
    if (!acl) throw new Refusal(KeeperCode.INVALIDACL)
    const node = this.#recordFor(path)
    this.#require(node, Perms.ADMIN, by)
    checkVersion(node.aversion, expected)
    const version = (node.aversion + 1) | 0
    const { zxid } = by
    this.#context.changes.addChangeRecord({ ...node, zxid, acl, aversion: version })
    return { type: 7, path, acl, version }
  }

  /** Plans nothing, if the version is the one expected. */
  check({ path, version }: PathVersionOp, by: Actor): Txn {
    const node = this.#recordFor(path)
    this.#require(node, Perms.READ, by)
    checkVersion(node.version, version)
    return { type: 13, path, version: node.version }
  }

  /** Plans operations in turn, each seeing the ones before; all, or none of them. */
  multi(from: ByteReader, by: Actor): Txn {
    const ops = readMulti(from)
    if (ops === undefined) throw new Refusal(KeeperCode.MARSHALLINGERROR)
    const mark = this.#context.changes.mark()
    const txns: Txn[] = []
    for (const [i, op] of ops.entries()) {
      try {
        txns.push(this.#operation(op, by))
      } catch (error) {
        // Name the one that failed; those before are fine, those behind were not tried.
        this.#context.changes.rollback(mark)
        const err = codeOf(error)
        const errors = ops.map((_, j) => (j < i ? 0 : j === i ? err : -2))
        return { type: 14, txns: errors.map((code) => ({ type: -1, err: code })) }
      }
    }
    return { type: 14, txns }
  }

  #operation({ type, request }: MultiOp, by: Actor): Txn {
    if (type === OpCode.delete) return this.delete(request as PathVersionOp, by)
    if (type === OpCode.check) return this.check(request as PathVersionOp, by)
    if (type === OpCode.setData) return this.setData(request as SetDataOp, by)
    return this.create(request as CreateOp, by, type === OpCode.create ? 1 : 15)
  }

  /** Plans the end of a session and of all that lives with it. */
  #closeSession(sessionId: bigint, zxid: bigint): Txn {
    const { changes, sessionTracker } = this.#context
    sessionTracker.setSessionClosing(sessionId)
    for (const path of changes.ephemeralsOf(sessionId)) {
      const node = changes.getRecordForPath(path)
      const parent = changes.getRecordForPath(parentOf(path))
      if (!node || !parent) continue
      changes.addChangeRecord({ ...parent, zxid, childCount: parent.childCount - 1 })
      changes.addChangeRecord({ ...node, zxid, deleted: true })
    }
    return { type: -11 }
  }

  #recordFor(path: string): ChangeRecord {
    const record = this.#context.changes.getRecordForPath(path)
    if (!record) throw new Refusal(KeeperCode.NONODE)
    return record
  }

  #require(node: { readonly acl: readonly Acl[] }, perm: number, by: Actor): void {
    if (!allows(node.acl, perm, by.authInfo)) throw new Refusal(KeeperCode.NOAUTH)
  }
}

/** Who writes, under which number. */
interface Actor {
  readonly authInfo: Request['authInfo']
  readonly sessionId: bigint
  readonly zxid: bigint
}

function codeOf(error: unknown): number {
  if (error instanceof Refusal) return error.code
  if (error instanceof SchemaException) return KeeperCode.MARSHALLINGERROR
  throw error
}

function checkVersion(actual: number, expected: number): void {
  if (expected !== -1 && expected !== actual) throw new Refusal(KeeperCode.BADVERSION)
}

/** Ten digits, as Java's `%010d` prints a signed number. */
function suffix(counter: number): string {
  if (counter >= 0) return String(counter).padStart(10, '0')
  return `-${String(-counter).padStart(9, '0')}`
}
