import { beforeEach, describe, expect, it } from 'vitest'
import {
  ConfigException,
  FailedToSendMessageException,
  ProducerClosedException,
  QueueFullException,
} from '../../src/base/errors.ts'
import {
  type MemoryPlatform,
  memoryPlatform,
} from '../../src/base/platform/memory/memory-platform.ts'
import { StringEncoder } from '../../src/producer/Encoder.ts'
import { KeyedMessage } from '../../src/producer/KeyedMessage.ts'
import { DefaultPartitioner } from '../../src/producer/Partitioner.ts'
import { Producer } from '../../src/producer/Producer.ts'
import { ProducerConfig } from '../../src/producer/ProducerConfig.ts'
import { CompressionType } from '../../src/record/CompressionType.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import { metadata, produced, ScriptedBroker, type Seen } from './ScriptedBroker.ts'

let platform: MemoryPlatform
let brokers: ScriptedBroker[]

beforeEach(async () => {
  platform = memoryPlatform()
  brokers = ['b1', 'b2'].map((host) => new ScriptedBroker(host, 9092, {}))
  for (const broker of brokers) {
    broker.answers.Metadata = () => metadata(brokers, { t: [1, 2] })
    broker.answers.Produce = (seen) => produced(seen)
    await broker.start(platform.onHost(broker.host).network)
  }
})

function producer(props: Record<string, string> = {}): Producer<string, string> {
  const config = new ProducerConfig({
    'metadata.broker.list': 'b1:9092,b2:9092',
    'serializer.class': 'kafka.serializer.StringEncoder',
    'request.required.acks': '1',
    ...props,
  })
  return new Producer(config, platform)
}

function run<T>(promise: Promise<T>): Promise<T> {
  return platform.virtualClock.runUntil(promise)
}

const keyed = (key: string, value: string) => new KeyedMessage('t', value, key)
const plain = (value: string) => new KeyedMessage<string, string>('t', value)

/** `partition:value` of all messages in the Produce requests that a broker saw. */
function received(broker: ScriptedBroker): string[] {
  const produces = broker.seen.filter((s) => s.header.apiKey === 0)
  return produces.flatMap(({ body }: Seen) =>
    // biome-ignore lint/suspicious/noExplicitAny: as decoded
    body.topicData[0].partitionData.flatMap(({ index, records }: any) =>
      [...new MemoryRecords(records).records()].map((r) => `${index}:${r.value}`),
    ),
  )
}

describe('Producer, sync', () => {
  it('send() brings keyed messages to the leaders of their partitions', async () => {
    const p = producer()
    await run(p.send(keyed('a', 'one'), keyed('b', 'two'), keyed('a', 'three')))

    // 'a' hashes to 97 and 'b' to 98; partition 0 is led by b1, partition 1 by b2.
    expect(received(brokers[0]!)).toEqual(['0:two'])
    expect(received(brokers[1]!)).toEqual(['1:one', '1:three'])
    await run(p.close())
    await platform.virtualClock.settle()
    expect(platform.fabric.openEnds).toBe(0)
  })

  it('send() keeps messages without a key on one partition that has a leader', async () => {
    for (const b of brokers)
      b.answers.Metadata = () => metadata(brokers, { t: [-1, 2] })
    const p = producer()
    await run(p.send(plain('x'), plain('y')))
    await run(p.send(plain('z')))
    expect(received(brokers[1]!)).toEqual(['1:x', '1:y', '1:z'])
  })

  it('send() compresses with the codec of compression.codec', async () => {
    const p = producer({ 'compression.codec': 'gzip' })
    await run(p.send(keyed('b', 'v'.repeat(1000))))
    const sent = brokers[0]!.seen.find((s) => s.header.apiKey === 0)!
    const { records } = sent.body.topicData[0].partitionData[0]
    expect(records.length).toBeLessThan(200)
    expect(received(brokers[0]!)).toEqual([`0:${'v'.repeat(1000)}`])
  })

  it('send() follows the leader after a refusal', async () => {
    let moved = false
    for (const b of brokers)
      b.answers.Metadata = () => metadata(brokers, { t: moved ? [2, 2] : [1, 2] })
    brokers[0]!.answers.Produce = (seen) => {
      moved = true
      return produced(seen, -1, 6)
    }
    const before = platform.clock.now()
    await run(producer().send(keyed('b', 'v')))
    expect(received(brokers[1]!)).toEqual(['0:v'])
    expect(platform.clock.now() - before).toBe(100)
  })

  it('send() fails after message.send.max.retries more tries', async () => {
    brokers[0]!.answers.Produce = (seen) => produced(seen, -1, 7)
    const sending = run(producer().send(keyed('b', 'lost'), keyed('a', 'kept')))
    await expect(sending).rejects.toThrow(FailedToSendMessageException)
    expect(received(brokers[0]!)).toEqual(Array(4).fill('0:lost'))
    expect(received(brokers[1]!)).toEqual(['1:kept'])
  })

  it('send() learns of no refusal with acks 0', async () => {
    brokers[0]!.answers.Produce = () => undefined
    await run(producer({ 'request.required.acks': '0' }).send(keyed('b', 'v')))
    await platform.virtualClock.settle()
    expect(received(brokers[0]!)).toEqual(['0:v'])
  })

  it('send() fails after close()', async () => {
    const p = producer()
    await run(p.close())
    await expect(run(p.send(plain('x')))).rejects.toThrow(ProducerClosedException)
    await run(p.close())
  })
})

