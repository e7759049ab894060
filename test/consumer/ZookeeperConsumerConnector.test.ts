/** A group shares partitions, hands them over, and remembers how far it was. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ConsumerRebalanceFailedException,
  IllegalArgumentException,
  MessageStreamsExistException,
} from '../../src/base/errors.ts'
import type { ConsumerRebalanceListener } from '../../src/consumer/ConsumerConnector.ts'
import type { ZooKeeperConnect } from '../../src/zookeeper/client.ts'
import { GroupFixture, text } from './group-fixture.ts'

let group: GroupFixture

/** Longer than a rebalance takes that nothing stands in the way of. */
const MOMENT = 50

beforeEach(async () => {
  group = await GroupFixture.start()
})

afterEach(() => group.close())

describe('ZookeeperConsumerConnector', () => {
  it('createMessageStreams() gives what is in the topic and what comes later', async () => {
    await group.createTopic('t', 1)
    group.world.produce('t-0', 'a', 'b')
    const { streams } = await group.join('c1', { t: 1 })
    expect(await group.take(streams[0]!, 2)).toEqual(['a', 'b'])
    group.world.produce('t-0', 'c')
    expect(await group.take(streams[0]!, 1)).toEqual(['c'])
  })

  it('createMessageStreams() registers the member as Kafka does', async () => {
    await group.createTopic('t', 1)
    await group.join('c1', { t: 2 })
    const node = await group.run(group.zk.readData('/consumers/g/ids/g_c1'))
    expect(JSON.parse(node)).toMatchObject({
      ...{ version: 1, subscription: { t: 2 }, pattern: 'static' },
      timestamp: expect.stringMatching(/^\d+$/),
    })
    expect(await group.owners('t')).toEqual({ 't-0': 'g_c1-0' })
  })

  it('makes up a name of group, host, time and eight digits', async () => {
    const connector = await group.connector('host', { 'consumer.id': 'x' })
    expect(connector.consumerIdString).toBe('g_x')
    const { ConsumerConfig } = await import('../../src/consumer/ConsumerConfig.ts')
    const { ZookeeperConsumerConnector } = await import(
      '../../src/consumer/ZookeeperConsumerConnector.ts'
    )
    const config = new ConsumerConfig({ 'group.id': 'g', 'zookeeper.connect': 'zk' })
    const { consumerIdString } = new ZookeeperConsumerConnector(config, {
      ...{ platform: group.platform.onHost('h1'), zooKeeperConnect: group.connect },
    })
    expect(consumerIdString).toMatch(/^g_h1-\d{13}-[0-9a-f]{8}$/)
  })

  it('createMessageStreams() refuses a second call, and so does the listener', async () => {
    await group.createTopic('t', 1)
    const { connector } = await group.join('c1', { t: 1 })
    const again = connector.createMessageStreams(new Map([['t', 1]]), text, text)
    await expect(group.run(again)).rejects.toThrow(MessageStreamsExistException)
    expect(() => connector.setConsumerRebalanceListener({})).toThrow(
      MessageStreamsExistException,
    )
  })

  it('createMessageStreams() refuses a topic with no stream', async () => {
    const connector = await group.connector('c1')
    const made = connector.createMessageStreams(new Map([['t', 0]]), text, text)
    await expect(group.run(made)).rejects.toThrow(IllegalArgumentException)
  })

  it('two members share eight partitions; one leaves, the other owns them all', async () => {
    await group.createTopic('t', 8)
    const one = await group.join('c1', { t: 1 })
    const two = await group.join('c2', { t: 1 })
    await group.advance(10_000)
    const shared = Object.values(await group.owners('t'))
    expect(shared).toEqual([
      ...Array.from({ length: 4 }, () => 'g_c1-0'),
      ...Array.from({ length: 4 }, () => 'g_c2-0'),
    ])

    await group.run(one.connector.shutdown())
    await group.advance(10_000)
    expect(Object.values(await group.owners('t'))).toEqual(Array(8).fill('g_c2-0'))
    for (let p = 0; p < 8; p++) group.world.produce(`t-${p}`, `m${p}`)
    const all = await group.take(two.streams[0]!, 8)
    expect(all.sort()).toEqual(['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7'])
  })

  it('every message is seen when partitions move, and none twice that was committed', async () => {
    await group.createTopic('t', 2)
    group.world.produce('t-0', 'a0', 'a1')
    group.world.produce('t-1', 'b0', 'b1')
    const one = await group.join('c1', { t: 1 })
    const first = await group.take(one.streams[0]!, 4)
    const two = await group.join('c2', { t: 1 })
    await group.advance(10_000)
    group.world.produce('t-0', 'a2')
    group.world.produce('t-1', 'b2')
    const rest = [
      ...(await group.take(one.streams[0]!, 1)),
      ...(await group.take(two.streams[0]!, 1)),
    ]
    expect(first.sort()).toEqual(['a0', 'a1', 'b0', 'b1'])
    expect(rest).toEqual(['a2', 'b2'])
  })

  it('a stream that is awaited gets messages of its new partitions', async () => {
    await group.createTopic('t', 2)
    const one = await group.join('c1', { t: 1 })
    const two = await group.join('c2', { t: 1 })
    await group.advance(10_000)
    const waiting = two.streams[0]!.iterator().next()
    await group.run(one.connector.shutdown())
    await group.advance(10_000)
    group.world.produce('t-0', 'x')
    expect((await group.run(waiting)).message()).toBe('x')
  })

  it('rebalances when a topic gets partitions', async () => {
    await group.createTopic('t', 1)
    const { streams } = await group.join('c1', { t: 1 })
    await group.createTopic('t', 2)
    await group.advance(MOMENT)
    group.world.produce('t-1', 'new')
    expect(await group.take(streams[0]!, 1)).toEqual(['new'])
  })

  it('waits for a topic that does not exist yet', async () => {
    const { streams } = await group.join('c1', { t: 1 })
    await group.createTopic('t', 1)
    await group.advance(MOMENT)
    group.world.produce('t-0', 'first')
    expect(await group.take(streams[0]!, 1)).toEqual(['first'])
  })

  it('auto.offset.reset says where to begin without an offset', async () => {
    await group.createTopic('t', 1)
    group.world.logStart.set('t-0', 100)
    group.world.produce('t-0', 'old')
    const late = await group.join('c1', { t: 1 }, { 'auto.offset.reset': 'largest' })
    const waiting = late.streams[0]!.iterator().next()
    await group.advance(1000)
    group.world.produce('t-0', 'new')
    const item = await group.run(waiting)
    expect([item.message(), item.offset]).toEqual(['new', 101])
    await group.run(late.connector.shutdown())
    expect(await group.offset('t', 0)).toBe('102')
  })

  it('auto.offset.reset also counts when the stored offset is gone', async () => {
    await group.createTopic('t', 1)
    group.world.logStart.set('t-0', 100)
    group.world.produce('t-0', 'a')
    await group.run(group.zk.createPersistentPath('/consumers/g/offsets/t/0', '7'))
    const { streams } = await group.join('c1', { t: 1 })
    expect(await group.take(streams[0]!, 1)).toEqual(['a'])
  })

  it('a slow stream holds its fetcher back, and neither rebalance nor shutdown', async () => {
    await group.createTopic('t', 2)
    const small = { 'fetch.message.max.bytes': '50' }
    const one = await group.join('c1', { t: 2 }, small)
    for (let i = 0; i < 20; i++) group.world.produce('t-0', `message ${i}`)
    await group.advance(5000)
    const fetches = group.world.brokers[0]!.asked('Fetch').length
    await group.advance(5000)
    expect(group.world.brokers[0]!.asked('Fetch').length).toBe(fetches)

    const two = await group.join('c2', { t: 1 }, small)
    await group.advance(10_000)
    expect(Object.values(await group.owners('t'))).toHaveLength(2)
    await group.run(one.connector.shutdown(), 1000)
    await group.advance(10_000)
    const values = await group.take(two.streams[0]!, 20)
    expect(values).toEqual(Array.from({ length: 20 }, (_, i) => `message ${i}`))
  })

  it('tells a listener before partitions go and before they are fetched', async () => {
    await group.createTopic('t', 2)
    const told: unknown[] = []
    const listener: ConsumerRebalanceListener = {
      beforeReleasingPartitions: (owned) => {
        told.push(Object.fromEntries([...owned].map(([t, p]) => [t, [...p]])))
      },
      beforeStartingFetchers: (id, all) => {
        const owners = [...(all.get('t') ?? [])].map(([p, thread]) => `${p}: ${thread}`)
        told.push([id, ...owners])
      },
    }
    await group.join('c1', { t: 1 }, {}, listener)
    await group.join('c2', { t: 1 })
    await group.advance(MOMENT)
    expect(told).toEqual([
      {},
      ['g_c1', '0: g_c1-0', '1: g_c1-0'],
      { t: [0, 1] },
      ['g_c1', '0: g_c1-0', '1: g_c2-0'],
    ])
  })
})

