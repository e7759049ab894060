/**
 * # bench append, read, recover
 *
 * The log layer alone, in this process, on a directory of the machine: appends against a
 * bare `write` of the same bytes with one CRC-32C over them, reads against a bare read of
 * the same file, and what a start costs. Log and limit take turns of one window.
 *
 * @module
 */
import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { KafkaScheduler } from '../../base/async/KafkaScheduler.ts'
import { crc32c } from '../../base/crc.ts'
import { nodePlatform } from '../../base/platform/node/node-platform.ts'
import { Log } from '../../log/Log.ts'
import { LogConfig, type LogProps } from '../../log/LogConfig.ts'
import { LogDirFailureChannel } from '../../log/LogDirFailureChannel.ts'
import { inTemporaryDirectory } from './processes.ts'
import { ratioRow } from './produce.ts'
import { batchOf } from './produce-frames.ts'
import { fixed, percentile, table, WINDOW_MS } from './windows.ts'

const RECORD_BYTES = 1024
const READ_BYTES = 1_048_576

/** Bytes after which a log or file of an append begins again. */
const FILE_BYTES = 256_000_000

/** Appends of 1 KB records, in batches of 16 KB and of 1 MB. */
export function append(seconds: number): Promise<string> {
  return inTemporaryDirectory(async (dir) => {
    const rows = [
      ['append, MB/s', 'log p50', 'p95', 'write p50', 'p95', 'ratio p50', 'p95'],
    ]
    for (const bytes of [16_384, 1_000_000]) {
      rows.push(appendRow(join(dir, `append${bytes}-0`), bytes, seconds))
    }
    return table(rows)
  })
}

/** Sequential reads, a megabyte at once, of 256 MB in 16 KB batches. */
export function read(seconds: number): Promise<string> {
  return inTemporaryDirectory(async (dir) => {
    const path = join(dir, 'read-0')
    const log = openLog(path)
    fill(log, FILE_BYTES)
    const target = Buffer.allocUnsafe(2 * READ_BYTES)

    // One walks over the log by offsets, the other over its file by bytes.
    let offset = 0
    const readLog = () => {
      const { records } = log.read(
        offset,
        READ_BYTES,
        undefined,
        true,
        'READ_UNCOMMITTED',
      )
      const size = records.copyInto(target, 0)
      let at = 0
      while (at + 27 <= size) {
        const end = at + 12 + target.readInt32BE(at + 8)
        if (end > size) break
        offset = Number(target.readBigInt64BE(at)) + target.readInt32BE(at + 23) + 1
        at = end
      }
      if (offset >= log.logEndOffset) offset = 0
      return at
    }
    const file = openSync(segmentOf(path), 'r')
    let position = 0
    const readFile = () => {
      const size = readSync(file, target, 0, READ_BYTES, position)
      position = size < READ_BYTES ? 0 : position + size
      return size
    }
    const { ours, limit } = takeTurns(seconds, readLog, readFile)
    closeSync(file)
    log.close()
    return table([
      ['read, MB/s', 'log p50', 'p95', 'file p50', 'p95', 'ratio p50', 'p95'],
      ratioRow('1 MB at once', ours, limit),
    ])
  })
}

/** Scanning 256 MB after a crash, and opening 1, 10 and 1,000 closed segments. */
export function recover(): Promise<string> {
  return inTemporaryDirectory(async (dir) => {
    // The limit reads the same file once and takes a CRC over it.
    const path = join(dir, 'recover-0')
    const first = openLog(path)
    fill(first, FILE_BYTES)
    first.close()
    const gb = statSync(segmentOf(path)).size / 1e9
    const scans: number[] = []
    const limits: number[] = []
    for (let round = 0; round < 5; round++) {
      scans.push(gb / timed(() => openLog(path).close()))
      limits.push(gb / timed(() => readAndSum(segmentOf(path))))
    }
    const scan = percentile(scans, 0.5)
    const limit = percentile(limits, 0.5)
    const rows = [
      ['recover', 'log', 'limit', 'ratio'],
      ['scan, GB/s, median of 5', scan, limit, scan / limit].map(cell),
    ]

    // Closed properly, nothing is scanned.
    const platform = nodePlatform()
    for (const segments of [1, 10, 1000]) {
      const many = join(dir, `open${segments}-0`)
      const log = openLog(many)
      for (let i = 1; i < segments; i++) {
        log.appendAsLeader(batchOf(RECORD_BYTES, 4096), 0)
        log.roll()
      }
      log.close()
      platform.storage.writeFile(join(dir, '.kafka_cleanshutdown'), '')
      const times = Array.from({ length: 5 }, () => {
        return 1000 * timed(() => openLog(many).closeHandlers())
      })
      rows.push([
        `open ${segments} segments, ms, median of 5`,
        cell(percentile(times, 0.5)),
      ])
    }
    return table(rows)
  })
}

