/**
 * # Three brokers
 *
 * Three broker processes on one ZooKeeper process, for what only more than one can show.
 *
 * @module
 */
import { nodePlatform } from '../../base/platform/node/node-platform.ts'
import { BrokerProcess } from '../../testing/chaos/BrokerProcess.ts'
import { createTopic } from '../../testing/chaos/create-topic.ts'
import { freePorts } from '../../testing/chaos/free-ports.ts'
import { clusterClient } from '../../testing/chaos/TopicLeaders.ts'
import { ZooKeeperProcess } from '../../testing/chaos/ZooKeeperProcess.ts'
import { inTemporaryDirectory } from './processes.ts'

const BROKERS = 3

/** Processes that run. */
export interface ThreeBrokers {
  readonly brokers: readonly BrokerProcess[]
  readonly ports: readonly number[]
  readonly zookeeper: ZooKeeperProcess
}

/** Runs `body` with three brokers, and ends them. */
export function withThreeBrokers<T>(
  config: Readonly<Record<string, string>>,
  body: (cluster: ThreeBrokers) => Promise<T>,
): Promise<T> {
  return inTemporaryDirectory(async (home) => {
    const [zookeeperPort = 0, ...ports] = await freePorts(1 + BROKERS)
    const zookeeper = new ZooKeeperProcess(home, zookeeperPort)
    await zookeeper.start()
    const brokers = ports.map((port, id) => {
      const options = { id, home, port, advertisedPort: port, zookeeperPort, config }
      return new BrokerProcess(options)
    })
    try {
      for (const broker of brokers)
        if (!(await broker.start()))
          throw new Error(`broker ${broker.id} did not start`)
      return await body({ brokers, ports, zookeeper })
    } finally {
      await Promise.all(brokers.map((broker) => broker.kill()))
      await zookeeper.kill()
    }
  })
}

/** Creates a topic of one partition; the first of `replicas` leads it. */
export async function createAssigned(
  { ports }: ThreeBrokers,
  topic: string,
  replicas: readonly number[],
): Promise<void> {
  const client = clusterClient({
    ...{ clientId: 'bench', bootstrapServers: bootstrapOf(ports) },
    platform: nodePlatform(),
  })
  try {
    await createTopic(client, topic, [replicas])
  } finally {
    client.close()
  }
}

/** The addresses of brokers on loopback. */
export function bootstrapOf(ports: readonly number[]): string {
  return ports.map((port) => `127.0.0.1:${port}`).join()
}
