/**
 * # The page of the record formats
 *
 * The three formats byte by byte. The bytes are written by the program while the site is
 * built and named by what its codec looks at; what a checksum covers, and what each bit of
 * the attributes means, is found by trying.
 *
 * @module
 */
import { writeVarint } from '../../../src/base/bytes/varint.ts'
import { toBatch } from '../../../src/record/ByteBufferLogInputStream.ts'
import { CompressionType } from '../../../src/record/CompressionType.ts'
import { EndTransactionMarker } from '../../../src/record/EndTransactionMarker.ts'
import type { SimpleRecord } from '../../../src/record/KafkaRecord.ts'
import { MemoryRecords } from '../../../src/record/MemoryRecords.ts'
import type { MemoryRecordsBuilderOptions } from '../../../src/record/MemoryRecordsBuilder.ts'
import { TimestampType } from '../../../src/record/TimestampType.ts'
import { type ByteField, fieldsOfBatch, fieldsOfMessage } from './byte-map.ts'
import { escapeHtml } from './colour.ts'
import { type Inline, page, table } from './pointer-pages.ts'

/** 29 March 2018, noon: Kafka 1.1.0 is a day old. */
const NOON = 1_522_324_800_000

const hello: SimpleRecord = {
  key: Buffer.from('user-7'),
  value: Buffer.from('hello'),
  timestamp: NOON,
}

/** What each field is for, by the role that it has in every format. */
const meanings: Readonly<Record<string, string>> = {
  offset:
    'Place in the partition. The broker writes it when it appends. In a packed set of magic 0 or 1 it is that of the *last* message, in magic 2 always of the first.',
  length: 'Bytes that follow this field.',
  epoch: 'Epoch of the leader that appended the batch; written by the broker.',
  magic: 'Which format this is. It stands at one place in all three.',
  crc: 'Checksum: CRC-32 in the old formats, CRC-32C in magic 2.',
  attributes: 'Codec and flags, bit by bit; see below.',
  last: 'Offset of the last record, minus the base offset. It stays when compaction takes the record.',
  timestamp: 'Milliseconds since 1970; in magic 2 of the first record.',
  maxTimestamp: 'The latest in the batch, or the time of the append.',
  producerId: 'Who wrote it, for an idempotent producer; else -1.',
  producerEpoch: 'Which life of that producer; an older one is refused.',
  sequence:
    'Number of the first record, counted by the producer: a batch that comes twice is noticed.',
  count: 'How many records follow.',
  keyLength: 'Bytes of the key; -1 says that there is none.',
  key: 'What compaction and the choice of a partition go by.',
  valueLength: 'Bytes of the value; -1 marks the key as deleted.',
  value: 'What the producer says.',
  record: 'The records, each in as few bytes as it needs.',
}

/** Bytes of an example, with their names. */
export interface Example {
  readonly bytes: Buffer
  readonly fields: readonly ByteField[]
}

/** Builds a set with the program's builder and names its bytes. */
export function exampleOf(
  options: MemoryRecordsBuilderOptions,
  ...records: readonly SimpleRecord[]
): Example {
  const { buffer: bytes } = MemoryRecords.withRecords(options, ...records)
  const name = options.magic === 2 ? fieldsOfBatch : fieldsOfMessage
  return { bytes, fields: name(bytes) }
}

