/**
 * # SyncGroup
 *
 * Brings the leader's assignment to the coordinator and each member's share to the
 * member. Sent by all members after joining; the answers wait for the leader.
 *
 * Versions: 1 throttle time.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleSyncGroupRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/SyncGroupRequest.java#SyncGroupRequest
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

/** SyncGroup, key 14, versions 0 to 1. */
export const SyncGroup = defineApi({
  key: 14,
  name: 'SyncGroup',
  maxVersion: 1,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),

    // Empty from all but the leader.
    assignments: array({ memberId: string(), assignment: bytes() }),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16(),
    assignment: bytes(),
  },
})

/** A decoded SyncGroup request: all fields, defaults where its version lacks them. */
export type SyncGroupRequest = RequestOf<typeof SyncGroup>

/** A decoded SyncGroup response. */
export type SyncGroupResponse = ResponseOf<typeof SyncGroup>

/** What a SyncGroup request is encoded from: fields with a default may be left out. */
export type SyncGroupRequestInput = RequestInputOf<typeof SyncGroup>

/** What a SyncGroup response is encoded from. */
export type SyncGroupResponseInput = ResponseInputOf<typeof SyncGroup>
