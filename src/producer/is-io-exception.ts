/**
 * # Failures of the network
 *
 * What Java calls an IOException: the old clients drop the connection for these, and for
 * nothing else.
 *
 * @kafka core/src/main/scala/kafka/producer/SyncProducer.scala#doSend
 * @module
 */

import { ClosedChannelException, IOException } from '../base/errors.ts'

/**
 * Whether the network failed, and not our own code or the peer's bytes.
 *
 * @param e - whatever was thrown; the host's own errors are known by a code in words,
 *   such as `ECONNRESET`
 */
export function isIOException(e: unknown): boolean {
  if (e instanceof IOException || e instanceof ClosedChannelException) return true
  return e instanceof Error && 'code' in e && typeof e.code === 'string'
}
