/**
 * What the embedded server remembers, and when it says so.
 */
import { describe, expect, it } from 'vitest'
import {
  type MemoryPlatform,
  memoryPlatform,
} from '../../src/base/platform/memory/memory-platform.ts'
import type { Clock } from '../../src/base/platform/Platform.ts'
import type { ZooKeeperSession } from '../../src/zookeeper/client.ts'
import { inProcessConnect } from '../../src/zookeeper/in-process-session.ts'
import { generateDigest } from '../../src/zookeeper/server/access-control.ts'
import { adler32 } from '../../src/zookeeper/server/adler32.ts'
import { SessionTracker } from '../../src/zookeeper/server/SessionTracker.ts'
import { generatePasswd } from '../../src/zookeeper/server/session-passwd.ts'
import {
  ZooKeeperServer,
  type ZooKeeperServerOptions,
} from '../../src/zookeeper/server/ZooKeeperServer.ts'

const DIRECTORY = '/zookeeper/version-2'

async function start(
  platform: MemoryPlatform,
  options: Partial<ZooKeeperServerOptions> = {},
): Promise<{ server: ZooKeeperServer; session: ZooKeeperSession }> {
  const server = new ZooKeeperServer({ platform, dataDir: '/zookeeper', ...options })
  await server.startup()
  const session = await inProcessConnect(server)({
    ...{ connectString: 'here', sessionTimeoutMs: 20_000, connectionTimeoutMs: 20_000 },
    ...{ onWatch: () => undefined, onState: () => undefined },
  })
  return { server, session }
}

function lastLog(platform: MemoryPlatform): string {
  const names = platform.storage.readdir(DIRECTORY).filter((n) => n.startsWith('log.'))
  return `${DIRECTORY}/${names.at(-1)}`
}

