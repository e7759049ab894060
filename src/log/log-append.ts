/**
 * # Before the append
 *
 * The checks that need nothing of the log but its settings: sizes, checksums, codecs. They
 * look at headers only and copy nothing; the CRC over each batch is the cost of an append.
 *
 * @kafka core/src/main/scala/kafka/log/Log.scala#Log
 * @module
 */
import type { Steps } from '../base/async/steps.ts'
import {
  CorruptRecordException,
  InvalidRecordException,
  OffsetsOutOfOrderException,
  RecordTooLargeException,
} from '../base/errors.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { CompressionType } from '../record/CompressionType.ts'
import { LogValidator } from '../record/LogValidator.ts'
import { MemoryRecords } from '../record/MemoryRecords.ts'
import { RecordBatch } from '../record/RecordBatch.ts'
import type { CompletedTxn } from './CompletedTxn.ts'
import { LogAppendInfo } from './LogAppendInfo.ts'
import type { LogConfig } from './LogConfig.ts'
import type { ProducerAppendInfo } from './ProducerAppendInfo.ts'
import type { BatchMetadata } from './ProducerStateEntry.ts'
import type { ProducerStateManager } from './ProducerStateManager.ts'
import { stepBytes } from './segment-scan.ts'
import { UnexpectedAppendOffsetException } from './UnexpectedAppendOffsetException.ts'

/**
 * Checks every batch and gathers what the append needs to know.
 *
 * @param records as received; a part of a batch at the end is left out
 * @param log settings and start of the log
 * @param isFromClient whether a producer sent it: its batches of magic 2 begin at offset 0
 * @throws InvalidRecordException when they do not
 * @throws RecordTooLargeException for a batch above `max.message.bytes`
 * @throws CorruptRecordException for a batch whose CRC is wrong
 * @kafka core/src/main/scala/kafka/log/Log.scala#analyzeAndValidateRecords
 */
export function analyzeAndValidateRecords(
  records: MemoryRecords,
  log: { readonly config: LogConfig; readonly logStartOffset: number },
  isFromClient: boolean,
): LogAppendInfo {
  const info = new LogAppendInfo()
  info.logStartOffset = log.logStartOffset
  info.shallowCount = 0
  info.validBytes = 0
  info.offsetsMonotonic = true

  for (const batch of records.batches()) {
    // A producer does not know offsets yet.
    const isCurrent = batch.magic >= RecordBatch.MAGIC_VALUE_V2
    if (isCurrent && isFromClient && batch.baseOffset !== 0) {
      throw new InvalidRecordException(
        `the baseOffset of the record batch should be 0, but it is ${batch.baseOffset}`,
      )
    }

    // Note offsets; those of old formats are of the last record.
    const { lastOffset, sizeInBytes } = batch
    if (info.firstOffset < 0) {
      info.firstOffset = isCurrent ? batch.baseOffset : lastOffset
    }
    if (info.lastOffset >= lastOffset) info.offsetsMonotonic = false
    info.lastOffset = lastOffset

    // Refuse what is too large, or not what was sent.
    ensureSize(batch, log.config)
    batch.ensureValid()

    // Note the youngest record, the size and the codec.
    if (batch.maxTimestamp > info.maxTimestamp) {
      info.maxTimestamp = batch.maxTimestamp
      info.offsetOfMaxTimestamp = lastOffset
    }
    info.shallowCount += 1
    info.validBytes += sizeInBytes
    const codec = batch.compressionType
    if (codec !== CompressionType.NONE) info.sourceCodec = codec
  }

  info.targetCodec = getTargetCompressionCodec(
    log.config.compressionType,
    info.sourceCodec,
  )
  return info
}

/**
 * Checks the size of one batch.
 *
 * @throws RecordTooLargeException for one above `max.message.bytes`
 */
export function ensureSize(batch: RecordBatch, config: LogConfig): void {
  if (batch.sizeInBytes <= config.maxMessageSize) return
  throw new RecordTooLargeException(
    `the record batch size is ${batch.sizeInBytes} bytes which exceeds the maximum ` +
      `configured value of ${config.maxMessageSize}`,
  )
}

