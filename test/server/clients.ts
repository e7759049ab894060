/** What the tests of a broker speak to it with. */
import type { NetworkClient as Client } from '../../src/network/NetworkClient.ts'
import { NetworkClient } from '../../src/network/NetworkClient.ts'
import { CreateTopics } from '../../src/protocol/messages/CreateTopics.ts'
import { Fetch } from '../../src/protocol/messages/Fetch.ts'
import { Produce } from '../../src/protocol/messages/Produce.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import type { KafkaServer } from '../../src/server/KafkaServer.ts'
import type { KafkaCluster } from '../../src/testing/start-cluster.ts'

/** A line to one broker. */
export function clientOf(
  cluster: Pick<KafkaCluster, 'platform' | 'brokers'>,
  broker = 0,
): Client {
  const { network, clock } = cluster.platform
  return new NetworkClient({
    host: '127.0.0.1',
    port: (cluster.brokers[broker] as KafkaServer).boundPort(),
    clientId: 'test',
    requestTimeoutMs: 10_000,
    ...{ network, clock },
  })
}

/** The broker that is controller. */
export function controllerOf(cluster: KafkaCluster): number {
  return cluster.brokers.findIndex((broker) => broker.kafkaController.isActive)
}

/** Creates a topic; resolves when it has leaders. */
export async function createTopic(
  client: Client,
  name: string,
  {
    partitions = 1,
    replicas = 1,
    configs = {} as Readonly<Record<string, string>>,
  } = {},
): Promise<void> {
  const { topics } = await client.sendAndReceive(CreateTopics, 2, {
    topics: [
      {
        ...{ name, numPartitions: partitions, replicationFactor: replicas },
        assignments: [],
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      },
    ],
    timeoutMs: 5000,
    validateOnly: false,
  })
  if (topics[0]?.errorCode !== 0) throw new Error(JSON.stringify(topics))
}

/** A batch of texts. */
export function batchOf(texts: readonly string[], magic: 0 | 1 | 2 = 2): Buffer {
  const records = texts.map((text) => ({ value: Buffer.from(text), timestamp: 1000 }))
  return MemoryRecords.withRecords({ magic }, ...records).buffer
}

/** Appends bytes to one partition. @returns what is answered for it */
export async function produceBytes(
  client: Client,
  topic: string,
  records: Buffer,
  { version = 5, acks = 1, partition = 0 } = {},
) {
  const { responses } = await client.sendAndReceive(Produce, version, {
    ...{ transactionalId: null, acks, timeoutMs: 5000 },
    topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
  })
  const answer = responses[0]?.partitionResponses[0]
  if (!answer) throw new Error('no answer')
  return answer
}

/** Appends texts to one partition. */
export function produce(
  client: Client,
  topic: string,
  texts: readonly string[],
  options?: { acks?: number; partition?: number },
) {
  return produceBytes(client, topic, batchOf(texts), options)
}

/** Reads one partition. */
export async function fetchBytes(
  client: Client,
  topic: string,
  offset: number,
  { version = 7, maxWaitMs = 0, minBytes = 1, partition = 0, maxBytes = 1 << 20 } = {},
) {
  const response = await client.sendAndReceive(Fetch, version, {
    ...{ replicaId: -1, maxWaitMs, minBytes, maxBytes, isolationLevel: 0 },
    ...{ sessionId: 0, sessionEpoch: -1, forgottenTopicsData: [] },
    topics: [
      {
        topic,
        partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: maxBytes }],
      },
    ],
  })
  const answer = response.responses[0]?.partitions[0]
  if (!answer) throw new Error('no answer')
  return answer
}

/** The texts of a partition from an offset on. */
export async function fetchTexts(
  client: Client,
  topic: string,
  offset: number,
  options?: { maxWaitMs?: number; version?: number; partition?: number },
): Promise<string[]> {
  const { records } = await fetchBytes(client, topic, offset, options)
  return textsOf(records as Buffer | null)
}

/** The texts in batches. */
export function textsOf(records: Buffer | null): string[] {
  const all = new MemoryRecords(records ?? Buffer.alloc(0)).records()
  return Array.from(all, (record) => String(record.value))
}
