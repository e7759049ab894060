/**
 * # TopicDeletionManager
 *
 * Deletes topics, which takes the consent of every broker that holds a replica.
 *
 *     /admin/delete_topics/t ─▶ enqueue ─▶ onTopicDeletion ─▶ brokers hear leader -2
 *                                                          ─▶ replicas: Offline
 *                                                          ─▶ DeletionStarted ─▶ answers
 *     all answers good ─▶ completeDeleteTopic: the znodes of the topic go
 *     a broker is dead, or failed ─▶ ineligible, tried again when it is back
 *
 * A topic waits as *ineligible* while one of its replicas cannot be reached, or while its
 * partitions are being moved.
 *
 * Invariants: the znodes of a topic go last, so that a new controller finds the order and
 * goes on with it.
 *
 * @kafka core/src/main/scala/kafka/controller/TopicDeletionManager.scala#TopicDeletionManager
 * @module
 */

import { logger } from '../base/logger.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionSet } from '../base/TopicPartitionMap.ts'
import type { StopReplicaResponse } from '../protocol/messages/StopReplica.ts'
import type { KafkaZkClient } from '../zk/KafkaZkClient.ts'
import type { ControllerContext } from './ControllerContext.ts'
import { type PartitionAndReplica, withoutReplicas } from './PartitionAndReplica.ts'
import type {
  PartitionStateMachine,
  TopicDeletionView,
} from './PartitionStateMachine.ts'
import type { ReplicaStateMachine } from './ReplicaStateMachine.ts'

const log = logger('TopicDeletionManager')

/** What the manager needs of the controller. */
export interface TopicDeletionHost {
  readonly config: {
    /** Whether topics can be deleted at all. */
    readonly deleteTopicEnable: boolean
  }
  readonly controllerContext: ControllerContext
  readonly replicaStateMachine: ReplicaStateMachine
  readonly partitionStateMachine: PartitionStateMachine

  /** Tells brokers how partitions stand. */
  sendUpdateMetadataRequest(
    brokers: Iterable<number>,
    partitions?: Iterable<TopicPartition>,
  ): Promise<void>

  /** Stops watching topics. */
  unregisterPartitionModificationsHandlers(topics: Iterable<string>): void

  /** Puts the event that handles an answer to a StopReplica that deletes. */
  topicDeletionStopReplicaResponseReceived(
    response: StopReplicaResponse,
    brokerId: number,
  ): void
}

/** The deletions under way. */
export class TopicDeletionManager implements TopicDeletionView {
  readonly #controller: TopicDeletionHost
  readonly #zkClient: KafkaZkClient
  readonly #topicsToBeDeleted = new Set<string>()
  readonly #partitionsToBeDeleted = new TopicPartitionSet()
  readonly #topicsIneligibleForDeletion = new Set<string>()

  constructor(controller: TopicDeletionHost, zkClient: KafkaZkClient) {
    this.#controller = controller
    this.#zkClient = zkClient
  }

  /** `delete.topic.enable` */
  get isDeleteTopicEnabled(): boolean {
    return this.#controller.config.deleteTopicEnable
  }

  /** Topics that are to be deleted, or are being deleted. */
  get topicsToBeDeleted(): ReadonlySet<string> {
    return this.#topicsToBeDeleted
  }

  /** Their partitions. */
  get partitionsToBeDeleted(): Iterable<TopicPartition> {
    return this.#partitionsToBeDeleted
  }

