/**
 * # The trace `isr-shrink`
 *
 * A follower stands still. A producer that waits for all in-sync replicas waits for it,
 * until the leader puts it out of the in-sync set: then the high watermark moves, and the
 * producer has its answer.
 *
 * @module
 */
import type { ExampleTrace } from '../ExampleTrace.ts'
import {
  controllerOf,
  leaderOf,
  onReplicatedStage,
  produceToAll,
} from '../replicated-stage.ts'

/** Short, so that the reader need not wait; Kafka's own is 10 s. */
const LAG_LIMIT = {
  'replica.lag.time.max.ms': '300',
  'replica.fetch.wait.max.ms': '100',
}

/** The leader puts a follower that lags out of the in-sync set. */
export const isrShrink: ExampleTrace = {
  name: 'isr-shrink',
  title:
    'a follower stands still; the leader goes on without it, and a produce completes',
  heading: '# KafkaApis',
  roots: [
    'KafkaApis.handleProduceRequest',
    'Partition.maybeShrinkIsr',
    'IsrChangeNotification.process',
  ],

  async run(record, world) {
    await onReplicatedStage(
      world,
      async (cluster) => {
        // Everybody is in sync, and has something.
        await produceToAll(cluster, 'before')
        await record(async () => {
          // One that neither leads nor controls stops to fetch.
          const busy = [leaderOf(cluster), controllerOf(cluster)]
          const follower = cluster.brokers.find((broker) => !busy.includes(broker))
          await follower?.replicaManager.replicaFetcherManager.shutdown()

          // The answer comes when the leader has given it up.
          await produceToAll(cluster, 'after')
        }, cluster)
      },
      LAG_LIMIT,
    )
  },
}
