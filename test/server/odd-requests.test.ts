/**
 * Requests that no client sends on purpose: a thing named twice, a number that stands for
 * nothing. What is expected here is what a broker of Kafka 1.1.1 answered to the same
 * bytes.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Errors } from '../../src/base/errors.ts'
import type { NetworkClient } from '../../src/network/NetworkClient.ts'
import { encodeRequest } from '../../src/protocol/framing.ts'
import { AlterConfigs } from '../../src/protocol/messages/AlterConfigs.ts'
import { ApiVersions } from '../../src/protocol/messages/ApiVersions.ts'
import { CreateTopics } from '../../src/protocol/messages/CreateTopics.ts'
import { DescribeConfigs } from '../../src/protocol/messages/DescribeConfigs.ts'
import { DescribeGroups } from '../../src/protocol/messages/DescribeGroups.ts'
import { Fetch } from '../../src/protocol/messages/Fetch.ts'
import { ListOffsets } from '../../src/protocol/messages/ListOffsets.ts'
import { OffsetCommit } from '../../src/protocol/messages/OffsetCommit.ts'
import { Produce } from '../../src/protocol/messages/Produce.ts'
import { MemoryRecords } from '../../src/record/MemoryRecords.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { batchOf, clientOf, createTopic, produce } from './clients.ts'

let cluster: KafkaCluster
let client: NetworkClient

beforeAll(async () => {
  cluster = await startCluster({ platform: 'memory' })
  client = clientOf(cluster)
  await createTopic(client, 't')
  await produce(client, 't', ['a', 'b'])
})
afterAll(async () => {
  client.close()
  await cluster.close()
})

/** Sends a frame. @returns the payload of the answer, null when hung up on */
async function exchange(frame: Buffer): Promise<Buffer | null> {
  const { network } = cluster.platform
  const port = cluster.brokers[0]!.boundPort()
  const connection = await network.connect({ host: '127.0.0.1', port, timeoutMs: 1000 })
  return new Promise((resolve, reject) => {
    connection.onData((chunk) => {
      resolve(chunk.subarray(4))
      connection.end()
    })
    connection.onClose(() => resolve(null))
    connection.write(frame).catch(reject)
  })
}

describe('what is named twice is answered once', () => {
  it('a partition that is produced to: its last batch counts', async () => {
    const answer = await client.sendAndReceive(Produce, 5, {
      ...{ transactionalId: null, acks: 1, timeoutMs: 1000 },
      topicData: ['x', 'y'].map((text) => ({
        name: 't',
        partitionData: [{ index: 0, records: batchOf([text]) }],
      })),
    })
    expect(answer.responses).toMatchObject([
      { name: 't', partitionResponses: [{ index: 0, errorCode: 0, baseOffset: 2 }] },
    ])
    expect(answer.responses[0]?.partitionResponses).toHaveLength(1)
  })

  it('a partition whose offsets are listed: refused, but not in version 0', async () => {
    const question = { partition: 0, timestamp: -2, maxNumOffsets: 1 }
    const ask = async (version: number) => {
      const { topics } = await client.sendAndReceive(ListOffsets, version, {
        ...{ replicaId: -1, isolationLevel: 0 },
        topics: [{ name: 't', partitions: [question, question] }],
      })
      return topics.flatMap(({ partitions }) => partitions.map((p) => p.errorCode))
    }
    expect(await ask(0)).toEqual([0])
    for (const version of [1, 2])
      expect(await ask(version)).toEqual([Errors.INVALID_REQUEST.code])
  })

  it('a resource with settings, and a group', async () => {
    const topic = { resourceType: 2, resourceName: 't' }
    const described = await client.sendAndReceive(DescribeConfigs, 1, {
      resources: [1, 2].map(() => ({ ...topic, configurationKeys: ['retention.ms'] })),
      includeSynonyms: false,
    })
    expect(described.results).toHaveLength(1)
    const altered = await client.sendAndReceive(AlterConfigs, 0, {
      resources: ['1000', '2000'].map((value) => ({
        ...topic,
        configs: [{ name: 'retention.ms', value }],
      })),
      validateOnly: false,
    })
    expect(altered.responses).toHaveLength(1)
    const groups = await client.sendAndReceive(DescribeGroups, 1, {
      groups: ['g', 'g'],
    })
    expect(groups.groups).toHaveLength(1)
  })
})

