/** What a broker answers, asked over the memory network. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Errors } from '../../src/base/errors.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import type { NetworkClient } from '../../src/network/NetworkClient.ts'
import { ApiKeys } from '../../src/protocol/ApiKeys.ts'
import { encodeRequest } from '../../src/protocol/framing.ts'
import { AlterConfigs } from '../../src/protocol/messages/AlterConfigs.ts'
import { ApiVersions } from '../../src/protocol/messages/ApiVersions.ts'
import { ControlledShutdown } from '../../src/protocol/messages/ControlledShutdown.ts'
import { DeleteTopics } from '../../src/protocol/messages/DeleteTopics.ts'
import { Fetch } from '../../src/protocol/messages/Fetch.ts'
import { FindCoordinator } from '../../src/protocol/messages/FindCoordinator.ts'
import { InitProducerId } from '../../src/protocol/messages/InitProducerId.ts'
import { ListOffsets } from '../../src/protocol/messages/ListOffsets.ts'
import { Metadata } from '../../src/protocol/messages/Metadata.ts'
import { OffsetCommit } from '../../src/protocol/messages/OffsetCommit.ts'
import { OffsetFetch } from '../../src/protocol/messages/OffsetFetch.ts'
import { Produce } from '../../src/protocol/messages/Produce.ts'
import { servedApis } from '../../src/server/KafkaApis.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import {
  batchOf,
  clientOf,
  createTopic,
  fetchBytes,
  fetchTexts,
  produce,
  produceBytes,
  textsOf,
} from './clients.ts'

let cluster: KafkaCluster
let client: NetworkClient

beforeAll(async () => {
  cluster = await startCluster({ platform: 'memory' })
  client = clientOf(cluster)
})

afterAll(async () => {
  client.close()
  await cluster.close()
})

const code = (name: keyof typeof Errors) => (Errors[name] as { code: number }).code

/** Asks for metadata until the first partition has a leader; each answer comes at once. */
async function awaitLeader(topic: string) {
  for (;;) {
    const response = await client.sendAndReceive(Metadata, 5, {
      topics: [{ name: topic }],
    })
    if (response.topics[0]?.errorCode === 0) return response
  }
}

describe('handleApiVersionsRequest()', () => {
  it('advertises exactly what has a handler', async () => {
    const { apiKeys, errorCode } = await client.sendAndReceive(ApiVersions, 1, {})
    expect(errorCode).toBe(0)
    expect(apiKeys.map((api) => api.apiKey)).toEqual(
      [...servedApis].sort((a, b) => a - b),
    )
    for (const { apiKey, minVersion, maxVersion } of apiKeys) {
      expect([minVersion, maxVersion]).toEqual([0, ApiKeys.forId(apiKey)?.maxVersion])
    }
  })

  it('hides transactions while brokers speak an older version', async () => {
    const older = {
      'inter.broker.protocol.version': '0.10.2',
      'log.message.format.version': '0.10.2',
    }
    const config = { ...older, 'broker.id': '0' }
    await using other = await startCluster({ platform: 'memory', config })
    const line = clientOf(other)
    const { apiKeys } = await line.sendAndReceive(ApiVersions, 1, {})
    const hidden = [24, 25, 26, 27, 28]
    expect(apiKeys.map((api) => api.apiKey)).toEqual(
      [...servedApis].sort((a, b) => a - b).filter((key) => !hidden.includes(key)),
    )
    line.close()
  })

  it('answers an unknown version in the layout of version 0, with an empty list', async () => {
    const answer = await exchange(header(18, 3, 7))
    expect(answer).toEqual(Buffer.from([0, 0, 0, 7, 0, 35, 0, 0, 0, 0]))
  })
})

