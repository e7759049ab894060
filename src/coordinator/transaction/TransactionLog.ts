/**
 * # TransactionLog
 *
 * Records of `__transaction_state`, a compacted topic: one key a transactional id, the last
 * value is how it stands, a null value forgets it.
 *
 *     key 0      [version 2 | transactionalId str]
 *     value 0    [version 2 | producerId 8 | producerEpoch 2 | timeout 4 | state 1 |
 *                 n 4 | n × topic | lastUpdate 8 | start 8]
 *     topic      [name str | n 4 | n × partition 4]
 *
 * The list of topics is null (n = -1) in the state Empty. Strings have a length of 2 bytes;
 * times are wall times in ms, -1 for a transaction that has not begun.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionLog.scala#TransactionLog
 * @module
 */
import { ByteReader } from '../../base/bytes/ByteReader.ts'
import { ByteWriter } from '../../base/bytes/ByteWriter.ts'
import { IllegalStateException, KafkaException } from '../../base/errors.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { TransactionMetadata, type TxnTransitMetadata } from './TransactionMetadata.ts'
import { byteToState, TransactionStates } from './TransactionState.ts'

const CURRENT_VERSION = 0

/** Writes and reads the records. */
export const TransactionLog = {
  /** Every write waits for all copies, whatever else is configured. */
  EnforcedRequiredAcks: -1,

  /** The key of a transactional id. */
  keyToBytes(transactionalId: string): Buffer {
    const writer = new ByteWriter()
    writer.writeInt16(CURRENT_VERSION)
    writer.writeString(transactionalId)
    return writer.toBuffer()
  },

  /**
   * The value for how an id will stand.
   *
   * @throws IllegalStateException for partitions in the state Empty
   */
  valueToBytes(metadata: TxnTransitMetadata): Buffer {
    const writer = new ByteWriter()
    writer.writeInt16(CURRENT_VERSION)
    writer.writeBigInt64(metadata.producerId)
    writer.writeInt16(metadata.producerEpoch)
    writer.writeInt32(metadata.txnTimeoutMs)
    writer.writeInt8(TransactionStates[metadata.txnState].id)
    writePartitions(writer, metadata)
    writer.writeInt64(metadata.txnLastUpdateTimestamp)
    writer.writeInt64(metadata.txnStartTimestamp)
    return writer.toBuffer()
  },

  /** Reads a key. @throws KafkaException for an unknown version */
  readTxnRecordKey(key: Buffer): string {
    const reader = new ByteReader(key)
    checkVersion(reader.readInt16())
    return reader.readString()
  },

  /**
   * Reads a value.
   *
   * @returns undefined for a null value: the id is forgotten
   * @throws KafkaException for an unknown version
   */
  readTxnRecordValue(
    transactionalId: string,
    value: Buffer | null,
  ): TransactionMetadata | undefined {
    if (value === null) return undefined
    const reader = new ByteReader(value)
    checkVersion(reader.readInt16())
    const producerId = reader.readBigInt64()
    const producerEpoch = reader.readInt16()
    const txnTimeoutMs = reader.readInt32()
    const state = byteToState(reader.readInt8())
    const topicPartitions = [...readPartitions(reader)]
    const txnLastUpdateTimestamp = reader.readInt64()
    const txnStartTimestamp = reader.readInt64()
    return new TransactionMetadata({
      ...{ transactionalId, producerId, producerEpoch, txnTimeoutMs, state },
      ...{ topicPartitions, txnLastUpdateTimestamp, txnStartTimestamp },
    })
  },
}

function checkVersion(version: number): void {
  if (version === CURRENT_VERSION) return
  throw new KafkaException(`unknown version ${version} of a transaction's record`)
}

function writePartitions(
  writer: ByteWriter,
  { txnState, topicPartitions }: TxnTransitMetadata,
): void {
  if (txnState === 'Empty') {
    if (topicPartitions.size > 0) {
      throw new IllegalStateException('partitions in a transaction that has not begun')
    }
    writer.writeInt32(-1)
    return
  }

  // Write each topic once, with its partitions.
  const byTopic = new Map<string, number[]>()
  for (const { topic, partition } of topicPartitions) {
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition])
  }
  writer.writeInt32(byTopic.size)
  for (const [topic, partitions] of byTopic) {
    writer.writeString(topic)
    writer.writeInt32(partitions.length)
    for (const partition of partitions) writer.writeInt32(partition)
  }
}

function* readPartitions(reader: ByteReader): Generator<TopicPartition> {
  for (let topics = reader.readInt32(); topics > 0; topics -= 1) {
    const topic = reader.readString()
    for (let count = reader.readInt32(); count > 0; count -= 1) {
      yield new TopicPartition(topic, reader.readInt32())
    }
  }
}
