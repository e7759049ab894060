/**
 * # ProducerRequest
 *
 * The old producer's batches for the partitions that one broker leads: Produce version
 * 2, with messages of format 1.
 *
 * @kafka core/src/main/scala/kafka/api/ProducerRequest.scala#ProducerRequest
 * @module
 */

import type { BytesSource } from '../base/bytes/ByteWriter.ts'
import { Errors, type WireError } from '../base/errors.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { Produce, type ProduceResponse } from '../protocol/messages/Produce.ts'

/** One message set a partition, with what to wait for. */
export class ProducerRequest {
  /** The version that the old producer speaks. */
  static readonly CurrentVersion = 2

  /** Where the bytes are described. */
  readonly api = Produce
  readonly versionId = ProducerRequest.CurrentVersion
  readonly correlationId: number
  readonly clientId: string

  /** 0: no answer at all; 1: the leader has it; -1: every replica in sync has it. */
  readonly requiredAcks: number

  /** How long the broker may wait for the replicas, in ms. */
  readonly ackTimeoutMs: number

  /** The message sets. */
  readonly data: TopicPartitionMap<BytesSource>

  constructor(
    correlationId: number,
    clientId: string,
    requiredAcks: number,
    ackTimeoutMs: number,
    data: TopicPartitionMap<BytesSource>,
  ) {
    this.correlationId = correlationId
    this.clientId = clientId
    this.requiredAcks = requiredAcks
    this.ackTimeoutMs = ackTimeoutMs
    this.data = data
  }

  /** How many partitions get something. */
  get numPartitions(): number {
    return this.data.size
  }

  /** The message behind the header, with the partitions of a topic side by side. */
  body() {
    // Group the message sets by topic.
    const topics = new Map<string, { index: number; records: BytesSource }[]>()
    for (const [{ topic, partition }, records] of this.data) {
      const partitions = topics.get(topic) ?? []
      topics.set(topic, partitions)
      partitions.push({ index: partition, records })
    }
    return {
      acks: this.requiredAcks,
      timeoutMs: this.ackTimeoutMs,
      topicData: Array.from(topics, ([name, partitionData]) => ({
        name,
        partitionData,
      })),
    }
  }
}

/**
 * What became of one message set.
 *
 * @kafka core/src/main/scala/kafka/api/ProducerResponse.scala#ProducerResponseStatus
 */
export interface ProducerResponseStatus {
  readonly error: WireError

  /** Where it begins in the log; -1 when it was refused. */
  readonly offset: number

  /** The time it was appended, if the topic keeps that; else -1. */
  readonly timestamp: number
}

/**
 * What became of each message set of a request.
 *
 * @kafka core/src/main/scala/kafka/api/ProducerResponse.scala#ProducerResponse
 */
export class ProducerResponse {
  readonly status: TopicPartitionMap<ProducerResponseStatus>

  /** How long the broker held the answer back because of a quota, in ms. */
  readonly throttleTime: number

  constructor(status: TopicPartitionMap<ProducerResponseStatus>, throttleTime = 0) {
    this.status = status
    this.throttleTime = throttleTime
  }

  /** Whether any partition was refused. */
  get hasError(): boolean {
    return [...this.status.values()].some(({ error }) => error !== Errors.NONE)
  }

  /**
   * Reads the answer's partitions.
   *
   * @kafka core/src/main/scala/kafka/api/ProducerResponse.scala#readFrom
   */
  static readFrom(response: ProduceResponse): ProducerResponse {
    const status = new TopicPartitionMap<ProducerResponseStatus>()
    for (const { name, partitionResponses } of response.responses)
      for (const p of partitionResponses)
        status.set(new TopicPartition(name, p.index), {
          error: Errors.forCode(p.errorCode),
          offset: p.baseOffset,
          timestamp: p.logAppendTimeMs,
        })
    return new ProducerResponse(status, response.throttleTimeMs)
  }
}
