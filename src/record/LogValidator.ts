/**
 * # LogValidator
 *
 * The door of the log: what a leader checks in records that were sent to it, and how
 * they get their offsets. Where it can, it keeps the sender's bytes and writes only
 * offset, leader epoch and largest timestamp into them; where it cannot, it builds a
 * new batch.
 *
 * | source and target | same format, inner offsets 0…n-1 | else |
 * |---|---|---|
 * | both uncompressed | in place | rebuilt in the topic's format |
 * | same codec, format above 0 | in place | packed again |
 * | other codec | packed again | packed again |
 *
 * Left to the caller: the CRC of each batch, and its size (`Log` does both before).
 *
 * Invariants: offsets given out are dense and begin at the offset asked for; when a
 * check fails an exception leaves, and nothing of the set may be appended.
 *
 * @kafka core/src/main/scala/kafka/log/LogValidator.scala#LogValidator
 * @differs several compressed batches in one set are packed again into one; Kafka, when
 *   their inner offsets happen to go on from each other, sets the offset of the first
 *   only
 * @differs uncompressed magic-2 records of a client whose offsets inside the batch are
 *   not 0…n-1 are refused; 1.1.1 does not look, and readers then see other offsets than
 *   the producer was told
 * @differs a transactional batch for a topic of an older format is always refused with
 *   UNSUPPORTED_FOR_MESSAGE_FORMAT; Kafka 1.1.1 answers UNKNOWN_SERVER_ERROR when it is
 *   not compressed, because its builder complains before the check
 * @module
 */

import {
  InvalidRecordException,
  InvalidTimestampException,
  UnsupportedForMessageFormatException,
} from '../base/errors.ts'
import { CompressionType } from './CompressionType.ts'
import type { RecordCursor, RecordView } from './KafkaRecord.ts'
import { MemoryRecords } from './MemoryRecords.ts'
import { headerBytes, MemoryRecordsBuilder } from './MemoryRecordsBuilder.ts'
import { RecordBatch } from './RecordBatch.ts'
import { TimestampType } from './TimestampType.ts'

/** What {@link LogValidator.validateMessagesAndAssignOffsets} is given. */
export interface ValidationRequest {
  /** Whole batches with right CRCs; changed in place where possible. */
  readonly records: MemoryRecords
  /** Offset for the first record. */
  readonly nextOffset: number
  /** Wall clock, in milliseconds since 1970. */
  readonly now: number
  /** Codec that the producer used; NONE only if no batch is compressed. */
  readonly sourceCodec: CompressionType
  /** Codec that the topic stores. */
  readonly targetCodec: CompressionType
  /** Whether a record must have a key. */
  readonly compactedTopic: boolean
  /** Format that the topic stores: 0, 1 or 2. */
  readonly magic: number
  /** `message.timestamp.type` of the topic. */
  readonly timestampType: TimestampType
  /** Most milliseconds that a CreateTime may be away from `now`; from 2^53 on, any. */
  readonly timestampDiffMaxMs: number
  /** Epoch of the leader that appends; -1 when left out. */
  readonly partitionLeaderEpoch?: number | undefined
  /** Whether a client sent it; the broker's own appends may hold markers. */
  readonly isFromClient: boolean
  /** Most bytes that one batch may unpack to; 128 MiB when left out. */
  readonly maxDecompressedBytes?: number | undefined
}

/** What comes out of the door. */
export interface ValidationAndOffsetAssignResult {
  /** The given records where they were kept, else new ones. */
  readonly validatedRecords: MemoryRecords
  /** Largest timestamp, or `now` for LogAppendTime; -1 when there is none. */
  readonly maxTimestamp: number
  /** Offset of the batch that has it. */
  readonly shallowOffsetOfMaxTimestamp: number
  /** Whether sizes must be checked again, because the bytes are new. */
  readonly messageSizeMaybeChanged: boolean
  /** Offset after the last record. */
  readonly nextOffset: number
  /** Records that were rewritten; 0 where the bytes were kept. */
  readonly recordsConverted: number
}

/** Checks records and gives them their offsets. */
export class LogValidator {
  /**
   * Checks every record and gives each the next offset.
   *
   * @param request - the records, and what the topic demands
   * @returns the records to append, with what the indexes need
   * @throws InvalidRecordException for counts that do not match the offsets, a producer
   *   id without sequence, markers from a client, a missing key on a compacted topic,
   *   nested compression, or bytes that cannot be unpacked
   * @throws InvalidTimestampException for a time too far away, or LogAppendTime set by
   *   the sender
   * @throws UnsupportedForMessageFormatException for transactional or idempotent
   *   batches in a topic of an older format
   * @throws IllegalArgumentException for a codec that 1.1 does not know, and for
   *   headers in a topic of an older format; 1.1.1 answers both with
   *   UNKNOWN_SERVER_ERROR
   */
  static validateMessagesAndAssignOffsets(
    request: ValidationRequest,
  ): ValidationAndOffsetAssignResult {
    const { records, sourceCodec, targetCodec, magic } = request
    if (sourceCodec !== CompressionType.NONE || targetCodec !== CompressionType.NONE) {
      return validateMessagesAndAssignOffsetsCompressed(request)
    }
    return records.hasMatchingMagic(magic)
      ? assignOffsetsNonCompressed(request)
      : convertAndAssignOffsetsNonCompressed(request)
  }
}

