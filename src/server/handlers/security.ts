/**
 * # Requests about security, to a broker without any
 *
 * Every listener here is PLAINTEXT and no authorizer is configured. A broker of Kafka that
 * is set up in the same way serves these requests too: it says that there are no rules to
 * list or to change, that nobody has to prove who they are, and that who has not proved it
 * gets no token. A client can tell that from an API which the broker does not know.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleDescribeAcls
 * @differs Kafka can be configured with an authorizer, SASL and tokens, and then does what
 *   it is asked. None of them is built here.
 * @module
 */
import { Errors } from '../../base/errors.ts'
import type { Request } from '../../network/RequestChannel.ts'
import {
  CreateAcls,
  type CreateAclsRequest,
} from '../../protocol/messages/CreateAcls.ts'
import { CreateDelegationToken } from '../../protocol/messages/CreateDelegationToken.ts'
import {
  DeleteAcls,
  type DeleteAclsRequest,
} from '../../protocol/messages/DeleteAcls.ts'
import { DescribeAcls } from '../../protocol/messages/DescribeAcls.ts'
import { DescribeDelegationToken } from '../../protocol/messages/DescribeDelegationToken.ts'
import { ExpireDelegationToken } from '../../protocol/messages/ExpireDelegationToken.ts'
import { RenewDelegationToken } from '../../protocol/messages/RenewDelegationToken.ts'
import { SaslAuthenticate } from '../../protocol/messages/SaslAuthenticate.ts'
import { SaslHandshake } from '../../protocol/messages/SaslHandshake.ts'
import type { ApisContext } from './ApisContext.ts'

const NO_AUTHORIZER = {
  errorCode: Errors.SECURITY_DISABLED.code,
  errorMessage: Errors.SECURITY_DISABLED.message,
}
const NO_TOKENS = Errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED.code

/** The time in an answer that tells of no token, in ms. */
const ERROR_TIMESTAMP = -1

/** Lists access rules: there is nobody to ask for them. */
export function handleDescribeAcls(context: ApisContext, request: Request): void {
  context.sendResponseMaybeThrottle(request, DescribeAcls, (throttleTimeMs) => ({
    ...{ throttleTimeMs, ...NO_AUTHORIZER, resources: [] },
  }))
}

/** Refuses each access rule that is to be added. */
export function handleCreateAcls(context: ApisContext, request: Request): void {
  const { creations } = request.body<CreateAclsRequest>()
  context.sendResponseMaybeThrottle(request, CreateAcls, (throttleTimeMs) => ({
    ...{ throttleTimeMs, results: creations.map(() => NO_AUTHORIZER) },
  }))
}

/** Refuses each filter whose access rules are to be removed. */
export function handleDeleteAcls(context: ApisContext, request: Request): void {
  const { filters } = request.body<DeleteAclsRequest>()
  const refused = { ...NO_AUTHORIZER, matchingAcls: [] }
  context.sendResponseMaybeThrottle(request, DeleteAcls, (throttleTimeMs) => ({
    ...{ throttleTimeMs, filterResults: filters.map(() => refused) },
  }))
}

/** Refuses to begin a proof of identity: the connection is as trusted as it gets. */
export function handleSaslHandshake(context: ApisContext, request: Request): void {
  const errorCode = Errors.ILLEGAL_SASL_STATE.code
  context.sendResponseMaybeThrottle(request, SaslHandshake, () => ({
    ...{ errorCode, mechanisms: [] },
  }))
}

/** Refuses a token of a proof that never began. */
export function handleSaslAuthenticate(context: ApisContext, request: Request): void {
  const { code: errorCode, message: errorMessage } = Errors.ILLEGAL_SASL_STATE
  context.sendResponseMaybeThrottle(request, SaslAuthenticate, () => ({
    ...{ errorCode, errorMessage, authBytes: Buffer.alloc(0) },
  }))
}

/** Refuses a token: on PLAINTEXT nobody has proved who they are. */
export function handleCreateTokenRequest(context: ApisContext, request: Request): void {
  const [principalType = '', ...name] = request.context.principal.split(':')
  context.sendResponseMaybeThrottle(
    request,
    CreateDelegationToken,
    (throttleTimeMs) => ({
      ...{ throttleTimeMs, errorCode: NO_TOKENS, principalType },
      principalName: name.join(':'),
      ...{ issueTimestampMs: ERROR_TIMESTAMP, expiryTimestampMs: ERROR_TIMESTAMP },
      ...{ maxTimestampMs: ERROR_TIMESTAMP, tokenId: '', hmac: Buffer.alloc(0) },
    }),
  )
}

/** Refuses to make a token last longer. */
export function handleRenewTokenRequest(context: ApisContext, request: Request): void {
  context.sendResponseMaybeThrottle(
    request,
    RenewDelegationToken,
    (throttleTimeMs) => ({
      ...{ throttleTimeMs, errorCode: NO_TOKENS, expiryTimestampMs: ERROR_TIMESTAMP },
    }),
  )
}

/** Refuses to end a token. */
export function handleExpireTokenRequest(context: ApisContext, request: Request): void {
  context.sendResponseMaybeThrottle(
    request,
    ExpireDelegationToken,
    (throttleTimeMs) => ({
      ...{ throttleTimeMs, errorCode: NO_TOKENS, expiryTimestampMs: ERROR_TIMESTAMP },
    }),
  )
}

/** Lists no tokens, and says why. */
export function handleDescribeTokensRequest(
  context: ApisContext,
  request: Request,
): void {
  context.sendResponseMaybeThrottle(
    request,
    DescribeDelegationToken,
    (throttleTimeMs) => ({
      ...{ throttleTimeMs, errorCode: NO_TOKENS, tokens: [] },
    }),
  )
}
