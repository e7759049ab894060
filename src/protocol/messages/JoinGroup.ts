/**
 * # JoinGroup
 *
 * Makes a consumer a member of its group, and starts a rebalance. The answer comes when
 * all have joined or time is up; only the leader's lists the members. Sent by consumers
 * to their coordinator.
 *
 * Versions: 1 a rebalance timeout apart from the session timeout; 2 throttle time.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleJoinGroupRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/JoinGroupRequest.java#JoinGroupRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { array, bytes, int16, int32, string } from '../fields.ts'

/** JoinGroup, key 11, versions 0 to 2. */
export const JoinGroup = defineApi({
  key: 11,
  name: 'JoinGroup',
  maxVersion: 2,
  request: {
    groupId: string(),
    sessionTimeoutMs: int32(),

    // In version 0 the session timeout stands for both.
    rebalanceTimeoutMs: int32({ since: 1, default: -1 }),

    // '' from a new member: the coordinator names it.
    memberId: string(),
    protocolType: string(),

    // The member's assignors, best first. The metadata is for the leader's eyes.
    protocols: array({ name: string(), metadata: bytes() }),
  },
  response: {
    throttleTimeMs: int32({ since: 2 }),
    errorCode: int16(),
    generationId: int32(),
    protocolName: string(),
    leader: string(),
    memberId: string(),
    members: array({ memberId: string(), metadata: bytes() }),
  },
})

/** A decoded JoinGroup request, with all fields of all versions. */
export type JoinGroupRequest = RequestOf<typeof JoinGroup>

/** A decoded JoinGroup response. */
export type JoinGroupResponse = ResponseOf<typeof JoinGroup>

/** What JoinGroup requests are encoded from; defaults may be missing. */
export type JoinGroupRequestInput = RequestInputOf<typeof JoinGroup>

/** What JoinGroup responses are encoded from. */
export type JoinGroupResponseInput = ResponseInputOf<typeof JoinGroup>
