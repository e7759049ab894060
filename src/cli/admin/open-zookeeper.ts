/**
 * A session with the ZooKeeper of a cluster, for a command that works through znodes.
 *
 * @module
 */
import type { Platform } from '../../base/platform/Platform.ts'
import { KafkaZkClient } from '../../zk/KafkaZkClient.ts'
import { connectWithNodeZookeeperClient } from '../../zookeeper/node-zookeeper-client-session.ts'
import { ZooKeeperClient } from '../../zookeeper/ZooKeeperClient.ts'

/** Session and connection timeout of Kafka's own commands, in ms. */
const TIMEOUT_MS = 30_000

/**
 * Opens a session and hands it to `use`; closes it afterwards.
 *
 * @param connectString - `host:port`, with commas between, and perhaps a path behind
 * @throws (rejects) when no server answers in time, and what `use` throws
 */
export async function withZooKeeper<T>(
  platform: Platform,
  connectString: string,
  use: (zkClient: KafkaZkClient, session: ZooKeeperClient) => Promise<T>,
): Promise<T> {
  const client = new ZooKeeperClient({
    ...{ connect: connectWithNodeZookeeperClient, connectString },
    ...{ sessionTimeoutMs: TIMEOUT_MS, connectionTimeoutMs: TIMEOUT_MS },
    maxInFlightRequests: Number.MAX_SAFE_INTEGER,
    clock: platform.clock,
  })
  await client.start()
  const zkClient = new KafkaZkClient(client, false, platform)
  try {
    return await use(zkClient, client)
  } finally {
    await zkClient.close()
  }
}