/**
 * Walks uncompressed batches of the topic's format and changes them in place.
 *
 * @kafka core/src/main/scala/kafka/log/LogValidator.scala#LogValidator.assignOffsetsNonCompressed
 */
function assignOffsetsNonCompressed(
  request: ValidationRequest,
): ValidationAndOffsetAssignResult {
  const { records, now, magic, timestampType, nextOffset: initialOffset } = request
  const hasTimestamps = magic > RecordBatch.MAGIC_VALUE_V0
  const isAppendTime = timestampType === TimestampType.LOG_APPEND_TIME
  let offset = initialOffset
  let maxTimestamp: number = RecordBatch.NO_TIMESTAMP
  let offsetOfMaxTimestamp = -1
  for (const batch of records.batches()) {
    validateBatch(batch, request)

    // Check each record and find the latest.
    let maxBatchTimestamp: number = RecordBatch.NO_TIMESTAMP
    let offsetOfMaxBatchTimestamp = -1
    const rules = rulesOf(batch, request)
    const isDense = request.isFromClient && magic >= RecordBatch.MAGIC_VALUE_V2
    const shift = offset - batch.baseOffset
    const cursor = batch.streamingIterator(request.maxDecompressedBytes)
    while (cursor.next()) {
      validateRecord(cursor, rules)
      if (isDense && cursor.offset + shift !== offset) {
        throw new InvalidRecordException(`offset ${cursor.offset} out of its turn`)
      }
      if (hasTimestamps && cursor.timestamp > maxBatchTimestamp) {
        maxBatchTimestamp = cursor.timestamp
        offsetOfMaxBatchTimestamp = offset
      }
      offset++
    }
    if (maxBatchTimestamp > maxTimestamp) {
      maxTimestamp = maxBatchTimestamp
      offsetOfMaxTimestamp = offsetOfMaxBatchTimestamp
    }

    // Write offset, epoch and time into the batch.
    batch.setLastOffset(offset - 1)
    stampEpoch(batch, request)
    if (hasTimestamps) {
      batch.setMaxTimestamp(timestampType, isAppendTime ? now : maxBatchTimestamp)
    }
  }

  // With LogAppendTime all are equally late: point at the whole set.
  if (isAppendTime) {
    maxTimestamp = now
    const oneBatch = magic >= RecordBatch.MAGIC_VALUE_V2
    offsetOfMaxTimestamp = oneBatch ? offset - 1 : initialOffset
  }
  return kept(request, offset, maxTimestamp, offsetOfMaxTimestamp)
}

/**
 * Rewrites uncompressed batches of other formats in the topic's.
 *
 * @kafka core/src/main/scala/kafka/log/LogValidator.scala#LogValidator.convertAndAssignOffsetsNonCompressed
 */
function convertAndAssignOffsetsNonCompressed(
  request: ValidationRequest,
): ValidationAndOffsetAssignResult {
  const cursors: RecordCursor[] = []
  let count = 0
  for (const batch of request.records.batches()) {
    validateBatch(batch, request)
    const rules = rulesOf(batch, request)
    const cursor = batch.streamingIterator(request.maxDecompressedBytes)
    for (; cursor.next(); count++) validateRecord(cursor, rules)
    cursors.push(cursor)
  }
  const estimate = request.records.sizeInBytes + 16 * count
  return buildRecordsAndAssignOffsets(request, cursors, estimate)
}

/**
 * Unpacks and checks every record; keeps the packed bytes when the topic would store
 * just these, else packs them again.
 *
 * @kafka core/src/main/scala/kafka/log/LogValidator.scala#LogValidator.validateMessagesAndAssignOffsetsCompressed
 */
