/**
 * # DeleteAcls
 *
 * Removes the access rules that match any of the filters; null in a filter matches all.
 * The answer lists what was removed, a list a filter, in their order. Sent by admin
 * clients. The numbers are listed at DescribeAcls.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleDeleteAcls
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/DeleteAclsRequest.java#DeleteAclsRequest
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

/** DeleteAcls, key 31, versions 0 to 0. */
export const DeleteAcls = defineApi({
  key: 31,
  name: 'DeleteAcls',
  maxVersion: 0,
  request: {
    filters: array({
      resourceTypeFilter: int8(),
      resourceNameFilter: string({ nullable: true }),
      principalFilter: string({ nullable: true }),
      hostFilter: string({ nullable: true }),
      operation: int8(),
      permissionType: int8(),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    filterResults: array({
      errorCode: int16(),
      errorMessage: string({ nullable: true }),
      matchingAcls: array({
        errorCode: int16(),
        errorMessage: string({ nullable: true }),
        resourceType: int8(),
        resourceName: string(),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
})

/** A decoded DeleteAcls request, with all fields of all versions. */
export type DeleteAclsRequest = RequestOf<typeof DeleteAcls>

/** A decoded DeleteAcls response. */
export type DeleteAclsResponse = ResponseOf<typeof DeleteAcls>

/** What DeleteAcls requests are encoded from; defaults may be missing. */
export type DeleteAclsRequestInput = RequestInputOf<typeof DeleteAcls>

/** What DeleteAcls responses are encoded from. */
export type DeleteAclsResponseInput = ResponseInputOf<typeof DeleteAcls>
