/**
 * Debian's own ZooKeeper (`apt-get install zookeeper`), run by tests on a free port.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'

const JARS = [
  ...['zookeeper', 'zookeeper-jute', 'slf4j-api', 'slf4j-simple', 'netty-all'],
  ...['metrics-core', 'snappy-java', 'commons-cli', 'commons-io'],
].map((name) => `/usr/share/java/${name}.jar`)

/** What is not installed; `undefined` where it can run. */
export const missing = !existsSync(JARS[0]!)
  ? JARS[0]
  : spawnSync('java', ['-version']).error
    ? 'java'
    : undefined

if (missing !== undefined) {
  console.warn(`skipped: no real ZooKeeper here (${missing} is missing)`)
}

/** Starts a server and waits until it says that it listens. @returns its port */
export async function startServer(
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
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as net.AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
