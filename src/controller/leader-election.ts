/**
 * # leader-election
 *
 * The occasions for an election: what each picks, what becomes of the ISR, and which
 * brokers are told. {@link strategies} is the table; `elect` runs one row of it.
 *
 * @kafka core/src/main/scala/kafka/controller/PartitionStateMachine.scala#PartitionLeaderElectionStrategy
 * @differs the four methods leaderForX of PartitionStateMachine are functions, and rows of
 *   a table
 * @module
 */

import type { TopicPartition } from '../base/TopicPartition.ts'
import type { LeaderAndIsr } from '../zk/LeaderAndIsr.ts'
import type { ControllerContext } from './ControllerContext.ts'
import { PartitionLeaderElectionAlgorithms as Algorithms } from './PartitionLeaderElectionAlgorithms.ts'

/** Why there is an election. */
export type PartitionLeaderElectionStrategy =
  | 'OfflinePartitionLeaderElectionStrategy'
  | 'ReassignPartitionLeaderElectionStrategy'
  | 'PreferredReplicaPartitionLeaderElectionStrategy'
  | 'ControlledShutdownPartitionLeaderElectionStrategy'

/** A partition that wants a leader. */
export interface ElectionCandidate {
  readonly partition: TopicPartition

  /** How it stands, as just read from ZooKeeper. */
  readonly leaderAndIsr: LeaderAndIsr

  /** Whether a replica that is not in sync may lead; only used after a failure. */
  readonly uncleanLeaderElection: boolean
}

/** A decision. */
export interface ElectionResult {
  /** Leader, next epoch and ISR, to be written. */
  readonly leaderAndIsr: LeaderAndIsr

  /** Broker ids to be told by LeaderAndIsr. */
  readonly recipients: readonly number[]
}

/** One row of the table. */
export interface ElectionStrategyRow {
  /** When it is used. */
  readonly occasion: string

  /** In words: the leader, the ISR, who is told. */
  readonly rule: {
    readonly leader: string
    readonly isr: string
    readonly told: string
  }

  /** Runs it; `undefined` when nobody can lead. */
  decide(c: ElectionCandidate, context: ControllerContext): ElectionResult | undefined
}

/** The occasions. The page about the controller prints this table. */
export const strategies: Readonly<
  Record<PartitionLeaderElectionStrategy, ElectionStrategyRow>
> = {
  OfflinePartitionLeaderElectionStrategy: {
    occasion: 'the leader is gone, or the partition has none',
    rule: {
      leader:
        'first assigned replica that is live and in sync; if none and the topic ' +
        'allows unclean election, first that is live',
      isr: 'its live part; after an unclean election only the leader',
      told: 'live assigned replicas',
    },
    decide: leaderForOffline,
  },

  ReassignPartitionLeaderElectionStrategy: {
    occasion: 'the partition moves, and its leader stays behind or is gone',
    rule: {
      leader: 'first of the new replicas that is live and in sync',
      isr: 'unchanged',
      told: 'the new replicas',
    },
    decide: leaderForReassign,
  },

  PreferredReplicaPartitionLeaderElectionStrategy: {
    occasion: 'a tool or the automatic rebalance gives leadership back',
    rule: {
      leader: 'first assigned replica, if live and in sync',
      isr: 'unchanged',
      told: 'all assigned replicas',
    },
    decide: leaderForPreferredReplica,
  },

  ControlledShutdownPartitionLeaderElectionStrategy: {
    occasion: 'the leader asked to shut down',
    rule: {
      leader: 'first assigned replica that is live, in sync and not shutting down',
      isr: 'without the brokers that are shutting down',
      told: 'live assigned replicas: not the old leader, which goes on until it stops',
    },
    decide: leaderForControlledShutdown,
  },
}

/**
 * Elects after a leader was lost, or for a partition that has none.
 *
 * @returns what to write and whom to tell; `undefined` when nobody can lead
 * @kafka core/src/main/scala/kafka/controller/PartitionStateMachine.scala#PartitionStateMachine.leaderForOffline
 */
