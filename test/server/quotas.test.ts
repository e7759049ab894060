/** A broker that slows clients down: over the memory network, on a virtual clock. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import type { NetworkClient } from '../../src/network/NetworkClient.ts'
import { encodeRequest, encodeResponse } from '../../src/protocol/framing.ts'
import { Fetch } from '../../src/protocol/messages/Fetch.ts'
import { Heartbeat } from '../../src/protocol/messages/Heartbeat.ts'
import { Produce } from '../../src/protocol/messages/Produce.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { batchOf, clientOf, createTopic } from './clients.ts'

const platform = memoryPlatform({ clock: 'virtual' })
const clock = platform.virtualClock
const run = <T>(promise: Promise<T>) => clock.runUntil(promise)

let cluster: KafkaCluster
let client: NetworkClient

beforeAll(async () => {
  cluster = await run(startCluster({ platform }))
  client = clientOf(cluster)
  await run(createTopic(client, 't', { configs: { 'retention.ms': '-1' } }))
})

afterAll(async () => {
  client.close()
  await run(cluster.close())
})

/** Sets a quota as a tool does, and waits until the broker has heard of it. */
async function setQuota(path: string, config: Record<string, string>) {
  const [type, ...rest] = path.split('/')
  const { zkClient } = cluster.brokers[0]!
  await run(zkClient.setOrCreateEntityConfigs(type!, rest.join('/'), config))
  await run(zkClient.createConfigChangeNotification(path))
  await clock.settle()
}

const toProduce = (bytes: number, acks: number) => ({
  ...{ transactionalId: null, acks, timeoutMs: 5000 },
  topicData: [
    {
      name: 't',
      partitionData: [{ index: 0, records: batchOf(['x'.repeat(bytes)]) }],
    },
  ],
})

const toFetch = (fetchOffset: number) => ({
  ...{ replicaId: -1, maxWaitMs: 0, minBytes: 1, maxBytes: 1 << 20 },
  ...{ isolationLevel: 0, sessionId: 0, sessionEpoch: -1, forgottenTopicsData: [] },
  topics: [
    {
      topic: 't',
      partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 101_000 }],
    },
  ],
})

const send = (bytes: number) => client.sendAndReceive(Produce, 5, toProduce(bytes, 1))

const fetch = (fetchOffset: number, version = 7) =>
  client.sendAndReceive(Fetch, version, toFetch(fetchOffset))

describe('a producer with a quota', () => {
  it('is told nothing while it has none', async () => {
    const { throttleTimeMs } = await run(send(100_000))
    expect(throttleTimeMs).toBe(0)
  })

  it('is answered late, is told so, and comes down to its rate', async () => {
    await setQuota('clients/test', { producer_byte_rate: '2000' })
    const startMs = clock.monotonic()
    let sent = 0
    let heldMs = 0
    while (clock.monotonic() - startMs < 60_000) {
      const before = clock.monotonic()
      const { throttleTimeMs, responses } = await run(send(1000))
      sent += 1000
      heldMs += throttleTimeMs
      expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(0)
      expect(clock.monotonic() - before).toBeGreaterThanOrEqual(throttleTimeMs)
    }
    const rate = sent / ((clock.monotonic() - startMs) / 1000)
    expect(heldMs).toBeGreaterThan(50_000)
    expect(rate).toBeGreaterThan(1700)
    expect(rate).toBeLessThan(2400)
  })

  it('that wants no answer is not read meanwhile', async () => {
    await clock.advance(20_000)
    const { produce } = cluster.brokers[0]!.quotaManagers
    const port = cluster.brokers[0]!.boundPort()
    const place = { host: '127.0.0.1', port, timeoutMs: 1000 }
    const connection = await run(platform.network.connect(place))
    const answered = new Promise((resolve) => connection.onData(resolve))
    connection.onClose(() => {})

    // The first has acks 0 and is over the quota; what comes behind it has to wait.
    await connection.write(encodeRequest(Produce, 5, 1, 'test', toProduce(30_000, 0)))
    await connection.write(encodeRequest(Fetch, 7, 2, 'test', toFetch(0)))
    await clock.settle()
    expect(produce.delayQueueSize).toBe(1)
    const startMs = clock.monotonic()
    await run(answered)
    expect(clock.monotonic() - startMs).toBeGreaterThan(4000)
    expect(produce.delayQueueSize).toBe(0)
    connection.destroy()
  })

  it('is free again when its quota is taken away', async () => {
    await setQuota('clients/test', {})
    const { throttleTimeMs } = await run(send(500_000))
    expect(throttleTimeMs).toBe(0)
  })
})

describe('a consumer with a quota', () => {
  it('is held to it as the user it is, before what it reads is converted', async () => {
    await setQuota('users/ANONYMOUS', { consumer_byte_rate: '8000' })
    const answer = await run(fetch(0))

    // The body of the answer is measured, over 10 s: its rate comes down to the quota.
    const bytes = encodeResponse(Fetch, 7, 0, answer).length - 8
    expect(bytes).toBeGreaterThan(100_000)
    expect(answer.throttleTimeMs).toBe(Math.round((bytes / 10 / 8000 - 1) * 10_000))

    // An old client is told by waiting only, and gets batches of the old format.
    await clock.advance(60_000)
    const before = clock.monotonic()
    const old = await run(fetch(0, 0))
    const records = old.responses[0]?.partitions[0]?.records as Buffer
    expect(records[16]).toBe(0)
    expect(clock.monotonic() - before).toBeGreaterThan(2000)
    await setQuota('users/ANONYMOUS', {})
  })
})

describe('quotas in ZooKeeper', () => {
  it('are read when a broker starts, those of client ids of users, too', async () => {
    await setQuota('users/<default>/clients/test', { producer_byte_rate: '77' })
    const broker = cluster.brokers[0]!
    await run(broker.shutdown())
    await run(broker.startup())
    expect(broker.quotaManagers.produce.quota('ANONYMOUS', 'test').bound).toBe(77)
    expect(broker.quotaManagers.produce.quota('ANONYMOUS', 'x').bound).toBe(2 ** 63)
    await setQuota('users/<default>/clients/test', {})
    client.close()
    client = clientOf(cluster)
  })
})

describe('every other request', () => {
  it('is held by the quota of time, whatever it asks', async () => {
    const { request } = cluster.brokers[0]!.quotaManagers
    await setQuota('clients/<default>', { request_percentage: '0.001' })
    const sensors = request.getOrCreateQuotaSensors('ANONYMOUS', 'test')
    request.recordNoThrottle(sensors, 50)
    const { throttleTimeMs } = await run(
      client.sendAndReceive(Heartbeat, 1, {
        ...{ groupId: 'g', generationId: 1, memberId: 'm' },
      }),
    )
    expect(throttleTimeMs).toBe(1000)
    await setQuota('clients/<default>', {})
  })
})
