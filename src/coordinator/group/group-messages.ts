/**
 * # Records of `__consumer_offsets`
 *
 * Committed offsets and groups are records of a compacted topic: the key says what it is
 * about, the last value wins, a null value deletes. Every key and value begins with its
 * version, which in a key also says what kind of record it is.
 *
 *     key 0, 1   [version 2 | group str | topic str | partition 4]
 *     key 2      [version 2 | group str]
 *     offset 0   [version 2 | offset 8 | metadata str | timestamp 8]
 *     offset 1   [version 2 | offset 8 | metadata str | commit time 8 | expire time 8]
 *     group 0, 1 [version 2 | protocolType str | generation 4 | protocol str? | leader str? |
 *                 n 4 | n × member]
 *     member     [memberId str | clientId str | clientHost str | (1: rebalanceTimeout 4) |
 *                 sessionTimeout 4 | subscription bytes | assignment bytes]
 *
 * Written are key 1, key 2, offset 1 and group 1; the others are read.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadataManager.scala#GroupMetadataManager
 * @module
 */
import { ByteReader } from '../../base/bytes/ByteReader.ts'
import { ByteWriter } from '../../base/bytes/ByteWriter.ts'
import { IllegalStateException, KafkaException } from '../../base/errors.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { GroupMetadata } from './GroupMetadata.ts'
import { MemberMetadata } from './MemberMetadata.ts'
import type { OffsetAndMetadata } from './OffsetAndMetadata.ts'

/** Version of the keys of offsets that are written. */
export const CURRENT_OFFSET_KEY_SCHEMA_VERSION = 1
/** Version of the keys of groups. */
export const CURRENT_GROUP_KEY_SCHEMA_VERSION = 2
const CURRENT_OFFSET_VALUE_SCHEMA_VERSION = 1
const CURRENT_GROUP_VALUE_SCHEMA_VERSION = 1

/** What a record is about: a partition's offset, or a group. */
export type BaseKey =
  | {
      readonly kind: 'offset'
      readonly version: number
      readonly group: string
      readonly topicPartition: TopicPartition
    }
  | { readonly kind: 'group'; readonly version: number; readonly group: string }

/**
 * The key under which a group's offset of a partition is kept.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadataManager.scala#GroupMetadataManager.offsetCommitKey
 */
export function offsetCommitKey(group: string, topicPartition: TopicPartition): Buffer {
  const writer = new ByteWriter()
  writer.writeInt16(CURRENT_OFFSET_KEY_SCHEMA_VERSION)
  writer.writeString(group)
  writer.writeString(topicPartition.topic)
  writer.writeInt32(topicPartition.partition)
  return writer.toBuffer()
}

/**
 * The key under which a group is kept.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadataManager.scala#GroupMetadataManager.groupMetadataKey
 */
export function groupMetadataKey(group: string): Buffer {
  const writer = new ByteWriter()
  writer.writeInt16(CURRENT_GROUP_KEY_SCHEMA_VERSION)
  writer.writeString(group)
  return writer.toBuffer()
}

/**
 * A committed offset as a value.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadataManager.scala#GroupMetadataManager.offsetCommitValue
 */
export function offsetCommitValue(offsetAndMetadata: OffsetAndMetadata): Buffer {
  const writer = new ByteWriter()
  writer.writeInt16(CURRENT_OFFSET_VALUE_SCHEMA_VERSION)
  writer.writeInt64(offsetAndMetadata.offset)
  writer.writeString(offsetAndMetadata.metadata)
  writer.writeInt64(offsetAndMetadata.commitTimestamp)
  writer.writeInt64(offsetAndMetadata.expireTimestamp)
  return writer.toBuffer()
}

/**
 * A group as a value.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadataManager.scala#GroupMetadataManager.groupMetadataValue
 * @param assignment what each member is given, by member id.
 * @throws IllegalStateException when it has members but no protocol or no assignment.
 */
