/**
 * # Assigned replicas
 *
 * The copies of one partition: an entry for each broker that the controller assigned. The
 * entry of this broker holds the log; making it may mean making a directory.
 *
 * @kafka core/src/main/scala/kafka/cluster/Partition.scala#Partition.getOrCreateReplica
 * @differs in Kafka a map inside `Partition`. Making the local copy reads the topic's
 *   configuration from ZooKeeper; that is an await here, so it is done before.
 * @module
 */
import { IllegalStateException } from '../base/errors.ts'
import { Pool } from '../base/Pool.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import type { LogConfig } from '../log/LogConfig.ts'
import type { PartitionContext } from './PartitionContext.ts'
import { Replica } from './Replica.ts'
import { FutureLocalReplicaId } from './read-from-local-log.ts'

/** The copies of one partition, by broker. */
export class AssignedReplicas {
  readonly #topicPartition: TopicPartition
  readonly #allReplicasMap = new Pool<number, Replica>()

  /** Starts with no copy. */
  constructor(topicPartition: TopicPartition) {
    this.#topicPartition = topicPartition
  }

  /** How many copies there are. */
  get size(): number {
    return this.#allReplicasMap.size
  }

  /** Every copy. */
  all(): Replica[] {
    return [...this.#allReplicasMap.values()]
  }

  /** The copy on a broker. */
  get(brokerId: number): Replica | undefined {
    return this.#allReplicasMap.get(brokerId)
  }

  /** Forgets all copies. */
  clear(): void {
    this.#allReplicasMap.clear()
  }

  /**
   * Makes copies that are missing and forgets those that are no longer assigned.
   *
   * @param wanted brokers that must have one.
   * @param assigned brokers that may have one.
   */
  assign(
    house: PartitionContext,
    wanted: readonly number[],
    assigned: readonly number[],
    creation: ReplicaCreation,
  ): void {
    for (const id of wanted) this.getOrCreate(house, id, creation)
    for (const { brokerId } of this.all()) {
      if (!assigned.includes(brokerId)) this.#allReplicasMap.remove(brokerId)
    }
  }

  /**
   * The copy on a broker, made if it is missing.
   *
   * @throws KafkaStorageException when the log cannot be made.
   */
  getOrCreate(house: PartitionContext, id: number, creation: ReplicaCreation): Replica {
    return this.#allReplicasMap.getAndMaybePut(id, () => {
      if (id !== house.brokerId) return new Replica(id, this.#topicPartition)
      const { isNew, logConfig } = creation
      if (!logConfig)
        throw new IllegalStateException(`no config, ${this.#topicPartition}`)

      return this.#createLocal(house, id, logConfig, { isNew, isFuture: false })
    })
  }

  /**
   * Makes the copy that is to replace the local one, in the directory that was chosen for
   * it. It is not kept among the assigned ones.
   *
   * @throws KafkaStorageException when the log cannot be made.
   */
  createFuture(house: PartitionContext, logConfig: LogConfig): Replica {
    const which = { isNew: false, isFuture: true }
    return this.#createLocal(house, FutureLocalReplicaId, logConfig, which)
  }

  // Opens or makes the log, and starts from the high watermark on file. A log shorter than
  // that (unclean stop) pulls it down.
  #createLocal(
    house: PartitionContext,
    id: number,
    logConfig: LogConfig,
    which: { readonly isNew: boolean; readonly isFuture: boolean },
  ): Replica {
    const tp = this.#topicPartition
    const { isNew, isFuture } = which
    const local = house.logManager.getOrCreateLog(tp, logConfig, isNew, isFuture)
    const hw = Math.min(house.checkpointedHighWatermark(local), local.logEndOffset)
    return new Replica(id, tp, hw, local)
  }
}

/** What making the local copy takes. */
export interface ReplicaCreation {
  /** True when no log of it can be missing: the partition was just made. */
  readonly isNew: boolean
  /** Undefined only when the local copy exists already. */
  readonly logConfig: LogConfig | undefined
}
