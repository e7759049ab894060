/**
 * # MetadataCache
 *
 * What this broker knows of the cluster: who is alive, who is controller, who leads which
 * partition. The controller writes it by UpdateMetadata; everything that answers clients
 * reads it. A broker asks nobody else.
 *
 *     controller ──UpdateMetadata──▶ updateCache ──▶ brokers (replaced), partitions (merged)
 *
 * Invariants: the live brokers are those of the last request; a partition is forgotten only
 * when the controller says that it is being deleted (leader -2).
 *
 * Kafka's read-write lock is gone: an update is one synchronous stretch.
 *
 * @kafka core/src/main/scala/kafka/server/MetadataCache.scala#MetadataCache
 * @module
 */
import { Errors, type WireError } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import type { UpdateMetadataRequest } from '../protocol/messages/UpdateMetadata.ts'
import { Broker, type BrokerEndPoint } from '../zk/Broker.ts'
import { EndPoint, type SecurityProtocol, securityProtocolIds } from '../zk/EndPoint.ts'
import { Topic } from '../zk/Topic.ts'

const log = logger('MetadataCache')

/** Leader of a partition that is being deleted. */
const LEADER_DURING_DELETE = -2

/** Stands for a broker that cannot be reached. */
const NO_NODE: BrokerEndPoint = { id: -1, host: '', port: -1 }

/** What the controller said of one partition. */
export interface PartitionInfo {
  readonly leader: number
  readonly leaderEpoch: number
  readonly controllerEpoch: number
  readonly isr: readonly number[]
  readonly zkVersion: number
  readonly replicas: readonly number[]
  readonly offlineReplicas: readonly number[]
}

/** A partition as a Metadata response shows it. */
export interface PartitionMetadata {
  readonly errorCode: number
  readonly partition: number
  readonly leaderId: number
  readonly replicaNodes: readonly number[]
  readonly isrNodes: readonly number[]
  readonly offlineReplicas: readonly number[]
}

/** A topic as a Metadata response shows it. */
export interface TopicMetadata {
  readonly errorCode: number
  readonly name: string
  readonly isInternal: boolean
  readonly partitions: readonly PartitionMetadata[]
}

/** What this broker knows of the cluster. */
export class MetadataCache {
  readonly brokerId: number
  #controllerId: number | undefined
  #aliveBrokers = new Map<number, Broker>()
  readonly #cache = new Map<string, Map<number, PartitionInfo>>()
  readonly #listeners = new Set<() => void>()

  /** @param brokerId - this broker; only for logs */
  constructor(brokerId: number) {
    this.brokerId = brokerId
  }

  /** The controller; `undefined` before the first update. */
  getControllerId(): number | undefined {
    return this.#controllerId
  }

