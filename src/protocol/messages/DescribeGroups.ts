/**
 * # DescribeGroups
 *
 * Describes groups and their members. Sent by admin tools to the coordinator.
 *
 * Versions: 1 throttle time.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleDescribeGroupRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/DescribeGroupsRequest.java#DescribeGroupsRequest
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

/** DescribeGroups, key 15, versions 0 to 1. */
export const DescribeGroups = defineApi({
  key: 15,
  name: 'DescribeGroups',
  maxVersion: 1,
  request: {
    groups: array(string()),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    groups: array({
      errorCode: int16(),
      groupId: string(),

      // Dead also stands for unknown groups.
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
    }),
  },
})

/** A decoded DescribeGroups request, with all fields of all versions. */
export type DescribeGroupsRequest = RequestOf<typeof DescribeGroups>

/** A decoded DescribeGroups response. */
export type DescribeGroupsResponse = ResponseOf<typeof DescribeGroups>

/** What DescribeGroups requests are encoded from; defaults may be missing. */
export type DescribeGroupsRequestInput = RequestInputOf<typeof DescribeGroups>

/** What DescribeGroups responses are encoded from. */
export type DescribeGroupsResponseInput = ResponseInputOf<typeof DescribeGroups>
