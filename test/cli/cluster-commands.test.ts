import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Deferred } from '../../src/base/async/Deferred.ts'
import { Errors, IOException } from '../../src/base/errors.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { TopicPartitionMap } from '../../src/base/TopicPartitionMap.ts'
import { BrokerTopicService } from '../../src/cli/admin/BrokerTopicService.ts'
import {
  ConfigCommand,
  type ConfigCommandOptions,
} from '../../src/cli/admin/ConfigCommand.ts'
import {
  ConsumerGroupCommand,
  type ConsumerGroupCommandOptions,
} from '../../src/cli/admin/ConsumerGroupCommand.ts'
import { KafkaConsumerGroupService } from '../../src/cli/admin/KafkaConsumerGroupService.ts'
import {
  TopicCommand,
  type TopicCommandOptions,
} from '../../src/cli/admin/TopicCommand.ts'
import { ZookeeperTopicService } from '../../src/cli/admin/ZookeeperTopicService.ts'
import { ConsoleConsumer } from '../../src/cli/tools/ConsoleConsumer.ts'
import { DefaultMessageFormatter } from '../../src/cli/tools/DefaultMessageFormatter.ts'
import { ClusterClient } from '../../src/clients/ClusterClient.ts'
import type { FetchedRecord } from '../../src/clients/fetched-record.ts'
import { GroupConsumer } from '../../src/clients/GroupConsumer.ts'
import { EARLIEST_TIMESTAMP, listOffsets } from '../../src/clients/list-offsets.ts'
import { PartitionReader } from '../../src/clients/PartitionReader.ts'
import { RecordSender } from '../../src/clients/RecordSender.ts'
import { CompressionType } from '../../src/record/CompressionType.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { KafkaZkClient } from '../../src/zk/KafkaZkClient.ts'
import { ZooKeeperClient } from '../../src/zookeeper/ZooKeeperClient.ts'

let cluster: KafkaCluster
let client: ClusterClient
let zkClient: KafkaZkClient

beforeAll(async () => {
  cluster = await startCluster({ brokers: 2, platform: 'memory' })
  const { clock } = cluster.platform
  client = newClient()
  const session = new ZooKeeperClient({
    ...{ connect: cluster.zooKeeperConnect, clock },
    connectString: cluster.zookeeperConnect,
    ...{ sessionTimeoutMs: 10_000, connectionTimeoutMs: 10_000 },
    maxInFlightRequests: 10,
  })
  await session.start()
  zkClient = new KafkaZkClient(session, false, cluster.platform)
})

afterAll(async () => {
  client.close()
  await zkClient.close()
  await cluster.close()
})

function clientOptions() {
  const { network, clock } = cluster.platform
  return {
    ...{ bootstrapServers: cluster.bootstrapServers, clientId: 'test' },
    ...{ requestTimeoutMs: 10_000, network, clock },
  }
}

function newClient(): ClusterClient {
  return new ClusterClient(clientOptions())
}

/** Loses the connection under its first heartbeat. */
class UnluckyClient extends ClusterClient {
  readonly lost = new Deferred<void>()
  #hasLost = false

  override send: ClusterClient['send'] = (node, api, version, body, signal) => {
    const isFirst = String(api.name) === 'Heartbeat' && !this.#hasLost
    if (!isFirst) return super.send(node, api, version, body, signal)
    this.#hasLost = true
    this.lost.resolve()
    return Promise.reject(new IOException('the connection was closed'))
  }
}

/** Cannot say who leads when asked for the first time. */
class ForgetfulClient extends ClusterClient {
  failures = 0

  override leadersOf: ClusterClient['leadersOf'] = (topics) => {
    if (this.failures > 0) return super.leadersOf(topics)
    this.failures++
    return Promise.reject(new IOException('no broker answers'))
  }
}

/** Waits until a topic is there and led. */
async function led(topic: string): Promise<void> {
  await client.retry(() => client.leadersOf([topic]))
}

/** Runs `topics`. @returns what it printed */
async function topics(
  way: 'brokers' | 'zookeeper',
  options: TopicCommandOptions,
): Promise<string[]> {
  const lines: string[] = []
  const service =
    way === 'brokers'
      ? new BrokerTopicService(client)
      : new ZookeeperTopicService(zkClient, cluster.platform.random)
  await new TopicCommand(service, (line) => lines.push(line)).run(options)
  return lines
}

