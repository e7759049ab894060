/**
 * # AlterConfigs
 *
 * Replaces the settings of topics (resource type 2) and brokers (4): keys that are not
 * sent fall back to their defaults. Sent by admin clients.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleAlterConfigsRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/AlterConfigsRequest.java#AlterConfigsRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { array, boolean, int8, int16, int32, string } from '../fields.ts'

/** AlterConfigs, key 33, versions 0 to 0. */
export const AlterConfigs = defineApi({
  key: 33,
  name: 'AlterConfigs',
  maxVersion: 0,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({ name: string(), value: string({ nullable: true }) }),
    }),
    validateOnly: boolean(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    responses: array({
      errorCode: int16(),
      errorMessage: string({ nullable: true }),
      resourceType: int8(),
      resourceName: string(),
    }),
  },
})

/** A decoded AlterConfigs request, with all fields of all versions. */
export type AlterConfigsRequest = RequestOf<typeof AlterConfigs>

/** A decoded AlterConfigs response. */
export type AlterConfigsResponse = ResponseOf<typeof AlterConfigs>

/** What AlterConfigs requests are encoded from; defaults may be missing. */
export type AlterConfigsRequestInput = RequestInputOf<typeof AlterConfigs>

/** What AlterConfigs responses are encoded from. */
export type AlterConfigsResponseInput = ResponseInputOf<typeof AlterConfigs>
