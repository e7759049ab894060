/**
 * Clusters inside this process: without ports or files, and of three brokers of which one
 * dies.
 */
import { describe, expect, it } from 'vitest'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import {
  clientOf,
  controllerOf,
  createTopic,
  fetchTexts,
  produce,
} from '../server/clients.ts'

/** Resolves when a broker has been told of metadata that satisfy a condition. */
function untilTold(
  { brokers }: KafkaCluster,
  broker: number,
  when: () => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    if (when()) {
      resolve()
      return
    }
    const stop = brokers[broker]!.metadataCache.onUpdate(() => {
      if (!when()) return
      stop()
      resolve()
    })
  })
}

describe('startCluster() in memory', () => {
  it('serves three brokers without a port or a file', async () => {
    const before = process.getActiveResourcesInfo().filter((kind) => /TCP/.test(kind))
    await using cluster = await startCluster({ brokers: 3, platform: 'memory' })
    const client = clientOf(cluster, controllerOf(cluster))
    await createTopic(client, 't', { partitions: 1, replicas: 3 })
    const leader = await leaderOf(cluster, 0)
    const atLeader = clientOf(cluster, leader)
    expect(await produce(atLeader, 't', ['a', 'b'], { acks: -1 })).toMatchObject({
      errorCode: 0,
    })
    expect(await fetchTexts(atLeader, 't', 0)).toEqual(['a', 'b'])
    const during = process.getActiveResourcesInfo().filter((kind) => /TCP/.test(kind))
    expect(during).toEqual(before)
    client.close()
    atLeader.close()
  })
})

for (const platform of ['node', 'memory'] as const) {
  describe(`three brokers, ${platform} platform`, () => {
    it('elect another leader when one dies, and lose nothing', async () => {
      await using cluster = await startCluster({
        ...{ brokers: 3, platform },
        config: { 'zookeeper.session.timeout.ms': '4000' },
      })
      const setup = clientOf(cluster, controllerOf(cluster))
      await createTopic(setup, 't', {
        replicas: 3,
        configs: { 'min.insync.replicas': '2' },
      })
      setup.close()

      // All three have it when it is acknowledged.
      const first = await leaderOf(cluster, 0)
      const client = clientOf(cluster, first)
      expect((await produce(client, 't', ['a', 'b'], { acks: -1 })).errorCode).toBe(0)
      client.close()
      const tp = new TopicPartition('t', 0)
      const ends = cluster.brokers.map(
        (broker) => broker.replicaManager.getReplica(tp)?.logEndOffset.messageOffset,
      )
      expect(ends).toEqual([2, 2, 2])

      // The leader goes without a word to the controller.
      const other = (first + 1) % 3
      await cluster.brokers[first]!.shutdown(false)
      const { metadataCache } = cluster.brokers[other]!
      const leads = () => metadataCache.getPartitionInfo('t', 0)?.leader ?? -1
      await untilTold(cluster, other, () => leads() >= 0 && leads() !== first)

      // The new one has everything, and takes more with the two that are left.
      const second = leads()
      await untilTold(cluster, second, () => {
        const partition = cluster.brokers[second]!.replicaManager.getPartition(tp)
        return partition?.leaderReplicaIfLocal !== undefined
      })
      const survivor = clientOf(cluster, second)
      expect(await produce(survivor, 't', ['c'], { acks: -1 })).toMatchObject({
        ...{ errorCode: 0, baseOffset: 2 },
      })
      expect(await fetchTexts(survivor, 't', 0)).toEqual(['a', 'b', 'c'])
      survivor.close()
    })
  })
}

/** The leader of a partition of `t`, once a broker knows it. */
async function leaderOf(cluster: KafkaCluster, partition: number): Promise<number> {
  const { metadataCache } = cluster.brokers[controllerOf(cluster)]!
  const leader = () => metadataCache.getPartitionInfo('t', partition)?.leader ?? -1
  await untilTold(cluster, controllerOf(cluster), () => leader() >= 0)
  return leader()
}
