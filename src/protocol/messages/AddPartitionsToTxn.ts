/**
 * # AddPartitionsToTxn
 *
 * Adds partitions to a transaction before the first batch is written to them: all of
 * them or none. Sent by transactional producers to their coordinator.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleAddPartitionToTxnRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/AddPartitionsToTxnRequest.java#AddPartitionsToTxnRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { array, int16, int32, producerId, string } from '../fields.ts'

/** AddPartitionsToTxn, key 24, versions 0 to 0. */
export const AddPartitionsToTxn = defineApi({
  key: 24,
  name: 'AddPartitionsToTxn',
  maxVersion: 0,
  minRequiredInterBrokerMagic: 2,
  request: {
    transactionalId: string(),
    producerId: producerId(),
    producerEpoch: int16(),
    topics: array({ name: string(), partitions: array(int32()) }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      name: string(),
      resultsByPartition: array({ partition: int32(), partitionErrorCode: int16() }),
    }),
  },
})

/** A decoded AddPartitionsToTxn request, with all fields of all versions. */
export type AddPartitionsToTxnRequest = RequestOf<typeof AddPartitionsToTxn>

/** A decoded AddPartitionsToTxn response. */
export type AddPartitionsToTxnResponse = ResponseOf<typeof AddPartitionsToTxn>

/** What AddPartitionsToTxn requests are encoded from; defaults may be missing. */
export type AddPartitionsToTxnRequestInput = RequestInputOf<typeof AddPartitionsToTxn>

/** What AddPartitionsToTxn responses are encoded from. */
export type AddPartitionsToTxnResponseInput = ResponseInputOf<typeof AddPartitionsToTxn>