describe('handleTopicMetadataRequest()', () => {
  it('creates a topic that is asked about, and then tells its leader', async () => {
    const first = await client.sendAndReceive(Metadata, 5, {
      topics: [{ name: 'auto' }],
    })
    expect(first.topics).toMatchObject([
      { name: 'auto', errorCode: code('LEADER_NOT_AVAILABLE'), partitions: [] },
    ])
    const { brokers, topics, controllerId, clusterId } = await awaitLeader('auto')
    const port = cluster.brokers[0]?.boundPort()
    expect(brokers).toEqual([{ nodeId: 0, host: '127.0.0.1', port, rack: null }])
    expect(controllerId).toBe(0)
    expect(clusterId).toBe(cluster.brokers[0]?.clusterId)
    expect(topics[0]?.partitions).toMatchObject([
      { partition: 0, leaderId: 0, replicaNodes: [0], isrNodes: [0] },
    ])
  })

  it('does not create what the client does not want created', async () => {
    const { topics } = await client.sendAndReceive(Metadata, 4, {
      topics: [{ name: 'unwanted' }],
      allowAutoTopicCreation: false,
    })
    expect(topics[0]?.errorCode).toBe(code('UNKNOWN_TOPIC_OR_PARTITION'))
  })

  it('refuses a name that no topic can have', async () => {
    const { topics } = await client.sendAndReceive(Metadata, 5, {
      topics: [{ name: 'a b' }],
    })
    expect(topics[0]?.errorCode).toBe(code('INVALID_TOPIC_EXCEPTION'))
  })

  it('takes an empty list for all topics in version 0, for none later', async () => {
    await createTopic(client, 'listed')
    const old = await client.sendAndReceive(Metadata, 0, { topics: [] })
    expect(old.topics.map(({ name }) => name)).toContain('listed')
    const none = await client.sendAndReceive(Metadata, 1, { topics: [] })
    expect(none.topics).toEqual([])
    const all = await client.sendAndReceive(Metadata, 1, { topics: null })
    expect(all.topics.map(({ name }) => name)).toContain('listed')
  })
})

describe('handleProduceRequest(), handleFetchRequest()', () => {
  it('give records offsets, and give them back', async () => {
    await createTopic(client, 'simple')
    expect(await produce(client, 'simple', ['a', 'b'])).toMatchObject({
      ...{ errorCode: 0, baseOffset: 0, logStartOffset: 0 },
    })
    expect(await produce(client, 'simple', ['c'], { acks: -1 })).toMatchObject({
      ...{ errorCode: 0, baseOffset: 2 },
    })
    const answer = await fetchBytes(client, 'simple', 0)
    expect(answer).toMatchObject({ errorCode: 0, highWatermark: 3, logStartOffset: 0 })
    expect(textsOf(answer.records as Buffer)).toEqual(['a', 'b', 'c'])
  })

  it('let a fetch wait until a produce completes it', async () => {
    await createTopic(client, 'poll')
    const consumer = clientOf(cluster)
    const purgatory = cluster.brokers[0]!.replicaManager.delayedFetchPurgatory
    const fetched = fetchTexts(consumer, 'poll', 0, { maxWaitMs: 9000 })
    while (purgatory.delayed === 0) await client.sendAndReceive(ApiVersions, 0, {})
    await produce(client, 'poll', ['at last'])
    expect(await fetched).toEqual(['at last'])
    consumer.close()
  })

  it('answer an offset beyond the end with OFFSET_OUT_OF_RANGE', async () => {
    await createTopic(client, 'short')
    const { errorCode } = await fetchBytes(client, 'short', 5)
    expect(errorCode).toBe(code('OFFSET_OUT_OF_RANGE'))
  })

  it('fail one partition and serve the other', async () => {
    await createTopic(client, 'good')
    const { responses } = await client.sendAndReceive(Produce, 5, {
      ...{ transactionalId: null, acks: 1, timeoutMs: 1000 },
      topicData: [
        { name: 'none', partitionData: [{ index: 0, records: batchOf(['x']) }] },
        { name: 'good', partitionData: [{ index: 0, records: batchOf(['y']) }] },
      ],
    })
    const errors = responses.map((r) => r.partitionResponses[0]?.errorCode)
    expect(errors).toEqual([code('UNKNOWN_TOPIC_OR_PARTITION'), 0])
    expect(await fetchTexts(client, 'good', 0)).toEqual(['y'])
  })

  it('refuse a batch whose checksum is wrong', async () => {
    await createTopic(client, 'crc')
    const bytes = Buffer.from(batchOf(['x']))
    bytes[bytes.length - 2]! ^= 1
    const { errorCode } = await produceBytes(client, 'crc', bytes)
    expect(errorCode).toBe(code('CORRUPT_MESSAGE'))
  })

  it('keep clients out of the topic of groups', async () => {
    await findCoordinator('g')
    const { errorCode } = await produce(client, '__consumer_offsets', ['x'])
    expect(errorCode).toBe(code('INVALID_TOPIC_EXCEPTION'))
  })

  it('refuse acks that are neither -1, 0 nor 1', async () => {
    await createTopic(client, 'acks')
    const { errorCode } = await produce(client, 'acks', ['x'], { acks: 2 })
    expect(errorCode).toBe(code('INVALID_REQUIRED_ACKS'))
  })

  it('convert down for clients that know only old formats', async () => {
    await createTopic(client, 'old')
    await produce(client, 'old', ['a', 'b'])
    for (const [version, magic] of [
      [0, 0],
      [2, 1],
      [3, 1],
      [4, 2],
    ] as const) {
      const { records } = await fetchBytes(client, 'old', 0, { version })
      const bytes = records as Buffer
      expect(bytes[16]).toBe(magic)
      expect(textsOf(bytes)).toEqual(['a', 'b'])
    }
  })

  it('let an old client see that a batch is larger than what it asks for', async () => {
    await createTopic(client, 'too-large')
    await produce(client, 'too-large', ['x'.repeat(500)])
    const old = { version: 0, maxBytes: 100 }
    const { errorCode, records } = await fetchBytes(client, 'too-large', 0, old)

    // An answer without bytes would look as if nothing were there, for ever.
    expect(errorCode).toBe(0)
    expect(records).toHaveLength(100)
    expect((records as Buffer).readInt32BE(8)).toBeGreaterThan(100)
  })

  it('take old formats from old versions, and convert them up', async () => {
    await createTopic(client, 'older')
    for (const magic of [0, 1] as const) {
      const bytes = batchOf([`magic ${magic}`], magic)
      const { errorCode } = await produceBytes(client, 'older', bytes, { version: 2 })
      expect(errorCode).toBe(0)
    }
    const { records } = await fetchBytes(client, 'older', 0)
    expect((records as Buffer)[16]).toBe(2)
    expect(textsOf(records as Buffer)).toEqual(['magic 0', 'magic 1'])
  })
})

