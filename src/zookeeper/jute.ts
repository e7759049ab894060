/**
 * # Jute
 *
 * ZooKeeper's serialization. A record is its fields one after the other, without names
 * or lengths; who reads must know the shape. Here a shape is a value made from smaller
 * shapes, and the type of what it reads is inferred from it.
 *
 *     int [4] · long [8] · boolean [1]
 *     buffer, ustring  [int32 length | bytes]     length -1 for null
 *     vector           [int32 count | items]      count -1 for null
 *
 * @kafka none: zookeeper/jute, org/apache/jute/BinaryInputArchive.java
 * @differs shapes are values instead of generated classes; a null string reads as the
 *   empty one and a null vector as the empty one, which nobody who sends them tells apart
 * @module
 */
import { ByteReader } from '../base/bytes/ByteReader.ts'
import { ByteWriter } from '../base/bytes/ByteWriter.ts'
import { SchemaException } from '../base/exceptions.ts'

/** Reads and writes one kind of value. */
export interface Jute<T> {
  /** @throws SchemaException when the bytes end early or make no sense */
  read(from: ByteReader): T
  write(to: ByteWriter, value: T): void
}

/** The type of what a shape reads. */
export type JuteType<J> = J extends Jute<infer T> ? T : never

/** Signed, 32 bits. */
export const int: Jute<number> = {
  read: (from) => from.readInt32(),
  write: (to, value) => to.writeInt32(value),
}

/** Signed, all 64 bits meant: ids and transaction numbers. */
export const long: Jute<bigint> = {
  read: (from) => from.readBigInt64(),
  write: (to, value) => to.writeBigInt64(value),
}

/** 64 bits that hold a time in ms. */
export const millis: Jute<number> = {
  read: (from) => from.readInt64(),
  write: (to, value) => to.writeInt64(value),
}

/** One byte, 0 or 1. */
export const boolean: Jute<boolean> = {
  read: (from) => from.readBoolean(),
  write: (to, value) => to.writeBoolean(value),
}

/** Bytes, or null; a view on what was received. */
export const buffer: Jute<Buffer | null> = {
  read: (from) => from.readNullableBytes(),
  write: (to, value) => to.writeNullableBytes(value),
}

/** UTF-8 text. */
export const ustring: Jute<string> = {
  read: (from) => from.readNullableBytes()?.toString('utf8') ?? '',
  write: (to, value) => to.writeBytes(Buffer.from(value, 'utf8')),
}

/** A list. @param item - the shape of its elements */
export function vector<T>(item: Jute<T>): Jute<readonly T[]> {
  return {
    read: (from) => {
      const count = from.readInt32()

      // Refuse a count that the rest of the bytes cannot hold; every item takes some.
      if (count > from.remaining) {
        throw new SchemaException(`${count} items in ${from.remaining} bytes`)
      }
      const items: T[] = []
      for (let i = 0; i < count; i++) items.push(item.read(from))
      return items
    },
    write: (to, items) => {
      to.writeInt32(items.length)
      for (const each of items) item.write(to, each)
    },
  }
}

/** A record. @param shape - its fields, in the order of the wire */
export function record<T extends object>(
  shape: {
    readonly [K in keyof T]: Jute<T[K]>
  },
): Jute<{ readonly [K in keyof T]: T[K] }> {
  const fields = Object.entries(shape) as [keyof T, Jute<T[keyof T]>][]
  return {
    read: (from) => {
      const value: Partial<T> = {}
      for (const [name, field] of fields) value[name] = field.read(from)
      return value as T
    },
    write: (to, value) => {
      for (const [name, field] of fields) field.write(to, value[name])
    },
  }
}

/** No bytes at all. */
export const nothing: Jute<undefined> = {
  read: () => undefined,
  write: () => undefined,
}

/** Puts records together, without a length before them. */
export function encode(...parts: readonly ((to: ByteWriter) => void)[]): Buffer {
  const to = new ByteWriter(128)
  for (const part of parts) part(to)
  return to.toBuffer()
}

/** Puts records together as one frame: `[int32 length | records]`. */
export function frame(...parts: readonly ((to: ByteWriter) => void)[]): Buffer {
  const to = new ByteWriter(128).writeInt32(0)
  for (const part of parts) part(to)
  return to.patchInt32(0, to.position - 4).toBuffer()
}

/** Reads one record that makes up the beginning of `bytes`. */
export function decode<T>(jute: Jute<T>, bytes: Buffer): T {
  return jute.read(new ByteReader(bytes))
}
