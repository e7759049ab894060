/**
 * # The trace `leader-moved`
 *
 * A consumer's broker hands the partition to another. Fetches fail, the partition goes
 * back to the leader finder, and from there to the fetcher of its new leader.
 *
 * @module
 */
import { StringDecoder } from '../../consumer/Decoder.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { leaderOf, onReplicatedStage, produceToAll } from '../replicated-stage.ts'
import { connectorFor, TOPIC } from '../stage.ts'

/** A consumer follows its partition to another broker. */
export const leaderMoved: ExampleTrace = {
  name: 'leader-moved',
  title: 'the leader leaves in good order, and a consumer follows to the next one',
  about:
    'The broker that a consumer fetches from leaves. Its fetches fail, first ' +
    'because the broker leads no more or is gone; the partition goes back to the ' +
    'leader finder, which asks the brokers that are left, and a fetcher of the ' +
    'new leader goes on at the same offset.',
  heading: '## KafkaStream',
  roots: [
    'ConsumerFetcherThread.handlePartitionsWithErrors',
    'LeaderFinderThread.doWork',
    'ConsumerIterator.next',
  ],

  async run(record, world) {
    await onReplicatedStage(world, async (cluster) => {
      await produceToAll(cluster, 'before')
      await record(async () => {
        const settings = { 'refresh.leader.backoff.ms': '50' }
        const connector = await connectorFor({ cluster }, settings)
        const decoder = new StringDecoder()
        const topics = new Map([[TOPIC, 1]])
        const streams = await connector.createMessageStreams(topics, decoder, decoder)
        const iterator = streams.get(TOPIC)?.[0]?.iterator()
        await iterator?.next()

        // The leader asks the controller to move what it leads, then it goes.
        await leaderOf(cluster)?.shutdown()
        while (!leaderOf(cluster)) await cluster.platform.clock.sleep(5)
        await produceToAll(cluster, 'after')
        await iterator?.next()
        await connector.shutdown()
      }, cluster)
    })
  },
}
