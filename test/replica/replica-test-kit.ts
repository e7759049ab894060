/** What the tests of replica/ and coordinator/ stand on: real logs on a memory disk. */
import { KafkaScheduler } from '../../src/base/async/KafkaScheduler.ts'
import { Metrics } from '../../src/base/metrics/Metrics.ts'
import {
  type MemoryPlatform,
  memoryPlatform,
} from '../../src/base/platform/memory/memory-platform.ts'
import type { VirtualClock } from '../../src/base/platform/memory/VirtualClock.ts'
import type { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import { LogConfig } from '../../src/log/LogConfig.ts'
import { LogDirFailureChannel } from '../../src/log/LogDirFailureChannel.ts'
import { LogManager } from '../../src/log/LogManager.ts'
import type { LogManagerOptions } from '../../src/log/log-manager-options.ts'
import type { LeaderAndIsrRequest } from '../../src/protocol/messages/LeaderAndIsr.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import type { FetchPartitionData } from '../../src/replica/LogReadResult.ts'
import { ReplicaManager } from '../../src/replica/ReplicaManager.ts'
import type { ReplicaManagerConfig } from '../../src/replica/ReplicaManagerConfig.ts'
import {
  ReplicationQuotaManager,
  type ReplicationType,
} from '../../src/replica/ReplicationQuotaManager.ts'
import { Broker } from '../../src/zk/Broker.ts'
import { EndPoint } from '../../src/zk/EndPoint.ts'
import type { KafkaZkClient } from '../../src/zk/KafkaZkClient.ts'

export const config: ReplicaManagerConfig = {
  brokerId: 1,
  interBrokerListenerName: 'PLAINTEXT',
  replicaLagTimeMaxMs: 10_000,
  replicaHighWatermarkCheckpointIntervalMs: 5000,
  producerPurgatoryPurgeIntervalRequests: 1000,
  fetchPurgatoryPurgeIntervalRequests: 1000,
  deleteRecordsPurgatoryPurgeIntervalRequests: 1,
  numReplicaFetchers: 1,
  replicaFetchBackoffMs: 1000,
  replicaFetchMaxBytes: 1024 * 1024,
  replicaFetchMinBytes: 1,
  replicaFetchResponseMaxBytes: 10 * 1024 * 1024,
  replicaFetchWaitMaxMs: 500,
  replicaSocketTimeoutMs: 30_000,
}

/** How the quotas of replication measure. */
export const quotaWindow = { numQuotaSamples: 11, quotaWindowSizeSeconds: 1 }

/** The little of ZooKeeper that replicas touch; a test decides what it answers. */
export class FakeZk {
  readonly topicConfigs = new Map<string, Record<string, string>>()
  readonly stateWrites: { path: string; data: string; version: number }[] = []
  readonly notifications: string[] = []
  readonly logDirEvents: number[] = []
  /** What a conditional write waits for, and whether it is taken. */
  gate: Promise<void> = Promise.resolve()
  accept = true

  async getEntityConfigs(_type: string, name: string) {
    return this.topicConfigs.get(name) ?? {}
  }

  async conditionalUpdatePath(path: string, data: Buffer, version: number) {
    await this.gate
    this.stateWrites.push({ path, data: data.toString(), version })
    return { updated: this.accept, zkVersion: this.accept ? version + 1 : -1 }
  }

  async propagateIsrChanges(partitions: Iterable<TopicPartition>) {
    this.notifications.push([...partitions].join(','))
  }

  async propagateLogDirEvent(brokerId: number) {
    this.logDirEvents.push(brokerId)
  }

  async getTopicPartitionCount() {
    return undefined
  }
}

/** A broker's replicas on a memory platform with a virtual clock. */
export class ReplicaWorld {
  readonly platform: MemoryPlatform
  readonly clock: VirtualClock
  readonly zk = new FakeZk()
  readonly scheduler: KafkaScheduler
  readonly logManager: LogManager
  readonly replicaManager: ReplicaManager
  /** Without a bound, for no partition, until a test says otherwise. */
  readonly quotas: Readonly<
    Record<'leader' | 'follower' | 'alterLogDirs', ReplicationQuotaManager>
  >
  aliveBrokers: readonly number[] = [1, 2, 3]
  isShuttingDown = false

  /** @param house what an earlier world left, and which directories it has */
  constructor(
    overrides: Partial<ReplicaManagerConfig> = {},
    house: {
      platform?: MemoryPlatform
      logDirs?: readonly string[]
      createCleaner?: LogManagerOptions['createCleaner']
      initialOfflineDirs?: readonly string[]
      topicConfigs?: LogManagerOptions['topicConfigs']
      logDirFailureChannel?: LogDirFailureChannel
    } = {},
  ) {
    const { logDirs = ['/data'], createCleaner, initialOfflineDirs = [] } = house
    this.platform = house.platform ?? memoryPlatform({ hostName: 'b1' })
    this.clock = this.platform.virtualClock
    this.scheduler = new KafkaScheduler(this.clock)
    this.scheduler.startup()
    const logDirFailureChannel =
      house.logDirFailureChannel ?? new LogDirFailureChannel(logDirs.length)
    this.logManager = new LogManager({
      ...{ logDirs, createCleaner, initialOfflineDirs },
      topicConfigs: house.topicConfigs ?? new Map(),
      initialDefaultConfig: new LogConfig(),
      config: {
        logCleanupIntervalMs: 300_000,
        logFlushSchedulerIntervalMs: 1e15,
        logFlushOffsetCheckpointIntervalMs: 60_000,
        logFlushStartOffsetCheckpointIntervalMs: 60_000,
        numRecoveryThreadsPerDataDir: 1,
        transactionIdExpirationMs: 604_800_000,
      },
      scheduler: this.scheduler,
      platform: this.platform,
      logDirFailureChannel,
    })
    const metrics = new Metrics(this.clock)
    const quota = (type: ReplicationType) =>
      new ReplicationQuotaManager(quotaWindow, metrics, type)
    this.quotas = {
      leader: quota('LeaderReplication'),
      follower: quota('FollowerReplication'),
      alterLogDirs: quota('AlterLogDirsReplication'),
    }
    const broker = (id: number) =>
      new Broker(id, [new EndPoint(`b${id}`, 9092, 'PLAINTEXT', 'PLAINTEXT')])
    this.replicaManager = new ReplicaManager({
      config: { ...config, ...overrides },
      platform: this.platform,
      zkClient: this.zk as unknown as KafkaZkClient,
      scheduler: this.scheduler,
      logManager: this.logManager,
      isShuttingDown: () => this.isShuttingDown,
      metadataCache: {
        getAliveBrokers: () => this.aliveBrokers.map(broker),
        isBrokerAlive: (id) => this.aliveBrokers.includes(id),
        updateCache: () => [],
      },
      quotaManagers: this.quotas,
      logDirFailureChannel,
    })
  }

  /** Loads what an earlier world left. */
  async load(): Promise<this> {
    await this.logManager.loadLogs()
    return this
  }

  /** Sends one partition's LeaderAndIsr; broker 1 leads with `isr` unless told otherwise. */
  async leaderAndIsr(
    topicPartition: TopicPartition,
    state: Partial<LeaderAndIsrRequest['ungroupedPartitionStates'][number]> = {},
    controllerEpoch = 1,
  ) {
    const isr = state.isr ?? [1]
    const leaders: string[] = []
    const followers: string[] = []
    const response = await this.replicaManager.becomeLeaderOrFollower(
      0,
      {
        controllerId: 1,
        controllerEpoch,
        ungroupedPartitionStates: [
          {
            topicName: topicPartition.topic,
            partition: topicPartition.partition,
            controllerEpoch,
            leader: 1,
            leaderEpoch: 0,
            isr,
            partitionEpoch: 0,
            replicas: isr,
            isNew: true,
            ...state,
          },
        ],
        liveLeaders: [],
      },
      (becameLeader, becameFollower) => {
        leaders.push(...becameLeader.map((p) => p.topicPartition.key))
        followers.push(...becameFollower.map((p) => p.topicPartition.key))
      },
    )
    const partitionError = response.partitionErrors[0]?.errorCode
    return { error: response.errorCode, partitionError, leaders, followers }
  }

  /** Produces one batch; the answer's error name appears in `answers` when it comes. */
  produce(
    topicPartition: TopicPartition,
    values: readonly string[],
    acks = -1,
    key: string | null = null,
  ) {
    const answers: string[] = []
    const timestamp = this.clock.now()
    const records = MemoryRecords.withRecords(
      {},
      ...values.map((value) => ({
        timestamp,
        key: key === null ? null : Buffer.from(key),
        value: Buffer.from(value),
      })),
    )
    this.replicaManager.appendRecords({
      timeout: 1000,
      requiredAcks: acks,
      internalTopicsAllowed: false,
      isFromClient: true,
      entriesPerPartition: new TopicPartitionMap<MemoryRecords>().set(
        topicPartition,
        records,
      ),
      responseCallback: (responses) => {
        const response = responses.get(topicPartition)!
        answers.push(`${response.error.name}@${response.baseOffset}`)
      },
    })
    return answers
  }

  /** Fetches; the answer appears in the returned list when it comes. */
  fetch(
    topicPartition: TopicPartition,
    fetchOffset: number,
    options: {
      replicaId?: number
      minBytes?: number
      timeout?: number
      quota?: ReplicationQuotaManager
    } = {},
  ): FetchPartitionData[] {
    const answers: FetchPartitionData[] = []
    const wanted = { fetchOffset, logStartOffset: -1, maxBytes: 1024 * 1024 }
    this.replicaManager.fetchMessages({
      timeout: options.timeout ?? 500,
      replicaId: options.replicaId ?? -1,
      fetchMinBytes: options.minBytes ?? 1,
      fetchMaxBytes: 10 * 1024 * 1024,
      hardMaxBytesLimit: false,
      fetchInfos: [[topicPartition, wanted]],
      quota: options.quota,
      isolationLevel: 'READ_UNCOMMITTED',
      responseCallback: (results) => answers.push(results[0]![1]),
    })
    return answers
  }

  async close(): Promise<void> {
    this.isShuttingDown = true
    await this.replicaManager.shutdown()
    await this.scheduler.shutdown()
  }
}
