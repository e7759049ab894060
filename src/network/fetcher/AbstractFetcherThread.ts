/**
 * # AbstractFetcherThread
 *
 * One loop that copies partitions from one broker. Followers use it to replicate, the old
 * consumer uses it to consume: the loop is the same, what is done with the bytes differs.
 *
 *     doWork:  maybeTruncate ─▶ buildFetchRequest ─▶ fetch ─▶ processPartitionData ─┐
 *                 ▲                                                                 │
 *                 └──────────── next offset, partition to the end of the line ◀─────┘
 *
 * A partition is in one of three states: *truncating* (its log must first be cut to what
 * the leader has), *delayed* (something went wrong, wait a little), *ready*.
 *
 * Invariants: what is fetched is processed only if the partition is still here, ready, and
 * at the offset that was asked for; partitions take turns, so a busy one starves nobody.
 *
 * What became of the lock: `partitionMapLock` is a real mutex here too, because its
 * holders await. The consumer's queue may be full (back-pressure stops the whole thread,
 * as in Kafka), and a lost offset is looked up over the network. The fetch itself runs
 * without it. Kafka's lock is re-entrant, this one is not, so partitions in error are
 * handled after it is released.
 *
 * @kafka core/src/main/scala/kafka/server/AbstractFetcherThread.scala
 * @module
 */
import { Condition } from '../../base/async/Condition.ts'
import { Mutex } from '../../base/async/Mutex.ts'
import { ShutdownableThread } from '../../base/async/ShutdownableThread.ts'
import {
  CorruptRecordException,
  Errors,
  IllegalStateException,
  KafkaException,
  KafkaStorageException,
  type WireError,
} from '../../base/errors.ts'
import { logger } from '../../base/logger.ts'
import type { Clock } from '../../base/platform/Platform.ts'
import type { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap, TopicPartitionSet } from '../../base/TopicPartitionMap.ts'
import type { MemoryRecords } from '../../record/MemoryRecords.ts'
import type { BrokerEndPoint } from '../../zk/Broker.ts'
import { FetcherStats } from './FetcherStats.ts'

const log = logger('AbstractFetcherThread')

/**
 * Where one partition stands in the loop.
 *
 * @kafka core/src/main/scala/kafka/server/AbstractFetcherThread.scala#PartitionFetchState
 */
export interface PartitionFetchState {
  /** The next offset to ask for. */
  readonly fetchOffset: number
  /** Wall time, in ms, before which it is left alone. */
  readonly delayedUntilMs: number
  /** True until its log was cut to the leader's. */
  readonly truncatingLog: boolean
}

/** A request that the loop can send: what it asks of whom is the subclass's affair. */
export interface FetchRequest {
  readonly isEmpty: boolean
  /** The offset that was asked for; undefined when the partition is not in it. */
  offset(topicPartition: TopicPartition): number | undefined
}

/** What came back for one partition. */
export interface PartitionData {
  readonly error: WireError
  readonly highWatermark: number
  readonly toRecords: MemoryRecords
}

/** A result, and the partitions that could not take part in it. */
export interface ResultWithPartitions<R> {
  readonly result: R
  readonly partitionsWithError: Iterable<TopicPartition>
}

/** Where an epoch ended on the leader: -1 when it does not know the epoch. */
export interface EpochEndOffset {
  readonly error: WireError
  readonly endOffset: number
  /** Whether it has no record of that epoch, so that the end is that of an older one. */
  readonly isEpochMissing?: boolean
}

/** What a fetcher thread is made from. */
export interface AbstractFetcherThreadOptions {
  readonly name: string
  /** How the leader's logs and quotas know this fetcher. */
  readonly clientId: string
  /** The broker to fetch from. */
  readonly sourceBroker: BrokerEndPoint
  /** How long to pause when there is nothing to ask for, or asking failed. Default 0. */
  readonly fetchBackOffMs?: number
  /** True for replicas: cut the log before the first fetch. */
  readonly includeLogTruncation: boolean
  readonly clock: Clock
}

