/**
 * # OffsetCommit
 *
 * Stores how far a group has read. Sent by consumers to their coordinator; version 0 to
 * any broker.
 *
 * Versions: 0 stores in ZooKeeper; 1 in the offsets topic, with generation and member
 * and a time a partition; 2 one retention time instead; 3 throttle time.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleOffsetCommitRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/OffsetCommitRequest.java#OffsetCommitRequest
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

/** OffsetCommit, key 8, versions 0 to 3. */
export const OffsetCommit = defineApi({
  key: 8,
  name: 'OffsetCommit',
  maxVersion: 3,
  request: {
    groupId: string(),

    // -1 and '' for a consumer that is no member: it assigns its partitions itself.
    generationId: int32({ since: 1, default: -1 }),
    memberId: string({ since: 1 }),

    // -1: as the broker is configured.
    retentionTimeMs: int64({ since: 2, default: -1 }),
    topics: array({
      name: string(),
      partitions: array({
        partition: int32(),
        committedOffset: int64(),
        commitTimestamp: int64({ since: 1, until: 1, default: -1 }),
        committedMetadata: string({ nullable: true }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ since: 3 }),
    topics: array({
      name: string(),
      partitions: array({ partition: int32(), errorCode: int16() }),
    }),
  },
})

/** A decoded OffsetCommit request, with all fields of all versions. */
export type OffsetCommitRequest = RequestOf<typeof OffsetCommit>

/** A decoded OffsetCommit response. */
export type OffsetCommitResponse = ResponseOf<typeof OffsetCommit>

/** What OffsetCommit requests are encoded from; defaults may be missing. */
export type OffsetCommitRequestInput = RequestInputOf<typeof OffsetCommit>

/** What OffsetCommit responses are encoded from. */
export type OffsetCommitResponseInput = ResponseInputOf<typeof OffsetCommit>
