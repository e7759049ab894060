/**
 * # The trace `rebalance-conflict`
 *
 * The former owner of a partition has not let go yet. The claim fails, what was claimed is
 * given back, and the next try comes after a pause.
 *
 * @module
 */
import { StringDecoder } from '../../consumer/Decoder.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { connectorFor, fillTopic, onStage, TOPIC, zooKeeperOf } from '../stage.ts'

const OWNER = `/consumers/annotated/owners/${TOPIC}/0`

/** A claim fails, and the next one succeeds. */
export const rebalanceConflict: ExampleTrace = {
  name: 'rebalance-conflict',
  title: 'a partition has an owner still; a consumer waits, tries again, and owns it',
  about:
    "Each partition of a group has one owner, and the owner's node in ZooKeeper " +
    'says who. Here another member still has its node when the consumer comes. ' +
    'ZooKeeper refuses the second node, so the first try ends with false; the ' +
    'consumer pauses, reads everything anew, and its second claim succeeds.',
  heading: '## zk',
  roots: ['ZKRebalancerListener.syncedRebalance'],

  async run(record, world) {
    await onStage(world, async (stage) => {
      // Another member owns the partition.
      await fillTopic(stage, 'hello')
      const other = await zooKeeperOf(stage)
      await other.createEphemeralPath(OWNER, 'annotated_slow-0')
      const connector = await connectorFor(stage, { 'rebalance.backoff.ms': '100' })

      // It lets go when the consumer tries for the second time.
      let tries = 0
      const beforeReleasingPartitions = async () => {
        if (++tries === 2) await other.deletePath(OWNER)
      }
      connector.setConsumerRebalanceListener({ beforeReleasingPartitions })
      await record(async () => {
        const decoder = new StringDecoder()
        await connector.createMessageStreams(new Map([[TOPIC, 1]]), decoder, decoder)
        await connector.shutdown()
      }, stage.cluster)
      await other.close()
    })
  },
}