/** Runs `groups`. @returns what it printed, notes marked with `!` */
async function groups(options: ConsumerGroupCommandOptions): Promise<string[]> {
  const lines: string[] = []
  const command = new ConsumerGroupCommand(
    new KafkaConsumerGroupService(client),
    { print: (line) => lines.push(line), note: (line) => lines.push(`!${line}`) },
    { now: cluster.platform.clock.now(), readFile: (path) => path },
  )
  await command.run(options)
  return lines.filter((line) => line !== '')
}

/** Runs `configs`. @returns what it printed */
async function configs(
  way: 'brokers' | 'zookeeper',
  options: ConfigCommandOptions,
): Promise<string[]> {
  const lines: string[] = []
  const command = new ConfigCommand(options, (line) => lines.push(line))
  if (way === 'brokers') await command.processBrokerConfig(client)
  else await command.processCommandWithZk(zkClient)
  return lines
}

async function send(topic: string, texts: readonly string[], keyed = false) {
  const sender = new RecordSender({
    ...{ client, clock: cluster.platform.clock, topic },
    ...{ compressionType: CompressionType.GZIP, acks: -1, batchBytes: 100 },
    ...{ lingerMs: 1, requestTimeoutMs: 1000, retries: 3, retryBackoffMs: 10 },
    bufferMemoryBytes: 1000,
  })
  for (const text of texts) {
    await sender.send(keyed ? Buffer.from(text) : null, Buffer.from(text))
  }
  await sender.flush()
}

const reading = () => ({
  ...{ client, clock: cluster.platform.clock },
  ...({ autoOffsetReset: 'earliest', isolationLevel: 'read_uncommitted' } as const),
})

/** A member of a group that collects; `until` waits for so many records. */
function member(group: string, topic: string) {
  const values: string[] = []
  const partitions = new Set<number>()
  const stop = new AbortController()
  let check = () => {}
  const own = newClient()
  const options = { ...reading(), client: own, group, wanted: () => [topic] }
  const consumer = new GroupConsumer(options)
  const done = consumer.run(async (records: readonly FetchedRecord[]) => {
    for (const { value, partition } of records) {
      values.push(String(value))
      partitions.add(partition)
    }
    check()
    return records.length
  }, stop.signal)
  return {
    values,
    partitions,
    until: (enough: () => boolean) =>
      new Promise<void>((resolve, reject) => {
        check = () => enough() && resolve()
        check()
        done.catch(reject)
      }),
    stop: async () => {
      stop.abort()
      await done
      own.close()
    },
  }
}

