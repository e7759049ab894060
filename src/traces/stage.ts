/**
 * # The stage of an example
 *
 * What the examples have in common: a cluster in this process, a topic, and clients that
 * speak to it in the way of the notes.
 *
 * @module
 */
import type { Platform } from '../base/platform/Platform.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { ConsumerConfig } from '../consumer/ConsumerConfig.ts'
import { Consumer } from '../consumer/ConsumerConnector.ts'
import type { ZookeeperConsumerConnector } from '../consumer/ZookeeperConsumerConnector.ts'
import { NetworkClient } from '../network/NetworkClient.ts'
import { StringEncoder } from '../producer/Encoder.ts'
import { Producer } from '../producer/Producer.ts'
import { ProducerConfig } from '../producer/ProducerConfig.ts'
import { ProducerRequest, type ProducerResponse } from '../producer/ProducerRequest.ts'
import { SyncProducer } from '../producer/SyncProducer.ts'
import { SyncProducerConfig } from '../producer/SyncProducerConfig.ts'
import {
  TopicMetadataRequest,
  type TopicMetadataResponse,
} from '../producer/TopicMetadataRequest.ts'
import { MemoryRecords } from '../record/MemoryRecords.ts'
import {
  type KafkaCluster,
  type StartClusterOptions,
  startCluster,
} from '../testing/start-cluster.ts'
import { ZkUtils } from '../zk/ZkUtils.ts'
import { connectOverNetwork } from '../zookeeper/network-connect.ts'
import { ZooKeeperClient } from '../zookeeper/ZooKeeperClient.ts'
import type { World } from './ExampleTrace.ts'

/** The topic of all examples. */
export const TOPIC = 'greetings'

/** A cluster, and how to reach it. */
export interface Stage {
  readonly cluster: KafkaCluster
  readonly host: string
  readonly port: number
}

/** Starts a cluster in a world; without the topic of offsets, which Kafka makes late. */
export function startIn(
  world: World,
  options: StartClusterOptions,
): Promise<KafkaCluster> {
  const rest = { offsetsTopic: false, ...options }
  if (world === 'node') return startCluster({ platform: world, ...rest })

  // Let packets to ZooKeeper take their time, too.
  const zooKeeperConnect = connectOverNetwork(world)
  return startCluster({ platform: world, zooKeeperConnect, ...rest })
}

/**
 * Runs `body` with a fresh cluster.
 *
 * @param world where it runs.
 * @param brokers how many there are.
 * @param config settings of all of them.
 */
export async function onStage(
  world: World,
  body: (stage: Stage) => Promise<void>,
  brokers = 1,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  const cluster = await startIn(world, { brokers, config })
  try {
    const [first = ''] = cluster.bootstrapServers.split(',')
    const [host = '', port = ''] = first.split(':')
    await body({ cluster, host, port: Number(port) })
  } finally {
    await cluster.close()
  }
}

/** Makes a producer that speaks to the broker; its owner closes it. */
export function producerFor({ host, port, cluster }: Stage): SyncProducer {
  const config = new SyncProducerConfig({
    ...{ host, port: String(port), 'client.id': 'example-producer' },
    'request.required.acks': '1',
  })
  return new SyncProducer(config, cluster.platform)
}

/** Makes a producer that finds leaders by itself; its owner closes it. */
export function oldProducerFor(
  { cluster }: Pick<Stage, 'cluster'>,
  settings: Readonly<Record<string, string>> = {},
): Producer<string | null, string | null> {
  const config = new ProducerConfig({
    ...{ 'metadata.broker.list': cluster.bootstrapServers, 'client.id': 'example' },
    ...{ 'request.required.acks': '-1', 'retry.backoff.ms': '20' },
    ...settings,
  })
  const encoder = new StringEncoder()
  return new Producer(config, cluster.platform, { encoder, keyEncoder: encoder })
}

/** Makes a line to the broker, for requests that the clients of the notes do not have. */
export function clientOn(
  { host, port, cluster }: Stage,
  clientId: string,
): NetworkClient {
  const { network, clock } = cluster.platform
  return new NetworkClient({
    ...{ host, port, clientId, requestTimeoutMs: 30_000, network, clock },
  })
}

/** A request for some texts in one partition of the topic, in message format 1. */
export function produceRequest(...texts: readonly string[]): ProducerRequest {
  const records = texts.map((text) => ({ value: Buffer.from(text), timestamp: 0 }))
  const data = new TopicPartitionMap<MemoryRecords>()
  const set = MemoryRecords.withRecords({ magic: 1 }, ...records)
  data.set(new TopicPartition(TOPIC, 0), set)
  return new ProducerRequest(1, 'example-producer', 1, 10_000, data)
}

/** Asks for the topic until it has a leader; the first question creates it. */
export async function createTopic(
  producer: SyncProducer,
  { clock }: Platform,
): Promise<void> {
  for (;;) {
    const request = new TopicMetadataRequest([TOPIC], 0, 'example-producer')
    const response = (await producer.send(request)) as TopicMetadataResponse
    const leader = response.topicsMetadata[0]?.partitionsMetadata[0]?.leader
    if (leader) return
    await clock.sleep(5)
  }
}

/** Creates the topic and puts texts into it. */
export async function fillTopic(stage: Stage, ...texts: string[]): Promise<void> {
  const producer = producerFor(stage)
  await createTopic(producer, stage.cluster.platform)
  const response = (await producer.send(produceRequest(...texts))) as ProducerResponse
  if (response.hasError) throw new Error('the example could not fill its topic')
  await producer.close()
}

/** Opens a session of the example's own with ZooKeeper; its owner closes it. */
export async function zooKeeperOf({
  cluster,
}: Pick<Stage, 'cluster'>): Promise<ZkUtils> {
  const client = new ZooKeeperClient({
    connect: cluster.zooKeeperConnect,
    connectString: cluster.zookeeperConnect,
    ...{ sessionTimeoutMs: 6000, connectionTimeoutMs: 6000, maxInFlightRequests: 10 },
    clock: cluster.platform.clock,
  })
  await client.start()
  return new ZkUtils(client)
}

/** Makes a connector of the group `annotated`; its owner shuts it down. */
export function connectorFor(
  { cluster }: Pick<Stage, 'cluster'>,
  settings: Readonly<Record<string, string>> = {},
): Promise<ZookeeperConsumerConnector> {
  const config = new ConsumerConfig({
    'group.id': 'annotated',
    'consumer.id': 'c1',
    'zookeeper.connect': cluster.zookeeperConnect,
    'auto.offset.reset': 'smallest',
    ...settings,
  })
  return Consumer.create(config, {
    platform: cluster.platform,
    zooKeeperConnect: cluster.zooKeeperConnect,
  })
}
