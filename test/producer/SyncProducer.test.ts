import { beforeEach, describe, expect, it } from 'vitest'
import { ClosedChannelException, Errors } from '../../src/base/errors.ts'
import {
  type MemoryPlatform,
  memoryPlatform,
} from '../../src/base/platform/memory/memory-platform.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import { ProducerRequest } from '../../src/producer/ProducerRequest.ts'
import { SyncProducer } from '../../src/producer/SyncProducer.ts'
import { SyncProducerConfig } from '../../src/producer/SyncProducerConfig.ts'
import { TopicMetadataRequest } from '../../src/producer/TopicMetadataRequest.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import { metadata, produced, ScriptedBroker } from './ScriptedBroker.ts'

let platform: MemoryPlatform
let broker: ScriptedBroker

beforeEach(async () => {
  platform = memoryPlatform()
  broker = new ScriptedBroker('b1', 9092, {
    Metadata: () => metadata([broker], { t: [1, -1] }),
    Produce: (seen) => (seen.body.acks === 0 ? undefined : produced(seen, 7)),
  })
  await broker.start(platform.onHost('b1').network)
})

function producer(props: Record<string, string> = {}): SyncProducer {
  const config = { host: 'b1', port: '9092', 'request.timeout.ms': '500', ...props }
  return new SyncProducer(new SyncProducerConfig(config), platform)
}

function run<T>(promise: Promise<T>): Promise<T> {
  return platform.virtualClock.runUntil(promise)
}

function batch(acks: number, correlationId = 1): ProducerRequest {
  const value = Buffer.from('hello')
  const records = MemoryRecords.withRecords(
    { magic: 1 },
    { key: null, value, timestamp: 5 },
  )
  const data = new TopicPartitionMap([[new TopicPartition('t', 0), records]])
  return new ProducerRequest(correlationId, 'me', acks, 500, data)
}

describe('SyncProducer', () => {
  it('send() asks for topics in version 0 and puts addresses for ids', async () => {
    const request = new TopicMetadataRequest(['t'], 9, 'me')
    const response = await run(producer().send(request))

    expect(broker.seen[0]!.header).toMatchObject({
      apiKey: 3,
      apiVersion: 0,
      correlationId: 9,
      clientId: 'me',
    })
    const endPoint = { id: 1, host: 'b1', port: 9092 }
    expect(response.brokers).toEqual([endPoint])
    const [topic] = response.topicsMetadata
    expect(topic!.partitionsMetadata).toEqual([
      {
        partitionId: 0,
        leader: endPoint,
        replicas: [endPoint],
        isr: [endPoint],
        error: Errors.NONE,
      },
      {
        partitionId: 1,
        leader: undefined,
        replicas: [],
        isr: [],
        error: Errors.LEADER_NOT_AVAILABLE,
      },
    ])
  })

  it('send() appends in version 2 and gives the status of each partition', async () => {
    const response = await run(producer().send(batch(1)))

    expect(broker.seen[0]!.header).toMatchObject({ apiKey: 0, apiVersion: 2 })
    expect(broker.seen[0]!.body).toMatchObject({ acks: 1, timeoutMs: 500 })
    const sent = broker.seen[0]!.body.topicData[0].partitionData[0].records
    const records = [...new MemoryRecords(sent).records()]
    expect(records.map((r) => r.value!.toString())).toEqual(['hello'])
    const status = response!.status.get(new TopicPartition('t', 0))
    expect(status).toEqual({ error: Errors.NONE, offset: 7, timestamp: -1 })
    expect(response!.hasError).toBe(false)
  })

  it('send() returns null with acks 0 and reads nothing', async () => {
    const one = producer()
    expect(await run(one.send(batch(0)))).toBeNull()
    expect(await run(one.send(batch(1)))).not.toBeNull()
    expect(broker.connections).toBe(1)
  })

  it('send() keeps one request in flight', async () => {
    const one = producer()
    await run(Promise.all([1, 2, 3].map((id) => one.send(batch(1, id)))))
    expect(broker.seen.map((s) => s.header.correlationId)).toEqual([1, 2, 3])
    expect(broker.connections).toBe(1)

    // Hold the first answer back: the second request must not be sent meanwhile.
    broker.answers.Produce = () => undefined
    const first = one.send(batch(1, 4)).catch((e: unknown) => e)
    const second = one.send(batch(0, 5))
    await platform.virtualClock.advance(499)
    expect(broker.seen.map((s) => s.header.correlationId)).toEqual([1, 2, 3, 4])
    await run(Promise.all([first, second]))
    expect(broker.seen.map((s) => s.header.correlationId)).toEqual([1, 2, 3, 4, 5])
  })

  it('send() drops the connection after a timeout, and the next one connects anew', async () => {
    broker.answers.Produce = (seen) =>
      seen.connection === 1 ? undefined : produced(seen)
    const one = producer()
    await expect(run(one.send(batch(1)))).rejects.toThrow()
    expect(await run(one.send(batch(1)))).not.toBeNull()
    expect(broker.connections).toBe(2)
  })

  it('send() connects anew after the broker dropped the connection', async () => {
    broker.answers.Produce = (seen) =>
      seen.connection === 1 ? 'close' : produced(seen)
    const one = producer()
    await expect(run(one.send(batch(1)))).rejects.toThrow()
    expect(await run(one.send(batch(1)))).not.toBeNull()
  })

  it('send() fails with ClosedChannelException when nobody listens', async () => {
    await broker.stop()
    await expect(run(producer().send(batch(1)))).rejects.toThrow(ClosedChannelException)
  })

  it('send() fails with ClosedChannelException after close()', async () => {
    const one = producer()
    await run(one.send(batch(1)))
    await run(one.close())
    await expect(run(one.send(batch(1)))).rejects.toThrow(ClosedChannelException)
    await expect(run(one.send(batch(0)))).rejects.toThrow(ClosedChannelException)
    expect(broker.connections).toBe(1)
  })

  it('close() waits for the exchange under way', async () => {
    const one = producer()
    const answer = one.send(batch(1))
    await run(one.close())
    expect(await answer).not.toBeNull()
  })
})
