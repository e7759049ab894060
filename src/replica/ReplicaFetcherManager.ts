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

/**
 * Makes and keeps the replica fetchers.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaFetcherManager.scala#ReplicaFetcherManager
 */
export class ReplicaFetcherManager extends AbstractFetcherManager<ReplicaFetcherThread> {
  readonly #replicas: FollowedPartitions
  readonly #platform: Platform
  readonly #halt: ((reason: string) => void) | undefined

  /** @param halt see `ReplicaManagerOptions.halt`. */
  constructor(
    replicas: FollowedPartitions,
    platform: Platform,
    halt?: (reason: string) => void,
  ) {
    const { brokerId, numReplicaFetchers } = replicas.config
    super(`ReplicaFetcherManager on broker ${brokerId}`, numReplicaFetchers)
    this.#replicas = replicas
    this.#platform = platform
    this.#halt = halt
  }

  /** Makes a thread that follows `sourceBroker`. */
  override createFetcherThread(
    fetcherId: number,
    sourceBroker: BrokerEndPoint,
  ): ReplicaFetcherThread {
    const { config } = this.#replicas
    return new ReplicaFetcherThread({
      name: `ReplicaFetcherThread-${fetcherId}-${sourceBroker.id}`,
      sourceBroker,
      replicas: this.#replicas,
      clock: this.#platform.clock,
      leaderEndpoint: new ReplicaFetcherBlockingSend({
        sourceBroker,
        clientId: `broker-${config.brokerId}-fetcher-${fetcherId}`,
        socketTimeoutMs: config.replicaSocketTimeoutMs,
        platform: this.#platform,
      }),
      halt: this.#halt,
    })
  }

  /** Ends all threads. */
  async shutdown(): Promise<void> {
    await this.closeAllFetchers()
  }
}
