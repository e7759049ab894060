/**
 * # ByteBufferMessageSet
 *
 * Messages one after the other, as `SyncProducer` sends them and `SimpleConsumer` gets
 * them. A set can be gone over in two ways:
 *
 *     bytes:    [0 a] [3 wrapper{1 b, 2 c, 3 d}] [4 e] [5 par
 *     shallow:   0     3                          4            (wrappers as they are)
 *     deep:      0     1  2  3                    4            (inner messages)
 *
 * A partial message at the end is left out: a fetch is cut at a number of bytes.
 *
 * @kafka core/src/main/scala/kafka/message/ByteBufferMessageSet.scala#ByteBufferMessageSet
 * @kafka core/src/main/scala/kafka/message/MessageSet.scala#MessageSet
 * @module
 */

import type { BytesSource } from '../base/bytes/ByteWriter.ts'
import { IllegalArgumentException } from '../base/errors.ts'
import { CompressionType } from './CompressionType.ts'
import { MemoryRecords } from './MemoryRecords.ts'
import { MemoryRecordsBuilder } from './MemoryRecordsBuilder.ts'
import type { Message } from './Message.ts'
import { MessageAndOffset } from './MessageAndOffset.ts'
import { LOG_OVERHEAD } from './RecordBatch.ts'

/** Messages of magic 0 or 1 in one buffer. */
export class ByteBufferMessageSet implements BytesSource {
  /** No message at all. */
  static readonly Empty = new ByteBufferMessageSet(Buffer.alloc(0))

  readonly #records: MemoryRecords

  /** @param buffer - messages with offset and size, one after the other */
  constructor(buffer: Buffer) {
    this.#records = new MemoryRecords(buffer)
  }

  /** All bytes, a trailing partial message included. */
  get buffer(): Buffer {
    return this.#records.buffer
  }

  get sizeInBytes(): number {
    return this.#records.sizeInBytes
  }

  /** Bytes of all whole messages. */
  get validBytes(): number {
    return this.#records.validBytes
  }

  /** The same bytes under their new name. */
  asRecords(): MemoryRecords {
    return this.#records
  }

  copyInto(target: Buffer, offset: number): number {
    return this.#records.copyInto(target, offset)
  }

  /** The last whole message as it stands in the set; `undefined` when there is none. */
  get lastShallow(): MessageAndOffset | undefined {
    const { lastBatch } = this.#records
    return lastBatch && MessageAndOffset.fromRecordBatch(lastBatch)
  }

  /** Goes over the messages as they stand in the set, wrappers packed. */
  *shallowIterator(): Generator<MessageAndOffset, void, undefined> {
    for (const batch of this.#records.batches()) {
      yield MessageAndOffset.fromRecordBatch(batch)
    }
  }

  /**
   * Goes over the messages, those inside wrappers included, with their own offsets.
   *
   * @throws InvalidRecordException when a wrapper cannot be unpacked
   */
  *[Symbol.iterator](): Generator<MessageAndOffset, void, undefined> {
    for (const batch of this.#records.batches()) {
      // A message that is no wrapper is its own only record.
      if (!batch.isCompressed) yield MessageAndOffset.fromRecordBatch(batch)
      else for (const record of batch) yield MessageAndOffset.fromRecord(record)
    }
  }

  /**
   * Makes a set with offsets 0, 1, 2 …, which the broker replaces.
   *
   * @param codec - packs all messages into one wrapper unless NONE
   * @param messages - uncompressed, all of one format
   * @throws IllegalArgumentException when they are not
   */
  static create(
    codec: CompressionType,
    ...messages: readonly Message[]
  ): ByteBufferMessageSet {
    return ByteBufferMessageSet.createWithOffsets(
      codec,
      messages.map((message, offset) => ({ message, offset })),
    )
  }

  /**
   * Makes a set with given offsets.
   *
   * @param codec - packs all messages into one wrapper unless NONE
   * @param entries - uncompressed messages of one format, offsets ascending
   * @throws IllegalArgumentException when they are not
   */
  static createWithOffsets(
    codec: CompressionType,
    entries: readonly { readonly message: Message; readonly offset: number }[],
  ): ByteBufferMessageSet {
    // Take format and kind of timestamp from the first message.
    const first = entries[0]
    if (first === undefined) return ByteBufferMessageSet.Empty
    const magic = first.message.magic
    const { timestampType } = first.message
    const builder = new MemoryRecordsBuilder({
      magic,
      compressionType: codec,
      timestampType: magic === 0 ? undefined : timestampType,
      baseOffset: first.offset,
      logAppendTime: first.message.timestamp,
    })

    // Write the messages anew, so that a wrapper holds no wrapper.
    for (const { message, offset } of entries) {
      if (message.magic !== magic) {
        throw new IllegalArgumentException(
          'all messages of a set must have the same magic',
        )
      }
      if (message.compressionCodec !== CompressionType.NONE) {
        throw new IllegalArgumentException('a message of a set must not be compressed')
      }
      const { key, payload: value, timestamp } = message
      builder.appendWithOffset(offset, { key, value, timestamp })
    }
    return new ByteBufferMessageSet(builder.build())
  }

  /**
   * Counts the bytes of messages with their offsets and sizes.
   *
   * @param messages - to be set one after the other
   * @kafka core/src/main/scala/kafka/message/MessageSet.scala#messageSetSize
   */
  static messageSetSize(messages: Iterable<Message>): number {
    let bytes = 0
    for (const message of messages) bytes += LOG_OVERHEAD + message.size
    return bytes
  }
}
