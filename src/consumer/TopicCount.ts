/**
 * # TopicCount
 *
 * How many streams a consumer wants of each topic. A consumer writes it into its node in
 * ZooKeeper; every member of the group reads it from there to compute who owns what.
 *
 * Two kinds: a fixed list of topics (`static`), and an expression that topic names must
 * match (`white_list`) or must not (`black_list`). The second is looked up against the
 * topics that exist each time it is asked.
 *
 * @kafka core/src/main/scala/kafka/consumer/TopicCount.scala#TopicCount
 * @module
 */
import { IllegalArgumentException } from '../base/errors.ts'
import type {
  ConsumerRegistration,
  SubscriptionPattern,
} from '../zk/consumer-znodes.ts'
import { ConsumerThreadId } from './ConsumerThreadId.ts'
import { Blacklist, type TopicFilter, Whitelist } from './TopicFilter.ts'

/** What a consumer subscribes to. */
export interface TopicCount {
  /** Streams by topic or by expression, as written to ZooKeeper. */
  readonly topicCountMap: ReadonlyMap<string, number>
  /** Which kind it is. */
  readonly pattern: SubscriptionPattern
  /**
   * The streams of each topic.
   *
   * @param allTopics topics that exist; only an expression looks at them.
   */
  getConsumerThreadIdsPerTopic(
    allTopics: readonly string[],
  ): Map<string, ConsumerThreadId[]>
}

function threadIds(consumerId: string, count: number): ConsumerThreadId[] {
  return Array.from({ length: count }, (_, i) => new ConsumerThreadId(consumerId, i))
}

/**
 * A fixed list of topics.
 *
 * @kafka core/src/main/scala/kafka/consumer/TopicCount.scala#StaticTopicCount
 */
export class StaticTopicCount implements TopicCount {
  readonly consumerIdString: string
  readonly topicCountMap: ReadonlyMap<string, number>
  readonly pattern = 'static'

  constructor(consumerIdString: string, topicCountMap: ReadonlyMap<string, number>) {
    this.consumerIdString = consumerIdString
    this.topicCountMap = topicCountMap
  }

  /** @throws IllegalArgumentException for a topic with less than one stream. */
  getConsumerThreadIdsPerTopic(): Map<string, ConsumerThreadId[]> {
    const result = new Map<string, ConsumerThreadId[]>()
    for (const [topic, count] of this.topicCountMap) {
      if (!Number.isInteger(count) || count < 1) {
        throw new IllegalArgumentException(
          `topic ${topic} is given ${count} streams; expected at least 1`,
        )
      }
      result.set(topic, threadIds(this.consumerIdString, count))
    }
    return result
  }
}

/**
 * All topics that an expression allows, each with the same number of streams.
 *
 * @kafka core/src/main/scala/kafka/consumer/TopicCount.scala#WildcardTopicCount
 */
export class WildcardTopicCount implements TopicCount {
  readonly consumerIdString: string
  readonly topicFilter: TopicFilter
  readonly numStreams: number
  readonly excludeInternalTopics: boolean

  constructor(
    consumerIdString: string,
    topicFilter: TopicFilter,
    numStreams: number,
    excludeInternalTopics: boolean,
  ) {
    this.consumerIdString = consumerIdString
    this.topicFilter = topicFilter
    this.numStreams = numStreams
    this.excludeInternalTopics = excludeInternalTopics
  }

  get topicCountMap(): ReadonlyMap<string, number> {
    return new Map([[this.topicFilter.regex, this.numStreams]])
  }

  get pattern(): SubscriptionPattern {
    return this.topicFilter instanceof Whitelist ? 'white_list' : 'black_list'
  }

  getConsumerThreadIdsPerTopic(
    allTopics: readonly string[],
  ): Map<string, ConsumerThreadId[]> {
    const allowed = allTopics.filter((topic) =>
      this.topicFilter.isTopicAllowed(topic, this.excludeInternalTopics),
    )
    return new Map(
      allowed.map((topic) => [
        topic,
        threadIds(this.consumerIdString, this.numStreams),
      ]),
    )
  }
}

/**
 * Makes the TopicCount that a member wrote into its node.
 *
 * @kafka core/src/main/scala/kafka/consumer/TopicCount.scala#TopicCount.constructTopicCount
 * @param consumerId the member.
 * @param registration what its node holds.
 * @param excludeInternalTopics whether expressions pass over `__consumer_offsets` and the
 *   like.
 */
export function constructTopicCount(
  consumerId: string,
  registration: ConsumerRegistration,
  excludeInternalTopics: boolean,
): TopicCount {
  const { pattern, subscription } = registration
  if (pattern === 'static') return new StaticTopicCount(consumerId, subscription)

  // An expression stands alone in its subscription.
  const [entry] = subscription
  const [regex, streams] = entry ?? ['', 0]
  const Filter = pattern === 'white_list' ? Whitelist : Blacklist
  const filter = new Filter(regex)
  return new WildcardTopicCount(consumerId, filter, streams, excludeInternalTopics)
}
