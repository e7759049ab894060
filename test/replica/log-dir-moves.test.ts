/** Replicas that move between the log directories of one broker, turn by turn. */
import { afterEach, describe, expect, it } from 'vitest'
import { Quota } from '../../src/base/metrics/Quota.ts'
import type { MemoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import type { Log } from '../../src/log/Log.ts'
import { LogCleaner } from '../../src/log/LogCleaner.ts'
import { LogDirFailureChannel } from '../../src/log/LogDirFailureChannel.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import { FutureLocalReplicaId } from '../../src/replica/read-from-local-log.ts'
import { cleanerConfig } from '../log/cleaner-fixture.ts'
import { ReplicaWorld } from './replica-test-kit.ts'

const t0 = new TopicPartition('t', 0)
const dirs = ['/a', '/b', '/c']
const worlds: ReplicaWorld[] = []

afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})

/** A broker with three directories, small segments, and small reads. */
async function startBroker(
  house: { platform?: MemoryPlatform; compact?: boolean; segmentBytes?: string } = {},
): Promise<ReplicaWorld> {
  let platform: MemoryPlatform | undefined = house.platform
  const createCleaner: ConstructorParameters<typeof ReplicaWorld>[1] = house.compact
    ? {
        createCleaner: (logs, logDirs) =>
          new LogCleaner({
            ...{ config: cleanerConfig, logDirs, logs },
            logDirFailureChannel: new LogDirFailureChannel(3),
            platform: platform as MemoryPlatform,
          }),
      }
    : {}
  if (house.compact && !platform) platform = new ReplicaWorld().platform
  const world = await new ReplicaWorld(
    { replicaFetchMaxBytes: 300 },
    { ...createCleaner, ...(platform ? { platform } : {}), logDirs: dirs },
  ).load()
  world.zk.topicConfigs.set('t', {
    'segment.bytes': house.segmentBytes ?? '1000',
    ...(house.compact ? { 'cleanup.policy': 'compact' } : {}),
  })
  world.replicaManager.startup()
  worlds.push(world)
  return world
}

/** A broker that leads `t-0` in `/a`, with some batches in it. */
async function leader(count = 40, house = {}): Promise<ReplicaWorld> {
  const world = await startBroker(house)
  expect(await move(world, '/a')).toBe('REPLICA_NOT_AVAILABLE')
  await world.leaderAndIsr(t0)
  for (let i = 0; i < count; i++) world.produce(t0, [`v${i}`])
  return world
}

async function move(world: ReplicaWorld, dir: string): Promise<string | undefined> {
  const wanted = new TopicPartitionMap<string>().set(t0, dir)
  const errors = await world.clock.runUntil(
    world.replicaManager.alterReplicaLogDirs(wanted),
  )
  return errors.get(t0)?.name
}

/** Lets a thread that moves replicas do one read, and no more. */
function turn({ clock }: ReplicaWorld): Promise<void> {
  return clock.runUntil(clock.sleep(0))
}

async function turns(world: ReplicaWorld, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn(world)
}

/** Turns until the move is over; says how many it took. */
async function untilMoved(world: ReplicaWorld): Promise<number> {
  for (let i = 0; i < 500; i++) {
    if (!world.logManager.getLog(t0, true)) return i
    await turn(world)
  }
  throw new Error('the move does not end')
}

function values(log: Log | undefined): string[] {
  return (log?.logSegments ?? []).flatMap((segment) =>
    [...segment.log.batches()].flatMap((batch) => {
      batch.ensureValid()
      return Array.from(batch, ({ offset, value }) => `${offset}=${value}`)
    }),
  )
}

const numbered = (count: number) =>
  Array.from({ length: count }, (_, i) => `${i}=v${i}`)
const inDir = (world: ReplicaWorld, dir: string) =>
  world.platform.storage.readdir(dir).filter((name) => name.startsWith('t-0'))

