/**
 * # The trace `wildcard`
 *
 * An old consumer reads all topics that an expression allows. A topic is made that it allows,
 * too; the consumer hears of it from ZooKeeper, and reads it on the same stream.
 *
 * @module
 */
import { TopicPartition } from '../../base/TopicPartition.ts'
import { StringDecoder } from '../../consumer/Decoder.ts'
import { Whitelist } from '../../consumer/TopicFilter.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { clientOn, connectorFor, fillTopic, onStage } from '../stage.ts'
import { makeTopic, sendBatch } from '../topics.ts'

const NEW_TOPIC = 'greetings-again'

/** A stream of topics that are not there yet. */
export const wildcard: ExampleTrace = {
  name: 'wildcard',
  title: 'a consumer of an expression takes in a topic that is made later',
  about:
    'The stream is for every topic whose name begins with greet. At first there is one. ' +
    'When another is made, the watch on the list of topics fires; the expression is held ' +
    'against the new list, and the consumer rebalances with two topics that share one ' +
    'queue.',
  heading: '## zk',
  roots: [
    'ZookeeperConsumerConnector.createMessageStreamsByFilter',
    'WildcardStreamsHandler.handleTopicEvent',
  ],

  async run(record, world) {
    await onStage(world, async (stage) => {
      await fillTopic(stage, 'hello')
      const tool = clientOn(stage, 'example-tool')
      await record(async () => {
        const connector = await connectorFor(stage)
        const filter = new Whitelist('greet.*')
        const decoder = new StringDecoder()
        const streams = await connector.createMessageStreamsByFilter(
          ...([filter, 1, decoder, decoder] as const),
        )
        const messages = streams[0]?.iterator()
        await messages?.next()

        // Another topic fits, and its first message comes out of the same stream.
        await makeTopic(tool, { name: NEW_TOPIC })
        const partition = new TopicPartition(NEW_TOPIC, 0)
        const record = { value: Buffer.from('hello again'), timestamp: 0 }
        await sendBatch(tool, partition, record)
        await messages?.next()
        await connector.shutdown()
      }, stage.cluster)
      tool.close()
    })
  },
}
