/**
 * # AsyncContext on Node
 *
 * Carries one value along the asynchronous flow: what an `await`, a timer or a socket
 * event continues sees the value that was set where it began. The recorder links frames
 * with it.
 *
 * Once a context has been entered, each `await` of the process costs about three times as
 * much on Node 20; so one is made when a recording starts and switched off when it ends.
 *
 * @module
 */
import { AsyncLocalStorage } from 'node:async_hooks'

/** An asynchronous context that can be switched off. */
export interface NodeAsyncContext<T> {
  run<R>(value: T, body: () => R): R
  get(): T | undefined
  /** Gives back what the context costs; `get` answers `undefined` from then on. */
  disable(): void
}

/** Makes a context on `AsyncLocalStorage`. */
export function nodeAsyncContext<T>(): NodeAsyncContext<T> {
  const storage = new AsyncLocalStorage<T>()
  return {
    run: (value, body) => storage.run(value, body),
    get: () => storage.getStore(),
    disable: () => storage.disable(),
  }
}
