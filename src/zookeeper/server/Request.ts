/**
 * # Request
 *
 * What a connection asked for, on its way through the processors. Each adds what it has
 * found out.
 *
 *     Prep: header and txn, or error ─▶ Sync: durable ─▶ Final: applied, answered
 *
 * @kafka none: org/apache/zookeeper/server/Request.java
 * @module
 */
import type { Id } from './access-control.ts'
import type { ServerCnxn } from './ServerCnxn.ts'
import type { Txn, TxnHeader } from './txn.ts'

/** A request under way. */
export interface Request {
  /** Who gets the answer; undefined for what the server asks of itself. */
  readonly cnxn: ServerCnxn | undefined
  readonly sessionId: bigint
  /** The client's number of the request. */
  readonly cxid: number
  /** One of OpCode. */
  readonly type: number
  /** The record after the header. */
  readonly body: Buffer
  /** Who asked, at the time of asking. */
  readonly authInfo: readonly Id[]
  /** When it came, by `clock.monotonic()`. */
  readonly createTime: number

  /** The transaction that a write became; set by PrepRequestProcessor. */
  hdr?: TxnHeader
  txn?: Txn
  /** Why it is refused without a transaction; 0 when it is not. */
  error: number
}

/** One station. Requests leave it in the order in which they came. */
export interface RequestProcessor {
  processRequest(request: Request): void
}
