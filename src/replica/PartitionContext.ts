/**
 * # PartitionContext
 *
 * What a `Partition` needs of the house around it, said by the partition itself.
 *
 *     ReplicaManager ──owns──▶ Partition ──asks──▶ PartitionManager (an interface)
 *
 * In Kafka the two classes hold each other: the manager owns partitions, a partition calls
 * back into its manager. Here the partition declares the little that it calls, and the
 * manager passes itself in. Values then depend in one direction only.
 *
 * @differs Kafka passes the whole `ReplicaManager`; the circle is cut here.
 * @module
 */
import type { WireError } from '../base/errors.ts'
import type { Clock } from '../base/platform/Platform.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import type { Log } from '../log/Log.ts'
import type { LogConfig } from '../log/LogConfig.ts'
import type { LogManager } from '../log/LogManager.ts'
import type { LeaderAndIsr } from '../zk/LeaderAndIsr.ts'
import type { DelayedOperationKey } from './DelayedOperation.ts'

/** What a partition calls on whoever manages it. */
export interface PartitionManager {
  /** Tries the fetches that wait under `key`. */
  tryCompleteDelayedFetch(key: DelayedOperationKey): void
  /** Tries the produces that wait under `key`. */
  tryCompleteDelayedProduce(key: DelayedOperationKey): void
  /** Tries the delete-records operations that wait under `key`. */
  tryCompleteDelayedDeleteRecords(key: DelayedOperationKey): void
  /** True while some delete-records operation waits: low watermarks matter then. */
  hasDelayedDeleteRecords(): boolean
  /** Notes an ISR change, to be told to the controller in the next batch. */
  recordIsrChange(topicPartition: TopicPartition, hasGrown: boolean): void
  /** Counts an ISR change that ZooKeeper did not take. */
  recordFailedIsrUpdate(): void
}

/** The rest of the house: time, disk, ZooKeeper. */
export interface PartitionContext {
  readonly brokerId: number
  /** A follower that has not caught up for longer leaves the ISR, in ms. */
  readonly replicaLagTimeMaxMs: number
  readonly clock: Clock
  readonly logManager: Pick<
    LogManager,
    | 'getOrCreateLog'
    | 'asyncDelete'
    | 'truncateTo'
    | 'truncateFullyAndStartAt'
    | 'replaceCurrentWithFutureLog'
  >
  readonly manager: PartitionManager
  /** Reads a topic's configuration from ZooKeeper, laid over the broker's defaults. */
  fetchLogConfig(topic: string): Promise<LogConfig>
  /** The high watermark that the log's directory has on file; 0 when none. */
  checkpointedHighWatermark(log: Log): number
  /** Writes leader and ISR to ZooKeeper if the version there is still ours. */
  updateLeaderAndIsr(
    topicPartition: TopicPartition,
    leaderAndIsr: LeaderAndIsr,
    controllerEpoch: number,
  ): Promise<{ readonly updated: boolean; readonly zkVersion: number }>
  /** True when the metadata cache lists the broker as alive. */
  isBrokerAlive(brokerId: number): boolean
}

/** What a LeaderAndIsr request says of one partition. */
export interface PartitionState {
  readonly controllerEpoch: number
  readonly leader: number
  readonly leaderEpoch: number
  readonly isr: readonly number[]
  /** Version of the state znode: what a conditional write must name. */
  readonly partitionEpoch: number
  readonly replicas: readonly number[]
  /** True when the partition was just made, so that no log can be missing. */
  readonly isNew: boolean
}

/** What a leader answers to "where does this epoch end?". */
export interface EpochEndOffset {
  readonly error: WireError
  /** -1 when the epoch is unknown here. */
  readonly endOffset: number
}
