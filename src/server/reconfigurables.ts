/**
 * # Parts that follow changed settings
 *
 * What a broker has built to its settings, and how each is changed while it runs: the
 * loops of handlers, of the network and of followers; the cleaner; the defaults of topics.
 *
 * @module
 */
import { ConfigException } from '../base/errors.ts'
import type { LogCleaner } from '../log/LogCleaner.ts'
import { LogConfig } from '../log/LogConfig.ts'
import type { LogManager } from '../log/LogManager.ts'
import {
  type BrokerReconfigurable,
  LOG_CLEANER_CONFIGS,
  LOG_CONFIGS,
  THREAD_POOL_CONFIGS,
} from './DynamicBrokerConfig.ts'
import type { KafkaConfig } from './KafkaConfig.ts'

/** Something that can become more, or fewer. */
export interface Resizable {
  resizeThreadPool(newSize: number): void | Promise<void>
}

/** The pools of a broker. */
export interface ThreadPools {
  readonly requestHandlerPool: Resizable
  readonly socketServer: Resizable
  readonly replicaFetcherManager: Resizable
  readonly logManager: Pick<LogManager, 'resizeRecoveryThreadPool'>
}

const threadCounts = [
  ['num.io.threads', 'numIoThreads'],
  ['num.network.threads', 'numNetworkThreads'],
  ['num.replica.fetchers', 'numReplicaFetchers'],
  ['num.recovery.threads.per.data.dir', 'numRecoveryThreadsPerDataDir'],
  ['background.threads', 'backgroundThreads'],
] as const

/**
 * Lets pools grow and shrink: to the double, or to a half, in one step.
 *
 * @kafka core/src/main/scala/kafka/server/DynamicBrokerConfig.scala#DynamicThreadPool
 * @differs `background.threads` is checked, and changes nothing: timers do here what threads
 *   do there. The threads of `num.recovery.threads.per.data.dir` are lanes, see `LoadedLogs`;
 *   as in 1.1.1 a broker that runs has use for them when it closes its logs.
 */
export class DynamicThreadPool implements BrokerReconfigurable {
  readonly reconfigurableConfigs = THREAD_POOL_CONFIGS
  readonly #config: KafkaConfig
  readonly #pools: ThreadPools

  /** @param config - the settings that are in force */
  constructor(config: KafkaConfig, pools: ThreadPools) {
    this.#config = config
    this.#pools = pools
  }

  validateReconfiguration(newConfig: KafkaConfig): void {
    for (const [key, property] of threadCounts) {
      checkStep(key, this.#config[property], newConfig[property])
    }
  }

  async reconfigure(oldConfig: KafkaConfig, newConfig: KafkaConfig): Promise<void> {
    const { requestHandlerPool, socketServer, replicaFetcherManager } = this.#pools
    const { numIoThreads, numNetworkThreads, numReplicaFetchers } = newConfig
    const { numRecoveryThreadsPerDataDir: recoveryThreads } = newConfig
    if (numIoThreads !== oldConfig.numIoThreads) {
      await requestHandlerPool.resizeThreadPool(numIoThreads)
    }
    if (numNetworkThreads !== oldConfig.numNetworkThreads) {
      await socketServer.resizeThreadPool(numNetworkThreads)
    }
    if (numReplicaFetchers !== oldConfig.numReplicaFetchers) {
      await replicaFetcherManager.resizeThreadPool(numReplicaFetchers)
    }
    if (recoveryThreads !== oldConfig.numRecoveryThreadsPerDataDir) {
      this.#pools.logManager.resizeRecoveryThreadPool(recoveryThreads)
    }
  }
}

/** A pool may at most be doubled or halved. */
function checkStep(key: string, current: number, wanted: number): void {
  if (wanted === current) return
  const refuse = (expected: string) =>
    new ConfigException(`invalid value '${wanted}' for ${key}: expected ${expected}`)
  if (wanted < 1) throw refuse('at least 1')
  if (wanted < Math.floor(current / 2)) throw refuse(`at least half of ${current}`)
  if (wanted > current * 2) throw refuse(`at most the double of ${current}`)
}

/**
 * Has the cleaner begin anew with other threads, buffers or rates.
 *
 * @kafka core/src/main/scala/kafka/log/LogCleaner.scala#LogCleaner.reconfigure
 */
export class DynamicLogCleaner implements BrokerReconfigurable {
  readonly reconfigurableConfigs = LOG_CLEANER_CONFIGS
  readonly #logCleaner: LogCleaner

  constructor(logCleaner: LogCleaner) {
    this.#logCleaner = logCleaner
  }

  validateReconfiguration({ logCleanerThreads }: KafkaConfig): void {
    const current = this.#logCleaner.numThreads
    if (logCleanerThreads < 1) {
      const text = `invalid value '${logCleanerThreads}' for log.cleaner.threads`
      throw new ConfigException(`${text}: expected at least 1`)
    }
    checkStep('log.cleaner.threads', current, logCleanerThreads)
  }

  reconfigure(_oldConfig: KafkaConfig, newConfig: KafkaConfig): Promise<void> {
    return this.#logCleaner.reconfigure(newConfig)
  }
}

/**
 * Hands new defaults to the logs; what a topic sets itself stays.
 *
 * @kafka core/src/main/scala/kafka/server/DynamicBrokerConfig.scala#DynamicLogConfig
 */
export class DynamicLogConfig implements BrokerReconfigurable {
  readonly reconfigurableConfigs = LOG_CONFIGS
  readonly #logManager: LogManager

  constructor(logManager: LogManager) {
    this.#logManager = logManager
  }

  validateReconfiguration(): void {
    // Nothing more: the new settings were read and checked as a whole.
  }

  reconfigure(_oldConfig: KafkaConfig, newConfig: KafkaConfig): void {
    const defaults = new LogConfig(newConfig.extractLogConfigMap())
    this.#logManager.reconfigureDefaultLogConfig(defaults)
    const names = new Set(Object.keys(defaults.originals))
    for (const log of this.#logManager.allLogs) {
      const { originals, overriddenConfigs } = log.config
      const own = Object.fromEntries(
        Object.entries(originals).filter(([name]) => overriddenConfigs.has(name)),
      )
      log.updateConfig(names, LogConfig.fromProps(defaults, own))
    }
  }
}