describe('Producer, async', () => {
  it('send() returns at once; a batch goes out when it is full', async () => {
    const p = producer({ 'producer.type': 'async', 'batch.num.messages': '3' })
    await p.send(keyed('b', '1'), keyed('b', '2'))
    await platform.virtualClock.advance(100)
    expect(received(brokers[0]!)).toEqual([])
    await p.send(keyed('b', '3'), keyed('b', '4'))
    await platform.virtualClock.advance(100)
    expect(received(brokers[0]!)).toEqual(['0:1', '0:2', '0:3'])
    await run(p.close())
    expect(received(brokers[0]!)).toEqual(['0:1', '0:2', '0:3', '0:4'])
  })

  it('send() lets a batch go when queue.buffering.max.ms are over', async () => {
    const p = producer({ 'producer.type': 'async', 'queue.buffering.max.ms': '50' })
    await p.send(keyed('b', '1'))
    await platform.virtualClock.advance(49)
    expect(received(brokers[0]!)).toEqual([])
    await platform.virtualClock.advance(1)
    expect(received(brokers[0]!)).toEqual(['0:1'])
    await run(p.close())
  })

  it('send() fails when the queue is full, after the time configured', async () => {
    const stuck = {
      handle: () => new Promise<void>(() => undefined),
      close: async () => {},
    }
    for (const timeout of ['0', '30']) {
      const config = new ProducerConfig({
        'metadata.broker.list': 'b1:9092',
        'producer.type': 'async',
        'batch.num.messages': '1',
        'queue.buffering.max.messages': '2',
        'queue.enqueue.timeout.ms': timeout,
      })
      const p = new Producer<string, string>(config, platform, { eventHandler: stuck })
      await platform.virtualClock.settle()
      await p.send(plain('with the handler'))
      await platform.virtualClock.settle()
      await p.send(plain('1'), plain('2'))
      const before = platform.clock.now()
      await expect(run(p.send(plain('3')))).rejects.toThrow(QueueFullException)
      expect(platform.clock.now() - before).toBe(Number(timeout))
    }
  })

  it('loses a batch that cannot be delivered, and goes on', async () => {
    let failures = 1
    const handled: string[] = []
    const eventHandler = {
      handle: async (events: readonly KeyedMessage<string, string>[]) => {
        if (failures-- > 0) throw new Error('no luck')
        handled.push(...events.map((e) => e.message))
      },
      close: async () => {},
    }
    const config = new ProducerConfig({
      'metadata.broker.list': 'b1:9092',
      'producer.type': 'async',
      'batch.num.messages': '1',
    })
    const p = new Producer(config, platform, { eventHandler })
    await run(p.send(plain('1'), plain('2')))
    await run(p.close())
    expect(handled).toEqual(['2'])
  })
})

describe('ProducerConfig', () => {
  it('has the defaults of 1.1.1', () => {
    expect(new ProducerConfig({ 'metadata.broker.list': 'a:1' })).toMatchObject({
      producerType: 'sync',
      requestRequiredAcks: 0,
      requestTimeoutMs: 10000,
      messageSendMaxRetries: 3,
      retryBackoffMs: 100,
      topicMetadataRefreshIntervalMs: 600000,
      queueBufferingMaxMs: 5000,
      queueBufferingMaxMessages: 10000,
      batchNumMessages: 200,
      queueEnqueueTimeoutMs: -1,
      compressionCodec: CompressionType.NONE,
      clientId: '',
    })
  })

  it('takes values with blanks around them, and codecs by name and number', () => {
    const config = new ProducerConfig({
      ...{ 'metadata.broker.list': ' a:1 ', 'batch.num.messages': ' 7 ' },
      ...{ 'compressed.topics': 'a, b', 'compression.codec': 'GZIP' },
    })
    expect(config).toMatchObject({ brokerList: 'a:1', batchNumMessages: 7 })
    expect(config.compressedTopics).toEqual(['a', 'b'])
    expect(config.compressionCodec.name).toBe('gzip')
    const three = { 'metadata.broker.list': 'a:1', 'compression.codec': '3' }
    expect(new ProducerConfig(three).compressionCodec.name).toBe('lz4')
  })

  it('refuses bad values, naming the key and what was expected', () => {
    const list = { 'metadata.broker.list': 'a:1' }
    const bad: [Record<string, string>, string][] = [
      [{}, 'metadata.broker.list is not set'],
      [
        { ...list, 'producer.type': 'maybe' },
        'producer.type is maybe, expected one of',
      ],
      [
        { ...list, 'request.timeout.ms': '0' },
        'request.timeout.ms is 0, expected a whole',
      ],
      [{ ...list, 'request.timeout.ms': '1s' }, 'request.timeout.ms is 1s'],
      [
        { ...list, 'queue.buffering.max.messages': '9' },
        'batch.num.messages is 200, expected at most',
      ],
      [{ ...list, 'client.id': 'a b' }, 'client.id is a b; expected letters'],
      [{ ...list, 'compression.codec': '9' }, 'compression.codec is 9, expected none'],
      [{ ...list, 'compression.codec': 'zip' }, 'compression.codec is zip, expected'],
      [{ ...list, 'request.required.acks': '2' }, 'request.required.acks is 2'],
    ]
    for (const [props, message] of bad) {
      expect(() => new ProducerConfig(props)).toThrow(ConfigException)
      expect(() => new ProducerConfig(props)).toThrow(message)
    }
  })
})

describe('DefaultPartitioner', () => {
  it('partition() agrees with hashCode of Java', () => {
    const partitioner = new DefaultPartitioner()
    expect(partitioner.partition('polygenelubricants', 7)).toBe(0)
    expect(partitioner.partition('hello', 1000)).toBe(322)
    expect(partitioner.partition(-5, 10)).toBe(5)
    expect(partitioner.partition(2n ** 40n + 3n, 1000)).toBe(259)
    expect(partitioner.partition(new StringEncoder().toBytes('k'), 10)).toBe(8)
  })
})
