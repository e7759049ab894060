import { describe, expect, it } from 'vitest'
import {
  InvalidConfigurationException,
  KafkaStorageException,
} from '../../src/base/errors.ts'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { SeededRandom } from '../../src/base/platform/memory/SeededRandom.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import { BrokerMetadataCheckpoint } from '../../src/log/BrokerMetadataCheckpoint.ts'
import type { EpochEntry } from '../../src/log/LeaderEpochCheckpointFile.ts'
import { LeaderEpochFileCache } from '../../src/log/LeaderEpochFileCache.ts'
import { LogConfig } from '../../src/log/LogConfig.ts'
import { LogDirFailureChannel } from '../../src/log/LogDirFailureChannel.ts'
import { LogOffsetMetadata } from '../../src/log/LogOffsetMetadata.ts'
import { parseTopicPartitionName } from '../../src/log/log-file-names.ts'
import { OffsetCheckpointFile } from '../../src/log/OffsetCheckpointFile.ts'

const path = '/data/recovery-point-offset-checkpoint'

function checkpoint() {
  const { storage } = memoryPlatform()
  storage.mkdir('/data')
  const channel = new LogDirFailureChannel(1)
  return { storage, channel, file: new OffsetCheckpointFile(storage, path, channel) }
}

describe('OffsetCheckpointFile', () => {
  it('write() and read() go through the text that Kafka reads', () => {
    const { file, storage } = checkpoint()
    expect(file.read().size).toBe(0)
    const orders = new TopicPartition('orders', 3)
    file.write(new TopicPartitionMap([[orders, 1042]]))
    expect(storage.readFile(path).toString()).toBe('0\n1\norders 3 1042\n')
    expect(file.read().get(orders)).toBe(1042)
  })

  it.each([
    '1\n0\n',
    '0\n2\norders 0 1\n',
    '0\n1\norders 0\n',
    '0\n1\norders zero 1\n',
    '0\n1\norders 0 1 9\n',
    'x\n',
    '0\n1\n\n',
  ])('read() of %j takes the directory offline', (text) => {
    const { file, storage, channel } = checkpoint()
    storage.writeFile(path, text)
    expect(() => file.read()).toThrow(KafkaStorageException)
    expect(channel.hasOfflineLogDir('/data')).toBe(true)
  })
})

describe('LeaderEpochFileCache', () => {
  function cacheOf(...entries: [epoch: number, startOffset: number][]) {
    let saved: readonly EpochEntry[] = []
    const cache = new LeaderEpochFileCache(
      new TopicPartition('t', 0),
      () => new LogOffsetMetadata(91),
      {
        read: () => [...saved],
        write: (epochs) => {
          saved = [...epochs]
        },
      },
    )
    for (const [epoch, offset] of entries) cache.assign(epoch, offset)
    return { cache, saved: () => saved.map((e) => [e.epoch, e.startOffset]) }
  }

  it('endOffsetFor() gives the start of the next epoch, or the log end', () => {
    const { cache } = cacheOf([2, 0], [3, 42], [6, 58])
    const ends = [-1, 1, 2, 3, 4, 6, 9].map((epoch) => cache.endOffsetFor(epoch))
    expect(ends).toEqual([-1, -1, 42, 58, 58, 91, -1])
  })

  it('assign() notes new epochs only, and writes them down at once', () => {
    const { cache, saved } = cacheOf([1, 0], [1, 10], [0, 20], [2, 30], [3, 5])
    expect(saved()).toEqual([
      [1, 0],
      [2, 30],
    ])
    expect(cache.latestEpoch()).toBe(2)
  })

  it('announce() answers at once, and writes with the first record', () => {
    const { cache, saved } = cacheOf([1, 0])
    cache.announce(3, 91)
    expect([cache.latestEpoch(), cache.endOffsetFor(1), cache.endOffsetFor(3)]).toEqual(
      [3, 91, 91],
    )
    expect(saved()).toEqual([[1, 0]])

    // The first record of the epoch brings it to the disk, before it is in the log.
    cache.assign(3, 91)
    expect(saved().at(-1)).toEqual([3, 91])

    // What is known, or older, or begins too early, is no news.
    for (const [epoch, offset] of [
      [3, 95],
      [2, 95],
      [4, 90],
    ] as const)
      cache.announce(epoch, offset)
    expect(cache.epochEntries()).toHaveLength(2)
  })

  it('an announced epoch without records is written with the next one', () => {
    const { cache, saved } = cacheOf([1, 0])
    cache.announce(3, 91)
    cache.assign(5, 91)
    expect(saved()).toEqual([
      [1, 0],
      [3, 91],
      [5, 91],
    ])
  })

  it('is cut from both ends', () => {
    const { cache, saved } = cacheOf([2, 0], [3, 42], [6, 58])
    cache.clearAndFlushLatest(58)
    expect(saved()).toEqual([
      [2, 0],
      [3, 42],
    ])
    cache.clearAndFlushEarliest(50)
    expect(saved()).toEqual([[3, 50]])
    cache.clearAndFlushEarliest(50)
    expect(saved()).toEqual([[3, 50]])
    const other = cacheOf([2, 0], [3, 42], [6, 58])
    other.cache.clearAndFlushEarliest(42)
    expect(other.saved()).toEqual([
      [3, 42],
      [6, 58],
    ])
    other.cache.clearAndFlush()
    expect(other.saved()).toEqual([])
  })
})

