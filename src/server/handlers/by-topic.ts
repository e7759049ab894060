/**
 * # Partitions, topic by topic
 *
 * Most responses list partitions below their topics; handlers keep them in one map.
 *
 * @module
 */
import type { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'

/** The answers for the partitions of one topic. */
export interface TopicAnswers<T> {
  readonly name: string
  readonly partitions: readonly ({ readonly partition: number } & T)[]
}

/** Groups answers by topic, topics and partitions in the order of the map. */
export function byTopic<T extends object>(
  answers: TopicPartitionMap<T>,
): TopicAnswers<T>[] {
  const topics = new Map<string, ({ readonly partition: number } & T)[]>()
  for (const [{ topic, partition }, answer] of answers) {
    const partitions = topics.get(topic) ?? []
    partitions.push({ partition, ...answer })
    topics.set(topic, partitions)
  }
  return Array.from(topics, ([name, partitions]) => ({ name, partitions }))
}