describe('durability', () => {
  it('every write that was answered survives a crash', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    const { session } = await start(platform)
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        session.create(`/n${i}`, Buffer.from(String(i)), 'PERSISTENT'),
      ),
    )
    platform.storage.crash()
    const again = await start(platform)
    const { children } = await again.session.getChildren('/')
    expect(children).toHaveLength(51)
    expect((await again.session.getData('/n49')).data?.toString()).toBe('49')
    await again.session.close()
    await again.server.shutdown()
  })

  it('a burst of writes waits for the disk about once', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    const { server, session } = await start(platform)
    let syncs = 0
    const { storage } = platform
    const strike = storage.strike.bind(storage)
    storage.strike = (operation, path) => {
      if (operation === 'sync') syncs++
      strike(operation, path)
    }
    await Promise.all(
      Array.from({ length: 200 }, () =>
        session.create('/s-', null, 'PERSISTENT_SEQUENTIAL'),
      ),
    )
    expect(syncs).toBeLessThanOrEqual(3)
    await session.close()
    await server.shutdown()
  })

  it('answers nothing that the disk refused, and stops serving', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    const { server, session } = await start(platform)
    platform.storage.addFault({ operations: ['sync'], code: 'EIO' })
    await expect(session.create('/x', null, 'PERSISTENT')).rejects.toMatchObject({
      codeName: 'CONNECTIONLOSS',
    })
    expect(server.isRunning).toBe(false)
    await session.close()
  })

  it('cuts a torn tail and keeps what stands before it', async () => {
    for (const damage of ['half a record', 'a flipped bit'] as const) {
      const platform = memoryPlatform({ clock: 'real' })
      const { server, session } = await start(platform)
      await session.create('/kept', null, 'PERSISTENT')
      const whole = platform.storage.stat(lastLog(platform))!.size
      await session.create('/torn', Buffer.alloc(100), 'PERSISTENT')
      await server.shutdown()
      const log = lastLog(platform)
      const bytes = Buffer.from(platform.storage.readFile(log))
      if (damage === 'a flipped bit') bytes[whole + 40]! ^= 1
      const left = damage === 'half a record' ? bytes.subarray(0, whole + 50) : bytes
      platform.storage.writeFile(log, left)

      const again = await start(platform)
      expect(await again.session.exists('/kept'), damage).toBeDefined()
      expect(await again.session.exists('/torn'), damage).toBeUndefined()
      await again.session.create('/torn', null, 'PERSISTENT')
      await again.server.shutdown()
      const third = await start(platform)
      expect(await third.session.exists('/torn')).toBeDefined()
      await third.server.shutdown()
    }
  })

  it('writes snapshots, purges what lies behind them, and reads them back', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    const { server, session } = await start(platform, { snapCount: 20 })
    const acl = [
      { perms: 31, scheme: 'digest', id: 'u:h' },
      { perms: 1, scheme: 'world', id: 'anyone' },
    ]
    await session.create('/top', null, 'PERSISTENT')
    await session.create('/top/acl', Buffer.alloc(0), 'PERSISTENT', acl)
    await session.create('/top/eph', null, 'EPHEMERAL')
    for (let i = 0; i < 150; i++) await session.setData('/top', Buffer.from(String(i)))
    const names = platform.storage.readdir(DIRECTORY)
    expect(names.filter((n) => n.startsWith('snapshot.'))).toHaveLength(3)
    expect(names.filter((n) => n.startsWith('log.')).length).toBeLessThanOrEqual(4)
    const before = [
      await session.getData('/top'),
      await session.getData('/top/acl'),
      await session.getAcl('/top/acl'),
      await session.exists('/top/eph'),
    ]
    await server.shutdown()
    await server.startup()
    const other = await inProcessConnect(server)({
      ...{ connectString: 'here', sessionTimeoutMs: 9000, connectionTimeoutMs: 20_000 },
      ...{ onWatch: () => undefined, onState: () => undefined },
    })
    expect([
      await other.getData('/top'),
      await other.getData('/top/acl'),
      await other.getAcl('/top/acl'),
      await other.exists('/top/eph'),
    ]).toEqual(before)
    await other.close()
    await session.close()
    await server.shutdown()
  })

  it('a data directory belongs to one server', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    const { server } = await start(platform)
    await expect(start(platform)).rejects.toThrow()
    await server.shutdown()
  })

  it('numbers of a new database are above those of one that was lost', async () => {
    const platform = memoryPlatform()
    const zxid = async (): Promise<bigint> => {
      const { server, session } = await start(memoryPlatform({ clock: 'real' }))
      const path = await session.create('/x', null, 'PERSISTENT')
      const { czxid } = (await session.exists(path))!
      await server.shutdown()
      return czxid
    }
    expect((await zxid()) >> 32n).toBeGreaterThan(
      BigInt(Math.floor(platform.clock.now() / 1000)),
    )
  })
})

describe('SessionTracker', () => {
  it('lets a session go in the tick after its timeout, unless it was touched', async () => {
    const { virtualClock: clock } = memoryPlatform()
    const expired: bigint[] = []
    const tracker = new SessionTracker({
      ...{ clock, tickTimeMs: 1000, expire: (id: bigint) => expired.push(id) },
    })
    const quiet = tracker.createSession(4000)
    const busy = tracker.createSession(4000)
    await clock.advance(3000)
    expect(tracker.touchSession(busy)).toBe(true)
    await clock.advance(1999)
    await clock.settle()
    expect(expired).toEqual([])
    await clock.advance(1)
    await clock.settle()
    expect(expired).toEqual([quiet])
    expect(tracker.isLive(quiet)).toBe(false)
    expect(tracker.touchSession(quiet)).toBe(false)
    await clock.advance(3000)
    await clock.settle()
    expect(expired).toEqual([quiet, busy])
    tracker.shutdown()
  })

  it('expires a silent client of the server, and what lived with it', async () => {
    const platform = memoryPlatform()
    const { virtualClock: clock } = platform
    const server = new ZooKeeperServer({ platform, tickTimeMs: 1000 })
    await server.startup()
    const states: string[] = []
    const connectInProcess = () => server.connectInProcess()
    const open = (onState: (state: string) => void, pings: Clock = clock) =>
      inProcessConnect({ connectInProcess, clock: pings })({
        ...{ connectString: 'here', sessionTimeoutMs: 4000, connectionTimeoutMs: 9000 },
        ...{ onWatch: () => undefined, onState },
      })
    const alive = await open((state) => states.push(state))

    // A client whose timers never fire sends no pings.
    const stopped: Clock = {
      now: () => 0,
      monotonic: () => 0,
      setTimeout: () => ({}),
      clearTimeout: () => undefined,
      sleep: () => new Promise(() => undefined),
    }
    const silent = await open(() => undefined, stopped)
    await silent.create('/e', null, 'EPHEMERAL')
    await clock.advance(20_000)
    await clock.settle()
    expect(await alive.exists('/e')).toBeUndefined()
    expect(states).toEqual(['connected'])
    await alive.close()
    await silent.close()
    await server.shutdown()
  })
})

