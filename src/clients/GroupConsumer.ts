/**
 * # GroupConsumer
 *
 * A member of a group: joins, takes part in each rebalance, reads its share, commits.
 *
 *     JoinGroup ─▶ (leader: assign) ─▶ SyncGroup ─▶ OffsetFetch ─▶ read … commit … ─┐
 *         ▲                                         Heartbeat every 3 s             │
 *         └───────────── the coordinator says that the group rebalances ◀───────────┘
 *
 * @kafka clients/src/main/java/org/apache/kafka/clients/consumer/internals/ConsumerCoordinator.java#ConsumerCoordinator
 * @differs it offers one assignor, `range`; and it gives up its partitions before each
 *   rebalance only after committing what was read of them
 * @module
 */
import { isAbortError, onAbort } from '../base/async/abort.ts'
import { Errors, IOException, KafkaException } from '../base/errors.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import {
  deserializeAssignment,
  deserializeSubscription,
  PROTOCOL_TYPE,
  serializeAssignment,
  serializeSubscription,
} from '../protocol/ConsumerProtocol.ts'
import { Heartbeat } from '../protocol/messages/Heartbeat.ts'
import { JoinGroup, type JoinGroupResponse } from '../protocol/messages/JoinGroup.ts'
import { LeaveGroup } from '../protocol/messages/LeaveGroup.ts'
import { OffsetCommit } from '../protocol/messages/OffsetCommit.ts'
import { OffsetFetch } from '../protocol/messages/OffsetFetch.ts'
import { SyncGroup } from '../protocol/messages/SyncGroup.ts'
import { type Node, throwAbout, throwUnlessNone } from './ClusterClient.ts'
import type { Deliver, RecordSource } from './fetched-record.ts'
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, listOffsets } from './list-offsets.ts'
import { PartitionReader, type PartitionReaderOptions } from './PartitionReader.ts'

/** The defaults of Kafka's consumer, in ms. */
const SESSION_TIMEOUT_MS = 10_000
const REBALANCE_TIMEOUT_MS = 300_000
const HEARTBEAT_INTERVAL_MS = 3_000
const AUTO_COMMIT_INTERVAL_MS = 5_000
const METADATA_MAX_AGE_MS = 300_000

/** Which group, and what to read. */
export interface GroupConsumerOptions extends PartitionReaderOptions {
  readonly group: string
  /** Topics of a cluster that this member wants, out of all there are. */
  readonly wanted: (topics: readonly string[]) => readonly string[]
  /** `session.timeout.ms`; 10 s when left out. */
  readonly sessionTimeoutMs?: number
  /** `heartbeat.interval.ms`; 3 s when left out. */
  readonly heartbeatIntervalMs?: number
  /** `auto.commit.interval.ms`; 5 s when left out. */
  readonly autoCommitIntervalMs?: number
  /** `enable.auto.commit`; false: the group's offsets stay as they are. */
  readonly enableAutoCommit?: boolean
}

/** A place in the group, good until the next rebalance. */
interface Membership {
  readonly coordinator: Node
  readonly generationId: number
  readonly memberId: string
}

/** One member. */
export class GroupConsumer implements RecordSource {
  readonly #options: GroupConsumerOptions
  #memberId = ''

  constructor(options: GroupConsumerOptions) {
    this.#options = options
  }

