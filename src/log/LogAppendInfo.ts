/**
 * # LogAppendInfo
 *
 * What is known about a set of batches that is being appended: gathered before, completed
 * on the way, and returned to the caller, who answers the producer with it.
 *
 * @kafka core/src/main/scala/kafka/log/Log.scala#LogAppendInfo
 * @module
 */
import { CompressionType } from '../record/CompressionType.ts'

/**
 * The facts of one append.
 *
 * @kafka core/src/main/scala/kafka/log/Log.scala#LogAppendInfo
 */
export class LogAppendInfo {
  /**
   * Offset of the first record. On a follower and below magic 2, the last offset of the
   * first batch: finding the first would mean to unpack it.
   */
  firstOffset = -1

  /** Offset of the last record; -1 for an empty set. */
  lastOffset = -1

  /** Largest timestamp, milliseconds; -1 for none. */
  maxTimestamp = -1

  /** Offset of the record, or of the batch, that has it. */
  offsetOfMaxTimestamp = -1

  /** Time of the append, if the topic's timestamps are of that kind; else -1. */
  logAppendTime = -1

  /** Log start offset at the time of the append. */
  logStartOffset = -1

  /** Codec that the producer used; of several, the last. */
  sourceCodec: CompressionType = CompressionType.NONE

  /** Codec in which the batches are stored. */
  targetCodec: CompressionType = CompressionType.NONE

  /** Records that were written anew; 0 when the sender's bytes were kept. */
  conversionCount = 0

  /** Milliseconds that it took to write them anew. */
  conversionTimeMs = 0

  /** Number of batches. */
  shallowCount = -1

  /** Bytes of whole batches. */
  validBytes = -1

  /** Whether last offsets rise from batch to batch. */
  offsetsMonotonic = false

  /** What is reported when the append failed and nothing is known. */
  static get UnknownLogAppendInfo(): LogAppendInfo {
    return new LogAppendInfo()
  }

  /** What is reported when the append failed, but the log's start is known. */
  static unknownLogAppendInfoWithLogStartOffset(logStartOffset: number): LogAppendInfo {
    const info = new LogAppendInfo()
    info.logStartOffset = logStartOffset
    return info
  }

  /** Number of records, as far as offsets tell; 0 for an empty set. */
  get numMessages(): number {
    if (this.firstOffset < 0 || this.lastOffset < 0) return 0
    return this.lastOffset - this.firstOffset + 1
  }
}
