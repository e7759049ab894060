/**
 * # AdminUtils
 *
 * Decides which brokers hold the partitions of a new topic, so that every broker leads
 * about as many partitions as any other, and the followers of one broker's partitions are
 * spread over all others.
 *
 * Deal the leaders round, one broker further with each partition. Put the followers next
 * to the leader, at a distance that grows by one each time the leaders have gone round:
 *
 *     broker          0    1    2    3    4
 *     leader of       p0   p1   p2   p3   p4   p5 …
 *     2nd replica     p4   p0   p1   p2   p3        distance 1
 *     2nd replica          p9   p5   p6   p7   p8   distance 2: one round later
 *
 * With racks, the brokers first stand in a circle in which neighbours are in different
 * racks; then a follower is passed on until its rack, and if need be its broker, is new.
 *
 * @kafka core/src/main/scala/kafka/admin/AdminUtils.scala#AdminUtils
 * @module
 */

import {
  AdminOperationException,
  InvalidPartitionsException,
  InvalidReplicationFactorException,
} from '../base/errors.ts'

/**
 * A broker and where it stands.
 *
 * @kafka core/src/main/scala/kafka/admin/BrokerMetadata.scala#BrokerMetadata
 */
export interface BrokerMetadata {
  readonly id: number
  readonly rack: string | undefined
}

/** What to distribute, and where to begin. */
export interface AssignmentRequest {
  /** How many partitions to assign; at least 1. */
  readonly nPartitions: number

  /** Replicas of each, the leader included; at most the number of brokers. */
  readonly replicationFactor: number

  /** Place of the first leader in the list of brokers, and first distance; -1: random. */
  readonly fixedStartIndex?: number

  /** Number of the first partition; -1: 0. */
  readonly startPartitionId?: number
}

/**
 * More partitions than any topic can have: one takes 8 bytes or more in `/brokers/topics/t`,
 * as in `"0":[1],`, and a znode has room for 1 MB.
 */
const MAX_PARTITIONS = 2 ** 20 / 8

/** Where the deal begins. */
interface Deal {
  readonly startIndex: number
  readonly firstShift: number
  readonly startPartitionId: number
}

/** The arithmetic of replica assignment. */
export class AdminUtils {
  /**
   * Assigns replicas to brokers.
   *
   * @param brokerMetadatas - the brokers to use; with racks for all of them, or for none
   * @param request - how many partitions and replicas
   * @param nextInt - draws a whole number from 0 to below its argument
   * @returns by partition: broker ids, the preferred leader first
   * @throws InvalidPartitionsException, InvalidReplicationFactorException,
   *   AdminOperationException when only some brokers tell their rack
   * @differs more partitions than a znode has room for are refused before they are dealt;
   *   1.1.1 deals them out, which for some numbers takes all memory, and then fails
   * @kafka core/src/main/scala/kafka/admin/AdminUtils.scala#AdminUtils.assignReplicasToBrokers
   */
  static assignReplicasToBrokers(
    brokerMetadatas: readonly BrokerMetadata[],
    request: AssignmentRequest,
    nextInt: (bound: number) => number,
  ): Map<number, number[]> {
    // Refuse what cannot be done.
    const { nPartitions, replicationFactor, fixedStartIndex = -1 } = request
    const n = brokerMetadatas.length
    if (nPartitions <= 0) {
      throw new InvalidPartitionsException(
        `a topic needs at least 1 partition, ${nPartitions} were asked for`,
      )
    }
    if (nPartitions > MAX_PARTITIONS) {
      throw new InvalidPartitionsException(
        `${nPartitions} partitions do not fit into a znode, ${MAX_PARTITIONS} may`,
      )
    }
    if (replicationFactor <= 0) {
      throw new InvalidReplicationFactorException(
        `a partition needs at least 1 replica, ${replicationFactor} were asked for`,
      )
    }
    if (replicationFactor > n) {
      throw new InvalidReplicationFactorException(
        `replication factor: ${replicationFactor} larger than available brokers: ${n}`,
      )
    }

    // Begin at a random place. Else small topics all land on one broker.
    const start = () => (fixedStartIndex >= 0 ? fixedStartIndex : nextInt(n))
    const deal: Deal = {
      startIndex: start(),
      firstShift: start(),
      startPartitionId: Math.max(0, request.startPartitionId ?? 0),
    }

    // Respect racks if all brokers tell theirs.
    const racks = brokerMetadatas.filter((b) => b.rack !== undefined).length
    if (racks === 0) {
      const ids = brokerMetadatas.map((b) => b.id)
      return AdminUtils.assignReplicasToBrokersRackUnaware(ids, request, deal)
    }
    if (racks < n) {
      throw new AdminOperationException('not all brokers tell their rack')
    }
    return AdminUtils.assignReplicasToBrokersRackAware(brokerMetadatas, request, deal)
  }

