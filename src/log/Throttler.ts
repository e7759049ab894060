/**
 * # Throttler
 *
 * Holds something to a rate by letting it wait. It looks once an interval: if more was
 * done than the rate allows, the wait is as long as the surplus would have taken.
 *
 *     rate 100/s, 60 done in 300 ms:  60 / 0.1 = 600 ms should have passed ─▶ wait 300
 *
 * @kafka core/src/main/scala/kafka/utils/Throttler.scala#Throttler
 * @module
 */
import type { Clock } from '../base/platform/Platform.ts'

/** What a throttler is made with. */
export interface ThrottlerOptions {
  /** Units a second. */
  readonly desiredRatePerSec: number
  /** Milliseconds between two looks. */
  readonly checkIntervalMs?: number
  /** True to hold a rate from above, false to hold it from below. */
  readonly throttleDown?: boolean
  readonly clock: Clock
}

/**
 * Holds a rate.
 *
 * @kafka core/src/main/scala/kafka/utils/Throttler.scala#Throttler
 */
export class Throttler {
  readonly #rate: number
  readonly #checkIntervalMs: number
  readonly #throttleDown: boolean
  readonly #clock: Clock
  #periodStart: number
  #observedSoFar = 0
  /** All that it was told of. */
  observedTotal = 0

  /** Begins to count, now. */
  constructor(options: ThrottlerOptions) {
    this.#rate = options.desiredRatePerSec
    this.#checkIntervalMs = options.checkIntervalMs ?? 300
    this.#throttleDown = options.throttleDown ?? true
    this.#clock = options.clock
    this.#periodStart = options.clock.monotonic()
  }

  /**
   * Counts what was done, and waits if that was too much.
   *
   * @param observed units done since the last call
   * @param signal ends the wait
   * @throws AbortError (rejects) when the signal fires
   */
  async maybeThrottle(observed: number, signal?: AbortSignal): Promise<void> {
    // Look once an interval.
    this.#observedSoFar += observed
    this.observedTotal += observed
    const elapsedMs = this.#clock.monotonic() - this.#periodStart
    if (elapsedMs < this.#checkIntervalMs || this.#observedSoFar === 0) return

    // Let the time pass that it should have taken.
    const ratePerSec = (this.#observedSoFar * 1000) / elapsedMs
    if (this.#throttleDown === ratePerSec > this.#rate) {
      const desiredMs = (this.#observedSoFar * 1000) / this.#rate
      const sleepMs = Math.round(desiredMs - elapsedMs)
      if (sleepMs > 0) await this.#clock.sleep(sleepMs, signal)
    }
    this.#periodStart = this.#clock.monotonic()
    this.#observedSoFar = 0
  }
}
