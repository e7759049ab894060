/** A transactional id's states and epochs, and how they are written. */
import { describe, expect, it } from 'vitest'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TransactionLog } from '../../src/coordinator/transaction/TransactionLog.ts'
import {
  TransactionMetadata,
  type TxnTransitMetadata,
} from '../../src/coordinator/transaction/TransactionMetadata.ts'
import {
  byteToState,
  isValidTransition,
  type TransactionState,
  TransactionStates,
} from '../../src/coordinator/transaction/TransactionState.ts'

const states = Object.keys(TransactionStates) as TransactionState[]
const t0 = new TopicPartition('t', 0)
const t1 = new TopicPartition('t', 1)

function metadata(
  state: TransactionState,
  rest: { producerEpoch?: number; topicPartitions?: TopicPartition[] } = {},
): TransactionMetadata {
  const begun = state !== 'Empty'
  return new TransactionMetadata({
    ...{ transactionalId: 'p', producerId: 7n, producerEpoch: 3, txnTimeoutMs: 100 },
    ...{ state, txnStartTimestamp: begun ? 1000 : -1, txnLastUpdateTimestamp: 1000 },
    ...rest,
  })
}

/** Every change that there is, by the state that it leads to. */
const changes: Record<
  TransactionState,
  (m: TransactionMetadata) => TxnTransitMetadata
> = {
  Empty: (m) => m.prepareIncrementProducerEpoch(200, 2000),
  Ongoing: (m) => m.prepareAddPartitions([t1], 2000),
  PrepareCommit: (m) => m.prepareAbortOrCommit('PrepareCommit', 2000),
  PrepareAbort: (m) => m.prepareAbortOrCommit('PrepareAbort', 2000),
  CompleteCommit: (m) => m.prepareComplete(2000),
  CompleteAbort: (m) => m.prepareComplete(2000),
  Dead: (m) => m.prepareDead(),
  PrepareEpochFence: (m) => m.prepareFenceProducerEpoch(),
}

describe('TransactionStates', () => {
  it('lists what may follow what', () => {
    const follows = states.map((to) => {
      const from = states.filter((state) => isValidTransition(state, to))
      return `${from.join(' ')} ─▶ ${to}`
    })
    expect(follows).toEqual([
      'Empty CompleteCommit CompleteAbort ─▶ Empty',
      'Empty Ongoing CompleteCommit CompleteAbort ─▶ Ongoing',
      'Ongoing ─▶ PrepareCommit',
      'Ongoing PrepareEpochFence ─▶ PrepareAbort',
      'PrepareCommit ─▶ CompleteCommit',
      'PrepareAbort ─▶ CompleteAbort',
      'Empty CompleteCommit CompleteAbort ─▶ Dead',
      'Ongoing ─▶ PrepareEpochFence',
    ])
  })

  it('byteToState() reads what is written', () => {
    for (const state of states) {
      expect(byteToState(TransactionStates[state].id)).toBe(state)
    }
    expect(() => byteToState(8)).toThrow('written as 8')
  })
})