  async run(deliver: Deliver, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options
    while (!signal.aborted) {
      try {
        await this.#generation(deliver, signal)
      } catch (error) {
        // Join again when that can help: another coordinator, another generation.
        if (signal.aborted && isAbortError(error)) break
        const { error: wire } =
          error instanceof KafkaException ? error : { error: Errors.NONE }
        if (wire === Errors.UNKNOWN_MEMBER_ID) this.#memberId = ''
        const again =
          error instanceof IOException || wire.retriable || rejoining.has(wire)
        if (!again) throw error
        await clock.sleep(RETRY_BACKOFF_MS)
      }
    }

    // Leave, so that the others need not wait for the session to end.
    if (this.#memberId === '') return
    const coordinator = await client.coordinatorOf(this.#options.group)
    const body = { groupId: this.#options.group, memberId: this.#memberId }
    await client.send(coordinator, LeaveGroup, 1, body)
  }

  /** One generation: from joining to the next rebalance. */
  async #generation(deliver: Deliver, signal: AbortSignal): Promise<void> {
    const { client, heartbeatIntervalMs = HEARTBEAT_INTERVAL_MS } = this.#options
    const { autoCommitIntervalMs = AUTO_COMMIT_INTERVAL_MS } = this.#options
    const topics = await this.#topics()
    const membership = await this.#join(topics, signal)
    const assignment = await this.#sync(membership, signal)
    const positions = await this.#committed(membership, assignment)
    const reader = new PartitionReader(this.#options, positions)

    // Read until the group rebalances; heartbeats and commits go on beside it.
    const over = new AbortController()
    const forget = onAbort(signal, () => over.abort())
    const committed = new TopicPartitionMap<number>()
    const { enableAutoCommit = true } = this.#options
    const commit = async () => {
      if (enableAutoCommit) await this.#commit(membership, positions, committed)
    }
    const beside = [
      this.#every(heartbeatIntervalMs, over, async () => {
        const { coordinator, generationId, memberId } = membership
        const groupId = this.#options.group
        const body = { groupId, generationId, memberId }
        const answer = await client.send(coordinator, Heartbeat, 1, body)
        throwUnlessNone(answer.errorCode)
      }),
      this.#every(autoCommitIntervalMs, over, commit),
      this.#every(METADATA_MAX_AGE_MS, over, async () => {
        const now = await this.#topics()
        if (String([...now]) === String([...topics])) return
        throw Errors.REBALANCE_IN_PROGRESS.exception()
      }),
    ]
    // Take what they throw from now on: one may fail long before the reader ends.
    const outcomes = Promise.allSettled(beside)
    try {
      await reader.run(deliver, over.signal)
    } finally {
      over.abort()
      forget()
    }
    await outcomes
    await commit()
    for (const outcome of await outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason
    }
  }

  /** The topics to read, with how many partitions each has. */
  async #topics(): Promise<Map<string, number>> {
    const { topics } = await this.#options.client.metadata(null)
    const names = this.#options.wanted(topics.map(({ name }) => name))
    const counts = topics
      .filter(({ name }) => names.includes(name))
      .map(({ name, partitions }) => [name, partitions.length] as const)
    return new Map(counts.sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  async #join(
    topics: ReadonlyMap<string, number>,
    signal: AbortSignal,
  ): Promise<Membership & { readonly answer: JoinGroupResponse }> {
    const { client, group, sessionTimeoutMs = SESSION_TIMEOUT_MS } = this.#options
    const coordinator = await client.coordinatorOf(group)
    const metadata = serializeSubscription([...topics.keys()])
    const answer = await client.send(
      coordinator,
      JoinGroup,
      2,
      {
        ...{ groupId: group, memberId: this.#memberId, protocolType: PROTOCOL_TYPE },
        sessionTimeoutMs,
        rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
        protocols: [{ name: 'range', metadata }],
      },
      signal,
    )
    throwUnlessNone(answer.errorCode)
    const { generationId, memberId } = answer
    this.#memberId = memberId
    return { coordinator, generationId, memberId, answer }
  }

  async #sync(
    membership: Membership & { readonly answer: JoinGroupResponse },
    signal: AbortSignal,
  ): Promise<TopicPartition[]> {
    const { coordinator, generationId, memberId, answer } = membership
    const { client, group } = this.#options

    // The leader of the group deals the partitions out, for all.
    let assignments: { memberId: string; assignment: Buffer }[] = []
    if (answer.leader === memberId) {
      const { topics } = await client.metadata(null)
      const counts = new Map(topics.map((one) => [one.name, one.partitions.length]))
      const members = answer.members.map((member) => ({
        memberId: member.memberId,
        topics: deserializeSubscription(member.metadata),
      }))
      assignments = [...assignRanges(members, counts)].map(([id, partitions]) => ({
        memberId: id,
        assignment: serializeAssignment(partitions),
      }))
    }
    const body = { groupId: group, generationId, memberId, assignments }
    const synced = await client.send(coordinator, SyncGroup, 1, body, signal)
    throwUnlessNone(synced.errorCode)
    return deserializeAssignment(synced.assignment)
  }

  /** Where the group stands; where it never was, as configured. */
  async #committed(
    { coordinator }: Membership,
    assignment: readonly TopicPartition[],
  ): Promise<TopicPartitionMap<number>> {
    const { client, group, autoOffsetReset } = this.#options
    const positions = new TopicPartitionMap<number>()
    if (assignment.length === 0) return positions
    const byTopic = new Map<string, number[]>()
    for (const { topic, partition } of assignment) {
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition])
    }
    const answer = await client.send(coordinator, OffsetFetch, 3, {
      groupId: group,
      topics: [...byTopic].map(([name, partitionIndexes]) => ({
        ...{ name, partitionIndexes },
      })),
    })
    throwUnlessNone(answer.errorCode)
    for (const { name, partitions } of answer.topics) {
      for (const { partition, committedOffset, errorCode } of partitions) {
        throwAbout(`${name}-${partition}`, errorCode)
        if (committedOffset < 0) continue
        positions.set(new TopicPartition(name, partition), committedOffset)
      }
    }
    const time = autoOffsetReset === 'earliest' ? EARLIEST_TIMESTAMP : LATEST_TIMESTAMP
    const missing = assignment.filter((tp) => !positions.has(tp))
    for (const [tp, offset] of await listOffsets(client, missing, time)) {
      positions.set(tp, offset)
    }
    return positions
  }

  /** Stores the positions that moved since the last time. */
  async #commit(
    { coordinator, generationId, memberId }: Membership,
    positions: TopicPartitionMap<number>,
    committed: TopicPartitionMap<number>,
  ): Promise<void> {
    const moved = [...positions].filter(([tp, at]) => committed.get(tp) !== at)
    if (moved.length === 0) return
    const { client, group } = this.#options
    const byTopic = new Map<string, { partition: number; committedOffset: number }[]>()
    for (const [{ topic, partition }, committedOffset] of moved) {
      const one = { partition, committedOffset, committedMetadata: '' }
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), one])
    }
    const answer = await client.send(coordinator, OffsetCommit, 3, {
      ...{ groupId: group, generationId, memberId },
      topics: [...byTopic].map(([name, partitions]) => ({
        name,
        partitions: partitions.map((one) => ({ ...one, committedMetadata: '' })),
      })),
    })
    for (const { name, partitions } of answer.topics) {
      for (const { partition, errorCode } of partitions) {
        throwAbout(`${name}-${partition}`, errorCode)
      }
    }
    for (const [tp, at] of moved) committed.set(tp, at)
  }

  /** Does something at an interval until the generation is over; a failure ends it. */
  async #every(
    intervalMs: number,
    over: AbortController,
    task: () => Promise<void>,
  ): Promise<void> {
    try {
      for (;;) {
        await this.#options.clock.sleep(intervalMs, over.signal)
        await task()
      }
    } catch (error) {
      if (isAbortError(error) && over.signal.aborted) return
      over.abort()
      throw error
    }
  }
}

