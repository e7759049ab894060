/**
 * # The trace `no-broker`
 *
 * No broker is alive when a consumer joins: it owns nothing, and watches the list of
 * brokers. A broker comes, and the consumer rebalances.
 *
 * @module
 */
import { StringDecoder } from '../../consumer/Decoder.ts'
import { KafkaServer } from '../../server/KafkaServer.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { connectorFor, fillTopic, onStage, TOPIC } from '../stage.ts'

/** A consumer comes before the brokers. */
export const noBroker: ExampleTrace = {
  name: 'no-broker',
  title: 'a consumer joins while no broker is alive, and begins when one comes',
  about:
    'Without a broker there are no leaders to fetch from. The first rebalance ' +
    'counts as a success with nothing owned, and leaves a watch on the list of ' +
    'brokers. When a broker registers, ZooKeeper tells the consumer, and a second ' +
    'rebalance gives it its partition.',
  heading: '## zk',
  roots: ['ZKRebalancerListener.handleChildChange', 'ZKRebalancerListener.rebalance'],

  async run(record, world) {
    await onStage(world, async (stage) => {
      // The only broker leaves.
      await fillTopic(stage, 'hello')
      const { brokers, platform, zooKeeperConnect } = stage.cluster
      const [former] = brokers
      if (!former) throw new Error('the cluster has no broker')
      await former.shutdown(false)
      const next = new KafkaServer(former.config, { platform, zooKeeperConnect })
      try {
        await record(async () => {
          const connector = await connectorFor(stage)
          const decoder = new StringDecoder()
          const topics = new Map([[TOPIC, 1]])
          const streams = await connector.createMessageStreams(topics, decoder, decoder)

          // It comes back; a message says that the consumer has noticed.
          await next.startup()
          await streams.get(TOPIC)?.[0]?.iterator().next()
          await connector.shutdown()
        }, stage.cluster)
      } finally {
        await next.shutdown(false)
      }
    })
  },
}
