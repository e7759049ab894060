/**
 * # OffsetAndMetadata
 *
 * What a consumer commits for one partition: where it will go on reading, a word of its
 * own, and how long to remember both.
 *
 * @kafka core/src/main/scala/kafka/common/OffsetMetadataAndError.scala#OffsetAndMetadata
 * @module
 */

/** A committed offset. Times are wall times in ms. */
export interface OffsetAndMetadata {
  /** The next offset to read, not the last one read. */
  readonly offset: number
  /** Free text of the client; empty when it gave none. */
  readonly metadata: string
  readonly commitTimestamp: number
  /** After this it may be forgotten; -1: commit time and the broker's retention. */
  readonly expireTimestamp: number
}

/**
 * A committed offset and where in the log it stands: of two, the one further down wins.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadata.scala#CommitRecordMetadataAndOffset
 */
export interface CommitRecordMetadataAndOffset {
  /** Base offset of the batch; undefined until it is appended. */
  readonly appendedBatchOffset: number | undefined
  readonly offsetAndMetadata: OffsetAndMetadata
}

/** True when `a` stands before `b` in the log. Both must be appended. */
export function olderThan(
  a: CommitRecordMetadataAndOffset,
  b: CommitRecordMetadataAndOffset,
): boolean {
  return (a.appendedBatchOffset ?? -1) < (b.appendedBatchOffset ?? -1)
}
