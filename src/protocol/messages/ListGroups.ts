/**
 * # ListGroups
 *
 * Lists the groups that a broker coordinates. Sent by admin tools to every broker.
 *
 * Versions: 1 throttle time.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleListGroupsRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/ListGroupsRequest.java#ListGroupsRequest
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

/** ListGroups, key 16, versions 0 to 1. */
export const ListGroups = defineApi({
  key: 16,
  name: 'ListGroups',
  maxVersion: 1,
  request: {},
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16(),
    groups: array({ groupId: string(), protocolType: string() }),
  },
})

/** A decoded ListGroups request, with all fields of all versions. */
export type ListGroupsRequest = RequestOf<typeof ListGroups>

/** A decoded ListGroups response. */
export type ListGroupsResponse = ResponseOf<typeof ListGroups>

/** What ListGroups requests are encoded from; defaults may be missing. */
export type ListGroupsRequestInput = RequestInputOf<typeof ListGroups>

/** What ListGroups responses are encoded from. */
export type ListGroupsResponseInput = ResponseInputOf<typeof ListGroups>
