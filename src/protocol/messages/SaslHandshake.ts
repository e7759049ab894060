/**
 * # SaslHandshake
 *
 * Chooses the SASL mechanism of a connection. Sent by clients of SASL listeners, before
 * anything but ApiVersions.
 *
 * Versions: 0 bare tokens follow; 1 tokens follow in SaslAuthenticate requests.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleSaslHandshakeRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/SaslHandshakeRequest.java#SaslHandshakeRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { array, int16, string } from '../fields.ts'

/** SaslHandshake, key 17, versions 0 to 1. */
export const SaslHandshake = defineApi({
  key: 17,
  name: 'SaslHandshake',
  maxVersion: 1,
  request: {
    mechanism: string(),
  },
  response: {
    errorCode: int16(),

    // Those the broker offers.
    mechanisms: array(string()),
  },
})

/** A decoded SaslHandshake request, with all fields of all versions. */
export type SaslHandshakeRequest = RequestOf<typeof SaslHandshake>

/** A decoded SaslHandshake response. */
export type SaslHandshakeResponse = ResponseOf<typeof SaslHandshake>

/** What SaslHandshake requests are encoded from; defaults may be missing. */
export type SaslHandshakeRequestInput = RequestInputOf<typeof SaslHandshake>

/** What SaslHandshake responses are encoded from. */
export type SaslHandshakeResponseInput = ResponseInputOf<typeof SaslHandshake>
