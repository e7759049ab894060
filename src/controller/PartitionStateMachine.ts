/**
 * # PartitionStateMachine
 *
 * Moves partitions between four states, and does what a move means: creates their state
 * in ZooKeeper, elects leaders, tells brokers.
 *
 *     NonExistent ─▶ New ─▶ Online ◀─▶ Offline ─▶ NonExistent
 *                     └──────────────────▲
 *
 * Which moves are legal is data: {@link PartitionStates}.
 *
 * Invariants: a partition is Online exactly if it was given a leader in the last move; a
 * move that fails leaves the partition where it was and does not stop the others.
 *
 * @kafka core/src/main/scala/kafka/controller/PartitionStateMachine.scala#PartitionStateMachine
 * @module
 */

import { ControllerMovedException, StateChangeFailedException } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { TopicPartitionMap } from '../base/TopicPartitionMap.ts'
import type { KafkaZkClient } from '../zk/KafkaZkClient.ts'
import { LeaderAndIsr, LeaderIsrAndControllerEpoch } from '../zk/LeaderAndIsr.ts'
import { NodeExistsException } from '../zookeeper/client.ts'
import type { ControllerBrokerRequestBatch } from './ControllerBrokerRequestBatch.ts'
import type { ControllerContext } from './ControllerContext.ts'
import {
  type ElectionCandidate,
  elect,
  type PartitionLeaderElectionStrategy,
} from './leader-election.ts'

const log = logger('PartitionStateMachine')

/** The states of a partition. */
export type PartitionState =
  | 'NewPartition'
  | 'OnlinePartition'
  | 'OfflinePartition'
  | 'NonExistentPartition'

/** A state: its number in metrics, where a partition may come from, what the move does. */
export interface PartitionStateRow {
  readonly state: number
  readonly validPreviousStates: readonly PartitionState[]
  readonly action: string
}

/**
 * The legal moves. The page about the controller prints this table.
 *
 * @kafka core/src/main/scala/kafka/controller/PartitionStateMachine.scala#PartitionState
 */
export const PartitionStates: Readonly<Record<PartitionState, PartitionStateRow>> = {
  NewPartition: {
    state: 0,
    validPreviousStates: ['NonExistentPartition'],
    action: 'remember it; nobody is told',
  },
  OnlinePartition: {
    state: 1,
    validPreviousStates: ['NewPartition', 'OnlinePartition', 'OfflinePartition'],
    action: 'new: create its state in ZooKeeper; else elect a leader; tell the brokers',
  },
  OfflinePartition: {
    state: 2,
    validPreviousStates: ['NewPartition', 'OnlinePartition', 'OfflinePartition'],
    action: 'remember it; the next election may bring it back',
  },
  NonExistentPartition: {
    state: 3,
    validPreviousStates: ['OfflinePartition'],
    action: 'remember it: the partition is deleted',
  },
}

/** What the machine needs to know about deletions. */
export interface TopicDeletionView {
  /** Whether the topic is to be deleted, or is being deleted. */
  isTopicQueuedUpForDeletion(topic: string): boolean

  /** Whether the partition belongs to such a topic. */
  isPartitionToBeDeleted(partition: TopicPartition): boolean
}

/** What the machine needs of the configuration. */
export interface PartitionStateMachineConfig {
  /** Default of `unclean.leader.election.enable` for topics that do not set it. */
  readonly uncleanLeaderElectionEnable: boolean
}

/** What the machine is made of. */
export interface PartitionStateMachineParts {
  readonly config: PartitionStateMachineConfig
  readonly controllerContext: ControllerContext
  readonly topicDeletionManager: TopicDeletionView
  readonly zkClient: KafkaZkClient
  readonly controllerBrokerRequestBatch: ControllerBrokerRequestBatch
}

/** What one round of elections came to. */
interface ElectionRound {
  readonly successful: readonly TopicPartition[]
  readonly retry: readonly TopicPartition[]
}

/** What became of the first states of partitions. */
interface CreationRound {
  readonly successful: readonly TopicPartition[]
  /** Those that had a state already. */
  readonly existing: readonly TopicPartition[]
}

/** The states of all partitions. */
export class PartitionStateMachine {
  readonly #parts: PartitionStateMachineParts
  readonly #partitionState = new TopicPartitionMap<PartitionState>()

