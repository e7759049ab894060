/**
 * Where a command finds its cluster: `--bootstrap-server` (or `--broker-list`), or
 * `--zookeeper`.
 *
 * @module
 */
import { IllegalArgumentException, IOException } from '../base/errors.ts'
import { nodePlatform } from '../base/platform/node/node-platform.ts'
import type { Platform } from '../base/platform/Platform.ts'
import { ClusterClient } from '../clients/ClusterClient.ts'
import type { KafkaZkClient } from '../zk/KafkaZkClient.ts'
import type { ZooKeeperClient } from '../zookeeper/ZooKeeperClient.ts'
import { withZooKeeper } from './admin/open-zookeeper.ts'

/** How long a broker may take to answer, in ms. */
const REQUEST_TIMEOUT_MS = 30_000

/** The flags that name a cluster. */
export interface ClusterOptions {
  readonly bootstrapServer?: string
  readonly zookeeper?: string
}

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
  { bootstrapServer, zookeeper }: ClusterOptions,
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
  const client = clusterClient(platform, bootstrapServer ?? '')
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
 * @param requestTimeoutMs - how long a broker may take to answer
 */
export function clusterClient(
  { network, clock }: Platform,
  bootstrapServers: string,
  requestTimeoutMs = REQUEST_TIMEOUT_MS,
): ClusterClient {
  return new ClusterClient({
    ...{ bootstrapServers, clientId: 'annotated-kafka', network, clock },
    requestTimeoutMs,
  })
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