describe('ZKRebalancerListener', () => {
  it('tries again while another still owns a partition', async () => {
    await group.createTopic('t', 2)
    const path = '/consumers/g/owners/t/1'
    await group.run(group.zk.createPersistentPath(path, 'somebody-0'))
    const joining = group.join('c1', { t: 1 })
    await group.advance(1999)
    expect(await group.owners('t')).toEqual({ 't-1': 'somebody-0' })
    await group.run(group.zk.deletePath(path))
    await joining
    expect(await group.owners('t')).toEqual({ 't-0': 'g_c1-0', 't-1': 'g_c1-0' })
  })

  it('gives up when its tries are used up, and owns nothing', async () => {
    await group.createTopic('t', 2)
    const path = '/consumers/g/owners/t/1'
    await group.run(group.zk.createPersistentPath(path, 'somebody-0'))
    const before = group.platform.clock.monotonic()
    await expect(group.join('c1', { t: 1 })).rejects.toThrow(
      ConsumerRebalanceFailedException,
    )
    expect(group.platform.clock.monotonic() - before).toBeGreaterThanOrEqual(8000)
    expect(await group.owners('t')).toEqual({ 't-1': 'somebody-0' })

    // The next change of the group starts anew.
    await group.run(group.zk.deletePath(path))
    await group.join('c2', { t: 1 })
    await group.advance(10_000)
    expect(Object.keys(await group.owners('t'))).toEqual(['t-0', 't-1'])
  })

  it('gives back what it claimed when a claim fails for another reason', async () => {
    await group.createTopic('t', 2)
    await group.run(group.zk.createPersistentPath('/consumers/g/owners', ''))
    // A node where the directory of the topic would be claimed, without permission.
    let refuse = false
    const connect: ZooKeeperConnect = async (...args) => {
      const session = await group.connect(...args)
      return new Proxy(session, {
        get(target, name) {
          // biome-ignore lint/suspicious/noExplicitAny: any method
          const value = (target as any)[name]
          if (typeof value !== 'function') return value
          // biome-ignore lint/suspicious/noExplicitAny: any arguments
          return (...given: any[]) => {
            if (refuse && name === 'create' && given[0].endsWith('/owners/t/1')) {
              refuse = false
              return Promise.reject(new Error('the disk is on fire'))
            }
            return value.apply(target, given)
          }
        },
      })
    }
    const connector = await group.connector('c1', {}, connect)
    refuse = true
    const joining = connector.createMessageStreams(new Map([['t', 1]]), text, text)
    await group.advance(1000)
    expect(refuse).toBe(false)
    expect(await group.owners('t')).toEqual({})
    await group.run(joining)
    expect(Object.keys(await group.owners('t'))).toHaveLength(2)
  })

  it('leaves the claims of others alone when its own registration is gone', async () => {
    await group.createTopic('t', 1)
    await group.join('c1', { t: 1 })
    const node = '/consumers/g/ids/g_c1'
    const owner = '/consumers/g/owners/t/0'
    await group.run(group.zk.deletePath(owner))
    await group.run(group.zk.createPersistentPath(owner, 'somebody-0'))
    await group.run(group.zk.deletePath(node))
    await group.advance(20_000)
    expect(await group.owners('t')).toEqual({ 't-0': 'somebody-0' })
  })

  it('counts a rebalance without a broker as done, and begins when one comes', async () => {
    await group.createTopic('t', 1)
    const [broker] = group.world.brokers
    await group.unregister(broker!)
    const { streams } = await group.join('c1', { t: 1 })
    expect(await group.owners('t')).toEqual({})
    await group.register(broker!)
    await group.advance(MOMENT)
    expect(await group.owners('t')).toEqual({ 't-0': 'g_c1-0' })
    group.world.produce('t-0', 'a')
    expect(await group.take(streams[0]!, 1)).toEqual(['a'])
  })

  it('does not miss a broker that comes while it looks for one', async () => {
    await group.createTopic('t', 1)
    const [broker] = group.world.brokers
    await group.unregister(broker!)
    const connector = await group.connector('c1')
    const { zkUtils } = connector
    const subscribe = zkUtils.subscribeChildChanges.bind(zkUtils)
    zkUtils.subscribeChildChanges = async (path, listener) => {
      if (path === '/brokers/ids') await group.register(broker!)
      return subscribe(path, listener)
    }
    await group.run(connector.createMessageStreams(new Map([['t', 1]]), text, text))
    await group.advance(MOMENT)
    expect(await group.owners('t')).toEqual({ 't-0': 'g_c1-0' })
  })

  it('makes one rebalance of many changes', async () => {
    await group.createTopic('t', 1)
    let rebalances = 0
    const listener = { beforeReleasingPartitions: () => void rebalances++ }
    const { connector } = await group.join('c1', { t: 1 }, {}, listener)
    rebalances = 0
    for (let i = 0; i < 10; i++)
      connector.loadBalancerListener?.rebalanceEventTriggered()
    await group.advance(MOMENT)
    expect(rebalances).toBe(1)
  })
})