/** Pause before joining again, in ms. */
const RETRY_BACKOFF_MS = 100

/** Errors after which a member joins again at once. */
const rejoining: ReadonlySet<unknown> = new Set([
  Errors.REBALANCE_IN_PROGRESS,
  Errors.ILLEGAL_GENERATION,
  Errors.UNKNOWN_MEMBER_ID,
])

/**
 * Deals out each topic in runs of neighbouring partitions, to its members in the order of
 * their ids; the first members get one more when it does not come out even.
 *
 * @param members - with the topics that each wants
 * @param counts - partitions by topic
 * @kafka clients/src/main/java/org/apache/kafka/clients/consumer/RangeAssignor.java#assign
 */
export function assignRanges(
  members: readonly { readonly memberId: string; readonly topics: readonly string[] }[],
  counts: ReadonlyMap<string, number>,
): Map<string, TopicPartition[]> {
  const assignment = new Map<string, TopicPartition[]>()
  for (const { memberId } of members) assignment.set(memberId, [])
  const topics = new Set(members.flatMap((member) => member.topics))
  for (const topic of [...topics].sort()) {
    const wanting = members
      .filter((member) => member.topics.includes(topic))
      .map(({ memberId }) => memberId)
      .sort()
    const count = counts.get(topic) ?? 0
    const each = Math.floor(count / wanting.length)
    const extra = count % wanting.length
    let next = 0
    for (const [i, memberId] of wanting.entries()) {
      const length = each + (i < extra ? 1 : 0)
      for (const end = next + length; next < end; next++) {
        assignment.get(memberId)?.push(new TopicPartition(topic, next))
      }
    }
  }
  return assignment
}
