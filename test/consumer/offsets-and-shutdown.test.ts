/** Offsets in ZooKeeper, in Kafka and in both; and how a consumer ends, at any time. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConsumerRebalanceFailedException, Errors } from '../../src/base/errors.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { ConsumerConfig } from '../../src/consumer/ConsumerConfig.ts'
import { Consumer } from '../../src/consumer/ConsumerConnector.ts'
import { ZKRebalancerListener } from '../../src/consumer/ZKRebalancerListener.ts'
import { GroupFixture, text } from './group-fixture.ts'
import type { LogBroker, Seen } from './LogBroker.ts'

let group: GroupFixture
let broker: LogBroker

const kafka = { 'offsets.storage': 'kafka' }
const soon = { 'rebalance.backoff.ms': '10' }
const kafkaOnly = { ...kafka, 'dual.commit.enabled': 'false' }

beforeEach(async () => {
  group = await GroupFixture.start()
  broker = group.world.brokers[0]!
  await group.createTopic('t', 1)
  group.world.produce('t-0', 'a', 'b', 'c')
})

afterEach(() => group.close())

/** An OffsetFetch or OffsetCommit answer with one error for every partition. */
function refuses({ body }: Seen, errorCode: number): object {
  return {
    errorCode: 0,
    // biome-ignore lint/suspicious/noExplicitAny: as decoded
    topics: body.topics.map(({ name, partitions, partitionIndexes }: any) => ({
      name,
      // biome-ignore lint/suspicious/noExplicitAny: as decoded
      partitions: (partitions ?? partitionIndexes).map((p: any) => ({
        ...{
          partition: p.partition ?? p,
          committedOffset: -1,
          metadata: '',
          errorCode,
        },
      })),
    })),
  }
}

/** Refuses the first time, then answers as usual. */
function once(errorCode: number) {
  let times = 0
  return (seen: Seen) => (++times === 1 ? refuses(seen, errorCode) : undefined)
}

describe('offsets in ZooKeeper', () => {
  it('commitOffsets() stores the offset behind what was given out', async () => {
    const { connector, streams } = await group.join('c1', { t: 1 })
    await group.take(streams[0]!, 2)
    await group.run(connector.commitOffsets())
    expect(await group.offset('t', 0)).toBe('2')
  })

  it('commitOffsets() does not count what was only looked at', async () => {
    const { connector, streams } = await group.join('c1', { t: 1 })
    await group.take(streams[0]!, 1)
    expect(await group.run(streams[0]!.iterator().hasNext())).toBe(true)
    await group.run(connector.commitOffsets())
    expect(await group.offset('t', 0)).toBe('1')
  })

  it('commitOffsets() does not write again what has not moved', async () => {
    const { connector, streams } = await group.join('c1', { t: 1 })
    await group.take(streams[0]!, 2)
    await group.run(connector.commitOffsets())
    const path = '/consumers/g/offsets/t/0'
    await group.run(group.zk.updatePersistentPath(path, 'touched'))
    await group.run(connector.commitOffsets())
    expect(await group.offset('t', 0)).toBe('touched')
    await group.take(streams[0]!, 1)
    await group.run(connector.commitOffsets())
    expect(await group.offset('t', 0)).toBe('3')
  })

  it('commits nothing of a partition whose place it does not know yet', async () => {
    // No broker answers for the topic, and nothing is stored: it stands at -1.
    broker.answers.Metadata = () => 'close'
    const { connector } = await group.join('c1', { t: 1 })
    const path = '/consumers/g/offsets/t/0'
    const offsets = [[new TopicPartition('t', 0), 1]] as const
    await group.run(connector.commitOffsets(offsets, false))
    await group.run(connector.commitOffsets())
    expect(await group.run(group.zk.readData(path))).toBe('1')
  })

  it('commits from time to time, by itself', async () => {
    const { streams } = await group.join('c1', { t: 1 })
    await group.take(streams[0]!, 2)
    await group.advance(50_000)
    expect(await group.offset('t', 0)).toBeUndefined()
    await group.advance(10_000)
    expect(await group.offset('t', 0)).toBe('2')
  })

  it('does not commit with auto.commit.enable = false, not in the end either', async () => {
    const off = { 'auto.commit.enable': 'false' }
    const { connector, streams } = await group.join('c1', { t: 1 }, off)
    await group.take(streams[0]!, 2)
    await group.advance(100_000)
    await group.run(connector.shutdown())
    expect(await group.offset('t', 0)).toBeUndefined()
  })

  it('goes on where the group was', async () => {
    const one = await group.join('c1', { t: 1 })
    await group.take(one.streams[0]!, 2)
    await group.run(one.connector.shutdown())
    const two = await group.join('c1', { t: 1 })
    expect(await group.take(two.streams[0]!, 1)).toEqual(['c'])
  })

  it('counts what the former owner commits while the partition is being claimed', async () => {
    const claim = ZKRebalancerListener.prototype.reflectPartitionOwnershipDecision
    const spy = vi.spyOn(
      ZKRebalancerListener.prototype,
      'reflectPartitionOwnershipDecision',
    )
    spy.mockImplementationOnce(async function (this: ZKRebalancerListener, mine) {
      await group.zk.updatePersistentPath('/consumers/g/offsets/t/0', '2')
      return claim.call(this, mine)
    })
    const { streams } = await group.join('c1', { t: 1 })
    spy.mockRestore()
    expect(await group.take(streams[0]!, 1)).toEqual(['c'])
  })
})

