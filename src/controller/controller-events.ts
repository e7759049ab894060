/**
 * # controller-events
 *
 * Everything that can happen to a controller, and the first step of what it does about it.
 * An event holds no knowledge but the occasion: what it needs it reads when its turn comes,
 * so several of one kind in the queue do no harm.
 *
 * Invariants: events that only concern the controller in office do nothing on any other
 * broker. Those that run everywhere say so.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala
 * @differs inner classes of KafkaController in Kafka
 * @module
 */

import { Deferred } from '../base/async/Deferred.ts'
import { ControllerMovedException, Errors } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import { TopicPartition } from '../base/TopicPartition.ts'
import type { LeaderAndIsrResponse } from '../protocol/messages/LeaderAndIsr.ts'
import type { StopReplicaResponse } from '../protocol/messages/StopReplica.ts'
import { getAllBrokerAndEpochsInCluster } from '../zk/broker-epochs.ts'
import type { ControllerEvent, ControllerState } from './ControllerEventManager.ts'
import type { KafkaController } from './KafkaController.ts'
import { PartitionAndReplica } from './PartitionAndReplica.ts'

const log = logger('KafkaController')

/** What a broker that asked for a controlled shutdown is told. */
export type ControlledShutdownResult =
  | { readonly remaining: readonly TopicPartition[]; readonly error?: undefined }
  | { readonly error: Error; readonly remaining?: undefined }

/** Takes the answer to a controlled shutdown. Called once. */
export type ControlledShutdownCallback = (result: ControlledShutdownResult) => void

/** Base of all events: knows the controller it happens to. */
abstract class Event implements ControllerEvent {
  abstract readonly state: ControllerState
  protected readonly controller: KafkaController

  constructor(controller: KafkaController) {
    this.controller = controller
  }

  abstract process(): Promise<void>
}

// ── Who is controller: on every broker ──────────────────────────────────────────────────

/** The broker started: watch `/controller` and try to become controller. */
export class Startup extends Event {
  readonly state = 'ControllerChange'

  override async process(): Promise<void> {
    const { zkClient, handlers } = this.controller
    const handler = handlers.controllerChangeHandler
    await zkClient.registerZNodeChangeHandlerAndCheckExistence(handler)
    await this.controller.elect()
  }
}

/** `/controller` was made or changed: see who it is, and leave if it is not us. */
export class ControllerChange extends Event {
  readonly state: ControllerState = 'ControllerChange'

  override async process(): Promise<void> {
    await this.maybeResign()
  }

  /** Reads who is controller, and leaves office if it is somebody else now. */
  protected async maybeResign(): Promise<void> {
    // Read the office, which sets the watch again.
    const { controller } = this
    const wasActiveBeforeChange = controller.isActive
    await controller.zkClient.registerZNodeChangeHandlerAndCheckExistence(
      controller.handlers.controllerChangeHandler,
    )
    controller.activeControllerId = (await controller.zkClient.getControllerId()) ?? -1

    if (wasActiveBeforeChange && !controller.isActive) {
      await controller.onControllerResignation()
    }
  }
}

/** `/controller` is gone: try to become controller. */
export class Reelect extends ControllerChange {
  override async process(): Promise<void> {
    await this.maybeResign()
    await this.controller.elect()
  }
}

/** A new session stands: be a broker again, then try to become controller. */
export class RegisterBrokerAndReelect extends ControllerChange {
  override async process(): Promise<void> {
    await this.controller.zkClient.registerBrokerInZk(this.controller.brokerInfo)
    await new Reelect(this.controller).process()
  }
}

/** The session expired: the office is lost. */
export class Expire extends Event {
  readonly state = 'ControllerChange'
  readonly #processingStarted = new Deferred()

  /** Waits until all events before this one are done, or this one was dropped. */
  waitUntilProcessingStarted(): Promise<void> {
    return this.#processingStarted.promise
  }

  override async process(): Promise<void> {
    this.#processingStarted.resolve()
    this.controller.activeControllerId = -1
    await this.controller.onControllerResignation()
  }

  dropped(): void {
    this.#processingStarted.resolve()
  }
}

/** A broker wants to stop. */
export class ControlledShutdown extends Event {
  readonly state = 'ControlledShutdown'
  readonly #id: number
  readonly #callback: ControlledShutdownCallback

  constructor(
    controller: KafkaController,
    id: number,
    callback: ControlledShutdownCallback,
  ) {
    super(controller)
    this.#id = id
    this.#callback = callback
  }

