/**
 * # GroupMetadataManager
 *
 * The coordinator's memory: groups and offsets in a cache, and every change of them as a
 * record in `__consumer_offsets`, so that another broker can take over.
 *
 *     storeOffsets ─▶ append (acks -1) ─▶ appended ─▶ cache ─▶ answer
 *     storeGroup   ─▶ append (acks -1) ─▶ appended ─▶ answer
 *     leader of a partition ─▶ loadGroupsForPartition ─▶ cache
 *     no longer leader      ─▶ removeGroupsForPartition
 *     clock ─▶ cleanupGroupMetadata ─▶ tombstones
 *
 * Invariants: an offset is seen by readers only after it is in the log of enough copies;
 * a partition is owned only once it has been loaded.
 *
 * What became of the locks: `partitionLock` guarded two sets that are now touched in
 * synchronous stretches. The one thread that loads and unloads is a mutex: the work of two
 * partitions never interleaves, and an unload waits for the load before it.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadataManager.scala
 * @module
 */
import { KafkaScheduler } from '../../base/async/KafkaScheduler.ts'
import { Mutex } from '../../base/async/Mutex.ts'
import {
  Errors,
  UnsupportedForMessageFormatException,
  type WireError,
} from '../../base/errors.ts'
import { javaStringHashCode } from '../../base/hash.ts'
import { logger } from '../../base/logger.ts'
import { Pool } from '../../base/Pool.ts'
import type { Platform } from '../../base/platform/Platform.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import { CompressionType } from '../../record/CompressionType.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import type { PartitionResponse } from '../../replica/DelayedProduce.ts'
import { GROUP_METADATA_TOPIC_NAME } from '../../zk/Topic.ts'
import { commitError, groupError } from './append-errors.ts'
import type {
  GroupCoordinatorConfig,
  GroupReplicaManager,
  GroupZkClient,
} from './GroupCoordinatorConfig.ts'
import type { GroupMetadata } from './GroupMetadata.ts'
import {
  answerAll,
  type BatchStamp,
  groupRecords,
  offsetRecords,
  type TransactionalProducer,
  tombstones,
} from './group-records.ts'
import { type GroupFromLog, GroupLoader } from './load-groups.ts'
import type { OffsetAndMetadata } from './OffsetAndMetadata.ts'
import { OpenTransactions } from './open-transactions.ts'

const log = logger('GroupMetadataManager')

/** What is answered for one partition of an offset fetch. */
export interface OffsetFetchPartitionData {
  /** -1 when nothing is committed. */
  readonly offset: number
  readonly metadata: string
  readonly error: WireError
}

/** Answers a commit, partition by partition. */
export type CommitCallback = (errors: TopicPartitionMap<WireError>) => void

/** What the manager is made from. */
export interface GroupMetadataManagerOptions {
  readonly config: GroupCoordinatorConfig
  readonly replicaManager: GroupReplicaManager
  readonly zkClient: GroupZkClient
  readonly platform: Platform
}

/**
 * Keeps groups and offsets, in memory and in the log.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadataManager.scala#GroupMetadataManager
 */
export class GroupMetadataManager {
  readonly #options: GroupMetadataManagerOptions
  readonly #groupMetadataCache = new Pool<string, GroupMetadata>()
  readonly #loadingPartitions = new Set<number>()
  readonly #ownedPartitions = new Set<number>()
  readonly #openTransactions = new OpenTransactions()
  readonly #scheduler: KafkaScheduler
  // The one thread of Kafka's scheduler: loads and unloads happen in their order.
  readonly #thread = new Mutex()
  #shuttingDown = false
  #groupMetadataTopicPartitionCount: number

  /** Starts with nothing loaded. */
  constructor(options: GroupMetadataManagerOptions) {
    this.#options = options
    this.#scheduler = new KafkaScheduler(options.platform.clock)
    this.#groupMetadataTopicPartitionCount = options.config.offsetsTopicPartitions
  }

