/**
 * # ReplicaFetcherThread
 *
 * The loop by which a follower copies its partitions from one leader.
 *
 *     maybeTruncate   "my last epoch is 4" ─▶ leader: "it ends at 120" ─▶ cut to 120
 *     fetch           from 120, with our log start offset
 *     process         append as they are, HW := min(our end, leader's HW)
 *
 * Invariants: nothing is appended that does not begin at our log end; a follower's high
 * watermark is at most its leader's as of one round trip ago; before the first fetch from
 * a new leader, what that leader does not have is gone.
 *
 * Throttling: a partition that is held to a rate, and not in sync, is left out of the fetch
 * while the rate is too high. The session forgets it, and learns of it again later; the
 * other partitions are fetched all the while.
 *
 * Why epochs: cutting to our own high watermark, as was done before 0.11, may throw away
 * records that are committed, because a follower's high watermark lags by a round trip.
 * The leader knows where our last epoch really ended.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaFetcherThread.scala
 * @module
 */
import {
  Errors,
  IllegalStateException,
  KafkaException,
  KafkaStorageException,
  ReplicaNotAvailableException,
  UnknownTopicOrPartitionException,
  type WireError,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Clock } from '../base/platform/Platform.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import type { LogConfig } from '../log/LogConfig.ts'
import { LogOffsetMetadata } from '../log/LogOffsetMetadata.ts'
import {
  AbstractFetcherThread,
  type EpochEndOffset,
  type FetchRequest,
  type PartitionData,
  type PartitionStates,
  type ResultWithPartitions,
} from '../network/fetcher/AbstractFetcherThread.ts'
import {
  Fetch,
  type FetchRequest as FetchRequestBody,
  type FetchResponse,
} from '../protocol/messages/Fetch.ts'
import { ListOffsets } from '../protocol/messages/ListOffsets.ts'
import { OffsetForLeaderEpoch } from '../protocol/messages/OffsetForLeaderEpoch.ts'
import { MemoryRecords } from '../record/MemoryRecords.ts'
import type { BrokerEndPoint } from '../zk/Broker.ts'
import type { BrokerTopicStats } from './BrokerTopicStats.ts'
import { FetchSessionHandler, type SessionPartition } from './FetchSessionHandler.ts'
import type { Partition } from './Partition.ts'
import type { Replica } from './Replica.ts'
import type { ReplicaAlterLogDirsManager } from './ReplicaAlterLogDirsManager.ts'
import type { BlockingSend } from './ReplicaFetcherBlockingSend.ts'
import type { ReplicaManagerConfig } from './ReplicaManagerConfig.ts'
import type { ReplicationQuotaManager } from './ReplicationQuotaManager.ts'

const log = logger('ReplicaFetcherThread')

/** In ListOffsets: where the log ends. */
const LATEST_TIMESTAMP = -1
/** In ListOffsets: where the log starts. */
const EARLIEST_TIMESTAMP = -2

/** What the thread asks of the broker's partitions. */
export interface FollowedPartitions {
  readonly brokerTopicStats: Pick<BrokerTopicStats, 'updateReplicationBytesIn'>
  readonly config: ReplicaManagerConfig
  nonOfflinePartition(topicPartition: TopicPartition): Partition | undefined
  getReplica(topicPartition: TopicPartition): Replica | undefined
  getReplicaOrException(topicPartition: TopicPartition): Replica
  fetchLogConfig(topic: string): Promise<LogConfig>
  /** Told of every cut: a copy in another log directory must be cut too. */
  readonly replicaAlterLogDirsManager: Pick<
    ReplicaAlterLogDirsManager,
    'markPartitionsForTruncation'
  >
}

/** What a replica fetcher is made from. */
export interface ReplicaFetcherThreadOptions {
  readonly name: string
  readonly sourceBroker: BrokerEndPoint
  readonly replicas: FollowedPartitions
  readonly clock: Clock
  readonly leaderEndpoint: BlockingSend
  /** How fast throttled partitions may be copied. */
  readonly quota: ReplicationQuotaManager
  /** See `ReplicaManagerOptions.halt`. */
  readonly halt?: ((reason: string) => void) | undefined
}

/** A fetch as it is sent, and the offsets it asks for. */
interface ReplicaFetchRequest extends FetchRequest {
  readonly body: FetchRequestBody
}

