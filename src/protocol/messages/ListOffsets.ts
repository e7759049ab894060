/**
 * # ListOffsets
 *
 * Finds offsets by time at the leader of each partition: -1 asks for the end, -2 for
 * the start, any other time for the first record at or after it. Sent by consumers who
 * look for a place to start, and by followers.
 *
 * Versions: 0 answers a list of segment base offsets; 1 one time with its offset; 2
 * isolation level, throttle time.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleListOffsetRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/ListOffsetRequest.java#ListOffsetRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { array, int8, int16, int32, int64, string } from '../fields.ts'

/** ListOffsets, key 2, versions 0 to 2. */
export const ListOffsets = defineApi({
  key: 2,
  name: 'ListOffsets',
  maxVersion: 2,
  request: {
    // -1 for consumers; a follower gives its broker id.
    replicaId: int32(),
    isolationLevel: int8({ since: 2 }),
    topics: array({
      name: string(),
      partitions: array({
        partition: int32(),
        timestamp: int64(),
        maxNumOffsets: int32({ until: 0, default: 1 }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ since: 2 }),
    topics: array({
      name: string(),
      partitions: array({
        partition: int32(),
        errorCode: int16(),

        // Newest first.
        oldStyleOffsets: array(int64(), { until: 0 }),

        // Both -1 when no record is that young.
        timestamp: int64({ since: 1, default: -1 }),
        offset: int64({ since: 1, default: -1 }),
      }),
    }),
  },
})

/** A decoded ListOffsets request, with all fields of all versions. */
export type ListOffsetsRequest = RequestOf<typeof ListOffsets>

/** A decoded ListOffsets response. */
export type ListOffsetsResponse = ResponseOf<typeof ListOffsets>

/** What ListOffsets requests are encoded from; defaults may be missing. */
export type ListOffsetsRequestInput = RequestInputOf<typeof ListOffsets>

/** What ListOffsets responses are encoded from. */
export type ListOffsetsResponseInput = ResponseInputOf<typeof ListOffsets>
