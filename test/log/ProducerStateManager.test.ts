import { describe, expect, it } from 'vitest'
import {
  InvalidTxnStateException,
  OutOfOrderSequenceException,
  ProducerFencedException,
  TransactionCoordinatorFencedException,
  UnknownProducerIdException,
} from '../../src/base/errors.ts'
import { EndTransactionMarker } from '../../src/record/EndTransactionMarker.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import {
  batchOf,
  createLog,
  openLog,
  partitionDir,
  producerBatch,
} from './log-fixture.ts'

const marker = (options: {
  producerId?: bigint
  epoch?: number
  type: 'COMMIT' | 'ABORT'
  coordinatorEpoch?: number
}) =>
  MemoryRecords.withEndTransactionMarker(
    {
      timestamp: 1000,
      producerId: options.producerId ?? 7n,
      producerEpoch: options.epoch ?? 0,
    },
    new EndTransactionMarker(options.type, options.coordinatorEpoch ?? 0),
  )

describe('sequences of an idempotent producer', () => {
  it('append() answers a second copy with the offsets of the first', () => {
    const { log } = createLog()
    for (let i = 0; i < 6; i++) {
      log.appendAsLeader(producerBatch({ sequence: 3 * i, count: 3 }), 0)
    }
    const again = log.appendAsLeader(producerBatch({ sequence: 6, count: 3 }), 0)
    expect([again.firstOffset, again.lastOffset]).toEqual([6, 8])
    expect(log.logEndOffset).toBe(18)
  })

  it('append() remembers five batches; a copy of the sixth last is out of order', () => {
    const { log } = createLog()
    for (let i = 0; i < 6; i++) log.appendAsLeader(producerBatch({ sequence: i }), 0)
    expect(log.appendAsLeader(producerBatch({ sequence: 1 }), 0).firstOffset).toBe(1)
    expect(() => log.appendAsLeader(producerBatch({ sequence: 0 }), 0)).toThrow(
      OutOfOrderSequenceException,
    )
  })

  it('append() refuses gaps, old epochs and unknown producers, and changes nothing', () => {
    const { log } = createLog()
    const send = (o: Parameters<typeof producerBatch>[0]) =>
      log.appendAsLeader(producerBatch(o), 0)
    expect(() => send({ sequence: 5 })).toThrow(UnknownProducerIdException)
    send({ sequence: 0, epoch: 1 })
    expect(() => send({ sequence: 2, epoch: 1 })).toThrow(OutOfOrderSequenceException)
    expect(() => send({ sequence: 1, epoch: 0 })).toThrow(ProducerFencedException)
    expect(() => send({ sequence: 1, epoch: 2 })).toThrow(OutOfOrderSequenceException)
    expect(log.logEndOffset).toBe(1)
    expect(send({ sequence: 1, epoch: 1 }).firstOffset).toBe(1)
    expect(send({ sequence: 0, epoch: 2 }).firstOffset).toBe(2)
  })

  it('append() goes on from 2^31-1 to 0, within a batch too', () => {
    const { log, reopen, platform } = createLog()
    const max = 0x7fffffff
    const timestamp = platform.clock.now()
    const follower = (baseOffset: number, baseSequence: number, count: number) =>
      MemoryRecords.withRecords(
        {
          baseOffset,
          baseSequence,
          producerId: 7n,
          producerEpoch: 0,
          partitionLeaderEpoch: 0,
        },
        ...Array.from({ length: count }, () => ({ timestamp })),
      )
    log.appendAsFollower(follower(0, max - 2, 2))
    const wrapping = () => producerBatch({ sequence: max, count: 3, timestamp })
    expect(log.appendAsLeader(wrapping(), 0).firstOffset).toBe(2)
    const copy = log.appendAsLeader(wrapping(), 0)
    expect([copy.firstOffset, copy.lastOffset]).toEqual([2, 4])
    expect(reopen().activeProducersWithLastSequence.get(7n)).toBe(1)
  })

  it('removeExpiredProducers() forgets the silent, but none with something open', async () => {
    const { log, platform } = createLog()
    const timestamp = platform.clock.now()
    const add = (producerId: bigint, isTransactional: boolean) =>
      log.appendAsLeader(
        producerBatch({ producerId, sequence: 0, timestamp, isTransactional }),
        0,
      )
    add(1n, false)
    add(2n, true)
    await platform.virtualClock.advance(50_000)
    expect(log.activeProducersWithLastSequence.size).toBe(2)
    await platform.virtualClock.advance(20_000)
    expect([...log.activeProducersWithLastSequence.keys()]).toEqual([2n])
  })

  it('retention forgets the producers of which nothing is left', () => {
    const { log } = createLog()
    log.appendAsLeader(producerBatch({ producerId: 1n, sequence: 0 }), 0)
    log.appendAsLeader(producerBatch({ producerId: 2n, sequence: 0 }), 0)
    log.onHighWatermarkIncremented(2)
    log.maybeIncrementLogStartOffset(1)
    expect([...log.activeProducersWithLastSequence.keys()]).toEqual([2n])
    const next = producerBatch({ producerId: 1n, sequence: 1 })
    expect(() => log.appendAsLeader(next, 0)).toThrow(UnknownProducerIdException)
  })

  it('truncateTo() brings the state back to where the log ends', () => {
    const { log, platform } = createLog()
    const timestamp = platform.clock.now()
    const send = (sequence: number) =>
      log.appendAsLeader(producerBatch({ sequence, timestamp }), 0)
    for (let i = 0; i < 8; i++) send(i)
    log.truncateTo(3)
    expect(() => send(8)).toThrow(OutOfOrderSequenceException)
    expect(send(3).firstOffset).toBe(3)
  })

  it('appends to __consumer_offsets are checked for the epoch only', () => {
    const { platform, scheduler, channel } = createLog()
    const dir = '/data/__consumer_offsets-0'
    const log = openLog({ platform, scheduler, channel, dir })
    log.appendAsLeader(producerBatch({ sequence: 9, epoch: 3 }), 0)
    expect(() =>
      log.appendAsLeader(producerBatch({ sequence: 10, epoch: 2 }), 0),
    ).toThrow(ProducerFencedException)
  })
})