  override async process(): Promise<void> {
    // Answer in any case: the broker waits.
    let result: ControlledShutdownResult
    try {
      result = {
        remaining: await this.controller.brokerChanges.doControlledShutdown(this.#id),
      }
    } catch (e) {
      result = { error: e instanceof Error ? e : new Error(String(e)) }
    }
    this.#callback(result)
  }

  dropped(): void {
    this.#callback({ error: new ControllerMovedException('the controller stops') })
  }
}

// ── Brokers ─────────────────────────────────────────────────────────────────────────────

/**
 * Brokers came or went, or came again.
 *
 * @differs Kafka 1.1 compares ids only. A broker whose old session ended just before it
 *   registered again, both before the controller looked, is then never told what it leads
 *   and follows (KAFKA-1120). Here, as in Kafka 2.2, it counts as gone and come again.
 */
export class BrokerChange extends Event {
  readonly state = 'BrokerChange'

  override async process(): Promise<void> {
    if (!this.controller.isActive) return

    // Compare who is registered with whom we know.
    const { controller } = this
    const { controllerContext: context } = controller
    const registered = await getAllBrokerAndEpochsInCluster(controller.zkClient)
    const curBrokers = [...registered.keys()]
    const known = context.liveOrShuttingDownBrokerIds
    const newBrokers = curBrokers.filter((b) => !known.has(b.id))
    const bounced = curBrokers.filter((b) => context.hasBounced(b, registered.get(b)!))
    const current = new Set(curBrokers.map((b) => b.id))
    const deadBrokerIds = [...known].filter((id) => !current.has(id)).sort(ascending)

    // Open and close lines to them.
    const channels = context.controllerChannelManager
    for (const broker of newBrokers) channels?.addBroker(broker)
    for (const id of deadBrokerIds) await channels?.removeBroker(id)

    // Take over from those that were away for a moment. What is meant for their old life
    // must not reach the new one, so the new line is opened afterwards.
    const bouncedIds = bounced.map((b) => b.id).sort(ascending)
    if (bounced.length > 0) {
      context.setLiveBrokers(curBrokers.filter((b) => !bounced.includes(b)))
      for (const id of bouncedIds) await channels?.removeBroker(id)
      await controller.brokerChanges.onBrokerFailure(bouncedIds)
      for (const broker of bounced) channels?.addBroker(broker)
    }
    context.setLiveBrokersAndEpochs(registered)
    if (bounced.length > 0) await controller.brokerChanges.onBrokerStartup(bouncedIds)

    // Put the new ones to work and replace the dead ones.
    if (newBrokers.length > 0) {
      await controller.brokerChanges.onBrokerStartup(
        newBrokers.map((b) => b.id).sort(ascending),
      )
    }
    if (deadBrokerIds.length > 0)
      await controller.brokerChanges.onBrokerFailure(deadBrokerIds)
  }
}

/** A broker registered anew, maybe with other end points. */
export class BrokerModifications extends Event {
  readonly state = 'BrokerChange'
  readonly #brokerId: number

  constructor(controller: KafkaController, brokerId: number) {
    super(controller)
    this.#brokerId = brokerId
  }

