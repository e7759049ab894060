/**
 * # ReplicaAlterLogDirsThread
 *
 * The loop that copies replicas from one log directory of this broker to another. It is a
 * follower whose leader is the log next door: it truncates to the last epoch it shares,
 * fetches, appends, and when both logs end at the same offset they change places.
 *
 *     maybeTruncate   last epoch of the future log ─▶ where it ends in the current one
 *     fetch           from the future log's end, one partition at a time
 *     process         append ─▶ caught up? ─▶ flush ─▶ still caught up? ─▶ replace
 *
 * One partition at a time, so that each move takes the shortest time and the one that is
 * nearly done is not held up by the others.
 *
 * Invariants: the future log is at every moment a prefix of the current one, or is marked
 * for truncation; the broker's event loop gets a turn between any two reads.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaAlterLogDirsThread.scala
 * @differs the epoch that is asked about is that of the future log; 1.1.1 asks about the
 *   current log's own, and so never finds that the two have parted. An end that lies above
 *   the current one is cut by epoch, too. The copy is flushed before it goes into service.
 * @module
 */
import {
  Errors,
  IllegalStateException,
  KafkaStorageException,
  ReplicaNotAvailableException,
  UnknownTopicOrPartitionException,
  type WireError,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Clock } from '../base/platform/Platform.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap, TopicPartitionSet } from '../base/TopicPartitionMap.ts'
import { isIOException } from '../log/io-exception.ts'
import type { Log } from '../log/Log.ts'
import type { LogDirFailureChannel } from '../log/LogDirFailureChannel.ts'
import { LogOffsetMetadata } from '../log/LogOffsetMetadata.ts'
import {
  AbstractFetcherThread,
  type EpochEndOffset,
  type FetchRequest,
  type PartitionData,
  type PartitionStates,
  type ResultWithPartitions,
} from '../network/fetcher/AbstractFetcherThread.ts'
import { MemoryRecords } from '../record/MemoryRecords.ts'
import type { BrokerEndPoint } from '../zk/Broker.ts'
import type { FetchPartitionData } from './LogReadResult.ts'
import type { Partition } from './Partition.ts'
import type { Replica } from './Replica.ts'
import type {
  FetchMessagesOptions,
  ReplicaManagerConfig,
} from './ReplicaManagerConfig.ts'
import type { ReplicationQuotaManager } from './ReplicationQuotaManager.ts'
import { FutureLocalReplicaId } from './read-from-local-log.ts'

const log = logger('ReplicaAlterLogDirsThread')

/** What the thread asks of the broker's partitions. */
export interface MovingPartitions {
  readonly config: ReplicaManagerConfig
  nonOfflinePartition(topicPartition: TopicPartition): Partition | undefined
  fetchMessages(options: FetchMessagesOptions): void
}

/** What the thread is made from. */
export interface ReplicaAlterLogDirsThreadOptions {
  readonly name: string
  /** This broker; there is no connection. */
  readonly sourceBroker: BrokerEndPoint
  readonly replicas: MovingPartitions
  readonly logDirFailureChannel: LogDirFailureChannel
  /** How fast replicas may be moved. */
  readonly quota: ReplicationQuotaManager
  readonly clock: Clock
}

/** Which partition to read on, and from where. */
interface MoveRequest extends FetchRequest {
  readonly wanted?: {
    readonly topicPartition: TopicPartition
    readonly fetchOffset: number
    readonly logStartOffset: number
  }
}

/** What was read for one partition. */
interface MovePartitionData extends PartitionData {
  readonly logStartOffset: number
}

/**
 * Copies replicas between the log directories of this broker.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaAlterLogDirsThread.scala#ReplicaAlterLogDirsThread
 */
export class ReplicaAlterLogDirsThread extends AbstractFetcherThread<
  MoveRequest,
  MovePartitionData
