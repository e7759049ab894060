import { expect, it } from 'vitest'
import { nodePlatform } from '../../src/base/platform/node/node-platform.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { KafkaController } from '../../src/controller/KafkaController.ts'
import { AdminZkClient } from '../../src/zk/AdminZkClient.ts'
import { Broker, BrokerInfo } from '../../src/zk/Broker.ts'
import { EndPoint } from '../../src/zk/EndPoint.ts'
import { KafkaZkClient } from '../../src/zk/KafkaZkClient.ts'
import { connectWithNodeZookeeperClient } from '../../src/zookeeper/node-zookeeper-client-session.ts'
import { ZooKeeperServer } from '../../src/zookeeper/server/ZooKeeperServer.ts'
import { ZooKeeperClient } from '../../src/zookeeper/ZooKeeperClient.ts'

/** Waits for one request that looks as wanted. */
class Requests {
  // biome-ignore lint/suspicious/noExplicitAny: a request of any kind
  readonly #all: { name: string; to: number; request: any }[] = []
  #wake = () => {}

  add(name: string, to: number, request: unknown): void {
    this.#all.push({ name, to, request })
    this.#wake()
  }

  async until(
    name: string,
    to: number,
    // biome-ignore lint/suspicious/noExplicitAny: a request of any kind
    wanted: (request: any) => boolean = () => true,
  ): Promise<void> {
    const isThere = () =>
      this.#all.some((r) => r.name === name && r.to === to && wanted(r.request))
    while (!isThere()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#all.length = 0
  }
}

/** Whether a LeaderAndIsr names the leader `id` for partition 0. */
function leadsPartition0(id: number) {
  // biome-ignore lint/suspicious/noExplicitAny: a request of any kind
  return (request: any) =>
    // biome-ignore lint/suspicious/noExplicitAny: a partition
    request.ungroupedPartitionStates.some((s: any) => !s.partition && s.leader === id)
}

it('controllers elect, create, fail over and delete on the embedded ZooKeeper', async () => {
  const platform = nodePlatform()
  const server = new ZooKeeperServer({ platform, host: '127.0.0.1', port: 0 })
  await server.startup()
  const requests = new Requests()

  async function startBroker(brokerId: number) {
    const client = new ZooKeeperClient({
      connect: connectWithNodeZookeeperClient,
      connectString: `127.0.0.1:${server.port}`,
      sessionTimeoutMs: 6000,
      connectionTimeoutMs: 6000,
      maxInFlightRequests: 10,
      clock: platform.clock,
    })
    await client.start()
    const zkClient = new KafkaZkClient(client, false, platform)
    await zkClient.createTopLevelPaths()
    const endPoint = new EndPoint('h', 9092, 'PLAINTEXT', 'PLAINTEXT')
    const initialBrokerInfo = new BrokerInfo(new Broker(brokerId, [endPoint]))
    await zkClient.registerBrokerInZk(initialBrokerInfo)
    const controller = new KafkaController({
      config: {
        brokerId,
        interBrokerListenerName: 'PLAINTEXT',
        controllerSocketTimeoutMs: 30_000,
        deleteTopicEnable: true,
        uncleanLeaderElectionEnable: false,
        autoLeaderRebalanceEnable: true,
        leaderImbalanceCheckIntervalSeconds: 300,
        leaderImbalancePerBrokerPercentage: 10,
        zkSessionTimeoutMs: 6000,
      },
      zkClient,
      platform,
      initialBrokerInfo,
      newClient: ({ id: to }) => ({
        async ready() {},
        // biome-ignore lint/suspicious/noExplicitAny: answers requests of any kind
        async sendAndReceive(api: any, _version: number, request: any) {
          requests.add(api.name, to, request)
          const partitions =
            request.ungroupedPartitions ?? request.ungroupedPartitionStates
          return {
            errorCode: 0,
            // biome-ignore lint/suspicious/noExplicitAny: a partition
            partitionErrors: partitions.map((p: any) => ({ ...p, errorCode: 0 })),
            // biome-ignore lint/suspicious/noExplicitAny: an answer of any kind
          } as any
        },
        close() {},
      }),
    })
    controller.startup()
    return {
      controller,
      zkClient,
      async stop() {
        await controller.shutdown()
        await zkClient.close()
      },
    }
  }

  const first = await startBroker(1)
  await requests.until('UpdateMetadata', 1)
  const second = await startBroker(2)
  await requests.until('UpdateMetadata', 2)
  const admin = new AdminZkClient(second.zkClient, { nextInt: () => 0 })
  const assignment = new Map([[0, [1, 2]]])
  await admin.createOrUpdateTopicPartitionAssignmentPathInZK('t', assignment)
  await requests.until('LeaderAndIsr', 2, leadsPartition0(1))

  await first.stop()
  await requests.until('LeaderAndIsr', 2, leadsPartition0(2))
  expect(second.controller.isActive).toBe(true)
  expect(second.controller.epoch).toBe(2)
  const state = await second.zkClient.getTopicPartitionState(new TopicPartition('t', 0))
  expect(state?.controllerEpoch).toBe(2)
  expect(state?.leaderAndIsr).toMatchObject({ leader: 2, leaderEpoch: 1, isr: [2] })

  const third = await startBroker(1)
  await requests.until('UpdateMetadata', 1)
  await admin.deleteTopic('t')
  await requests.until('StopReplica', 1)
  await third.stop()
  await second.stop()
  await server.shutdown()
})
