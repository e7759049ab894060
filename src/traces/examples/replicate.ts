/**
 * # The trace `replicate`
 *
 * Three brokers hold a partition. A producer waits until all of them have its message;
 * then the leader leaves, another leads in a new epoch, and the next message goes there.
 *
 * @module
 */
import type { ExampleTrace } from '../ExampleTrace.ts'
import { leaderOf, onReplicatedStage, produceToAll } from '../replicated-stage.ts'

/** Followers copy the leader's log; one of them takes over. */
export const replicate: ExampleTrace = {
  name: 'replicate',
  title: 'followers copy what the leader appends, and one of them takes over from it',
  heading: '# ReplicaManager',
  roots: [
    'KafkaApis.handleProduceRequest',
    'ReplicaManager.becomeLeaderOrFollower',
    'ReplicaFetcherThread.processPartitionData',
    'Partition.updateReplicaLogReadResult',
  ],

  async run(record, world) {
    await onReplicatedStage(world, async (cluster) => {
      await record(async () => {
        // Produce, and wait until every replica has it.
        await produceToAll(cluster, 'hello')

        // Let the leader go; whoever leads now takes the next message.
        const leader = leaderOf(cluster)
        await leader?.shutdown()
        await produceToAll(cluster, 'again')
      }, cluster)
    })
  },
}