/** The page `/records`. */
export function recordsPage(inline: Inline): string {
  const old = [0, 1].map((magic) => exampleOf({ magic, baseOffset: 18 }, hello))
  const one = exampleOf({ magic: 2, baseOffset: 18 }, hello)
  const headers = [{ key: 'via', value: Buffer.from('web') }]
  const batch = exampleOf(
    { magic: 2, baseOffset: 18, partitionLeaderEpoch: 4 },
    { ...hello, headers },
    { value: Buffer.from('hello, world'), timestamp: NOON + 300 },
    { key: Buffer.from('user-7'), value: null, timestamp: NOON + 290 },
  )
  const [v0, v1] = old as [Example, Example]
  return page('Records, byte by byte', [
    'What a producer sends, what stands in the files of a log and what a consumer gets are the',
    'same bytes. They have had three formats, told apart by a byte called *magic*: 0 from the',
    'beginning, 1 since 0.10 (it adds a time), 2 since 0.11 (several records under one header).',
    'Every byte below was written by this program while the page was made, and has the name of',
    'the field in which the program reads it.',
    '',
    ...['## Three formats, side by side', ''],
    'Where each field stands: first and last byte. A dot says that a checksum would notice if',
    'it changed; that was tried with each byte.',
    '',
    formats([v0, v1, one], inline),
    '',
    ...['## One message in each', ''],
    `The same key, *user-7*, and value, *hello*, take ${v0.bytes.length} bytes in magic 0,`,
    `${v1.bytes.length} in magic 1 and ${one.bytes.length} in magic 2. A name appears when you`,
    'point at a byte or reach it with the tab key.',
    '',
    ...old.flatMap((example, magic) => [
      `### Magic ${magic}`,
      '',
      strip(example, `m${magic}`),
      '',
    ]),
    ...['### Magic 2', '', strip(one, 'm2'), ''],
    'For one small message the new format is the longest. It pays with the second: an old',
    `message costs ${overhead(0)} bytes (magic 0) or ${overhead(1)} (magic 1) beside key and`,
    `value, each; the next record of a batch ${overhead(2)}.`,
    '',
    ...batchSection(batch, inline),
    ...attributesSection(inline),
    ...varintSection(),
    ...packedSection(inline),
    ...controlSection(inline),
    ...wrongSection(),
  ])
}

function batchSection(batch: Example, inline: Inline): string[] {
  const rows = batch.fields.map((field, i) => {
    const { name, at, size, value, record, symbol } = field
    const kind = record === undefined ? 'header' : `record ${record}`
    const of = inline(`\`${symbol}\``).replace(/\.(?=\w+<\/code>)/, '.<wbr>')
    return (
      `<tr id="batch-${i}"><td>${at}</td><td>${size}</td><td>${kind}</td>` +
      `<td><span class="swatch h${i % 6}"></span> <code>${name}</code></td>` +
      `<td><code>${escapeHtml(value)}</code></td><td>${of}</td></tr>`
    )
  })
  const head = ['at', 'bytes', 'of', 'field', 'value', 'read or written by']
  return [
    ...['## A batch of three', ''],
    'The first record has a header. The second has no key, and comes 300 ms later. The third',
    'has no value: a *tombstone*, which tells compaction to forget the key. It was made before',
    'the second, and may stand behind it: times need not rise.',
    '',
    strip(batch, 'batch'),
    '',
    wide(table(head, rows)),
    '',
    'A record has no place and no time of its own, only what is to be added to the batch’s.',
    'So the broker, which gives out offsets, changes the first eight bytes of a batch and no',
    'record. Neither they nor the epoch of the leader are under the checksum, so nothing has',
    'to be summed up again.',
    '',
  ]
}

function attributesSection(inline: Inline): string[] {
  const cases: readonly (readonly [MemoryRecordsBuilderOptions, string])[] = [
    [{ compressionType: CompressionType.GZIP }, 'The records are packed with gzip.'],
    [{ compressionType: CompressionType.SNAPPY }, 'Packed with snappy.'],
    [{ compressionType: CompressionType.LZ4 }, 'Packed with LZ4.'],
    [
      { timestampType: TimestampType.LOG_APPEND_TIME, logAppendTime: NOON },
      'The broker’s time counts for all records (`message.timestamp.type`).',
    ],
    [
      { isTransactional: true, producerId: 7n, producerEpoch: 0, baseSequence: 0 },
      'The records belong to a transaction, and count when it is committed.',
    ],
  ]
  const bits = (bytes: Buffer) => {
    const header = exampleOf({ magic: 2 }, hello).fields
    const field = header.find(({ role }) => role === 'attributes')
    return bytes.readUIntBE(field?.at ?? 0, field?.size ?? 0)
  }
  const rows = cases.map(([options, text]) => {
    const { buffer } = MemoryRecords.withRecords({ magic: 2, ...options }, hello)
    return attributeRow(bits(buffer), inline(text))
  })
  const marker = bits(markerBytes())
  rows.push(attributeRow(marker, 'A control batch; it is transactional, too.'))
  return [
    ...['## Attributes', ''],
    'Two bytes in magic 2, one before. All bits are 0 for records as they are, with the',
    'producer’s own times. Each of these sets some:',
    '',
    table(['attributes', 'meaning'], rows),
    '',
    'Magic 0 knows the codec only, magic 1 the kind of time as well.',
    '',
  ]
}

