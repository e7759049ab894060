/**
 * # FetcherStats
 *
 * What one fetcher thread has done: fetches, and bytes that they brought. A thread that
 * stands still shows by its rate, long before anybody misses records.
 *
 * @kafka core/src/main/scala/kafka/server/AbstractFetcherThread.scala#FetcherStats
 * @module
 */
import { Meter } from '../../base/metrics/Meter.ts'
import type { Clock } from '../../base/platform/Platform.ts'

/** Counts of a fetcher thread. */
export class FetcherStats {
  /** Fetches, failed ones included. */
  readonly requestRate: Meter
  /** Bytes of whole batches that were taken in. */
  readonly byteRate: Meter

  /** Begins to count, now. */
  constructor(clock: Clock) {
    this.requestRate = new Meter(clock)
    this.byteRate = new Meter(clock)
  }
}
