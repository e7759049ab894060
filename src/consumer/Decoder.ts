/**
 * # Decoder
 *
 * Turns the bytes of a key or a value into what the application wants. Called when the
 * application asks for the key or the value, not when the message arrives.
 *
 * @kafka core/src/main/scala/kafka/serializer/Decoder.scala
 * @module
 */

/** Makes a `T` of bytes. */
export interface Decoder<T> {
  /** @param bytes never null: an absent key or value is not decoded. */
  fromBytes(bytes: Buffer): T
}

/**
 * Gives the bytes as they are.
 *
 * @kafka core/src/main/scala/kafka/serializer/Decoder.scala#DefaultDecoder
 */
export class DefaultDecoder implements Decoder<Buffer> {
  fromBytes(bytes: Buffer): Buffer {
    return bytes
  }
}

/**
 * Reads the bytes as text.
 *
 * @kafka core/src/main/scala/kafka/serializer/Decoder.scala#StringDecoder
 */
export class StringDecoder implements Decoder<string> {
  readonly encoding: BufferEncoding

  /** @param encoding name of the character set, UTF-8 unless told. */
  constructor(encoding: BufferEncoding = 'utf8') {
    this.encoding = encoding
  }

  fromBytes(bytes: Buffer): string {
    return bytes.toString(this.encoding)
  }
}
