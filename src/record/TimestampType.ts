/**
 * # TimestampType
 *
 * Whose clock a record's timestamp comes from. Magic 0 has no timestamps at all; later
 * formats keep one bit: 0 the producer's (CreateTime), 1 the broker's (LogAppendTime).
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/TimestampType.java#TimestampType
 * @module
 */

/** Kafka's name of a timestamp type, as topic configs spell it. */
export type TimestampType = 'NoTimestampType' | 'CreateTime' | 'LogAppendTime'

/** The three types, under the names of Kafka's constants. */
export const TimestampType = {
  /** Magic 0: there is no timestamp. */
  NO_TIMESTAMP_TYPE: 'NoTimestampType',
  /** The producer set it. */
  CREATE_TIME: 'CreateTime',
  /** The broker set it when it appended. */
  LOG_APPEND_TIME: 'LogAppendTime',
} as const satisfies Record<string, TimestampType>
