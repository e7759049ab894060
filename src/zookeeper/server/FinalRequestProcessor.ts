/**
 * # FinalRequestProcessor
 *
 * Applies what is durable by now, and answers. Reads look at the tree here, so they see
 * all that stood before them in the line, and may leave a watch behind.
 *
 *     write ─▶ tree changes ─▶ watches fire ─▶ reply
 *     read  ─▶ tree is read ─▶ watch is set ─▶ reply
 *
 * Invariant: on one connection replies leave in the order of the requests; an event
 * leaves before the reply of the write that caused it, and after the reply of the read
 * that asked for it.
 *
 * @kafka none: org/apache/zookeeper/server/FinalRequestProcessor.java
 * @module
 */
import type { ByteWriter } from '../../base/bytes/ByteWriter.ts'
import { SchemaException } from '../../base/exceptions.ts'
import { KeeperCode, Perms } from '../client.ts'
import { decode } from '../jute.ts'
import {
  AclStat,
  Children,
  ChildrenStat,
  DataStat,
  MultiHeader,
  OpCode,
  PathRecord,
  PathStat,
  PathWatch,
  SetWatches,
  StatRecord,
} from '../records.ts'
import { allows } from './access-control.ts'
import type { DataNode } from './DataNode.ts'
import type { DataTree, ProcessTxnResult } from './DataTree.ts'
import type { Request, RequestProcessor } from './Request.ts'

/** Writes the body of a reply. */
type Body = (to: ByteWriter) => void

/** What comes back: an error, or a body. */
interface Outcome {
  readonly err: number
  readonly body?: Body
}

/** What the last station needs of the server. */
export interface FinalContext {
  readonly tree: DataTree
  /** Called after a transaction was applied: sessions follow it. */
  afterTxn(request: Request): void
  /** Called when a request is answered, for statistics. @param zxid - in the answer */
  answered(request: Request, zxid: bigint): void
}

const DONE: Outcome = { err: 0 }

/** The last of three stations. */
export class FinalRequestProcessor implements RequestProcessor {
  readonly #context: FinalContext

  constructor(context: FinalContext) {
    this.#context = context
  }

  processRequest(request: Request): void {
    const { tree } = this.#context
    const { cnxn, hdr, txn } = request

    // Apply a transaction, whether or not somebody still waits for the answer.
    let result: ProcessTxnResult | undefined
    if (hdr && txn) {
      result = tree.processTxn(hdr, txn)
      this.#context.afterTxn(request)
    }
    if (!cnxn) return

    // Answer with what became of it.
    const zxid =
      request.type === OpCode.auth ? 0n : (hdr?.zxid ?? tree.lastProcessedZxid)
    this.#context.answered(request, zxid)
    if (request.type === OpCode.createSession) {
      cnxn.finishSessionInit(true)
      return
    }
    const outcome = result ? written(request.type, result) : this.#read(request)
    cnxn.sendResponse({ xid: request.cxid, zxid, err: outcome.err }, outcome.body)
    if (request.type === OpCode.closeSession) cnxn.close()
    else if (outcome.err === KeeperCode.UNIMPLEMENTED) cnxn.close()
  }

