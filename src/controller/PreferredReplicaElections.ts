/**
 * # PreferredReplicaElections
 *
 * Gives leadership back to the first replica of each assignment. When a broker dies others
 * lead in its place, and go on leading when it is back; without this a restarted broker
 * would stay idle and the others loaded.
 *
 *     a tool: /admin/preferred_replica_election ─▶ onElectionOrdered
 *     a timer, every 5 minutes ─▶ checkAndTriggerAutoLeaderRebalance
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.onPreferredReplicaElection
 * @differs methods of KafkaController in Kafka; a class of their own for its size
 * @module
 */

import { logger } from '../base/logger.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { PreferredReplicaLeaderElection } from './controller-events.ts'
import type { KafkaController } from './KafkaController.ts'

const log = logger('KafkaController')

/** Elections of preferred leaders. */
export class PreferredReplicaElections {
  readonly #controller: KafkaController

  constructor(controller: KafkaController) {
    this.#controller = controller
  }

  /** Whether the topic of a partition is going away. */
  #isGoing({ topic }: TopicPartition): boolean {
    return this.#controller.topicDeletionManager.isTopicQueuedUpForDeletion(topic)
  }

  /** Who leads a partition; undefined when it was never led. */
  #leaderOf(partition: TopicPartition): number | undefined {
    const { partitionLeadershipInfo } = this.#controller.controllerContext
    return partitionLeadershipInfo.get(partition)?.leaderAndIsr.leader
  }

  /** How many partitions are led by another than their preferred leader. */
  get imbalanceCount(): number {
    const { partitionReplicaAssignment } = this.#controller.controllerContext
    return [...partitionReplicaAssignment].filter(
      ([p, replicas]) =>
        this.#leaderOf(p) !== undefined &&
        this.#leaderOf(p) !== replicas[0] &&
        !this.#isGoing(p),
    ).length
  }

  /**
   * Goes on with elections that the last controller was asked for.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.fetchPendingPreferredReplicaElections
   */
  async resumePendingElections(): Promise<void> {
    // Leave out what is done, gone, or going.
    const { controllerContext: context, zkClient } = this.#controller
    const ordered = await zkClient.getPreferredReplicaElection()
    const pending = ordered.filter((p) => {
      const preferred = context.assignment(p)[0]
      return preferred !== undefined && this.#leaderOf(p) !== preferred
    })
    await this.onPreferredReplicaElection(pending.filter((p) => !this.#isGoing(p)))
  }

  /**
   * Acts on an order of a tool. Reading it sets the watch for the next one.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.PreferredReplicaLeaderElection
   */
  async onElectionOrdered(): Promise<void> {
    const { handlers, zkClient } = this.#controller
    const exists = await zkClient.registerZNodeChangeHandlerAndCheckExistence(
      handlers.preferredReplicaElectionHandler,
    )
    if (!exists) return
    const ordered = await zkClient.getPreferredReplicaElection()
    await this.onPreferredReplicaElection(ordered.filter((p) => !this.#isGoing(p)))
  }

  /**
   * Elects preferred leaders, even where they lead already; those get a new epoch.
   *
   * @param isTriggeredByAutoRebalance - there is no order to mark as done
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.onPreferredReplicaElection
   */
  async onPreferredReplicaElection(
    partitions: readonly TopicPartition[],
    isTriggeredByAutoRebalance = false,
  ): Promise<void> {
    try {
      await this.#controller.partitionStateMachine.handleStateChanges(
        partitions,
        'OnlinePartition',
        'PreferredReplicaPartitionLeaderElectionStrategy',
      )
    } finally {
      await this.removePartitionsFromPreferredReplicaElection(
        partitions,
        isTriggeredByAutoRebalance,
      )
    }
  }

  /**
   * Tells what was elected in vain, and deletes the order. Then it looks again: another
   * may have come at once.
   *
   * @param isTriggeredByAutoRebalance - there is no order
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.removePartitionsFromPreferredReplicaElection
   */
  async removePartitionsFromPreferredReplicaElection(
    partitions: readonly TopicPartition[],
    isTriggeredByAutoRebalance: boolean,
  ): Promise<void> {
    const { controllerContext: context, eventManager, zkClient } = this.#controller
    for (const partition of partitions) {
      const preferred = context.assignment(partition)[0]
      const leader = this.#leaderOf(partition)
      if (leader === preferred) continue
      log.warn(`${partition} is led by ${leader}, its preferred leader is ${preferred}`)
    }
    if (isTriggeredByAutoRebalance) return
    await zkClient.deletePreferredReplicaElection(context)
    eventManager.put(new PreferredReplicaLeaderElection(this.#controller))
  }

  /**
   * Elects preferred leaders for each broker that leads too few of the partitions it
   * should lead.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.checkAndTriggerAutoLeaderRebalance
   */
  async checkAndTriggerAutoLeaderRebalance(): Promise<void> {
    // Sort partitions to their preferred leaders.
    const { config, controllerContext: context } = this.#controller
    const byPreferred = new Map<number, TopicPartition[]>()
    for (const [partition, [preferred]] of context.partitionReplicaAssignment) {
      if (preferred === undefined || this.#isGoing(partition)) continue
      const others = byPreferred.get(preferred)
      if (others === undefined) byPreferred.set(preferred, [partition])
      else others.push(partition)
    }

    // Move leadership one by one where too much of it is elsewhere.
    for (const [broker, partitions] of byPreferred) {
      const elsewhere = partitions.filter((p) => {
        const leader = this.#leaderOf(p)
        return leader !== undefined && leader !== broker
      })
      const limit = config.leaderImbalancePerBrokerPercentage / 100
      if (elsewhere.length / partitions.length <= limit) continue
      for (const partition of elsewhere) {
        if (!this.#mayMove(broker, partition)) continue
        await this.onPreferredReplicaElection([partition], true)
      }
    }
  }

  #mayMove(broker: number, partition: TopicPartition): boolean {
    const { controllerContext: context } = this.#controller
    return (
      context.isReplicaOnline(broker, partition) &&
      context.partitionsBeingReassigned.size === 0 &&
      context.allTopics.has(partition.topic) &&
      !this.#isGoing(partition)
    )
  }
}
