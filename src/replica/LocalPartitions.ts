/**
 * # LocalPartitions
 *
 * The table of partitions that this broker has a copy of, and the look-ups that everybody
 * makes: is it here, is its disk alive, do we lead it.
 *
 *     getPartition ─▶ undefined            never heard of it, or deleted
 *                  ─▶ OfflinePartition     its log directory has failed
 *                  ─▶ Partition            led here, followed here, or waiting for a role
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager
 * @differs in Kafka a part of `ReplicaManager`; it is the half that only looks things up.
 * @module
 */
import {
  Errors,
  KafkaStorageException,
  NotLeaderForPartitionException,
  ReplicaNotAvailableException,
  UnknownTopicOrPartitionException,
} from '../base/errors.ts'
import { Pool } from '../base/Pool.ts'
import type { Clock } from '../base/platform/Platform.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import type { Log } from '../log/Log.ts'
import type { LogManager } from '../log/LogManager.ts'
import { BrokerTopicStats } from './BrokerTopicStats.ts'
import type { LogReadResult } from './LogReadResult.ts'
import { Partition } from './Partition.ts'
import type { EpochEndOffset } from './PartitionContext.ts'
import type { Replica } from './Replica.ts'
import {
  type FetchParams,
  type PartitionData,
  readPartitions,
} from './read-from-local-log.ts'

/** Stands for every partition whose log directory has failed. */
export const OfflinePartition = new Partition(new TopicPartition('', -1), undefined)

/** The partitions of one broker, and look-ups in them. */
export abstract class LocalPartitions {
  readonly localBrokerId: number
  readonly logManager: LogManager
  /** `topic-partition` → partition. */
  protected readonly allPartitions = new Pool<string, Partition>()
  readonly #clock: Clock

  /** Starts with no partition. */
  /** What went in and out. */
  readonly brokerTopicStats = new BrokerTopicStats()
  /** Times that followers fell out of sync. */
  isrShrinks = 0
  /** Times that followers came into sync. */
  isrExpands = 0
  /** Times that ZooKeeper did not take a change: the controller was faster. */
  failedIsrUpdates = 0

  constructor(localBrokerId: number, logManager: LogManager, clock: Clock) {
    this.localBrokerId = localBrokerId
    this.logManager = logManager
    this.#clock = clock
  }

  /** Makes a partition without replicas, for its first LeaderAndIsr request. */
  protected abstract createPartition(topicPartition: TopicPartition): Partition

  /** The partition; made without any role if it is not known. */
  getOrCreatePartition(topicPartition: TopicPartition): Partition {
    return this.allPartitions.getAndMaybePut(topicPartition.key, () =>
      this.createPartition(topicPartition),
    )
  }

  /** The partition, which may be the offline stand-in; undefined when not known. */
  getPartition(topicPartition: TopicPartition): Partition | undefined {
    return this.allPartitions.get(topicPartition.key)
  }

  /** The partition, unless its disk has failed. */
  nonOfflinePartition(topicPartition: TopicPartition): Partition | undefined {
    const partition = this.getPartition(topicPartition)
    return partition?.isOffline ? undefined : partition
  }

  /** Every partition whose disk is alive. */
  nonOfflinePartitions(): Partition[] {
    return [...this.allPartitions.values()].filter((partition) => !partition.isOffline)
  }

  /** Every partition that this broker leads. */
  leaderPartitions(): Partition[] {
    return this.nonOfflinePartitions().filter(
      (p) => p.leaderReplicaIfLocal !== undefined,
    )
  }

  /** Forgets what was counted of a topic, once none of its partitions is here. */
  protected forgetStatsOf(topic: string): void {
    const isHere = [...this.allPartitions.values()].some((p) => p.topic === topic)
    if (!isHere) this.brokerTopicStats.removeMetrics(topic)
  }

  /** How many partitions are known here. */
  get partitionCount(): number {
    return this.allPartitions.size
  }

  /** How many partitions this broker leads. */
  get leaderCount(): number {
    return this.leaderPartitions().length
  }

  /** How many partitions lie on failed disks. */
  get offlineReplicaCount(): number {
    return this.allPartitions.size - this.nonOfflinePartitions().length
  }

  /** How many partitions led here refuse `acks=-1`: too few copies are in sync. */
  get underMinIsrPartitionCount(): number {
    return this.leaderPartitions().filter((p) => p.isUnderMinIsr).length
  }

  /** How many partitions are led here with a copy missing from the in-sync set. */
  get underReplicatedPartitionCount(): number {
    return this.leaderPartitions().filter((p) => p.isUnderReplicated).length
  }

  /**
   * The copy on this broker, if there is one.
   *
   * @param replicaId -3 for the copy that is being made in another log directory.
   */
  getReplica(
    topicPartition: TopicPartition,
    replicaId = this.localBrokerId,
  ): Replica | undefined {
    return this.nonOfflinePartition(topicPartition)?.getReplica(replicaId)
  }

