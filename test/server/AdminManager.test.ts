/** AdminManager on a fake ZooKeeper: what is written, and who waits for what. */
import { afterEach, describe, expect, it } from 'vitest'
import { Errors, type WireError } from '../../src/base/errors.ts'
import type { UpdateMetadataRequest } from '../../src/protocol/messages/UpdateMetadata.ts'
import { AdminManager, type TopicDetails } from '../../src/server/AdminManager.ts'
import type { ApiError } from '../../src/server/ApiError.ts'
import { KafkaConfig } from '../../src/server/KafkaConfig.ts'
import { MetadataCache } from '../../src/server/MetadataCache.ts'
import { Broker, BrokerInfo } from '../../src/zk/Broker.ts'
import { EndPoint } from '../../src/zk/EndPoint.ts'
import { startZk } from '../zk/zk-fixture.ts'

const open: AdminManager[] = []

afterEach(async () => {
  for (const manager of open.splice(0)) await manager.shutdown()
})

async function setUp(brokerIds: readonly number[] = [0, 1, 2]) {
  const { server, zkClient, platform } = await startZk()
  const metadataCache = new MetadataCache(0)
  const props = { 'zookeeper.connect': 'fake:2181', 'log.retention.hours': '24' }
  const config = new KafkaConfig({ 'broker.id': '0', ...props })
  const manager = new AdminManager({ config, metadataCache, zkClient, platform })
  open.push(manager)

  // Let the brokers live, in ZooKeeper and in the cache.
  for (const id of brokerIds) {
    const endPoint = new EndPoint('localhost', 9092 + id, 'PLAINTEXT', 'PLAINTEXT')
    const info = new BrokerInfo(new Broker(id, [endPoint], undefined))
    await zkClient.registerBrokerInZk(info)
  }
  const hear = (
    ...states: { topicName: string; partition: number; leader: number }[]
  ) =>
    metadataCache.updateCache(0, {
      controllerId: 0,
      liveBrokers: brokerIds.map((id) => ({ id, rack: null, endpoints: [] })),
      ungroupedPartitionStates: states,
    } as unknown as UpdateMetadataRequest)
  hear()
  return { server, platform, manager, hear }
}

function topic(details: Partial<TopicDetails> = {}): TopicDetails {
  const counts = { numPartitions: 2, replicationFactor: 1 }
  return { ...counts, replicasAssignments: new Map(), configs: new Map(), ...details }
}

/** Collects the answer of a call: error names by topic. */
function answer() {
  const answers: Record<string, string>[] = []
  const callback = (results: ReadonlyMap<string, ApiError | WireError>) => {
    const name = (result: ApiError | WireError) =>
      'error' in result ? result.error.name : result.name
    answers.push(Object.fromEntries([...results].map(([t, e]) => [t, name(e)])))
  }
  return { answers, callback }
}

