/**
 * # KafkaController
 *
 * One broker of the cluster is the controller: it watches the brokers and topics in
 * ZooKeeper, elects the leaders of partitions, and tells every broker what to do. Every
 * broker runs this class; the one that made `/controller` is in office.
 *
 *     startup ─▶ elect ─▶ lost: wait for /controller to go
 *                     └─▶ won: onControllerFailover ─▶ events ─▶ onControllerResignation
 *
 * Taking office raises the controller epoch. It stands in every request to a broker, and
 * a broker refuses what carries a lower one than it has seen: so an old controller that
 * has not noticed its end yet can do no harm.
 *
 * Invariants: everything that changes state runs as an event (ControllerEventManager), one
 * at a time. The controller never polls: watches, answers and timers put events.
 *
 * The events themselves are in `controller-events.ts`; moving partitions and electing
 * preferred leaders have files of their own.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController
 * @module
 */

import { KafkaScheduler } from '../base/async/KafkaScheduler.ts'
import { ControllerMovedException, IllegalStateException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Platform } from '../base/platform/Platform.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { NetworkClient } from '../network/NetworkClient.ts'
import type { LeaderAndIsrResponse } from '../protocol/messages/LeaderAndIsr.ts'
import type { StopReplicaResponse } from '../protocol/messages/StopReplica.ts'
import type { BrokerEndPoint, BrokerInfo } from '../zk/Broker.ts'
import { getAllBrokerAndEpochsInCluster } from '../zk/broker-epochs.ts'
import { ControllerZNode } from '../zk/cluster-znodes.ts'
import type { KafkaZkClient } from '../zk/KafkaZkClient.ts'
import {
  BadVersionException,
  NodeExistsException,
  NoNodeException,
} from '../zookeeper/client.ts'
import { BrokerChanges } from './BrokerChanges.ts'
import {
  type ControllerBrokerRequestBatch as Batch,
  ControllerBrokerRequestBatch,
  type RequestBatchHost,
} from './ControllerBrokerRequestBatch.ts'
import {
  ControllerChannelManager,
  type ControllerClient,
} from './ControllerChannelManager.ts'
import type { ControllerConfig, ControllerMetrics } from './ControllerConfig.ts'
import { ControllerContext } from './ControllerContext.ts'
import { ControllerEventManager } from './ControllerEventManager.ts'
import { ControllerHandlers } from './ControllerHandlers.ts'
import {
  AutoPreferredReplicaLeaderElection,
  ControlledShutdown,
  type ControlledShutdownCallback,
  Expire,
  LeaderAndIsrResponseReceived,
  Reelect,
  RegisterBrokerAndReelect,
  Startup,
  TopicDeletionStopReplicaResponseReceived,
} from './controller-events.ts'
import { PartitionReassignments } from './PartitionReassignments.ts'
import { PartitionStateMachine } from './PartitionStateMachine.ts'
import { PreferredReplicaElections } from './PreferredReplicaElections.ts'
import { ReplicaStateMachine } from './ReplicaStateMachine.ts'
import { type TopicDeletionHost, TopicDeletionManager } from './TopicDeletionManager.ts'

const log = logger('KafkaController')

/** What a controller is made of. */
export interface KafkaControllerParts {
  readonly config: ControllerConfig
  readonly zkClient: KafkaZkClient
  readonly platform: Platform

  /** What the broker registers again after its session was lost. */
  readonly initialBrokerInfo: BrokerInfo

  /** Makes connections to brokers; a NetworkClient when absent. */
  readonly newClient?: ((broker: BrokerEndPoint) => ControllerClient) | undefined
}

/** The controller of this broker, in office or not. */
export class KafkaController implements RequestBatchHost, TopicDeletionHost {
  /** The epoch of the first controller of a cluster. */
  static readonly InitialControllerEpoch = 1

  readonly config: ControllerConfig
  readonly zkClient: KafkaZkClient
  readonly platform: Platform
  readonly controllerContext = new ControllerContext()
  readonly eventManager: ControllerEventManager
  readonly topicDeletionManager: TopicDeletionManager
  readonly replicaStateMachine: ReplicaStateMachine
  readonly partitionStateMachine: PartitionStateMachine
  readonly brokerChanges: BrokerChanges
  readonly partitionReassignments: PartitionReassignments
  readonly preferredReplicaElections: PreferredReplicaElections
  readonly handlers: ControllerHandlers
  readonly brokerRequestBatch: Batch

