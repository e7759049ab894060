/**
 * # CreateTopics
 *
 * Creates topics, and answers when their partitions have leaders or time is up. Sent by
 * admin clients to the controller.
 *
 * Versions: 1 a dry run, error messages; 2 throttle time.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleCreateTopicsRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/CreateTopicsRequest.java#CreateTopicsRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { array, boolean, int16, int32, string } from '../fields.ts'

/** CreateTopics, key 19, versions 0 to 2. */
export const CreateTopics = defineApi({
  key: 19,
  name: 'CreateTopics',
  maxVersion: 2,
  request: {
    topics: array({
      name: string(),

      // Both -1 when the assignment is given.
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array({ partition: int32(), brokerIds: array(int32()) }),
      configs: array({ name: string(), value: string({ nullable: true }) }),
    }),
    timeoutMs: int32(),
    validateOnly: boolean({ since: 1 }),
  },
  response: {
    throttleTimeMs: int32({ since: 2 }),
    topics: array({
      name: string(),
      errorCode: int16(),
      errorMessage: string({ since: 1, nullable: true }),
    }),
  },
})

/** A decoded CreateTopics request, with all fields of all versions. */
export type CreateTopicsRequest = RequestOf<typeof CreateTopics>

/** A decoded CreateTopics response. */
export type CreateTopicsResponse = ResponseOf<typeof CreateTopics>

/** What CreateTopics requests are encoded from; defaults may be missing. */
export type CreateTopicsRequestInput = RequestInputOf<typeof CreateTopics>

/** What CreateTopics responses are encoded from. */
export type CreateTopicsResponseInput = ResponseInputOf<typeof CreateTopics>
