/**
 * # BrokerChanges
 *
 * What the controller does when brokers come, die, lose a disk, or ask to stop.
 *
 *     comes    ─▶ hears of all partitions, gets its replicas, may lead again
 *     dies     ─▶ others lead where it led, the ISR shrinks elsewhere
 *     asks     ─▶ the same while it still runs, so that clients lose nothing
 *     disk     ─▶ as if it had died, for the partitions on that disk
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.onBrokerStartup
 * @differs methods of KafkaController in Kafka; a class of their own for its size
 * @module
 */

import {
  BrokerNotAvailableException,
  ControllerMovedException,
} from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionSet } from '../base/TopicPartitionMap.ts'
import type { KafkaController } from './KafkaController.ts'
import { PartitionAndReplica } from './PartitionAndReplica.ts'

const log = logger('KafkaController')

/** Brokers that come and go. */
export class BrokerChanges {
  readonly #controller: KafkaController

  constructor(controller: KafkaController) {
    this.#controller = controller
  }

  // ── Coming and going ───────────────────────────────────────────────────────────────────────────

  /**
   * Puts brokers that came to work.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.onBrokerStartup
   */
  async onBrokerStartup(newBrokers: readonly number[]): Promise<void> {
    // Tell who is alive. The new brokers hear of all partitions.
    log.info(`new brokers: ${newBrokers}`)
    const { controllerContext: context } = this.#controller
    for (const id of newBrokers) context.replicasOnOfflineDirs.delete(id)
    await this.#controller.sendUpdateMetadataRequest(
      context.liveOrShuttingDownBrokerIds,
    )

