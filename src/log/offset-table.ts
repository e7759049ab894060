/**
 * # The table of an offset map
 *
 * Slots of one fixed number: a hash of 16 bytes and an offset each. A key is looked for
 * first in the four slots that the words of its hash name, then in the slots behind the
 * last of them. Nothing is ever removed, so the first free slot ends the search.
 *
 *     hashes   │ h0 h1 h2 h3 │             │ h0 h1 h2 h3 │      4 × u32 a slot
 *     offsets  │   offset+1  │      0      │   offset+1  │      f64 a slot, 0: free
 *
 * @module
 */

/** Words of a hash. */
export const hashWords = 4

/** Bytes of a slot. */
export const bytesPerSlot = hashWords * 4 + 8

/** A hash table of offsets that does not grow. */
export class OffsetTable {
  readonly capacity: number

  /** Keys looked for and slots looked at, to tell how well it works. */
  lookups = 0
  probes = 0

  readonly #hashes: Uint32Array
  readonly #offsets: Float64Array

  /** @param capacity slots */
  constructor(capacity: number) {
    this.capacity = capacity
    this.#hashes = new Uint32Array(capacity * hashWords)
    this.#offsets = new Float64Array(capacity)
  }

  /** Bytes that it takes. */
  get memoryBytes(): number {
    return this.capacity * bytesPerSlot
  }

  /** The offset of a hash; -1 when it is not there. */
  get(hash: Uint32Array): number {
    const slot = this.#slotOf(hash, 0)
    return slot === -1 ? -1 : (this.#offsets[slot] as number) - 1
  }

  /**
   * Puts an offset in place of that of the same hash, or into a free slot.
   *
   * @returns whether the hash is new; `undefined` when there is no room for it
   */
  put(hash: Uint32Array, offset: number): boolean | undefined {
    const slot = this.#slotOf(hash, 0)
    if (slot === -1) return undefined
    const isNew = this.#offsets[slot] === 0
    if (isNew) this.#setHash(slot, hash, 0)
    this.#offsets[slot] = offset + 1
    return isNew
  }

  /**
   * Copies a few slots of an older table; what is known here already is newer, and stays.
   *
   * @param from first slot of the other
   * @param to slot at which to stop (exclusive)
   */
  takeOver(other: OffsetTable, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const offset = other.#offsets[i] as number
      if (offset === 0) continue
      const slot = this.#slotOf(other.#hashes, i * hashWords)
      if (this.#offsets[slot] !== 0) continue
      this.#setHash(slot, other.#hashes, i * hashWords)
      this.#offsets[slot] = offset
    }
  }

  /** The slot of a hash, or the free one where it belongs; -1 when there is neither. */
  #slotOf(hash: Uint32Array, at: number): number {
    this.lookups += 1
    const { capacity } = this
    for (let attempt = 0; attempt < capacity + hashWords; attempt++) {
      // The words of the hash first, then one slot after the other.
      this.probes += 1
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

  #setHash(slot: number, hash: Uint32Array, at: number): void {
    const base = slot * hashWords
    for (let w = 0; w < hashWords; w++) {
      this.#hashes[base + w] = hash[at + w] as number
    }
  }
}
