/**
 * # EndTxn
 *
 * Commits or aborts a transaction. The decision is stored when the answer goes out; the
 * markers follow. Sent by transactional producers to their coordinator.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleEndTxnRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/EndTxnRequest.java#EndTxnRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { boolean, int16, int32, producerId, string } from '../fields.ts'

/** EndTxn, key 26, versions 0 to 0. */
export const EndTxn = defineApi({
  key: 26,
  name: 'EndTxn',
  maxVersion: 0,
  minRequiredInterBrokerMagic: 2,
  request: {
    transactionalId: string(),
    producerId: producerId(),
    producerEpoch: int16(),

    // True commits, false aborts.
    committed: boolean(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
  },
})

/** A decoded EndTxn request, with all fields of all versions. */
export type EndTxnRequest = RequestOf<typeof EndTxn>

/** A decoded EndTxn response. */
export type EndTxnResponse = ResponseOf<typeof EndTxn>

/** What EndTxn requests are encoded from; defaults may be missing. */
export type EndTxnRequestInput = RequestInputOf<typeof EndTxn>

/** What EndTxn responses are encoded from. */
export type EndTxnResponseInput = ResponseInputOf<typeof EndTxn>