describe.each(['brokers', 'zookeeper'] as const)('topics through %s', (way) => {
  const topic = `made-${way}`

  it('creates, lists, describes, changes and deletes', async () => {
    // Create.
    const shape = { partitions: 2, replicationFactor: 2 }
    expect(
      await topics(way, { create: true, topic, ...shape, config: ['retention.ms=5'] }),
    ).toEqual([`Created topic "${topic}".`])
    await expect(topics(way, { create: true, topic, ...shape })).rejects.toThrow(topic)
    expect(
      await topics(way, { create: true, topic, ...shape, ifNotExists: true }),
    ).toEqual([])
    await led(topic)

    // List and describe.
    expect(await topics(way, { list: true, topic: 'made.*' })).toContain(topic)
    const [head, first, second, ...rest] = await topics(way, { describe: true, topic })
    expect(head).toBe(
      `Topic:${topic}\tPartitionCount:2\tReplicationFactor:2\tConfigs:retention.ms=5`,
    )
    expect(first).toMatch(
      /^\tTopic: made-\w+\tPartition: 0\tLeader: [01]\tReplicas: [01],[01]\tIsr: [01],[01]$/,
    )
    expect(second).toContain('\tPartition: 1\t')
    expect(rest).toEqual([])
    const partial = { underReplicatedPartitions: true }
    expect(await topics(way, { describe: true, topic, ...partial })).toEqual([])
    const overrides = { topicsWithOverrides: true }
    expect(await topics(way, { describe: true, topic, ...overrides })).toEqual([head])

    // Change.
    await topics(way, { alter: true, topic, partitions: 3 })
    const changed = { config: ['retention.bytes=7'], deleteConfig: ['retention.ms'] }
    await topics(way, { alter: true, topic, ...changed })
    await client.retry(async () => {
      const leaders = (await client.leadersOf([topic])).get(topic)
      if (leaders?.length !== 3) throw Errors.LEADER_NOT_AVAILABLE.exception()
    })
    const [after] = await topics(way, { describe: true, topic })
    expect(after).toBe(
      `Topic:${topic}\tPartitionCount:3\tReplicationFactor:2\tConfigs:retention.bytes=7`,
    )

    // Delete.
    expect(await topics(way, { delete: true, topic })).toEqual([
      `Topic ${topic} is marked for deletion.`,
      ...(way === 'zookeeper' ? [expect.stringContaining('delete.topic.enable')] : []),
    ])
  })

  it('takes an assignment', async () => {
    const name = `assigned-${way}`
    await topics(way, { create: true, topic: name, replicaAssignment: '1:0,0:1' })
    await led(name)
    const lines = await topics(way, { describe: true, topic: name })
    expect(lines[1]).toContain('\tReplicas: 1,0\t')
    expect(lines[2]).toContain('\tReplicas: 0,1\t')
  })

  it('refuses what cannot be', async () => {
    const create = { create: true, partitions: 1, replicationFactor: 1 }
    await expect(topics(way, {})).rejects.toThrow('exactly one')
    for (const [flag, wrong] of Object.entries({
      '--topic': create,
      '--config': { list: true, config: ['a=b'] },
      '--delete-config': { ...create, topic: 'x', deleteConfig: ['a'] },
      '--partitions': { describe: true, partitions: 2 },
      '--replication-factor': { alter: true, topic: 'x', replicationFactor: 2 },
      '--replica-assignment': { ...create, topic: 'x', replicaAssignment: '0' },
      '--if-exists': { ...create, topic: 'x', ifExists: true },
      '--if-not-exists': { delete: true, topic: 'x', ifNotExists: true },
      '--unavailable-partitions': { list: true, unavailablePartitions: true },
      'only one of': {
        ...{ describe: true, unavailablePartitions: true, topicsWithOverrides: true },
      },
    })) {
      await expect(topics(way, wrong)).rejects.toThrow(flag)
    }
    await expect(topics(way, { ...create, topic: 'a b' })).rejects.toThrow('a b')
    await expect(topics(way, { create: true, topic: 'x' })).rejects.toThrow(
      '--partitions',
    )
    await expect(
      topics(way, { ...create, topic: 'x', config: ['retention.ms=soon'] }),
    ).rejects.toThrow('retention.ms')
    await expect(
      topics(way, { create: true, topic: 'x', replicaAssignment: '0:0' }),
    ).rejects.toThrow('twice')
    await expect(topics(way, { delete: true, topic: 'nobody' })).rejects.toThrow(
      'does not exist',
    )
    expect(
      await topics(way, { delete: true, topic: 'nobody', ifExists: true }),
    ).toEqual([])
    await expect(
      topics(way, { ...create, topic: 'x', replicationFactor: 9 }),
    ).rejects.toThrow()
  })
})

describe('configs', () => {
  it('sets and removes what concerns a topic, both ways', async () => {
    const topic = 'configured'
    await topics('brokers', {
      ...{ create: true, topic, partitions: 1, replicationFactor: 1 },
    })
    const entity = { entityType: ['topics'], entityNames: [topic] }
    await configs('zookeeper', {
      ...{ ...entity, alter: true },
      addConfig: 'cleanup.policy=[compact,delete],retention.ms=9',
    })
    expect(await configs('zookeeper', { ...entity, describe: true })).toEqual([
      "Configs for topic 'configured' are cleanup.policy=compact,delete,retention.ms=9",
    ])
    await configs('brokers', { ...entity, alter: true, deleteConfig: ['retention.ms'] })
    expect(await configs('zookeeper', { ...entity, describe: true })).toEqual([
      "Configs for topic 'configured' are cleanup.policy=compact,delete",
    ])
    await expect(
      configs('zookeeper', { ...entity, alter: true, deleteConfig: ['retention.ms'] }),
    ).rejects.toThrow('not set here')
    await expect(
      configs('brokers', { ...entity, alter: true, addConfig: 'retention.ms=soon' }),
    ).rejects.toThrow('retention.ms')
  })

  it('writes names of users and clients so that any fit, and finds them again', async () => {
    const pair = { entityType: ['clients', 'users'], entityNames: ['c/1', 'a b'] }
    await configs('zookeeper', { ...pair, alter: true, addConfig: 'x=1' }).catch(
      (error: Error) => expect(error.message).toContain('x'),
    )
    const rate = { addConfig: 'producer_byte_rate=1024' }
    await configs('zookeeper', { ...pair, alter: true, ...rate })
    const all = { entityType: ['users', 'clients'], entityNames: [], describe: true }
    const lines = await configs('zookeeper', all)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(
      /^Configs for user-principal 'a b', client-id 'c\/1' are .*producer_byte_rate=1024/,
    )
  })

  it('refuses flags that contradict', async () => {
    const entity = { entityType: ['topics'], entityNames: ['t'] }
    for (const wrong of [
      { ...entity },
      { ...entity, alter: true },
      { ...entity, alter: true, describe: true, addConfig: 'a=b' },
      { ...entity, describe: true, addConfig: 'a=b' },
      { ...entity, alter: true, addConfig: 'a' },
      { entityType: ['tables'], entityNames: ['t'], describe: true },
      { entityType: [], entityNames: [], describe: true },
      { entityType: ['topics', 'users'], entityNames: [], describe: true },
      { entityType: ['users'], entityNames: [], alter: true, addConfig: 'a=b' },
    ]) {
      await expect(configs('zookeeper', wrong).then(String)).rejects.toThrow()
    }
  })
})

