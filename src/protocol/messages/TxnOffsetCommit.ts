/**
 * # TxnOffsetCommit
 *
 * Stores a group's offsets as part of a transaction: nobody sees them before the commit
 * marker. Sent by transactional producers to the group's coordinator.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleTxnOffsetCommitRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/TxnOffsetCommitRequest.java#TxnOffsetCommitRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { array, int16, int32, int64, producerId, string } from '../fields.ts'

/** TxnOffsetCommit, key 28, versions 0 to 0. */
export const TxnOffsetCommit = defineApi({
  key: 28,
  name: 'TxnOffsetCommit',
  maxVersion: 0,
  minRequiredInterBrokerMagic: 2,
  request: {
    transactionalId: string(),
    groupId: string(),
    producerId: producerId(),
    producerEpoch: int16(),
    topics: array({
      name: string(),
      partitions: array({
        partition: int32(),
        committedOffset: int64(),
        committedMetadata: string({ nullable: true }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      name: string(),
      partitions: array({ partition: int32(), errorCode: int16() }),
    }),
  },
})

/** A decoded TxnOffsetCommit request, with all fields of all versions. */
export type TxnOffsetCommitRequest = RequestOf<typeof TxnOffsetCommit>

/** A decoded TxnOffsetCommit response. */
export type TxnOffsetCommitResponse = ResponseOf<typeof TxnOffsetCommit>

/** What TxnOffsetCommit requests are encoded from; defaults may be missing. */
export type TxnOffsetCommitRequestInput = RequestInputOf<typeof TxnOffsetCommit>

/** What TxnOffsetCommit responses are encoded from. */
export type TxnOffsetCommitResponseInput = ResponseInputOf<typeof TxnOffsetCommit>
