/**
 * # FindCoordinator, and what is asked of a coordinator
 *
 * A group first finds the broker that coordinates it, which is the leader of its partition
 * of `__consumer_offsets`, then talks to that broker only.
 *
 *     FindCoordinator(group) ─▶ partitionFor(group) = 17 ─▶ leader of __consumer_offsets-17
 *     FindCoordinator(transactional id) ─▶ leader of its partition of __transaction_state
 *     JoinGroup ─▶ SyncGroup ─▶ Heartbeat …      LeaveGroup
 *
 * The handlers translate between the wire and `GroupCoordinator`; what a group does is
 * decided there. Offsets have a file of their own, `offsets.ts`.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleFindCoordinatorRequest
 * @module
 */
import { Errors, type WireError } from '../../base/errors.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import type { Request } from '../../network/RequestChannel.ts'
import {
  DeleteGroups,
  type DeleteGroupsRequest,
} from '../../protocol/messages/DeleteGroups.ts'
import {
  DescribeGroups,
  type DescribeGroupsRequest,
} from '../../protocol/messages/DescribeGroups.ts'
import {
  FindCoordinator,
  type FindCoordinatorRequest,
} from '../../protocol/messages/FindCoordinator.ts'
import { Heartbeat, type HeartbeatRequest } from '../../protocol/messages/Heartbeat.ts'
import { JoinGroup, type JoinGroupRequest } from '../../protocol/messages/JoinGroup.ts'
import {
  LeaveGroup,
  type LeaveGroupRequest,
} from '../../protocol/messages/LeaveGroup.ts'
import { ListGroups } from '../../protocol/messages/ListGroups.ts'
import { SyncGroup, type SyncGroupRequest } from '../../protocol/messages/SyncGroup.ts'
import type { BrokerEndPoint } from '../../zk/Broker.ts'
import {
  GROUP_METADATA_TOPIC_NAME,
  TRANSACTION_STATE_TOPIC_NAME,
} from '../../zk/Topic.ts'
import type { ApisContext } from './ApisContext.ts'
import { getOrCreateInternalTopic } from './internal-topics.ts'

export { handleOffsetCommitRequest, handleOffsetFetchRequest } from './offsets.ts'

/** What is looked for: the coordinator of a group, or of a transactional id. */
const CoordinatorType = { GROUP: 0, TRANSACTION: 1 } as const

/** Serves a FindCoordinator request; see `KafkaApis.handleFindCoordinatorRequest`. */
export async function handleFindCoordinatorRequest(
  context: ApisContext,
  request: Request,
): Promise<void> {
  const { key, keyType } = request.body<FindCoordinatorRequest>()
  const respond = (error: WireError, coordinator?: BrokerEndPoint) =>
    context.sendResponseMaybeThrottle(request, FindCoordinator, (throttleTimeMs) => ({
      ...{ throttleTimeMs, errorCode: error.code },
      errorMessage: error === Errors.NONE ? null : error.message,
      nodeId: coordinator?.id ?? -1,
      host: coordinator?.host ?? '',
      port: coordinator?.port ?? -1,
    }))
  const { groupCoordinator, txnCoordinator } = context
  let topicPartition: TopicPartition
  if (keyType === CoordinatorType.GROUP) {
    const partition = groupCoordinator.partitionFor(key)
    topicPartition = new TopicPartition(GROUP_METADATA_TOPIC_NAME, partition)
  } else if (keyType === CoordinatorType.TRANSACTION) {
    const partition = txnCoordinator.partitionFor(key)
    topicPartition = new TopicPartition(TRANSACTION_STATE_TOPIC_NAME, partition)
  } else {
    context.closeConnection(request)
    return
  }

  // Have the topic, then ask who leads the partition.
  const { error } = await getOrCreateInternalTopic(context, topicPartition.topic)
  const coordinator =
    error === Errors.NONE ? leaderFor(context, request, topicPartition) : undefined
  respond(coordinator ? Errors.NONE : Errors.COORDINATOR_NOT_AVAILABLE, coordinator)
}

/** The coordinator, on the listener that was asked. */
function leaderFor(
  { metadataCache }: ApisContext,
  { context: { listenerName } }: Request,
  { topic, partition }: TopicPartition,
): BrokerEndPoint | undefined {
  const info = metadataCache.getPartitionInfo(topic, partition)
  return info && metadataCache.getAliveEndpoint(info.leader, listenerName)
}

