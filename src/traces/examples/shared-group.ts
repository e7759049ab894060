/**
 * # The trace `shared-group`
 *
 * Two old consumers share a group, and no coordinator helps them. The second comes, and
 * both compute the same; the first leaves, and the second computes again and owns all.
 *
 * @module
 */
import { StringDecoder } from '../../consumer/Decoder.ts'
import type { ZookeeperConsumerConnector } from '../../consumer/ZookeeperConsumerConnector.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { connectorFor, fillTopic, onStage, TOPIC } from '../stage.ts'

/** A member comes and a member goes, and ZooKeeper tells the others. */
export const sharedGroup: ExampleTrace = {
  name: 'shared-group',
  title:
    'a second consumer joins through ZooKeeper, and takes over when the first leaves',
  about:
    'The topic has one partition, and c1 owns it. When c2 registers, the watch on the ' +
    "group's members wakes c1, and both share out: they read the same nodes, so both find " +
    'that the partition is for c1 and nothing is left for c2. Then c1 leaves. Its nodes ' +
    'go, the watch wakes c2, and c2 claims the partition.',
  heading: '## zk',
  roots: ['ZKRebalancerListener.syncedRebalance'],

  async run(record, world) {
    await onStage(world, async (stage) => {
      // The first will tell when it has shared with another.
      await fillTopic(stage, 'hello')
      const { clock } = stage.cluster.platform
      const settings = { 'rebalance.backoff.ms': '100' }
      const first = await connectorFor(stage, settings)
      let hasSharedWithBoth = false
      const beforeStartingFetchers = async () => {
        hasSharedWithBoth ||= (await first.consumersInGroup()).length === 2
      }
      first.setConsumerRebalanceListener({ beforeStartingFetchers })
      const second = await connectorFor(stage, { ...settings, 'consumer.id': 'c2' })
      try {
        await record(async () => {
          // The first is alone, and owns the partition. The second comes; both share out
          // anew, and the first keeps it.
          await openStream(first)
          await openStream(second)
          while (!hasSharedWithBoth) await clock.sleep(5)

          // The first goes, and the second takes over.
          await first.shutdown()
          while (!second.topicRegistry.get(TOPIC)?.get(0)) await clock.sleep(5)
        }, stage.cluster)
      } finally {
        await first.shutdown()
        await second.shutdown()
      }
    })
  },
}

async function openStream(connector: ZookeeperConsumerConnector): Promise<void> {
  const decoder = new StringDecoder()
  await connector.createMessageStreams(new Map([[TOPIC, 1]]), decoder, decoder)
}
