/**
 * # From table to codec
 *
 * Walks a table of fields once for one version and leaves closures that read and write
 * that version with no decision left to take: which fields are there, which may be
 * null, how small an element can be.
 *
 *     (fields, version) ─▶ compileStruct ─▶ { minSize, read(reader), write(writer, v) }
 *
 * Invariants: reading trusts nothing. Every length is compared with the bytes that are
 * left before anything is allocated, so that a frame of n bytes never costs more than a
 * multiple of n; whatever is wrong ends in a SchemaException, and nothing else.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/protocol/types/Schema.java#Schema
 * @kafka clients/src/main/java/org/apache/kafka/common/protocol/types/ArrayOf.java#ArrayOf
 * @module
 */

import type { ByteReader } from '../base/bytes/ByteReader.ts'
import type { BytesSource, ByteWriter } from '../base/bytes/ByteWriter.ts'
import { SchemaException } from '../base/errors.ts'
import type { AnyField, Fields, Scalar, WireType } from './fields.ts'

/** Reads and writes values of one type in one version. */
export interface Codec {
  /** Bytes that the smallest value takes. */
  readonly minSize: number

  /**
   * Reads one value.
   *
   * @throws SchemaException when the bytes end early or contradict the schema
   */
  read(reader: ByteReader): unknown

  /**
   * Writes one value.
   *
   * @throws SchemaException when a required value is missing or null is not allowed
   */
  write(writer: ByteWriter, value: unknown): void
}

/**
 * Makes the codec of a table for one version.
 *
 * @param fields - the table, in wire order
 * @param version - the version to compile for; fields of other versions give their
 *   default
 * @param path - where the struct stands, for messages; ends with a dot unless empty
 */
export function compileStruct(fields: Fields, version: number, path = ''): Codec {
  // Compile each field once.
  const names = Object.keys(fields)
  const codecs = names.map((name) => compileField(fields[name]!, version, path + name))
  const minSize = codecs.reduce((sum, codec) => sum + codec.minSize, 0)

  return {
    minSize,
    read(reader) {
      const struct: Record<string, unknown> = {}
      for (let i = 0; i < codecs.length; i++)
        struct[names[i]!] = codecs[i]!.read(reader)
      return struct
    },
    write(writer, value) {
      const struct = value as Record<string, unknown>
      for (let i = 0; i < codecs.length; i++)
        codecs[i]!.write(writer, struct[names[i]!])
    },
  }
}

function compileField(field: AnyField, version: number, path: string): Codec {
  const { fallback } = field

  // Answer the default where the version lacks the field.
  if (version < field.since || version > field.until)
    return { minSize: 0, read: () => fallback?.(), write: () => undefined }

  // Let the type's own codec do the bytes.
  const nullable = version >= field.nullableSince
  const codec = compileType(field.type, nullable, version, path)
  return {
    minSize: codec.minSize,
    read: codec.read,
    write(writer, given) {
      const value = given === undefined ? fallback?.() : given
      if (value === undefined) throw new SchemaException(`field ${path} is missing`)
      if (value === null && !nullable)
        throw new SchemaException(`field ${path} cannot be null in version ${version}`)
      codec.write(writer, value)
    },
  }
}

function compileType(
  type: WireType,
  nullable: boolean,
  version: number,
  path: string,
): Codec {
  if (typeof type === 'string')
    return (nullable && nullableScalars[type]) || scalars[type]
  if ('struct' in type) return compileStruct(type.struct, version, `${path}.`)
  return compileArray(compileType(type.arrayOf, false, version, path), nullable, path)
}

function compileArray(element: Codec, nullable: boolean, path: string): Codec {
  return {
    minSize: 4,
    read(reader) {
      const count = reader.readInt32()
      if (count === -1 && nullable) return null

      // Refuse a count that the rest of the frame cannot hold.
      if (count < 0) throw new SchemaException(`array ${path} has ${count} elements`)
      if (count * element.minSize > reader.remaining)
        throw new SchemaException(
          `array ${path} claims ${count} elements in ${reader.remaining} bytes`,
        )

      const values: unknown[] = []
      for (let i = 0; i < count; i++) values.push(element.read(reader))
      return values
    },
    write(writer, value) {
      if (value === null) {
        writer.writeInt32(-1)
        return
      }
      const values = value as readonly unknown[]
      writer.writeInt32(values.length)
      for (const each of values) element.write(writer, each)
    },
  }
}

function scalar<T>(
  minSize: number,
  read: (reader: ByteReader) => T,
  write: (writer: ByteWriter, value: T) => void,
): Codec {
  return { minSize, read, write: write as (writer: ByteWriter, value: unknown) => void }
}

const recordsCodec = scalar<Buffer | BytesSource | null>(
  4,
  (reader) => reader.readNullableBytes(),
  (writer, value) => {
    if (value === null || Buffer.isBuffer(value)) {
      writer.writeNullableBytes(value)
      return
    }

    // Let the source copy itself behind its length.
    writer.writeInt32(value.sizeInBytes)
    writer.writeSource(value)
  },
)

const scalars: { readonly [S in Scalar]: Codec } = {
  boolean: scalar<boolean>(
    1,
    (r) => r.readBoolean(),
    (w, v) => w.writeBoolean(v),
  ),
  int8: scalar<number>(
    1,
    (r) => r.readInt8(),
    (w, v) => w.writeInt8(v),
  ),
  int16: scalar<number>(
    2,
    (r) => r.readInt16(),
    (w, v) => w.writeInt16(v),
  ),
  int32: scalar<number>(
    4,
    (r) => r.readInt32(),
    (w, v) => w.writeInt32(v),
  ),
  int64: scalar<number>(
    8,
    (r) => r.readInt64(),
    (w, v) => w.writeInt64(v),
  ),
  producerId: scalar<bigint>(
    8,
    (r) => r.readBigInt64(),
    (w, v) => w.writeBigInt64(v),
  ),
  string: scalar<string>(
    2,
    (r) => r.readString(),
    (w, v) => w.writeString(v),
  ),
  bytes: scalar<Buffer>(
    4,
    (r) => r.readBytes(),
    (w, v) => w.writeBytes(v),
  ),
  records: recordsCodec,
}

const nullableScalars: { readonly [S in Scalar]?: Codec } = {
  string: scalar<string | null>(
    2,
    (r) => r.readNullableString(),
    (w, v) => w.writeNullableString(v),
  ),
  bytes: scalar<Buffer | null>(
    4,
    (r) => r.readNullableBytes(),
    (w, v) => w.writeNullableBytes(v),
  ),
}
