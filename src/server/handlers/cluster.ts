/**
 * # Requests of the controller
 *
 * LeaderAndIsr says what this broker is for each partition, StopReplica what it no longer
 * is, UpdateMetadata what the cluster looks like. ControlledShutdown goes the other way:
 * a broker asks the controller to let it go.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleLeaderAndIsrRequest
 * @module
 */
import { Errors } from '../../base/errors.ts'
import type { Request } from '../../network/RequestChannel.ts'
import {
  ControlledShutdown,
  type ControlledShutdownRequest,
} from '../../protocol/messages/ControlledShutdown.ts'
import {
  LeaderAndIsr,
  type LeaderAndIsrRequest,
} from '../../protocol/messages/LeaderAndIsr.ts'
import {
  StopReplica,
  type StopReplicaRequest,
} from '../../protocol/messages/StopReplica.ts'
import {
  UpdateMetadata,
  type UpdateMetadataRequest,
} from '../../protocol/messages/UpdateMetadata.ts'
import type { Partition } from '../../replica/Partition.ts'
import {
  GROUP_METADATA_TOPIC_NAME,
  TRANSACTION_STATE_TOPIC_NAME,
} from '../../zk/Topic.ts'
import type { ApisContext } from './ApisContext.ts'

/** Serves a LeaderAndIsr request; see `KafkaApis.handleLeaderAndIsrRequest`. */
export async function handleLeaderAndIsr(
  context: ApisContext,
  request: Request,
): Promise<void> {
  const body = request.body<LeaderAndIsrRequest>()
  const { replicaManager, groupCoordinator, txnCoordinator } = context
  const { correlationId } = request.header

  // Take up, and give up, the groups and transactional ids of partitions whose leader
  // changed.
  const onLeadershipChange = (
    becameLeader: readonly Partition[],
    becameFollower: readonly Partition[],
  ) => {
    for (const partition of becameLeader) {
      const { topic, partitionId } = partition
      if (topic === GROUP_METADATA_TOPIC_NAME) {
        groupCoordinator.handleGroupImmigration(partitionId)
      } else if (topic === TRANSACTION_STATE_TOPIC_NAME) {
        txnCoordinator.handleTxnImmigration(partitionId, partition.getLeaderEpoch())
      }
    }
    for (const partition of becameFollower) {
      const { topic, partitionId } = partition
      if (topic === GROUP_METADATA_TOPIC_NAME) {
        groupCoordinator.handleGroupEmigration(partitionId)
      } else if (topic === TRANSACTION_STATE_TOPIC_NAME) {
        txnCoordinator.handleTxnEmigration(partitionId, partition.getLeaderEpoch())
      }
    }
  }
  const response = await replicaManager.becomeLeaderOrFollower(
    correlationId,
    body,
    onLeadershipChange,
  )
  context.sendResponseExemptThrottle(request, LeaderAndIsr, response)
}

/** Serves a StopReplica request; see `KafkaApis.handleStopReplicaRequest`. */
export async function handleStopReplica(
  context: ApisContext,
  request: Request,
): Promise<void> {
  const body = request.body<StopReplicaRequest>()
  const { error, responses } = await context.replicaManager.stopReplicas(body)

  // Give up the groups of partitions that are gone.
  if (body.deletePartitions) {
    for (const [{ topic, partition }, result] of responses) {
      if (topic !== GROUP_METADATA_TOPIC_NAME || result !== Errors.NONE) continue
      context.groupCoordinator.handleGroupEmigration(partition)
    }
  }
  const partitionErrors = Array.from(responses, ([{ topic, partition }, result]) => ({
    ...{ topicName: topic, partition, errorCode: result.code },
  }))
  context.sendResponseExemptThrottle(request, StopReplica, {
    errorCode: error.code,
    partitionErrors,
  })
}

/** Serves an UpdateMetadata request; see `KafkaApis.handleUpdateMetadataRequest`. */
export async function handleUpdateMetadata(
  context: ApisContext,
  request: Request,
): Promise<void> {
  const body = request.body<UpdateMetadataRequest>()
  const { replicaManager, groupCoordinator, adminManager } = context
  const { correlationId } = request.header
  const deleted = await replicaManager.maybeUpdateMetadataCache(correlationId, body)
  if (deleted.length > 0) groupCoordinator.handleDeletedPartitions(deleted)

  // Wake who waits for a topic to come or go.
  if (adminManager.hasDelayedTopicOperations) {
    const topics = body.ungroupedPartitionStates.map(({ topicName }) => topicName)
    for (const topic of new Set(topics)) {
      adminManager.tryCompleteDelayedTopicOperations(topic)
    }
  }
  context.sendResponseExemptThrottle(request, UpdateMetadata, {
    errorCode: Errors.NONE.code,
  })
}

/** Serves a ControlledShutdown request; see `KafkaApis.handleControlledShutdownRequest`. */
export function handleControlledShutdown(context: ApisContext, request: Request): void {
  const { brokerId } = request.body<ControlledShutdownRequest>()
  context.controller.shutdown(brokerId, (result) => {
    const error = result.error ? Errors.forException(result.error) : Errors.NONE
    const remaining = result.remaining ?? []
    const remainingPartitions = remaining.map(({ topic, partition }) => ({
      ...{ topicName: topic, partition },
    }))
    const body = { errorCode: error.code, remainingPartitions }
    context.sendResponseExemptThrottle(request, ControlledShutdown, body)
  })
}
