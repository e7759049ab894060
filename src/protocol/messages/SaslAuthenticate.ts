/**
 * # SaslAuthenticate
 *
 * Carries one token of a SASL exchange. Sent by clients after SaslHandshake version 1.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleSaslAuthenticateRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/SaslAuthenticateRequest.java#SaslAuthenticateRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { bytes, int16, string } from '../fields.ts'

/** SaslAuthenticate, key 36, versions 0 to 0. */
export const SaslAuthenticate = defineApi({
  key: 36,
  name: 'SaslAuthenticate',
  maxVersion: 0,
  request: {
    authBytes: bytes(),
  },
  response: {
    errorCode: int16(),
    errorMessage: string({ nullable: true }),
    authBytes: bytes(),
  },
})

/** A decoded SaslAuthenticate request, with all fields of all versions. */
export type SaslAuthenticateRequest = RequestOf<typeof SaslAuthenticate>

/** A decoded SaslAuthenticate response. */
export type SaslAuthenticateResponse = ResponseOf<typeof SaslAuthenticate>

/** What SaslAuthenticate requests are encoded from; defaults may be missing. */
export type SaslAuthenticateRequestInput = RequestInputOf<typeof SaslAuthenticate>

/** What SaslAuthenticate responses are encoded from. */
export type SaslAuthenticateResponseInput = ResponseInputOf<typeof SaslAuthenticate>
