/**
 * # ControllerConfig
 *
 * The settings a controller reads, and the figures it shows. The broker's own
 * configuration has these settings under the same names; the controller knows no more of
 * it.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaConfig.scala#KafkaConfig
 * @differs the controller sees an interface of its own, because the broker stands above it
 * @module
 */

/** What the controller needs of KafkaConfig, under KafkaConfig's names. */
export interface ControllerConfig {
  readonly brokerId: number

  /** Listener at which brokers, this one included, are reached. */
  readonly interBrokerListenerName: string

  /** How long a request to a broker may take, in ms. */
  readonly controllerSocketTimeoutMs: number

  /** `delete.topic.enable` */
  readonly deleteTopicEnable: boolean

  /** `unclean.leader.election.enable` for topics that do not set it. */
  readonly uncleanLeaderElectionEnable: boolean

  /** Whether leadership goes back to preferred replicas by itself. */
  readonly autoLeaderRebalanceEnable: boolean

  /** How often that is looked at, in s. */
  readonly leaderImbalanceCheckIntervalSeconds: number

  /** Share of a broker's partitions led elsewhere that is too much, in percent. */
  readonly leaderImbalancePerBrokerPercentage: number

  /** How long `shutdown` waits for an event that waits for ZooKeeper, in ms. */
  readonly zkSessionTimeoutMs: number
}

/** What a monitor wants to know. */
export interface ControllerMetrics {
  readonly activeControllerCount: number
  readonly offlinePartitionsCount: number
  readonly preferredReplicaImbalanceCount: number
  readonly globalTopicCount: number
  readonly globalPartitionCount: number
}
