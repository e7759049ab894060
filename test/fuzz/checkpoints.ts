/**
 * # Mutated checkpoints
 *
 * Takes log directories of a real run, damages the small files in them (recovery points, log
 * start offsets, high watermarks, leader epochs, who the directory belongs to), leaves
 * things behind that a crash may leave, and starts a broker's logs and replicas on them.
 *
 * What may come of it: the partitions are led, and serve what was appended; or the
 * directory goes offline, and another one serves; or the start fails with one of our
 * exceptions.
 *
 * @module
 */
import { Errors, KafkaException } from '../../src/base/errors.ts'
import type { MemoryStorage } from '../../src/base/platform/memory/MemoryStorage.ts'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import type { Log } from '../../src/log/Log.ts'
import { LogCleaner } from '../../src/log/LogCleaner.ts'
import { LogDirFailureChannel } from '../../src/log/LogDirFailureChannel.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import { getBrokerIdAndOfflineDirs } from '../../src/server/broker-id.ts'
import { KafkaConfig } from '../../src/server/KafkaConfig.ts'
import type { KafkaZkClient } from '../../src/zk/KafkaZkClient.ts'
import {
  CrashScenario,
  cleanerConfig,
  dataDir,
  keys,
  plain,
  topicConfigs,
} from '../log/crash/crash-scenario.ts'
import { type Dice, damage } from '../record/mutations.ts'
import { ReplicaWorld } from '../replica/replica-test-kit.ts'

/** How one damaged directory ended. */
export type Outcome = 'served' | 'offline' | 'refused'

const otherDir = '/other'

/** The files that are damaged, below the log directory. */
const files = [
  'recovery-point-offset-checkpoint',
  'log-start-offset-checkpoint',
  'replication-offset-checkpoint',
  'cleaner-offset-checkpoint',
  'meta.properties',
  `${plain.key}/leader-epoch-checkpoint`,
  `${keys.key}/leader-epoch-checkpoint`,
]

/** What a number in a line may become. */
const numbers = [
  ...['-1', '0', '1', '7', '60', '99999', '2147483648', '9007199254740993'],
  ...['99999999999999999999999', '-9223372036854775808', '+5', '1.5', '1e3', '0x10'],
  ...['', 'NaN', '١٢', '5 ', '\t5', '5\0'],
]

/** What a crash, or a hand, may leave in a log directory. */
const leftOvers: ((storage: MemoryStorage, dice: Dice) => void)[] = [
  (storage) => storage.writeFile(`${dataDir}/.kafka_cleanshutdown`, ''),
  (storage) => storage.writeFile(`${dataDir}/.kafka_cleanshutdown`, 'not empty'),
  (storage) => directoryAt(storage, '.kafka_cleanshutdown'),
  (storage) => storage.writeFile(`${dataDir}/.lock`, '1 2 3'),
  (storage, dice) => storage.writeFile(`${dataDir}/${dice.pick(files)}.tmp`, '0\n9\nx'),
  (storage, dice) => directoryAt(storage, `${dice.pick(files)}.tmp`),
  (storage) => storage.writeFile(`${dataDir}/orders-0`, 'a file'),
  (storage) => storage.mkdir(`${dataDir}/lost+found`),
  (storage) => storage.mkdir(`${dataDir}/orders-0.0123456789abcdef-delete`),
  (storage) => storage.mkdir(`${dataDir}/${plain.key}.0123456789abcdef-future`),
]

/** A directory where a file is expected. */
function directoryAt(storage: MemoryStorage, name: string): void {
  const path = `${dataDir}/${name}`
  if (storage.exists(path)) storage.unlink(path)
  storage.mkdir(path)
}

/** Disks from all over the scenario of the crash tests, about `count` of them. */
export async function baseDirectories(count: number): Promise<MemoryStorage[]> {
  const disks: MemoryStorage[] = []
  await new CrashScenario((point) => disks.push(point.disk)).play(1)
  const stride = Math.ceil(disks.length / count)
  const some = disks.filter((_, i) => i % stride === stride - 1)
  for (const disk of some) {
    disk.writeFile(`${dataDir}/meta.properties`, '#\nversion=0\nbroker.id=1\n')
  }
  return some
}

/** Damages one directory and starts on it; throws whatever a broker must not see. */
export async function tryDamagedDirectory(
  base: MemoryStorage,
  dice: Dice,
): Promise<Outcome> {
  // Damage one or two files; now and then leave something behind.
  const platform = memoryPlatform({ hostName: 'b1' })
  const storage = base.fork(platform.clock)
  storage.crash('keep')
  for (let times = 1 + dice.below(2); times > 0; times--) {
    const path = `${dataDir}/${dice.pick(files)}`
    if (!storage.exists(path)) storage.writeFile(path, '0\n0\n')
    storage.writeFile(path, damageText(storage.readFile(path), dice))
  }
  if (dice.below(5) === 0) dice.pick(leftOvers)(storage, dice)

  // Start, use, stop; then start once more on what that left.
  const house = platform.withStorage(storage)
  try {
    const outcome = await startAndUse(house, dice)
    if (outcome !== 'served') return outcome
    await startAndUse(house, dice)
    return 'served'
  } catch (error) {
    if (!(error instanceof KafkaException)) throw error
    return 'refused'
  }
}

