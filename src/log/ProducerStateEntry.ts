/**
 * # ProducerStateEntry
 *
 * What the broker remembers of one idempotent producer in one partition: its epoch, its
 * last five batches, and where its open transaction began. Five, because a producer may
 * have five requests under way: any of them may be sent again, and must then be recognised.
 *
 *     producer 4007, epoch 2:  seq 0-2 │ 3-3 │ 4-9 │ 10-10 │ 11-15     next: 16
 *                             the front falls out when a sixth comes in
 *
 * @kafka core/src/main/scala/kafka/log/ProducerStateManager.scala#ProducerStateEntry
 * @module
 */
import { RecordBatch } from '../record/RecordBatch.ts'

/** Sequences run from 0 to 2^31-1 and then begin again. */
const sequenceSpan = 2 ** 31

/**
 * One batch of a producer, as it is remembered.
 *
 * @kafka core/src/main/scala/kafka/log/ProducerStateManager.scala#BatchMetadata
 * @differs offsets are right also for a batch in which the sequence begins again at 0.
 */
export class BatchMetadata {
  /** Sequence of the last record; -1 when the batch has none. */
  readonly lastSeq: number

  /** Offset of the last record. */
  readonly lastOffset: number

  /** Last offset minus first offset. */
  readonly offsetDelta: number

  /** Largest timestamp, milliseconds. */
  readonly timestamp: number

  constructor(fields: {
    lastSeq: number
    lastOffset: number
    offsetDelta: number
    timestamp: number
  }) {
    this.lastSeq = fields.lastSeq
    this.lastOffset = fields.lastOffset
    this.offsetDelta = fields.offsetDelta
    this.timestamp = fields.timestamp
  }

  /** Sequence of the first record. */
  get firstSeq(): number {
    const first = this.lastSeq - this.offsetDelta
    return this.lastSeq >= 0 && first < 0 ? first + sequenceSpan : first
  }

  /** Offset of the first record. */
  get firstOffset(): number {
    return this.lastOffset - this.offsetDelta
  }
}

/** How many sequences lie between two, across the end of their range. */
export function sequenceDelta(lastSeq: number, firstSeq: number): number {
  const delta = lastSeq - firstSeq
  return delta < 0 ? delta + sequenceSpan : delta
}

/**
 * The state of one producer.
 *
 * @kafka core/src/main/scala/kafka/log/ProducerStateManager.scala#ProducerStateEntry
 */
export class ProducerStateEntry {
  /** Batches that are remembered. */
  static readonly NumBatchesToRetain = 5

  readonly producerId: bigint

  /** Oldest first, at most {@link NumBatchesToRetain}. */
  readonly batchMetadata: BatchMetadata[]

  /** Epoch of the producer; -1 before its first batch. */
  producerEpoch: number

  /** Epoch of the coordinator that wrote the last marker; -1 for none. */
  coordinatorEpoch: number

  /** First offset of the open transaction; `undefined` when none is open. */
  currentTxnFirstOffset: number | undefined

  constructor(fields: {
    producerId: bigint
    batchMetadata?: BatchMetadata[]
    producerEpoch: number
    coordinatorEpoch: number
    currentTxnFirstOffset: number | undefined
  }) {
    this.producerId = fields.producerId
    this.batchMetadata = fields.batchMetadata ?? []
    this.producerEpoch = fields.producerEpoch
    this.coordinatorEpoch = fields.coordinatorEpoch
    this.currentTxnFirstOffset = fields.currentTxnFirstOffset
  }

  /** The state of a producer of whom nothing is known. */
  static empty(producerId: bigint): ProducerStateEntry {
    return new ProducerStateEntry({
      producerId,
      producerEpoch: RecordBatch.NO_PRODUCER_EPOCH,
      coordinatorEpoch: -1,
      currentTxnFirstOffset: undefined,
    })
  }

  /** Sequence of the oldest record remembered; -1 when none is. */
  get firstSeq(): number {
    return this.batchMetadata[0]?.firstSeq ?? RecordBatch.NO_SEQUENCE
  }

  /** Offset of the oldest record remembered; -1 when none is. */
  get firstOffset(): number {
    return this.batchMetadata[0]?.firstOffset ?? -1
  }

  /** Sequence of the newest record; -1 when none is remembered. */
  get lastSeq(): number {
    return this.batchMetadata.at(-1)?.lastSeq ?? RecordBatch.NO_SEQUENCE
  }

  /** Offset of the newest record; -1 when none is remembered. */
  get lastDataOffset(): number {
    return this.batchMetadata.at(-1)?.lastOffset ?? -1
  }

  /** Timestamp of the newest batch; -1 when none is remembered. */
  get lastTimestamp(): number {
    return this.batchMetadata.at(-1)?.timestamp ?? RecordBatch.NO_TIMESTAMP
  }

  /** Last minus first offset of the newest batch; 0 when none is remembered. */
  get lastOffsetDelta(): number {
    return this.batchMetadata.at(-1)?.offsetDelta ?? 0
  }

  /** Says whether no batch is remembered. */
  get isEmpty(): boolean {
    return this.batchMetadata.length === 0
  }

  /** Remembers a batch; one of a new epoch makes all others forgotten. */
  addBatch(producerEpoch: number, batch: BatchMetadata): void {
    this.maybeUpdateEpoch(producerEpoch)
    if (this.batchMetadata.length === ProducerStateEntry.NumBatchesToRetain) {
      this.batchMetadata.shift()
    }
    this.batchMetadata.push(batch)
  }

  /** Takes a new epoch and forgets the batches of the old; returns whether it was new. */
  maybeUpdateEpoch(producerEpoch: number): boolean {
    if (this.producerEpoch === producerEpoch) return false
    this.batchMetadata.length = 0
    this.producerEpoch = producerEpoch
    return true
  }

  /** Adds what an append has gathered to what was known before. */
  update(nextEntry: ProducerStateEntry): void {
    for (const batch of nextEntry.batchMetadata) {
      this.addBatch(nextEntry.producerEpoch, batch)
    }
    this.maybeUpdateEpoch(nextEntry.producerEpoch)
    this.coordinatorEpoch = nextEntry.coordinatorEpoch
    this.currentTxnFirstOffset = nextEntry.currentTxnFirstOffset
  }

  /** Finds the remembered batch that the given one is a second copy of. */
  findDuplicateBatch(batch: RecordBatch): BatchMetadata | undefined {
    if (batch.producerEpoch !== this.producerEpoch) return undefined
    return this.batchWithSequenceRange(batch.baseSequence, batch.lastSequence)
  }

  /** Finds the remembered batch of exactly these sequences. */
  batchWithSequenceRange(firstSeq: number, lastSeq: number): BatchMetadata | undefined {
    return this.batchMetadata.find(
      (batch) => batch.firstSeq === firstSeq && batch.lastSeq === lastSeq,
    )
  }
}
