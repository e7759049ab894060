/**
 * # LogDirReplicas
 *
 * What a broker with several log directories does with them: says what lies where, moves a
 * replica from one to another while it serves, and gives up what lay on a disk that failed.
 *
 *     AlterReplicaLogDirs t-0 → /data/b
 *       no replica yet   the directory is noted; the log will be made there
 *       in /data/b       nothing to do; a move elsewhere ends
 *       elsewhere        a future log in /data/b, filled by `ReplicaAlterLogDirsThread`
 *
 *     /data/b fails      its replicas go offline; moves to it and from it end
 *
 * A move goes on after a restart: the future log is found on the disk, and taken up again
 * when the controller has said what this broker is for the partition.
 *
 * Invariants: a replica is moved to one directory at a time; while it is moved, the cleaner
 * keeps off it.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager
 * @differs in Kafka a part of `ReplicaManager`, which extends this here.
 * @module
 */
import { Mutex } from '../base/async/Mutex.ts'
import {
  Errors,
  KafkaStorageException,
  LogDirNotFoundException,
  ReplicaNotAvailableException,
  type WireError,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap, type TopicPartitionSet } from '../base/TopicPartitionMap.ts'
import type { LogConfig } from '../log/LogConfig.ts'
import type { BrokerAndInitialOffset } from '../network/fetcher/AbstractFetcherManager.ts'
import { HighWatermarkCheckpoints } from './high-watermark-checkpoints.ts'
import { LocalPartitions } from './LocalPartitions.ts'
import type { Partition } from './Partition.ts'
import { ReplicaAlterLogDirsManager } from './ReplicaAlterLogDirsManager.ts'
import { ReplicaFetcherManager } from './ReplicaFetcherManager.ts'
import type {
  FetchMessagesOptions,
  ReplicaManagerConfig,
  ReplicaManagerOptions,
} from './ReplicaManagerConfig.ts'
import { FutureLocalReplicaId } from './read-from-local-log.ts'

const log = logger('ReplicaManager')

/** What lies in a log directory: one replica. */
export interface ReplicaInfo {
  /** Bytes of the log. */
  readonly size: number
  /** Records that the log lacks; -1 when nobody knows. */
  readonly offsetLag: number
  /** True for a copy that is to replace the replica in another directory. */
  readonly isFuture: boolean
}

/**
 * One log directory, and what lies in it.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/requests/DescribeLogDirsResponse.java#LogDirInfo
 */
export interface LogDirInfo {
  /** KAFKA_STORAGE_ERROR when the directory has failed. */
  readonly error: WireError
  readonly replicaInfos: TopicPartitionMap<ReplicaInfo>
}

/** The replicas of one broker, by log directory. */
export abstract class LogDirReplicas extends LocalPartitions {
  readonly config: ReplicaManagerConfig
  readonly replicaFetcherManager: ReplicaFetcherManager
  readonly replicaAlterLogDirsManager: ReplicaAlterLogDirsManager
  readonly highWatermarkCheckpoints: HighWatermarkCheckpoints
  /** Held by whatever changes roles; see the header of `ReplicaManager`. */
  readonly replicaStateChangeLock = new Mutex()
  readonly #zkClient: ReplicaManagerOptions['zkClient']

  /** Finds the high watermarks of the last run, and makes the managers of fetchers. */
  constructor(options: ReplicaManagerOptions) {
    const { config, platform, logManager, logDirFailureChannel } = options
    const { quotaManagers: quotas } = options
    super(config.brokerId, logManager, platform.clock)
    this.config = config
    this.#zkClient = options.zkClient
    this.highWatermarkCheckpoints = new HighWatermarkCheckpoints(
      logManager.liveLogDirs,
      platform.storage,
      logDirFailureChannel,
    )

    // Follow leaders elsewhere, and logs in another directory.
    this.replicaFetcherManager = new ReplicaFetcherManager({
      ...{ replicas: this, platform, quota: quotas.follower, halt: options.halt },
    })
    this.replicaAlterLogDirsManager = new ReplicaAlterLogDirsManager({
      ...{ replicas: this, logDirFailureChannel, clock: platform.clock },
      quota: quotas.alterLogDirs,
      numThreads: config.numReplicaAlterLogDirsThreads ?? logManager.logDirs.length,
    })
  }

