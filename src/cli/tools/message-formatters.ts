/**
 * # Message formatters
 *
 * How `consume --formatter` writes records: by Kafka's class names, with or without their
 * package.
 *
 * @module
 */
import { IllegalArgumentException } from '../../base/errors.ts'
import { logger } from '../../base/logger.ts'
import type { FetchedRecord } from '../../clients/fetched-record.ts'
import {
  readGroupMessageValue,
  readMessageKey,
  readOffsetMessageValue,
} from '../../coordinator/group/group-messages.ts'
import type { MemberMetadata } from '../../coordinator/group/MemberMetadata.ts'
import { TransactionLog } from '../../coordinator/transaction/TransactionLog.ts'
import { Message } from '../../record/Message.ts'
import { TimestampType } from '../../record/TimestampType.ts'
import { DefaultMessageFormatter } from './DefaultMessageFormatter.ts'

/**
 * Makes the bytes of a record.
 *
 * @kafka core/src/main/scala/kafka/common/MessageFormatter.scala#MessageFormatter
 */
export interface MessageFormatter {
  /** @returns what is printed; empty for a record that is passed over */
  format(record: FetchedRecord): Buffer
}

type Properties = Readonly<Record<string, string>>

/**
 * Also writes key and value to the log, as text.
 *
 * @kafka core/src/main/scala/kafka/tools/ConsoleConsumer.scala#LoggingMessageFormatter
 */
export class LoggingMessageFormatter implements MessageFormatter {
  readonly #writer: DefaultMessageFormatter
  readonly #log = logger('LoggingMessageFormatter')

  constructor(properties: Properties) {
    this.#writer = new DefaultMessageFormatter(properties)
  }

  format(record: FetchedRecord): Buffer {
    const { timestampType, timestamp, key, value } = record
    const isStamped = timestampType !== TimestampType.NO_TIMESTAMP_TYPE
    const time = isStamped ? `${timestampType}:${timestamp}, ` : ''
    this.#log.info(`${time}key:${key ?? 'null'}, value:${value ?? 'null'}`)
    return this.#writer.format(record)
  }
}

/**
 * Writes nothing: for measuring.
 *
 * @kafka core/src/main/scala/kafka/tools/ConsoleConsumer.scala#NoOpMessageFormatter
 */
export class NoOpMessageFormatter implements MessageFormatter {
  format(): Buffer {
    return Buffer.alloc(0)
  }
}

/**
 * Writes the checksum that a record has as a message of format 1, or 0 without a time.
 *
 * @kafka core/src/main/scala/kafka/tools/ConsoleConsumer.scala#ChecksumMessageFormatter
 */
export class ChecksumMessageFormatter implements MessageFormatter {
  readonly #topic: string

  /** @param properties - `topic`, written in front */
  constructor({ topic }: Properties) {
    this.#topic = topic === undefined ? '' : `${topic}:`
  }

  format({ key, value, timestamp, timestampType }: FetchedRecord): Buffer {
    const isStamped = timestampType !== TimestampType.NO_TIMESTAMP_TYPE
    const { checksum } = Message.of({
      ...{ bytes: value, key },
      ...(isStamped ? { timestamp, timestampType } : { magicValue: 0 }),
    })
    return Buffer.from(`${this.#topic}checksum:${checksum}\n`)
  }
}

/**
 * Writes the committed offsets of `__consumer_offsets`, and passes by what else is there.
 *
 *     [group,topic,0]::[OffsetMetadata[5,NO_METADATA],CommitTime 1,ExpirationTime 2]
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadataManager.scala#OffsetsMessageFormatter
 */
export class OffsetsMessageFormatter implements MessageFormatter {
  format({ key, value }: FetchedRecord): Buffer {
    const parsed = key === null ? undefined : readMessageKey(key)
    if (parsed?.kind !== 'offset') return Buffer.alloc(0)
    const { topic, partition } = parsed.topicPartition
    return Buffer.from(`[${parsed.group},${topic},${partition}]::${textOf(value)}\n`)
  }
}

function textOf(value: Buffer | null): string {
  if (value === null) return 'NULL'
  const committed = readOffsetMessageValue(value)
  const { offset, metadata, commitTimestamp, expireTimestamp } = committed
  return (
    `[OffsetMetadata[${offset},${metadata === '' ? 'NO_METADATA' : metadata}],` +
    `CommitTime ${commitTimestamp},ExpirationTime ${expireTimestamp}]`
  )
}