describe('BrokerMetadataCheckpoint', () => {
  it('write() and read() meta.properties, also one that Java wrote', () => {
    const { storage } = memoryPlatform()
    const file = new BrokerMetadataCheckpoint(storage, '/meta.properties')
    expect(file.read()).toBeUndefined()
    file.write({ brokerId: 3 })
    expect(file.read()).toEqual({ brokerId: 3 })
    const java = '#\n#Mon Jan 01 00:00:00 UTC 2018\nversion=0\nbroker.id=1001\n'
    storage.writeFile('/meta.properties', java)
    expect(file.read()).toEqual({ brokerId: 1001 })
    for (const bad of [
      'version=1\nbroker.id=1',
      'version=0',
      'version=0\nbroker.id=x',
    ]) {
      storage.writeFile('/meta.properties', bad)
      expect(() => file.read()).toThrow()
    }
  })
})

describe('LogConfig', () => {
  it('parses all settings and has the defaults of 1.1.1', () => {
    const config = new LogConfig()
    expect(config.segmentSize).toBe(1073741824)
    expect(config.retentionMs).toBe(604800000)
    expect(config.flushInterval).toBeGreaterThan(9e18)
    expect([config.compact, config.delete]).toEqual([false, true])
    expect(config.messageFormatVersion.messageFormatVersion).toBe(2)
    expect(LogConfig.configNames).toHaveLength(24)
  })

  it('fromProps() overlays a topic on the defaults', () => {
    const broker = new LogConfig({ 'retention.ms': 5, 'segment.bytes': 100 })
    const topic = LogConfig.fromProps(broker, { 'segment.bytes': '200' })
    expect([topic.retentionMs, topic.segmentSize]).toEqual([5, 200])
    expect([...topic.overriddenConfigs]).toEqual(['segment.bytes'])
  })

  it.each([
    ['segment.bytes', '13', 'at least 14'],
    ['segment.bytes', '2147483648', '32 bits'],
    ['retention.ms', '1.5', 'whole number'],
    ['retention.ms', '9223372036854775808', '64 bits'],
    ['min.cleanable.dirty.ratio', '1.1', 'from 0 to 1'],
    ['cleanup.policy', 'compact,shred', 'compact, delete'],
    ['compression.type', 'zstd', 'gzip'],
    ['preallocate', 'yes', 'true or false'],
    ['message.format.version', '9.9', 'version'],
    ['message.timestamp.type', 'Now', 'LogAppendTime'],
    ['leader.replication.throttled.replicas', '1-2', 'partition:broker'],
  ])(
    'validate() refuses %s=%s, naming key, value and what was expected',
    (key, value, expected) => {
      const validate = () => LogConfig.validate({ [key]: value })
      expect(validate).toThrow(InvalidConfigurationException)
      for (const part of [key, value, expected]) expect(validate).toThrow(part)
    },
  )

  it('validate() refuses unknown names and takes everything that is right', () => {
    expect(() => LogConfig.validate({ 'no.such': 1 })).toThrow('no.such')
    LogConfig.validate({
      'cleanup.policy': 'compact, delete',
      'retention.ms': -1,
      'message.format.version': '0.10.2.1',
      'leader.replication.throttled.replicas': '*',
      'follower.replication.throttled.replicas': '0:1,1:2',
    })
  })

  it('randomSegmentJitter() stays within segment.jitter.ms', () => {
    const random = new SeededRandom(1)
    expect(new LogConfig().randomSegmentJitter(random)).toBe(0)
    const config = new LogConfig({ 'segment.jitter.ms': 10 })
    for (let i = 0; i < 100; i++)
      expect(config.randomSegmentJitter(random)).toBeLessThan(10)
  })
})

describe('parseTopicPartitionName', () => {
  it.each([
    ['/data/orders-0', 'orders', 0],
    ['/data/a-b.c-12', 'a-b.c', 12],
    [`/data/orders-1.${'f'.repeat(32)}-delete`, 'orders', 1],
    [`/data/orders-1.${'f'.repeat(32)}-future`, 'orders', 1],
  ])('reads %s', (dir, topic, partition) => {
    const tp = parseTopicPartitionName(dir)
    expect([tp.topic, tp.partition]).toEqual([topic, partition])
  })

  it.each([
    '/data/orders',
    '/data/-1',
    '/data/orders-',
    '/data/orders-x',
    '/data/o-1-delete',
  ])('refuses %s', (dir) => {
    expect(() => parseTopicPartitionName(dir)).toThrow(/not of the form/)
  })
})
