/**
 * The client that outlives its sessions, over an embedded server in memory.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Condition } from '../../src/base/async/Condition.ts'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import {
  SessionExpiredException,
  type ZooKeeperConnect,
} from '../../src/zookeeper/client.ts'
import { inProcessConnect } from '../../src/zookeeper/in-process-session.ts'
import { ZooKeeperServer } from '../../src/zookeeper/server/ZooKeeperServer.ts'
import {
  ZooKeeperClient,
  ZooKeeperClientTimeoutException,
} from '../../src/zookeeper/ZooKeeperClient.ts'

describe('ZooKeeperClient', () => {
  const platform = memoryPlatform({ clock: 'real' })
  let server: ZooKeeperServer
  let client: ZooKeeperClient
  let told: string[]
  let heard: Condition

  const makeClient = (connect: ZooKeeperConnect = inProcessConnect(server)) =>
    new ZooKeeperClient({
      ...{ connect, connectString: 'here', clock: platform.clock },
      ...{ sessionTimeoutMs: 10_000, connectionTimeoutMs: 20_000 },
      maxInFlightRequests: 10,
    })
  const note = (what: string): void => {
    told.push(what)
    heard.signalAll()
  }
  const until = async (what: string): Promise<void> => {
    while (!told.includes(what)) await heard.wait()
  }

  beforeEach(async () => {
    told = []
    heard = new Condition()
    server = new ZooKeeperServer({ platform, dataDir: `/zk-${platform.random.uuid()}` })
    await server.startup()
    client = makeClient()
    await client.start()
  })
  afterEach(async () => {
    await client.close()
    await server.shutdown()
  })

  it('sets a watch only for a path with a handler, and again at each read', async () => {
    client.registerZNodeChangeHandler({
      path: '/a',
      handleCreation: () => note('created'),
      handleDataChange: () => note('changed'),
      handleDeletion: () => note('deleted'),
    })
    client.registerZNodeChildChangeHandler({
      path: '/',
      handleChildChange: () => note('children'),
    })

    // Registering alone sends nothing.
    await client.create('/quiet', null, 'PERSISTENT')
    expect(told).toEqual([])
    await client.exists('/a')
    await client.getChildren('/')
    await client.create('/a', null, 'PERSISTENT')
    expect(told).toEqual(['created', 'children'])
    await client.setData('/a', Buffer.from('unseen'))
    await client.getData('/a')
    await client.setData('/a', Buffer.from('seen'))
    await client.exists('/a')
    await client.delete('/a')
    expect(told).toEqual(['created', 'children', 'changed', 'deleted'])

    // A handler that was taken back hears nothing of a watch that is still set.
    await client.exists('/a')
    client.unregisterZNodeChangeHandler('/a')
    await client.create('/a', null, 'PERSISTENT')
    expect(told).toHaveLength(4)
  })

  it('survives a handler that throws', async () => {
    client.registerZNodeChangeHandler({
      path: '/a',
      handleCreation: () => {
        throw new Error('a handler of ours is broken')
      },
    })
    await client.exists('/a')
    await client.create('/a', null, 'PERSISTENT')
    expect(await client.exists('/a')).toBeDefined()
  })

  it('sends again what a lost link has cut off', async () => {
    await client.create('/n', null, 'PERSISTENT')
    const reads = Promise.all(Array.from({ length: 100 }, () => client.getData('/n')))
    server.dropConnections()
    expect(await reads).toHaveLength(100)
  })

  it('waits for a server that restarts', async () => {
    await client.create('/n', null, 'PERSISTENT')
    await server.shutdown()
    const read = client.exists('/n')
    await server.startup()
    expect((await read)?.version).toBe(0)
  })

  it('keeps no more requests under way than it may', async () => {
    let underWay = 0
    let most = 0
    const inner = inProcessConnect(server)
    const counting = makeClient(async (options) => {
      const session = await inner(options)
      const exists = session.exists.bind(session)
      session.exists = async (path, watch) => {
        most = Math.max(most, ++underWay)
        try {
          return await exists(path, watch)
        } finally {
          underWay--
        }
      }
      return session
    })
    await counting.start()
    await Promise.all(Array.from({ length: 100 }, () => counting.exists('/')))
    expect(most).toBe(10)
    await counting.close()
  })

  it('replaces an expired session between the two kinds of state handlers', async () => {
    const old = client.currentSessionId
    await client.create('/e', null, 'EPHEMERAL')
    client.registerStateChangeHandler({
      name: 'test',
      beforeInitializingSession: async () => {
        // The old session still stands here, and everything sent over it fails.
        expect(client.currentSessionId).toBe(old)
        const failure = await client.exists('/e').catch((e: unknown) => e)
        note(failure instanceof SessionExpiredException ? 'before' : 'wrong')
      },
      afterInitializingSession: async () => {
        expect(await client.exists('/e')).toBeUndefined()
        await client.create('/e', null, 'EPHEMERAL')
        note('after')
      },
    })
    server.expireSession(old)
    await until('after')
    expect(told).toEqual(['before', 'after'])
    const counts = { connected: 2, connecting: 1, expired: 1 }
    expect(Object.fromEntries(client.stateCounts)).toEqual(counts)
    expect(client.currentSessionId).not.toBe(old)
    expect((await client.exists('/e'))?.ephemeralOwner).toBe(client.currentSessionId)

    // Handlers stay, watches do not: the next read sets them on the new session.
    client.registerZNodeChangeHandler({
      path: '/e',
      handleDataChange: () => note('changed'),
    })
    await client.getData('/e')
    await client.setData('/e', null)
    expect(told.at(-1)).toBe('changed')
  })

  it('start() rejects when no connection comes about in time', async () => {
    await server.shutdown()
    const late = new ZooKeeperClient({
      ...{ connect: inProcessConnect(server), connectString: 'here' },
      ...{ sessionTimeoutMs: 10_000, connectionTimeoutMs: 20 },
      ...{ clock: platform.clock, maxInFlightRequests: 10 },
    })
    await expect(late.start()).rejects.toThrow(ZooKeeperClientTimeoutException)
    await late.close()
  })

  it('close() frees those who wait, and comes to an end at any time', async () => {
    await server.shutdown()
    const waiting = client.exists('/').catch((e: unknown) => e)
    await Promise.all([client.close(), client.close()])
    expect(await waiting).toBeInstanceOf(Error)
    await expect(client.exists('/')).rejects.toThrow()
  })
})
