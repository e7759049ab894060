/**
 * # The metrics of the controller
 *
 * Who it is, what it sees of the cluster, what it does and for how long.
 *
 * @kafka core/src/main/scala/kafka/controller/KafkaController.scala#ControllerStats
 * @module
 */

import { Distribution } from '../../base/metrics/Distribution.ts'
import {
  type ControllerState,
  ControllerStates,
} from '../../controller/ControllerEventManager.ts'
import { counter, gauge, type MetricDefinition } from './metric-definition.ts'

/** What a controller does, by the state it is in meanwhile. */
const controllerWork: readonly (readonly [string, ControllerState, string])[] = [
  [
    'LeaderElectionRateAndTimeMs',
    'BrokerChange',
    'time that the controller takes when brokers come or go, elections included',
  ],
  ['ControllerChangeRateAndTimeMs', 'ControllerChange', 'time to become controller'],
  ['TopicChangeRateAndTimeMs', 'TopicChange', 'time for new topics'],
  ['TopicDeletionRateAndTimeMs', 'TopicDeletion', 'time for deletions of topics'],
  ['IsrChangeRateAndTimeMs', 'IsrChange', 'time for changes of in-sync replicas'],
  [
    'ControlledShutdownRateAndTimeMs',
    'ControlledShutdown',
    'time to move the leaders of a broker that wants to end',
  ],
  [
    'PartitionReassignmentRateAndTimeMs',
    'PartitionReassignment',
    'time for replicas that move',
  ],
  ['AutoLeaderBalanceRateAndTimeMs', 'AutoLeaderBalance', 'time to look for imbalance'],
  [
    'ManualLeaderBalanceRateAndTimeMs',
    'ManualLeaderBalance',
    'time for ordered elections of preferred leaders',
  ],
  [
    'LeaderAndIsrResponseReceivedRateAndTimeMs',
    'LeaderAndIsrResponseReceived',
    'time for answers that name failed replicas',
  ],
  ['LogDirChangeRateAndTimeMs', 'LogDirChange', 'time for log directories that fail'],
]

const controllerTimes = controllerWork.map(
  ([name, state, help]): MetricDefinition => ({
    ...{ mbean: `kafka.controller:type=ControllerStats,name=${name}`, help },
    ...{ type: 'histogram', labels: [] },
    collect: ({ kafkaController: { eventManager } }) => [
      { value: eventManager.rateAndTimeMetrics.get(state) ?? new Distribution() },
    ],
  }),
)

const queueSize: MetricDefinition = {
  mbean: 'kafka.controller:type=ControllerChannelManager,name=QueueSize',
  help: 'requests of the controller that wait for a broker',
  ...{ type: 'gauge', labels: ['brokerId'] },
  *collect({ kafkaController: { controllerContext } }) {
    const sizes = controllerContext.controllerChannelManager?.queueSizes() ?? []
    for (const [id, value] of sizes) yield { labels: { brokerId: `${id}` }, value }
  },
}

/** What is told of the controller. */
export const controllerGauges: readonly MetricDefinition[] = [
  gauge(
    'kafka.controller:type=KafkaController,name=ActiveControllerCount',
    '1 on the broker that is controller',
    ({ kafkaController }) => Number(kafkaController.isActive),
  ),
  gauge(
    'kafka.controller:type=KafkaController,name=OfflinePartitionsCount',
    'partitions without a leader; 0 on who is not controller',
    ({ kafkaController: { isActive, controllerContext } }) =>
      isActive ? controllerContext.partitionsWithoutLeader.length : 0,
  ),
  gauge(
    'kafka.controller:type=KafkaController,name=GlobalTopicCount',
    'topics of the cluster; 0 on who is not controller',
    ({ kafkaController: { isActive, controllerContext } }) =>
      isActive ? controllerContext.allTopics.size : 0,
  ),
  gauge(
    'kafka.controller:type=KafkaController,name=GlobalPartitionCount',
    'partitions of the cluster; 0 on who is not controller',
    ({ kafkaController: { isActive, controllerContext } }) =>
      isActive ? controllerContext.partitionReplicaAssignment.size : 0,
  ),
  gauge(
    'kafka.controller:type=KafkaController,name=PreferredReplicaImbalanceCount',
    'partitions that another than their preferred leader leads; 0 on others',
    ({ kafkaController }) =>
      kafkaController.isActive
        ? kafkaController.metrics.preferredReplicaImbalanceCount
        : 0,
  ),
  gauge(
    'kafka.controller:type=KafkaController,name=ControllerState',
    'what the controller is busy with, as a number: 0 for nothing',
    ({ kafkaController }) => ControllerStates[kafkaController.eventManager.state],
  ),
  gauge(
    'kafka.controller:type=ControllerChannelManager,name=TotalQueueSize',
    'requests of the controller that wait for brokers',
    ({ kafkaController: { controllerContext } }) =>
      controllerContext.controllerChannelManager?.totalQueueSize ?? 0,
  ),
  queueSize,
  counter(
    'kafka.controller:type=ControllerStats,name=UncleanLeaderElectionsPerSec',
    'elections of a leader that was not in sync',
    ({ kafkaController: { controllerContext } }) =>
      controllerContext.uncleanLeaderElections,
  ),
  ...controllerTimes,
]
