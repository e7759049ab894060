/**
 * # ReplicaFetcherManager
 *
 * The fetcher threads of a broker: `num.replica.fetchers` for each leader it follows.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaFetcherManager.scala
 * @module
 */
import type { Platform } from '../base/platform/Platform.ts'
import { AbstractFetcherManager } from '../network/fetcher/AbstractFetcherManager.ts'
import type { BrokerEndPoint } from '../zk/Broker.ts'
import { ReplicaFetcherBlockingSend } from './ReplicaFetcherBlockingSend.ts'
import {
  type FollowedPartitions,
  ReplicaFetcherThread,
} from './ReplicaFetcherThread.ts'
import type { ReplicationQuotaManager } from './ReplicationQuotaManager.ts'

/** What the manager is made from. */
export interface ReplicaFetcherManagerOptions {
  readonly replicas: FollowedPartitions
  readonly platform: Platform
  /** How fast throttled partitions may be copied. */
  readonly quota: ReplicationQuotaManager
  /** See `ReplicaManagerOptions.halt`. */
  readonly halt?: ((reason: string) => void) | undefined
}

/**
 * Makes and keeps the replica fetchers.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaFetcherManager.scala#ReplicaFetcherManager
 */
export class ReplicaFetcherManager extends AbstractFetcherManager<ReplicaFetcherThread> {
  readonly #options: ReplicaFetcherManagerOptions

  /** Makes no thread yet. */
  constructor(options: ReplicaFetcherManagerOptions) {
    const { brokerId, numReplicaFetchers } = options.replicas.config
    super(`ReplicaFetcherManager on broker ${brokerId}`, numReplicaFetchers)
    this.#options = options
  }

  /** Makes a thread that follows `sourceBroker`. */
  override createFetcherThread(
    fetcherId: number,
    sourceBroker: BrokerEndPoint,
  ): ReplicaFetcherThread {
    const { replicas, platform, quota, halt } = this.#options
    const { config } = replicas
    return new ReplicaFetcherThread({
      name: `ReplicaFetcherThread-${fetcherId}-${sourceBroker.id}`,
      ...{ sourceBroker, replicas, quota, halt },
      clock: platform.clock,
      leaderEndpoint: new ReplicaFetcherBlockingSend({
        sourceBroker,
        clientId: `broker-${config.brokerId}-fetcher-${fetcherId}`,
        socketTimeoutMs: config.replicaSocketTimeoutMs,
        platform,
      }),
    })
  }

  /** Ends all threads. */
  async shutdown(): Promise<void> {
    await this.closeAllFetchers()
  }
}
