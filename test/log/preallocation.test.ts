/** Files that are given their full size at once: `preallocate`. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KafkaScheduler } from '../../src/base/async/KafkaScheduler.ts'
import { nodePlatform } from '../../src/base/platform/node/node-platform.ts'
import { LogDirFailureChannel } from '../../src/log/LogDirFailureChannel.ts'
import { batchOf, createLog, openLog, partitionDir, readAll } from './log-fixture.ts'

const props = { preallocate: true, 'segment.bytes': 4096 }
const file = (dir: string, offset: number) =>
  `${dir}/${String(offset).padStart(20, '0')}.log`

describe('preallocate', () => {
  it('gives the active segment its full size, and trims it when it is rolled', () => {
    const { log, platform } = createLog(props)
    const sizeOf = (offset: number) =>
      platform.storage.stat(file(partitionDir, offset))?.size
    expect(sizeOf(0)).toBe(4096)
    for (let i = 0; i < 3; i++) log.appendAsLeader(batchOf(`v${i}`), 0)
    const bytes = log.size
    expect([sizeOf(0), bytes > 0 && bytes < 4096]).toEqual([4096, true])

    // The next one is full again; reads see no zeros.
    log.roll()
    log.appendAsLeader(batchOf('v3'), 0)
    expect([sizeOf(0), sizeOf(3)]).toEqual([bytes, 4096])
    expect(readAll(log)).toEqual(['v0', 'v1', 'v2', 'v3'])
    log.truncateTo(2)
    expect(readAll(log)).toEqual(['v0', 'v1'])
    log.truncateFullyAndStartAt(10)
    expect(sizeOf(10)).toBe(4096)
  })

  it('is trimmed on close, and goes on with what it has', async () => {
    const { log, platform, reopen } = createLog(props)
    for (let i = 0; i < 3; i++) log.appendAsLeader(batchOf(`v${i}`), 0)
    await log.flush()
    log.close()
    expect(platform.storage.stat(file(partitionDir, 0))?.size).toBe(log.size)
    const again = reopen({ recoveryPoint: 3 })
    again.appendAsLeader(batchOf('v3'), 0)
    expect(readAll(again)).toEqual(['v0', 'v1', 'v2', 'v3'])
  })

  for (const tail of ['drop', 'keep', 'tear'] as const) {
    it(`is cut behind the last batch after a crash (unflushed bytes: ${tail})`, async () => {
      const { log, platform, reopen } = createLog(props)
      for (let i = 0; i < 3; i++) log.appendAsLeader(batchOf(`v${i}`), 0)
      await log.flush()
      for (let i = 3; i < 6; i++) log.appendAsLeader(batchOf(`v${i}`), 0)
      platform.storage.crash(tail)
      const again = reopen()
      const end = again.logEndOffset
      expect(end).toBeGreaterThanOrEqual(3)
      expect(readAll(again)).toEqual(Array.from({ length: end }, (_, i) => `v${i}`))
      expect(platform.storage.stat(file(partitionDir, 0))?.size).toBe(again.size)
      again.appendAsLeader(batchOf('next'), 0)
      expect(readAll(again, end)).toEqual(['next'])
    })
  }

  it('is so on a real disk', async () => {
    const root = mkdtempSync(join(tmpdir(), 'annotated-kafka-preallocate-'))
    const platform = nodePlatform()
    const scheduler = new KafkaScheduler(platform.clock)
    const dir = `${root}/orders-0`
    const channel = new LogDirFailureChannel(1)
    const log = openLog({ platform, scheduler, channel, dir, props })
    log.appendAsLeader(batchOf('a', 'b'), 0)
    expect(statSync(file(dir, 0)).size).toBe(4096)
    await log.flush()
    log.closeHandlers()

    // As after a kill: the zeros behind the last batch are no batch.
    const again = openLog({ platform, scheduler, channel, dir, props })
    expect(readAll(again)).toEqual(['a', 'b'])
    again.close()
    expect(statSync(file(dir, 0)).size).toBe(again.size)
    rmSync(root, { recursive: true })
  })
})