  /** Reads a topic's configuration from ZooKeeper, laid over the broker's defaults. */
  abstract fetchLogConfig(topic: string): Promise<LogConfig>

  /** Reads partitions and answers when there is enough to answer with. */
  abstract fetchMessages(options: FetchMessagesOptions): void

  /**
   * Moves replicas to other log directories. Resolves when the moves have begun, not when
   * they are done: `describeLogDirs` tells.
   *
   * @param partitionDirs where to, as absolute paths from the configuration.
   * @returns for each partition NONE, LOG_DIR_NOT_FOUND for a directory that the broker
   *   does not have, KAFKA_STORAGE_ERROR for one that has failed or may hold another copy,
   *   REPLICA_NOT_AVAILABLE where there is no replica yet; it will be made there.
   * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager.alterReplicaLogDirs
   */
  async alterReplicaLogDirs(
    partitionDirs: TopicPartitionMap<string>,
  ): Promise<TopicPartitionMap<WireError>> {
    return this.replicaStateChangeLock.runExclusive(async () => {
      const responses = new TopicPartitionMap<WireError>()
      for (const [topicPartition, destinationDir] of partitionDirs) {
        try {
          await this.#alterReplicaLogDir(topicPartition, destinationDir)
          responses.set(topicPartition, Errors.NONE)
        } catch (error) {
          if (!isExpected(error)) log.error(`cannot move ${topicPartition}`, error)
          responses.set(topicPartition, Errors.forException(error))
        }
      }
      return responses
    })
  }

