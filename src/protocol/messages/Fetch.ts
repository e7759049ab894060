/**
 * # Fetch
 *
 * Reads record batches from partitions, waiting until enough bytes are there. Sent by
 * consumers, who see up to the high watermark, and by followers, who see all and whose
 * offsets tell the leader how far they are.
 *
 * Versions: 1 throttle time; 2 the client can take messages of format 1; 3 a limit for
 * the whole answer, filled in the order of the partitions; 4 isolation level, aborted
 * transactions, batches of format 2; 5 log start offsets both ways; 6 the answer may be
 * KAFKA_STORAGE_ERROR; 7 incremental fetch sessions.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleFetchRequest
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/FetchRequest.java#FetchRequest
 * @module
 */

import {
  defineApi,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from '../Api.ts'
import {
  array,
  int8,
  int16,
  int32,
  int64,
  producerId,
  records,
  string,
} from '../fields.ts'

/** Fetch, key 1, versions 0 to 7. */
export const Fetch = defineApi({
  key: 1,
  name: 'Fetch',
  maxVersion: 7,
  request: {
    // -1 for consumers; a follower gives its broker id.
    replicaId: int32(),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ since: 3, default: 0x7fffffff }),

    // 0: read uncommitted; 1: read committed.
    isolationLevel: int8({ since: 4 }),

    // 0 and -1: a full fetch without a session; 0 and 0: a full fetch that asks for
    // one.
    sessionId: int32({ since: 7 }),
    sessionEpoch: int32({ since: 7, default: -1 }),
    topics: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        fetchOffset: int64(),

        // The follower's own log start; -1 from consumers.
        logStartOffset: int64({ since: 5, default: -1 }),
        partitionMaxBytes: int32(),
      }),
    }),

    // Partitions that leave the session.
    forgottenTopicsData: array(
      { topic: string(), partitions: array(int32()) },
      { since: 7 },
    ),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16({ since: 7 }),
    sessionId: int32({ since: 7 }),
    responses: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64({ since: 4, default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),

        // Null when reading uncommitted.
        abortedTransactions: array(
          { producerId: producerId(), firstOffset: int64() },
          { since: 4, nullable: true },
        ),
        records: records(),
      }),
    }),
  },
})

/** A decoded Fetch request, with all fields of all versions. */
export type FetchRequest = RequestOf<typeof Fetch>

/** A decoded Fetch response. */
export type FetchResponse = ResponseOf<typeof Fetch>

/** What Fetch requests are encoded from; defaults may be missing. */
export type FetchRequestInput = RequestInputOf<typeof Fetch>

/** What Fetch responses are encoded from. */
export type FetchResponseInput = ResponseInputOf<typeof Fetch>
