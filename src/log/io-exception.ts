/**
 * # IO exceptions
 *
 * What the disk throws, told apart from everything else. The log layer answers a failed
 * disk in one way only: the log directory is reported to the `LogDirFailureChannel`, and
 * the caller gets a `KafkaStorageException`. Any other exception passes as it is.
 *
 * @module
 */
import { ClosedChannelException, IOException } from '../base/errors.ts'

/**
 * Says whether an error came from the storage: an error of the system carries a code such
 * as `EIO`, `ENOSPC` or `EBADF`. Codes that begin with `ERR_` are Node's own, raised by a
 * wrong call, and are our mistake instead.
 */
export function isIOException(error: unknown): error is Error {
  if (error instanceof IOException) return true
  if (error instanceof ClosedChannelException) return true
  if (!(error instanceof Error)) return false
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)
}
