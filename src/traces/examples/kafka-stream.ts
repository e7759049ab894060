/**
 * # The trace `kafka-stream`
 *
 * Messages reach an application: the iterator waits at its queue, a fetcher fills it.
 *
 * @module
 */
import { StringDecoder } from '../../consumer/Decoder.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { connectorFor, fillTopic, onStage, TOPIC } from '../stage.ts'

/** Messages reach an application through a stream. */
export const kafkaStream: ExampleTrace = {
  name: 'kafka-stream',
  title: 'three messages go from the broker through fetcher and queue to the iterator',
  heading: '## KafkaStream',
  roots: [
    'KafkaStream.iterator',
    'ConsumerIterator.hasNext',
    'ConsumerIterator.next',
    'ConsumerFetcherThread.fetch',
    'ConsumerFetcherThread.processPartitionData',
  ],

  async run(record, world) {
    await onStage(world, async (stage) => {
      await fillTopic(stage, 'hello', 'brave', 'world')
      await record(async () => {
        const connector = await connectorFor(stage)
        const decoder = new StringDecoder()
        const topics = new Map([[TOPIC, 1]])
        const streams = await connector.createMessageStreams(topics, decoder, decoder)
        let left = 3
        for await (const _ of streams.get(TOPIC)?.[0] ?? []) if (--left === 0) break
        await connector.shutdown()
      }, stage.cluster)
    })
  },
}
