/**
 * # AlterReplicaLogDirs
 *
 * Moves replicas between the log directories of one broker. Sent by admin clients to
 * that broker.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleAlterReplicaLogDirsRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/AlterReplicaLogDirsRequest.java#AlterReplicaLogDirsRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { array, int16, int32, string } from '../fields.ts'

/** AlterReplicaLogDirs, key 34, versions 0 to 0. */
export const AlterReplicaLogDirs = defineApi({
  key: 34,
  name: 'AlterReplicaLogDirs',
  maxVersion: 0,
  request: {
    dirs: array({
      path: string(),
      topics: array({ name: string(), partitions: array(int32()) }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      topicName: string(),
      partitions: array({ partition: int32(), errorCode: int16() }),
    }),
  },
})

/** A decoded AlterReplicaLogDirs request, with all fields of all versions. */
export type AlterReplicaLogDirsRequest = RequestOf<typeof AlterReplicaLogDirs>

/** A decoded AlterReplicaLogDirs response. */
export type AlterReplicaLogDirsResponse = ResponseOf<typeof AlterReplicaLogDirs>

/** What AlterReplicaLogDirs requests are encoded from; defaults may be missing. */
export type AlterReplicaLogDirsRequestInput = RequestInputOf<typeof AlterReplicaLogDirs>

/** What AlterReplicaLogDirs responses are encoded from. */
export type AlterReplicaLogDirsResponseInput = ResponseInputOf<
  typeof AlterReplicaLogDirs
>
