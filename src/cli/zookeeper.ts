/**
 * # annotated-kafka zookeeper
 *
 * Runs the embedded ZooKeeper alone, for brokers of other processes and for any ZooKeeper
 * client. Prints one line when it serves.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodePlatform } from '../base/platform/node/node-platform.ts'
import { ZooKeeperServer } from '../zookeeper/server/ZooKeeperServer.ts'
import { untilSignal } from './until-signal.ts'

/** Options of the command. */
export interface ZookeeperOptions {
  readonly port: number
  readonly dataDir?: string
}

/** Runs the command; resolves after a signal, with everything on disk. */
export async function zookeeper(options: ZookeeperOptions): Promise<void> {
  const stopped = untilSignal()
  const temporary = options.dataDir
    ? undefined
    : mkdtempSync(join(tmpdir(), 'annotated-kafka-zookeeper-'))
  const server = new ZooKeeperServer({
    ...{ platform: nodePlatform(), host: '127.0.0.1', port: options.port, fsync: true },
    dataDir: options.dataDir ?? temporary ?? '',
  })
  await server.startup()
  process.stdout.write(`ready zookeeper.connect=127.0.0.1:${server.port}\n`)
  await stopped
  await server.shutdown()
  if (temporary) rmSync(temporary, { recursive: true, force: true })
}
