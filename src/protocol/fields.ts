/**
 * # The words of the schema language
 *
 * An API of Kafka is one table of fields. The order of the table is the order on the
 * wire, and each field says in which versions it lives; so all versions are read at one
 * glance, where Kafka 1.1.1 has one schema constant a version.
 *
 *     topics: array({
 *       name: string(),
 *       partitions: array({
 *         partition: int32(),
 *         timestamp: int64({ since: 1, default: -1 }),
 *         oldStyleOffsets: array(int64(), { until: 0 }),
 *       }),
 *     }, { nullable: 1 }),
 *
 * TypeScript infers two types from a table: what decoding gives ({@link Decoded}, every
 * field present) and what encoding takes ({@link Encodable}, fields with a default may
 * be left out).
 *
 * Rules: a field that is not in all versions has a default, the declared one or the
 * zero of its type. Decoding an old version gives the default; encoding for a version
 * without the field drops the value, as Kafka's `setIfExists` does.
 *
 * Room to grow: flexible versions would add a `tag` option here and a flag beside
 * `version` in `codec.ts`; no message file would change.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/protocol/types/Field.java#Field
 * @kafka clients/src/main/java/org/apache/kafka/common/protocol/types/Type.java#Type
 * @module
 */

import type { BytesSource } from '../base/bytes/ByteWriter.ts'

/** The scalar types, by the name of the function that makes a field of them. */
export type Scalar =
  | 'boolean'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'producerId'
  | 'string'
  | 'bytes'
  | 'records'

/** What a field holds: a scalar, a struct, or an array of either. */
export type WireType =
  | Scalar
  | { readonly struct: Fields }
  | { readonly arrayOf: WireType }

/** A table of fields, in wire order. */
export type Fields = { readonly [name: string]: AnyField }

/** Any field, whatever its types. */
// biome-ignore lint/suspicious/noExplicitAny: stands for every instantiation
export type AnyField = Field<any, any, boolean>

declare const carried: unique symbol

/**
 * One row of a table.
 *
 * `T` is what decoding gives, `In` what encoding takes, `Optional` whether encoding may
 * go without it. The three exist for the type checker only.
 */
export class Field<T, In, Optional extends boolean> {
  declare readonly [carried]: { decoded: T; encoded: In; optional: Optional }

  /** The type on the wire. */
  readonly type: WireType

  /** First version that has the field. */
  readonly since: number

  /** Last version that has it; Infinity while it lives. */
  readonly until: number

  /** First version that can say null; Infinity when none can. */
  readonly nullableSince: number

  /** Makes the value for when there is none; absent when the field is required. */
  readonly fallback: (() => unknown) | undefined

  constructor(type: WireType, zero: () => unknown, options: Options<unknown> = {}) {
    this.type = type
    this.since = options.since ?? 0
    this.until = options.until ?? Number.POSITIVE_INFINITY
    const { nullable = false } = options
    if (typeof nullable === 'number') this.nullableSince = nullable
    else this.nullableSince = nullable ? 0 : Number.POSITIVE_INFINITY

    // Give a default to every field that is missing somewhere.
    const always = options.since === undefined && options.until === undefined
    if (options.default !== undefined) this.fallback = () => options.default
    else if (always) this.fallback = undefined
    else this.fallback = nullable === false ? zero : () => null
  }
}

/** What can be said about a field besides its type. */
export interface Options<T> {
  /** First version that has it; 0 when left out. */
  readonly since?: number

  /** Last version that has it. */
  readonly until?: number

  /** Whether null can be sent: `true`, or the first version where it can. */
  readonly nullable?: true | number

  /** The value in versions without the field, and when an encoder is given none. */
  readonly default?: T | null
}

type Nullable<T, O> = O extends { readonly nullable: true | number } ? T | null : T

type IsOptional<O> = O extends
  | { readonly default: unknown }
  | { readonly since: number }
  | { readonly until: number }
  ? true
  : false

