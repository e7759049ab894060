/**
 * Kafka's own administrative tools against two brokers of ours: what each prints is
 * checked against what the cluster holds.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Output } from './apache-kafka.ts'
import { missing } from './fetch-jars.ts'
import { JavaHost } from './JavaHost.ts'
import { KafkaTools } from './KafkaTools.ts'
import { MixedCluster, until } from './MixedCluster.ts'
import { proven } from './proven.ts'

const reason = missing()

describe.skipIf(reason !== undefined)("Kafka's administrative tools", () => {
  let cluster: MixedCluster
  let java: JavaHost
  let tools: KafkaTools

  beforeAll(async () => {
    java = new JavaHost()
    cluster = await MixedCluster.start({
      ...{ zooKeeper: 'embedded', ours: [1, 2], theirs: [] },
      config: {
        'offsets.topic.replication.factor': '2',
        'default.replication.factor': '2',
      },
    })
    tools = new KafkaTools(java, cluster)
    const settings = { ...bootstrap(), acks: 'all' }
    await java.call('Clients.openProducer', { name: 'p', settings })
  })

  afterAll(async () => {
    await java?.[Symbol.asyncDispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  const bootstrap = () => ({ 'bootstrap.servers': cluster.bootstrapServers })
  const zk = () => ['--zookeeper', cluster.zookeeperConnect]
  const brokers = () => ['--bootstrap-server', cluster.bootstrapServers]

  async function newTopic(topic: string, partitions = 2): Promise<void> {
    const size = ['--partitions', `${partitions}`, '--replication-factor', '2']
    await tools.topics('--create', '--topic', topic, ...size)
    await cluster.untilInSync(topic)
  }

  async function send(topic: string, partition: number, count: number): Promise<void> {
    const values = Array.from({ length: count }, (_, at) => `text ${at}`)
    await java.call('Clients.send', { name: 'p', topic, partition, values })
  }

  /** A file for a tool to read. */
  function file(name: string, content: string | object): string {
    const path = join(cluster.home.path, name)
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }

  function failed(output: Output, message: string | RegExp): void {
    expect(output.status).not.toBe(0)
    expect(`${output.stdout}${output.stderr}`).toMatch(message)
  }

  it('kafka-topics.sh creates, lists, describes, alters, deletes', async () => {
    const config = [
      '--config',
      'retention.ms=600000',
      '--config',
      'segment.bytes=100000',
    ]
    const size = ['--partitions', '3', '--replication-factor', '2']
    const created = await tools.topics('--create', '--topic', 'one', ...size, ...config)
    expect(created).toContain('Created topic "one".')
    await cluster.untilInSync('one')
    const again = ['--create', '--topic', 'one', ...size]
    const topicCommand = 'kafka.admin.TopicCommand'
    failed(
      await java.run(topicCommand, ...zk(), ...again),
      "Topic 'one' already exists",
    )
    await tools.topics(...again, '--if-not-exists')
    const wide = ['--create', '--topic', 'wide', '--partitions', '1']
    const tooWide = await java.run(
      topicCommand,
      ...[...zk(), ...wide, '--replication-factor', '3'],
    )
    failed(tooWide, 'Replication factor: 3 larger than available brokers: 2')

    expect((await tools.topics('--list')).split('\n')).toContain('one')
    const described = await tools.topics('--describe', '--topic', 'one')
    expect(described).toMatch(
      /Topic:one\tPartitionCount:3\tReplicationFactor:2\tConfigs:.*retention.ms=600000/,
    )
    expect(described.match(/Leader: [12]\tReplicas: ([12]),[12]\tIsr: /g)).toHaveLength(
      3,
    )
    const overridden = await tools.topics('--describe', '--topics-with-overrides')
    expect(overridden).toContain('Topic:one')
    for (const lacking of [
      '--under-replicated-partitions',
      '--unavailable-partitions',
    ]) {
      expect(await tools.topics('--describe', lacking)).toBe('')
    }

    await tools.topics('--alter', '--topic', 'one', '--partitions', '4')
    await until('four', async () => (await cluster.partitions('one')).size === 4)
    await cluster.untilInSync('one')
    const deleted = await tools.topics('--delete', '--topic', 'one')
    expect(deleted).toContain('Topic one is marked for deletion.')
    await until('gone', async () => !(await tools.topics('--list')).includes('one'))
    proven('kafka-topics.sh', 'create', 'list', 'describe', 'alter', 'delete')
  })

  it('kafka-configs.sh sets and describes what topics and clients are told', async () => {
    await newTopic('set')
    const main = 'kafka.admin.ConfigCommand'
    const topic = ['--entity-type', 'topics', '--entity-name', 'set']
    const added = await java.print(
      main,
      ...[...zk(), '--alter', ...topic, '--add-config'],
      'retention.ms=123456,cleanup.policy=[compact,delete]',
    )
    expect(added).toContain("Completed Updating config for entity: topic 'set'")
    const described = await java.print(main, ...zk(), '--describe', ...topic)
    expect(described).toContain('retention.ms=123456')

    // The broker says the same.
    const resource = { settings: bootstrap(), type: 'TOPIC', name: 'set' }
    type Configs = Record<string, [string, string]>
    const told = await java.call<Configs>('Admin.describeConfigs', resource)
    expect(told['retention.ms']).toEqual(['123456', 'DYNAMIC_TOPIC_CONFIG'])
    expect(told['cleanup.policy']).toEqual(['compact,delete', 'DYNAMIC_TOPIC_CONFIG'])
    const less = ['--alter', ...topic, '--delete-config', 'retention.ms']
    await java.print(main, ...zk(), ...less)
    const left = await java.call<Configs>('Admin.describeConfigs', resource)
    expect(left['retention.ms']).toEqual(['604800000', 'DEFAULT_CONFIG'])
    const wrong = ['--alter', ...topic, '--add-config', 'retention.ms=soon']
    failed(await java.run(main, ...zk(), ...wrong), 'Invalid value soon')
    proven('kafka-configs.sh', 'topics: alter, describe, delete')

    const client = ['--entity-type', 'clients', '--entity-name', 'c']
    const rate = ['--add-config', 'producer_byte_rate=1048576']
    await java.print(main, ...zk(), '--alter', ...client, ...rate)
    const quota = await java.print(main, ...zk(), '--describe', ...client)
    expect(quota).toContain("Configs for client-id 'c' are producer_byte_rate=1048576")
    proven('kafka-configs.sh', 'clients: alter, describe')
  })

  it('kafka-consumer-groups.sh lists, describes, resets, deletes', async () => {
    await newTopic('read')
    for (const partition of [0, 1]) await send('read', partition, 10)
    const settings = {
      ...bootstrap(),
      'group.id': 'g',
      'auto.offset.reset': 'earliest',
    }
    const joined = { topic: 'read', count: 20, settings }
    await java.call('Clients.consume', joined)
    expect((await tools.groups('--list')).split('\n')).toContain('g')
    const described = await tools.groups('--describe', '--group', 'g')
    expect(described).toMatch(/read +0 +10 +10 +0 /)

    // A member shows while it is there.
    const member = java.call('Clients.consume', { ...joined, count: 2 })
    const ask = (...more: string[]) =>
      tools.groups('--describe', '--group', 'g', ...more)
    const seen = await until(
      'a member',
      () => ask('--members', '--verbose'),
      (text) => text.includes('read(0,1)'),
    )
    expect(seen).toMatch(
      /consumer-\d+-[-0-9a-f]+ +\/127.0.0.1 +consumer-\d+ +2 +read\(0,1\)/,
    )
    expect(await ask('--state')).toMatch(/range +Stable +1/)
    for (const partition of [0, 1]) await send('read', partition, 1)
    await member

    // Each way to reset.
    const reset = async (...how: readonly string[]) => {
      const text = await tools.groups(
        ...['--reset-offsets', '--group', 'g', '--topic', 'read', ...how],
      )
      const rows = text.matchAll(/^read +(\d) +(\d+) *$/gm)
      return Object.fromEntries([...rows].map(([, p, offset]) => [p, Number(offset)]))
    }
    expect(await reset('--to-earliest', '--dry-run')).toEqual({ 0: 0, 1: 0 })
    expect(await reset('--shift-by', '-3', '--execute')).toEqual({ 0: 8, 1: 8 })
    expect(await reset('--to-current', '--execute')).toEqual({ 0: 8, 1: 8 })
    expect(await reset('--to-offset', '4', '--execute')).toEqual({ 0: 4, 1: 4 })
    expect(await reset('--to-latest', '--execute')).toEqual({ 0: 11, 1: 11 })
    const early = ['--to-datetime', '2001-01-01T00:00:00.000', '--execute']
    expect(await reset(...early)).toEqual({ 0: 0, 1: 0 })
    const csv = file('offsets.csv', 'read,0,7\nread,1,6\n')
    expect(await reset('--from-file', csv, '--execute')).toEqual({ 0: 7, 1: 6 })
    const committed = await java.call('Clients.committed', { topic: 'read', settings })
    expect(committed).toEqual({ 0: 7, 1: 6 })

    const deleted = await tools.groups('--delete', '--group', 'g')
    expect(deleted).toContain(
      "Deletion of requested consumer groups ('g') was successful",
    )
    expect(await tools.groups('--list')).not.toMatch(/^g$/m)
    const missingGroup = await tools.groups('--delete', '--group', 'g')
    expect(missingGroup).toContain('could not be deleted due to')
    proven('kafka-consumer-groups.sh', 'list', 'describe', 'members', 'state')
    proven('kafka-consumer-groups.sh', 'reset-offsets', 'delete')
  })

  it('kafka-delete-records.sh moves the beginning, GetOffsetShell sees it', async () => {
    await newTopic('cut')
    for (const partition of [0, 1]) await send('cut', partition, 10)
    const partitions = [{ topic: 'cut', partition: 1, offset: 6 }]
    const json = file('cut.json', { version: 1, partitions })
    const main = 'kafka.admin.DeleteRecordsCommand'
    const deleted = await java.print(main, ...brokers(), '--offset-json-file', json)
    expect(deleted).toContain('partition: cut-1\tlow_watermark: 6')
    const offsets = (time: string) =>
      java.print(
        'kafka.tools.GetOffsetShell',
        ...[
          '--broker-list',
          cluster.bootstrapServers,
          '--topic',
          'cut',
          '--time',
          time,
        ],
      )
    expect(await offsets('-1')).toBe('cut:0:10\ncut:1:10\n')
    expect(await offsets('-2')).toBe('cut:0:0\ncut:1:6\n')
    proven('kafka-delete-records.sh', 'low watermarks')
    proven('GetOffsetShell', 'earliest, latest')
  })

  it('kafka-reassign-partitions.sh proposes, moves, throttles', async () => {
    await newTopic('moved', 1)
    await send('moved', 0, 100)
    const main = 'kafka.admin.ReassignPartitionsCommand'
    const which = file('which.json', { version: 1, topics: [{ topic: 'moved' }] })
    const proposed = await java.print(
      main,
      ...[...zk(), '--topics-to-move-json-file', which, '--broker-list', '1,2'],
      '--generate',
    )
    expect(proposed).toMatch(/"topic":"moved","partition":0,"replicas":\[[12],[12]\]/)
    await tools.reassign([{ topic: 'moved', partition: 0, replicas: [1] }])
    expect((await cluster.partitions('moved')).get(0)).toEqual([1])
    const placements = [{ topic: 'moved', partition: 0, replicas: [2, 1] }]
    const plan = file('plan.json', { version: 1, partitions: placements })
    const args = [...zk(), '--reassignment-json-file', plan]
    await java.print(main, ...args, '--execute', '--throttle', '10000000')
    const verified = await until(
      'moved',
      () => java.print(main, ...args, '--verify'),
      (text) => text.includes('completed successfully'),
    )
    expect(verified).toContain('Throttle was removed.')
    await cluster.untilInSync('moved')
    await cluster.untilIdentical('moved', 0)
    proven('kafka-reassign-partitions.sh', 'generate', 'execute', 'verify', 'throttle')
  })

  it('kafka-log-dirs.sh tells where replicas lie', async () => {
    await newTopic('lies')
    await send('lies', 0, 10)
    const main = 'kafka.admin.LogDirsCommand'
    const args = [...brokers(), '--describe', '--topic-list', 'lies']
    const text = await java.print(main, ...args)
    const json = JSON.parse(text.trim().split('\n').at(-1) ?? '')
    expect(json.brokers.map((each: { broker: number }) => each.broker).sort()).toEqual([
      ...[1, 2],
    ])
    for (const { broker, logDirs } of json.brokers) {
      expect(logDirs).toHaveLength(1)
      expect(logDirs[0].error).toBeNull()
      expect(logDirs[0].logDir).toBe(cluster.member(broker).logDir)
      const lies = logDirs[0].partitions.find(
        ({ partition }: { partition: string }) => partition === 'lies-0',
      )
      expect(lies.size).toBe(cluster.logBytes(broker, 'lies', 0).length)
    }
    proven('kafka-log-dirs.sh', 'describe')
  })

  it('StreamsResetter sets an application back', async () => {
    await newTopic('stream')
    for (const partition of [0, 1]) await send('stream', partition, 5)
    const settings = {
      ...bootstrap(),
      'group.id': 'app',
      'auto.offset.reset': 'earliest',
    }
    await java.call('Clients.consume', { topic: 'stream', count: 10, settings })
    await newTopic('app-store-changelog', 1)
    const said = await java.print(
      'kafka.tools.StreamsResetter',
      ...['--bootstrap-servers', cluster.bootstrapServers, '--application-id', 'app'],
      ...['--input-topics', 'stream'],
    )
    expect(said).toContain('Topic: stream Partition: 0 Offset: 0')
    const committed = await java.call('Clients.committed', {
      topic: 'stream',
      settings,
    })
    expect(committed).toEqual({ 0: 0, 1: 0 })
    await until(
      'no store',
      async () => !(await tools.topics('--list')).includes('app-'),
    )
    proven('kafka-streams-application-reset.sh', 'offsets, internal topics')
  })

  it('the Java AdminClient does all that needs no authorizer', async () => {
    const call = <T>(method: string, more: object = {}) =>
      java.call<T>(`Admin.${method}`, { settings: bootstrap(), ...more })
    type Cluster = { clusterId: string; controller: number; nodes: number[] }
    const found = await call<Cluster>('describeCluster')
    expect(found.nodes).toEqual([1, 2])
    expect(found.controller).toBe(await cluster.controllerId())
    expect(found.clusterId).toHaveLength(22)

    // Topics.
    const topic = { topic: 'adm', partitions: 2, replicas: 2, configs: {} }
    await call('createTopic', { ...topic, validateOnly: true })
    expect(await call('listTopics')).not.toContain('adm')
    const configs = { 'max.message.bytes': '2000' }
    await call('createTopic', { ...topic, configs, validateOnly: false })
    expect(await call('listTopics')).toContain('adm')
    const twice = call('createTopic', { ...topic, validateOnly: false })
    await expect(twice).rejects.toThrow('TopicExistsException')
    await call('createPartitions', { topic: 'adm', count: 3 })
    await until('three', async () => (await cluster.partitions('adm')).size === 3)
    await cluster.untilInSync('adm')
    expect(Object.keys(await call<object>('describeTopic', { topic: 'adm' }))).toEqual([
      ...['0', '1', '2'],
    ])

    // Settings.
    type Configs = Record<string, [string, string]>
    const resource = { type: 'TOPIC', name: 'adm' }
    const told = await call<Configs>('describeConfigs', resource)
    expect(told['max.message.bytes']).toEqual(['2000', 'DYNAMIC_TOPIC_CONFIG'])
    await call('alterConfigs', { ...resource, configs: { 'retention.ms': '777' } })
    const altered = await call<Configs>('describeConfigs', resource)
    expect(altered['retention.ms']).toEqual(['777', 'DYNAMIC_TOPIC_CONFIG'])
    expect(altered['max.message.bytes']?.[1]).toBe('DEFAULT_CONFIG')
    const broker = await call<Configs>('describeConfigs', { type: 'BROKER', name: '1' })
    expect(broker['broker.id']).toEqual(['1', 'STATIC_BROKER_CONFIG'])

    // Records.
    await call('alterConfigs', { ...resource, configs: {} })
    await send('adm', 0, 10)
    const cut = { topic: 'adm', partition: 0, before: 4 }
    expect(await call('deleteRecords', cut)).toBe(4)
    await call('deleteTopic', { topic: 'adm' })
    await until(
      'gone',
      async () => !(await call<string[]>('listTopics')).includes('adm'),
    )
    proven('Java AdminClient', 'describeCluster', 'createTopics', 'listTopics')
    proven('Java AdminClient', 'describeTopics', 'createPartitions', 'deleteTopics')
    proven('Java AdminClient', 'describeConfigs', 'alterConfigs', 'deleteRecords')
  })
})