export function groupMetadataValue(
  group: GroupMetadata,
  assignment: ReadonlyMap<string, Buffer>,
): Buffer {
  const writer = new ByteWriter()
  writer.writeInt16(CURRENT_GROUP_VALUE_SCHEMA_VERSION)
  writer.writeString(group.protocolType ?? '')
  writer.writeInt32(group.generationId)
  writer.writeNullableString(group.protocolOrNull)
  writer.writeNullableString(group.leaderOrNull)

  // Write each member with what it said and what it gets.
  const members = group.allMemberMetadata
  writer.writeInt32(members.length)
  for (const member of members) {
    const protocol = group.protocolOrNull
    const assigned = assignment.get(member.memberId)
    if (protocol === null || assigned === undefined) {
      throw new IllegalStateException(
        `${member.memberId} has no protocol or assignment`,
      )
    }
    writer.writeString(member.memberId)
    writer.writeString(member.clientId)
    writer.writeString(member.clientHost)
    writer.writeInt32(member.rebalanceTimeoutMs)
    writer.writeInt32(member.sessionTimeoutMs)
    writer.writeBytes(member.metadata(protocol))
    writer.writeBytes(assigned)
  }
  return writer.toBuffer()
}

/**
 * Reads a key.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadataManager.scala#GroupMetadataManager.readMessageKey
 * @throws KafkaException for a version that is not known, SchemaException for bytes that
 *   are too few.
 */
export function readMessageKey(key: Buffer): BaseKey {
  const reader = new ByteReader(key)
  const version = reader.readInt16()
  if (version === 0 || version === CURRENT_OFFSET_KEY_SCHEMA_VERSION) {
    const group = reader.readString()
    const topic = reader.readString()
    const topicPartition = new TopicPartition(topic, reader.readInt32())
    return { kind: 'offset', version, group, topicPartition }
  }
  if (version === CURRENT_GROUP_KEY_SCHEMA_VERSION) {
    return { kind: 'group', version, group: reader.readString() }
  }
  throw new KafkaException(`unknown version ${version} of a group record's key`)
}

/**
 * Reads a committed offset. @throws KafkaException for an unknown version.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadataManager.scala#GroupMetadataManager.readOffsetMessageValue
 */
export function readOffsetMessageValue(value: Buffer): OffsetAndMetadata {
  const reader = new ByteReader(value)
  const version = reader.readInt16()
  if (version !== 0 && version !== CURRENT_OFFSET_VALUE_SCHEMA_VERSION) {
    throw new KafkaException(`unknown version ${version} of an offset record`)
  }
  const offset = reader.readInt64()
  const metadata = reader.readString()
  const commitTimestamp = reader.readInt64()

  // The oldest form has one time: it counts from there, by the broker's retention.
  const expireTimestamp = version === 0 ? -1 : reader.readInt64()
  return { offset, metadata, commitTimestamp, expireTimestamp }
}

/**
 * Reads a group. @throws KafkaException for an unknown version.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadataManager.scala#GroupMetadataManager.readGroupMessageValue
 */
export function readGroupMessageValue(groupId: string, value: Buffer): GroupMetadata {
  const reader = new ByteReader(value)
  const version = reader.readInt16()
  if (version !== 0 && version !== CURRENT_GROUP_VALUE_SCHEMA_VERSION) {
    throw new KafkaException(`unknown version ${version} of a group record`)
  }
  const protocolType = reader.readString()
  const generationId = reader.readInt32()
  const protocol = reader.readNullableString()
  const leaderId = reader.readNullableString()
  const members: MemberMetadata[] = []
  for (let count = reader.readInt32(); count > 0; count -= 1) {
    members.push(readMember(reader, version, { groupId, protocolType, protocol }))
  }
  return GroupMetadata.loadGroup(groupId, {
    generationId,
    protocolType,
    protocol,
    leaderId,
    members,
  })
}

function readMember(
  reader: ByteReader,
  version: number,
  group: { groupId: string; protocolType: string; protocol: string | null },
): MemberMetadata {
  const memberId = reader.readString()
  const clientId = reader.readString()
  const clientHost = reader.readString()

  // Before version 1 one timeout served both purposes.
  const first = reader.readInt32()
  const sessionTimeoutMs = version === 0 ? first : reader.readInt32()
  const metadata = Buffer.from(reader.readBytes())
  const member = new MemberMetadata({
    memberId,
    groupId: group.groupId,
    clientId,
    clientHost,
    rebalanceTimeoutMs: first,
    sessionTimeoutMs,
    protocolType: group.protocolType,
    supportedProtocols: [{ name: group.protocol ?? '', metadata }],
  })
  member.assignment = Buffer.from(reader.readBytes())
  return member
}
