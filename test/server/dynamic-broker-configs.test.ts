/** Settings of brokers that change while they run, and what then changes. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Errors } from '../../src/base/errors.ts'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { NetworkClient } from '../../src/network/NetworkClient.ts'
import { AlterConfigs } from '../../src/protocol/messages/AlterConfigs.ts'
import { ApiVersions } from '../../src/protocol/messages/ApiVersions.ts'
import { DescribeConfigs } from '../../src/protocol/messages/DescribeConfigs.ts'
import { Metadata } from '../../src/protocol/messages/Metadata.ts'
import {
  AllDynamicConfigs,
  DynamicBrokerConfig,
} from '../../src/server/DynamicBrokerConfig.ts'
import { KafkaConfig } from '../../src/server/KafkaConfig.ts'
import type { KafkaServer } from '../../src/server/KafkaServer.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { clientOf, controllerOf, createTopic, produce } from './clients.ts'

const platform = memoryPlatform({ clock: 'virtual' })
const clock = platform.virtualClock
const run = <T>(promise: Promise<T>) => clock.runUntil(promise)

let cluster: KafkaCluster
let broker: KafkaServer
let client: NetworkClient

beforeAll(async () => {
  const config = { 'log.retention.hours': '24', 'num.io.threads': '4' }
  cluster = await run(
    startCluster({ offsetsTopic: false, brokers: 2, platform, config }),
  )
  broker = cluster.brokers[0]!
  client = clientOf(cluster)
  const controller = clientOf(cluster, controllerOf(cluster))
  await run(createTopic(controller, 't', { partitions: 4, replicas: 2 }))
  const configs = { 'retention.ms': '5000' }
  await run(createTopic(controller, 'own', { replicas: 2, configs }))
  controller.close()
})

afterAll(async () => {
  client.close()
  await run(cluster.close())
})

/** Sets what is set for broker 0, or for all with an empty name. @returns the error */
async function alter(
  resourceName: string,
  settings: Record<string, string>,
  validateOnly = false,
) {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value }))
  const { responses } = await run(
    client.sendAndReceive(AlterConfigs, 0, {
      resources: [{ resourceType: 4, resourceName, configs }],
      validateOnly,
    }),
  )
  await clock.settle()
  return responses[0]!
}

/** Describes one setting. */
async function describeOne(resourceName: string, key: string, resourceType = 4) {
  const { results } = await run(
    client.sendAndReceive(DescribeConfigs, 1, {
      resources: [{ resourceType, resourceName, configurationKeys: [key] }],
      includeSynonyms: true,
    }),
  )
  return results[0]?.configs[0]
}

const logOf = (topic: string) => broker.logManager.getLog(new TopicPartition(topic, 0))!