function varintSection(): string[] {
  const values = [0, -1, 1, 63, -64, 64, 300, 8_191, 8_192, 2_147_483_647]
  const rows = values.map((value) => {
    const bytes = Buffer.alloc(5)
    const written = bytes.subarray(0, writeVarint(bytes, 0, value))
    const bits = Array.from(written, (byte) => byte.toString(2).padStart(8, '0'))
    return (
      `<tr><td>${value}</td><td><code>${hexOf(written)}</code></td>` +
      `<td><code>${bits.join(' ')}</code></td></tr>`
    )
  })
  return [
    ...['## Numbers of few bytes', ''],
    'Within a record, lengths and deltas are *varints*: seven bits a byte, the low ones first;',
    'the top bit says that another byte follows. So that -1 is short as well, numbers are',
    'written zigzag: 0, -1, 1, -2 become 0, 1, 2, 3.',
    '',
    table(['number', 'bytes', 'bits'], rows),
    '',
  ]
}

function packedSection(inline: Inline): string[] {
  const set = Array.from({ length: 4 }, () => hello)
  const rows = [0, 1, 2].map((magic) => {
    const plain = MemoryRecords.withRecords({ magic }, ...set).buffer
    const options = { magic, compressionType: CompressionType.GZIP }
    const packed = MemoryRecords.withRecords(options, ...set).buffer
    const base = toBatch(packed).baseOffset
    const first = packed.readBigInt64BE(0)
    return (
      `<tr><td>${magic}</td><td>${plain.length}</td><td>${packed.length}</td>` +
      `<td>${first}</td><td>${base}</td></tr>`
    )
  })
  const head = ['magic', 'bytes', 'gzip', 'offset in front', 'first offset']
  const data = Buffer.from('hello')
  const frames = [0, 1].map((magic) => CompressionType.LZ4.compress(data, magic))
  const end = frames[0]?.findIndex((byte, i) => byte !== frames[1]?.[i]) ?? 0
  const quirk = frames.map((frame, magic) => {
    const header = hexOf(frame.subarray(0, end))
    const last = hexOf(frame.subarray(end, end + 1))
    return (
      `<tr><td>${magic}</td><td><code>${header} <mark>${last}</mark></code></td>` +
      `</tr>`
    )
  })
  return [
    ...['## Packed', ''],
    'A codec pays only over several records. Before magic 2, a set of messages is packed into',
    'the *value* of another message, the wrapper; in magic 2 what follows the header is packed,',
    'and the header stays readable. Four times the message above, at offsets 0 to 3:',
    '',
    table(head, rows),
    '',
    'A wrapper carries the offset of its last message, since its producer does not know how',
    'many there are before it has written them. Where the set begins is known only when it is',
    'unpacked. In magic 0 the inner messages have their own offsets, so a broker must unpack,',
    'number and pack again what a producer sends; in magic 1 they count from 0.',
    '',
    ...['### The wrong byte of LZ4', ''],
    'The header of an LZ4 frame ends in a byte that checks it. Kafka’s first client took the sum',
    'over four bytes too many, and everyone had to do as it did. Magic 1 was the chance to mend',
    'it; magic 0 keeps the wrong byte for ever:',
    '',
    table(['magic', 'first bytes of the frame'], quirk),
    '',
    `<p v-pre>${inline('In the source: `compressLz4` writes it; `decompressLz4` does not look at it in magic 0.')}</p>`,
    '',
  ]
}

function controlSection(inline: Inline): string[] {
  const bytes = markerBytes()
  const example = { bytes, fields: fieldsOfBatch(bytes) }
  return [
    ...['## A control batch', ''],
    'The end of a [transaction](/chapters/transaction) is a batch as well, written by the',
    'coordinator and never shown to an application. Its one record says in the key which end',
    'it is, in the value the epoch of the coordinator.',
    '',
    strip(example, 'control'),
    '',
    `<p v-pre>${inline('In the source: `EndTransactionMarker`, `ControlRecordType`.')}</p>`,
    '',
  ]
}

