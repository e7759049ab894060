/**
 * # ReplicationUtils
 *
 * How the leader of a partition writes a changed ISR: only if nobody decided anything
 * meanwhile.
 *
 * @kafka core/src/main/scala/kafka/utils/ReplicationUtils.scala#ReplicationUtils
 * @module
 */

import type { TopicPartition } from '../base/TopicPartition.ts'
import type { KafkaZkClient } from './KafkaZkClient.ts'
import { type LeaderAndIsr, LeaderIsrAndControllerEpoch } from './LeaderAndIsr.ts'
import { TopicPartitionStateZNode } from './topic-znodes.ts'
import type { ConditionalUpdate, DataAndStat } from './ZNodeAccess.ts'

/** Writes of a leader. */
export class ReplicationUtils {
  /**
   * Writes the state of a partition if the znode still has the version the leader knows.
   *
   * @param newLeaderAndIsr - what to write; its zk version is the one expected
   * @param controllerEpoch - the epoch under which the leader was appointed
   * @returns whether the znode holds it now, and its version. After a conflict the write
   *   still counts when the znode holds exactly this: then the answer was lost, not the
   *   write
   * @kafka core/src/main/scala/kafka/utils/ReplicationUtils.scala#ReplicationUtils.updateLeaderAndIsr
   */
  static updateLeaderAndIsr(
    zkClient: KafkaZkClient,
    partition: TopicPartition,
    newLeaderAndIsr: LeaderAndIsr,
    controllerEpoch: number,
  ): Promise<ConditionalUpdate> {
    // Recognise our own write behind a conflict.
    const state = new LeaderIsrAndControllerEpoch(newLeaderAndIsr, controllerEpoch)
    const checkLeaderAndIsrZkData = ({ data, stat }: DataAndStat) => {
      if (data === null) return undefined
      const found = TopicPartitionStateZNode.decode(partition, data, stat.version)
      return isSame(found, state) ? stat.version : undefined
    }

    return zkClient.conditionalUpdatePath(
      TopicPartitionStateZNode.path(partition),
      TopicPartitionStateZNode.encode(state),
      newLeaderAndIsr.zkVersion,
      checkLeaderAndIsrZkData,
    )
  }
}

function isSame(
  a: LeaderIsrAndControllerEpoch,
  b: LeaderIsrAndControllerEpoch,
): boolean {
  return (
    a.controllerEpoch === b.controllerEpoch &&
    a.leaderAndIsr.leader === b.leaderAndIsr.leader &&
    a.leaderAndIsr.leaderEpoch === b.leaderAndIsr.leaderEpoch &&
    a.leaderAndIsr.isr.join() === b.leaderAndIsr.isr.join()
  )
}
