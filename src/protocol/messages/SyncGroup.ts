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

/** A decoded SyncGroup request, with all fields of all versions. */
export type SyncGroupRequest = RequestOf<typeof SyncGroup>

/** A decoded SyncGroup response. */
export type SyncGroupResponse = ResponseOf<typeof SyncGroup>

/** What SyncGroup requests are encoded from; defaults may be missing. */
export type SyncGroupRequestInput = RequestInputOf<typeof SyncGroup>

/** What SyncGroup responses are encoded from. */
export type SyncGroupResponseInput = ResponseInputOf<typeof SyncGroup>
