/**
 * # Message parsers
 *
 * How `dump-log --print-data-log` makes text of keys and values: as the decoders of the old
 * clients do, or as records of one of the two internal topics.
 *
 * @kafka core/src/main/scala/kafka/tools/DumpLogSegments.scala#MessageParser
 * @module
 */
import { ByteReader } from '../base/bytes/ByteReader.ts'
import { KafkaException } from '../base/errors.ts'
import {
  readGroupMessageValue,
  readMessageKey,
  readOffsetMessageValue,
} from '../coordinator/group/group-messages.ts'
import type { MemberMetadata } from '../coordinator/group/MemberMetadata.ts'
import { TransactionLog } from '../coordinator/transaction/TransactionLog.ts'
import type { KafkaRecord } from '../record/KafkaRecord.ts'

/** Key and value as text; `undefined` for what is not to be printed. */
export interface ParsedMessage {
  readonly key?: string | undefined
  readonly payload?: string | undefined
}

/**
 * Makes text of a record.
 *
 * @throws KafkaException for a record that it cannot read
 */
export type MessageParser = (record: KafkaRecord) => ParsedMessage

/** Makes text of bytes. */
type Decoder = (bytes: Buffer) => string

/** The decoders that Kafka brings along, by class name. */
const decoders: Readonly<Record<string, Decoder>> = {
  'kafka.serializer.StringDecoder': (bytes) => bytes.toString('utf8'),
  'kafka.serializer.LongDecoder': (bytes) => `${bytes.readBigInt64BE(0)}`,
  'kafka.serializer.IntegerDecoder': (bytes) => `${bytes.readInt32BE(0)}`,
}

/** Class name of the decoder that is used when none is named. */
export const defaultDecoder = 'kafka.serializer.StringDecoder'

/** Class names of the decoders that exist. */
export const decoderNames: readonly string[] = Object.keys(decoders)

/**
 * Makes a parser of two decoders.
 *
 * @param keyDecoder class name, one of {@link decoderNames}
 * @param valueDecoder the same
 * @throws KafkaException for another name
 * @kafka core/src/main/scala/kafka/tools/DumpLogSegments.scala#DecoderMessageParser
 * @differs classes of a custom jar cannot be loaded
 */
export function decoderMessageParser(
  keyDecoder: string,
  valueDecoder: string,
): MessageParser {
  const decodeKey = decoderNamed(keyDecoder)
  const decodeValue = decoderNamed(valueDecoder)
  return ({ key, value }) => {
    if (value === null) return {}
    return {
      key: key === null ? undefined : decodeKey(key),
      payload: decodeValue(value),
    }
  }
}

function decoderNamed(name: string): Decoder {
  const decoder = decoders[name]
  if (decoder !== undefined) return decoder
  throw new KafkaException(
    `no decoder is named ${name}; there are: ${decoderNames.join(', ')}`,
  )
}

/**
 * Reads records of `__consumer_offsets`.
 *
 * @kafka core/src/main/scala/kafka/tools/DumpLogSegments.scala#OffsetsMessageParser
 */
export function offsetsMessageParser({ key, value }: KafkaRecord): ParsedMessage {
  // A deletion is not printed.
  if (value === null) return {}
  if (key === null) {
    throw new KafkaException(
      'failed to decode message using offset topic decoder (message had a missing key)',
    )
  }

  // A committed offset.
  const parsed = readMessageKey(key)
  if (parsed.kind === 'offset') {
    const { topic, partition } = parsed.topicPartition
    const { offset, metadata } = readOffsetMessageValue(value)
    return {
      key: `offset::${parsed.group}:${topic}:${partition}`,
      payload: metadata === '' ? `${offset}` : `${offset}:${metadata}`,
    }
  }

  // A group with its members.
  const group = readGroupMessageValue(parsed.group, value)
  const members = group.allMemberMetadata.map((member) => assignmentOf(member))
  return {
    key: JSON.stringify({ metadata: parsed.group }),
    payload: JSON.stringify({
      protocolType: group.protocolType ?? '',
      protocol: group.protocolOrNull,
      generationId: group.generationId,
      assignment: `{${members.join(',')}}`,
    }),
  }
}

/** `member=[topic-0, topic-1]` for a consumer, hexadecimal digits for anything else. */
function assignmentOf({ memberId, protocolType, assignment }: MemberMetadata): string {
  if (protocolType !== 'consumer') return `${memberId}=${hex(assignment)}`
  const reader = new ByteReader(assignment)
  reader.readInt16()
  const partitions: string[] = []
  for (let topics = reader.readInt32(); topics > 0; topics--) {
    const topic = reader.readString()
    for (let count = reader.readInt32(); count > 0; count--) {
      partitions.push(`${topic}-${reader.readInt32()}`)
    }
  }
  const userData = reader.readNullableBytes()
  const own = `${memberId}=[${partitions.join(', ')}]`
  return userData === null || userData.length === 0 ? own : `${own}:${hex(userData)}`
}

/** One large number: zeros in front of it are not written. */
function hex(bytes: Buffer): string {
  if (bytes.length === 0) return ''
  return bytes
    .toString('hex')
    .toUpperCase()
    .replace(/^0+(?=.)/, '')
}

/**
 * Reads records of `__transaction_state`.
 *
 * @kafka core/src/main/scala/kafka/tools/DumpLogSegments.scala#TransactionLogMessageParser
 * @differs partitions stand in the order of the record; Kafka prints a hash set. Of a
 *   deletion the key is printed; 1.1.1 ends with a NullPointerException.
 */
export function transactionLogMessageParser(record: KafkaRecord): ParsedMessage {
  if (record.key === null) throw new KafkaException('message had a missing key')
  const transactionalId = TransactionLog.readTxnRecordKey(record.key)
  const key = `transactionalId=${transactionalId}`
  const value = TransactionLog.readTxnRecordValue(transactionalId, record.value)
  if (value === undefined || value === null) return { key }
  const partitions = [...value.topicPartitions].join(', ')
  return {
    key,
    payload:
      `producerId:${value.producerId},producerEpoch:${value.producerEpoch},` +
      `state=${value.state},partitions=Set(${partitions}),` +
      `txnLastUpdateTimestamp=${value.txnLastUpdateTimestamp},` +
      `txnTimeoutMs=${value.txnTimeoutMs}`,
  }
}
