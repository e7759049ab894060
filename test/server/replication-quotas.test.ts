/**
 * Replication at a rate in a cluster of three brokers, set through ZooKeeper as the tools
 * do it: over the memory network, on a virtual clock.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import type { NetworkClient } from '../../src/network/NetworkClient.ts'
import { AlterConfigs } from '../../src/protocol/messages/AlterConfigs.ts'
import { throttledPartitions } from '../../src/server/ConfigHandler.ts'
import type { KafkaServer } from '../../src/server/KafkaServer.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { clientOf, controllerOf, createTopic, produce } from './clients.ts'

const platform = memoryPlatform({ clock: 'virtual' })
const clock = platform.virtualClock
const run = <T>(promise: Promise<T>) => clock.runUntil(promise)

let cluster: KafkaCluster

beforeAll(async () => {
  const config = { 'replica.fetch.max.bytes': '5000' }
  cluster = await run(startCluster({ brokers: 3, platform, config }))
})

afterAll(() => run(cluster.close()))

/** Sets what is set for a topic or a broker, as the tools of ZooKeeper do. */
async function set(path: string, config: Record<string, string>) {
  const [type = '', name = ''] = path.split('/')
  const { zkClient } = broker(0)
  await run(zkClient.setOrCreateEntityConfigs(type, name, config))
  await run(zkClient.createConfigChangeNotification(path))
  await clock.settle()
}

const broker = (id: number) => cluster.brokers[id] as KafkaServer
const endOf = (id: number, topic: string) =>
  broker(id).logManager.getLog(new TopicPartition(topic, 0))!.logEndOffset
const sizeOf = (id: number, topic: string) =>
  broker(id).logManager.getLog(new TopicPartition(topic, 0))!.size
const bound = (id: number, of: 'leader' | 'follower' | 'alterLogDirs') =>
  broker(id).quotaManagers[of].upperBound()

describe('the lists of throttled replicas', () => {
  it('throttledPartitions() picks those of a broker', () => {
    expect(throttledPartitions(['0:1', '1:2', '2:1'], 1)).toEqual([0, 2])
    expect(throttledPartitions(['0:1'], 3)).toEqual([])
    expect(throttledPartitions(['', ''], 0)).toEqual([])
    expect(throttledPartitions(['*'], 3)).toEqual([-1])
  })

  it('reach the quotas of the brokers that they name, and leave them again', async () => {
    const list = { 'leader.replication.throttled.replicas': '0:1,1:1,1:2' }
    await set('topics/listed', {
      ...list,
      'follower.replication.throttled.replicas': '*',
    })
    const throttled = (of: 'leader' | 'follower') =>
      cluster.brokers.map(({ quotaManagers }) =>
        [0, 1, 2].filter((partition) =>
          quotaManagers[of].isThrottled(new TopicPartition('listed', partition)),
        ),
      )
    const all = [0, 1, 2]
    expect(throttled('leader')).toEqual([[], [0, 1], [1]])
    expect(throttled('follower')).toEqual([all, all, all])

    // A list that is not valid changes nothing; an empty one ends it.
    await set('topics/listed', { 'leader.replication.throttled.replicas': '0-1' })
    expect(throttled('leader')).toEqual([[], [0, 1], [1]])
    await set('topics/listed', {
      ...list,
      'follower.replication.throttled.replicas': '',
    })
    expect(throttled('follower')).toEqual([[], [], []])
    await set('topics/listed', {})
    expect(throttled('leader')).toEqual([[], [], []])
  })

  it.each([
    ['leader.replication.throttled.replicas', '0'],
    ['leader.replication.throttled.replicas', '0:1,1'],
    ['follower.replication.throttled.replicas', '0:1,*'],
    ['follower.replication.throttled.replicas', 'a:b'],
  ])('are refused when they are bad: %s=%s', async (name, value) => {
    const client = clientOf(cluster, controllerOf(cluster))
    await run(client.ready())
    if (!broker(0).metadataCache.getAllTopics().includes('checked')) {
      await run(createTopic(client, 'checked'))
    }
    const resource = { resourceType: 2, resourceName: 'checked' }
    const { responses } = await run(
      client.sendAndReceive(AlterConfigs, 0, {
        resources: [{ ...resource, configs: [{ name, value }] }],
        validateOnly: false,
      }),
    )
    client.close()
    expect(responses[0]?.errorCode).toBe(42)
    expect(responses[0]?.errorMessage).toContain('* or a list of partition:broker')
  })
})

