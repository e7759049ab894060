/**
 * # KafkaApis
 *
 * Where a request meets its handler: one table has all APIs of 1.1.
 *
 *     KafkaRequestHandler ─▶ handle ─▶ handleProduceRequest │ handleFetchRequest │ …
 *                               └─ throws ─▶ handleError: an answer with that error
 *
 * A handler ends its request exactly once: with a response, with nothing (acks 0), or by
 * closing the connection; perhaps long after it returned, from the purgatory.
 *
 * An answer to a client passes the quotas first: those of its bytes, if it produces or
 * fetches, then that of the time that its requests take. What brokers ask is exempt.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis
 * @differs Authorization is not built: everybody may do everything, and who asks for access
 *   rules is told that there are none.
 * @module
 */
import { Errors, type WireError } from '../base/errors.ts'
import { logger } from '../base/logger.ts'
import type { Platform } from '../base/platform/Platform.ts'
import type { KafkaController } from '../controller/KafkaController.ts'
import type { GroupCoordinator } from '../coordinator/group/GroupCoordinator.ts'
import type { TransactionCoordinator } from '../coordinator/transaction/TransactionCoordinator.ts'
import type { Request, RequestChannel } from '../network/RequestChannel.ts'
import type { Api } from '../protocol/Api.ts'
import { ApiKeys } from '../protocol/ApiKeys.ts'
import { encodeResponse } from '../protocol/framing.ts'
import type { ReplicaManager } from '../replica/ReplicaManager.ts'
import type { KafkaZkClient } from '../zk/KafkaZkClient.ts'
import type { AdminManager } from './AdminManager.ts'
import { errorCodesOf } from './error-codes.ts'
import { errorResponse } from './error-response.ts'
import type { FetchManager } from './FetchManager.ts'
import type { ApisContext, ApisParts } from './handlers/ApisContext.ts'
import {
  handleControlledShutdown,
  handleLeaderAndIsr,
  handleStopReplica,
  handleUpdateMetadata,
} from './handlers/cluster.ts'
import { handleFetch } from './handlers/fetch.ts'
import * as group from './handlers/group.ts'
import {
  handleListOffsets,
  handleOffsetForLeaderEpoch,
} from './handlers/list-offsets.ts'
import * as logDirs from './handlers/log-dirs.ts'
import { handleApiVersions, handleTopicMetadata } from './handlers/metadata.ts'
import { handleProduce } from './handlers/produce.ts'
import * as security from './handlers/security.ts'
import * as topics from './handlers/topics.ts'
import * as transactions from './handlers/transactions.ts'
import { handleWriteTxnMarkersRequest } from './handlers/txn-markers.ts'
import type { KafkaConfig } from './KafkaConfig.ts'
import type { MetadataCache } from './MetadataCache.ts'
import type { QuotaManagers } from './QuotaFactory.ts'

const log = logger('KafkaApis')

type Serve = (apis: KafkaApis, request: Request) => void | Promise<void>

