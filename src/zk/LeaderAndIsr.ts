/**
 * # LeaderAndIsr
 *
 * Who leads a partition, and who follows closely enough to take over: the heart of the
 * `state` znode of a partition. Values never change; each step makes a new one.
 *
 *     (leader 1, epoch 0, isr 1 2 3) ── 1 dies ─▶ (leader 2, epoch 1, isr 2 3)
 *
 * Invariants: the leader epoch grows with every decision of a controller and never falls;
 * the zk version is the version of the znode the value was read from or written to, and
 * travels with it, so that a write made from an old reading is refused.
 *
 * @kafka core/src/main/scala/kafka/api/LeaderAndIsr.scala#LeaderAndIsr
 * @module
 */

/** A partition's leader, its epoch, the in-sync replicas, and where that was read. */
export class LeaderAndIsr {
  /** The epoch of a partition that has just been made. */
  static readonly initialLeaderEpoch = 0

  /** The version of a znode that has just been made. */
  static readonly initialZKVersion = 0

  /** Stands for the leader while there is none: all candidates are gone. */
  static readonly NoLeader = -1

  /** Tells brokers that the partition is being deleted; never written to ZooKeeper. */
  static readonly LeaderDuringDelete = -2

  /** Broker id of the leader; -1 when there is none. */
  readonly leader: number

  /** From 0; one more with every decision of a controller. */
  readonly leaderEpoch: number

  /** Broker ids that hold every committed record. */
  readonly isr: readonly number[]

  /** Version of the `state` znode that this value reflects. */
  readonly zkVersion: number

  /**
   * Makes a value.
   *
   * @param leader - broker id, -1 for none
   * @param leaderEpoch - the epoch of that leader
   * @param isr - broker ids in sync
   * @param zkVersion - version of the znode
   */
  constructor(
    leader: number,
    leaderEpoch: number,
    isr: readonly number[],
    zkVersion: number,
  ) {
    this.leader = leader
    this.leaderEpoch = leaderEpoch
    this.isr = isr
    this.zkVersion = zkVersion
  }

  /** The first value of a new partition: epoch 0, version 0. */
  static initial(leader: number, isr: readonly number[]): LeaderAndIsr {
    const { initialLeaderEpoch, initialZKVersion } = LeaderAndIsr
    return new LeaderAndIsr(leader, initialLeaderEpoch, isr, initialZKVersion)
  }

  /** The value that tells brokers the partition is going away. */
  static duringDelete(isr: readonly number[]): LeaderAndIsr {
    return LeaderAndIsr.initial(LeaderAndIsr.LeaderDuringDelete, isr)
  }

  /** The same value after it was written as version `zkVersion`. */
  withZkVersion(zkVersion: number): LeaderAndIsr {
    return new LeaderAndIsr(this.leader, this.leaderEpoch, this.isr, zkVersion)
  }

  /** The next epoch with another leader and the same ISR. */
  newLeader(leader: number): LeaderAndIsr {
    return this.newLeaderAndIsr(leader, this.isr)
  }

  /** The next epoch with another leader and another ISR. */
  newLeaderAndIsr(leader: number, isr: readonly number[]): LeaderAndIsr {
    return new LeaderAndIsr(leader, this.leaderEpoch + 1, isr, this.zkVersion)
  }

  /** The next epoch, all else unchanged: it makes brokers take note. */
  newEpochAndZkVersion(): LeaderAndIsr {
    return this.newLeaderAndIsr(this.leader, this.isr)
  }

  toString(): string {
    const { leader, leaderEpoch, zkVersion } = this
    return `leader ${leader} epoch ${leaderEpoch} isr [${this.isr}] zk ${zkVersion}`
  }
}

/**
 * A {@link LeaderAndIsr} with the epoch of the controller that decided it.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#LeaderIsrAndControllerEpoch
 */
export class LeaderIsrAndControllerEpoch {
  /** The decision. */
  readonly leaderAndIsr: LeaderAndIsr

  /** Which controller took it; from 1. */
  readonly controllerEpoch: number

  constructor(leaderAndIsr: LeaderAndIsr, controllerEpoch: number) {
    this.leaderAndIsr = leaderAndIsr
    this.controllerEpoch = controllerEpoch
  }

  toString(): string {
    return `${this.leaderAndIsr} controllerEpoch ${this.controllerEpoch}`
  }
}