/**
 * Leaves out the part of a batch at the end.
 *
 * @returns the same records if there is none, else a view on their whole batches
 * @kafka core/src/main/scala/kafka/log/Log.scala#trimInvalidBytes
 */
export function trimInvalidBytes(
  records: MemoryRecords,
  info: LogAppendInfo,
): MemoryRecords {
  const { validBytes } = info
  if (validBytes < 0) {
    throw new CorruptRecordException(`illegal length of message set: ${validBytes}`)
  }
  if (validBytes === records.sizeInBytes) return records
  return new MemoryRecords(records.buffer.subarray(0, validBytes))
}

/**
 * Chooses the codec to store: the topic's, or the producer's.
 *
 * @param compressionType the topic's `compression.type`
 * @param producerCodec what was sent
 * @kafka core/src/main/scala/kafka/message/CompressionCodec.scala#BrokerCompressionCodec
 */
export function getTargetCompressionCodec(
  compressionType: string,
  producerCodec: CompressionType,
): CompressionType {
  if (compressionType === 'producer') return producerCodec
  if (compressionType === 'uncompressed') return CompressionType.NONE
  return CompressionType.forName(compressionType)
}

/**
 * Adds one batch to what its producer's append has gathered.
 *
 * @param producers what has been gathered so far, by producer id
 * @returns the transaction that the batch ends, if it is a marker
 * @kafka core/src/main/scala/kafka/log/Log.scala#updateProducers
 */
export function updateProducers(
  batch: RecordBatch,
  producers: Map<bigint, ProducerAppendInfo>,
  manager: ProducerStateManager,
  isFromClient: boolean,
): CompletedTxn | undefined {
  const { producerId } = batch
  let appendInfo = producers.get(producerId)
  if (appendInfo === undefined) {
    appendInfo = manager.prepareUpdate(producerId, isFromClient)
    producers.set(producerId, appendInfo)
  }
  return appendInfo.append(batch)
}

/**
 * Takes batches that are in the log already into the producer state.
 *
 * @returns steps: whoever opens a log lets others have their turn in between
 * @kafka core/src/main/scala/kafka/log/Log.scala#loadProducersFromLog
 */
export function* loadProducersFromLog(
  manager: ProducerStateManager,
  batches: Iterable<RecordBatch>,
): Steps<void> {
  // Gather first, so that each producer is looked up once.
  const producers = new Map<bigint, ProducerAppendInfo>()
  const completedTxns: CompletedTxn[] = []
  let bytes = 0
  for (const batch of batches) {
    bytes += batch.sizeInBytes
    if (bytes >= stepBytes) {
      bytes = 0
      yield
    }
    if (!batch.hasProducerId) continue
    const completedTxn = updateProducers(batch, producers, manager, false)
    if (completedTxn !== undefined) completedTxns.push(completedTxn)
  }

  // Then take it over; transactions end after all of them have begun.
  for (const appendInfo of producers.values()) manager.update(appendInfo)
  for (const completedTxn of completedTxns) manager.completeTxn(completedTxn)
}

/** Who appends, and who gives the offsets. */
export interface AppendMode {
  readonly isFromClient: boolean
  /** True on a leader; a follower keeps the offsets that it fetched. */
  readonly assignOffsets: boolean
  /** Stamped on every batch by a leader. */
  readonly leaderEpoch: number
}

/** What the producers in an append have changed. */
export interface ProducerUpdates {
  readonly updatedProducers: ReadonlyMap<bigint, ProducerAppendInfo>
  readonly completedTxns: readonly CompletedTxn[]
  /** Set when the whole append is a second copy of what is there. */
  readonly maybeDuplicate: BatchMetadata | undefined
}

/** What giving and checking offsets needs of a log. */
export interface LogEndView {
  readonly topicPartition: TopicPartition
  readonly config: LogConfig
  readonly logStartOffset: number
  readonly logEndOffset: number
}

/**
 * Checks what a producer sent, and gives it its offsets.
 *
 * @param log whose offsets go on from its end
 * @param appendInfo completed with offsets and times
 * @param mode who appends
 * @param now wall time in ms
 * @returns the records to append: the same bytes where possible
 */
