/**
 * # The trace `replicate`
 *
 * Three brokers hold a partition. A producer waits until all of them have its message;
 * then the leader leaves, another leads in a new epoch, and the next message goes there.
 *
 * @module
 */
import { nodePlatform } from '../../base/platform/node/node-platform.ts'
import type { Platform } from '../../base/platform/Platform.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { NetworkClient } from '../../network/NetworkClient.ts'
import { ApiKeys } from '../../protocol/ApiKeys.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import type { KafkaServer } from '../../server/KafkaServer.ts'
import { type KafkaCluster, startCluster } from '../../testing/start-cluster.ts'
import type { ExampleTrace } from '../ExampleTrace.ts'

const TOPIC = 'greetings'

/** Followers copy the leader's log; one of them takes over. */
export const replicate: ExampleTrace = {
  name: 'replicate',
  title: 'followers copy what the leader appends, and one of them takes over from it',
  heading: '# ReplicaManager',
  roots: [
    'KafkaApis.handleProduceRequest',
    'ReplicaManager.becomeLeaderOrFollower',
    'ReplicaFetcherThread.processPartitionData',
    'Partition.updateReplicaLogReadResult',
  ],

  async run(record) {
    const cluster = await startCluster({ brokers: 3 })
    try {
      await createTopic(cluster)
      await record(async () => {
        // Produce, and wait until every replica has it.
        await produce(cluster, 'hello')

        // Let the leader go; whoever leads now takes the next message.
        const leader = leaderOf(cluster)
        await leader?.shutdown()
        await produce(cluster, 'again')
      }, cluster)
    } finally {
      await cluster.close()
    }
  },
}

/** The broker that leads the partition and has told so. */
function leaderOf(cluster: KafkaCluster): KafkaServer | undefined {
  const topicPartition = new TopicPartition(TOPIC, 0)
  return cluster.brokers.find((broker) => {
    if (broker.brokerState.currentState !== 'RunningAsBroker') return false
    const partition = broker.replicaManager.nonOfflinePartition(topicPartition)
    return partition?.leaderReplicaIfLocal !== undefined
  })
}

/** Creates the topic with three replicas; resolves when broker 1 leads it. */
async function createTopic(cluster: KafkaCluster): Promise<void> {
  const controller = cluster.brokers.find((b) => b.kafkaController.isActive)
  if (!controller) throw new Error('no broker is controller')
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
  await client.close()
  while (!leaderOf(cluster)) await nodePlatform().clock.sleep(5)
}

/** Sends one message with acks -1 to whoever leads. */
async function produce(cluster: KafkaCluster, text: string): Promise<void> {
  const leader = leaderOf(cluster)
  if (!leader) throw new Error('nobody leads the partition')
  const client = clientOf(leader, cluster.platform)
  const value = Buffer.from(text)
  const records = MemoryRecords.withRecords({ magic: 2 }, { value, timestamp: 0 })
  const partition = { index: 0, records: records.buffer }
  const response = await client.sendAndReceive(ApiKeys.PRODUCE, 3, {
    ...{ transactionalId: null, acks: -1, timeoutMs: 10_000 },
    topicData: [{ name: TOPIC, partitionData: [partition] }],
  })
  const errorCode = response.responses[0]?.partitionResponses[0]?.errorCode
  if (errorCode !== 0) throw new Error(`the produce was answered with ${errorCode}`)
  await client.close()
}

function clientOf(broker: KafkaServer, { network, clock }: Platform): NetworkClient {
  const port = broker.boundPort()
  return new NetworkClient({
    ...{ host: '127.0.0.1', port, clientId: 'example-producer' },
    ...{ requestTimeoutMs: 30_000, network, clock },
  })
}
