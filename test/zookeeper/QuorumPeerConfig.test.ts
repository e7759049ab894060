/**
 * What a `zoo.cfg` makes of the embedded server.
 */
import { describe, expect, it } from 'vitest'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import type { VirtualClock } from '../../src/base/platform/memory/VirtualClock.ts'
import { inProcessConnect } from '../../src/zookeeper/in-process-session.ts'
import { QuorumPeerConfig } from '../../src/zookeeper/server/QuorumPeerConfig.ts'
import {
  ZooKeeperServer,
  type ZooKeeperServerOptions,
} from '../../src/zookeeper/server/ZooKeeperServer.ts'

const needed = { dataDir: '/zk', clientPort: '2181' }

function sessionOf(server: ZooKeeperServer) {
  return inProcessConnect(server)({
    ...{ connectString: 'here', sessionTimeoutMs: 20_000, connectionTimeoutMs: 20_000 },
    ...{ onWatch: () => undefined, onState: () => undefined },
  })
}

describe('QuorumPeerConfig', () => {
  it('takes what Kafka ships, with the defaults of ZooKeeper', () => {
    const { options, unknownKeys } = new QuorumPeerConfig({
      ...{ dataDir: '/tmp/zookeeper', clientPort: '2181', maxClientCnxns: '0' },
    })
    expect(options).toEqual({
      ...{ dataDir: '/tmp/zookeeper', dataLogDir: '/tmp/zookeeper', port: 2181 },
      ...{ host: '127.0.0.1', maxClientCnxns: 0, fsync: true, tickTimeMs: 3000 },
      ...{ minSessionTimeoutMs: 6000, maxSessionTimeoutMs: 60_000 },
      preAllocSizeBytes: 64 * 1024 * 1024,
      autopurge: { snapRetainCount: 3, purgeIntervalMs: 0 },
    })
    expect(unknownKeys).toEqual([])
  })

  it('takes every key that means something here', () => {
    const { options, unknownKeys } = new QuorumPeerConfig({
      ...{
        ...needed,
        dataLogDir: '/log',
        clientPortAddress: '0.0.0.0',
        tickTime: '500',
      },
      ...{ minSessionTimeout: '-1', maxSessionTimeout: '9000', maxClientCnxns: '7' },
      ...{ 'autopurge.snapRetainCount': '1', 'autopurge.purgeInterval': '2' },
      ...{ '4lw.commands.whitelist': 'ruok, mntr', 'zookeeper.snapCount': '1000' },
      ...{ preAllocSize: '64', 'jute.maxbuffer': '4194304', forceSync: 'no' },
      ...{ 'fsync.warningthresholdms': '20', initLimit: '5', 'server.1': 'a:1:2' },
      'DigestAuthenticationProvider.superDigest': 'super:x',
      'no.such': '1',
    })
    expect(options).toEqual({
      ...{ dataDir: '/zk', dataLogDir: '/log', port: 2181, host: '0.0.0.0' },
      ...{ tickTimeMs: 500, minSessionTimeoutMs: 1000, maxSessionTimeoutMs: 9000 },
      ...{ maxClientCnxns: 7, snapCount: 1000, preAllocSizeBytes: 65_536 },
      ...{ maxBuffer: 4_194_304, fsync: false, fsyncWarningThresholdMs: 20 },
      ...{ superDigest: 'super:x', whitelist: new Set(['ruok', 'mntr']) },
      autopurge: { snapRetainCount: 3, purgeIntervalMs: 7_200_000 },
    })
    expect(unknownKeys).toEqual(['no.such'])
  })

  it.each([
    [{ dataDir: '', clientPort: '1' }, 'dataDir is not set'],
    [{ dataDir: '/zk' }, 'clientPort is not set'],
    [
      { ...needed, clientPort: '70000' },
      'clientPort=70000: a whole number, 0 to 65535',
    ],
    [{ ...needed, tickTime: '2s' }, 'tickTime=2s: a whole number, at least 1'],
    [{ ...needed, minSessionTimeout: '70000' }, 'must not be larger than'],
    [{ ...needed, 'server.1': 'a:1:2', 'server.2': 'b:1:2' }, 'an ensemble cannot be'],
  ])('refuses %o', (entries: Record<string, string>, message) => {
    expect(() => new QuorumPeerConfig(entries)).toThrow(message)
  })
})

