/**
 * How a broker loads the logs that it finds: side by side, with breath, to the end or not
 * at all.
 */
import { describe, expect, it } from 'vitest'
import { KafkaScheduler } from '../../src/base/async/KafkaScheduler.ts'
import type { MemoryStorage } from '../../src/base/platform/memory/MemoryStorage.ts'
import {
  type MemoryPlatform,
  memoryPlatform,
} from '../../src/base/platform/memory/memory-platform.ts'
import { VirtualClock } from '../../src/base/platform/memory/VirtualClock.ts'
import { nextMacrotask } from '../../src/base/platform/node/macrotask.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import type { Log } from '../../src/log/Log.ts'
import { LogConfig } from '../../src/log/LogConfig.ts'
import { LogDirFailureChannel } from '../../src/log/LogDirFailureChannel.ts'
import { LogManager } from '../../src/log/LogManager.ts'
import { EndTransactionMarker } from '../../src/record/EndTransactionMarker.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import { batchOf, readAll, timedBatch } from './log-fixture.ts'

const marker = '/a/.kafka_cleanshutdown'
const recoveryPoints = '/a/recovery-point-offset-checkpoint'
const logConfig = new LogConfig({ 'segment.bytes': 500, 'index.interval.bytes': 100 })

function newManager(
  platform: MemoryPlatform,
  options: { logDirs?: string[]; lanes?: number } = {},
) {
  const { logDirs = ['/a'], lanes = 1 } = options
  const scheduler = new KafkaScheduler(platform.clock)
  scheduler.startup()
  const channel = new LogDirFailureChannel(logDirs.length)
  const manager = new LogManager({
    logDirs,
    topicConfigs: new Map(),
    initialDefaultConfig: logConfig,
    config: {
      logCleanupIntervalMs: 300_000,
      logFlushSchedulerIntervalMs: Number.MAX_SAFE_INTEGER,
      logFlushOffsetCheckpointIntervalMs: 60_000,
      logFlushStartOffsetCheckpointIntervalMs: 60_000,
      numRecoveryThreadsPerDataDir: lanes,
      transactionIdExpirationMs: 604_800_000,
    },
    scheduler,
    platform,
    logDirFailureChannel: channel,
  })
  const stop = async () => {
    await scheduler.shutdown()
    await manager.shutdown()
  }
  return { manager, scheduler, channel, stop }
}

async function startManager(
  platform: MemoryPlatform,
  options: { logDirs?: string[]; lanes?: number } = {},
) {
  const started = newManager(platform, options)
  await started.manager.loadLogs()
  return started
}

const partition = (i: number) => new TopicPartition('orders', i)

/** Logs with 20 batches each, in turn in each directory; the plug is pulled unless told. */
async function filled(
  count: number,
  options: { logDirs?: string[]; isClean?: boolean } = {},
): Promise<MemoryPlatform> {
  const platform = memoryPlatform()
  const { manager, scheduler, stop } = await startManager(platform, options)
  for (let i = 0; i < count; i++) {
    const log = manager.getOrCreateLog(partition(i), logConfig)
    for (let j = 0; j < 20; j++) log.appendAsLeader(batchOf(`v${j}`), 0)
  }
  if (options.isClean) {
    await stop()
    return platform
  }

  // Half of it is on the disk, and known to be.
  for (const log of manager.allLogs) await log.flush(10)
  manager.checkpointLogRecoveryOffsets()
  await scheduler.shutdown()
  platform.storage.crash('keep')
  return platform
}

/** A clock on which every look takes some time. */
class TickingClock extends VirtualClock {
  readonly #stepMs: number
  #looks = 0

  constructor(stepMs: number) {
    super()
    this.#stepMs = stepMs
  }

  override monotonic(): number {
    this.#looks += 1
    return this.#looks * this.#stepMs
  }
}

/** The same disk on a platform on whose clock every look takes some time. */
function ticking(platform: MemoryPlatform, ms: number): MemoryPlatform {
  const { storage, random, network, hostName } = platform
  const clock = new TickingClock(ms)
  return { storage, random, network, hostName, clock } as unknown as MemoryPlatform
}

/** Whose files change, in order, each turn once. */
function noteTurns({ storage }: MemoryPlatform): string[] {
  const turns: string[] = []
  storage.beforeChange = ({ path }) => {
    const name = /orders-\d/.exec(path)?.[0]
    if (name !== undefined && turns.at(-1) !== name) turns.push(name)
  }
  return turns
}

async function turnsOf(platform: MemoryPlatform, lanes: number): Promise<string[]> {
  const turns = noteTurns(platform)
  const { manager } = await startManager(platform, { lanes })
  platform.storage.beforeChange = undefined
  for (const log of manager.allLogs) expect(readAll(log)).toHaveLength(20)
  return turns
}