describe('offsets in Kafka', () => {
  it('are asked of the coordinator, and committed there in version 2', async () => {
    group.world.offsets.set('g/t-0', 1)
    const { connector, streams } = await group.join('c1', { t: 1 }, kafkaOnly)
    expect(await group.take(streams[0]!, 1)).toEqual(['b'])
    await group.run(connector.commitOffsets())
    expect(group.world.offsets.get('g/t-0')).toBe(2)
    expect(await group.offset('t', 0)).toBeUndefined()
    expect(broker.asked('OffsetFetch')[0]!.header.apiVersion).toBe(2)
    const [commit] = broker.asked('OffsetCommit')
    expect(commit!.header.apiVersion).toBe(2)
    expect(commit!.body).toMatchObject({
      ...{ groupId: 'g', generationId: -1, memberId: '', retentionTimeMs: -1 },
    })
  })

  it('dual commit writes to both, and begins at the larger', async () => {
    group.world.offsets.set('g/t-0', 1)
    await group.run(group.zk.createPersistentPath('/consumers/g/offsets/t/0', '2'))
    const { connector, streams } = await group.join('c1', { t: 1 }, kafka)
    expect(await group.take(streams[0]!, 1)).toEqual(['c'])
    await group.run(connector.commitOffsets())
    expect(group.world.offsets.get('g/t-0')).toBe(3)
    expect(await group.offset('t', 0)).toBe('3')
  })

  it.each([
    ['NOT_COORDINATOR', true],
    ['COORDINATOR_NOT_AVAILABLE', true],
    ['COORDINATOR_LOAD_IN_PROGRESS', false],
  ] as const)('are asked for again after %s', async (name, looksAgain) => {
    group.world.offsets.set('g/t-0', 2)
    broker.answers.OffsetFetch = once(Errors[name].code)
    const { streams } = await group.join('c1', { t: 1 }, kafkaOnly)
    expect(await group.take(streams[0]!, 1)).toEqual(['c'])
    // Two tries, and once more when the partition is ours.
    expect(broker.asked('OffsetFetch')).toHaveLength(3)
    expect(broker.asked('FindCoordinator')).toHaveLength(looksAgain ? 2 : 1)
  })

  it('are asked for again when the error is that of the whole answer', async () => {
    group.world.offsets.set('g/t-0', 2)
    let times = 0
    const { code: errorCode } = Errors.NOT_COORDINATOR
    broker.answers.OffsetFetch = () =>
      ++times === 1 ? { errorCode, topics: [] } : undefined
    const { streams } = await group.join('c1', { t: 1 }, kafkaOnly)
    expect(await group.take(streams[0]!, 1)).toEqual(['c'])
  })

  it('that may not be read fail the rebalance; nothing is reset', async () => {
    const { code } = Errors.GROUP_AUTHORIZATION_FAILED
    broker.answers.OffsetFetch = (seen) => refuses(seen, code)
    await expect(group.join('c1', { t: 1 }, kafkaOnly)).rejects.toThrow(
      ConsumerRebalanceFailedException,
    )
    expect(await group.owners('t')).toEqual({})
    expect(broker.asked('ListOffsets')).toEqual([])
  })

  it('are asked of the new coordinator when it has moved', async () => {
    const other = await group.addBroker()
    const { connector, streams } = await group.join('c1', { t: 1 }, kafkaOnly)
    await group.take(streams[0]!, 2)
    group.world.coordinator = 1
    broker.answers.OffsetCommit = (seen) => refuses(seen, Errors.NOT_COORDINATOR.code)
    other.answers.OffsetCommit = () => undefined

    // One attempt without retries fails silently, the next finds the new one.
    await group.run(connector.commitOffsets())
    await group.run(connector.commitOffsets())
    expect(group.world.offsets.get('g/t-0')).toBe(2)
    expect(other.asked('OffsetCommit').length).toBe(1)
  })

  it('commitOffsets(false) tries again, commitOffsets() does not', async () => {
    const { connector, streams } = await group.join('c1', { t: 1 }, kafkaOnly)
    await group.take(streams[0]!, 2)
    broker.answers.OffsetCommit = (seen) => refuses(seen, Errors.REQUEST_TIMED_OUT.code)
    await group.run(connector.commitOffsets())
    expect(broker.asked('OffsetCommit')).toHaveLength(1)
    await group.run(connector.commitOffsets(false))
    expect(broker.asked('OffsetCommit')).toHaveLength(7)
    broker.answers.OffsetCommit = (seen) =>
      refuses(seen, Errors.OFFSET_METADATA_TOO_LARGE.code)
    await group.run(connector.commitOffsets(false))
    expect(broker.asked('OffsetCommit')).toHaveLength(8)
  })

  it('commitOffsets(false) does not go on for a partition that was given up', async () => {
    const two = await group.join('c2', { t: 1 }, kafkaOnly)
    await group.take(two.streams[0]!, 1)
    let refused = 0
    broker.answers.OffsetCommit = (seen) =>
      ++refused === 1 ? refuses(seen, Errors.REQUEST_TIMED_OUT.code) : undefined
    const committing = two.connector.commitOffsets(false)
    await group.platform.virtualClock.settle()

    // The partition goes to c1, which reads on and commits, before the next attempt.
    const one = await group.join('c1', { t: 1 }, { ...kafkaOnly, ...soon })
    await group.take(one.streams[0]!, 2)
    await group.run(one.connector.commitOffsets())
    expect(group.world.offsets.get('g/t-0')).toBe(3)
    await group.run(committing)
    expect(group.world.offsets.get('g/t-0')).toBe(3)
  })

  it('commitOffsets(false) survives a coordinator that hangs up', async () => {
    const { connector, streams } = await group.join('c1', { t: 1 }, kafkaOnly)
    await group.take(streams[0]!, 1)
    let times = 0
    broker.answers.OffsetCommit = () => (++times === 1 ? 'close' : undefined)
    await group.run(connector.commitOffsets(false))
    expect(group.world.offsets.get('g/t-0')).toBe(1)
  })
})

