/**
 * # KafkaConsumerGroupService
 *
 * Groups that a coordinator holds, asked with the requests that every client has:
 * ListGroups on each broker; DescribeGroups, OffsetFetch and DeleteGroups on the group's
 * coordinator.
 *
 * @kafka core/src/main/scala/kafka/admin/ConsumerGroupCommand.scala#KafkaConsumerGroupService
 * @module
 */
import { Errors } from '../../base/errors.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import {
  type ClusterClient,
  type Node,
  throwAbout,
  throwUnlessNone,
} from '../../clients/ClusterClient.ts'
import { LATEST_TIMESTAMP, listOffsets } from '../../clients/list-offsets.ts'
import {
  deserializeAssignment,
  PROTOCOL_TYPE,
} from '../../protocol/ConsumerProtocol.ts'
import { DeleteGroups } from '../../protocol/messages/DeleteGroups.ts'
import { DescribeGroups } from '../../protocol/messages/DescribeGroups.ts'
import { ListGroups } from '../../protocol/messages/ListGroups.ts'
import { OffsetCommit } from '../../protocol/messages/OffsetCommit.ts'
import { OffsetFetch } from '../../protocol/messages/OffsetFetch.ts'
import type {
  ConsumerGroupService,
  DeletedGroup,
  GroupOffsets,
  PartitionAssignmentState,
} from './ConsumerGroupService.ts'

/** One member of a group. */
export interface MemberSummary {
  readonly consumerId: string
  readonly clientId: string
  readonly host: string
  readonly assignment: readonly TopicPartition[]
}

/** A group as its coordinator describes it. */
export interface GroupSummary {
  /** Dead also stands for a group that was never there. */
  readonly state: string
  readonly assignmentStrategy: string
  readonly members: readonly MemberSummary[]
  readonly coordinator: Node
}

/** Groups of a cluster's coordinators. */
export class KafkaConsumerGroupService implements ConsumerGroupService {
  readonly hasHosts = true
  readonly client: ClusterClient
  readonly #timeoutMs: number | undefined

  /** @param timeoutMs - how long to look for the coordinator of a group */
  constructor(client: ClusterClient, timeoutMs?: number) {
    this.client = client
    this.#timeoutMs = timeoutMs
  }

  async listGroups(): Promise<readonly string[]> {
    const names: string[] = []
    for (const node of await this.client.brokers()) {
      await this.client.retry(async () => {
        const answer = await this.client.send(node, ListGroups, 1, {})
        throwUnlessNone(answer.errorCode)
        for (const { groupId, protocolType } of answer.groups) {
          // A group that only stored offsets has no type.
          if (['', PROTOCOL_TYPE].includes(protocolType)) names.push(groupId)
        }
      })
    }
    return [...new Set(names)].sort()
  }

