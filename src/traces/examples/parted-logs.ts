/**
 * # The trace `parted-logs`
 *
 * A leader dies with a record that no follower has copied. Another leads, and puts a record
 * of its own at the same offset. Then the first comes back: its log and the leader's have
 * parted, and it must find out where.
 *
 * @module
 */
import { KafkaServer } from '../../server/KafkaServer.ts'
import type { KafkaCluster } from '../../testing/start-cluster.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'
import {
  leaderOf,
  onReplicatedStage,
  partitionOfStage,
  produceToAll,
  produceToLeader,
} from '../replicated-stage.ts'

/** A former leader cuts off what it wrote alone. */
export const partedLogs: ExampleTrace = {
  name: 'parted-logs',
  title: 'a former leader comes back, and cuts off what nobody had copied from it',
  about:
    'The old leader took "alone" at offset 1, in its epoch, and died before anyone had ' +
    'copied it. The new leader put "instead" at offset 1, in the next epoch. Back as a ' +
    'follower, the old one asks where its last epoch ended, is told 1, cuts its log ' +
    'there, and fetches. Nothing is lost that was acknowledged by all.',
  heading: '# ReplicaManager',
  roots: [
    'ReplicaManager.makeFollowers',
    'ReplicaFetcherThread.maybeTruncate',
    'KafkaApis.handleOffsetForLeaderEpochRequest',
    'ReplicaFetcherThread.processPartitionData',
  ],

  async run(record, world) {
    await onReplicatedStage(world, async (cluster) => {
      // Everybody has the first record. The second reaches the leader, and no one else.
      await produceToAll(cluster, 'before')
      const former = leaderOf(cluster)
      if (!former) throw new Error('nobody leads the partition')
      await stopFollowing(cluster)
      await produceToLeader(cluster, 'alone')

      // The leader dies. Its successor writes at the same offset.
      await former.shutdown(false)
      while (!leaderOf(cluster)) await cluster.platform.clock.sleep(5)
      await produceToAll(cluster, 'instead')

      await record(async () => {
        // It comes back, and the first thing that it copies is what it had lacked.
        const back = new KafkaServer(former.config, {
          platform: cluster.platform,
          zooKeeperConnect: cluster.zooKeeperConnect,
        })
        await back.startup()
        try {
          while (!holdsTheSame(back, cluster)) await cluster.platform.clock.sleep(5)
        } finally {
          await back.shutdown(false)
        }
      }, cluster)
    })
  },
}

/** Has the followers fetch no more, until they are told of another leader. */
async function stopFollowing({ brokers }: KafkaCluster): Promise<void> {
  for (const { replicaManager } of brokers) {
    const { replicaFetcherManager } = replicaManager
    await replicaFetcherManager.removeFetcherForPartitions([partitionOfStage])
  }
}

/** Whether a broker's copy ends in the epoch and at the offset where the leader's does. */
function holdsTheSame(broker: KafkaServer, cluster: KafkaCluster): boolean {
  const ends = [broker, leaderOf(cluster)].map((server) => {
    const copy = server?.replicaManager.getReplica(partitionOfStage)
    const epoch = copy?.log?.leaderEpochCache.latestEpoch()
    return `${epoch} ${copy?.logEndOffset.messageOffset}`
  })
  return ends[0] === ends[1]
}