  get #context(): ControllerContext {
    return this.#controller.controllerContext
  }

  /**
   * Takes over what the last controller left.
   *
   * @kafka core/src/main/scala/kafka/controller/TopicDeletionManager.scala#TopicDeletionManager.init
   */
  async init(
    initialTopicsToBeDeleted: Iterable<string>,
    initialTopicsIneligibleForDeletion: Iterable<string>,
  ): Promise<void> {
    // Take the orders back where topics cannot be deleted.
    if (!this.isDeleteTopicEnabled) {
      await this.#zkClient.deleteTopicDeletions(initialTopicsToBeDeleted, this.#context)
      return
    }

    this.#add(initialTopicsToBeDeleted)
    this.markTopicIneligibleForDeletion(initialTopicsIneligibleForDeletion)
  }

  /** Goes on with deletions; called once a controller is in office. */
  async tryTopicDeletion(): Promise<void> {
    if (this.isDeleteTopicEnabled) await this.resumeDeletions()
  }

  /** Forgets everything, when the controller leaves office. */
  reset(): void {
    this.#topicsToBeDeleted.clear()
    this.#partitionsToBeDeleted.clear()
    this.#topicsIneligibleForDeletion.clear()
  }

  /**
   * Begins to delete topics.
   *
   * @param ineligible - topics that have to wait, if they are among them
   * @kafka core/src/main/scala/kafka/controller/TopicDeletionManager.scala#TopicDeletionManager.enqueueTopicsForDeletion
   * @differs Kafka marks the ineligible before it adds them, when the mark has no effect
   */
  async enqueueTopicsForDeletion(
    topics: Iterable<string>,
    ineligible: Iterable<string> = [],
  ): Promise<void> {
    if (!this.isDeleteTopicEnabled) return
    this.#add(topics)
    this.markTopicIneligibleForDeletion(ineligible)
    await this.resumeDeletions()
  }

  #add(topics: Iterable<string>): void {
    for (const topic of topics) {
      this.#topicsToBeDeleted.add(topic)
      for (const partition of this.#context.partitionsForTopic(topic)) {
        this.#partitionsToBeDeleted.add(partition)
      }
    }
  }

  /** Tries topics again that had to wait: a broker is back, or a move is done. */
  async resumeDeletionForTopics(topics: Iterable<string>): Promise<void> {
    if (!this.isDeleteTopicEnabled) return
    const toResume = [...topics].filter((t) => this.#topicsToBeDeleted.has(t))
    if (toResume.length === 0) return
    for (const topic of toResume) this.#topicsIneligibleForDeletion.delete(topic)
    await this.resumeDeletions()
  }

  /**
   * Puts deletions off: replicas could not be deleted, or their broker died.
   *
   * @kafka core/src/main/scala/kafka/controller/TopicDeletionManager.scala#TopicDeletionManager.failReplicaDeletion
   */
  async failReplicaDeletion(replicas: readonly PartitionAndReplica[]): Promise<void> {
    if (!this.isDeleteTopicEnabled) return
    const failed = replicas.filter((r) => this.isTopicQueuedUpForDeletion(r.topic))
    if (failed.length === 0) return
    const { replicaStateMachine } = this.#controller
    await replicaStateMachine.handleStateChanges(failed, 'ReplicaDeletionIneligible')
    this.markTopicIneligibleForDeletion(failed.map((r) => r.topic))
    await this.resumeDeletions()
  }

  /** Keeps topics from being deleted for now. Only those that are to be deleted count. */
  markTopicIneligibleForDeletion(topics: Iterable<string>): void {
    if (!this.isDeleteTopicEnabled) return
    for (const topic of topics) {
      if (!this.#topicsToBeDeleted.has(topic)) continue
      this.#topicsIneligibleForDeletion.add(topic)
      log.info(`deletion of topic ${topic} has to wait`)
    }
  }

  /** Whether the deletion of a topic has to wait. */
  isTopicIneligibleForDeletion(topic: string): boolean {
    return !this.isDeleteTopicEnabled || this.#topicsIneligibleForDeletion.has(topic)
  }

  /** Whether brokers are deleting replicas of the topic. */
  isTopicDeletionInProgress(topic: string): boolean {
    const { replicaStateMachine } = this.#controller
    return (
      this.isDeleteTopicEnabled &&
      replicaStateMachine.isAtLeastOneReplicaInDeletionStartedState(topic)
    )
  }

  isPartitionToBeDeleted(partition: TopicPartition): boolean {
    return this.isDeleteTopicEnabled && this.#partitionsToBeDeleted.has(partition)
  }

  isTopicQueuedUpForDeletion(topic: string): boolean {
    return this.isDeleteTopicEnabled && this.#topicsToBeDeleted.has(topic)
  }

  /** Whether the deletion of a topic can begin now. */
  isTopicEligibleForDeletion(topic: string): boolean {
    return (
      this.isTopicQueuedUpForDeletion(topic) &&
      !this.isTopicDeletionInProgress(topic) &&
      !this.isTopicIneligibleForDeletion(topic)
    )
  }

  /**
   * Notes that brokers have deleted replicas.
   *
   * @kafka core/src/main/scala/kafka/controller/TopicDeletionManager.scala#TopicDeletionManager.completeReplicaDeletion
   */
  async completeReplicaDeletion(
    replicas: readonly PartitionAndReplica[],
  ): Promise<void> {
    const { replicaStateMachine } = this.#controller
    const deleted = replicas.filter((r) => this.isTopicQueuedUpForDeletion(r.topic))
    await replicaStateMachine.handleStateChanges(deleted, 'ReplicaDeletionSuccessful')
    await this.resumeDeletions()
  }

  /** Lets replicas that could not be deleted begin anew. */
  async markTopicForDeletionRetry(topic: string): Promise<void> {
    const { replicaStateMachine } = this.#controller
    const failed = replicaStateMachine.replicasInState(
      topic,
      'ReplicaDeletionIneligible',
    )
    await replicaStateMachine.handleStateChanges(failed, 'OfflineReplica')
  }

  /**
   * Removes a topic whose replicas are all deleted.
   *
   * @kafka core/src/main/scala/kafka/controller/TopicDeletionManager.scala#TopicDeletionManager.completeDeleteTopic
   */
  async completeDeleteTopic(topic: string): Promise<void> {
    // Stop watching. Its deletion is no news to us.
    const { replicaStateMachine, partitionStateMachine } = this.#controller
    this.#controller.unregisterPartitionModificationsHandlers([topic])

    // Move its replicas and partitions out of existence.
    const deleted = replicaStateMachine.replicasInState(
      topic,
      'ReplicaDeletionSuccessful',
    )
    const partitions = this.#context.partitionsForTopic(topic)
    await replicaStateMachine.handleStateChanges(deleted, 'NonExistentReplica')
    await partitionStateMachine.handleStateChanges(partitions, 'OfflinePartition')
    await partitionStateMachine.handleStateChanges(partitions, 'NonExistentPartition')

    // Delete its znodes, the order itself last.
    this.#topicsToBeDeleted.delete(topic)
    for (const partition of partitions) this.#partitionsToBeDeleted.delete(partition)
    await this.#zkClient.deleteTopicZNode(topic, this.#context)
    await this.#zkClient.deleteTopicConfigs([topic], this.#context)
    await this.#zkClient.deleteTopicDeletions([topic], this.#context)
    this.#context.removeTopic(topic)
    log.info(`topic ${topic} is deleted`)
  }

  /**
   * Begins to delete topics: all brokers hear that they are going, then their replicas
   * are deleted.
   *
   * @kafka core/src/main/scala/kafka/controller/TopicDeletionManager.scala#TopicDeletionManager.onTopicDeletion
   */
  async onTopicDeletion(topics: readonly string[]): Promise<void> {
    log.info(`deleting topics ${topics.join(', ')}`)
    const partitions = topics.flatMap((t) => this.#context.partitionsForTopic(t))
    const brokers = this.#context.liveOrShuttingDownBrokerIds
    await this.#controller.sendUpdateMetadataRequest(brokers, partitions)
    for (const topic of topics) {
      await this.onPartitionDeletion(partitions.filter((p) => p.topic === topic))
    }
  }

  /** Begins to delete partitions. */
  async onPartitionDeletion(partitions: readonly TopicPartition[]): Promise<void> {
    await this.startReplicaDeletion(this.#context.replicasForPartition(partitions))
  }

  /**
   * Begins to delete replicas of one topic. Dead ones have to wait for their brokers, and
   * the topic waits with them.
   *
   * @kafka core/src/main/scala/kafka/controller/TopicDeletionManager.scala#TopicDeletionManager.startReplicaDeletion
   */
  async startReplicaDeletion(replicas: readonly PartitionAndReplica[]): Promise<void> {
    // Tell the replicas apart.
    const topic = replicas[0]?.topic
    if (topic === undefined) return
    const { replicaStateMachine: machine } = this.#controller
    const alive = this.#context.allLiveReplicas().filter((r) => r.topic === topic)
    const dead = withoutReplicas(replicas, alive)
    const done = machine.replicasInState(topic, 'ReplicaDeletionSuccessful')
    const toDelete = withoutReplicas(alive, done)

    // Stop and delete those that can be reached.
    await machine.handleStateChanges(dead, 'ReplicaDeletionIneligible')
    await machine.handleStateChanges(toDelete, 'OfflineReplica')
    await machine.handleStateChanges(
      toDelete,
      'ReplicaDeletionStarted',
      (response, brokerId) =>
        this.#controller.topicDeletionStopReplicaResponseReceived(response, brokerId),
    )
    if (dead.length > 0) this.markTopicIneligibleForDeletion([topic])
  }

  /**
   * Looks at every topic under deletion and takes its next step.
   *
   * @kafka core/src/main/scala/kafka/controller/TopicDeletionManager.scala#TopicDeletionManager.resumeDeletions
   */
  async resumeDeletions(): Promise<void> {
    const { replicaStateMachine: machine } = this.#controller
    for (const topic of [...this.#topicsToBeDeleted]) {
      // Finish, or let failed replicas try again.
      if (machine.areAllReplicasForTopicDeleted(topic)) {
        await this.completeDeleteTopic(topic)
      } else if (
        !machine.isAtLeastOneReplicaInDeletionStartedState(topic) &&
        machine.isAnyReplicaInState(topic, 'ReplicaDeletionIneligible')
      ) {
        await this.markTopicForDeletionRetry(topic)
      }

      // Begin, where nothing stands against it.
      if (this.isTopicEligibleForDeletion(topic)) await this.onTopicDeletion([topic])
    }
  }
}
