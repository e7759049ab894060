/**
 * # Mutated batches
 *
 * Takes good sets of every format and codec, damages them, and lets everything that
 * reads records loose on them. What may come out is a result or one of the exceptions
 * that a broker has an answer for; anything else is a fault of ours.
 *
 * Half of the damaged batches get a right CRC again, because else no reader would ever
 * see past it.
 *
 * @module
 */

import { crc32, crc32c } from '../../src/base/crc.ts'
import {
  CorruptRecordException,
  IllegalArgumentException,
  InvalidTimestampException,
  UnsupportedForMessageFormatException,
} from '../../src/base/errors.ts'
import { ByteBufferMessageSet } from '../../src/record/ByteBufferMessageSet.ts'
import { CompressionType } from '../../src/record/CompressionType.ts'
import { LogValidator } from '../../src/record/LogValidator.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'

const CODECS = [0, 1, 2, 3].map((id) => CompressionType.forId(id))
const MAX_BYTES = 1 << 20

/** Numbers from a seed: a linear congruence, good enough to pick bytes. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** @returns an integer from 0 to `sides` - 1 */
  below(sides: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0
    return Math.floor((this.#state / 2 ** 32) * sides)
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!
  }
}

/** Good sets: every format with every codec, and some of several batches. */
export function goodSets(): Buffer[] {
  const sets: Buffer[] = []
  for (const magic of [0, 1, 2]) {
    for (const compressionType of CODECS) {
      const timestamp = magic === 0 ? -1 : 1_530_000_000_000
      const headers = magic === 2 ? [{ key: 'h', value: Buffer.from('x') }] : []
      const producer =
        magic === 2 ? { producerId: 5n, producerEpoch: 0, baseSequence: 0 } : {}
      const set = MemoryRecords.withRecords(
        { magic, compressionType, ...producer },
        {
          key: Buffer.from('key'),
          value: Buffer.alloc(300, 'value'),
          timestamp,
          headers,
        },
        { key: null, value: Buffer.from('v'), timestamp },
        { key: Buffer.from('k'), value: null, timestamp },
      )
      sets.push(set.buffer)
    }
  }
  return [...sets, Buffer.concat(sets.slice(0, 4)), Buffer.concat(sets.slice(6))]
}

/** Damages a copy of a set in one to four places. */
export function damage(good: Buffer, dice: Dice): Buffer {
  let bytes = Buffer.from(good)
  for (let times = 1 + dice.below(4); times > 0; times--) {
    const at = dice.below(bytes.length)
    const kind = dice.below(6)
    if (kind === 0) bytes[at] = dice.below(256)
    else if (kind === 1) bytes[at]! ^= 1 << dice.below(8)
    else if (kind === 2) bytes = bytes.subarray(0, Math.max(1, at))
    else if (kind === 3)
      bytes.subarray(at, at + 8).fill(dice.pick([0, 0x7f, 0x80, 0xff]))
    else if (kind === 4) bytes.copyWithin(at, dice.below(bytes.length), bytes.length)
    else bytes[Math.min(bytes.length - 1, dice.below(90))] = dice.pick([0, 1, 127, 255])
  }
  if (dice.below(2) === 0) reseal(bytes)
  return bytes
}

/** Gives the first batch the CRC of its bytes, if it has bounds at all. */
function reseal(bytes: Buffer): void {
  if (bytes.length < 26) return
  const end = 12 + bytes.readInt32BE(8)
  if (end < 26 || end > bytes.length) return
  if (bytes[16] === 2 && end > 61) bytes.writeUInt32BE(crc32c(bytes, 21, end), 17)
  else bytes.writeUInt32BE(crc32(bytes, 16, end), 12)
}

/** What a reader may answer with. */
function isExpected(error: unknown): boolean {
  return (
    error instanceof CorruptRecordException ||
    error instanceof InvalidTimestampException ||
    error instanceof UnsupportedForMessageFormatException ||
    error instanceof IllegalArgumentException
  )
}

/**
 * Lets every reader loose on bytes.
 *
 * @returns how many of them took the bytes for good
 * @throws whatever a reader threw that it must not
 */
export function readEverything(bytes: Buffer, dice: Dice): number {
  const readers: (() => unknown)[] = [
    () => [...new MemoryRecords(bytes).records()],
    () => new MemoryRecords(bytes).downConvert(dice.below(3), dice.below(4)),
    () => [...new ByteBufferMessageSet(bytes)],
    () =>
      new MemoryRecords(bytes).filterTo({
        checkBatchRetention: () => 'DELETE_EMPTY',
        shouldRetainRecord: (_batch, record) => record.offset % 2 === 0,
      }),
    () =>
      validate(new MemoryRecords(Buffer.from(bytes)), dice.pick(CODECS), dice.below(3)),
  ]
  let taken = 0
  for (const reader of readers) {
    try {
      reader()
      taken++
    } catch (error) {
      if (!isExpected(error)) throw error
    }
  }
  return taken
}

/** Does what the log does with a set that was sent to it. */
function validate(
  records: MemoryRecords,
  targetCodec: CompressionType,
  magic: number,
): void {
  let sourceCodec: CompressionType = CompressionType.NONE
  for (const batch of records.batches()) {
    batch.ensureValid()
    if (batch.isCompressed) sourceCodec = batch.compressionType
  }
  const { validatedRecords, nextOffset } =
    LogValidator.validateMessagesAndAssignOffsets({
      records,
      nextOffset: 1000,
      now: 1_530_000_000_000,
      sourceCodec,
      targetCodec,
      compactedTopic: false,
      magic,
      timestampType: 'CreateTime',
      timestampDiffMaxMs: Number.MAX_SAFE_INTEGER,
      isFromClient: true,
      maxDecompressedBytes: MAX_BYTES,
    })

  // What was let in must be readable, at the offsets that were given out.
  let expected = 1000
  for (const batch of validatedRecords.batches()) {
    batch.ensureValid()
    for (const { offset } of batch) {
      if (offset !== expected++)
        throw new Error(`offset ${offset} instead of ${expected}`)
    }
  }
  if (expected !== nextOffset) throw new Error(`${nextOffset} instead of ${expected}`)
}
