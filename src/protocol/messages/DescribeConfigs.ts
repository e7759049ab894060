/**
 * # DescribeConfigs
 *
 * Lists the settings of topics (resource type 2) and brokers (4). Sent by admin
 * clients; a broker's settings can be asked of that broker only.
 *
 * Versions: 1 says where each value comes from, with all the places it could come from.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleDescribeConfigsRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/DescribeConfigsRequest.java#DescribeConfigsRequest
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

/** DescribeConfigs, key 32, versions 0 to 1. */
export const DescribeConfigs = defineApi({
  key: 32,
  name: 'DescribeConfigs',
  maxVersion: 1,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),

      // Null asks for all keys.
      configurationKeys: array(string(), { nullable: true }),
    }),
    includeSynonyms: boolean({ since: 1 }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      errorCode: int16(),
      errorMessage: string({ nullable: true }),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),

        // Null when sensitive.
        value: string({ nullable: true }),
        readOnly: boolean(),
        isDefault: boolean({ until: 0 }),

        // Where from: 1 topic, 2 broker, 3 all brokers, 4 file, 5 default.
        configSource: int8({ since: 1, default: -1 }),
        isSensitive: boolean(),
        synonyms: array(
          { name: string(), value: string({ nullable: true }), source: int8() },
          { since: 1 },
        ),
      }),
    }),
  },
})

/** A decoded DescribeConfigs request, with all fields of all versions. */
export type DescribeConfigsRequest = RequestOf<typeof DescribeConfigs>

/** A decoded DescribeConfigs response. */
export type DescribeConfigsResponse = ResponseOf<typeof DescribeConfigs>

/** What DescribeConfigs requests are encoded from; defaults may be missing. */
export type DescribeConfigsRequestInput = RequestInputOf<typeof DescribeConfigs>

/** What DescribeConfigs responses are encoded from. */
export type DescribeConfigsResponseInput = ResponseInputOf<typeof DescribeConfigs>
