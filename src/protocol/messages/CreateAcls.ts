/**
 * # CreateAcls
 *
 * Adds access rules; the answer has one result a rule, in their order. Sent by admin
 * clients. The numbers are listed at DescribeAcls.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleCreateAcls
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/CreateAclsRequest.java#CreateAclsRequest
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

/** CreateAcls, key 30, versions 0 to 0. */
export const CreateAcls = defineApi({
  key: 30,
  name: 'CreateAcls',
  maxVersion: 0,
  request: {
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({ errorCode: int16(), errorMessage: string({ nullable: true }) }),
  },
})

/** A decoded CreateAcls request, with all fields of all versions. */
export type CreateAclsRequest = RequestOf<typeof CreateAcls>

/** A decoded CreateAcls response. */
export type CreateAclsResponse = ResponseOf<typeof CreateAcls>

/** What CreateAcls requests are encoded from; defaults may be missing. */
export type CreateAclsRequestInput = RequestInputOf<typeof CreateAcls>

/** What CreateAcls responses are encoded from. */
export type CreateAclsResponseInput = ResponseInputOf<typeof CreateAcls>
