/**
 * # Produce
 *
 * Appends record batches to partitions, each at its leader, and answers once as many
 * replicas as asked have them. Sent by producers.
 *
 * Versions: 1 throttle time; 2 append time, messages of format 1; 3 transactional id,
 * and each partition carries exactly one batch, of format 2; 4 the answer may be
 * KAFKA_STORAGE_ERROR; 5 the log's start offset.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleProduceRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/ProduceRequest.java#ProduceRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import { array, int16, int32, int64, records, string } from '../fields.ts'

/** Produce, key 0, versions 0 to 5. */
export const Produce = defineApi({
  key: 0,
  name: 'Produce',
  maxVersion: 5,
  request: {
    transactionalId: string({ since: 3, nullable: true }),

    // 0: no answer at all; 1: the leader has it; -1: every replica in sync has it.
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string(),
      partitionData: array({ index: int32(), records: records() }),
    }),
  },
  response: {
    responses: array({
      name: string(),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),

        // The offset the first record was given.
        baseOffset: int64(),

        // -1 unless the topic stamps records with the append time.
        logAppendTimeMs: int64({ since: 2, default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),
      }),
    }),
    throttleTimeMs: int32({ since: 1 }),
  },
})

/** A decoded Produce request, with all fields of all versions. */
export type ProduceRequest = RequestOf<typeof Produce>

/** A decoded Produce response. */
export type ProduceResponse = ResponseOf<typeof Produce>

/** What Produce requests are encoded from; defaults may be missing. */
export type ProduceRequestInput = RequestInputOf<typeof Produce>

/** What Produce responses are encoded from. */
export type ProduceResponseInput = ResponseInputOf<typeof Produce>
