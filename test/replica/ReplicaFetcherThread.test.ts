import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Deferred } from '../../src/base/async/Deferred.ts'
import { ByteReader } from '../../src/base/bytes/ByteReader.ts'
import { ByteWriter } from '../../src/base/bytes/ByteWriter.ts'
import { ClosedChannelException } from '../../src/base/errors.ts'
import { Quota } from '../../src/base/metrics/Quota.ts'
import { SeededRandom } from '../../src/base/platform/memory/SeededRandom.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import { Fetch, type FetchRequest } from '../../src/protocol/messages/Fetch.ts'
import { ListOffsets } from '../../src/protocol/messages/ListOffsets.ts'
import {
  OffsetForLeaderEpoch,
  type OffsetForLeaderEpochRequest,
} from '../../src/protocol/messages/OffsetForLeaderEpoch.ts'
import type { BlockingSend } from '../../src/replica/ReplicaFetcherBlockingSend.ts'
import { ReplicaFetcherThread } from '../../src/replica/ReplicaFetcherThread.ts'
import { FetchManager } from '../../src/server/FetchManager.ts'
import { FetchSessionCache } from '../../src/server/FetchSession.ts'
import { ReplicaWorld } from './replica-test-kit.ts'

const t0 = new TopicPartition('t', 0)
const t1 = new TopicPartition('t', 1)

/** A wire without a network: requests and answers go through the schemas. */
class WireToLeader implements BlockingSend {
  readonly leader: ReplicaWorld
  readonly sent: string[] = []
  /** The fetches so far: their session epoch, and the partitions that they name. */
  readonly fetches: { epoch: number; asked: string[] }[] = []
  readonly cache = new FetchSessionCache(10, 120_000, new SeededRandom(1))
  readonly sessions: FetchManager
  lastSessionId = 0
  readonly #closed = new Deferred<never>()

  constructor(leader: ReplicaWorld) {
    this.leader = leader
    this.sessions = new FetchManager(leader.clock, this.cache)
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers any API
  async sendRequest(api: any, version: number, body: unknown): Promise<any> {
    this.sent.push(api.name)
    const request = new ByteWriter()
    api.request.encode(version, body, request)
    const arrived = api.request.decode(version, new ByteReader(request.toBuffer()))
    const answer = await Promise.race([
      this.#answer(api, arrived),
      this.#closed.promise,
    ])
    const response = new ByteWriter()
    api.response.encode(version, answer, response)
    return api.response.decode(version, new ByteReader(response.toBuffer()))
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers any API
  #answer(api: unknown, request: any): unknown {
    if (api === Fetch) return this.#fetch(request)
    if (api === OffsetForLeaderEpoch) return this.#epochs(request)
    if (api !== ListOffsets) throw new Error('not an API of followers')
    const { partition, timestamp } = request.topics[0].partitions[0]
    const replica = this.leader.replicaManager.getLeaderReplicaIfLocal(t0)
    const leo = replica.logEndOffset.messageOffset
    const offset = timestamp === -1 ? leo : replica.logStartOffset
    const partitions = [{ partition, errorCode: 0, timestamp: -1, offset }]
    return { topics: [{ name: 't', partitions }] }
  }

  /** What a broker does with a fetch, sessions included. */
  #fetch(request: FetchRequest): Promise<unknown> {
    const asked = request.topics.flatMap(({ topic, partitions }) =>
      partitions.map(
        ({ partition, partitionMaxBytes: maxBytes, ...rest }) =>
          [new TopicPartition(topic, partition), { ...rest, maxBytes }] as const,
      ),
    )
    const forgotten = request.forgottenTopicsData.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => new TopicPartition(topic, partition)),
    )
    const { sessionId, sessionEpoch: epoch } = request
    this.fetches.push({ epoch, asked: asked.map(([tp]) => tp.key) })
    const data = new TopicPartitionMap<(typeof asked)[number][1]>()
    for (const [tp, fetch] of asked) data.set(tp, fetch)
    const context = this.sessions.newContext(
      { sessionId, epoch },
      data,
      forgotten,
      true,
    )
    const fetchInfos: (typeof asked)[number][] = []
    context.foreachPartition((tp, fetch) => fetchInfos.push([tp, fetch]))
    return new Promise((resolve) => {
      this.leader.replicaManager.fetchMessages({
        timeout: request.maxWaitMs,
        replicaId: request.replicaId,
        fetchMinBytes: request.minBytes,
        fetchMaxBytes: request.maxBytes,
        hardMaxBytesLimit: false,
        isolationLevel: 'READ_UNCOMMITTED',
        fetchInfos,
        responseCallback: (results) => {
          const answer = context.updateAndGenerateResponseData(
            results.map(([tp, { error, lastStableOffset, ...rest }]) => {
              const known = { errorCode: error.code, partition: tp.partition }
              return [
                tp,
                { ...rest, ...known, lastStableOffset: lastStableOffset ?? -1 },
              ]
            }),
          )
          this.lastSessionId = answer.sessionId
          resolve({
            errorCode: answer.error.code,
            sessionId: answer.sessionId,
            responses: answer.partitions.map(([{ topic }, partition]) => {
              return { topic, partitions: [partition] }
            }),
          })
        },
      })
    })
  }

  #epochs({ topics }: OffsetForLeaderEpochRequest): unknown {
    const asked = new TopicPartitionMap<number>()
    for (const { partition, leaderEpoch } of topics[0]!.partitions)
      asked.set(new TopicPartition('t', partition), leaderEpoch)
    const answers = this.leader.replicaManager.lastOffsetForLeaderEpoch(asked)
    const partitions = [...answers].map(([{ partition }, { error, endOffset }]) => {
      return { partition, errorCode: error.code, endOffset }
    })
    return { topics: [{ topic: 't', partitions }] }
  }

  close(): void {
    this.#closed.promise.catch(() => {})
    this.#closed.reject(new ClosedChannelException('closed'))
  }
}

