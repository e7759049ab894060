/**
 * # ConsumerProtocol
 *
 * What consumers of a group tell each other through their coordinator, which carries the
 * bytes and does not look into them: what a member wants to read, and what it was given.
 *
 *     subscription  version:int16  topics:[string]                          userData:bytes?
 *     assignment    version:int16  [topic:string partitions:[int32]]        userData:bytes?
 *
 * A newer version only adds fields behind these, so that all versions are read alike.
 *
 * @kafka clients/src/main/java/org/apache/kafka/clients/consumer/internals/ConsumerProtocol.java#ConsumerProtocol
 * @module
 */
import { ByteReader } from '../base/bytes/ByteReader.ts'
import { ByteWriter } from '../base/bytes/ByteWriter.ts'
import { SchemaException } from '../base/errors.ts'
import { TopicPartition } from '../base/TopicPartition.ts'

/** The kind of groups that consumers make, as in JoinGroup. */
export const PROTOCOL_TYPE = 'consumer'

/**
 * Writes what a member wants to read, version 0.
 *
 * @kafka clients/src/main/java/org/apache/kafka/clients/consumer/internals/ConsumerProtocol.java#serializeSubscription
 */
export function serializeSubscription(topics: readonly string[]): Buffer {
  const writer = new ByteWriter()
  writer.writeInt16(0)
  writer.writeInt32(topics.length)
  for (const topic of [...topics].sort()) writer.writeString(topic)
  writer.writeInt32(-1)
  return writer.toBuffer()
}

/**
 * Reads what a member wants to read.
 *
 * @throws SchemaException when the bytes are no subscription
 * @kafka clients/src/main/java/org/apache/kafka/clients/consumer/internals/ConsumerProtocol.java#deserializeSubscription
 */
export function deserializeSubscription(bytes: Buffer): string[] {
  const reader = begin(bytes)
  return Array.from({ length: count(reader) }, () => reader.readString())
}

/**
 * Writes what a member is given, version 0.
 *
 * @kafka clients/src/main/java/org/apache/kafka/clients/consumer/internals/ConsumerProtocol.java#serializeAssignment
 */
export function serializeAssignment(partitions: Iterable<TopicPartition>): Buffer {
  const byTopic = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const of = byTopic.get(topic)
    if (of) of.push(partition)
    else byTopic.set(topic, [partition])
  }
  const writer = new ByteWriter()
  writer.writeInt16(0)
  writer.writeInt32(byTopic.size)
  for (const [topic, numbers] of byTopic) {
    writer.writeString(topic)
    writer.writeInt32(numbers.length)
    for (const number of numbers) writer.writeInt32(number)
  }
  writer.writeInt32(-1)
  return writer.toBuffer()
}

/**
 * Reads what a member is given; no bytes at all are nothing given.
 *
 * @throws SchemaException when the bytes are no assignment
 * @kafka clients/src/main/java/org/apache/kafka/clients/consumer/internals/ConsumerProtocol.java#deserializeAssignment
 */
export function deserializeAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return []
  const reader = begin(bytes)
  const partitions: TopicPartition[] = []
  for (let topics = count(reader); topics > 0; topics--) {
    const topic = reader.readString()
    for (let left = count(reader); left > 0; left--) {
      partitions.push(new TopicPartition(topic, reader.readInt32()))
    }
  }
  return partitions
}

function begin(bytes: Buffer): ByteReader {
  const reader = new ByteReader(bytes)
  const version = reader.readInt16()
  if (version < 0) throw new SchemaException(`version ${version} of a group's protocol`)
  return reader
}

/** A length that the bytes behind it can hold. */
function count(reader: ByteReader): number {
  const length = reader.readInt32()
  if (length < 0 || length > reader.remaining) {
    throw new SchemaException(`${length} elements in ${reader.remaining} bytes`)
  }
  return length
}
