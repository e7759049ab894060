/**
 * A log directory written by the classes of this project: every codec in every format,
 * an idempotent producer, transactions that were committed and aborted, deletions, headers,
 * several segments with entries in all indexes.
 */
import { readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { KafkaScheduler } from '../../src/base/async/KafkaScheduler.ts'
import { ByteWriter } from '../../src/base/bytes/ByteWriter.ts'
import { nodePlatform } from '../../src/base/platform/node/node-platform.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import { GroupMetadata } from '../../src/coordinator/group/GroupMetadata.ts'
import {
  groupMetadataKey,
  groupMetadataValue,
  offsetCommitKey,
  offsetCommitValue,
} from '../../src/coordinator/group/group-messages.ts'
import { MemberMetadata } from '../../src/coordinator/group/MemberMetadata.ts'
import { Log } from '../../src/log/Log.ts'
import { LogCleaner } from '../../src/log/LogCleaner.ts'
import { LogConfig } from '../../src/log/LogConfig.ts'
import { LogDirFailureChannel } from '../../src/log/LogDirFailureChannel.ts'
import { CompressionType } from '../../src/record/CompressionType.ts'
import { EndTransactionMarker } from '../../src/record/EndTransactionMarker.ts'
import type { SimpleRecord } from '../../src/record/KafkaRecord.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import { cleanerConfig } from '../log/cleaner-fixture.ts'

const startMs = 1_500_000_000_000
const codecs = [
  CompressionType.NONE,
  CompressionType.GZIP,
  CompressionType.SNAPPY,
  CompressionType.LZ4,
]

function record(i: number, headers = false): SimpleRecord {
  return {
    key: i % 4 === 3 ? null : Buffer.from(`key ${i % 7}`),
    value: i % 5 === 4 ? null : Buffer.from(`value ${i} ${'ä'.repeat(i % 50)}`),
    timestamp: startMs + i * 10,
    headers: headers && i % 2 === 0 ? [{ key: `h${i}`, value: Buffer.from('x') }] : [],
  }
}

/** Opens a log in a real directory, as the broker does. */
export function openRealLog(
  dir: string,
  scheduler: KafkaScheduler,
  props: Record<string, string | number> = {},
): Log {
  return Log.open({
    dir,
    config: new LogConfig({
      'segment.bytes': 60_000,
      'index.interval.bytes': 512,
      ...props,
    }),
    logStartOffset: 0,
    recoveryPoint: 0,
    scheduler,
    platform: nodePlatform(),
    maxProducerIdExpirationMs: Number.MAX_SAFE_INTEGER,
    producerIdExpirationCheckIntervalMs: 600_000,
    logDirFailureChannel: new LogDirFailureChannel(1),
  })
}

/**
 * Writes the directory anew.
 *
 * @returns paths of the partitions' directories
 */
export async function writeDirectory(root: string): Promise<string[]> {
  rmSync(root, { recursive: true, force: true })
  const scheduler = new KafkaScheduler(nodePlatform().clock)
  scheduler.startup()
  const dirs: string[] = []
  const partition = (name: string, props: Record<string, string | number> = {}) => {
    dirs.push(`${root}/${name}`)
    return openRealLog(`${root}/${name}`, scheduler, props)
  }

  // Each format with each codec, in sets of one, three and forty records.
  for (const magic of [0, 1, 2]) {
    for (const codec of codecs) {
      const version = ['0.9.0', '0.10.0', '1.1'][magic] as string
      const log = partition(`magic${magic}${codec.name.toLowerCase()}-0`, {
        'message.format.version': version,
      })
      let i = 0
      for (const count of [1, 3, 40, 40, 1, 40]) {
        const records = Array.from({ length: count }, () => record(i++, magic === 2))
        const options = { magic, compressionType: codec }
        log.appendAsLeader(MemoryRecords.withRecords(options, ...records), 0)
      }
      await log.flush()
      log.close()
    }
  }

  // Many segments, with leader epochs, and one where the broker set the times.
  const long = partition('long-0')
  for (let i = 0; i < 2000; i++) {
    long.appendAsLeader(
      MemoryRecords.withRecords({}, record(i, true)),
      Math.floor(i / 700),
    )
  }
  await long.flush()
  long.close()
  const stamped = partition('stamped-0', { 'message.timestamp.type': 'LogAppendTime' })
  for (let i = 0; i < 50; i++) {
    stamped.appendAsLeader(MemoryRecords.withRecords({}, record(i), record(i + 1)), 0)
  }
  await stamped.flush()
  stamped.close()

  // Transactions.
  const txns = partition('txns-0')
  const timestamp = startMs
  for (let i = 0; i < 6; i++) {
    const producerId = BigInt(100 + (i % 3))
    const who = { producerId, producerEpoch: 0, isTransactional: true }
    const baseSequence = Math.floor(i / 3) * 4
    const records = [0, 1, 2, 3].map((n) => record(i * 4 + n))
    const options = {
      ...who,
      baseSequence,
      compressionType: codecs[i % 4] as CompressionType,
    }
    txns.appendAsLeader(MemoryRecords.withRecords(options, ...records), 0)
    const type = i % 2 === 0 ? 'COMMIT' : 'ABORT'
    const marker = new EndTransactionMarker(type, 3)
    const control = { producerId, producerEpoch: 0, timestamp }
    txns.appendAsLeader(
      MemoryRecords.withEndTransactionMarker(control, marker),
      0,
      false,
    )
  }
  const open = {
    producerId: 200n,
    producerEpoch: 1,
    isTransactional: true,
    baseSequence: 0,
  }
  txns.appendAsLeader(MemoryRecords.withRecords(open, record(1), record(2)), 0)
  await txns.flush()
  txns.close()
  await scheduler.shutdown()
  return dirs
}

/**
 * Writes a compacted log anew, and has it cleaned.
 *
 * @returns its directory
 */
export async function writeCleanedLog(dir: string): Promise<string> {
  rmSync(dir, { recursive: true, force: true })
  const platform = nodePlatform()
  const scheduler = new KafkaScheduler(platform.clock)
  scheduler.startup()
  const log = openRealLog(dir, scheduler, {
    ...{ 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': 0 },
    'segment.bytes': 10_000,
  })
  for (let i = 0; i < 1000; i++) {
    const one = { ...record(i, true), key: Buffer.from(`key ${i % 90}`) }
    const two = { ...record(i + 1, true), key: Buffer.from(`key ${(i * 7) % 400}`) }
    const options = { compressionType: codecs[i % 4] as CompressionType }
    log.appendAsLeader(MemoryRecords.withRecords(options, one, two), 0)
  }
  const logs = new TopicPartitionMap<Log>()
  logs.set(log.topicPartition, log)
  const cleaner = new LogCleaner({
    config: cleanerConfig,
    logDirs: [dirname(dir)],
    ...{ logs, platform, logDirFailureChannel: new LogDirFailureChannel(1) },
  })
  cleaner.startup()
  const cleaned = await cleaner.awaitCleaned(
    log.topicPartition,
    log.activeSegment.baseOffset,
  )
  if (!cleaned) throw new Error(`${dir} was not cleaned`)
  await cleaner.shutdown()
  await log.flush()
  log.close()
  await scheduler.shutdown()
  for (const name of readdirSync(dir))
    if (name.endsWith('.deleted')) rmSync(join(dir, name))
  return dir
}

/**
 * Writes a log of committed offsets and of groups anew.
 *
 * @returns its directory
 */
export async function writeOffsetsLog(dir: string): Promise<string> {
  rmSync(dir, { recursive: true, force: true })
  const scheduler = new KafkaScheduler(nodePlatform().clock)
  scheduler.startup()
  const log = openRealLog(dir, scheduler)
  const append = (key: Buffer, value: Buffer | null) =>
    log.appendAsLeader(
      MemoryRecords.withRecords({}, { key, value, timestamp: startMs }),
      0,
    )

  // Offsets with and without a note, and one that was deleted.
  const orders3 = new TopicPartition('orders', 3)
  const committed = {
    offset: 42,
    commitTimestamp: startMs,
    expireTimestamp: startMs + 1000,
  }
  append(
    offsetCommitKey('billing', orders3),
    offsetCommitValue({ ...committed, metadata: 'note' }),
  )
  append(
    offsetCommitKey('billing', orders3),
    offsetCommitValue({ ...committed, metadata: '' }),
  )
  append(offsetCommitKey('billing', orders3), null)

  // A group of consumers, and one of something else.
  for (const protocolType of ['consumer', 'connect']) {
    const member = new MemberMetadata({
      ...{
        memberId: 'm-1',
        groupId: 'billing',
        clientId: 'c',
        clientHost: '/127.0.0.1',
      },
      ...{ rebalanceTimeoutMs: 1000, sessionTimeoutMs: 1000, protocolType },
      supportedProtocols: [{ name: 'range', metadata: Buffer.from('m') }],
    })
    const group = GroupMetadata.loadGroup('billing', {
      ...{ generationId: 2, protocolType, protocol: 'range', leaderId: 'm-1' },
      members: [member],
    })
    const assignment = assignmentBytes('orders', [0, 1], Buffer.from('u'))
    const value = groupMetadataValue(group, new Map([['m-1', assignment]]))
    append(groupMetadataKey('billing'), value)
  }
  await log.flush()
  log.close()
  await scheduler.shutdown()
  return dir
}

/** What a consumer is told to consume: one topic. */
function assignmentBytes(
  topic: string,
  partitions: number[],
  userData: Buffer,
): Buffer {
  const writer = new ByteWriter()
  writer.writeInt16(0)
  writer.writeInt32(1)
  writer.writeString(topic)
  writer.writeInt32(partitions.length)
  for (const partition of partitions) writer.writeInt32(partition)
  writer.writeBytes(userData)
  return writer.toBuffer()
}
