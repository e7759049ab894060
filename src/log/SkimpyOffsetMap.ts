/**
 * # SkimpyOffsetMap
 *
 * The map of the cleaner, in 24 bytes a key however long the keys are: it keeps a hash of
 * 16 bytes in place of the key, and takes two keys of one hash for the same key.
 *
 * When its table is three quarters full it begins a larger one. Moving a million entries
 * would hold up everything else for a tenth of a second, so each key that is put moves only
 * a few; until the old table is empty, what is not in the new one is looked for there.
 *
 *     put(key) ─▶ table ◀── 8 slots at each put ── former
 *     get(key) ─▶ table, then former
 *
 * Invariants: at most `memory` bytes when full; the owner stops adding before that, at its
 * load factor.
 *
 * @kafka core/src/main/scala/kafka/log/OffsetMap.scala#SkimpyOffsetMap
 * @differs Kafka takes all memory at once; here the tables begin small and double up to
 *   the limit (half as much again while they do). Its hash is MD5; here MurmurHash3 of 128
 *   bits, which is ten times faster in TypeScript and spreads as well, but a writer who
 *   wants two keys of one hash can find some, and lose one of his own two records.
 * @module
 */
import { IllegalArgumentException } from '../base/errors.ts'
import { murmur3 } from './murmur3.ts'
import type { OffsetMap } from './OffsetMap.ts'
import { bytesPerSlot, hashWords, OffsetTable } from './offset-table.ts'

/** Slots to begin with. */
const initialSlots = 1024

/** Share of the present slots at which the table grows. */
const growAt = 0.75

/** Slots of the former table that each put moves; it is empty long before the next. */
const slotsAPut = 8

/**
 * A map from hashes of keys to offsets, of bounded size.
 *
 * @kafka core/src/main/scala/kafka/log/OffsetMap.scala#SkimpyOffsetMap
 */
export class SkimpyOffsetMap implements OffsetMap {
  /** Bytes of an entry: the hash and the offset. */
  static readonly bytesPerEntry = bytesPerSlot

  /** Entries that fit into the memory it may take. */
  readonly slots: number

  #table = new OffsetTable(0)
  #size = 0
  #latestOffset = -1

  /** The table before the last growth, and how much of it has been moved. */
  #former: OffsetTable | undefined
  #moved = 0

  /** The hash of the key at hand. */
  readonly #hash = new Uint32Array(hashWords)

  /** @param memory bytes it may take */
  constructor(memory: number) {
    this.slots = Math.floor(memory / SkimpyOffsetMap.bytesPerEntry)
    this.clear()
  }

  /** Entries that it holds. */
  get size(): number {
    return this.#size
  }

  /** The largest offset that was looked at; -1 for none. */
  get latestOffset(): number {
    return this.#latestOffset
  }

  /** Share of the slots that are used, 0 to 1. */
  get utilization(): number {
    return this.#size / this.slots
  }

  /** Share of the slots that were looked at in vain, of all since it last grew. */
  get collisionRate(): number {
    const { lookups, probes } = this.#table
    return probes === 0 ? 0 : (probes - lookups) / probes
  }

  /** Bytes that the tables take now. */
  get memoryBytes(): number {
    return this.#table.memoryBytes + (this.#former?.memoryBytes ?? 0)
  }

  /**
   * Notes a key; an offset noted before is forgotten.
   *
   * @throws IllegalArgumentException when every slot is used
   */
  put(key: Buffer, offset: number): void {
    // Make room, as long as there is memory.
    const { capacity } = this.#table
    if (this.#former !== undefined) this.#moveSome(this.#former)
    else if (this.#size >= capacity * growAt && capacity < this.slots) this.#grow()

    // Put it where it is, or into the first free slot.
    murmur3(key, this.#hash)
    const isNew = this.#table.put(this.#hash, offset)
    if (isNew === undefined) {
      throw new IllegalArgumentException(
        `attempt to add a new entry to a full offset map of ${this.slots}`,
      )
    }
    if (isNew && !this.#isInFormer()) this.#size += 1
    this.updateLatestOffset(offset)
  }

  /** The offset of a key, -1 when it was not noted. */
  get(key: Buffer): number {
    murmur3(key, this.#hash)
    const offset = this.#table.get(this.#hash)
    if (offset !== -1 || this.#former === undefined) return offset
    return this.#former.get(this.#hash)
  }

  /** Notes that all up to an offset was looked at. */
  updateLatestOffset(offset: number): void {
    if (offset > this.#latestOffset) this.#latestOffset = offset
  }

  /** Forgets everything, and gives the memory back. */
  clear(): void {
    this.#table = new OffsetTable(Math.min(initialSlots, this.slots))
    this.#former = undefined
    this.#size = 0
    this.#latestOffset = -1
  }

  /** Begins a larger table. */
  #grow(): void {
    this.#former = this.#table
    this.#moved = 0
    this.#table = new OffsetTable(Math.min(this.#former.capacity * 2, this.slots))
  }

  /** Moves a few entries into the larger table. */
  #moveSome(former: OffsetTable): void {
    const end = Math.min(this.#moved + slotsAPut, former.capacity)
    this.#table.takeOver(former, this.#moved, end)
    this.#moved = end
    if (end === former.capacity) this.#former = undefined
  }

  /** Says whether the key at hand was noted before the last growth. */
  #isInFormer(): boolean {
    return this.#former !== undefined && this.#former.get(this.#hash) !== -1
  }
}
