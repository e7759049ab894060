/**
 * Offsets of partitions, asked of their leaders.
 *
 * @module
 */
import { Errors } from '../base/errors.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { ListOffsets } from '../protocol/messages/ListOffsets.ts'
import { type ClusterClient, type Node, throwAbout } from './ClusterClient.ts'

/** Stands for the offset behind the last record. */
export const LATEST_TIMESTAMP = -1

/** Stands for the offset of the first record. */
export const EARLIEST_TIMESTAMP = -2

/**
 * Asks for the first offset at or after a time; when there is none, for the end.
 *
 * @param timestamp - ms since 1970, {@link LATEST_TIMESTAMP} or {@link EARLIEST_TIMESTAMP}
 * @throws UnknownTopicOrPartitionException (rejects) when there is no such partition
 */
export async function listOffsets(
  client: ClusterClient,
  partitions: readonly TopicPartition[],
  timestamp: number,
): Promise<TopicPartitionMap<number>> {
  const found = await client.retry(
    () => askLeaders(client, partitions, timestamp),
    (error) => error !== Errors.UNKNOWN_TOPIC_OR_PARTITION,
  )

  // A time after the last record means the end.
  const missing = partitions.filter((partition) => (found.get(partition) ?? -1) < 0)
  if (missing.length === 0 || timestamp === LATEST_TIMESTAMP) return found
  for (const [partition, offset] of await listOffsets(
    client,
    missing,
    LATEST_TIMESTAMP,
  ))
    found.set(partition, offset)
  return found
}

async function askLeaders(
  client: ClusterClient,
  partitions: readonly TopicPartition[],
  timestamp: number,
): Promise<TopicPartitionMap<number>> {
  // Group the partitions by leader and topic.
  const found = new TopicPartitionMap<number>()
  if (partitions.length === 0) return found
  const topics = [...new Set(partitions.map(({ topic }) => topic))]
  const leaders = await client.leadersOf(topics)
  const byLeader = new Map<number, { node: Node; topics: Map<string, number[]> }>()
  for (const { topic, partition } of partitions) {
    const node = leaders.get(topic)?.[partition]
    if (!node) {
      const text = `there is no partition ${topic}-${partition}`
      throw Errors.UNKNOWN_TOPIC_OR_PARTITION.exception(text)
    }
    const of = byLeader.get(node.nodeId) ?? { node, topics: new Map() }
    byLeader.set(node.nodeId, of)
    of.topics.set(topic, [...(of.topics.get(topic) ?? []), partition])
  }

  // Ask each leader once.
  for (const { node, topics } of byLeader.values()) {
    const answer = await client.send(node, ListOffsets, 1, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [...topics].map(([name, numbers]) => ({
        name,
        partitions: numbers.map((partition) => ({ partition, timestamp })),
      })),
    })
    for (const { name, partitions: answers } of answer.topics) {
      for (const { partition, errorCode, offset } of answers) {
        throwAbout(`${name}-${partition}`, errorCode)
        found.set(new TopicPartition(name, partition), offset)
      }
    }
  }
  return found
}