export function leaderForOffline(
  { partition, leaderAndIsr, uncleanLeaderElection }: ElectionCandidate,
  context: ControllerContext,
): ElectionResult | undefined {
  // Pick the leader.
  const { isr } = leaderAndIsr
  const liveReplicas = context.liveReplicas(partition)
  const leader = Algorithms.offlinePartitionLeaderElection(
    context.assignment(partition),
    isr,
    new Set(liveReplicas),
    uncleanLeaderElection,
  )
  if (leader === undefined) return undefined

  // Keep who is in sync and alive, or only an unclean leader.
  const isClean = isr.includes(leader)
  if (!isClean) context.uncleanLeaderElections += 1
  const newIsr = isClean
    ? isr.filter((id) => context.isReplicaOnline(id, partition))
    : [leader]
  const decided = leaderAndIsr.newLeaderAndIsr(leader, newIsr)
  return { leaderAndIsr: decided, recipients: liveReplicas }
}

/**
 * Elects among the replicas that a partition moves to.
 *
 * @returns what to write and whom to tell; `undefined` when nobody can lead
 * @kafka core/src/main/scala/kafka/controller/PartitionStateMachine.scala#PartitionStateMachine.leaderForReassign
 */
export function leaderForReassign(
  { partition, leaderAndIsr }: ElectionCandidate,
  context: ControllerContext,
): ElectionResult | undefined {
  const reassignment =
    context.partitionsBeingReassigned.get(partition)?.newReplicas ?? []
  const live = reassignment.filter((id) => context.isReplicaOnline(id, partition))
  const leader = Algorithms.reassignPartitionLeaderElection(
    reassignment,
    leaderAndIsr.isr,
    new Set(live),
  )
  if (leader === undefined) return undefined
  return { leaderAndIsr: leaderAndIsr.newLeader(leader), recipients: reassignment }
}

/**
 * Gives leadership back to the first assigned replica.
 *
 * @returns what to write and whom to tell; `undefined` when nobody can lead
 * @kafka core/src/main/scala/kafka/controller/PartitionStateMachine.scala#PartitionStateMachine.leaderForPreferredReplica
 */
export function leaderForPreferredReplica(
  { partition, leaderAndIsr }: ElectionCandidate,
  context: ControllerContext,
): ElectionResult | undefined {
  const assignment = context.assignment(partition)
  const leader = Algorithms.preferredReplicaPartitionLeaderElection(
    assignment,
    leaderAndIsr.isr,
    new Set(context.liveReplicas(partition)),
  )
  if (leader === undefined) return undefined
  return { leaderAndIsr: leaderAndIsr.newLeader(leader), recipients: assignment }
}

/**
 * Elects a successor for a leader that is about to stop.
 *
 * @returns what to write and whom to tell; `undefined` when nobody can lead
 * @kafka core/src/main/scala/kafka/controller/PartitionStateMachine.scala#PartitionStateMachine.leaderForControlledShutdown
 */
export function leaderForControlledShutdown(
  { partition, leaderAndIsr }: ElectionCandidate,
  context: ControllerContext,
): ElectionResult | undefined {
  // Pick the leader among those that stay.
  const { shuttingDownBrokerIds } = context
  const liveReplicas = context.liveReplicas(partition)
  const leader = Algorithms.controlledShutdownPartitionLeaderElection(
    context.assignment(partition),
    leaderAndIsr.isr,
    new Set(liveReplicas),
    shuttingDownBrokerIds,
  )
  if (leader === undefined) return undefined

  // Take those that go out of the ISR.
  const newIsr = leaderAndIsr.isr.filter((id) => !shuttingDownBrokerIds.has(id))
  const decided = leaderAndIsr.newLeaderAndIsr(leader, newIsr)
  return { leaderAndIsr: decided, recipients: liveReplicas }
}

/** Elects a leader on one occasion; `undefined` when nobody can lead. */
export function elect(
  strategy: PartitionLeaderElectionStrategy,
  candidate: ElectionCandidate,
  context: ControllerContext,
): ElectionResult | undefined {
  return strategies[strategy].decide(candidate, context)
}
