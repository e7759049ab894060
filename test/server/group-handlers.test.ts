/** Offsets and coordinators at the handlers: what goes where, by version. */
import { describe, expect, it } from 'vitest'
import { Errors } from '../../src/base/errors.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import type { OffsetAndMetadata } from '../../src/coordinator/group/OffsetAndMetadata.ts'
import type { Request } from '../../src/network/RequestChannel.ts'
import type { ApisContext } from '../../src/server/handlers/ApisContext.ts'
import * as group from '../../src/server/handlers/group.ts'
import { startZk } from '../zk/zk-fixture.ts'

const tp = new TopicPartition('t', 0)

async function setUp(alive = 1) {
  const { server, zkClient, platform } = await startZk()
  const sent: unknown[] = []
  const committed: TopicPartitionMap<OffsetAndMetadata>[] = []
  const created: string[] = []
  const topics = new Set(['t'])
  const context = {
    ...{ zkClient, platform },
    config: {
      ...{ offsetMetadataMaxSize: 4, offsetsRetentionMinutes: 1 },
      ...{ offsetsTopicReplicationFactor: 1, offsetsTopicPartitions: 5 },
      ...{ transactionTopicReplicationFactor: 1, transactionTopicPartitions: 5 },
    },
    metadataCache: {
      contains: (topic: string) => topics.has(topic),
      containsPartition: (asked: TopicPartition) => asked.equals(tp),
      getAliveBrokers: () => Array(alive).fill({}),
      getPartitionInfo: (_: string, partition: number) => ({ leader: partition }),
      getAliveEndpoint: (id: number) =>
        id === 3 ? { id, host: 'h', port: 9095 } : undefined,
    },
    adminManager: {
      adminZkClient: { createTopic: async (name: string) => void created.push(name) },
    },
    txnCoordinator: {
      partitionFor: (name: string) => Number(name),
      transactionTopicConfigs: () => ({}),
    },
    groupCoordinator: {
      partitionFor: (name: string) => Number(name),
      offsetsTopicConfigs: () => ({}),
      handleFetchOffsets: () => ({
        ...{ error: Errors.NOT_COORDINATOR, offsets: new TopicPartitionMap() },
      }),
      handleCommitOffsets(...args: unknown[]) {
        const offsets = args[3] as TopicPartitionMap<OffsetAndMetadata>
        committed.push(offsets)
        const callback = args[4] as (errors: TopicPartitionMap<unknown>) => void
        callback(new TopicPartitionMap<unknown>().set(tp, Errors.NONE))
      },
    },
    sendResponseMaybeThrottle: (
      _: unknown,
      __: unknown,
      createResponse: (throttleTimeMs: number) => unknown,
    ) => sent.push(createResponse(0)),
    closeConnection: () => sent.push('closed'),
  } as unknown as ApisContext
  const request = (apiVersion: number, body: unknown) =>
    ({
      header: { apiVersion },
      context: { listenerName: 'PLAINTEXT' },
      body: () => body,
    }) as unknown as Request
  return { context, request, sent, committed, created, topics, server, platform }
}

function commitOf(partition: number, rest: object = {}) {
  return { partition, committedOffset: 5, commitTimestamp: -1, ...rest }
}

