/**
 * # Exceptions without a code
 *
 * What goes wrong between callers in one process and never travels as a code of its
 * own: a peer that causes one of these is answered UNKNOWN_SERVER_ERROR, or nothing.
 * Import them from `errors.ts`, beside the others.
 *
 * @kafka core/src/main/scala/kafka/common
 * @module
 */

import { KafkaException } from './KafkaException.ts'

/** Bytes that do not decode, or a value that does not encode. */
export class SchemaException extends KafkaException {}
/** A frame of negative or unacceptable length. */
export class InvalidReceiveException extends KafkaException {}
/** A serializer of the caller failed. */
export class SerializationException extends KafkaException {}
/** A setting has a value that cannot be used. */
export class ConfigException extends KafkaException {}
/** Called at a time when it must not be. */
export class IllegalStateException extends KafkaException {}
/** Called with a value that makes no sense. */
export class IllegalArgumentException extends KafkaException {}
/** Reading or writing failed. */
export class IOException extends KafkaException {}
/** The connection is closed, or was never open. */
export class ClosedChannelException extends IOException {}
/** The caller gave up waiting. */
export class AbortedException extends KafkaException {}
/** The directory belongs to another broker id. */
export class InconsistentBrokerIdException extends KafkaException {}
/** The log directories disagree about the broker. */
export class InconsistentBrokerMetadataException extends KafkaException {}
/** No broker id could be generated. */
export class GenerateBrokerIdException extends KafkaException {}
/** The broker has no end point for that listener. */
export class BrokerEndPointNotAvailableException extends KafkaException {}
/** A follower was given an offset it already has. */
export class UnexpectedAppendOffsetException extends KafkaException {}
/** A follower was given offsets that do not ascend. */
export class OffsetsOutOfOrderException extends KafkaException {}
/** Cleaning stopped because the log was claimed. */
export class LogCleaningAbortedException extends KafkaException {}
/** The loop was asked to stop. */
export class ThreadShutdownException extends KafkaException {}
/** No compression codec has that number or name. */
export class UnknownCodecException extends KafkaException {}
/** No live replica can become leader. */
export class NoReplicaOnlineException extends KafkaException {}
/** The controller could not make this transition. */
export class StateChangeFailedException extends KafkaException {}
/** An administrative operation was refused. */
export class AdminOperationException extends KafkaException {}
/** A consumer gave up after all its rebalance attempts. */
export class ConsumerRebalanceFailedException extends KafkaException {}
/** No message came within `consumer.timeout.ms`. */
export class ConsumerTimeoutException extends KafkaException {}
/** Streams can be created once for a connector. */
export class MessageStreamsExistException extends KafkaException {}
/** A message exceeds the consumer's fetch size. */
export class MessageSizeTooLargeException extends KafkaException {}
/** The old producer gave up after all its tries. */
export class FailedToSendMessageException extends KafkaException {}
/** The producer has been closed. */
export class ProducerClosedException extends KafkaException {}
/** The asynchronous producer's queue has no room. */
export class QueueFullException extends KafkaException {}
/** The producer's queue was not empty at its end. */
export class IllegalQueueStateException extends KafkaException {}
/** The pool has no producer for that broker. */
export class UnavailableProducerException extends KafkaException {}
/** The topic has no partitions to send to. */
export class NoBrokersForPartitionException extends KafkaException {}
