/**
 * # CleanerStats
 *
 * What one cleaning of one log has read, kept and taken in time.
 *
 * @kafka core/src/main/scala/kafka/log/LogCleaner.scala#CleanerStats
 * @module
 */
import type { Clock } from '../base/platform/Platform.ts'

/**
 * Counters of one cleaning.
 *
 * @kafka core/src/main/scala/kafka/log/LogCleaner.scala#CleanerStats
 */
export class CleanerStats {
  /** Milliseconds of the wall clock when it began. */
  readonly startTime: number

  /** When all keys of the dirty part were known; -1 before. */
  mapCompleteTime = -1

  /** When it was done; -1 before. */
  endTime = -1

  /** Bytes and messages that were read to learn the keys. */
  mapBytesRead = 0
  mapMessagesRead = 0

  /** Bytes and messages that were read to be copied. */
  bytesRead = 0
  messagesRead = 0

  /** Bytes and messages that stayed. */
  bytesWritten = 0
  messagesWritten = 0

  /** Messages without a key, which a compacted log does not keep. */
  invalidMessagesRead = 0

  /** Share of the offset map that was used, 0 to 1. */
  bufferUtilization = 0

  readonly #clock: Clock

  /** Begins to count, now. */
  constructor(clock: Clock) {
    this.#clock = clock
    this.startTime = clock.now()
  }

  /** Counts what was read to be copied. */
  readMessages(messagesRead: number, bytesRead: number): void {
    this.messagesRead += messagesRead
    this.bytesRead += bytesRead
  }

  /** Counts a message without a key. */
  invalidMessage(): void {
    this.invalidMessagesRead += 1
  }

  /** Counts what stayed. */
  recopyMessages(messagesWritten: number, bytesWritten: number): void {
    this.messagesWritten += messagesWritten
    this.bytesWritten += bytesWritten
  }

  /** Counts messages that were read for their keys. */
  indexMessagesRead(size: number): void {
    this.mapMessagesRead += size
  }

  /** Counts bytes that were read for their keys. */
  indexBytesRead(size: number): void {
    this.mapBytesRead += size
  }

  /** Notes that all keys are known. */
  indexDone(): void {
    this.mapCompleteTime = this.#clock.now()
  }

  /** Notes the end. */
  allDone(): void {
    this.endTime = this.#clock.now()
  }

  /** Seconds from beginning to end. */
  get elapsedSecs(): number {
    return (this.endTime - this.startTime) / 1000
  }

  /** Seconds that learning the keys took. */
  get elapsedIndexSecs(): number {
    return (this.mapCompleteTime - this.startTime) / 1000
  }
}
