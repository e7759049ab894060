/**
 * # annotated-kafka zookeeper
 *
 * Runs the embedded ZooKeeper alone, for brokers of other processes and for any ZooKeeper
 * client. Takes a `zoo.cfg`, or the `zookeeper.properties` of Kafka, as the scripts of both
 * do. Prints one line when it serves.
 *
 * @module
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodePlatform } from '../base/platform/node/node-platform.ts'
import type { ConfiguredOptions } from '../zookeeper/server/QuorumPeerConfig.ts'
import { ZooKeeperServer } from '../zookeeper/server/ZooKeeperServer.ts'
import { untilSignal } from './until-signal.ts'

/** Options of the command. What is given wins over the file. */
export interface ZookeeperOptions {
  readonly port?: number
  readonly dataDir?: string
  /** Entries of a file, as `key=value`. */
  readonly override?: readonly string[]
}

/** The port when nobody says one. */
const DEFAULT_PORT = 2181

/**
 * Runs the command; resolves after a signal, with everything on disk.
 *
 * @param config - path of a file; undefined for none
 * @throws (rejects) ConfigException for a file that is not right; when the port is taken
 */
export async function zookeeper(
  config: string | undefined,
  options: ZookeeperOptions,
): Promise<void> {
  const stopped = untilSignal()
  const files = { temporary: undefined as string | undefined }
  const overrides = options.override ?? []
  const configured =
    config === undefined && overrides.length === 0
      ? withoutFile(options, files)
      : await fromFile(config, options, files)
  const server = new ZooKeeperServer({ platform: nodePlatform(), ...configured })
  try {
    await server.startup()
    process.stdout.write(`ready zookeeper.connect=${server.connectString}\n`)
    await stopped
    await server.shutdown()
  } finally {
    const { temporary } = files
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true })
  }
}

/** Where data is kept when nobody says: until the end of the process. */
function temporaryDirectory(files: { temporary: string | undefined }): string {
  files.temporary ??= mkdtempSync(join(tmpdir(), 'annotated-kafka-zookeeper-'))
  return files.temporary
}

function withoutFile(
  { port = DEFAULT_PORT, dataDir }: ZookeeperOptions,
  files: { temporary: string | undefined },
): ConfiguredOptions {
  const host = '127.0.0.1'
  return { host, port, dataDir: dataDir ?? temporaryDirectory(files), fsync: true }
}

async function fromFile(
  config: string | undefined,
  { port, dataDir, override = [] }: ZookeeperOptions,
  files: { temporary: string | undefined },
): Promise<ConfiguredOptions> {
  const { KafkaConfig } = await import('../server/KafkaConfig.ts')
  const { QuorumPeerConfig } = await import('../zookeeper/server/QuorumPeerConfig.ts')
  const text = config === undefined ? '' : readFileSync(config, 'utf8')
  const given = { ...KafkaConfig.parseProperties(text), ...entriesOf(override) }

  // Without a file there is a port, and a place for the data, as without all of this.
  if (config === undefined) {
    given.clientPort ??= String(DEFAULT_PORT)
    given.dataDir ??= dataDir ?? temporaryDirectory(files)
  }
  if (port !== undefined) given.clientPort = String(port)
  if (dataDir !== undefined) given.dataDir = dataDir
  const { options, unknownKeys } = new QuorumPeerConfig(given)
  for (const key of unknownKeys) process.stderr.write(`${key} means nothing here\n`)
  return options
}

function entriesOf(overrides: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    overrides.map((pair) => {
      const at = pair.indexOf('=')
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}
