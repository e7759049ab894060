/**
 * # Topics and records of an example
 *
 * What the examples ask of a broker that the clients of the notes have no words for: topics
 * with settings and assignments, and records with keys.
 *
 * @module
 */
import { Errors } from '../base/errors.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { NetworkClient } from '../network/NetworkClient.ts'
import { CreateTopics } from '../protocol/messages/CreateTopics.ts'
import { Produce } from '../protocol/messages/Produce.ts'
import type { SimpleRecord } from '../record/KafkaRecord.ts'
import { MemoryRecords } from '../record/MemoryRecords.ts'
import type { KafkaServer } from '../server/KafkaServer.ts'
import type { KafkaCluster } from '../testing/start-cluster.ts'

/** A topic to be made. */
export interface NewTopic {
  readonly name: string
  /** How many; 1 when absent, and as many as `replicas` has rows when that is given. */
  readonly partitions?: number
  /** The brokers of each partition, the preferred leader first; any when absent. */
  readonly replicas?: readonly (readonly number[])[]
  readonly configs?: Readonly<Record<string, string>>
}

/** Has a topic made; resolves when every partition has a leader. */
export async function makeTopic(client: NetworkClient, topic: NewTopic): Promise<void> {
  const { name, partitions = 1, replicas = [], configs = {} } = topic
  const isGiven = replicas.length > 0
  const { topics } = await client.sendAndReceive(CreateTopics, 0, {
    topics: [
      {
        name,
        numPartitions: isGiven ? -1 : partitions,
        replicationFactor: isGiven ? -1 : 1,
        assignments: replicas.map((brokerIds, partition) => ({ partition, brokerIds })),
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      },
    ],
    timeoutMs: 20_000,
  })
  throwFor(topics[0]?.errorCode ?? Errors.UNKNOWN_SERVER_ERROR.code)
}

/** Sends one batch to the leader of a partition; resolves when all in sync have it. */
export async function sendBatch(
  client: NetworkClient,
  { topic, partition }: TopicPartition,
  ...records: readonly SimpleRecord[]
): Promise<void> {
  const { buffer } = MemoryRecords.withRecords({ magic: 2 }, ...records)
  const { responses } = await client.sendAndReceive(Produce, 3, {
    ...{ transactionalId: null, acks: -1, timeoutMs: 10_000 },
    topicData: [
      { name: topic, partitionData: [{ index: partition, records: buffer }] },
    ],
  })
  const answer = responses[0]?.partitionResponses[0]
  throwFor(answer?.errorCode ?? Errors.UNKNOWN_SERVER_ERROR.code)
}

/**
 * The order to keep a partition on some brokers, the preferred leader first, as the tool of
 * Kafka writes it to `/admin/reassign_partitions`.
 */
export function orderToMove(
  { topic, partition }: TopicPartition,
  replicas: readonly number[],
): string {
  const order = { topic, partition, replicas }
  return JSON.stringify({ version: 1, partitions: [order] })
}

/** Opens a line to one broker; its owner closes it. */
export function lineTo(
  broker: KafkaServer,
  { platform }: Pick<KafkaCluster, 'platform'>,
  clientId: string,
): NetworkClient {
  const { network, clock } = platform
  const port = broker.boundPort()
  return new NetworkClient({
    ...{ host: '127.0.0.1', port, clientId, requestTimeoutMs: 30_000, network, clock },
  })
}

function throwFor(errorCode: number): void {
  if (errorCode !== 0) throw Errors.forCode(errorCode).exception()
}
