/**
 * # The metrics of partitions
 *
 * What the leader of a partition knows of it. A broker that does not lead shows 0: only
 * the leader can judge who is in sync.
 *
 * @kafka core/src/main/scala/kafka/cluster/Partition.scala#Partition
 * @module
 */
import type { Partition } from '../../replica/Partition.ts'
import type { MetricDefinition } from './metric-definition.ts'

/** A number of each partition that has a copy here. */
function partitionGauge(
  name: string,
  help: string,
  read: (partition: Partition) => number,
): MetricDefinition {
  return {
    ...{ mbean: `kafka.cluster:type=Partition,name=${name}`, help },
    ...{ type: 'gauge', labels: ['topic', 'partition'] },
    *collect({ replicaManager }) {
      for (const partition of replicaManager.nonOfflinePartitions()) {
        const { topic, partitionId } = partition
        const value = partition.leaderReplicaIfLocal ? read(partition) : 0
        yield { labels: { topic, partition: String(partitionId) }, value }
      }
    },
  }
}

/** Records between the last stable offset and the high watermark. */
function lastStableOffsetLag({ leaderReplicaIfLocal: leader }: Partition): number {
  if (!leader) return 0
  return leader.highWatermark.messageOffset - leader.lastStableOffset.messageOffset
}

/** What is told of each partition. */
export const partitionMetrics: readonly MetricDefinition[] = [
  partitionGauge(
    'UnderReplicated',
    '1 when led here with a copy that is not in sync',
    ({ isUnderReplicated }) => Number(isUnderReplicated),
  ),
  partitionGauge(
    'UnderMinIsr',
    '1 when led here with too few copies in sync for acks=all',
    ({ isUnderMinIsr }) => Number(isUnderMinIsr),
  ),
  partitionGauge(
    'InSyncReplicasCount',
    'copies in sync; 0 where it is not led',
    ({ inSyncReplicas }) => inSyncReplicas.size,
  ),
  partitionGauge(
    'ReplicasCount',
    'copies; 0 where it is not led',
    ({ assignedReplicas }) => assignedReplicas.length,
  ),
  partitionGauge(
    'LastStableOffsetLag',
    'records that wait for open transactions to end; 0 where it is not led',
    lastStableOffsetLag,
  ),
]
