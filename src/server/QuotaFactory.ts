/**
 * # QuotaFactory
 *
 * Makes the managers of all quotas of a broker: bytes that clients fetch, bytes that they
 * produce, and time that their requests take; and bytes that are copied between brokers,
 * and between the log directories of this one.
 *
 * @kafka core/src/main/scala/kafka/server/QuotaFactory.scala#QuotaFactory
 * @module
 */
import { logger } from '../base/logger.ts'
import type { Metrics } from '../base/metrics/Metrics.ts'
import {
  ReplicationQuotaManager,
  type ReplicationQuotas,
  type ReplicationType,
} from '../replica/ReplicationQuotaManager.ts'
import { ClientQuotaManager } from './ClientQuotaManager.ts'
import { ClientRequestQuotaManager } from './ClientRequestQuotaManager.ts'

const log = logger('QuotaFactory')

/** The settings that quotas are made from; `KafkaConfig` has them. */
export interface QuotaConfig {
  readonly producerQuotaBytesPerSecondDefault: number
  readonly consumerQuotaBytesPerSecondDefault: number
  readonly numQuotaSamples: number
  readonly quotaWindowSizeSeconds: number
  readonly numReplicationQuotaSamples: number
  readonly replicationQuotaWindowSizeSeconds: number
  readonly numAlterLogDirsReplicationQuotaSamples: number
  readonly alterLogDirsReplicationQuotaWindowSizeSeconds: number
}

/**
 * The quotas of a broker.
 *
 * @kafka core/src/main/scala/kafka/server/QuotaFactory.scala#QuotaManagers
 */
export interface QuotaManagers extends ReplicationQuotas {
  readonly fetch: ClientQuotaManager
  readonly produce: ClientQuotaManager
  readonly request: ClientRequestQuotaManager
}

/** Makes and ends quotas. */
export const QuotaFactory = {
  /** Makes the quotas of a broker. */
  instantiate(config: QuotaConfig, metrics: Metrics): QuotaManagers {
    const { numQuotaSamples, quotaWindowSizeSeconds } = config
    const window = { numQuotaSamples, quotaWindowSizeSeconds }
    const withDefault = (key: string, quotaBytesPerSecondDefault: number) => {
      if (quotaBytesPerSecondDefault < Number.MAX_SAFE_INTEGER) {
        log.warn(`${key} is deprecated: set a quota for the default client instead`)
      }
      return { ...window, quotaBytesPerSecondDefault }
    }
    const fetch = withDefault(
      'quota.consumer.default',
      config.consumerQuotaBytesPerSecondDefault,
    )
    const produce = withDefault(
      'quota.producer.default',
      config.producerQuotaBytesPerSecondDefault,
    )
    return {
      fetch: new ClientQuotaManager(fetch, metrics, 'Fetch'),
      produce: new ClientQuotaManager(produce, metrics, 'Produce'),
      request: new ClientRequestQuotaManager(window, metrics),
      ...replicationQuotas(config, metrics),
    }
  },

  /** Ends the giving of answers that were held back. */
  async shutdown({ fetch, produce, request }: QuotaManagers): Promise<void> {
    await Promise.all([fetch.shutdown(), produce.shutdown(), request.shutdown()])
  },
}

function replicationQuotas(config: QuotaConfig, metrics: Metrics): ReplicationQuotas {
  const between = {
    numQuotaSamples: config.numReplicationQuotaSamples,
    quotaWindowSizeSeconds: config.replicationQuotaWindowSizeSeconds,
  }
  const within = {
    numQuotaSamples: config.numAlterLogDirsReplicationQuotaSamples,
    quotaWindowSizeSeconds: config.alterLogDirsReplicationQuotaWindowSizeSeconds,
  }
  const make = (window: typeof between, type: ReplicationType) =>
    new ReplicationQuotaManager(window, metrics, type)
  return {
    leader: make(between, 'LeaderReplication'),
    follower: make(between, 'FollowerReplication'),
    alterLogDirs: make(within, 'AlterLogDirsReplication'),
  }
}
