/**
 * # TopicMetadataRequest
 *
 * The old clients' question for topics, Metadata version 0: an empty list asks for all,
 * and asking for a topic that does not exist may create it.
 *
 * @kafka core/src/main/scala/kafka/api/TopicMetadataRequest.scala#TopicMetadataRequest
 * @module
 */

import { Errors } from '../base/errors.ts'
import { Metadata, type MetadataResponse } from '../protocol/messages/Metadata.ts'
import type { BrokerEndPoint } from '../zk/Broker.ts'
import type { PartitionMetadata, TopicMetadata } from './TopicMetadata.ts'

/** Asks any broker for topics. */
export class TopicMetadataRequest {
  /** The version that the old clients speak. */
  static readonly CurrentVersion = 0

  /** Where the bytes are described. */
  readonly api = Metadata
  readonly versionId = TopicMetadataRequest.CurrentVersion
  readonly correlationId: number
  readonly clientId: string

  /** Topics to ask for; empty asks for all. */
  readonly topics: readonly string[]

  constructor(topics: readonly string[], correlationId: number, clientId = '') {
    this.topics = topics
    this.correlationId = correlationId
    this.clientId = clientId
  }

  /** The message behind the header. */
  body() {
    return { topics: this.topics.map((name) => ({ name })) }
  }
}

/**
 * The brokers that live, and the topics that were asked for.
 *
 * @kafka core/src/main/scala/kafka/api/TopicMetadataResponse.scala#TopicMetadataResponse
 */
export class TopicMetadataResponse {
  readonly brokers: readonly BrokerEndPoint[]
  readonly topicsMetadata: readonly TopicMetadata[]

  constructor(
    brokers: readonly BrokerEndPoint[],
    topicsMetadata: readonly TopicMetadata[],
  ) {
    this.brokers = brokers
    this.topicsMetadata = topicsMetadata
  }

  /**
   * Puts addresses in the place of broker ids.
   *
   * @param response - as decoded; ids of brokers that it does not list are left out
   * @kafka core/src/main/scala/kafka/api/TopicMetadataResponse.scala#readFrom
   */
  static readFrom(response: MetadataResponse): TopicMetadataResponse {
    // Know each broker by its id.
    const brokers = response.brokers.map(
      (b): BrokerEndPoint => ({ id: b.nodeId, host: b.host, port: b.port }),
    )
    const byId = new Map(brokers.map((broker) => [broker.id, broker]))
    const known = (ids: readonly number[]) =>
      ids.flatMap((id) => byId.get(id) ?? ([] as BrokerEndPoint[]))

    // Spell out each partition.
    const topicsMetadata = response.topics.map(
      (t): TopicMetadata => ({
        topic: t.name,
        error: Errors.forCode(t.errorCode),
        partitionsMetadata: t.partitions.map(
          (p): PartitionMetadata => ({
            partitionId: p.partition,
            leader: byId.get(p.leaderId),
            replicas: known(p.replicaNodes),
            isr: known(p.isrNodes),
            error: Errors.forCode(p.errorCode),
          }),
        ),
      }),
    )
    return new TopicMetadataResponse(brokers, topicsMetadata)
  }
}
