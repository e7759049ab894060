/**
 * # Errors
 *
 * Everything that can go wrong, by name. A broker answers with a *code*, per partition
 * or per request; a caller in this process meets an *exception*. The table at the end
 * ties the two: each code has one exception class, and each exception finds its code by
 * walking up its own ancestors until the table knows one.
 *
 *     NotLeaderForPartitionException ─▶ InvalidMetadataException ─▶ RetriableException
 *            │ code 6                      (no code)                   (retriable)
 *            ▼
 *     Errors.NOT_LEADER_FOR_PARTITION { code: 6, retriable: true, … }
 *
 * Invariants: codes are those of Kafka 1.1.1 and never change; an error is retriable
 * exactly when its class descends from {@link RetriableException}; an exception without
 * a code of its own answers UNKNOWN_SERVER_ERROR if it ever reaches the wire.
 *
 * Left out: codes above 71, which no 1.1 client knows.
 *
 * The classes keep the names they have in Kafka, where each is a file of its own in
 * `org.apache.kafka.common.errors`. The two `export *` lines make this the one place to
 * import an exception from; they are here because root and table need each other.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/protocol/Errors.java#Errors
 * @kafka clients/src/main/java/org/apache/kafka/common/errors
 * @module
 */

import {
  KafkaException,
  type KafkaExceptionClass,
  tie,
  unknownServerError,
  type WireError,
} from './KafkaException.ts'

export * from './exceptions.ts'
export {
  KafkaException,
  type KafkaExceptionOptions,
  type WireError,
} from './KafkaException.ts'

// ── Kinds of wire errors ─────────────────────────────────────────────────────────────

/** An answer a broker can give: it has an error code. */
export class ApiException extends KafkaException {}
/** The same request may succeed a little later. */
export class RetriableException extends ApiException {}
/** May succeed elsewhere: refresh the metadata first. */
export class InvalidMetadataException extends RetriableException {}
/** An offset that cannot be used. */
export class InvalidOffsetException extends ApiException {}
/** The principal is known but not allowed. */
export class AuthorizationException extends ApiException {}
/** The principal could not be established. */
export class AuthenticationException extends ApiException {}

// ── One class a code ─────────────────────────────────────────────────────────────────

