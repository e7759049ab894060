/**
 * # ControllerBrokerRequestBatch
 *
 * Collects what one change of state means for each broker, then sends it: to each broker
 * one LeaderAndIsr for all its partitions, then one UpdateMetadata, then StopReplicas.
 *
 *     newBatch ─▶ add… ─▶ add… ─▶ sendRequestsToBrokers(epoch)
 *
 * The order matters: a broker that hears of a new leader (UpdateMetadata) sends clients
 * there, so the leader must have been told (LeaderAndIsr) before.
 *
 * Invariants: a batch is sent whole or not at all; `newBatch` refuses to begin while the
 * last one was not sent.
 *
 * @kafka core/src/main/scala/kafka/controller/ControllerChannelManager.scala#ControllerBrokerRequestBatch
 * @module
 */

import { IllegalStateException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import {
  LeaderAndIsr as LeaderAndIsrApi,
  type LeaderAndIsrRequestInput,
  type LeaderAndIsrResponse,
} from '../protocol/messages/LeaderAndIsr.ts'
import {
  StopReplica as StopReplicaApi,
  type StopReplicaResponse,
} from '../protocol/messages/StopReplica.ts'
import {
  UpdateMetadata as UpdateMetadataApi,
  type UpdateMetadataRequestInput,
} from '../protocol/messages/UpdateMetadata.ts'
import type { Broker } from '../zk/Broker.ts'
import { securityProtocolIds } from '../zk/EndPoint.ts'
import { LeaderAndIsr, type LeaderIsrAndControllerEpoch } from '../zk/LeaderAndIsr.ts'
import type { ControllerChannelManager } from './ControllerChannelManager.ts'
import type { ControllerContext } from './ControllerContext.ts'

const log = logger('ControllerBrokerRequestBatch')

/** What a batch needs of the controller. */
export interface RequestBatchHost {
  readonly config: {
    readonly brokerId: number
    readonly interBrokerListenerName: string
  }
  readonly controllerContext: ControllerContext

  /** Partitions of topics under deletion: brokers are told so with each update. */
  partitionsToBeDeleted(): Iterable<TopicPartition>

  /** Puts the event that handles an answer to LeaderAndIsr. */
  leaderAndIsrResponseReceived(response: LeaderAndIsrResponse, brokerId: number): void
}

/** What to do with the answer to StopReplica. */
export type StopReplicaCallback = (
  response: StopReplicaResponse,
  broker: number,
) => void

type LeaderAndIsrState = LeaderAndIsrRequestInput['ungroupedPartitionStates'][number]
type UpdateMetadataState =
  UpdateMetadataRequestInput['ungroupedPartitionStates'][number]

/**
 * One StopReplica that was asked for.
 *
 * @kafka core/src/main/scala/kafka/controller/ControllerChannelManager.scala#StopReplicaRequestInfo
 */
interface StopReplicaRequestInfo {
  readonly partition: TopicPartition
  readonly deletePartition: boolean
  readonly callback: StopReplicaCallback | undefined
}

/** The requests that one change of state leads to. */
export class ControllerBrokerRequestBatch {
  readonly #host: RequestBatchHost
  readonly #leaderAndIsrRequestMap = new Map<
    number,
    TopicPartitionMap<LeaderAndIsrState>
  >()
  readonly #stopReplicaRequestMap = new Map<number, StopReplicaRequestInfo[]>()
  readonly #updateMetadataRequestBrokerSet = new Set<number>()
  readonly #updateMetadataRequestPartitionInfoMap =
    new TopicPartitionMap<UpdateMetadataState>()

  constructor(host: RequestBatchHost) {
    this.#host = host
  }

  /**
   * Begins a batch.
   *
   * @throws IllegalStateException when the last one was not sent: something failed half
   *   way, and nobody knows what brokers have been told
   * @kafka core/src/main/scala/kafka/controller/ControllerChannelManager.scala#ControllerBrokerRequestBatch.newBatch
   */
  newBatch(): void {
    const left =
      this.#leaderAndIsrRequestMap.size +
      this.#stopReplicaRequestMap.size +
      this.#updateMetadataRequestBrokerSet.size
    if (left > 0) throw new IllegalStateException('the last batch was not sent')
  }

  /** Forgets what was collected. */
  clear(): void {
    this.#leaderAndIsrRequestMap.clear()
    this.#stopReplicaRequestMap.clear()
    this.#updateMetadataRequestBrokerSet.clear()
    this.#updateMetadataRequestPartitionInfoMap.clear()
  }

  /**
   * Tells brokers who leads a partition and who follows; and all brokers, for their
   * metadata.
   *
   * @param isNew - the partition is new on these brokers: they may create its log
   * @kafka core/src/main/scala/kafka/controller/ControllerChannelManager.scala#ControllerBrokerRequestBatch.addLeaderAndIsrRequestForBrokers
   */
  addLeaderAndIsrRequestForBrokers(
    brokerIds: readonly number[],
    partition: TopicPartition,
    { leaderAndIsr, controllerEpoch }: LeaderIsrAndControllerEpoch,
    replicas: readonly number[],
    isNew: boolean,
  ): void {
    for (const brokerId of brokerIds.filter((id) => id >= 0)) {
      // Once new within a batch, a partition stays new.
      const states = getOrCreate(
        this.#leaderAndIsrRequestMap,
        brokerId,
        () => new TopicPartitionMap<LeaderAndIsrState>(),
      )
      states.set(partition, {
        topicName: partition.topic,
        partition: partition.partition,
        controllerEpoch,
        leader: leaderAndIsr.leader,
        leaderEpoch: leaderAndIsr.leaderEpoch,
        isr: [...leaderAndIsr.isr],
        partitionEpoch: leaderAndIsr.zkVersion,
        replicas: [...replicas],
        isNew: isNew || states.get(partition)?.isNew === true,
      })
    }
    const { liveOrShuttingDownBrokerIds } = this.#host.controllerContext
    this.addUpdateMetadataRequestForBrokers(
      [...liveOrShuttingDownBrokerIds],
      [partition],
    )
  }

  /**
   * Tells brokers to stop a replica.
   *
   * @param deletePartition - delete its log, too
   * @param callback - what to do with the answer
   * @kafka core/src/main/scala/kafka/controller/ControllerChannelManager.scala#ControllerBrokerRequestBatch.addStopReplicaRequestForBrokers
   */
  addStopReplicaRequestForBrokers(
    brokerIds: readonly number[],
    partition: TopicPartition,
    deletePartition: boolean,
    callback?: StopReplicaCallback,
  ): void {
    for (const brokerId of brokerIds.filter((id) => id >= 0)) {
      const infos = getOrCreate(this.#stopReplicaRequestMap, brokerId, () => [])
      infos.push({ partition, deletePartition, callback })
    }
  }

  /**
   * Tells brokers how partitions stand, for the metadata that they hand to clients.
   *
   * @param partitions - those that changed; all when absent
   * @kafka core/src/main/scala/kafka/controller/ControllerChannelManager.scala#ControllerBrokerRequestBatch.addUpdateMetadataRequestForBrokers
   */
  addUpdateMetadataRequestForBrokers(
    brokerIds: Iterable<number>,
    partitions?: Iterable<TopicPartition>,
  ): void {
    // Remember the brokers.
    for (const id of brokerIds) {
      if (id >= 0) this.#updateMetadataRequestBrokerSet.add(id)
    }

    // Add the partitions, and always those that are being deleted.
    const context = this.#host.controllerContext
    const deleted = new TopicPartitionMap<true>()
    for (const partition of this.#host.partitionsToBeDeleted()) {
      deleted.set(partition, true)
      this.#addPartitionInfo(partition, true)
    }
    for (const partition of partitions ?? context.partitionLeadershipInfo.keys()) {
      if (!deleted.has(partition)) this.#addPartitionInfo(partition, false)
    }
  }

  #addPartitionInfo(partition: TopicPartition, beingDeleted: boolean): void {
    // Leave out partitions that were never led.
    const context = this.#host.controllerContext
    const info = context.partitionLeadershipInfo.get(partition)
    if (info === undefined) return

    // Say how the partition stands.
    const value = beingDeleted
      ? LeaderAndIsr.duringDelete(info.leaderAndIsr.isr)
      : info.leaderAndIsr
    const replicas = context.assignment(partition)
    this.#updateMetadataRequestPartitionInfoMap.set(partition, {
      topicName: partition.topic,
      partition: partition.partition,
      controllerEpoch: info.controllerEpoch,
      leader: value.leader,
      leaderEpoch: value.leaderEpoch,
      isr: [...value.isr],
      zkVersion: value.zkVersion,
      replicas: [...replicas],
      offlineReplicas: replicas.filter((r) => !context.isReplicaOnline(r, partition)),
    })
  }

  /**
   * Sends the batch.
   *
   * @param controllerEpoch - our epoch: brokers refuse requests under a lower one
   * @throws IllegalStateException when that fails; the batch is then left as it was
   * @kafka core/src/main/scala/kafka/controller/ControllerChannelManager.scala#ControllerBrokerRequestBatch.sendRequestsToBrokers
   */
  sendRequestsToBrokers(controllerEpoch: number): void {
    try {
      const channels = this.#host.controllerContext.controllerChannelManager
      if (channels === undefined) throw new IllegalStateException('not in office')
      this.#sendLeaderAndIsr(channels, controllerEpoch)
      this.#sendUpdateMetadata(channels, controllerEpoch)
      this.#sendStopReplica(channels, controllerEpoch)
    } catch (e) {
      log.error('the batch could not be sent', e)
      throw new IllegalStateException('the batch could not be sent', { cause: e })
    }
  }

  #sendLeaderAndIsr(channels: ControllerChannelManager, controllerEpoch: number): void {
    const { config, controllerContext } = this.#host
    for (const [broker, states] of this.#leaderAndIsrRequestMap) {
      // Tell the addresses of the leaders that are named.
      const leaderIds = new Set(Array.from(states.values(), (s) => s.leader))
      const liveLeaders = controllerContext.liveOrShuttingDownBrokers
        .filter((b) => leaderIds.has(b.id))
        .map((b) => b.brokerEndPoint(config.interBrokerListenerName))
        .map(({ id, host, port }) => ({ brokerId: id, hostName: host, port }))

      // Queue one request for all partitions of the broker.
      const request = {
        controllerId: config.brokerId,
        controllerEpoch,
        ungroupedPartitionStates: [...states.values()],
        liveLeaders,
      }
      channels.sendRequest(
        broker,
        LeaderAndIsrApi,
        LeaderAndIsrApi.maxVersion,
        request,
        (response) => this.#host.leaderAndIsrResponseReceived(response, broker),
      )
    }
    this.#leaderAndIsrRequestMap.clear()
  }

  #sendUpdateMetadata(
    channels: ControllerChannelManager,
    controllerEpoch: number,
  ): void {
    // Make one request for all brokers.
    const { config, controllerContext } = this.#host
    const request = {
      controllerId: config.brokerId,
      controllerEpoch,
      ungroupedPartitionStates: [
        ...this.#updateMetadataRequestPartitionInfoMap.values(),
      ],
      liveBrokers: controllerContext.liveOrShuttingDownBrokers.map(liveBroker),
    }

    // Queue it for each of them.
    const { maxVersion } = UpdateMetadataApi
    for (const broker of this.#updateMetadataRequestBrokerSet) {
      channels.sendRequest(broker, UpdateMetadataApi, maxVersion, request)
    }
    this.#updateMetadataRequestBrokerSet.clear()
    this.#updateMetadataRequestPartitionInfoMap.clear()
  }

  #sendStopReplica(channels: ControllerChannelManager, controllerEpoch: number): void {
    const stop = (
      deletePartitions: boolean,
      partitions: readonly TopicPartition[],
    ) => ({
      controllerId: this.#host.config.brokerId,
      controllerEpoch,
      deletePartitions,
      ungroupedPartitions: partitions.map(({ topic, partition }) => ({
        topicName: topic,
        partition,
      })),
    })
    for (const [broker, infos] of this.#stopReplicaRequestMap) {
      // Group those without a callback, even if there are none.
      const grouped = infos.filter((i) => !i.deletePartition && !i.callback)
      const request = stop(
        false,
        grouped.map((i) => i.partition),
      )
      channels.sendRequest(broker, StopReplicaApi, 0, request)

      // Send the others one by one.
      for (const { partition, deletePartition, callback } of infos) {
        if (!deletePartition && !callback) continue
        const single = stop(deletePartition, [partition])
        channels.sendRequest(broker, StopReplicaApi, 0, single, (response) =>
          callback?.(response, broker),
        )
      }
    }
    this.#stopReplicaRequestMap.clear()
  }
}

/** A broker as UpdateMetadata tells of it. */
function liveBroker({ id, endPoints, rack }: Broker) {
  return {
    id,
    endpoints: endPoints.map((e) => ({
      port: e.port,
      host: e.host,
      listener: e.listenerName,
      securityProtocol: securityProtocolIds[e.securityProtocol],
    })),
    rack: rack ?? null,
  }
}

function getOrCreate<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const existing = map.get(key)
  if (existing !== undefined) return existing
  const value = create()
  map.set(key, value)
  return value
}
