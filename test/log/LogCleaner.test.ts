import { describe, expect, it, vi } from 'vitest'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import { cleanableOffsets } from '../../src/log/LogCleanerManager.ts'
import { SkimpyOffsetMap } from '../../src/log/SkimpyOffsetMap.ts'
import { Throttler } from '../../src/log/Throttler.ts'
import { EndTransactionMarker } from '../../src/record/EndTransactionMarker.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import { contents, createCleanedLog, keyed, orders } from './cleaner-fixture.ts'
import { logDir, openLog, producerBatch } from './log-fixture.ts'

const checkpointFile = `${logDir}/cleaner-offset-checkpoint`

/** Keys a to e in turn, so that the last of each is known. */
function fill(put: (key: string, value: string) => void, count: number): void {
  for (let i = 0; i < count; i++) put('abcde'[i % 5] as string, `v${i}`)
}

function marker(producerId: bigint, controlType: 'ABORT' | 'COMMIT'): MemoryRecords {
  return MemoryRecords.withEndTransactionMarker(
    { timestamp: 1000, producerId, producerEpoch: 0 },
    new EndTransactionMarker(controlType, 0),
  )
}

function txnBatch(producerId: bigint, sequence: number, key: string, value: string) {
  return MemoryRecords.withRecords(
    { producerId, producerEpoch: 0, baseSequence: sequence, isTransactional: true },
    { key: Buffer.from(key), value: Buffer.from(value), timestamp: 1000 },
  )
}

