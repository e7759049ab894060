/**
 * # ReplicaStateMachine
 *
 * Moves replicas between seven states: a replica comes to life, goes off and on with its
 * broker, and is deleted with its topic or when its partition moves away.
 *
 *     NonExistent ─▶ New ─▶ Online ◀─▶ Offline ─▶ DeletionStarted ─▶ DeletionSuccessful
 *          ▲                              ▲             │                    │
 *          │                              └─ Ineligible ◀                    │
 *          └─────────────────────────────────────────────────────────────────┘
 *
 * Which moves are legal, and what each does, is data: {@link ReplicaStates}.
 *
 * @kafka core/src/main/scala/kafka/controller/ReplicaStateMachine.scala#ReplicaStateMachine
 * @module
 */

import { ControllerMovedException, StateChangeFailedException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import type { KafkaZkClient } from '../zk/KafkaZkClient.ts'
import { LeaderAndIsr, LeaderIsrAndControllerEpoch } from '../zk/LeaderAndIsr.ts'
import type {
  ControllerBrokerRequestBatch,
  StopReplicaCallback,
} from './ControllerBrokerRequestBatch.ts'
import type { ControllerContext } from './ControllerContext.ts'
import { type PartitionAndReplica, replicasByBroker } from './PartitionAndReplica.ts'
import type { TopicDeletionView } from './PartitionStateMachine.ts'

const log = logger('ReplicaStateMachine')

/** The states of a replica. */
export type ReplicaState =
  | 'NewReplica'
  | 'OnlineReplica'
  | 'OfflineReplica'
  | 'ReplicaDeletionStarted'
  | 'ReplicaDeletionSuccessful'
  | 'ReplicaDeletionIneligible'
  | 'NonExistentReplica'

/** A state: its number, where a replica may come from, what the move does. */
export interface ReplicaStateRow {
  readonly state: number
  readonly validPreviousStates: readonly ReplicaState[]
  readonly action: string
}

/**
 * The legal moves. The page about the controller prints this table.
 *
 * @kafka core/src/main/scala/kafka/controller/ReplicaStateMachine.scala#ReplicaState
 */
export const ReplicaStates: Readonly<Record<ReplicaState, ReplicaStateRow>> = {
  NewReplica: {
    state: 1,
    validPreviousStates: ['NonExistentReplica'],
    action:
      'if the partition is led: LeaderAndIsr (new) to it; it may not be the leader',
  },
  OnlineReplica: {
    state: 2,
    validPreviousStates: [
      'NewReplica',
      'OnlineReplica',
      'OfflineReplica',
      'ReplicaDeletionIneligible',
    ],
    action: 'from New: add it to the assignment; else LeaderAndIsr to it',
  },
  OfflineReplica: {
    state: 3,
    validPreviousStates: [
      'NewReplica',
      'OnlineReplica',
      'OfflineReplica',
      'ReplicaDeletionIneligible',
    ],
    action: 'StopReplica to it; out of the ISR; LeaderAndIsr to the other replicas',
  },
  ReplicaDeletionStarted: {
    state: 4,
    validPreviousStates: ['OfflineReplica'],
    action: 'StopReplica (delete) to it; its answer decides how it goes on',
  },
  ReplicaDeletionSuccessful: {
    state: 5,
    validPreviousStates: ['ReplicaDeletionStarted'],
    action: 'remember it',
  },
  ReplicaDeletionIneligible: {
    state: 6,
    validPreviousStates: ['ReplicaDeletionStarted'],
    action: 'remember it; the deletion is tried again when its broker is back',
  },
  NonExistentReplica: {
    state: 7,
    validPreviousStates: ['ReplicaDeletionSuccessful'],
    action: 'out of the assignment, and forgotten',
  },
}

/** What the machine is made of. */
export interface ReplicaStateMachineParts {
  readonly controllerContext: ControllerContext
  readonly topicDeletionManager: TopicDeletionView
  readonly zkClient: KafkaZkClient
  readonly controllerBrokerRequestBatch: ControllerBrokerRequestBatch
}

/** A replica and how it stands. */
interface Entry {
  readonly replica: PartitionAndReplica
  state: ReplicaState
}

/** What one round of ISR changes came to. */
interface RemovalRound {
  readonly updated: TopicPartitionMap<LeaderIsrAndControllerEpoch>
  readonly retry: readonly TopicPartition[]
}

/** The states of all replicas. */
export class ReplicaStateMachine {
  readonly #parts: ReplicaStateMachineParts
  readonly #replicaState = new Map<string, Entry>()

  constructor(parts: ReplicaStateMachineParts) {
    this.#parts = parts
  }

  /**
   * Finds out how each replica stands, and tells live brokers what they hold.
   *
   * @kafka core/src/main/scala/kafka/controller/ReplicaStateMachine.scala#ReplicaStateMachine.startup
   */
  async startup(): Promise<void> {
    this.initializeReplicaState()
    const live = this.#parts.controllerContext.allLiveReplicas()
    await this.handleStateChanges(live, 'OnlineReplica')
  }

  /** Forgets all replicas. */
  shutdown(): void {
    this.#replicaState.clear()
  }

  /** Derives the states from who is alive; the dead count as not deletable now. */
  initializeReplicaState(): void {
    const { controllerContext: context } = this.#parts
    const partitions = context.partitionReplicaAssignment.keys()
    for (const replica of context.replicasForPartition(partitions)) {
      const online = context.isReplicaOnline(replica.replica, replica.topicPartition)
      this.#set(replica, online ? 'OnlineReplica' : 'ReplicaDeletionIneligible')
    }
  }

  /** The state of a replica. */
  stateOf(replica: PartitionAndReplica): ReplicaState {
    return this.#replicaState.get(replica.key)?.state ?? 'NonExistentReplica'
  }

  /** The replicas of a topic that are in a state. */
  replicasInState(topic: string, state: ReplicaState): PartitionAndReplica[] {
    return this.#ofTopic(topic)
      .filter((entry) => entry.state === state)
      .map((entry) => entry.replica)
  }

  /** Whether any replica of a topic is in a state. */
  isAnyReplicaInState(topic: string, state: ReplicaState): boolean {
    return this.#ofTopic(topic).some((entry) => entry.state === state)
  }

  /** Whether all replicas of a topic are deleted. */
  areAllReplicasForTopicDeleted(topic: string): boolean {
    return this.#ofTopic(topic).every((e) => e.state === 'ReplicaDeletionSuccessful')
  }

  /** Whether a deletion of replicas of the topic is under way. */
  isAtLeastOneReplicaInDeletionStartedState(topic: string): boolean {
    return this.isAnyReplicaInState(topic, 'ReplicaDeletionStarted')
  }

  #ofTopic(topic: string): Entry[] {
    return [...this.#replicaState.values()].filter((e) => e.replica.topic === topic)
  }

  #set(replica: PartitionAndReplica, state: ReplicaState): void {
    this.#replicaState.set(replica.key, { replica, state })
  }

  /**
   * Moves replicas to a state and tells the brokers, in one batch.
   *
   * @param stopReplicaResponseCallback - gets each answer to a StopReplica that deletes
   * @returns when the requests are queued; what fails is logged
   * @kafka core/src/main/scala/kafka/controller/ReplicaStateMachine.scala#ReplicaStateMachine.handleStateChanges
   * @differs after a failure the batch is emptied; in 1.1.1 it stays half full, and every
   *   later batch of this machine fails
   */
  async handleStateChanges(
    replicas: readonly PartitionAndReplica[],
    targetState: ReplicaState,
    stopReplicaResponseCallback?: StopReplicaCallback,
  ): Promise<void> {
    if (replicas.length === 0) return
    const { controllerBrokerRequestBatch: batch, controllerContext } = this.#parts
    try {
      batch.newBatch()
      for (const [id, ofBroker] of replicasByBroker(replicas)) {
        await this.doHandleStateChanges(
          id,
          ofBroker,
          targetState,
          stopReplicaResponseCallback,
        )
      }
      batch.sendRequestsToBrokers(controllerContext.epoch)
    } catch (e) {
      batch.clear()
      if (e instanceof ControllerMovedException) throw e
      log.error(`moving replicas to ${targetState} failed`, e)
    }
  }

  /** Moves the replicas of one broker; leaves what brokers must hear in the batch. */
  async doHandleStateChanges(
    replicaId: number,
    replicas: readonly PartitionAndReplica[],
    targetState: ReplicaState,
    callback: StopReplicaCallback | undefined,
  ): Promise<void> {
    // Leave out moves that are not legal.
    const { validPreviousStates } = ReplicaStates[targetState]
    const valid = replicas.filter((replica) => {
      const from = this.stateOf(replica)
      const legal = validPreviousStates.includes(from)
      if (!legal) logInvalidTransition(replica, from, targetState)
      return legal
    })

    // Do what the move means.
    switch (targetState) {
      case 'NewReplica':
        for (const replica of valid) this.#toNew(replica)
        break
      case 'OnlineReplica':
        for (const replica of valid) this.#toOnline(replica)
        break
      case 'OfflineReplica':
        await this.#toOffline(replicaId, valid)
        break
      case 'ReplicaDeletionStarted':
        for (const replica of valid) this.#toDeletionStarted(replica, callback)
        break
      case 'NonExistentReplica':
        for (const replica of valid) this.#toNonExistent(replica)
        break
      default:
        for (const replica of valid) this.#set(replica, targetState)
    }
  }

  #toNew(replica: PartitionAndReplica): void {
    // Refuse to make the leader itself new.
    const { topicPartition } = replica
    const info =
      this.#parts.controllerContext.partitionLeadershipInfo.get(topicPartition)
    if (info?.leaderAndIsr.leader === replica.replica) {
      const problem = `${replica} leads its partition and cannot be new`
      log.error(problem, new StateChangeFailedException(problem))
      return
    }
    if (info !== undefined) this.#tell([replica.replica], topicPartition, info, true)
    this.#set(replica, 'NewReplica')
  }

  #toOnline(replica: PartitionAndReplica): void {
    const { controllerContext: context } = this.#parts
    const { topicPartition, replica: id } = replica
    if (this.stateOf(replica) === 'NewReplica') {
      // Count the replica in from now on.
      const assignment = context.assignment(topicPartition)
      if (!assignment.includes(id)) {
        context.partitionReplicaAssignment.set(topicPartition, [...assignment, id])
      }
    } else {
      // Tell the broker whom to follow.
      const info = context.partitionLeadershipInfo.get(topicPartition)
      if (info !== undefined) this.#tell([id], topicPartition, info, false)
    }
    this.#set(replica, 'OnlineReplica')
  }

  async #toOffline(
    replicaId: number,
    replicas: readonly PartitionAndReplica[],
  ): Promise<void> {
    // Tell the broker to stop, in case it hears us.
    const { controllerContext: context, topicDeletionManager } = this.#parts
    for (const { topicPartition } of replicas) {
      this.#parts.controllerBrokerRequestBatch.addStopReplicaRequestForBrokers(
        [replicaId],
        topicPartition,
        false,
        () => {},
      )
    }

    // Take the replica out of the ISR of partitions ever led.
    const led = replicas.filter((r) =>
      context.partitionLeadershipInfo.has(r.topicPartition),
    )
    const updated = await this.removeReplicasFromIsr(
      replicaId,
      led.map((r) => r.topicPartition),
    )

    // Tell the other replicas, unless the topic is going away.
    for (const replica of led) {
      const { topicPartition } = replica
      const info = updated.get(topicPartition)
      if (info === undefined) continue
      if (!topicDeletionManager.isPartitionToBeDeleted(topicPartition)) {
        const others = context
          .assignment(topicPartition)
          .filter((id) => id !== replicaId)
        this.#tell(others, topicPartition, info, false)
      }
      this.#set(replica, 'OfflineReplica')
    }
  }

  #toDeletionStarted(
    replica: PartitionAndReplica,
    callback: StopReplicaCallback | undefined,
  ): void {
    this.#set(replica, 'ReplicaDeletionStarted')
    this.#parts.controllerBrokerRequestBatch.addStopReplicaRequestForBrokers(
      [replica.replica],
      replica.topicPartition,
      true,
      callback,
    )
  }

  #toNonExistent(replica: PartitionAndReplica): void {
    const { partitionReplicaAssignment } = this.#parts.controllerContext
    const { topicPartition } = replica
    const current = partitionReplicaAssignment.get(topicPartition) ?? []
    const left = current.filter((id) => id !== replica.replica)
    partitionReplicaAssignment.set(topicPartition, left)
    this.#replicaState.delete(replica.key)
  }

  #tell(
    brokers: readonly number[],
    partition: TopicPartition,
    info: LeaderIsrAndControllerEpoch,
    isNew: boolean,
  ): void {
    const { controllerBrokerRequestBatch: batch, controllerContext } = this.#parts
    const assignment = controllerContext.assignment(partition)
    batch.addLeaderAndIsrRequestForBrokers(brokers, partition, info, assignment, isNew)
  }

  /**
   * Takes a replica out of the ISR of partitions, again where someone wrote meanwhile.
   *
   * @returns how the partitions stand now; those that failed are missing
   * @kafka core/src/main/scala/kafka/controller/ReplicaStateMachine.scala#ReplicaStateMachine.removeReplicasFromIsr
   */
  async removeReplicasFromIsr(
    replicaId: number,
    partitions: readonly TopicPartition[],
  ): Promise<TopicPartitionMap<LeaderIsrAndControllerEpoch>> {
    const results = new TopicPartitionMap<LeaderIsrAndControllerEpoch>()
    let remaining = partitions
    while (remaining.length > 0) {
      const round = await this.doRemoveReplicasFromIsr(replicaId, remaining)
      for (const [partition, info] of round.updated) results.set(partition, info)
      remaining = round.retry
    }
    return results
  }

  /**
   * Takes a replica out of ISRs once. If it led, nobody leads now. The last member of an
   * ISR stays in it, so that it can be elected when it is back: it has all records.
   */
  async doRemoveReplicasFromIsr(
    replicaId: number,
    partitions: readonly TopicPartition[],
  ): Promise<RemovalRound> {
    // Read how the partitions stand.
    const { controllerContext: context, zkClient } = this.#parts
    const states = await zkClient.getTopicPartitionStates(partitions)
    const updated = new TopicPartitionMap<LeaderIsrAndControllerEpoch>()
    const adjusted = new TopicPartitionMap<LeaderAndIsr>()
    for (const partition of partitions) {
      const state = states.get(partition)
      if (state === undefined || state.controllerEpoch > context.epoch) {
        const why = state ? 'a newer controller has decided' : 'it has no state'
        log.error(`${replicaId} stays in the ISR of ${partition}: ${why}`)
        continue
      }

      // Leave partitions alone where it is not in sync anyway.
      const { leaderAndIsr } = state
      const { isr, leader } = leaderAndIsr
      if (!isr.includes(replicaId)) {
        updated.set(partition, state)
        continue
      }
      adjusted.set(
        partition,
        leaderAndIsr.newLeaderAndIsr(
          leader === replicaId ? LeaderAndIsr.NoLeader : leader,
          isr.length === 1 ? isr : isr.filter((id) => id !== replicaId),
        ),
      )
    }

    // Write the others and remember what was accepted.
    const result = await zkClient.updateLeaderAndIsr(adjusted, context)
    for (const [partition, leaderAndIsr] of result.successfulPartitions) {
      const info = new LeaderIsrAndControllerEpoch(leaderAndIsr, context.epoch)
      updated.set(partition, info)
    }
    for (const [partition, info] of updated) {
      context.partitionLeadershipInfo.set(partition, info)
    }
    for (const [partition, error] of result.failedPartitions) {
      log.error(`${replicaId} stays in the ISR of ${partition}`, error)
    }
    return { updated, retry: result.partitionsToRetry }
  }
}

function logInvalidTransition(
  replica: PartitionAndReplica,
  from: ReplicaState,
  targetState: ReplicaState,
): void {
  log.error(`${replica} cannot move from ${from} to ${targetState}`)
}