function wrongSection(): string[] {
  return [
    ...['## What could go wrong', ''],
    '- **A bit flips** on the way or on the disk. The checksum does not fit: a broker answers',
    '  a produce with [CORRUPT_MESSAGE](/errors#corrupt_message), and cuts a log that it',
    '  [recovers](/chapters/recovery) there.',
    '- **The length is wrong.** Nobody can tell where the next batch begins. A length below the',
    '  smallest possible is refused; one beyond the end is taken for a batch that has come only',
    '  in part, and what is behind it is not read.',
    '- **An old consumer** asks with a version of Fetch that knows no magic 2. The broker writes',
    '  the records in the old format for it; headers are left out.',
    '',
    'Where batches go from here: [a batch on its way](/chapters/record-batch).',
  ]
}

/** The table of all formats: where each field of a header stands in each. */
function formats(examples: readonly Example[], inline: Inline): string {
  const order = Object.keys(meanings)
  const rows = order.map((role) => {
    const cells = examples.map(({ bytes, fields }) => {
      const own = fields.filter((field) => field.role === role)
      const [first, last] = [own[0], own.at(-1)]
      if (!first || !last) return '<td></td>'
      const end = last.at + last.size - 1
      const place = end === first.at ? `${end}` : `${first.at}–${end}`
      const mark = role !== 'length' && isCovered(bytes, first) ? ' •' : ''
      const name = role === 'record' ? 'records' : first.name
      return `<td><code>${name}</code><br><small>${place}${mark}</small></td>`
    })
    const meaning = inline(meanings[role] ?? '')
    return `<tr>${cells.join('')}<td>${meaning}</td></tr>`
  })
  return wide(table(['magic 0', 'magic 1', 'magic 2', 'what it is'], rows))
}

/**
 * Whether a checksum notices a change of a field, by trying: one bit of each of its bytes
 * is turned. The field of the checksum itself does not count.
 */
export function isCovered(bytes: Buffer, { role, at, size }: ByteField): boolean {
  if (role === 'crc') return false
  for (let i = at; i < at + size; i++) {
    // Make the batch first: with another magic it would be read as another format.
    const batch = toBatch(Buffer.from(bytes))
    batch.buffer[i] = (batch.buffer[i] ?? 0) ^ 1
    if (batch.isValid) return false
  }
  return true
}

/** Bytes in hex, each a link that tells its field. */
function strip({ fields, bytes }: Example, id: string): string {
  const links = fields.map(({ name, at, size, value, record }, i) => {
    const own = bytes.subarray(at, at + size)
    const cells = Array.from(own, (byte) => `<i>${hexOf(Buffer.of(byte))}</i>`)
    const where = record === undefined ? '' : ` of record ${record}`
    const text = escapeHtml(`${name}${where} = ${printable(value)}`)
    const target = id === 'batch' ? `batch-${i}` : `${id}-${i}`
    const anchor = id === 'batch' ? '' : ` id="${target}"`
    return (
      `<a class="field h${i % 6}"${anchor} href="#${target}">` +
      `<span aria-hidden="true">${cells.join('')}</span>` +
      `<span class="visually-hidden">${text}</span>` +
      `<span class="tip" aria-hidden="true">${text}</span></a>`
    )
  })
  return `<div class="bytes" v-pre>${links.join('')}</div>`
}

/** A table whose names stay in one piece. */
function wide(html: string): string {
  return html.replace('class="reference"', 'class="reference fields"')
}

/** Bytes beside key and value that one more message takes. */
function overhead(magic: number): number {
  const size = (count: number) => {
    const set = Array.from({ length: count }, () => hello)
    return MemoryRecords.withRecords({ magic }, ...set).buffer.length
  }
  const payload = (hello.key?.length ?? 0) + (hello.value?.length ?? 0)
  return size(2) - size(1) - payload
}

function attributeRow(bits: number, meaning: string): string {
  const text = bits.toString(2).padStart(16, '0')
  const low = text.slice(8).replace(/1/g, '<mark>1</mark>')
  return `<tr><td><code>${text.slice(0, 8)} ${low}</code></td><td>${meaning}</td></tr>`
}

function markerBytes(): Buffer {
  const options = { baseOffset: 21, timestamp: NOON, producerId: 7n, producerEpoch: 0 }
  const marker = new EndTransactionMarker('COMMIT', 3)
  return MemoryRecords.withEndTransactionMarker(options, marker).buffer
}

function hexOf(bytes: Buffer): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}

/** Text as it is; bytes that no one can read as numbers. */
function printable(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  return /[\u0000-\u001f]/.test(value) ? hexOf(Buffer.from(value)) : value
}
