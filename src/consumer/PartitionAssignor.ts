/**
 * # PartitionAssignor
 *
 * Decides which stream of which member owns which partition. There is no coordinator:
 * every member computes the whole assignment alone, from the same nodes of ZooKeeper, and
 * takes its part. Should two read at different moments and disagree, the claim of an owner
 * node fails and one of them tries again.
 *
 * Range, 5 partitions over 2 streams:
 *
 *     p0 p1 p2 │ p3 p4          5 div 2 = 2 each, the first 5 mod 2 = 1 get one more
 *     stream 0 │ stream 1
 *
 * @kafka core/src/main/scala/kafka/consumer/PartitionAssignor.scala#PartitionAssignor
 * @module
 */
import { javaStringHashCode } from '../base/hash.ts'
import { logger } from '../base/logger.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { type ConsumerThreadId, sortThreadIds } from './ConsumerThreadId.ts'

const log = logger('PartitionAssignor')

/** What an assignor looks at; read from ZooKeeper once per rebalance. */
export interface AssignmentContext {
  /** The member that computes. */
  readonly consumerId: string
  /** Its own streams by topic. */
  readonly myTopicThreadIds: ReadonlyMap<string, readonly ConsumerThreadId[]>
  /** Partition ids by topic, ascending. */
  readonly partitionsForTopic: ReadonlyMap<string, readonly number[]>
  /** The streams of all members by topic, sorted as texts. */
  readonly consumersForTopic: ReadonlyMap<string, readonly ConsumerThreadId[]>
  /** All members, sorted. */
  readonly consumers: readonly string[]
}

/** Member → what each of its partitions is owned by. */
export type Assignment = Map<string, TopicPartitionMap<ConsumerThreadId>>

/** A way to share partitions out. */
export interface PartitionAssignor {
  /** @returns an entry for every member, an empty one for a member that gets nothing. */
  assign(ctx: AssignmentContext): Assignment
}

/** The strategy of that name: `roundrobin`, and range for any other, as in Kafka. */
export function createPartitionAssignor(strategy: string): PartitionAssignor {
  return strategy === 'roundrobin' ? new RoundRobinAssignor() : new RangeAssignor()
}

function emptyAssignment(consumers: readonly string[]): Assignment {
  return new Map(consumers.map((consumer) => [consumer, new TopicPartitionMap()]))
}

/**
 * Gives each stream a run of neighbours, topic by topic.
 *
 * @kafka core/src/main/scala/kafka/consumer/PartitionAssignor.scala#RangeAssignor
 */
export class RangeAssignor implements PartitionAssignor {
  assign(ctx: AssignmentContext): Assignment {
    const assignment = emptyAssignment(ctx.consumers)
    for (const topic of ctx.myTopicThreadIds.keys()) {
      const threads = ctx.consumersForTopic.get(topic) ?? []
      const partitions = ctx.partitionsForTopic.get(topic) ?? []
      const per = Math.floor(partitions.length / threads.length)
      const extra = partitions.length % threads.length

      for (const [i, thread] of threads.entries()) {
        // The first `extra` streams take one partition more.
        const start = per * i + Math.min(i, extra)
        const count = per + (i + 1 > extra ? 0 : 1)
        if (count === 0) {
          log.warn(`no partition of ${topic} is left for ${thread}`)
        }
        for (const partition of partitions.slice(start, start + count)) {
          const mine = assignment.get(thread.consumer)
          mine?.set(new TopicPartition(topic, partition), thread)
        }
      }
    }
    return assignment
  }
}

function byHashThenText({ key: a }: TopicPartition, { key: b }: TopicPartition) {
  return javaStringHashCode(a) - javaStringHashCode(b) || (a < b ? -1 : 1)
}

/**
 * Deals all partitions of all topics to all streams in turn, passing over streams that do
 * not subscribe to the topic. Partitions are ordered by the hash of their names, so that
 * those of one topic are spread.
 *
 * @kafka core/src/main/scala/kafka/consumer/PartitionAssignor.scala#RoundRobinAssignor
 * @differs Names with the same hash (`Aa-0`, `BB-0`) come in the order of their texts. In
 *   1.1.1 their order is that of a hash map, which two members need not share.
 */
export class RoundRobinAssignor implements PartitionAssignor {
  assign(ctx: AssignmentContext): Assignment {
    const assignment = emptyAssignment(ctx.consumers)
    const threads = new Map<string, ConsumerThreadId>()
    for (const ids of ctx.consumersForTopic.values()) {
      for (const id of ids) threads.set(id.toString(), id)
    }
    const circle = sortThreadIds(threads.values())
    if (circle.length === 0) return assignment

    // Order the partitions by the hash of `topic-partition`; equal ones by that text.
    const all = [...ctx.consumersForTopic.keys()].flatMap((topic) =>
      (ctx.partitionsForTopic.get(topic) ?? []).map(
        (p) => new TopicPartition(topic, p),
      ),
    )
    all.sort(byHashThenText)

    let next = 0
    for (const tp of all) {
      // Advance to the next stream that wants this topic.
      const wanting = new Set(
        ctx.consumersForTopic.get(tp.topic)?.map((id) => id.toString()),
      )
      let thread = circle[next++ % circle.length]
      while (thread && !wanting.has(thread.toString())) {
        thread = circle[next++ % circle.length]
      }
      if (thread) assignment.get(thread.consumer)?.set(tp, thread)
    }
    return assignment
  }
}