  /**
   * The copy on this broker.
   *
   * @throws KafkaStorageException on a failed disk, ReplicaNotAvailableException.
   */
  getReplicaOrException(topicPartition: TopicPartition): Replica {
    const partition = this.getPartition(topicPartition)
    if (partition?.isOffline) throw this.#offline(topicPartition)
    if (partition) return partition.getReplicaOrException()
    throw new ReplicaNotAvailableException(
      `no replica of ${topicPartition} on broker ${this.localBrokerId}`,
    )
  }

  /**
   * The partition and its copy, if this broker leads it.
   *
   * @throws UnknownTopicOrPartitionException, KafkaStorageException,
   *   NotLeaderForPartitionException
   */
  getPartitionAndLeaderReplicaIfLocal(topicPartition: TopicPartition): {
    readonly partition: Partition
    readonly leaderReplica: Replica
  } {
    const partition = this.getPartition(topicPartition)
    if (!partition) {
      throw new UnknownTopicOrPartitionException(
        `${topicPartition} does not exist on broker ${this.localBrokerId}`,
      )
    }
    if (partition.isOffline) throw this.#offline(topicPartition)
    const leaderReplica = partition.leaderReplicaIfLocal
    if (leaderReplica) return { partition, leaderReplica }
    throw new NotLeaderForPartitionException(
      `broker ${this.localBrokerId} does not lead ${topicPartition}`,
    )
  }

  /** The copy, if this broker leads it; throws as the method above. */
  getLeaderReplicaIfLocal(topicPartition: TopicPartition): Replica {
    return this.getPartitionAndLeaderReplicaIfLocal(topicPartition).leaderReplica
  }

  /** The local log, whatever our role. */
  getLog(topicPartition: TopicPartition): Log | undefined {
    return this.logManager.getLog(topicPartition)
  }

  /** The record format of the local copy (0, 1 or 2); undefined when there is none. */
  getMagic(topicPartition: TopicPartition): number | undefined {
    const config = this.getReplica(topicPartition)?.log?.config
    return config?.messageFormatVersion.messageFormatVersion
  }

  /** Where the log ends, if this broker leads it. */
  getLogEndOffset(topicPartition: TopicPartition): number | undefined {
    const partition = this.nonOfflinePartition(topicPartition)
    return partition?.leaderReplicaIfLocal?.logEndOffset.messageOffset
  }

  /** Where epochs end, for followers that want to truncate. */
  lastOffsetForLeaderEpoch(
    requestedEpochInfo: TopicPartitionMap<number>,
  ): TopicPartitionMap<EpochEndOffset> {
    const answers = new TopicPartitionMap<EpochEndOffset>()
    for (const [topicPartition, leaderEpoch] of requestedEpochInfo) {
      const partition = this.getPartition(topicPartition)
      if (!partition) {
        const error = Errors.UNKNOWN_TOPIC_OR_PARTITION
        answers.set(topicPartition, { error, endOffset: -1 })
      } else if (partition.isOffline) {
        const error = Errors.KAFKA_STORAGE_ERROR
        answers.set(topicPartition, { error, endOffset: -1 })
      } else {
        answers.set(topicPartition, partition.lastOffsetForLeaderEpoch(leaderEpoch))
      }
    }
    return answers
  }

  /** Reads partitions in their order until the budget of bytes is used up. */
  readFromLocalLog(
    params: FetchParams,
    partitions: readonly (readonly [TopicPartition, PartitionData])[],
  ): (readonly [TopicPartition, LogReadResult])[] {
    return readPartitions(this, params, partitions)
  }

  /** Finds the first record at or after a time; undefined when there is none. */
  fetchOffsetForTimestamp(topicPartition: TopicPartition, timestamp: number) {
    return this.getLog(topicPartition)?.fetchOffsetsByTimestamp(timestamp)
  }

  /** Wall time in ms. */
  now(): number {
    return this.#clock.now()
  }

  /**
   * The partitions that have a copy in a log directory.
   *
   * @param replicaId the local copy, or that which is being made in the directory.
   */
  partitionsIn(logDir: string, replicaId = this.localBrokerId): Partition[] {
    const isThere = (partition: Partition) =>
      partition.getReplica(replicaId)?.log?.parentDir === logDir
    return this.nonOfflinePartitions().filter(isThere)
  }

  /** From now on the partition's disk counts as failed. */
  markPartitionOffline(topicPartition: TopicPartition): void {
    this.allPartitions.put(topicPartition.key, OfflinePartition)
  }

  #offline(topicPartition: TopicPartition): KafkaStorageException {
    return new KafkaStorageException(
      `the log directory of ${topicPartition} on broker ${this.localBrokerId} is offline`,
    )
  }
}