describe('ReplicaFetcherThread', () => {
  let leader: ReplicaWorld
  let follower: ReplicaWorld
  let wire: WireToLeader
  let thread: ReplicaFetcherThread
  let halted: string[]
  beforeEach(async () => {
    leader = await new ReplicaWorld().load()
    follower = await new ReplicaWorld({ brokerId: 2 }).load()
    halted = []

    // The follower's own manager starts no fetcher: the test brings its own.
    follower.isShuttingDown = true
    wire = new WireToLeader(leader)
    thread = new ReplicaFetcherThread({
      name: 'ReplicaFetcherThread-0-1',
      sourceBroker: { id: 1, host: 'b1', port: 9092 },
      replicas: follower.replicaManager,
      clock: follower.clock,
      leaderEndpoint: wire,
      quota: follower.quotas.follower,
      halt: (reason) => halted.push(reason),
    })
  })
  afterEach(async () => {
    await thread.shutdown()
    await leader.close()
    await follower.close()
  })

  const roles = { isr: [1, 2], replicas: [1, 2] }
  const settle = async () => {
    for (let i = 0; i < 5; i++) await leader.clock.settle()
  }
  const follow = async (state = {}) => {
    await follower.leaderAndIsr(t0, { ...roles, ...state })
    const from = follower.replicaManager.getReplica(t0)!.highWatermark.messageOffset
    await thread.addPartitions(new TopicPartitionMap<number>().set(t0, from))
    thread.start()
    await settle()
  }
  const replica = (world: ReplicaWorld) => world.replicaManager.getReplica(t0)!
  const ends = () =>
    [leader, follower].map((world) => replica(world).logEndOffset.messageOffset)
  const marks = () =>
    [leader, follower].map((world) => replica(world).highWatermark.messageOffset)

  it('copies what is there and what comes, and completes the produce', async () => {
    await leader.leaderAndIsr(t0, roles)
    const first = leader.produce(t0, ['a', 'b'])
    await follow()
    expect(wire.sent[0]).toBe('OffsetForLeaderEpoch')
    expect(first).toEqual(['NONE@0'])
    expect(ends()).toEqual([2, 2])

    // An append wakes the fetch that waits on the leader.
    const second = leader.produce(t0, ['c'])
    await settle()
    expect(second).toEqual(['NONE@2'])
    expect(ends()).toEqual([3, 3])

    // The follower's high watermark is one round trip behind.
    expect(marks()).toEqual([3, 2])
    leader.produce(t0, ['d'])
    await settle()
    expect(marks()).toEqual([4, 3])
  })

  it('cuts what a former leader had alone to the end of its epoch', async () => {
    // Both have a; then broker 2 led in epoch 1 and wrote x and y, which nobody copied.
    await leader.leaderAndIsr(t0, { ...roles, isr: [1] })
    leader.produce(t0, ['a'], 1)
    await follower.leaderAndIsr(t0, { ...roles, leader: 2, isr: [2] })
    follower.produce(t0, ['a'], 1)
    await follower.leaderAndIsr(t0, { ...roles, leader: 2, leaderEpoch: 1, isr: [2] })
    follower.produce(t0, ['x', 'y'], 1)

    // Broker 1 leads in epoch 2 and goes on from a.
    await leader.leaderAndIsr(t0, { ...roles, leaderEpoch: 2 })
    leader.produce(t0, ['b'], 1)
    expect(ends()).toEqual([2, 3])
    await follow({ leaderEpoch: 2 })
    expect(ends()).toEqual([2, 2])
    const epochs = replica(follower).log!.leaderEpochCache.epochEntries()
    expect(epochs.map(({ epoch }) => epoch)).toEqual([0, 2])
  })

  it('starts anew when the leader has deleted what comes next', async () => {
    await leader.leaderAndIsr(t0, { ...roles, isr: [1] })
    for (const value of ['a', 'b', 'c']) leader.produce(t0, [value])
    const all = new TopicPartitionMap<number>().set(t0, -1)
    leader.replicaManager.deleteRecords(0, all, () => {})
    await follow()
    await settle()
    expect(replica(follower).logStartOffset).toBe(3)
    expect(ends()).toEqual([3, 3])
  })

  it('does not cut its log for an unclean leader unless the topic allows it', async () => {
    await leader.leaderAndIsr(t0, { ...roles, isr: [1] })
    await follower.leaderAndIsr(t0, { ...roles, leader: 2, isr: [2] })
    follower.produce(t0, ['a', 'b'], 1)
    await expect(thread.handleOffsetOutOfRange(t0)).rejects.toThrow('unclean')
    expect(halted).toHaveLength(1)
    follower.zk.topicConfigs.set('t', { 'unclean.leader.election.enable': 'true' })
    expect(await thread.handleOffsetOutOfRange(t0)).toBe(0)
    expect(ends()).toEqual([0, 0])
  })

  it('delays a partition that its leader does not lead, and tries again', async () => {
    await follow()
    expect(thread.stateOf(t0)!.delayedUntilMs).toBeGreaterThan(follower.clock.now())
    await leader.leaderAndIsr(t0, roles)
    leader.produce(t0, ['a'], 1)
    await follower.clock.advance(2500)
    await settle()
    expect(ends()).toEqual([1, 1])
  })

  it('names in a session only what changed since its last fetch', async () => {
    await leader.leaderAndIsr(t0, roles)
    await leader.leaderAndIsr(t1, roles)
    leader.produce(t0, ['a'], 1)
    await follower.leaderAndIsr(t1, roles)
    await thread.addPartitions(new TopicPartitionMap<number>().set(t1, 0))
    await follow()
    expect(wire.fetches).toEqual([
      { epoch: 0, asked: ['t-1', 't-0'] },
      { epoch: 1, asked: ['t-0'] },
    ])

    // What is not named is fetched all the same.
    leader.produce(t1, ['b'], 1)
    await settle()
    expect(wire.fetches.at(-1)?.asked).toEqual(['t-1'])
    expect(follower.replicaManager.getReplica(t1)?.logEndOffset.messageOffset).toBe(1)
  })

  it('names everything again when the leader has lost the session', async () => {
    await leader.leaderAndIsr(t0, roles)
    leader.produce(t0, ['first'], 1)
    await follow()
    expect(wire.cache.remove(wire.lastSessionId)).toBeDefined()
    leader.produce(t0, ['a'], 1)
    await settle()
    leader.produce(t0, ['b'], 1)
    await settle()
    expect(ends()).toEqual([3, 3])
    expect(wire.fetches.filter(({ epoch }) => epoch === 0)).toEqual([
      { epoch: 0, asked: ['t-0'] },
      { epoch: 0, asked: ['t-0'] },
    ])
  })

  it('cuts a log that has parted from its leader, and copies on', async () => {
    // Both have a and x. The leader is deposed, loses x, and leads again with b and c:
    // the follower was cut off meanwhile and asks for what comes after x.
    await leader.leaderAndIsr(t0, roles)
    leader.produce(t0, ['a'])
    leader.produce(t0, ['x'])
    await follow()
    expect(ends()).toEqual([2, 2])
    leader.replicaManager.getPartition(t0)!.truncateTo(1, false)
    await leader.leaderAndIsr(t0, { ...roles, leaderEpoch: 2 })
    leader.produce(t0, ['b', 'c'])
    await follower.clock.advance(2500)
    await settle()
    expect(thread.isShutdownComplete).toBe(false)
    expect(ends()).toEqual([3, 3])
    const epochs = replica(follower).log!.leaderEpochCache.epochEntries()
    expect(epochs.map(({ epoch }) => epoch)).toEqual([0, 2])
  })

  it('drops an epoch that its leader never saw, however short the log is', async () => {
    // Both have a. Broker 1 wrote b and c in epoch 0, broker 2 wrote x in epoch 1.
    await leader.leaderAndIsr(t0, { ...roles, isr: [1] })
    for (const value of ['a', 'b', 'c']) leader.produce(t0, [value], 1)
    await follower.leaderAndIsr(t0, { ...roles, leader: 2, isr: [2] })
    follower.produce(t0, ['a'], 1)
    await follower.leaderAndIsr(t0, { ...roles, leader: 2, leaderEpoch: 1, isr: [2] })
    follower.produce(t0, ['x'], 1)

    // Broker 1 leads again: "epoch 1" ends at 3, behind all that broker 2 has.
    await leader.leaderAndIsr(t0, { ...roles, leaderEpoch: 2 })
    leader.produce(t0, ['d'], 1)
    await follow({ leaderEpoch: 2 })
    await follower.clock.advance(2500)
    await settle()
    const epochsOf = (world: ReplicaWorld) => {
      const segments = replica(world).log!.logSegments
      const batches = segments.flatMap((segment) => [...segment.log.batches()])
      return batches.map((batch) => [batch.baseOffset, batch.partitionLeaderEpoch])
    }
    const all = [0, 1, 2].map((offset) => [offset, 0])
    expect(epochsOf(leader)).toEqual([...all, [3, 2]])
    expect(epochsOf(follower)).toEqual(epochsOf(leader))
  })

  describe('with a quota', () => {
    const quota = () => follower.quotas.follower
    const followBoth = async () => {
      for (const tp of [t0, t1]) {
        await leader.leaderAndIsr(tp, { ...roles, isr: [1] })
        for (const value of ['a', 'b']) leader.produce(tp, [value], 1)
        await follower.leaderAndIsr(tp, { ...roles, leader: 1, isr: [1] })
      }
      await thread.addPartitions(new TopicPartitionMap<number>().set(t0, 0).set(t1, 0))
      thread.start()
      await settle()
    }
    const endOf = (tp: TopicPartition) =>
      follower.replicaManager.getReplica(tp)!.logEndOffset.messageOffset

    it('leaves out a throttled partition that lags, and no other', async () => {
      quota().markThrottled('t', [0])
      quota().updateQuota(Quota.upperBound(100))
      quota().record(200)
      await followBoth()
      expect([t0, t1].map(endOf)).toEqual([0, 2])
      expect(wire.fetches[0]).toEqual({ epoch: 0, asked: ['t-1'] })

      // What is appended elsewhere arrives at once.
      leader.produce(t1, ['c'], 1)
      await settle()
      expect([t0, t1].map(endOf)).toEqual([0, 3])

      // The rate is down after two seconds, the fetch that waits then ends soon after; the
      // session takes the partition in.
      await advanceBoth(1500)
      expect([t0, t1].map(endOf)).toEqual([0, 3])
      await advanceBoth(1100)
      expect([t0, t1].map(endOf)).toEqual([2, 3])
    })

    it('counts what it got of throttled partitions, and forgets them in the session', async () => {
      quota().markThrottled('t', [0])
      quota().updateQuota(Quota.upperBound(1))
      await followBoth()
      expect([t0, t1].map(endOf)).toEqual([2, 2])
      expect(quota().isQuotaExceeded()).toBe(true)

      // In sync it goes on, however far above the rate it is.
      leader.produce(t0, ['c'], 1)
      await settle()
      expect(endOf(t0)).toBe(3)
    })

    it('does not count what it got of others', async () => {
      quota().markThrottled('other')
      quota().updateQuota(Quota.upperBound(1))
      await followBoth()
      expect(quota().isQuotaExceeded()).toBe(false)
    })

    it('goes on in the session when a partition is taken out and put back', async () => {
      await followBoth()
      await advanceBoth(500)
      const before = wire.fetches.length

      // It falls behind while it is throttled: its lag is known from the last answer.
      thread.fetcherLagStats.set(t0, 5)
      quota().markThrottled('t', [0])
      quota().updateQuota(Quota.upperBound(100))
      quota().record(1000)
      leader.produce(t1, ['c'], 1)
      await settle()
      leader.produce(t0, ['c'], 1)
      await settle()
      expect([t0, t1].map(endOf)).toEqual([2, 3])
      await advanceBoth(10_600)
      expect([t0, t1].map(endOf)).toEqual([3, 3])
      expect(wire.fetches.slice(before).every(({ epoch }) => epoch > 0)).toBe(true)
    })

    /** Lets time pass for both brokers, a little at a time, and messages between. */
    async function advanceBoth(ms: number) {
      for (let passed = 0; passed < ms; passed += 100) {
        await leader.clock.advance(100)
        await follower.clock.advance(100)
        await settle()
      }
    }
  })
})
