/**
 * # AddOffsetsToTxn
 *
 * Adds a group's partition of the offsets topic to a transaction, before offsets are
 * committed in it. Sent by transactional producers to their coordinator.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleAddOffsetsToTxnRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/AddOffsetsToTxnRequest.java#AddOffsetsToTxnRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { int16, int32, producerId, string } from '../fields.ts'

/** AddOffsetsToTxn, key 25, versions 0 to 0. */
export const AddOffsetsToTxn = defineApi({
  key: 25,
  name: 'AddOffsetsToTxn',
  maxVersion: 0,
  minRequiredInterBrokerMagic: 2,
  request: {
    transactionalId: string(),
    producerId: producerId(),
    producerEpoch: int16(),
    groupId: string(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
  },
})

/** A decoded AddOffsetsToTxn request, with all fields of all versions. */
export type AddOffsetsToTxnRequest = RequestOf<typeof AddOffsetsToTxn>

/** A decoded AddOffsetsToTxn response. */
export type AddOffsetsToTxnResponse = ResponseOf<typeof AddOffsetsToTxn>

/** What AddOffsetsToTxn requests are encoded from; defaults may be missing. */
export type AddOffsetsToTxnRequestInput = RequestInputOf<typeof AddOffsetsToTxn>

/** What AddOffsetsToTxn responses are encoded from. */
export type AddOffsetsToTxnResponseInput = ResponseInputOf<typeof AddOffsetsToTxn>