export function assignOffsets(
  log: LogEndView,
  validRecords: MemoryRecords,
  appendInfo: LogAppendInfo,
  mode: AppendMode,
  now: number,
): MemoryRecords {
  // Offsets go on from the log end.
  const { config, logEndOffset } = log
  appendInfo.firstOffset = logEndOffset
  const result = LogValidator.validateMessagesAndAssignOffsets({
    records: validRecords,
    nextOffset: logEndOffset,
    now,
    sourceCodec: appendInfo.sourceCodec,
    targetCodec: appendInfo.targetCodec,
    compactedTopic: config.compact,
    magic: config.messageFormatVersion.messageFormatVersion,
    timestampType: config.messageTimestampType,
    timestampDiffMaxMs: config.messageTimestampDifferenceMaxMs,
    partitionLeaderEpoch: mode.leaderEpoch,
    isFromClient: mode.isFromClient,
  })

  // Note what has come out.
  appendInfo.maxTimestamp = result.maxTimestamp
  appendInfo.offsetOfMaxTimestamp = result.shallowOffsetOfMaxTimestamp
  appendInfo.lastOffset = result.nextOffset - 1
  appendInfo.conversionCount = result.recordsConverted
  if (config.messageTimestampType === 'LogAppendTime') appendInfo.logAppendTime = now

  // A batch that was packed anew may have become too large.
  if (result.messageSizeMaybeChanged) {
    for (const batch of result.validatedRecords.batches()) ensureSize(batch, config)
  }
  return result.validatedRecords
}

/**
 * Checks the offsets that a follower was given.
 *
 * @throws OffsetsOutOfOrderException when they do not rise
 * @throws UnexpectedAppendOffsetException when they begin below the log end
 */
export function checkOffsets(
  log: LogEndView,
  records: MemoryRecords,
  appendInfo: LogAppendInfo,
): void {
  // They rise, and begin at the log end or above.
  const { firstOffset, lastOffset, offsetsMonotonic } = appendInfo
  if (!offsetsMonotonic) {
    throw new OffsetsOutOfOrderException(
      `out of order offsets found in append to ${log.topicPartition}, from ` +
        `${firstOffset} to ${lastOffset}`,
    )
  }
  if (firstOffset >= log.logEndOffset) return

  // Tell the true first offset, for which the first batch may have to be unpacked.
  const [first] = records.batches()
  throw new UnexpectedAppendOffsetException(
    `unexpected offset in append to ${log.topicPartition}: ${firstOffset} is less than ` +
      `the next offset ${log.logEndOffset}; log start offset is ${log.logStartOffset}`,
    { firstOffset: first?.baseOffset ?? firstOffset, lastOffset },
  )
}

/**
 * Checks the batches of idempotent producers against what is known of them, without
 * changing it.
 *
 * @param isFromClient whether sequences are checked, and second copies looked for
 * @throws what `ProducerAppendInfo.append` throws
 * @kafka core/src/main/scala/kafka/log/Log.scala#analyzeAndValidateProducerState
 */
export function analyzeAndValidateProducerState(
  records: MemoryRecords,
  manager: ProducerStateManager,
  isFromClient: boolean,
): ProducerUpdates {
  const updatedProducers = new Map<bigint, ProducerAppendInfo>()
  const completedTxns: CompletedTxn[] = []
  for (const batch of records.batches()) {
    if (!batch.hasProducerId) continue

    // A producer that got no answer sends again: the answer is all it needs.
    const maybeDuplicate = isFromClient
      ? manager.lastEntry(batch.producerId)?.findDuplicateBatch(batch)
      : undefined
    if (maybeDuplicate !== undefined) {
      return { updatedProducers, completedTxns, maybeDuplicate }
    }

    // Anything else must follow what is there.
    const completed = updateProducers(batch, updatedProducers, manager, isFromClient)
    if (completed !== undefined) completedTxns.push(completed)
  }
  return { updatedProducers, completedTxns, maybeDuplicate: undefined }
}