describe('the rates of a broker', () => {
  it('are taken in one by one, and are without a bound when they are gone', async () => {
    const bounds = () =>
      (['leader', 'follower', 'alterLogDirs'] as const).map((of) => bound(1, of))
    const none = Number.POSITIVE_INFINITY
    await set('brokers/1', {
      'leader.replication.throttled.rate': '1000',
      'follower.replication.throttled.rate': '2000',
    })
    expect(bounds()).toEqual([1000, 2000, none])
    await set('brokers/1', { 'replica.alter.log.dirs.io.max.bytes.per.second': '3000' })
    expect(bounds()).toEqual([none, none, 3000])

    // One that is no number leaves all as they are.
    await set('brokers/1', {
      'leader.replication.throttled.rate': '1',
      'follower.replication.throttled.rate': 'fast',
    })
    expect(bounds()).toEqual([none, none, 3000])
    await set('brokers/1', {})
    expect(bounds()).toEqual([none, none, none])
    expect(bound(0, 'leader')).toBe(none)
  })
})

describe('a follower that comes back', () => {
  const RATE = 20_000
  const clients: NetworkClient[] = []

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close()
    for (const id of [0, 1, 2]) await set(`brokers/${id}`, {})
  })

  /** Writes to the leader of a topic, acknowledged by all in sync. */
  async function write(topic: string, count: number) {
    const leader = cluster.brokers.findIndex(({ replicaManager }) =>
      replicaManager
        .leaderPartitions()
        .some((partition) => partition.topic === topic && !partition.isOffline),
    )
    const client = clientOf(cluster, leader)
    clients.push(client)
    for (let i = 0; i < count; i++) {
      const { errorCode } = await run(
        produce(client, topic, ['x'.repeat(1000)], { acks: -1 }),
      )
      expect(errorCode).toBe(0)
    }
    return leader
  }

  it.each(['leader', 'follower'] as const)(
    'is held to the rate of the %s, catches up, and does not hold up others',
    async (side) => {
      // Two topics on all brokers; the third broker is away while both are written to.
      const [slow, free] = [`slow-${side}`, `free-${side}`]
      const creator = clientOf(cluster, controllerOf(cluster))
      clients.push(creator)
      const configs = { 'retention.ms': '-1' }
      for (const topic of [slow, free]) {
        await run(createTopic(creator, topic, { replicas: 3, configs }))
      }
      const list = `${side}.replication.throttled.replicas`
      await set(`topics/${slow}`, { ...configs, [list]: '*' })
      const away = 2
      await run(broker(away).shutdown())
      await write(free, 50)
      const leader = await write(slow, 400)
      const total = sizeOf(leader, slow)

      // It comes back, and finds the rate as it starts.
      const throttled = side === 'leader' ? leader : away
      const key = `${side}.replication.throttled.rate`
      await set(`brokers/${throttled}`, { [key]: String(RATE) })
      await run(broker(away).startup())
      expect(bound(throttled, side)).toBe(RATE)
      const isInSync = () => {
        const tp = new TopicPartition(slow, 0)
        const partition = broker(leader).replicaManager.getPartition(tp)
        return [...(partition?.inSyncReplicas ?? [])].some(
          ({ brokerId }) => brokerId === away,
        )
      }

      // What it has grows with the rate, never far above it, and the other is there soon.
      const startMs = clock.monotonic()
      let freeMs = 0
      while (endOf(away, slow) < 400) {
        await clock.advance(500)
        const seconds = (clock.monotonic() - startMs) / 1000
        if (freeMs === 0 && endOf(away, free) === 50) freeMs = seconds * 1000
        const copied = sizeOf(away, slow)
        expect(copied).toBeLessThan(RATE * (seconds + 2) + 10_000)
        if (copied < total) expect(isInSync()).toBe(false)
        if (seconds > 60) throw new Error(`${copied} of ${total} after a minute`)
      }
      const seconds = (clock.monotonic() - startMs) / 1000
      expect(freeMs).toBeGreaterThan(0)
      expect(freeMs).toBeLessThan(5000)
      expect(seconds).toBeGreaterThan(total / RATE - 3)

      // What was copied to the other follower before counts for the leader: one window.
      expect(seconds).toBeLessThan((total / RATE) * 1.5 + 11)

      // It joins the ISR, and from then on the rate holds nothing back.
      await clock.advance(2000)
      expect(isInSync()).toBe(true)
      const before = clock.monotonic()
      await write(slow, 100)
      expect(endOf(away, slow)).toBe(500)
      expect(clock.monotonic() - before).toBeLessThan(1000)
    },
  )
})
