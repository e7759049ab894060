/** Clients on a {@link FakeZooKeeper}. @module */

import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { KafkaZkClient } from '../../src/zk/KafkaZkClient.ts'
import { ZooKeeperClient } from '../../src/zookeeper/ZooKeeperClient.ts'
import { FakeZooKeeper } from './fake-zookeeper.ts'

/** Starts a client of its own session. */
export async function startZooKeeperClient(server: FakeZooKeeper) {
  const client = new ZooKeeperClient({
    connect: server.connect,
    connectString: 'fake:2181',
    sessionTimeoutMs: 6000,
    connectionTimeoutMs: 6000,
    maxInFlightRequests: 10,
    clock: memoryPlatform({ seed: 1 }).clock,
  })
  await client.start()
  return client
}

/** A server with the top-level paths, and a client of it. */
export async function startZk(server = new FakeZooKeeper()) {
  const platform = memoryPlatform({ seed: 1 })
  const client = await startZooKeeperClient(server)
  const zkClient = new KafkaZkClient(client, false, platform)
  await zkClient.createTopLevelPaths()
  return { server, zkClient, client, platform }
}