  /** Deals replicas round, whatever the racks. */
  static assignReplicasToBrokersRackUnaware(
    brokers: readonly number[],
    { nPartitions, replicationFactor }: AssignmentRequest,
    deal: Deal,
  ): Map<number, number[]> {
    const assignment = new Map<number, number[]>()
    for (const { partition, first, shift } of leaders(
      brokers.length,
      nPartitions,
      deal,
    )) {
      // Put the leader first, then its followers at growing distance.
      const replicas = [brokers[first]!]
      for (let j = 0; j < replicationFactor - 1; j++) {
        replicas.push(
          brokers[AdminUtils.replicaIndex(first, shift, j, brokers.length)]!,
        )
      }
      assignment.set(partition, replicas)
    }
    return assignment
  }

  /** Deals replicas round, so that each rack gets one before any gets a second. */
  static assignReplicasToBrokersRackAware(
    brokerMetadatas: readonly BrokerMetadata[],
    { nPartitions, replicationFactor }: AssignmentRequest,
    deal: Deal,
  ): Map<number, number[]> {
    // Stand the brokers in a circle of alternating racks.
    const rackOf = new Map(brokerMetadatas.map((b) => [b.id, b.rack!]))
    const numRacks = new Set(rackOf.values()).size
    const circle = AdminUtils.getRackAlternatedBrokerList(rackOf)
    const n = circle.length

    const assignment = new Map<number, number[]>()
    for (const { partition, first, shift } of leaders(n, nPartitions, deal)) {
      // Begin with the leader and its rack.
      const replicas = [circle[first]!]
      const racks = new Set([rackOf.get(circle[first]!)!])

      // Pass each follower on to a new rack, and to a new broker.
      for (let k = 0; replicas.length < replicationFactor; k++) {
        const at = AdminUtils.replicaIndex(first, shift * numRacks, k, n)
        const broker = circle[at]!
        const rack = rackOf.get(broker)!
        const rackIsFree = !racks.has(rack) || racks.size === numRacks
        if (!rackIsFree || replicas.includes(broker)) continue
        replicas.push(broker)
        racks.add(rack)
      }
      assignment.set(partition, replicas)
    }
    return assignment
  }

  /**
   * Orders brokers so that neighbours stand in different racks as far as possible: the
   * first of each rack, then the second of each, and so on.
   *
   * @param rackOf - rack by broker id
   * @kafka core/src/main/scala/kafka/admin/AdminUtils.scala#AdminUtils.getRackAlternatedBrokerList
   */
  static getRackAlternatedBrokerList(rackOf: ReadonlyMap<number, string>): number[] {
    // Group the brokers by rack, both in order.
    const byRack = new Map<string, number[]>()
    for (const [id, rack] of [...rackOf].sort(([a], [b]) => a - b)) {
      byRack.set(rack, [...(byRack.get(rack) ?? []), id])
    }
    const racks = [...byRack.keys()].sort().map((rack) => byRack.get(rack)!)

    // Take one of each rack in turn.
    const longest = Math.max(...racks.map((ids) => ids.length))
    const rounds = Array.from({ length: longest }, (_, i) => racks.map((ids) => ids[i]))
    return rounds.flat().filter((id) => id !== undefined)
  }

  /**
   * Finds the place of a follower.
   *
   * @param firstReplicaIndex - place of the leader
   * @param shift - distance of the first follower, from 0
   * @param replicaIndex - which follower, from 0
   * @param nBrokers - size of the circle
   * @returns a place that is never the leader's
   * @kafka core/src/main/scala/kafka/admin/AdminUtils.scala#AdminUtils.replicaIndex
   */
  static replicaIndex(
    firstReplicaIndex: number,
    shift: number,
    replicaIndex: number,
    nBrokers: number,
  ): number {
    const distance = 1 + ((shift + replicaIndex) % (nBrokers - 1))
    return (firstReplicaIndex + distance) % nBrokers
  }
}

/** Deals the leaders: which place leads each partition, and how far its followers are. */
function* leaders(n: number, nPartitions: number, deal: Deal) {
  let shift = deal.firstShift
  for (let i = 0; i < nPartitions; i++) {
    const partition = deal.startPartitionId + i
    if (partition > 0 && partition % n === 0) shift += 1
    yield { partition, first: (partition + deal.startIndex) % n, shift }
  }
}
