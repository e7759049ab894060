/**
 * # DeleteTopics
 *
 * Deletes topics, and answers when they are gone or time is up. Sent by admin clients
 * to the controller.
 *
 * Versions: 1 throttle time.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleDeleteTopicsRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/DeleteTopicsRequest.java#DeleteTopicsRequest
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

/** DeleteTopics, key 20, versions 0 to 1. */
export const DeleteTopics = defineApi({
  key: 20,
  name: 'DeleteTopics',
  maxVersion: 1,
  request: {
    topicNames: array(string()),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    responses: array({ name: string(), errorCode: int16() }),
  },
})

/** A decoded DeleteTopics request, with all fields of all versions. */
export type DeleteTopicsRequest = RequestOf<typeof DeleteTopics>

/** A decoded DeleteTopics response. */
export type DeleteTopicsResponse = ResponseOf<typeof DeleteTopics>

/** What DeleteTopics requests are encoded from; defaults may be missing. */
export type DeleteTopicsRequestInput = RequestInputOf<typeof DeleteTopics>

/** What DeleteTopics responses are encoded from. */
export type DeleteTopicsResponseInput = ResponseInputOf<typeof DeleteTopics>
