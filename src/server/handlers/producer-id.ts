/**
 * # InitProducerId
 *
 * Gives a producer its id, so that the broker can tell a repeated batch from a new one.
 *
 * @kafka core/src/main/scala/kafka/server/KafkaApis.scala#KafkaApis.handleInitProducerIdRequest
 * @differs Transactions are not built: a producer with a transactional id is answered
 *   INVALID_REQUEST, which ends it, where a retriable error would let it ask for ever.
 * @module
 */
import { Errors } from '../../base/errors.ts'
import { logger } from '../../base/logger.ts'
import type { Request } from '../../network/RequestChannel.ts'
import {
  InitProducerId,
  type InitProducerIdRequest,
} from '../../protocol/messages/InitProducerId.ts'
import type { ApisContext } from './ApisContext.ts'

const log = logger('KafkaApis')

/** Serves an InitProducerId request; see `KafkaApis.handleInitProducerIdRequest`. */
export async function handleInitProducerId(
  context: ApisContext,
  request: Request,
): Promise<void> {
  const { transactionalId } = request.body<InitProducerIdRequest>()
  if (transactionalId !== null) {
    log.warn(`refused transactional id ${transactionalId}: transactions are not built`)
    const failed = { producerId: -1n, producerEpoch: -1 }
    const errorCode = Errors.INVALID_REQUEST.code
    context.sendResponse(request, InitProducerId, { errorCode, ...failed })
    return
  }

  // A producer without transactions is never fenced: it always is in its first epoch.
  const producerId = await context.producerIdManager.generateProducerId()
  const errorCode = Errors.NONE.code
  const body = { errorCode, producerId, producerEpoch: 0 }
  context.sendResponse(request, InitProducerId, body)
}
