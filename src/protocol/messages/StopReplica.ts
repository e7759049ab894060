/**
 * # StopReplica
 *
 * Stops replicas of partitions on a broker, and deletes their logs if told so. Sent by
 * the controller.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleStopReplicaRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/StopReplicaRequest.java#StopReplicaRequest
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

/** StopReplica, key 5, versions 0 to 0. */
export const StopReplica = defineApi({
  key: 5,
  name: 'StopReplica',
  maxVersion: 0,
  clusterAction: true,
  request: {
    controllerId: int32(),
    controllerEpoch: int32(),
    deletePartitions: boolean(),
    ungroupedPartitions: array({ topicName: string(), partition: int32() }),
  },
  response: {
    errorCode: int16(),
    partitionErrors: array({
      topicName: string(),
      partition: int32(),
      errorCode: int16(),
    }),
  },
})

/** A decoded StopReplica request, with all fields of all versions. */
export type StopReplicaRequest = RequestOf<typeof StopReplica>

/** A decoded StopReplica response. */
export type StopReplicaResponse = ResponseOf<typeof StopReplica>

/** What StopReplica requests are encoded from; defaults may be missing. */
export type StopReplicaRequestInput = RequestInputOf<typeof StopReplica>

/** What StopReplica responses are encoded from. */
export type StopReplicaResponseInput = ResponseInputOf<typeof StopReplica>
