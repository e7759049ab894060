/** Chunks go into a queue and come out message by message. */
import { beforeEach, describe, expect, it } from 'vitest'
import { AsyncQueue } from '../../src/base/async/AsyncQueue.ts'
import {
  ConsumerTimeoutException,
  IllegalStateException,
  InvalidRecordException,
  MessageSizeTooLargeException,
} from '../../src/base/errors.ts'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import type { VirtualClock } from '../../src/base/platform/memory/VirtualClock.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { ConsumerIterator } from '../../src/consumer/ConsumerIterator.ts'
import { type QueueItem, shutdownCommand } from '../../src/consumer/FetchedDataChunk.ts'
import { KafkaStream } from '../../src/consumer/KafkaStream.ts'
import { PartitionTopicInfo } from '../../src/consumer/PartitionTopicInfo.ts'
import { ByteBufferMessageSet } from '../../src/record/ByteBufferMessageSet.ts'
import { CompressionType } from '../../src/record/CompressionType.ts'
import { Message } from '../../src/record/Message.ts'
import { text } from './group-fixture.ts'
import { messages } from './LogBroker.ts'

let clock: VirtualClock
let queue: AsyncQueue<QueueItem>
let info: PartitionTopicInfo

beforeEach(() => {
  clock = memoryPlatform().virtualClock
  queue = new AsyncQueue<QueueItem>(2)
  info = new PartitionTopicInfo(new TopicPartition('t', 0), queue, 0)
})

function options(consumerTimeoutMs = -1) {
  const decoders = { keyDecoder: text, valueDecoder: text }
  return { channel: queue, consumerTimeoutMs, ...decoders, clientId: 'c', clock }
}

function iterator(consumerTimeoutMs = -1) {
  return new ConsumerIterator(options(consumerTimeoutMs))
}

function set(baseOffset: number, ...values: string[]): ByteBufferMessageSet {
  return new ByteBufferMessageSet(messages(baseOffset, values))
}