/** Key → handler: the APIs that this broker serves. */
const handlers = new Map<number, Serve>([
  [ApiKeys.PRODUCE.key, (apis, r) => apis.handleProduceRequest(r)],
  [ApiKeys.FETCH.key, (apis, r) => apis.handleFetchRequest(r)],
  [ApiKeys.LIST_OFFSETS.key, (apis, r) => apis.handleListOffsetRequest(r)],
  [ApiKeys.METADATA.key, (apis, r) => apis.handleTopicMetadataRequest(r)],
  [ApiKeys.LEADER_AND_ISR.key, (apis, r) => apis.handleLeaderAndIsrRequest(r)],
  [ApiKeys.STOP_REPLICA.key, (apis, r) => apis.handleStopReplicaRequest(r)],
  [ApiKeys.UPDATE_METADATA.key, (apis, r) => apis.handleUpdateMetadataRequest(r)],
  [
    ApiKeys.CONTROLLED_SHUTDOWN.key,
    (apis, r) => apis.handleControlledShutdownRequest(r),
  ],
  [ApiKeys.OFFSET_COMMIT.key, (apis, r) => apis.handleOffsetCommitRequest(r)],
  [ApiKeys.OFFSET_FETCH.key, (apis, r) => apis.handleOffsetFetchRequest(r)],
  [ApiKeys.FIND_COORDINATOR.key, (apis, r) => apis.handleFindCoordinatorRequest(r)],
  [ApiKeys.JOIN_GROUP.key, (apis, r) => apis.handleJoinGroupRequest(r)],
  [ApiKeys.HEARTBEAT.key, (apis, r) => apis.handleHeartbeatRequest(r)],
  [ApiKeys.LEAVE_GROUP.key, (apis, r) => apis.handleLeaveGroupRequest(r)],
  [ApiKeys.SYNC_GROUP.key, (apis, r) => apis.handleSyncGroupRequest(r)],
  [ApiKeys.DESCRIBE_GROUPS.key, (apis, r) => apis.handleDescribeGroupRequest(r)],
  [ApiKeys.LIST_GROUPS.key, (apis, r) => apis.handleListGroupsRequest(r)],
  [ApiKeys.API_VERSIONS.key, (apis, r) => apis.handleApiVersionsRequest(r)],
  [ApiKeys.CREATE_TOPICS.key, (apis, r) => apis.handleCreateTopicsRequest(r)],
  [ApiKeys.DELETE_TOPICS.key, (apis, r) => apis.handleDeleteTopicsRequest(r)],
  [ApiKeys.DELETE_RECORDS.key, (apis, r) => apis.handleDeleteRecordsRequest(r)],
  [ApiKeys.INIT_PRODUCER_ID.key, (apis, r) => apis.handleInitProducerIdRequest(r)],
  [
    ApiKeys.OFFSET_FOR_LEADER_EPOCH.key,
    (apis, r) => apis.handleOffsetForLeaderEpochRequest(r),
  ],
  [
    ApiKeys.ADD_PARTITIONS_TO_TXN.key,
    (apis, r) => apis.handleAddPartitionToTxnRequest(r),
  ],
  [ApiKeys.ADD_OFFSETS_TO_TXN.key, (apis, r) => apis.handleAddOffsetsToTxnRequest(r)],
  [ApiKeys.END_TXN.key, (apis, r) => apis.handleEndTxnRequest(r)],
  [ApiKeys.WRITE_TXN_MARKERS.key, (apis, r) => apis.handleWriteTxnMarkersRequest(r)],
  [ApiKeys.TXN_OFFSET_COMMIT.key, (apis, r) => apis.handleTxnOffsetCommitRequest(r)],
  [ApiKeys.DESCRIBE_CONFIGS.key, (apis, r) => apis.handleDescribeConfigsRequest(r)],
  [ApiKeys.ALTER_CONFIGS.key, (apis, r) => apis.handleAlterConfigsRequest(r)],
  [
    ApiKeys.ALTER_REPLICA_LOG_DIRS.key,
    (apis, r) => apis.handleAlterReplicaLogDirsRequest(r),
  ],
  [ApiKeys.DESCRIBE_LOG_DIRS.key, (apis, r) => apis.handleDescribeLogDirsRequest(r)],
  [ApiKeys.SASL_HANDSHAKE.key, (apis, r) => apis.handleSaslHandshakeRequest(r)],
  [ApiKeys.SASL_AUTHENTICATE.key, (apis, r) => apis.handleSaslAuthenticateRequest(r)],
  [ApiKeys.DESCRIBE_ACLS.key, (apis, r) => apis.handleDescribeAcls(r)],
  [ApiKeys.CREATE_ACLS.key, (apis, r) => apis.handleCreateAcls(r)],
  [ApiKeys.DELETE_ACLS.key, (apis, r) => apis.handleDeleteAcls(r)],
  [ApiKeys.CREATE_DELEGATION_TOKEN.key, (apis, r) => apis.handleCreateTokenRequest(r)],
  [ApiKeys.RENEW_DELEGATION_TOKEN.key, (apis, r) => apis.handleRenewTokenRequest(r)],
  [ApiKeys.EXPIRE_DELEGATION_TOKEN.key, (apis, r) => apis.handleExpireTokenRequest(r)],
  [
    ApiKeys.DESCRIBE_DELEGATION_TOKEN.key,
    (apis, r) => apis.handleDescribeTokensRequest(r),
  ],
  [ApiKeys.CREATE_PARTITIONS.key, (apis, r) => apis.handleCreatePartitionsRequest(r)],
  [ApiKeys.DELETE_GROUPS.key, (apis, r) => apis.handleDeleteGroupsRequest(r)],
])

/** The APIs that a broker serves, by key. */
export const servedApis: ReadonlySet<number> = new Set(handlers.keys())

/**
 * What only brokers ask.
 *
 * @kafka clients/src/main/java/org/apache/kafka/common/protocol/ApiKeys.java#ApiKeys.clusterAction
 */
