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

/** A decoded DeleteTopics request: all fields, defaults where its version lacks them. */
export type DeleteTopicsRequest = RequestOf<typeof DeleteTopics>

/** A decoded DeleteTopics response. */
export type DeleteTopicsResponse = ResponseOf<typeof DeleteTopics>

/** What a DeleteTopics request is encoded from: fields with a default may be left out. */
export type DeleteTopicsRequestInput = RequestInputOf<typeof DeleteTopics>

/** What a DeleteTopics response is encoded from. */
export type DeleteTopicsResponseInput = ResponseInputOf<typeof DeleteTopics>
