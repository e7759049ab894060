/**
 * # The metrics of the coordinators
 *
 * What they know of groups and of transactions.
 *
 * @kafka core/src/main/scala/kafka/coordinator/group/GroupMetadataManager.scala#GroupMetadataManager
 * @module
 */
import type { GroupState } from '../../coordinator/group/GroupMetadata.ts'
import { gauge, type MetricDefinition } from './metric-definition.ts'

/** How many groups are in a state. */
function groupStateGauge(state: GroupState, help: string): MetricDefinition {
  const mbean = `kafka.coordinator.group:type=GroupMetadataManager,name=NumGroups${state}`
  return gauge(
    mbean,
    help,
    ({ groupCoordinator }) =>
      groupCoordinator.groupManager
        .currentGroups()
        .filter(({ currentState }) => currentState === state).length,
  )
}

/** What is told of transactions. */
export const transactionGauges: readonly MetricDefinition[] = [
  gauge(
    'kafka.coordinator.transaction:type=TransactionMarkerChannelManager,name=UnknownDestinationQueueSize',
    'markers of transactions that wait for a partition to have a leader',
    ({ transactionCoordinator: { txnMarkerChannelManager } }) =>
      txnMarkerChannelManager.queueForUnknownBroker.totalNumMarkers,
  ),
  gauge(
    'kafka.coordinator.transaction:type=TransactionMarkerChannelManager,name=LogAppendRetryQueueSize',
    'transactions whose end is to be written down once more',
    ({ transactionCoordinator: { txnMarkerChannelManager } }) =>
      txnMarkerChannelManager.logAppendRetryQueueSize,
  ),
]

/** What is told of groups. */
export const groupGauges: readonly MetricDefinition[] = [
  gauge(
    'kafka.coordinator.group:type=GroupMetadataManager,name=NumGroups',
    'groups that are coordinated here',
    ({ groupCoordinator }) => groupCoordinator.groupManager.currentGroups().length,
  ),
  gauge(
    'kafka.coordinator.group:type=GroupMetadataManager,name=NumOffsets',
    'offsets that groups coordinated here have committed',
    ({ groupCoordinator }) =>
      groupCoordinator.groupManager
        .currentGroups()
        .reduce((sum, { offsets }) => sum + offsets.numOffsets, 0),
  ),
  groupStateGauge('PreparingRebalance', 'groups that wait for members to join'),
  groupStateGauge('CompletingRebalance', 'groups that wait for their assignment'),
  groupStateGauge('Stable', 'groups whose members all know what they read'),
  groupStateGauge('Empty', 'groups without members'),
  groupStateGauge('Dead', 'groups that are being removed'),
]
