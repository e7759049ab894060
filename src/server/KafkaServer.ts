/**
 * # KafkaServer
 *
 * One broker: makes its parts, starts them in an order in which each finds what it needs,
 * and ends them in the reverse order of trust.
 *
 *     ZooKeeper ─▶ logs ─▶ metadata cache ─▶ sockets bound, unread ─▶ replicas
 *       ─▶ registered ─▶ controller ─▶ coordinators ─▶ apis, handlers ─▶ sockets read
 *
 * The broker is visible in ZooKeeper, and may even be controller, before it serves its
 * first request. What others send meanwhile waits in sockets that were accepted.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaServer.scala#KafkaServer
 * @differs The authorizer and delegation tokens are not here yet.
 * @module
 */
import { throwIfAborted } from '../base/async/abort.ts'
import { CountDownLatch } from '../base/async/CountDownLatch.ts'
import { KafkaScheduler } from '../base/async/KafkaScheduler.ts'
import { IllegalStateException, KafkaStorageException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { Metrics } from '../base/metrics/Metrics.ts'
import type { Platform } from '../base/platform/Platform.ts'
import { join } from '../base/platform/path.ts'
import { generateUuidAsBase64 } from '../base/uuid.ts'
import { KafkaController } from '../controller/KafkaController.ts'
import { GroupCoordinator } from '../coordinator/group/GroupCoordinator.ts'
import { ProducerIdManager } from '../coordinator/transaction/ProducerIdManager.ts'
import { TransactionCoordinator } from '../coordinator/transaction/TransactionCoordinator.ts'
import { BrokerMetadataCheckpoint } from '../log/BrokerMetadataCheckpoint.ts'
import { LogCleaner } from '../log/LogCleaner.ts'
import { LogConfig } from '../log/LogConfig.ts'
import { LogDirFailureChannel } from '../log/LogDirFailureChannel.ts'
import { LogManager } from '../log/LogManager.ts'
import { SocketServer } from '../network/SocketServer.ts'
import { ReplicaManager } from '../replica/ReplicaManager.ts'
import { ConfigType } from '../zk/admin-znodes.ts'
import { Broker, BrokerInfo } from '../zk/Broker.ts'
import { EndPoint } from '../zk/EndPoint.ts'
import { KafkaZkClient } from '../zk/KafkaZkClient.ts'
import type { ZooKeeperConnect } from '../zookeeper/client.ts'
import { ZooKeeperClient } from '../zookeeper/ZooKeeperClient.ts'
import { AdminManager } from './AdminManager.ts'
import { BrokerMetrics } from './BrokerMetrics.ts'
import { BrokerState } from './BrokerStates.ts'
import { getBrokerIdAndOfflineDirs, META_PROPERTIES } from './broker-id.ts'
import {
  BrokerConfigHandler,
  ClientIdConfigHandler,
  type ConfigHandler,
  TopicConfigHandler,
  UserConfigHandler,
} from './ConfigHandler.ts'
import { controlledShutdown } from './controlled-shutdown.ts'
import { DynamicBrokerConfig } from './DynamicBrokerConfig.ts'
import { DynamicConfigManager } from './DynamicConfigManager.ts'
import { DynamicListenerConfig } from './DynamicListenerConfig.ts'
import { FetchManager } from './FetchManager.ts'
import { FetchSessionCache } from './FetchSession.ts'
import { KafkaApis } from './KafkaApis.ts'
import { KafkaConfig } from './KafkaConfig.ts'
import { KafkaRequestHandlerPool } from './KafkaRequestHandler.ts'
import { MetadataCache } from './MetadataCache.ts'
import { QuotaFactory, type QuotaManagers } from './QuotaFactory.ts'
import {
  DynamicLogCleaner,
  DynamicLogConfig,
  DynamicThreadPool,
} from './reconfigurables.ts'

const log = logger('KafkaServer')

/** Age at which a fetch session may be pushed out, in ms. */
const MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS = 120_000

/** What a broker runs on. */
export interface KafkaServerEnvironment {
  readonly platform: Platform
  /** How a session with ZooKeeper is made. */
  readonly zooKeeperConnect: ZooKeeperConnect
}

/** One broker. */
export class KafkaServer {
  config: KafkaConfig
  readonly platform: Platform
  readonly brokerState = new BrokerState()
  /** What monitors ask for; see `metric-definitions.ts`. */
  readonly brokerMetrics = new BrokerMetrics(this)
  readonly #zooKeeperConnect: ZooKeeperConnect
  #startupComplete = false
  #isStartingUp = false
  #isShuttingDown = false
  #shutdownLatch = new CountDownLatch(1)
  #initialOfflineDirs: readonly string[] = []
  #clusterId = ''
  #zkClient: KafkaZkClient | undefined
  #kafkaScheduler: KafkaScheduler | undefined
  #logManager: LogManager | undefined
  #metadataCache: MetadataCache | undefined
  #socketServer: SocketServer | undefined
  #replicaManager: ReplicaManager | undefined
  #kafkaController: KafkaController | undefined
  #adminManager: AdminManager | undefined
  #groupCoordinator: GroupCoordinator | undefined
  #transactionCoordinator: TransactionCoordinator | undefined
  #apis: KafkaApis | undefined
  #requestHandlerPool: KafkaRequestHandlerPool | undefined
  #dynamicConfigManager: DynamicConfigManager | undefined
  #dynamicConfig: DynamicBrokerConfig | undefined
  #logCleaner: LogCleaner | undefined
  #metrics: Metrics | undefined
  #quotaManagers: QuotaManagers | undefined

  constructor(config: KafkaConfig, environment: KafkaServerEnvironment) {
    this.config = config
    this.platform = environment.platform
    this.#zooKeeperConnect = environment.zooKeeperConnect
  }

  /**
   * Starts the broker. Resolves when it serves.
   *
   * @param signal gives the start up: at once while logs are recovered, which may take
   *   long, otherwise when the part that is being started has started
   * @throws what kept a part from starting, or AbortError; the others are shut down again
   * @differs Kafka cannot be told to stop while it starts: its process is halted.
   */
  async startup(signal?: AbortSignal): Promise<void> {
    if (this.#isShuttingDown) {
      throw new IllegalStateException('the broker is still shutting down')
    }
    if (this.#startupComplete || this.#isStartingUp) return
    this.#isStartingUp = true
    this.#forgetFormerRun()
    try {
      log.info('starting')
      this.brokerState.newState('Starting')
      const parts = [
        () => this.#startStorage(signal),
        () => this.#startNetworkAndReplicas(),
        () => this.#startControl(),
        () => this.#startApis(),
      ]
      for (const start of parts) {
        throwIfAborted(signal)
        await start()
      }
      throwIfAborted(signal)
      this.brokerState.newState('RunningAsBroker')
      this.#shutdownLatch = new CountDownLatch(1)
      this.#startupComplete = true
      this.#isStartingUp = false
      log.info(`broker ${this.config.brokerId} started`)
    } catch (error) {
      // The caller is told; a second report would only hide the first.
      log.info('could not start; shutting down again', error)
      this.#isStartingUp = false
      await this.shutdown()
      throw error
    }
  }

  /**
   * Begins a further run with what the file says; ZooKeeper is asked again. When this start
   * fails half way, the parts of the former run must not be shut down once more.
   */
  #forgetFormerRun(): void {
    // The settings.
    const former = this.#dynamicConfig
    if (former) this.config = new KafkaConfig(former.staticBrokerConfigs)

    // Everything that a shutdown would end, or ask to write something down.
    this.#dynamicConfigManager = undefined
    this.#socketServer = undefined
    this.#requestHandlerPool = undefined
    this.#kafkaScheduler = undefined
    this.#apis = undefined
    this.#adminManager = undefined
    this.#transactionCoordinator = undefined
    this.#groupCoordinator = undefined
    this.#replicaManager = undefined
    this.#logManager = undefined
    this.#kafkaController = undefined
    this.#zkClient = undefined
    this.#quotaManagers = undefined
  }

  async #startStorage(signal: AbortSignal | undefined): Promise<void> {
    // Open the session with ZooKeeper.
    const zkClient = await this.initZkClient()
    this.#clusterId = await this.getOrGenerateClusterId(zkClient)

    // Learn who this broker is.
    const identity = await getBrokerIdAndOfflineDirs(
      this.config,
      this.platform.storage,
      zkClient,
    )
    this.config = identity.config
    this.#initialOfflineDirs = identity.offlineDirs

    // Lay over its settings what was changed while it, or others, ran.
    this.#dynamicConfig = new DynamicBrokerConfig(this.config)
    await this.#dynamicConfig.initialize(zkClient)

    this.#kafkaScheduler = new KafkaScheduler(this.platform.clock)
    this.#kafkaScheduler.startup()

    // Be ready to measure clients before the first one comes.
    const { metricNumSamples: samples, metricSampleWindowMs: timeWindowMs } =
      this.config
    this.#metrics = new Metrics(this.platform.clock, { samples, timeWindowMs })
    this.#quotaManagers = QuotaFactory.instantiate(this.config, this.#metrics)

    // Load the logs, then start what looks after them.
    const logDirFailureChannel = new LogDirFailureChannel(this.config.logDirs.length)
    this.#logDirFailureChannel = logDirFailureChannel
    const logManager = await this.#newLogManager(zkClient, logDirFailureChannel)
    await logManager.loadLogs(signal)
    this.#logManager = logManager
    logManager.startup()
  }

  #logDirFailureChannel: LogDirFailureChannel | undefined

  async #newLogManager(
    zkClient: KafkaZkClient,
    logDirFailureChannel: LogDirFailureChannel,
  ): Promise<LogManager> {
    const { config, platform } = this
    const initialDefaultConfig = new LogConfig(config.extractLogConfigMap())
    const topics = await zkClient.getAllTopicsInCluster()
    const topicConfigs = new Map<string, LogConfig>()
    for (const [topic, found] of await zkClient.getLogConfigs(topics)) {
      if (found instanceof Error) throw found
      topicConfigs.set(topic, LogConfig.fromProps(initialDefaultConfig, found))
    }
    return new LogManager({
      ...{ logDirs: config.logDirs, initialOfflineDirs: this.#initialOfflineDirs },
      ...{ topicConfigs, initialDefaultConfig, config, platform, logDirFailureChannel },
      scheduler: this.#part(this.#kafkaScheduler),
      brokerState: this.brokerState,
      halt: (reason) => this.#halt(reason),
      createCleaner: config.logCleanerEnable
        ? (logs, logDirs) => {
            const parts = { config, logDirs, logs, logDirFailureChannel, platform }
            this.#logCleaner = new LogCleaner(parts)
            return this.#logCleaner
          }
        : undefined,
    })
  }

  /**
   * Gives the broker up: going on would serve nobody, or lose what was promised.
   *
   * @throws KafkaStorageException while it is starting
   * @differs Kafka ends the process here; who owns this one may do so, see `awaitShutdown`
   */
  #halt(reason: string): void {
    if (!this.#startupComplete) throw new KafkaStorageException(reason)
    log.fatal(`shutting down: ${reason}`)

    // Floats on purpose: each step of the shutdown logs its own failure.
    this.shutdown().catch((error) => log.error('the shutdown failed', error))
  }

  async #startNetworkAndReplicas(): Promise<void> {
    const { config, platform } = this

    // Empty until the controller's first UpdateMetadata.
    this.#metadataCache = new MetadataCache(config.brokerId)

    // Bind the ports; processors begin to read last of all.
    this.#socketServer = new SocketServer(config, platform)
    await this.#socketServer.startup(false)
    this.#keepPorts()

    this.#replicaManager = new ReplicaManager({
      ...{ config, platform, zkClient: this.zkClient },
      scheduler: this.#part(this.#kafkaScheduler),
      logManager: this.logManager,
      isShuttingDown: () => this.#isShuttingDown,
      metadataCache: this.#metadataCache,
      quotaManagers: this.quotaManagers,
      logDirFailureChannel: this.#part(this.#logDirFailureChannel),
      halt: (reason) => this.#halt(reason),
    })
    this.#replicaManager.startup()

    // Register, now that the ports are known; then note the id on disk.
    await this.zkClient.registerBrokerInZk(this.createBrokerInfo())
    this.checkpointBrokerId(config.brokerId)
  }

  async #startControl(): Promise<void> {
    const { config, platform, zkClient, metadataCache, replicaManager } = this

    // Run for controller; the election goes on in the background.
    this.#kafkaController = new KafkaController({
      ...{ config, zkClient, platform },
      initialBrokerInfo: this.createBrokerInfo(),
    })
    this.#kafkaController.startup()

    this.#adminManager = new AdminManager({
      ...{ config, metadataCache, zkClient, platform },
      dynamicConfig: this.#part(this.#dynamicConfig),
    })
    this.#groupCoordinator = new GroupCoordinator({
      ...{ config, replicaManager, zkClient, platform },
    })
    await this.#groupCoordinator.startup()
    this.#transactionCoordinator = new TransactionCoordinator({
      ...{ config, replicaManager, zkClient, metadataCache, platform },
      producerIdManager: new ProducerIdManager(config.brokerId, zkClient),
    })
    await this.#transactionCoordinator.startup()
  }

  async #startApis(): Promise<void> {
    const { config, platform, zkClient } = this
    const quotas = this.quotaManagers
    const slots = config.maxIncrementalFetchSessionCacheSlots
    const evictionMs = MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS
    const cache = new FetchSessionCache(slots, evictionMs, platform.random)
    const fetchManager = new FetchManager(platform.clock, cache)
    this.#apis = new KafkaApis(
      this.socketServer.requestChannel,
      this.replicaManager,
      this.#part(this.#adminManager),
      this.groupCoordinator,
      this.transactionCoordinator,
      this.kafkaController,
      this.metadataCache,
      fetchManager,
      { zkClient, config, platform, clusterId: this.#clusterId, quotas },
    )
    this.#requestHandlerPool = new KafkaRequestHandlerPool(
      config.brokerId,
      this.socketServer.requestChannel,
      this.#apis,
      config.numIoThreads,
    )

    // Apply settings that change from now on.
    const dynamicConfig = this.#part(this.#dynamicConfig)
    this.#addReconfigurables(dynamicConfig)
    const handlers = new Map<string, ConfigHandler>([
      [
        ConfigType.Topic,
        new TopicConfigHandler(this.logManager, config.brokerId, quotas),
      ],
      [ConfigType.Client, new ClientIdConfigHandler(quotas)],
      [ConfigType.User, new UserConfigHandler(quotas)],
      [
        ConfigType.Broker,
        new BrokerConfigHandler(config.brokerId, dynamicConfig, quotas),
      ],
    ])
    const { clock } = platform
    this.#dynamicConfigManager = new DynamicConfigManager(zkClient, handlers, clock)
    await this.#dynamicConfigManager.startup()

    // Only now are connections read.
    this.socketServer.startProcessors()
  }

  #addReconfigurables(dynamicConfig: DynamicBrokerConfig): void {
    dynamicConfig.addBrokerReconfigurable(
      new DynamicThreadPool(this.config, {
        requestHandlerPool: this.#part(this.#requestHandlerPool),
        socketServer: this.socketServer,
        replicaFetcherManager: this.replicaManager.replicaFetcherManager,
        logManager: this.logManager,
      }),
    )
    if (this.#logCleaner) {
      dynamicConfig.addBrokerReconfigurable(new DynamicLogCleaner(this.#logCleaner))
    }
    dynamicConfig.addBrokerReconfigurable(new DynamicLogConfig(this.logManager))
    dynamicConfig.addBrokerReconfigurable(new DynamicListenerConfig(this))
  }

  /** Opens the session; makes the nodes that everything else expects. */
  async initZkClient(): Promise<KafkaZkClient> {
    const { config, platform } = this
    const connect = (connectString: string) =>
      new ZooKeeperClient({
        ...{ connect: this.#zooKeeperConnect, connectString, clock: platform.clock },
        sessionTimeoutMs: config.zkSessionTimeoutMs,
        connectionTimeoutMs: config.zkConnectionTimeoutMs,
        maxInFlightRequests: config.zkMaxInFlightRequests,
      })

    // A path behind the addresses is made by a session of its own.
    const chroot = config.zkConnect.indexOf('/')
    if (chroot >= 0 && chroot < config.zkConnect.length - 1) {
      const first = connect(config.zkConnect.slice(0, chroot))
      await first.start()
      const maker = new KafkaZkClient(first, false, platform)
      await maker.makeSurePersistentPathExists(config.zkConnect.slice(chroot))
      await maker.close()
    }
    const client = connect(config.zkConnect)
    await client.start()
    const zkClient = new KafkaZkClient(client, false, platform)
    this.#zkClient = zkClient
    await zkClient.createTopLevelPaths()
    return zkClient
  }

  /** The id of the cluster; made by its first broker. */
  async getOrGenerateClusterId(zkClient: KafkaZkClient): Promise<string> {
    const known = await zkClient.getClusterId()
    if (known !== undefined) return known
    const proposed = generateUuidAsBase64(this.platform.random)
    return zkClient.createOrGetClusterId(proposed)
  }

  /** What this broker registers: where others can reach it. */
  createBrokerInfo(): BrokerInfo {
    const { config, platform } = this
    const endPoints = config.advertisedListeners.map((endPoint) => {
      const { listenerName, securityProtocol } = endPoint
      const port = endPoint.port === 0 ? this.boundPort(listenerName) : endPoint.port
      const any = endPoint.host === '' || endPoint.host === '0.0.0.0'
      const host = any ? platform.hostName : endPoint.host
      return new EndPoint(host, port, listenerName, securityProtocol)
    })
    return new BrokerInfo(new Broker(config.brokerId, endPoints, config.rack))
  }

  /**
   * Remembers ports that the host chose, so that clients find the broker again after a
   * restart in this process.
   */
  #keepPorts(): void {
    const { listeners } = this.config
    const dynamicConfig = this.#part(this.#dynamicConfig)
    if ('listeners' in dynamicConfig.currentDynamicBrokerConfigs) return
    if (listeners.every(({ port }) => port !== 0)) return
    const bound = listeners.map(
      ({ listenerName, host }) =>
        `${listenerName}://${host}:${this.boundPort(listenerName)}`,
    )
    dynamicConfig.setStatic({ listeners: bound.join(',') })
  }

  /** Writes the broker's id into the log directories that do not hold it yet. */
  checkpointBrokerId(brokerId: number): void {
    const { storage } = this.platform
    for (const dir of this.logManager.liveLogDirs) {
      const checkpoint = new BrokerMetadataCheckpoint(
        storage,
        join(dir, META_PROPERTIES),
      )
      if (checkpoint.read() === undefined) checkpoint.write({ brokerId })
    }
  }

  /** The port of a listener; the one of brokers unless told. */
  boundPort(listenerName = this.config.interBrokerListenerName): number {
    return this.socketServer.boundPort(listenerName)
  }

  /** Asks the controller to move leadership away. Gives up after a few tries. */
  async controlledShutdown(): Promise<void> {
    if (!this.#startupComplete || !this.config.controlledShutdownEnable) return
    this.brokerState.newState('PendingControlledShutdown')
    await controlledShutdown(this.config, this.platform, this.zkClient)
  }

  /**
   * Has this broker's controller leave office and run for it no more, ahead of `shutdown`.
   * For a cluster that ends as a whole, where new elections would come too late.
   *
   * @differs Kafka's brokers know nothing of each other's plans, and always elect.
   */
  async restController(): Promise<void> {
    await this.#kafkaController?.shutdown()
  }

  /**
   * Ends the broker. Each step's failure is logged, and the next one runs.
   *
   * @param controlled - false when the whole cluster ends: nobody is left to lead
   * @throws IllegalStateException while the broker is starting.
   */
  async shutdown(controlled = true): Promise<void> {
    if (this.#isStartingUp) throw new IllegalStateException('the broker is starting')
    if (this.#isShuttingDown) return this.awaitShutdown()
    if (this.#shutdownLatch.count === 0) return
    this.#isShuttingDown = true
    log.info(`broker ${this.config.brokerId} is shutting down`)
    const steps: (() => unknown)[] = [
      () => (controlled ? this.controlledShutdown() : undefined),
      () => this.brokerState.newState('BrokerShuttingDown'),
      () => this.#dynamicConfigManager?.shutdown(),
      () => this.#socketServer?.stopProcessingRequests(),
      () => this.#requestHandlerPool?.shutdown(),
      () => this.#kafkaScheduler?.shutdown(),
      () => this.#apis?.close(),
      () => this.#adminManager?.shutdown(),
      () => this.#transactionCoordinator?.shutdown(),
      () => this.#groupCoordinator?.shutdown(),
      () => this.#replicaManager?.shutdown(),
      () => this.#logManager?.shutdown(),
      () => this.#kafkaController?.shutdown(),
      () => this.#zkClient?.close(),
      () => this.#quotaManagers && QuotaFactory.shutdown(this.#quotaManagers),
      () => this.#socketServer?.shutdown(),
    ]
    for (const step of steps) {
      try {
        await step()
      } catch (error) {
        log.error('a step of the shutdown failed', error)
      }
    }
    this.brokerState.newState('NotRunning')
    this.#startupComplete = false
    this.#isShuttingDown = false
    this.#shutdownLatch.countDown()
    log.info(`broker ${this.config.brokerId} shut down`)
  }

  /** Resolves when the broker has ended. */
  async awaitShutdown(): Promise<void> {
    await this.#shutdownLatch.await()
  }

  get clusterId(): string {
    return this.#clusterId
  }

  get zkClient(): KafkaZkClient {
    return this.#part(this.#zkClient)
  }

  get logManager(): LogManager {
    return this.#part(this.#logManager)
  }

  get metadataCache(): MetadataCache {
    return this.#part(this.#metadataCache)
  }

  get socketServer(): SocketServer {
    return this.#part(this.#socketServer)
  }

  get apis(): KafkaApis {
    return this.#part(this.#apis)
  }

  get replicaManager(): ReplicaManager {
    return this.#part(this.#replicaManager)
  }

  get kafkaController(): KafkaController {
    return this.#part(this.#kafkaController)
  }

  get requestHandlerPool(): KafkaRequestHandlerPool {
    return this.#part(this.#requestHandlerPool)
  }

  /** The cleaner of compacted logs, unless it is switched off. */
  get logCleaner(): LogCleaner | undefined {
    return this.#logCleaner
  }

  /** What is measured for quotas. */
  get metrics(): Metrics {
    return this.#part(this.#metrics)
  }

  get quotaManagers(): QuotaManagers {
    return this.#part(this.#quotaManagers)
  }

  get dynamicConfigManager(): DynamicConfigManager {
    return this.#part(this.#dynamicConfigManager)
  }

  get groupCoordinator(): GroupCoordinator {
    return this.#part(this.#groupCoordinator)
  }

  get transactionCoordinator(): TransactionCoordinator {
    return this.#part(this.#transactionCoordinator)
  }

  #part<T>(part: T | undefined): T {
    if (part === undefined) throw new IllegalStateException('the broker is not started')
    return part
  }
}
