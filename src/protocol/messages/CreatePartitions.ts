/**
 * # CreatePartitions
 *
 * Adds partitions to topics. Sent by admin clients to the controller.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleCreatePartitionsRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/CreatePartitionsRequest.java#CreatePartitionsRequest
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

/** CreatePartitions, key 37, versions 0 to 0. */
export const CreatePartitions = defineApi({
  key: 37,
  name: 'CreatePartitions',
  maxVersion: 0,
  request: {
    topics: array({
      name: string(),

      // The number wanted in all, not how many more.
      count: int32(),

      // For the new partitions only; null lets the controller choose.
      assignments: array({ brokerIds: array(int32()) }, { nullable: true }),
    }),
    timeoutMs: int32(),
    validateOnly: boolean(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      name: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: true }),
    }),
  },
})

/** A decoded CreatePartitions request, with all fields of all versions. */
export type CreatePartitionsRequest = RequestOf<typeof CreatePartitions>

/** A decoded CreatePartitions response. */
export type CreatePartitionsResponse = ResponseOf<typeof CreatePartitions>

/** What CreatePartitions requests are encoded from; defaults may be missing. */
export type CreatePartitionsRequestInput = RequestInputOf<typeof CreatePartitions>

/** What CreatePartitions responses are encoded from. */
export type CreatePartitionsResponseInput = ResponseInputOf<typeof CreatePartitions>
