/**
 * Where a command finds its cluster: `--bootstrap-server` (or `--broker-list`), or
 * `--zookeeper`.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import {
  ConfigException,
  IllegalArgumentException,
  IOException,
} from '../base/errors.ts'
import { nodePlatform } from '../base/platform/node/node-platform.ts'
import type { Platform } from '../base/platform/Platform.ts'
import { ClusterClient, type ClusterClientOptions } from '../clients/ClusterClient.ts'
import { KafkaConfig } from '../server/KafkaConfig.ts'
import type { KafkaZkClient } from '../zk/KafkaZkClient.ts'
import type { ZooKeeperClient } from '../zookeeper/ZooKeeperClient.ts'
import { withZooKeeper } from './admin/open-zookeeper.ts'

/** How long a broker may take to answer, in ms. */
const REQUEST_TIMEOUT_MS = 30_000

/** The flags that name a cluster. */
export interface ClusterOptions {
  readonly bootstrapServer?: string
  readonly zookeeper?: string
  /** A file of settings for the client of the brokers. */
  readonly commandConfig?: string
}

/** What a file of settings may say of a client that only asks and orders. */
type ClientSettings = Partial<
  Pick<ClusterClientOptions, 'clientId' | 'requestTimeoutMs'>
>

/** What a command does on either way to a cluster. */
export interface ClusterCommand {
  readonly zookeeper?: (
    zkClient: KafkaZkClient,
    platform: Platform,
    session: ZooKeeperClient,
  ) => Promise<void>
  readonly brokers?: (client: ClusterClient, platform: Platform) => Promise<void>
}

/**
 * Opens the way that the flags name, runs the command, and closes it.
 *
 * @throws IllegalArgumentException (rejects) when no way is named, or two
 */
export async function onCluster(
  { bootstrapServer, zookeeper, commandConfig }: ClusterOptions,
  command: ClusterCommand,
): Promise<void> {
  // Take one way.
  const ways = [
    command.brokers && '--bootstrap-server',
    command.zookeeper && '--zookeeper',
  ]
  const byZooKeeper = zookeeper !== undefined && command.zookeeper !== undefined
  const byBrokers = bootstrapServer !== undefined && command.brokers !== undefined
  if (byZooKeeper === byBrokers) {
    throw new IllegalArgumentException(
      `give ${byZooKeeper ? 'only one of ' : ''}${ways.filter(Boolean).join(' or ')}`,
    )
  }
  const platform = nodePlatform()
  if (byZooKeeper) {
    await withZooKeeper(platform, zookeeper, async (zkClient, session) => {
      await command.zookeeper?.(zkClient, platform, session)
    })
    return
  }

  // Speak to the brokers.
  const settings =
    commandConfig === undefined
      ? {}
      : clientSettings(readFileSync(commandConfig, 'utf8'))
  const client = clusterClient(platform, bootstrapServer ?? '', settings)
  try {
    await command.brokers?.(client, platform)
  } finally {
    client.close()
  }
}

/**
 * A client for a command.
 *
 * @param bootstrapServers - `host:port`, with commas between
 * @param settings - other than the usual
 */
export function clusterClient(
  { network, clock }: Platform,
  bootstrapServers: string,
  settings: ClientSettings = {},
): ClusterClient {
  return new ClusterClient({
    ...{ bootstrapServers, clientId: 'annotated-kafka', network, clock },
    ...{ requestTimeoutMs: REQUEST_TIMEOUT_MS, ...settings },
  })
}

/**
 * Reads what the file of `--command-config` says: `client.id`, `request.timeout.ms`. Other
 * settings mean nothing to a client that connects, asks and ends.
 *
 * @param text - lines of a properties file
 * @throws ConfigException for a time that is none, and for security, which is not there
 */
export function clientSettings(text: string): ClientSettings {
  const props = KafkaConfig.parseProperties(text)
  const protocol = props['security.protocol'] ?? 'PLAINTEXT'
  if (protocol !== 'PLAINTEXT') {
    throw new ConfigException(`security.protocol is ${protocol}; expected PLAINTEXT`)
  }
  const { 'client.id': clientId, 'request.timeout.ms': timeout } = props
  const requestTimeoutMs = Number(timeout ?? REQUEST_TIMEOUT_MS)
  if (!Number.isSafeInteger(requestTimeoutMs) || requestTimeoutMs < 1) {
    throw new ConfigException(`request.timeout.ms is ${timeout}; expected 1 or more`)
  }
  return { requestTimeoutMs, ...(clientId !== undefined && { clientId }) }
}

/**
 * Where the brokers listen, as ZooKeeper knows.
 *
 * @returns `host:port`, with commas between
 * @throws IOException (rejects) when no broker is there
 */
export async function addressesOf(zkClient: KafkaZkClient): Promise<string> {
  const brokers = await zkClient.getAllBrokersInCluster()
  const plain = brokers.flatMap(({ endPoints }) =>
    endPoints.filter(({ securityProtocol }) => securityProtocol === 'PLAINTEXT'),
  )
  if (plain.length === 0) throw new IOException('ZooKeeper names no broker')
  return plain.map(({ host, port }) => `${host}:${port}`).join(',')
}

/** Prints one line of output. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