describe('small parts', () => {
  it('generateDigest() is that of ZooKeeper', () => {
    expect(generateDigest('super:test')).toBe('super:D/InIHSb7yEEbrWz8b9l71RjZJU=')
    expect(generateDigest('u:p')).toBe('u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=')
  })

  it('generatePasswd() is what java.util.Random gives', () => {
    const hex = (id: bigint): string => generatePasswd(id).toString('hex')
    expect(hex(1n)).toBe('054cc74a37327db215e702e20c73f005')
    expect(hex(45605292032589824n)).toBe('6753743b683effd41dce9f62f118974f')
    expect(hex(-5n)).toBe('d47144b5e45e45c49c3b7fdcd66257ba')
  })

  it('adler32() is that of RFC 1950', () => {
    expect(adler32(Buffer.from('Wikipedia'))).toBe(0x11e60398)
    expect(adler32(Buffer.alloc(0))).toBe(1)
    expect(adler32(Buffer.alloc(100_000, 255))).toBe(0x149a302c)
  })
})

describe('quotas', () => {
  const LIMITS = '/zookeeper/quota/app/zookeeper_limits'
  const STATS = '/zookeeper/quota/app/zookeeper_stats'
  const stats = async (session: ZooKeeperSession): Promise<string> =>
    String((await session.getData(STATS)).data)

  it('count what lies below a node, also over a snapshot and a log', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    const { server, session } = await start(platform, { snapCount: 20 })
    await session.create('/app', Buffer.from('abc'), 'PERSISTENT')
    await session.create('/zookeeper/quota/app', null, 'PERSISTENT')
    await session.create(LIMITS, Buffer.from('count=2,bytes=-1'), 'PERSISTENT')
    await session.create(STATS, Buffer.from('count=0,bytes=0'), 'PERSISTENT')
    expect(await stats(session)).toBe('count=1,bytes=3')

    // Over the limit nobody is refused.
    await session.create('/app/x', Buffer.from('12345'), 'PERSISTENT')
    await session.create('/app/x/y', null, 'PERSISTENT')
    await session.create('/apple', Buffer.from('not below it'), 'PERSISTENT')
    expect(await stats(session)).toBe('count=3,bytes=8')
    await session.setData('/app/x', Buffer.from('1'), -1)
    await session.delete('/app/x/y', -1)
    expect(await stats(session)).toBe('count=2,bytes=4')
    const { stat } = await session.getData(STATS)
    expect(stat.version).toBe(0)

    // Begin again from a snapshot and the log behind it.
    for (let i = 0; i < 30; i++) await session.setData('/apple', null, -1)
    await session.create('/app/z', Buffer.from('zz'), 'PERSISTENT')
    await session.close()
    await server.shutdown()
    const again = await start(platform)
    expect(await stats(again.session)).toBe('count=3,bytes=6')

    // Count no more when the limit is gone.
    await again.session.delete(LIMITS, -1)
    await again.session.delete('/app/z', -1)
    expect(await stats(again.session)).toBe('count=3,bytes=6')
    await again.session.close()
    await again.server.shutdown()
  })
})