describe('commitOffsets(offsetsToCommit, retryOnFailure)', () => {
  const given = [[new TopicPartition('t', 0), 2]] as const

  it.each([{}, kafkaOnly])('stores what it is given, with %o', async (settings) => {
    const { connector, streams } = await group.join('c1', { t: 1 }, settings)
    await group.take(streams[0]!, 3)
    await group.run(connector.commitOffsets(given, false))
    const stored = settings === kafkaOnly ? group.world.offsets.get('g/t-0') : undefined
    expect(stored ?? Number(await group.offset('t', 0))).toBe(2)
  })

  it('stores it for a connector that has joined no group', async () => {
    const connector = await group.connector('c1')
    await group.run(connector.commitOffsets(given, true))
    expect(await group.offset('t', 0)).toBe('2')
  })

  it('tries again when it is asked to, and only then', async () => {
    const { connector } = await group.join('c1', { t: 1 }, kafkaOnly)
    const { code } = Errors.COORDINATOR_LOAD_IN_PROGRESS
    broker.answers.OffsetCommit = once(code)
    await group.run(connector.commitOffsets(given, false))
    expect(group.world.offsets.get('g/t-0')).toBeUndefined()
    broker.answers.OffsetCommit = once(code)
    await group.run(connector.commitOffsets(given, true))
    expect(group.world.offsets.get('g/t-0')).toBe(2)
  })
})

