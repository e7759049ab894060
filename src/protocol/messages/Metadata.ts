/**
 * # Metadata
 *
 * Tells which brokers live and which of them lead and follow the partitions of topics;
 * may create the topics on the way. Sent by every client first of all, to any broker.
 *
 * Versions: 0 an empty list asks for all topics; 1 null asks for all and an empty list
 * for none, rack, controller, internal flag; 2 cluster id; 3 throttle time; 4 the
 * client decides on auto-creation; 5 offline replicas.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleTopicMetadataRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/MetadataRequest.java#MetadataRequest
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

/** Metadata, key 3, versions 0 to 5. */
export const Metadata = defineApi({
  key: 3,
  name: 'Metadata',
  maxVersion: 5,
  request: {
    topics: array({ name: string() }, { nullable: 1 }),
    allowAutoTopicCreation: boolean({ since: 4, default: true }),
  },
  response: {
    throttleTimeMs: int32({ since: 3 }),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ since: 1, nullable: true }),
    }),
    clusterId: string({ since: 2, nullable: true }),
    controllerId: int32({ since: 1, default: -1 }),
    topics: array({
      errorCode: int16(),
      name: string(),
      isInternal: boolean({ since: 1 }),
      partitions: array({
        errorCode: int16(),
        partition: int32(),

        // -1: nobody leads.
        leaderId: int32(),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        offlineReplicas: array(int32(), { since: 5 }),
      }),
    }),
  },
})

/** A decoded Metadata request, with all fields of all versions. */
export type MetadataRequest = RequestOf<typeof Metadata>

/** A decoded Metadata response. */
export type MetadataResponse = ResponseOf<typeof Metadata>

/** What Metadata requests are encoded from; defaults may be missing. */
export type MetadataRequestInput = RequestInputOf<typeof Metadata>

/** What Metadata responses are encoded from. */
export type MetadataResponseInput = ResponseInputOf<typeof Metadata>
