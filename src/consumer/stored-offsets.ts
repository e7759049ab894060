/**
 * # stored-offsets
 *
 * Where a group keeps how far it has read: in ZooKeeper, in Kafka, or, while it moves from
 * one to the other, in both.
 *
 *     offsets.storage  dual.commit  read                    written
 *     zookeeper                     /consumers/…/offsets    there
 *     kafka            false        OffsetFetch             OffsetCommit
 *     kafka            true         the larger of the two   both
 *
 * One attempt at a time: whether and when to try again is the connector's affair.
 *
 * @kafka core/src/main/scala/kafka/consumer/ZookeeperConsumerConnector.scala#ZookeeperConsumerConnector
 * @module
 */
import { Errors, type WireError } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { ApiKeys } from '../protocol/ApiKeys.ts'
import { ConsumerOffset } from '../zk/consumer-znodes.ts'
import type { ZkUtils } from '../zk/ZkUtils.ts'
import type { ConsumerConfig } from './ConsumerConfig.ts'
import type { OffsetsChannel } from './OffsetsChannel.ts'
import { InvalidOffset } from './PartitionTopicInfo.ts'

const log = logger('stored-offsets')

/** What StoredOffsets is made of. */
export interface StoredOffsetsOptions {
  readonly config: ConsumerConfig
  readonly zkUtils: ZkUtils
  readonly channel: OffsetsChannel
}

interface CommitAnswer {
  readonly name: string
  readonly partitions: readonly {
    readonly partition: number
    readonly errorCode: number
  }[]
}

/** Reads and writes the offsets of one group. */
export class StoredOffsets {
  /** What ZooKeeper holds, as far as we know: what has not moved is not written again. */
  readonly checkpointedZkOffsets = new TopicPartitionMap<number>()
  readonly #config: ConsumerConfig
  readonly #zkUtils: ZkUtils
  readonly #channel: OffsetsChannel

  constructor({ config, zkUtils, channel }: StoredOffsetsOptions) {
    this.#config = config
    this.#zkUtils = zkUtils
    this.#channel = channel
  }