describe('fetch sessions', () => {
  it('tell only what changed', async () => {
    await createTopic(client, 'session', { partitions: 2 })
    const ask = (sessionId: number, sessionEpoch: number, topics: number[]) =>
      client.sendAndReceive(Fetch, 7, {
        ...{ replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 1 << 20 },
        ...{ isolationLevel: 0, sessionId, sessionEpoch, forgottenTopicsData: [] },
        topics: topics.map((partition) => ({
          topic: 'session',
          partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 1 << 20 }],
        })),
      })
    const full = await ask(0, 0, [0, 1])
    expect(full.sessionId).not.toBe(0)
    expect(full.responses[0]?.partitions).toHaveLength(2)

    const quiet = await ask(full.sessionId, 1, [])
    expect(quiet).toMatchObject({ errorCode: 0, responses: [] })
    await produce(client, 'session', ['news'], { partition: 1 })
    const news = await ask(full.sessionId, 2, [])
    expect(news.responses[0]?.partitions.map((p) => p.partition)).toEqual([1])

    // Skip an epoch, then name a session that is not there.
    const skipped = await ask(full.sessionId, 9, [])
    expect(skipped.errorCode).toBe(code('INVALID_FETCH_SESSION_EPOCH'))
    const unknown = await ask(full.sessionId + 1, 1, [])
    expect(unknown.errorCode).toBe(code('FETCH_SESSION_ID_NOT_FOUND'))
  })
})

describe('handleListOffsetRequest()', () => {
  it('finds both ends, times, and nothing in the future', async () => {
    await createTopic(client, 'times')
    await produce(client, 'times', ['a', 'b'])
    const ask = async (timestamp: number, version = 1) => {
      const { topics } = await client.sendAndReceive(ListOffsets, version, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ name: 'times', partitions: [{ partition: 0, timestamp }] }],
      })
      return topics[0]?.partitions[0]
    }
    expect(await ask(-2)).toMatchObject({ errorCode: 0, offset: 0, timestamp: -1 })
    expect(await ask(-1)).toMatchObject({ errorCode: 0, offset: 2, timestamp: -1 })
    expect(await ask(1000)).toMatchObject({ offset: 0, timestamp: 1000 })
    expect(await ask(2000)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 })
    expect((await ask(-1, 0))?.oldStyleOffsets).toEqual([2])
    expect((await ask(-2, 0))?.oldStyleOffsets).toEqual([0])
  })

  it('refuses a partition that is named twice', async () => {
    const twice = { partition: 0, timestamp: -1 }
    const { topics } = await client.sendAndReceive(ListOffsets, 1, {
      replicaId: -1,
      topics: [{ name: 'times', partitions: [twice, twice] }],
    })
    const errors = topics[0]?.partitions.map((p) => p.errorCode)
    expect(new Set(errors)).toEqual(new Set([code('INVALID_REQUEST')]))
  })
})

