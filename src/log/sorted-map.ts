/**
 * # SortedMap
 *
 * A map from numbers to values that is kept in the order of its keys and answers "the last
 * key at or below", "the next one above". Segments are found in it by offset, and open
 * transactions by their first offset. Keys nearly always arrive in rising order, so an
 * array with binary search is both smaller and faster than a tree.
 *
 *     keys   0   40   95
 *     floor(57) = 40      higher(40) = 95      lower(40) = 0
 *
 * Kafka uses Java's `ConcurrentSkipListMap` and `TreeMap` in its place.
 *
 * @module
 */

/** A map with ordered, numeric keys. */
export class SortedMap<V> {
  readonly #keys: number[] = []
  readonly #values: V[] = []

  /** Number of entries. */
  get size(): number {
    return this.#keys.length
  }

  /** The value of the smallest key. */
  get first(): V | undefined {
    return this.#values[0]
  }

  /** The value of the largest key. */
  get last(): V | undefined {
    return this.#values.at(-1)
  }

  /** The value of a key. */
  get(key: number): V | undefined {
    const at = this.#floorIndex(key)
    return this.#keys[at] === key ? this.#values[at] : undefined
  }

  /**
   * Puts a value, replacing that of an equal key.
   *
   * @returns the value replaced
   */
  set(key: number, value: V): V | undefined {
    // Replace in place.
    const at = this.#floorIndex(key)
    const previous = this.#keys[at] === key ? this.#values[at] : undefined
    if (this.#keys[at] === key) {
      this.#values[at] = value
      return previous
    }

    // Insert behind the last smaller key.
    this.#keys.splice(at + 1, 0, key)
    this.#values.splice(at + 1, 0, value)
    return undefined
  }

  /**
   * Removes a key.
   *
   * @returns its value, or `undefined` if there was none
   */
  delete(key: number): V | undefined {
    const at = this.#floorIndex(key)
    if (this.#keys[at] !== key) return undefined
    this.#keys.splice(at, 1)
    return this.#values.splice(at, 1)[0]
  }

  /** Removes every entry. */
  clear(): void {
    this.#keys.length = 0
    this.#values.length = 0
  }

  /** Removes the entries whose value the predicate picks. */
  deleteWhere(predicate: (value: V) => boolean): void {
    for (let at = this.#keys.length - 1; at >= 0; at--) {
      if (!predicate(this.#values[at] as V)) continue
      this.#keys.splice(at, 1)
      this.#values.splice(at, 1)
    }
  }

  /** The value of the largest key that is at most `key`. */
  floor(key: number): V | undefined {
    return this.#values[this.#floorIndex(key)]
  }

  /** The value of the smallest key above `key`. */
  higher(key: number): V | undefined {
    return this.#values[this.#floorIndex(key) + 1]
  }

  /** The value of the largest key below `key`. */
  lower(key: number): V | undefined {
    const at = this.#floorIndex(key)
    return this.#values[this.#keys[at] === key ? at - 1 : at]
  }

  /** All values in the order of their keys, as a copy that later changes do not touch. */
  values(): V[] {
    return this.#values.slice()
  }

  /**
   * The values from the entry that holds `from` up to, not including, key `to`: it begins
   * with the floor of `from`, if there is one.
   */
  range(from: number, to: number): V[] {
    const start = Math.max(this.#floorIndex(from), 0)
    let end = this.#floorIndex(to)
    if (this.#keys[end] !== to) end += 1
    return this.#values.slice(start, Math.max(end, start))
  }

  /** Index of the largest key that is at most `key`; -1 when all are larger. */
  #floorIndex(key: number): number {
    let low = 0
    let high = this.#keys.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      if ((this.#keys[middle] as number) <= key) low = middle + 1
      else high = middle - 1
    }
    return high
  }
}
