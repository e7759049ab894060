/**
 * # Sleep
 *
 * Waiting on a clock, the same for every clock.
 *
 * @module
 */
import { AbortError, onAbort, throwIfAborted } from '../async/abort.ts'
import type { Clock } from './Platform.ts'

/** Waits `ms` on `clock`. @throws AbortError (rejects) when `signal` fires first */
export function sleepOn(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    throwIfAborted(signal)
    const timer = clock.setTimeout(() => {
      forgetSignal?.()
      resolve()
    }, ms)
    const forgetSignal =
      signal &&
      onAbort(signal, () => {
        clock.clearTimeout(timer)
        reject(new AbortError(undefined, { cause: signal.reason }))
      })
  })
}
