/**
 * # WriteTxnMarkers
 *
 * Writes the markers that end transactions into their partitions. Sent by transaction
 * coordinators to the leaders.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleWriteTxnMarkersRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/WriteTxnMarkersRequest.java#WriteTxnMarkersRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { array, boolean, int16, int32, producerId, string } from '../fields.ts'

/** WriteTxnMarkers, key 27, versions 0 to 0. */
export const WriteTxnMarkers = defineApi({
  key: 27,
  name: 'WriteTxnMarkers',
  maxVersion: 0,
  clusterAction: true,
  minRequiredInterBrokerMagic: 2,
  request: {
    markers: array({
      producerId: producerId(),
      producerEpoch: int16(),

      // True commits, false aborts.
      transactionResult: boolean(),
      topics: array({ name: string(), partitionIndexes: array(int32()) }),
      coordinatorEpoch: int32(),
    }),
  },
  response: {
    markers: array({
      producerId: producerId(),
      topics: array({
        name: string(),
        partitions: array({ partition: int32(), errorCode: int16() }),
      }),
    }),
  },
})

/** A decoded WriteTxnMarkers request, with all fields of all versions. */
export type WriteTxnMarkersRequest = RequestOf<typeof WriteTxnMarkers>

/** A decoded WriteTxnMarkers response. */
export type WriteTxnMarkersResponse = ResponseOf<typeof WriteTxnMarkers>

/** What WriteTxnMarkers requests are encoded from; defaults may be missing. */
export type WriteTxnMarkersRequestInput = RequestInputOf<typeof WriteTxnMarkers>

/** What WriteTxnMarkers responses are encoded from. */
export type WriteTxnMarkersResponseInput = ResponseInputOf<typeof WriteTxnMarkers>
