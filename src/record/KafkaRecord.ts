/**
 * # KafkaRecord
 *
 * One record as read from a batch, whatever the format. Key, value and header values
 * are views on the batch's bytes (or on its unpacked copy), never copies of their own.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/Record.java#Record
 * @differs the name: `Record` is a type of TypeScript itself
 * @module
 */

/** A named value beside key and value; magic 2 only. */
export interface RecordHeader {
  /** Never null; several headers may share one. */
  readonly key: string
  /** Null is different from empty. */
  readonly value: Buffer | null
}

/** What a record can be asked without its key and value being cut out. */
export interface RecordView {
  /** Place in the partition. */
  readonly offset: number
  /** Milliseconds since 1970; -1 when the record has none. */
  readonly timestamp: number
  /** The producer's number of this record; -1 without an idempotent producer. */
  readonly sequence: number
  /** Bytes of the record with its own framing. */
  readonly sizeInBytes: number
  /** Whether the key is not null. */
  readonly hasKey: boolean
  /** Whether it is a wrapper around other records (magic 0 and 1). */
  readonly isCompressed: boolean

  /**
   * Tells whether the record is written in a format.
   *
   * @param magic - 0, 1 or 2; a magic-2 record counts as any magic above 1
   */
  hasMagic(magic: number): boolean

  /**
   * Checks the record's own CRC, where its format has one.
   *
   * @throws InvalidRecordException when the bytes do not match it
   */
  ensureValid(): void
}

/** One record with its parts. */
export interface KafkaRecord extends RecordView {
  /** Null when the record has no key. */
  readonly key: Buffer | null
  /** Null is a tombstone on a compacted topic. */
  readonly value: Buffer | null
  /** In the order of the producer; always empty below magic 2. */
  readonly headers: readonly RecordHeader[]
}

/**
 * Goes over the records of one batch without an object for each: after `next()` gave
 * true, the view's fields are those of the record it stands on.
 *
 *     const cursor = batch.streamingIterator()
 *     while (cursor.next()) latest = Math.max(latest, cursor.timestamp)
 */
export interface RecordCursor extends RecordView {
  /** Whether the value is not null. */
  readonly hasValue: boolean

  /**
   * Moves to the next record.
   *
   * @returns false after the last one
   * @throws InvalidRecordException when the batch's bytes are not what they claim
   */
  next(): boolean

  /** Goes back before the first record; nothing is unpacked again. */
  rewind(): void

  /** Cuts out the key of the record it stands on. */
  key(): Buffer | null

  /** Cuts out the record it stands on. */
  record(): KafkaRecord
}

/**
 * What a writer is given: a record that has no place yet.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/SimpleRecord.java#SimpleRecord
 */
export interface SimpleRecord {
  /** Null, as when left out, is no key. */
  readonly key?: Buffer | null | undefined
  /** Null, as when left out, is no value. */
  readonly value?: Buffer | null | undefined
  /** Milliseconds since 1970; -1, none, when left out. */
  readonly timestamp?: number | undefined
  /** Magic 2 only. */
  readonly headers?: readonly RecordHeader[] | undefined
}
