/**
 * # RenewDelegationToken
 *
 * Puts off the end of a delegation token. Sent by its owner or a renewer.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleRenewTokenRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/RenewDelegationTokenRequest.java#RenewDelegationTokenRequest
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

/** RenewDelegationToken, key 39, versions 0 to 0. */
export const RenewDelegationToken = defineApi({
  key: 39,
  name: 'RenewDelegationToken',
  maxVersion: 0,
  request: {
    hmac: bytes(),
    renewPeriodMs: int64(),
  },
  response: {
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32({ default: 0 }),
  },
})

/** A decoded RenewDelegationToken request, with all fields of all versions. */
export type RenewDelegationTokenRequest = RequestOf<typeof RenewDelegationToken>

/** A decoded RenewDelegationToken response. */
export type RenewDelegationTokenResponse = ResponseOf<typeof RenewDelegationToken>

/** What RenewDelegationToken requests are encoded from; defaults may be missing. */
export type RenewDelegationTokenRequestInput = RequestInputOf<
  typeof RenewDelegationToken
>

/** What RenewDelegationToken responses are encoded from. */
export type RenewDelegationTokenResponseInput = ResponseInputOf<
  typeof RenewDelegationToken
>
