/**
 * # Watermarks
 *
 * Two minima over the copies of a partition. The *high watermark* is the lowest log end
 * among the copies that count: below it, everything is replicated. The *low watermark* is
 * the lowest log start among the live ones: below it, everything is deleted everywhere.
 *
 *     copy 1   [────────────────────)        start 3, end 23
 *     copy 2      [──────────────)           start 6, end 20
 *               low = 3       high = 20
 *
 * @kafka core/src/main/scala/kafka/cluster/Partition.scala#Partition.maybeIncrementLeaderHW
 * @module
 */
import type { LogOffsetMetadata } from '../log/LogOffsetMetadata.ts'
import type { Replica } from './Replica.ts'

/** The lowest log end, with its place; undefined when there is no replica. */
export function lowestLogEnd(
  replicas: Iterable<Replica>,
): LogOffsetMetadata | undefined {
  let lowest: LogOffsetMetadata | undefined
  for (const { logEndOffset } of replicas) {
    if (!lowest || logEndOffset.messageOffset < lowest.messageOffset)
      lowest = logEndOffset
  }
  return lowest
}

/**
 * Tells whether a high watermark may move from `old` to `next`: up, or onto a newer
 * segment at the same offset. A roll changes where the next byte lies, and the purgatory
 * counts bytes by position.
 */
export function mayMove(old: LogOffsetMetadata, next: LogOffsetMetadata): boolean {
  if (old.messageOffset !== next.messageOffset) {
    return old.messageOffset < next.messageOffset
  }
  return old.messageOffsetOnly ? !next.messageOffsetOnly : old.onOlderSegment(next)
}

/** The lowest log start; 0 when there is no replica. */
export function lowestLogStart(replicas: Iterable<Replica>): number {
  let lowest: number | undefined
  for (const { logStartOffset } of replicas) {
    lowest = lowest === undefined ? logStartOffset : Math.min(lowest, logStartOffset)
  }
  return lowest ?? 0
}
