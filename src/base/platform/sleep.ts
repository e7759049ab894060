/**
 * # Sleep
 *
 * Waiting on a clock, the same for every clock.
 *
 * @module
 */
import { AbortError, throwIfAborted } from '../async/abort.ts'
import type { Clock } from './Platform.ts'

/** Waits `ms` on `clock`. @throws AbortError (rejects) when `signal` fires first */
export function sleepOn(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    throwIfAborted(signal)
    const onAbort = (): void => {
      clock.clearTimeout(timer)
      reject(new AbortError(undefined, { cause: signal?.reason }))
    }
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
