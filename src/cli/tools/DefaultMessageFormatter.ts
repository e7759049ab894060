/**
 * # DefaultMessageFormatter
 *
 * How the console consumer writes a record: `timestamp key value`, as far as they are asked
 * for, with separators that can be chosen.
 *
 * @kafka core/src/main/scala/kafka/tools/ConsoleConsumer.scala#DefaultMessageFormatter
 * @module
 */
import { IllegalArgumentException, KafkaException } from '../../base/errors.ts'
import { logger } from '../../base/logger.ts'
import type { FetchedRecord } from '../../clients/fetched-record.ts'

const log = logger('DefaultMessageFormatter')

/** Reads a number of a fixed size, and writes it down as Java does. */
function fixed(name: string, size: number, read: (bytes: Buffer) => string) {
  return (bytes: Buffer): Buffer => {
    if (bytes.length === size) return Buffer.from(read(bytes))
    throw new KafkaException(`size of data received by ${name} is not ${size}`)
  }
}

/** Names of Kafka's deserializers, and how each makes text of bytes. */
const deserializers: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  ByteArrayDeserializer: (bytes) => bytes,
  StringDeserializer: (bytes) => Buffer.from(bytes.toString('utf8')),
  BytesDeserializer: (bytes) => Buffer.from(printable(bytes)),
  LongDeserializer: fixed('LongDeserializer', 8, (b) => `${b.readBigInt64BE(0)}`),
  IntegerDeserializer: fixed('IntegerDeserializer', 4, (b) => `${b.readInt32BE(0)}`),
  ShortDeserializer: fixed('ShortDeserializer', 2, (b) => `${b.readInt16BE(0)}`),
  DoubleDeserializer: fixed('DoubleDeserializer', 8, (b) => decimal(b.readDoubleBE(0))),
  FloatDeserializer: fixed('FloatDeserializer', 4, (b) =>
    decimal(shortestFloat(b.readFloatBE(0))),
  ),
}

/**
 * Writes a number down as `Double.toString` does: always with a point, and with an
 * exponent outside of 0.001 to 10,000,000.
 */
function decimal(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const withPoint = (text: string) => (text.includes('.') ? text : `${text}.0`)
  const size = Math.abs(value)
  if (size >= 1e-3 && size < 1e7) return withPoint(String(value))
  const [digits = '', exponent = ''] = value.toExponential().split('e')
  return `${withPoint(digits)}E${Number(exponent)}`
}

/** The number with the fewest digits that is the same float. */
function shortestFloat(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
}

/** Bytes as text; what does not print is written in hexadecimal digits. */
function printable(bytes: Buffer): string {
  return [...bytes]
    .map((byte) => {
      const isText = byte >= 0x20 && byte < 0x7f && byte !== 0x5c
      return isText
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}

/** Writes records as lines. */
export class DefaultMessageFormatter {
  readonly #printTimestamp: boolean
  readonly #printKey: boolean
  readonly #printValue: boolean
  readonly #keySeparator: Buffer
  readonly #lineSeparator: Buffer
  readonly #key: (bytes: Buffer) => Buffer
  readonly #value: (bytes: Buffer) => Buffer

  /**
   * @param properties - `print.timestamp`, `print.key`, `print.value`, `key.separator`,
   *   `line.separator`, `key.deserializer`, `value.deserializer`
   * @throws IllegalArgumentException for a deserializer that is not known
   */
  constructor(properties: Readonly<Record<string, string>>) {
    for (const name of Object.keys(properties)) {
      if (!known.has(name)) {
        log.warn(`${name} is not used, only ${[...known].join(', ')}`)
      }
    }
    const flag = (name: string, otherwise: boolean) =>
      properties[name] === undefined
        ? otherwise
        : properties[name].trim().toLowerCase() === 'true'
    this.#printTimestamp = flag('print.timestamp', false)
    this.#printKey = flag('print.key', false)
    this.#printValue = flag('print.value', true)
    this.#keySeparator = Buffer.from(properties['key.separator'] ?? '\t')
    this.#lineSeparator = Buffer.from(properties['line.separator'] ?? '\n')
    this.#key = deserializer(properties['key.deserializer'])
    this.#value = deserializer(properties['value.deserializer'])
  }

  /**
   * Makes the bytes of one record.
   *
   * @throws KafkaException when a deserializer finds too few bytes, or too many
   * @kafka core/src/main/scala/kafka/tools/ConsoleConsumer.scala#writeTo
   */
  format({ timestamp, timestampType, key, value }: FetchedRecord): Buffer {
    const parts: Buffer[] = []
    if (this.#printTimestamp) {
      const none = timestampType === 'NoTimestampType'
      const text = none ? 'NO_TIMESTAMP' : `${timestampType}:${timestamp}`
      parts.push(Buffer.from(text))
    }
    if (this.#printKey) parts.push(key === null ? NULL : this.#key(key))
    if (this.#printValue) parts.push(value === null ? NULL : this.#value(value))
    if (parts.length === 0) return Buffer.alloc(0)
    const pieces = parts.flatMap((part, i) =>
      i > 0 ? [this.#keySeparator, part] : [part],
    )
    return Buffer.concat([...pieces, this.#lineSeparator])
  }
}

const NULL = Buffer.from('null')

const known: ReadonlySet<string> = new Set([
  ...['print.timestamp', 'print.key', 'print.value', 'key.separator'],
  ...['line.separator', 'key.deserializer', 'value.deserializer'],
])

function deserializer(name: string | undefined): (bytes: Buffer) => Buffer {
  if (name === undefined) return (bytes) => bytes
  const found = deserializers[name.slice(name.lastIndexOf('.') + 1)]
  if (found) return found
  throw new IllegalArgumentException(
    `${name} is no deserializer, expected one of ${Object.keys(deserializers).join(', ')}`,
  )
}
