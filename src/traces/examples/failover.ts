/**
 * # The trace `failover`
 *
 * The leader of a partition leaves without a word, as a machine does that dies. Its
 * session ends, the controller notices, and one of those in sync leads.
 *
 * @module
 */
import type { ExampleTrace } from '../ExampleTrace.ts'
import { leaderOf, onReplicatedStage, produceToAll } from '../replicated-stage.ts'

/** A leader dies; the controller gives its partition to another. */
export const failover: ExampleTrace = {
  name: 'failover',
  title: 'a leader is gone without a word, and the controller chooses another',
  heading: '# ReplicaManager',
  roots: [
    'BrokerChange.process',
    'ReplicaManager.becomeLeaderOrFollower',
    'KafkaApis.handleProduceRequest',
  ],

  async run(record, world) {
    await onReplicatedStage(world, async (cluster) => {
      await produceToAll(cluster, 'before')
      await record(async () => {
        // The leader asks nobody to take over: only its session says that it is gone.
        await leaderOf(cluster)?.shutdown(false)
        while (!leaderOf(cluster)) await cluster.platform.clock.sleep(5)
        await produceToAll(cluster, 'after')
      }, cluster)
    })
  },
}
