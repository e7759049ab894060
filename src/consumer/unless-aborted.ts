/**
 * # unless-aborted
 *
 * Gives up a wait that takes no signal itself. Kafka interrupts the thread that waits; here
 * the work goes on, and nobody waits for it any more.
 *
 * @module
 */
import { AbortError, onAbort, throwIfAborted } from '../base/async/abort.ts'

/**
 * Waits for `work`, but no longer than until `signal` fires. What becomes of `work` after
 * that is of no interest, its failure included.
 *
 * @throws AbortError (rejects) when the signal fires first, or has fired
 */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => {
      reject(new AbortError(undefined, { cause: signal.reason }))
    })
    work.then(resolve, reject).finally(forget)
    throwIfAborted(signal)
  })
}
