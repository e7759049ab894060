/** Partitions find their leaders, move with them, and come back after errors. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Errors } from '../../src/base/errors.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { GroupFixture } from './group-fixture.ts'
import type { LogBroker } from './LogBroker.ts'

let group: GroupFixture
let b0: LogBroker
let b1: LogBroker

beforeEach(async () => {
  group = await GroupFixture.start(2)
  ;[b0, b1] = group.world.brokers as [LogBroker, LogBroker]
})

afterEach(() => group.close())

/** Which partitions a broker was asked for last. */
function lastAsked(broker: LogBroker): string[] {
  const topics = broker.asked('Fetch').at(-1)?.body.topics ?? []
  // biome-ignore lint/suspicious/noExplicitAny: as decoded
  return topics.flatMap(({ topic, partitions }: any) =>
    // biome-ignore lint/suspicious/noExplicitAny: as decoded
    partitions.map(({ partition }: any) => `${topic}-${partition}`),
  )
}

describe('LeaderFinderThread', () => {
  it('gives each partition to a fetcher of its leader', async () => {
    await group.createTopic('t', 2)
    group.world.leaders.set('t-1', 1)
    const { connector } = await group.join('c1', { t: 1 })
    await group.advance(1000)
    expect(lastAsked(b0)).toEqual(['t-0'])
    expect(lastAsked(b1)).toEqual(['t-1'])
    expect([...connector.fetcher!.fetcherThreadMap.keys()].sort()).toEqual([
      '0-0',
      '1-0',
    ])
    expect(connector.fetcher!.noLeaderPartitionSet.size).toBe(0)
  })

  it('waits for a partition to get a leader', async () => {
    await group.createTopic('t', 1)
    group.world.leaders.set('t-0', -1)
    const { connector, streams } = await group.join('c1', { t: 1 })
    await group.advance(1000)
    const waiting = connector.fetcher!.noLeaderPartitionSet
    expect(waiting.has(new TopicPartition('t', 0))).toBe(true)
    group.world.leaders.set('t-0', 1)
    group.world.produce('t-0', 'a')
    expect(await group.take(streams[0]!, 1)).toEqual(['a'])
    expect(waiting.size).toBe(0)
  })

  it('asks once in 200 ms, not more often', async () => {
    await group.createTopic('t', 1)
    group.world.leaders.set('t-0', -1)
    await group.join('c1', { t: 1 })
    const asked = () => b0.asked('Metadata').length + b1.asked('Metadata').length
    const before = asked()
    await group.advance(2000)
    expect(asked() - before).toBe(10)
  })

  it('asks another broker when one does not answer', async () => {
    await group.createTopic('t', 1)
    group.world.produce('t-0', 'a')
    b1.answers.Metadata = () => 'close'
    const { streams } = await group.join('c1', { t: 1 })
    expect(await group.take(streams[0]!, 1)).toEqual(['a'])
  })

  it('goes on when no broker answers for a while', async () => {
    await group.createTopic('t', 1)
    group.world.produce('t-0', 'a')
    for (const broker of [b0, b1]) broker.answers.Metadata = () => 'close'
    const { streams } = await group.join('c1', { t: 1 })
    await group.advance(1000)
    for (const broker of [b0, b1]) delete broker.answers.Metadata
    expect(await group.take(streams[0]!, 1)).toEqual(['a'])
  })

  it('looks for the leader again when the first offset cannot be found', async () => {
    await group.createTopic('t', 1)
    group.world.produce('t-0', 'a')
    const { code: errorCode } = Errors.NOT_LEADER_FOR_PARTITION
    b0.answers.ListOffsets = () => ({
      topics: [{ name: 't', partitions: [{ partition: 0, errorCode }] }],
    })
    const { streams } = await group.join('c1', { t: 1 })
    await group.advance(1000)
    expect(b0.asked('ListOffsets').length).toBeGreaterThan(1)
    delete b0.answers.ListOffsets
    expect(await group.take(streams[0]!, 1)).toEqual(['a'])
  })
})