async function findCoordinator(key: string) {
  for (;;) {
    const answer = await client.sendAndReceive(FindCoordinator, 1, { key, keyType: 0 })
    if (answer.errorCode !== code('COORDINATOR_NOT_AVAILABLE')) return answer
  }
}

describe('handleOffsetCommitRequest(), handleOffsetFetchRequest()', () => {
  const commit = async (version: number, topic: string, committedOffset: number) => {
    const { topics } = await client.sendAndReceive(OffsetCommit, version, {
      groupId: 'keeper',
      topics: [
        {
          name: topic,
          partitions: [{ partition: 0, committedOffset, committedMetadata: 'note' }],
        },
      ],
    })
    return topics[0]?.partitions[0]?.errorCode
  }
  const committed = async (version: number, topic: string) => {
    const { topics } = await client.sendAndReceive(OffsetFetch, version, {
      groupId: 'keeper',
      topics: [{ name: topic, partitionIndexes: [0] }],
    })
    return topics[0]?.partitions[0]
  }

  it('keep offsets in ZooKeeper in version 0', async () => {
    await createTopic(client, 'kept')
    const nothing = {
      committedOffset: -1,
      errorCode: code('UNKNOWN_TOPIC_OR_PARTITION'),
    }
    expect(await committed(0, 'kept')).toMatchObject(nothing)
    expect(await commit(0, 'kept', 5)).toBe(0)
    expect(await committed(0, 'kept')).toMatchObject({
      committedOffset: 5,
      errorCode: 0,
    })
    const { zkClient } = cluster.brokers[0]!
    const partition = new TopicPartition('kept', 0)
    expect(await zkClient.getConsumerOffset('keeper', partition)).toBe(5)
  })

  it('keep offsets in __consumer_offsets in later versions', async () => {
    await createTopic(client, 'kept-later')
    await findCoordinator('keeper')

    // A coordinator that is still loading says so; every other answer is final.
    let errorCode = await commit(2, 'kept-later', 7)
    while (
      errorCode === code('COORDINATOR_LOAD_IN_PROGRESS') ||
      errorCode === code('NOT_COORDINATOR')
    ) {
      errorCode = await commit(2, 'kept-later', 7)
    }
    expect(errorCode).toBe(0)
    const found = { committedOffset: 7, metadata: 'note', errorCode: 0 }
    expect(await committed(1, 'kept-later')).toMatchObject(found)
    const all = await client.sendAndReceive(OffsetFetch, 2, {
      groupId: 'keeper',
      topics: null,
    })
    expect(all.topics.map(({ name }) => name)).toEqual(['kept-later'])
  })

  it('refuse a topic that does not exist', async () => {
    expect(await commit(2, 'nowhere', 1)).toBe(code('UNKNOWN_TOPIC_OR_PARTITION'))
  })
})

describe('handleInitProducerIdRequest()', () => {
  it('gives each producer another number; an id of its own is for its coordinator', async () => {
    const ask = (transactionalId: string | null) =>
      client.sendAndReceive(InitProducerId, 0, {
        transactionalId,
        transactionTimeoutMs: 1000,
      })
    const first = await ask(null)
    const second = await ask(null)
    expect(first).toMatchObject({ errorCode: 0, producerEpoch: 0 })
    expect(second.producerId).toBe(first.producerId + 1n)
    expect((await ask('t')).errorCode).toBe(code('NOT_COORDINATOR'))
    expect((await ask('')).errorCode).toBe(code('INVALID_REQUEST'))
  })
})

describe('handleDeleteTopicsRequest()', () => {
  it('answers when the topic is gone from the metadata', async () => {
    await createTopic(client, 'going')
    await produce(client, 'going', ['x'])
    const { responses } = await client.sendAndReceive(DeleteTopics, 1, {
      topicNames: ['going', 'never-was'],
      timeoutMs: 5000,
    })
    const unknown = code('UNKNOWN_TOPIC_OR_PARTITION')
    expect(new Map(responses.map((r) => [r.name, r.errorCode]))).toEqual(
      new Map([
        ['going', 0],
        ['never-was', unknown],
      ]),
    )
    expect((await fetchBytes(client, 'going', 0)).errorCode).toBe(unknown)
  })
})

