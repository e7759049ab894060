/**
 * # OffsetForLeaderEpoch
 *
 * Asks a leader where a leader epoch ended in its log. Sent by a follower before it
 * fetches, so that it cuts off what the new leader never had.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleOffsetForLeaderEpochRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/OffsetsForLeaderEpochRequest.java#OffsetsForLeaderEpochRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { array, int16, int32, int64, string } from '../fields.ts'

/** OffsetForLeaderEpoch, key 23, versions 0 to 0. */
export const OffsetForLeaderEpoch = defineApi({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  maxVersion: 0,
  clusterAction: true,
  request: {
    topics: array({
      topic: string(),
      partitions: array({ partition: int32(), leaderEpoch: int32() }),
    }),
  },
  response: {
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: int16(),
        partition: int32(),

        // -1: the epoch is not known.
        endOffset: int64(),
      }),
    }),
  },
})

/** A decoded OffsetForLeaderEpoch request, with all fields of all versions. */
export type OffsetForLeaderEpochRequest = RequestOf<typeof OffsetForLeaderEpoch>

/** A decoded OffsetForLeaderEpoch response. */
export type OffsetForLeaderEpochResponse = ResponseOf<typeof OffsetForLeaderEpoch>

/** What OffsetForLeaderEpoch requests are encoded from; defaults may be missing. */
export type OffsetForLeaderEpochRequestInput = RequestInputOf<
  typeof OffsetForLeaderEpoch
>

/** What OffsetForLeaderEpoch responses are encoded from. */
export type OffsetForLeaderEpochResponseInput = ResponseInputOf<
  typeof OffsetForLeaderEpoch
>
