/**
 * # Topic
 *
 * What a topic may be called. A name becomes a directory name, part of a znode path and
 * part of a metric's name; in the last `.` and `_` cannot be told apart, so two topics may
 * not differ only there.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/internals/Topic.java#Topic
 * @module
 */

import { InvalidTopicException } from '../base/errors.ts'

/** Where groups keep their committed offsets. */
export const GROUP_METADATA_TOPIC_NAME = '__consumer_offsets'

/** Where transactions keep their state. */
export const TRANSACTION_STATE_TOPIC_NAME = '__transaction_state'

const maxNameLength = 249
const legal = /^[a-zA-Z0-9._-]+$/
const internalTopics = new Set([
  GROUP_METADATA_TOPIC_NAME,
  TRANSACTION_STATE_TOPIC_NAME,
])

/** The rules for names of topics. */
export class Topic {
  /**
   * Refuses a name that cannot be used.
   *
   * @throws InvalidTopicException saying which rule the name breaks
   * @kafka clients/src/main/java/org/apache/kafka/common/internals/Topic.java#Topic.validate
   */
  static validate(topic: string): void {
    if (topic === '') throw new InvalidTopicException('the topic name is empty')
    if (topic === '.' || topic === '..') {
      throw new InvalidTopicException('the topic name cannot be . or ..')
    }
    if (topic.length > maxNameLength) {
      throw new InvalidTopicException(
        `the topic name has ${topic.length} characters, ${maxNameLength} are allowed`,
      )
    }
    if (!legal.test(topic)) {
      throw new InvalidTopicException(
        `topic name ${topic} has other characters than a-z A-Z 0-9 . _ -`,
      )
    }
  }

  /** Whether a topic can have this name; the rules are those of {@link Topic.validate}. */
  static isValid(topic: string): boolean {
    return topic.length <= maxNameLength && legal.test(topic) && !/^\.\.?$/.test(topic)
  }

  /** Whether the topic belongs to Kafka itself. */
  static isInternal(topic: string): boolean {
    return internalTopics.has(topic)
  }

  /** Whether another name could look the same in a metric. */
  static hasCollisionChars(topic: string): boolean {
    return topic.includes('.') || topic.includes('_')
  }

  /** Whether both names look the same in a metric. */
  static hasCollision(a: string, b: string): boolean {
    return a.replaceAll('.', '_') === b.replaceAll('.', '_')
  }
}