async function startAndUse(
  platform: ReturnType<typeof memoryPlatform>,
  dice: Dice,
): Promise<Outcome> {
  // Who are we? What cannot be read stays offline.
  const logDirs = [dataDir, otherDir]
  const config = new KafkaConfig({
    ...{ 'zookeeper.connect': 'zk', 'log.dirs': logDirs.join(',') },
    ...(dice.below(2) === 0 ? { 'broker.id': '1' } : {}),
  })
  const generate = { generateBrokerSequenceId: () => Promise.resolve(1) }
  const zkClient = generate as unknown as KafkaZkClient
  const { storage } = platform
  const { offlineDirs } = await getBrokerIdAndOfflineDirs(config, storage, zkClient)

  // Load the logs, and lead both partitions.
  const logDirFailureChannel = new LogDirFailureChannel(2)
  const parts = { config: cleanerConfig, platform, logDirFailureChannel }
  const world = await new ReplicaWorld(
    {},
    {
      ...{ platform, logDirs, initialOfflineDirs: offlineDirs, topicConfigs },
      logDirFailureChannel,
      createCleaner: (logs, dirs) => new LogCleaner({ ...parts, logs, logDirs: dirs }),
    },
  ).load()
  try {
    world.replicaManager.startup()
    world.logManager.cleaner?.startup()
    await world.clock.settle()
    for (const partition of [plain, keys]) {
      const { partitionError } = await world.leaderAndIsr(partition, { isNew: false })
      await world.clock.settle()
      const log = world.logManager.getLog(partition)
      const isOnline = world.logManager.liveLogDirs.includes(dataDir)
      if (partitionError === Errors.NONE.code && isOnline && log) {
        lead(world, log)
        continue
      }
      if (isOnline)
        throw new Error(`${partition} got error ${partitionError}, no reason`)
      if (world.logManager.liveLogDirs.length === 0)
        throw new Error('no directory left')
      return 'offline'
    }

    // Let everything be written down that is written from time to time.
    await world.clock.advance(35_000)
    return world.logManager.liveLogDirs.includes(dataDir) ? 'served' : 'offline'
  } finally {
    await world.close()
    await world.logManager.shutdown()
  }
}

/** Appends, fetches from the beginning, looks up, and cuts off. */
function lead(world: ReplicaWorld, log: Log): void {
  // What was there is served, whole and in order.
  const { topicPartition } = log
  const replica = world.replicaManager.getPartition(topicPartition)
  const end = log.logEndOffset
  const hw = replica?.leaderReplicaIfLocal?.highWatermark.messageOffset ?? -1
  if (hw < log.logStartOffset || hw > end) {
    throw new Error(
      `${topicPartition}: high watermark ${hw} of ${log.logStartOffset}-${end}`,
    )
  }
  let offset = log.logStartOffset
  for (let fetches = 0; offset < end; fetches++) {
    if (fetches > 5000) throw new Error(`stuck at offset ${offset} of ${log}`)
    const { records } = log.read(offset, 3000, undefined, true, 'READ_COMMITTED')
    const bytes = Buffer.alloc(records.sizeInBytes)
    records.copyInto(bytes, 0)
    let next = offset
    for (const batch of new MemoryRecords(bytes).batches()) {
      batch.ensureValid()
      next = Math.max(next, batch.nextOffset)
    }
    if (next === offset && !log.config.compact) {
      throw new Error(`a fetch at ${offset} of ${log} got nothing of use`)
    }
    if (next === offset) break
    offset = next
  }

  // What comes is appended behind it.
  const key = log.config.compact ? 'k1' : null
  const [answer] = world.produce(topicPartition, ['after'], 1, key)
  if (answer !== `NONE@${end}`) throw new Error(`append to ${log} answered ${answer}`)
  log.fetchOffsetsByTimestamp(1_600_000_000_000)
  for (const epoch of [-1, 0, 1, 90, 2 ** 31 - 1])
    log.leaderEpochCache.endOffsetFor(epoch)
}

/**
 * Damages a text: bytes of it, numbers in it, or its lines. Most of what comes out can still
 * be read, and is wrong.
 */
function damageText(bytes: Buffer, dice: Dice): Buffer {
  if (bytes.length > 0 && dice.below(6) === 0) return damage(bytes, dice)
  const lines = bytes.toString().split('\n')
  const at = dice.below(lines.length)
  const line = lines[at] as string
  switch (dice.below(7)) {
    case 0:
      lines.splice(at, 1)
      break
    case 1:
      lines.splice(at, 0, line)
      break
    case 2:
      lines.splice(at, 0, `plain ${dice.below(2)} ${dice.pick(numbers)}`)
      break
    case 3:
      return Buffer.from(lines.join('\r\n'))
    case 4:
      return Buffer.from(`\ufeff${lines.join('\n')}`)
    default: {
      // Another number in the place of one, as the last word of its line above all.
      const words = line.split(/([ =])/)
      const word = dice.below(2) === 0 ? words.length - 1 : dice.below(words.length)
      words[word] = dice.below(3) === 0 ? dice.pick(numbers) : String(dice.below(90))
      lines[at] = words.join('')
    }
  }

  // The number of entries is right again, more often than not.
  const isCounted = lines[0] === '0' && dice.below(4) > 0
  if (isCounted) lines[1] = String(lines.slice(2).filter((text) => text !== '').length)
  return Buffer.from(lines.join('\n'))
}
