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

/** Whom to call for each signal; the signal itself has one listener. */
const callbacks = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls `fn` when `signal` fires. A signal may be waited on by many at a time, and by one
 * many times in a row: this is cheaper than a listener each, and Node does not take it
 * for a leak.
 *
 * @returns a function that takes it back
 */
export function onAbort(signal: AbortSignal, fn: () => void): () => void {
  const known = callbacks.get(signal)
  const waiting = known ?? new Set()
  if (known === undefined) {
    callbacks.set(signal, waiting)
    signal.addEventListener('abort', () => callAll(waiting), { once: true })
  }
  waiting.add(fn)
  return () => {
    waiting.delete(fn)
  }
}

function callAll(waiting: Set<() => void>): void {
  for (const fn of [...waiting]) fn()
  waiting.clear()
}