describe('the largest and the smallest number', () => {
  const far = [2 ** 63, -(2 ** 63), 2 ** 53, 1.7e18]

  it('as an offset: nothing is there to fetch', async () => {
    for (const fetchOffset of far) {
      const { responses } = await client.sendAndReceive(Fetch, 4, {
        ...{ replicaId: -1, maxWaitMs: 0, minBytes: 1, maxBytes: 1000 },
        topics: [
          {
            topic: 't',
            partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 9 }],
          },
        ],
      })
      const errorCode = Errors.OFFSET_OUT_OF_RANGE.code
      expect(responses[0]?.partitions[0]).toMatchObject({ errorCode })
    }
  })

  it('as a time to keep, or to count from: an offset is committed', async () => {
    for (const time of far) {
      const committed = { partition: 0, committedOffset: 1, committedMetadata: '' }
      const old = { ...committed, commitTimestamp: time }
      for (const [version, partition] of [[1, old] as const, [3, committed] as const]) {
        const { topics } = await client.sendAndReceive(OffsetCommit, version, {
          ...{ groupId: 'far', generationId: -1, memberId: '', retentionTimeMs: time },
          topics: [{ name: 't', partitions: [partition] }],
        })
        expect(topics[0]?.partitions).toEqual([{ partition: 0, errorCode: 0 }])
      }
    }
  })

  it('as a time to look for: found or not, and no matter for a record', async () => {
    const found = async (timestamp: number) => {
      const { topics } = await client.sendAndReceive(ListOffsets, 1, {
        replicaId: -1,
        topics: [{ name: 't', partitions: [{ partition: 0, timestamp }] }],
      })
      return topics[0]?.partitions[0]
    }
    expect(await found(2 ** 63)).toMatchObject({ errorCode: 0, offset: -1 })
    expect(await found(-(2 ** 63))).toMatchObject({ errorCode: 0, offset: 0 })
    const record = { value: Buffer.from('nanoseconds'), timestamp: 1.7e18 }
    const records = MemoryRecords.withRecords({}, record).buffer
    await client.sendAndReceive(Produce, 5, {
      ...{ transactionalId: null, acks: 1, timeoutMs: 1000 },
      topicData: [{ name: 't', partitionData: [{ index: 0, records }] }],
    })
    expect(await found(2 ** 53)).toMatchObject({ timestamp: 1.7e18, errorCode: 0 })
  })
})

describe('numbers that stand for nothing', () => {
  it('a resource type: answered as the unknown one, 0', async () => {
    const { responses } = await client.sendAndReceive(AlterConfigs, 0, {
      resources: [9, 1, 3].map((resourceType) => ({
        ...{ resourceType, resourceName: 'a', configs: [] },
      })),
      validateOnly: false,
    })
    expect(responses.map((each) => each.resourceType)).toEqual([0, 1, 3])
    for (const { errorCode } of responses) {
      expect(errorCode).toBe(Errors.INVALID_REQUEST.code)
    }
  })

  it('a partition below zero in an assignment: refused', async () => {
    const { topics } = await client.sendAndReceive(CreateTopics, 1, {
      topics: [
        {
          ...{ name: 'below', numPartitions: -1, replicationFactor: -1, configs: [] },
          assignments: [{ partition: -1, brokerIds: [0] }],
        },
      ],
      ...{ timeoutMs: 1000, validateOnly: false },
    })
    expect(topics[0]?.errorCode).toBe(Errors.INVALID_REPLICA_ASSIGNMENT.code)
  })

  it('a partition that a topic does not have: its offset is kept all the same', async () => {
    const { topics } = await client.sendAndReceive(OffsetCommit, 0, {
      groupId: 'old',
      topics: [
        {
          name: 't',
          partitions: [{ partition: 9, committedOffset: 1, committedMetadata: '' }],
        },
      ],
    })
    expect(topics[0]?.partitions[0]?.errorCode).toBe(0)
  })

  it('a version of ApiVersions below zero: answered in the layout of version 0', async () => {
    const frame = encodeRequest(ApiVersions, 0, 7, 'c', {})
    frame.writeInt16BE(-1, 6)
    expect((await exchange(frame))?.toString('hex')).toBe('00000007002300000000')
  })

  it.each([7, -1])('isolation level %i: the connection is closed', async (level) => {
    const partition = { partition: 0, fetchOffset: 0, partitionMaxBytes: 100 }
    const fetch = encodeRequest(Fetch, 4, 7, 'c', {
      ...{ replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 100 },
      isolationLevel: level,
      topics: [{ topic: 't', partitions: [partition] }],
    })
    expect(await exchange(fetch)).toBeNull()
    const list = encodeRequest(ListOffsets, 2, 7, 'c', {
      ...{ replicaId: -1, isolationLevel: level },
      topics: [{ name: 't', partitions: [{ partition: 0, timestamp: -1 }] }],
    })
    expect(await exchange(list)).toBeNull()
  })

  it.each([
    ['no records in version 2', 2, null],
    ['a batch of format 3', 5, edited((batch) => batch.writeInt8(3, 16))],
    ['a batch of negative length', 5, edited((batch) => batch.writeInt32BE(-5, 8))],
    ['a batch of 10 bytes', 3, edited((batch) => batch.writeInt32BE(10, 8))],
  ])('%s: the connection is closed', async (_, version, records) => {
    const frame = encodeRequest(Produce, version, 7, 'c', {
      ...{ transactionalId: null, acks: 1, timeoutMs: 1000 },
      topicData: [{ name: 't', partitionData: [{ index: 0, records }] }],
    })
    expect(await exchange(frame)).toBeNull()
  })
})

/** A batch with something wrong in it. */
function edited(spoil: (batch: Buffer) => void): Buffer {
  const batch = Buffer.from(batchOf(['a']))
  spoil(batch)
  return batch
}