/**
 * Writes the groups of `__consumer_offsets`, and passes by what else is there.
 *
 *     group::GroupMetadata(groupId=group, generation=3, protocolType=Some(consumer),
 *       currentState=Stable, members=Map(a-1 -> MemberMetadata(memberId=a-1, …, )))
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadataManager.scala#GroupMetadataMessageFormatter
 * @differs members stand in the order of the record; Kafka prints a hash map
 */
export class GroupMetadataMessageFormatter implements MessageFormatter {
  format({ key, value }: FetchedRecord): Buffer {
    const parsed = key === null ? undefined : readMessageKey(key)
    if (parsed?.kind !== 'group') return Buffer.alloc(0)
    return Buffer.from(`${parsed.group}::${groupText(parsed.group, value)}\n`)
  }
}

/** @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadata.scala#toString */
function groupText(groupId: string, value: Buffer | null): string {
  if (value === null) return 'NULL'
  const group = readGroupMessageValue(groupId, value)
  const { generationId, protocolType, currentState, allMemberMetadata } = group
  const members = allMemberMetadata.map(
    (one) => `${one.memberId} -> ${memberText(one)}`,
  )
  return (
    `GroupMetadata(groupId=${groupId}, generation=${generationId}, ` +
    `protocolType=${protocolType ? `Some(${protocolType})` : 'None'}, ` +
    `currentState=${currentState}, members=Map(${members.join(', ')}))`
  )
}

/** @kafka core/src/main/scala/kafka/coordinator/group/MemberMetadata.scala#toString */
function memberText(member: MemberMetadata): string {
  const { memberId, clientId, clientHost, supportedProtocols } = member
  const names = supportedProtocols.map(({ name }) => name)
  return (
    `MemberMetadata(memberId=${memberId}, clientId=${clientId}, ` +
    `clientHost=${clientHost}, sessionTimeoutMs=${member.sessionTimeoutMs}, ` +
    `rebalanceTimeoutMs=${member.rebalanceTimeoutMs}, ` +
    `supportedProtocols=List(${names.join(', ')}), )`
  )
}

/**
 * Writes the transactional ids of `__transaction_state`.
 *
 * @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionLog.scala#TransactionLogMessageFormatter
 * @differs partitions stand in the order of the record; Kafka prints a hash set
 */
export class TransactionLogMessageFormatter implements MessageFormatter {
  format({ key, value }: FetchedRecord): Buffer {
    if (key === null) return Buffer.alloc(0)
    const id = TransactionLog.readTxnRecordKey(key)
    return Buffer.from(`${id}::${transactionText(id, value)}\n`)
  }
}

/** @kafka core/src/main/scala/kafka/coordinator/transaction/TransactionMetadata.scala#toString */
function transactionText(id: string, value: Buffer | null): string {
  const metadata = TransactionLog.readTxnRecordValue(id, value)
  if (!metadata) return 'NULL'
  const { producerId, producerEpoch, txnTimeoutMs, state, pendingState } = metadata
  return (
    `TransactionMetadata(transactionalId=${id}, producerId=${producerId}, ` +
    `producerEpoch=${producerEpoch}, txnTimeoutMs=${txnTimeoutMs}, state=${state}, ` +
    `pendingState=${pendingState ?? 'None'}, ` +
    `topicPartitions=Set(${[...metadata.topicPartitions].join(', ')}), ` +
    `txnStartTimestamp=${metadata.txnStartTimestamp}, ` +
    `txnLastUpdateTimestamp=${metadata.txnLastUpdateTimestamp})`
  )
}

const formatters: Readonly<
  Record<string, new (properties: Properties) => MessageFormatter>
> = {
  DefaultMessageFormatter,
  LoggingMessageFormatter,
  NoOpMessageFormatter,
  ChecksumMessageFormatter,
  OffsetsMessageFormatter,
  GroupMetadataMessageFormatter,
  TransactionLogMessageFormatter,
}

/**
 * Makes the formatter that `--formatter` names.
 *
 * @param className - such as `kafka.tools.NoOpMessageFormatter`
 * @param properties - what it is told
 * @throws IllegalArgumentException when there is no such formatter
 */
export function createMessageFormatter(
  className: string,
  properties: Properties,
): MessageFormatter {
  const name = className.slice(className.search(/[^.$]*$/))
  const Formatter = Object.hasOwn(formatters, name) ? formatters[name] : undefined
  if (Formatter) return new Formatter(properties)
  throw new IllegalArgumentException(
    `--formatter ${className}, expected one of ${Object.keys(formatters).join(', ')}`,
  )
}