/** Something failed that no code describes. */
export class UnknownServerException extends ApiException {}
/** The log does not hold this offset: too old, or not written yet. */
export class OffsetOutOfRangeException extends InvalidOffsetException {}
/** The bytes of a batch do not match its checksum or its sizes. */
export class CorruptRecordException extends RetriableException {}
/** No such topic or partition here. */
export class UnknownTopicOrPartitionException extends InvalidMetadataException {}
/** A fetch asked for a size that makes no sense. */
export class InvalidFetchSizeException extends ApiException {}
/** Nobody leads the partition now; an election is due. */
export class LeaderNotAvailableException extends InvalidMetadataException {}
/** Another broker leads the partition: refresh the metadata. */
export class NotLeaderForPartitionException extends InvalidMetadataException {}
/** What was asked did not happen within the time allowed. */
export class TimeoutException extends RetriableException {}
/** The broker that was named is not alive. */
export class BrokerNotAvailableException extends ApiException {}
/** A replica that was named is not alive, or not here. */
export class ReplicaNotAvailableException extends ApiException {}
/** A batch is larger than `max.message.bytes`. */
export class RecordTooLargeException extends ApiException {}
/** The sender was controller once; a newer one has been elected. */
export class ControllerMovedException extends ApiException {}
/** The text beside a committed offset is too long. */
export class OffsetMetadataTooLarge extends ApiException {}
/** The connection went away before the answer came. */
export class NetworkException extends InvalidMetadataException {}
/** The coordinator still reads its state from the log. */
export class CoordinatorLoadInProgressException extends RetriableException {}
/** No broker coordinates this key now. */
export class CoordinatorNotAvailableException extends RetriableException {}
/** Another broker coordinates this key: look it up again. */
export class NotCoordinatorException extends RetriableException {}
/** The topic's name is not legal, or the topic is internal. */
export class InvalidTopicException extends ApiException {}
/** The produced records do not fit in one log segment. */
export class RecordBatchTooLargeException extends ApiException {}
/** Too few replicas in sync; nothing was written. */
export class NotEnoughReplicasException extends RetriableException {}
/** Written, but meanwhile too few replicas are in sync. */
export class NotEnoughReplicasAfterAppendException extends RetriableException {}
/** `acks` is none of 0, 1 and -1. */
export class InvalidRequiredAcksException extends ApiException {}
/** The member speaks of a generation that is over. */
export class IllegalGenerationException extends ApiException {}
/** The member shares no protocol with the rest of its group. */
export class InconsistentGroupProtocolException extends ApiException {}
/** A group id that may not be used, such as the empty one. */
export class InvalidGroupIdException extends ApiException {}
/** The coordinator does not know this member: join again. */
export class UnknownMemberIdException extends ApiException {}
/** The session timeout lies outside the broker's bounds. */
export class InvalidSessionTimeoutException extends ApiException {}
/** The group is rebalancing: join again. */
export class RebalanceInProgressException extends ApiException {}
/** A commit does not fit in the offsets topic. */
export class InvalidCommitOffsetSizeException extends ApiException {}
/** The principal may not do this with the topic. */
export class TopicAuthorizationException extends AuthorizationException {}
/** The principal may not do this with the group. */
export class GroupAuthorizationException extends AuthorizationException {}
/** The principal may not do this with the cluster. */
export class ClusterAuthorizationException extends AuthorizationException {}
/** A record's time is too far from the broker's. */
export class InvalidTimestampException extends ApiException {}
/** The broker does not offer this SASL mechanism. */
export class UnsupportedSaslMechanismException extends AuthenticationException {}
/** A SASL request came when none was due. */
export class IllegalSaslStateException extends AuthenticationException {}
/** The peer does not know this version of the API. */
export class UnsupportedVersionException extends ApiException {}
/** A topic of that name exists. */
export class TopicExistsException extends ApiException {}
/** The number of partitions is not acceptable. */
export class InvalidPartitionsException extends ApiException {}
/** Less than one replica, or more than there are brokers. */
export class InvalidReplicationFactorException extends ApiException {}
/** A hand-made replica assignment contradicts itself. */
export class InvalidReplicaAssignmentException extends ApiException {}
/** A topic or broker setting is not valid. */
export class InvalidConfigurationException extends ApiException {}
/** Only the controller does this; another broker is it. */
export class NotControllerException extends RetriableException {}
/** The request can be read but makes no sense. */
export class InvalidRequestException extends ApiException {}
/** The topic's message format cannot hold what is asked. */
export class UnsupportedForMessageFormatException extends ApiException {}
/** A policy plugged into the broker refused. */
export class PolicyViolationException extends ApiException {}
/** A batch of an idempotent producer is missing before this one. */
export class OutOfOrderSequenceException extends ApiException {}
/** The batch was written before, too long ago to answer for it. */
export class DuplicateSequenceException extends ApiException {}
/** A newer producer with the same transactional id has taken over. */
export class ProducerFencedException extends ApiException {}
/** The transaction is not in a state that allows this. */
export class InvalidTxnStateException extends ApiException {}
/** The producer id does not belong to the transactional id. */
export class InvalidPidMappingException extends ApiException {}
/** The transaction timeout exceeds `transaction.max.timeout.ms`. */
export class InvalidTxnTimeoutException extends ApiException {}
/** The transaction is just being completed: try again. */
export class ConcurrentTransactionsException extends ApiException {}
/** A marker came from a coordinator that has been replaced. */
export class TransactionCoordinatorFencedException extends ApiException {}
/** The principal may not use the transactional id. */
export class TransactionalIdAuthorizationException extends AuthorizationException {}
/** No authorizer is configured, so there are no ACLs. */
export class SecurityDisabledException extends ApiException {}
/** Left undone because another part of the request failed. */
export class OperationNotAttemptedException extends ApiException {}
/** The disk under the log failed. */
export class KafkaStorageException extends InvalidMetadataException {}
/** The broker has no such log directory. */
export class LogDirNotFoundException extends ApiException {}
/** The credentials were refused. */
export class SaslAuthenticationException extends AuthenticationException {}
/** The broker remembers nothing of this producer id. */
export class UnknownProducerIdException extends OutOfOrderSequenceException {}
/** Replicas are being moved: not now. */
export class ReassignmentInProgressException extends ApiException {}
/** Delegation tokens are switched off. */
export class DelegationTokenDisabledException extends ApiException {}
/** The broker knows no such delegation token. */
export class DelegationTokenNotFoundException extends ApiException {}
/** Neither owner nor renewer of the token. */
export class DelegationTokenOwnerMismatchException extends ApiException {}
/** The way this connection was authenticated allows no tokens. */
export class UnsupportedByAuthenticationException extends ApiException {}
/** The principal may not see or use the token. */
export class DelegationTokenAuthorizationException extends AuthorizationException {}
/** The token's life is over. */
export class DelegationTokenExpiredException extends ApiException {}
/** Renewers must be users. */
export class InvalidPrincipalTypeException extends ApiException {}
/** A group with members cannot be deleted. */
export class GroupNotEmptyException extends ApiException {}
/** There is no group of that id. */
export class GroupIdNotFoundException extends ApiException {}
/** The fetch session has been forgotten: start a new one. */
export class FetchSessionIdNotFoundException extends RetriableException {}
/** The fetch session is at another epoch: start a new one. */
export class InvalidFetchSessionEpochException extends RetriableException {}