describe('a connector without a fetcher', () => {
  it.each([{}, kafkaOnly])(
    'keeps what it was told to commit, with %o',
    async (mode) => {
      // It commits by itself, too, and has been given nothing.
      const config = new ConsumerConfig({
        ...{ 'group.id': 'g', 'consumer.id': 'c1', 'zookeeper.connect': 'zk' },
        ...mode,
      })
      const platform = group.platform.onHost('c1')
      const environment = { platform, zooKeeperConnect: group.connect }
      const connector = await group.run(Consumer.create(config, environment, false))
      group.connectors.push(connector)
      await group.run(connector.createMessageStreams(new Map([['t', 1]]), text, text))
      const offsets = [[new TopicPartition('t', 0), 2]] as const
      await group.run(connector.commitOffsets(offsets, false))
      const stored = async () =>
        mode === kafkaOnly
          ? group.world.offsets.get('g/t-0')
          : Number(await group.offset('t', 0))
      await group.advance(60_000)
      expect(await stored()).toBe(2)
      await group.run(connector.shutdown())
      expect(await stored()).toBe(2)
    },
  )

  it('owns its partitions and fetches nothing; the next one begins where it says', async () => {
    const config = new ConsumerConfig({
      ...{ 'group.id': 'g', 'consumer.id': 'c1', 'zookeeper.connect': 'zk' },
      'auto.commit.enable': 'false',
    })
    const platform = group.platform.onHost('c1')
    const environment = { platform, zooKeeperConnect: group.connect }
    const connector = await group.run(Consumer.create(config, environment, false))
    group.connectors.push(connector)
    await group.run(connector.createMessageStreams(new Map([['t', 1]]), text, text))
    await group.advance(5000)
    expect(await group.owners('t')).toEqual({ 't-0': 'g_c1-0' })
    expect(broker.seen).toEqual([])

    // It hands over like any other.
    const offsets = [[new TopicPartition('t', 0), 1]] as const
    await group.run(connector.commitOffsets(offsets, false))
    await group.run(connector.shutdown())
    const next = await group.join('c2', { t: 1 })
    expect(await group.take(next.streams[0]!, 1)).toEqual(['b'])
  })
})