/** Whether a promise has settled by now. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  promise.then(
    () => (done = true),
    () => (done = true),
  )
  await clock.settle()
  return done
}

describe('PartitionTopicInfo', () => {
  it('enqueue() moves the fetch offset behind the messages', async () => {
    await info.enqueue(set(0, 'a', 'b'))
    expect(info.getFetchOffset()).toBe(2)
    expect(info.getConsumeOffset()).toBe(0)
    expect(queue.peek()).toMatchObject({ topicInfo: info, fetchOffset: 0 })
  })

  it('enqueue() waits while the queue is full, and moves the offset only then', async () => {
    await info.enqueue(set(0, 'a'))
    await info.enqueue(set(1, 'b'))
    const third = info.enqueue(set(2, 'c'))
    expect(await settled(third)).toBe(false)
    expect(info.getFetchOffset()).toBe(2)
    await queue.take()
    await third
    expect(info.getFetchOffset()).toBe(3)
  })

  it('enqueue() gives up when its fetcher is stopped, and moves nothing', async () => {
    const stop = new AbortController()
    await info.enqueue(set(0, 'a'))
    await info.enqueue(set(1, 'b'))
    const third = info.enqueue(set(2, 'c'), stop.signal)
    stop.abort()
    await expect(third).rejects.toMatchObject({ name: 'AbortError' })
    expect(info.getFetchOffset()).toBe(2)
    expect(queue.size).toBe(2)
  })

  it('enqueue() puts nothing for nothing', async () => {
    await info.enqueue(set(0))
    expect(queue.size).toBe(0)
  })

  it('enqueue() hands on a message that was cut off, and stays before it', async () => {
    const cut = new ByteBufferMessageSet(messages(0, ['large']).subarray(0, 20))
    await info.enqueue(cut)
    expect(queue.size).toBe(1)
    expect(info.getFetchOffset()).toBe(0)
  })
})

describe('ConsumerIterator', () => {
  it('next() moves the consume offset; hasNext() does not', async () => {
    const it = iterator()
    await info.enqueue(set(0, 'a', 'b'))
    expect(await it.hasNext()).toBe(true)
    expect(await it.hasNext()).toBe(true)
    expect(info.getConsumeOffset()).toBe(0)
    const first = await it.next()
    expect([first.topic, first.partition, first.offset]).toEqual(['t', 0, 0])
    expect([first.key(), first.message()]).toEqual([null, 'a'])
    expect(info.getConsumeOffset()).toBe(1)
    expect((await it.next()).message()).toBe('b')
    expect(info.getConsumeOffset()).toBe(2)
  })

  it('next() waits for a chunk', async () => {
    const it = iterator()
    const next = it.next()
    expect(await settled(next)).toBe(false)
    await info.enqueue(set(0, 'a'))
    expect((await next).message()).toBe('a')
  })

  it('hasNext() may be asked again while it waits', async () => {
    const it = iterator()
    const asked = [it.hasNext(), it.hasNext()]
    await info.enqueue(set(0, 'a'))
    expect(await Promise.all(asked)).toEqual([true, true])
    expect((await it.next()).message()).toBe('a')
  })

  it('next() gives two that wait a message each', async () => {
    const it = iterator()
    const both = Promise.all([it.next(), it.next()])
    await info.enqueue(set(0, 'a', 'b'))
    expect((await both).map((m) => m.message())).toEqual(['a', 'b'])
  })

  it('hasNext() ends for good at the shutdown command', async () => {
    const it = iterator()
    queue.offer(shutdownCommand)
    expect(await it.hasNext()).toBe(false)
    expect(await it.hasNext()).toBe(false)
    await expect(it.next()).rejects.toThrow(IllegalStateException)
  })

  it('hasNext() gives up after consumer.timeout.ms, and stays usable', async () => {
    const it = iterator(100)
    const waiting = it.hasNext()
    waiting.catch(() => undefined)
    await clock.advance(99)
    expect(await settled(waiting)).toBe(false)
    await clock.advance(1)
    await expect(waiting).rejects.toThrow(ConsumerTimeoutException)
    await info.enqueue(set(0, 'a'))
    expect((await it.next()).message()).toBe('a')
  })

  it('hasNext() with a time-out of 0 does not wait', async () => {
    await expect(iterator(0).hasNext()).rejects.toThrow(ConsumerTimeoutException)
  })

  it('next() passes messages before the consume offset by', async () => {
    info.resetConsumeOffset(2)
    info.resetFetchOffset(2)
    const packed = ByteBufferMessageSet.createWithOffsets(
      CompressionType.GZIP,
      ['a', 'b', 'c'].map((value, offset) => ({
        message: Message.of({ bytes: Buffer.from(value), timestamp: 1 }),
        offset,
      })),
    )
    await info.enqueue(packed)
    expect((await iterator().next()).message()).toBe('c')
    expect(info.getConsumeOffset()).toBe(3)
  })

  it('next() takes the next chunk when all of one lies before the offset', async () => {
    await info.enqueue(set(0, 'a', 'b'))
    await info.enqueue(set(2, 'c'))
    info.resetConsumeOffset(2)
    expect((await iterator().next()).message()).toBe('c')
  })

  it('hasNext() jumps to the fetch offset when the consume offset lags', async () => {
    info.resetFetchOffset(5)
    await info.enqueue(set(5, 'f'))
    const it = iterator()
    expect(await it.hasNext()).toBe(true)
    expect(info.getConsumeOffset()).toBe(5)
  })

  it('hasNext() tells of a message larger than the fetch, and then stays failed', async () => {
    const it = iterator()
    await info.enqueue(new ByteBufferMessageSet(messages(0, ['large']).subarray(0, 20)))
    await expect(it.hasNext()).rejects.toThrow(MessageSizeTooLargeException)
    await expect(it.hasNext()).rejects.toThrow(IllegalStateException)
  })

  it('next() gives what comes before a message with a wrong checksum', async () => {
    const bytes = messages(0, ['good', 'evil'])
    bytes[bytes.length - 1]! ^= 1
    const it = iterator()
    await info.enqueue(new ByteBufferMessageSet(bytes))
    expect((await it.next()).message()).toBe('good')
    await expect(it.next()).rejects.toThrow(InvalidRecordException)
    expect(info.getConsumeOffset()).toBe(1)
    await expect(it.next()).rejects.toThrow(IllegalStateException)
  })

  it('next() gives what comes before a wrapper that cannot be unpacked', async () => {
    const value = Buffer.from('not gzip')
    const wrapper = ByteBufferMessageSet.createWithOffsets(CompressionType.GZIP, [
      { message: Message.of({ bytes: value, timestamp: 1 }), offset: 1 },
    ])
    const bytes = Buffer.from(wrapper.buffer)
    bytes.fill(0, bytes.length - 20)
    const it = iterator()
    await info.enqueue(
      new ByteBufferMessageSet(Buffer.concat([messages(0, ['good']), bytes])),
    )
    expect((await it.next()).message()).toBe('good')
    await expect(it.next()).rejects.toThrow()
    expect(info.getConsumeOffset()).toBe(1)
  })

  it('clearCurrentChunk() drops what was looked at and not given out', async () => {
    const it = iterator()
    await info.enqueue(set(0, 'a', 'b'))
    expect(await it.hasNext()).toBe(true)
    it.clearCurrentChunk()
    const other = new PartitionTopicInfo(new TopicPartition('t', 1), queue, 7)
    const next = it.next()
    await other.enqueue(set(7, 'x'))
    expect((await next).message()).toBe('x')
    expect(info.getConsumeOffset()).toBe(0)
    expect(other.getConsumeOffset()).toBe(8)
  })

  it('clearCurrentChunk() does not disturb one who waits', async () => {
    const it = iterator()
    const next = it.next()
    await clock.settle()
    it.clearCurrentChunk()
    await info.enqueue(set(0, 'a'))
    expect((await next).message()).toBe('a')
  })
})

describe('KafkaStream', () => {
  it('iterator() is always the same one', () => {
    const stream = new KafkaStream(options())
    expect(stream.iterator()).toBe(stream.iterator())
  })

  it('can be gone over, left, and gone over again', async () => {
    const stream = new KafkaStream(options())
    await info.enqueue(set(0, 'a', 'b'))
    for await (const { offset } of stream) {
      expect(offset).toBe(0)
      break
    }
    queue.offer(shutdownCommand)
    const rest: (string | null)[] = []
    for await (const item of stream) rest.push(item.message())
    expect(rest).toEqual(['b'])
  })

  it('ends quietly when it is cleared and shut down between two messages', async () => {
    // At every moment between hasNext() and next(), however many turns that are.
    for (let turns = 0; turns < 12; turns++) {
      const stream = new KafkaStream(options())
      await info.enqueue(set(info.getFetchOffset(), 'a'))
      const seen: string[] = []
      const loop = (async () => {
        for await (const item of stream) seen.push(item.message()!)
      })()
      for (let i = 0; i < turns; i++) await undefined
      stream.clear()
      queue.clear()
      queue.offer(shutdownCommand)
      await loop
      queue.clear()
    }
  })
})
