/**
 * # FetchedDataChunk
 *
 * What a fetcher puts into a stream's queue: the messages of one partition from one fetch.
 *
 * @kafka core/src/main/scala/kafka/consumer/FetchedDataChunk.scala#FetchedDataChunk
 * @module
 */
import type { ByteBufferMessageSet } from '../record/ByteBufferMessageSet.ts'
import type { PartitionTopicInfo } from './PartitionTopicInfo.ts'

/** Messages of one partition, and where they were fetched from. */
export interface FetchedDataChunk {
  readonly messages: ByteBufferMessageSet
  readonly topicInfo: PartitionTopicInfo
  /** The offset that the fetch asked for. */
  readonly fetchOffset: number
}

/** Put into a queue to end the stream. Known by identity. */
export const shutdownCommand = Symbol('ZookeeperConsumerConnector.shutdownCommand')

/** What travels through a stream's queue. */
export type QueueItem = FetchedDataChunk | typeof shutdownCommand