  constructor(parts: PartitionStateMachineParts) {
    this.#parts = parts
  }

  /**
   * Finds out how each partition stands, and gives leaders to those without.
   *
   * @kafka core/src/main/scala/kafka/controller/PartitionStateMachine.scala#PartitionStateMachine.startup
   */
  async startup(): Promise<void> {
    this.initializePartitionState()
    await this.triggerOnlinePartitionStateChange()
  }

  /** Forgets all partitions. */
  shutdown(): void {
    this.#partitionState.clear()
  }

  /** The state of a partition. */
  stateOf(partition: TopicPartition): PartitionState {
    return this.#partitionState.get(partition) ?? 'NonExistentPartition'
  }

  /** How many partitions have no leader; those under deletion do not count. */
  get offlinePartitionCount(): number {
    const { topicDeletionManager } = this.#parts
    return [...this.#partitionState].filter(
      ([partition, state]) =>
        (state === 'OfflinePartition' || state === 'NewPartition') &&
        !topicDeletionManager.isTopicQueuedUpForDeletion(partition.topic),
    ).length
  }

  /** Derives the state of each partition from who leads it and who is alive. */
  initializePartitionState(): void {
    const { controllerContext: context } = this.#parts
    for (const partition of context.partitionReplicaAssignment.keys()) {
      const leader = context.partitionLeadershipInfo.get(partition)?.leaderAndIsr.leader
      const state =
        leader === undefined
          ? 'NewPartition'
          : context.isReplicaOnline(leader, partition)
            ? 'OnlinePartition'
            : 'OfflinePartition'
      this.#partitionState.set(partition, state)
    }
  }

