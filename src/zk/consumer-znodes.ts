/**
 * # consumer-znodes
 *
 * What the old consumer keeps in ZooKeeper: the members of a group, which member owns
 * which partition, and how far the group has read.
 *
 *     /consumers/<group>/ids/<consumer>                 who is there
 *     /consumers/<group>/owners/<topic>/<partition>     who reads it
 *     /consumers/<group>/offsets/<topic>/<partition>    what to read next
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala
 * @module
 */

import type { TopicPartition } from '../base/TopicPartition.ts'
import { encodeText, parentZNode, type ZNodeObject } from './znode.ts'
import { encodeJson, malformed, ZNodeJson } from './znode-json.ts'

/** The parent of all groups. */
export const ConsumerPathZNode = { ...parentZNode('/consumers') } satisfies ZNodeObject

/** How a member names the topics it wants. */
export type SubscriptionPattern = 'static' | 'white_list' | 'black_list'

/** What a member of a group says about itself. */
export interface ConsumerRegistration {
  /** Streams by topic, or by regular expression. */
  readonly subscription: ReadonlyMap<string, number>

  /** Whether the names are topics or expressions. */
  readonly pattern: SubscriptionPattern

  /** Wall-clock milliseconds of the registration. */
  readonly timestamp: number
}

/** The parent of a group's members. */
export const ConsumerIdsZNode = {
  pattern: '/consumers/<group>/ids',
  kind: 'persistent',
  payload: 'null',
  writer: 'the first member',
  watchers: 'every member: someone came or went, share the partitions anew',
  deleted: 'by tools only',

  path(group: string): string {
    return `/consumers/${group}/ids`
  },
} satisfies ZNodeObject

/**
 * One member of a group.
 *
 * @kafka core/src/main/scala/kafka/consumer/TopicCount.scala#TopicCount
 */
export const ConsumerIdZNode = {
  pattern: '/consumers/<group>/ids/<consumer>',
  kind: 'ephemeral',
  payload:
    '{"version":1,"subscription":{"t":2},"pattern":"static",' +
    '"timestamp":"1530000000000"}',
  writer: 'the member',
  watchers: 'every member, through the parent',
  deleted: 'when the session of the member ends',

  path(group: string, consumerId: string): string {
    return `/consumers/${group}/ids/${consumerId}`
  },

  encode({ subscription, pattern, timestamp }: ConsumerRegistration): Buffer {
    return encodeJson({
      version: 1,
      subscription: Object.fromEntries(subscription),
      pattern,
      timestamp: String(timestamp),
    })
  },

  decode(path: string, data: Buffer | string): ConsumerRegistration {
    // Take what is no expression for names, as Kafka does.
    const json = new ZNodeJson(path, data)
    const given = json.string('pattern')
    const isExpression = given === 'white_list' || given === 'black_list'
    const pattern = isExpression ? given : 'static'

    // Read the streams of each topic or expression.
    const subscription = new Map<string, number>()
    for (const [topic, streams] of json.entries('subscription')) {
      if (!Number.isSafeInteger(streams)) {
        throw malformed(path, `the streams of ${topic} are not a number`)
      }
      subscription.set(topic, streams as number)
    }
    const timestamp = json.has('timestamp') ? json.intText('timestamp') : -1
    return { subscription, pattern, timestamp }
  },
} satisfies ZNodeObject

/** Which thread of which member reads a partition. */
export const ConsumerOwnerZNode = {
  pattern: '/consumers/<group>/owners/<topic>/<partition>',
  kind: 'ephemeral',
  payload: 'group_host-1530000000000-1a2b3c4d-0',
  writer: 'the member that reads the partition',
  watchers: 'none',
  deleted: 'by its owner before each rebalance; when its session ends',

  path(group: string, { topic, partition }: TopicPartition): string {
    return `/consumers/${group}/owners/${topic}/${partition}`
  },
} satisfies ZNodeObject

/**
 * The next offset a group will read in a partition.
 *
 * @kafka core/src/main/scala/kafka/zk/ZkData.scala#ConsumerOffset
 */
export const ConsumerOffset = {
  pattern: '/consumers/<group>/offsets/<topic>/<partition>',
  kind: 'persistent',
  payload: '42',
  writer: 'the owner when it commits; a broker that gets OffsetCommit v0',
  watchers: 'none',
  deleted: 'by tools only',

  path(group: string, { topic, partition }: TopicPartition): string {
    return `/consumers/${group}/offsets/${topic}/${partition}`
  },

  /** Decimal text, not JSON. */
  encode(offset: number): Buffer {
    return encodeText(String(offset))
  },

  /** The offset; `undefined` for a node without data. */
  decode(path: string, data: Buffer | string | null | undefined): number | undefined {
    if (data === null || data === undefined) return undefined
    const text = data.toString()
    if (!/^-?\d+$/.test(text)) throw malformed(path, `${text} is not an offset`)
    return Number(text)
  },
} satisfies ZNodeObject
