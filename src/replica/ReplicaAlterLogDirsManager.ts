/**
 * # ReplicaAlterLogDirsManager
 *
 * The threads that move replicas between the log directories of this broker:
 * `num.replica.alter.log.dirs.threads` of them, one for each directory by default.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaAlterLogDirsManager.scala
 * @module
 */
import type { Clock } from '../base/platform/Platform.ts'
import type { LogDirFailureChannel } from '../log/LogDirFailureChannel.ts'
import { AbstractFetcherManager } from '../network/fetcher/AbstractFetcherManager.ts'
import type { BrokerEndPoint } from '../zk/Broker.ts'
import {
  type MovingPartitions,
  ReplicaAlterLogDirsThread,
} from './ReplicaAlterLogDirsThread.ts'
import type { ReplicationQuotaManager } from './ReplicationQuotaManager.ts'

/** What the manager is made from. */
export interface ReplicaAlterLogDirsManagerOptions {
  readonly replicas: MovingPartitions
  readonly logDirFailureChannel: LogDirFailureChannel
  readonly clock: Clock
  /** How fast replicas may be moved. */
  readonly quota: ReplicationQuotaManager
  /** Threads at most. */
  readonly numThreads: number
}

/**
 * Makes and keeps the threads that move replicas.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaAlterLogDirsManager.scala#ReplicaAlterLogDirsManager
 */
export class ReplicaAlterLogDirsManager extends AbstractFetcherManager<ReplicaAlterLogDirsThread> {
  /** What stands for the leader of the fetchers: this broker, at no address. */
  readonly localBroker: BrokerEndPoint
  readonly #options: ReplicaAlterLogDirsManagerOptions

  /** Makes no thread yet. */
  constructor(options: ReplicaAlterLogDirsManagerOptions) {
    const { brokerId } = options.replicas.config
    super(`ReplicaAlterLogDirsManager on broker ${brokerId}`, options.numThreads)
    this.#options = options
    this.localBroker = { id: brokerId, host: 'localhost', port: -1 }
  }

  /** Makes a thread that moves replicas. */
  override createFetcherThread(
    fetcherId: number,
    sourceBroker: BrokerEndPoint,
  ): ReplicaAlterLogDirsThread {
    const { replicas, logDirFailureChannel, clock, quota } = this.#options
    const name = `ReplicaAlterLogDirsThread-${fetcherId}`
    return new ReplicaAlterLogDirsThread({
      ...{ name, sourceBroker, replicas, logDirFailureChannel, clock, quota },
    })
  }

  /** Ends all threads; moves that are not done go on after the next start. */
  async shutdown(): Promise<void> {
    await this.closeAllFetchers()
  }
}
