import { beforeEach, describe, expect, it } from 'vitest'
import { AbortError } from '../../src/base/async/abort.ts'
import {
  BrokerEndPointNotAvailableException,
  ConfigException,
  KafkaException,
} from '../../src/base/errors.ts'
import {
  type MemoryPlatform,
  memoryPlatform,
} from '../../src/base/platform/memory/memory-platform.ts'
import { ClientUtils } from '../../src/producer/ClientUtils.ts'
import { ProducerConfig } from '../../src/producer/ProducerConfig.ts'
import { Broker } from '../../src/zk/Broker.ts'
import { EndPoint } from '../../src/zk/EndPoint.ts'
import { metadata, ScriptedBroker } from './ScriptedBroker.ts'

let platform: MemoryPlatform
let brokers: ScriptedBroker[]

const endPoints = () => brokers.map(({ host, port }, i) => ({ id: i + 1, host, port }))

const zkUtils = {
  getAllBrokersInCluster: async () =>
    endPoints().map(
      ({ id, host, port }) =>
        new Broker(id, [
          new EndPoint(host, 1, 'SAFE', 'SSL'),
          new EndPoint(host, port, 'PLAINTEXT', 'PLAINTEXT'),
        ]),
    ),
}

function run<T>(promise: Promise<T>): Promise<T> {
  return platform.virtualClock.runUntil(promise)
}

beforeEach(async () => {
  platform = memoryPlatform()
  brokers = ['b1', 'b2'].map((host) => new ScriptedBroker(host, 9092, {}))
  for (const broker of brokers) {
    await broker.start(platform.onHost(broker.host).network)
    broker.answers.Metadata = () => metadata(brokers, { t: [1, 2] })
    broker.answers.FindCoordinator = () => ({
      errorCode: 0,
      nodeId: 2,
      host: 'b2',
      port: 9092,
    })
  }
})

describe('ClientUtils.fetchTopicMetadata()', () => {
  it('asks one broker, over a connection of its own', async () => {
    const config = new ProducerConfig({
      'metadata.broker.list': 'unused:1',
      'client.id': 'p',
    })
    const answer = await run(
      ClientUtils.fetchTopicMetadata(new Set(['t']), endPoints(), config, 3, platform),
    )
    expect(answer.topicsMetadata.map((t) => t.topic)).toEqual(['t'])
    const seen = brokers.flatMap((broker) => broker.seen)
    expect(seen).toHaveLength(1)
    expect(seen[0]!.header).toMatchObject({ correlationId: 3, clientId: 'p' })
    await platform.virtualClock.settle()
    expect(platform.fabric.openEnds).toBe(0)
  })

  it('goes on to the next broker until one answers', async () => {
    await brokers[0]!.stop()
    for (let round = 0; round < 8; round++)
      await run(
        ClientUtils.fetchTopicMetadata(new Set(['t']), endPoints(), 'c', 100, platform),
      )
    expect(brokers[1]!.seen).toHaveLength(8)
  })

  it('fails with the last cause when no broker answers', async () => {
    for (const broker of brokers) await broker.stop()
    const answer = ClientUtils.fetchTopicMetadata(
      new Set(['t']),
      endPoints(),
      'c',
      100,
      platform,
    )
    const failure = await run(answer).catch((e: unknown) => e)
    expect(failure).toBeInstanceOf(KafkaException)
    expect((failure as Error).cause).toBeInstanceOf(Error)
  })
})

