/**
 * # annotated-kafka, as a library
 *
 * The broker, the clients of the notes, and the parts that are of use alone: codecs of the
 * wire, record batches, the log, ZooKeeper. A cluster for tests is one import away:
 * `annotated-kafka/testing`.
 *
 * @module
 */
export * from './base/errors.ts'
export { memoryPlatform } from './base/platform/memory/memory-platform.ts'
export { nodePlatform } from './base/platform/node/node-platform.ts'
export type {
  Clock,
  Network,
  Platform,
  Random,
  Storage,
} from './base/platform/Platform.ts'
export { TopicPartition } from './base/TopicPartition.ts'
export { TopicPartitionMap, TopicPartitionSet } from './base/TopicPartitionMap.ts'
export { ConsumerConfig } from './consumer/ConsumerConfig.ts'
export { Consumer, type ConsumerConnector } from './consumer/ConsumerConnector.ts'
export { DefaultDecoder, StringDecoder } from './consumer/Decoder.ts'
export { KafkaStream } from './consumer/KafkaStream.ts'
export type { MessageAndMetadata } from './consumer/MessageAndMetadata.ts'
export { SimpleConsumer } from './consumer/SimpleConsumer.ts'
export { Log } from './log/Log.ts'
export { LogConfig } from './log/LogConfig.ts'
export { LogManager } from './log/LogManager.ts'
export { NetworkClient } from './network/NetworkClient.ts'
export { ProducerRequest, type ProducerResponse } from './producer/ProducerRequest.ts'
export { SyncProducer } from './producer/SyncProducer.ts'
export { SyncProducerConfig } from './producer/SyncProducerConfig.ts'
export {
  TopicMetadataRequest,
  type TopicMetadataResponse,
} from './producer/TopicMetadataRequest.ts'
export { ApiKeys } from './protocol/ApiKeys.ts'
export { encodeRequest, encodeResponse, FrameParser } from './protocol/framing.ts'
export { RequestHeader, ResponseHeader } from './protocol/RequestHeader.ts'
export { CompressionType } from './record/CompressionType.ts'
export { MemoryRecords } from './record/MemoryRecords.ts'
export { KafkaConfig } from './server/KafkaConfig.ts'
export { KafkaServer } from './server/KafkaServer.ts'
export { KafkaZkClient } from './zk/KafkaZkClient.ts'
export { connectWithNodeZookeeperClient } from './zookeeper/node-zookeeper-client-session.ts'
export { ZooKeeperServer } from './zookeeper/server/ZooKeeperServer.ts'
export { ZooKeeperClient } from './zookeeper/ZooKeeperClient.ts'