function validateMessagesAndAssignOffsetsCompressed(
  request: ValidationRequest,
): ValidationAndOffsetAssignResult {
  const { records, sourceCodec, targetCodec, magic } = request
  const isPacked = sourceCodec !== CompressionType.NONE

  // Keep the bytes only if codec, format and every inner offset are as stored.
  let inPlaceAssignment =
    sourceCodec === targetCodec && magic > RecordBatch.MAGIC_VALUE_V0
  let expectedInnerOffset = 0
  let maxTimestamp: number = RecordBatch.NO_TIMESTAMP
  let count = 0
  let uncompressedBytes = 0
  const batches: RecordBatch[] = []
  const cursors: RecordCursor[] = []
  for (const batch of records.batches()) {
    validateBatch(batch, request)
    batches.push(batch)
    uncompressedBytes += headerBytes(magic, batch.compressionType)

    // Leave markers as they are: they are never packed.
    if (!isPacked && batch.isControlBatch) inPlaceAssignment = true

    // Check each record, and whether its offset and format can stay.
    const rules = rulesOf(batch, request)
    const cursor = batch.streamingIterator(request.maxDecompressedBytes)
    cursors.push(cursor)
    for (; cursor.next(); count++) {
      validateRecord(cursor, rules)
      if (isPacked && cursor.isCompressed) {
        throw new InvalidRecordException(
          'a compressed record inside a compressed batch',
        )
      }
      uncompressedBytes += cursor.sizeInBytes
      if (!cursor.hasMagic(magic)) inPlaceAssignment = false
      if (rules.magic === RecordBatch.MAGIC_VALUE_V0) continue
      if (magic === RecordBatch.MAGIC_VALUE_V0) continue
      if (cursor.offset !== expectedInnerOffset++) inPlaceAssignment = false
      if (cursor.timestamp > maxTimestamp) maxTimestamp = cursor.timestamp
    }
  }

  if (!inPlaceAssignment || batches.length !== 1) {
    return buildRecordsAndAssignOffsets(request, cursors, uncompressedBytes)
  }
  return assignOffsetsInPlace(request, batches[0]!, count, maxTimestamp)
}

/** Writes offset, epoch and time into a compressed batch that stays packed. */
function assignOffsetsInPlace(
  request: ValidationRequest,
  batch: RecordBatch,
  count: number,
  maxRecordTimestamp: number,
): ValidationAndOffsetAssignResult {
  const { nextOffset, timestampType, now } = request
  const isAppendTime = timestampType === TimestampType.LOG_APPEND_TIME
  const maxTimestamp = isAppendTime ? now : maxRecordTimestamp
  const lastOffset = nextOffset + count - 1
  batch.setLastOffset(lastOffset)
  batch.setMaxTimestamp(timestampType, maxTimestamp)
  stampEpoch(batch, request)
  return kept(request, nextOffset + count, maxTimestamp, lastOffset)
}

/**
 * Builds one new set of the topic's format and codec from records already checked.
 *
 * @kafka core/src/main/scala/kafka/log/LogValidator.scala#LogValidator.buildRecordsAndAssignOffsets
 */
function buildRecordsAndAssignOffsets(
  request: ValidationRequest,
  cursors: readonly RecordCursor[],
  estimatedBytes: number,
): ValidationAndOffsetAssignResult {
  // Carry over the producer of the first batch: with producer ids there is only one.
  const { nextOffset, magic, timestampType, now } = request
  const first = request.records.batches().next().value as RecordBatch | undefined
  const builder = new MemoryRecordsBuilder({
    magic,
    compressionType: request.targetCodec,
    timestampType,
    baseOffset: nextOffset,
    logAppendTime: now,
    producerId: first?.producerId,
    producerEpoch: first?.producerEpoch,
    baseSequence: first?.baseSequence,
    isTransactional: first?.isTransactional,
    isControlBatch: first?.isControlBatch,
    partitionLeaderEpoch: request.partitionLeaderEpoch,
    initialCapacity: estimatedBytes,
  })

  // Write each record at the next offset.
  let offset = nextOffset
  for (const cursor of cursors) {
    cursor.rewind()
    while (cursor.next()) builder.appendWithOffset(offset++, cursor.record())
  }

  const validatedRecords = new MemoryRecords(builder.build())
  return {
    validatedRecords,
    ...builder.info(),
    messageSizeMaybeChanged: true,
    nextOffset: offset,
    recordsConverted: builder.numRecords,
  }
}

/**
 * Checks what the header of a batch says.
 *
 * @kafka core/src/main/scala/kafka/log/LogValidator.scala#LogValidator.validateBatch
 */
function validateBatch(batch: RecordBatch, request: ValidationRequest): void {
  if (request.isFromClient) validateClientBatch(batch)

  // Refuse what the topic's format has no fields for.
  if (request.magic >= RecordBatch.MAGIC_VALUE_V2) return
  if (batch.isTransactional) {
    throw new UnsupportedForMessageFormatException(
      `transactional records cannot be used with magic version ${request.magic}`,
    )
  }
  if (batch.hasProducerId) {
    throw new UnsupportedForMessageFormatException(
      `idempotent records cannot be used with magic version ${request.magic}`,
    )
  }
}