describe('groups', () => {
  it('two members share the partitions; one leaves, the other reads on', async () => {
    // Read with two.
    const topic = 'shared'
    await topics('brokers', {
      ...{ create: true, topic, partitions: 4, replicationFactor: 2 },
    })
    await led(topic)
    const texts = Array.from({ length: 40 }, (_, i) => `before-${i}`)
    const a = member('team', topic)
    const b = member('team', topic)
    await send(topic, texts)
    const seen = () => new Set([...a.values, ...b.values])
    await Promise.race([
      a.until(() => seen().size === 40),
      b.until(() => seen().size === 40),
    ])

    // Describe it while they are there.
    expect(await groups({ list: true })).toContain('team')
    const rows = await groups({ describe: true, group: ['team'] })
    expect(rows[0]).toMatch(/^TOPIC +PARTITION +CURRENT-OFFSET +LOG-END-OFFSET +LAG/)
    const state = await groups({ describe: true, group: ['team'], state: true })
    expect(state[1]).toMatch(/ range +\w+ +2$/)
    await expect(
      groups({
        resetOffsets: true,
        group: ['team'],
        allTopics: true,
        toEarliest: true,
      }),
    ).rejects.toThrow('nobody is in the group')

    // One leaves.
    await a.stop()
    b.partitions.clear()
    await send(
      topic,
      Array.from({ length: 40 }, (_, i) => `after-${i}`),
    )
    await b.until(() => b.partitions.size === 4 && seen().size === 80)
    await b.stop()

    // What they read is stored.
    const after = await groups({ describe: true, group: ['team'] })
    expect(after[0]).toBe("!Consumer group 'team' has no active members.")
    const lags = after.slice(2).map((row) => row.split(/ +/).slice(0, 5).join(' '))
    expect(lags).toEqual([0, 1, 2, 3].map((p) => `shared ${p} 20 20 0`))
  })

  it('resets offsets as planned', async () => {
    const reset = (options: ConsumerGroupCommandOptions) =>
      groups({ resetOffsets: true, group: ['team'], export: true, ...options })
    const all = { allTopics: true }
    expect(await reset({ ...all, toEarliest: true })).toEqual(
      [0, 1, 2, 3].map((p) => `shared,${p},0`),
    )
    expect(await reset({ topic: ['shared:1'], toOffset: 99 })).toEqual([
      '!Offset 99 lies outside shared-1; it becomes 20.',
      'shared,1,20',
    ])
    expect(await reset({ topic: ['shared:0,2'], shiftBy: -5, execute: true })).toEqual([
      'shared,0,15',
      'shared,2,15',
    ])
    expect(await reset({ ...all, toCurrent: true })).toEqual(
      [15, 20, 15, 20].map((offset, p) => `shared,${p},${offset}`),
    )
    expect(await reset({ ...all, toDatetime: '2001-01-01T00:00:00.000' })).toEqual(
      [0, 1, 2, 3].map((p) => `shared,${p},0`),
    )
    expect(await reset({ ...all, byDuration: 'PT0S' })).toEqual(
      [0, 1, 2, 3].map((p) => `shared,${p},20`),
    )
    expect(await reset({ fromFile: 'shared,3,7\n' })).toEqual(['shared,3,7'])
    for (const wrong of [
      {},
      all,
      { toLatest: true },
      { ...all, toDatetime: 'soon' },
      { ...all, byDuration: '3h' },
      { fromFile: 'shared,x,7' },
      { topic: ['shared:9'], toLatest: true },
    ]) {
      await expect(reset(wrong)).rejects.toThrow()
    }
  })

  it('refuses flags that do not go together', async () => {
    const group = ['team']
    const reset = { resetOffsets: true, group, topic: ['shared'] }
    for (const [flag, wrong] of Object.entries({
      '--group': { list: true, group },
      '--topic is': { describe: true, group, topic: ['shared'] },
      '--zookeeper': { delete: true, group, topic: ['shared'] },
      'give a --group': { describe: true },
      '--members, --state': { describe: true, group, members: true, state: true },
      '--describe': { delete: true, group, verbose: true },
      '--dry-run': { ...reset, toEarliest: true, execute: true, dryRun: true },
      '--to-earliest, --to-latest': { ...reset, toEarliest: true, toLatest: true },
    })) {
      await expect(groups(wrong)).rejects.toThrow(flag)
    }
  })

  it('deletes a group that nobody is in, and says what there is not', async () => {
    await expect(groups({ describe: true, group: ['nobody'] })).rejects.toThrow(
      'nobody',
    )
    await expect(groups({ delete: true, group: ['nobody'] })).rejects.toThrow()
    expect(await groups({ delete: true, group: ['team'] })).toEqual([
      "Deletion of requested consumer groups ('team') was successful.",
    ])
    expect(await groups({ list: true })).not.toContain('team')
  })
})

