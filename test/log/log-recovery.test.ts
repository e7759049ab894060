import { describe, expect, it } from 'vitest'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import {
  batchOf,
  createLog,
  type LogFixture,
  partitionDir,
  producerBatch,
  readAll,
} from './log-fixture.ts'

const file = (offset: number, suffix: string) =>
  `${partitionDir}/${String(offset).padStart(20, '0')}${suffix}`

/** Every offset is found through the indexes, and every index entry is right. */
function expectIndexesAgree(log: LogFixture['log']): void {
  for (const segment of log.logSegments) {
    for (let n = 0; n < segment.offsetIndex.entries; n++) {
      const { offset, position } = segment.offsetIndex.entry(n)
      const [batch] = segment.log.batchesFrom(position)
      expect(batch?.loadFullBatch().baseOffset).toBe(segment.baseOffset + offset)
    }
  }
  for (let offset = log.logStartOffset; offset < log.logEndOffset; offset++) {
    const info = log.read(offset, 1, undefined, true, 'READ_UNCOMMITTED')
    const [batch] = info.records.batches()
    expect(batch?.baseOffset).toBeLessThanOrEqual(offset)
    expect(batch?.lastOffset).toBeGreaterThanOrEqual(offset)
  }
}

describe('a log opened again', () => {
  it('serves the same records after a clean close, without a scan', async () => {
    const { log, platform, reopen } = createLog({ 'segment.bytes': 500 })
    for (let i = 0; i < 20; i++) log.appendAsLeader(batchOf(`v${i}`), i >> 3)
    await log.flush()
    log.close()
    platform.storage.writeFile('/data/.kafka_cleanshutdown', '')
    platform.storage.addFault({
      operations: ['write', 'truncate'],
      code: 'EIO',
      path: /\.log$/,
    })

    const again = reopen({ recoveryPoint: 20 })
    expect(readAll(again)).toEqual(Array.from({ length: 20 }, (_, i) => `v${i}`))
    expect(again.logEndOffset).toBe(20)
    expect(again.leaderEpochCache.epochEntries()).toEqual(
      log.leaderEpochCache.epochEntries(),
    )
    expectIndexesAgree(again)
  })

  it('keeps what was flushed when the machine stops', async () => {
    const { log, platform, reopen } = createLog({ 'segment.bytes': 500 })
    for (let i = 0; i < 10; i++) log.appendAsLeader(batchOf(`v${i}`), 0)
    await log.flush()
    for (let i = 10; i < 20; i++) log.appendAsLeader(batchOf(`v${i}`), 0)
    platform.storage.crash('drop')

    const again = reopen({ recoveryPoint: 10 })
    const values = readAll(again)
    expect(values.length).toBeGreaterThanOrEqual(10)
    expect(values).toEqual(values.map((_, i) => `v${i}`))
    expectIndexesAgree(again)
  })

  it.each([1, 2, 3, 4, 5])(
    'keeps a dense prefix when chance tears files (%i)',
    async (seed) => {
      const { log, platform, reopen } = createLog({ 'segment.bytes': 500 })
      for (let i = 0; i < 10; i++) log.appendAsLeader(batchOf(`v${i}`), 0)
      await log.flush()
      for (let i = 10; i < 40; i++) log.appendAsLeader(batchOf(`v${i}`), 0)
      for (let i = 0; i < seed; i++) platform.random.next()
      platform.storage.crash('tear')

      const again = reopen({ recoveryPoint: 10 })
      const values = readAll(again)
      expect(values.length).toBeGreaterThanOrEqual(10)
      expect(values).toEqual(values.map((_, i) => `v${i}`))
      expect(again.logEndOffset).toBe(values.length)
      expectIndexesAgree(again)
    },
  )

  it('is cut at the first bad batch, wherever the tail is torn', () => {
    const { log, platform, reopen } = createLog({ 'index.interval.bytes': 1 })
    const ends = [0]
    for (let i = 0; i < 8; i++) {
      log.appendAsLeader(batchOf(`v${i}`), 0)
      ends.push(log.size)
    }
    const whole = platform.storage.readFile(file(0, '.log'))
    for (let cut = 0; cut <= whole.length; cut++) {
      platform.storage.writeFile(file(0, '.log'), whole.subarray(0, cut))
      const again = reopen()
      const batches = ends.filter((end) => end <= cut).length - 1
      expect(again.logEndOffset, `cut at ${cut}`).toBe(batches)
      expect(again.size).toBe(ends[batches])
      expect(again.appendAsLeader(batchOf('next'), 0).firstOffset).toBe(batches)
      again.closeHandlers()
    }
  })

  it('is cut at a batch with a flipped bit, and everything behind it goes', () => {
    const one = batchOf('v0').sizeInBytes
    const { log, platform, reopen } = createLog({ 'segment.bytes': 3 * one })
    for (let i = 0; i < 9; i++) log.appendAsLeader(batchOf(`v${i}`), 0)
    const bytes = platform.storage.readFile(file(3, '.log'))
    for (let at = one + 16; at < 2 * one; at++) {
      const broken = Buffer.from(bytes)
      broken[at]! ^= 0x10
      platform.storage.writeFile(file(3, '.log'), broken)
      const again = reopen()
      expect(again.logEndOffset, `bit flipped in byte ${at}`).toBe(4)
      expect(again.logSegments.map((segment) => segment.baseOffset)).toEqual([0, 3])
      expect(readAll(again)).toEqual(['v0', 'v1', 'v2', 'v3'])
      again.closeHandlers()

      // Put back what recovery has deleted.
      for (const name of platform.storage.readdir(partitionDir)) {
        if (!name.endsWith('.deleted')) continue
        const path = `${partitionDir}/${name}`
        platform.storage.rename(path, path.slice(0, -'.deleted'.length))
      }
    }
  })

  it('is scanned when an index is missing, torn or full of zeros', async () => {
    const { log, platform, reopen } = createLog({
      'segment.bytes': 1000,
      'index.interval.bytes': 100,
    })
    for (let i = 0; i < 30; i++) log.appendAsLeader(batchOf(`v${i}`), 0)
    await log.flush()
    log.close()
    platform.storage.writeFile('/data/.kafka_cleanshutdown', '')
    const { storage } = platform
    const index = storage.readFile(file(0, '.index'))
    const breakages = [
      () => storage.unlink(file(0, '.index')),
      () => storage.unlink(file(0, '.timeindex')),
      () => storage.writeFile(file(0, '.index'), index.subarray(0, index.length - 3)),
      () => storage.writeFile(file(0, '.index'), Buffer.alloc(1024)),
      () => storage.writeFile(file(0, '.timeindex'), Buffer.alloc(7)),
      () => storage.writeFile(file(0, '.txnindex'), Buffer.alloc(34, 0xff)),
    ]
    for (const breakage of breakages) {
      breakage()
      const again = reopen({ recoveryPoint: 30 })
      expect(readAll(again)).toHaveLength(30)
      expectIndexesAgree(again)
      again.close()
    }
    expect(storage.readFile(file(0, '.index')).equals(index)).toBe(true)
  })

  it('removes .deleted, .cleaned and orphaned indexes', () => {
    const { log, platform, reopen } = createLog()
    log.appendAsLeader(batchOf('a'), 0)
    const { storage } = platform
    for (const suffix of ['.log.deleted', '.log.cleaned', '.index', '.timeindex']) {
      storage.writeFile(file(77, suffix), 'x')
    }
    const again = reopen()
    expect(readAll(again)).toEqual(['a'])
    expect(storage.readdir(partitionDir).filter((name) => name.includes('77'))).toEqual(
      [],
    )
  })

  it('completes a swap: the new segment takes the place of all that it covers', () => {
    const one = batchOf('v0').sizeInBytes
    const { log, platform, reopen } = createLog({ 'segment.bytes': 2 * one })
    for (let i = 0; i < 7; i++) log.appendAsLeader(batchOf(`v${i}`), 0)
    const { storage } = platform
    const merged = Buffer.concat([
      storage.readFile(file(0, '.log')).subarray(one),
      storage.readFile(file(2, '.log')),
    ])
    storage.writeFile(file(0, '.log.swap'), merged)
    const again = reopen()
    expect(again.logSegments.map((segment) => segment.baseOffset)).toEqual([0, 4, 6])
    expect(readAll(again)).toEqual(['v1', 'v2', 'v3', 'v4', 'v5', 'v6'])
    expect(storage.exists(file(0, '.log.swap'))).toBe(false)
  })

  it('opens a preallocated file that a crash left full of zeros', () => {
    const { log, platform, reopen } = createLog({
      preallocate: true,
      'segment.bytes': 4096,
    })
    log.appendAsLeader(batchOf('a', 'b'), 0)
    expect(platform.storage.stat(file(0, '.log'))?.size).toBe(4096)
    const again = reopen()
    expect(again.logEndOffset).toBe(2)
    expect(readAll(again)).toEqual(['a', 'b'])
  })

  it('rebuilds the leader epochs that were lost', () => {
    const { log, platform, reopen } = createLog()
    for (let epoch = 0; epoch < 4; epoch++) log.appendAsLeader(batchOf('a'), epoch)
    const entries = log.leaderEpochCache.epochEntries()
    platform.storage.unlink(`${partitionDir}/leader-epoch-checkpoint`)
    expect(reopen().leaderEpochCache.epochEntries()).toEqual(entries)
  })

  it('knows its producers again: from the snapshot, or by scanning the log', () => {
    const { log, platform, reopen } = createLog()
    const timestamp = platform.clock.now()
    const send = (to: typeof log, sequence: number) =>
      to.appendAsLeader(producerBatch({ sequence, timestamp }), 0)
    for (let i = 0; i < 5; i++) send(log, i)
    log.roll()
    for (let i = 5; i < 8; i++) send(log, i)

    const again = reopen()
    expect(again.activeProducersWithLastSequence).toEqual(new Map([[7n, 7]]))
    for (const name of platform.storage.readdir(partitionDir)) {
      if (name.endsWith('.snapshot')) {
        platform.storage.writeFile(`${partitionDir}/${name}`, 'garbage')
      }
    }
    const scanned = reopen()
    expect(scanned.activeProducersWithLastSequence).toEqual(new Map([[7n, 7]]))
    expect(send(scanned, 8).firstOffset).toBe(8)
  })

  it('is cut where offsets stop rising, for no checksum covers them', () => {
    const { log, platform, reopen } = createLog({ 'index.interval.bytes': 1 })
    for (let i = 0; i < 3; i++) log.appendAsLeader(batchOf(`v${i}`), 0)
    const bytes = platform.storage.readFile(file(0, '.log'))
    platform.storage.writeFile(file(0, '.log'), Buffer.concat([bytes, bytes]))
    const again = reopen()
    expect([again.logEndOffset, again.size]).toEqual([3, bytes.length])
  })

  it('flush() that is overtaken by a truncation leaves the recovery point down', async () => {
    const { log } = createLog()
    for (let i = 0; i < 10; i++) log.appendAsLeader(batchOf('a'), 0)
    const flushing = log.flush()
    log.truncateTo(4)
    log.appendAsLeader(batchOf('b'), 0)
    await flushing
    expect(log.recoveryPoint).toBeLessThanOrEqual(4)
    await log.flush()
    expect(log.recoveryPoint).toBe(5)
  })

  it('reads batches that are larger than the chunk of a scan', () => {
    const { log, reopen } = createLog({ 'max.message.bytes': 20_000_000 })
    log.appendAsLeader(batchOf('small'), 0)
    log.appendAsLeader(batchOf('x'.repeat(6_000_000)), 0)
    log.appendAsLeader(batchOf('y'.repeat(2_000_000)), 0)
    const again = reopen()
    expect(again.logEndOffset).toBe(3)
    const info = again.read(0, 100_000_000, undefined, true, 'READ_UNCOMMITTED')
    const sizes = [...info.records.batches()].map((batch) => batch.sizeInBytes)
    expect(sizes).toHaveLength(3)
    expect(info.records).not.toBeInstanceOf(MemoryRecords)
  })
})