/** Checks what only the broker itself may break. */
function validateClientBatch(batch: RecordBatch): void {
  const { magic } = batch

  // Hold the count against the offsets: a producer leaves no gaps.
  if (magic >= RecordBatch.MAGIC_VALUE_V2) {
    const { baseOffset, lastOffset } = batch
    const countFromOffsets = lastOffset - baseOffset + 1
    const count = batch.countOrNull ?? 0
    if (countFromOffsets <= 0) {
      throw new InvalidRecordException(
        `the batch has an invalid offset range [${baseOffset}, ${lastOffset}]`,
      )
    }
    if (count <= 0)
      throw new InvalidRecordException(`the batch reports ${count} records`)
    if (count !== countFromOffsets) {
      throw new InvalidRecordException(
        `offsets [${baseOffset}, ${lastOffset}] do not fit ${count} records`,
      )
    }
  }

  if (batch.hasProducerId && batch.baseSequence < 0) {
    throw new InvalidRecordException(
      `invalid sequence ${batch.baseSequence} in a batch of producer id ` +
        `${batch.producerId}`,
    )
  }
  if (batch.isControlBatch) {
    throw new InvalidRecordException('clients are not allowed to write control records')
  }
}

/** What every record of a batch is held against, worked out once. */
interface RecordRules {
  readonly magic: number
  /** Whether each record has a CRC of its own that nothing has checked yet. */
  readonly checkCrc: boolean
  readonly needsKey: boolean
  readonly now: number
  /** Most milliseconds from now; no record can pass infinity. */
  readonly timestampDiffMaxMs: number
  /** Whether the sender stamped the batch as only a broker may. */
  readonly isAppendTime: boolean
}

/** Works out what the records of a batch are held against. */
function rulesOf(batch: RecordBatch, request: ValidationRequest): RecordRules {
  const { timestampDiffMaxMs, timestampType } = request
  const isBound =
    timestampType === TimestampType.CREATE_TIME &&
    timestampDiffMaxMs < Number.MAX_SAFE_INTEGER
  return {
    magic: batch.magic,
    checkCrc: batch.magic <= RecordBatch.MAGIC_VALUE_V1 && batch.isCompressed,
    needsKey: request.compactedTopic,
    now: request.now,
    timestampDiffMaxMs: isBound ? timestampDiffMaxMs : Infinity,
    isAppendTime: batch.timestampType === TimestampType.LOG_APPEND_TIME,
  }
}

/**
 * Checks one record.
 *
 * @kafka core/src/main/scala/kafka/log/LogValidator.scala#LogValidator.validateRecord
 */
function validateRecord(record: RecordView, rules: RecordRules): void {
  if (!record.hasMagic(rules.magic)) {
    throw new InvalidRecordException(
      `a record's magic does not match the outer magic ${rules.magic}`,
    )
  }

  // Check the CRC of an inner message: the batch's covers it only while packed.
  if (rules.checkCrc) record.ensureValid()

  if (rules.needsKey && !record.hasKey) {
    throw new InvalidRecordException('a compacted topic takes no message without a key')
  }
  validateTimestamp(record, rules)
}

/**
 * Checks that a producer's time is near, and that it is the producer's.
 *
 * @kafka core/src/main/scala/kafka/log/LogValidator.scala#LogValidator.validateTimestamp
 */
function validateTimestamp(record: RecordView, rules: RecordRules): void {
  const { now, timestampDiffMaxMs } = rules
  const { timestamp } = record
  const isFar = Math.abs(timestamp - now) > timestampDiffMaxMs
  if (isFar && timestamp !== RecordBatch.NO_TIMESTAMP) {
    const range = `[${now - timestampDiffMaxMs}, ${now + timestampDiffMaxMs}]`
    throw new InvalidTimestampException(
      `timestamp ${timestamp} of the message at ${record.offset} is not in ${range}`,
    )
  }
  if (rules.isAppendTime) {
    throw new InvalidTimestampException('a producer must not set LogAppendTime')
  }
}

/** Writes the leader's epoch into a batch that has room for it. */
function stampEpoch(batch: RecordBatch, request: ValidationRequest): void {
  if (batch.magic < RecordBatch.MAGIC_VALUE_V2) return
  const epoch = request.partitionLeaderEpoch ?? RecordBatch.NO_PARTITION_LEADER_EPOCH
  batch.setPartitionLeaderEpoch(epoch)
}

/** The result for records whose bytes stay where they are. */
function kept(
  request: ValidationRequest,
  nextOffset: number,
  maxTimestamp: number,
  shallowOffsetOfMaxTimestamp: number,
): ValidationAndOffsetAssignResult {
  return {
    validatedRecords: request.records,
    maxTimestamp,
    shallowOffsetOfMaxTimestamp,
    messageSizeMaybeChanged: false,
    nextOffset,
    recordsConverted: 0,
  }
}
