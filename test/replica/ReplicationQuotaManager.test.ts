/** Copying that is held to a rate: the rate itself, then each rule of the leader. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Metrics } from '../../src/base/metrics/Metrics.ts'
import { Quota } from '../../src/base/metrics/Quota.ts'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import type { FetchPartitionData } from '../../src/replica/LogReadResult.ts'
import { ReplicationQuotaManager } from '../../src/replica/ReplicationQuotaManager.ts'
import { quotaWindow, ReplicaWorld } from './replica-test-kit.ts'

const t0 = new TopicPartition('t', 0)
const t1 = new TopicPartition('t', 1)

describe('ReplicationQuotaManager', () => {
  const clock = memoryPlatform({ clock: 'virtual' }).virtualClock
  let quota: ReplicationQuotaManager
  beforeEach(() => {
    const metrics = new Metrics(clock)
    quota = new ReplicationQuotaManager(quotaWindow, metrics, 'LeaderReplication')
  })

  it('isQuotaExceeded() is true above the rate, and false again when it came down', async () => {
    quota.updateQuota(Quota.upperBound(100))
    quota.record(100)
    expect(quota.isQuotaExceeded()).toBe(false)
    quota.record(1)
    expect(quota.isQuotaExceeded()).toBe(true)

    // One second is the least that counts: 500 bytes are allowed again after five.
    quota.record(399)
    await clock.advance(4999)
    expect(quota.isQuotaExceeded()).toBe(true)
    await clock.advance(1)
    expect(quota.isQuotaExceeded()).toBe(false)
  })

  it('isQuotaExceeded() forgets what is older than all samples', async () => {
    quota.updateQuota(Quota.upperBound(1))
    quota.record(1_000_000)
    await clock.advance(10_999)
    expect(quota.isQuotaExceeded()).toBe(true)
    await clock.advance(1)
    expect(quota.isQuotaExceeded()).toBe(false)
  })

  it('updateQuota() holds what was copied before to the new bound', () => {
    expect(quota.upperBound()).toBe(Number.POSITIVE_INFINITY)
    quota.record(1_000_000)
    expect(quota.isQuotaExceeded()).toBe(false)
    quota.updateQuota(Quota.upperBound(999_999))
    expect([quota.upperBound(), quota.isQuotaExceeded()]).toEqual([999_999, true])
    quota.updateQuota(Quota.upperBound(1_000_000))
    expect(quota.isQuotaExceeded()).toBe(false)
  })

  it('isThrottled() knows partitions by topic: some, all, and none again', () => {
    const throttled = () => [t0, t1].map((tp) => quota.isThrottled(tp))
    expect(throttled()).toEqual([false, false])
    quota.markThrottled('t', [1])
    expect(throttled()).toEqual([false, true])
    quota.markThrottled('t')
    expect(throttled()).toEqual([true, true])
    quota.markThrottled('t', [0])
    quota.markThrottled('other')
    expect(throttled()).toEqual([true, false])
    quota.removeThrottle('t')
    expect(throttled()).toEqual([false, false])
  })
})

describe('a leader with a quota that is used up', () => {
  let world: ReplicaWorld
  let quota: ReplicationQuotaManager
  const size = (answers: readonly FetchPartitionData[]) =>
    answers.map(({ records }) => records.sizeInBytes > 0)

  /** Leads both partitions; broker 2 is in sync, and 3 is not: it begins behind the HW. */
  beforeEach(async () => {
    world = await new ReplicaWorld().load()
    quota = world.quotas.leader
    for (const tp of [t0, t1]) {
      await world.leaderAndIsr(tp, { isr: [1, 2], replicas: [1, 2, 3] })
      world.produce(tp, ['a', 'b'], 1)
      world.fetch(tp, 2, { replicaId: 2, timeout: 0 })
    }
    quota.markThrottled('t', [0])
    quota.updateQuota(Quota.upperBound(100))
    quota.record(200)
  })
  afterEach(() => world.close())

  it('sends nothing of a throttled partition to a follower out of the ISR', () => {
    const answers = world.fetch(t0, 0, { replicaId: 3, timeout: 0, quota })
    expect(size(answers)).toEqual([false])
    expect(answers[0]).toMatchObject({ error: { code: 0 }, highWatermark: 2 })
  })

  it('sends all to a follower in the ISR', () => {
    const options = { replicaId: 2, timeout: 0, quota }
    expect(size(world.fetch(t0, 0, options))).toEqual([true])
  })

  it('sends all of a partition that is not throttled', () => {
    const options = { replicaId: 3, timeout: 0, quota }
    expect(size(world.fetch(t1, 0, options))).toEqual([true])
  })

  it('sends all to consumers, who have other quotas', () => {
    expect(size(world.fetch(t0, 0, { timeout: 0 }))).toEqual([true])
  })

  it('lets a fetch wait whose bytes are all kept back, and sends nothing at its end', async () => {
    const answers = world.fetch(t0, 0, { replicaId: 3, timeout: 500, quota })
    world.produce(t0, ['c'], 1)
    await world.clock.advance(499)
    expect(answers).toEqual([])
    await world.clock.advance(1)
    expect(size(answers)).toEqual([false])
  })

  it('completes a waiting fetch at the next append once the rate came down', async () => {
    const answers = world.fetch(t0, 0, { replicaId: 3, timeout: 60_000, quota })
    await world.clock.advance(1999)
    world.produce(t0, ['c'], 1)
    expect(answers).toEqual([])
    await world.clock.advance(1)
    world.produce(t0, ['d'], 1)
    expect(size(answers)).toEqual([true])
  })

  it('sends what it kept back when the waiting ends after the rate came down', async () => {
    const answers = world.fetch(t0, 0, { replicaId: 3, timeout: 2000, quota })
    await world.clock.advance(2000)
    expect(size(answers)).toEqual([true])
  })

  it('lets a fetch wait that begins in an older segment', async () => {
    world.zk.topicConfigs.set('rolled', { 'segment.bytes': '100' })
    const rolled = new TopicPartition('rolled', 0)
    await world.leaderAndIsr(rolled, { isr: [1], replicas: [1, 3] })
    for (const value of ['a', 'b', 'c']) world.produce(rolled, [value], 1)
    expect(world.logManager.getLog(rolled)?.logSegments.length).toBeGreaterThan(1)
    quota.markThrottled('rolled')
    const answers = world.fetch(rolled, 0, { replicaId: 3, timeout: 500, quota })
    expect(answers).toEqual([])
    await world.clock.advance(500)
    expect(size(answers)).toEqual([false])
  })
})
