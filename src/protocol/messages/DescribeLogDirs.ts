/**
 * # DescribeLogDirs
 *
 * Lists the log directories of one broker and the sizes of the replicas in them. Sent
 * by admin clients to that broker.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleDescribeLogDirsRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/DescribeLogDirsRequest.java#DescribeLogDirsRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { array, boolean, int16, int32, int64, string } from '../fields.ts'

/** DescribeLogDirs, key 35, versions 0 to 0. */
export const DescribeLogDirs = defineApi({
  key: 35,
  name: 'DescribeLogDirs',
  maxVersion: 0,
  request: {
    // Null asks for all.
    topics: array({ topic: string(), partitions: array(int32()) }, { nullable: true }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partition: int32(),
          partitionSize: int64(),
          offsetLag: int64(),

          // True while the replica is being moved here.
          isFutureKey: boolean(),
        }),
      }),
    }),
  },
})

/** A decoded DescribeLogDirs request, with all fields of all versions. */
export type DescribeLogDirsRequest = RequestOf<typeof DescribeLogDirs>

/** A decoded DescribeLogDirs response. */
export type DescribeLogDirsResponse = ResponseOf<typeof DescribeLogDirs>

/** What DescribeLogDirs requests are encoded from; defaults may be missing. */
export type DescribeLogDirsRequestInput = RequestInputOf<typeof DescribeLogDirs>

/** What DescribeLogDirs responses are encoded from. */
export type DescribeLogDirsResponseInput = ResponseInputOf<typeof DescribeLogDirs>