describe('transactions', () => {
  it('the first unstable offset is that of the oldest open transaction', () => {
    const { log } = createLog()
    log.appendAsLeader(batchOf('a'), 0)
    const transactional = { isTransactional: true, sequence: 0 }
    log.appendAsLeader(producerBatch({ ...transactional, producerId: 1n }), 0)
    log.appendAsLeader(producerBatch({ ...transactional, producerId: 2n }), 0)
    expect(log.firstUnstableOffset?.messageOffset).toBe(1)
    expect(log.firstUnstableOffset?.messageOffsetOnly).toBe(false)

    log.appendAsLeader(marker({ producerId: 1n, type: 'COMMIT' }), 0, false)
    expect(log.firstUnstableOffset?.messageOffset).toBe(1)
    log.onHighWatermarkIncremented(4)
    expect(log.firstUnstableOffset?.messageOffset).toBe(2)
    log.appendAsLeader(marker({ producerId: 2n, type: 'ABORT' }), 0, false)
    log.onHighWatermarkIncremented(5)
    expect(log.firstUnstableOffset).toBeUndefined()
  })

  it('read() of committed data lists the aborted transactions in the range', () => {
    const { log, reopen } = createLog({ 'segment.bytes': 300 })
    const transactional = { isTransactional: true, count: 2 }
    log.appendAsLeader(producerBatch({ ...transactional, sequence: 0 }), 0)
    log.appendAsLeader(producerBatch({ ...transactional, sequence: 2 }), 0)
    log.appendAsLeader(marker({ type: 'ABORT' }), 0, false)
    log.appendAsLeader(producerBatch({ ...transactional, sequence: 4 }), 0)
    log.appendAsLeader(marker({ type: 'COMMIT' }), 0, false)
    log.appendAsLeader(producerBatch({ ...transactional, sequence: 6 }), 0)
    log.appendAsLeader(marker({ type: 'ABORT' }), 0, false)
    expect(log.numberOfSegments).toBeGreaterThan(1)

    const aborted = (from: typeof log, offset: number) =>
      from.read(offset, 100_000, undefined, true, 'READ_COMMITTED').abortedTransactions
    for (const each of [log, reopen()]) {
      expect(aborted(each, 0)).toContainEqual({ producerId: 7n, firstOffset: 0 })
      expect(aborted(each, 9)).toEqual([{ producerId: 7n, firstOffset: 8 }])
      expect(aborted(each, each.logEndOffset)).toEqual([])
      expect(each.collectAbortedTransactions(0, 11)).toHaveLength(2)
      expect(
        each.read(0, 100, undefined, true, 'READ_UNCOMMITTED').abortedTransactions,
      ).toBeNull()
    }
  })

  it('a plain batch within a transaction is refused, and an old coordinator too', () => {
    const { log } = createLog()
    log.appendAsLeader(producerBatch({ sequence: 0, isTransactional: true }), 0)
    expect(() => log.appendAsLeader(producerBatch({ sequence: 1 }), 0)).toThrow(
      InvalidTxnStateException,
    )
    log.appendAsLeader(marker({ type: 'COMMIT', coordinatorEpoch: 4 }), 0, false)
    const old = marker({ type: 'COMMIT', coordinatorEpoch: 3 })
    expect(() => log.appendAsLeader(old, 0, false)).toThrow(
      TransactionCoordinatorFencedException,
    )
  })

  it('an open transaction is known again after a restart', () => {
    const { log, platform, reopen } = createLog()
    log.appendAsLeader(batchOf('a', 'b'), 0)
    log.appendAsLeader(producerBatch({ sequence: 0, isTransactional: true }), 0)
    log.roll()
    log.close()
    platform.storage.writeFile('/data/.kafka_cleanshutdown', '')
    const again = reopen()
    expect(again.firstUnstableOffset?.messageOffset).toBe(2)
    expect(again.firstUnstableOffset?.messageOffsetOnly).toBe(false)
  })
})

describe('producer snapshots', () => {
  it('takeSnapshot() writes the bytes that Kafka 1.1.1 reads', () => {
    const { log, platform } = createLog()
    log.appendAsLeader(
      producerBatch({
        producerId: 4007n,
        epoch: 2,
        sequence: 0,
        count: 3,
        isTransactional: true,
      }),
      0,
    )
    log.producerStateManager.takeSnapshot()
    const path = `${partitionDir}/${'3'.padStart(20, '0')}.snapshot`
    const bytes = platform.storage.readFile(path)
    expect(bytes.subarray(0, 2).toString('hex')).toBe('0001')
    expect(bytes.subarray(6).toString('hex')).toBe(
      [
        '00000001', // one entry
        '0000000000000fa7', // producer id
        '0002', // epoch
        '00000002', // last sequence
        '0000000000000002', // last offset
        '00000002', // offset delta
        '00000000000003e8', // timestamp
        'ffffffff', // coordinator epoch
        '0000000000000000', // first offset of the open transaction
      ].join(''),
    )
  })
})
