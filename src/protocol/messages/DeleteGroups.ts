/**
 * # DeleteGroups
 *
 * Deletes groups that have no members, with their offsets. Sent by admin clients to the
 * coordinator.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleDeleteGroupsRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/DeleteGroupsRequest.java#DeleteGroupsRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { array, int16, int32, string } from '../fields.ts'

/** DeleteGroups, key 42, versions 0 to 0. */
export const DeleteGroups = defineApi({
  key: 42,
  name: 'DeleteGroups',
  maxVersion: 0,
  request: {
    groupsNames: array(string()),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({ groupId: string(), errorCode: int16() }),
  },
})

/** A decoded DeleteGroups request, with all fields of all versions. */
export type DeleteGroupsRequest = RequestOf<typeof DeleteGroups>

/** A decoded DeleteGroups response. */
export type DeleteGroupsResponse = ResponseOf<typeof DeleteGroups>

/** What DeleteGroups requests are encoded from; defaults may be missing. */
export type DeleteGroupsRequestInput = RequestInputOf<typeof DeleteGroups>

/** What DeleteGroups responses are encoded from. */
export type DeleteGroupsResponseInput = ResponseInputOf<typeof DeleteGroups>