  getAllTopics(): string[] {
    return [...this.#cache.keys()]
  }

  /** Whether the topic is known. */
  contains(topic: string): boolean {
    return this.#cache.has(topic)
  }

  containsPartition({ topic, partition }: TopicPartition): boolean {
    return this.#cache.get(topic)?.has(partition) ?? false
  }

  getPartitionInfo(topic: string, partition: number): PartitionInfo | undefined {
    return this.#cache.get(topic)?.get(partition)
  }

  /** Partitions of a topic by number. */
  getPartitions(topic: string): ReadonlyMap<number, PartitionInfo> | undefined {
    return this.#cache.get(topic)
  }

  getAliveBrokers(): Broker[] {
    return [...this.#aliveBrokers.values()]
  }

  isBrokerAlive(brokerId: number): boolean {
    return this.#aliveBrokers.has(brokerId)
  }

  /** The address of a live broker on a listener. */
  getAliveEndpoint(brokerId: number, listenerName: string): BrokerEndPoint | undefined {
    const broker = this.#aliveBrokers.get(brokerId)
    const endPoint = broker?.endPoints.find((e) => e.listenerName === listenerName)
    return endPoint && { id: brokerId, host: endPoint.host, port: endPoint.port }
  }

  /**
   * Where the leader of a partition listens.
   *
   * @returns `undefined` for a partition that is not known; id -1 while nobody who is alive
   *   leads it, or its leader has no such listener
   */
  getPartitionLeaderEndpoint(
    topic: string,
    partitionId: number,
    listenerName: string,
  ): BrokerEndPoint | undefined {
    const info = this.getPartitionInfo(topic, partitionId)
    return info && (this.getAliveEndpoint(info.leader, listenerName) ?? NO_NODE)
  }

  /** The topics among `topics` that are not known. */
  getNonExistingTopics(topics: Iterable<string>): string[] {
    return [...topics].filter((topic) => !this.#cache.has(topic))
  }

  /**
   * Describes topics for one listener.
   *
   * @param errorUnavailableEndpoints - version 0 only: report replicas that cannot be
   *   reached as an error, and leave them out
   * @returns known topics only
   */
  getTopicMetadata(
    topics: Iterable<string>,
    listenerName: string,
    errorUnavailableEndpoints = false,
  ): TopicMetadata[] {
    const found: TopicMetadata[] = []
    for (const name of topics) {
      const partitions = this.#cache.get(name)
      if (!partitions) continue
      found.push({
        ...{ errorCode: Errors.NONE.code, name, isInternal: Topic.isInternal(name) },
        partitions: Array.from(partitions, ([partition, info]) =>
          this.#describe(partition, info, listenerName, errorUnavailableEndpoints),
        ),
      })
    }
    return found
  }

  #describe(
    partition: number,
    info: PartitionInfo,
    listenerName: string,
    filter: boolean,
  ): PartitionMetadata {
    const reachable = (ids: readonly number[]) =>
      filter ? ids.filter((id) => this.getAliveEndpoint(id, listenerName)) : ids
    const replicaNodes = reachable(info.replicas)
    const isrNodes = reachable(info.isr)
    const offlineReplicas = info.offlineReplicas
    const rest = { partition, replicaNodes, isrNodes, offlineReplicas }

    // A leader that cannot be reached is no leader.
    if (!this.getAliveEndpoint(info.leader, listenerName)) {
      return { errorCode: Errors.LEADER_NOT_AVAILABLE.code, leaderId: -1, ...rest }
    }
    const missing =
      replicaNodes.length < info.replicas.length || isrNodes.length < info.isr.length
    const error: WireError = missing ? Errors.REPLICA_NOT_AVAILABLE : Errors.NONE
    return { errorCode: error.code, leaderId: info.leader, ...rest }
  }

  /**
   * Takes in what the controller says.
   *
   * @returns the partitions that are being deleted
   */
  updateCache(correlationId: number, request: UpdateMetadataRequest): TopicPartition[] {
    this.#controllerId = request.controllerId < 0 ? undefined : request.controllerId

    // Replace the brokers.
    this.#aliveBrokers = new Map(
      request.liveBrokers.map((broker) => [broker.id, toBroker(broker)]),
    )

    // Merge the partitions; forget those that are being deleted.
    const deleted: TopicPartition[] = []
    for (const state of request.ungroupedPartitionStates) {
      const { topicName: topic, partition } = state
      if (state.leader === LEADER_DURING_DELETE) {
        this.#removePartitionInfo(topic, partition)
        deleted.push(new TopicPartition(topic, partition))
      } else {
        this.#addOrUpdatePartitionInfo(topic, partition, state)
      }
    }
    log.debug(
      `broker ${this.brokerId}: ${request.ungroupedPartitionStates.length} partitions, ` +
        `${deleted.length} deleted, by request ${correlationId}`,
    )
    for (const listener of this.#listeners) listener()
    return deleted
  }

  /** Has `listener` called after each update. @returns what ends that */
  onUpdate(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #addOrUpdatePartitionInfo(topic: string, partition: number, info: PartitionInfo) {
    const partitions = this.#cache.get(topic) ?? new Map<number, PartitionInfo>()
    partitions.set(partition, info)
    this.#cache.set(topic, partitions)
  }

  #removePartitionInfo(topic: string, partition: number): void {
    const partitions = this.#cache.get(topic)
    partitions?.delete(partition)
    if (partitions?.size === 0) this.#cache.delete(topic)
  }
}

function toBroker(broker: UpdateMetadataRequest['liveBrokers'][number]): Broker {
  // Version 0 has one address, unnamed.
  if (broker.endpoints.length === 0 && broker.v0Host) {
    const { v0Host, v0Port } = broker
    const endPoint = new EndPoint(v0Host, v0Port, 'PLAINTEXT', 'PLAINTEXT')
    return new Broker(broker.id, [endPoint], broker.rack ?? undefined)
  }
  const endPoints = broker.endpoints.map(
    ({ host, port, listener, securityProtocol }) => {
      const protocol = protocolOf(securityProtocol)
      return new EndPoint(host, port, listener || protocol, protocol)
    },
  )
  return new Broker(broker.id, endPoints, broker.rack ?? undefined)
}

function protocolOf(id: number): SecurityProtocol {
  const found = Object.entries(securityProtocolIds).find(([, number]) => number === id)
  return (found?.[0] ?? 'PLAINTEXT') as SecurityProtocol
}
