/**
 * The suite of sessions, run by both clients against the embedded server.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { nodePlatform } from '../../src/base/platform/node/node-platform.ts'
import { ConnectionLossException } from '../../src/zookeeper/client.ts'
import { inProcessConnect } from '../../src/zookeeper/in-process-session.ts'
import { connectWithNodeZookeeperClient } from '../../src/zookeeper/node-zookeeper-client-session.ts'
import { ZooKeeperServer } from '../../src/zookeeper/server/ZooKeeperServer.ts'
import type { World } from './session-fixture.ts'
import { describeSession } from './session-suite.ts'

async function inProcess(): Promise<World> {
  const platform = memoryPlatform({ clock: 'real' })
  const server = new ZooKeeperServer({ platform, dataDir: '/zookeeper' })
  await server.startup()
  return {
    connect: inProcessConnect(server),
    connectString: 'here',
    dropLinks: () => server.dropConnections(),
    expire: (sessionId) => server.expireSession(sessionId),
    restart: async () => {
      await server.shutdown()
      await server.startup()
    },
    close: () => server.shutdown(),
  }
}

async function overSockets(): Promise<World> {
  const dataDir = mkdtempSync(join(tmpdir(), 'zookeeper-'))
  let port = 0
  const make = () => new ZooKeeperServer({ platform: nodePlatform(), dataDir, port })
  let server = make()
  await server.startup()
  port = server.port
  return {
    connect: connectWithNodeZookeeperClient,
    connectString: server.connectString,
    dropLinks: () => server.dropConnections(),
    expire: (sessionId) => server.expireSession(sessionId),
    restart: async () => {
      await server.shutdown()
      server = make()
      await server.startup()
    },
    close: async () => {
      await server.shutdown()
      rmSync(dataDir, { recursive: true })
    },
  }
}

describeSession('in process, memory platform', inProcess)
describeSession('node-zookeeper-client, sockets and files', overSockets)

describe('connectWithNodeZookeeperClient()', () => {
  const nobody = { onWatch: () => undefined, onState: () => undefined }

  it('rejects when nobody answers in time, and leaves nothing open', async () => {
    await expect(
      connectWithNodeZookeeperClient({
        ...{ connectString: '127.0.0.1:1', sessionTimeoutMs: 6000, ...nobody },
        connectionTimeoutMs: 50,
      }),
    ).rejects.toThrow(ConnectionLossException)
  })

  it('finds the one server of several that lives', async () => {
    const server = new ZooKeeperServer({ platform: nodePlatform(), port: 0 })
    await server.startup()
    const session = await connectWithNodeZookeeperClient({
      connectString: `127.0.0.1:1, ${server.connectString} ,127.0.0.1:2`,
      ...{ sessionTimeoutMs: 6000, connectionTimeoutMs: 20_000, ...nobody },
    })
    expect(session.state).toBe('connected')
    await session.close()
    await server.shutdown()
  })

  it('refuses a connect string that it cannot use', () => {
    for (const connectString of ['', '/x', 'h:0', 'h:x', '[::1]:2181', 'h:1/x//y']) {
      expect(() =>
        connectWithNodeZookeeperClient({
          ...{ connectString, sessionTimeoutMs: 1, connectionTimeoutMs: 1, ...nobody },
        }),
      ).toThrow()
    }
  })
})
