/**
 * # PartitionReassignments
 *
 * Moves partitions to other brokers while they are in use. With OAR the old replicas and
 * RAR the new ones, a move goes in two steps, with a wait in between:
 *
 *     1. assigned := OAR + RAR ─▶ RAR - OAR start to copy ─▶ wait until RAR are in sync
 *     2. leader in RAR ─▶ OAR - RAR are deleted ─▶ assigned := RAR ─▶ order done
 *
 * A watch on the state of the partition tells when its ISR changed, and the second step is
 * tried. A new controller begins the same two steps again; each does no harm twice.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.onPartitionReassignment
 * @differs methods of KafkaController in Kafka; a class of their own for its size
 * @module
 */

import {
  ControllerMovedException,
  IllegalStateException,
  KafkaException,
  StateChangeFailedException,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import { LeaderIsrAndControllerEpoch } from '../zk/LeaderAndIsr.ts'
import type { ReassignedPartitionsContext } from './ControllerContext.ts'
import { PartitionReassignment } from './controller-events.ts'
import type { KafkaController } from './KafkaController.ts'
import { PartitionAndReplica } from './PartitionAndReplica.ts'

const log = logger('KafkaController')

/** Partitions on their way to other brokers. */
export class PartitionReassignments {
  readonly #controller: KafkaController

  constructor(controller: KafkaController) {
    this.#controller = controller
  }

  get #context() {
    return this.#controller.controllerContext
  }

  /** Reads what is to be moved; nothing moves yet. */
  async initializePartitionReassignment(): Promise<void> {
    const ordered = await this.#controller.zkClient.getPartitionReassignment()
    for (const [partition, newReplicas] of ordered) {
      this.#context.partitionsBeingReassigned.set(partition, {
        newReplicas,
        reassignIsrChangeHandler: undefined,
      })
    }
  }

  /**
   * Acts on an order of a tool. Reading it sets the watch for the next one.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.PartitionReassignment
   */
  async onPartitionReassignmentOrdered(): Promise<void> {
    const { handlers, zkClient } = this.#controller
    const exists = await zkClient.registerZNodeChangeHandlerAndCheckExistence(
      handlers.partitionReassignmentHandler,
    )
    if (!exists) return
    await this.initializePartitionReassignment()
    const partitions = [...this.#context.partitionsBeingReassigned.keys()]
    await this.maybeTriggerPartitionReassignment(partitions)
  }

  /**
   * Begins or resumes moves, and takes out of the order what cannot be moved.
   *
   * @param partitions - all of them are in `partitionsBeingReassigned`
   * @differs a controller of 1.1.1 that loses its office here deletes the order, too
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.maybeTriggerPartitionReassignment
   */
  async maybeTriggerPartitionReassignment(
    partitions: readonly TopicPartition[],
  ): Promise<void> {
    for (const partition of partitions) {
      // Refuse what makes no sense.
      const context = this.#context.partitionsBeingReassigned.get(partition)
      if (context === undefined) {
        throw new IllegalStateException(`${partition} is not being moved`)
      }
      const obstacle = this.#obstacle(partition, context)
      if (obstacle !== undefined) {
        log.error(`${partition} is not moved: ${obstacle}`)
        await this.removePartitionFromReassignedPartitions(partition)
        continue
      }

      // Watch the partition's state, then take the first step.
      const { handlers, topicDeletionManager } = this.#controller
      try {
        context.reassignIsrChangeHandler =
          handlers.registerReassignIsrChangeHandler(partition)
        topicDeletionManager.markTopicIneligibleForDeletion([partition.topic])
        await this.onPartitionReassignment(partition, context)
      } catch (e) {
        // Leave the order to the next controller, if our office is lost.
        if (e instanceof ControllerMovedException || !this.#controller.isActive) throw e
        log.error(`moving ${partition} failed`, e)
        await this.removePartitionFromReassignedPartitions(partition)
      }
    }
  }

  #obstacle(
    partition: TopicPartition,
    { newReplicas }: ReassignedPartitionsContext,
  ): string | undefined {
    const { topicDeletionManager } = this.#controller
    const assigned = this.#context.assignment(partition)
    if (topicDeletionManager.isTopicQueuedUpForDeletion(partition.topic)) {
      return 'its topic is being deleted'
    }
    if (assigned.length === 0) return 'it does not exist'
    if (assigned.join() === newReplicas.join()) return 'it is there already'
    return undefined
  }

  /**
   * Takes the next step of one move.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.onPartitionReassignment
   */
  async onPartitionReassignment(
    partition: TopicPartition,
    context: ReassignedPartitionsContext,
  ): Promise<void> {
    const { newReplicas } = context
    if (await this.areReplicasInIsr(partition, newReplicas)) {
      await this.#finish(partition, context)
      return
    }

    // Assign old and new replicas, here and in ZooKeeper.
    const old = this.#context.assignment(partition)
    const added = newReplicas.filter((id) => !old.includes(id))
    const all = [...new Set([...newReplicas, ...old])]
    await this.updateAssignedReplicasForPartition(partition, all)

    // Introduce them to each other, and let the new ones copy.
    await this.updateLeaderEpochAndSendRequest(partition, all, all)
    await this.startNewReplicasForReassignedPartition(partition, added)
    log.info(`${partition} moves to ${newReplicas}, waiting for them to catch up`)
  }

  /** Has replicas made, on brokers that had none; they begin to copy. */
  async startNewReplicasForReassignedPartition(
    partition: TopicPartition,
    newReplicas: readonly number[],
  ): Promise<void> {
    const { replicaStateMachine } = this.#controller
    for (const id of newReplicas) {
      const replica = new PartitionAndReplica(partition, id)
      await replicaStateMachine.handleStateChanges([replica], 'NewReplica')
    }
  }

  /** Takes the second step: the new replicas have caught up. */
  async #finish(
    partition: TopicPartition,
    context: ReassignedPartitionsContext,
  ): Promise<void> {
    // Put the new replicas online.
    const { newReplicas } = context
    const { replicaStateMachine, topicDeletionManager } = this.#controller
    const oldReplicas = this.#context
      .assignment(partition)
      .filter((id) => !newReplicas.includes(id))
    for (const id of newReplicas) {
      const replica = new PartitionAndReplica(partition, id)
      await replicaStateMachine.handleStateChanges([replica], 'OnlineReplica')
    }

    // Let one of them lead, and delete the old ones.
    await this.moveReassignedPartitionLeaderIfRequired(partition, context)
    await this.stopOldReplicasOfReassignedPartition(partition, oldReplicas)

    // Make it final, and tell everybody.
    await this.updateAssignedReplicasForPartition(partition, newReplicas)
    await this.removePartitionFromReassignedPartitions(partition)
    await this.#controller.sendUpdateMetadataRequest(
      this.#context.liveOrShuttingDownBrokerIds,
      [partition],
    )
    await topicDeletionManager.resumeDeletionForTopics([partition.topic])
    log.info(`${partition} has moved to ${newReplicas}`)
  }

  /**
   * Looks whether the new replicas have caught up.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.PartitionReassignmentIsrChange
   */
  async onIsrChange(partition: TopicPartition): Promise<void> {
    const context = this.#context.partitionsBeingReassigned.get(partition)
    if (context === undefined) return
    if (await this.areReplicasInIsr(partition, context.newReplicas)) {
      await this.onPartitionReassignment(partition, context)
    }
  }

  /** Goes on with moves to brokers that are back. */
  async resumeForBrokers(brokers: ReadonlySet<number>): Promise<void> {
    for (const [partition, context] of [...this.#context.partitionsBeingReassigned]) {
      if (!context.newReplicas.some((id) => brokers.has(id))) continue
      await this.onPartitionReassignment(partition, context)
    }
  }

  /** Whether replicas are in sync; reading sets the watch again. */
  async areReplicasInIsr(
    partition: TopicPartition,
    replicas: readonly number[],
  ): Promise<boolean> {
    const state = await this.#controller.zkClient.getTopicPartitionState(partition)
    return replicas.every((id) => state?.leaderAndIsr.isr.includes(id) ?? false)
  }

  /**
   * Makes sure that one of the new replicas leads, and tells all that they are now those
   * assigned.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.moveReassignedPartitionLeaderIfRequired
   */
  async moveReassignedPartitionLeaderIfRequired(
    partition: TopicPartition,
    { newReplicas }: ReassignedPartitionsContext,
  ): Promise<void> {
    // Assign the new replicas in memory.
    const info = this.#context.partitionLeadershipInfo.get(partition)
    const leader = info?.leaderAndIsr.leader ?? -1
    const oldAndNew = this.#context.assignment(partition)
    this.#context.partitionReplicaAssignment.set(partition, newReplicas)

    // Keep the leader if it stays and lives, else elect one.
    const keeps =
      newReplicas.includes(leader) && this.#context.isReplicaOnline(leader, partition)
    if (keeps) {
      await this.updateLeaderEpochAndSendRequest(partition, oldAndNew, newReplicas)
      return
    }
    await this.#controller.partitionStateMachine.handleStateChanges(
      [partition],
      'OnlinePartition',
      'ReassignPartitionLeaderElectionStrategy',
    )
  }

  /** Stops and deletes replicas, without waiting for the answers of their brokers. */
  async stopOldReplicasOfReassignedPartition(
    partition: TopicPartition,
    oldReplicas: readonly number[],
  ): Promise<void> {
    const { replicaStateMachine: machine } = this.#controller
    const replicas = oldReplicas.map((id) => new PartitionAndReplica(partition, id))
    await machine.handleStateChanges(replicas, 'OfflineReplica')
    await machine.handleStateChanges(replicas, 'ReplicaDeletionStarted')
    await machine.handleStateChanges(replicas, 'ReplicaDeletionSuccessful')
    await machine.handleStateChanges(replicas, 'NonExistentReplica')
  }

  /** Changes the assignment of a partition, here and in ZooKeeper. */
  async updateAssignedReplicasForPartition(
    partition: TopicPartition,
    replicas: readonly number[],
  ): Promise<void> {
    // Write the assignment of the whole topic.
    const { topic } = partition
    const ofTopic = this.#context.partitionsForTopic(topic)
    const assignment = new Map(
      ofTopic.map((p) => [p.partition, this.#context.assignment(p)]),
    )
    assignment.set(partition.partition, replicas)
    const { zkClient } = this.#controller
    await zkClient.setTopicAssignment(topic, assignment, this.#context)

    // Believe it only now that it is written.
    this.#context.partitionReplicaAssignment.set(partition, replicas)
  }

  /**
   * Raises the leader epoch, all else unchanged, and tells replicas.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.updateLeaderEpochAndSendRequest
   */
  async updateLeaderEpochAndSendRequest(
    partition: TopicPartition,
    replicasToReceiveRequest: readonly number[],
    newAssignedReplicas: readonly number[],
  ): Promise<void> {
    const updated = await this.updateLeaderEpoch(partition)
    await this.#controller.sendBatch((batch) =>
      batch.addLeaderAndIsrRequestForBrokers(
        replicasToReceiveRequest,
        partition,
        updated,
        newAssignedReplicas,
        false,
      ),
    )
  }

  /** Writes the next leader epoch, again if someone wrote meanwhile. */
  async updateLeaderEpoch(
    partition: TopicPartition,
  ): Promise<LeaderIsrAndControllerEpoch> {
    const { zkClient } = this.#controller
    for (;;) {
      // Read its state. A newer controller may have decided.
      const state = await zkClient.getTopicPartitionState(partition)
      if (state === undefined)
        throw new IllegalStateException(`${partition} has no state`)
      const { epoch } = this.#context
      if (state.controllerEpoch > epoch) {
        throw new StateChangeFailedException(
          `controller ${state.controllerEpoch} has decided about ${partition}`,
        )
      }

      // Write the next epoch.
      const next = state.leaderAndIsr.newEpochAndZkVersion()
      const result = await zkClient.updateLeaderAndIsr(
        new TopicPartitionMap([[partition, next]]),
        this.#context,
      )
      const failed = result.failedPartitions.get(partition)
      if (failed !== undefined) {
        throw new KafkaException(`the epoch of ${partition} was not written`, {
          cause: failed,
        })
      }

      // Remember it, unless it has to be tried again.
      const written = result.successfulPartitions.get(partition)
      if (written === undefined) continue
      const info = new LeaderIsrAndControllerEpoch(written, epoch)
      this.#context.partitionLeadershipInfo.set(partition, info)
      return info
    }
  }

  /**
   * Takes a partition out of the order; deletes it with the last one, and looks again
   * then: another order may have come at once.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.removePartitionFromReassignedPartitions
   */
  async removePartitionFromReassignedPartitions(
    partition: TopicPartition,
  ): Promise<void> {
    // Stop watching it.
    const { handlers, eventManager, zkClient } = this.#controller
    const { partitionsBeingReassigned: moving } = this.#context
    const watch = moving.get(partition)?.reassignIsrChangeHandler
    if (watch) handlers.unregisterReassignIsrChangeHandler(watch)

    // Write what is left.
    const left = new TopicPartitionMap(
      Array.from(moving, ([p, c]) => [p, c.newReplicas] as const),
    )
    left.delete(partition)
    if (left.size > 0) {
      await zkClient.setOrCreatePartitionReassignment(left, this.#context)
    } else {
      await zkClient.deletePartitionReassignment(this.#context)
      eventManager.put(new PartitionReassignment(this.#controller))
    }
    moving.delete(partition)
  }
}