describe('ZKSessionExpireListener', () => {
  it('registers again in a new session, and owns its partitions again', async () => {
    await group.createTopic('t', 2)
    const { streams } = await group.join('c1', { t: 1 })
    const node = '/consumers/g/ids/g_c1'
    const before = group.zooKeeper.ephemeralOwner(node)
    group.expireOwnerOf(node)
    await group.advance(10_000)
    expect(group.zooKeeper.ephemeralOwner(node)).not.toBe(0n)
    expect(group.zooKeeper.ephemeralOwner(node)).not.toBe(before)
    expect(Object.keys(await group.owners('t'))).toEqual(['t-0', 't-1'])
    group.world.produce('t-1', 'a')
    expect(await group.take(streams[0]!, 1)).toEqual(['a'])

    // Its watches stand again, too.
    await group.join('c2', { t: 1 })
    await group.advance(10_000)
    expect(Object.values(await group.owners('t'))).toEqual(['g_c1-0', 'g_c2-0'])
  })

  it('others own the partitions of a member whose session expired', async () => {
    await group.createTopic('t', 2)
    const one = await group.join('c1', { t: 1 })
    const two = await group.join('c2', { t: 1 })
    await group.advance(10_000)
    group.world.produce('t-0', 'a')
    expect(await group.take(one.streams[0]!, 1)).toEqual(['a'])

    // The member is silent: as if its process were stopped.
    const shutdown = one.connector.shutdown()
    group.expireOwnerOf('/consumers/g/ids/g_c1')
    await group.advance(10_000)
    await group.run(shutdown)
    expect(Object.values(await group.owners('t'))).toEqual(['g_c2-0', 'g_c2-0'])
    group.world.produce('t-0', 'b')
    const seen = await group.take(two.streams[0]!, 1)
    expect(['a', 'b']).toContain(seen[0])
  })
})

