/**
 * # UpdateMetadata
 *
 * Renews what a broker knows of the cluster: the live brokers, all of them each time,
 * and the states of some partitions. Sent by the controller.
 *
 * Versions: 1 a list of end points a broker; 2 rack; 3 listener names; 4 offline
 * replicas.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleUpdateMetadataRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/UpdateMetadataRequest.java#UpdateMetadataRequest
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

/** UpdateMetadata, key 6, versions 0 to 4. */
export const UpdateMetadata = defineApi({
  key: 6,
  name: 'UpdateMetadata',
  maxVersion: 4,
  clusterAction: true,
  request: {
    controllerId: int32(),
    controllerEpoch: int32(),
    ungroupedPartitionStates: array({
      topicName: string(),
      partition: int32(),
      controllerEpoch: int32(),

      // -1: none; -2: the topic is being deleted.
      leader: int32(),
      leaderEpoch: int32(),
      isr: array(int32()),
      zkVersion: int32(),
      replicas: array(int32()),
      offlineReplicas: array(int32(), { since: 4 }),
    }),
    liveBrokers: array({
      id: int32(),
      v0Host: string({ until: 0 }),
      v0Port: int32({ until: 0 }),
      endpoints: array(
        {
          port: int32(),
          host: string(),
          listener: string({ since: 3 }),

          // 0: PLAINTEXT, 1: SSL, 2: SASL_PLAINTEXT, 3: SASL_SSL.
          securityProtocol: int16(),
        },
        { since: 1 },
      ),
      rack: string({ since: 2, nullable: true }),
    }),
  },
  response: {
    errorCode: int16(),
  },
})

/** A decoded UpdateMetadata request, with all fields of all versions. */
export type UpdateMetadataRequest = RequestOf<typeof UpdateMetadata>

/** A decoded UpdateMetadata response. */
export type UpdateMetadataResponse = ResponseOf<typeof UpdateMetadata>

/** What UpdateMetadata requests are encoded from; defaults may be missing. */
export type UpdateMetadataRequestInput = RequestInputOf<typeof UpdateMetadata>

/** What UpdateMetadata responses are encoded from. */
export type UpdateMetadataResponseInput = ResponseInputOf<typeof UpdateMetadata>
