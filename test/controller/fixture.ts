/**
 * A controller on a fake ZooKeeper, and brokers that answer what a test tells them to.
 * Requests pass through the real codecs on their way.
 *
 * @module
 */

import { Deferred } from '../../src/base/async/Deferred.ts'
import { ByteReader } from '../../src/base/bytes/ByteReader.ts'
import { ByteWriter } from '../../src/base/bytes/ByteWriter.ts'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import type { ControllerClient } from '../../src/controller/ControllerChannelManager.ts'
import type { ControllerConfig } from '../../src/controller/ControllerConfig.ts'
import { KafkaController } from '../../src/controller/KafkaController.ts'
import type { Api } from '../../src/protocol/Api.ts'
import type { LeaderAndIsrRequest } from '../../src/protocol/messages/LeaderAndIsr.ts'
import type { StopReplicaRequest } from '../../src/protocol/messages/StopReplica.ts'
import type { UpdateMetadataRequest } from '../../src/protocol/messages/UpdateMetadata.ts'
import { AdminZkClient } from '../../src/zk/AdminZkClient.ts'
import { Broker, BrokerInfo } from '../../src/zk/Broker.ts'
import { EndPoint } from '../../src/zk/EndPoint.ts'
import { KafkaZkClient } from '../../src/zk/KafkaZkClient.ts'
import { FakeZooKeeper } from '../zk/fake-zookeeper.ts'
import { startZooKeeperClient } from '../zk/zk-fixture.ts'

/** Lets everything happen that can happen without time passing. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** One request a broker got, with the fields of all kinds. */
export interface Received {
  readonly from: string
  readonly to: number
  readonly name: string
  // biome-ignore lint/suspicious/noExplicitAny: a request of any kind
  readonly request: any
}

/** A cluster of scripted brokers. */
export class FakeCluster {
  readonly zooKeeper = new FakeZooKeeper()
  readonly platform = memoryPlatform({ seed: 1 })
  readonly received: Received[] = []
  readonly controllers = new Map<number, KafkaController>()
  readonly zkClients = new Map<number, KafkaZkClient>()

  /** Answers a request; absent: everything went well. May throw: the link breaks. */
  // biome-ignore lint/suspicious/noExplicitAny: an answer of any kind
  answer: (r: Received) => any = () => undefined

  admin!: AdminZkClient

  /** Registers a broker and starts its controller. */
  async startBroker(
    id: number,
    overrides: Partial<ControllerConfig> = {},
  ): Promise<KafkaController> {
    // Open a session and register.
    const client = await startZooKeeperClient(this.zooKeeper)
    const zkClient = new KafkaZkClient(client, false, this.platform)
    this.admin ??= new AdminZkClient(zkClient, { nextInt: () => 0 })
    await zkClient.createTopLevelPaths()
    const endPoint = new EndPoint(`b${id}`, 9092, 'PLAINTEXT', 'PLAINTEXT')
    const initialBrokerInfo = new BrokerInfo(new Broker(id, [endPoint]))
    await zkClient.registerBrokerInZk(initialBrokerInfo)

    // Start the controller.
    const config: ControllerConfig = {
      brokerId: id,
      interBrokerListenerName: 'PLAINTEXT',
      controllerSocketTimeoutMs: 30_000,
      deleteTopicEnable: true,
      uncleanLeaderElectionEnable: false,
      autoLeaderRebalanceEnable: false,
      leaderImbalanceCheckIntervalSeconds: 300,
      leaderImbalancePerBrokerPercentage: 10,
      zkSessionTimeoutMs: 6000,
      ...overrides,
    }
    const controller = new KafkaController({
      config,
      zkClient,
      platform: this.platform,
      initialBrokerInfo,
      newClient: ({ id: to }) => this.#client(String(id), to),
    })
    this.controllers.set(id, controller)
    this.zkClients.set(id, zkClient)
    controller.startup()
    await settle()
    return controller
  }

  /** Kills a broker: its session ends and its controller stops. */
  async killBroker(id: number): Promise<void> {
    await this.controllers.get(id)?.shutdown()
    await this.zkClients.get(id)?.close()
    this.controllers.delete(id)
    this.zkClients.delete(id)
    await settle()
  }

  /** Stops everything. */
  async shutdown(): Promise<void> {
    for (const id of [...this.controllers.keys()].reverse()) await this.killBroker(id)
  }

  /** Forgets what brokers got so far. */
  forget(): void {
    this.received.length = 0
  }

  /** The state of a partition in ZooKeeper. */
  state(topic: string, partition = 0) {
    return this.zooKeeper.json(`/brokers/topics/${topic}/partitions/${partition}/state`)
  }

  leaderAndIsr(to: number): LeaderAndIsrRequest[] {
    return this.#requests(to, 'LeaderAndIsr')
  }

  updateMetadata(to: number): UpdateMetadataRequest[] {
    return this.#requests(to, 'UpdateMetadata')
  }

  /** Those that name a partition. */
  stopReplica(to: number): StopReplicaRequest[] {
    const all: StopReplicaRequest[] = this.#requests(to, 'StopReplica')
    return all.filter((r) => r.ungroupedPartitions.length > 0)
  }

  #requests(to: number, name: string) {
    return this.received
      .filter((r) => r.to === to && r.name === name)
      .map((r) => r.request)
  }

  #client(from: string, to: number): ControllerClient {
    const exchange = this.#exchange.bind(this)
    const closed = new Deferred<never>()
    closed.promise.catch(() => {})
    return {
      async ready() {},
      async sendAndReceive(api, version, body) {
        const response = exchange({ from, to }, api, version, body)
        return Promise.race([response, closed.promise])
      },
      close() {
        closed.reject(new Error('closed'))
      },
    }
  }

  #exchange<Req, Res, ReqIn, ResIn>(
    link: { from: string; to: number },
    api: Api<Req, Res, ReqIn, ResIn>,
    version: number,
    body: ReqIn,
  ): Res {
    // Pass the request through the codec.
    const writer = new ByteWriter()
    api.request.encode(version, body, writer)
    const request = api.request.decode(version, new ByteReader(writer.toBuffer()))
    const received = { ...link, name: api.name, request }
    this.received.push(received)

    // Answer as told, or that all partitions are fine.
    const { ungroupedPartitionStates, ungroupedPartitions } = received.request as {
      ungroupedPartitionStates?: { topicName: string; partition: number }[]
      ungroupedPartitions?: { topicName: string; partition: number }[]
    }
    const partitions = ungroupedPartitions ?? ungroupedPartitionStates ?? []
    const partitionErrors = partitions.map(({ topicName, partition }) => ({
      topicName,
      partition,
      errorCode: 0,
    }))
    return this.answer(received) ?? { errorCode: 0, partitionErrors }
  }
}
