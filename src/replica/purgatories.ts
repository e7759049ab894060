/**
 * # The three waiting rooms of a replica manager
 *
 * Produces wait for high watermarks, fetches for bytes, delete-records operations for low
 * watermarks; all of them under partitions.
 *
 * @kafka core/src/main/scala/kafka/server/ReplicaManager.scala#ReplicaManager
 * @module
 */
import type { Clock } from '../base/platform/Platform.ts'
import type { DelayedDeleteRecords } from './DelayedDeleteRecords.ts'
import type { DelayedFetch } from './DelayedFetch.ts'
import { DelayedOperationPurgatory } from './DelayedOperationPurgatory.ts'
import type { DelayedProduce } from './DelayedProduce.ts'
import type { ReplicaManagerConfig } from './ReplicaManagerConfig.ts'

/** The waiting rooms, by what waits in them. */
export interface Purgatories {
  readonly produce: DelayedOperationPurgatory<DelayedProduce>
  readonly fetch: DelayedOperationPurgatory<DelayedFetch>
  readonly deleteRecords: DelayedOperationPurgatory<DelayedDeleteRecords>
}

/** Opens them; their clocks run from here on. */
export function openPurgatories(
  config: ReplicaManagerConfig,
  clock: Clock,
): Purgatories {
  const { brokerId } = config
  return {
    produce: new DelayedOperationPurgatory({
      purgatoryName: 'Produce',
      clock,
      brokerId,
      purgeInterval: config.producerPurgatoryPurgeIntervalRequests,
    }),
    fetch: new DelayedOperationPurgatory({
      purgatoryName: 'Fetch',
      clock,
      brokerId,
      purgeInterval: config.fetchPurgatoryPurgeIntervalRequests,
    }),
    deleteRecords: new DelayedOperationPurgatory({
      purgatoryName: 'DeleteRecords',
      clock,
      brokerId,
      purgeInterval: config.deleteRecordsPurgatoryPurgeIntervalRequests,
    }),
  }
}
