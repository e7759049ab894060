/**
 * The suite of sessions by node-zookeeper-client against Debian's own ZooKeeper
 * (`apt-get install zookeeper`). Where Java or its jars are missing it is skipped aloud.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { connectWithNodeZookeeperClient } from '../../src/zookeeper/node-zookeeper-client-session.ts'
import { freePort, missing, startServer } from './debian-zookeeper.ts'
import type { World } from './session-fixture.ts'
import { describeSession } from './session-suite.ts'

/** A way to the server that can be cut. */
function startProxy(to: number): Promise<{ port: number; cut(): void; close(): void }> {
  const sockets = new Set<net.Socket>()
  const proxy = net.createServer((near) => {
    const far = net.connect(to, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  })
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return new Promise((resolve) => {
    proxy.listen(0, '127.0.0.1', () => {
      const close = (): void => {
        proxy.close()
        cut()
      }
      resolve({ port: (proxy.address() as net.AddressInfo).port, cut, close })
    })
  })
}

async function realZooKeeper(): Promise<World> {
  const dataDir = mkdtempSync(join(tmpdir(), 'real-zookeeper-'))
  const port = await freePort()
  let { server } = await startServer(dataDir, port)
  const proxy = await startProxy(port)
  const stop = (): Promise<unknown> => {
    const exit = new Promise((resolve) => server.once('exit', resolve))
    server.kill('SIGKILL')
    return exit
  }
  return {
    connect: connectWithNodeZookeeperClient,
    connectString: `127.0.0.1:${proxy.port}`,
    dropLinks: () => proxy.cut(),
    restart: async () => {
      await stop()
      ;({ server } = await startServer(dataDir, port))
    },
    close: async () => {
      await stop()
      proxy.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

if (missing === undefined) {
  describeSession("node-zookeeper-client, Debian's ZooKeeper", realZooKeeper)
} else {
  describe.skip("node-zookeeper-client, Debian's ZooKeeper", () => {
    it(`needs ${missing}`, () => undefined)
  })
}
