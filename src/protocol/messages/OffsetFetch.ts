/**
 * # OffsetFetch
 *
 * Asks how far a group has read. Sent by consumers to their coordinator; version 0 to
 * any broker.
 *
 * Versions: 0 reads from ZooKeeper; 1 from the offsets topic; 2 null asks for all
 * topics, one error for the whole group; 3 throttle time.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleOffsetFetchRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/OffsetFetchRequest.java#OffsetFetchRequest
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

/** OffsetFetch, key 9, versions 0 to 3. */
export const OffsetFetch = defineApi({
  key: 9,
  name: 'OffsetFetch',
  maxVersion: 3,
  request: {
    groupId: string(),
    topics: array(
      { name: string(), partitionIndexes: array(int32()) },
      { nullable: 2 },
    ),
  },
  response: {
    throttleTimeMs: int32({ since: 3 }),
    topics: array({
      name: string(),
      partitions: array({
        partition: int32(),

        // -1: none stored.
        committedOffset: int64(),
        metadata: string({ nullable: true }),
        errorCode: int16(),
      }),
    }),
    errorCode: int16({ since: 2 }),
  },
})

/** A decoded OffsetFetch request, with all fields of all versions. */
export type OffsetFetchRequest = RequestOf<typeof OffsetFetch>

/** A decoded OffsetFetch response. */
export type OffsetFetchResponse = ResponseOf<typeof OffsetFetch>

/** What OffsetFetch requests are encoded from; defaults may be missing. */
export type OffsetFetchRequestInput = RequestInputOf<typeof OffsetFetch>

/** What OffsetFetch responses are encoded from. */
export type OffsetFetchResponseInput = ResponseInputOf<typeof OffsetFetch>
