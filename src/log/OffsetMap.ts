/**
 * # OffsetMap
 *
 * From keys to the offset at which each was last seen: what the cleaner knows of the dirty
 * part of a log while it decides which older messages may go.
 *
 * @kafka core/src/main/scala/kafka/log/OffsetMap.scala#OffsetMap
 * @module
 */

/**
 * A map from keys to offsets that can only be added to.
 *
 * @kafka core/src/main/scala/kafka/log/OffsetMap.scala#OffsetMap
 */
export interface OffsetMap {
  /** Entries that it can hold. */
  readonly slots: number

  /** Entries that it holds. */
  readonly size: number

  /** The largest offset of all that was looked at, with or without a key; -1 for none. */
  readonly latestOffset: number

  /** Share of the slots that are used, 0 to 1. */
  readonly utilization: number

  /**
   * Notes a key; an offset noted before is forgotten.
   *
   * @throws IllegalArgumentException when every slot is used
   */
  put(key: Buffer, offset: number): void

  /** The offset of a key, -1 when it was not noted. */
  get(key: Buffer): number

  /** Notes that all up to an offset was looked at. */
  updateLatestOffset(offset: number): void

  /** Forgets everything. */
  clear(): void
}