describe('a member of a group', () => {
  it('joins again when its heartbeat found no connection', async () => {
    const topic = 'unlucky'
    await topics('brokers', {
      create: true,
      topic,
      partitions: 1,
      replicationFactor: 1,
    })
    await led(topic)
    await send(topic, ['before'])
    const own = new UnluckyClient(clientOptions())
    const { clock } = cluster.platform
    const values: string[] = []
    const enough = new AbortController()
    const consumer = new GroupConsumer({
      ...{ ...reading(), client: own, group: 'unlucky', wanted: () => [topic] },
      heartbeatIntervalMs: 20,
    })

    // Whoever takes the records takes longer than the connection lasts.
    await consumer.run(async (records) => {
      await own.lost.promise
      await clock.sleep(5)
      values.push(...records.map(({ value }) => String(value)))
      if (values.includes('after')) enough.abort()
      else await send(topic, ['after'])
      return records.length
    }, enough.signal)
    expect(values.at(-1)).toBe('after')
    own.close()
  })
})

describe('a member of a group that does not commit', () => {
  it('leaves the offsets of the group alone', async () => {
    const topic = 'uncommitted'
    await topics('brokers', {
      ...{ create: true, topic, partitions: 1, replicationFactor: 1 },
    })
    await led(topic)
    await send(topic, ['one'])
    const offsetsOf = async (enableAutoCommit: boolean) => {
      const group = `commits ${enableAutoCommit}`
      const stop = new AbortController()
      const options = { ...reading(), group, wanted: () => [topic], enableAutoCommit }
      await new GroupConsumer(options).run(async (records) => {
        stop.abort()
        return records.length
      }, stop.signal)
      return (await new KafkaConsumerGroupService(client).listGroupOffsets(group)).size
    }
    expect([await offsetsOf(true), await offsetsOf(false)]).toEqual([1, 0])
  })
})

