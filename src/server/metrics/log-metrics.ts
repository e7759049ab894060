/**
 * # The metrics of logs
 *
 * How large they are, and what the cleaner does.
 *
 * @kafka core/src/main/scala/kafka/log/LogManager.scala#LogManager
 * @module
 */
import { counter, gauge, type MetricDefinition } from './metric-definition.ts'

/** A number of each log. */
function logGauge(
  name: 'Size' | 'LogStartOffset' | 'LogEndOffset' | 'NumLogSegments',
  help: string,
  key: 'size' | 'logStartOffset' | 'logEndOffset' | 'numberOfSegments',
): MetricDefinition {
  return {
    ...{ mbean: `kafka.log:type=Log,name=${name}`, help },
    ...{ type: 'gauge', labels: ['topic', 'partition'] },
    *collect({ logManager }) {
      for (const log of logManager.allLogs) {
        const { topic, partition } = log.topicPartition
        if (log.isFuture) continue
        yield { labels: { topic, partition: String(partition) }, value: log[key] }
      }
    },
  }
}

/** 1 for each directory that has failed. */
const logDirectoryOffline: MetricDefinition = {
  mbean: 'kafka.log:type=LogManager,name=LogDirectoryOffline',
  help: '1 when the log directory has failed',
  ...{ type: 'gauge', labels: ['logDirectory'] },
  *collect({ logManager }) {
    for (const logDirectory of logManager.liveLogDirs) {
      yield { labels: { logDirectory }, value: 0 }
    }
    for (const logDirectory of logManager.offlineLogDirs) {
      yield { labels: { logDirectory }, value: 1 }
    }
  },
}

/** How long flushes take. */
const logFlushRateAndTimeMs: MetricDefinition = {
  mbean: 'kafka.log:type=LogFlushStats,name=LogFlushRateAndTimeMs',
  help: 'time to bring a segment to the disk',
  ...{ type: 'histogram', labels: [] },
  collect: ({ logManager }) => [{ value: logManager.logFlushTimer }],
}

/** What is told of logs. */
export const logGauges: readonly MetricDefinition[] = [
  logGauge('Size', 'bytes of the segments', 'size'),
  logGauge('LogStartOffset', 'first offset that can be read', 'logStartOffset'),
  logGauge('LogEndOffset', 'offset that the next record gets', 'logEndOffset'),
  logGauge('NumLogSegments', 'segments', 'numberOfSegments'),
  gauge(
    'kafka.log:type=LogManager,name=OfflineLogDirectoryCount',
    'log directories that have failed',
    ({ logManager }) => logManager.offlineLogDirs.length,
  ),
  logDirectoryOffline,
  logFlushRateAndTimeMs,
  counter(
    'kafka.utils:type=Throttler,name=cleaner-io',
    'bytes that cleaners have read and written',
    ({ logCleaner }) => logCleaner?.ioBytes ?? 0,
  ),
  gauge(
    'kafka.log:type=LogCleanerManager,name=max-dirty-percent',
    'dirty share of the dirtiest log when last looked',
    ({ logCleaner }) =>
      Math.trunc(100 * (logCleaner?.cleanerManager.dirtiestLogCleanableRatio ?? 0)),
  ),
  gauge(
    'kafka.log:type=LogCleaner,name=max-clean-time-secs',
    'longest of the last cleanings of the cleaners',
    ({ logCleaner }) =>
      Math.max(0, ...(logCleaner?.lastStats ?? []).map((s) => s?.elapsedSecs ?? 0)),
  ),
  gauge(
    'kafka.log:type=LogCleanerManager,name=time-since-last-run-ms',
    'ms since a cleaner last looked for work; 0 without cleaners',
    ({ logCleaner }) => logCleaner?.cleanerManager.timeSinceLastRunMs ?? 0,
  ),
  gauge(
    'kafka.log:type=LogCleaner,name=max-buffer-utilization-percent',
    'largest share of its offset map that a cleaner used when it last cleaned',
    ({ logCleaner }) => Math.trunc(100 * (logCleaner?.maxBufferUtilization ?? 0)),
  ),
  gauge(
    'kafka.log:type=LogCleaner,name=cleaner-recopy-percent',
    'share of the bytes read that the last cleanings kept',
    ({ logCleaner }) => Math.trunc(100 * (logCleaner?.recopyRate ?? 0)),
  ),
]
