/**
 * # The trace `follower-left-behind`
 *
 * A follower was away for longer than its leader keeps records. What it would have to fetch
 * next does not exist any more, so it throws its log away and begins anew.
 *
 * @module
 */
import { DeleteRecords } from '../../protocol/messages/DeleteRecords.ts'
import { KafkaServer } from '../../server/KafkaServer.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import {
  controllerOf,
  leaderOf,
  onReplicatedStage,
  partitionOfStage,
  produceToAll,
} from '../replicated-stage.ts'
import { TOPIC } from '../stage.ts'
import { lineTo } from '../topics.ts'

/** Where the leader's log begins when the follower is back. */
const NEW_START = 3

/** A follower begins anew where its leader's log begins. */
export const followerLeftBehind: ExampleTrace = {
  name: 'follower-left-behind',
  title: 'a follower was away for too long, and begins anew where its leader begins',
  about:
    'The follower has the record at offset 0, and was shut down. Meanwhile three more ' +
    'came, and the log was cut up to offset 3, as retention would do it. The follower ' +
    'comes back and asks for offset 1: OFFSET_OUT_OF_RANGE. It asks where the leader ends ' +
    'and where it begins, throws away all that it has, and fetches from 3 on. Then it is ' +
    'in sync again.',
  heading: '# ReplicaManager',
  roots: [
    'AbstractFetcherThread.processFetchRequest',
    'ReplicaFetcherThread.handleOffsetOutOfRange',
    'Partition.maybeExpandIsr',
  ],
  drawn: [
    'ReplicaFetcherThread.handleOffsetOutOfRange',
    'ReplicaFetcherThread.fetchOffset',
    'Log.truncateFullyAndStartAt',
    'Partition.maybeExpandIsr',
  ],

  async run(record, world) {
    await onReplicatedStage(world, async (cluster) => {
      const { clock } = cluster.platform
      await produceToAll(cluster, 'kept by all')
      const busy = [leaderOf(cluster), controllerOf(cluster)]
      const [leader] = busy
      const follower = cluster.brokers.find((broker) => !busy.includes(broker))
      if (!leader || !follower) throw new Error('nobody leads, or nobody follows')
      const id = follower.config.brokerId
      const inSync = () => {
        const partition = leader.replicaManager.nonOfflinePartition(partitionOfStage)
        return [...(partition?.inSyncReplicas ?? [])].some((r) => r.brokerId === id)
      }

      // It goes; the others go on, and keep only the last record.
      await follower.shutdown()
      while (inSync()) await clock.sleep(5)
      for (const text of ['missed', 'missed, too', 'kept']) {
        await produceToAll(cluster, text)
      }
      const client = lineTo(leader, cluster, 'example-tool')
      const partitions = [{ partition: 0, offset: NEW_START }]
      const topics = [{ name: TOPIC, partitions }]
      await client.sendAndReceive(DeleteRecords, 0, { topics, timeoutMs: 10_000 })
      client.close()

      // It comes back.
      const back = new KafkaServer(follower.config, {
        platform: cluster.platform,
        zooKeeperConnect: cluster.zooKeeperConnect,
      })
      try {
        await record(async () => {
          await back.startup()
          while (!inSync()) await clock.sleep(5)
        }, cluster)
      } finally {
        await back.shutdown(false)
      }
    })
  },
}
