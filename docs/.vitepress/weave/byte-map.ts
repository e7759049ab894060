/**
 * # The names of bytes
 *
 * Says of each byte of a batch which field it belongs to. Where the fields of a header
 * stand is not written down here: a getter of the codec is called on bytes that note which
 * of them are looked at, and what it looks at is its field. The records of magic 2 have no
 * fixed places; they are walked with the program's own varints and then held against what
 * its cursor reads.
 *
 * Invariants: every byte has exactly one field, in order; a codec that reads otherwise
 * fails the build.
 *
 * @module
 */
import { type Cursor, readVarint, readVarlong } from '../../../src/base/bytes/varint.ts'
import { ByteBufferLegacyRecordBatch } from '../../../src/record/ByteBufferLegacyRecordBatch.ts'
import { batchSizeAt } from '../../../src/record/ByteBufferLogInputStream.ts'
import { DefaultRecordBatch } from '../../../src/record/DefaultRecordBatch.ts'
import { LegacyRecord } from '../../../src/record/LegacyRecord.ts'
import { LOG_OVERHEAD, RECORD_BATCH_OVERHEAD } from '../../../src/record/RecordBatch.ts'

/** Some bytes with one name. */
export interface ByteField {
  /** What it is in every format; a row of the table of formats. */
  readonly role: string
  /** Its name in this format. */
  readonly name: string
  /** The symbol that reads it. */
  readonly symbol: string
  /** Number of the record that it belongs to; undefined in a header. */
  readonly record?: number | undefined
  readonly at: number
  readonly size: number
  readonly value: string
}

/** Reads something out of bytes. */
type Reader = (bytes: Buffer) => unknown

/** What a reader did with the bytes. */
interface Look {
  readonly bytes: ReadonlySet<number>
  readonly result: unknown
}

const HEADER_V2: readonly (readonly [
  role: string,
  name: string,
  member: string,
  read: (batch: DefaultRecordBatch) => unknown,
])[] = [
  ['offset', 'baseOffset', 'baseOffset', (b) => b.baseOffset],
  ['length', 'batchLength', 'sizeInBytes', (b) => b.sizeInBytes - LOG_OVERHEAD],
  ['epoch', 'partitionLeaderEpoch', '', (b) => b.partitionLeaderEpoch],
  ['magic', 'magic', '', (b) => b.magic],
  ['crc', 'crc', 'checksum', (b) => hex(b.checksum)],
  ['attributes', 'attributes', 'compressionType', (b) => b.compressionType],
  ['last', 'lastOffsetDelta', '', (b) => b.lastOffsetDelta],
  ['timestamp', 'firstTimestamp', '', (b) => b.firstTimestamp],
  ['maxTimestamp', 'maxTimestamp', '', (b) => b.maxTimestamp],
  ['producerId', 'producerId', '', (b) => b.producerId],
  ['producerEpoch', 'producerEpoch', '', (b) => b.producerEpoch],
  ['sequence', 'baseSequence', '', (b) => b.baseSequence],
  ['count', 'count', 'countOrNull', (b) => b.countOrNull],
]

/**
 * Names the bytes of a batch of magic 2.
 *
 * @param bytes - the batch, not compressed
 * @throws Error when a byte has no name or two, or a record reads otherwise than its
 *   fields
 */
export function fieldsOfBatch(bytes: Buffer): ByteField[] {
  const fields: ByteField[] = []
  for (const [role, name, member, read] of HEADER_V2) {
    const { bytes: seen, result } = look(bytes, (spy) =>
      read(new DefaultRecordBatch(spy)),
    )
    const symbol = `DefaultRecordBatch.${member || name}`
    const span = spanOf(seen, name)
    const value = role === 'attributes' ? bitsOf(bytes, span) : String(result)
    fields.push({ role, name, symbol, ...span, value })
  }
  const batch = new DefaultRecordBatch(bytes)
  if (batch.isCompressed) throw new Error('the records of a packed batch have no bytes')
  const cursor = { position: RECORD_BATCH_OVERHEAD }
  for (const [number, record] of [...batch].entries()) {
    const found = fieldsOfRecord(bytes, cursor, number)
    hold(found, 'key', record.key?.toString() ?? 'null')
    hold(found, 'value', record.value?.toString() ?? 'null')
    const delta = found.find(({ name }) => name === 'offsetDelta')?.value
    if (batch.baseOffset + Number(delta) !== record.offset)
      throw new Error(
        `record ${number} has offset ${record.offset}, not delta ${delta}`,
      )
    fields.push(...found)
  }
  return complete(fields, bytes)
}

/**
 * Names the bytes of a message of magic 0 or 1.
 *
 * @param bytes - one message with offset and size
 * @throws Error when a byte has no name or two
 */
