/**
 * # TopicPartitionMap
 *
 * A map and a set that take a `TopicPartition` by value. JavaScript's own compare objects
 * by identity, where Java asks `equals`.
 *
 * @module
 */
import type { TopicPartition } from './TopicPartition.ts'

/** A map keyed by partition, in order of first insertion. */
export class TopicPartitionMap<V> implements Iterable<[TopicPartition, V]> {
  readonly #entries = new Map<string, [TopicPartition, V]>()

  constructor(entries?: Iterable<readonly [TopicPartition, V]>) {
    for (const [key, value] of entries ?? []) this.set(key, value)
  }

  get size(): number {
    return this.#entries.size
  }

  get(tp: TopicPartition): V | undefined {
    return this.#entries.get(tp.key)?.[1]
  }

  set(tp: TopicPartition, value: V): this {
    const entry = this.#entries.get(tp.key)
    if (entry === undefined) this.#entries.set(tp.key, [tp, value])
    else entry[1] = value
    return this
  }

  has(tp: TopicPartition): boolean {
    return this.#entries.has(tp.key)
  }

  delete(tp: TopicPartition): boolean {
    return this.#entries.delete(tp.key)
  }

  clear(): void {
    this.#entries.clear()
  }

  *keys(): IterableIterator<TopicPartition> {
    for (const [tp] of this.#entries.values()) yield tp
  }

  *values(): IterableIterator<V> {
    for (const [, value] of this.#entries.values()) yield value
  }

  *entries(): IterableIterator<[TopicPartition, V]> {
    for (const [tp, value] of this.#entries.values()) yield [tp, value]
  }

  [Symbol.iterator](): IterableIterator<[TopicPartition, V]> {
    return this.entries()
  }
}

/** A set of partitions, in order of first insertion. */
export class TopicPartitionSet implements Iterable<TopicPartition> {
  readonly #members = new Map<string, TopicPartition>()

  constructor(members?: Iterable<TopicPartition>) {
    for (const member of members ?? []) this.add(member)
  }

  get size(): number {
    return this.#members.size
  }

  add(tp: TopicPartition): this {
    if (!this.#members.has(tp.key)) this.#members.set(tp.key, tp)
    return this
  }

  has(tp: TopicPartition): boolean {
    return this.#members.has(tp.key)
  }

  delete(tp: TopicPartition): boolean {
    return this.#members.delete(tp.key)
  }

  clear(): void {
    this.#members.clear()
  }

  values(): IterableIterator<TopicPartition> {
    return this.#members.values()
  }

  [Symbol.iterator](): IterableIterator<TopicPartition> {
    return this.#members.values()
  }
}
