/**
 * # The house of a partition
 *
 * Fills in what a partition asks of its surroundings, on behalf of a replica manager.
 *
 * @kafka core/src/main/scala/kafka/cluster/Partition.scala#Partition
 * @module
 */
import type { LogConfig } from '../log/LogConfig.ts'
import type { LogManager } from '../log/LogManager.ts'
import { ReplicationUtils } from '../zk/ReplicationUtils.ts'
import type { HighWatermarkCheckpoints } from './high-watermark-checkpoints.ts'
import type { PartitionContext, PartitionManager } from './PartitionContext.ts'
import type { ReplicaManagerOptions } from './ReplicaManagerConfig.ts'

/** The manager, as far as it is needed here. */
export interface PartitionOwner extends PartitionManager {
  readonly logManager: LogManager
  readonly highWatermarkCheckpoints: HighWatermarkCheckpoints
  fetchLogConfig(topic: string): Promise<LogConfig>
}

/** What the partitions of a replica manager stand on. */
export function partitionContext(
  manager: PartitionOwner,
  { config, platform, zkClient, metadataCache }: ReplicaManagerOptions,
): PartitionContext {
  return {
    brokerId: config.brokerId,
    replicaLagTimeMaxMs: config.replicaLagTimeMaxMs,
    clock: platform.clock,
    logManager: manager.logManager,
    manager,
    fetchLogConfig: (topic) => manager.fetchLogConfig(topic),
    checkpointedHighWatermark: (log) => manager.highWatermarkCheckpoints.read(log),
    updateLeaderAndIsr: (tp, leaderAndIsr, controllerEpoch) =>
      ReplicationUtils.updateLeaderAndIsr(zkClient, tp, leaderAndIsr, controllerEpoch),
    isBrokerAlive: (id) => metadataCache.isBrokerAlive(id),
  }
}
