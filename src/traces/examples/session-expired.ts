/**
 * # The trace `session-expired`
 *
 * ZooKeeper has not heard of a consumer for too long, and takes its nodes away. In a new
 * session the consumer registers again and rebalances.
 *
 * @module
 */
import { StringDecoder } from '../../consumer/Decoder.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { connectorFor, fillTopic, onStage, TOPIC } from '../stage.ts'

const OWNER = `/consumers/annotated/owners/${TOPIC}/0`

/** A member comes back in a new session. */
export const sessionExpired: ExampleTrace = {
  name: 'session-expired',
  title: "a consumer's session ends; it joins again in a new one",
  about:
    'A consumer is in its group for as long as its session lives. Here ZooKeeper ' +
    "ends the session: the member's node and its owner node are gone at once. The " +
    'client makes a new session by itself; the consumer forgets what it owned, ' +
    'registers again, and rebalances.',
  heading: '## zk',
  roots: ['ZKSessionExpireListener.handleNewSession'],

  async run(record, world) {
    await onStage(world, async (stage) => {
      await fillTopic(stage, 'hello')
      await record(async () => {
        const connector = await connectorFor(stage)
        const decoder = new StringDecoder()
        const topics = new Map([[TOPIC, 1]])
        const streams = await connector.createMessageStreams(topics, decoder, decoder)
        await streams.get(TOPIC)?.[0]?.iterator().next()

        // The session ends; then the partition is owned in another one.
        const server = stage.cluster.zooKeeperServer
        const owner = server?.ephemeralOwner(OWNER) ?? 0n
        if (!server || owner === 0n) throw new Error('nobody owns the partition')
        server.expireSession(owner)
        while ([0n, owner].includes(server.ephemeralOwner(OWNER))) {
          await stage.cluster.platform.clock.sleep(5)
        }
        await connector.shutdown()
      }, stage.cluster)
    })
  },
}
