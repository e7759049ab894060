/**
 * # Mutex
 *
 * A lock for the few sections that span an `await`. Everything shorter needs none, since
 * nothing else runs between two awaits. Each use names the lock of Kafka it replaces.
 *
 * Invariant: the lock passes to the one who waited longest; it is never free while
 * someone waits.
 *
 * @differs not reentrant, unlike `synchronized`: taking it twice waits for ever
 * @module
 */
import { Waiters } from './Waiters.ts'

/** A fair lock. */
export class Mutex {
  #locked = false
  readonly #waiters = new Waiters<true>()

  get isLocked(): boolean {
    return this.#locked
  }

  /**
   * Takes the lock, once it is free.
   *
   * @returns a function that gives it back; only its first call counts
   * @throws AbortError (rejects) when `signal` fires first
   */
  async acquire(signal?: AbortSignal): Promise<() => void> {
    if (this.#locked) await this.#waiters.wait({ signal })
    this.#locked = true
    let held = true
    return () => {
      if (!held) return
      held = false

      // Hand the lock on without freeing it in between.
      if (!this.#waiters.wakeOne(true)) this.#locked = false
    }
  }

  /** Runs `fn` with the lock held. */
  async runExclusive<R>(fn: () => R | Promise<R>, signal?: AbortSignal): Promise<R> {
    const release = await this.acquire(signal)
    try {
      return await fn()
    } finally {
      release()
    }
  }
}
