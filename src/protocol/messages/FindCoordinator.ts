/**
 * # FindCoordinator
 *
 * Finds the broker that coordinates a group or a transactional id: the leader of the
 * partition its name hashes to. Sent by consumers and transactional producers, to any
 * broker. Called GroupCoordinator before version 1.
 *
 * Versions: 1 the key's type, throttle time, message.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleFindCoordinatorRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/FindCoordinatorRequest.java#FindCoordinatorRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { int8, int16, int32, string } from '../fields.ts'

/** FindCoordinator, key 10, versions 0 to 1. */
export const FindCoordinator = defineApi({
  key: 10,
  name: 'FindCoordinator',
  maxVersion: 1,
  request: {
    key: string(),

    // 0: group; 1: transactional id.
    keyType: int8({ since: 1 }),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16(),
    errorMessage: string({ since: 1, nullable: true }),
    nodeId: int32(),
    host: string(),
    port: int32(),
  },
})

/** A decoded FindCoordinator request, with all fields of all versions. */
export type FindCoordinatorRequest = RequestOf<typeof FindCoordinator>

/** A decoded FindCoordinator response. */
export type FindCoordinatorResponse = ResponseOf<typeof FindCoordinator>

/** What FindCoordinator requests are encoded from; defaults may be missing. */
export type FindCoordinatorRequestInput = RequestInputOf<typeof FindCoordinator>

/** What FindCoordinator responses are encoded from. */
export type FindCoordinatorResponseInput = ResponseInputOf<typeof FindCoordinator>
