/**
 * # Transactions
 *
 * What a write became once it was checked: a change without conditions, which can be
 * applied, written to the log, and applied again after a restart. A refused write is a
 * transaction, too (`error`); it has a number, and changes nothing.
 *
 *     [clientId 8 | cxid 4 | zxid 8 | time 8 | type 4 | body by type]
 *
 * @kafka none: zookeeper.jute, module org.apache.zookeeper.txn
 * @module
 */
import { ByteReader } from '../../base/bytes/ByteReader.ts'
import { SchemaException } from '../../base/exceptions.ts'
import {
  boolean,
  buffer,
  encode,
  int,
  type Jute,
  type JuteType,
  long,
  millis,
  nothing,
  record,
  ustring,
  vector,
} from '../jute.ts'
import { AclRecord, OpCode, PathRecord, PathVersion } from '../records.ts'

/** Whose transaction, which, and when. */
export const TxnHeader = record({
  clientId: long,
  cxid: int,
  zxid: long,
  time: millis,
  type: int,
})
/** Whose transaction, which, and when. */
export type TxnHeader = JuteType<typeof TxnHeader>

const CreateTxn = record({
  path: ustring,
  data: buffer,
  acl: vector(AclRecord),
  ephemeral: boolean,
  parentCVersion: int,
})
const SetDataTxn = record({ path: ustring, data: buffer, version: int })
const SetACLTxn = record({ path: ustring, acl: vector(AclRecord), version: int })
const CreateSessionTxn = record({ timeOut: int })
const ErrorTxn = record({ err: int })
const MultiTxn = record({ txns: vector(record({ type: int, data: buffer })) })

/** A change, told apart by `type`, one of OpCode. */
export type Txn =
  | ({ readonly type: 1 | 15 } & JuteType<typeof CreateTxn>)
  | ({ readonly type: 2 } & JuteType<typeof PathRecord>)
  | ({ readonly type: 5 } & JuteType<typeof SetDataTxn>)
  | ({ readonly type: 7 } & JuteType<typeof SetACLTxn>)
  | ({ readonly type: 13 } & JuteType<typeof PathVersion>)
  | { readonly type: 14; readonly txns: readonly Txn[] }
  | ({ readonly type: -10 } & JuteType<typeof CreateSessionTxn>)
  | { readonly type: -11 }
  | ({ readonly type: -1 } & JuteType<typeof ErrorTxn>)

const bodies = new Map<number, Jute<unknown>>(
  Object.entries({
    [OpCode.create]: CreateTxn,
    [OpCode.create2]: CreateTxn,
    [OpCode.delete]: PathRecord,
    [OpCode.setData]: SetDataTxn,
    [OpCode.setACL]: SetACLTxn,
    [OpCode.check]: PathVersion,
    [OpCode.createSession]: CreateSessionTxn,
    [OpCode.closeSession]: nothing,
    [OpCode.error]: ErrorTxn,
  }).map(([type, body]) => [Number(type), body as Jute<unknown>]),
)

/** Writes a header and its transaction. */
export function encodeTxn(header: TxnHeader, txn: Txn): Buffer {
  return encode(
    (to) => TxnHeader.write(to, header),
    (to) => to.writeRaw(encodeBody(txn)),
  )
}

function encodeBody(txn: Txn): Buffer {
  if (txn.type !== OpCode.multi) {
    return encode((to) => bodies.get(txn.type)!.write(to, txn))
  }
  const txns = txn.txns.map((each) => ({ type: each.type, data: encodeBody(each) }))
  return encode((to) => MultiTxn.write(to, { txns }))
}

/**
 * Reads a header and its transaction. Bytes that newer servers put behind are ignored.
 *
 * @throws SchemaException when the type is unknown or the bytes end early
 */
export function decodeTxn(bytes: Buffer): { header: TxnHeader; txn: Txn } {
  const from = new ByteReader(bytes)
  const header = TxnHeader.read(from)
  return { header, txn: decodeBody(header.type, from) }
}

function decodeBody(type: number, from: ByteReader): Txn {
  if (type === OpCode.multi) {
    const { txns } = MultiTxn.read(from)
    return {
      type: 14,
      txns: txns.map((each) =>
        decodeBody(each.type, new ByteReader(each.data ?? Buffer.alloc(0))),
      ),
    }
  }

  const body = bodies.get(type)
  if (body === undefined) throw new SchemaException(`transaction type ${type}`)
  return { type, ...(body.read(from) as object) } as Txn
}
