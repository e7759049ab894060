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
  readMessageKey,
  readOffsetMessageValue,
} from '../../coordinator/group/group-messages.ts'
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

const formatters: Readonly<
  Record<string, new (properties: Properties) => MessageFormatter>
> = {
  DefaultMessageFormatter,
  LoggingMessageFormatter,
  NoOpMessageFormatter,
  ChecksumMessageFormatter,
  OffsetsMessageFormatter,
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
