/**
 * # FetchRequest, FetchResponse
 *
 * What a SimpleConsumer asks for, partition by partition, and what it gets. Version 3 on
 * the wire: messages come in format 0 or 1, and at least one whole message comes even when
 * it is larger than asked.
 *
 * @kafka core/src/main/scala/kafka/api/FetchRequest.scala#FetchRequest
 * @kafka core/src/main/scala/kafka/api/FetchResponse.scala#FetchResponse
 * @module
 */
import { Errors, type WireError } from '../base/errors.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { ByteBufferMessageSet } from '../record/ByteBufferMessageSet.ts'

/** Where to begin in one partition, and how many bytes to take at most. */
export interface PartitionFetchInfo {
  readonly offset: number
  readonly fetchSize: number
}

/** The settings of a request, but for its partitions. */
export interface FetchRequestOptions {
  readonly clientId: string
  /** -1 for a consumer. */
  readonly replicaId?: number
  /** The longest that the broker waits for `minBytes`, in milliseconds. */
  readonly maxWait?: number
  readonly minBytes?: number
  /** Bytes over all partitions. */
  readonly maxBytes?: number
}

/** A fetch of some partitions from one broker. */
export class FetchRequest {
  static readonly CurrentVersion = 3
  readonly versionId = FetchRequest.CurrentVersion
  readonly clientId: string
  readonly replicaId: number
  readonly maxWait: number
  readonly minBytes: number
  readonly maxBytes: number
  /** In the order in which the broker serves them. */
  readonly requestInfo: TopicPartitionMap<PartitionFetchInfo>

  constructor(
    options: FetchRequestOptions,
    requestInfo: TopicPartitionMap<PartitionFetchInfo>,
  ) {
    this.clientId = options.clientId
    this.replicaId = options.replicaId ?? -1
    this.maxWait = options.maxWait ?? 0
    this.minBytes = options.minBytes ?? 0
    this.maxBytes = options.maxBytes ?? 0x7fffffff
    this.requestInfo = requestInfo
  }

  /** True when it asks for no partition. */
  get isEmpty(): boolean {
    return this.requestInfo.size === 0
  }

  /** The offset that it asks for in a partition. */
  offset(topicPartition: TopicPartition): number | undefined {
    return this.requestInfo.get(topicPartition)?.offset
  }

  /** The body on the wire: neighbours of one topic stand together, the order is kept. */
  toBody() {
    const topics: {
      topic: string
      partitions: {
        partition: number
        fetchOffset: number
        partitionMaxBytes: number
      }[]
    }[] = []
    for (const [tp, { offset, fetchSize }] of this.requestInfo) {
      let last = topics.at(-1)
      if (last?.topic !== tp.topic) {
        last = { topic: tp.topic, partitions: [] }
        topics.push(last)
      }
      last.partitions.push({
        partition: tp.partition,
        fetchOffset: offset,
        partitionMaxBytes: fetchSize,
      })
    }
    const { replicaId, maxWait, minBytes, maxBytes } = this
    return { replicaId, maxWaitMs: maxWait, minBytes, maxBytes, topics }
  }
}

/** What came for one partition. */
export interface FetchResponsePartitionData {
  readonly error: WireError
  /** High watermark of the partition. */
  readonly hw: number
  readonly messages: ByteBufferMessageSet
}

interface WireFetchResponse {
  readonly responses: readonly {
    readonly topic: string
    readonly partitions: readonly {
      readonly partition: number
      readonly errorCode: number
      readonly highWatermark: number
      readonly records: Buffer | null
    }[]
  }[]
}

/** The answer to a FetchRequest. */
export class FetchResponse {
  /** By partition, in the order of the answer. */
  readonly data: TopicPartitionMap<FetchResponsePartitionData>

  constructor(data: TopicPartitionMap<FetchResponsePartitionData>) {
    this.data = data
  }

  /** Reads the answer; the messages are views of the bytes that came. */
  static fromBody(body: WireFetchResponse): FetchResponse {
    const data = new TopicPartitionMap<FetchResponsePartitionData>()
    for (const { topic, partitions } of body.responses) {
      for (const { partition, errorCode, highWatermark, records } of partitions) {
        data.set(new TopicPartition(topic, partition), {
          error: Errors.forCode(errorCode),
          hw: highWatermark,
          messages: new ByteBufferMessageSet(records ?? Buffer.alloc(0)),
        })
      }
    }
    return new FetchResponse(data)
  }

  /** The messages of one partition; empty when the answer does not have it. */
  messageSet(topic: string, partition: number): ByteBufferMessageSet {
    const found = this.data.get(new TopicPartition(topic, partition))
    return found?.messages ?? new ByteBufferMessageSet(Buffer.alloc(0))
  }
}
