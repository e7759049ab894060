/**
 * # DefaultMessageFormatter
 *
 * How the console consumer writes a record: `timestamp key value`, as far as they are asked
 * for, with separators that can be chosen.
 *
 * @kafka core/src/main/scala/kafka/tools/ConsoleConsumer.scala#DefaultMessageFormatter
 * @module
 */
import { IllegalArgumentException } from '../../base/errors.ts'
import type { FetchedRecord } from '../../clients/fetched-record.ts'

/** Names of Kafka's deserializers, and how each makes text of bytes. */
const deserializers: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  ByteArrayDeserializer: (bytes) => bytes,
  StringDeserializer: (bytes) => bytes,
  LongDeserializer: (bytes) => Buffer.from(String(bytes.readBigInt64BE(0))),
  IntegerDeserializer: (bytes) => Buffer.from(String(bytes.readInt32BE(0))),
  ShortDeserializer: (bytes) => Buffer.from(String(bytes.readInt16BE(0))),
  DoubleDeserializer: (bytes) => Buffer.from(String(bytes.readDoubleBE(0))),
  FloatDeserializer: (bytes) => Buffer.from(String(bytes.readFloatBE(0))),
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
   * @throws IllegalArgumentException for a key or a deserializer that is not known
   */
  constructor(properties: Readonly<Record<string, string>>) {
    for (const name of Object.keys(properties)) {
      if (!known.has(name)) {
        throw new IllegalArgumentException(
          `--property ${name}, expected one of ${[...known].join(', ')}`,
        )
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
   * @throws RangeError when its deserializer finds too few bytes
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