describe('produce and consume', () => {
  it('sends each key to one partition and reads one partition from an offset', async () => {
    const topic = 'keyed'
    await topics('brokers', {
      ...{ create: true, topic, partitions: 3, replicationFactor: 1 },
    })
    const keys = Array.from({ length: 30 }, (_, i) => `key-${i % 6}`)
    await send(topic, keys, true)
    const places = new Map<string, Set<number>>()
    let count = 0
    for (const partition of [0, 1, 2]) {
      const tp = new TopicPartition(topic, partition)
      const positions = await listOffsets(client, [tp], EARLIEST_TIMESTAMP)
      const reader = new PartitionReader(reading(), positions)
      const stop = new AbortController()
      const end = (await listOffsets(client, [tp], -1)).get(tp) ?? 0
      if (end === 0) continue
      await reader.run(async (records) => {
        for (const { key } of records) {
          const at = places.get(String(key)) ?? new Set()
          places.set(String(key), at.add(partition))
          count++
        }
        if (records.at(-1)?.offset === end - 1) stop.abort()
        return records.length
      }, stop.signal)
    }
    expect(count).toBe(30)
    expect([...places.values()].map(({ size }) => size)).toEqual([1, 1, 1, 1, 1, 1])
  })

  it('stops at the number of messages and reads on behind them', async () => {
    const tp = new TopicPartition('counted', 0)
    await topics('brokers', {
      ...{ create: true, topic: tp.topic, partitions: 1, replicationFactor: 1 },
    })
    await send(tp.topic, ['one', 'two', 'three', 'four'])
    const positions = new TopicPartitionMap<number>()
    positions.set(tp, 0)
    const reader = new PartitionReader(reading(), positions)
    const printed: string[] = []
    const formatter = new DefaultMessageFormatter({ 'line.separator': '' })
    const output = { write: async (bytes: Buffer) => void printed.push(String(bytes)) }
    const never = new AbortController().signal
    const clock = cluster.platform.clock
    for (const maxMessages of [2, 1]) {
      const consumer = new ConsoleConsumer(formatter, output, clock)
      await consumer.process(reader, { maxMessages }, never)
      expect(consumer.messageCount).toBe(maxMessages)
    }
    expect(printed).toEqual(['one', 'two', 'three'])
    expect(positions.get(tp)).toBe(3)

    // None is enough at once, and -1 is never enough.
    const none = new ConsoleConsumer(formatter, output, clock)
    await none.process(reader, { maxMessages: 0 }, never)
    await none.process(reader, { maxMessages: -1, timeoutMs: 20 }, never)
    expect(printed).toEqual(['one', 'two', 'three', 'four'])
  })

  it('reads on when nobody could be asked for the leaders', async () => {
    const tp = new TopicPartition('counted', 0)
    const own = new ForgetfulClient(clientOptions())
    const positions = new TopicPartitionMap<number>()
    positions.set(tp, 3)
    const reader = new PartitionReader({ ...reading(), client: own }, positions)
    const stop = new AbortController()
    await reader.run(async (records) => {
      stop.abort()
      return records.length
    }, stop.signal)
    expect([own.failures, positions.get(tp)]).toEqual([1, 4])
    own.close()
  })

  it('tells of the batch that is lost, and delivers the others', async () => {
    const topic = 'narrow'
    await topics('brokers', {
      ...{ create: true, topic, partitions: 1, replicationFactor: 1 },
      config: ['max.message.bytes=200'],
    })
    await led(topic)
    const lost: string[] = []
    const sender = new RecordSender({
      ...{ client, clock: cluster.platform.clock, topic },
      ...{ compressionType: CompressionType.NONE, acks: -1, batchBytes: 1 },
      ...{ lingerMs: 1, requestTimeoutMs: 1000, retries: 3, retryBackoffMs: 10 },
      bufferMemoryBytes: 1000,
      onFailure: (records, error) =>
        lost.push(...records.map(({ value }) => `${String(value)[0]} ${error}`)),
    })
    for (const text of ['a', 'b'.repeat(500), 'c']) {
      await sender.send(null, Buffer.from(text))
    }
    await sender.flush()
    expect(lost).toEqual([expect.stringMatching(/^b RecordTooLarge/)])
    const tp = new TopicPartition(topic, 0)
    expect((await listOffsets(client, [tp], -1)).get(tp)).toBe(2)
  })

  it('waits for a leader no longer than it may', async () => {
    const { network, clock } = cluster.platform
    const nowhere = new ClusterClient({
      ...{ bootstrapServers: 'localhost:1', clientId: 'test' },
      ...{ requestTimeoutMs: 10_000, network, clock },
    })
    const sender = new RecordSender({
      ...{ client: nowhere, clock, topic: 'any' },
      ...{ compressionType: CompressionType.NONE, acks: -1, batchBytes: 1 },
      ...{ lingerMs: 1, requestTimeoutMs: 1000, retries: 3, retryBackoffMs: 10 },
      ...{ bufferMemoryBytes: 1000, maxBlockMs: 50 },
    })
    const sent = sender.send(null, Buffer.from('a'))
    await expect(sent).rejects.toThrow('failed to update metadata after 50 ms')
    nowhere.close()
  })
})
