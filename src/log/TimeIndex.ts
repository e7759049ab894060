/**
 * # TimeIndex
 *
 * Finds from which offset on records are as young as a given time.
 *
 *     [timestamp i64 | relative offset i32]
 *
 * An entry (t, o) says: no record before offset o is younger than t. So timestamps rise in
 * the index even when those of the records do not. The last entry of a full segment holds
 * its largest timestamp; retention by age reads only that one.
 *
 * @kafka core/src/main/scala/kafka/log/TimeIndex.scala#TimeIndex
 * @module
 */
import { writeInt64 } from '../base/bytes/int64.ts'
import { IllegalArgumentException, IllegalStateException } from '../base/errors.ts'
import { AbstractIndex, type IndexOptions } from './AbstractIndex.ts'
import {
  CorruptIndexException,
  InvalidOffsetException,
} from './CorruptIndexException.ts'

/**
 * A timestamp and the offset of the record that has it.
 *
 * @kafka core/src/main/scala/kafka/log/IndexEntry.scala#TimestampOffset
 */
export interface TimestampOffset {
  /** Milliseconds since 1970; -1 for none. */
  readonly timestamp: number
  readonly offset: number
}

const EntrySize = 12
const NoTimestamp = -1

/**
 * The index from timestamps to offsets of one segment.
 *
 * @kafka core/src/main/scala/kafka/log/TimeIndex.scala#TimeIndex
 */
export class TimeIndex extends AbstractIndex {
  #lastEntry: TimestampOffset

  /** Opens the file, or makes an empty one. */
  constructor(options: IndexOptions) {
    super(options, EntrySize)
    this.#lastEntry = this.#lastEntryFromIndexFile()
  }

  /** One entry earlier than the room allows: the last one is kept for the roll. */
  override get isFull(): boolean {
    return this.entries >= this.maxEntries - 1
  }

  /** The last entry; (-1, base offset) when there is none. */
  get lastEntry(): TimestampOffset {
    return this.#lastEntry
  }

  /**
   * Reads one entry, as the file holds it.
   *
   * @param n 0 for the first
   * @returns timestamp and relative offset
   */
  entry(n: number): TimestampOffset {
    if (n >= this.entries) {
      throw new IllegalArgumentException(
        `entry ${n} of a time index of ${this.entries} entries`,
      )
    }
    return { timestamp: this.keyAt(n), offset: this.valueAt(n) - this.baseOffset }
  }

  /**
   * Adds an entry if it is younger than the last one; one that is equal changes nothing,
   * as happens when a segment is closed or rolled right after an entry was added.
   *
   * @param timestamp largest timestamp so far, milliseconds
   * @param offset offset of the record that has it
   * @param skipFullCheck true when the reserved last entry may be used
   * @throws InvalidOffsetException when the offset goes backwards
   * @throws IllegalStateException when the index is full or the timestamp goes backwards
   */
  maybeAppend(timestamp: number, offset: number, skipFullCheck = false): void {
    // Refuse what would break the order.
    if (!skipFullCheck && this.isFull) {
      throw new IllegalStateException(`${this.path} is full (${this.entries} entries)`)
    }
    const last = this.#lastEntry
    if (this.entries !== 0 && offset < last.offset) {
      throw new InvalidOffsetException(
        `offset ${offset} is below the last one, ${last.offset}, of ${this.path}`,
      )
    }
    if (this.entries !== 0 && timestamp < last.timestamp) {
      throw new IllegalStateException(
        `timestamp ${timestamp} is below the last one, ${last.timestamp}, of ${this.path}`,
      )
    }

    // Messages without a timestamp never get here: -1 is not above -1.
    if (timestamp <= last.timestamp) return
    const { buffer, at } = this.appendEntry()
    writeInt64(buffer, at, timestamp)
    buffer.writeInt32BE(offset - this.baseOffset, at + 8)
    this.#lastEntry = { timestamp, offset }
    this.maybeWriteOut()
  }

  /**
   * Finds the last entry at or before a time.
   *
   * @param targetTimestamp milliseconds
   * @returns the entry, or (-1, base offset)
   */
  lookup(targetTimestamp: number): TimestampOffset {
    const slot = this.largestLowerBoundSlotFor(targetTimestamp, 'KEY')
    if (slot === -1) return { timestamp: NoTimestamp, offset: this.baseOffset }
    return { timestamp: this.keyAt(slot), offset: this.valueAt(slot) }
  }

  /** Cuts off all entries for this offset and later ones. */
  override truncateTo(offset: number): void {
    const slot = this.largestLowerBoundSlotFor(offset, 'VALUE')
    const exact = slot >= 0 && this.valueAt(slot) === offset
    this.truncateToEntries(exact ? slot : slot + 1)
  }

  /** @throws CorruptIndexException when the file cannot be this segment's index */
  override sanityCheck(): void {
    // The last entry must not be older than the first, nor lie before the segment.
    const { timestamp, offset } = this.#lastEntry
    const first = this.entries === 0 ? timestamp : timestampOf(this.entryBytes(0))
    if (timestamp < first) {
      throw new CorruptIndexException(
        `last timestamp ${timestamp} of ${this.path} is before the first, ${first}`,
      )
    }
    if (offset < this.baseOffset) {
      throw new CorruptIndexException(
        `last offset ${offset} of ${this.path} is before the base ${this.baseOffset}`,
      )
    }

    // A broken length tells of a torn write.
    if (this.length % EntrySize !== 0) {
      throw new CorruptIndexException(
        `${this.path} has ${this.length} bytes, not a multiple of ${EntrySize}`,
      )
    }
  }

  protected override keyAt(n: number): number {
    return Number(this.loaded().readBigInt64BE(n * EntrySize))
  }

  protected override valueAt(n: number): number {
    return this.baseOffset + this.loaded().readInt32BE(n * EntrySize + 8)
  }

  protected override onEntriesChanged(): void {
    this.#lastEntry = this.#lastEntryFromIndexFile()
  }

  #lastEntryFromIndexFile(): TimestampOffset {
    if (this.entries === 0) return { timestamp: NoTimestamp, offset: this.baseOffset }
    const bytes = this.entryBytes(this.entries - 1)
    const offset = this.baseOffset + bytes.readInt32BE(8)
    return { timestamp: timestampOf(bytes), offset }
  }
}

function timestampOf(entry: Buffer): number {
  return Number(entry.readBigInt64BE(0))
}
