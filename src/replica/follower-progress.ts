/**
 * # Follower progress
 *
 * A follower tells how far it is by what it asks for: everything below its fetch offset is
 * on its disk. There is no other acknowledgement.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager.updateFollowerLogReadResults
 * @module
 */
import { logger } from '../base/logger.ts'
import { emptyFetchDataInfo, type LogReadResult } from './LogReadResult.ts'
import type { Partition } from './Partition.ts'

const log = logger('ReplicaManager')

/**
 * Takes down one partition's fetch of a follower.
 *
 * @returns the result; emptied when the follower is not assigned to the partition.
 */
export function updateFollower(
  partition: Partition | undefined,
  replicaId: number,
  result: LogReadResult,
): LogReadResult {
  if (!partition) return result
  const replica = partition.getReplica(replicaId)
  if (replica && !replica.isLocal) {
    partition.updateReplicaLogReadResult(replica, result)
    return result
  }

  // Give nothing to a broker that has no copy by the controller's word.
  log.warn(`broker ${replicaId} fetches ${partition.topicPartition} without a replica`)
  return { ...result, info: emptyFetchDataInfo(result.info.fetchOffsetMetadata) }
}
