/**
 * # ApisContext
 *
 * What the handlers of requests work with: the parts of the broker, and the three ways to
 * end a request. `KafkaApis` is one; the handlers, grouped by subject in this folder, see
 * only this.
 *
 * Each handler has the same four steps: decode, authorize, apply, respond.
 *
 * @module
 */
import type { Platform } from '../../base/platform/Platform.ts'
import type { KafkaController } from '../../controller/KafkaController.ts'
import type { GroupCoordinator } from '../../coordinator/group/GroupCoordinator.ts'
import type { TransactionCoordinator } from '../../coordinator/transaction/TransactionCoordinator.ts'
import type { Request, RequestChannel } from '../../network/RequestChannel.ts'
import type { Api } from '../../protocol/Api.ts'
import type { ReplicaManager } from '../../replica/ReplicaManager.ts'
import type { KafkaZkClient } from '../../zk/KafkaZkClient.ts'
import type { AdminManager } from '../AdminManager.ts'
import type { FetchManager } from '../FetchManager.ts'
import type { KafkaConfig } from '../KafkaConfig.ts'
import type { MetadataCache } from '../MetadataCache.ts'
import type { QuotaManagers } from '../QuotaFactory.ts'

/** The parts of a broker that requests need. */
export interface ApisParts {
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
}

/** The parts, and the ways to end a request. Each request is ended exactly once. */
export interface ApisContext extends ApisParts {
  /**
   * Answers a client, late when its requests take more time than they may.
   *
   * @param api - the request's own API; its type says what the body may be
   * @param createResponse - makes the body when it is sent; told the ms it was held back
   */
  sendResponseMaybeThrottle<Req, Res, ReqIn, ResIn>(
    request: Request,
    api: Api<Req, Res, ReqIn, ResIn>,
    createResponse: (throttleTimeMs: number) => ResIn,
    sizeHint?: number,
  ): void
  /** Answers a broker, at once. */
  sendResponseExemptThrottle<Req, Res, ReqIn, ResIn>(
    request: Request,
    api: Api<Req, Res, ReqIn, ResIn>,
    body: ResIn,
    sizeHint?: number,
  ): void
  /** Answers with an error; closes the connection where no answer is awaited. */
  handleError(request: Request, error: unknown): void
  /** Ends a request that wants no answer: acks 0. */
  sendNoOpResponseExemptThrottle(request: Request): void
  /** Ends a request by closing its connection. @param errorCodes - that nobody is told */
  closeConnection(request: Request, errorCodes?: readonly number[]): void
}

/** Serves one request. What it throws becomes the error of the whole answer. */
export type Handler = (context: ApisContext, request: Request) => void | Promise<void>