function cell(value: string | number): string {
  return typeof value === 'string' ? value : fixed(value, 2)
}

function appendRow(path: string, bytes: number, seconds: number): string[] {
  // The same batch again and again; the log writes its offset into it.
  const log = openLog(path)
  const records = batchOf(RECORD_BYTES, bytes)
  const size = records.sizeInBytes
  const ours = () => {
    if (log.size > FILE_BYTES) log.truncateTo(0)
    records.buffer.writeBigInt64BE(0n, 0)
    log.appendAsLeader(records, 0)
    return size
  }
  const file = openSync(`${path}.bare`, 'w')
  let position = 0
  const limit = () => {
    if (position > FILE_BYTES) {
      ftruncateSync(file, 0)
      position = 0
    }
    crc32c(records.buffer, 21)
    position += writeSync(file, records.buffer, 0, size, position)
    return size
  }
  const rates = takeTurns(seconds, ours, limit)
  closeSync(file)
  log.close()
  const name = `${fixed(bytes / 1000, 0)} KB batches`
  return ratioRow(name, rates.ours, rates.limit)
}

/** Runs two things in turn, a window each. @returns MB/s of every window */
function takeTurns(
  seconds: number,
  ours: () => number,
  limit: () => number,
): { ours: number[]; limit: number[] } {
  const rates = { ours: [] as number[], limit: [] as number[] }
  const end = performance.now() + 2000 * seconds
  while (performance.now() < end) {
    rates.ours.push(window(ours))
    rates.limit.push(window(limit))
  }
  return { ours: rates.ours.slice(2), limit: rates.limit.slice(2) }
}

function window(work: () => number): number {
  const start = performance.now()
  let bytes = 0
  let ms = 0
  for (; ms < WINDOW_MS; ms = performance.now() - start) bytes += work()
  return bytes / ms / 1000
}

function timed(work: () => void): number {
  const start = performance.now()
  work()
  return (performance.now() - start) / 1000
}

function readAndSum(path: string): void {
  const file = openSync(path, 'r')
  const target = Buffer.allocUnsafe(4 * READ_BYTES)
  for (let at = 0, size = 1; size > 0; at += size) {
    size = readSync(file, target, 0, target.length, at)
    crc32c(target, 0, size)
  }
  closeSync(file)
}

function fill(log: Log, bytes: number): void {
  const records = batchOf(RECORD_BYTES, 16_384)
  while (log.size < bytes) {
    records.buffer.writeBigInt64BE(0n, 0)
    log.appendAsLeader(records, 0)
  }
}

function openLog(dir: string): Log {
  const platform = nodePlatform()
  const props: LogProps = { 'max.message.bytes': 2_000_000 }
  return Log.open({
    dir,
    config: new LogConfig(props),
    logStartOffset: 0,
    recoveryPoint: 0,
    scheduler: new KafkaScheduler(platform.clock),
    platform,
    maxProducerIdExpirationMs: 3_600_000,
    producerIdExpirationCheckIntervalMs: 600_000,
    logDirFailureChannel: new LogDirFailureChannel(1),
  })
}

function segmentOf(dir: string): string {
  const name = readdirSync(dir).find((file) => file.endsWith('.log'))
  if (name === undefined) throw new Error(`no segment in ${dir}`)
  return join(dir, name)
}