const clusterActions: ReadonlySet<number> = new Set(
  [
    ...[ApiKeys.LEADER_AND_ISR, ApiKeys.STOP_REPLICA, ApiKeys.UPDATE_METADATA],
    ...[ApiKeys.CONTROLLED_SHUTDOWN, ApiKeys.OFFSET_FOR_LEADER_EPOCH],
    ApiKeys.WRITE_TXN_MARKERS,
  ].map(({ key }) => key),
)

/** Serves requests. */
export class KafkaApis implements ApisContext {
  readonly requestChannel: RequestChannel
  readonly replicaManager: ReplicaManager
  readonly adminManager: AdminManager
  readonly groupCoordinator: GroupCoordinator
  readonly txnCoordinator: TransactionCoordinator
  readonly controller: KafkaController
  readonly metadataCache: MetadataCache
  readonly fetchManager: FetchManager
  readonly zkClient: KafkaZkClient
  readonly config: KafkaConfig
  readonly clusterId: string
  readonly platform: Platform
  readonly quotas: QuotaManagers

  constructor(
    requestChannel: RequestChannel,
    replicaManager: ReplicaManager,
    adminManager: AdminManager,
    groupCoordinator: GroupCoordinator,
    txnCoordinator: TransactionCoordinator,
    kafkaController: KafkaController,
    metadataCache: MetadataCache,
    fetchManager: FetchManager,
    rest: Pick<ApisParts, 'zkClient' | 'config' | 'clusterId' | 'platform' | 'quotas'>,
  ) {
    this.requestChannel = requestChannel
    this.replicaManager = replicaManager
    this.adminManager = adminManager
    this.groupCoordinator = groupCoordinator
    this.txnCoordinator = txnCoordinator
    this.controller = kafkaController
    this.metadataCache = metadataCache
    this.fetchManager = fetchManager
    this.zkClient = rest.zkClient
    this.config = rest.config
    this.clusterId = rest.clusterId
    this.platform = rest.platform
    this.quotas = rest.quotas
  }

  /**
   * Finds the handler of a request and lets it serve. Never rejects.
   *
   * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handle
   */
  async handle(request: Request): Promise<void> {
    try {
      const serve = handlers.get(request.header.apiKey)
      if (!serve) {
        log.warn(`${request.api.name} is not served here; closing the connection`)
        this.closeConnection(request)
        return
      }
      await serve(this, request)
    } catch (error) {
      this.handleError(request, error)
    } finally {
      request.apiLocalCompleteTimeMs = this.platform.clock.monotonic()
    }
  }

  /**
   * Answers with an error; closes the connection where no answer is awaited.
   *
   * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleError
   */
  handleError(request: Request, error: unknown): void {
    const wire = Errors.forException(error)
    if (wire === Errors.UNKNOWN_SERVER_ERROR) {
      log.error(`${request.api.name} from ${request.context.connectionId}`, error)
    }

    // What brokers ask of each other is not held back, whatever came of it.
    if (clusterActions.has(request.header.apiKey)) {
      this.quotas.request.maybeRecordExempt(request)
      this.#sendError(request, wire, 0)
      return
    }
    this.quotas.request.throttleRequest(request, (throttleTimeMs) =>
      this.#sendError(request, wire, throttleTimeMs),
    )
  }

