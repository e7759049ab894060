/**
 * # CompletedTxn
 *
 * A transaction whose marker has been written to this partition.
 *
 * @kafka core/src/main/scala/kafka/log/Log.scala#CompletedTxn
 * @module
 */

/**
 * What the log learns from a transaction marker.
 *
 * @kafka core/src/main/scala/kafka/log/Log.scala#CompletedTxn
 */
export interface CompletedTxn {
  readonly producerId: bigint

  /** Offset of the transaction's first record in this partition. */
  readonly firstOffset: number

  /** Offset of the marker. */
  readonly lastOffset: number

  /** True for an abort marker, false for a commit marker. */
  readonly isAborted: boolean
}
