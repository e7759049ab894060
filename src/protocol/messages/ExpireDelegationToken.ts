/**
 * # ExpireDelegationToken
 *
 * Ends a delegation token, after a period or, if that is negative, at once. Sent by its
 * owner or a renewer.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleExpireTokenRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/ExpireDelegationTokenRequest.java#ExpireDelegationTokenRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { bytes, int16, int32, int64 } from '../fields.ts'

/** ExpireDelegationToken, key 40, versions 0 to 0. */
export const ExpireDelegationToken = defineApi({
  key: 40,
  name: 'ExpireDelegationToken',
  maxVersion: 0,
  request: {
    hmac: bytes(),
    expiryTimePeriodMs: int64(),
  },
  response: {
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32({ default: 0 }),
  },
})

/** A decoded ExpireDelegationToken request, with all fields of all versions. */
export type ExpireDelegationTokenRequest = RequestOf<typeof ExpireDelegationToken>

/** A decoded ExpireDelegationToken response. */
export type ExpireDelegationTokenResponse = ResponseOf<typeof ExpireDelegationToken>

/** What ExpireDelegationToken requests are encoded from; defaults may be missing. */
export type ExpireDelegationTokenRequestInput = RequestInputOf<
  typeof ExpireDelegationToken
>

/** What ExpireDelegationToken responses are encoded from. */
export type ExpireDelegationTokenResponseInput = ResponseInputOf<
  typeof ExpireDelegationToken
>