/** Serves a JoinGroup request; see `KafkaApis.handleJoinGroupRequest`. */
export function handleJoinGroupRequest(context: ApisContext, request: Request): void {
  const body = request.body<JoinGroupRequest>()
  const { groupId, memberId, sessionTimeoutMs, protocolType, protocols } = body
  context.groupCoordinator.handleJoinGroup({
    ...{ groupId, memberId, sessionTimeoutMs, protocolType, protocols },

    // Version 0 has one timeout for both.
    rebalanceTimeoutMs:
      request.header.apiVersion === 0 ? sessionTimeoutMs : body.rebalanceTimeoutMs,

    // Java writes an address without a name this way; tools show it so.
    clientHost: `/${request.context.clientAddress}`,
    clientId: request.header.clientId ?? '',
    responseCallback: ({ members, error, ...result }) =>
      context.sendResponseMaybeThrottle(request, JoinGroup, (throttleTimeMs) => ({
        ...{ throttleTimeMs, errorCode: error.code },
        generationId: result.generationId,
        protocolName: result.subProtocol,
        leader: result.leaderId,
        memberId: result.memberId,
        members: Array.from(members, ([id, metadata]) => ({ memberId: id, metadata })),
      })),
  })
}

/** Serves a SyncGroup request; see `KafkaApis.handleSyncGroupRequest`. */
export function handleSyncGroupRequest(context: ApisContext, request: Request): void {
  const body = request.body<SyncGroupRequest>()
  const { groupId, generationId, memberId, assignments } = body
  const groupAssignment = new Map(
    assignments.map(({ memberId: id, assignment }) => [id, assignment]),
  )
  context.groupCoordinator.handleSyncGroup(
    ...([groupId, generationId, memberId, groupAssignment] as const),
    (assignment, { code: errorCode }) =>
      context.sendResponseMaybeThrottle(request, SyncGroup, (throttleTimeMs) => ({
        ...{ throttleTimeMs, errorCode, assignment },
      })),
  )
}

/** Serves a Heartbeat request; see `KafkaApis.handleHeartbeatRequest`. */
export function handleHeartbeatRequest(context: ApisContext, request: Request): void {
  const { groupId, memberId, generationId } = request.body<HeartbeatRequest>()
  context.groupCoordinator.handleHeartbeat(
    ...([groupId, memberId, generationId] as const),
    ({ code: errorCode }) =>
      context.sendResponseMaybeThrottle(request, Heartbeat, (throttleTimeMs) => ({
        throttleTimeMs,
        errorCode,
      })),
  )
}

/** Serves a LeaveGroup request; see `KafkaApis.handleLeaveGroupRequest`. */
export function handleLeaveGroupRequest(context: ApisContext, request: Request): void {
  const { groupId, memberId } = request.body<LeaveGroupRequest>()
  context.groupCoordinator.handleLeaveGroup(groupId, memberId, ({ code: errorCode }) =>
    context.sendResponseMaybeThrottle(request, LeaveGroup, (throttleTimeMs) => ({
      throttleTimeMs,
      errorCode,
    })),
  )
}

/** Serves a ListGroups request; see `KafkaApis.handleListGroupsRequest`. */
export function handleListGroupsRequest(context: ApisContext, request: Request): void {
  const { error, groups } = context.groupCoordinator.handleListGroups()
  const errorCode = error.code
  context.sendResponseMaybeThrottle(request, ListGroups, (throttleTimeMs) => ({
    throttleTimeMs,
    errorCode,
    groups,
  }))
}

/** Serves a DescribeGroups request; see `KafkaApis.handleDescribeGroupRequest`. */
export function handleDescribeGroupRequest(
  context: ApisContext,
  request: Request,
): void {
  const body = request.body<DescribeGroupsRequest>()
  const groups = Array.from(new Set(body.groups), (groupId) => {
    const { error, summary } = context.groupCoordinator.handleDescribeGroup(groupId)
    return {
      ...{ errorCode: error.code, groupId, groupState: summary.state },
      ...{ protocolType: summary.protocolType, protocolData: summary.protocol },
      members: summary.members.map(({ metadata, assignment, ...who }) => ({
        ...{ ...who, memberMetadata: metadata, memberAssignment: assignment },
      })),
    }
  })
  context.sendResponseMaybeThrottle(request, DescribeGroups, (throttleTimeMs) => ({
    throttleTimeMs,
    groups,
  }))
}

/** Serves a DeleteGroups request; see `KafkaApis.handleDeleteGroupsRequest`. */
export function handleDeleteGroupsRequest(
  context: ApisContext,
  request: Request,
): void {
  const { groupsNames } = request.body<DeleteGroupsRequest>()
  const errors = context.groupCoordinator.handleDeleteGroups(new Set(groupsNames))
  const results = Array.from(errors, ([groupId, { code: errorCode }]) => ({
    ...{ groupId, errorCode },
  }))
  context.sendResponseMaybeThrottle(request, DeleteGroups, (throttleTimeMs) => ({
    throttleTimeMs,
    results,
  }))
}
