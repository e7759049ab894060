/**
 * # BrokerCompressionCodec
 *
 * The values of a topic's `compression.type`: a codec, `uncompressed`, or `producer`,
 * which stores what was sent as it was packed.
 *
 * @kafka core/src/main/scala/kafka/message/CompressionCodec.scala#BrokerCompressionCodec
 * @module
 */

import { CompressionType } from './CompressionType.ts'

/** Reads `compression.type`. */
export const BrokerCompressionCodec = {
  /** Every value that a topic or broker config may have. */
  brokerCompressionOptions: [
    'uncompressed',
    'snappy',
    'lz4',
    'gzip',
    'producer',
  ] as const,

  /**
   * Finds the codec to store with.
   *
   * @param compressionType - value of the config
   * @param producerCompression - codec of the batches that were sent
   * @throws IllegalArgumentException when the value is none of the options
   */
  getTargetCompressionCodec(
    compressionType: string,
    producerCompression: CompressionType,
  ): CompressionType {
    if (compressionType === 'producer') return producerCompression
    if (compressionType === 'uncompressed') return CompressionType.NONE
    return CompressionType.forName(compressionType)
  },
}
