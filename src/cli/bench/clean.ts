/**
 * # bench clean
 *
 * A compacted log in which every key comes four times is cleaned once. The cleaner reads
 * it twice, once to note the last offset of each key and once to copy what stays, and
 * writes that. The limit does only this: it reads the files twice, with a CRC-32C over
 * them, and writes a quarter of their bytes.
 *
 * The delay of the event loop is told, too: the cleaner runs beside requests.
 *
 * @module
 */
import { closeSync, openSync, readdirSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { KafkaScheduler } from '../../base/async/KafkaScheduler.ts'
import { crc32c } from '../../base/crc.ts'
import { nodePlatform } from '../../base/platform/node/node-platform.ts'
import { TopicPartition } from '../../base/TopicPartition.ts'
import { Cleaner } from '../../log/Cleaner.ts'
import { Log } from '../../log/Log.ts'
import { LogConfig } from '../../log/LogConfig.ts'
import { LogDirFailureChannel } from '../../log/LogDirFailureChannel.ts'
import { LogToClean } from '../../log/LogToClean.ts'
import { SkimpyOffsetMap } from '../../log/SkimpyOffsetMap.ts'
import { Throttler } from '../../log/Throttler.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import { inTemporaryDirectory } from './processes.ts'
import { fixed, percentile, table } from './windows.ts'

const LOG_BYTES = 128_000_000
const SEGMENT_BYTES = 32_000_000
const BATCH_BYTES = 16_384
const TIMES_EACH_KEY = 4
const ROUNDS = 3

/** Runs the benchmark and prints its table. */
export function clean(): Promise<string> {
  return inTemporaryDirectory(async (dir) => {
    const rows = [
      [
        ...['clean', 'log GB/s', 'limit GB/s', 'ratio'],
        ...['bytes a key', 'longest stall, ms'],
      ],
    ]
    for (const recordBytes of [1024, 100]) rows.push(await row(dir, recordBytes))
    return table(rows)
  })
}

async function row(dir: string, recordBytes: number): Promise<string[]> {
  const speeds: number[] = []
  const limits: number[] = []
  const stalls: number[] = []
  let bytesPerKey = 0
  for (let round = 0; round < ROUNDS; round++) {
    // Fill a log, and take the limit of its files before they change.
    const path = join(dir, `clean${recordBytes}x${round}-0`)
    const log = openLog(path)
    const keys = fill(log, recordBytes)
    const gb = log.size / 1e9
    limits.push(gb / (await timed(() => readTwiceAndWrite(path))))

    // Clean all but the active segment.
    const offsetMap = new SkimpyOffsetMap(128 * 1024 * 1024)
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const tp = new TopicPartition(`clean${recordBytes}x${round}`, 0)
    const { platform } = environment
    const cleaner = new Cleaner({
      ...{ id: 0, offsetMap, platform, dupBufferLoadFactor: 0.9 },
      ioBufferSize: 524_288,
      throttler: new Throttler({
        desiredRatePerSec: Number.MAX_VALUE,
        clock: platform.clock,
      }),
      checkDone: () => {
        bytesPerKey = Math.max(bytesPerKey, offsetMap.memoryBytes / keys)
      },
    })
    const work = new LogToClean(tp, log, 0, log.activeSegment.baseOffset)
    speeds.push(gb / (await timed(() => cleaner.clean(work))))
    delay.disable()
    stalls.push(delay.max / 1e6)
    log.close()
  }
  const [speed, limit] = [percentile(speeds, 0.5), percentile(limits, 0.5)]
  return [
    `${recordBytes} B records`,
    ...[fixed(speed, 3), fixed(limit, 3), fixed(speed / limit, 2)],
    ...[fixed(bytesPerKey, 0), fixed(percentile(stalls, 0.5), 0)],
  ]
}

/** Appends batches until the log is full; each key comes four times. @returns keys */
function fill(log: Log, recordBytes: number): number {
  const value = Buffer.alloc(recordBytes, 'annotated kafka ')
  const perBatch = Math.max(1, Math.floor(BATCH_BYTES / (recordBytes + 24)))
  const keys = Math.floor(LOG_BYTES / (recordBytes + 24) / TIMES_EACH_KEY)
  for (let next = 0; log.size < LOG_BYTES; next += perBatch) {
    const records = Array.from({ length: perBatch }, (_, i) => ({
      ...{ key: Buffer.from(`key-${(next + i) % keys}`), value, timestamp: 1 },
    }))
    log.appendAsLeader(MemoryRecords.withRecords({}, ...records), 0)
  }
  log.roll()
  return keys
}

function readTwiceAndWrite(path: string): void {
  const target = Buffer.allocUnsafe(4_194_304)
  const out = openSync(join(path, '..', 'limit.out'), 'w')
  for (let pass = 0; pass < 2; pass++) {
    for (const name of readdirSync(path).filter((file) => file.endsWith('.log'))) {
      const file = openSync(join(path, name), 'r')
      for (let at = 0, size = 1; size > 0; at += size) {
        size = readSync(file, target, 0, target.length, at)
        crc32c(target, 0, size)
        if (pass === 1) writeSync(out, target, 0, Math.floor(size / TIMES_EACH_KEY))
      }
      closeSync(file)
    }
  }
  closeSync(out)
}

const environment = { platform: nodePlatform() }

function openLog(dir: string): Log {
  const { platform } = environment
  return Log.open({
    ...{ dir, platform, logStartOffset: 0, recoveryPoint: 0 },
    config: new LogConfig({
      'cleanup.policy': 'compact',
      'segment.bytes': SEGMENT_BYTES,
    }),
    scheduler: new KafkaScheduler(platform.clock),
    maxProducerIdExpirationMs: 3_600_000,
    producerIdExpirationCheckIntervalMs: 600_000,
    logDirFailureChannel: new LogDirFailureChannel(1),
  })
}

/** Seconds that something takes. */
async function timed(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}
