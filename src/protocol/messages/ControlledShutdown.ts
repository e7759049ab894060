/**
 * # ControlledShutdown
 *
 * Asks the controller to move leadership away from a broker that is about to stop. Sent
 * by that broker.
 *
 * Versions: 1 the request header has a client id, as everywhere else.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleControlledShutdownRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/ControlledShutdownRequest.java#ControlledShutdownRequest
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

/** ControlledShutdown, key 7, versions 0 to 1. */
export const ControlledShutdown = defineApi({
  key: 7,
  name: 'ControlledShutdown',
  maxVersion: 1,
  clusterAction: true,
  request: {
    brokerId: int32(),
  },
  response: {
    errorCode: int16(),

    // What the broker still leads: it asks again until this is empty.
    remainingPartitions: array({ topicName: string(), partition: int32() }),
  },
})

/** A decoded ControlledShutdown request, with all fields of all versions. */
export type ControlledShutdownRequest = RequestOf<typeof ControlledShutdown>

/** A decoded ControlledShutdown response. */
export type ControlledShutdownResponse = ResponseOf<typeof ControlledShutdown>

/** What ControlledShutdown requests are encoded from; defaults may be missing. */
export type ControlledShutdownRequestInput = RequestInputOf<typeof ControlledShutdown>

/** What ControlledShutdown responses are encoded from. */
export type ControlledShutdownResponseInput = ResponseInputOf<typeof ControlledShutdown>