  #sendError(request: Request, error: WireError, throttleTimeMs: number): void {
    const body = errorResponse(request, error)
    if (body === undefined) this.closeConnection(request)
    else this.sendResponse(request, request.api, { ...body, throttleTimeMs })
  }

  /**
   * Answers a client, late when its requests take more time than they may.
   *
   * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.sendResponseMaybeThrottle
   */
  sendResponseMaybeThrottle<Req, Res, ReqIn, ResIn>(
    request: Request,
    api: Api<Req, Res, ReqIn, ResIn>,
    createResponse: (throttleTimeMs: number) => ResIn,
    sizeHint?: number,
  ): void {
    this.quotas.request.throttleRequest(request, (throttleTimeMs) => {
      let body: ResIn
      try {
        body = createResponse(throttleTimeMs)
      } catch (error) {
        // Who asked has waited for this answer; nobody else is there to tell.
        log.error(`the answer to ${api.name} cannot be made`, error)
        this.#sendError(request, Errors.forException(error), throttleTimeMs)
        return
      }
      this.sendResponse(request, api, body, sizeHint)
    })
  }

  /**
   * Answers a broker, at once.
   *
   * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.sendResponseExemptThrottle
   */
  sendResponseExemptThrottle<Req, Res, ReqIn, ResIn>(
    request: Request,
    api: Api<Req, Res, ReqIn, ResIn>,
    body: ResIn,
    sizeHint?: number,
  ): void {
    this.quotas.request.maybeRecordExempt(request)
    this.sendResponse(request, api, body, sizeHint)
  }

  /** Answers a request, now. */
  sendResponse<Req, Res, ReqIn, ResIn>(
    request: Request,
    api: Api<Req, Res, ReqIn, ResIn>,
    body: ResIn,
    sizeHint?: number,
  ): void {
    const { apiVersion, correlationId } = request.header
    const known = apiVersion >= 0 && apiVersion <= api.maxVersion
    const version = known ? apiVersion : 0
    let frame: Buffer
    try {
      frame = encodeResponse(api, version, correlationId, body, sizeHint)
    } catch (error) {
      // Hang up: what cannot be written, such as bytes that the disk does not give any
      // more, must not fail whoever completed this request.
      log.error(`the answer to ${api.name} cannot be written`, error)
      this.closeConnection(request)
      return
    }
    this.requestChannel.metrics.updateErrorMetrics(
      api.name,
      errorCodesOf(api, body as object),
    )
    this.requestChannel.sendResponse({ kind: 'send', request, frame })
  }

  /** Ends a request that wants no answer. */
  sendNoOpResponseExemptThrottle(request: Request): void {
    this.quotas.request.maybeRecordExempt(request)
    this.requestChannel.sendResponse({ kind: 'noop', request })
  }

  /** Ends a request by closing its connection. @param errorCodes - that nobody is told */
  closeConnection(request: Request, errorCodes: readonly number[] = []): void {
    this.requestChannel.metrics.updateErrorMetrics(request.api.name, errorCodes)
    this.requestChannel.sendResponse({ kind: 'close', request })
  }

  /** Appends batches; answers when enough replicas have them. */
  handleProduceRequest(request: Request): void {
    handleProduce(this, request)
  }

  /** Reads batches; waits while there are too few bytes. */
  handleFetchRequest(request: Request): void {
    handleFetch(this, request)
  }

  /** Finds offsets by time, and the ends of partitions. */
  handleListOffsetRequest(request: Request): void {
    handleListOffsets(this, request)
  }

  /** Says who leads what; may create topics. */
  handleTopicMetadataRequest(request: Request): Promise<void> {
    return handleTopicMetadata(this, request)
  }

  /** Becomes leader or follower, as the controller says. */
  handleLeaderAndIsrRequest(request: Request): Promise<void> {
    return handleLeaderAndIsr(this, request)
  }

  /** Stops replicas, as the controller says. */
  handleStopReplicaRequest(request: Request): Promise<void> {
    return handleStopReplica(this, request)
  }

  /** Learns what the cluster looks like. */
  handleUpdateMetadataRequest(request: Request): Promise<void> {
    return handleUpdateMetadata(this, request)
  }

  /** Moves leadership away from a broker that wants to stop. */
  handleControlledShutdownRequest(request: Request): void {
    handleControlledShutdown(this, request)
  }

  /** Stores offsets of a group. */
  handleOffsetCommitRequest(request: Request): void | Promise<void> {
    return group.handleOffsetCommitRequest(this, request)
  }

  /** Gives the stored offsets of a group. */
  handleOffsetFetchRequest(request: Request): void | Promise<void> {
    return group.handleOffsetFetchRequest(this, request)
  }

  /** Says which broker coordinates a group or a transactional id. */
  handleFindCoordinatorRequest(request: Request): void | Promise<void> {
    return group.handleFindCoordinatorRequest(this, request)
  }

  /** Lets a member into a group; answered when the group is complete. */
  handleJoinGroupRequest(request: Request): void | Promise<void> {
    return group.handleJoinGroupRequest(this, request)
  }

  /** Gives a member its partitions, once the leader has dealt them. */
  handleSyncGroupRequest(request: Request): void | Promise<void> {
    return group.handleSyncGroupRequest(this, request)
  }

  /** Keeps a member alive. */
  handleHeartbeatRequest(request: Request): void | Promise<void> {
    return group.handleHeartbeatRequest(this, request)
  }

  /** Lets a member go. */
  handleLeaveGroupRequest(request: Request): void | Promise<void> {
    return group.handleLeaveGroupRequest(this, request)
  }

  /** Describes groups. */
  handleDescribeGroupRequest(request: Request): void | Promise<void> {
    return group.handleDescribeGroupRequest(this, request)
  }

  /** Lists the groups that are coordinated here. */
  handleListGroupsRequest(request: Request): void | Promise<void> {
    return group.handleListGroupsRequest(this, request)
  }

  /** Deletes empty groups. */
  handleDeleteGroupsRequest(request: Request): void | Promise<void> {
    return group.handleDeleteGroupsRequest(this, request)
  }

  /** Lists the APIs and versions that are served here. */
  handleApiVersionsRequest(request: Request): void {
    handleApiVersions(this, request, servedApis)
  }

  /** Creates topics; only the controller does. */
  handleCreateTopicsRequest(request: Request): void | Promise<void> {
    return topics.handleCreateTopicsRequest(this, request)
  }

  /** Deletes topics; only the controller does. */
  handleDeleteTopicsRequest(request: Request): void | Promise<void> {
    return topics.handleDeleteTopicsRequest(this, request)
  }

  /** Adds partitions; only the controller does. */
  handleCreatePartitionsRequest(request: Request): void | Promise<void> {
    return topics.handleCreatePartitionsRequest(this, request)
  }

  /** Moves the beginning of partitions up. */
  handleDeleteRecordsRequest(request: Request): void | Promise<void> {
    return topics.handleDeleteRecordsRequest(this, request)
  }

  /** Describes settings of topics and brokers. */
  handleDescribeConfigsRequest(request: Request): void | Promise<void> {
    return topics.handleDescribeConfigsRequest(this, request)
  }

  /** Replaces settings of topics. */
  handleAlterConfigsRequest(request: Request): void | Promise<void> {
    return topics.handleAlterConfigsRequest(this, request)
  }

  /** Moves replicas to other log directories of this broker. */
  handleAlterReplicaLogDirsRequest(request: Request): Promise<void> {
    return logDirs.handleAlterReplicaLogDirsRequest(this, request)
  }

  /** Says what lies in which log directory of this broker. */
  handleDescribeLogDirsRequest(request: Request): void {
    logDirs.handleDescribeLogDirsRequest(this, request)
  }

  /** Gives a producer its number and epoch; fences those before it. */
  handleInitProducerIdRequest(request: Request): void | Promise<void> {
    return transactions.handleInitProducerIdRequest(this, request)
  }

  /** Takes partitions into a transaction, before they are written to. */
  handleAddPartitionToTxnRequest(request: Request): void {
    transactions.handleAddPartitionToTxnRequest(this, request)
  }

  /** Takes the offsets of a group into a transaction. */
  handleAddOffsetsToTxnRequest(request: Request): void {
    transactions.handleAddOffsetsToTxnRequest(this, request)
  }

  /** Commits or aborts a transaction. */
  handleEndTxnRequest(request: Request): void {
    transactions.handleEndTxnRequest(this, request)
  }

  /** Writes the markers that end transactions. */
  handleWriteTxnMarkersRequest(request: Request): void {
    handleWriteTxnMarkersRequest(this, request)
  }

  /** Stores offsets of a group that count once the transaction is committed. */
  handleTxnOffsetCommitRequest(request: Request): void {
    transactions.handleTxnOffsetCommitRequest(this, request)
  }

  /** Says where epochs ended, for followers that truncate. */
  handleOffsetForLeaderEpochRequest(request: Request): void {
    handleOffsetForLeaderEpoch(this, request)
  }

  /** Refuses to begin a proof of identity: none is asked for here. */
  handleSaslHandshakeRequest(request: Request): void {
    security.handleSaslHandshake(this, request)
  }

  /** Refuses a step of a proof of identity that never began. */
  handleSaslAuthenticateRequest(request: Request): void {
    security.handleSaslAuthenticate(this, request)
  }

  /** Says that there are no access rules, for nobody would apply them. */
  handleDescribeAcls(request: Request): void {
    security.handleDescribeAcls(this, request)
  }

  /** Refuses access rules: nobody would apply them. */
  handleCreateAcls(request: Request): void {
    security.handleCreateAcls(this, request)
  }

  /** Refuses to remove access rules: there are none. */
  handleDeleteAcls(request: Request): void {
    security.handleDeleteAcls(this, request)
  }

  /** Refuses a delegation token: nobody here has proved who they are. */
  handleCreateTokenRequest(request: Request): void {
    security.handleCreateTokenRequest(this, request)
  }

  /** Refuses to renew a delegation token. */
  handleRenewTokenRequest(request: Request): void {
    security.handleRenewTokenRequest(this, request)
  }

  /** Refuses to expire a delegation token. */
  handleExpireTokenRequest(request: Request): void {
    security.handleExpireTokenRequest(this, request)
  }

  /** Refuses to list delegation tokens. */
  handleDescribeTokensRequest(request: Request): void {
    security.handleDescribeTokensRequest(this, request)
  }

  /** Has nothing of its own to close; the parts are closed by the server. */
  close(): void {
    log.info('shut down')
  }
}
