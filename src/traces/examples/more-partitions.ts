/**
 * # The trace `more-partitions`
 *
 * A topic gets more partitions while a group of old consumers reads it. A watch tells the
 * members, and they share out anew.
 *
 * @module
 */
import { Errors } from '../../base/errors.ts'
import { StringDecoder } from '../../consumer/Decoder.ts'
import { CreatePartitions } from '../../protocol/messages/CreatePartitions.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { clientOn, connectorFor, fillTopic, onStage, TOPIC } from '../stage.ts'

/** Deals partitions out in a circle, and rests shortly between two attempts. */
const SETTINGS = {
  'partition.assignment.strategy': 'roundrobin',
  'rebalance.backoff.ms': '100',
}

/** How many partitions the topic has at the end. */
const PARTITIONS = 3

/** A topic grows, and its readers hear of it. */
export const morePartitions: ExampleTrace = {
  name: 'more-partitions',
  title: 'a topic gets more partitions, and the consumer that reads it takes them, too',
  about:
    'One consumer with two streams reads a topic of one partition, so one of its streams ' +
    'has nothing to do. A tool asks for three partitions; the controller writes them into ' +
    "the topic's node, which the consumer watches. It gives up what it has and shares out " +
    'anew. The assignor is `roundrobin` here: it deals the three partitions to the two ' +
    'streams in turn.',
  heading: '## zk',
  roots: [
    'ZKTopicPartitionChangeListener.handleDataChange',
    'ZKRebalancerListener.syncedRebalance',
  ],
  drawn: [
    'KafkaApis.handleCreatePartitionsRequest',
    'PartitionModifications.process',
    'ZKTopicPartitionChangeListener.handleDataChange',
    'ZKRebalancerListener.rebalance',
    'RoundRobinAssignor.assign',
    'ZKRebalancerListener.updateFetcher',
  ],

  async run(record, world) {
    await onStage(world, async (stage) => {
      await fillTopic(stage, 'hello')
      const { clock } = stage.cluster.platform
      const tool = clientOn(stage, 'example-tool')
      const connector = await connectorFor(stage, SETTINGS)
      try {
        const decoder = new StringDecoder()
        const wish = new Map([[TOPIC, 2]])
        await connector.createMessageStreams(wish, decoder, decoder)
        await record(async () => {
          const topic = { name: TOPIC, count: PARTITIONS, assignments: null }
          const request = { topics: [topic], timeoutMs: 20_000, validateOnly: false }
          const answer = await tool.sendAndReceive(CreatePartitions, 0, request)
          const errorCode = answer.results[0]?.errorCode ?? -1
          if (errorCode !== 0) throw Errors.forCode(errorCode).exception()

          // All of them are the consumer's.
          const owned = () => connector.topicRegistry.get(TOPIC)?.size
          while (owned() !== PARTITIONS) await clock.sleep(5)
        }, stage.cluster)
      } finally {
        await connector.shutdown()
        tool.close()
      }
    })
  },
}
