/**
 * # Encoder
 *
 * Turns keys and values into bytes for the old producer. `serializer.class` names one
 * by Kafka's class name, with or without its package.
 *
 * @kafka core/src/main/scala/kafka/serializer/Encoder.scala#Encoder
 * @module
 */

import { ConfigException } from '../base/errors.ts'

/** Turns values of one type into bytes. */
export interface Encoder<T> {
  /** @returns the bytes; null for a message without any */
  toBytes(value: T): Buffer | null
}

/**
 * Takes bytes for what they are.
 *
 * @kafka core/src/main/scala/kafka/serializer/Encoder.scala#DefaultEncoder
 */
export class DefaultEncoder implements Encoder<Uint8Array | null> {
  toBytes(value: Uint8Array | null): Buffer | null {
    return value === null
      ? null
      : Buffer.from(value.buffer, value.byteOffset, value.length)
  }
}

/**
 * Gives null, whatever the value.
 *
 * @kafka core/src/main/scala/kafka/serializer/Encoder.scala#NullEncoder
 */
export class NullEncoder implements Encoder<unknown> {
  toBytes(_value: unknown): Buffer | null {
    return null
  }
}

/**
 * Writes text in UTF-8.
 *
 * @kafka core/src/main/scala/kafka/serializer/Encoder.scala#StringEncoder
 */
export class StringEncoder implements Encoder<string | null> {
  toBytes(value: string | null): Buffer | null {
    return value === null ? null : Buffer.from(value, 'utf8')
  }
}

/**
 * Writes a number as `[int32 4]`.
 *
 * @kafka core/src/main/scala/kafka/serializer/Encoder.scala#IntegerEncoder
 */
export class IntegerEncoder implements Encoder<number | null> {
  toBytes(value: number | null): Buffer | null {
    if (value === null) return null
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return bytes
  }
}

/**
 * Writes a number as `[int64 8]`.
 *
 * @kafka core/src/main/scala/kafka/serializer/Encoder.scala#LongEncoder
 */
export class LongEncoder implements Encoder<bigint | number | null> {
  toBytes(value: bigint | number | null): Buffer | null {
    if (value === null) return null
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64BE(BigInt(value))
    return bytes
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the user's setting vouches for the type
type AnyEncoder = Encoder<any>

const encoders: { readonly [name: string]: new () => AnyEncoder } = {
  DefaultEncoder,
  NullEncoder,
  StringEncoder,
  IntegerEncoder,
  LongEncoder,
}

/**
 * Makes the encoder that a setting names.
 *
 * @param className - such as `kafka.serializer.StringEncoder`
 * @param setting - key of the setting, for the message
 * @throws ConfigException when there is no such encoder
 * @differs classes of the user's own are passed to the producer as objects
 */
export function createEncoder(className: string, setting: string): AnyEncoder {
  const Encoder = encoders[className.replace(/^kafka\.serializer\./, '')]
  if (Encoder === undefined)
    throw new ConfigException(
      `${setting} is ${className}, expected one of ${Object.keys(encoders).join(', ')}`,
    )
  return new Encoder()
}
