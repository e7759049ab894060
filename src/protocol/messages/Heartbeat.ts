/**
 * # Heartbeat
 *
 * Says that a member lives; the answer says whether to join again. Sent by consumers to
 * their coordinator, every few seconds.
 *
 * Versions: 1 throttle time.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleHeartbeatRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/HeartbeatRequest.java#HeartbeatRequest
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

/** Heartbeat, key 12, versions 0 to 1. */
export const Heartbeat = defineApi({
  key: 12,
  name: 'Heartbeat',
  maxVersion: 1,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16(),
  },
})

/** A decoded Heartbeat request, with all fields of all versions. */
export type HeartbeatRequest = RequestOf<typeof Heartbeat>

/** A decoded Heartbeat response. */
export type HeartbeatResponse = ResponseOf<typeof Heartbeat>

/** What Heartbeat requests are encoded from; defaults may be missing. */
export type HeartbeatRequestInput = RequestInputOf<typeof Heartbeat>

/** What Heartbeat responses are encoded from. */
export type HeartbeatResponseInput = ResponseInputOf<typeof Heartbeat>
