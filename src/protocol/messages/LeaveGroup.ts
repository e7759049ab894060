/**
 * # LeaveGroup
 *
 * Takes a member out of its group at once, without waiting for its session to end. Sent
 * by consumers that close.
 *
 * Versions: 1 throttle time.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleLeaveGroupRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/LeaveGroupRequest.java#LeaveGroupRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { int16, int32, string } from '../fields.ts'

/** LeaveGroup, key 13, versions 0 to 1. */
export const LeaveGroup = defineApi({
  key: 13,
  name: 'LeaveGroup',
  maxVersion: 1,
  request: {
    groupId: string(),
    memberId: string(),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16(),
  },
})

/** A decoded LeaveGroup request, with all fields of all versions. */
export type LeaveGroupRequest = RequestOf<typeof LeaveGroup>

/** A decoded LeaveGroup response. */
export type LeaveGroupResponse = ResponseOf<typeof LeaveGroup>

/** What LeaveGroup requests are encoded from; defaults may be missing. */
export type LeaveGroupRequestInput = RequestInputOf<typeof LeaveGroup>

/** What LeaveGroup responses are encoded from. */
export type LeaveGroupResponseInput = ResponseInputOf<typeof LeaveGroup>