describe('a server so configured', () => {
  const start = async (
    platform: ReturnType<typeof memoryPlatform>,
    options: Partial<ZooKeeperServerOptions>,
  ) => {
    const server = new ZooKeeperServer({ platform, dataDir: '/zk', ...options })
    await server.startup()
    return server
  }

  it('keeps its log in dataLogDir, in files that grow in advance', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    const options = { dataLogDir: '/log', preAllocSizeBytes: 8192, snapCount: 1000 }
    const server = await start(platform, options)
    const session = await sessionOf(server)
    for (let i = 0; i < 20; i++) {
      await session.create(`/n${i}`, Buffer.alloc(400), 'PERSISTENT')
    }
    expect(server.fourLetterWord('conf')).toContain(
      'dataDir=/zk/version-2\ndataLogDir=/log/version-2\n',
    )
    platform.storage.crash()
    const { storage } = platform
    expect(storage.readdir('/zk/version-2')).toEqual([])
    const [name] = storage.readdir('/log/version-2')
    expect(storage.stat(`/log/version-2/${name}`)?.size).toBe(16_384)

    // What was answered is read back, up to the zeros behind it.
    const again = await start(platform, options)
    expect(again.peek('/n19')?.data).toHaveLength(400)
    await again.shutdown()
  })

  it('refuses a directory that another server uses, and lets go of the other', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    const server = await start(platform, { dataLogDir: '/log' })
    await expect(
      start(platform, { dataDir: '/b', dataLogDir: '/log' }),
    ).rejects.toThrow()
    const other = await start(platform, { dataDir: '/b', dataLogDir: '/c' })
    await other.shutdown()
    await server.shutdown()
  })

  it('removes old snapshots when it is time to, and not before', async () => {
    const platform = memoryPlatform({ clock: 'virtual' })
    const autopurge = { snapRetainCount: 3, purgeIntervalMs: 3_600_000 }
    const server = await start(platform, { snapCount: 2, autopurge })
    const snapshots = () =>
      platform.storage
        .readdir('/zk/version-2')
        .filter((name) => name.startsWith('snapshot.')).length
    const session = await sessionOf(server)
    for (let i = 0; i < 8; i++) await session.create(`/n${i}`, null, 'PERSISTENT')
    const before = snapshots()
    expect(before).toBeGreaterThan(3)
    const clock = platform.clock as VirtualClock
    await clock.advance(3_599_000)
    expect(snapshots()).toBeGreaterThanOrEqual(before)
    await clock.advance(2000)
    expect(snapshots()).toBe(3)
    await server.shutdown()
  })

  it('counts flushes that took too long', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    const { storage, clock } = platform
    const monotonic = clock.monotonic.bind(clock)
    const strike = storage.strike.bind(storage)
    let slowBy = 0
    clock.monotonic = () => monotonic() + slowBy
    const server = await start(platform, {})
    const session = await sessionOf(server)
    storage.strike = (operation, path) => {
      if (operation === 'sync') slowBy += 2000
      strike(operation, path)
    }
    await session.create('/slow', null, 'PERSISTENT')
    storage.strike = strike
    await session.create('/quick', null, 'PERSISTENT')
    expect(server.fourLetterWord('mntr')).toContain('fsync_threshold_exceed_count\t1\n')
    await server.shutdown()
  })

  it('answers the words of the whitelist only', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    const server = await start(platform, { whitelist: new Set(['ruok']) })
    expect(server.fourLetterWord('ruok')).toBe('imok')
    const refused = 'mntr is not executed because it is not in the whitelist.\n'
    expect(server.fourLetterWord('mntr')).toBe(refused)
    expect(server.fourLetterWord('nope')).toBeUndefined()
    await server.shutdown()
  })
})