describe('LogCleaner', () => {
  it('keeps the last message of each key, at its offset, and the active segment', async () => {
    const { log, put, clean } = createCleanedLog()
    fill(put, 40)
    const active = log.activeSegment.baseOffset
    const before = contents(log)
    await clean()

    const below = before.slice(0, active).slice(-5)
    expect(contents(log)).toEqual([...below, ...before.slice(active)])
    expect(log.activeSegment.baseOffset).toBe(active)
    expect(log.logSegments[0]?.baseOffset).toBe(0)
    expect(log.logEndOffset).toBe(40)
  })

  it('writes down up to where the log is clean, and begins there the next time', async () => {
    const { log, put, clean, cleaner, platform } = createCleanedLog()
    fill(put, 40)
    await clean()
    const active = log.activeSegment.baseOffset
    const text = platform.storage.readFile(checkpointFile).toString()
    expect(text).toBe(`0\n1\norders 0 ${active}\n`)

    const before = cleaner.lastStats[0]
    expect(before?.mapMessagesRead).toBe(active)
    fill(put, 40)
    await clean()
    expect(cleaner.lastStats[0]?.mapMessagesRead).toBe(
      log.activeSegment.baseOffset - active,
    )
  })

  it('serves reads from an offset that is gone with the next that is there', async () => {
    const { log, put, clean } = createCleanedLog()
    fill(put, 40)
    await clean()
    const info = log.read(0, 1_000, undefined, true, 'READ_UNCOMMITTED')
    const [batch] = info.records.batches()
    expect(batch?.baseOffset).toBe(Number(contents(log)[0]?.split(':')[0]))
  })

  it('waits until the share of dirty bytes is above min.cleanable.dirty.ratio', async () => {
    const { log, put, clean, cleaner } = createCleanedLog({
      'min.cleanable.dirty.ratio': 0.5,
    })
    for (let i = 0; i < 40; i++) put(`k${i}`, 'v')
    await clean()
    for (let i = 0; i < 20; i++) put(`k${i}`, 'w')
    await clean()
    expect(contents(log)).toHaveLength(60)
    const { cleanerManager } = cleaner
    expect(cleanerManager.dirtiestLogCleanableRatio).toBeGreaterThan(0.2)
    expect(cleanerManager.dirtiestLogCleanableRatio).toBeLessThanOrEqual(0.5)
  })

  it('leaves messages alone that are younger than min.compaction.lag.ms', async () => {
    const { log, put, clean, platform } = createCleanedLog({
      'min.compaction.lag.ms': 60_000,
    })
    fill(put, 40)
    await clean()
    expect(contents(log).length).toBe(40)
    await platform.virtualClock.advance(60_000)
    await clean()
    expect(contents(log).length).toBeLessThan(20)
  })

  it('keeps a deletion until delete.retention.ms after it was cleaned', async () => {
    const { log, put, clean, platform } = createCleanedLog({
      'delete.retention.ms': 100_000,
    })
    put('gone', 'x')
    put('gone', null)
    fill(put, 20)
    await clean()
    expect(contents(log)).toContain('1:gone=null')
    expect(contents(log)).not.toContain('0:gone=x')

    await platform.virtualClock.advance(200_000)
    fill(put, 20)
    await clean()
    fill(put, 20)
    await clean()
    expect(contents(log).some((line) => line.includes('gone'))).toBe(false)
  })

  it('drops messages without a key, and says how many', async () => {
    const { log, put, clean, cleaner } = createCleanedLog()
    log.appendAsFollower(keyed(null, 'x', 1000))
    fill(put, 20)
    await clean()
    expect(contents(log)).not.toContain('0:null=x')
    expect(cleaner.lastStats[0]?.invalidMessagesRead).toBe(1)
  })

  it('stops before the first unstable offset', async () => {
    const { log, put, clean } = createCleanedLog()
    fill(put, 10)
    log.appendAsLeader(txnBatch(9n, 0, 'a', 'open'), 0)
    fill(put, 40)
    expect(log.firstUnstableOffset?.messageOffset).toBe(10)
    const [, firstUncleanable] = cleanableOffsets(log, new TopicPartitionMap(), 0)
    expect(firstUncleanable).toBe(10)
    await clean()
    expect(
      contents(log).filter((line) => Number(line.split(':')[0]) >= 10),
    ).toHaveLength(41)
  })

  it('removes aborted data at once, its marker later, and its index entry with it', async () => {
    const { log, put, clean, platform } = createCleanedLog({
      'delete.retention.ms': 100_000,
    })
    put('t', 'before')
    log.appendAsLeader(txnBatch(9n, 0, 't', 'aborted'), 0)
    log.appendAsLeader(txnBatch(9n, 1, 'u', 'aborted'), 0)
    log.appendAsLeader(marker(9n, 'ABORT'), 0, false)
    log.onHighWatermarkIncremented(log.logEndOffset)
    fill(put, 20)
    await clean()

    // The value before the transaction holds; the marker is still there.
    const lines = contents(log)
    expect(lines[0]).toBe('0:t=before')
    expect(lines.some((line) => line.includes('aborted'))).toBe(false)
    expect(lines).toContain('3:!')
    const producerBatches = [...(log.logSegments[0]?.log.batches() ?? [])]
    expect(producerBatches.find((batch) => batch.lastOffset === 2)?.countOrNull).toBe(0)

    // Later it goes, too.
    await platform.virtualClock.advance(200_000)
    fill(put, 20)
    await clean()
    fill(put, 20)
    await clean()
    expect(contents(log)).not.toContain('3:!')
    expect(log.collectAbortedTransactions(0, log.logEndOffset)).toEqual([])
  })

  it('keeps the commit marker of a transaction that has data in an earlier segment', async () => {
    const { log, put, clean, platform } = createCleanedLog({ 'delete.retention.ms': 0 })
    log.appendAsLeader(txnBatch(9n, 0, 't', 'kept'), 0)
    for (let i = 0; i < 20; i++) put(`k${i}`, 'v')
    log.appendAsLeader(marker(9n, 'COMMIT'), 0, false)
    log.onHighWatermarkIncremented(log.logEndOffset)
    for (let i = 0; i < 20; i++) put(`l${i}`, 'v')
    await clean()
    await platform.virtualClock.advance(100_000)
    for (let i = 0; i < 20; i++) put(`m${i}`, 'v')
    await clean()
    expect(contents(log)).toContain('0:t=kept')
    expect(contents(log)).toContain('21:!')
  })

  it('keeps the last batch of a producer, empty, so that its sequence survives', async () => {
    const { log, put, clean, platform, scheduler, channel } = createCleanedLog()
    log.appendAsLeader(
      MemoryRecords.withRecords(
        { producerId: 7n, producerEpoch: 0, baseSequence: 0 },
        {
          key: Buffer.from('a'),
          value: Buffer.from('mine'),
          timestamp: platform.clock.now(),
        },
      ),
      0,
    )
    fill(put, 40)
    await clean()
    expect(contents(log)[0]).not.toContain('mine')

    // A log that has lost its snapshots learns the sequence from the empty batch.
    for (const name of platform.storage.readdir(log.dir)) {
      if (name.endsWith('.snapshot')) platform.storage.unlink(`${log.dir}/${name}`)
    }
    const props = { 'cleanup.policy': 'compact', 'segment.bytes': 500 }
    const again = openLog({ platform, scheduler, channel, props })
    expect(again.activeProducersWithLastSequence.get(7n)).toBe(0)
    expect(() => again.appendAsLeader(producerBatch({ sequence: 3 }), 0)).toThrow()
  })

  it('joins segments that have become small, up to segment.bytes', async () => {
    const { log, put, clean } = createCleanedLog()
    fill(put, 200)
    const before = log.numberOfSegments
    await clean()
    expect(before).toBeGreaterThan(20)
    fill(put, 20)
    await clean()
    expect(log.numberOfSegments).toBeLessThan(8)
    for (const { size } of log.logSegments) expect(size).toBeLessThanOrEqual(500)
  })

  it('goes on in a second pass when the keys do not fit into the map', async () => {
    const { log, put, clean, cleaner } = createCleanedLog(
      {},
      { logCleanerDedupeBufferSize: 24 * 20 },
    )
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 25; i++) put(`k${i}`, `r${round}`)
    }
    const active = log.activeSegment.baseOffset
    await clean()
    const clean1 = contents(log).filter((line) => Number(line.split(':')[0]) < active)
    expect(new Set(clean1.map((line) => line.split(/[:=]/)[1])).size).toBe(25)
    expect(clean1.length).toBe(25)
    expect(await cleaner.awaitCleaned(orders, active, 0)).toBe(true)
  })

  it('applies retention to logs that are compacted and deleted from', async () => {
    const { log, put, clean, platform } = createCleanedLog({
      'cleanup.policy': 'compact,delete',
      'retention.ms': 100_000,
    })
    fill(put, 40)
    log.onHighWatermarkIncremented(40)
    await clean()
    expect(log.logSegments[0]?.baseOffset).toBe(0)
    await platform.virtualClock.advance(200_000)
    fill(put, 10)
    log.onHighWatermarkIncremented(50)
    await clean()
    expect(log.logStartOffset).toBeGreaterThanOrEqual(39)
  })

  it('gives the turn to others after each piece it reads', async () => {
    const { put, cleaner, platform } = createCleanedLog(
      {},
      { logCleanerIoBufferSize: 256 },
    )
    fill(put, 40)
    let turns = 0
    const { clock } = platform
    const sleep = clock.sleep.bind(clock)
    clock.sleep = (ms, signal) => {
      turns += 1
      return sleep(ms, signal)
    }
    cleaner.startup()
    await platform.virtualClock.advance(0)
    expect(turns).toBeGreaterThan(20)
    await cleaner.shutdown()
  })

  it('tells what the last cleanings used and kept, and when it last looked', async () => {
    const { log, put, clean, cleaner, platform } = createCleanedLog()
    expect([cleaner.maxBufferUtilization, cleaner.recopyRate]).toEqual([0, 0])
    fill(put, 40)
    await clean()
    const [stats] = cleaner.lastStats
    expect(cleaner.recopyRate).toBe(stats!.bytesWritten / stats!.bytesRead)
    expect(cleaner.recopyRate).toBeLessThan(0.5)
    const slots = Math.floor((1024 * 1024) / SkimpyOffsetMap.bytesPerEntry)
    expect(cleaner.maxBufferUtilization).toBe(5 / slots)
    expect(log.logEndOffset).toBe(40)

    // It looks every 15 s; one that is stopped does not look any more.
    const { cleanerManager } = cleaner
    expect(cleanerManager.timeSinceLastRunMs).toBeLessThanOrEqual(15_000)
    await cleaner.shutdown()
    await platform.virtualClock.advance(60_000)
    expect(cleanerManager.timeSinceLastRunMs).toBeGreaterThanOrEqual(60_000)
  })

  it('gives the turn to others after a few thousand records, however small', async () => {
    // Two batches of 3,000 records fit into the read buffer together.
    const { log, cleaner, platform } = createCleanedLog(
      { 'segment.bytes': 200_000 },
      { logCleanerIoBufferSize: 1_000_000 },
    )
    const records = Array.from({ length: 3000 }, (_, i) => ({
      ...{ key: Buffer.from(`key ${i}`), value: Buffer.from('v'), timestamp: 1 },
    }))
    for (let i = 0; i < 4; i++) {
      log.appendAsLeader(MemoryRecords.withRecords({}, ...records), 0)
    }
    log.roll()

    // Each piece is read between two turns of the others.
    const readInPiece: number[] = []
    const { clock } = platform
    const sleep = clock.sleep.bind(clock)
    clock.sleep = (ms, signal) => {
      readInPiece.push(0)
      return sleep(ms, signal)
    }
    const put = SkimpyOffsetMap.prototype.put
    const counted = vi
      .spyOn(SkimpyOffsetMap.prototype, 'put')
      .mockImplementation(function (this: SkimpyOffsetMap, key, offset) {
        readInPiece[readInPiece.length - 1]! += 1
        put.call(this, key, offset)
      })
    cleaner.startup()
    await platform.virtualClock.advance(0)
    await cleaner.shutdown()
    counted.mockRestore()
    expect(readInPiece.filter((n) => n > 0)).toEqual([3000, 3000, 3000, 3000])
  })

  it('stops reading at log.cleaner.io.max.bytes.per.second', async () => {
    const clock = memoryPlatform().virtualClock
    const throttler = new Throttler({ desiredRatePerSec: 100, clock })
    await throttler.maybeThrottle(60)
    await clock.advance(300)
    const waiting = throttler.maybeThrottle(60)
    await clock.runUntil(waiting)
    expect(clock.monotonic()).toBe(1200)
  })

  it('leaves a log with a bad batch alone, and cleans the others', async () => {
    const { log, logs, put, clean, platform, scheduler, channel } = createCleanedLog()
    fill(put, 40)
    const file = platform.storage.open(
      log.logSegments[1]?.log.path as string,
      'readwrite',
    )
    file.write(Buffer.from([0x55]), 70)
    const other = openLog({
      ...{ platform, scheduler, channel, dir: `${logDir}/others-0` },
      props: log.config.originals,
    })
    logs.set(new TopicPartition('others', 0), other)
    const records = () =>
      MemoryRecords.withRecords(
        {},
        { key: Buffer.from('k'), value: null, timestamp: 1 },
      )
    for (let i = 0; i < 30; i++) other.appendAsLeader(records(), 0)
    await clean()
    await clean()
    expect(contents(other).length).toBeLessThan(15)
    expect(() => contents(log)).toThrow()
    expect(
      platform.storage.readdir(log.dir).some((name) => name.includes('.cleaned')),
    ).toBe(false)
  })
})