describe('shutdown()', () => {
  it('commits, releases, leaves, and ends the streams', async () => {
    const { connector, streams } = await group.join('c1', { t: 2 })
    const [first, second] = streams
    await group.take(first!, 2)
    const waiting = second!.iterator().hasNext()
    await group.run(connector.shutdown())
    expect(await waiting).toBe(false)
    expect(await group.offset('t', 0)).toBe('2')
    expect(await group.owners('t')).toEqual({})
    expect(await group.run(group.zk.getChildren('/consumers/g/ids'))).toEqual([])
    expect(broker.openConnections).toBe(0)
  })

  it('ends a loop over a stream, after what it holds already', async () => {
    const { connector, streams } = await group.join('c1', { t: 1 })
    const seen: string[] = []
    const loop = (async () => {
      for await (const item of streams[0]!) {
        seen.push(String(item.message()))
        if (seen.length === 1) await connector.shutdown()
      }
    })()
    await group.run(loop)
    expect(seen[0]).toBe('a')
    expect(await group.offset('t', 0)).toBe('1')
  })

  it('a second call waits for the first', async () => {
    const { connector } = await group.join('c1', { t: 1 })
    const first = connector.shutdown()
    await group.run(connector.shutdown())
    expect(await group.run(group.zk.getChildren('/consumers/g/ids'))).toEqual([])
    await first
  })

  it('ends a consumer without streams', async () => {
    const connector = await group.connector('c1')
    await group.run(connector.shutdown(), 10)
  })

  it('cuts a rebalance short that waits for its next try', async () => {
    const path = '/consumers/g/owners/t/0'
    await group.run(group.zk.createPersistentPath(path, 'somebody-0'))
    const connector = await group.connector('c1')
    const making = connector.createMessageStreams(new Map([['t', 1]]), text, text)
    await group.advance(100)
    await group.run(connector.shutdown(), 100)
    const streams = await making
    expect(await group.run(streams.get('t')![0]!.iterator().hasNext())).toBe(false)
  })

  it('at any moment of createMessageStreams() ends both, and leaves nothing', async () => {
    for (let ms = 0; ms < 40; ms++) {
      const connector = await group.connector(`c${ms}`)
      const making = connector
        .createMessageStreams(new Map([['t', 1]]), text, text)
        .catch(() => undefined)
      for (let i = 0; i < ms * 7; i++) await undefined
      await group.run(connector.shutdown(), 5000)
      const streams = await group.run(making, 5000)
      for (const stream of streams?.get('t') ?? []) {
        for await (const _ of stream) expect.fail('nothing was awaited')
      }
      expect(await group.owners('t')).toEqual({})
      expect(broker.openConnections).toBe(0)
    }
    expect(await group.run(group.zk.getChildren('/consumers/g/ids'))).toEqual([])
  })

  it('does not hang when no coordinator can be found', async () => {
    const { connector, streams } = await group.join('c1', { t: 1 }, kafkaOnly)
    await group.take(streams[0]!, 1)
    broker.answers.OffsetCommit = () => 'close'
    broker.answers.FindCoordinator = () => ({ errorCode: 15, nodeId: -1, host: '', port: -1 }) // biome-ignore format: one line
    await group.run(connector.commitOffsets())
    await group.run(connector.shutdown(), 11_000)
    expect(await group.owners('t')).toEqual({})
  })

  it('does not hang in a rebalance that waits for a coordinator', async () => {
    const connector = await group.connector('c1', kafkaOnly)
    broker.answers.OffsetFetch = () => 'close'
    broker.answers.FindCoordinator = () => 'silent'
    const making = connector.createMessageStreams(new Map([['t', 1]]), text, text)
    making.catch(() => undefined)
    await group.advance(5000)
    await group.run(connector.shutdown(), 11_000)
    await group.run(
      making.catch(() => undefined),
      100,
    )
  })

  it('does not wait for a broker that does not answer', async () => {
    const { connector } = await group.join('c1', { t: 1 })
    broker.answers.Fetch = () => 'silent'
    broker.answers.Metadata = () => 'silent'
    await group.advance(1000)
    await group.run(connector.shutdown(), 100)
  })

  it('does not wait for a leader finder that nobody answers', async () => {
    broker.answers.Metadata = () => 'silent'
    const { connector } = await group.join('c1', { t: 1 })
    await group.advance(1000)
    await group.run(connector.shutdown(), 100)
    expect(broker.openConnections).toBe(0)
  })

  it('does not hang when ZooKeeper is gone', async () => {
    const { connector, streams } = await group.join('c1', { t: 1 })
    await group.take(streams[0]!, 1)
    const waiting = streams[0]!.iterator()
    await group.run(group.zk.close())
    await group.zooKeeper.shutdown()
    await group.run(connector.shutdown(), 20_000)
    await group.take(streams[0]!, 2)
    expect(await group.run(waiting.hasNext())).toBe(false)
  })
})

describe('open()', () => {
  it('fails when ZooKeeper does not answer, and leaves nothing', async () => {
    const refused = () => Promise.reject(new Error('no route'))
    await expect(group.connector('c1', {}, refused)).rejects.toThrow()
    group.connectors.length = 0
  })
})
