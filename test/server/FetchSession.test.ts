import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/base/platform/memory/SeededRandom.ts'
import { VirtualClock } from '../../src/base/platform/memory/VirtualClock.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import { FetchManager } from '../../src/server/FetchManager.ts'
import {
  FetchMetadata,
  type FetchPartition,
  FetchSessionCache,
} from '../../src/server/FetchSession.ts'

const EVICTION_MS = 120_000

function manager(slots = 10) {
  const clock = new VirtualClock()
  const cache = new FetchSessionCache(slots, EVICTION_MS, new SeededRandom(1))
  return { clock, cache, manager: new FetchManager(clock, cache) }
}

function asks(...partitions: number[]): TopicPartitionMap<FetchPartition> {
  const map = new TopicPartitionMap<FetchPartition>()
  for (const p of partitions) {
    const fetch = { fetchOffset: 0, logStartOffset: -1, maxBytes: 100 }
    map.set(new TopicPartition('t', p), fetch)
  }
  return map
}

function answers(...rows: [partition: number, bytes: number, hw: number][]) {
  return rows.map(([p, sizeInBytes, highWatermark]) => {
    const data = { errorCode: 0, highWatermark, logStartOffset: 0 }
    return [new TopicPartition('t', p), { ...data, records: { sizeInBytes } }] as const
  })
}

function names(partitions: readonly (readonly [TopicPartition, unknown])[]): string[] {
  return partitions.map(([topicPartition]) => topicPartition.key)
}

describe('FetchManager.newContext()', () => {
  it('gives a session to a full fetch that asks for one', () => {
    const { manager: m, cache } = manager()
    const context = m.newContext({ sessionId: 0, epoch: 0 }, asks(0, 1), [], false)
    const answer = context.updateAndGenerateResponseData(answers([0, 0, 5], [1, 9, 5]))
    expect(answer.sessionId).toBeGreaterThan(0)
    expect(names(answer.partitions)).toEqual(['t-0', 't-1'])
    expect(cache.size).toBe(1)
  })

  it('gives none to a sessionless fetch', () => {
    const { manager: m, cache } = manager()
    const context = m.newContext({ sessionId: 0, epoch: -1 }, asks(0), [], false)
    expect(context.updateAndGenerateResponseData(answers([0, 0, 5])).sessionId).toBe(0)
    expect(cache.size).toBe(0)
  })

  it('answers an incremental fetch with what changed only, moved to the end', () => {
    const { manager: m } = manager()
    const full = m.newContext({ sessionId: 0, epoch: 0 }, asks(0, 1, 2), [], false)
    const { sessionId } = full.updateAndGenerateResponseData(
      answers([0, 0, 5], [1, 0, 5], [2, 0, 5]),
    )
    const next = m.newContext({ sessionId, epoch: 1 }, asks(), [], false)
    const answer = next.updateAndGenerateResponseData(
      answers([0, 7, 5], [1, 0, 5], [2, 0, 6]),
    )
    expect(names(answer.partitions)).toEqual(['t-0', 't-2'])
    const order: string[] = []
    m.newContext({ sessionId, epoch: 2 }, asks(), [], false).foreachPartition((tp) =>
      order.push(tp.key),
    )
    expect(order).toEqual(['t-1', 't-0', 't-2'])
  })

  it('adds and forgets partitions of a session', () => {
    const { manager: m } = manager()
    const full = m.newContext({ sessionId: 0, epoch: 0 }, asks(0, 1), [], false)
    const { sessionId } = full.updateAndGenerateResponseData(
      answers([0, 0, 1], [1, 0, 1]),
    )
    const forget = [new TopicPartition('t', 0)]
    const next = m.newContext({ sessionId, epoch: 1 }, asks(2), forget, false)
    const order: string[] = []
    next.foreachPartition((tp) => order.push(tp.key))
    expect(order).toEqual(['t-1', 't-2'])
  })

  it('refuses a session it does not know, and an epoch it does not expect', () => {
    const { manager: m } = manager()
    const unknown = m.newContext({ sessionId: 77, epoch: 1 }, asks(), [], false)
    expect(unknown.error.name).toBe('FETCH_SESSION_ID_NOT_FOUND')
    const full = m.newContext({ sessionId: 0, epoch: 0 }, asks(0), [], false)
    const { sessionId } = full.updateAndGenerateResponseData(answers([0, 0, 1]))
    const wrong = m.newContext({ sessionId, epoch: 2 }, asks(), [], false)
    expect(wrong.error.name).toBe('INVALID_FETCH_SESSION_EPOCH')
  })

  it('tells a partition again after an error', () => {
    const { manager: m } = manager()
    const full = m.newContext({ sessionId: 0, epoch: 0 }, asks(0), [], false)
    const { sessionId } = full.updateAndGenerateResponseData(answers([0, 0, 5]))
    const failing = m.newContext({ sessionId, epoch: 1 }, asks(), [], false)
    const [[tp, data] = []] = answers([0, 0, 5])
    failing.updateAndGenerateResponseData([[tp!, { ...data!, errorCode: 6 }]])
    const well = m.newContext({ sessionId, epoch: 2 }, asks(), [], false)
    const answer = well.updateAndGenerateResponseData(answers([0, 0, 5]))
    expect(names(answer.partitions)).toEqual(['t-0'])
  })
})

describe('FetchSessionCache', () => {
  const create = (m: FetchManager, follower: boolean, ...p: number[]) => {
    const context = m.newContext({ sessionId: 0, epoch: 0 }, asks(...p), [], follower)
    const rows = p.map((n) => [n, 0, 1] as [number, number, number])
    return context.updateAndGenerateResponseData(answers(...rows)).sessionId
  }

  it('tryEvict() lets no young session of a consumer go for another consumer', () => {
    const { manager: m } = manager(1)
    expect(create(m, false, 0)).toBeGreaterThan(0)
    expect(create(m, false, 0, 1)).toBe(0)
  })

  it('tryEvict() lets an idle session go', async () => {
    const { manager: m, clock, cache } = manager(1)
    create(m, false, 0, 1, 2)
    await clock.advance(EVICTION_MS + 1)
    expect([cache.totalPartitions, cache.evictions]).toEqual([3, 0])
    expect(create(m, false, 0)).toBeGreaterThan(0)
    expect([cache.totalPartitions, cache.evictions]).toEqual([1, 1])
  })

  it('tryEvict() lets a consumer go for a follower, never the other way', () => {
    const { manager: m } = manager(1)
    create(m, false, 0)
    expect(create(m, true, 0)).toBeGreaterThan(0)
    expect(create(m, false, 0, 1, 2)).toBe(0)
  })

  it('nextEpoch() begins again at 1', () => {
    expect(FetchMetadata.nextEpoch(0x7fffffff)).toBe(1)
    expect(FetchMetadata.nextEpoch(-1)).toBe(-1)
  })
})
