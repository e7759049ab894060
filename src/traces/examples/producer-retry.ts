/**
 * # The trace `producer-retry`
 *
 * The producer believes in a leader that has left. Its request fails, it pauses, asks who
 * leads now, and sends again.
 *
 * @module
 */
import { KeyedMessage } from '../../producer/KeyedMessage.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import { leaderOf, onReplicatedStage } from '../replicated-stage.ts'
import { oldProducerFor, TOPIC } from '../stage.ts'

/** A producer finds the new leader. */
export const producerRetry: ExampleTrace = {
  name: 'producer-retry',
  title: 'the leader has left; a producer asks who leads now, and sends again',
  about:
    'A producer remembers who leads. Here that broker has left. The request fails ' +
    'on the socket, all its messages count as failed, and after a pause the ' +
    'producer asks for metadata, finds the new leader, and sends them again.',
  heading: '## SyncProducer',
  roots: ['Producer.send'],

  async run(record, world) {
    await onReplicatedStage(world, async (cluster) => {
      // The producer knows the leader; then another leads, and the socket is closed.
      const producer = oldProducerFor({ cluster })
      await producer.send(new KeyedMessage(TOPIC, 'before'))
      await leaderOf(cluster)?.shutdown()
      do await cluster.platform.clock.sleep(5)
      while (!leaderOf(cluster))
      await record(async () => {
        await producer.send(new KeyedMessage(TOPIC, 'after'))
      }, cluster)
      await producer.close()
    })
  },
}
