/**
 * # ReplicaManager
 *
 * Everything that concerns copies of partitions on this broker: it owns the partitions,
 * the purgatories in which clients wait for them, and the fetchers that follow leaders
 * elsewhere.
 *
 *     KafkaApis ─▶ appendRecords ─▶ Partition ─▶ Log         DelayedProduce waits for HW
 *     KafkaApis ─▶ fetchMessages ─▶ Log.read                 DelayedFetch waits for bytes
 *     controller ─▶ becomeLeaderOrFollower ─▶ makeLeaders, makeFollowers ─▶ fetchers
 *     clock ─▶ isr-expiration, isr-change-propagation, highwatermark-checkpoint
 *
 * Invariants: the append path is synchronous up to the purgatory, callback included when
 * nothing has to be waited for; requests of an older controller change nothing; roles
 * change one request at a time.
 *
 * What became of the lock: `replicaStateChangeLock` is an async mutex with the same name.
 * It spans awaits (topic configurations, ending fetchers), and keeps LeaderAndIsr,
 * StopReplica, UpdateMetadata and the loss of a log directory apart. Appends and fetches
 * do not take it.
 *
 * What lies in which log directory, and its moves, are the business of `LogDirReplicas`,
 * which this extends.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala
 * @module
 */
import {
  ControllerMovedException,
  Errors,
  KafkaStorageException,
  type WireError,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { LogConfig } from '../log/LogConfig.ts'
import type {
  LeaderAndIsrRequest,
  LeaderAndIsrResponse,
} from '../protocol/messages/LeaderAndIsr.ts'
import type { StopReplicaRequest } from '../protocol/messages/StopReplica.ts'
import type { UpdateMetadataRequest } from '../protocol/messages/UpdateMetadata.ts'
import {
  appendToPartition,
  delayedProduceRequestRequired,
  isValidRequiredAcks,
  type LogAppendResult,
  plainResponses,
  refuseAcks,
} from './append-to-partition.ts'
import {
  DelayedDeleteRecords,
  type DeleteRecordsCallback,
} from './DelayedDeleteRecords.ts'
import { DelayedFetch } from './DelayedFetch.ts'
import type { DelayedOperationKey } from './DelayedOperation.ts'
import { TopicPartitionOperationKey } from './DelayedOperationKey.ts'
import type { DelayedOperationPurgatory } from './DelayedOperationPurgatory.ts'
import { DelayedProduce } from './DelayedProduce.ts'
import {
  delayedDeleteRecordsRequired,
  deleteRecordsOnLocalLog,
} from './delete-records.ts'
import { Expirations } from './Expirations.ts'
import { updateFollower } from './follower-progress.ts'
import { IsrChangePropagation } from './isr-change-propagation.ts'
import { LogDirFailureHandler } from './LogDirFailureHandler.ts'
import { type LogReadResult, toFetchPartitionData } from './LogReadResult.ts'
import { LogDirReplicas } from './log-dir-replicas.ts'
import { Partition } from './Partition.ts'
import type { PartitionManager } from './PartitionContext.ts'
import { partitionContext } from './partition-context-of.ts'
import { openPurgatories } from './purgatories.ts'
import type {
  AppendRecordsOptions,
  FetchMessagesOptions,
  MetadataCacheView,
  ReplicaManagerOptions,
} from './ReplicaManagerConfig.ts'
import {
  fetchParams,
  fetchPartitionStatus,
  isAnswerable,
} from './read-from-local-log.ts'
import {
  type AcceptedState,
  acceptPartitionStates,
  fetchOffsets,
  leaderAndIsrResponse,
  type OnLeadershipChange,
  type RoleChange,
  refuseRoles,
  requestedStates,
  type StopReplicasResult,
  storageErrorOnly,
} from './role-requests.ts'

const log = logger('ReplicaManager')

/**
 * The partitions of one broker and who waits for them.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager
 */
export class ReplicaManager extends LogDirReplicas implements PartitionManager {
  readonly metadataCache: MetadataCacheView
  readonly delayedProducePurgatory: DelayedOperationPurgatory<DelayedProduce>
  readonly delayedFetchPurgatory: DelayedOperationPurgatory<DelayedFetch>
  readonly delayedDeleteRecordsPurgatory: DelayedOperationPurgatory<DelayedDeleteRecords>
  /** What came too late for those who waited. */
  readonly expirations = new Expirations()
  /** Epoch of the controller whose request came last; older ones are refused. */
  controllerEpoch = 0
  readonly #options: ReplicaManagerOptions
  readonly #isrChanges: IsrChangePropagation
  #hwThreadInitialized = false
  #logDirFailureHandler: LogDirFailureHandler | undefined

  /** Makes the manager; purgatories run from here on, tasks from {@link startup} on. */
  constructor(options: ReplicaManagerOptions) {
    super(options)
    const { config, platform } = options
    this.metadataCache = options.metadataCache
    this.#options = options
    this.#isrChanges = new IsrChangePropagation(platform.clock)

    // Open the three waiting rooms.
    const purgatories = openPurgatories(config, platform.clock)
    this.delayedProducePurgatory = purgatories.produce
    this.delayedFetchPurgatory = purgatories.fetch
    this.delayedDeleteRecordsPurgatory = purgatories.deleteRecords
  }

  protected override createPartition(topicPartition: TopicPartition): Partition {
    return new Partition(topicPartition, partitionContext(this, this.#options))
  }

  /** Reads a topic's configuration from ZooKeeper, laid over the broker's defaults. */
  override async fetchLogConfig(topic: string): Promise<LogConfig> {
    const overrides = await this.#options.zkClient.getEntityConfigs('topics', topic)
    return LogConfig.fromProps(this.logManager.currentDefaultConfig, overrides)
  }

  /** Starts the periodic tasks and the watch over log directories. */
  startup(): void {
    const { scheduler, logDirFailureChannel } = this.#options

    // Look for laggards twice per lag limit: one may stay up to 1.5 times the limit.
    const shrinkPeriodMs = this.config.replicaLagTimeMaxMs / 2
    scheduler.schedule('isr-expiration', () => this.maybeShrinkIsr(), 0, shrinkPeriodMs)

    // Tell the controller of ISR changes in batches.
    scheduler.schedule(
      'isr-change-propagation',
      () => this.maybePropagateIsrChanges(),
      0,
      2500,
    )

    // Let the threads go that have moved all they had to.
    scheduler.schedule(
      'shutdown-idle-replica-alter-log-dirs-thread',
      () => this.shutdownIdleReplicaAlterLogDirsThread(),
      0,
      10_000,
    )

    // Watch over the disks.
    this.#logDirFailureHandler = new LogDirFailureHandler(logDirFailureChannel, (dir) =>
      this.handleLogDirFailure(dir),
    )
    this.#logDirFailureHandler.start()
  }

  /** Starts writing high watermarks; called after the first LeaderAndIsr request. */
  startHighWaterMarksCheckPointThread(): void {
    if (this.#hwThreadInitialized) return
    this.#hwThreadInitialized = true
    this.#options.scheduler.schedule(
      'highwatermark-checkpoint',
      () => this.checkpointHighWatermarks(),
      0,
      this.config.replicaHighWatermarkCheckpointIntervalMs,
    )
  }

  /** Notes that a partition's ISR changed. */
  recordIsrChange(topicPartition: TopicPartition, hasGrown: boolean): void {
    if (hasGrown) this.isrExpands += 1
    else this.isrShrinks += 1
    this.#isrChanges.record(topicPartition)
  }

  /** Counts an ISR change that ZooKeeper did not take. */
  recordFailedIsrUpdate(): void {
    this.failedIsrUpdates += 1
  }

  /** Tells the controller of noted changes, once they have settled or are overdue. */
  async maybePropagateIsrChanges(): Promise<void> {
    const { zkClient } = this.#options
    await this.#isrChanges.maybePropagate((tps) => zkClient.propagateIsrChanges(tps))
  }

  /** Tries the produces that wait for a partition's high watermark. */
  tryCompleteDelayedProduce(key: DelayedOperationKey): void {
    const completed = this.delayedProducePurgatory.checkAndComplete(key)
    log.debug(`${key.keyLabel}: ${completed} produces completed`)
  }

  /** Tries the fetches that wait for a partition's bytes. */
  tryCompleteDelayedFetch(key: DelayedOperationKey): void {
    const completed = this.delayedFetchPurgatory.checkAndComplete(key)
    log.debug(`${key.keyLabel}: ${completed} fetches completed`)
  }

  /** Tries the delete-records operations that wait for a partition's low watermark. */
  tryCompleteDelayedDeleteRecords(key: DelayedOperationKey): void {
    this.delayedDeleteRecordsPurgatory.checkAndComplete(key)
  }

  /** True while a delete-records operation waits. */
  hasDelayedDeleteRecords(): boolean {
    return this.delayedDeleteRecordsPurgatory.delayed > 0
  }

  /**
   * Appends to the logs of partitions led here and answers when as many copies have the
   * records as `requiredAcks` asks for.
   *
   * Synchronous up to the purgatory. The callback is called exactly once, perhaps before
   * this returns.
   */
  appendRecords(options: AppendRecordsOptions): void {
    const { timeout, requiredAcks, entriesPerPartition, responseCallback } = options
    if (!isValidRequiredAcks(requiredAcks)) {
      responseCallback(refuseAcks(entriesPerPartition))
      return
    }

    // Append here first; each partition succeeds or fails alone.
    const localProduceResults = this.appendToLocalLog(options)
    if (delayedProduceRequestRequired(requiredAcks, localProduceResults)) {
      // Wait for the followers. Partitions that failed are watched with the rest.
      const operation = new DelayedProduce(
        timeout,
        localProduceResults,
        this,
        responseCallback,
      )
      const keys = [...entriesPerPartition.keys()].map(
        (topicPartition) => new TopicPartitionOperationKey(topicPartition),
      )
      this.delayedProducePurgatory.tryCompleteElseWatch(operation, keys)
    } else {
      // Answer at once: nothing is waited for, or nothing was appended.
      responseCallback(plainResponses(localProduceResults))
    }
  }

  /** Appends each entry to its partition; errors stay with their partition. */
  appendToLocalLog(options: AppendRecordsOptions): TopicPartitionMap<LogAppendResult> {
    const results = new TopicPartitionMap<LogAppendResult>()
    for (const [topicPartition, records] of options.entriesPerPartition) {
      const partition = this.getPartition(topicPartition)
      const { brokerTopicStats: stats } = this
      const result = appendToPartition(
        ...[topicPartition, partition, records, options, stats],
      )
      const { processingStats } = result
      if (processingStats) options.recordConversion?.(topicPartition, processingStats)
      results.set(topicPartition, result)
    }
    return results
  }

  /**
   * Moves the log start of partitions up and answers when all live copies have followed.
   *
   * @param offsets by partition; -1 means the high watermark.
   */
  deleteRecords(
    timeout: number,
    offsets: TopicPartitionMap<number>,
    responseCallback: DeleteRecordsCallback,
  ): void {
    const statuses = deleteRecordsOnLocalLog(this, offsets)
    const operation = new DelayedDeleteRecords(
      timeout,
      statuses,
      this,
      responseCallback,
    )

    // Wait under each partition for the followers to move up.
    const keys = [...offsets.keys()].map((tp) => new TopicPartitionOperationKey(tp))
    if (!delayedDeleteRecordsRequired(statuses)) operation.forceComplete()
    else this.delayedDeleteRecordsPurgatory.tryCompleteElseWatch(operation, keys)
  }

  /**
   * Reads partitions and answers when there is enough to answer with.
   *
   * The callback is called exactly once, perhaps before this returns.
   */
  override fetchMessages(options: FetchMessagesOptions): void {
    const { timeout, replicaId, fetchInfos, responseCallback } = options
    const params = fetchParams(options)
    const isFromFollower = replicaId >= 0

    // Read, and take down how far the follower is, before deciding whether to wait: its
    // progress may be what somebody else waits for.
    const read = this.readFromLocalLog(params, fetchInfos)
    const results = isFromFollower
      ? this.updateFollowerLogReadResults(replicaId, read)
      : read

    // Answer now if there is enough, or something to say, or no time.
    if (timeout <= 0 || isAnswerable(params, results)) {
      responseCallback(
        results.map(([tp, result]) => [tp, toFetchPartitionData(result)]),
      )
      return
    }

    // Wait for more under every partition.
    const partitions = fetchPartitionStatus(fetchInfos, results)
    const operation = new DelayedFetch({
      delayMs: timeout,
      params,
      partitions,
      manager: this,
      responseCallback,
    })
    const keys = fetchInfos.map(([tp]) => new TopicPartitionOperationKey(tp))
    this.delayedFetchPurgatory.tryCompleteElseWatch(operation, keys)
  }

  /**
   * Takes down how far a follower is: an offset it asks for is one it has everything below.
   *
   * @returns the results; those of partitions it is not assigned to are emptied.
   */
  updateFollowerLogReadResults(
    replicaId: number,
    readResults: readonly (readonly [TopicPartition, LogReadResult])[],
  ): (readonly [TopicPartition, LogReadResult])[] {
    return readResults.map(([topicPartition, result]) => [
      topicPartition,
      updateFollower(this.nonOfflinePartition(topicPartition), replicaId, result),
    ])
  }

  /**
   * Takes the roles that the controller gives.
   *
   * @param onLeadershipChange told, under the lock, which partitions got a new leader.
   * @returns one error a partition, and the request's own.
   */
  async becomeLeaderOrFollower(
    correlationId: number,
    request: LeaderAndIsrRequest,
    onLeadershipChange: OnLeadershipChange,
  ): Promise<LeaderAndIsrResponse> {
    return this.replicaStateChangeLock.runExclusive(async () => {
      // Refuse a controller that has been replaced.
      const requested = requestedStates(request)
      if (request.controllerEpoch < this.controllerEpoch) {
        return refuseRoles(requested, Errors.STALE_CONTROLLER_EPOCH)
      }
      this.controllerEpoch = request.controllerEpoch

      // Keep the partitions for which this is news, and split them by role.
      const responseMap = new TopicPartitionMap<WireError>()
      const accepted = acceptPartitionStates(this, requested, responseMap)
      const leads = ([, state]: AcceptedState) => state.leader === this.localBrokerId
      const toLead = accepted.filter(leads)
      const toFollow = accepted.filter((state) => !leads(state))
      const change = { controllerId: request.controllerId, correlationId, responseMap }
      const becameLeader =
        toLead.length > 0 ? await this.makeLeaders(toLead, change) : []
      const becameFollower =
        toFollow.length > 0 ? await this.makeFollowers(toFollow, change) : []

      // Count as offline whatever still has no copy here: its log could not be made.
      // That includes partitions refused above that never had one.
      for (const [topicPartition] of requested) {
        if (!this.getReplica(topicPartition)) this.markPartitionOffline(topicPartition)
      }

      // Begin to keep high watermarks now, not at startup: before this request the table
      // was empty, and an empty table would have erased what the files hold.
      this.startHighWaterMarksCheckPointThread()

      // Take up moves between log directories; fetchers without work may go.
      await this.resumeMoves(accepted.map(([partition]) => partition))
      await this.replicaFetcherManager.shutdownIdleFetcherThreads()
      await this.replicaAlterLogDirsManager.shutdownIdleFetcherThreads()
      onLeadershipChange(becameLeader, becameFollower)
      return leaderAndIsrResponse(Errors.NONE, responseMap)
    })
  }

  /**
   * Makes this broker the leader of partitions.
   *
   * @returns those that it did not lead before.
   * @throws what a partition throws but for KafkaStorageException: the request fails.
   */
  async makeLeaders(
    partitionStates: readonly AcceptedState[],
    { controllerId, correlationId, responseMap }: RoleChange,
  ): Promise<Partition[]> {
    const partitionsToMakeLeaders: Partition[] = []

    // Stop following first: a leader's log must get its records from clients only.
    await this.replicaFetcherManager.removeFetcherForPartitions(
      partitionStates.map(([partition]) => partition.topicPartition),
    )

    // Lead them, one after the other.
    for (const [partition, state] of partitionStates) {
      responseMap.set(partition.topicPartition, Errors.NONE)
      try {
        const isNewLeader = await partition.makeLeader(
          controllerId,
          state,
          correlationId,
        )
        if (isNewLeader) partitionsToMakeLeaders.push(partition)
      } catch (error) {
        storageErrorOnly(partition, responseMap, error)
      }
    }
    return partitionsToMakeLeaders
  }

  /**
   * Makes this broker a follower of partitions.
   *
   * @returns those whose leader is another than before.
   * @throws what a partition throws but for KafkaStorageException: the request fails.
   */
  async makeFollowers(
    partitionStates: readonly AcceptedState[],
    { controllerId, correlationId, responseMap }: RoleChange,
  ): Promise<Partition[]> {
    const partitionsToMakeFollower: Partition[] = []

    // Follow those whose leader is alive. Of the others, make the copy all the same, so
    // that its high watermark is kept on file.
    for (const [partition, state] of partitionStates) {
      responseMap.set(partition.topicPartition, Errors.NONE)
      try {
        if (!this.#aliveBroker(state.leader)) {
          log.error(
            `leader ${state.leader} of ${partition.topicPartition} is not alive`,
          )
          await partition.getOrCreateReplica(state.isNew)
        } else if (await partition.makeFollower(controllerId, state, correlationId)) {
          partitionsToMakeFollower.push(partition)
        }
      } catch (error) {
        storageErrorOnly(partition, responseMap, error)
      }
    }

    // Stop fetching from the former leaders. A mere epoch bump is not among these, so its
    // fetcher runs on untouched.
    await this.replicaFetcherManager.removeFetcherForPartitions(
      partitionsToMakeFollower.map((partition) => partition.topicPartition),
    )

    // Answer the clients that wait here: they get NOT_LEADER and go to the new leader.
    for (const partition of partitionsToMakeFollower) {
      const key = new TopicPartitionOperationKey(partition.topicPartition)
      this.tryCompleteDelayedProduce(key)
      this.tryCompleteDelayedFetch(key)
    }

    // Fetch from the new leaders, from our high watermark on: what is above it may have to
    // go, which the fetcher finds out first.
    if (!this.#options.isShuttingDown()) {
      const listener = this.config.interBrokerListenerName
      await this.replicaFetcherManager.addFetcherForPartitions(
        fetchOffsets(partitionsToMakeFollower, (id) => this.#aliveBroker(id), listener),
      )
    }
    return partitionsToMakeFollower
  }

  #aliveBroker(id: number | undefined) {
    return this.metadataCache.getAliveBrokers().find((broker) => broker.id === id)
  }

  /**
   * Stops following partitions and, if asked, deletes the copies.
   *
   * @returns the request's own error, and one for each partition.
   */
  async stopReplicas(request: StopReplicaRequest): Promise<StopReplicasResult> {
    return this.replicaStateChangeLock.runExclusive(async () => {
      const responses = new TopicPartitionMap<WireError>()
      if (request.controllerEpoch < this.controllerEpoch) {
        return { error: Errors.STALE_CONTROLLER_EPOCH, responses }
      }
      this.controllerEpoch = request.controllerEpoch

      // Stop the fetchers of all before touching any.
      const partitions = request.ungroupedPartitions.map(
        ({ topicName, partition }) => new TopicPartition(topicName, partition),
      )
      await this.replicaFetcherManager.removeFetcherForPartitions(partitions)
      await this.replicaAlterLogDirsManager.removeFetcherForPartitions(partitions)
      for (const topicPartition of partitions) {
        try {
          await this.stopReplica(topicPartition, request.deletePartitions)
          responses.set(topicPartition, Errors.NONE)
        } catch (error) {
          if (!(error instanceof KafkaStorageException)) throw error
          responses.set(topicPartition, Errors.KAFKA_STORAGE_ERROR)
        }
      }
      return { error: Errors.NONE, responses }
    })
  }

  /**
   * Deletes a copy, if asked; else leaves partition and role as they are.
   *
   * @throws KafkaStorageException when its disk has failed.
   */
  async stopReplica(
    topicPartition: TopicPartition,
    deletePartition: boolean,
  ): Promise<void> {
    if (!deletePartition) return
    const removed = this.allPartitions.remove(topicPartition.key)
    this.forgetStatsOf(topicPartition.topic)
    if (removed?.isOffline) {
      throw new KafkaStorageException(
        `the log directory of ${topicPartition} is offline`,
      )
    }
    await removed?.delete()

    // Delete logs that lie here without a partition, left over from an earlier run.
    for (const isFuture of [false, true]) {
      if (!this.logManager.getLog(topicPartition, isFuture)) continue
      this.logManager.asyncDelete(topicPartition, isFuture)
    }
  }

  /**
   * Takes the controller's picture of the cluster in.
   *
   * @returns the partitions that were deleted.
   * @throws ControllerMovedException when the controller has been replaced.
   */
  async maybeUpdateMetadataCache(
    correlationId: number,
    request: UpdateMetadataRequest,
  ): Promise<TopicPartition[]> {
    return this.replicaStateChangeLock.runExclusive(async () => {
      if (request.controllerEpoch < this.controllerEpoch) {
        throw new ControllerMovedException(
          `controller ${request.controllerId} has epoch ${request.controllerEpoch}, ` +
            `known is ${this.controllerEpoch}`,
        )
      }
      const deleted = this.metadataCache.updateCache(correlationId, request)
      this.controllerEpoch = request.controllerEpoch
      return deleted
    })
  }

  /** Looks for laggards in every partition led here. */
  async maybeShrinkIsr(): Promise<void> {
    for (const partition of this.nonOfflinePartitions()) {
      await partition.maybeShrinkIsr(this.config.replicaLagTimeMaxMs)
    }
  }

  /**
   * Ends fetchers, purgatories and the watch over directories.
   *
   * @param checkpointHW false after an unclean stop of the logs.
   */
  async shutdown(checkpointHW = true): Promise<void> {
    await this.#logDirFailureHandler?.shutdown()
    await this.replicaFetcherManager.shutdown()
    await this.replicaAlterLogDirsManager.shutdown()
    await this.delayedFetchPurgatory.shutdown()
    await this.delayedProducePurgatory.shutdown()
    await this.delayedDeleteRecordsPurgatory.shutdown()
    if (checkpointHW) this.checkpointHighWatermarks()
  }
}
