/**
 * A log on the memory platform, and the records that the tests put into it.
 */
import { KafkaScheduler } from '../../src/base/async/KafkaScheduler.ts'
import {
  type MemoryPlatform,
  memoryPlatform,
} from '../../src/base/platform/memory/memory-platform.ts'
import type { Platform } from '../../src/base/platform/Platform.ts'
import { Log } from '../../src/log/Log.ts'
import { LogConfig, type LogProps } from '../../src/log/LogConfig.ts'
import { LogDirFailureChannel } from '../../src/log/LogDirFailureChannel.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'

export const logDir = '/data'
export const partitionDir = '/data/orders-0'

/** What a test may reach behind. */
export interface LogFixture {
  readonly platform: MemoryPlatform
  readonly scheduler: KafkaScheduler
  readonly channel: LogDirFailureChannel
  readonly log: Log
  /** Opens the same directory once more, as a restart would. */
  reopen(options?: { recoveryPoint?: number; logStartOffset?: number }): Log
}

export function openLog(options: {
  platform: Platform
  scheduler: KafkaScheduler
  channel: LogDirFailureChannel
  props?: LogProps
  recoveryPoint?: number
  logStartOffset?: number
  dir?: string
}): Log {
  return Log.open({
    dir: options.dir ?? partitionDir,
    config: new LogConfig(options.props ?? {}),
    logStartOffset: options.logStartOffset ?? 0,
    recoveryPoint: options.recoveryPoint ?? 0,
    scheduler: options.scheduler,
    platform: options.platform,
    maxProducerIdExpirationMs: 60_000,
    producerIdExpirationCheckIntervalMs: 10_000,
    logDirFailureChannel: options.channel,
  })
}

export function createLog(props: LogProps = {}): LogFixture {
  const platform = memoryPlatform()
  const scheduler = new KafkaScheduler(platform.clock)
  scheduler.startup()
  const channel = new LogDirFailureChannel(1)
  platform.storage.mkdir(logDir)
  const log = openLog({ platform, scheduler, channel, props })
  return {
    platform,
    scheduler,
    channel,
    log,
    reopen: (again = {}) => openLog({ platform, scheduler, channel, props, ...again }),
  }
}

/** One batch of records with the given values. */
export function batchOf(...values: string[]): MemoryRecords {
  return MemoryRecords.withRecords(
    {},
    ...values.map((value) => ({ timestamp: 1000, value: Buffer.from(value) })),
  )
}

/** One batch of one record at a time. */
export function timedBatch(timestamp: number, value = 'v'): MemoryRecords {
  return MemoryRecords.withRecords({}, { timestamp, value: Buffer.from(value) })
}

/** One batch of an idempotent producer. */
export function producerBatch(options: {
  producerId?: bigint
  epoch?: number
  sequence: number
  count?: number
  isTransactional?: boolean
  timestamp?: number
}): MemoryRecords {
  const { producerId = 7n, epoch = 0, sequence, count = 1, timestamp = 1000 } = options
  const records = Array.from({ length: count }, (_, i) => ({
    timestamp,
    value: Buffer.from(`r${i}`),
  }))
  return MemoryRecords.withRecords(
    {
      producerId,
      producerEpoch: epoch,
      baseSequence: sequence,
      isTransactional: options.isTransactional ?? false,
    },
    ...records,
  )
}

/** All values in a log from an offset on, read one segment after the other. */
export function readAll(log: Log, from = log.logStartOffset): string[] {
  const values: string[] = []
  for (let offset = from; offset < log.logEndOffset; ) {
    const info = log.read(offset, 1_000_000, undefined, true, 'READ_UNCOMMITTED')
    const records = [...info.records.batches()].flatMap((batch) => [...batch])
    if (records.length === 0) break
    for (const record of records) {
      if (record.offset < offset) continue
      values.push(record.value?.toString() ?? '')
      offset = record.offset + 1
    }
  }
  return values
}
