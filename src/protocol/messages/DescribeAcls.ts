/**
 * # DescribeAcls
 *
 * Lists the access rules that match a filter; null in the filter matches all. Sent by
 * admin clients.
 *
 * Resource types: 1 any, 2 topic, 3 group, 4 cluster, 5 transactional id, 6 delegation
 * token. Operations: 1 any, 2 all, 3 read, 4 write, 5 create, 6 delete, 7 alter, 8
 * describe, 9 cluster action, 10 describe configs, 11 alter configs, 12 idempotent
 * write. Permissions: 1 any, 2 deny, 3 allow.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleDescribeAcls
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/DescribeAclsRequest.java#DescribeAclsRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { array, int8, int16, int32, string } from '../fields.ts'

/** DescribeAcls, key 29, versions 0 to 0. */
export const DescribeAcls = defineApi({
  key: 29,
  name: 'DescribeAcls',
  maxVersion: 0,
  request: {
    resourceTypeFilter: int8(),
    resourceNameFilter: string({ nullable: true }),
    principalFilter: string({ nullable: true }),
    hostFilter: string({ nullable: true }),
    operation: int8(),
    permissionType: int8(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: true }),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      acls: array({
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
})

/** A decoded DescribeAcls request, with all fields of all versions. */
export type DescribeAclsRequest = RequestOf<typeof DescribeAcls>

/** A decoded DescribeAcls response. */
export type DescribeAclsResponse = ResponseOf<typeof DescribeAcls>

/** What DescribeAcls requests are encoded from; defaults may be missing. */
export type DescribeAclsRequestInput = RequestInputOf<typeof DescribeAcls>

/** What DescribeAcls responses are encoded from. */
export type DescribeAclsResponseInput = ResponseInputOf<typeof DescribeAcls>
