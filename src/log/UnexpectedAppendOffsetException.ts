/**
 * # UnexpectedAppendOffsetException
 *
 * @kafka core/src/main/scala/kafka/common/UnexpectedAppendOffsetException.scala#UnexpectedAppendOffsetException
 * @module
 */
import { UnexpectedAppendOffsetException as Base } from '../base/errors.ts'

/**
 * A follower was handed records that begin below its log end offset. Carries the true
 * offsets, because a follower with an empty log may start its log over at `firstOffset`.
 *
 * @kafka core/src/main/scala/kafka/common/UnexpectedAppendOffsetException.scala#UnexpectedAppendOffsetException
 */
export class UnexpectedAppendOffsetException extends Base {
  /** Base offset of the first batch. */
  readonly firstOffset: number

  /** Last offset of the last batch. */
  readonly lastOffset: number

  /**
   * @param message what was expected
   * @param offsets first and last offset of what was to be appended
   */
  constructor(message: string, offsets: { firstOffset: number; lastOffset: number }) {
    super(message)
    this.firstOffset = offsets.firstOffset
    this.lastOffset = offsets.lastOffset
  }
}