  /**
   * Reads the offset of one partition.
   *
   * @returns {@link InvalidOffset} when there is none.
   * @kafka core/src/main/scala/kafka/consumer/ZookeeperConsumerConnector.scala#fetchOffsetFromZooKeeper
   */
  async fetchOffsetFromZooKeeper(topicPartition: TopicPartition): Promise<number> {
    const path = ConsumerOffset.path(this.#config.groupId, topicPartition)
    const data = await this.#zkUtils.readDataMaybeNull(path)
    return ConsumerOffset.decode(path, data) ?? InvalidOffset
  }

  /**
   * Writes one offset, unless it is there already.
   *
   * @kafka core/src/main/scala/kafka/consumer/ZookeeperConsumerConnector.scala#commitOffsetToZooKeeper
   */
  async commitOffsetToZooKeeper(tp: TopicPartition, offset: number): Promise<void> {
    if (this.checkpointedZkOffsets.get(tp) === offset) return
    const path = ConsumerOffset.path(this.#config.groupId, tp)
    const data = ConsumerOffset.encode(offset).toString()
    await this.#zkUtils.updatePersistentPath(path, data)
    this.checkpointedZkOffsets.set(tp, offset)
  }

  /**
   * Reads the offsets of some partitions.
   *
   * @param signal gives up looking for the coordinator.
   * @returns an offset for each partition that the answer has; `undefined` when it is worth
   *   trying again.
   * @throws the exception of an error that another try does not mend.
   * @differs 1.1.1 looks at the errors of partitions only, and at two of those: an error of
   *   the whole answer passes for an answer without partitions, and a partition that may
   *   not be read for one without an offset, which `auto.offset.reset` then moves.
   */
  async fetch(
    partitions: readonly TopicPartition[],
    signal: AbortSignal,
  ): Promise<TopicPartitionMap<number> | undefined> {
    const offsets = new TopicPartitionMap<number>()

    // Read them from ZooKeeper, unless Kafka keeps them.
    if (this.#config.offsetsStorage === 'zookeeper') {
      for (const tp of partitions) {
        offsets.set(tp, await this.fetchOffsetFromZooKeeper(tp))
      }
      return offsets
    }
    const { groupId } = this.#config
    const topics = [...groupByTopic(partitions)].map(([name, partitionIndexes]) => ({
      ...{ name, partitionIndexes },
    }))
    const response = await this.#askCoordinator(signal, () =>
      this.#channel.exchange(ApiKeys.OFFSET_FETCH, 2, { groupId, topics }),
    )
    if (!response) return undefined

    // Look at the error of the whole answer, and at those of its partitions.
    const errors = [Errors.forCode(response.errorCode)]
    for (const { name, partitions: answers } of response.topics) {
      for (const { partition, committedOffset, errorCode } of answers) {
        errors.push(Errors.forCode(errorCode))
        offsets.set(new TopicPartition(name, partition), committedOffset)
      }
    }
    for (const error of errors) {
      if (error === Errors.NONE) continue
      log.info(`the offsets of ${groupId} could not be fetched: ${error.name}`)
      if (hasMoved(error)) this.#channel.disconnect()
      else if (error !== Errors.COORDINATOR_LOAD_IN_PROGRESS) throw error.exception()
      return undefined
    }
    return this.#withDualOffsets(offsets)
  }

  /** While a group moves from one storage to the other, the larger offset counts. */
  async #withDualOffsets(
    offsets: TopicPartitionMap<number>,
  ): Promise<TopicPartitionMap<number>> {
    if (!this.#config.dualCommitEnabled) return offsets
    for (const [topicPartition, offset] of [...offsets]) {
      const stored = await this.fetchOffsetFromZooKeeper(topicPartition)
      offsets.set(topicPartition, Math.max(offset, stored))
    }
    return offsets
  }

  /**
   * Writes some offsets.
   *
   * @param signal gives up looking for the coordinator.
   * @returns whether they are stored, or another try would not store them either.
   */
  async commit(
    offsets: TopicPartitionMap<number>,
    signal: AbortSignal,
  ): Promise<boolean> {
    // Write to ZooKeeper under the lock, too, so that an older commit does not come later.
    if (this.#config.offsetsStorage === 'zookeeper') {
      await this.#channel.offsetsChannelLock.runExclusive(async () => {
        for (const [tp, offset] of offsets) {
          await this.commitOffsetToZooKeeper(tp, offset)
        }
      })
      return true
    }
    const topics = [...groupByTopic(offsets.keys())].map(([name, ids]) => ({
      name,
      partitions: ids.map((partition) => ({
        partition,
        committedOffset:
          offsets.get(new TopicPartition(name, partition)) ?? InvalidOffset,
        committedMetadata: '',
      })),
    }))
    const { groupId } = this.#config
    const member = { generationId: -1, memberId: '', retentionTimeMs: -1 }
    const committed = await this.#askCoordinator(signal, async () => {
      const request = { groupId, ...member, topics }
      const response = await this.#channel.exchange(ApiKeys.OFFSET_COMMIT, 2, request)
      return this.#handleCommitResponse(offsets, response.topics)
    })
    return committed ?? false
  }

  async #handleCommitResponse(
    offsets: TopicPartitionMap<number>,
    topics: readonly CommitAnswer[],
  ): Promise<boolean> {
    let shouldRetry = false
    for (const { name, partitions } of topics) {
      for (const { partition, errorCode } of partitions) {
        const topicPartition = new TopicPartition(name, partition)
        const error = Errors.forCode(errorCode)
        const offset = offsets.get(topicPartition)

        // Write to ZooKeeper, too, while the group may still have members that read there.
        if (error === Errors.NONE) {
          if (this.#config.dualCommitEnabled && offset !== undefined) {
            await this.commitOffsetToZooKeeper(topicPartition, offset)
          }
          continue
        }

        // Try all but oversized metadata again, after a move with the new coordinator.
        log.warn(`the offset of ${topicPartition} was not committed: ${error.name}`)
        if (error !== Errors.OFFSET_METADATA_TOO_LARGE) shouldRetry = true
        if (hasMoved(error)) this.#channel.disconnect()
      }
    }
    return !shouldRetry
  }

  /** Asks with the lock held. @returns undefined, and hangs up, when that fails */
  async #askCoordinator<T>(
    signal: AbortSignal,
    ask: () => Promise<T>,
  ): Promise<T | undefined> {
    return this.#channel.offsetsChannelLock.runExclusive(async () => {
      try {
        await this.#channel.ensureOffsetManagerConnected(signal)
        return await ask()
      } catch (failure) {
        log.warn('the coordinator could not be asked', failure)
        this.#channel.disconnect()
        return undefined
      }
    })
  }
}

function hasMoved(error: WireError): boolean {
  return error === Errors.NOT_COORDINATOR || error === Errors.COORDINATOR_NOT_AVAILABLE
}

function groupByTopic(partitions: Iterable<TopicPartition>): Map<string, number[]> {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    topics.set(topic, [...(topics.get(topic) ?? []), partition])
  }
  return topics
}