type FieldOf<T, In, O> = Field<Nullable<T, O>, Nullable<In, O>, IsOptional<O>>

type Carried<F> =
  F extends Field<infer T, infer In, infer Optional>
    ? { decoded: T; encoded: In; optional: Optional }
    : never

/** The object that decoding a table gives: every field of every version. */
export type Decoded<F extends Fields> = {
  readonly [K in keyof F]: Carried<F[K]>['decoded']
}

type OptionalKeys<F extends Fields> = {
  [K in keyof F]: Carried<F[K]>['optional'] extends true ? K : never
}[keyof F]

/** The object that encoding a table takes: fields with a default may be left out. */
export type Encodable<F extends Fields> = {
  readonly [K in Exclude<keyof F, OptionalKeys<F>>]: Carried<F[K]>['encoded']
} & {
  readonly [K in OptionalKeys<F>]?: Carried<F[K]>['encoded'] | undefined
}

/** One byte, 0 or 1; any other value reads as true. */
export function boolean<const O extends Options<boolean>>(
  options?: O,
): FieldOf<boolean, boolean, O> {
  return new Field('boolean', () => false, options)
}

/** A signed byte. */
export function int8<const O extends Options<number>>(
  options?: O,
): FieldOf<number, number, O> {
  return new Field('int8', () => 0, options)
}

/** Two bytes, signed, big-endian like all numbers here. */
export function int16<const O extends Options<number>>(
  options?: O,
): FieldOf<number, number, O> {
  return new Field('int16', () => 0, options)
}

/** Four bytes, signed. */
export function int32<const O extends Options<number>>(
  options?: O,
): FieldOf<number, number, O> {
  return new Field('int32', () => 0, options)
}

/**
 * Eight bytes, signed, as a `number`: offsets and times.
 *
 * @differs values beyond ±2^53 are rounded; no offset, and no time in ms, reaches them
 */
export function int64<const O extends Options<number>>(
  options?: O,
): FieldOf<number, number, O> {
  return new Field('int64', () => 0, options)
}

/** Eight bytes, signed, as a `bigint`: a producer id uses all its bits. -1n is none. */
export function producerId<const O extends Options<bigint>>(
  options?: O,
): FieldOf<bigint, bigint, O> {
  return new Field('producerId', () => -1n, options)
}

/** `[length 2 | UTF-8]`; length -1 is null. */
export function string<const O extends Options<string>>(
  options?: O,
): FieldOf<string, string, O> {
  return new Field('string', () => '', options)
}

/** `[length 4 | bytes]`; length -1 is null. Decoding gives a view, not a copy. */
export function bytes<const O extends Options<Buffer>>(
  options?: O,
): FieldOf<Buffer, Buffer, O> {
  return new Field('bytes', () => Buffer.alloc(0), options)
}

/**
 * `[length 4 | record batches]`; length -1 is null, in all versions.
 *
 * Decoding gives a view on the received frame. Encoding takes a buffer, or anything
 * that can copy itself in place, such as a stretch of a log file.
 */
export function records(): Field<Buffer | null, Buffer | BytesSource | null, false> {
  return new Field('records', () => null, { nullable: true })
}

type ElementDecoded<E> = E extends AnyField
  ? Carried<E>['decoded']
  : E extends Fields
    ? Decoded<E>
    : never

type ElementEncoded<E> = E extends AnyField
  ? Carried<E>['encoded']
  : E extends Fields
    ? Encodable<E>
    : never

/**
 * `[count 4 | elements]`; count -1 is null.
 *
 * @param element - a field, for an array of scalars; or a table, for an array of
 *   structs
 */
export function array<
  const E extends AnyField | Fields,
  const O extends Options<readonly never[]>,
>(
  element: E,
  options?: O,
): FieldOf<ElementDecoded<E>[], readonly ElementEncoded<E>[], O> {
  const type: WireType = element instanceof Field ? element.type : { struct: element }
  return new Field({ arrayOf: type }, () => [], options)
}
