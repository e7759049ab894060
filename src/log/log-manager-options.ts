/**
 * # What LogManager is given
 *
 * The settings and neighbours of the manager of all logs. It asks for what it needs, in
 * Kafka's names, and never sees the configuration of the whole broker.
 *
 * @kafka core/src/main/scala/kafka/log/LogManager.scala#LogManager
 * @differs Kafka passes each value by itself.
 * @module
 */
import type { KafkaScheduler } from '../base/async/KafkaScheduler.ts'
import type { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import type { Log } from './Log.ts'
import type { LogCleanerView } from './LogCleanerView.ts'
import type { LogConfig } from './LogConfig.ts'
import type { LogDirsOptions } from './log-dirs.ts'

/**
 * What the manager needs of the broker's configuration; `KafkaConfig` has all of it.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaConfig.scala#KafkaConfig
 */
export interface LogManagerConfig {
  /** `log.retention.check.interval.ms` */
  readonly logCleanupIntervalMs: number
  /** `log.flush.scheduler.interval.ms` */
  readonly logFlushSchedulerIntervalMs: number
  /** `log.flush.offset.checkpoint.interval.ms` */
  readonly logFlushOffsetCheckpointIntervalMs: number
  /** `log.flush.start.offset.checkpoint.interval.ms` */
  readonly logFlushStartOffsetCheckpointIntervalMs: number
  /** `num.recovery.threads.per.data.dir`: logs of a directory that load side by side */
  readonly numRecoveryThreadsPerDataDir: number
  /** `transactional.id.expiration.ms`: how long a silent producer is remembered */
  readonly transactionIdExpirationMs: number
}

/** Told when a directory has to be recovered; the broker's state shows it. */
export interface BrokerStateListener {
  newState(state: 'RecoveringFromUncleanShutdown'): void
}

/** What the manager is made with. */
export interface LogManagerOptions extends LogDirsOptions {
  /** Settings of the topics that have their own, by topic. */
  readonly topicConfigs: ReadonlyMap<string, LogConfig>
  /** Settings of all other topics. */
  readonly initialDefaultConfig: LogConfig
  readonly config: LogManagerConfig
  readonly scheduler: KafkaScheduler
  readonly brokerState?: BrokerStateListener
  /** The cleaner of compacted logs, if there is one. */
  readonly createCleaner?:
    | ((logs: TopicPartitionMap<Log>, logDirs: readonly string[]) => LogCleanerView)
    | undefined
}