  /**
   * Tries to give a leader to every partition that has none, unless it is being deleted.
   *
   * @kafka core/src/main/scala/kafka/controller/PartitionStateMachine.scala#PartitionStateMachine.triggerOnlinePartitionStateChange
   */
  async triggerOnlinePartitionStateChange(): Promise<void> {
    const { topicDeletionManager } = this.#parts
    const partitionsToTrigger = [...this.#partitionState]
      .filter(([, state]) => state === 'OfflinePartition' || state === 'NewPartition')
      .map(([partition]) => partition)
      .filter((p) => !topicDeletionManager.isTopicQueuedUpForDeletion(p.topic))
    await this.handleStateChanges(
      partitionsToTrigger,
      'OnlinePartition',
      'OfflinePartitionLeaderElectionStrategy',
    )
  }

  /**
   * Moves partitions to a state and tells the brokers, in one batch.
   *
   * @param strategy - how to elect, where the target is Online
   * @returns when the requests are queued; what fails is logged
   * @kafka core/src/main/scala/kafka/controller/PartitionStateMachine.scala#PartitionStateMachine.handleStateChanges
   * @differs after a failure the batch is emptied; in 1.1.1 it stays half full, and every
   *   later batch of this machine fails
   */
  async handleStateChanges(
    partitions: readonly TopicPartition[],
    targetState: PartitionState,
    strategy?: PartitionLeaderElectionStrategy,
  ): Promise<void> {
    if (partitions.length === 0) return
    const { controllerBrokerRequestBatch: batch, controllerContext } = this.#parts
    try {
      batch.newBatch()
      await this.doHandleStateChanges(partitions, targetState, strategy)
      batch.sendRequestsToBrokers(controllerContext.epoch)
    } catch (e) {
      batch.clear()
      if (e instanceof ControllerMovedException) throw e
      log.error(`moving partitions to ${targetState} failed`, e)
    }
  }

  /** Moves partitions to a state; leaves what brokers must hear in the batch. */
  async doHandleStateChanges(
    partitions: readonly TopicPartition[],
    targetState: PartitionState,
    strategy: PartitionLeaderElectionStrategy | undefined,
  ): Promise<void> {
    // Leave out moves that are not legal.
    const { validPreviousStates } = PartitionStates[targetState]
    const valid = partitions.filter((partition) => {
      const from = this.stateOf(partition)
      const legal = validPreviousStates.includes(from)
      if (!legal) logInvalidTransition(partition, from, targetState)
      return legal
    })

    // Only going online takes work.
    if (targetState !== 'OnlinePartition') {
      for (const partition of valid) this.#partitionState.set(partition, targetState)
      return
    }
    const fresh = valid.filter((p) => this.stateOf(p) === 'NewPartition')
    const others = valid.filter((p) => this.stateOf(p) !== 'NewPartition')
    const { successful, existing } =
      await this.initializeLeaderAndIsrForPartitions(fresh)
    for (const p of successful) this.#partitionState.set(p, 'OnlinePartition')
    others.push(...(await this.#adopt(existing)))
    if (others.length === 0 || strategy === undefined) return
    for (const p of await this.electLeaderForPartitions(others, strategy)) {
      this.#partitionState.set(p, 'OnlinePartition')
    }
  }

  /**
   * Gives new partitions their first leaders: the first live replica leads, all live ones
   * are in sync, since all are empty.
   *
   * @returns the partitions whose state could be created, and those that had one
   * @kafka core/src/main/scala/kafka/controller/PartitionStateMachine.scala#PartitionStateMachine.initializeLeaderAndIsrForPartitions
   */
  async initializeLeaderAndIsrForPartitions(
    partitions: readonly TopicPartition[],
  ): Promise<CreationRound> {
    // Choose leader and ISR where any replica is alive.
    const { controllerContext: context, zkClient } = this.#parts
    const states = new TopicPartitionMap<LeaderIsrAndControllerEpoch>()
    for (const partition of partitions) {
      const liveReplicas = context.liveReplicas(partition)
      const leader = liveReplicas[0]
      if (leader === undefined) {
        logFailedStateChange(partition, 'NewPartition', 'no replica is alive')
        continue
      }
      const leaderAndIsr = LeaderAndIsr.initial(leader, liveReplicas)
      const state = new LeaderIsrAndControllerEpoch(leaderAndIsr, context.epoch)
      states.set(partition, state)
    }
    const existing: TopicPartition[] = []
    const successful: TopicPartition[] = []
    if (states.size === 0) return { successful, existing }

    // Create the states in ZooKeeper.
    const results = await zkClient.createTopicPartitionStatesRaw(states, context)
    for (const [partition, state] of states) {
      const error = results.get(partition)
      if (error instanceof NodeExistsException) {
        existing.push(partition)
        continue
      }
      if (error !== undefined) {
        logFailedStateChange(partition, 'NewPartition', 'no state was created', error)
        continue
      }

      // Remember the leader and tell the replicas.
      context.partitionLeadershipInfo.set(partition, state)
      this.#parts.controllerBrokerRequestBatch.addLeaderAndIsrRequestForBrokers(
        state.leaderAndIsr.isr,
        partition,
        state,
        context.assignment(partition),
        true,
      )
      successful.push(partition)
    }
    return { successful, existing }
  }

  /**
   * Takes over new partitions that have a state already: the link to ZooKeeper broke
   * before it told us that ours was created, or a controller created one before it noticed
   * that it was replaced. Either way it is as if we took office and found them led.
   *
   * @returns those that were found; they wait for an election
   * @differs 1.1.1 leaves such a partition New and tells nobody of it, until the next
   *   controller takes office
   */
  async #adopt(partitions: readonly TopicPartition[]): Promise<TopicPartition[]> {
    if (partitions.length === 0) return []
    const { controllerContext: context, zkClient } = this.#parts
    const states = await zkClient.getTopicPartitionStates(partitions)
    for (const [partition, state] of states) {
      log.info(`${partition} has a state already: ${state}`)
      context.partitionLeadershipInfo.set(partition, state)
      this.#partitionState.set(partition, 'OfflinePartition')
    }
    return [...states.keys()]
  }

  /**
   * Elects leaders, again where someone else wrote the state meanwhile.
   *
   * @returns the partitions that got a leader
   * @kafka core/src/main/scala/kafka/controller/PartitionStateMachine.scala#PartitionStateMachine.electLeaderForPartitions
   * @differs Kafka 1.1.1 elects for all partitions again when one of them has to be
   *   retried, which raises leader epochs for nothing; here only for those
   */
  async electLeaderForPartitions(
    partitions: readonly TopicPartition[],
    strategy: PartitionLeaderElectionStrategy,
  ): Promise<TopicPartition[]> {
    const elected: TopicPartition[] = []
    let remaining = partitions
    while (remaining.length > 0) {
      const round = await this.doElectLeaderForPartitions(remaining, strategy)
      elected.push(...round.successful)
      remaining = round.retry
    }
    return elected
  }

  /** Elects leaders once: read, choose, write if nobody wrote meanwhile. */
  async doElectLeaderForPartitions(
    partitions: readonly TopicPartition[],
    strategy: PartitionLeaderElectionStrategy,
  ): Promise<ElectionRound> {
    // Read their states. A newer controller may have decided.
    const { controllerContext: context, zkClient } = this.#parts
    const states = await zkClient.getTopicPartitionStates(partitions)
    const candidates: ElectionCandidate[] = []
    for (const partition of partitions) {
      const state = states.get(partition)
      if (state === undefined) {
        this.#failed(partition, 'it has no state in ZooKeeper')
      } else if (state.controllerEpoch > context.epoch) {
        this.#failed(partition, `controller ${state.controllerEpoch} has decided`)
      } else {
        const { leaderAndIsr } = state
        candidates.push({ partition, leaderAndIsr, uncleanLeaderElection: false })
      }
    }

    // Choose by the strategy.
    const withConfig =
      strategy === 'OfflinePartitionLeaderElectionStrategy'
        ? await this.#readUncleanLeaderElection(candidates)
        : candidates
    const chosen = new TopicPartitionMap<LeaderAndIsr>()
    const recipients = new TopicPartitionMap<readonly number[]>()
    for (const candidate of withConfig) {
      const { partition } = candidate
      const result = elect(strategy, candidate, context)
      if (result === undefined) {
        this.#failed(partition, `nobody can lead it (${strategy})`)
        continue
      }
      chosen.set(partition, result.leaderAndIsr)
      recipients.set(partition, result.recipients)
    }
    if (chosen.size === 0) return { successful: [], retry: [] }

    // Write the choices, keep the accepted ones, tell brokers.
    const result = await zkClient.updateLeaderAndIsr(chosen, context)
    for (const [partition, leaderAndIsr] of result.successfulPartitions) {
      const state = new LeaderIsrAndControllerEpoch(leaderAndIsr, context.epoch)
      context.partitionLeadershipInfo.set(partition, state)
      this.#parts.controllerBrokerRequestBatch.addLeaderAndIsrRequestForBrokers(
        recipients.get(partition) ?? [],
        partition,
        state,
        context.assignment(partition),
        false,
      )
    }
    for (const [partition, error] of result.failedPartitions) {
      this.#failed(partition, 'its state could not be written', error)
    }
    return {
      successful: [...result.successfulPartitions.keys()],
      retry: result.partitionsToRetry,
    }
  }

