/**
 * # SkimpyOffsetMap
 *
 * The map of the cleaner, in 24 bytes a key however long the keys are: it keeps a hash of
 * 16 bytes in place of the key, and takes two keys of one hash for the same key.
 *
 *     hashes   │ h0 h1 h2 h3 │             │ h0 h1 h2 h3 │      4 × u32 a slot
 *     offsets  │   offset+1  │      0      │   offset+1  │      f64 a slot, 0: free
 *
 * A key is looked for first in the four slots that the words of its hash name, then in the
 * slots behind the last of them. Nothing is ever removed, so the first free slot ends the
 * search.
 *
 * Invariants: at most `memory` bytes when full; the owner stops adding before that, at its
 * load factor.
 *
 * @kafka core/src/main/scala/kafka/log/OffsetMap.scala#SkimpyOffsetMap
 * @differs Kafka takes all memory at once; here the tables begin small and grow fourfold up
 *   to the limit (a quarter more while they do). Its hash is MD5; here MurmurHash3 of 128
 *   bits, which is ten times faster in TypeScript and spreads as well, but a writer who
 *   wants two keys of one hash can find some, and lose one of his own two records.
 * @module
 */
import { IllegalArgumentException } from '../base/errors.ts'
import { murmur3 } from './murmur3.ts'
import type { OffsetMap } from './OffsetMap.ts'

/** Words of a hash. */
const hashWords = 4

/** Slots to begin with. */
const initialSlots = 1024

/** Share of the present slots at which the tables grow. */
const growAt = 0.75

/**
 * A map from hashes of keys to offsets, of bounded size.
 *
 * @kafka core/src/main/scala/kafka/log/OffsetMap.scala#SkimpyOffsetMap
 */
export class SkimpyOffsetMap implements OffsetMap {
  /** Bytes of an entry: the hash and the offset. */
  static readonly bytesPerEntry = hashWords * 4 + 8

  /** Entries that fit into the memory it may take. */
  readonly slots: number

  #capacity = 0
  #hashes = new Uint32Array(0)
  #offsets = new Float64Array(0)
  #size = 0
  #latestOffset = -1

  /** Keys looked for and slots looked at, to tell how well it works. */
  #lookups = 0
  #probes = 0

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

  /** Share of the slots that were looked at in vain, of all that were. */
  get collisionRate(): number {
    return this.#probes === 0 ? 0 : (this.#probes - this.#lookups) / this.#probes
  }

  /** Bytes that the tables take now. */
  get memoryBytes(): number {
    return this.#hashes.byteLength + this.#offsets.byteLength
  }

  /**
   * Notes a key; an offset noted before is forgotten.
   *
   * @throws IllegalArgumentException when every slot is used
   */
  put(key: Buffer, offset: number): void {
    // Make room, as long as there is memory.
    if (this.#size >= this.#capacity * growAt && this.#capacity < this.slots) {
      this.#grow(Math.min(this.#capacity * 4, this.slots))
    }

    // Put it where it is, or into the first free slot.
    murmur3(key, this.#hash)
    const slot = this.#slotOf(this.#hash, 0)
    if (slot === -1) {
      throw new IllegalArgumentException(
        `attempt to add a new entry to a full offset map of ${this.slots}`,
      )
    }
    if (this.#offsets[slot] === 0) {
      this.#hashes.set(this.#hash, slot * hashWords)
      this.#size += 1
    }
    this.#offsets[slot] = offset + 1
    this.updateLatestOffset(offset)
  }

  /** The offset of a key, -1 when it was not noted. */
  get(key: Buffer): number {
    murmur3(key, this.#hash)
    const slot = this.#slotOf(this.#hash, 0)
    return slot === -1 ? -1 : (this.#offsets[slot] as number) - 1
  }

  /** Notes that all up to an offset was looked at. */
  updateLatestOffset(offset: number): void {
    if (offset > this.#latestOffset) this.#latestOffset = offset
  }

  /** Forgets everything, and gives the memory back. */
  clear(): void {
    this.#allocate(Math.min(initialSlots, this.slots))
    this.#size = 0
    this.#latestOffset = -1
    this.#lookups = 0
    this.#probes = 0
  }

  /** The slot of a hash, or the free one where it belongs; -1 when there is neither. */
  #slotOf(hash: Uint32Array, at: number): number {
    this.#lookups += 1
    const capacity = this.#capacity
    for (let attempt = 0; attempt < capacity + hashWords; attempt++) {
      // The words of the hash first, then one slot after the other.
      this.#probes += 1
      const word = hash[at + Math.min(attempt, hashWords - 1)] as number
      const slot = (word + Math.max(0, attempt - hashWords + 1)) % capacity
      if (this.#offsets[slot] === 0 || this.#isAt(slot, hash, at)) return slot
    }
    return -1
  }

  #isAt(slot: number, hash: Uint32Array, at: number): boolean {
    const hashes = this.#hashes
    const base = slot * hashWords
    return (
      hashes[base] === hash[at] &&
      hashes[base + 1] === hash[at + 1] &&
      hashes[base + 2] === hash[at + 2] &&
      hashes[base + 3] === hash[at + 3]
    )
  }

  #allocate(capacity: number): void {
    this.#capacity = capacity
    this.#hashes = new Uint32Array(capacity * hashWords)
    this.#offsets = new Float64Array(capacity)
  }

  #grow(capacity: number): void {
    const hashes = this.#hashes
    const offsets = this.#offsets
    this.#allocate(capacity)
    for (let i = 0; i < offsets.length; i++) {
      const offset = offsets[i] as number
      if (offset === 0) continue
      const slot = this.#slotOf(hashes, i * hashWords)
      const words = hashes.subarray(i * hashWords, (i + 1) * hashWords)
      this.#hashes.set(words, slot * hashWords)
      this.#offsets[slot] = offset
    }
  }
}
