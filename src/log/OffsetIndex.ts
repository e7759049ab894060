/**
 * # OffsetIndex
 *
 * Finds where in a segment's file an offset lies.
 *
 *     [relative offset i32 | position i32]     relative to the segment's first offset
 *
 * The position is that of a batch set as it was appended; the wanted offset is in it or
 * behind it.
 *
 * @kafka core/src/main/scala/kafka/log/OffsetIndex.scala#OffsetIndex
 * @module
 */
import { IllegalArgumentException, IllegalStateException } from '../base/errors.ts'
import { AbstractIndex, type IndexOptions } from './AbstractIndex.ts'
import {
  CorruptIndexException,
  InvalidOffsetException,
} from './CorruptIndexException.ts'

/**
 * An offset and the byte in the segment's file from which to look for it.
 *
 * @kafka core/src/main/scala/kafka/log/IndexEntry.scala#OffsetPosition
 */
export interface OffsetPosition {
  readonly offset: number
  readonly position: number
}

const EntrySize = 8

/**
 * The index from offsets to positions of one segment.
 *
 * @kafka core/src/main/scala/kafka/log/OffsetIndex.scala#OffsetIndex
 */
export class OffsetIndex extends AbstractIndex {
  #lastOffset: number

  /** Opens the file, or makes an empty one. */
  constructor(options: IndexOptions) {
    super(options, EntrySize)
    this.#lastOffset = this.#lastEntryOffset()
  }

  /** Offset of the last entry; the segment's first offset when there is none. */
  get lastOffset(): number {
    return this.#lastOffset
  }

  /**
   * Finds the last entry at or before an offset.
   *
   * @returns the entry, or the beginning of the segment
   */
  lookup(targetOffset: number): OffsetPosition {
    const slot = this.largestLowerBoundSlotFor(targetOffset, 'KEY')
    if (slot === -1) return { offset: this.baseOffset, position: 0 }
    return { offset: this.keyAt(slot), position: this.valueAt(slot) }
  }

  /**
   * Finds an offset that lies surely behind what a fetch returns.
   *
   * @param fetchOffset where the fetch begins
   * @param fetchSize bytes it returns
   * @returns `undefined` when the fetch reaches behind the last entry
   */
  fetchUpperBoundOffset(
    fetchOffset: OffsetPosition,
    fetchSize: number,
  ): OffsetPosition | undefined {
    const end = fetchOffset.position + fetchSize
    const slot = this.smallestUpperBoundSlotFor(end, 'VALUE')
    if (slot === -1) return undefined
    return { offset: this.keyAt(slot), position: this.valueAt(slot) }
  }

  /**
   * Reads one entry, as the file holds it.
   *
   * @param n 0 for the first
   * @returns relative offset and position
   */
  entry(n: number): OffsetPosition {
    if (n >= this.entries) {
      throw new IllegalArgumentException(
        `entry ${n} of an index of ${this.entries} entries`,
      )
    }
    return { offset: this.keyAt(n) - this.baseOffset, position: this.valueAt(n) }
  }

  /**
   * Adds an entry.
   *
   * @param offset above all before
   * @param position byte in the segment's file
   * @throws InvalidOffsetException when the offset is not above the last one
   */
  append(offset: number, position: number): void {
    // Nothing may be added to a full index, nor out of order.
    if (this.isFull) {
      throw new IllegalStateException(`${this.path} is full (${this.entries} entries)`)
    }
    if (this.entries > 0 && offset <= this.#lastOffset) {
      throw new InvalidOffsetException(
        `offset ${offset} is not above the last one, ${this.#lastOffset}, of ${this.path}`,
      )
    }

    // Put the entry behind the others.
    const { buffer, at } = this.appendEntry()
    buffer.writeInt32BE(offset - this.baseOffset, at)
    buffer.writeInt32BE(position, at + 4)
    this.#lastOffset = offset
    this.maybeWriteOut()
  }

  /** Cuts off all entries for this offset and later ones. */
  override truncateTo(offset: number): void {
    const slot = this.largestLowerBoundSlotFor(offset, 'KEY')
    const exact = slot >= 0 && this.keyAt(slot) === offset
    this.truncateToEntries(exact ? slot : slot + 1)
  }

  /** @throws CorruptIndexException when the file cannot be this segment's index */
  override sanityCheck(): void {
    if (this.entries !== 0 && this.#lastOffset <= this.baseOffset) {
      throw new CorruptIndexException(
        `${this.path} is not empty, but its last offset ${this.#lastOffset} is not above ` +
          `the base offset ${this.baseOffset}`,
      )
    }
    if (this.length % EntrySize !== 0) {
      throw new CorruptIndexException(
        `${this.path} has ${this.length} bytes, not a multiple of ${EntrySize}`,
      )
    }
  }

  protected override keyAt(n: number): number {
    return this.baseOffset + this.loaded().readInt32BE(n * EntrySize)
  }

  protected override valueAt(n: number): number {
    return this.loaded().readInt32BE(n * EntrySize + 4)
  }

  protected override onEntriesChanged(): void {
    this.#lastOffset = this.#lastEntryOffset()
  }

  #lastEntryOffset(): number {
    if (this.entries === 0) return this.baseOffset
    return this.baseOffset + this.entryBytes(this.entries - 1).readInt32BE(0)
  }
}
