/**
 * # Role requests
 *
 * The bookkeeping around a LeaderAndIsr request: which of its partitions are news, what is
 * answered for the others, and where a new follower begins to fetch.
 *
 *     leader epoch in request > ours, and we are assigned ─▶ accepted
 *     not higher ─▶ STALE_CONTROLLER_EPOCH      not assigned ─▶ UNKNOWN_TOPIC_OR_PARTITION
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager.becomeLeaderOrFollower
 * @module
 */
import { Errors, KafkaStorageException, type WireError } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import type { BrokerAndInitialOffset } from '../network/fetcher/AbstractFetcherManager.ts'
import type {
  LeaderAndIsrRequest,
  LeaderAndIsrResponse,
} from '../protocol/messages/LeaderAndIsr.ts'
import type { Broker } from '../zk/Broker.ts'
import type { LocalPartitions } from './LocalPartitions.ts'
import type { Partition } from './Partition.ts'
import type { PartitionState } from './PartitionContext.ts'

const log = logger('ReplicaManager')

/** A partition and the news about it. */
export type AcceptedState = readonly [Partition, PartitionState]

/** A partition's name and the news about it. */
export type RequestedState = readonly [TopicPartition, PartitionState]

/** What belongs to one request that changes roles. */
export interface RoleChange {
  readonly controllerId: number
  readonly correlationId: number
  /** Filled with what is answered for each partition. */
  readonly responseMap: TopicPartitionMap<WireError>
}

/** Told of the partitions that got another leader: this broker, or one it follows. */
export type OnLeadershipChange = (
  becameLeader: readonly Partition[],
  becameFollower: readonly Partition[],
) => void

/** What a StopReplica request is answered with. */
export interface StopReplicasResult {
  /** The request's own error. */
  readonly error: WireError
  readonly responses: TopicPartitionMap<WireError>
}

/** The partitions of a request, in its order. */
export function requestedStates(request: LeaderAndIsrRequest): RequestedState[] {
  return request.ungroupedPartitionStates.map((state) => [
    new TopicPartition(state.topicName, state.partition),
    state,
  ])
}

/** Keeps the states with a newer leader epoch that name us; the others get an error. */
export function acceptPartitionStates(
  partitions: LocalPartitions,
  requested: Iterable<RequestedState>,
  responseMap: TopicPartitionMap<WireError>,
): AcceptedState[] {
  const accepted: AcceptedState[] = []
  for (const [topicPartition, state] of requested) {
    const partition = partitions.getOrCreatePartition(topicPartition)
    if (partition.isOffline) {
      responseMap.set(topicPartition, Errors.KAFKA_STORAGE_ERROR)
    } else if (state.leaderEpoch <= partition.getLeaderEpoch()) {
      // Not the controller is stale but what it says; 1.1 has no other code for it.
      responseMap.set(topicPartition, Errors.STALE_CONTROLLER_EPOCH)
    } else if (!state.replicas.includes(partitions.localBrokerId)) {
      responseMap.set(topicPartition, Errors.UNKNOWN_TOPIC_OR_PARTITION)
    } else {
      accepted.push([partition, state])
    }
  }
  return accepted
}

/** Answers a failed disk for its partition. @throws every other error. */
export function storageErrorOnly(
  partition: Partition,
  responseMap: TopicPartitionMap<WireError>,
  error: unknown,
): void {
  if (!(error instanceof KafkaStorageException)) throw error
  log.error(`no role for ${partition.topicPartition}, its disk failed`, error)
  responseMap.set(partition.topicPartition, Errors.KAFKA_STORAGE_ERROR)
}

/** Where each new follower begins: at its own high watermark, on its leader. */
export function fetchOffsets(
  followers: readonly Partition[],
  aliveBroker: (id: number | undefined) => Broker | undefined,
  listenerName: string,
): TopicPartitionMap<BrokerAndInitialOffset> {
  const offsets = new TopicPartitionMap<BrokerAndInitialOffset>()
  for (const partition of followers) {
    const leader = aliveBroker(partition.leaderReplicaIdOpt)
    const replica = partition.getReplica()
    if (!leader || !replica) continue
    const broker = leader.brokerEndPoint(listenerName)
    const initOffset = replica.highWatermark.messageOffset
    offsets.set(partition.topicPartition, { broker, initOffset })
  }
  return offsets
}

/** Writes the answer: the request's own error, and one for each partition. */
export function leaderAndIsrResponse(
  error: WireError,
  partitions: Iterable<readonly [TopicPartition, WireError]>,
): LeaderAndIsrResponse {
  const partitionErrors = [...partitions].map(([{ topic, partition }, { code }]) => {
    return { topicName: topic, partition, errorCode: code }
  })
  return { errorCode: error.code, partitionErrors }
}

/** Refuses a whole request with one error. */
export function refuseRoles(
  requested: readonly RequestedState[],
  error: WireError,
): LeaderAndIsrResponse {
  return leaderAndIsrResponse(
    error,
    requested.map(([topicPartition]) => [topicPartition, error]),
  )
}
