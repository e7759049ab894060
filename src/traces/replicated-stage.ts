/**
 * # The stage of three brokers
 *
 * What the examples of replication have in common: a topic of one partition that all
 * brokers hold, led by one that is not the controller, and a producer that waits for all.
 *
 * @module
 */
import type { Platform } from '../base/platform/Platform.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { NetworkClient } from '../network/NetworkClient.ts'
import { ApiKeys } from '../protocol/ApiKeys.ts'
import { MemoryRecords } from '../record/MemoryRecords.ts'
import type { KafkaServer } from '../server/KafkaServer.ts'
import type { KafkaCluster } from '../testing/start-cluster.ts'
import type { World } from './ExampleTrace.ts'
import { startIn, TOPIC } from './stage.ts'

/** The one partition. */
export const partitionOfStage = new TopicPartition(TOPIC, 0)

/** Runs `body` with three brokers that all hold the topic. */
export async function onReplicatedStage(
  world: World,
  body: (cluster: KafkaCluster) => Promise<void>,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  const cluster = await startIn(world, { brokers: 3, config })
  try {
    await createReplicatedTopic(cluster)
    await body(cluster)
  } finally {
    await cluster.close()
  }
}

/** The broker that leads the partition and has told so. */
export function leaderOf(cluster: KafkaCluster): KafkaServer | undefined {
  return cluster.brokers.find((broker) => {
    if (broker.brokerState.currentState !== 'RunningAsBroker') return false
    const partition = broker.replicaManager.nonOfflinePartition(partitionOfStage)
    return partition?.leaderReplicaIfLocal !== undefined
  })
}

/** The broker that is controller. @throws Error when none is */
export function controllerOf({ brokers }: KafkaCluster): KafkaServer {
  const controller = brokers.find((broker) => broker.kafkaController.isActive)
  if (!controller) throw new Error('no broker is controller')
  return controller
}

/** Creates the topic; resolves when a broker leads it that is not the controller. */
async function createReplicatedTopic(cluster: KafkaCluster): Promise<void> {
  const controller = controllerOf(cluster)
  const client = clientOf(controller, cluster.platform)
  const others = cluster.brokers.map(({ config }) => config.brokerId)
  const replicas = others.filter((id) => id !== controller.config.brokerId)
  const assignment = {
    partition: 0,
    brokerIds: [...replicas, controller.config.brokerId],
  }
  const topic = {
    ...{ name: TOPIC, numPartitions: -1, replicationFactor: -1 },
    ...{ assignments: [assignment], configs: [] },
  }
  const request = { topics: [topic], timeoutMs: 20_000 }
  const response = await client.sendAndReceive(ApiKeys.CREATE_TOPICS, 0, request)
  if (response.topics[0]?.errorCode !== 0) throw new Error('no topic was created')
  client.close()
  while (!leaderOf(cluster)) await cluster.platform.clock.sleep(5)
}

/** Sends one message to whoever leads; resolves when every in-sync replica has it. */
export async function produceToAll(cluster: KafkaCluster, text: string): Promise<void> {
  await produceTo(cluster, text, -1)
}

/** Sends one message to whoever leads; resolves when the leader alone has it. */
export async function produceToLeader(
  cluster: KafkaCluster,
  text: string,
): Promise<void> {
  await produceTo(cluster, text, 1)
}

async function produceTo(
  cluster: KafkaCluster,
  text: string,
  acks: 1 | -1,
): Promise<void> {
  const leader = leaderOf(cluster)
  if (!leader) throw new Error('nobody leads the partition')
  const client = clientOf(leader, cluster.platform)
  const value = Buffer.from(text)
  const records = MemoryRecords.withRecords({ magic: 2 }, { value, timestamp: 0 })
  const partition = { index: 0, records: records.buffer }
  const response = await client.sendAndReceive(ApiKeys.PRODUCE, 3, {
    ...{ transactionalId: null, acks, timeoutMs: 10_000 },
    topicData: [{ name: TOPIC, partitionData: [partition] }],
  })
  const errorCode = response.responses[0]?.partitionResponses[0]?.errorCode
  if (errorCode !== 0) throw new Error(`the produce was answered with ${errorCode}`)
  client.close()
}

function clientOf(broker: KafkaServer, { network, clock }: Platform): NetworkClient {
  const port = broker.boundPort()
  return new NetworkClient({
    ...{ host: '127.0.0.1', port, clientId: 'example-producer' },
    ...{ requestTimeoutMs: 30_000, network, clock },
  })
}
