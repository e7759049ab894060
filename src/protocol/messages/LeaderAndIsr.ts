/**
 * # LeaderAndIsr
 *
 * Makes a broker leader or follower of partitions. Sent by the controller.
 *
 * Versions: 1 whether the partition is new on this broker.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleLeaderAndIsrRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/LeaderAndIsrRequest.java#LeaderAndIsrRequest
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

/** LeaderAndIsr, key 4, versions 0 to 1. */
export const LeaderAndIsr = defineApi({
  key: 4,
  name: 'LeaderAndIsr',
  maxVersion: 1,
  clusterAction: true,
  request: {
    controllerId: int32(),
    controllerEpoch: int32(),
    ungroupedPartitionStates: array({
      topicName: string(),
      partition: int32(),
      controllerEpoch: int32(),
      leader: int32(),
      leaderEpoch: int32(),
      isr: array(int32()),

      // The version of the partition's state node in ZooKeeper.
      partitionEpoch: int32(),
      replicas: array(int32()),
      isNew: boolean({ since: 1 }),
    }),
    liveLeaders: array({ brokerId: int32(), hostName: string(), port: int32() }),
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

/** A decoded LeaderAndIsr request, with all fields of all versions. */
export type LeaderAndIsrRequest = RequestOf<typeof LeaderAndIsr>

/** A decoded LeaderAndIsr response. */
export type LeaderAndIsrResponse = ResponseOf<typeof LeaderAndIsr>

/** What LeaderAndIsr requests are encoded from; defaults may be missing. */
export type LeaderAndIsrRequestInput = RequestInputOf<typeof LeaderAndIsr>

/** What LeaderAndIsr responses are encoded from. */
export type LeaderAndIsrResponseInput = ResponseInputOf<typeof LeaderAndIsr>
