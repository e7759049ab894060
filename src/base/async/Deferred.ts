/**
 * # Deferred
 *
 * A promise with its two ends in one hand: some code waits, other code settles it later.
 *
 * @module
 */

/** A promise that its holder settles. Only the first settling counts. */
export class Deferred<T = void> {
  readonly promise: Promise<T>
  #resolve!: (value: T) => void
  #reject!: (error: unknown) => void
  #settled = false

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get settled(): boolean {
    return this.#settled
  }

  resolve(value: T): void {
    this.#settled = true
    this.#resolve(value)
  }

  reject(error: unknown): void {
    this.#settled = true
    this.#reject(error)
  }
}
