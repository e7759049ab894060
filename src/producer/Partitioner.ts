/**
 * # Partitioner
 *
 * Picks the partition of a message by its key, so that equal keys meet in one
 * partition.
 *
 * @kafka core/src/main/scala/kafka/producer/Partitioner.scala#Partitioner
 * @module
 */

import { ConfigException } from '../base/errors.ts'
import { abs, javaBytesHashCode, javaStringHashCode } from '../base/hash.ts'

/** Picks partitions. */
export interface Partitioner {
  /**
   * @param key - never null
   * @param numPartitions - of the topic, with or without a leader; at least 1
   * @returns from 0 to `numPartitions` - 1
   */
  partition(key: unknown, numPartitions: number): number
}

/**
 * Takes the key's hash code, as Java has it, modulo the number of partitions.
 *
 * @differs byte arrays are hashed by content; Java hashes their identity, which puts
 *   equal keys anywhere
 * @kafka core/src/main/scala/kafka/producer/DefaultPartitioner.scala#DefaultPartitioner
 */
export class DefaultPartitioner implements Partitioner {
  partition(key: unknown, numPartitions: number): number {
    return abs(hashCode(key)) % numPartitions
  }
}

/**
 * Takes the hash of the key's bytes modulo the number of partitions.
 *
 * @kafka core/src/main/scala/kafka/producer/ByteArrayPartitioner.scala#ByteArrayPartitioner
 */
export class ByteArrayPartitioner implements Partitioner {
  partition(key: unknown, numPartitions: number): number {
    return abs(javaBytesHashCode(key as Uint8Array)) % numPartitions
  }
}

/**
 * What Java answers for a string, an Integer, a Long, a Boolean or an array's content.
 */
function hashCode(key: unknown): number {
  if (key instanceof Uint8Array) return javaBytesHashCode(key)
  if (typeof key === 'number' && Number.isInteger(key) && (key | 0) === key) return key
  if (typeof key === 'boolean') return key ? 1231 : 1237
  if (
    typeof key === 'bigint' ||
    (typeof key === 'number' && Number.isSafeInteger(key))
  ) {
    // Fold the two halves of a Long.
    const long = BigInt.asUintN(64, BigInt(key))
    return Number(BigInt.asIntN(32, long ^ (long >> 32n)))
  }
  return javaStringHashCode(String(key))
}

/**
 * Makes the partitioner that `partitioner.class` names.
 *
 * @throws ConfigException when there is no such partitioner
 * @differs classes of the user's own are passed to the producer as objects
 */
export function createPartitioner(className: string): Partitioner {
  const name = className.replace(/^kafka\.producer\./, '')
  if (name === 'DefaultPartitioner') return new DefaultPartitioner()
  if (name === 'ByteArrayPartitioner') return new ByteArrayPartitioner()
  throw new ConfigException(
    `partitioner.class is ${className}, expected DefaultPartitioner or ` +
      'ByteArrayPartitioner',
  )
}
