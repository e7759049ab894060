/**
 * # CreateDelegationToken
 *
 * Makes a token that lets others act as its owner for a while. Sent by authenticated
 * clients.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleCreateTokenRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/CreateDelegationTokenRequest.java#CreateDelegationTokenRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { array, bytes, int16, int32, int64, string } from '../fields.ts'

/** CreateDelegationToken, key 38, versions 0 to 0. */
export const CreateDelegationToken = defineApi({
  key: 38,
  name: 'CreateDelegationToken',
  maxVersion: 0,
  request: {
    renewers: array({ principalType: string(), principalName: string() }),

    // -1: as long as the broker allows.
    maxLifetimeMs: int64(),
  },
  response: {
    errorCode: int16(),
    principalType: string(),
    principalName: string(),
    issueTimestampMs: int64(),
    expiryTimestampMs: int64(),
    maxTimestampMs: int64(),
    tokenId: string(),
    hmac: bytes(),
    throttleTimeMs: int32({ default: 0 }),
  },
})

/** A decoded CreateDelegationToken request, with all fields of all versions. */
export type CreateDelegationTokenRequest = RequestOf<typeof CreateDelegationToken>

/** A decoded CreateDelegationToken response. */
export type CreateDelegationTokenResponse = ResponseOf<typeof CreateDelegationToken>

/** What CreateDelegationToken requests are encoded from; defaults may be missing. */
export type CreateDelegationTokenRequestInput = RequestInputOf<
  typeof CreateDelegationToken
>

/** What CreateDelegationToken responses are encoded from. */
export type CreateDelegationTokenResponseInput = ResponseInputOf<
  typeof CreateDelegationToken
>
