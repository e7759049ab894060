/**
 * A disk of a broker fails in each way that a disk can: while it is written to, flushed,
 * read, or its files are made or renamed. The broker has another disk, and goes on.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { Errors } from '../../src/base/errors.ts'
import type { StorageFault } from '../../src/base/platform/memory/MemoryStorage.ts'
import {
  type MemoryPlatform,
  memoryPlatform,
} from '../../src/base/platform/memory/memory-platform.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import type { NetworkClient } from '../../src/network/NetworkClient.ts'
import { DeleteTopics } from '../../src/protocol/messages/DeleteTopics.ts'
import { Metadata } from '../../src/protocol/messages/Metadata.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { clientOf, createTopic, fetchBytes, fetchTexts, produce } from './clients.ts'

let cluster: KafkaCluster | undefined

afterEach(async () => {
  await cluster?.close()
})

const storageError = Errors.KAFKA_STORAGE_ERROR.code

/** Starts a broker on two disks; what earlier ones left is there. */
async function startOn(platform: MemoryPlatform) {
  cluster = await startCluster({
    ...{ platform, zookeeperFsync: true },
    config: {
      'log.dirs': '/disk-a,/disk-b',
      'log.flush.interval.messages': '1',
      'log.segment.bytes': '500',
    },
  })
  return { broker: cluster.brokers[0]!, client: clientOf(cluster) }
}

/** The partition of `t` that lies in a directory. */
function partitionIn(dir: string): number {
  const logs = cluster!.brokers[0]!.logManager.logsByTopic('t')
  return logs.find((log) => log.parentDir === dir)!.topicPartition.partition
}

/** Asks until the controller's word of lost replicas is around. */
async function untilOffline(client: NetworkClient, partition: number) {
  for (;;) {
    const { topics } = await client.sendAndReceive(Metadata, 5, {
      topics: [{ name: 't' }],
    })
    const found = topics[0]?.partitions.find((p) => p.partition === partition)
    if (found?.offlineReplicas.includes(0)) return found
  }
}

/** Whether the broker knows the topic. */
async function isKnown(client: NetworkClient): Promise<boolean> {
  const { topics } = await client.sendAndReceive(Metadata, 5, {
    ...{ topics: [{ name: 't' }], allowAutoTopicCreation: false },
  })
  return topics[0]?.errorCode !== Errors.UNKNOWN_TOPIC_OR_PARTITION.code
}

interface Scene {
  readonly what: string
  readonly fault: StorageFault
  /** What runs into it. @returns the error that is answered */
  readonly strike: (client: NetworkClient, partition: number) => Promise<number>
}

async function append(client: NetworkClient, partition: number): Promise<number> {
  return (await produce(client, 't', ['refused'], { partition })).errorCode
}

/** Appends until a segment is full and the next one has to be made. */
async function appendUntilRefused(
  client: NetworkClient,
  partition: number,
): Promise<number> {
  for (;;) {
    const { errorCode } = await produce(client, 't', ['more'], { partition })
    if (errorCode !== 0) return errorCode
  }
}

const scenes: Scene[] = [
  {
    what: 'is full when a batch is written',
    fault: { path: '/disk-a', operations: ['write'], code: 'ENOSPC' },
    strike: append,
  },
  {
    what: 'fails when a batch is written',
    fault: { path: '/disk-a', operations: ['write'], code: 'EIO' },
    strike: append,
  },
  {
    what: 'fails when a batch is flushed',
    fault: { path: '/disk-a', operations: ['sync'], code: 'EIO' },
    strike: append,
  },
  {
    what: 'is full when a segment is begun',
    fault: {
      path: /^\/disk-a\/t-\d\/0+[1-9]\d*\./,
      operations: ['open'],
      code: 'ENOSPC',
    },
    strike: appendUntilRefused,
  },
  {
    what: 'fails when a batch is read',
    fault: { path: '/disk-a', operations: ['read'], code: 'EIO' },
    strike: async (client, partition) =>
      (await fetchBytes(client, 't', 1, { partition })).errorCode,
  },
  {
    what: 'fails when a checkpoint is put in place',
    fault: { path: '/disk-a', operations: ['rename'], code: 'EIO' },
    strike: async (client, partition) => {
      cluster!.brokers[0]!.logManager.checkpointLogRecoveryOffsets()
      await untilOffline(client, partition)
      return append(client, partition)
    },
  },
]

describe('a disk', () => {
  for (const { what, fault, strike } of scenes) {
    it(`${what}: its replicas go offline, the other disk serves on`, async () => {
      const platform = memoryPlatform({ clock: 'real' })
      const { broker, client } = await startOn(platform)
      await createTopic(client, 't', { partitions: 4 })
      const lost = partitionIn('/disk-a')
      const kept = partitionIn('/disk-b')
      const texts = ['a', 'b', 'c']
      for (const partition of [lost, kept]) {
        for (const text of texts) {
          expect(await produce(client, 't', [text], { partition })).toMatchObject({
            errorCode: 0,
          })
        }
      }

      // The one who meets it is told; the controller hears of it, and tells everybody.
      platform.storage.addFault(fault)
      expect(await strike(client, lost)).toBe(storageError)
      const metadata = await untilOffline(client, lost)
      expect(metadata).toMatchObject({ leaderId: -1, offlineReplicas: [0] })
      expect(broker.logManager.offlineLogDirs).toEqual(['/disk-a'])
      expect(await append(client, lost)).toBe(storageError)
      const there = new TopicPartition('t', lost)
      expect(broker.replicaManager.getPartition(there)?.isOffline).toBe(true)

      // The other disk takes appends and is read, and new topics go there.
      expect(await append(client, kept)).toBe(0)
      expect(await fetchTexts(client, 't', 0, { partition: kept })).toEqual([
        ...[...texts, 'refused'],
      ])
      await createTopic(client, 'new', { partitions: 2 })
      expect(broker.logManager.logsByTopic('new').map((log) => log.parentDir)).toEqual([
        ...['/disk-b', '/disk-b'],
      ])

      // With a healthy disk, after a crash: all that was acknowledged is there.
      client.close()
      await cluster?.close()
      platform.storage.crash('drop')
      platform.storage.clearFaults()
      const second = await startOn(platform)
      const read = await fetchTexts(second.client, 't', 0, { partition: lost })
      expect(read.slice(0, 3)).toEqual(texts)
      expect(second.broker.logManager.offlineLogDirs).toEqual([])
      expect(await append(second.client, lost)).toBe(0)
      second.client.close()
    })
  }

  it('fails when a topic is deleted from it: the deletion goes on at the next start', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    const { broker, client } = await startOn(platform)
    await createTopic(client, 't', { partitions: 4 })
    const lost = partitionIn('/disk-a')
    platform.storage.addFault({ path: '/disk-a', operations: ['rename'], code: 'EIO' })
    const { responses } = await client.sendAndReceive(DeleteTopics, 1, {
      ...{ topicNames: ['t'], timeoutMs: 5000 },
    })

    // Nobody sees the topic any more, but its log is there.
    expect(responses[0]?.errorCode).toBe(0)
    while (broker.logManager.liveLogDirs.length > 1) await isKnown(client)
    expect(platform.storage.exists(`/disk-a/t-${lost}`)).toBe(true)
    client.close()
    await cluster?.close()
    platform.storage.clearFaults()
    const second = await startOn(platform)
    while (platform.storage.exists(`/disk-a/t-${lost}`)) await isKnown(second.client)
    expect(await isKnown(second.client)).toBe(false)
    second.client.close()
  })
})
