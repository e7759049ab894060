/**
 * # AbstractFetcherManager
 *
 * Spreads partitions over fetcher threads: a few threads for each broker to fetch from.
 * Which of them takes a partition is decided by a hash, so it stays the same.
 *
 *     addFetcherForPartitions(t-0 → broker 2) ─▶ thread "2-0" ─▶ addPartitions
 *
 * Invariants: a thread fetches from one address; no two threads have the same broker and
 * number; threads without partitions live until `shutdownIdleFetcherThreads`.
 *
 * What became of the lock: the manager's monitor is an async mutex, because ending a
 * thread and looking up a first offset are awaited under it.
 *
 * @kafka core/src/main/scala/kafka/server/AbstractFetcherManager.scala
 * @module
 */
import { Mutex } from '../../base/async/Mutex.ts'
import { javaStringHashCode } from '../../base/hash.ts'
import { logger } from '../../base/logger.ts'
import type { TopicPartition } from '../../base/TopicPartition.ts'
import { TopicPartitionMap } from '../../base/TopicPartitionMap.ts'
import type { BrokerEndPoint } from '../../zk/Broker.ts'
import type {
  AbstractFetcherThread,
  FetchRequest,
  PartitionData,
} from './AbstractFetcherThread.ts'

const log = logger('AbstractFetcherManager')

/**
 * From whom to fetch, and from where on.
 *
 * @kafka core/src/main/scala/kafka/server/AbstractFetcherManager.scala#BrokerAndInitialOffset
 */
export interface BrokerAndInitialOffset {
  readonly broker: BrokerEndPoint
  /** Negative: let the thread look it up. */
  readonly initOffset: number
}

/**
 * Owns the fetcher threads.
 *
 * @kafka core/src/main/scala/kafka/server/AbstractFetcherManager.scala#AbstractFetcherManager
 */
export abstract class AbstractFetcherManager<
  T extends AbstractFetcherThread<FetchRequest, PartitionData>,