describe('handleAlterConfigsRequest()', () => {
  it('reaches the logs of a running broker, and takes back what is left out', async () => {
    await createTopic(client, 'altered', { configs: { 'max.message.bytes': '5000' } })
    const [log] = cluster.brokers[0]!.logManager.logsByTopic('altered')
    expect(log?.config.maxMessageSize).toBe(5000)
    const alter = async (name: string, value: string) => {
      const { responses } = await client.sendAndReceive(AlterConfigs, 0, {
        resources: [
          { resourceType: 2, resourceName: 'altered', configs: [{ name, value }] },
        ],
        validateOnly: false,
      })
      return responses[0]?.errorCode
    }
    expect(await alter('segment.bytes', '4000')).toBe(0)
    while (log?.config.segmentSize !== 4000) {
      await client.sendAndReceive(ApiVersions, 0, {})
    }
    expect(log.config.maxMessageSize).toBe(1000012)
    expect(await alter('segment.bytes', 'many')).toBe(code('INVALID_REQUEST'))
    expect(log.config.segmentSize).toBe(4000)
  })

  it('misses the topic before it looks at the settings', async () => {
    const { responses } = await client.sendAndReceive(AlterConfigs, 0, {
      resources: ['altered', 'nowhere'].map((resourceName) => ({
        ...{ resourceType: 2, resourceName },
        configs: [{ name: 'no.such.setting', value: '1' }],
      })),
      validateOnly: false,
    })
    expect(responses.map(({ errorCode }) => errorCode)).toEqual([
      code('INVALID_CONFIG'),
      code('UNKNOWN_SERVER_ERROR'),
    ])
  })
})

describe('handleControlledShutdownRequest()', () => {
  it('knows its brokers', async () => {
    const body = { brokerId: 17 }
    const { errorCode } = await client.sendAndReceive(ControlledShutdown, 1, body)
    expect(errorCode).toBe(code('BROKER_NOT_AVAILABLE'))
  })
})

/** Sends bytes in a frame. @returns the payload of the answer, null when hung up on */
async function exchange(payload: Buffer): Promise<Buffer | null> {
  const { network } = cluster.platform
  const port = cluster.brokers[0]!.boundPort()
  const connection = await network.connect({ host: '127.0.0.1', port, timeoutMs: 1000 })
  const size = Buffer.alloc(4)
  size.writeInt32BE(payload.length)
  return new Promise((resolve, reject) => {
    connection.onData((chunk) => {
      resolve(chunk.subarray(4))
      connection.end()
    })
    connection.onClose(() => resolve(null))
    connection.write([size, payload]).catch(reject)
  })
}

/** The header of a request of a client without a name. */
function header(apiKey: number, version: number, correlationId = 1): Buffer {
  const bytes = Buffer.alloc(10)
  bytes.writeInt16BE(apiKey, 0)
  bytes.writeInt16BE(version, 2)
  bytes.writeInt32BE(correlationId, 4)
  bytes.writeInt16BE(-1, 8)
  return bytes
}

describe('bad input closes its connection and nothing else', () => {
  const produceFrame = (version: number, records: Buffer) =>
    encodeRequest(Produce, version, 1, 'bad', {
      ...{ transactionalId: null, acks: 1, timeoutMs: 1000 },
      topicData: [{ name: 'simple', partitionData: [{ index: 0, records }] }],
    }).subarray(4)

  it.each([
    ['an unknown key', header(999, 0)],
    ['a version that is too new', header(0, 99)],
    ['a body that ends early', header(3, 1)],
    [
      'two batches in version 3',
      produceFrame(3, Buffer.concat([batchOf(['a']), batchOf(['b'])])),
    ],
    ['format 1 in version 3', produceFrame(3, batchOf(['a'], 1))],
    ['no batch in version 3', produceFrame(3, Buffer.alloc(0))],
    ['half a batch in version 5', produceFrame(5, batchOf(['a']).subarray(0, 40))],
    ['no header', Buffer.alloc(3)],
  ])('%s', async (_, payload) => {
    expect(await exchange(payload)).toBeNull()
    expect((await client.sendAndReceive(ApiVersions, 0, {})).errorCode).toBe(0)
  })

  it('acks 0 with an error', async () => {
    const frame = encodeRequest(Produce, 5, 1, 'bad', {
      ...{ transactionalId: null, acks: 0, timeoutMs: 1000 },
      topicData: [
        { name: 'none', partitionData: [{ index: 0, records: batchOf(['a']) }] },
      ],
    })
    expect(await exchange(frame.subarray(4))).toBeNull()
  })
})
