/**
 * # Mutated segments
 *
 * Takes directories of a real run, damages files in them (batches, indexes, snapshots,
 * checkpoints), opens them as a broker does, and uses what has opened. What may come out is
 * a log that serves good batches, or one of the exceptions that a broker has an answer for.
 *
 * @module
 */
import { KafkaScheduler } from '../../src/base/async/KafkaScheduler.ts'
import { crc32c } from '../../src/base/crc.ts'
import { KafkaException } from '../../src/base/errors.ts'
import type { MemoryStorage } from '../../src/base/platform/memory/MemoryStorage.ts'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { Log } from '../../src/log/Log.ts'
import type { LogConfig } from '../../src/log/LogConfig.ts'
import { LogDirFailureChannel } from '../../src/log/LogDirFailureChannel.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import { CrashScenario, dataDir, topicConfigs } from '../log/crash/crash-scenario.ts'
import { type Dice, damage } from '../record/mutations.ts'

/** How one damaged directory ended. */
export type Outcome = 'opened' | 'refused'

/** A log's directory in some state of the run. */
export interface BaseDisk {
  readonly disk: MemoryStorage
  readonly topic: string
}

/** Disks from all over the scenario of the crash tests, about `count` of them. */
export async function baseDisks(count: number): Promise<BaseDisk[]> {
  const disks: MemoryStorage[] = []
  await new CrashScenario((point) => disks.push(point.disk)).play(1)
  const stride = Math.ceil((disks.length * 2) / count)
  return disks
    .filter((_, i) => i % stride === stride - 1)
    .flatMap((disk) => ['plain', 'keys'].map((topic) => ({ disk, topic })))
}

/** Damages one directory and uses it; throws whatever a broker must not see. */
export async function tryDamaged(base: BaseDisk, dice: Dice): Promise<Outcome> {
  // Damage one to three files of it.
  const platform = memoryPlatform()
  const storage = base.disk.fork(platform.clock)
  const dir = `${dataDir}/${base.topic}-0`
  const names = storage.readdir(dir)
  let isLogDamaged = false
  for (let times = 1 + dice.below(3); times > 0; times--) {
    const name = dice.pick(names)
    const bytes = storage.readFile(`${dir}/${name}`)
    if (bytes.length === 0) continue
    storage.writeFile(`${dir}/${name}`, damageFile(name, bytes, dice))
    if (/\.log(\.swap)?$/.test(name)) isLogDamaged = true
  }

  // Sometimes the last run seems to have ended well.
  const isClean = dice.below(3) === 0
  if (isClean) storage.writeFile(`${dataDir}/.kafka_cleanshutdown`, '')
  const scheduler = new KafkaScheduler(platform.clock)
  scheduler.startup()
  try {
    const log = Log.open({
      dir,
      config: topicConfigs.get(base.topic) as LogConfig,
      logStartOffset: dice.below(4) === 0 ? dice.below(60) : 0,
      recoveryPoint: 0,
      scheduler,
      platform: platform.withStorage(storage),
      maxProducerIdExpirationMs: Number.MAX_SAFE_INTEGER,
      producerIdExpirationCheckIntervalMs: 600_000,
      logDirFailureChannel: new LogDirFailureChannel(1),
    })
    use(log, dice, !isClean || !isLogDamaged)
    return 'opened'
  } catch (error) {
    if (!(error instanceof KafkaException)) throw error
    return 'refused'
  } finally {
    await scheduler.shutdown()
  }
}

/**
 * Damages a file.
 *
 * Half of the batches and snapshots get a right checksum again.
 */
function damageFile(name: string, bytes: Buffer, dice: Dice): Buffer {
  if (!name.includes('.log')) {
    const damaged = damage(bytes, dice)
    if (name.endsWith('.snapshot') && damaged.length > 6 && dice.below(2) === 0) {
      damaged.writeUInt32BE(crc32c(damaged, 6), 2)
    }
    return damaged
  }

  // Damage one batch where it stands, or the file as a whole.
  if (dice.below(4) === 0) return damage(bytes, dice)
  const starts: number[] = []
  for (let at = 0; at + 61 <= bytes.length; at += 12 + Math.max(0, sizeAt(bytes, at))) {
    starts.push(at)
  }
  if (starts.length === 0) return damage(bytes, dice)
  const start = dice.pick(starts)
  const end = start + 12 + Math.max(0, sizeAt(bytes, start))
  return Buffer.concat([
    bytes.subarray(0, start),
    damage(bytes.subarray(start, end), dice),
    bytes.subarray(end),
  ])
}

function sizeAt(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at + 8)
}

/** Reads, looks up, appends, cuts, closes: whatever a broker does with a log. */
function use(log: Log, dice: Dice, isVerified: boolean): void {
  readThrough(log, isVerified)
  log.fetchOffsetsByTimestamp(1_600_000_000_000 + dice.below(500_000))
  log.collectAbortedTransactions(log.logStartOffset, log.logEndOffset)
  const end = log.logEndOffset
  const record = {
    key: Buffer.from('k'),
    value: Buffer.from('after'),
    timestamp: 1_600_000_900_000,
  }
  const { firstOffset } = log.appendAsLeader(MemoryRecords.withRecords({}, record), 100)
  if (firstOffset !== end) throw new Error(`append at ${firstOffset} instead of ${end}`)
  if (dice.below(3) === 0) log.truncateTo(Math.max(end - dice.below(20), 0))
  if (log.activeSegment.size > 0) log.roll()
  log.close()
}

/** Fetches everything, as a follower would. */
function readThrough(log: Log, isVerified: boolean): void {
  let offset = log.logStartOffset
  for (let fetches = 0; offset < log.logEndOffset; fetches++) {
    if (fetches > 5000) throw new Error(`stuck at offset ${offset} of ${log}`)
    const { records } = log.read(offset, 3000, undefined, true, 'READ_COMMITTED')
    const bytes = Buffer.alloc(records.sizeInBytes)
    records.copyInto(bytes, 0)
    let next = offset
    for (const batch of new MemoryRecords(bytes).batches()) {
      if (isVerified) {
        try {
          batch.ensureValid()
        } catch (cause) {
          throw new Error(`a bad batch was served at ${offset} of ${log}`, { cause })
        }
      }
      next = Math.max(next, batch.nextOffset)
    }
    if (isVerified && bytes.length > 0 && next === offset) {
      throw new Error(`a fetch at ${offset} of ${log} got nothing of use`)
    }
    if (next === offset) return
    offset = next
  }
}
