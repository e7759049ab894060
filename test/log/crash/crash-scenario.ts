/**
 * What a broker does with two logs, told so that it can be cut off anywhere.
 *
 * `plain-0` is appended to, rolled, truncated and aged out; `keys-0` is compacted. Around
 * every act the two logs' states are noted. At every change of the disk in between a point
 * is handed out: the change, the disk before it, and the act it belongs to.
 *
 * @module
 */
import { KafkaScheduler } from '../../../src/base/async/KafkaScheduler.ts'
import type {
  MemoryStorage,
  StorageChange,
} from '../../../src/base/platform/memory/MemoryStorage.ts'
import {
  type MemoryPlatform,
  memoryPlatform,
} from '../../../src/base/platform/memory/memory-platform.ts'
import { TopicPartition } from '../../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../../src/base/TopicPartitionMap.ts'
import type { Log } from '../../../src/log/Log.ts'
import { LogCleaner } from '../../../src/log/LogCleaner.ts'
import { LogConfig, type LogProps } from '../../../src/log/LogConfig.ts'
import { LogDirFailureChannel } from '../../../src/log/LogDirFailureChannel.ts'
import { LogManager } from '../../../src/log/LogManager.ts'
import { OffsetCheckpointFile } from '../../../src/log/OffsetCheckpointFile.ts'
import { EndTransactionMarker } from '../../../src/record/EndTransactionMarker.ts'
import { MemoryRecords } from '../../../src/record/MemoryRecords.ts'
import { Dice } from '../../record/mutations.ts'

export const plain = new TopicPartition('plain', 0)
export const keys = new TopicPartition('keys', 0)
export const dataDir = '/data'
export const highWatermarkFile = `${dataDir}/replication-offset-checkpoint`

/** Small segments and indexes with an entry for nearly every batch. */
const common: LogProps = {
  'segment.bytes': 4000,
  'segment.ms': 60_000,
  'index.interval.bytes': 500,
  'segment.index.bytes': 240,
  'file.delete.delay.ms': 3000,
}

export const topicConfigs = new Map([
  ['plain', new LogConfig({ ...common, 'retention.ms': 300_000 })],
  [
    'keys',
    new LogConfig({
      ...common,
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': 0,
    }),
  ],
])

const managerConfig = {
  logCleanupIntervalMs: Number.MAX_SAFE_INTEGER,
  logFlushSchedulerIntervalMs: Number.MAX_SAFE_INTEGER,
  logFlushOffsetCheckpointIntervalMs: Number.MAX_SAFE_INTEGER,
  logFlushStartOffsetCheckpointIntervalMs: Number.MAX_SAFE_INTEGER,
  numRecoveryThreadsPerDataDir: 2,
  transactionIdExpirationMs: 604_800_000,
}

/** A small cleaner. */
export const cleanerConfig = {
  logCleanerThreads: 1,
  logCleanerDedupeBufferSize: 64 * 1024,
  logCleanerDedupeBufferLoadFactor: 0.9,
  logCleanerIoBufferSize: 8192,
  logCleanerIoMaxBytesPerSecond: Number.MAX_VALUE,
  logCleanerBackoffMs: 1000,
}

/** A log between two acts. */
export interface LogState {
  /** Every record, by offset, as `value` or `!` for a marker; what is cleaned stays. */
  readonly timeline: readonly string[]
  readonly logStartOffset: number
  readonly recoveryPoint: number
  readonly logEndOffset: number
}

/** One thing that the broker does, with both logs before and after it. */
export interface Act {
  readonly name: string
  readonly before: ReadonlyMap<string, LogState>
  after: ReadonlyMap<string, LogState>
}

/** A change of the disk at which the broker can be cut off. */
export interface CrashPoint {
  readonly act: Act
  readonly change: StorageChange
  /** The disk just before the change. */
  readonly disk: MemoryStorage
  /** What of each log was on the disk for sure at that moment. */
  readonly flushed: ReadonlyMap<string, number>
  /** Wall time in ms. */
  readonly now: number
}

/** A broker's logs on a disk. */
export interface Logs {
  readonly platform: MemoryPlatform
  readonly scheduler: KafkaScheduler
  readonly manager: LogManager
}

