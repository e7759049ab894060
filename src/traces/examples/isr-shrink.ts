/**
 * # The trace `isr-shrink`
 *
 * A follower stands still. A producer that waits for all in-sync replicas waits for it,
 * until the leader puts it out of the in-sync set: then the high watermark moves, and the
 * producer has its answer.
 *
 * @module
 */
import type { KafkaServer } from '../../server/KafkaServer.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import {
  controllerOf,
  leaderOf,
  onReplicatedStage,
  partitionOfStage,
  produceToAll,
} from '../replicated-stage.ts'

/** Short, so that the reader need not wait; Kafka's own is 10 s. */
const LAG_LIMIT = {
  'replica.lag.time.max.ms': '2000',
  'replica.fetch.wait.max.ms': '1000',
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

          // Some seconds later the controller has told everybody.
          const { topic, partition } = partitionOfStage
          const cacheOf = (broker: KafkaServer | undefined) =>
            broker?.metadataCache.getPartitionInfo(topic, partition)?.isr
          while (cacheOf(follower)?.length !== 2) await cluster.platform.clock.sleep(50)
        }, cluster)
      },
      LAG_LIMIT,
    )
  },
}
