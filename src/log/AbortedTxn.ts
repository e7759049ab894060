/**
 * # AbortedTxn
 *
 * One entry of a segment's `.txnindex`, 34 bytes:
 *
 *     [version i16 = 0 | producerId i64 | firstOffset i64 | lastOffset i64 |
 *      lastStableOffset i64]
 *
 * @kafka core/src/main/scala/kafka/log/TransactionIndex.scala#AbortedTxn
 * @module
 */
import type { ByteReader } from '../base/bytes/ByteReader.ts'
import { ByteWriter } from '../base/bytes/ByteWriter.ts'
import type { CompletedTxn } from './CompletedTxn.ts'
import type { AbortedTransaction } from './FetchDataInfo.ts'

/**
 * An aborted transaction, as the index of its marker's segment holds it.
 *
 * @kafka core/src/main/scala/kafka/log/TransactionIndex.scala#AbortedTxn
 */
export class AbortedTxn {
  /** Bytes of an entry. */
  static readonly TotalSize = 34

  /** Version that is written, and the newest that is understood. */
  static readonly CurrentVersion = 0

  readonly version: number
  readonly producerId: bigint

  /** Offset of the transaction's first record. */
  readonly firstOffset: number

  /** Offset of the abort marker. */
  readonly lastOffset: number

  /** Last stable offset once the marker was written: no search need look further. */
  readonly lastStableOffset: number

  constructor(fields: {
    version?: number
    producerId: bigint
    firstOffset: number
    lastOffset: number
    lastStableOffset: number
  }) {
    this.version = fields.version ?? AbortedTxn.CurrentVersion
    this.producerId = fields.producerId
    this.firstOffset = fields.firstOffset
    this.lastOffset = fields.lastOffset
    this.lastStableOffset = fields.lastStableOffset
  }

  /** Makes the entry of a transaction that has just been aborted. */
  static of(completedTxn: CompletedTxn, lastStableOffset: number): AbortedTxn {
    return new AbortedTxn({
      producerId: completedTxn.producerId,
      firstOffset: completedTxn.firstOffset,
      lastOffset: completedTxn.lastOffset,
      lastStableOffset,
    })
  }

  /** Reads one entry. */
  static read(reader: ByteReader): AbortedTxn {
    return new AbortedTxn({
      version: reader.readInt16(),
      producerId: reader.readBigInt64(),
      firstOffset: reader.readInt64(),
      lastOffset: reader.readInt64(),
      lastStableOffset: reader.readInt64(),
    })
  }

  /** The 34 bytes of the entry. */
  toBuffer(): Buffer {
    const writer = new ByteWriter(AbortedTxn.TotalSize)
    writer.writeInt16(this.version)
    writer.writeBigInt64(this.producerId)
    writer.writeInt64(this.firstOffset)
    writer.writeInt64(this.lastOffset)
    writer.writeInt64(this.lastStableOffset)
    return writer.toBuffer()
  }

  /** The form in which a fetch response names it. */
  asAbortedTransaction(): AbortedTransaction {
    return { producerId: this.producerId, firstOffset: this.firstOffset }
  }
}
