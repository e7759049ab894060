/** Who owns what: every member must compute the same. */
import { describe, expect, it } from 'vitest'
import { javaStringHashCode } from '../../src/base/hash.ts'
import { ConsumerThreadId, sortThreadIds } from '../../src/consumer/ConsumerThreadId.ts'
import {
  type AssignmentContext,
  createPartitionAssignor,
  RangeAssignor,
  RoundRobinAssignor,
} from '../../src/consumer/PartitionAssignor.ts'

/** What members want: member → topic → streams. */
type Members = Record<string, Record<string, number>>

function context(
  me: string,
  members: Members,
  partitions: Record<string, number>,
): AssignmentContext {
  const consumersForTopic = new Map<string, ConsumerThreadId[]>()
  const myTopicThreadIds = new Map<string, ConsumerThreadId[]>()
  for (const [member, wants] of Object.entries(members)) {
    for (const [topic, streams] of Object.entries(wants)) {
      const ids = Array.from(
        { length: streams },
        (_, i) => new ConsumerThreadId(member, i),
      )
      if (member === me) myTopicThreadIds.set(topic, ids)
      consumersForTopic.set(topic, [...(consumersForTopic.get(topic) ?? []), ...ids])
    }
  }
  for (const [topic, ids] of consumersForTopic) {
    consumersForTopic.set(topic, sortThreadIds(ids))
  }
  const partitionsForTopic = new Map(
    Object.entries(partitions).map(([t, n]) => [
      t,
      Array.from({ length: n }, (_, p) => p),
    ]),
  )
  const consumers = Object.keys(members).sort()
  return {
    consumerId: me,
    ...{ myTopicThreadIds, consumersForTopic, partitionsForTopic, consumers },
  }
}

/** `thread: partitions`, in the order in which they were given out. */
function shares(assigned: ReturnType<RangeAssignor['assign']>): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [consumer, owned] of assigned) {
    if (owned.size === 0) found[consumer] = ''
    for (const [tp, thread] of owned) {
      found[`${thread}`] = `${found[`${thread}`] ?? ''} ${tp}`.trim()
    }
  }
  return found
}

describe('ConsumerThreadId', () => {
  it('sortThreadIds() sorts as text: …-10 before …-2', () => {
    const ids = [2, 10, 1, 0].map((i) => new ConsumerThreadId('c', i))
    expect(sortThreadIds(ids).map(String)).toEqual(['c-0', 'c-1', 'c-10', 'c-2'])
  })
})

describe('RangeAssignor', () => {
  it('assign() gives runs of neighbours, the first streams one more', () => {
    const ctx = context('a', { a: { t: 2 }, b: { t: 1 } }, { t: 8 })
    expect(shares(new RangeAssignor().assign(ctx))).toEqual({
      'a-0': 't-0 t-1 t-2',
      'a-1': 't-3 t-4 t-5',
      'b-0': 't-6 t-7',
    })
  })

  it('assign() goes through eleven streams in the order of their texts', () => {
    const ctx = context('a', { a: { t: 11 } }, { t: 12 })
    expect(shares(new RangeAssignor().assign(ctx))).toEqual({
      'a-0': 't-0 t-1',
      'a-1': 't-2',
      'a-10': 't-3',
      ...Object.fromEntries(
        [2, 3, 4, 5, 6, 7, 8, 9].map((i) => [`a-${i}`, `t-${i + 2}`]),
      ),
    })
  })

  it('assign() names members that get nothing, and looks at own topics only', () => {
    const members = { a: { t: 1 }, b: { t: 1 }, c: { u: 1 } }
    const ctx = context('a', members, { t: 1, u: 4 })
    const assigned = new RangeAssignor().assign(ctx)
    expect([...assigned.keys()]).toEqual(['a', 'b', 'c'])
    expect(shares(assigned)).toEqual({ 'a-0': 't-0', b: '', c: '' })
  })

  it('assign() gives nothing of a topic without partitions', () => {
    const ctx = context('a', { a: { t: 2 } }, {})
    expect(shares(new RangeAssignor().assign(ctx))).toEqual({ a: '' })
  })

  it('createPartitionAssignor() knows roundrobin, and takes range for all else', () => {
    expect(createPartitionAssignor('roundrobin')).toBeInstanceOf(RoundRobinAssignor)
    expect(createPartitionAssignor('range')).toBeInstanceOf(RangeAssignor)
    expect(createPartitionAssignor('other')).toBeInstanceOf(RangeAssignor)
  })
})

describe('RoundRobinAssignor', () => {
  it('assign() deals in the order of the Java hash of topic-partition', () => {
    // elephants-0 hashes to -401843035, t-0 to 112919, u-0 to 113880.
    const members = { a: { t: 1, u: 1, elephants: 1 }, b: { t: 1, u: 1, elephants: 1 } }
    const ctx = context('a', members, { t: 2, u: 2, elephants: 2 })
    const assigned = new RoundRobinAssignor().assign(ctx)
    expect(shares(assigned)).toEqual({
      'a-0': 'elephants-0 t-0 u-0',
      'b-0': 'elephants-1 t-1 u-1',
    })
  })

  it('assign() orders a negative hash before a positive one', () => {
    expect(javaStringHashCode('topic-0')).toBe(-1139260654)
    expect(javaStringHashCode('a-0')).toBe(94660)
    const wants = { a: 1, topic: 1 }
    const ctx = context('a', { a: wants, c: wants }, wants)
    expect(shares(new RoundRobinAssignor().assign(ctx))).toEqual({
      'a-0': 'topic-0',
      'c-0': 'a-0',
    })
  })

  it('assign() passes over streams that do not want the topic', () => {
    const members = { a: { t: 1 }, b: { t: 1, u: 2 }, c: { u: 1 } }
    const ctx = context('a', members, { t: 3, u: 3 })
    expect(shares(new RoundRobinAssignor().assign(ctx))).toEqual({
      'a-0': 't-0 t-2',
      'b-0': 't-1 u-0',
      'b-1': 'u-1',
      'c-0': 'u-2',
    })
  })

  it('assign() is the same whatever the order in which members are read', () => {
    // Aa-0 and BB-0 have the same hash.
    const a = { a: { Aa: 1, BB: 1 }, b: { Aa: 1, BB: 1 } }
    const b = { b: { BB: 1, Aa: 1 }, a: { BB: 1, Aa: 1 } }
    const partitions = { Aa: 1, BB: 1 }
    const one = new RoundRobinAssignor().assign(context('a', a, partitions))
    const two = new RoundRobinAssignor().assign(context('b', b, partitions))
    expect(shares(one)).toEqual(shares(two))
  })

  it('assign() gives nothing where nobody is', () => {
    expect(new RoundRobinAssignor().assign(context('a', {}, { t: 1 })).size).toBe(0)
  })
})
