/**
 * # Tools of the protocol tests
 *
 * Walks a schema to make random messages of a version, or to list the leaves of one.
 *
 * @module
 */
import fc from 'fast-check'
import { ByteReader } from '../../src/base/bytes/ByteReader.ts'
import { ByteWriter } from '../../src/base/bytes/ByteWriter.ts'
import type { AnyApi } from '../../src/protocol/Api.ts'
import { ApiKeys } from '../../src/protocol/ApiKeys.ts'
import type { AnyField, Fields, Scalar, WireType } from '../../src/protocol/fields.ts'
import type { Schema } from '../../src/protocol/Schema.ts'

/** One direction of an API, whatever its types. */
// biome-ignore lint/suspicious/noExplicitAny: stands for every instantiation
export type AnySchema = Schema<any, any>

/** Every (API, direction, version) of 1.1.1. */
export const everyVersion = ApiKeys.all.flatMap((api: AnyApi) =>
  (['request', 'response'] as const).flatMap((direction) =>
    Array.from({ length: api.maxVersion + 1 }, (_, version) => ({
      name: `${api.name} ${direction} v${version}`,
      schema: api[direction] as AnySchema,
      version,
    })),
  ),
)

/** Bytes of `value` in `version`. */
export function encoded(schema: AnySchema, version: number, value: unknown): Buffer {
  const writer = new ByteWriter()
  schema.encode(version, value, writer)
  return writer.toBuffer()
}

/** What `bytes` say in `version`, and how many are left over. */
export function decoded(schema: AnySchema, version: number, bytes: Buffer) {
  const reader = new ByteReader(bytes)
  const value = schema.decode(version, reader)
  return { value, remaining: reader.remaining }
}

/** Whether `version` has the field. */
function lives(field: AnyField, version: number): boolean {
  return version >= field.since && version <= field.until
}

const int64 = fc.integer({
  min: Number.MIN_SAFE_INTEGER,
  max: Number.MAX_SAFE_INTEGER,
})

const scalars: { readonly [S in Scalar]: fc.Arbitrary<unknown> } = {
  boolean: fc.boolean(),
  int8: fc.integer({ min: -128, max: 127 }),
  int16: fc.integer({ min: -32768, max: 32767 }),
  int32: fc.integer(),
  int64,
  producerId: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  string: fc.string({ unit: 'grapheme', maxLength: 6 }),
  bytes: fc.uint8Array({ maxLength: 9 }).map((b) => Buffer.from(b)),
  records: fc.uint8Array({ maxLength: 9 }).map((b) => Buffer.from(b)),
}

function arbitraryType(type: WireType, version: number): fc.Arbitrary<unknown> {
  if (typeof type === 'string') return scalars[type]
  if ('struct' in type) return arbitraryStruct(type.struct, version)
  return fc.array(arbitraryType(type.arrayOf, version), { maxLength: 2 })
}

/** Random messages of `version`; fields that it lacks hold their default. */
export function arbitraryStruct(fields: Fields, version: number): fc.Arbitrary<object> {
  const entries = Object.entries(fields).map(([name, field]) => {
    if (!lives(field, version)) return [name, fc.constant(field.fallback?.())] as const
    const value = arbitraryType(field.type, version)
    return [name, version >= field.nullableSince ? fc.option(value) : value] as const
  })
  return fc.record(Object.fromEntries(entries))
}

/** The scalars of a decoded message in wire order, with null for null arrays. */
export function leaves(fields: Fields, version: number, struct: unknown): unknown[] {
  const values = struct as Record<string, unknown>
  return Object.entries(fields)
    .filter(([, field]) => lives(field, version))
    .flatMap(([name, field]) => leavesOf(field.type, version, values[name]))
}

function leavesOf(type: WireType, version: number, value: unknown): unknown[] {
  if (value === null) return [null]
  if (typeof type === 'string') return [value]
  if ('struct' in type) return leaves(type.struct, version, value)
  const elements = value as readonly unknown[]
  return elements.flatMap((each) => leavesOf(type.arrayOf, version, each))
}
