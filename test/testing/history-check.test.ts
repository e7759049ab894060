import { describe, expect, it } from 'vitest'
import {
  HistoryCheck,
  type PartitionStateSeen,
  type StoredBatch,
} from '../../src/testing/faults/history-check.ts'

const partition = 't-0'

/** A history in which three values were sent, kept and read. */
function goodHistory(): HistoryCheck {
  const check = new HistoryCheck()
  for (const [offset, value] of ['a', 'b', 'c'].entries()) {
    check.sent({ partition, value, producer: 'p', once: true })
    check.acknowledged({ partition, offset, value })
    check.consumed({ partition, offset, value, consumer: 'c', highWatermark: 3 })
  }
  return check
}

function placed(...values: string[]) {
  return values.map((value, offset) => ({ partition, offset, value }))
}

function rules(check: HistoryCheck): string[] {
  return check.violations.map(({ rule }) => rule)
}

function state(o: Partial<PartitionStateSeen>): PartitionStateSeen {
  const epochs = { leaderEpoch: 0, controllerEpoch: 1 }
  return { partition, leader: 0, ...epochs, isr: [0, 1, 2], zkVersion: 0, ...o }
}

function batch(o: Partial<StoredBatch>): StoredBatch {
  return { baseOffset: 0, lastOffset: 0, leaderEpoch: 0, digest: 'x', ...o }
}

describe('HistoryCheck on a good history', () => {
  it('finds nothing', () => {
    const check = goodHistory()
    check.finalLog(partition, placed('a', 'b', 'c'))
    check.partitionState(state({}))
    check.partitionState(state({ leader: 1, leaderEpoch: 1, zkVersion: 1 }))
    check.partitionState(state({}))
    check.controls({ broker: 1, epoch: 2 })
    check.controllerEpochSeen(2)
    check.partitionAtEnd({ partition, leader: 1, isr: [2, 1, 0], replicas: [0, 1, 2] })
    expect(check.report()).toBe('')
    expect([check.acknowledgedCount, check.consumedCount]).toEqual([3, 3])
  })

  it('lets replicas differ above the high watermark', () => {
    const check = new HistoryCheck()
    const of = { partition, highWatermark: 1 }
    const kept = batch({})
    const tail = batch({ baseOffset: 1, lastOffset: 1 })
    check.replicasAtEnd([
      { ...of, broker: 0, batches: [kept, tail] },
      { ...of, broker: 1, batches: [kept] },
    ])
    expect(check.report()).toBe('')
  })
})

describe('finalLog()', () => {
  it('misses an acknowledged value, and one that was consumed', () => {
    const check = goodHistory()
    check.finalLog(partition, placed('a', 'b'))
    expect(rules(check)).toEqual(['acknowledged-lost', 'consumed-lost'])
    expect(check.report()).toContain('c, acknowledged at t-0@2, is gone')
  })

  it('sees that a value changed', () => {
    const check = goodHistory()
    check.sent({ partition, value: 'd', producer: 'q', once: false })
    check.finalLog(partition, [
      ...placed('a', 'd'),
      { partition, offset: 2, value: 'c' },
    ])
    expect(rules(check)).toEqual(['value-changed', 'acknowledged-lost'])
  })

  it('sees gaps, duplicates, a wrong order, and what nobody sent', () => {
    const check = goodHistory()
    check.sent({ partition, value: 'd', producer: 'q', once: false })
    check.finalLog(partition, [
      ...placed('a', 'b', 'c', 'd', 'd', 'a', 'ghost'),
      { partition, offset: 9, value: 'd' },
    ])
    expect(rules(check)).toEqual(['never-sent', 'gap', 'duplicate'])

    const swapped = new HistoryCheck()
    for (const value of ['a', 'b'])
      swapped.sent({ partition, value, producer: 'p', once: true })
    swapped.finalLog(partition, placed('b', 'a'))
    expect(rules(swapped)).toEqual(['out-of-order'])
  })
})

describe('facts as they come', () => {
  it('sees a consumer past the high watermark', () => {
    const check = goodHistory()
    const fact = { partition, offset: 2, value: 'c', consumer: 'c' }
    check.consumed({ ...fact, highWatermark: 2 })
    expect(rules(check)).toEqual(['past-high-watermark'])
  })

  it.each([
    [
      'leader epoch',
      state({ leaderEpoch: 5 }),
      state({ leaderEpoch: 4, zkVersion: 1 }),
    ],
    [
      'controller epoch',
      state({ controllerEpoch: 5 }),
      state({ controllerEpoch: 4, zkVersion: 1 }),
    ],
    ['leaders', state({ leader: 1 }), state({ leader: 2, zkVersion: 1 })],
  ])('sees two states whose %s do not fit, in any order', (_, before, after) => {
    const check = new HistoryCheck()
    check.partitionState(before)
    check.partitionState(after)
    const backwards = new HistoryCheck()
    backwards.partitionState(after)
    backwards.partitionState(before)
    expect([rules(check), rules(backwards)]).toEqual([['epoch'], ['epoch']])
  })

  it('sees two controllers of one epoch, and an epoch that falls', () => {
    const check = new HistoryCheck()
    check.controls({ broker: 0, epoch: 7 })
    check.controls({ broker: 1, epoch: 7 })
    check.controllerEpochSeen(8)
    check.controllerEpochSeen(7)
    expect(rules(check)).toEqual(['epoch', 'epoch'])
  })

  it('counts what it does not print', () => {
    const check = goodHistory()
    for (let i = 0; i < 8; i++) check.controllerEpochSeen(8 - i)
    expect(check.violations).toHaveLength(5)
    expect(check.report()).toContain('epoch: … and 2 more')
  })
})

describe('the end', () => {
  it.each([
    ['bytes', [batch({ digest: 'y' })]],
    ['a batch', []],
    ['an epoch', [batch({ leaderEpoch: 1 })]],
  ])('replicasAtEnd() sees replicas that differ in %s', (_, batches) => {
    const check = new HistoryCheck()
    const of = { partition, highWatermark: 1 }
    check.replicasAtEnd([
      { ...of, broker: 0, batches: [batch({})] },
      { ...of, broker: 1, batches },
    ])
    expect(rules(check)).toEqual(['replicas-differ'])
  })

  it('replicasAtEnd() sees epochs that fall within a log', () => {
    const check = new HistoryCheck()
    const batches = [
      batch({ leaderEpoch: 2 }),
      batch({ baseOffset: 1, lastOffset: 1, leaderEpoch: 1 }),
    ]
    check.replicasAtEnd([{ partition, highWatermark: 2, broker: 0, batches }])
    expect(rules(check)).toEqual(['epoch'])
  })

  it('partitionAtEnd() wants a leader and the full ISR', () => {
    const check = new HistoryCheck()
    check.partitionAtEnd({ partition, leader: -1, isr: [0, 1], replicas: [0, 1] })
    check.partitionAtEnd({ partition, leader: 0, isr: [0], replicas: [0, 1] })
    expect(rules(check)).toEqual(['not-healed', 'not-healed'])
  })
})