  /** Asks whether topics without a live in-sync replica may be led by any other. */
  async #readUncleanLeaderElection(
    candidates: readonly ElectionCandidate[],
  ): Promise<ElectionCandidate[]> {
    // Read the configuration of the topics that need it.
    const { controllerContext: context, config, zkClient } = this.#parts
    const isLost = ({ partition, leaderAndIsr }: ElectionCandidate) =>
      !leaderAndIsr.isr.some((id) => context.isReplicaOnline(id, partition))
    const topics = candidates.filter(isLost).map((c) => c.partition.topic)
    const configs = await zkClient.getLogConfigs(topics)

    // Leave out partitions whose configuration cannot be read.
    return candidates.flatMap((candidate) => {
      if (!isLost(candidate)) return [candidate]
      const topicConfig = configs.get(candidate.partition.topic) ?? {}
      if (topicConfig instanceof Error) {
        this.#failed(candidate.partition, 'its configuration is bad', topicConfig)
        return []
      }
      const text = topicConfig['unclean.leader.election.enable']
      const uncleanLeaderElection =
        text === undefined
          ? config.uncleanLeaderElectionEnable
          : text.trim().toLowerCase() === 'true'
      return [{ ...candidate, uncleanLeaderElection }]
    })
  }

  #failed(partition: TopicPartition, reason: string, cause?: unknown): void {
    logFailedStateChange(partition, this.stateOf(partition), reason, cause)
  }
}

function logInvalidTransition(
  partition: TopicPartition,
  from: PartitionState,
  targetState: PartitionState,
): void {
  log.error(`${partition} cannot move from ${from} to ${targetState}`)
}

function logFailedStateChange(
  partition: TopicPartition,
  from: PartitionState,
  reason: string,
  cause?: unknown,
): void {
  const message = `${partition} stays ${from} instead of going online: ${reason}`
  log.error(message, new StateChangeFailedException(message, { cause }))
}