    // Give them replicas, and leaders to partitions that waited.
    const replicas = context.replicasOnBrokers(newBrokers)
    await this.#controller.replicaStateMachine.handleStateChanges(
      replicas,
      'OnlineReplica',
    )
    await this.#controller.partitionStateMachine.triggerOnlinePartitionStateChange()

    // Resume what waited for them.
    await this.#controller.partitionReassignments.resumeForBrokers(new Set(newBrokers))
    const topics = new Set(replicas.map((r) => r.topic))
    await this.#controller.topicDeletionManager.resumeDeletionForTopics(topics)
    await this.#controller.handlers.registerBrokerModificationsHandler(newBrokers)
  }

  /**
   * Takes over from brokers that died.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.onBrokerFailure
   */
  async onBrokerFailure(deadBrokers: readonly number[]): Promise<void> {
    log.info(`brokers are gone: ${deadBrokers}`)
    const { controllerContext: context } = this.#controller
    for (const id of deadBrokers) {
      context.replicasOnOfflineDirs.delete(id)
      context.shuttingDownBrokerIds.delete(id)
    }
    await this.onReplicasBecomeOffline(context.replicasOnBrokers(deadBrokers))
    this.#controller.handlers.unregisterBrokerModificationsHandler(deadBrokers)
  }

  /** Tells all brokers that one has other end points. */
  async onBrokerUpdate(updatedBroker: number): Promise<void> {
    log.info(`broker ${updatedBroker} has other end points`)
    const { liveOrShuttingDownBrokerIds } = this.#controller.controllerContext
    await this.#controller.sendUpdateMetadataRequest(liveOrShuttingDownBrokerIds)
  }

  /** Asks brokers that lost a disk which replicas they still have. */
  async onBrokerLogDirFailure(brokerIds: readonly number[]): Promise<void> {
    const replicas = this.#controller.controllerContext.replicasOnBrokers(
      new Set(brokerIds),
    )
    await this.#controller.replicaStateMachine.handleStateChanges(
      replicas,
      'OnlineReplica',
    )
  }

  /**
   * Elects new leaders where replicas are lost, and takes those out of the ISR.
   *
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.onReplicasBecomeOffline
   */
  async onReplicasBecomeOffline(
    newOfflineReplicas: readonly PartitionAndReplica[],
  ): Promise<void> {
    // Tell replicas under deletion from the others.
    const { controllerContext: context, topicDeletionManager: deletions } =
      this.#controller
    const isGoing = (topic: string) => deletions.isTopicQueuedUpForDeletion(topic)
    const forDeletion = newOfflineReplicas.filter((r) => isGoing(r.topic))
    const notForDeletion = newOfflineReplicas.filter((r) => !isGoing(r.topic))

    // Elect where the leader is lost.
    const withoutLeader = context.partitionsWithoutLeader.filter(
      (p) => !isGoing(p.topic),
    )
    await this.#controller.partitionStateMachine.handleStateChanges(
      withoutLeader,
      'OfflinePartition',
    )
    await this.#controller.partitionStateMachine.triggerOnlinePartitionStateChange()

    // Shrink the ISR everywhere else.
    await this.#controller.replicaStateMachine.handleStateChanges(
      notForDeletion,
      'OfflineReplica',
    )
    if (forDeletion.length > 0) await deletions.failReplicaDeletion(forDeletion)

    // Tell who is alive, unless the elections just did.
    if (withoutLeader.length > 0) return
    await this.#controller.sendUpdateMetadataRequest(
      context.liveOrShuttingDownBrokerIds,
    )
  }

  // ── Controlled shutdown ───────────────────────────────────────────────────────────────

  /**
   * Moves leadership away from a broker and stops its followers.
   *
   * @param id - the broker that wants to stop
   * @returns partitions with other replicas that it leads still: nobody else can
   * @throws ControllerMovedException when not in office, BrokerNotAvailableException
   * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#KafkaController.doControlledShutdown
   */
  async doControlledShutdown(id: number): Promise<TopicPartition[]> {
    // Check the broker and give it no more duties.
    const { controllerContext: context } = this.#controller
    if (!this.#controller.isActive)
      throw new ControllerMovedException('not the controller now')
    if (!context.liveOrShuttingDownBrokerIds.has(id)) {
      throw new BrokerNotAvailableException(`broker ${id} is not registered`)
    }
    context.shuttingDownBrokerIds.add(id)

    // Find partitions that others hold, too, led and followed.
    const leaderOf = (p: TopicPartition) =>
      context.partitionLeadershipInfo.get(p)?.leaderAndIsr.leader
    const replicated = () =>
      context.partitionsOnBroker(id).filter((p) => context.assignment(p).length > 1)
    const known = replicated().filter((p) => leaderOf(p) !== undefined)
    const replicatedPartitionsBrokerLeads = () =>
      replicated().filter((p) => leaderOf(p) === id)
    const led = replicatedPartitionsBrokerLeads()
    const followed = known.filter((p) => leaderOf(p) !== id)

    // Elect others where it leads.
    await this.#controller.partitionStateMachine.handleStateChanges(
      led,
      'OnlinePartition',
      'ControlledShutdownPartitionLeaderElectionStrategy',
    )

    // Stop it where it follows, and take it out of the ISR.
    await this.#controller.sendBatch((batch) => {
      for (const partition of followed) {
        batch.addStopReplicaRequestForBrokers([id], partition, false, () => {})
      }
    })
    const replicas = followed.map((p) => new PartitionAndReplica(p, id))
    await this.#controller.replicaStateMachine.handleStateChanges(
      replicas,
      'OfflineReplica',
    )
    return replicatedPartitionsBrokerLeads()
  }

  /**
   * Notes which replicas of a broker lost their disk, by its answer to LeaderAndIsr.
   *
   * @param offline - partitions it cannot host any more
   * @param online - partitions it hosts
   */
  async onLeaderAndIsrResponse(
    brokerId: number,
    offline: readonly TopicPartition[],
    online: readonly TopicPartition[],
  ): Promise<void> {
    // Update what we know of its disks.
    const { replicasOnOfflineDirs } = this.#controller.controllerContext
    const previous = replicasOnOfflineDirs.get(brokerId) ?? new TopicPartitionSet()
    const current = new TopicPartitionSet(previous)
    for (const partition of online) current.delete(partition)
    for (const partition of offline) current.add(partition)
    replicasOnOfflineDirs.set(brokerId, current)

    // Act on what is new.
    const lost = [...current].filter((p) => !previous.has(p))
    if (lost.length === 0) return
    await this.onReplicasBecomeOffline(
      lost.map((p) => new PartitionAndReplica(p, brokerId)),
    )
  }
}