describe('a log that is being cleaned', () => {
  async function halfCleaned() {
    const fixture = createCleanedLog({}, { logCleanerIoBufferSize: 256 })
    fill(fixture.put, 40)
    fixture.cleaner.startup()
    const { clock } = fixture.platform
    const { sleep } = clock
    let turns = 0
    let reached = () => {}
    const half = new Promise<void>((resolve) => {
      reached = resolve
    })

    // The cleaner stays asleep in its twentieth turn until the test lets it go on.
    let goOn = () => {}
    const gate = new Promise<void>((resolve) => {
      goOn = resolve
    })
    clock.sleep = async (ms, signal) => {
      turns += 1
      if (turns === 20) {
        reached()
        await gate
      }
      return sleep.call(clock, ms, signal)
    }
    await fixture.platform.virtualClock.runUntil(half)
    return { ...fixture, goOn }
  }

  it('is given up when it is paused, untouched, and cleaned once resumed', async () => {
    const { log, cleaner, platform, goOn } = await halfCleaned()
    const manager = cleaner.cleanerManager
    expect(manager.cleaningState(orders)?.name).toBe('InProgress')
    cleaner.abortAndPauseCleaning(orders)
    expect(manager.cleaningState(orders)?.name).toBe('Aborted')
    goOn()
    await platform.virtualClock.advance(60_000)
    expect(manager.cleaningState(orders)?.name).toBe('Paused')
    expect(contents(log)).toHaveLength(40)
    expect(
      platform.storage.readdir(log.dir).some((name) => name.includes('.cleaned')),
    ).toBe(false)

    cleaner.resumeCleaning(orders)
    expect(manager.cleaningState(orders)).toBe(undefined)
    await platform.virtualClock.advance(15_000)
    expect(contents(log).length).toBeLessThan(20)
    expect(() => cleaner.resumeCleaning(orders)).toThrow('not paused')
  })

  it('can be truncated: the cleaner lets go, and its clean point moves down', async () => {
    const { log, cleaner, put, platform, goOn } = await halfCleaned()
    cleaner.abortAndPauseCleaning(orders)
    log.truncateTo(12)
    cleaner.maybeTruncateCheckpoint(logDir, orders, log.activeSegment.baseOffset)
    cleaner.resumeCleaning(orders)
    goOn()
    await platform.virtualClock.advance(0)
    fill(put, 20)
    await platform.virtualClock.advance(15_000)
    const offsets = contents(log).map((line) => Number(line.split(':')[0]))
    expect(offsets.at(-1)).toBe(31)
    expect(contents(log).length).toBeLessThan(20)
  })

  it('can be deleted', async () => {
    const { log, logs, cleaner, platform, goOn, channel } = await halfCleaned()
    let failed = false
    const stop = new AbortController()
    void channel.takeNextOfflineLogDir(stop.signal).then(
      () => (failed = true),
      () => undefined,
    )
    logs.delete(orders)
    cleaner.abortCleaning(orders)
    cleaner.updateCheckpoints(logDir)
    log.renameDir('orders-0.00000000000000000000000000000000-delete')
    goOn()
    await platform.virtualClock.advance(15_000)
    expect(cleaner.cleanerManager.cleaningState(orders)).toBe(undefined)
    expect(failed).toBe(false)
    stop.abort()
    log.delete()
  })

  it('takes its directory offline when the disk fails', async () => {
    const { log, cleaner, platform, goOn, channel } = await halfCleaned()
    platform.storage.addFault({
      operations: ['write'],
      path: /\.cleaned$/,
      code: 'EIO',
    })
    const offline = channel.takeNextOfflineLogDir(new AbortController().signal)
    goOn()
    expect(await platform.virtualClock.runUntil(offline)).toBe(logDir)
    cleaner.handleLogDirFailure(logDir)
    expect(contents(log).slice(-5)).toEqual(
      [35, 36, 37, 38, 39].map((i) => `${i}:${'abcde'[i % 5]}=v${i}`),
    )
    await cleaner.shutdown()
  })

  it('is left in order when the broker stops', async () => {
    const { log, cleaner, platform, goOn } = await halfCleaned()
    const stopped = cleaner.shutdown()
    goOn()
    await platform.virtualClock.runUntil(stopped)
    expect(contents(log)).toHaveLength(40)
    expect(cleaner.cleanerManager.cleaningState(orders)).toBe(undefined)
  })
})

