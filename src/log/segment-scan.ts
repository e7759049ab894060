/**
 * # SegmentScan
 *
 * What a scan holds every batch of a segment against, beside its checksum. The checksum does
 * not cover the offset, which the broker puts in; but offsets rise, and lie within reach of
 * the segment's base. A batch where they do not was never appended there.
 *
 * @differs 1.1.1 empties the whole segment where its index refuses an offset; here it is cut
 *   there, and keeps what is before.
 * @module
 */
import { CorruptRecordException } from '../base/errors.ts'
import { RecordBatch } from '../record/RecordBatch.ts'

/** The largest distance between an offset and the base of its segment. */
export const maxRelativeOffset = 0x7fffffff

/** Bytes of batches after which a scan pauses. */
export const stepBytes = 1024 * 1024

/** Looks at the batches of one segment, in order. */
export class SegmentScan {
  readonly #baseOffset: number
  #nextOffset: number
  #lastPause = 0

  /** @param baseOffset of the segment */
  constructor(baseOffset: number) {
    this.#baseOffset = baseOffset
    this.#nextOffset = baseOffset
  }

  /**
   * Checks the next batch.
   *
   * @throws CorruptRecordException when it cannot be what was appended there
   */
  check(batch: RecordBatch): void {
    batch.ensureValid()

    // The first offset of old formats may be inside the compressed part: leave it.
    const { lastOffset } = batch
    const isOld = batch.magic < RecordBatch.MAGIC_VALUE_V2
    const first = isOld ? lastOffset : batch.baseOffset
    const isInOrder = first >= this.#nextOffset && lastOffset >= first
    if (!isInOrder || lastOffset - this.#baseOffset > maxRelativeOffset) {
      throw new CorruptRecordException(
        `offsets ${first} to ${lastOffset} cannot follow ${this.#nextOffset - 1} in the ` +
          `segment of ${this.#baseOffset}`,
      )
    }
    this.#nextOffset = lastOffset + 1
  }

  /**
   * Says, about once in {@link stepBytes}, that it is time for a pause. The last batch is
   * still to be used: it lies in memory that nobody else writes to.
   *
   * @param validBytes scanned so far
   */
  isStepOver(validBytes: number): boolean {
    if (validBytes - this.#lastPause < stepBytes) return false
    this.#lastPause = validBytes
    return true
  }
}
