import { describe, expect, it } from 'vitest'
import { KafkaScheduler } from '../../src/base/async/KafkaScheduler.ts'
import { KafkaException, KafkaStorageException } from '../../src/base/errors.ts'
import { setLogLevel, setLogSink } from '../../src/base/logger.ts'
import {
  type MemoryPlatform,
  memoryPlatform,
} from '../../src/base/platform/memory/memory-platform.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import { LogConfig } from '../../src/log/LogConfig.ts'
import { LogDirFailureChannel } from '../../src/log/LogDirFailureChannel.ts'
import { LogManager } from '../../src/log/LogManager.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import { batchOf, readAll, timedBatch } from './log-fixture.ts'

const orders = new TopicPartition('orders', 0)
const config = {
  logCleanupIntervalMs: 300_000,
  logFlushSchedulerIntervalMs: Number.MAX_SAFE_INTEGER,
  logFlushOffsetCheckpointIntervalMs: 60_000,
  logFlushStartOffsetCheckpointIntervalMs: 60_000,
  numRecoveryThreadsPerDataDir: 1,
  transactionIdExpirationMs: 604_800_000,
}

async function startManager(
  platform: MemoryPlatform,
  logDirs = ['/a'],
  extra: { initialOfflineDirs?: string[]; states?: string[] } = {},
) {
  const scheduler = new KafkaScheduler(platform.clock)
  scheduler.startup()
  const channel = new LogDirFailureChannel(logDirs.length)
  const manager = new LogManager({
    logDirs,
    initialOfflineDirs: extra.initialOfflineDirs ?? [],
    topicConfigs: new Map(),
    initialDefaultConfig: new LogConfig({ 'segment.bytes': 500 }),
    config,
    scheduler,
    platform,
    logDirFailureChannel: channel,
    brokerState: { newState: (state) => extra.states?.push(state) },
  })
  await manager.loadLogs()
  manager.startup()
  const stop = async () => {
    await scheduler.shutdown()
    await manager.shutdown()
  }
  return { manager, scheduler, channel, stop }
}