describe('group handlers', () => {
  it('handleOffsetCommitRequest() of version 0 writes to ZooKeeper', async () => {
    const { context, request, sent, server } = await setUp()
    const partitions = [commitOf(0, { committedMetadata: null })]
    const topics = ['t', 'none'].map((name) => ({ name, partitions }))
    await group.handleOffsetCommitRequest(context, request(0, { groupId: 'g', topics }))
    expect(server.text('/consumers/g/offsets/t/0')).toBe('5')
    const { code } = Errors.UNKNOWN_TOPIC_OR_PARTITION
    expect(sent[0]).toMatchObject({
      topics: [
        { name: 'none', partitions: [{ partition: 0, errorCode: code }] },
        { name: 't', partitions: [{ partition: 0, errorCode: 0 }] },
      ],
    })

    // What is stored there is read there; what is not stored is unknown, too.
    const asked = [{ name: 't', partitionIndexes: [0, 1] }]
    const fetch = { groupId: 'g', topics: asked }
    await group.handleOffsetFetchRequest(context, request(0, fetch))
    expect(sent[1]).toMatchObject({
      topics: [
        {
          name: 't',
          partitions: [
            { partition: 0, committedOffset: 5, errorCode: 0 },
            { partition: 1, committedOffset: -1, errorCode: code },
          ],
        },
      ],
    })
  })

  it('handleOffsetCommitRequest() of version 0 refuses long metadata', async () => {
    const { context, request, sent, server } = await setUp()
    const partitions = [commitOf(0, { committedMetadata: 'long!' })]
    const body = { groupId: 'g', topics: [{ name: 't', partitions }] }
    await group.handleOffsetCommitRequest(context, request(0, body))
    expect(server.text('/consumers/g/offsets/t/0')).toBeUndefined()
    const errorCode = Errors.OFFSET_METADATA_TOO_LARGE.code
    expect(sent[0]).toMatchObject({ topics: [{ partitions: [{ errorCode }] }] })
  })

  it('handleOffsetCommitRequest() stamps when offsets may be forgotten', async () => {
    const { context, request, committed, platform } = await setUp()
    const now = platform.clock.now()
    const commit = (version: number, retentionTimeMs: number, commitTimestamp = -1) =>
      group.handleOffsetCommitRequest(
        context,
        request(version, {
          ...{ groupId: 'g', memberId: '', generationId: -1, retentionTimeMs },
          topics: [{ name: 't', partitions: [commitOf(0, { commitTimestamp })] }],
        }),
      )
    await commit(1, -1, 1000)
    await commit(2, -1)
    await commit(2, 10)
    const stamped = committed.map((offsets) => offsets.get(tp)?.expireTimestamp)
    expect(stamped).toEqual([61_000, now + 60_000, now + 10])
    expect(committed[0]?.get(tp)).toMatchObject({ metadata: '', commitTimestamp: now })
  })

  it('handleOffsetFetchRequest() puts an error where its version has room', async () => {
    const { context, request, sent } = await setUp()
    const asked = [{ name: 't', partitionIndexes: [0] }]
    const errorCode = Errors.NOT_COORDINATOR.code
    for (const version of [1, 2]) {
      const body = { groupId: 'g', topics: asked }
      await group.handleOffsetFetchRequest(context, request(version, body))
    }
    expect(sent[0]).toMatchObject({ topics: [{ partitions: [{ errorCode }] }] })
    expect(sent[1]).toMatchObject({ topics: [], errorCode })
  })

  it('handleFindCoordinatorRequest() makes the topic, then names its leader', async () => {
    const { context, request, sent, created, topics } = await setUp()
    const find = (key: string, keyType = 0) =>
      group.handleFindCoordinatorRequest(context, request(1, { key, keyType }))
    await find('3')
    expect(created).toEqual(['__consumer_offsets'])
    topics.add('__consumer_offsets')
    await find('3')
    await find('4')
    await find('3', 1)
    await find('3', 2)
    const unavailable = { errorCode: 15, nodeId: -1 }
    expect(sent).toMatchObject([
      unavailable,
      { errorCode: 0, errorMessage: null, nodeId: 3, host: 'h', port: 9095 },
      unavailable,
      unavailable,
      'closed',
    ])
    expect(created).toEqual(['__consumer_offsets', '__transaction_state'])
  })

  it('handleFindCoordinatorRequest() waits for enough brokers', async () => {
    const { context, request, sent, created } = await setUp(0)
    const body = { key: '3', keyType: 0 }
    await group.handleFindCoordinatorRequest(context, request(0, body))
    expect(sent).toMatchObject([{ errorCode: 15 }])
    expect(created).toEqual([])
  })
})
