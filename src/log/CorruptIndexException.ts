/**
 * # CorruptIndexException
 *
 * @kafka core/src/main/scala/kafka/log/CorruptIndexException.scala#CorruptIndexException
 * @module
 */
import { KafkaException } from '../base/errors.ts'

/**
 * An index contradicts itself. Nothing is lost: the log is scanned and the index rebuilt.
 *
 * @kafka core/src/main/scala/kafka/log/CorruptIndexException.scala#CorruptIndexException
 */
export class CorruptIndexException extends KafkaException {}

/**
 * An index was asked to go backwards: the offsets in the segment do not rise.
 *
 * @kafka core/src/main/scala/kafka/common/InvalidOffsetException.scala#InvalidOffsetException
 */
export class InvalidOffsetException extends KafkaException {}