describe('LogManager', () => {
  it('tells once a second how far loading is', async () => {
    const platform = memoryPlatform()
    const first = await startManager(platform)
    for (let i = 0; i < 10; i++) {
      first.manager.getOrCreateLog(new TopicPartition('orders', i), new LogConfig())
    }
    await first.stop()

    // A clock on which every look takes 0.3 s.
    let now = 0
    const { clock, storage, random, network, hostName } = platform
    const slow = {
      ...{ storage, random, network, hostName },
      clock: {
        now: () => clock.now(),
        monotonic: () => {
          now += 300
          return now
        },
        setTimeout: (fn: () => void, ms: number) => clock.setTimeout(fn, ms),
        clearTimeout: (timer: never) => clock.clearTimeout(timer),
        sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms, signal),
      },
    } as unknown as MemoryPlatform
    const lines: string[] = []
    const level = setLogLevel('warn')
    setLogSink(({ message }) => lines.push(message))
    try {
      await (await startManager(slow)).stop()
    } finally {
      setLogSink(undefined)
      setLogLevel(level)
    }
    expect(lines.length).toBeGreaterThan(1)
    for (const line of lines) {
      expect(line).toMatch(/^loading logs: [0-9] of 10 in \/a are open$/)
    }
    expect(lines).toEqual([...lines].sort())
    expect(new Set(lines).size).toBeGreaterThan(3)
  })

  it('finds its logs again after a clean shutdown, and removes the marker', async () => {
    const platform = memoryPlatform()
    const { storage } = platform
    const first = await startManager(platform)
    const log = first.manager.getOrCreateLog(orders, new LogConfig())
    for (let i = 0; i < 20; i++) log.appendAsLeader(batchOf(`v${i}`), 0)
    await first.stop()
    expect(storage.exists('/a/.kafka_cleanshutdown')).toBe(true)
    expect(storage.readFile('/a/recovery-point-offset-checkpoint').toString()).toBe(
      '0\n1\norders 0 20\n',
    )

    storage.crash('drop')
    const states: string[] = []
    const second = await startManager(platform, ['/a'], { states })
    expect(states).toEqual([])
    expect(storage.exists('/a/.kafka_cleanshutdown')).toBe(false)
    expect(readAll(second.manager.getLog(orders)!)).toHaveLength(20)
  })

  it('recovers every log after a crash', async () => {
    const platform = memoryPlatform()
    const first = await startManager(platform)
    const log = first.manager.getOrCreateLog(orders, new LogConfig())
    for (let i = 0; i < 20; i++) log.appendAsLeader(batchOf(`v${i}`), 0)
    await log.flush()
    log.appendAsLeader(batchOf('lost'), 0)
    platform.storage.crash('tear')
    await first.scheduler.shutdown()

    const states: string[] = []
    const second = await startManager(platform, ['/a'], { states })
    expect(states).toEqual(['RecoveringFromUncleanShutdown'])
    const values = readAll(second.manager.getLog(orders)!)
    expect(values.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, i) => `v${i}`))
  })

  it('refuses a directory that another broker holds, and one named twice', async () => {
    const platform = memoryPlatform()
    await startManager(platform)
    await expect(startManager(platform)).rejects.toThrow(/another broker/)
    const twice = startManager(platform, ['/b', '/b'])
    await expect(twice).rejects.toThrow(KafkaException)
  })

  it('getOrCreateLog() uses the directory with the fewest logs', async () => {
    const { manager } = await startManager(memoryPlatform(), ['/a', '/b'])
    const dirs = [0, 1, 2, 3].map((partition) => {
      const tp = new TopicPartition('t', partition)
      return manager.getOrCreateLog(tp, new LogConfig()).parentDir
    })
    expect(dirs).toEqual(['/a', '/b', '/a', '/b'])
    expect(manager.logsByTopic('t')).toHaveLength(4)
  })

  it('getOrCreateLog() does not guess while a directory is offline', async () => {
    const platform = memoryPlatform()
    const { manager } = await startManager(platform, ['/a', '/b'], {
      initialOfflineDirs: ['/b'],
    })
    expect(manager.liveLogDirs).toEqual(['/a'])
    expect(() => manager.getOrCreateLog(orders, new LogConfig())).toThrow(
      KafkaStorageException,
    )
    expect(manager.getOrCreateLog(orders, new LogConfig(), true).parentDir).toBe('/a')
  })

  it('asyncDelete() renames at once and removes after file.delete.delay.ms', async () => {
    const platform = memoryPlatform()
    const { manager } = await startManager(platform)
    manager.getOrCreateLog(orders, new LogConfig()).appendAsLeader(batchOf('a'), 0)
    const removed = manager.asyncDelete(orders)
    expect(removed?.name).toMatch(/^orders-0\.[0-9a-f]{32}-delete$/)
    expect(manager.getLog(orders)).toBeUndefined()
    const again = manager.getOrCreateLog(orders, new LogConfig(), true)
    expect(again.logEndOffset).toBe(0)
    await platform.virtualClock.advance(59_000)
    expect(platform.storage.exists(removed!.dir)).toBe(true)
    await platform.virtualClock.advance(62_000)
    expect(platform.storage.exists(removed!.dir)).toBe(false)
    expect(platform.storage.exists('/a/orders-0')).toBe(true)
  })

  it('takes up deletions that a crash interrupted', async () => {
    const platform = memoryPlatform()
    const first = await startManager(platform)
    first.manager
      .getOrCreateLog(orders, new LogConfig())
      .appendAsLeader(batchOf('a'), 0)
    const dir = first.manager.asyncDelete(orders)!.dir
    await first.scheduler.shutdown()
    platform.storage.crash('keep')
    const second = await startManager(platform)
    expect(second.manager.getLog(orders)).toBeUndefined()
    expect(second.manager.hasLogsToBeDeleted).toBe(true)
    await platform.virtualClock.advance(121_000)
    expect(platform.storage.exists(dir)).toBe(false)
  })

  it('keeps recovery points and log start offsets from time to time', async () => {
    const platform = memoryPlatform()
    const { manager } = await startManager(platform)
    const log = manager.getOrCreateLog(orders, new LogConfig({ 'retention.ms': -1 }))
    for (let i = 0; i < 5; i++) log.appendAsLeader(batchOf('a'), 0)
    log.onHighWatermarkIncremented(5)
    log.maybeIncrementLogStartOffset(2)
    await log.flush()
    await platform.virtualClock.advance(30_000)
    const read = (name: string) => platform.storage.readFile(`/a/${name}`).toString()
    expect(read('recovery-point-offset-checkpoint')).toBe('0\n1\norders 0 5\n')
    expect(read('log-start-offset-checkpoint')).toBe('0\n1\norders 0 2\n')
  })

  it('applies retention every five minutes, but not to compacted logs', async () => {
    const platform = memoryPlatform()
    const { manager } = await startManager(platform)
    const settings = { 'retention.ms': 1000 }
    const old = manager.getOrCreateLog(orders, new LogConfig(settings))
    const compacted = manager.getOrCreateLog(
      new TopicPartition('keys', 0),
      new LogConfig({ ...settings, 'cleanup.policy': 'compact,delete' }),
    )
    old.appendAsLeader(timedBatch(1), 0)
    const keyed = { timestamp: 1, key: Buffer.from('k'), value: Buffer.from('v') }
    compacted.appendAsLeader(MemoryRecords.withRecords({}, keyed), 0)
    for (const log of [old, compacted]) log.onHighWatermarkIncremented(1)
    await platform.virtualClock.advance(30_000)
    expect(old.logStartOffset).toBe(1)
    expect(compacted.logStartOffset).toBe(0)
  })

  it('handleLogDirFailure() lets the logs of one directory go, the others serve', async () => {
    const platform = memoryPlatform()
    const { manager } = await startManager(platform, ['/a', '/b'])
    const inA = manager.getOrCreateLog(new TopicPartition('t', 0), new LogConfig())
    const inB = manager.getOrCreateLog(new TopicPartition('t', 1), new LogConfig())
    manager.handleLogDirFailure('/a')
    expect(manager.getLog(inA.topicPartition)).toBeUndefined()
    expect(() => inA.appendAsLeader(batchOf('a'), 0)).toThrow(KafkaStorageException)
    expect(inB.appendAsLeader(batchOf('a'), 0).firstOffset).toBe(0)
    expect(manager.isLogDirOnline('/a')).toBe(false)
    expect(() => manager.handleLogDirFailure('/b')).toThrow(KafkaStorageException)
  })

  it('a directory that cannot be read at start goes offline, the others serve', async () => {
    const platform = memoryPlatform()
    const first = await startManager(platform, ['/a', '/b'])
    const tp = (n: number) => new TopicPartition('t', n)
    for (const n of [0, 1]) first.manager.getOrCreateLog(tp(n), new LogConfig())
    await first.stop()
    platform.storage.addFault({ path: '/b/t-1', operations: ['readdir'], code: 'EIO' })
    const { manager, channel } = await startManager(platform, ['/a', '/b'])
    expect(await channel.takeNextOfflineLogDir()).toBe('/b')
    manager.handleLogDirFailure('/b')
    expect(manager.getLog(tp(0))).toBeDefined()
    expect(manager.getLog(tp(1))).toBeUndefined()
  })

  it('truncateTo() truncates and writes the recovery points down', async () => {
    const platform = memoryPlatform()
    const { manager } = await startManager(platform)
    const log = manager.getOrCreateLog(orders, new LogConfig())
    for (let i = 0; i < 5; i++) log.appendAsLeader(batchOf('a'), 0)
    await log.flush()
    manager.truncateTo(new TopicPartitionMap([[orders, 3]]))
    const text = platform.storage.readFile('/a/recovery-point-offset-checkpoint')
    expect(text.toString()).toBe('0\n1\norders 0 3\n')
    manager.truncateFullyAndStartAt(orders, 50)
    expect(log.logEndOffset).toBe(50)
  })

  it('moves a replica: the future log takes the place of the current one', async () => {
    const platform = memoryPlatform()
    const { manager } = await startManager(platform, ['/a', '/b'])
    const log = manager.getOrCreateLog(orders, new LogConfig())
    log.appendAsLeader(batchOf('a'), 0)
    manager.maybeUpdatePreferredLogDir(orders, '/b')
    const future = manager.getOrCreateLog(orders, new LogConfig(), false, true)
    expect(future.name).toMatch(/^orders-0\.[0-9a-f]{32}-future$/)
    const { records } = log.read(0, 1000, undefined, true, 'READ_UNCOMMITTED')
    const bytes = 'toMemoryRecords' in records ? records.toMemoryRecords() : records
    future.appendAsFollower(bytes)
    manager.replaceCurrentWithFutureLog(orders)
    expect(manager.getLog(orders)?.dir).toBe('/b/orders-0')
    expect(manager.getLog(orders, true)).toBeUndefined()
    expect(readAll(manager.getLog(orders)!)).toEqual(['a'])
  })
})