  /** Asks the coordinator who is in a group. */
  async describeGroup(group: string): Promise<GroupSummary> {
    await this.client.coordinatorOf(group, 'group', this.#timeoutMs)
    return this.client.retry(async () => {
      const coordinator = await this.client.coordinatorOf(group)
      const answer = await this.client.send(coordinator, DescribeGroups, 1, {
        groups: [group],
      })
      const [described] = answer.groups
      if (!described) throw Errors.UNKNOWN_SERVER_ERROR.exception()
      throwUnlessNone(described.errorCode)
      const { groupState, protocolData, members } = described
      return {
        ...{ state: groupState, assignmentStrategy: protocolData, coordinator },
        members: members.map((member) => ({
          consumerId: member.memberId,
          clientId: member.clientId,
          host: member.clientHost,
          assignment: deserializeAssignment(member.memberAssignment),
        })),
      }
    })
  }

  /** The offsets that a group stored. */
  listGroupOffsets(group: string): Promise<TopicPartitionMap<number>> {
    return this.client.retry(async () => {
      const coordinator = await this.client.coordinatorOf(group)
      const body = { groupId: group, topics: null }
      const answer = await this.client.send(coordinator, OffsetFetch, 3, body)
      throwUnlessNone(answer.errorCode)
      const offsets = new TopicPartitionMap<number>()
      for (const { name, partitions } of answer.topics) {
        for (const { partition, committedOffset, errorCode } of partitions) {
          throwAbout(`${name}-${partition}`, errorCode)
          if (committedOffset < 0) continue
          offsets.set(new TopicPartition(name, partition), committedOffset)
        }
      }
      return offsets
    })
  }

  /** Stores offsets for a group that nobody is in. */
  async commitOffsets(
    group: string,
    offsets: TopicPartitionMap<number>,
  ): Promise<void> {
    const byTopic = new Map<string, { partition: number; committedOffset: number }[]>()
    for (const [{ topic, partition }, committedOffset] of offsets) {
      const of = byTopic.get(topic) ?? []
      byTopic.set(topic, of)
      of.push({ partition, committedOffset })
    }
    await this.client.retry(async () => {
      const coordinator = await this.client.coordinatorOf(group)
      const answer = await this.client.send(coordinator, OffsetCommit, 3, {
        ...{ groupId: group, memberId: '' },
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
    })
  }

  async collectGroupOffsets(group: string): Promise<GroupOffsets> {
    // Ask for members, offsets, and ends of logs.
    const { state, members } = await this.describeGroup(group)
    const offsets = await this.listGroupOffsets(group)
    const all = new TopicPartitionMap<true>()
    for (const partition of offsets.keys()) all.set(partition, true)
    for (const { assignment } of members) {
      for (const partition of assignment) all.set(partition, true)
    }
    const ends = await this.#endsOf([...all.keys()])

    // List the partitions of members, those who have most first.
    const rows: PartitionAssignmentState[] = []
    const owned = new TopicPartitionMap<true>()
    const busiest = [...members].sort(
      (a, b) => b.assignment.length - a.assignment.length,
    )
    for (const { assignment, consumerId, host, clientId } of busiest) {
      const who = { consumerId, host, clientId }
      if (assignment.length === 0) rows.push(who)
      for (const partition of [...assignment].sort(byPartition)) {
        owned.set(partition, true)
        rows.push({ ...rowOf(partition, offsets, ends), ...who })
      }
    }

    // List the partitions that nobody owns.
    for (const partition of [...offsets.keys()].sort(byPartition)) {
      if (!owned.has(partition)) rows.push(rowOf(partition, offsets, ends))
    }
    return { state, rows }
  }

  async deleteGroups(groups: readonly string[]): Promise<readonly DeletedGroup[]> {
    const outcome: DeletedGroup[] = []
    for (const group of groups) {
      const coordinator = await this.client.coordinatorOf(group)
      const body = { groupsNames: [group] }
      const answer = await this.client.send(coordinator, DeleteGroups, 0, body)
      for (const { groupId, errorCode } of answer.results) {
        const error = Errors.forCode(errorCode)
        const problem =
          error === Errors.NONE ? undefined : `${error.name}: ${error.message}`
        outcome.push({ group: groupId, problem })
      }
    }
    return outcome
  }

  /** Ends of logs; a partition whose topic is gone has none. */
  async #endsOf(
    partitions: readonly TopicPartition[],
  ): Promise<TopicPartitionMap<number>> {
    const { topics } = await this.client.metadata([
      ...new Set(partitions.map(({ topic }) => topic)),
    ])
    const there = new Set(
      topics.filter(({ errorCode }) => errorCode === 0).map(({ name }) => name),
    )
    const asked = partitions.filter(({ topic }) => there.has(topic))
    return listOffsets(this.client, asked, LATEST_TIMESTAMP)
  }
}

function rowOf(
  tp: TopicPartition,
  offsets: TopicPartitionMap<number>,
  ends: TopicPartitionMap<number>,
): PartitionAssignmentState {
  return {
    ...{ topic: tp.topic, partition: tp.partition },
    ...{ offset: offsets.get(tp), logEndOffset: ends.get(tp) },
  }
}

/** Order of rows: by topic, then by number. */
export function byPartition(a: TopicPartition, b: TopicPartition): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  return a.partition - b.partition
}