describe('ClientUtils.fetchTopicMetadata() that is called off', () => {
  const ask = (signal: AbortSignal) => {
    const topics = new Set(['t'])
    const { fetchTopicMetadata } = ClientUtils
    return fetchTopicMetadata(topics, endPoints(), 'c', 30_000, platform, 0, signal)
  }

  it('hangs up, and asks nobody else', async () => {
    const giveUp = new AbortController()
    for (const broker of brokers) broker.answers.Metadata = () => undefined
    const answer = ask(giveUp.signal)
    answer.catch(() => undefined)
    await platform.virtualClock.advance(10)
    expect(platform.fabric.openEnds).toBe(2)
    giveUp.abort()
    await platform.virtualClock.settle()
    await expect(answer).rejects.toThrow(AbortError)
    expect(platform.fabric.openEnds).toBe(0)
    expect(platform.virtualClock.pendingTimers).toBe(0)
    expect(brokers.flatMap((broker) => broker.seen)).toHaveLength(1)
  })

  it('sends nothing over a connection that came too late', async () => {
    const giveUp = new AbortController()
    platform.fabric.latency = () => 20
    const answer = ask(giveUp.signal)
    answer.catch(() => undefined)
    await platform.virtualClock.advance(10)
    giveUp.abort()
    await expect(run(answer)).rejects.toThrow(AbortError)
    await platform.virtualClock.advance(1000)
    expect(brokers.flatMap((broker) => broker.seen)).toEqual([])
    expect(platform.fabric.openEnds).toBe(0)
  })

  it('asks nobody when it was called off before', async () => {
    await expect(ask(AbortSignal.abort())).rejects.toThrow(AbortError)
    expect(brokers.flatMap((broker) => broker.seen)).toEqual([])
  })
})

describe('ClientUtils.parseBrokerList()', () => {
  it('reads names and addresses, and counts them as ids', () => {
    expect(ClientUtils.parseBrokerList('a:1, [::1]:2,10.0.0.1:3')).toEqual([
      { id: 0, host: 'a', port: 1 },
      { id: 1, host: '::1', port: 2 },
      { id: 2, host: '10.0.0.1', port: 3 },
    ])
    expect(() => ClientUtils.parseBrokerList('a')).toThrow(ConfigException)
  })
})

describe('ClientUtils.getPlaintextBrokerEndPoints()', () => {
  it('takes the first PLAINTEXT end point of each broker', async () => {
    const found = await ClientUtils.getPlaintextBrokerEndPoints(zkUtils)
    expect(found).toEqual(endPoints())
  })

  it('fails when a broker has none', async () => {
    const ssl = new Broker(1, [new EndPoint('b1', 1, 'SSL', 'SSL')])
    await expect(
      ClientUtils.getPlaintextBrokerEndPoints({
        getAllBrokersInCluster: async () => [ssl],
      }),
    ).rejects.toThrow(BrokerEndPointNotAvailableException)
  })
})

describe('ClientUtils.channelToOffsetManager()', () => {
  it('ends at the coordinator, whichever broker is asked', async () => {
    for (let round = 0; round < 6; round++) {
      const channel = await run(
        ClientUtils.channelToOffsetManager('g', zkUtils, platform),
      )
      expect([channel.host, channel.port, channel.isConnected]).toEqual([
        'b2',
        9092,
        true,
      ])
      channel.disconnect()
    }
    expect(brokers[0]!.seen.length).toBeGreaterThan(0)
    expect(brokers[1]!.seen.length).toBeGreaterThan(0)
    await platform.virtualClock.settle()
    expect(platform.fabric.openEnds).toBe(0)
  })

  it('asks again after a pause while there is no coordinator', async () => {
    let refusals = 3
    for (const broker of brokers) {
      const { FindCoordinator } = broker.answers
      broker.answers.FindCoordinator = (seen) =>
        refusals-- > 0
          ? { errorCode: 15, nodeId: -1, host: '', port: -1 }
          : FindCoordinator!(seen)
    }
    const before = platform.clock.now()
    const options = { retryBackOffMs: 200 }
    const channel = await run(
      ClientUtils.channelToOffsetManager('g', zkUtils, platform, options),
    )
    expect(channel.host).toBe('b2')
    expect(platform.clock.now() - before).toBe(600)
  })

  it('waits for a broker, and ends when its signal fires', async () => {
    const stop = new AbortController()
    const nobody = { getAllBrokersInCluster: async () => [] }
    const waiting = ClientUtils.channelToOffsetManager('g', nobody, platform, {
      signal: stop.signal,
    }).catch((e: unknown) => e)
    await platform.virtualClock.advance(5000)
    stop.abort()
    expect(await waiting).toMatchObject({ name: 'AbortError' })
  })
})