> {
  /** For logs. */
  readonly name: string
  /** `brokerId-fetcherId` → thread. */
  readonly fetcherThreadMap = new Map<string, T>()
  readonly #mapLock = new Mutex()
  #numFetchers: number

  /** @param numFetchers threads for each source broker. */
  constructor(name: string, numFetchers = 1) {
    this.name = name
    this.#numFetchers = numFetchers
  }

  /** Makes a thread that fetches from `sourceBroker`; it is started by the caller. */
  abstract createFetcherThread(fetcherId: number, sourceBroker: BrokerEndPoint): T

  /** Records by which the partition furthest behind was behind its leader. */
  get maxLag(): number {
    let maxLag = 0
    for (const { fetcherLagStats } of this.fetcherThreadMap.values()) {
      for (const lag of fetcherLagStats.values()) maxLag = Math.max(maxLag, lag)
    }
    return maxLag
  }

  /**
   * Fetches a second, in the last minute, of the thread that fetches least; 0 without
   * threads.
   */
  get minFetchRate(): number {
    const rates = Array.from(
      this.fetcherThreadMap.values(),
      ({ fetcherStats }) => fetcherStats.requestRate.oneMinuteRate,
    )
    return rates.length === 0 ? 0 : Math.min(...rates)
  }

  /** Which of a broker's threads takes a partition: from 0, stable over restarts. */
  getFetcherId(topic: string, partitionId: number): number {
    // Wrap at 32 bits as the JVM does, so that both choose the same thread.
    const hash = (Math.imul(31, javaStringHashCode(topic)) + partitionId) | 0
    return (hash === -0x80000000 ? 0 : Math.abs(hash)) % this.#numFetchers
  }

  /**
   * Gives partitions to their threads, making threads that are missing.
   *
   * @param interrupt gives up waiting for a thread that is held up by a full queue. Kafka
   *   interrupts the waiting thread; the old consumer needs it to rebalance.
   */
  async addFetcherForPartitions(
    partitions: TopicPartitionMap<BrokerAndInitialOffset>,
    interrupt?: AbortSignal,
  ): Promise<void> {
    await this.#mapLock.runExclusive(() => this.#add(partitions, interrupt), interrupt)
  }

  async #add(
    partitions: TopicPartitionMap<BrokerAndInitialOffset>,
    interrupt?: AbortSignal,
  ): Promise<void> {
    for (const { key, fetcherId, broker, offsets } of this.#byThread(partitions)) {
      const thread = await this.#threadFor(key, fetcherId, broker)
      await thread.addPartitions(offsets, interrupt)
    }
  }

  /**
   * Has other threads fetch, more or fewer for each broker. All partitions are dealt out
   * again, so that each is where its hash says.
   *
   * @kafka core/src/main/scala/kafka/server/AbstractFetcherManager.scala#AbstractFetcherManager.resizeThreadPool
   */
  async resizeThreadPool(newSize: number): Promise<void> {
    await this.#mapLock.runExclusive(async () => {
      if (newSize === this.#numFetchers) return
      log.info(`${this.name}: ${this.#numFetchers} threads a broker become ${newSize}`)
      this.#numFetchers = newSize
      for (const [key, thread] of [...this.fetcherThreadMap]) {
        // Take what it fetches from it, and give it to whom it belongs to now.
        const broker = thread.sourceBroker
        const moving = new TopicPartitionMap<BrokerAndInitialOffset>()
        for (const [topicPartition, initOffset] of thread.partitionsAndOffsets()) {
          moving.set(topicPartition, { broker, initOffset })
        }
        await thread.removePartitions(moving.keys())
        if (Number(key.split('-').at(-1)) >= newSize) {
          await thread.shutdown()
          this.fetcherThreadMap.delete(key)
        }
        await this.#add(moving)
      }
    })
    await this.shutdownIdleFetcherThreads()
  }

  #byThread(partitions: TopicPartitionMap<BrokerAndInitialOffset>) {
    const groups = new Map<
      string,
      {
        key: string
        fetcherId: number
        broker: BrokerEndPoint
        offsets: TopicPartitionMap<number>
      }
    >()
    for (const [topicPartition, { broker, initOffset }] of partitions) {
      const { topic, partition } = topicPartition
      const fetcherId = this.getFetcherId(topic, partition)
      const key = `${broker.id}-${fetcherId}`
      let group = groups.get(key)
      if (!group) {
        group = { key, fetcherId, broker, offsets: new TopicPartitionMap() }
        groups.set(key, group)
      }
      group.offsets.set(topicPartition, initOffset)
    }
    return groups.values()
  }

  async #threadFor(key: string, fetcherId: number, broker: BrokerEndPoint): Promise<T> {
    const existing = this.fetcherThreadMap.get(key)
    if (existing) {
      // Keep it if the broker is still where it was.
      const { host, port } = existing.sourceBroker
      if (host === broker.host && port === broker.port) return existing
      await existing.shutdown()
    }
    return this.#addAndStartFetcherThread(key, fetcherId, broker)
  }

  #addAndStartFetcherThread(key: string, fetcherId: number, broker: BrokerEndPoint): T {
    const thread = this.createFetcherThread(fetcherId, broker)
    this.fetcherThreadMap.set(key, thread)
    thread.start()
    return thread
  }

  /**
   * Sends a partition back to truncating, if the broker's thread for it has it.
   *
   * @param brokerId of the broker that is fetched from.
   * @param truncationOffset where the source was cut.
   */
  async markPartitionsForTruncation(
    brokerId: number,
    topicPartition: TopicPartition,
    truncationOffset: number,
  ): Promise<void> {
    await this.#mapLock.runExclusive(async () => {
      const { topic, partition } = topicPartition
      const key = `${brokerId}-${this.getFetcherId(topic, partition)}`
      const thread = this.fetcherThreadMap.get(key)
      await thread?.markPartitionsForTruncation(topicPartition, truncationOffset)
    })
  }

  /** Takes partitions from whichever thread has them. The threads stay. */
  async removeFetcherForPartitions(
    partitions: Iterable<TopicPartition>,
  ): Promise<void> {
    const removed = [...partitions]
    if (removed.length === 0) return
    await this.#mapLock.runExclusive(async () => {
      for (const thread of this.fetcherThreadMap.values()) {
        await thread.removePartitions(removed)
      }
    })
    log.info(`${this.name}: stopped fetching ${removed.join(',')}`)
  }

  /** Ends the threads that have nothing to fetch. */
  async shutdownIdleFetcherThreads(): Promise<void> {
    await this.#mapLock.runExclusive(async () => {
      for (const [key, thread] of [...this.fetcherThreadMap]) {
        if (thread.partitionCount() > 0) continue
        await thread.shutdown()
        this.fetcherThreadMap.delete(key)
      }
    })
  }

  /** Ends all threads: first tells each one, then waits for each one. */
  async closeAllFetchers(): Promise<void> {
    await this.#mapLock.runExclusive(async () => {
      for (const thread of this.fetcherThreadMap.values()) thread.initiateShutdown()
      for (const thread of this.fetcherThreadMap.values()) await thread.shutdown()
      this.fetcherThreadMap.clear()
    })
  }
}
