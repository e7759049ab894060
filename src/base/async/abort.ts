/**
 * # Abort
 *
 * How a wait ends early. Java interrupts the thread; here every wait takes an
 * `AbortSignal` and rejects with an `AbortError` when it fires.
 *
 * @module
 */

/** The wait was called off. Its `name` is the one the web platform uses. */
export class AbortError extends Error {
  constructor(
    message = 'the wait was aborted',
    options?: { readonly cause?: unknown },
  ) {
    super(message, options)
    this.name = 'AbortError'
  }
}

/** @returns whether an error says that a wait was called off */
export function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** @throws AbortError when `signal` has fired */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AbortError(undefined, { cause: signal.reason })
}
