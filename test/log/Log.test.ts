import { describe, expect, it } from 'vitest'
import {
  CorruptRecordException,
  InvalidRecordException,
  KafkaStorageException,
  OffsetOutOfRangeException,
  RecordBatchTooLargeException,
  RecordTooLargeException,
} from '../../src/base/errors.ts'
import { UnexpectedAppendOffsetException } from '../../src/log/UnexpectedAppendOffsetException.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import { batchOf, createLog, partitionDir, readAll, timedBatch } from './log-fixture.ts'

describe('Log.append', () => {
  it('appendAsLeader() gives dense offsets and stamps the leader epoch', () => {
    const { log } = createLog()
    const first = log.appendAsLeader(batchOf('a', 'b', 'c'), 5)
    const second = log.appendAsLeader(batchOf('d'), 5)
    expect([first.firstOffset, first.lastOffset]).toEqual([0, 2])
    expect([second.firstOffset, second.lastOffset]).toEqual([3, 3])
    expect(log.logEndOffset).toBe(4)
    expect(readAll(log)).toEqual(['a', 'b', 'c', 'd'])
    expect(log.leaderEpochCache.epochEntries()).toEqual([{ epoch: 5, startOffset: 0 }])
  })

  it('appendAsLeader() writes the very bytes that it was given', () => {
    const { log, platform } = createLog()
    const records = batchOf('a', 'b')
    log.appendAsLeader(records, 0)
    const file = platform.storage.readFile(`${partitionDir}/${'0'.repeat(20)}.log`)
    expect(file.equals(records.buffer)).toBe(true)
  })

  it('appendAsLeader() refuses a batch that is too large, corrupt, or has offsets', () => {
    const { log } = createLog({ 'max.message.bytes': 100 })
    expect(() => log.appendAsLeader(batchOf('x'.repeat(100)), 0)).toThrow(
      RecordTooLargeException,
    )
    const corrupt = batchOf('a')
    corrupt.buffer[corrupt.buffer.length - 1]! ^= 1
    expect(() => log.appendAsLeader(corrupt, 0)).toThrow(CorruptRecordException)
    const placed = MemoryRecords.withRecords({ baseOffset: 4 }, { timestamp: 1 })
    expect(() => log.appendAsLeader(placed, 0)).toThrow(InvalidRecordException)
    expect(log.logEndOffset).toBe(0)
    expect(log.size).toBe(0)
  })

  it('appendAsLeader() refuses what is larger than a segment', () => {
    const { log } = createLog({ 'segment.bytes': 200 })
    expect(() => log.appendAsLeader(batchOf('x'.repeat(300)), 0)).toThrow(
      RecordBatchTooLargeException,
    )
  })

  it('appendAsLeader() leaves out a part of a batch at the end', () => {
    const { log } = createLog()
    const whole = batchOf('a').buffer
    const cut = Buffer.concat([whole, batchOf('b').buffer.subarray(0, 30)])
    const info = log.appendAsLeader(new MemoryRecords(cut), 0)
    expect(info.validBytes).toBe(whole.length)
    expect(log.size).toBe(whole.length)
  })

  it('appendAsFollower() keeps offsets and refuses those below the log end', () => {
    const { log } = createLog()
    const at = (baseOffset: number) =>
      MemoryRecords.withRecords(
        { baseOffset, partitionLeaderEpoch: 2 },
        { timestamp: 1, value: Buffer.from('v') },
      )
    log.appendAsFollower(at(10))
    expect(log.logEndOffset).toBe(11)
    expect(log.leaderEpochCache.latestEpoch()).toBe(2)
    let thrown: unknown
    try {
      log.appendAsFollower(at(10))
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(UnexpectedAppendOffsetException)
    expect((thrown as UnexpectedAppendOffsetException).firstOffset).toBe(10)
  })

  it('append() of a LogAppendTime topic answers with the time of the append', () => {
    const { log, platform } = createLog({ 'message.timestamp.type': 'LogAppendTime' })
    const info = log.appendAsLeader(timedBatch(1), 0)
    expect(info.logAppendTime).toBe(platform.clock.now())
    const [batch] = log
      .read(0, 1000, undefined, true, 'READ_UNCOMMITTED')
      .records.batches()
    expect(batch?.maxTimestamp).toBe(platform.clock.now())
  })

  it('append() turns a full disk into KafkaStorageException and an offline dir', async () => {
    const { log, platform, channel } = createLog()
    platform.storage.addFault({ operations: ['write'], code: 'ENOSPC' })
    expect(() => log.appendAsLeader(batchOf('a'), -1)).toThrow(KafkaStorageException)
    expect(await channel.takeNextOfflineLogDir()).toBe('/data')
  })

  it('append() flushes inline after flush.messages', () => {
    const { log } = createLog({ 'flush.messages': 2 })
    log.appendAsLeader(batchOf('a'), 0)
    expect(log.recoveryPoint).toBe(0)
    log.appendAsLeader(batchOf('b'), 0)
    expect(log.recoveryPoint).toBe(2)
  })
})

describe('Log.roll', () => {
  it('maybeRoll() begins a segment when the size would pass segment.bytes', () => {
    const one = batchOf('x'.repeat(50)).sizeInBytes
    const { log } = createLog({ 'segment.bytes': 2 * one })
    for (let i = 0; i < 5; i++) log.appendAsLeader(batchOf('x'.repeat(50)), 0)
    expect(log.logSegments.map((segment) => segment.baseOffset)).toEqual([0, 2, 4])
    expect(readAll(log)).toHaveLength(5)
  })

  it('maybeRoll() counts segment.ms by the timestamps of the messages', () => {
    const { log } = createLog({ 'segment.ms': 100 })
    log.appendAsLeader(timedBatch(1000), 0)
    log.appendAsLeader(timedBatch(1100), 0)
    expect(log.numberOfSegments).toBe(1)
    log.appendAsLeader(timedBatch(1101), 0)
    expect(log.numberOfSegments).toBe(2)
  })

  it('roll() flushes the old segment when there is time, and takes a snapshot', async () => {
    const { log, platform } = createLog()
    log.appendAsLeader(batchOf('a', 'b'), 0)
    log.roll()
    expect(log.recoveryPoint).toBe(0)
    await platform.virtualClock.advance(1)
    expect(log.recoveryPoint).toBe(2)
    expect(log.producerStateManager.latestSnapshotOffset).toBe(2)
    expect(log.activeSegment.baseOffset).toBe(2)
    expect(log.logEndOffsetMetadata.segmentBaseOffset).toBe(2)
  })

  it('roll() begins anew before an offset is too far from the base', () => {
    const { log } = createLog()
    const far = 2 ** 31 + 5
    const at = (baseOffset: number) =>
      MemoryRecords.withRecords(
        { baseOffset, partitionLeaderEpoch: 0 },
        { timestamp: 1 },
      )
    log.appendAsFollower(at(0))
    log.appendAsFollower(at(far))
    expect(log.logSegments.map((segment) => segment.baseOffset)).toEqual([
      0,
      far - 0x7fffffff,
    ])
    expect(
      log.read(1, 1000, undefined, true, 'READ_UNCOMMITTED').records.sizeInBytes,
    ).toBe(log.activeSegment.size)
  })
})

describe('Log.read', () => {
  it('read() finds every offset in every segment through the index', () => {
    const { log } = createLog({ 'segment.bytes': 2000, 'index.interval.bytes': 100 })
    for (let i = 0; i < 100; i++) log.appendAsLeader(batchOf(`v${i}`), 0)
    expect(log.numberOfSegments).toBeGreaterThan(2)
    for (let offset = 0; offset < 100; offset++) {
      const info = log.read(offset, 1, undefined, true, 'READ_UNCOMMITTED')
      const [batch] = info.records.batches()
      expect(batch?.baseOffset).toBe(offset)
      expect(info.fetchOffsetMetadata.messageOffset).toBe(offset)
    }
  })

  it('read() at the log end is empty, beyond it and below the start it throws', () => {
    const { log } = createLog()
    for (let i = 0; i < 4; i++) log.appendAsLeader(batchOf('a'), 0)
    log.onHighWatermarkIncremented(4)
    log.maybeIncrementLogStartOffset(2)
    const read = (offset: number) =>
      log.read(offset, 100, undefined, false, 'READ_UNCOMMITTED')
    expect(read(4).records.sizeInBytes).toBe(0)
    expect(() => read(5)).toThrow(OffsetOutOfRangeException)
    expect(() => read(1)).toThrow(OffsetOutOfRangeException)
  })

  it('read() cuts at maxLength, but gives one batch with minOneMessage', () => {
    const { log } = createLog()
    const size = batchOf('a').sizeInBytes
    for (let i = 0; i < 4; i++) log.appendAsLeader(batchOf('a'), 0)
    const read = (max: number, minOne: boolean) =>
      log.read(1, max, undefined, minOne, 'READ_UNCOMMITTED')
    expect(read(2 * size, false).records.sizeInBytes).toBe(2 * size)
    expect(read(10, false).records.sizeInBytes).toBe(10)
    expect(read(10, false).firstEntryIncomplete).toBe(true)
    expect(read(10, true).records.sizeInBytes).toBe(size)
    expect(read(10, true).firstEntryIncomplete).toBe(false)
    expect(read(0, false).records.sizeInBytes).toBe(0)
  })

  it('read() stops at maxOffset, and is empty when that is below the start', () => {
    const { log } = createLog()
    const size = batchOf('a').sizeInBytes
    for (let i = 0; i < 4; i++) log.appendAsLeader(batchOf('a'), 0)
    const read = (maxOffset: number) =>
      log.read(1, 10_000, maxOffset, false, 'READ_UNCOMMITTED').records.sizeInBytes
    expect(read(3)).toBe(2 * size)
    expect(read(1)).toBe(0)
    expect(read(0)).toBe(0)
    expect(read(99)).toBe(3 * size)
  })

  it('read() gives a slice that keeps its bytes while the log grows', () => {
    const { log } = createLog()
    log.appendAsLeader(batchOf('a'), 0)
    const { records } = log.read(0, 10_000, undefined, false, 'READ_UNCOMMITTED')
    log.appendAsLeader(batchOf('b'), 0)
    const target = Buffer.alloc(records.sizeInBytes + 3)
    expect(records.copyInto(target, 3)).toBe(records.sizeInBytes)
    const [batch] = new MemoryRecords(target.subarray(3)).batches()
    expect(batch?.isValid).toBe(true)
  })

  it('convertToOffsetMetadata() tells the place, or nothing', () => {
    const { log } = createLog()
    const size = batchOf('a').sizeInBytes
    log.appendAsLeader(batchOf('a'), 0)
    log.appendAsLeader(batchOf('b'), 0)
    expect(String(log.convertToOffsetMetadata(1))).toBe(`1 [0 : ${size}]`)
    expect(String(log.convertToOffsetMetadata(2))).toBe(`2 [0 : ${2 * size}]`)
    expect(log.convertToOffsetMetadata(3)).toBeUndefined()
  })
})

describe('Log.fetchOffsetsByTimestamp', () => {
  it('finds the first record as young, across segments and within batches', () => {
    const { log } = createLog({ 'segment.bytes': 400, 'index.interval.bytes': 80 })
    for (let i = 0; i < 20; i++) log.appendAsLeader(timedBatch(1000 + 10 * i), 0)
    for (let i = 0; i < 20; i++) {
      const found = log.fetchOffsetsByTimestamp(1000 + 10 * i - 5)
      expect(found).toEqual({ timestamp: 1000 + 10 * i, offset: i })
    }
    expect(log.fetchOffsetsByTimestamp(1191)).toBeUndefined()
    expect(log.fetchOffsetsByTimestamp(-2)?.offset).toBe(0)
    expect(log.fetchOffsetsByTimestamp(-1)?.offset).toBe(20)
  })

  it('legacyFetchOffsetsBefore() lists where segments begin', () => {
    const one = batchOf('a').sizeInBytes
    const { log } = createLog({ 'segment.bytes': 2 * one })
    for (let i = 0; i < 5; i++) log.appendAsLeader(batchOf('a'), 0)
    expect(log.legacyFetchOffsetsBefore(-1, 10)).toEqual([5, 4, 2, 0])
    expect(log.legacyFetchOffsetsBefore(-1, 1)).toEqual([5])
    expect(log.legacyFetchOffsetsBefore(-2, 10)).toEqual([0])
    expect(log.legacyFetchOffsetsBefore(1, 10)).toEqual([])
  })
})

describe('Log.truncate', () => {
  it('truncateTo() cuts within a segment and forgets what it cut', () => {
    const { log } = createLog({ 'index.interval.bytes': 1 })
    for (let i = 0; i < 10; i++) log.appendAsLeader(batchOf(`v${i}`), i)
    expect(log.truncateTo(4)).toBe(true)
    expect(log.logEndOffset).toBe(4)
    expect(log.leaderEpochCache.latestEpoch()).toBe(3)
    expect(log.truncateTo(4)).toBe(false)
    log.appendAsLeader(batchOf('new'), 20)
    expect(readAll(log)).toEqual(['v0', 'v1', 'v2', 'v3', 'new'])
    for (let offset = 0; offset < 5; offset++) {
      const info = log.read(offset, 1, undefined, true, 'READ_UNCOMMITTED')
      expect([...info.records.batches()][0]?.baseOffset).toBe(offset)
    }
  })

  it('truncateTo() deletes whole segments above', () => {
    const one = batchOf('a').sizeInBytes
    const { log } = createLog({ 'segment.bytes': 2 * one })
    for (let i = 0; i < 9; i++) log.appendAsLeader(batchOf(`${i}`), 0)
    log.truncateTo(3)
    expect(log.logSegments.map((segment) => segment.baseOffset)).toEqual([0, 2])
    expect(readAll(log)).toEqual(['0', '1', '2'])
  })

  it('truncateFullyAndStartAt() begins anew at an offset', () => {
    const { log } = createLog()
    log.appendAsLeader(batchOf('a', 'b'), 3)
    log.truncateFullyAndStartAt(100)
    expect([log.logStartOffset, log.logEndOffset]).toEqual([100, 100])
    expect(log.leaderEpochCache.latestEpoch()).toBe(-1)
    expect(log.appendAsLeader(batchOf('c'), 4).firstOffset).toBe(100)
  })
})

describe('Log.deleteOldSegments', () => {
  it('deletes by size, oldest first, never at or above the high watermark', async () => {
    const one = batchOf('a').sizeInBytes
    const props = { 'segment.bytes': 2 * one, 'retention.bytes': 4 * one }
    const { log, platform } = createLog({ ...props, 'retention.ms': -1 })
    for (let i = 0; i < 9; i++) log.appendAsLeader(batchOf('a'), 0)
    expect(log.deleteOldSegments()).toBe(0)
    log.onHighWatermarkIncremented(3)
    expect(log.deleteOldSegments()).toBe(1)
    log.onHighWatermarkIncremented(9)
    expect(log.deleteOldSegments()).toBe(1)
    expect(log.logStartOffset).toBe(4)

    const deleted = () =>
      platform.storage.readdir(partitionDir).filter((name) => name.endsWith('.deleted'))
    expect(deleted().length).toBeGreaterThan(0)
    await platform.virtualClock.advance(60_001)
    expect(deleted()).toEqual([])
  })

  it('deletes by age, the active segment too, and goes on at the same offset', () => {
    const { log, platform } = createLog({ 'retention.ms': 1000 })
    log.appendAsLeader(timedBatch(platform.clock.now() - 2000), 0)
    log.onHighWatermarkIncremented(1)
    expect(log.deleteOldSegments()).toBe(1)
    expect([log.logStartOffset, log.logEndOffset, log.size]).toEqual([1, 1, 0])
    expect(log.deleteOldSegments()).toBe(0)
    expect(log.appendAsLeader(batchOf('b'), 0).firstOffset).toBe(1)
  })

  it('deletes the segments below the log start', () => {
    const one = batchOf('a').sizeInBytes
    const { log } = createLog({ 'segment.bytes': 2 * one, 'retention.ms': -1 })
    for (let i = 0; i < 7; i++) log.appendAsLeader(batchOf('a'), 0)
    log.onHighWatermarkIncremented(7)
    log.maybeIncrementLogStartOffset(5)
    expect(log.deleteOldSegments()).toBe(2)
    expect(log.logSegments.map((segment) => segment.baseOffset)).toEqual([4, 6])
    expect(log.logStartOffset).toBe(5)
  })
})
