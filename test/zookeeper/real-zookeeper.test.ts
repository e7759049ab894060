/**
 * The suite of sessions by node-zookeeper-client against Debian's own ZooKeeper
 * (`apt-get install zookeeper`). Where Java or its jars are missing it is skipped aloud.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { connectWithNodeZookeeperClient } from '../../src/zookeeper/node-zookeeper-client-session.ts'
import type { World } from './session-fixture.ts'
import { describeSession } from './session-suite.ts'

const JARS = [
  ...['zookeeper', 'zookeeper-jute', 'slf4j-api', 'slf4j-simple', 'netty-all'],
  ...['metrics-core', 'snappy-java', 'commons-cli', 'commons-io'],
].map((name) => `/usr/share/java/${name}.jar`)

const missing = !existsSync(JARS[0]!)
  ? JARS[0]
  : spawnSync('java', ['-version']).error
    ? 'java'
    : undefined

/** Starts a server and waits until it says that it listens. @returns its port */
async function startServer(
  dataDir: string,
  port: number,
): Promise<{ server: ChildProcess; port: number }> {
  const config = join(dataDir, 'zoo.cfg')
  const settings = [
    ...[`dataDir=${dataDir}`, 'tickTime=1000', `clientPort=${port}`],
    ...['clientPortAddress=127.0.0.1', 'admin.enableServer=false', 'maxClientCnxns=0'],
  ]
  writeFileSync(config, settings.join('\n'))
  const server = spawn('java', [
    ...['-Xmx128m', '-cp', JARS.join(':')],
    ...['org.apache.zookeeper.server.quorum.QuorumPeerMain', config],
  ])
  let said = ''
  await new Promise<void>((resolve, reject) => {
    const listen = (chunk: Buffer): void => {
      said += chunk
      if (/binding to port|PrepRequestProcessor .*started/.test(said)) resolve()
    }
    server.stderr.on('data', listen)
    server.stdout.on('data', listen)
    server.once('exit', () => reject(new Error(`ZooKeeper did not start:\n${said}`)))
  })
  return { server, port }
}

/** @returns a port that nobody used a moment ago */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as net.AddressInfo
      probe.close(() => resolve(port))
    })
  })
}

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
  console.warn(`skipped: no real ZooKeeper here (${missing} is missing)`)
  describe.skip("node-zookeeper-client, Debian's ZooKeeper", () => {
    it(`needs ${missing}`, () => undefined)
  })
}
