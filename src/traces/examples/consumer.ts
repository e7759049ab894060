/**
 * # The trace `consumer`
 *
 * A consumer joins its group: `Consumer.create`, then `createMessageStreams`, down to the
 * start of its fetchers.
 *
 * @module
 */
import { StringDecoder } from '../../consumer/Decoder.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { connectorFor, fillTopic, onStage, TOPIC } from '../stage.ts'

/** A consumer joins its group. */
export const consumer: ExampleTrace = {
  name: 'consumer',
  title: 'a consumer registers in ZooKeeper, rebalances, and starts its fetchers',
  heading: '## zk',
  roots: ['Consumer.create', 'ZookeeperConsumerConnector.createMessageStreams'],

  async run(record, world) {
    await onStage(world, async (stage) => {
      await fillTopic(stage, 'hello')
      await record(async () => {
        const connector = await connectorFor(stage)
        const streams = new Map([[TOPIC, 1]])
        const decoder = new StringDecoder()
        await connector.createMessageStreams(streams, decoder, decoder)
        await connector.shutdown()
      }, stage.cluster)
    })
  },
}
