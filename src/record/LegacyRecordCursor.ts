/**
 * # LegacyRecordCursor
 *
 * The walk over the messages of a batch of magic 0 or 1. They had to be cut out to know
 * their offsets, so this cursor only stands on one after the other.
 *
 * @module
 */

import type { KafkaRecord, RecordCursor } from './KafkaRecord.ts'

/** Stands on the messages of one batch in turn. */
export class LegacyRecordCursor implements RecordCursor {
  readonly #records: readonly KafkaRecord[]
  #index = -1

  /** @param records - in the order of their offsets, at least one */
  constructor(records: readonly KafkaRecord[]) {
    this.#records = records
  }

  get offset(): number {
    return this.record().offset
  }

  get timestamp(): number {
    return this.record().timestamp
  }

  get sequence(): number {
    return this.record().sequence
  }

  get sizeInBytes(): number {
    return this.record().sizeInBytes
  }

  get hasKey(): boolean {
    return this.record().hasKey
  }

  get hasValue(): boolean {
    return this.record().value !== null
  }

  get isCompressed(): boolean {
    return this.record().isCompressed
  }

  hasMagic(magic: number): boolean {
    return this.record().hasMagic(magic)
  }

  ensureValid(): void {
    this.record().ensureValid()
  }

  next(): boolean {
    return ++this.#index < this.#records.length
  }

  rewind(): void {
    this.#index = -1
  }

  key(): Buffer | null {
    return this.record().key
  }

  record(): KafkaRecord {
    return this.#records[this.#index]!
  }
}
