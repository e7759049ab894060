/**
 * # PartitionLeaderElectionAlgorithms
 *
 * Four ways to pick a leader, each for its occasion. All prefer the order of the
 * assignment, so that the first replica leads whenever it can.
 *
 *     assignment 1 2 3   isr 2 3   live 1 3   ─▶ offline picks 3: live, and in sync
 *
 * They are functions of their arguments alone.
 *
 * @kafka core/src/main/scala/kafka/controller/PartitionStateMachine.scala#PartitionLeaderElectionAlgorithms
 * @module
 */

/** Picks leaders. Each method returns a broker id, or `undefined` when nobody can lead. */
export class PartitionLeaderElectionAlgorithms {
  /**
   * Picks a leader after the last one was lost.
   *
   * @param uncleanLeaderElectionEnabled - rather lose records than have no leader: if
   *   nobody in sync is alive, the first replica that is alive leads
   * @kafka core/src/main/scala/kafka/controller/PartitionStateMachine.scala#PartitionLeaderElectionAlgorithms.offlinePartitionLeaderElection
   */
  static offlinePartitionLeaderElection(
    assignment: readonly number[],
    isr: readonly number[],
    liveReplicas: ReadonlySet<number>,
    uncleanLeaderElectionEnabled: boolean,
  ): number | undefined {
    const clean = assignment.find((id) => liveReplicas.has(id) && isr.includes(id))
    if (clean !== undefined || !uncleanLeaderElectionEnabled) return clean
    return assignment.find((id) => liveReplicas.has(id))
  }

  /**
   * Picks a leader among the replicas that a partition moves to.
   *
   * @param reassignment - the new replicas, in their order
   * @kafka core/src/main/scala/kafka/controller/PartitionStateMachine.scala#PartitionLeaderElectionAlgorithms.reassignPartitionLeaderElection
   */
  static reassignPartitionLeaderElection(
    reassignment: readonly number[],
    isr: readonly number[],
    liveReplicas: ReadonlySet<number>,
  ): number | undefined {
    return reassignment.find((id) => liveReplicas.has(id) && isr.includes(id))
  }

  /**
   * Picks the preferred leader, or nobody.
   *
   * @kafka core/src/main/scala/kafka/controller/PartitionStateMachine.scala#PartitionLeaderElectionAlgorithms.preferredReplicaPartitionLeaderElection
   */
  static preferredReplicaPartitionLeaderElection(
    assignment: readonly number[],
    isr: readonly number[],
    liveReplicas: ReadonlySet<number>,
  ): number | undefined {
    const preferred = assignment[0]
    if (preferred === undefined) return undefined
    return liveReplicas.has(preferred) && isr.includes(preferred)
      ? preferred
      : undefined
  }

  /**
   * Picks a leader to follow one that is about to shut down.
   *
   * @kafka core/src/main/scala/kafka/controller/PartitionStateMachine.scala#PartitionLeaderElectionAlgorithms.controlledShutdownPartitionLeaderElection
   */
  static controlledShutdownPartitionLeaderElection(
    assignment: readonly number[],
    isr: readonly number[],
    liveReplicas: ReadonlySet<number>,
    shuttingDownBrokers: ReadonlySet<number>,
  ): number | undefined {
    return assignment.find(
      (id) => liveReplicas.has(id) && isr.includes(id) && !shuttingDownBrokers.has(id),
    )
  }
}