  /** What this broker registers in ZooKeeper. */
  brokerInfo: BrokerInfo

  /** Who is controller, as far as this broker knows; -1 for nobody. */
  activeControllerId = -1

  readonly #newClient: (broker: BrokerEndPoint) => ControllerClient
  readonly #kafkaScheduler: KafkaScheduler

  constructor(parts: KafkaControllerParts) {
    // Take what is given.
    const { config, zkClient, platform } = parts
    this.config = config
    this.zkClient = zkClient
    this.platform = platform
    this.brokerInfo = parts.initialBrokerInfo
    this.#newClient = parts.newClient ?? ((broker) => this.#networkClient(broker))
    this.#kafkaScheduler = new KafkaScheduler(platform.clock)
    this.eventManager = new ControllerEventManager(config.brokerId, platform.clock)

    // Build the parts; each gets a batch of its own.
    this.topicDeletionManager = new TopicDeletionManager(this, zkClient)
    this.brokerRequestBatch = new ControllerBrokerRequestBatch(this)
    const { controllerContext, topicDeletionManager } = this
    const shared = { config, zkClient, controllerContext, topicDeletionManager }
    this.replicaStateMachine = new ReplicaStateMachine({
      ...shared,
      controllerBrokerRequestBatch: new ControllerBrokerRequestBatch(this),
    })
    this.partitionStateMachine = new PartitionStateMachine({
      ...shared,
      controllerBrokerRequestBatch: new ControllerBrokerRequestBatch(this),
    })
    this.handlers = new ControllerHandlers(this)
    this.brokerChanges = new BrokerChanges(this)
    this.partitionReassignments = new PartitionReassignments(this)
    this.preferredReplicaElections = new PreferredReplicaElections(this)
  }

  /** Whether this broker is in office. */
  get isActive(): boolean {
    return this.activeControllerId === this.config.brokerId
  }

  /** The epoch of this controller; 0 out of office. */
  get epoch(): number {
    return this.controllerContext.epoch
  }

  partitionsToBeDeleted(): Iterable<TopicPartition> {
    return this.topicDeletionManager.partitionsToBeDeleted
  }

  // ── Life ──────────────────────────────────────────────────────────────────────────────

  /**
   * Enters the first election. Returns at once; the election runs as an event.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.startup
   */
  startup(): void {
    // Leave office before a new session, and run again in it.
    this.zkClient.registerStateChangeHandler({
      name: 'controller-state-change-handler',
      beforeInitializingSession: async () => {
        const expire = new Expire(this)
        this.eventManager.clearAndPut(expire)
        await expire.waitUntilProcessingStarted()
      },
      afterInitializingSession: () => {
        this.eventManager.put(new RegisterBrokerAndReelect(this))
      },
    })
    this.eventManager.put(new Startup(this))
    this.eventManager.start()
  }

  /**
   * Stops the loop and leaves office. ZooKeeper learns of it when the session ends.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.shutdown
   */
  shutdown(): Promise<void>

  /**
   * Moves leadership away from a broker that wants to stop; any broker may ask.
   *
   * @param id - the broker that wants to stop
   * @param controlledShutdownCallback - told which partitions it leads still, or why
   *   nothing could be done
   */
  shutdown(id: number, controlledShutdownCallback: ControlledShutdownCallback): void

  shutdown(
    id?: number,
    controlledShutdownCallback?: ControlledShutdownCallback,
  ): Promise<void> | void {
    // Tell the two kinds of shutdown apart.
    if (id === undefined || controlledShutdownCallback === undefined) {
      return this.#leave()
    }
    this.eventManager.put(new ControlledShutdown(this, id, controlledShutdownCallback))
  }

  async #leave(): Promise<void> {
    // Let the current event end. ZooKeeper may be too far for that.
    const { clock } = this.platform
    this.zkClient.unregisterStateChangeHandler('controller-state-change-handler')
    const enough = new AbortController()
    const tooLong = clock.sleep(this.config.zkSessionTimeoutMs, enough.signal)
    await Promise.race([this.eventManager.close(), tooLong.catch(() => {})])
    enough.abort()

