/**
 * Records as a reader hands them over, whichever consumer it is.
 *
 * @module
 */
import type { TimestampType } from '../record/TimestampType.ts'

/** One record with its place. */
export interface FetchedRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** ms since 1970; -1 when the record has none. */
  readonly timestamp: number
  readonly timestampType: TimestampType
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/**
 * Takes records, in the order of their partition.
 *
 * @returns how many it took; a consumer reads on behind the last of them
 */
export type Deliver = (records: readonly FetchedRecord[]) => Promise<number>

/** A consumer that hands over what it reads until it is told to stop. */
export interface RecordSource {
  /**
   * Reads until `signal` fires.
   *
   * @throws (rejects) when it cannot go on
   */
  run(deliver: Deliver, signal: AbortSignal): Promise<void>
}
