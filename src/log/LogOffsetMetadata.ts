/**
 * # LogOffsetMetadata
 *
 * An offset together with the place where its bytes lie: the segment's base offset and the
 * position in that segment's file. With it, "how many bytes are between these two offsets"
 * is a subtraction, which is how a waiting fetch counts what has arrived without reading.
 *
 *     offset 42 ── segment 40 ── byte 1 310 of 00000000000000000040.log
 *
 * A follower knows the leader's offsets but not the leader's files: there the metadata
 * carries the offset only.
 *
 * @kafka core/src/main/scala/kafka/server/LogOffsetMetadata.scala#LogOffsetMetadata
 * @differs it lives in log/ because the log makes it and lower wings may not look up.
 * @module
 */
import { KafkaException } from '../base/errors.ts'

const UnknownSegBaseOffset = -1
const UnknownFilePosition = -1

/**
 * An immutable offset with its place in the log.
 *
 * @kafka core/src/main/scala/kafka/server/LogOffsetMetadata.scala#LogOffsetMetadata
 */
export class LogOffsetMetadata {
  /** Segment base of an offset whose place is not known. */
  static readonly UnknownSegBaseOffset = UnknownSegBaseOffset

  /** Position of an offset whose place is not known. */
  static readonly UnknownFilePosition = UnknownFilePosition

  /** Stands for "no offset known yet", for instance a follower that has never fetched. */
  static readonly UnknownOffsetMetadata = new LogOffsetMetadata(-1, 0, 0)

  /** The offset of a record. */
  readonly messageOffset: number

  /** Base offset of the segment that holds it; -1 when unknown. */
  readonly segmentBaseOffset: number

  /** Byte in that segment's file where the batch of the offset starts; -1 when unknown. */
  readonly relativePositionInSegment: number

  /**
   * @param messageOffset offset of a record
   * @param segmentBaseOffset first offset of its segment; left out when not known
   * @param relativePositionInSegment position in bytes; left out when not known
   */
  constructor(
    messageOffset: number,
    segmentBaseOffset = UnknownSegBaseOffset,
    relativePositionInSegment = UnknownFilePosition,
  ) {
    this.messageOffset = messageOffset
    this.segmentBaseOffset = segmentBaseOffset
    this.relativePositionInSegment = relativePositionInSegment
  }

  /** Says whether only the offset is known, and not its place. */
  get messageOffsetOnly(): boolean {
    return (
      this.segmentBaseOffset === UnknownSegBaseOffset &&
      this.relativePositionInSegment === UnknownFilePosition
    )
  }

  /**
   * Says whether this offset lies in an earlier segment than another.
   *
   * @throws KafkaException when this offset's place is unknown
   */
  onOlderSegment(that: LogOffsetMetadata): boolean {
    this.#ensurePlace(that)
    return this.segmentBaseOffset < that.segmentBaseOffset
  }

  /**
   * Says whether both offsets lie in one segment.
   *
   * @throws KafkaException when this offset's place is unknown
   */
  onSameSegment(that: LogOffsetMetadata): boolean {
    this.#ensurePlace(that)
    return this.segmentBaseOffset === that.segmentBaseOffset
  }

  /** Counts the offsets from `that` up to this one; negative when this one is earlier. */
  offsetDiff(that: LogOffsetMetadata): number {
    return this.messageOffset - that.messageOffset
  }

  /**
   * Counts the bytes from `that` up to this offset.
   *
   * @throws KafkaException when the two are not in one segment
   */
  positionDiff(that: LogOffsetMetadata): number {
    if (!this.onSameSegment(that)) {
      throw new KafkaException(`${this} and ${that} are not on the same segment`)
    }
    return this.relativePositionInSegment - that.relativePositionInSegment
  }

  /** Says whether offset and place are equal. */
  equals(that: LogOffsetMetadata | undefined): boolean {
    return (
      that !== undefined &&
      this.messageOffset === that.messageOffset &&
      this.segmentBaseOffset === that.segmentBaseOffset &&
      this.relativePositionInSegment === that.relativePositionInSegment
    )
  }

  /** `42 [40 : 1310]`: offset, segment base and position. */
  toString(): string {
    const place = `${this.segmentBaseOffset} : ${this.relativePositionInSegment}`
    return `${this.messageOffset} [${place}]`
  }

  #ensurePlace(that: LogOffsetMetadata): void {
    if (this.messageOffsetOnly) {
      throw new KafkaException(`${this} has no segment to compare with that of ${that}`)
    }
  }
}