  /**
   * Learns how many partitions groups are spread over, and starts forgetting old offsets.
   *
   * @param enableMetadataExpiration false in tests.
   * @differs Kafka reads the count in the constructor; that is an await here.
   */
  async startup(enableMetadataExpiration: boolean): Promise<void> {
    const { zkClient, config } = this.#options
    this.#groupMetadataTopicPartitionCount =
      (await zkClient.getTopicPartitionCount(GROUP_METADATA_TOPIC_NAME)) ??
      config.offsetsTopicPartitions

    this.#scheduler.startup()
    if (enableMetadataExpiration) {
      this.#scheduler.schedule(
        'delete-expired-group-metadata',
        () => this.cleanupExpiredGroupMetadata(),
        0,
        config.offsetsRetentionCheckIntervalMs,
      )
    }
  }

  /** Every group in the cache. */
  currentGroups(): GroupMetadata[] {
    return [...this.#groupMetadataCache.values()]
  }

  /** The partition of `__consumer_offsets` that keeps a group: from 0. */
  partitionFor(groupId: string): number {
    const hash = javaStringHashCode(groupId)
    const positive = hash === -0x80000000 ? 0 : Math.abs(hash)
    return positive % this.#groupMetadataTopicPartitionCount
  }

  /** True when this broker coordinates the group and has loaded it. */
  isGroupLocal(groupId: string): boolean {
    return this.isPartitionOwned(this.partitionFor(groupId))
  }

  /** True when the group's partition has been loaded here. */
  isPartitionOwned(partition: number): boolean {
    return this.#ownedPartitions.has(partition)
  }

  /** True while the group's partition is being loaded. */
  isGroupLoading(groupId: string): boolean {
    return this.isPartitionLoading(this.partitionFor(groupId))
  }

  /** True while the partition is being loaded. */
  isPartitionLoading(partition: number): boolean {
    return this.#loadingPartitions.has(partition)
  }

  /** True while anything is being loaded. */
  isLoading(): boolean {
    return this.#loadingPartitions.size > 0
  }

  /** True when the group is ours to know and does not exist. */
  groupNotExists(groupId: string): boolean {
    if (!this.isGroupLocal(groupId)) return false
    const group = this.getGroup(groupId)
    return group === undefined || group.is('Dead')
  }

  /** The group, if it is in the cache. */
  getGroup(groupId: string): GroupMetadata | undefined {
    return this.#groupMetadataCache.get(groupId)
  }

  /** Puts a group into the cache. @returns the one that is there then. */
  addGroup(group: GroupMetadata): GroupMetadata {
    return this.#groupMetadataCache.putIfNotExists(group.groupId, group) ?? group
  }

  /**
   * Writes a group with its members and their assignment.
   *
   * @param responseCallback told NONE once enough copies have it, or why not.
   */
  storeGroup(
    group: GroupMetadata,
    groupAssignment: ReadonlyMap<string, Buffer>,
    responseCallback: (error: WireError) => void,
  ): void {
    const partition = this.#offsetsPartition(group.groupId)
    const magic = this.#options.replicaManager.getMagic(partition)
    if (magic === undefined) {
      responseCallback(Errors.NOT_COORDINATOR)
      return
    }

    const records = groupRecords(group, groupAssignment, this.#stamp(magic))
    const putCacheCallback = ({ error }: PartitionResponse) => {
      if (error !== Errors.NONE) log.info(`cannot store ${group}: ${error.name}`)
      responseCallback(groupError(error))
    }
    this.#appendForGroup(partition, records, putCacheCallback)
  }

  /**
   * Writes offsets, and shows them to readers once enough copies have them.
   *
   * @param producer who commits, if it is part of a transaction; readers then wait for
   *   the transaction's marker.
   * @throws UnsupportedForMessageFormatException for a transaction in an old format.
   */
  storeOffsets(
    group: GroupMetadata,
    offsetMetadata: TopicPartitionMap<OffsetAndMetadata>,
    responseCallback: CommitCallback,
    producer?: TransactionalProducer,
  ): void {
    // Refuse what has too long a text; the rest of the commit goes on.
    const accepted = new TopicPartitionMap<OffsetAndMetadata>()
    for (const [tp, offset] of offsetMetadata) {
      if (this.#validateOffsetMetadataLength(offset.metadata)) accepted.set(tp, offset)
    }
    const answer = (error: WireError) =>
      responseCallback(
        answerAll(offsetMetadata, (topicPartition) =>
          accepted.has(topicPartition) ? error : Errors.OFFSET_METADATA_TOO_LARGE,
        ),
      )
    if (accepted.size === 0) {
      answer(Errors.NONE)
      return
    }
    if (!group.offsets.hasReceivedConsistentOffsetCommits) {
      log.warn(`${group}: members and transactions commit offsets at the same time`)
    }

    // See whether the partition is here.
    const partition = this.#offsetsPartition(group.groupId)
    const magic = this.#options.replicaManager.getMagic(partition)
    if (magic === undefined) {
      responseCallback(answerAll(offsetMetadata, () => Errors.NOT_COORDINATOR))
      return
    }
    if (producer && magic < 2) {
      throw new UnsupportedForMessageFormatException(
        `no transactions in magic ${magic}`,
      )
    }

    // Note what is on its way, then append. A producer may have no epoch that can be
    // written: then nothing is on its way.
    const records = offsetRecords(group.groupId, accepted, this.#stamp(magic), producer)
    this.#prepareCommit(group, accepted, producer)
    const putCacheCallback = ({ error, baseOffset }: PartitionResponse) => {
      if (!group.is('Dead')) {
        if (error === Errors.NONE) this.#onCommit(group, accepted, baseOffset, producer)
        else this.#onFailedCommit(group, accepted, producer)
      }
      answer(commitError(error))
    }
    this.#appendForGroup(partition, records, putCacheCallback)
  }

  /**
   * Notes a commit that is about to be appended.
   *
   * @differs Kafka also notes the partitions that were just refused for their metadata
   *   and never clears them, so that their offsets never expire.
   */
  #prepareCommit(
    group: GroupMetadata,
    accepted: TopicPartitionMap<OffsetAndMetadata>,
    producer: TransactionalProducer | undefined,
  ): void {
    if (producer) {
      this.#openTransactions.addProducerGroup(producer.producerId, group.groupId)
      group.offsets.prepareTxnOffsetCommit(producer.producerId, accepted)
    } else {
      group.offsets.prepareOffsetCommit(accepted)
    }
  }

  #onCommit(
    group: GroupMetadata,
    accepted: TopicPartitionMap<OffsetAndMetadata>,
    appendedBatchOffset: number,
    producer: TransactionalProducer | undefined,
  ): void {
    for (const [topicPartition, offsetAndMetadata] of accepted) {
      const commit = { appendedBatchOffset, offsetAndMetadata }
      if (producer) {
        const { producerId } = producer
        group.offsets.onTxnOffsetCommitAppend(producerId, topicPartition, commit)
      } else {
        group.offsets.onOffsetCommitAppend(topicPartition, commit)
      }
    }
  }

  #onFailedCommit(
    group: GroupMetadata,
    accepted: TopicPartitionMap<OffsetAndMetadata>,
    producer: TransactionalProducer | undefined,
  ): void {
    for (const [topicPartition, offset] of accepted) {
      if (producer) {
        group.offsets.failPendingTxnOffsetCommit(producer.producerId, topicPartition)
      } else {
        group.offsets.failPendingOffsetWrite(topicPartition, offset)
      }
    }

    // Forget the producer if that was all it had.
    if (!producer) return
    const { producerId } = producer
    if (!group.offsets.hasPendingOffsetCommitsFromProducer(producerId)) {
      this.#openTransactions.removeProducerGroup(producerId, group.groupId)
    }
  }

  /**
   * The committed offsets of a group.
   *
   * @param topicPartitions undefined for all that it has; those asked for by name are
   *   answered with -1 when nothing is committed.
   */
  getOffsets(
    groupId: string,
    topicPartitions: readonly TopicPartition[] | undefined,
  ): TopicPartitionMap<OffsetFetchPartitionData> {
    const group = this.getGroup(groupId)
    const known = group && !group.is('Dead') ? group.offsets : undefined
    const answers = new TopicPartitionMap<OffsetFetchPartitionData>()
    const wanted = topicPartitions ?? [...(known?.allOffsets.keys() ?? [])]
    for (const topicPartition of wanted) {
      const { offset, metadata } = known?.offset(topicPartition) ?? {
        offset: -1,
        metadata: '',
      }
      answers.set(topicPartition, { offset, metadata, error: Errors.NONE })
    }
    return answers
  }

  /**
   * Loads the groups of a partition that this broker now leads.
   *
   * The load runs later, on the manager's one thread; the partition is owned when it ends,
   * even if it ended with an error: the broker then serves what it could read.
   */
  loadGroupsForPartition(
    offsetsPartition: number,
    onGroupLoaded: (group: GroupMetadata) => void,
  ): void {
    const topicPartition = new TopicPartition(
      GROUP_METADATA_TOPIC_NAME,
      offsetsPartition,
    )
    const doLoadGroupsAndOffsets = async () => {
      if (this.#loadingPartitions.has(offsetsPartition)) return
      this.#loadingPartitions.add(offsetsPartition)
      try {
        await this.loadGroupsAndOffsets(topicPartition, onGroupLoaded)
      } catch (error) {
        log.error(`cannot load ${topicPartition}`, error)
      } finally {
        this.#addPartitionOwnership(offsetsPartition)
        this.#loadingPartitions.delete(offsetsPartition)
      }
    }
    this.#scheduleInTurn(`load ${topicPartition}`, doLoadGroupsAndOffsets)
  }

  /** Answers for the groups of a partition from now on. */
  #addPartitionOwnership(partition: number): void {
    this.#ownedPartitions.add(partition)
  }

  /** Reads a partition from start to end and fills the cache with what it amounts to. */
  async loadGroupsAndOffsets(
    topicPartition: TopicPartition,
    onGroupLoaded: (group: GroupMetadata) => void,
  ): Promise<void> {
    const { replicaManager, config, platform } = this.#options
    const partitionLog = replicaManager.getLog(topicPartition)
    if (!partitionLog) {
      log.warn(`cannot load ${topicPartition}, it has no log here`)
      return
    }

    // Read up to the log end. It is -1 as soon as another broker leads, which ends this.
    const loader = new GroupLoader()
    const logEnd = () => replicaManager.getLogEndOffset(topicPartition) ?? -1
    let currOffset = partitionLog.logStartOffset
    while (currOffset < logEnd() && !this.#shuttingDown) {
      const { records } = partitionLog.read(
        currOffset,
        config.offsetsLoadBufferSize,
        undefined,
        true,
        'READ_UNCOMMITTED',
      )
      const before = currOffset
      const inMemory =
        records instanceof MemoryRecords ? records : records.toMemoryRecords()
      for (const batch of inMemory.batches()) {
        loader.add(batch)
        currOffset = batch.nextOffset
      }
      if (currOffset === before) break

      // Let others run between two reads: a large partition takes its time.
      await platform.clock.sleep(0)
    }

    for (const loaded of loader.groups()) this.#loadGroup(loaded, onGroupLoaded)
    for (const groupId of loader.removedGroups) {
      if (this.getGroup(groupId)?.is('Stable')) {
        log.error(`the log deletes active group ${groupId}`)
      }
    }
  }

  #loadGroup(
    { group, offsets, pendingOffsets }: GroupFromLog,
    onGroupLoaded: (group: GroupMetadata) => void,
  ): void {
    // Give offsets of the oldest form the broker's retention.
    const retentionMs = this.#options.config.offsetsRetentionMinutes * 60_000
    for (const [topicPartition, commit] of [...offsets]) {
      const { offsetAndMetadata } = commit
      if (offsetAndMetadata.expireTimestamp !== -1) continue
      const expireTimestamp = offsetAndMetadata.commitTimestamp + retentionMs
      const dated = { ...offsetAndMetadata, expireTimestamp }
      offsets.set(topicPartition, { ...commit, offsetAndMetadata: dated })
    }
    group.offsets.initializeOffsets(offsets, pendingOffsets)
    for (const producerId of pendingOffsets.keys()) {
      this.#openTransactions.addProducerGroup(producerId, group.groupId)
    }

    // Keep a group that is in the cache already; it knows more than the log.
    if (this.addGroup(group) !== group) log.debug(`${group} is in the cache already`)
    onGroupLoaded(group)
  }

  /** Forgets the groups of a partition that this broker no longer leads. */
  removeGroupsForPartition(
    offsetsPartition: number,
    onGroupUnloaded: (group: GroupMetadata) => void,
  ): void {
    const removeGroupsAndOffsets = async () => {
      this.#ownedPartitions.delete(offsetsPartition)
      for (const group of this.currentGroups()) {
        if (this.partitionFor(group.groupId) !== offsetsPartition) continue
        onGroupUnloaded(group)
        this.#groupMetadataCache.remove(group.groupId)
        this.#openTransactions.removeGroupFromAllProducers(group.groupId)
      }
    }
    this.#scheduleInTurn(`unload ${offsetsPartition}`, removeGroupsAndOffsets)
  }

  /** Forgets offsets whose time is over, in every group. */
  cleanupExpiredGroupMetadata(): void {
    const now = this.#now()
    this.cleanupGroupMetadata(this.currentGroups(), (group) =>
      group.offsets.removeExpiredOffsets(now),
    )
  }

  /** Forgets the offsets of partitions that were deleted, in every group. */
  cleanupDeletedPartitions(topicPartitions: readonly TopicPartition[]): void {
    this.cleanupGroupMetadata(this.currentGroups(), (group) =>
      group.offsets.removeOffsets(topicPartitions),
    )
  }

  /**
   * Removes offsets, buries groups that have nothing left, and writes tombstones for both.
   *
   * A failed write is only logged: the cache has forgotten, and after a reload the next
   * cleanup tries again.
   *
   * @param removeOffsets takes offsets out of a group and returns them.
   */
  cleanupGroupMetadata(
    groups: readonly GroupMetadata[],
    removeOffsets: (group: GroupMetadata) => TopicPartitionMap<OffsetAndMetadata>,
  ): void {
    const { replicaManager } = this.#options
    for (const group of groups) {
      const removedOffsets = removeOffsets(group)
      if (group.is('Empty') && !group.offsets.hasOffsets) group.transitionTo('Dead')

      // Skip a group whose partition has gone elsewhere.
      const offsetsPartition = this.#offsetsPartition(group.groupId)
      const magic = replicaManager.getMagic(offsetsPartition)
      const partition = replicaManager.nonOfflinePartition(offsetsPartition)
      if (magic === undefined || !partition) continue

      // Bury what was removed. A group that never had a generation was never written.
      const isGone = group.is('Dead') && this.getGroup(group.groupId) === group
      if (isGone) this.#groupMetadataCache.remove(group.groupId)
      const buriesGroup = isGone && group.generationId > 0
      const records = tombstones(
        group.groupId,
        removedOffsets.keys(),
        buriesGroup,
        this.#stamp(magic),
      )
      if (!records) continue
      try {
        partition.appendRecordsToLeader(records, false, 0)
      } catch (error) {
        log.error(`cannot write tombstones of ${group}`, error)
      }
    }
  }

  /** Shows or drops a producer's commits once its marker is in these partitions. */
  scheduleHandleTxnCompletion(
    producerId: bigint,
    completedPartitions: ReadonlySet<number>,
    isCommit: boolean,
  ): void {
    this.#scheduleInTurn(`handleTxnCompletion-${producerId}`, async () =>
      this.handleTxnCompletion(producerId, completedPartitions, isCommit),
    )
  }

  /** The completion itself. */
  handleTxnCompletion(
    producerId: bigint,
    completedPartitions: ReadonlySet<number>,
    isCommit: boolean,
  ): void {
    for (const groupId of this.#openTransactions.groupsOf(producerId)) {
      if (!completedPartitions.has(this.partitionFor(groupId))) continue

      // A group that moved away is completed by its new coordinator, from the log.
      const group = this.getGroup(groupId)
      if (!group || group.is('Dead')) continue
      group.offsets.completePendingTxnOffsetCommit(producerId, isCommit)
      this.#openTransactions.removeProducerGroup(producerId, groupId)
    }
  }

  /** Ends loading and forgetting. */
  async shutdown(): Promise<void> {
    this.#shuttingDown = true
    if (this.#scheduler.isStarted) await this.#scheduler.shutdown()
  }

  #scheduleInTurn(name: string, work: () => Promise<void>): void {
    this.#scheduler.schedule(name, () => this.#thread.runExclusive(work))
  }

  #appendForGroup(
    partition: TopicPartition,
    records: MemoryRecords,
    onAppended: (response: PartitionResponse) => void,
  ): void {
    const { config, replicaManager } = this.#options
    replicaManager.appendRecords({
      timeout: config.offsetCommitTimeoutMs,
      requiredAcks: config.offsetCommitRequiredAcks,
      internalTopicsAllowed: true,
      isFromClient: false,
      entriesPerPartition: new TopicPartitionMap<MemoryRecords>().set(
        partition,
        records,
      ),
      responseCallback: (responses) => onAppended(responses.get(partition)!),
    })
  }

  #offsetsPartition(groupId: string): TopicPartition {
    return new TopicPartition(GROUP_METADATA_TOPIC_NAME, this.partitionFor(groupId))
  }

  #validateOffsetMetadataLength(metadata: string): boolean {
    return metadata.length <= this.#options.config.offsetMetadataMaxSize
  }

  /** How a batch is to be written, now. */
  #stamp(magic: number): BatchStamp {
    const { offsetsTopicCompressionCodec: codec } = this.#options.config
    const compressionType = CompressionType.forId(codec)
    return { magic, timestamp: this.#now(), compressionType }
  }

  #now(): number {
    return this.#options.platform.clock.now()
  }
}
