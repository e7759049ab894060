/**
 * # The trace `request`
 *
 * Every request of the notes, each by the client that sends it: metadata and produce by a
 * SyncProducer, offsets by a connector that keeps them in Kafka, metadata by its leader
 * finder, fetches by its SimpleConsumer.
 *
 * @module
 */
import { StringDecoder } from '../../consumer/Decoder.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import {
  connectorFor,
  createTopic,
  onStage,
  produceRequest,
  producerFor,
  TOPIC,
} from '../stage.ts'

/** Every request that the clients of the notes send. */
export const request: ExampleTrace = {
  name: 'request',
  title: 'who sends which request over which channel',
  heading: '# request',
  roots: [
    'SyncProducer.send',
    'ZookeeperConsumerConnector.fetchOffsets',
    'ZookeeperConsumerConnector.commitOffsets',
    'ClientUtils.fetchTopicMetadata',
    'ClientUtils.channelToOffsetManager',
    'SimpleConsumer.fetch',
  ],

  async run(record, world) {
    await onStage(world, async (stage) => {
      await record(async () => {
        const producer = producerFor(stage)
        await createTopic(producer, stage.cluster.platform)
        await producer.send(produceRequest('hello'))
        await producer.close()

        // Keep the offsets in Kafka, so that they travel over the offsets channel.
        const connector = await connectorFor(stage, { 'offsets.storage': 'kafka' })
        const decoder = new StringDecoder()
        const topics = new Map([[TOPIC, 1]])
        const streams = await connector.createMessageStreams(topics, decoder, decoder)
        await streams.get(TOPIC)?.[0]?.iterator().next()
        await connector.commitOffsets()
        await connector.shutdown()
      }, stage.cluster)
    })
  },
}
