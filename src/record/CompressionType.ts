/**
 * # CompressionType
 *
 * The codecs that a batch can name in the low three bits of its attributes. Kafka 1.1
 * knows four; id 4 became zstd in 2.1 and is refused here as any unknown id.
 *
 * | id | name | packed as |
 * |---|---|---|
 * | 0 | none | |
 * | 1 | gzip | gzip stream |
 * | 2 | snappy | xerial stream |
 * | 3 | lz4 | LZ4 frame |
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/record/CompressionType.java#CompressionType
 * @differs whole buffers instead of streams: a batch is unpacked in one piece, within a
 *   bound
 * @module
 */

import { IllegalArgumentException } from '../base/errors.ts'
import { DEFAULT_MAX_DECOMPRESSED_BYTES, tooLarge } from './codecs/bound.ts'
import { compressGzip, decompressGzip } from './codecs/gzip.ts'
import { compressLz4, decompressLz4 } from './codecs/lz4.ts'
import { compressSnappy, decompressSnappy } from './codecs/snappy.ts'

/** What unpacking needs to know. */
export interface DecompressOptions {
  /** Format of the batch; 0 has a quirk in LZ4. */
  readonly magic: number
  /** Most bytes to give; 128 MiB when left out. */
  readonly maxBytes?: number | undefined
}

/** One codec. Compare with `===`; there is one object for each. */
export class CompressionType {
  /** Bytes as they are. */
  static readonly NONE = new CompressionType(
    0,
    'none',
    (data) => data,
    (data, _magic, maxBytes) => {
      if (data.length > maxBytes) throw tooLarge('uncompressed', maxBytes)
      return data
    },
  )

  /** gzip. */
  static readonly GZIP = new CompressionType(1, 'gzip', compressGzip, (data, _, max) =>
    decompressGzip(data, max),
  )

  /** Snappy; needs the package `snappy`. */
  static readonly SNAPPY = new CompressionType(
    2,
    'snappy',
    compressSnappy,
    (data, _, max) => decompressSnappy(data, max),
  )

  /** LZ4; needs the package `lz4-napi`. */
  static readonly LZ4 = new CompressionType(3, 'lz4', compressLz4, decompressLz4)

  static readonly #byId: readonly CompressionType[] = [
    CompressionType.NONE,
    CompressionType.GZIP,
    CompressionType.SNAPPY,
    CompressionType.LZ4,
  ]

  /** The three bits of the attributes. */
  readonly id: number
  /** As configs and tools spell it, in lower case. */
  readonly name: string
  readonly #compress: (data: Buffer, magic: number) => Buffer
  readonly #decompress: (data: Buffer, magic: number, maxBytes: number) => Buffer

  private constructor(
    id: number,
    name: string,
    compress: (data: Buffer, magic: number) => Buffer,
    decompress: (data: Buffer, magic: number, maxBytes: number) => Buffer,
  ) {
    this.id = id
    this.name = name
    this.#compress = compress
    this.#decompress = decompress
  }

  /**
   * Finds the codec of an id.
   *
   * @param id - low three bits of a batch's attributes
   * @throws IllegalArgumentException for 4 (zstd, since 2.1) and above; a producer that
   *   sends one is answered UNKNOWN_SERVER_ERROR by 1.1.1, and so it is here
   */
  static forId(id: number): CompressionType {
    const type = CompressionType.#byId[id]
    if (type === undefined) {
      throw new IllegalArgumentException(`unknown compression type id: ${id}`)
    }
    return type
  }

  /**
   * Finds the codec of a name.
   *
   * @param name - such as `gzip`
   * @throws IllegalArgumentException when there is none
   */
  static forName(name: string): CompressionType {
    const type = CompressionType.#byId.find((candidate) => candidate.name === name)
    if (type === undefined) {
      throw new IllegalArgumentException(`unknown compression name: ${name}`)
    }
    return type
  }

  /**
   * Packs bytes.
   *
   * @param data - bytes to pack; NONE gives the same buffer back
   * @param magic - format of the batch
   * @throws KafkaException when the codec's package is not installed
   */
  compress(data: Buffer, magic = 2): Buffer {
    return this.#compress(data, magic)
  }

  /**
   * Unpacks bytes.
   *
   * @param data - packed bytes; NONE gives the same buffer back
   * @param options - format of the batch and the bound
   * @throws InvalidRecordException when damaged, or when more than `maxBytes` would
   *   come out
   * @throws KafkaException when the codec's package is not installed
   */
  decompress(data: Buffer, options: DecompressOptions): Buffer {
    const maxBytes = options.maxBytes ?? DEFAULT_MAX_DECOMPRESSED_BYTES
    return this.#decompress(data, options.magic, maxBytes)
  }

  /** The codec's name. */
  toString(): string {
    return this.name
  }
}