// ── Kinds of the above, with the same code ───────────────────────────────────────────

/** A batch breaks a rule of its format, whatever its checksum says. */
export class InvalidRecordException extends CorruptRecordException {}
/** The connection closed while a request was in flight. */
export class DisconnectException extends RetriableException {}

type Row = readonly [code: number, exception: KafkaExceptionClass, message: string]

const byCode = new Map<number, WireError>()

function named<T extends Record<string, Row>>(rows: T): { [K in keyof T]: WireError } {
  const table = {} as { [K in keyof T]: WireError }
  for (const name in rows) {
    // Derive the retriable flag from the class.
    const [code, Exception, message] = rows[name] as Row
    const retriable = Exception.prototype instanceof RetriableException
    const exception = (text = message) => new Exception(text)
    const fields: WireError = { name, code, retriable, message, exception }

    // Keep one object a code: the root already holds that of -1.
    const row = code === -1 ? Object.assign(unknownServerError, fields) : fields

    // Make the row findable by name, by code and by class.
    table[name] = row
    byCode.set(code, row)
    if (code !== 0) tie(Exception, row)
  }
  return table
}

const table = named({
  UNKNOWN_SERVER_ERROR: [
    -1,
    UnknownServerException,
    'the broker failed in a way that no error code describes',
  ],
  NONE: [0, KafkaException, 'no error'],
  OFFSET_OUT_OF_RANGE: [
    1,
    OffsetOutOfRangeException,
    'the log does not hold the requested offset',
  ],
  CORRUPT_MESSAGE: [
    2,
    CorruptRecordException,
    'a batch does not match its checksum or its sizes',
  ],
  UNKNOWN_TOPIC_OR_PARTITION: [
    3,
    UnknownTopicOrPartitionException,
    'this broker does not host that topic or partition',
  ],
  INVALID_FETCH_SIZE: [4, InvalidFetchSizeException, 'the fetch size is not valid'],
  LEADER_NOT_AVAILABLE: [
    5,
    LeaderNotAvailableException,
    'the partition has no leader now',
  ],
  NOT_LEADER_FOR_PARTITION: [
    6,
    NotLeaderForPartitionException,
    'this broker does not lead that partition',
  ],
  REQUEST_TIMED_OUT: [7, TimeoutException, 'the time allowed for the request ran out'],
  BROKER_NOT_AVAILABLE: [8, BrokerNotAvailableException, 'the broker is not alive'],
  REPLICA_NOT_AVAILABLE: [
    9,
    ReplicaNotAvailableException,
    'the replica is not available',
  ],
  MESSAGE_TOO_LARGE: [
    10,
    RecordTooLargeException,
    'a batch is larger than the topic accepts',
  ],
  STALE_CONTROLLER_EPOCH: [
    11,
    ControllerMovedException,
    'a newer controller has been elected',
  ],
  OFFSET_METADATA_TOO_LARGE: [
    12,
    OffsetMetadataTooLarge,
    'the metadata beside the committed offset is too long',
  ],
  NETWORK_EXCEPTION: [
    13,
    NetworkException,
    'the connection closed before the response came',
  ],
  COORDINATOR_LOAD_IN_PROGRESS: [
    14,
    CoordinatorLoadInProgressException,
    'the coordinator is still loading its state',
  ],
  COORDINATOR_NOT_AVAILABLE: [
    15,
    CoordinatorNotAvailableException,
    'no coordinator is available',
  ],
  NOT_COORDINATOR: [16, NotCoordinatorException, 'this broker is not the coordinator'],
  INVALID_TOPIC_EXCEPTION: [
    17,
    InvalidTopicException,
    'the topic may not be used in this way',
  ],
  RECORD_LIST_TOO_LARGE: [
    18,
    RecordBatchTooLargeException,
    'the records do not fit in one log segment',
  ],
  NOT_ENOUGH_REPLICAS: [
    19,
    NotEnoughReplicasException,
    'too few replicas are in sync, nothing was written',
  ],
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: [
    20,
    NotEnoughReplicasAfterAppendException,
    'written, but too few replicas are in sync',
  ],
  INVALID_REQUIRED_ACKS: [21, InvalidRequiredAcksException, 'acks must be 0, 1 or -1'],
  ILLEGAL_GENERATION: [
    22,
    IllegalGenerationException,
    'the group is in another generation',
  ],
  INCONSISTENT_GROUP_PROTOCOL: [
    23,
    InconsistentGroupProtocolException,
    'the member shares no protocol with its group',
  ],
  INVALID_GROUP_ID: [24, InvalidGroupIdException, 'the group id is not valid'],
  UNKNOWN_MEMBER_ID: [
    25,
    UnknownMemberIdException,
    'the coordinator does not know this member',
  ],
  INVALID_SESSION_TIMEOUT: [
    26,
    InvalidSessionTimeoutException,
    'the session timeout is outside the bounds of the broker',
  ],
  REBALANCE_IN_PROGRESS: [27, RebalanceInProgressException, 'the group is rebalancing'],
  INVALID_COMMIT_OFFSET_SIZE: [
    28,
    InvalidCommitOffsetSizeException,
    'the commit does not fit in the offsets topic',
  ],
  TOPIC_AUTHORIZATION_FAILED: [
    29,
    TopicAuthorizationException,
    'not allowed on this topic',
  ],
  GROUP_AUTHORIZATION_FAILED: [
    30,
    GroupAuthorizationException,
    'not allowed on this group',
  ],
  CLUSTER_AUTHORIZATION_FAILED: [
    31,
    ClusterAuthorizationException,
    'not allowed on the cluster',
  ],
  INVALID_TIMESTAMP: [
    32,
    InvalidTimestampException,
    'a timestamp is out of the accepted range',
  ],
  UNSUPPORTED_SASL_MECHANISM: [
    33,
    UnsupportedSaslMechanismException,
    'the SASL mechanism is not enabled',
  ],
  ILLEGAL_SASL_STATE: [
    34,
    IllegalSaslStateException,
    'not a legal request in this SASL state',
  ],
  UNSUPPORTED_VERSION: [
    35,
    UnsupportedVersionException,
    'this version of the API is not supported',
  ],
  TOPIC_ALREADY_EXISTS: [36, TopicExistsException, 'the topic exists already'],
  INVALID_PARTITIONS: [
    37,
    InvalidPartitionsException,
    'the number of partitions is not valid',
  ],
  INVALID_REPLICATION_FACTOR: [
    38,
    InvalidReplicationFactorException,
    'the replication factor is not valid',
  ],
  INVALID_REPLICA_ASSIGNMENT: [
    39,
    InvalidReplicaAssignmentException,
    'the replica assignment is not valid',
  ],
  INVALID_CONFIG: [40, InvalidConfigurationException, 'the configuration is not valid'],
  NOT_CONTROLLER: [41, NotControllerException, 'this broker is not the controller'],
  INVALID_REQUEST: [42, InvalidRequestException, 'the request makes no sense'],
  UNSUPPORTED_FOR_MESSAGE_FORMAT: [
    43,
    UnsupportedForMessageFormatException,
    'the message format of the topic does not allow this',
  ],
  POLICY_VIOLATION: [
    44,
    PolicyViolationException,
    'a policy of the broker refuses this',
  ],
  OUT_OF_ORDER_SEQUENCE_NUMBER: [
    45,
    OutOfOrderSequenceException,
    'the sequence number does not follow the last one',
  ],
  DUPLICATE_SEQUENCE_NUMBER: [
    46,
    DuplicateSequenceException,
    'the sequence number was used before',
  ],
  INVALID_PRODUCER_EPOCH: [
    47,
    ProducerFencedException,
    'a newer producer has fenced this one',
  ],
  INVALID_TXN_STATE: [
    48,
    InvalidTxnStateException,
    'the state of the transaction does not allow this',
  ],
  INVALID_PRODUCER_ID_MAPPING: [
    49,
    InvalidPidMappingException,
    'the producer id does not belong to the transactional id',
  ],
  INVALID_TRANSACTION_TIMEOUT: [
    50,
    InvalidTxnTimeoutException,
    'the transaction timeout is longer than the broker allows',
  ],
  CONCURRENT_TRANSACTIONS: [
    51,
    ConcurrentTransactionsException,
    'another operation on the transaction is under way',
  ],
  TRANSACTION_COORDINATOR_FENCED: [
    52,
    TransactionCoordinatorFencedException,
    'a newer transaction coordinator has taken over',
  ],
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: [
    53,
    TransactionalIdAuthorizationException,
    'not allowed on this transactional id',
  ],
  SECURITY_DISABLED: [54, SecurityDisabledException, 'no authorizer is configured'],
  OPERATION_NOT_ATTEMPTED: [
    55,
    OperationNotAttemptedException,
    'not tried, because another part of the request failed',
  ],
  KAFKA_STORAGE_ERROR: [56, KafkaStorageException, 'the disk under the log failed'],
  LOG_DIR_NOT_FOUND: [
    57,
    LogDirNotFoundException,
    'the broker has no such log directory',
  ],
  SASL_AUTHENTICATION_FAILED: [
    58,
    SaslAuthenticationException,
    'authentication failed',
  ],
  UNKNOWN_PRODUCER_ID: [
    59,
    UnknownProducerIdException,
    'the broker remembers nothing of this producer id',
  ],
  REASSIGNMENT_IN_PROGRESS: [
    60,
    ReassignmentInProgressException,
    'a partition reassignment is under way',
  ],
  DELEGATION_TOKEN_AUTH_DISABLED: [
    61,
    DelegationTokenDisabledException,
    'delegation tokens are not enabled',
  ],
  DELEGATION_TOKEN_NOT_FOUND: [
    62,
    DelegationTokenNotFoundException,
    'the delegation token is not known',
  ],
  DELEGATION_TOKEN_OWNER_MISMATCH: [
    63,
    DelegationTokenOwnerMismatchException,
    'the principal is neither owner nor renewer of the token',
  ],
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: [
    64,
    UnsupportedByAuthenticationException,
    'not allowed on a connection authenticated in this way',
  ],
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: [
    65,
    DelegationTokenAuthorizationException,
    'not allowed on this delegation token',
  ],
  DELEGATION_TOKEN_EXPIRED: [
    66,
    DelegationTokenExpiredException,
    'the delegation token has expired',
  ],
  INVALID_PRINCIPAL_TYPE: [
    67,
    InvalidPrincipalTypeException,
    'the type of the principal is not supported',
  ],
  NON_EMPTY_GROUP: [68, GroupNotEmptyException, 'the group has members'],
  GROUP_ID_NOT_FOUND: [69, GroupIdNotFoundException, 'there is no such group'],
  FETCH_SESSION_ID_NOT_FOUND: [
    70,
    FetchSessionIdNotFoundException,
    'the fetch session is not known',
  ],
  INVALID_FETCH_SESSION_EPOCH: [
    71,
    InvalidFetchSessionEpochException,
    'the fetch session is at another epoch',
  ],
})

/**
 * All error codes of Kafka 1.1.1 by name, in the order of their numbers.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/protocol/Errors.java#Errors
 */
export const Errors = {
  ...table,

  /**
   * Finds the error of a code read from the wire.
   *
   * @param code - int16 of a response
   * @returns its row; UNKNOWN_SERVER_ERROR for a code 1.1.1 does not know
   * @kafka clients/src/main/java/org/apache/kafka/common/protocol/Errors.java#forCode
   */
  forCode(code: number): WireError {
    return byCode.get(code) ?? table.UNKNOWN_SERVER_ERROR
  },

  /**
   * Finds the error to answer when `e` ended a request, by the class of `e` or its
   * nearest ancestor that has a code.
   *
   * @param e - whatever was thrown
   * @kafka clients/src/main/java/org/apache/kafka/common/protocol/Errors.java#forException
   */
  forException(e: unknown): WireError {
    return e instanceof KafkaException ? e.error : table.UNKNOWN_SERVER_ERROR
  },
}