  override async process(): Promise<void> {
    if (!this.controller.isActive) return

    // Compare the end points; the read also sets the watch again.
    const { controllerContext: context, zkClient } = this.controller
    const newBroker = await zkClient.getBroker(this.#brokerId)
    const brokers = context.liveOrShuttingDownBrokers
    const oldBroker = brokers.find((b) => b.id === this.#brokerId)
    if (newBroker === undefined || oldBroker?.hasSameEndPoints(newBroker)) return

    const others = brokers.filter((b) => b.id !== this.#brokerId)
    context.setLiveBrokers([...others, newBroker])
    await this.controller.brokerChanges.onBrokerUpdate(this.#brokerId)
  }
}

/** Brokers lost log directories. */
export class LogDirEventNotification extends Event {
  readonly state = 'LogDirChange'

  override async process(): Promise<void> {
    if (!this.controller.isActive) return
    const { controllerContext: context, zkClient } = this.controller
    const sequenceNumbers = await zkClient.getAllLogDirEventNotifications()
    try {
      const brokerIds = await zkClient.getBrokerIdsFromLogDirEvents(sequenceNumbers)
      if (brokerIds.length > 0)
        await this.controller.brokerChanges.onBrokerLogDirFailure(brokerIds)
    } finally {
      await zkClient.deleteLogDirEventNotifications(context, sequenceNumbers)
    }
  }
}

/** A broker answered LeaderAndIsr: some partitions may have lost their disk there. */
export class LeaderAndIsrResponseReceived extends Event {
  readonly state = 'LeaderAndIsrResponseReceived'
  readonly #response: LeaderAndIsrResponse
  readonly #brokerId: number

  constructor(
    controller: KafkaController,
    response: LeaderAndIsrResponse,
    brokerId: number,
  ) {
    super(controller)
    this.#response = response
    this.#brokerId = brokerId
  }

  override async process(): Promise<void> {
    if (!this.controller.isActive) return

    // Only log that the whole request was refused.
    const { errorCode, partitionErrors } = this.#response
    if (errorCode !== Errors.NONE.code) {
      const { name } = Errors.forCode(errorCode)
      log.error(`broker ${this.#brokerId} refused LeaderAndIsr: ${name}`)
      return
    }

    // Sort the partitions by whether their disk works.
    const withError = (code: number) =>
      partitionErrors
        .filter((p) => p.errorCode === code)
        .map((p) => new TopicPartition(p.topicName, p.partition))
    await this.controller.brokerChanges.onLeaderAndIsrResponse(
      this.#brokerId,
      withError(Errors.KAFKA_STORAGE_ERROR.code),
      withError(Errors.NONE.code),
    )
  }
}

// ── Topics ──────────────────────────────────────────────────────────────────────────────

/** Topics came or went. */
export class TopicChange extends Event {
  readonly state = 'TopicChange'

  override async process(): Promise<void> {
    if (!this.controller.isActive) return

    // Compare the topics that exist with those we know.
    const { controller } = this
    const { controllerContext: context, zkClient } = controller
    const topics = new Set(await zkClient.getAllTopicsInCluster())
    const newTopics = [...topics].filter((t) => !context.allTopics.has(t))
    const deletedTopics = [...context.allTopics].filter((t) => !topics.has(t))
    context.allTopics = topics

    // Read the assignments of the new ones, and watch them.
    controller.registerPartitionModificationsHandlers(newTopics)
    const added = await zkClient.getReplicaAssignmentForTopics(newTopics)
    for (const topic of deletedTopics) context.removeTopic(topic)
    for (const [p, replicas] of added) {
      context.partitionReplicaAssignment.set(p, replicas)
    }
    if (added.size > 0) await controller.onNewPartitionCreation([...added.keys()])
  }
}

/** The assignment of a topic changed: partitions may have been added. */
export class PartitionModifications extends Event {
  readonly state = 'TopicChange'
  readonly #topic: string

  constructor(controller: KafkaController, topic: string) {
    super(controller)
    this.#topic = topic
  }

  override async process(): Promise<void> {
    if (!this.controller.isActive) return

    // Find the partitions that are new to us.
    const { controllerContext: context, zkClient } = this.controller
    const assignment = await zkClient.getReplicaAssignmentForTopics([this.#topic])
    const toBeAdded = [...assignment].filter(
      ([p]) => !context.partitionReplicaAssignment.has(p),
    )
    if (toBeAdded.length === 0) return

    // Leave a topic alone that is going away.
    if (this.controller.topicDeletionManager.isTopicQueuedUpForDeletion(this.#topic)) {
      log.error(`topic ${this.#topic} is being deleted, its new partitions are ignored`)
      return
    }
    for (const [p, replicas] of toBeAdded) {
      context.partitionReplicaAssignment.set(p, replicas)
    }
    await this.controller.onNewPartitionCreation(toBeAdded.map(([p]) => p))
  }
}

/** Topics are to be deleted. */
export class TopicDeletion extends Event {
  readonly state = 'TopicDeletion'

  override async process(): Promise<void> {
    if (!this.controller.isActive) return

    // Take back orders for topics that do not exist.
    const {
      controllerContext: context,
      topicDeletionManager,
      zkClient,
    } = this.controller
    const ordered = await zkClient.getTopicDeletions()
    const unknown = ordered.filter((t) => !context.allTopics.has(t))
    const topics = ordered.filter((t) => context.allTopics.has(t))
    await zkClient.deleteTopicDeletions(unknown, context)

    // Take back all orders where topics cannot be deleted.
    if (!topicDeletionManager.isDeleteTopicEnabled) {
      await zkClient.deleteTopicDeletions(topics, context)
      return
    }
    if (topics.length === 0) return

    // Let topics wait that are being moved, and begin.
    const moving = [...context.partitionsBeingReassigned.keys()].map((p) => p.topic)
    await topicDeletionManager.enqueueTopicsForDeletion(topics, moving)
  }
}

/** A broker answered a StopReplica that deletes. */
export class TopicDeletionStopReplicaResponseReceived extends Event {
  readonly state = 'TopicDeletion'
  readonly #response: StopReplicaResponse
  readonly #replicaId: number

  constructor(
    controller: KafkaController,
    response: StopReplicaResponse,
    replicaId: number,
  ) {
    super(controller)
    this.#response = response
    this.#replicaId = replicaId
  }

  override async process(): Promise<void> {
    if (!this.controller.isActive) return

    // Sort the replicas by whether they are gone.
    const { errorCode, partitionErrors } = this.#response
    const replicasWhere = (failed: boolean) =>
      partitionErrors
        .filter((p) => failed === (errorCode !== 0 || p.errorCode !== 0))
        .map((p) => new TopicPartition(p.topicName, p.partition))
        .map((p) => new PartitionAndReplica(p, this.#replicaId))
    const inError = replicasWhere(true)
    const deleted = replicasWhere(false)

    const { topicDeletionManager } = this.controller
    await topicDeletionManager.failReplicaDeletion(inError)
    if (deleted.length > 0) await topicDeletionManager.completeReplicaDeletion(deleted)
  }
}

// ── Partitions ──────────────────────────────────────────────────────────────────────────

/** Leaders changed the ISR of partitions. */
export class IsrChangeNotification extends Event {
  readonly state = 'IsrChange'

  override async process(): Promise<void> {
    if (!this.controller.isActive) return
    const { controllerContext: context, zkClient } = this.controller
    const sequenceNumbers = await zkClient.getAllIsrChangeNotifications()
    try {
      // Read the states again and pass them on.
      const partitions =
        await zkClient.getPartitionsFromIsrChangeNotifications(sequenceNumbers)
      if (partitions.length === 0) return
      await this.controller.updateLeaderAndIsrCache(partitions)
      await this.processUpdateNotifications(partitions)
    } finally {
      await zkClient.deleteIsrChangeNotifications(context, sequenceNumbers)
    }
  }

  /** Tells all brokers who is in sync now. */
  async processUpdateNotifications(
    partitions: readonly TopicPartition[],
  ): Promise<void> {
    const { liveOrShuttingDownBrokerIds } = this.controller.controllerContext
    await this.controller.sendUpdateMetadataRequest(
      liveOrShuttingDownBrokerIds,
      partitions,
    )
  }
}

/** Partitions are to be moved. */
export class PartitionReassignment extends Event {
  readonly state = 'PartitionReassignment'

  override async process(): Promise<void> {
    if (!this.controller.isActive) return
    await this.controller.partitionReassignments.onPartitionReassignmentOrdered()
  }
}

/** The ISR of a partition that is being moved changed. */
export class PartitionReassignmentIsrChange extends Event {
  readonly state = 'PartitionReassignment'
  readonly #partition: TopicPartition

  constructor(controller: KafkaController, partition: TopicPartition) {
    super(controller)
    this.#partition = partition
  }

  override async process(): Promise<void> {
    if (!this.controller.isActive) return
    await this.controller.partitionReassignments.onIsrChange(this.#partition)
  }
}

/** A tool wants preferred leaders back. */
export class PreferredReplicaLeaderElection extends Event {
  readonly state = 'ManualLeaderBalance'

  override async process(): Promise<void> {
    if (!this.controller.isActive) return
    await this.controller.preferredReplicaElections.onElectionOrdered()
  }
}

/** It is time to look at the balance of leadership. */
export class AutoPreferredReplicaLeaderElection extends Event {
  readonly state = 'AutoLeaderBalance'

  override async process(): Promise<void> {
    if (!this.controller.isActive) return
    const { config, preferredReplicaElections } = this.controller
    try {
      await preferredReplicaElections.checkAndTriggerAutoLeaderRebalance()
    } finally {
      const delayMs = config.leaderImbalanceCheckIntervalSeconds * 1000
      this.controller.scheduleAutoLeaderRebalanceTask(delayMs)
    }
  }
}

function ascending(a: number, b: number): number {
  return a - b
}