> {
  readonly #options: ReplicaAlterLogDirsThreadOptions
  /** Partitions whose copy was flushed when it first caught up. */
  readonly #flushed = new TopicPartitionSet()

  /** Makes the loop; it moves nothing yet. */
  constructor(options: ReplicaAlterLogDirsThreadOptions) {
    super({
      name: options.name,
      clientId: options.name,
      sourceBroker: options.sourceBroker,
      fetchBackOffMs: options.replicas.config.replicaFetchBackoffMs,
      includeLogTruncation: true,
      clock: options.clock,
    })
    this.#options = options
  }

  /** Collects the last epoch of each future log that is to be truncated. */
  override buildLeaderEpochRequest(
    states: PartitionStates,
  ): ResultWithPartitions<TopicPartitionMap<number>> {
    const result = new TopicPartitionMap<number>()
    const partitionsWithError: TopicPartition[] = []
    for (const [topicPartition, state] of states) {
      if (!this.isTruncatingLog(state)) continue
      const future = this.#replicaOf(topicPartition, FutureLocalReplicaId)?.log
      if (future) result.set(topicPartition, future.leaderEpochCache.latestEpoch())
      else partitionsWithError.push(topicPartition)
    }
    return { result, partitionsWithError }
  }

  /** Looks up where the epochs end in the current logs. */
  override async fetchEpochsFromLeader(
    epochs: TopicPartitionMap<number>,
  ): Promise<TopicPartitionMap<EpochEndOffset>> {
    const answers = new TopicPartitionMap<EpochEndOffset>()
    for (const [topicPartition, epoch] of epochs) {
      const current = this.#replicaOf(topicPartition)?.log
      const error = current ? Errors.NONE : Errors.REPLICA_NOT_AVAILABLE
      const endOffset = current?.leaderEpochCache.endOffsetFor(epoch) ?? -1
      answers.set(topicPartition, { error, endOffset })
    }
    return answers
  }

  /** Cuts each future log to what it shares with the current one. */
  override truncateToEpochs(
    fetchedEpochs: TopicPartitionMap<EpochEndOffset>,
  ): ResultWithPartitions<TopicPartitionMap<number>> {
    const result = new TopicPartitionMap<number>()
    const partitionsWithError: TopicPartition[] = []
    for (const [topicPartition, { error }] of fetchedEpochs) {
      try {
        if (error === Errors.NONE) result.set(topicPartition, this.#cut(topicPartition))
        else partitionsWithError.push(topicPartition)
      } catch (cause) {
        if (!isPartitionTrouble(cause)) throw cause
        log.info(`${this.name}: cannot truncate ${topicPartition}`, cause)
        partitionsWithError.push(topicPartition)
      }
    }
    return { result, partitionsWithError }
  }

  /**
   * Cuts one future log, asking the current one now: it may have been cut itself since the
   * question was put together.
   *
   * @returns the end of the future log after it.
   */
  #cut(topicPartition: TopicPartition): number {
    // Take what both have of the future log's last epoch. Without epochs, take what the
    // move began with: the high watermark.
    const partition = this.#partition(topicPartition)
    const current = logOf(partition.getReplicaOrException())
    const future = logOf(partition.getReplicaOrException(FutureLocalReplicaId))
    const epoch = future.leaderEpochCache.latestEpoch()
    const shared = current.leaderEpochCache.endOffsetFor(epoch)
    const fallback = this.stateOf(topicPartition)?.fetchOffset ?? 0
    const offset = Math.min(
      shared === -1 ? fallback : shared,
      future.logEndOffset,
      current.logEndOffset,
    )
    partition.truncateTo(offset, true)
    return future.logEndOffset
  }

  /**
   * Asks for the last partition by name that is ready: one at a time, and none while the
   * quota is exceeded.
   */
  override buildFetchRequest(
    states: PartitionStates,
  ): ResultWithPartitions<MoveRequest> {
    const { quota } = this.#options
    const ready = states.filter(([, state]) => this.isReadyForFetch(state))
    const [last] = ready.sort(([a], [b]) => compareNames(b, a))
    const nothing = { isEmpty: true, offset: () => undefined }
    if (!last || quota.isQuotaExceeded())
      return { result: nothing, partitionsWithError: [] }

    // Tell where the copy starts, as followers do.
    const [topicPartition, { fetchOffset }] = last
    const future = this.#replicaOf(topicPartition, FutureLocalReplicaId)
    if (!future) return { result: nothing, partitionsWithError: [topicPartition] }
    const { logStartOffset } = future
    const result: MoveRequest = {
      isEmpty: false,
      offset: (tp) => (tp.equals(topicPartition) ? fetchOffset : undefined),
      wanted: { topicPartition, fetchOffset, logStartOffset },
    }
    return { result, partitionsWithError: [] }
  }

  /** Reads from the current log, after everything else had a turn. */
  override async fetch(
    request: MoveRequest,
  ): Promise<(readonly [TopicPartition, MovePartitionData])[]> {
    await this.clock.sleep(0, this.signal)
    const { wanted } = request
    if (!wanted) return []
    const { topicPartition, fetchOffset, logStartOffset } = wanted
    const { config } = this.#options.replicas
    let answers: readonly (readonly [TopicPartition, FetchPartitionData])[] = []

    // With no time to wait the answer comes before this call returns.
    this.#options.replicas.fetchMessages({
      ...{ timeout: 0, replicaId: FutureLocalReplicaId, fetchMinBytes: 0 },
      fetchMaxBytes: config.replicaFetchResponseMaxBytes,
      hardMaxBytesLimit: false,
      fetchInfos: [
        [
          topicPartition,
          { fetchOffset, logStartOffset, maxBytes: config.replicaFetchMaxBytes },
        ],
      ],
      isolationLevel: 'READ_UNCOMMITTED',
      responseCallback: (results) => {
        answers = results
      },
    })
    return answers.map(([tp, data]) => [tp, this.#readIn(tp, data)] as const)
  }

  /** Reads the bytes in. A disk that does not give them fails that directory. */
  #readIn(topicPartition: TopicPartition, data: FetchPartitionData): MovePartitionData {
    const { highWatermark, logStartOffset, records } = data
    const place = { highWatermark, logStartOffset }
    try {
      const bytes = Buffer.allocUnsafe(records.sizeInBytes)
      records.copyInto(bytes, 0)
      return { ...place, error: data.error, toRecords: new MemoryRecords(bytes) }
    } catch (cause) {
      if (!isIOException(cause)) throw cause
      const dir = this.#replicaOf(topicPartition)?.log?.parentDir
      const message = `Error while reading ${topicPartition} to move it`
      if (dir !== undefined) {
        this.#options.logDirFailureChannel.maybeAddOfflineLogDir(dir, message, cause)
      }
      const error: WireError = Errors.KAFKA_STORAGE_ERROR
      return { ...place, error, toRecords: MemoryRecords.EMPTY }
    }
  }

  /**
   * Appends what was read, and lets the logs change places once the copy is complete.
   *
   * @throws IllegalStateException when the copy moved under us; the thread ends.
   */
  override async processPartitionData(
    topicPartition: TopicPartition,
    fetchOffset: number,
    partitionData: MovePartitionData,
  ): Promise<void> {
    // Make sure that the bytes go where they belong.
    const partition = this.#partition(topicPartition)
    const futureReplica = partition.getReplicaOrException(FutureLocalReplicaId)
    const futureLog = logOf(futureReplica)
    if (fetchOffset !== futureLog.logEndOffset) {
      throw new IllegalStateException(
        `read ${topicPartition} from ${fetchOffset}, the copy ends at ` +
          `${futureLog.logEndOffset}`,
      )
    }

    // Append, follow the watermarks of the current log, and count the bytes.
    partition.appendRecordsToFollowerOrFutureReplica(partitionData.toRecords, true)
    const { highWatermark, logStartOffset } = partitionData
    futureReplica.setHighWatermark(new LogOffsetMetadata(highWatermark))
    futureReplica.maybeIncrementLogStartOffset(logStartOffset)
    this.#options.quota.record(partitionData.toRecords.sizeInBytes)

    // Flush the bulk of it before the end, while appends go on. What comes meanwhile is
    // little, and is flushed at the change itself.
    const currentLog = logOf(partition.getReplicaOrException())
    const isCaughtUp = currentLog.logEndOffset === futureLog.logEndOffset
    if (isCaughtUp && !this.#flushed.has(topicPartition)) {
      await futureLog.flush()
      this.#flushed.add(topicPartition)
    }
    if (partition.maybeReplaceCurrentWithFutureReplica()) this.#forget(topicPartition)
  }

  #forget(topicPartition: TopicPartition): void {
    this.#flushed.delete(topicPartition)
    this.forgetPartition(topicPartition)
  }

  /** Lets partitions go, whether moved or not. */
  override async removePartitions(
    topicPartitions: Iterable<TopicPartition>,
  ): Promise<void> {
    const removed = [...topicPartitions]
    await super.removePartitions(removed)
    for (const topicPartition of removed) this.#flushed.delete(topicPartition)
  }

  /**
   * Finds an offset to go on from when the current log does not have the copy's end: it was
   * cut, and the copy is cut too; or its beginning was deleted, and the copy begins there.
   */
  override async handleOffsetOutOfRange(
    topicPartition: TopicPartition,
  ): Promise<number> {
    const partition = this.#partition(topicPartition)
    const current = logOf(partition.getReplicaOrException())
    const future = logOf(partition.getReplicaOrException(FutureLocalReplicaId))
    if (current.logEndOffset < future.logEndOffset) return this.#cut(topicPartition)
    if (current.logStartOffset > future.logEndOffset) {
      partition.truncateFullyAndStartAt(current.logStartOffset, true)
    }
    return future.logEndOffset
  }

  /** Leaves partitions alone for the back-off time. */
  override async handlePartitionsWithErrors(
    partitions: Iterable<TopicPartition>,
  ): Promise<void> {
    const { replicaFetchBackoffMs } = this.#options.replicas.config
    await this.delayPartitions(partitions, replicaFetchBackoffMs)
  }

  #replicaOf(topicPartition: TopicPartition, replicaId?: number): Replica | undefined {
    const partition = this.#options.replicas.nonOfflinePartition(topicPartition)
    return partition?.getReplica(replicaId)
  }

  #partition(topicPartition: TopicPartition): Partition {
    const partition = this.#options.replicas.nonOfflinePartition(topicPartition)
    if (partition) return partition
    throw new KafkaStorageException(`${topicPartition} is offline or gone`)
  }
}

function logOf(replica: Replica): Log {
  if (replica.log) return replica.log
  throw new ReplicaNotAvailableException(`${replica} has no log here`)
}

function compareNames(a: TopicPartition, b: TopicPartition): number {
  if (a.topic === b.topic) return a.partition - b.partition
  return a.topic < b.topic ? -1 : 1
}

function isPartitionTrouble(error: unknown): boolean {
  return (
    error instanceof KafkaStorageException ||
    error instanceof ReplicaNotAvailableException ||
    error instanceof UnknownTopicOrPartitionException
  )
}