export function fieldsOfMessage(bytes: Buffer): ByteField[] {
  const fields: ByteField[] = []
  const named = new Set<number>()
  const add = (name: string, symbol: string, shift: number, read: Reader) => {
    // Take for its bytes what nobody has looked at before.
    const { bytes: seen, result } = look(bytes.subarray(shift), read)
    const fresh = [...seen].map((at) => at + shift).filter((at) => !named.has(at))
    for (const at of fresh) named.add(at)
    const role = name === 'size' ? 'length' : name
    const span = spanOf(new Set(fresh), name)
    const value = role === 'attributes' ? bitsOf(bytes, span) : String(result)
    fields.push({ role, name, symbol, ...span, value })
  }
  const outer = 'ByteBufferLegacyRecordBatch.offset'
  add('offset', outer, 0, (spy) => new ByteBufferLegacyRecordBatch(spy).offset)
  add('size', 'batchSizeAt', 0, (spy) => (batchSizeAt(spy, 0) ?? 0) - LOG_OVERHEAD)
  const of = (name: string, member: string, read: (r: LegacyRecord) => unknown) =>
    add(name, `LegacyRecord.${member}`, LOG_OVERHEAD, (spy) =>
      read(new LegacyRecord(spy)),
    )
  of('crc', 'checksum', (r) => hex(r.checksum))
  of('magic', 'magic', (r) => r.magic)
  of('attributes', 'compressionType', (r) => r.compressionType)
  if (new LegacyRecord(bytes.subarray(LOG_OVERHEAD)).magic > 0)
    of('timestamp', 'timestamp', (r) => r.timestamp)

  // A key or value is read by its length, and then cut out.
  for (const name of ['key', 'value'] as const) {
    const message = new LegacyRecord(bytes.subarray(LOG_OVERHEAD))
    of(`${name}Length`, name, (r) => r[name]?.length ?? -1)
    const text = message[name]
    if (text === null) continue
    const at = text.byteOffset - bytes.byteOffset
    const symbol = `LegacyRecord.${name}`
    const value = text.toString()
    fields.push({ role: name, name, symbol, at, size: text.length, value })
  }
  return complete(fields, bytes)
}

/** Walks one record of magic 2; leaves the cursor behind it. */
function fieldsOfRecord(bytes: Buffer, cursor: Cursor, record: number): ByteField[] {
  const fields: ByteField[] = []
  const symbol = 'DefaultRecord.writeTo'
  const add = <T>(name: string, read: () => T): T => {
    const at = cursor.position
    const value = read()
    const size = cursor.position - at
    fields.push({
      role: 'record',
      symbol,
      name,
      record,
      at,
      size,
      value: String(value),
    })
    return value
  }
  const varint = (name: string) =>
    add(name, () => readVarint(bytes, cursor, bytes.length))
  const text = (name: string, length: number) => {
    if (length < 0) return
    add(name, () => {
      const from = cursor.position
      cursor.position += length
      return bytes.toString('utf8', from, cursor.position)
    })
  }
  varint('length')
  add('attributes', () => bytes[cursor.position++])
  add('timestampDelta', () => readVarlong(bytes, cursor, bytes.length))
  varint('offsetDelta')
  text('key', varint('keyLength'))
  text('value', varint('valueLength'))
  const headers = varint('headerCount')
  for (let i = 0; i < headers; i++) {
    text('headerKey', varint('headerKeyLength'))
    text('headerValue', varint('headerValueLength'))
  }
  return fields
}

/** Calls a reader on bytes that note which of them it looks at. */
function look(bytes: Buffer, read: Reader): Look {
  const seen = new Set<number>()
  const spy = new Proxy(bytes, {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) seen.add(Number(key))
      // A cut is made of the bytes themselves: only a look at a byte counts.
      return key === 'subarray'
        ? target.subarray.bind(target)
        : Reflect.get(target, key)
    },
  })
  const result = read(spy)
  return { bytes: seen, result }
}

/** Where a set of places stands; they must be neighbours. */
function spanOf(places: ReadonlySet<number>, name: string) {
  const at = Math.min(...places)
  const size = places.size
  if (size === 0 || Math.max(...places) !== at + size - 1)
    throw new Error(`${name} is not read from bytes that stand together`)
  return { at, size }
}

/** Holds the fields against the bytes: each must have one name. */
function complete(fields: ByteField[], bytes: Buffer): ByteField[] {
  let next = 0
  for (const { name, at, size } of fields) {
    if (at !== next) throw new Error(`${name} begins at ${at}, not at ${next}`)
    next = at + size
  }
  if (next !== bytes.length)
    throw new Error(`${bytes.length - next} bytes have no name`)
  return fields
}

function hold(fields: readonly ByteField[], name: string, read: string): void {
  const found = fields.find((field) => field.name === name)?.value ?? 'null'
  if (found !== read) throw new Error(`${name} is ${read} to the cursor, not ${found}`)
}

function bitsOf(bytes: Buffer, { at, size }: { at: number; size: number }): string {
  return bytes.readUIntBE(at, size).toString(2).padStart(8, '0')
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}
