/**
 * # The trace `rebalance-failed`
 *
 * The owner of a partition never lets go. When the tries are used up, the application is
 * told, and nothing is owned.
 *
 * @module
 */
import { ConsumerRebalanceFailedException } from '../../base/errors.ts'
import { StringDecoder } from '../../consumer/Decoder.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { connectorFor, fillTopic, onStage, TOPIC, zooKeeperOf } from '../stage.ts'

const OWNER = `/consumers/annotated/owners/${TOPIC}/0`

/** Short, so that the reader need not wait; Kafka's own are 4 tries and 2 s. */
const SOON_OVER = { 'rebalance.max.retries': '2', 'rebalance.backoff.ms': '50' }

/** All tries fail. */
export const rebalanceFailed: ExampleTrace = {
  name: 'rebalance-failed',
  title: 'a partition keeps its owner; a consumer uses up its tries and fails',
  about:
    'The same refusal, but the other member never lets go. Every try ends with ' +
    'false. When `rebalance.max.retries` of them are used up (two here, four in ' +
    'Kafka), `createMessageStreams` throws, and the consumer owns nothing.',
  heading: '## zk',
  roots: ['ZookeeperConsumerConnector.createMessageStreams'],

  async run(record, world) {
    await onStage(world, async (stage) => {
      await fillTopic(stage, 'hello')
      const other = await zooKeeperOf(stage)
      await other.createEphemeralPath(OWNER, 'annotated_slow-0')
      const connector = await connectorFor(stage, SOON_OVER)
      await record(async () => {
        // It fails as it should; all else is an error of the example.
        const decoder = new StringDecoder()
        const topics = new Map([[TOPIC, 1]])
        const failure = await connector
          .createMessageStreams(topics, decoder, decoder)
          .catch((error: unknown) => error)
        await connector.shutdown()
        if (failure instanceof ConsumerRebalanceFailedException) return
        throw new Error('the consumer did not fail', { cause: failure })
      }, stage.cluster)
      await other.close()
    })
  },
}
