/**
 * # ApiVersions
 *
 * Lists the APIs that a broker serves, with their version ranges. Sent by clients first
 * on a connection. A broker that does not know the version asked in answers in version
 * 0, with UNSUPPORTED_VERSION and no list.
 *
 * Versions: 1 throttle time.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleApiVersionsRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/ApiVersionsRequest.java#ApiVersionsRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { array, int16, int32 } from '../fields.ts'

/** ApiVersions, key 18, versions 0 to 1. */
export const ApiVersions = defineApi({
  key: 18,
  name: 'ApiVersions',
  maxVersion: 1,
  request: {},
  response: {
    errorCode: int16(),
    apiKeys: array({ apiKey: int16(), minVersion: int16(), maxVersion: int16() }),
    throttleTimeMs: int32({ since: 1 }),
  },
})

/** A decoded ApiVersions request, with all fields of all versions. */
export type ApiVersionsRequest = RequestOf<typeof ApiVersions>

/** A decoded ApiVersions response. */
export type ApiVersionsResponse = ResponseOf<typeof ApiVersions>

/** What ApiVersions requests are encoded from; defaults may be missing. */
export type ApiVersionsRequestInput = RequestInputOf<typeof ApiVersions>

/** What ApiVersions responses are encoded from. */
export type ApiVersionsResponseInput = ResponseInputOf<typeof ApiVersions>