describe('AdminManager', () => {
  it('createTopics() answers when every partition has a leader', async () => {
    const { server, manager, hear } = await setUp()
    const { answers, callback } = answer()
    const configs = new Map([['retention.ms', '60000']])
    const createInfo = new Map([['t', topic({ configs })]])
    await manager.createTopics(1000, false, createInfo, callback)
    expect(server.json('/config/topics/t')).toEqual({
      version: 1,
      config: { 'retention.ms': '60000' },
    })
    expect(manager.hasDelayedTopicOperations).toBe(true)

    // One leader is not enough, a partition without leader neither.
    hear(
      { topicName: 't', partition: 0, leader: 1 },
      { topicName: 't', partition: 1, leader: -1 },
    )
    manager.tryCompleteDelayedTopicOperations('t')
    expect(answers).toEqual([])
    hear({ topicName: 't', partition: 1, leader: 2 })
    manager.tryCompleteDelayedTopicOperations('t')
    expect(answers).toEqual([{ t: 'NONE' }])
    expect(manager.hasDelayedTopicOperations).toBe(false)
  })

  it('createTopics() times out, and the topic is made all the same', async () => {
    const { server, manager, platform } = await setUp()
    const { answers, callback } = answer()
    await manager.createTopics(100, false, new Map([['t', topic()]]), callback)
    await manager.createTopics(0, false, new Map([['u', topic()]]), callback)
    expect(answers).toEqual([{ u: 'REQUEST_TIMED_OUT' }])
    await platform.virtualClock.advance(200)
    expect(answers).toEqual([{ u: 'REQUEST_TIMED_OUT' }, { t: 'REQUEST_TIMED_OUT' }])
    expect(server.json('/brokers/topics/t')).toBeDefined()
  })

  it('createTopics() fails topic by topic, and writes only the good ones', async () => {
    const { server, manager } = await setUp()
    const { answers, callback } = answer()
    const both = new Map([[0, [1]]])
    const createInfo = new Map([
      ['good', topic()],
      ['bad name', topic()],
      ['too-many', topic({ replicationFactor: 4 })],
      ['none', topic({ numPartitions: 0 })],
      ['unknown-key', topic({ configs: new Map([['no.such', '1']]) })],
      ['bad-value', topic({ configs: new Map([['retention.ms', 'x']]) })],
      ['null-value', topic({ configs: new Map([['retention.ms', null]]) })],
      ['both', topic({ replicasAssignments: both })],
    ])
    await manager.createTopics(0, false, createInfo, callback)
    expect(answers).toEqual([
      {
        good: 'REQUEST_TIMED_OUT',
        'bad name': 'INVALID_TOPIC_EXCEPTION',
        'too-many': 'INVALID_REPLICATION_FACTOR',
        none: 'INVALID_PARTITIONS',
        'unknown-key': 'INVALID_CONFIG',
        'bad-value': 'INVALID_CONFIG',
        'null-value': 'UNKNOWN_SERVER_ERROR',
        both: 'INVALID_REQUEST',
      },
    ])
    expect(server.children('/brokers/topics')).toEqual(['good'])
  })

  it('createTopics() writes nothing when it only validates', async () => {
    const { server, manager } = await setUp()
    const { answers, callback } = answer()
    await manager.createTopics(1000, true, new Map([['t', topic()]]), callback)
    expect(answers).toEqual([{ t: 'NONE' }])
    expect(server.children('/brokers/topics')).toEqual([])
  })

  it('deleteTopics() answers when the topic is forgotten, to all who ask', async () => {
    const { server, manager, hear } = await setUp()
    const { answers, callback } = answer()
    await manager.createTopics(0, false, new Map([['t', topic()]]), () => {})
    hear({ topicName: 't', partition: 0, leader: 0 })
    await manager.deleteTopics(1000, new Set(['t', 'nope']), callback)
    await manager.deleteTopics(1000, new Set(['t']), callback)
    expect(server.children('/admin/delete_topics')).toEqual(['t'])
    expect(answers).toEqual([])
    hear({ topicName: 't', partition: 0, leader: -2 })
    manager.tryCompleteDelayedTopicOperations('t')
    expect(answers).toEqual([
      { t: 'NONE', nope: 'UNKNOWN_TOPIC_OR_PARTITION' },
      { t: 'NONE' },
    ])
  })

  it('createPartitions() grows a topic, and only grows it', async () => {
    const { server, manager } = await setUp()
    const { answers, callback } = answer()
    const given = topic({
      ...{ numPartitions: -1, replicationFactor: -1 },
      replicasAssignments: new Map([[0, [1, 2]]]),
    })
    await manager.createTopics(0, false, new Map([['t', given]]), () => {})
    const grow = (
      totalCount: number,
      assignments: number[][] | null = null,
      name = 't',
    ) =>
      manager.createPartitions(
        ...([
          0,
          new Map([[name, { totalCount, assignments }]]),
          false,
          callback,
        ] as const),
      )
    await grow(1)
    await grow(2, [[7, 1]])
    await grow(2, [
      [0, 1],
      [1, 2],
    ])
    await grow(2, [[0, 1]])

    // Names that are no path: no topic has them.
    for (const name of ['', '.', 'a/b', '/']) await grow(2, null, name)
    const unknown = answers.splice(4).flatMap((each) => Object.values(each))
    expect(unknown).toEqual(new Array(4).fill('UNKNOWN_TOPIC_OR_PARTITION'))
    expect(answers.map(({ t }) => t)).toEqual([
      'INVALID_PARTITIONS',
      'INVALID_REPLICA_ASSIGNMENT',
      'INVALID_REPLICA_ASSIGNMENT',
      'REQUEST_TIMED_OUT',
    ])
    expect(server.json('/brokers/topics/t')).toEqual({
      version: 1,
      partitions: { 0: [1, 2], 1: [0, 1] },
    })
  })

  it('describeConfigs() says where each value comes from', async () => {
    const { manager } = await setUp()
    const configs = new Map([['segment.bytes', '1000']])
    await manager.createTopics(0, false, new Map([['t', topic({ configs })]]), () => {})
    const names = new Set(['segment.bytes', 'retention.ms', 'preallocate'])
    const described = await manager.describeConfigs(
      [
        [{ type: 2, name: 't' }, names],
        [{ type: 4, name: '0' }, new Set(['broker.id'])],
        [{ type: 4, name: '1' }, null],
        [{ type: 3, name: 'x' }, null],
      ],
      true,
    )
    const [onTopic, onBroker, elsewhere, group] = described.map(([, result]) => result)
    const briefly = onTopic?.entries.map((e) => [e.name, e.value, e.configSource])
    expect(briefly).toEqual([
      ['preallocate', 'false', 5],
      ['retention.ms', '86400000', 5],
      ['segment.bytes', '1000', 1],
    ])

    // Hours decide here, but what is asked for is milliseconds: nobody set these.
    expect(onTopic?.entries[1]?.synonyms).toEqual([])
    expect(onTopic?.entries[2]?.synonyms).toEqual([
      { name: 'segment.bytes', value: '1000', source: 1 },
      { name: 'log.segment.bytes', value: '1073741824', source: 5 },
    ])
    expect(onBroker?.entries[0]).toMatchObject({ value: '0', readOnly: true })
    expect(elsewhere?.error.error).toBe(Errors.INVALID_REQUEST)
    expect(group?.error.error).toBe(Errors.INVALID_REQUEST)
  })

  it('alterConfigs() replaces all settings of a topic, and tells the brokers', async () => {
    const { server, manager } = await setUp()
    const configs = new Map([['segment.bytes', '1000']])
    await manager.createTopics(0, false, new Map([['t', topic({ configs })]]), () => {})
    const alter = async (key: string, value: string, name = 't', type = 2) => {
      const resource = { type, name }
      const values = new Map([[key, value]])
      const [result] = await manager.alterConfigs([[resource, values]], false)
      return result?.[1].error.name
    }
    expect(await alter('retention.ms', 'x')).toBe('INVALID_REQUEST')
    expect(await alter('no.such', 'x')).toBe('INVALID_CONFIG')
    expect(await alter('retention.ms', '5', 'nope')).toBe('UNKNOWN_SERVER_ERROR')
    expect(await alter('broker.id', '5', '0', 4)).toBe('INVALID_REQUEST')
    expect(server.children('/config/changes')).toEqual([])
    expect(await alter('retention.ms', '5')).toBe('NONE')
    expect(server.json('/config/topics/t')).toMatchObject({
      config: { 'retention.ms': '5' },
    })
    expect(server.children('/config/changes')).toHaveLength(1)
  })
})
