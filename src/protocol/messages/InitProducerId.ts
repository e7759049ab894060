/**
 * # InitProducerId
 *
 * Gives a producer its id and epoch, by which the broker tells repeated batches; fences
 * older producers with the same transactional id. Sent by idempotent producers to any
 * broker, by transactional ones to their coordinator.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleInitProducerIdRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/InitProducerIdRequest.java#InitProducerIdRequest
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

/** InitProducerId, key 22, versions 0 to 0. */
export const InitProducerId = defineApi({
  key: 22,
  name: 'InitProducerId',
  maxVersion: 0,
  request: {
    transactionalId: string({ nullable: true }),
    transactionTimeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    producerId: producerId(),
    producerEpoch: int16(),
  },
})

/** A decoded InitProducerId request, with all fields of all versions. */
export type InitProducerIdRequest = RequestOf<typeof InitProducerId>

/** A decoded InitProducerId response. */
export type InitProducerIdResponse = ResponseOf<typeof InitProducerId>

/** What InitProducerId requests are encoded from; defaults may be missing. */
export type InitProducerIdRequestInput = RequestInputOf<typeof InitProducerId>

/** What InitProducerId responses are encoded from. */
export type InitProducerIdResponseInput = ResponseInputOf<typeof InitProducerId>