describe('TransactionMetadata', () => {
  it.each(states)('goes to %s from the states that allow it, and no other', (to) => {
    for (const from of states) {
      // Which end is completed depends on the state; the other one cannot be asked for.
      const isEnd = to === 'CompleteCommit' || to === 'CompleteAbort'
      const end = from === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort'
      if (isEnd && to !== end) continue
      const m = metadata(from)
      if (isValidTransition(from, to)) {
        expect(changes[to](m).txnState).toBe(to)
        expect([m.state, m.pendingState]).toEqual([from, to])
      } else {
        expect(() => changes[to](m)).toThrow(`cannot go to ${to}`)
        expect(m.pendingState).toBeUndefined()
      }
    }
  })

  it('begins nothing else while a change is pending', () => {
    const m = metadata('Ongoing')
    m.prepareAbortOrCommit('PrepareCommit', 2000)
    expect(() => m.prepareAddPartitions([t1], 2000)).toThrow('meanwhile')
  })

  it('completeTransitionTo() follows a transaction from first to last', () => {
    const m = metadata('Empty', { producerEpoch: -1 })
    m.completeTransitionTo(m.prepareIncrementProducerEpoch(200, 2000))
    expect(m).toMatchObject({ state: 'Empty', producerEpoch: 0, txnTimeoutMs: 200 })
    m.completeTransitionTo(m.prepareAddPartitions([t0], 3000))
    m.completeTransitionTo(m.prepareAddPartitions([t0, t1], 4000))
    expect(m).toMatchObject({ txnStartTimestamp: 3000, txnLastUpdateTimestamp: 4000 })
    m.completeTransitionTo(m.prepareAbortOrCommit('PrepareCommit', 5000))
    expect([...m.topicPartitions].join()).toBe('t-0,t-1')
    const complete = m.prepareComplete(6000)
    m.removePartition(t0)
    m.removePartition(t1)
    m.completeTransitionTo(complete)
    expect(m).toMatchObject({ state: 'CompleteCommit', pendingState: undefined })
    expect(() => m.removePartition(t0)).toThrow('no partition to take off')

    // The next one begins at its own time.
    m.completeTransitionTo(m.prepareAddPartitions([t0], 7000))
    expect(m.txnStartTimestamp).toBe(7000)
  })

  it('completeTransitionTo() refuses what does not fit', () => {
    const m = metadata('Ongoing', { topicPartitions: [t0] })
    const transit = m.prepareAbortOrCommit('PrepareCommit', 2000)
    const wrong: Partial<TxnTransitMetadata>[] = [
      { producerEpoch: 4 },
      { producerId: 8n },
      { txnState: 'PrepareAbort' },
      { txnStartTimestamp: 1 },
    ]
    for (const change of wrong) {
      expect(() => m.completeTransitionTo({ ...transit, ...change })).toThrow(
        'cannot complete',
      )
    }
    m.completeTransitionTo(transit)
    expect(() => m.completeTransitionTo(transit)).toThrow('cannot complete')

    // A fence is never completed as such, nor is a death.
    const fenced = metadata('Ongoing')
    const fence = fenced.prepareFenceProducerEpoch()
    expect(() => fenced.completeTransitionTo(fence)).toThrow('cannot complete')
  })

  it('keeps one epoch to fence with, then goes on under another producer id', () => {
    const m = metadata('Ongoing', { producerEpoch: 32766 })
    expect(m.isProducerEpochExhausted).toBe(true)
    expect(m.prepareFenceProducerEpoch().producerEpoch).toBe(32767)
    const last = metadata('Empty', { producerEpoch: 32766 })
    expect(() => last.prepareIncrementProducerEpoch(1, 1)).toThrow('no epoch left')
    last.completeTransitionTo(last.prepareProducerIdRotation(8n, 100, 2000))
    expect(last).toMatchObject({ producerId: 8n, producerEpoch: 0 })
    const gone = metadata('Ongoing', { producerEpoch: 32767 })
    expect(() => gone.prepareFenceProducerEpoch()).toThrow('no epoch left')
  })
})

describe('TransactionLog', () => {
  it('keyToBytes() writes what Kafka writes', () => {
    expect(TransactionLog.keyToBytes('p').toString('hex')).toBe('0000' + '0001' + '70')
    const key = TransactionLog.keyToBytes('ein-näme')
    expect(TransactionLog.readTxnRecordKey(key)).toBe('ein-näme')
  })

  it('valueToBytes() writes what Kafka writes', () => {
    const m = metadata('Ongoing', { topicPartitions: [t0, new TopicPartition('u', 5)] })
    const transit = m.prepareAddPartitions([t1], 2000)
    const bytes = TransactionLog.valueToBytes(transit)
    expect(bytes.toString('hex')).toBe(
      [
        ...['0000', '0000000000000007', '0003', '00000064', '01', '00000002'],
        ...['000174', '00000002', '00000000', '00000001'],
        ...['000175', '00000001', '00000005'],
        ...['00000000000007d0', '00000000000003e8'],
      ].join(''),
    )
    const read = TransactionLog.readTxnRecordValue('p', bytes)
    expect(read).toMatchObject({
      ...{ producerId: 7n, producerEpoch: 3, txnTimeoutMs: 100, state: 'Ongoing' },
      ...{ txnStartTimestamp: 1000, txnLastUpdateTimestamp: 2000 },
    })
    expect([...read!.topicPartitions].join()).toBe('t-0,t-1,u-5')
  })

  it('valueToBytes() writes no list of partitions for Empty', () => {
    const bytes = TransactionLog.valueToBytes(
      metadata('Empty').prepareIncrementProducerEpoch(100, 2000),
    )
    expect(bytes.subarray(17, 21).toString('hex')).toBe('ffffffff')
    const read = TransactionLog.readTxnRecordValue('p', bytes)
    expect(read).toMatchObject({ state: 'Empty', txnStartTimestamp: -1 })
    expect(read?.topicPartitions.size).toBe(0)
  })

  it('refuses versions and bytes that it does not know', () => {
    const value = TransactionLog.valueToBytes(
      metadata('Ongoing').prepareAddPartitions([t0], 1),
    )
    for (let end = 0; end < value.length; end += 1) {
      const cut = value.subarray(0, end)
      expect(() => TransactionLog.readTxnRecordValue('p', cut)).toThrow()
    }
    const other = Buffer.from(value)
    other.writeInt16BE(1, 0)
    expect(() => TransactionLog.readTxnRecordValue('p', other)).toThrow('version 1')
    expect(() => TransactionLog.readTxnRecordKey(other)).toThrow('version 1')
    expect(TransactionLog.readTxnRecordValue('p', null)).toBeUndefined()
  })
})
