/** One connection to one broker: what is asked, and when it connects again. */
import { beforeEach, describe, expect, it } from 'vitest'
import { Errors, NotLeaderForPartitionException } from '../../src/base/errors.ts'
import {
  type MemoryPlatform,
  memoryPlatform,
} from '../../src/base/platform/memory/memory-platform.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import {
  FetchRequest,
  type PartitionFetchInfo,
} from '../../src/consumer/FetchRequest.ts'
import { OffsetRequest, SimpleConsumer } from '../../src/consumer/SimpleConsumer.ts'
import { LogBroker, World } from './LogBroker.ts'

let platform: MemoryPlatform
let broker: LogBroker
let consumer: SimpleConsumer

const t0 = new TopicPartition('t', 0)

beforeEach(async () => {
  platform = memoryPlatform()
  const world = new World(platform)
  world.produce('t-0', 'a', 'b')
  broker = await new LogBroker(world).start()
  consumer = new SimpleConsumer({
    ...{ host: 'b0', port: 9092, soTimeout: 1000, clientId: 'me' },
    ...{ network: platform.network, clock: platform.clock },
  })
})

function run<T>(promise: Promise<T>): Promise<T> {
  return platform.virtualClock.runUntil(promise)
}

function fetch(offset = 0): Promise<string[]> {
  const wanted = new TopicPartitionMap([[t0, { offset, fetchSize: 1000 }]])
  const options = { clientId: 'me', maxWait: 10, minBytes: 1 }
  const texts = async () => {
    const { data } = await consumer.fetch(new FetchRequest(options, wanted))
    return [...data.get(t0)!.messages].map((m) => `${m.message.payload}`)
  }
  return run(texts())
}

describe('SimpleConsumer', () => {
  it('fetch() asks in version 3, as no replica, for all bytes there may be', async () => {
    expect(await fetch()).toEqual(['a', 'b'])
    const [seen] = broker.seen
    expect(seen!.header).toMatchObject({ apiVersion: 3, clientId: 'me' })
    expect(seen!.body).toMatchObject({
      ...{ replicaId: -1, maxWaitMs: 10, minBytes: 1, maxBytes: 0x7fffffff },
    })
  })

  it('connects at the first request, and keeps the connection', async () => {
    expect(broker.connections).toBe(0)
    await fetch()
    await fetch(1)
    expect(broker.connections).toBe(1)
  })

  it('connects again when the connection was lost in between', async () => {
    await fetch()
    consumer.disconnect()
    expect(await fetch()).toEqual(['a', 'b'])
    expect(broker.connections).toBe(2)
  })

  it('sends once more when the broker hangs up on a request', async () => {
    let times = 0
    broker.answers.Fetch = () => (++times === 1 ? 'close' : undefined)
    expect(await fetch()).toEqual(['a', 'b'])
    expect(broker.connections).toBe(2)
    expect(broker.seen).toHaveLength(2)
  })

  it('fails, and holds no connection, when the broker hangs up twice', async () => {
    broker.answers.Fetch = () => 'close'
    await expect(fetch()).rejects.toThrow()
    expect(broker.seen).toHaveLength(2)
    expect(broker.openConnections).toBe(0)
  })

  it('asks twice a broker that does not answer in time', async () => {
    broker.answers.Fetch = () => 'silent'
    const before = platform.clock.monotonic()
    await expect(fetch()).rejects.toThrow()
    expect(broker.seen).toHaveLength(2)
    expect(platform.clock.monotonic() - before).toBe(2000)
  })

  it('fails where nobody listens', async () => {
    await broker.stop()
    await expect(fetch()).rejects.toThrow()
  })

  it('sends one request after the other', async () => {
    let open = 0
    let most = 0
    broker.answers.Fetch = async () => {
      most = Math.max(most, ++open)
      await platform.clock.sleep(5)
      open--
      return { responses: [] }
    }
    const both = [consumer, consumer].map((c) =>
      c.fetch(new FetchRequest({ clientId: 'me' }, new TopicPartitionMap())),
    )
    await run(Promise.all(both))
    expect(most).toBe(1)
  })

  it('close() frees a request that waits, and the next is refused', async () => {
    broker.answers.Fetch = () => 'silent'
    const nothing = new TopicPartitionMap<PartitionFetchInfo>()
    const waiting = consumer.fetch(new FetchRequest({ clientId: 'me' }, nothing))
    const failed = expect(waiting).rejects.toThrow()
    await platform.virtualClock.settle()
    consumer.close()
    await failed
    expect(platform.clock.monotonic()).toBe(0)
    await expect(fetch()).rejects.toThrow()
    expect(broker.seen).toHaveLength(1)
    expect(broker.connections).toBe(1)
  })

  it('close() does not wait for a connection that does not come about', async () => {
    platform.fabric.cut('localhost', 'b0')
    const fetching = consumer.fetch(
      new FetchRequest({ clientId: 'me' }, new TopicPartitionMap()),
    )
    const failed = expect(fetching).rejects.toThrow()
    await platform.virtualClock.settle()
    consumer.close()
    await platform.virtualClock.settle()
    await failed
    expect(platform.clock.monotonic()).toBe(0)
  })

  it('close() leaves no connection that was being made', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const mine = new SimpleConsumer({
        ...{ host: 'b0', port: 9092, soTimeout: 1000, clientId: 'me' },
        ...{ network: platform.network, clock: platform.clock },
      })
      const fetching = mine.fetch(
        new FetchRequest({ clientId: 'me' }, new TopicPartitionMap()),
      )
      fetching.catch(() => undefined)
      for (let i = 0; i < turns; i++) await undefined
      mine.close()
      await run(fetching.catch(() => undefined))
      await platform.virtualClock.advance(10)
      expect(broker.openConnections).toBe(0)
    }
  })

  it('earliestOrLatestOffset() asks ListOffsets in version 0', async () => {
    broker.world.logStart.set('t-0', 5)
    const { EarliestTime, LatestTime } = OffsetRequest
    expect(await run(consumer.earliestOrLatestOffset(t0, EarliestTime))).toBe(5)
    expect(await run(consumer.earliestOrLatestOffset(t0, LatestTime))).toBe(7)
    expect(broker.seen[0]!.header).toMatchObject({ apiKey: 2, apiVersion: 0 })
    expect(broker.seen[0]!.body.topics[0].partitions[0]).toMatchObject({
      ...{ partition: 0, timestamp: -2, maxNumOffsets: 1 },
    })
  })

  it('earliestOrLatestOffset() throws the error of the partition', async () => {
    const { code: errorCode } = Errors.NOT_LEADER_FOR_PARTITION
    const partitions = [{ partition: 0, errorCode, oldStyleOffsets: [] }]
    broker.answers.ListOffsets = () => ({ topics: [{ name: 't', partitions }] })
    const asked = run(consumer.earliestOrLatestOffset(t0, -1))
    await expect(asked).rejects.toThrow(NotLeaderForPartitionException)
    broker.answers.ListOffsets = () => ({ topics: [] })
    await expect(run(consumer.earliestOrLatestOffset(t0, -1))).rejects.toThrow('t-0')
  })
})
