/**
 * # DeleteRecords
 *
 * Drops the records of partitions before an offset, and answers when all live replicas
 * have moved their log start. Sent by admin clients to the leaders.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleDeleteRecordsRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/DeleteRecordsRequest.java#DeleteRecordsRequest
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

/** DeleteRecords, key 21, versions 0 to 0. */
export const DeleteRecords = defineApi({
  key: 21,
  name: 'DeleteRecords',
  maxVersion: 0,
  request: {
    topics: array({
      name: string(),

      // -1: up to the high watermark.
      partitions: array({ partition: int32(), offset: int64() }),
    }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      name: string(),
      partitions: array({
        partition: int32(),
        lowWatermark: int64(),
        errorCode: int16(),
      }),
    }),
  },
})

/** A decoded DeleteRecords request, with all fields of all versions. */
export type DeleteRecordsRequest = RequestOf<typeof DeleteRecords>

/** A decoded DeleteRecords response. */
export type DeleteRecordsResponse = ResponseOf<typeof DeleteRecords>

/** What DeleteRecords requests are encoded from; defaults may be missing. */
export type DeleteRecordsRequestInput = RequestInputOf<typeof DeleteRecords>

/** What DeleteRecords responses are encoded from. */
export type DeleteRecordsResponseInput = ResponseInputOf<typeof DeleteRecords>