/** Opens the directory as a broker that starts does. */
export async function openLogs(platform: MemoryPlatform): Promise<Logs> {
  const scheduler = new KafkaScheduler(platform.clock)
  scheduler.startup()
  const logDirFailureChannel = new LogDirFailureChannel(1)
  const manager = new LogManager({
    logDirs: [dataDir],
    topicConfigs,
    initialDefaultConfig: new LogConfig({}),
    config: managerConfig,
    scheduler,
    platform,
    logDirFailureChannel,
    createCleaner: (logs, logDirs) =>
      new LogCleaner({
        ...{ config: cleanerConfig, logDirs, logs, logDirFailureChannel, platform },
      }),
  })
  await manager.loadLogs()
  return { platform, scheduler, manager }
}

/** Stops it properly. */
export async function closeLogs({ scheduler, manager }: Logs): Promise<void> {
  await scheduler.shutdown()
  await manager.shutdown()
}

/** Plays the scenario, handing out every point at which it can be cut. */
export class CrashScenario {
  readonly platform = memoryPlatform()
  readonly #onPoint: (point: CrashPoint) => void
  readonly #dice = new Dice(11)
  readonly #timelines = new Map<string, string[]>([
    ['plain', []],
    ['keys', []],
  ])

  /** The next sequence of each producer, by topic and id. */
  readonly #sequences = new Map<string, number>()

  #logs!: Logs
  #act: Act | undefined
  #serial = 0
  #epoch = 0

  constructor(onPoint: (point: CrashPoint) => void) {
    this.#onPoint = onPoint
  }

  /** Plays all acts, twice: the second time in directories with a past. */
  async play(rounds = 2): Promise<void> {
    const { storage } = this.platform
    storage.mkdir(dataDir)
    this.#logs = await openLogs(this.platform)
    this.#log(plain)
    this.#log(keys)
    this.#logs.manager.cleaner?.startup()
    storage.beforeChange = (change) => this.#cut(change)
    for (let round = 0; round < rounds; round++) await this.#round()
    await this.#do('shutdown', () => closeLogs(this.#logs))
    await this.#do('restart', async () => {
      this.#logs = await openLogs(this.platform)
    })
    await this.#do('append after restart', () => this.#append(plain, 3))
    storage.beforeChange = undefined
    await closeLogs(this.#logs)
  }

  async #round(): Promise<void> {
    // A leader takes over; batches of all kinds; some are flushed, some are not.
    this.#epoch += 2
    await this.#do('append plain', () => this.#append(plain, 6))
    await this.#do('append to keys', () => this.#append(keys, 5, true))
    await this.#do('append idempotent', () => this.#produce(plain, 1n, 4))
    await this.#do('flush', () => this.#log(plain).flush())
    await this.#do('checkpoint', () => this.#checkpoint())
    await this.#do('begin transactions', () => this.#transact(plain, 2n, 2))
    await this.#do('begin another', () => this.#transact(plain, 3n, 1))
    await this.#do('append between', () => this.#append(plain, 2))
    await this.#do('abort', () => this.#mark(plain, 2n, 'ABORT'))
    await this.#do('append large', () => this.#append(plain, 2, false, 1400))

    // Segments are full, or old.
    await this.#do('roll by size', () => this.#append(plain, 8, false, 600))
    await this.#do('commit', () => this.#mark(plain, 3n, 'COMMIT'))
    await this.#pass(70_000)
    await this.#do('roll by time', () => this.#append(plain, 3))
    await this.#do('roll keys by time', () => this.#append(keys, 6, true))

    // Compacted, with an aborted transaction in it.
    await this.#do('transaction on keys', () => this.#transact(keys, 4n, 3))
    await this.#do('abort on keys', () => this.#mark(keys, 4n, 'ABORT'))
    await this.#do('fill keys', () => this.#append(keys, 24, true, 300))
    await this.#do('replicate', () => this.#replicate())
    await this.#do('clean', () => this.#pass(2500))
    await this.#do('remove what was cleaned', () => this.#pass(4000))

    // A new leader; a follower must cut off what it has beyond.
    this.#epoch += 1
    await this.#do('append in epoch', () => this.#append(plain, 5, false, 500))
    await this.#do('flush again', () => this.#log(plain).flush())
    await this.#do('checkpoint again', () => this.#checkpoint())
    await this.#do('truncate a little', () => this.#truncate(plain, 3))
    await this.#do('append behind the cut', () => this.#append(plain, 2))
    await this.#do('append much', () => this.#append(plain, 16, false, 600))
    await this.#do('flush much', () => this.#log(plain).flush())
    await this.#do('checkpoint much', () => this.#checkpoint())
    await this.#do('truncate segments', () => this.#truncate(plain, 14))
    await this.#do('append over', () => this.#append(plain, 6))
    await this.#do('remove what was cut', () => this.#pass(4000))

    // Records go at the other end.
    await this.#do('replicate plain', () => this.#replicate())
    await this.#do('delete records', () => this.#deleteRecords(9))
    await this.#do('apply it', () => this.#log(plain).deleteOldSegments())
    await this.#do('note the start', () =>
      this.#logs.manager.checkpointLogStartOffsets(),
    )
    await this.#pass(260_000)
    await this.#do('append young ones', () => this.#produce(plain, 1n, 3))
    await this.#do('replicate young ones', () => this.#replicate())
    await this.#do('age out', () => this.#log(plain).deleteOldSegments())
    await this.#do('remove the old', () => this.#pass(4000))
    await this.#do('flush both', async () => {
      await this.#log(plain).flush()
      await this.#log(keys).flush()
    })
    await this.#do('checkpoint both', () => this.#checkpoint())

    // A follower that is too far behind starts over.
    await this.#do('start over', () => this.#startOver(plain))
    await this.#do('append anew', () => this.#append(plain, 3))
    await this.#do('idempotent anew', () => this.#produce(plain, 5n, 2))
    await this.#do('append the rest', () => this.#append(plain, 9, false, 500))
  }

  #log(partition: TopicPartition): Log {
    const config = topicConfigs.get(partition.topic) as LogConfig
    return this.#logs.manager.getOrCreateLog(partition, config, true)
  }

  async #do(name: string, action: () => unknown): Promise<void> {
    const before = this.#states()
    this.#act = { name, before, after: before }
    await action()
    this.#act.after = this.#states()
    this.#act = undefined
  }

  async #pass(ms: number): Promise<void> {
    const alone = this.#act === undefined
    const pass = () => this.platform.virtualClock.advance(ms)
    await (alone ? this.#do(`${ms} ms pass`, pass) : pass())
  }

  #states(): ReadonlyMap<string, LogState> {
    return new Map(
      [plain, keys].map((partition) => {
        const { logStartOffset, recoveryPoint, logEndOffset } = this.#log(partition)
        const timeline = [...(this.#timelines.get(partition.topic) as string[])]
        return [
          partition.topic,
          { timeline, logStartOffset, recoveryPoint, logEndOffset },
        ] as const
      }),
    )
  }

  #cut(change: StorageChange): void {
    const act = this.#act
    if (act === undefined) throw new Error(`${change.operation} outside of all acts`)
    const { storage, clock } = this.platform
    const flushed = new Map(
      [plain, keys].map((tp) => [tp.topic, this.#log(tp).recoveryPoint]),
    )
    this.#onPoint({ act, change, disk: storage.fork(), flushed, now: clock.now() })
  }

  #append(partition: TopicPartition, count: number, keyed = false, size = 60): void {
    for (let i = 0; i < count; i++) {
      const value = this.#value(size)
      const key = keyed ? Buffer.from(`k${this.#dice.below(5)}`) : null
      const first = { key, value, timestamp: this.#time() }
      const second = { key, value: this.#value(size), timestamp: this.#time() }
      const records = i % 3 === 2 ? [first, second] : [first]
      this.#write(partition, MemoryRecords.withRecords({}, ...records))
    }
  }

  #produce(partition: TopicPartition, producerId: bigint, count: number): void {
    for (let i = 0; i < count; i++) this.#batchOf(partition, producerId, false)
  }

  #transact(partition: TopicPartition, producerId: bigint, count: number): void {
    for (let i = 0; i < count; i++) this.#batchOf(partition, producerId, true)
  }

  #batchOf(
    partition: TopicPartition,
    producerId: bigint,
    isTransactional: boolean,
  ): void {
    const name = `${partition.topic} ${producerId}`
    const baseSequence = this.#sequences.get(name) ?? 0
    const key = partition === keys ? Buffer.from(`k${this.#dice.below(5)}`) : null
    const value = this.#value(80, isTransactional ? 't' : 'v')
    const record = { key, value, timestamp: this.#time() }
    const producer = { producerId, producerEpoch: 0, baseSequence, isTransactional }
    this.#write(partition, MemoryRecords.withRecords(producer, record))
    this.#sequences.set(name, baseSequence + 1)
  }

  #mark(partition: TopicPartition, producerId: bigint, type: 'COMMIT' | 'ABORT'): void {
    const producer = { producerId, producerEpoch: 0, timestamp: this.#time() }
    const marker = new EndTransactionMarker(type, 7)
    const records = MemoryRecords.withEndTransactionMarker(producer, marker)
    this.#write(partition, records, false)
  }

  /** The timeline holds what is being written before the first byte of it is. */
  #write(partition: TopicPartition, records: MemoryRecords, isFromClient = true): void {
    const timeline = this.#timelines.get(partition.topic) as string[]
    for (const batch of records.batches()) {
      for (const { value, key } of batch) {
        timeline.push(batch.isControlBatch ? '!' : `${key ?? ''}=${tag(value)}`)
      }
    }
    this.#log(partition).appendAsLeader(records, this.#epoch, isFromClient)
  }

  #truncate(partition: TopicPartition, count: number): void {
    // A cut goes between batches, where other replicas end.
    const log = this.#log(partition)
    const read = log.read(
      log.logEndOffset - count,
      1,
      undefined,
      true,
      'READ_UNCOMMITTED',
    )
    const [batch] = read.records.batches()
    const target = batch?.baseOffset ?? log.logEndOffset
    const offsets = new TopicPartitionMap<number>()
    offsets.set(partition, target)
    this.#logs.manager.truncateTo(offsets)
    this.#timelines.get(partition.topic)?.splice(target)
    this.#rewind(partition)
  }

  #startOver(partition: TopicPartition): void {
    const offset = this.#log(partition).logEndOffset + 10
    this.#logs.manager.truncateFullyAndStartAt(partition, offset)
    const timeline = this.#timelines.get(partition.topic) as string[]
    while (timeline.length < offset) timeline.push('(none)')
    this.#rewind(partition)
  }

  /** Producers go on from where the log is now. */
  #rewind(partition: TopicPartition): void {
    const producers = this.#log(partition).activeProducersWithLastSequence
    for (const name of [...this.#sequences.keys()]) {
      const [topic, id] = name.split(' ') as [string, string]
      if (topic !== partition.topic) continue
      this.#sequences.set(name, (producers.get(BigInt(id)) ?? -1) + 1)
    }
  }

  #replicate(): void {
    const offsets = new TopicPartitionMap<number>()
    for (const partition of [plain, keys]) {
      const log = this.#log(partition)
      log.onHighWatermarkIncremented(log.logEndOffset)
      offsets.set(partition, log.logEndOffset)
    }
    new OffsetCheckpointFile(this.platform.storage, highWatermarkFile).write(offsets)
  }

  #deleteRecords(count: number): void {
    const log = this.#log(plain)
    log.maybeIncrementLogStartOffset(log.logStartOffset + count)
  }

  #checkpoint(): void {
    this.#logs.manager.checkpointLogRecoveryOffsets()
    this.#logs.manager.checkpointLogStartOffsets()
  }

  #value(size: number, kind = 'v'): Buffer {
    const name = `${kind}${this.#serial++}.`
    const filler = Array.from({ length: size }, () => 33 + this.#dice.below(90))
    return Buffer.concat([Buffer.from(name), Buffer.from(filler)])
  }

  #time(): number {
    return this.platform.clock.now() + this.#dice.below(50)
  }
}

/** The part of a value that tells it from all others; `null` for a deletion. */
export function tag(value: Buffer | null): string {
  return value === null ? 'null' : (value.toString('latin1').split('.')[0] as string)
}