describe('AlterConfigs of a broker', () => {
  it('wins over what is set for all, and that over the file', async () => {
    expect((await alter('', { 'log.retention.ms': '7000' })).errorCode).toBe(0)
    expect(broker.config.logRetentionTimeMillis).toBe(7000)
    expect((await alter('0', { 'log.retention.ms': '6000' })).errorCode).toBe(0)
    const others = cluster.brokers.map(({ config }) => config.logRetentionTimeMillis)
    expect(others).toEqual([6000, 7000])
    const described = await describeOne('0', 'log.retention.ms')
    expect(described).toMatchObject({ value: '6000', configSource: 2, readOnly: false })
    expect(described?.synonyms.map((s) => [s.name, s.value, s.source])).toEqual([
      ['log.retention.ms', '6000', 2],
      ['log.retention.ms', '7000', 3],
      ['log.retention.hours', '24', 4],
      ['log.retention.hours', '168', 5],
    ])
    expect(await describeOne('t', 'retention.ms', 2)).toMatchObject({
      ...{ value: '6000', configSource: 2 },
    })
    const forAll = await describeOne('', 'log.retention.ms')
    expect(forAll).toMatchObject({ value: '7000', configSource: 3, readOnly: false })
  })

  it('leaves alone what only stands in for a setting that changes', async () => {
    const changes = await describeOne('0', 'log.flush.interval.ms')
    expect(changes).toMatchObject({ readOnly: false })
    const stays = await describeOne('0', 'log.flush.scheduler.interval.ms')
    expect(stays).toMatchObject({ readOnly: true })
    const refused = await alter('0', { 'log.flush.scheduler.interval.ms': '5' })
    expect(refused.errorCode).toBe(Errors.INVALID_REQUEST.code)
  })

  it('changes the logs that take the default, and no others', async () => {
    expect(logOf('t').config.retentionMs).toBe(6000)
    expect(logOf('own').config.retentionMs).toBe(5000)
    expect(broker.logManager.currentDefaultConfig.retentionMs).toBe(6000)
    const limits = { 'message.max.bytes': '500', 'min.insync.replicas': '2' }
    await alter('0', { ...limits, 'compression.type': 'gzip' })
    const { maxMessageSize, minInSyncReplicas, compressionType } = logOf('t').config
    expect([maxMessageSize, minInSyncReplicas, compressionType]).toEqual([
      500,
      2,
      'gzip',
    ])
    const leader = cluster.brokers.findIndex(
      (b) =>
        b.replicaManager.getPartition(new TopicPartition('t', 0))?.leaderReplicaIfLocal,
    )
    const other = clientOf(cluster, leader)
    if (leader === 0) {
      const { errorCode } = await run(produce(other, 't', ['x'.repeat(600)]))
      expect(errorCode).toBe(10)
    }
    other.close()
  })

  it('keeps logins for one broker, which nobody reads', async () => {
    const login = { 'sasl.kerberos.min.time.before.relogin': '58000' }
    expect((await alter('0', login, true)).errorCode).toBe(0)
    expect((await alter('', login, true)).errorCode).toBe(42)
    expect((await alter('0', { 'ssl.keystore.type': 'JKS' }, true)).errorCode).toBe(42)
  })

  it('returns to the file when it is taken away', async () => {
    expect((await alter('0', {})).errorCode).toBe(0)
    expect(broker.config.logRetentionTimeMillis).toBe(7000)
    expect(logOf('t').config.maxMessageSize).toBe(1_000_012)
    await alter('', {})
    expect(broker.config.logRetentionTimeMillis).toBe(24 * 3_600_000)
    expect(logOf('t').config.retentionMs).toBe(24 * 3_600_000)
  })

  it('resizes the pools: handlers, network loops, followers', async () => {
    const pools = { 'num.io.threads': '8', 'num.network.threads': '6' }
    const more = {
      'num.replica.fetchers': '2',
      'num.recovery.threads.per.data.dir': '2',
    }
    await alter('0', { ...pools, ...more })
    expect(broker.logManager.numRecoveryThreadsPerDataDir).toBe(2)
    expect(broker.requestHandlerPool.threadPoolSize).toBe(8)
    expect(broker.socketServer.processorCount).toBe(6)
    const { replicaFetcherManager } = broker.replicaManager
    const { fetcherThreadMap } = replicaFetcherManager
    const followers = [0, 1, 2, 3]
      .map((partition) => new TopicPartition('t', partition))
      .concat(new TopicPartition('own', 0))
      .filter((here) => !broker.replicaManager.getPartition(here)?.leaderReplicaIfLocal)
    const threads = followers.map(({ topic, partition }) => {
      return `1-${replicaFetcherManager.getFetcherId(topic, partition)}`
    })
    expect([...fetcherThreadMap.keys()].sort()).toEqual([...new Set(threads)].sort())
    expect(threads).toContain('1-1')

    // Half of them go again; a connection of a loop that ends is made anew.
    await alter('0', { 'num.io.threads': '4', 'num.network.threads': '3' })
    client.close()
    client = clientOf(cluster)
    expect((await describeOne('0', 'num.io.threads'))?.value).toBe('4')
    await clock.advance(10)
    expect(broker.requestHandlerPool.threadPoolSize).toBe(4)
    expect(broker.socketServer.processorCount).toBe(3)
    expect([...fetcherThreadMap.keys()]).toEqual(['1-0'])
    const followed = [...fetcherThreadMap.values()].flatMap((thread) =>
      thread.partitionsAndOffsets().map(([topicPartition]) => String(topicPartition)),
    )
    expect(followed.sort()).toEqual(followers.map(String).sort())
  })

  it('starts the cleaner anew with other settings', async () => {
    const cleaner = broker.logCleaner!
    await alter('0', { 'log.cleaner.threads': '2', 'log.cleaner.backoff.ms': '5' })
    expect(cleaner.numThreads).toBe(2)
    expect(broker.config.logCleanerBackoffMs).toBe(5)
    const { errorMessage } = await alter('0', { 'log.cleaner.threads': '5' })
    expect(errorMessage).toMatch(
      /'5' for log.cleaner.threads: expected at most the double/,
    )
    await alter('0', {})
    expect(cleaner.numThreads).toBe(1)
  })

  it('lets unclean leaders be elected', async () => {
    await alter('', { 'unclean.leader.election.enable': 'true' })
    for (const { config } of cluster.brokers) {
      expect(config.uncleanLeaderElectionEnable).toBe(true)
    }
    expect(logOf('t').config.uncleanLeaderElectionEnable).toBe(true)
    await alter('', {})
  })

  it('refuses what cannot be changed, or not so, with INVALID_REQUEST', async () => {
    const refusals: [string, Record<string, string>, RegExp][] = [
      ['0', { 'zookeeper.connect': 'x' }, /while a broker runs: zookeeper.connect/],
      ['0', { 'log.retention.hours': '3' }, /log.retention.hours/],
      ['0', { 'ssl.keystore.location': 'x' }, /ssl.keystore.location/],
      ['0', { 'max.connections.per.ip': '3' }, /max.connections.per.ip/],
      ['0', { 'log.retention.ms': 'x' }, /'x' for log.retention.ms: expected a whole/],
      ['0', { 'num.io.threads': '9' }, /at most the double of 4/],
      ['0', { 'num.io.threads': '1' }, /at least half of 4/],
      ['', { 'num.io.threads': '0' }, /at least 1/],
      ['0', { 'leader.replication.throttled.rate': '-1' }, /at least 0/],
      ['1', { 'log.retention.ms': '1' }, /this is broker 0/],
      ['x', { 'log.retention.ms': '1' }, /a number, not x/],
    ]
    for (const [name, settings, message] of refusals) {
      const { errorCode, errorMessage } = await alter(name, settings)
      expect([errorCode, errorMessage]).toEqual([42, expect.stringMatching(message)])
    }
    expect((await alter('0', { 'log.retention.ms': '1000' }, true)).errorCode).toBe(0)
    expect(broker.config.logRetentionTimeMillis).toBe(24 * 3_600_000)
  })

  it('keeps what it does not know, and shows no value of it', async () => {
    await alter('0', { 'my.plugin.secret': 'hush' })
    const described = await describeOne('0', 'my.plugin.secret')
    expect(described).toMatchObject({
      ...{ value: null, isSensitive: true, configSource: 2 },
    })
    expect(described?.synonyms).toEqual([
      { name: 'my.plugin.secret', value: null, source: 2 },
    ])
    expect(await describeOne('0', 'broker.id')).toMatchObject({ readOnly: true })
    await alter('0', {})
  })

  it('binds a listener, tells the others of it, and closes it again', async () => {
    // Nobody listens there before.
    const inner = `PLAINTEXT://127.0.0.1:${broker.boundPort()}`
    const listeners = `${inner},EXTRA://127.0.0.1:19999`
    const protocols = 'PLAINTEXT:PLAINTEXT,EXTRA:PLAINTEXT'
    const settings = { listeners, 'listener.security.protocol.map': protocols }
    const extra = new NetworkClient({
      ...{ host: '127.0.0.1', port: 19999, clientId: 'test' },
      ...{ requestTimeoutMs: 1000, network: platform.network, clock },
    })
    const ask = () => run(extra.sendAndReceive(ApiVersions, 0, {}))
    await expect(ask()).rejects.toThrow()

    // Asked there, the broker names its own address of that listener.
    expect((await alter('0', settings)).errorCode).toBe(0)
    expect((await ask()).errorCode).toBe(0)
    const { brokers } = await run(
      extra.sendAndReceive(Metadata, 5, { topics: [], allowAutoTopicCreation: false }),
    )
    expect(brokers).toMatchObject([{ nodeId: 0, port: 19999 }])
    const known = (await run(broker.zkClient.getBroker(0)))?.endPoints
    expect(known?.map(String)).toEqual(listeners.split(','))

    // Taken away, it is closed with its connections; the rest serves on.
    expect((await alter('0', {})).errorCode).toBe(0)
    await expect(ask()).rejects.toThrow()
    expect(broker.socketServer.listenerNames).toEqual(new Set(['PLAINTEXT']))
    const left = (await run(broker.zkClient.getBroker(0)))?.endPoints
    expect(left?.map(String)).toEqual([inner])
    extra.close()
  })

  it('advertises no listener that could not be bound, and tries again', async () => {
    const port = cluster.brokers[1]!.boundPort()
    const inner = `PLAINTEXT://127.0.0.1:${broker.boundPort()}`
    const protocols = 'PLAINTEXT:PLAINTEXT,EXTRA:PLAINTEXT'
    const at = (extra: number) => ({
      listeners: `${inner},EXTRA://127.0.0.1:${extra}`,
      'listener.security.protocol.map': protocols,
    })
    await alter('0', at(port))
    expect(broker.socketServer.listenerNames).toEqual(new Set(['PLAINTEXT']))
    const known = (await run(broker.zkClient.getBroker(0)))?.endPoints
    expect(known?.map(String)).toEqual([inner])
    expect((await alter('0', at(19998))).errorCode).toBe(0)
    expect(broker.socketServer.boundPort('EXTRA')).toBe(19998)
    await alter('0', {})
  })

  it('refuses listeners that cannot change', async () => {
    const port = broker.boundPort()
    const refusals = [
      ['0', { listeners: `PLAINTEXT://127.0.0.1:${port + 1}` }],
      ['0', { listeners: `PLAINTEXT://localhost:${port}` }],
      ['0', { listeners: `EXTRA://127.0.0.1:${port}` }],
      ['0', { 'advertised.listeners': 'NONE://127.0.0.1:1' }],
      ['', { listeners: `PLAINTEXT://127.0.0.1:${port}` }],
    ] as const
    for (const [name, settings] of refusals) {
      expect((await alter(name, settings)).errorCode, JSON.stringify(settings)).toBe(42)
    }
    expect(broker.boundPort()).toBe(port)
  })

  it('is read again when the broker starts', async () => {
    await alter('0', { 'num.io.threads': '6' })
    await alter('', { 'log.retention.ms': '7000' })
    await run(broker.shutdown())
    await run(broker.startup())
    expect(broker.requestHandlerPool.threadPoolSize).toBe(6)
    expect(broker.config.logRetentionTimeMillis).toBe(7000)
    expect(logOf('t').config.retentionMs).toBe(7000)
    client.close()
    client = clientOf(cluster)
    expect(await describeOne('0', 'num.io.threads')).toMatchObject({ configSource: 2 })
    await alter('0', {})
    expect(broker.requestHandlerPool.threadPoolSize).toBe(4)
    await alter('', {})
  })
})

describe('DynamicBrokerConfig', () => {
  it('ignores what somebody wrote past the check, and takes the rest', async () => {
    const props = { 'broker.id': '0', 'zookeeper.connect': 'zk' }
    const config = new KafkaConfig(props)
    const dynamic = new DynamicBrokerConfig(config)
    await dynamic.updateBrokerConfig({
      ...{ 'broker.id': '7', 'log.retention.ms': 'x', 'log.roll.ms': '9' },
    })
    expect([config.brokerId, config.logRollTimeMillis]).toEqual([0, 9])
    expect(dynamic.currentDynamicBrokerConfigs).toEqual({ 'log.roll.ms': '9' })

    // Values that do not fit each other change nothing.
    await dynamic.updateBrokerConfig({
      ...{ 'log.cleaner.threads': '400', 'log.roll.ms': '8' },
    })
    expect(config.logRollTimeMillis).toBe(9)
    expect(dynamic.currentDynamicBrokerConfigs).toEqual({ 'log.roll.ms': '9' })
  })

  it('knows the settings of Kafka 1.1.1 that are built here', () => {
    expect([...AllDynamicConfigs].every((key) => KafkaConfig.isKnown(key))).toBe(true)
    expect(AllDynamicConfigs.size).toBe(35)
  })
})