  #read(request: Request): Outcome {
    if (request.error !== 0) return { err: request.error }
    try {
      return this.answerRead(request)
    } catch (error) {
      if (!(error instanceof SchemaException)) throw error
      return { err: KeeperCode.MARSHALLINGERROR }
    }
  }

  /** @throws SchemaException when the body cannot be read */
  answerRead(request: Request): Outcome {
    const { body, cnxn } = request
    const { tree } = this.#context
    switch (request.type) {
      case OpCode.ping:
      case OpCode.auth:
        return DONE
      case OpCode.sync: {
        const { path } = decode(PathRecord, body)
        return { err: 0, body: (to) => PathRecord.write(to, { path }) }
      }
      case OpCode.exists: {
        const { path, watch } = decode(PathWatch, body)
        if (!path.startsWith('/')) return { err: KeeperCode.BADARGUMENTS }
        if (watch) tree.dataWatches.addWatch(path, cnxn!)
        const stat = tree.getNode(path)?.copyStat()
        if (!stat) return { err: KeeperCode.NONODE }
        return { err: 0, body: (to) => StatRecord.write(to, stat) }
      }
      case OpCode.getData:
        return this.getData(request)
      case OpCode.getACL: {
        const { path } = decode(PathRecord, body)
        const node = tree.getNode(path)
        if (!node) return { err: KeeperCode.NONODE }
        const { acl } = node
        const stat = node.copyStat()
        return { err: 0, body: (to) => AclStat.write(to, { acl, stat }) }
      }
      case OpCode.getChildren:
      case OpCode.getChildren2:
        return this.getChildren(request)
      case OpCode.setWatches: {
        const watches = decode(SetWatches, body)
        tree.setWatches(watches.relativeZxid, watches, cnxn!)
        return DONE
      }
      default:
        return { err: KeeperCode.UNIMPLEMENTED }
    }
  }

  /** Answers a node's data, null or empty as they were stored. */
  getData(request: Request): Outcome {
    const { path, watch } = decode(PathWatch, request.body)
    const found = this.#readable(path, request)
    if (!(typeof found === 'object')) return { err: found }
    if (watch) this.#context.tree.dataWatches.addWatch(path, request.cnxn!)
    const { data } = found
    const stat = found.copyStat()
    return { err: 0, body: (to) => DataStat.write(to, { data, stat }) }
  }

  /** Answers the names below a node, with its stat when asked the newer way. */
  getChildren(request: Request): Outcome {
    const { path, watch } = decode(PathWatch, request.body)
    const found = this.#readable(path, request)
    if (!(typeof found === 'object')) return { err: found }
    if (watch) this.#context.tree.childWatches.addWatch(path, request.cnxn!)
    const children = [...found.children]
    if (request.type === OpCode.getChildren) {
      return { err: 0, body: (to) => Children.write(to, { children }) }
    }
    const stat = found.copyStat()
    return { err: 0, body: (to) => ChildrenStat.write(to, { children, stat }) }
  }

  /** @returns the node, or the code why it cannot be read */
  #readable(path: string, request: Request): DataNode | number {
    const node = this.#context.tree.getNode(path)
    if (!node) return KeeperCode.NONODE
    return allows(node.acl, Perms.READ, request.authInfo) ? node : KeeperCode.NOAUTH
  }
}

/** The answer to a write. */
function written(type: number, result: ProcessTxnResult): Outcome {
  if (result.err !== 0) return { err: result.err }
  const { path = '', stat } = result
  switch (type) {
    case OpCode.create:
      return { err: 0, body: (to) => PathRecord.write(to, { path }) }
    case OpCode.create2:
      return { err: 0, body: (to) => PathStat.write(to, { path, stat: stat! }) }
    case OpCode.setData:
    case OpCode.setACL:
      return { err: 0, body: (to) => StatRecord.write(to, stat!) }
    case OpCode.multi:
      return { err: 0, body: (to) => writeMulti(to, result.multiResult ?? []) }
    default:
      return DONE
  }
}

/** `[header | result]…`, or `[header | error code]…` when one of them failed. */
function writeMulti(to: ByteWriter, results: readonly ProcessTxnResult[]): void {
  for (const { type, err, path = '', stat } of results) {
    MultiHeader.write(to, { type, done: false, err })
    if (type === OpCode.error) to.writeInt32(err)
    else if (type === OpCode.create) PathRecord.write(to, { path })
    else if (type === OpCode.create2) PathStat.write(to, { path, stat: stat! })
    else if (type === OpCode.setData) StatRecord.write(to, stat!)
  }
  MultiHeader.write(to, { type: -1, done: true, err: -1 })
}
