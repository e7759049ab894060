/**
 * A compacted log on the memory platform, with a cleaner that a test lets run.
 */
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import type { Log } from '../../src/log/Log.ts'
import { LogCleaner, type LogCleanerConfig } from '../../src/log/LogCleaner.ts'
import type { LogProps } from '../../src/log/LogConfig.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import { createLog, type LogFixture, logDir } from './log-fixture.ts'

export const orders = new TopicPartition('orders', 0)

export const cleanerConfig: LogCleanerConfig = {
  logCleanerThreads: 1,
  logCleanerDedupeBufferSize: 1024 * 1024,
  logCleanerDedupeBufferLoadFactor: 0.9,
  logCleanerIoBufferSize: 4096,
  logCleanerIoMaxBytesPerSecond: Number.MAX_VALUE,
  logCleanerBackoffMs: 15_000,
}

/** Small segments, and any dirt is enough. */
export const compacted: LogProps = {
  'cleanup.policy': 'compact',
  'segment.bytes': 500,
  'min.cleanable.dirty.ratio': 0,
}

export interface CleanerFixture extends LogFixture {
  readonly logs: TopicPartitionMap<Log>
  readonly cleaner: LogCleaner
  /** Appends one batch of one message; no value deletes the key. */
  put(key: string | null, value: string | null, timestamp?: number): void
  /** Lets the cleaner run until it rests again. */
  clean(): Promise<void>
}

export function cleanerFor(
  fixture: LogFixture,
  logs: TopicPartitionMap<Log>,
  config: Partial<LogCleanerConfig> = {},
): LogCleaner {
  return new LogCleaner({
    config: { ...cleanerConfig, ...config },
    logDirs: [logDir],
    logs,
    logDirFailureChannel: fixture.channel,
    platform: fixture.platform,
  })
}

export function createCleanedLog(
  props: LogProps = {},
  config: Partial<LogCleanerConfig> = {},
): CleanerFixture {
  const fixture = createLog({ ...compacted, ...props })
  const { log, platform } = fixture
  const logs = new TopicPartitionMap<Log>()
  logs.set(orders, log)
  const cleaner = cleanerFor(fixture, logs, config)
  let started = false
  return {
    ...fixture,
    logs,
    cleaner,
    put: (key, value, timestamp = platform.clock.now()) => {
      log.appendAsLeader(keyed(key, value, timestamp), 0)
    },
    clean: async () => {
      if (!started) cleaner.startup()
      started = true
      await platform.virtualClock.advance(cleanerConfig.logCleanerBackoffMs)
    },
  }
}

export function keyed(
  key: string | null,
  value: string | null,
  timestamp: number,
): MemoryRecords {
  const bytes = (text: string | null) => (text === null ? null : Buffer.from(text))
  return MemoryRecords.withRecords(
    {},
    { key: bytes(key), value: bytes(value), timestamp },
  )
}

/** Everything in a log: `offset:key=value`, control records as `offset:!`. */
export function contents(log: Log): string[] {
  const lines: string[] = []
  for (const segment of log.logSegments) {
    for (const batch of segment.log.batches()) {
      batch.ensureValid()
      for (const { offset, key, value } of batch) {
        lines.push(batch.isControlBatch ? `${offset}:!` : `${offset}:${key}=${value}`)
      }
    }
  }
  return lines
}
