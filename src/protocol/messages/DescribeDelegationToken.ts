/**
 * # DescribeDelegationToken
 *
 * Lists delegation tokens. Sent by authenticated clients.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleDescribeTokensRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/DescribeDelegationTokenRequest.java#DescribeDelegationTokenRequest
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

/** DescribeDelegationToken, key 41, versions 0 to 0. */
export const DescribeDelegationToken = defineApi({
  key: 41,
  name: 'DescribeDelegationToken',
  maxVersion: 0,
  request: {
    // Null asks for the tokens of all owners.
    owners: array(
      { principalType: string(), principalName: string() },
      { nullable: true },
    ),
  },
  response: {
    errorCode: int16(),
    tokens: array({
      principalType: string(),
      principalName: string(),
      issueTimestamp: int64(),
      expiryTimestamp: int64(),
      maxTimestamp: int64(),
      tokenId: string(),
      hmac: bytes(),
      renewers: array({ principalType: string(), principalName: string() }),
    }),
    throttleTimeMs: int32({ default: 0 }),
  },
})

/** A decoded DescribeDelegationToken request, with all fields of all versions. */
export type DescribeDelegationTokenRequest = RequestOf<typeof DescribeDelegationToken>

/** A decoded DescribeDelegationToken response. */
export type DescribeDelegationTokenResponse = ResponseOf<typeof DescribeDelegationToken>

/** What DescribeDelegationToken requests are encoded from; defaults may be missing. */
export type DescribeDelegationTokenRequestInput = RequestInputOf<
  typeof DescribeDelegationToken
>

/** What DescribeDelegationToken responses are encoded from. */
export type DescribeDelegationTokenResponseInput = ResponseInputOf<
  typeof DescribeDelegationToken
>
