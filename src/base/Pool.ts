/**
 * # Pool
 *
 * A map that can make the value that is missing. In Kafka it wraps a `ConcurrentHashMap`
 * so that two threads agree on who makes it; here nothing runs in between.
 *
 * @kafka core/src/main/scala/kafka/utils/Pool.scala#Pool
 * @module
 */

/** A map with `getAndMaybePut`; keys are compared as `Map` does. */
export class Pool<K, V> implements Iterable<[K, V]> {
  readonly #map = new Map<K, V>()
  readonly #valueFactory: ((key: K) => V) | undefined

  /** @param valueFactory - makes a missing value when `getAndMaybePut` is given none */
  constructor(valueFactory?: (key: K) => V) {
    this.#valueFactory = valueFactory
  }

  get size(): number {
    return this.#map.size
  }

  get(key: K): V | undefined {
    return this.#map.get(key)
  }

  /** Sets a value. @returns the one it replaces */
  put(key: K, value: V): V | undefined {
    const previous = this.#map.get(key)
    this.#map.set(key, value)
    return previous
  }

  /** Sets a value unless one is there. @returns the one that was there */
  putIfNotExists(key: K, value: V): V | undefined {
    const present = this.#map.get(key)
    if (present === undefined) this.#map.set(key, value)
    return present
  }

  /** @returns the value of `key`, which `create` makes when it is missing */
  getAndMaybePut(key: K, create?: (key: K) => V): V {
    const present = this.#map.get(key)
    if (present !== undefined) return present

    // Make the missing value with what is given.
    const factory = create ?? this.#valueFactory
    if (factory === undefined) throw new Error('this pool has no value factory')
    const value = factory(key)
    this.#map.set(key, value)
    return value
  }

  contains(key: K): boolean {
    return this.#map.has(key)
  }

  /** Removes a key. @returns the value it had */
  remove(key: K): V | undefined {
    const value = this.#map.get(key)
    this.#map.delete(key)
    return value
  }

  /** @returns the keys, in order of insertion; safe to remove from meanwhile */
  keys(): IterableIterator<K> {
    return this.#map.keys()
  }

  values(): IterableIterator<V> {
    return this.#map.values()
  }

  clear(): void {
    this.#map.clear()
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.#map[Symbol.iterator]()
  }
}
