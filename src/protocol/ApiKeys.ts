/**
 * # ApiKeys
 *
 * The list of all APIs of Kafka 1.1.1, in the order of their keys.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/protocol/ApiKeys.java#ApiKeys
 * @module
 */

import type { AnyApi } from './Api.ts'
import { AddOffsetsToTxn } from './messages/AddOffsetsToTxn.ts'
import { AddPartitionsToTxn } from './messages/AddPartitionsToTxn.ts'
import { AlterConfigs } from './messages/AlterConfigs.ts'
import { AlterReplicaLogDirs } from './messages/AlterReplicaLogDirs.ts'
import { ApiVersions } from './messages/ApiVersions.ts'
import { ControlledShutdown } from './messages/ControlledShutdown.ts'
import { CreateAcls } from './messages/CreateAcls.ts'
import { CreateDelegationToken } from './messages/CreateDelegationToken.ts'
import { CreatePartitions } from './messages/CreatePartitions.ts'
import { CreateTopics } from './messages/CreateTopics.ts'
import { DeleteAcls } from './messages/DeleteAcls.ts'
import { DeleteGroups } from './messages/DeleteGroups.ts'
import { DeleteRecords } from './messages/DeleteRecords.ts'
import { DeleteTopics } from './messages/DeleteTopics.ts'
import { DescribeAcls } from './messages/DescribeAcls.ts'
import { DescribeConfigs } from './messages/DescribeConfigs.ts'
import { DescribeDelegationToken } from './messages/DescribeDelegationToken.ts'
import { DescribeGroups } from './messages/DescribeGroups.ts'
import { DescribeLogDirs } from './messages/DescribeLogDirs.ts'
import { EndTxn } from './messages/EndTxn.ts'
import { ExpireDelegationToken } from './messages/ExpireDelegationToken.ts'
import { Fetch } from './messages/Fetch.ts'
import { FindCoordinator } from './messages/FindCoordinator.ts'
import { Heartbeat } from './messages/Heartbeat.ts'
import { InitProducerId } from './messages/InitProducerId.ts'
import { JoinGroup } from './messages/JoinGroup.ts'
import { LeaderAndIsr } from './messages/LeaderAndIsr.ts'
import { LeaveGroup } from './messages/LeaveGroup.ts'
import { ListGroups } from './messages/ListGroups.ts'
import { ListOffsets } from './messages/ListOffsets.ts'
import { Metadata } from './messages/Metadata.ts'
import { OffsetCommit } from './messages/OffsetCommit.ts'
import { OffsetFetch } from './messages/OffsetFetch.ts'
import { OffsetForLeaderEpoch } from './messages/OffsetForLeaderEpoch.ts'
import { Produce } from './messages/Produce.ts'
import { RenewDelegationToken } from './messages/RenewDelegationToken.ts'
import { SaslAuthenticate } from './messages/SaslAuthenticate.ts'
import { SaslHandshake } from './messages/SaslHandshake.ts'
import { StopReplica } from './messages/StopReplica.ts'
import { SyncGroup } from './messages/SyncGroup.ts'
import { TxnOffsetCommit } from './messages/TxnOffsetCommit.ts'
import { UpdateMetadata } from './messages/UpdateMetadata.ts'
import { WriteTxnMarkers } from './messages/WriteTxnMarkers.ts'

const table = {
  PRODUCE: Produce,
  FETCH: Fetch,
  LIST_OFFSETS: ListOffsets,
  METADATA: Metadata,
  LEADER_AND_ISR: LeaderAndIsr,
  STOP_REPLICA: StopReplica,
  UPDATE_METADATA: UpdateMetadata,
  CONTROLLED_SHUTDOWN: ControlledShutdown,
  OFFSET_COMMIT: OffsetCommit,
  OFFSET_FETCH: OffsetFetch,
  FIND_COORDINATOR: FindCoordinator,
  JOIN_GROUP: JoinGroup,
  HEARTBEAT: Heartbeat,
  LEAVE_GROUP: LeaveGroup,
  SYNC_GROUP: SyncGroup,
  DESCRIBE_GROUPS: DescribeGroups,
  LIST_GROUPS: ListGroups,
  SASL_HANDSHAKE: SaslHandshake,
  API_VERSIONS: ApiVersions,
  CREATE_TOPICS: CreateTopics,
  DELETE_TOPICS: DeleteTopics,
  DELETE_RECORDS: DeleteRecords,
  INIT_PRODUCER_ID: InitProducerId,
  OFFSET_FOR_LEADER_EPOCH: OffsetForLeaderEpoch,
  ADD_PARTITIONS_TO_TXN: AddPartitionsToTxn,
  ADD_OFFSETS_TO_TXN: AddOffsetsToTxn,
  END_TXN: EndTxn,
  WRITE_TXN_MARKERS: WriteTxnMarkers,
  TXN_OFFSET_COMMIT: TxnOffsetCommit,
  DESCRIBE_ACLS: DescribeAcls,
  CREATE_ACLS: CreateAcls,
  DELETE_ACLS: DeleteAcls,
  DESCRIBE_CONFIGS: DescribeConfigs,
  ALTER_CONFIGS: AlterConfigs,
  ALTER_REPLICA_LOG_DIRS: AlterReplicaLogDirs,
  DESCRIBE_LOG_DIRS: DescribeLogDirs,
  SASL_AUTHENTICATE: SaslAuthenticate,
  CREATE_PARTITIONS: CreatePartitions,
  CREATE_DELEGATION_TOKEN: CreateDelegationToken,
  RENEW_DELEGATION_TOKEN: RenewDelegationToken,
  EXPIRE_DELEGATION_TOKEN: ExpireDelegationToken,
  DESCRIBE_DELEGATION_TOKEN: DescribeDelegationToken,
  DELETE_GROUPS: DeleteGroups,
}

const all: readonly AnyApi[] = Object.values(table)

const byKey = new Map(all.map((api) => [api.key, api]))

/**
 * Every API by Kafka's name for it.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/protocol/ApiKeys.java#ApiKeys
 */
export const ApiKeys = {
  ...table,

  /** All APIs, by ascending key. */
  all,

  /**
   * Finds the API of a key read from the wire.
   *
   * @param key - int16 of a request header
   * @returns `undefined` when 1.1.1 has no such API
   * @kafka clients/src/main/java/org/apache/kafka/common/protocol/ApiKeys.java#forId
   */
  forId(key: number): AnyApi | undefined {
    return byKey.get(key)
  },
}