describe('SkimpyOffsetMap', () => {
  it('gives back what was put, up to the last slot, in 24 bytes a key', () => {
    const map = new SkimpyOffsetMap(24 * 5000)
    expect(map.slots).toBe(5000)
    for (let i = 0; i < 5000; i++) map.put(Buffer.from(`key ${i}`), i)
    for (let i = 0; i < 5000; i++) expect(map.get(Buffer.from(`key ${i}`))).toBe(i)
    expect(map.get(Buffer.from('another'))).toBe(-1)
    expect(map.size).toBe(5000)
    expect(map.latestOffset).toBe(4999)
    expect(map.memoryBytes).toBeLessThanOrEqual(24 * 5000)
    expect(() => map.put(Buffer.from('one more'), 5000)).toThrow('full offset map')
  })

  it('loses nothing, and counts nothing twice, while it grows', () => {
    // Old keys are put again just after each growth, when their entries have not moved.
    const map = new SkimpyOffsetMap(24 * 100_000)
    const last = new Map<string, number>()
    const put = (key: string, offset: number) => {
      map.put(Buffer.from(key), offset)
      last.set(key, offset)
    }
    for (let i = 0, offset = 0; i < 4000; i++) {
      put(`key ${i}`, offset++)
      put(`key ${(i * 7) % (i + 1)}`, offset++)
      const at = `key ${(i * 31) % (i + 1)}`
      expect(map.get(Buffer.from(at))).toBe(last.get(at))
      expect(map.size).toBe(i + 1)
    }
    for (const [key, offset] of last) expect(map.get(Buffer.from(key))).toBe(offset)
  })

  it('takes the offset that was put last', () => {
    const map = new SkimpyOffsetMap(24 * 10)
    map.put(Buffer.from('k'), 3)
    map.put(Buffer.from('k'), 0)
    expect(map.get(Buffer.from('k'))).toBe(0)
    expect(map.size).toBe(1)
    map.clear()
    expect(map.get(Buffer.from('k'))).toBe(-1)
    expect(map.latestOffset).toBe(-1)
  })
})