  async #alterReplicaLogDir(
    topicPartition: TopicPartition,
    destinationDir: string,
  ): Promise<void> {
    if (!this.logManager.isLogDirOnline(destinationDir)) {
      throw new KafkaStorageException(`log directory ${destinationDir} is offline`)
    }

    // End a move to another directory.
    const going = this.logManager.getLog(topicPartition, true)?.parentDir
    if (going !== undefined && going !== destinationDir) {
      await this.#endMove(topicPartition)
    }

    // Note the choice: for the future log, or for the first one when there is none yet.
    this.logManager.maybeUpdatePreferredLogDir(topicPartition, destinationDir)
    this.getReplicaOrException(topicPartition)
    const partition = this.nonOfflinePartition(topicPartition)
    if (!(await partition?.maybeCreateFutureReplica(destinationDir))) return
    await this.#startMoves([topicPartition])
  }

  /** Forgets the copy that is being made, and deletes its log. */
  async #endMove(topicPartition: TopicPartition): Promise<void> {
    await this.replicaAlterLogDirsManager.removeFetcherForPartitions([topicPartition])
    this.nonOfflinePartition(topicPartition)?.removeFutureLocalReplica()

    // The move may have been over while its thread was being told.
    if (this.logManager.getLog(topicPartition, true)) {
      this.logManager.asyncDelete(topicPartition, true)
    }
  }

  /**
   * Takes up the moves that an earlier run, or a StopReplica, has left unfinished.
   *
   * @param partitions that this broker has just been given a role for.
   * @differs 1.1.1 does so only for partitions that it did not know before.
   */
  protected async resumeMoves(partitions: readonly Partition[]): Promise<void> {
    const moving: TopicPartition[] = []
    for (const { topicPartition } of partitions) {
      const partition = this.nonOfflinePartition(topicPartition)
      const future = this.logManager.getLog(topicPartition, true)
      if (!partition?.getReplica() || !future) continue
      try {
        // A copy beside the original would be of no use.
        if (await partition.maybeCreateFutureReplica(future.parentDir)) {
          moving.push(topicPartition)
        } else {
          await this.#endMove(topicPartition)
        }
      } catch (error) {
        if (!isExpected(error)) throw error
        log.error(`the move of ${topicPartition} cannot go on`, error)
      }
    }
    await this.#startMoves(moving)
  }

  async #startMoves(partitions: readonly TopicPartition[]): Promise<void> {
    const { localBroker: broker } = this.replicaAlterLogDirsManager
    const offsets = new TopicPartitionMap<BrokerAndInitialOffset>()
    for (const topicPartition of partitions) {
      const future = this.getReplica(topicPartition, FutureLocalReplicaId)
      if (!future) continue
      this.logManager.abortAndPauseCleaning(topicPartition)
      const initOffset = future.highWatermark.messageOffset
      offsets.set(topicPartition, { broker, initOffset })
    }
    await this.replicaAlterLogDirsManager.addFetcherForPartitions(offsets)
  }

  /** Ends the threads that have nothing to move any more. */
  async shutdownIdleReplicaAlterLogDirsThread(): Promise<void> {
    await this.replicaAlterLogDirsManager.shutdownIdleFetcherThreads()
  }

  /**
   * Says what lies where.
   *
   * @param partitions which to tell of; `undefined` for all.
   * @returns every log directory of the configuration, in its order.
   * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager.describeLogDirs
   */
  describeLogDirs(partitions: TopicPartitionSet | undefined): Map<string, LogDirInfo> {
    const infos = new Map<string, LogDirInfo>()
    for (const dir of this.logManager.logDirs) {
      const online = this.logManager.isLogDirOnline(dir)
      const error = online ? Errors.NONE : Errors.KAFKA_STORAGE_ERROR
      infos.set(dir, { error, replicaInfos: new TopicPartitionMap() })
    }
    for (const found of this.logManager.allLogs) {
      const { topicPartition, parentDir, size, logEndOffset, isFuture } = found
      if (partitions && !partitions.has(topicPartition)) continue
      const offsetLag = this.getLogEndOffsetLag(topicPartition, logEndOffset, isFuture)
      const info = { size, offsetLag, isFuture }
      infos.get(parentDir)?.replicaInfos.set(topicPartition, info)
    }
    return infos
  }

  /**
   * Counts the records that a log lacks.
   *
   * @param isFuture true to compare with the end of the replica that it is to replace,
   *   false to compare with what the replica knows to be committed.
   * @returns -1 when there is no replica to compare with.
   */
  getLogEndOffsetLag(
    topicPartition: TopicPartition,
    logEndOffset: number,
    isFuture: boolean,
  ): number {
    const replica = this.getReplica(topicPartition)
    if (!replica) return -1
    if (isFuture) return replica.logEndOffset.messageOffset - logEndOffset
    return Math.max(replica.highWatermark.messageOffset - logEndOffset, 0)
  }

  /** Writes the high watermarks of all local copies to their directories' files. */
  checkpointHighWatermarks(): void {
    this.highWatermarkCheckpoints.write(this.nonOfflinePartitions())
  }

  /**
   * Gives up the replicas of a failed log directory, and the moves to it, and tells the
   * controller.
   */
  async handleLogDirFailure(dir: string): Promise<void> {
    if (!this.logManager.isLogDirOnline(dir)) return
    log.error(`log directory ${dir} failed, its partitions go offline`)
    await this.replicaStateChangeLock.runExclusive(async () => {
      // Stop whoever reads or writes there. A move may end while its thread is told, so
      // look again for what is in the directory then.
      const here = () => this.partitionsIn(dir)
      const movingHere = () => this.partitionsIn(dir, FutureLocalReplicaId)
      const names = (found: readonly Partition[]) => found.map((p) => p.topicPartition)
      await this.replicaFetcherManager.removeFetcherForPartitions(names(here()))
      const stopped = names([...here(), ...movingHere()])
      await this.replicaAlterLogDirsManager.removeFetcherForPartitions(stopped)

      // Forget the copies that were being made there, and count replicas as offline.
      for (const partition of movingHere()) partition.removeFutureLocalReplica()
      for (const { topicPartition } of here()) this.markPartitionOffline(topicPartition)
      this.highWatermarkCheckpoints.remove(dir)
    })
    this.logManager.handleLogDirFailure(dir)
    await this.#zkClient.propagateLogDirEvent(this.localBrokerId)
  }
}

function isExpected(error: unknown): boolean {
  return (
    error instanceof LogDirNotFoundException ||
    error instanceof ReplicaNotAvailableException ||
    error instanceof KafkaStorageException
  )
}