describe('a group whose ZooKeeper is started again', () => {
  it('goes on in the same session when it was away for a moment', async () => {
    await group.createTopic('t', 2)
    const { streams } = await group.join('c1', { t: 1 })
    const node = '/consumers/g/ids/g_c1'
    const session = group.zooKeeper.ephemeralOwner(node)
    await group.restartZooKeeper(1000)
    group.world.produce('t-0', 'a')
    expect(await group.take(streams[0]!, 1)).toEqual(['a'])
    await group.advance(1000)
    expect(group.zooKeeper.ephemeralOwner(node)).toBe(session)

    // Its watches stand at the new one.
    await group.join('c2', { t: 1 })
    await group.advance(10_000)
    expect(await group.owners('t')).toEqual({ 't-0': 'g_c1-0', 't-1': 'g_c2-0' })
  })

  it('reads on without it, and has its partitions back after minutes', async () => {
    await group.createTopic('t', 2)
    const one = await group.join('c1', { t: 1 })
    const two = await group.join('c2', { t: 1 })
    await group.advance(10_000)
    const restarting = group.restartZooKeeper(120_000)
    group.world.produce('t-0', 'a')
    group.world.produce('t-1', 'b')
    expect(await group.take(one.streams[0]!, 1)).toEqual(['a'])
    expect(await group.take(two.streams[0]!, 1)).toEqual(['b'])
    await restarting
    await group.advance(30_000)
    expect(await group.owners('t')).toEqual({ 't-0': 'g_c1-0', 't-1': 'g_c2-0' })
    group.world.produce('t-1', 'c')
    expect(await group.take(two.streams[0]!, 1)).toEqual(['c'])
  })
})

describe('a stream during rebalances', () => {
  it('loses nothing and repeats nothing, at whatever moment one begins', async () => {
    await group.createTopic('t', 1)
    const { connector, streams } = await group.join('c1', { t: 1 })
    const seen: string[] = []
    const loop = (async () => {
      for await (const item of streams[0]!) seen.push(String(item.message()))
    })()
    const wanted: string[] = []
    for (let turns = 0; turns < 150; turns++) {
      // Let a message arrive, and a rebalance begin a few turns later.
      const value = `message ${turns}`
      wanted.push(value)
      group.world.produce('t-0', value)
      for (let i = 0; i < turns; i++) await undefined
      connector.loadBalancerListener?.rebalanceEventTriggered()
      await group.advance(20)
      expect(seen).toEqual(wanted)
    }
    await group.run(connector.shutdown())
    await loop
  })
})