describe('ConsumerFetcherThread', () => {
  it('follows a leader that moves, and loses and repeats nothing', async () => {
    await group.createTopic('t', 1)
    group.world.produce('t-0', 'a', 'b')
    const { connector, streams } = await group.join('c1', { t: 1 })
    expect(await group.take(streams[0]!, 2)).toEqual(['a', 'b'])
    group.world.leaders.set('t-0', 1)
    group.world.produce('t-0', 'c')
    expect(await group.take(streams[0]!, 1)).toEqual(['c'])
    await group.advance(1000)

    // The fetcher that has nothing left is gone.
    expect([...connector.fetcher!.fetcherThreadMap.keys()]).toEqual(['1-0'])
    expect(b0.openConnections).toBe(0)
  })

  it('gives its partitions back when its broker dies', async () => {
    await group.createTopic('t', 2)
    const { streams } = await group.join('c1', { t: 1 })
    await group.advance(500)
    await b0.stop()
    await group.unregister(b0)
    group.world.leaders.set('t-0', 1).set('t-1', 1)
    group.world.produce('t-0', 'a')
    group.world.produce('t-1', 'b')
    expect((await group.take(streams[0]!, 2)).sort()).toEqual(['a', 'b'])
  })

  it('gives only the partition back that has an error', async () => {
    await group.createTopic('t', 2)
    const { streams } = await group.join('c1', { t: 1 })
    await group.advance(500)
    const before = b0.asked('Metadata').length + b1.asked('Metadata').length
    group.world.leaders.set('t-1', 1)
    group.world.produce('t-0', 'a')
    expect(await group.take(streams[0]!, 1)).toEqual(['a'])
    await group.advance(1000)
    expect(lastAsked(b0)).toEqual(['t-0'])
    expect(lastAsked(b1)).toEqual(['t-1'])
    expect(b0.asked('Metadata').length + b1.asked('Metadata').length).toBe(before + 1)
  })

  it.each([
    ['smallest', ['y']],
    ['largest', ['z']],
  ])('begins at the %s offset when its own is gone', async (reset, expected) => {
    await group.createTopic('t', 1)
    group.world.produce('t-0', 'a')
    const settings = { 'auto.offset.reset': reset }
    await group.run(group.zk.createPersistentPath('/consumers/g/offsets/t/0', '0'))
    const { streams } = await group.join('c1', { t: 1 }, settings)
    expect(await group.take(streams[0]!, 1)).toEqual(['a'])
    group.world.logs.set('t-0', ['y'])
    group.world.logStart.set('t-0', 100)
    await group.advance(1000)
    group.world.produce('t-0', 'z')
    expect(await group.take(streams[0]!, 1)).toEqual(expected)
  })

  it('asks for fetch.message.max.bytes of each partition', async () => {
    await group.createTopic('t', 1)
    await group.join('c1', { t: 1 }, { 'fetch.message.max.bytes': '77' })
    await group.advance(500)
    const { body } = b0.asked('Fetch')[0]!
    expect(body).toMatchObject({ replicaId: -1, maxWaitMs: 100, minBytes: 1 })
    expect(body.topics[0].partitions[0].partitionMaxBytes).toBe(77)
  })

  it('tells the application of a message that is too large, and only it', async () => {
    await group.createTopic('t', 1)
    group.world.produce('t-0', 'x'.repeat(200))
    const settings = { 'fetch.message.max.bytes': '100' }
    const { connector, streams } = await group.join('c1', { t: 1 }, settings)
    await expect(group.take(streams[0]!, 1)).rejects.toThrow('fetch.message.max.bytes')
    await group.run(connector.shutdown(), 1000)
    expect(await group.offset('t', 0)).toBe('0')
  })

  it('num.consumer.fetchers spreads partitions over connections', async () => {
    await group.createTopic('t', 4)
    const settings = { 'num.consumer.fetchers': '2' }
    const { connector } = await group.join('c1', { t: 1 }, settings)
    await group.advance(500)
    expect([...connector.fetcher!.fetcherThreadMap.keys()].sort()).toEqual([
      '0-0',
      '0-1',
    ])
  })
})

describe('ConsumerFetcherManager', () => {
  it('stopConnections() owns nothing afterwards, and takes no errors', async () => {
    await group.createTopic('t', 1)
    const { connector } = await group.join('c1', { t: 1 })
    await group.advance(500)
    const manager = connector.fetcher!
    await group.run(manager.stopConnections())
    expect(manager.partitionMap).toBeUndefined()
    expect(manager.fetcherThreadMap.size).toBe(0)
    manager.addPartitionsWithError([new TopicPartition('t', 0)])
    expect(manager.noLeaderPartitionSet.size).toBe(0)
    expect(b0.openConnections + b1.openConnections).toBe(0)
    const fetches = b0.asked('Fetch').length
    await group.advance(5000)
    expect(b0.asked('Fetch').length).toBe(fetches)
  })

  it('stopConnections() at any moment of a start leaves no connection', async () => {
    await group.createTopic('t', 2)
    group.world.leaders.set('t-1', 1)
    const { connector } = await group.join('c1', { t: 1 })
    const manager = connector.fetcher!
    const infos = [...connector.topicRegistry.get('t')!.values()]
    const cluster = await group.run(connector.zkUtils.getCluster())
    for (let turns = 0; turns < 120; turns++) {
      await group.run(manager.stopConnections(), 100)
      for (const info of infos) info.resetFetchOffset(-1)
      manager.startConnections(infos, cluster)
      for (let i = 0; i < turns * 3; i++) await undefined
      await group.run(manager.stopConnections(), 100)
      expect(manager.fetcherThreadMap.size).toBe(0)
      await group.platform.virtualClock.settle()
      expect(b0.openConnections + b1.openConnections).toBe(0)
    }
  })
})