describe('loadLogs()', () => {
  it('recovers one log after the other in one lane', async () => {
    const turns = await turnsOf(await filled(3), 1)
    expect(turns).toEqual(['orders-0', 'orders-1', 'orders-2'])
  })

  it('recovers as many logs of a directory side by side as there are lanes', async () => {
    const turns = await turnsOf(await filled(3), 2)
    expect(turns.slice(0, 4)).toEqual(['orders-0', 'orders-1', 'orders-0', 'orders-1'])
    expect(turns.indexOf('orders-2')).toBeGreaterThan(4)
    expect(turns.at(-1)).toBe('orders-2')
  })

  it('recovers directories side by side, in one lane each', async () => {
    const platform = await filled(2, { logDirs: ['/a', '/b'] })
    const turns: string[] = []
    platform.storage.beforeChange = ({ path }) => {
      const dir = path.slice(0, 2)
      if (path.includes('orders') && turns.at(-1) !== dir) turns.push(dir)
    }
    await startManager(platform, { logDirs: ['/a', '/b'] })
    expect(turns.slice(0, 4)).toEqual(['/a', '/b', '/a', '/b'])
  })

  it('lets everything else go on while it recovers', async () => {
    const platform = ticking(await filled(2), 4)
    const { manager } = newManager(platform)
    let turns = 0
    let isLoaded = false
    const others = async () => {
      for (; !isLoaded; turns++) await nextMacrotask()
    }
    const done = others()
    await manager.loadLogs()
    isLoaded = true
    await done
    expect(turns).toBeGreaterThan(3)
  })

  it('gives up when the signal fires, and leaves the directory as it was', async () => {
    const platform = ticking(await filled(3), 4)
    const before = platform.storage.readFile(recoveryPoints).toString()
    expect(before).toContain('orders 0 10')
    const first = newManager(platform)
    const ending = new AbortController()
    const loading = first.manager.loadLogs(ending.signal)
    await nextMacrotask()
    ending.abort()
    await expect(loading).rejects.toThrow('the wait was aborted')

    // A shutdown has nothing to say about it either.
    expect(first.manager.allLogs).toEqual([])
    await first.stop()
    expect(platform.storage.exists(marker)).toBe(false)
    expect(platform.storage.readFile(recoveryPoints).toString()).toBe(before)
    const second = await startManager(platform)
    for (let i = 0; i < 3; i++) {
      expect(readAll(second.manager.getLog(partition(i)) as Log)).toHaveLength(20)
    }
  })

  it('keeps the clean marker until the last log of its directory is open', async () => {
    const platform = ticking(await filled(3, { isClean: true }), 10)
    const ending = new AbortController()
    const loading = newManager(platform).manager.loadLogs(ending.signal)
    await nextMacrotask()
    ending.abort()
    await expect(loading).rejects.toThrow('the wait was aborted')
    expect(platform.storage.exists(marker)).toBe(true)
    await startManager(platform)
    expect(platform.storage.exists(marker)).toBe(false)
  })

  it('gives its lanes up to resizeRecoveryThreadPool(), for closing', async () => {
    const turnsWith = async (lanes: number) => {
      const platform = await filled(3)
      const { manager, stop } = await startManager(platform)
      for (const log of manager.allLogs) log.appendAsLeader(batchOf('more'), 0)
      manager.resizeRecoveryThreadPool(lanes)
      const turns = noteTurns(platform)
      await stop()
      return turns
    }
    expect(await turnsWith(1)).toEqual(['orders-0', 'orders-1', 'orders-2'])
    expect((await turnsWith(2)).slice(0, 3)).toEqual([
      'orders-0',
      'orders-1',
      'orders-0',
    ])
  })

  it('writes nothing down for a directory that is not loaded', async () => {
    const platform = await filled(2)
    const before = platform.storage.readFile(recoveryPoints).toString()
    const { manager, stop } = newManager(platform)
    manager.getOrCreateLog(partition(7), logConfig)
    manager.checkpointLogRecoveryOffsets()
    await stop()
    expect(platform.storage.readFile(recoveryPoints).toString()).toBe(before)
    expect(platform.storage.exists(marker)).toBe(false)
  })

  it('takes a directory offline whose disk fails, and loads the others', async () => {
    const logDirs = ['/a', '/b']
    const platform = await filled(4, { logDirs })
    const before = platform.storage.readFile(recoveryPoints).toString()
    platform.storage.addFault({
      ...{ operations: ['read'], path: '/a/orders-0', code: 'EIO', times: 1 },
    })
    const first = await startManager(platform, { logDirs })
    expect(await first.channel.takeNextOfflineLogDir(AbortSignal.timeout(0))).toBe('/a')
    expect(first.manager.liveLogDirs).toEqual(['/b'])
    const names = first.manager.allLogs.map(({ name }) => name)
    expect(names).toEqual(['orders-1', 'orders-3'])

    // A stop says nothing of what it does not know.
    await first.stop()
    expect(platform.storage.readFile(recoveryPoints).toString()).toBe(before)
    expect(platform.storage.exists(marker)).toBe(false)
    expect(platform.storage.exists('/b/.kafka_cleanshutdown')).toBe(true)
    const second = await startManager(platform, { logDirs })
    expect(second.manager.allLogs).toHaveLength(4)
  })

  it('takes a directory offline whose checkpoints are damaged, as it is', async () => {
    const logDirs = ['/a', '/b']
    for (const name of ['recovery-point', 'log-start']) {
      const platform = await filled(4, { logDirs })
      const path = `/a/${name}-offset-checkpoint`
      platform.storage.writeFile(path, '0\n1\norders 0 ten\n')
      const logFile = '/a/orders-0/00000000000000000000.log'
      const before = platform.storage.readFile(logFile)
      const first = await startManager(platform, { logDirs })
      expect(first.manager.liveLogDirs).toEqual(['/b'])
      await first.stop()
      expect(platform.storage.readFile(path).toString()).toContain('ten')
      expect(platform.storage.readFile(logFile)).toEqual(before)
      expect(platform.storage.exists(marker)).toBe(false)

      // Without the file nothing is known, and all is looked through.
      platform.storage.unlink(path)
      const second = await startManager(platform, { logDirs })
      expect(second.manager.allLogs).toHaveLength(4)
    }
  })

  it('fails when no directory is left, and gives the locks back', async () => {
    const platform = await filled(1)
    const { storage } = platform
    storage.addFault({
      operations: ['read'],
      path: '/a/orders-0',
      code: 'EIO',
      times: 1,
    })
    await expect(startManager(platform)).rejects.toThrow(/all log dirs in \/a/)
    expect((await startManager(platform)).manager.allLogs).toHaveLength(1)
  })

  it('gives the locks back when a log is there twice', async () => {
    const logDirs = ['/a', '/b']
    const platform = await filled(2, { logDirs })
    platform.storage.mkdir('/b/orders-0')
    await expect(startManager(platform, { logDirs })).rejects.toThrow(/duplicate log/)
    platform.storage.removeDirectory('/b/orders-0')
    const { manager } = await startManager(platform, { logDirs })
    expect(manager.allLogs).toHaveLength(2)
  })

  it('gives the locks back when a directory is no log', async () => {
    const platform = await filled(1)
    platform.storage.mkdir('/a/lost+found')
    await expect(startManager(platform)).rejects.toThrow(/lost\+found/)
    platform.storage.removeDirectory('/a/lost+found')
    await startManager(platform)
  })

  it('gives the lock of one directory back when another is taken', async () => {
    const platform = memoryPlatform()
    platform.storage.mkdir('/b')
    const release = platform.storage.lock('/b/.lock')
    expect(() => newManager(platform, { logDirs: ['/a', '/b'] })).toThrow(
      /another broker/,
    )
    release()
    await startManager(platform, { logDirs: ['/a', '/b'] })
  })
})

