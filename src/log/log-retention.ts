/**
 * # Retention
 *
 * Which segments of a log may be deleted. Three rules, each asked from the oldest segment
 * on and stopped at the first that it spares:
 *
 * | rule | a segment goes when |
 * |---|---|
 * | time | its largest timestamp is older than `retention.ms` |
 * | size | the log without it would still hold `retention.bytes` |
 * | start | the next segment begins at or below the log start offset |
 *
 * Nothing at or above the high watermark is deleted, so that the log never begins behind
 * what consumers may read; and not a last segment that is empty, since it would only be
 * made again.
 *
 * @kafka core/src/main/scala/kafka/log/Log.scala#deleteOldSegments
 * @module
 */
import type { LogConfig } from './LogConfig.ts'
import type { LogSegment } from './LogSegment.ts'

/** Says whether a segment may go; asked once for each, oldest first. */
export type RetentionRule = (
  segment: LogSegment,
  nextSegment: LogSegment | undefined,
) => boolean

/** What the rules look at. */
export interface RetentionView {
  readonly config: LogConfig
  readonly logStartOffset: number
  readonly logEndOffset: number
  /** Bytes of all segments. */
  readonly size: number
}

/**
 * Collects the segments that a rule gives up.
 *
 * @param segments all segments, oldest first
 * @param highWatermark `undefined` when not known yet: then none may go
 * @kafka core/src/main/scala/kafka/log/Log.scala#deletableSegments
 */
export function deletableSegments(
  segments: readonly LogSegment[],
  rule: RetentionRule,
  log: RetentionView,
  highWatermark: number | undefined,
): LogSegment[] {
  const deletable: LogSegment[] = []
  if (highWatermark === undefined) return deletable
  for (const [i, segment] of segments.entries()) {
    const next = segments[i + 1]
    const upperBoundOffset = next?.baseOffset ?? log.logEndOffset
    const isLastAndEmpty = next === undefined && segment.size === 0
    if (highWatermark < upperBoundOffset || isLastAndEmpty) break
    if (!rule(segment, next)) break
    deletable.push(segment)
  }
  return deletable
}

/** The rule of age; `undefined` when age does not matter. */
export function retentionMsRule(
  log: RetentionView,
  now: number,
): RetentionRule | undefined {
  const { retentionMs } = log.config
  if (retentionMs < 0) return undefined
  return (segment) => now - segment.largestTimestamp > retentionMs
}

/** The rule of size; `undefined` when the log is not too large. */
export function retentionSizeRule(log: RetentionView): RetentionRule | undefined {
  const { retentionSize } = log.config
  if (retentionSize < 0 || log.size < retentionSize) return undefined
  let excess = log.size - retentionSize
  return (segment) => {
    if (excess < segment.size) return false
    excess -= segment.size
    return true
  }
}

/** The rule of the log start offset, which `DeleteRecords` moves. */
export function logStartOffsetRule(log: RetentionView): RetentionRule {
  return (_, next) => next !== undefined && next.baseOffset <= log.logStartOffset
}
