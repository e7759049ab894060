/**
 * # MessageAndOffset
 *
 * What the old consumer takes out of a fetched set: a message and its place.
 *
 * @kafka core/src/main/scala/kafka/message/MessageAndOffset.scala#MessageAndOffset
 * @module
 */

import { IllegalArgumentException } from '../base/errors.ts'
import { ByteBufferLegacyRecordBatch } from './ByteBufferLegacyRecordBatch.ts'
import type { KafkaRecord } from './KafkaRecord.ts'
import { Message } from './Message.ts'
import type { RecordBatch } from './RecordBatch.ts'

/** A message with its place. */
export class MessageAndOffset {
  readonly message: Message
  /** Place in the partition; of a wrapper, that of its last inner message. */
  readonly offset: number

  /**
   * @param message - of magic 0 or 1
   * @param offset - its place in the partition
   */
  constructor(message: Message, offset: number) {
    this.message = message
    this.offset = offset
  }

  /** Where to fetch from to get what follows. */
  get nextOffset(): number {
    return this.offset + 1
  }

  /**
   * Takes a batch for a message: a wrapper stays packed.
   *
   * @param batch - of magic 0 or 1
   * @throws IllegalArgumentException for magic 2
   */
  static fromRecordBatch(batch: RecordBatch): MessageAndOffset {
    return fromLegacy(batch)
  }

  /**
   * Takes a record for a message.
   *
   * @param record - of magic 0 or 1
   * @throws IllegalArgumentException for magic 2
   */
  static fromRecord(record: KafkaRecord): MessageAndOffset {
    return fromLegacy(record)
  }
}

function fromLegacy(from: RecordBatch | KafkaRecord): MessageAndOffset {
  if (!(from instanceof ByteBufferLegacyRecordBatch)) {
    throw new IllegalArgumentException(
      'the old message classes know magic 0 and 1 only',
    )
  }
  return new MessageAndOffset(Message.fromRecord(from.outerRecord), from.offset)
}