    this.activeControllerId = -1
    await this.onControllerResignation()
  }

  /** Announces other end points of this broker. */
  async updateBrokerInfo(newBrokerInfo: BrokerInfo): Promise<void> {
    this.brokerInfo = newBrokerInfo
    await this.zkClient.updateBrokerInfoInZk(newBrokerInfo)
  }

  #networkClient({ host, port }: BrokerEndPoint): ControllerClient {
    return new NetworkClient({
      host,
      port,
      clientId: String(this.config.brokerId),
      requestTimeoutMs: this.config.controllerSocketTimeoutMs,
      network: this.platform.network,
      clock: this.platform.clock,
    })
  }

  // ── Elections of controllers ──────────────────────────────────────────────────────────

  /**
   * Tries to become controller.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.elect
   * @differs after a lost race for the epoch 1.1.1 waits for a watch, which a lone broker
   *   never gets: nobody would be controller
   */
  async elect(): Promise<void> {
    // Do nothing while somebody is in office.
    this.activeControllerId = (await this.zkClient.getControllerId()) ?? -1
    if (this.activeControllerId !== -1) {
      log.debug(`broker ${this.activeControllerId} is the controller`)
      return
    }

    // Claim the office, and enter it.
    try {
      const { brokerId } = this.config
      const data = ControllerZNode.encode(brokerId, this.platform.clock.now())
      await this.zkClient.checkedEphemeralCreate(ControllerZNode.path(), data)
      this.activeControllerId = brokerId
      log.info(`broker ${brokerId} is the controller now`)
    } catch (e) {
      if (e instanceof NodeExistsException) {
        this.activeControllerId = (await this.zkClient.getControllerId()) ?? -1
        return
      }
      await this.triggerControllerMove()
      throw e
    }
    try {
      await this.onControllerFailover()
    } catch (e) {
      log.error('taking office failed, giving it up', e)
      await this.triggerControllerMove()

      // Look again who is controller. The watch fired for our claim.
      if (e instanceof ControllerMovedException) {
        this.eventManager.put(new Reelect(this))
      }
    }
  }

  /**
   * Gives up the office so that another broker, or this one, is elected.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.triggerControllerMove
   */
  async triggerControllerMove(): Promise<void> {
    await this.onControllerResignation()
    this.activeControllerId = -1
    await this.zkClient.deleteController()
  }

  /**
   * Takes office: raises the epoch, begins to watch, reads the cluster, tells all brokers,
   * and gives leaders to partitions that lack one.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.onControllerFailover
   */
  async onControllerFailover(): Promise<void> {
    await this.readControllerEpochFromZooKeeper()
    await this.incrementControllerEpoch()

    // Watch before reading, so that nothing is missed in between.
    this.handlers.registerChildHandlers()
    await this.handlers.registerNodeHandlers()
    await this.zkClient.deleteLogDirEventNotifications(this.controllerContext)
    await this.zkClient.deleteIsrChangeNotifications(this.controllerContext)
    await this.initializeControllerContext()
    const { toBeDeleted, ineligible } = await this.#fetchTopicDeletionsInProgress()
    await this.topicDeletionManager.init(toBeDeleted, ineligible)

    // Tell who is alive, before brokers hear whom to follow.
    const { controllerContext: context } = this
    await this.sendUpdateMetadataRequest(context.liveOrShuttingDownBrokerIds)
    await this.replicaStateMachine.startup()
    await this.partitionStateMachine.startup()
    log.info(`in office with epoch ${this.epoch}`)

    // Go on with what the last controller left.
    const reassigned = [...context.partitionsBeingReassigned.keys()]
    await this.partitionReassignments.maybeTriggerPartitionReassignment(reassigned)
    await this.topicDeletionManager.tryTopicDeletion()
    await this.preferredReplicaElections.resumePendingElections()

    // Look after balance from now on.
    this.#kafkaScheduler.startup()
    if (this.config.autoLeaderRebalanceEnable)
      this.scheduleAutoLeaderRebalanceTask(5_000)
  }

  /**
   * Leaves office: stops watching and forgets everything.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.onControllerResignation
   */
  async onControllerResignation(): Promise<void> {
    // Stop everything that could bring news.
    this.handlers.unregisterAll()
    this.topicDeletionManager.reset()
    await this.#kafkaScheduler.shutdown()

    // Forget the cluster.
    this.partitionStateMachine.shutdown()
    this.replicaStateMachine.shutdown()
    this.brokerRequestBatch.clear()
    await this.controllerContext.resetControllerContext()
  }

  /** Reads the epoch of the last controller; there may have been none. */
  async readControllerEpochFromZooKeeper(): Promise<void> {
    const found = await this.zkClient.getControllerEpoch()
    if (found === undefined) return
    this.controllerContext.epoch = found.epoch
    this.controllerContext.epochZkVersion = found.stat.version
  }

  /**
   * Takes the next epoch.
   *
   * @throws ControllerMovedException when another controller took it first
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.incrementControllerEpoch
   */
  async incrementControllerEpoch(): Promise<void> {
    const { controllerContext: context, zkClient } = this
    const newControllerEpoch = context.epoch + 1
    try {
      const version = context.epochZkVersion
      context.epochZkVersion = await zkClient.setControllerEpochRaw(
        newControllerEpoch,
        version,
      )
      context.epoch = newControllerEpoch
    } catch (e) {
      if (e instanceof BadVersionException) throw movedElsewhere(e)
      if (!(e instanceof NoNodeException)) throw e

      // Be the first controller of this cluster.
      await this.#createFirstControllerEpoch()
    }
  }

  // Kafka 1.1.1 takes the new node for version 1; it is 0, and here it is compared.
  async #createFirstControllerEpoch(): Promise<void> {
    const first = KafkaController.InitialControllerEpoch
    try {
      await this.zkClient.createControllerEpochRaw(first)
    } catch (e) {
      throw e instanceof NodeExistsException ? movedElsewhere(e) : e
    }
    this.controllerContext.epoch = first
    this.controllerContext.epochZkVersion = 0
  }

  /**
   * Reads the whole cluster from ZooKeeper and connects to its brokers.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.initializeControllerContext
   */
  async initializeControllerContext(): Promise<void> {
    // Read brokers, topics and assignments.
    const { controllerContext: context, zkClient } = this
    context.setLiveBrokersAndEpochs(await getAllBrokerAndEpochsInCluster(zkClient))
    context.allTopics = new Set(await zkClient.getAllTopicsInCluster())
    this.registerPartitionModificationsHandlers(context.allTopics)
    const assignment = await zkClient.getReplicaAssignmentForTopics(context.allTopics)
    for (const [p, replicas] of assignment) {
      context.partitionReplicaAssignment.set(p, replicas)
    }

    // Read who leads, and notice changed end points from now on.
    context.partitionLeadershipInfo.clear()
    context.shuttingDownBrokerIds.clear()
    await this.handlers.registerBrokerModificationsHandler(context.liveBrokerIds)
    await this.updateLeaderAndIsrCache(assignment.keys())

    this.startChannelManager()
    await this.partitionReassignments.initializePartitionReassignment()
  }

  /** Opens a line to each live broker. */
  startChannelManager(): void {
    // Connect to whoever is alive.
    const { config, controllerContext: context, platform } = this
    const channels = new ControllerChannelManager(
      config,
      this.#newClient,
      platform.clock,
    )
    context.controllerChannelManager = channels
    channels.startup(context.liveBrokers)
  }

  /** Reads who leads these partitions. */
  async updateLeaderAndIsrCache(partitions: Iterable<TopicPartition>): Promise<void> {
    for (const [p, info] of await this.zkClient.getTopicPartitionStates(partitions)) {
      this.controllerContext.partitionLeadershipInfo.set(p, info)
    }
  }

  async #fetchTopicDeletionsInProgress() {
    // Find topics with an offline replica, or on the move.
    const { controllerContext: context } = this
    const toBeDeleted = await this.zkClient.getTopicDeletions()
    const offline = context
      .replicasForPartition(context.partitionReplicaAssignment.keys())
      .filter((r) => !context.isReplicaOnline(r.replica, r.topicPartition))
      .map((r) => r.topic)
    const moving = [...context.partitionsBeingReassigned.keys()].map((p) => p.topic)
    return { toBeDeleted, ineligible: new Set([...offline, ...moving]) }
  }

  // ── Topics ────────────────────────────────────────────────────────────────────────────

  /**
   * Brings new partitions to life.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.onNewPartitionCreation
   */
  async onNewPartitionCreation(
    newPartitions: readonly TopicPartition[],
  ): Promise<void> {
    // Know partitions and replicas.
    log.info(`new partitions: ${newPartitions.join(', ')}`)
    const { partitionStateMachine: partitions, replicaStateMachine: replicas } = this
    const all = () => this.controllerContext.replicasForPartition(newPartitions)
    await partitions.handleStateChanges(newPartitions, 'NewPartition')
    await replicas.handleStateChanges(all(), 'NewReplica')

    // Give them leaders, which brings the replicas online.
    await partitions.handleStateChanges(
      newPartitions,
      'OnlinePartition',
      'OfflinePartitionLeaderElectionStrategy',
    )
    await replicas.handleStateChanges(all(), 'OnlineReplica')
  }

  /** Watches topics for added partitions, from the next reading on. */
  registerPartitionModificationsHandlers(topics: Iterable<string>): void {
    this.handlers.registerPartitionModificationsHandlers(topics)
  }

  unregisterPartitionModificationsHandlers(topics: Iterable<string>): void {
    this.handlers.unregisterPartitionModificationsHandlers(topics)
  }

  // ── Requests to brokers ───────────────────────────────────────────────────────────────

  /**
   * Tells brokers who is alive and how partitions stand.
   *
   * @param partitions - those that changed; all when absent
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.sendUpdateMetadataRequest
   */
  async sendUpdateMetadataRequest(
    brokers: Iterable<number>,
    partitions?: Iterable<TopicPartition>,
  ): Promise<void> {
    await this.sendBatch((batch) =>
      batch.addUpdateMetadataRequestForBrokers(brokers, partitions),
    )
  }

  /**
   * Sends a batch of our own. If that fails, nobody knows what brokers have been told, so
   * the controller gives up its office.
   *
   * @throws IllegalStateException after giving up
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.handleIllegalState
   */
  async sendBatch(fill: (batch: Batch) => void): Promise<void> {
    const batch = this.brokerRequestBatch
    try {
      batch.newBatch()
      fill(batch)
      batch.sendRequestsToBrokers(this.epoch)
    } catch (e) {
      if (!(e instanceof IllegalStateException)) throw e
      log.error('a batch could not be sent, giving up the office', e)
      batch.clear()
      await this.triggerControllerMove()
      throw e
    }
  }

  leaderAndIsrResponseReceived(response: LeaderAndIsrResponse, brokerId: number): void {
    this.eventManager.put(new LeaderAndIsrResponseReceived(this, response, brokerId))
  }

  topicDeletionStopReplicaResponseReceived(
    response: StopReplicaResponse,
    brokerId: number,
  ): void {
    this.eventManager.put(
      new TopicDeletionStopReplicaResponseReceived(this, response, brokerId),
    )
  }

  /** Looks at the balance of leadership, `delayMs` from now. */
  scheduleAutoLeaderRebalanceTask(delayMs: number): void {
    if (!this.#kafkaScheduler.isStarted) return
    this.#kafkaScheduler.schedule(
      'auto-leader-rebalance-task',
      () => this.eventManager.put(new AutoPreferredReplicaLeaderElection(this)),
      delayMs,
    )
  }

  /** What a monitor sees, measured now. */
  get metrics(): ControllerMetrics {
    const { controllerContext: context, isActive } = this
    return {
      activeControllerCount: isActive ? 1 : 0,
      offlinePartitionsCount: this.partitionStateMachine.offlinePartitionCount,
      preferredReplicaImbalanceCount: this.preferredReplicaElections.imbalanceCount,
      globalTopicCount: context.allTopics.size,
      globalPartitionCount: context.partitionLeadershipInfo.size,
    }
  }
}

function movedElsewhere(cause: unknown): ControllerMovedException {
  return new ControllerMovedException('another controller took the next epoch', {
    cause,
  })
}