/** Partitions and their states, in the order in which they will be asked for. */
export type PartitionStates = readonly (readonly [
  TopicPartition,
  PartitionFetchState,
])[]

/**
 * A loop that fetches partitions from one broker.
 *
 * @kafka core/src/main/scala/kafka/server/AbstractFetcherThread.scala#AbstractFetcherThread
 */
export abstract class AbstractFetcherThread<
  REQ extends FetchRequest,
  PD extends PartitionData,
> extends ShutdownableThread {
  readonly clientId: string
  readonly sourceBroker: BrokerEndPoint
  /** Partition → how far it was behind the leader's high watermark, in records. */
  readonly fetcherLagStats = new TopicPartitionMap<number>()
  /** What it has done. */
  readonly fetcherStats: FetcherStats
  protected readonly clock: Clock
  readonly #partitionStates = new TopicPartitionMap<PartitionFetchState>()
  readonly #partitionMapLock = new Mutex()
  readonly #partitionMapCond = new Condition()
  /** Counts what was signalled, so that nothing is missed on the way to a wait. */
  #signals = 0
  readonly #fetchBackOffMs: number
  readonly #includeLogTruncation: boolean

  /** Makes the loop; it runs from `start()` on. */
  constructor(options: AbstractFetcherThreadOptions) {
    super(options.name)
    this.clientId = options.clientId
    this.sourceBroker = options.sourceBroker
    this.clock = options.clock
    this.fetcherStats = new FetcherStats(options.clock)
    this.#fetchBackOffMs = options.fetchBackOffMs ?? 0
    this.#includeLogTruncation = options.includeLogTruncation
  }

  /**
   * Takes what was fetched. May wait (a full queue): the whole loop waits with it.
   *
   * @throws CorruptRecordException, KafkaStorageException: the partition is in error. Any
   *   other exception ends the thread.
   */
  abstract processPartitionData(
    topicPartition: TopicPartition,
    fetchOffset: number,
    partitionData: PD,
  ): void | Promise<void>

  /** Finds an offset to go on from when the leader does not have the one asked for. */
  abstract handleOffsetOutOfRange(topicPartition: TopicPartition): Promise<number>

  /**
   * Says from where to begin anew when what the leader sent cannot be taken, though it is
   * not corrupt: our log and the leader's have parted.
   *
   * @returns an offset up to which our log is right; undefined when there is no such
   *   offset, and the thread must end.
   * @differs In Kafka 1.1 the thread ends, and with it the copying of all its partitions,
   *   until the broker restarts (KAFKA-6649).
   */
  offsetToStartAnew(_topicPartition: TopicPartition): number | undefined {
    return undefined
  }

  /** Does something about partitions that failed. Called without the lock. */
  abstract handlePartitionsWithErrors(
    partitions: Iterable<TopicPartition>,
  ): void | Promise<void>

  /** Says which epochs to ask the leader about: those of truncating partitions. */
  abstract buildLeaderEpochRequest(
    states: PartitionStates,
  ): ResultWithPartitions<TopicPartitionMap<number>>

  /** Asks the leader where those epochs ended. Never rejects: errors are values. */
  abstract fetchEpochsFromLeader(
    epochs: TopicPartitionMap<number>,
  ): Promise<TopicPartitionMap<EpochEndOffset>>

  /**
   * Cuts the logs. In Kafka an overload of `maybeTruncate`.
   *
   * @returns where to fetch from, by partition.
   */
  abstract truncateToEpochs(
    fetchedEpochs: TopicPartitionMap<EpochEndOffset>,
  ):
    | ResultWithPartitions<TopicPartitionMap<number>>
    | Promise<ResultWithPartitions<TopicPartitionMap<number>>>

  /** Makes a request of the partitions that are ready. */
  abstract buildFetchRequest(states: PartitionStates): ResultWithPartitions<REQ>

  /** Sends the request. @returns the answer's partitions, in its order. */
  abstract fetch(fetchRequest: REQ): Promise<readonly (readonly [TopicPartition, PD])[]>

  /** True when nothing keeps the partition from being fetched. */
  isReadyForFetch(state: PartitionFetchState): boolean {
    return !this.isDelayed(state) && !state.truncatingLog
  }

  /** True when the partition's log is to be cut now. */
  isTruncatingLog(state: PartitionFetchState): boolean {
    return !this.isDelayed(state) && state.truncatingLog
  }

  /** True while the partition is left alone after an error. */
  isDelayed(state: PartitionFetchState): boolean {
    return state.delayedUntilMs > this.clock.now()
  }

  /** One turn of the loop. */
  override async doWork(): Promise<void> {
    const signals = this.#signals
    await this.maybeTruncate()

    // Ask for every partition that is ready.
    const { result: fetchRequest, partitionsWithError } =
      await this.#partitionMapLock.runExclusive(async () =>
        this.buildFetchRequest(this.#states()),
      )
    await this.#handleErrors(partitionsWithError)

    // With nothing to ask for, wait until partitions are added or delays are over; unless
    // something changed since this turn began.
    if (fetchRequest.isEmpty && signals !== this.#signals) return
    if (fetchRequest.isEmpty) await this.#backOff()
    else await this.processFetchRequest(fetchRequest)
  }

  /** Cuts the logs of truncating partitions to what the leader has of their last epoch. */
  async maybeTruncate(): Promise<void> {
    // Collect the epochs to ask about.
    const request = await this.#partitionMapLock.runExclusive(async () =>
      this.buildLeaderEpochRequest(this.#states()),
    )
    await this.#handleErrors(request.partitionsWithError)
    if (request.result.size === 0) return

    const fetchedEpochs = await this.fetchEpochsFromLeader(request.result)
    const failed = await this.#partitionMapLock.runExclusive(async () => {
      // Drop the partitions that went away while we asked. One that went and came back
      // is not told apart.
      for (const tp of [...fetchedEpochs.keys()]) {
        if (!this.#partitionStates.has(tp)) fetchedEpochs.delete(tp)
      }

      // Cut, and fetch from there.
      const { result, partitionsWithError } = await this.truncateToEpochs(fetchedEpochs)
      this.#markTruncationCompleteAndUpdateFetchOffset(result)
      return partitionsWithError
    })
    await this.#handleErrors(failed)
  }

  #markTruncationCompleteAndUpdateFetchOffset(
    fetchOffsets: TopicPartitionMap<number>,
  ): void {
    for (const [topicPartition, fetchOffset] of fetchOffsets) {
      const state = this.#partitionStates.get(topicPartition)
      if (!state) continue
      const next = { ...state, fetchOffset, truncatingLog: false }
      this.#partitionStates.set(topicPartition, next)
    }
  }

  /** Sends one request and deals with what comes back. */
  async processFetchRequest(fetchRequest: REQ): Promise<void> {
    let responseData: readonly (readonly [TopicPartition, PD])[] = []
    const partitionsWithError = new TopicPartitionSet()
    try {
      responseData = await this.fetch(fetchRequest)
    } catch (error) {
      if (!this.isRunning) return

      // Count every partition as failed when the request itself failed, and pause.
      log.warn(`${this.name}: fetch from broker ${this.sourceBroker.id} failed`, error)
      for (const topicPartition of this.#partitionStates.keys()) {
        partitionsWithError.add(topicPartition)
      }
      await this.#backOff()
    }
    this.fetcherStats.requestRate.mark()

    // Take the partitions in the order of the answer, under the lock throughout.
    if (responseData.length > 0) {
      await this.#partitionMapLock.runExclusive(async () => {
        for (const [topicPartition, data] of responseData) {
          const requested = fetchRequest.offset(topicPartition)
          const ok = await this.#processPartition(topicPartition, requested, data)
          if (!ok) partitionsWithError.add(topicPartition)
        }
      })
    }
    await this.#handleErrors(partitionsWithError)
  }

  // False when the partition is in error. Throws when the thread must end.
  async #processPartition(
    topicPartition: TopicPartition,
    requestedOffset: number | undefined,
    data: PD,
  ): Promise<boolean> {
    // Skip what was removed, moved or truncated while the request was on its way.
    const state = this.#partitionStates.get(topicPartition)
    if (!state || state.fetchOffset !== requestedOffset) return true
    if (!this.isReadyForFetch(state)) return true

    switch (data.error) {
      case Errors.NONE:
        return this.#processRecords(topicPartition, state, data)
      case Errors.OFFSET_OUT_OF_RANGE:
        return this.#resetOffset(topicPartition)
      case Errors.NOT_LEADER_FOR_PARTITION:
        log.info(`${this.name}: ${topicPartition} is led elsewhere by now`)
        return false
      default:
        log.error(`${this.name}: ${topicPartition} failed with ${data.error.name}`)
        return false
    }
  }

  async #processRecords(
    topicPartition: TopicPartition,
    state: PartitionFetchState,
    data: PD,
  ): Promise<boolean> {
    try {
      // Find where the next fetch goes on.
      const records = data.toRecords
      const newOffset = records.lastBatch?.nextOffset ?? state.fetchOffset
      this.fetcherLagStats.set(
        topicPartition,
        Math.max(0, data.highWatermark - newOffset),
      )

      // Hand the bytes over; from here on they belong to the subclass.
      await this.processPartitionData(topicPartition, state.fetchOffset, data)
      this.fetcherStats.byteRate.mark(records.validBytes)

      // Go on behind them, and let the others go first next time.
      if (records.validBytes > 0 && this.#partitionStates.has(topicPartition)) {
        this.#moveToEnd(topicPartition, readyAt(newOffset))
      }
      return true
    } catch (error) {
      // Leave the partition in error for what a later fetch may repair.
      if (
        error instanceof CorruptRecordException ||
        error instanceof KafkaStorageException
      ) {
        log.error(`${this.name}: ${topicPartition} at ${state.fetchOffset}`, error)
        return false
      }
      if (this.signal.aborted) throw error

      // Or begin anew with this partition, where the log can be cut.
      const fetchOffset = this.offsetToStartAnew(topicPartition)
      if (fetchOffset !== undefined) {
        log.error(`${this.name}: ${topicPartition} does not fit its leader`, error)
        this.#moveToEnd(topicPartition, {
          ...readyAt(fetchOffset),
          truncatingLog: true,
        })
        return false
      }
      throw new KafkaException(
        `cannot process ${topicPartition} from offset ${state.fetchOffset}`,
        { cause: error },
      )
    }
  }

  async #resetOffset(topicPartition: TopicPartition): Promise<boolean> {
    try {
      const newOffset = await this.handleOffsetOutOfRange(topicPartition)
      this.#moveToEnd(topicPartition, readyAt(newOffset))
      log.info(
        `${this.name}: ${topicPartition} was out of range, goes on at ${newOffset}`,
      )
      return true
    } catch (error) {
      log.error(`${this.name}: no offset found for ${topicPartition}`, error)
      return false
    }
  }

  /**
   * Takes partitions in. One that is here already keeps its state.
   *
   * @param initialFetchOffsets negative: look the offset up now, over the network.
   * @param interrupt gives up waiting for the lock, which a full queue may hold for long.
   */
  async addPartitions(
    initialFetchOffsets: TopicPartitionMap<number>,
    interrupt?: AbortSignal,
  ): Promise<void> {
    await this.#partitionMapLock.runExclusive(async () => {
      for (const [topicPartition, offset] of initialFetchOffsets) {
        if (this.#partitionStates.has(topicPartition)) continue
        const fetchOffset =
          offset < 0 ? await this.handleOffsetOutOfRange(topicPartition) : offset
        const truncatingLog = this.#includeLogTruncation
        const state = { fetchOffset, delayedUntilMs: 0, truncatingLog }
        this.#partitionStates.set(topicPartition, state)
      }
      this.#signalChange()
    }, interrupt)
  }

  /** Lets partitions go; a fetch that is under way is not processed for them. */
  async removePartitions(topicPartitions: Iterable<TopicPartition>): Promise<void> {
    await this.#partitionMapLock.runExclusive(async () => {
      for (const topicPartition of topicPartitions) {
        this.#partitionStates.delete(topicPartition)
        this.fetcherLagStats.delete(topicPartition)
      }
    })
  }

  /**
   * Lets a partition go from within {@link processPartitionData}, where the lock is held
   * already.
   */
  protected forgetPartition(topicPartition: TopicPartition): void {
    this.#partitionStates.delete(topicPartition)
    this.fetcherLagStats.delete(topicPartition)
  }

  /** Leaves partitions alone for a while, unless they are delayed already. */
  async delayPartitions(
    partitions: Iterable<TopicPartition>,
    delayMs: number,
  ): Promise<void> {
    await this.#partitionMapLock.runExclusive(async () => {
      const delayedUntilMs = this.clock.now() + delayMs
      for (const topicPartition of partitions) {
        const state = this.#partitionStates.get(topicPartition)
        if (!state || this.isDelayed(state)) continue
        this.#moveToEnd(topicPartition, { ...state, delayedUntilMs })
      }
      this.#signalChange()
    })
  }

  /**
   * Sends a partition back to truncating.
   *
   * @throws IllegalStateException in a fetcher that does not truncate.
   */
  async markPartitionsForTruncation(
    topicPartition: TopicPartition,
    truncationOffset: number,
  ): Promise<void> {
    if (!this.#includeLogTruncation) {
      throw new IllegalStateException(`${this.name} does not truncate`)
    }
    await this.#partitionMapLock.runExclusive(async () => {
      const state = this.#partitionStates.get(topicPartition)
      if (state) {
        const fetchOffset = Math.min(truncationOffset, state.fetchOffset)
        this.#moveToEnd(topicPartition, { ...state, fetchOffset, truncatingLog: true })
      }
      this.#signalChange()
    })
  }

  /** How many partitions are fetched here. */
  partitionCount(): number {
    return this.#partitionStates.size
  }

  /** What it fetches, and from where on. */
  partitionsAndOffsets(): (readonly [TopicPartition, number])[] {
    return Array.from(this.#partitionStates, ([topicPartition, { fetchOffset }]) => [
      topicPartition,
      fetchOffset,
    ])
  }

  /** The state of a partition; undefined when it is not fetched here. */
  stateOf(topicPartition: TopicPartition): PartitionFetchState | undefined {
    return this.#partitionStates.get(topicPartition)
  }

  /** Ends the loop, waking it if it waits. */
  override async shutdown(): Promise<void> {
    this.initiateShutdown()
    this.#partitionMapCond.signalAll()
    await this.awaitShutdown()
    this.fetcherLagStats.clear()
  }

  #signalChange(): void {
    this.#signals += 1
    this.#partitionMapCond.signalAll()
  }

  #states(): PartitionStates {
    return [...this.#partitionStates]
  }

  // The map is in the order of insertion: taking an entry out and putting it back moves
  // it to the end of the line.
  #moveToEnd(topicPartition: TopicPartition, state: PartitionFetchState): void {
    this.#partitionStates.delete(topicPartition)
    this.#partitionStates.set(topicPartition, state)
  }

  async #handleErrors(partitions: Iterable<TopicPartition>): Promise<void> {
    const failed = [...partitions]
    if (failed.length > 0) await this.handlePartitionsWithErrors(failed)
  }

  async #backOff(): Promise<void> {
    await this.#partitionMapCond.waitFor(this.#fetchBackOffMs, this.clock, this.signal)
  }
}

function readyAt(fetchOffset: number): PartitionFetchState {
  return { fetchOffset, delayedUntilMs: 0, truncatingLog: false }
}