/** One partition of a fetch response. */
interface ReplicaPartitionData extends PartitionData {
  readonly logStartOffset: number
}

/**
 * Follows one leader.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaFetcherThread.scala#ReplicaFetcherThread
 */
export class ReplicaFetcherThread extends AbstractFetcherThread<
  ReplicaFetchRequest,
  ReplicaPartitionData
> {
  readonly #replicas: FollowedPartitions
  readonly #leaderEndpoint: BlockingSend
  readonly #quota: ReplicationQuotaManager
  readonly #halt: ((reason: string) => void) | undefined
  readonly #fetchSessionHandler: FetchSessionHandler

  /** Makes the loop; it follows nothing yet. */
  constructor(options: ReplicaFetcherThreadOptions) {
    super({
      name: options.name,
      clientId: options.name,
      sourceBroker: options.sourceBroker,
      fetchBackOffMs: options.replicas.config.replicaFetchBackoffMs,
      includeLogTruncation: true,
      clock: options.clock,
    })
    this.#replicas = options.replicas
    this.#leaderEndpoint = options.leaderEndpoint
    this.#quota = options.quota
    this.#halt = options.halt
    this.#fetchSessionHandler = new FetchSessionHandler(options.sourceBroker.id)
  }

  /** Asks the loop to end, and frees it from a request that is under way. */
  override initiateShutdown(): boolean {
    const justShutdown = super.initiateShutdown()
    if (justShutdown) this.#leaderEndpoint.close()
    return justShutdown
  }

  /** Asks about the last epoch of each partition that is to be truncated. */
  override buildLeaderEpochRequest(
    states: PartitionStates,
  ): ResultWithPartitions<TopicPartitionMap<number>> {
    const epochs = new TopicPartitionMap<number>()
    const partitionsWithError: TopicPartition[] = []
    for (const [topicPartition, state] of states) {
      if (!this.isTruncatingLog(state)) continue
      const replicaLog = this.#replicas.getReplica(topicPartition)?.log
      if (replicaLog)
        epochs.set(topicPartition, replicaLog.leaderEpochCache.latestEpoch())
      else partitionsWithError.push(topicPartition)
    }
    return { result: epochs, partitionsWithError }
  }

  /**
   * Asks the leader where the epochs ended. A failed request fails each partition.
   *
   * @differs Kafka 1.1 asks once. When the leader has no record of the epoch, what it names
   *   is the end of an older one, and what we hold of the epoch below that end stays: our
   *   logs differ for good (KAFKA-6361; Kafka 2.0 changed the protocol, KIP-279). Here a
   *   second question tells: an epoch without records ends where the one before it does.
   */
  override async fetchEpochsFromLeader(
    epochs: TopicPartitionMap<number>,
  ): Promise<TopicPartitionMap<EpochEndOffset>> {
    const answers = await this.#askForEnds(epochs)
    const before = new TopicPartitionMap<number>()
    for (const [topicPartition, { endOffset }] of answers) {
      const epoch = epochs.get(topicPartition) ?? 0
      if (endOffset >= 0 && epoch > 0) before.set(topicPartition, epoch - 1)
    }
    if (before.size === 0) return answers
    for (const [topicPartition, earlier] of await this.#askForEnds(before)) {
      const { endOffset = -1 } = answers.get(topicPartition) ?? {}
      const isEpochMissing = earlier.endOffset === endOffset
      const answer = { error: earlier.error, endOffset, isEpochMissing }
      answers.set(topicPartition, answer)
    }
    return answers
  }

  async #askForEnds(
    epochs: TopicPartitionMap<number>,
  ): Promise<TopicPartitionMap<EpochEndOffset>> {
    const answers = new TopicPartitionMap<EpochEndOffset>()
    try {
      const response = await this.#leaderEndpoint.sendRequest(OffsetForLeaderEpoch, 0, {
        topics: byTopic(epochs, (partition, leaderEpoch) => ({
          partition,
          leaderEpoch,
        })),
      })
      for (const { topic, partitions } of response.topics) {
        for (const { partition, errorCode, endOffset } of partitions) {
          const error = Errors.forCode(errorCode)
          answers.set(new TopicPartition(topic, partition), { error, endOffset })
        }
      }
    } catch (cause) {
      if (this.isRunning) log.warn(`${this.name}: cannot ask for epochs`, cause)
      const error = Errors.forException(cause)
      for (const tp of epochs.keys()) answers.set(tp, { error, endOffset: -1 })
    }
    return answers
  }

  /**
   * Cuts each log to where the leader says that our last epoch ended. One whose last epoch
   * the leader does not have loses that epoch, and is asked about again.
   */
  override async truncateToEpochs(
    fetchedEpochs: TopicPartitionMap<EpochEndOffset>,
  ): Promise<ResultWithPartitions<TopicPartitionMap<number>>> {
    const fetchOffsets = new TopicPartitionMap<number>()
    const partitionsWithError: TopicPartition[] = []
    for (const [topicPartition, fetched] of fetchedEpochs) {
      const { error, endOffset, isEpochMissing } = fetched
      try {
        if (error !== Errors.NONE) {
          log.info(`${this.name}: ${topicPartition} has no epoch yet: ${error.name}`)
          partitionsWithError.push(topicPartition)
          continue
        }

        // Drop our last epoch as a whole when the leader has nothing of it; what we have
        // before it is asked about in the next turn.
        const fetchOffset = this.#truncationOffset(topicPartition, endOffset)
        const epochStart = isEpochMissing ? this.#lastEpochStart(topicPartition) : -1
        const isDone = epochStart < 0 || epochStart >= fetchOffset
        const offset = isDone ? fetchOffset : epochStart
        await this.#truncateTo(topicPartition, offset)
        if (isDone) fetchOffsets.set(topicPartition, offset)
      } catch (cause) {
        // Try again later when the disk failed or the partition is just going away.
        if (!isPartitionTrouble(cause)) throw cause
        log.info(`${this.name}: cannot truncate ${topicPartition}`, cause)
        partitionsWithError.push(topicPartition)
      }
    }
    return { result: fetchOffsets, partitionsWithError }
  }

  /** Cuts a log, and a copy of it that is being made elsewhere before it grows again. */
  async #truncateTo(topicPartition: TopicPartition, offset: number): Promise<void> {
    this.#partition(topicPartition).truncateTo(offset, false)
    const { config, replicaAlterLogDirsManager: moves } = this.#replicas
    await moves.markPartitionsForTruncation(config.brokerId, topicPartition, offset)
  }

  #lastEpochStart(topicPartition: TopicPartition): number {
    const replicaLog = this.#replicas.getReplica(topicPartition)?.log
    return replicaLog?.leaderEpochCache.epochEntries().at(-1)?.startOffset ?? -1
  }

  #truncationOffset(topicPartition: TopicPartition, leaderEndOffset: number): number {
    // Fall back to where fetching was to begin, our high watermark, when the leader does
    // not know the epoch.
    if (leaderEndOffset === -1) return this.stateOf(topicPartition)?.fetchOffset ?? 0

    // Keep everything when the leader has all of our last epoch; else what it has.
    const replica = this.#replicas.getReplicaOrException(topicPartition)
    return Math.min(leaderEndOffset, replica.logEndOffset.messageOffset)
  }

  /** Asks for every partition that is ready and that no quota keeps back. */
  override buildFetchRequest(
    states: PartitionStates,
  ): ResultWithPartitions<ReplicaFetchRequest> {
    const next = new TopicPartitionMap<SessionPartition>()
    const partitionsWithError: TopicPartition[] = []
    for (const [topicPartition, state] of states) {
      if (!this.isReadyForFetch(state)) continue
      if (this.#shouldFollowerThrottle(topicPartition)) continue
      try {
        // Tell where our log starts: the leader waits for it when records are deleted.
        const replica = this.#replicas.getReplicaOrException(topicPartition)
        const { fetchOffset } = state
        const { logStartOffset } = replica
        next.set(topicPartition, { fetchOffset, logStartOffset })
      } catch (cause) {
        if (!isPartitionTrouble(cause)) throw cause
        partitionsWithError.push(topicPartition)
      }
    }

    // Name what changed since the last request of this session.
    const { config } = this.#replicas
    const data = this.#fetchSessionHandler.build(next)
    const { toSend, toForget, sessionPartitions, sessionId, sessionEpoch } = data
    const forgotten = new TopicPartitionMap<true>()
    for (const topicPartition of toForget) forgotten.set(topicPartition, true)
    const body: FetchRequestBody = {
      replicaId: config.brokerId,
      maxWaitMs: config.replicaFetchWaitMaxMs,
      minBytes: config.replicaFetchMinBytes,
      maxBytes: config.replicaFetchResponseMaxBytes,
      isolationLevel: 0,
      ...{ sessionId, sessionEpoch },
      topics: byTopic(toSend, (partition, { fetchOffset, logStartOffset }) => ({
        partition,
        fetchOffset,
        logStartOffset,
        partitionMaxBytes: config.replicaFetchMaxBytes,
      })),
      forgottenTopicsData: byTopic(forgotten, (partition) => partition),
    }
    const result: ReplicaFetchRequest = {
      body,
      isEmpty: sessionPartitions.size === 0 && toForget.length === 0,
      offset: (topicPartition) => sessionPartitions.get(topicPartition)?.fetchOffset,
    }
    return { result, partitionsWithError }
  }

  /**
   * Whether to do without a partition for now. One that is in sync goes on, or the quota
   * would push it out of the ISR.
   */
  #shouldFollowerThrottle(topicPartition: TopicPartition): boolean {
    if (!this.#quota.isThrottled(topicPartition)) return false
    const isReplicaInSync = this.fetcherLagStats.get(topicPartition) === 0
    return !isReplicaInSync && this.#quota.isQuotaExceeded()
  }

  /**
   * Sends the fetch.
   *
   * @returns what came; nothing when the leader does not know the session: then the next
   *   request names everything again
   * @throws when the connection fails
   */
  override async fetch(
    request: ReplicaFetchRequest,
  ): Promise<(readonly [TopicPartition, ReplicaPartitionData])[]> {
    let response: FetchResponse
    try {
      response = await this.#leaderEndpoint.sendRequest(
        Fetch,
        Fetch.maxVersion,
        request.body,
      )
    } catch (error) {
      this.#fetchSessionHandler.handleError()
      throw error
    }
    if (!this.#fetchSessionHandler.handleResponse(response)) return []
    return response.responses.flatMap(({ topic, partitions }) =>
      partitions.map((data) => {
        const topicPartition = new TopicPartition(topic, data.partition)
        return [topicPartition, toPartitionData(data)] as const
      }),
    )
  }

  /**
   * Appends what was fetched and follows the leader's watermarks.
   *
   * @throws IllegalStateException when the log moved under us: it is cut again.
   */
  override processPartitionData(
    topicPartition: TopicPartition,
    fetchOffset: number,
    partitionData: ReplicaPartitionData,
  ): void {
    // Make sure that the bytes go where they belong.
    const replica = this.#replicas.getReplicaOrException(topicPartition)
    const logEndOffset = replica.logEndOffset.messageOffset
    if (fetchOffset !== logEndOffset) {
      throw new IllegalStateException(
        `fetched ${topicPartition} from ${fetchOffset}, the log ends at ${logEndOffset}`,
      )
    }
    const partition = this.#partition(topicPartition)
    const records = partitionData.toRecords
    partition.appendRecordsToFollowerOrFutureReplica(records, false)
    this.#replicas.brokerTopicStats.updateReplicationBytesIn(records.sizeInBytes)

    // Follow the leader's high watermark as far as our log goes. The leader told it with
    // the answer, so ours is one round trip behind.
    const followerHighWatermark = Math.min(
      replica.logEndOffset.messageOffset,
      partitionData.highWatermark,
    )
    replica.setHighWatermark(new LogOffsetMetadata(Math.max(0, followerHighWatermark)))

    // Delete what the leader deleted.
    replica.maybeIncrementLogStartOffset(partitionData.logStartOffset)

    // Count the bytes of a replica in sync, too: the quota is for all of them together.
    if (this.#quota.isThrottled(topicPartition)) this.#quota.record(records.sizeInBytes)
  }

  /**
   * Finds an offset to go on from when the leader does not have ours.
   *
   * The leader's log ends before ours: it was elected uncleanly, and we cut ours, if the
   * topic allows that. Or it starts after ours: we were away for too long and start anew.
   */
  override async handleOffsetOutOfRange(
    topicPartition: TopicPartition,
  ): Promise<number> {
    const leaderEnd = await this.#offsetOnLeader(topicPartition, LATEST_TIMESTAMP)
    const ourEnd = () =>
      this.#replicas.getReplicaOrException(topicPartition).logEndOffset.messageOffset
    if (leaderEnd < ourEnd()) {
      await this.#requireUncleanElectionAllowed(topicPartition, leaderEnd)
      log.warn(`${topicPartition}: cut to the leader's end ${leaderEnd}`)
      await this.#truncateTo(topicPartition, leaderEnd)
      return leaderEnd
    }

    // Start where the leader starts when that is past our end.
    const leaderStart = await this.#offsetOnLeader(topicPartition, EARLIEST_TIMESTAMP)
    const offsetToFetch = Math.max(leaderStart, ourEnd())
    if (leaderStart > ourEnd()) {
      log.warn(`${topicPartition}: starts anew at the leader's start ${leaderStart}`)
      this.#partition(topicPartition).truncateFullyAndStartAt(leaderStart, false)
    }
    return offsetToFetch
  }

  /**
   * Refuses to drop committed records unless the topic's owner allowed it.
   *
   * @differs Kafka ends the process; here `halt` is told and the partition stays in error.
   */
  async #requireUncleanElectionAllowed(
    topicPartition: TopicPartition,
    leaderEnd: number,
  ): Promise<void> {
    const config = await this.#replicas.fetchLogConfig(topicPartition.topic)
    if (config.uncleanLeaderElectionEnable) return
    const reason =
      `the leader of ${topicPartition} ends at ${leaderEnd}, before our end, and ` +
      'unclean.leader.election.enable does not allow cutting our log'
    log.fatal(reason)
    this.#halt?.(reason)
    throw new IllegalStateException(reason)
  }

  async #offsetOnLeader(tp: TopicPartition, timestamp: number): Promise<number> {
    const { brokerId } = this.#replicas.config
    const { topics } = await this.#leaderEndpoint.sendRequest(ListOffsets, 1, {
      replicaId: brokerId,
      isolationLevel: 0,
      topics: [
        {
          name: tp.topic,
          partitions: [{ partition: tp.partition, timestamp, maxNumOffsets: 1 }],
        },
      ],
    })
    const answer = topics[0]?.partitions[0]
    if (!answer) throw new KafkaException(`no offset for ${tp} in the answer`)
    const error = Errors.forCode(answer.errorCode)
    if (error !== Errors.NONE) throw new KafkaException(`${tp}: ${error.name}`)
    return answer.offset
  }

  /** Goes back to where all in-sync logs agree, and asks the leader what it has. */
  override offsetToStartAnew(topicPartition: TopicPartition): number | undefined {
    return this.#replicas.getReplica(topicPartition)?.highWatermark.messageOffset
  }

  /** Leaves partitions alone for the back-off time. */
  override async handlePartitionsWithErrors(
    partitions: Iterable<TopicPartition>,
  ): Promise<void> {
    await this.delayPartitions(partitions, this.#replicas.config.replicaFetchBackoffMs)
  }

  #partition(topicPartition: TopicPartition): Partition {
    const partition = this.#replicas.nonOfflinePartition(topicPartition)
    if (partition) return partition
    throw new KafkaStorageException(`${topicPartition} is offline or gone`)
  }
}

function toPartitionData(
  data: FetchResponse['responses'][number]['partitions'][number],
): ReplicaPartitionData {
  const error: WireError = Errors.forCode(data.errorCode)
  return {
    error,
    highWatermark: data.highWatermark,
    logStartOffset: data.logStartOffset,
    toRecords: data.records ? new MemoryRecords(data.records) : MemoryRecords.EMPTY,
  }
}

function isPartitionTrouble(error: unknown): boolean {
  return (
    error instanceof KafkaStorageException ||
    error instanceof ReplicaNotAvailableException ||
    error instanceof UnknownTopicOrPartitionException
  )
}

function byTopic<V, R>(
  entries: TopicPartitionMap<V>,
  make: (partition: number, value: V) => R,
): { topic: string; partitions: R[] }[] {
  const topics = new Map<string, R[]>()
  for (const [{ topic, partition }, value] of entries) {
    const partitions = topics.get(topic) ?? []
    topics.set(topic, partitions)
    partitions.push(make(partition, value))
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
}