describe('rebuilding an index of a log that was closed properly', () => {
  it('is done over again when it was cut off', async () => {
    // Two segments with an aborted transaction in the first; then an index gets lost.
    const platform = memoryPlatform()
    const first = await startManager(platform)
    const log = first.manager.getOrCreateLog(partition(0), logConfig)
    const producer = { producerId: 7n, producerEpoch: 0 }
    const transactional = { ...producer, baseSequence: 0, isTransactional: true }
    log.appendAsLeader(batchOf('before'), 0)
    const record = { timestamp: 1000, value: Buffer.from('aborted') }
    log.appendAsLeader(MemoryRecords.withRecords(transactional, record), 0)
    const marker = new EndTransactionMarker('ABORT', 1)
    const abort = MemoryRecords.withEndTransactionMarker(
      { ...producer, timestamp: 1000 },
      marker,
    )
    log.appendAsLeader(abort, 0, false)
    for (let j = 0; j < 9; j++) log.appendAsLeader(timedBatch(2000 + j), 0)
    const whole = told(log)
    expect(whole.aborted).toHaveLength(1)
    await first.stop()
    platform.storage.unlink('/a/orders-0/00000000000000000000.index')

    // Pull the plug at every change of the next start; the one after it finds it all.
    const disks: MemoryStorage[] = []
    const opened = platform.withStorage(platform.storage.fork())
    opened.storage.beforeChange = () => disks.push(opened.storage.fork())
    expect(
      told((await startManager(opened)).manager.getLog(partition(0)) as Log),
    ).toEqual(whole)
    expect(disks.length).toBeGreaterThan(5)
    for (const disk of disks) {
      disk.crash('keep')
      const again = await startManager(platform.withStorage(disk))
      expect(told(again.manager.getLog(partition(0)) as Log)).toEqual(whole)
    }
  })
})

/** What a log says that it knows from its indexes. */
function told(log: Log) {
  return {
    aborted: log.collectAbortedTransactions(0, log.logEndOffset),
    times: [2000, 2004, 2008].map((time) => log.fetchOffsetsByTimestamp(time)),
    largest: log.logSegments.map((segment) => segment.largestTimestamp),
  }
}
