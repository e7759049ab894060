/**
 * # Schema
 *
 * All versions of one direction of one API: the table of its fields, and the codecs
 * made from it. A codec is compiled when its version is first met and kept for good.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/protocol/types/Schema.java#Schema
 * @module
 */

import type { ByteReader } from '../base/bytes/ByteReader.ts'
import type { ByteWriter } from '../base/bytes/ByteWriter.ts'
import {
  KafkaException,
  SchemaException,
  UnsupportedVersionException,
} from '../base/errors.ts'
import { type Codec, compileStruct } from './codec.ts'
import type { Decoded, Encodable, Fields } from './fields.ts'

/**
 * Reads and writes `T` in any version from 0 to `maxVersion`; `In` is what it writes
 * from, which may leave out fields that have a default.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/protocol/types/Schema.java#Schema
 */
export class Schema<T, In = T> {
  /** What is read, for messages: `Fetch request`. */
  readonly name: string

  /** The table, in wire order. */
  readonly fields: Fields

  /** The newest version. */
  readonly maxVersion: number

  readonly #codecs: Codec[] = []

  /** Use {@link Schema.of}, which infers the types from the table. */
  private constructor(name: string, fields: Fields, maxVersion: number) {
    this.name = name
    this.fields = fields
    this.maxVersion = maxVersion
  }

  /**
   * Makes the schema of a table, with its two types inferred.
   *
   * @param name - for messages
   * @param fields - the table, in wire order
   * @param maxVersion - the newest version; the oldest is 0
   */
  static of<F extends Fields>(
    name: string,
    fields: F,
    maxVersion: number,
  ): Schema<Decoded<F>, Encodable<F>> {
    return new Schema(name, fields, maxVersion)
  }

  /**
   * Reads one message. Bytes behind it are left to the caller, as in Kafka.
   *
   * @param version - version on the wire
   * @param reader - stands at the first byte, and afterwards behind the last
   * @returns all fields of all versions; `bytes` and `records` are views on the buffer
   * @throws SchemaException when the bytes do not fit the schema
   * @throws UnsupportedVersionException when the version is none of ours
   */
  decode(version: number, reader: ByteReader): T {
    const codec = this.#codec(version)
    try {
      return codec.read(reader) as T
    } catch (e) {
      // Say what was being read, whatever the reader tripped over.
      throw this.#failure('decode', version, e)
    }
  }

  /**
   * Writes one message.
   *
   * @param version - version to write
   * @param value - fields that this version lacks are dropped
   * @param writer - the bytes go to its end
   * @throws SchemaException when a required field is missing or cannot be written
   * @throws UnsupportedVersionException when the version is none of ours
   */
  encode(version: number, value: In, writer: ByteWriter): void {
    const codec = this.#codec(version)
    try {
      codec.write(writer, value)
    } catch (e) {
      throw this.#failure('encode', version, e)
    }
  }

  #codec(version: number): Codec {
    const known = this.#codecs[version]
    if (known !== undefined) return known

    // Compile a version when it is first met.
    if (!Number.isInteger(version) || version < 0 || version > this.maxVersion)
      throw new UnsupportedVersionException(`${this.name} has no version ${version}`)
    const codec = compileStruct(this.fields, version)
    this.#codecs[version] = codec
    return codec
  }

  #failure(verb: string, version: number, cause: unknown): KafkaException {
    if (cause instanceof KafkaException && !(cause instanceof SchemaException))
      return cause
    const why = cause instanceof Error ? cause.message : String(cause)
    return new SchemaException(`cannot ${verb} ${this.name} v${version}: ${why}`, {
      cause,
    })
  }
}