/** `dir size lag (future)` of each directory that holds the partition. */
function described(world: ReplicaWorld): string[] {
  const lines: string[] = []
  for (const [dir, info] of world.replicaManager.describeLogDirs(undefined)) {
    if (info.error.code !== 0) lines.push(`${dir} ${info.error.name}`)
    const replica = info.replicaInfos.get(t0)
    if (!replica) continue
    lines.push(`${dir} lag ${replica.offsetLag}${replica.isFuture ? ' future' : ''}`)
  }
  return lines
}

describe('moving a replica between log directories', () => {
  it('goes on while appends go on, and loses none', async () => {
    const world = await leader()
    expect(world.logManager.getLog(t0)?.parentDir).toBe('/a')
    expect(await move(world, '/b')).toBe('NONE')
    expect(inDir(world, '/b')[0]).toMatch(/^t-0\.[0-9a-f]{32}-future$/)

    // Both directories hold it now; each turn brings the copy nearer.
    await turns(world, 3)
    expect(described(world)).toEqual([
      '/a lag 0',
      expect.stringMatching(/^\/b lag \d+ future/),
    ])
    let count = 40
    for (let i = 0; i < 500 && world.logManager.getLog(t0, true); i++) {
      if (count < 80)
        expect(world.produce(t0, [`v${count}`])).toEqual([`NONE@${count}`])
      if (count < 80) count += 1
      await turn(world)
    }

    // The copy serves from the new place, and takes appends.
    const log = world.logManager.getLog(t0)
    expect(log?.dir).toBe('/b/t-0')
    expect(world.replicaManager.getReplica(t0)?.log).toBe(log)
    expect(world.replicaManager.getReplica(t0, FutureLocalReplicaId)).toBeUndefined()
    expect(world.produce(t0, [`v${count}`])).toEqual([`NONE@${count}`])
    expect(values(log)).toEqual(numbered(count + 1))
    expect(described(world)).toEqual(['/b lag 0'])
    const [answer] = world.fetch(t0, 0)
    expect(answer).toMatchObject({ highWatermark: count + 1 })

    // The old directory waits for its deletion, and goes.
    expect(inDir(world, '/a')[0]).toMatch(/^t-0\.[0-9a-f]{32}-delete$/)
    await world.clock.advance(60_000)
    world.logManager.deleteLogs()
    expect(inDir(world, '/a')).toEqual([])
  })

  it('lets a fetch wait across the change', async () => {
    const world = await leader(5)
    const waiting = world.fetch(t0, 5, { timeout: 60_000 })
    await move(world, '/b')
    await untilMoved(world)
    expect(waiting).toEqual([])
    world.produce(t0, ['v5'])
    expect(waiting).toHaveLength(1)
    expect(waiting[0]?.records.sizeInBytes).toBeGreaterThan(0)
  })

  it('ends at once, to begin elsewhere or not at all, when another directory is named', async () => {
    const world = await leader()
    await move(world, '/b')
    await turns(world, 2)
    expect(await move(world, '/c')).toBe('NONE')
    expect(inDir(world, '/b')[0]).toMatch(/-delete$/)
    await turns(world, 2)
    expect(await move(world, '/a')).toBe('NONE')
    expect(inDir(world, '/c')[0]).toMatch(/-delete$/)
    expect(world.logManager.getLog(t0, true)).toBeUndefined()
    await turns(world, 5)
    expect(described(world)).toEqual(['/a lag 0'])

    // To be asked twice changes nothing.
    expect(await move(world, '/b')).toBe('NONE')
    expect(await move(world, '/b')).toBe('NONE')
    await untilMoved(world)
    expect(values(world.logManager.getLog(t0))).toEqual(numbered(40))
  })

  it('answers what it cannot do with an error for each partition', async () => {
    const world = await startBroker()
    expect(await move(world, '/nowhere')).toBe('LOG_DIR_NOT_FOUND')
    expect(await move(world, '/c')).toBe('REPLICA_NOT_AVAILABLE')

    // The directory was noted: the log is made there.
    await world.leaderAndIsr(t0)
    expect(world.logManager.getLog(t0)?.parentDir).toBe('/c')

    // With a failed directory, nobody knows what other copies there are.
    await world.clock.runUntil(world.replicaManager.handleLogDirFailure('/b'))
    expect(await move(world, '/b')).toBe('KAFKA_STORAGE_ERROR')
    expect(await move(world, '/a')).toBe('KAFKA_STORAGE_ERROR')
    expect(described(world)).toEqual(['/b KAFKA_STORAGE_ERROR', '/c lag 0'])
  })

  it('goes on after a restart in its middle', async () => {
    const first = await leader()
    await move(first, '/b')
    await turns(first, 4)
    const copied = first.logManager.getLog(t0, true)?.logEndOffset ?? 0
    expect(copied).toBeGreaterThan(0)
    await first.close()
    await first.clock.runUntil(first.logManager.shutdown())
    worlds.length = 0

    // The controller gives the role anew; until then nothing moves.
    const second = await startBroker({ platform: first.platform })
    expect(second.logManager.getLog(t0, true)?.logEndOffset).toBe(copied)
    await second.leaderAndIsr(t0, { isNew: false })
    second.produce(t0, ['v40'])
    await untilMoved(second)
    expect(second.logManager.getLog(t0)?.dir).toBe('/b/t-0')
    expect(values(second.logManager.getLog(t0))).toEqual(numbered(41))
  })

  it('goes on after a crash, which may leave the copy ahead of the original', async () => {
    const first = await leader(40, { segmentBytes: '100000' })
    await first.logManager.getLog(t0)?.flush()
    for (let i = 40; i < 60; i++) first.produce(t0, [`v${i}`])
    await move(first, '/b')
    const copied = () => first.logManager.getLog(t0, true)?.logEndOffset ?? 0
    for (let i = 0; i < 100 && copied() <= 45; i++) await turn(first)
    await first.logManager.getLog(t0, true)?.flush()
    first.platform.storage.crash('drop')
    worlds.length = 0

    // What the copy has more was never acknowledged by a disk; others come in its place.
    const second = await startBroker({ platform: first.platform })
    const kept = values(second.logManager.getLog(t0))
    expect(kept).toEqual(numbered(40))
    expect(second.logManager.getLog(t0, true)?.logEndOffset).toBeGreaterThan(
      kept.length,
    )
    await second.leaderAndIsr(t0, { isNew: false, leaderEpoch: 1 })
    const others = Array.from({ length: 20 }, (_, i) => `other${i}`)
    for (const value of others) second.produce(t0, [value])
    await untilMoved(second)
    const all = others.map((value, i) => `${kept.length + i}=${value}`)
    expect(values(second.logManager.getLog(t0))).toEqual([...kept, ...all])
  })

  it('goes on after StopReplica without deletion, and ends with a deletion', async () => {
    const world = await leader()
    await move(world, '/b')
    await turns(world, 2)
    const stop = (deletePartitions: boolean) =>
      world.clock.runUntil(
        world.replicaManager.stopReplicas({
          ...{ controllerId: 1, controllerEpoch: 1, deletePartitions },
          ungroupedPartitions: [{ topicName: 't', partition: 0 }],
        }),
      )
    await stop(false)
    await turns(world, 3)
    expect(world.logManager.getLog(t0, true)).toBeDefined()
    await world.leaderAndIsr(t0, { leaderEpoch: 1 })
    await turns(world, 1)
    const { responses } = await stop(true)
    expect(responses.get(t0)?.name).toBe('NONE')
    expect(world.logManager.allLogs).toEqual([])
    expect([...inDir(world, '/a'), ...inDir(world, '/b')]).toEqual([
      expect.stringMatching(/-delete$/),
      expect.stringMatching(/-delete$/),
    ])

    // The topic can be made again, and moved again.
    await world.leaderAndIsr(t0, { leaderEpoch: 2 })
    world.produce(t0, ['v0'])
    await move(world, '/c')
    await untilMoved(world)
    expect(values(world.logManager.getLog(t0))).toEqual(numbered(1))
  })

  it('follows a truncation of the original, wherever it stands', async () => {
    for (const before of [1, 5, 9, 200]) {
      const world = await startBroker()
      await move(world, '/a')
      await world.leaderAndIsr(t0, { leader: 2, replicas: [1, 2], isr: [2] })
      const partition = world.replicaManager.getPartition(t0)!
      const append = (from: number, to: number, epoch: number, what: string) => {
        for (let i = from; i < to; i++) {
          const options = { baseOffset: i, partitionLeaderEpoch: epoch }
          const record = { value: Buffer.from(`${what}${i}`), timestamp: 1 }
          const records = MemoryRecords.withRecords(options, record)
          partition.appendRecordsToFollowerOrFutureReplica(records, false)
        }
      }
      append(0, 30, 0, 'v')
      append(30, 40, 1, 'lost')
      await move(world, '/b')
      for (let i = 0; i < before && world.logManager.getLog(t0, true); i++) {
        await turn(world)
      }

      // The new leader has other records from 30 on.
      partition.truncateTo(30, false)
      const { replicaAlterLogDirsManager } = world.replicaManager
      await replicaAlterLogDirsManager.markPartitionsForTruncation(1, t0, 30)
      append(30, 50, 2, 'v')
      await untilMoved(world)
      const log = world.logManager.getLog(t0)
      expect(log?.parentDir).toBe('/b')
      expect(values(log)).toEqual(numbered(50))
      expect(log?.leaderEpochCache.endOffsetFor(0)).toBe(30)
      expect(log?.leaderEpochCache.latestEpoch()).toBe(2)
    }
  })

  it('begins where the original begins when its head is deleted meanwhile', async () => {
    const world = await leader()
    await move(world, '/b')
    await turns(world, 2)
    world.replicaManager.getReplica(t0)?.maybeIncrementLogStartOffset(30)
    world.logManager.getLog(t0)?.deleteOldSegments()
    await untilMoved(world)
    const log = world.logManager.getLog(t0)
    expect(log?.logStartOffset).toBe(30)
    expect(world.fetch(t0, 29)[0]?.error.name).toBe('OFFSET_OUT_OF_RANGE')
    expect(values(log).slice(-10)).toEqual(numbered(40).slice(-10))
  })

  it('flushes the copy before it takes the place of the original', async () => {
    const world = await leader()
    await world.logManager.getLog(t0)?.flush()
    await move(world, '/b')
    await untilMoved(world)
    expect(world.logManager.getLog(t0)?.recoveryPoint).toBe(40)
    world.platform.storage.crash('drop')
    worlds.length = 0
    const second = await startBroker({ platform: world.platform })
    expect(values(second.logManager.getLog(t0))).toEqual(numbered(40))
  })

  it('ends when the destination fails, and the replica serves on where it is', async () => {
    for (const operation of ['write', 'sync', 'rename'] as const) {
      const world = await leader()
      const heal = world.platform.storage.addFault({
        ...{ path: '/b', operations: [operation], code: 'EIO' },
      })
      await move(world, '/b')
      await turns(world, 60)
      expect(world.logManager.liveLogDirs).toEqual(['/a', '/c'])
      expect(world.logManager.getLog(t0, true)).toBeUndefined()
      expect(world.zk.logDirEvents).toEqual([1])
      expect(described(world)).toEqual(['/a lag 0', '/b KAFKA_STORAGE_ERROR'])
      expect(world.produce(t0, ['v40'])).toEqual(['NONE@40'])
      expect(values(world.logManager.getLog(t0))).toEqual(numbered(41))
      heal()
    }
  })

  it('ends when the source fails, and the replica is offline', async () => {
    const world = await leader()
    await move(world, '/b')
    await turns(world, 3)
    world.platform.storage.addFault({ path: '/a', operations: ['read'], code: 'EIO' })
    await turns(world, 10)
    expect(world.logManager.liveLogDirs).toEqual(['/b', '/c'])
    expect(world.replicaManager.getPartition(t0)?.isOffline).toBe(true)
    expect(world.produce(t0, ['x'])).toEqual(['KAFKA_STORAGE_ERROR@-1'])

    // After the disk was mended, the move goes on.
    await world.clock.runUntil(world.logManager.shutdown())
    const { platform } = world
    platform.storage.crash('keep')
    worlds.length = 0
    const healthy = platform.storage
    healthy.clearFaults()
    const second = await startBroker({ platform })
    await second.leaderAndIsr(t0, { isNew: false, leaderEpoch: 1 })
    await untilMoved(second)
    expect(values(second.logManager.getLog(t0))).toEqual(numbered(40))
  })

  it('serves from the new directory when the old one cannot be put away', async () => {
    const world = await leader()
    await move(world, '/b')
    await turns(world, 3)
    world.platform.storage.addFault({ path: '/a', operations: ['rename'], code: 'EIO' })
    await untilMoved(world)
    await turns(world, 3)
    expect(world.logManager.liveLogDirs).toEqual(['/b', '/c'])
    expect(world.produce(t0, ['v40'])).toEqual(['NONE@40'])
    expect(values(world.logManager.getLog(t0))).toEqual(numbered(41))
  })

  it('keeps the cleaner off, and lets it come back however the move ends', async () => {
    const state = (world: ReplicaWorld) =>
      (world.logManager.cleaner as LogCleaner).cleanerManager.cleaningState(t0)
    const world = await leader(40, { compact: true })
    await move(world, '/b')
    expect(state(world)).toEqual({ name: 'Paused', pausedCount: 1 })
    await move(world, '/c')
    expect(state(world)).toEqual({ name: 'Paused', pausedCount: 1 })
    await move(world, '/a')
    expect(state(world)).toBeUndefined()
    await move(world, '/b')
    await untilMoved(world)
    expect(state(world)).toBeUndefined()
    await move(world, '/c')
    await world.clock.runUntil(world.replicaManager.handleLogDirFailure('/c'))
    expect(state(world)).toBeUndefined()
  })

  it('holds the move to the rate, and appends go on meanwhile', async () => {
    const world = await leader(200)
    const quota = world.quotas.alterLogDirs
    quota.updateQuota(Quota.upperBound(1000))
    const total = world.logManager.getLog(t0)!.size
    const startMs = world.clock.now()
    expect(await move(world, '/b')).toBe('NONE')

    // Less than all is there after half of the time; the rest needs the other half.
    await world.clock.advance((total / 1000) * 500)
    const copied = world.logManager.getLog(t0, true)!.size
    expect(copied).toBeGreaterThan(total / 4)
    expect(copied).toBeLessThan(total * 0.75)
    expect(world.produce(t0, ['v200'])).toEqual(['NONE@200'])
    await world.clock.advance(total)
    const seconds = (world.clock.now() - startMs) / 1000
    expect(seconds).toBeGreaterThan(total / 1000)
    expect(world.logManager.getLog(t0, true)).toBeUndefined()
    expect(values(world.logManager.getLog(t0))).toEqual(numbered(201))
  })

  it('stops the move while the rate is exceeded, and goes on when it is lifted', async () => {
    const world = await leader()
    const quota = world.quotas.alterLogDirs
    quota.updateQuota(Quota.upperBound(0))
    quota.record(1)
    expect(await move(world, '/b')).toBe('NONE')
    await world.clock.advance(9000)
    expect(world.logManager.getLog(t0, true)?.logEndOffset).toBe(0)
    quota.updateQuota(Quota.upperBound(1e9))
    await world.clock.advance(2000)
    expect(world.logManager.getLog(t0)?.parentDir).toBe('/b')
  })
})
