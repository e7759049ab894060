/** A broker's life: how it starts, stops, comes back, and hands over. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { InconsistentBrokerIdException } from '../../src/base/errors.ts'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { KafkaController } from '../../src/controller/KafkaController.ts'
import { GroupCoordinator } from '../../src/coordinator/group/GroupCoordinator.ts'
import { LogManager } from '../../src/log/LogManager.ts'
import { NetworkClient } from '../../src/network/NetworkClient.ts'
import { SocketServer } from '../../src/network/SocketServer.ts'
import { Metadata } from '../../src/protocol/messages/Metadata.ts'
import { ReplicaManager } from '../../src/replica/ReplicaManager.ts'
import { DynamicConfigManager } from '../../src/server/DynamicConfigManager.ts'
import { KafkaConfig } from '../../src/server/KafkaConfig.ts'
import { KafkaRequestHandlerPool } from '../../src/server/KafkaRequestHandler.ts'
import { KafkaServer } from '../../src/server/KafkaServer.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import { KafkaZkClient } from '../../src/zk/KafkaZkClient.ts'
import { inProcessConnect } from '../../src/zookeeper/in-process-session.ts'
import { ZooKeeperServer } from '../../src/zookeeper/server/ZooKeeperServer.ts'
import { clientOf, controllerOf, createTopic, fetchTexts, produce } from './clients.ts'

const clusters: KafkaCluster[] = []

afterEach(async () => {
  vi.restoreAllMocks()
  for (const cluster of clusters.splice(0)) await cluster.close()
})

async function start(options: Parameters<typeof startCluster>[0]) {
  const cluster = await startCluster({
    offsetsTopic: false,
    platform: 'memory',
    ...options,
  })
  clusters.push(cluster)
  return cluster
}

/** Notes every call of these methods, in their order. */
function watch(...methods: readonly (readonly [string, object, string])[]) {
  const calls: string[] = []
  for (const [label, prototype, name] of methods) {
    const original = Reflect.get(prototype, name) as (...a: unknown[]) => unknown
    vi.spyOn(prototype as Record<string, () => unknown>, name).mockImplementation(
      function (this: unknown, ...args: unknown[]) {
        calls.push(label)
        return Reflect.apply(original, this, args)
      },
    )
  }
  return calls
}

describe('startup()', () => {
  it('starts the parts in the order of the notes, and reads sockets last', async () => {
    const calls = watch(
      ['createTopLevelPaths', KafkaZkClient.prototype, 'createTopLevelPaths'],
      ['logManager.startup', LogManager.prototype, 'startup'],
      ['socketServer.startup', SocketServer.prototype, 'startup'],
      ['replicaManager.startup', ReplicaManager.prototype, 'startup'],
      ['registerBrokerInZk', KafkaZkClient.prototype, 'registerBrokerInZk'],
      ['checkpointBrokerId', KafkaServer.prototype, 'checkpointBrokerId'],
      ['kafkaController.startup', KafkaController.prototype, 'startup'],
      ['groupCoordinator.startup', GroupCoordinator.prototype, 'startup'],
      ['dynamicConfigManager.startup', DynamicConfigManager.prototype, 'startup'],
      ['startProcessors', SocketServer.prototype, 'startProcessors'],
    )
    const { brokers } = await start({})
    expect(calls).toEqual([
      'createTopLevelPaths',
      'logManager.startup',
      'socketServer.startup',
      'replicaManager.startup',
      'registerBrokerInZk',
      'checkpointBrokerId',
      'kafkaController.startup',
      'groupCoordinator.startup',
      'dynamicConfigManager.startup',
      'startProcessors',
    ])
    expect(brokers[0]?.brokerState.currentState).toBe('RunningAsBroker')
  })

  it('tells each listener its own addresses', async () => {
    const { brokers, platform } = await start({
      config: {
        listeners: 'IN://127.0.0.1:0,OUT://127.0.0.1:0',
        'advertised.listeners': 'IN://127.0.0.1:0,OUT://outside:0',
        'listener.security.protocol.map': 'IN:PLAINTEXT,OUT:PLAINTEXT',
        'inter.broker.listener.name': 'IN',
      },
    })
    const [broker] = brokers
    for (const [listener, host] of [
      ['IN', '127.0.0.1'],
      ['OUT', 'outside'],
    ] as const) {
      const port = broker!.boundPort(listener)
      const client = new NetworkClient({
        ...{ host: '127.0.0.1', port, clientId: 'c', requestTimeoutMs: 1000 },
        ...{ network: platform.network, clock: platform.clock },
      })
      const answer = await client.sendAndReceive(Metadata, 1, { topics: [] })
      expect(answer.brokers).toEqual([{ nodeId: 0, host, port, rack: null }])
      client.close()
    }
  })

  it('does nothing on a broker that runs', async () => {
    const { brokers } = await start({})
    const port = brokers[0]?.boundPort()
    await brokers[0]?.startup()
    expect(brokers[0]?.boundPort()).toBe(port)
  })

  it('refuses a broker id that is not the one in meta.properties', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    await (await startCluster({ offsetsTopic: false, platform })).close()
    const other = startCluster({
      offsetsTopic: false,
      platform,
      config: { 'broker.id': '7' },
    })
    await expect(other).rejects.toThrow(InconsistentBrokerIdException)
    await expect(other).rejects.toThrow(/7.*0|0.*7/)
  })

  it('makes a broker id above reserved.broker.max.id, and keeps it', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    const config = { 'broker.id': '-1' }
    const first = await startCluster({ offsetsTopic: false, platform, config })
    expect(first.brokers[0]?.config.brokerId).toBe(1001)
    await first.close()
    const { brokers } = await start({ platform, config })
    expect(brokers[0]?.config.brokerId).toBe(1001)
  })

  it('frees port and lock when it fails half-way', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    vi.spyOn(KafkaZkClient.prototype, 'registerBrokerInZk').mockRejectedValueOnce(
      new Error('no'),
    )
    await expect(
      startCluster({ offsetsTopic: false, platform, port: 9092 }),
    ).rejects.toThrow('no')
    const { brokers } = await start({ platform, port: 9092 })
    expect(brokers[0]?.boundPort()).toBe(9092)
  })
})

describe('shutdown()', () => {
  it('stops the parts in the order of Kafka', async () => {
    const { brokers } = await start({})
    const calls = watch(
      ['controlledShutdown', KafkaServer.prototype, 'controlledShutdown'],
      ['dynamicConfigManager', DynamicConfigManager.prototype, 'shutdown'],
      ['stopProcessingRequests', SocketServer.prototype, 'stopProcessingRequests'],
      ['handlers', KafkaRequestHandlerPool.prototype, 'shutdown'],
      ['groupCoordinator', GroupCoordinator.prototype, 'shutdown'],
      ['replicaManager', ReplicaManager.prototype, 'shutdown'],
      ['logManager', LogManager.prototype, 'shutdown'],
      ['kafkaController', KafkaController.prototype, 'shutdown'],
      ['zkClient', KafkaZkClient.prototype, 'close'],
      ['socketServer', SocketServer.prototype, 'shutdown'],
    )
    await brokers[0]?.shutdown()

    // The controlled shutdown asks the controller, which is this broker's own part; the
    // last step stops what the fourth has stopped already.
    expect(calls.filter((call, i) => calls.indexOf(call) === i)).toEqual([
      'controlledShutdown',
      ...(calls[1] === 'kafkaController' ? ['kafkaController'] : []),
      'dynamicConfigManager',
      'stopProcessingRequests',
      'handlers',
      'groupCoordinator',
      'replicaManager',
      'logManager',
      ...(calls[1] === 'kafkaController' ? [] : ['kafkaController']),
      'zkClient',
      'socketServer',
    ])
    expect(brokers[0]?.brokerState.currentState).toBe('NotRunning')
  })

  it('goes through all steps although one fails', async () => {
    const { brokers, platform } = await start({})
    vi.spyOn(LogManager.prototype, 'shutdown').mockRejectedValueOnce(new Error('disk'))
    const port = brokers[0]!.boundPort()
    await brokers[0]?.shutdown()
    expect(brokers[0]?.brokerState.currentState).toBe('NotRunning')
    const target = { host: '127.0.0.1', port, timeoutMs: 100 }
    await expect(platform.network.connect(target)).rejects.toThrow()
  })

  it('lets all who call it wait for the same end', async () => {
    const { brokers } = await start({})
    await Promise.all([
      brokers[0]?.shutdown(),
      brokers[0]?.shutdown(),
      brokers[0]?.awaitShutdown(),
    ])
    expect(brokers[0]?.brokerState.currentState).toBe('NotRunning')
  })
})

describe('a broker that comes back', () => {
  it('has its topics, records, offsets and cluster id', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    const before = await startCluster({ offsetsTopic: false, platform })
    const client = clientOf(before)
    await createTopic(client, 'kept', { configs: { 'segment.bytes': '2000' } })
    for (let i = 0; i < 60; i++) await produce(client, 'kept', [`${i}`.padEnd(100)])
    const { clusterId } = before.brokers[0]!
    await before.close()

    const after = await start({ platform })
    expect(after.brokers[0]?.clusterId).toBe(clusterId)
    const again = clientOf(after)
    await awaitLeader(again, 'kept')
    const texts = await fetchTexts(again, 'kept', 0, { version: 4 })
    expect(texts.slice(0, 2).map((text) => text.trim())).toEqual(['0', '1'])
    expect(await produce(again, 'kept', ['more'])).toMatchObject({ baseOffset: 60 })
    again.close()
    client.close()
  })
})

describe('a broker that is started again', () => {
  it('binds the port that the host chose for it before', async () => {
    const { brokers } = await start({})
    const port = brokers[0]?.boundPort()
    await brokers[0]?.shutdown()
    await brokers[0]?.startup()
    expect(brokers[0]?.boundPort()).toBe(port)
  })
})

async function awaitLeader(client: ReturnType<typeof clientOf>, topic: string) {
  for (;;) {
    const body = { topics: [{ name: topic }], allowAutoTopicCreation: false }
    const { topics } = await client.sendAndReceive(Metadata, 5, body)
    const leader = topics[0]?.partitions[0]?.leaderId ?? -1
    if (topics[0]?.errorCode === 0 && leader >= 0) return leader
  }
}

describe('a broker whose session with ZooKeeper is lost', () => {
  it('registers again, is controller again, and serves all the while', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    const zooKeeper = new ZooKeeperServer({ platform, host: '127.0.0.1', port: 0 })
    await zooKeeper.startup()
    const config = new KafkaConfig({
      ...{ 'broker.id': '0', 'zookeeper.connect': `127.0.0.1:${zooKeeper.port}` },
      ...{ 'log.dirs': '/logs', listeners: 'PLAINTEXT://127.0.0.1:0' },
    })
    const zooKeeperConnect = inProcessConnect(zooKeeper)
    const server = new KafkaServer(config, { platform, zooKeeperConnect })
    await server.startup()
    const client = clientOf({ platform, brokers: [server] })
    const { metadataCache } = server
    const news = () => new Promise<void>((resolve) => metadataCache.onUpdate(resolve))
    while (metadataCache.getAliveBrokers().length === 0) await news()
    await createTopic(client, 't')

    const owner = () => zooKeeper.ephemeralOwner('/brokers/ids/0')
    const epoch = server.kafkaController.epoch
    const before = owner()
    zooKeeper.expireSession(before)
    while (server.kafkaController.epoch <= epoch) {
      expect(await produce(client, 't', ['x'])).toMatchObject({ errorCode: 0 })
    }
    expect(owner()).not.toBe(before)
    expect(owner()).not.toBe(0n)
    await createTopic(client, 'u')
    expect(await produce(client, 'u', ['y'])).toMatchObject({ errorCode: 0 })
    client.close()
    await server.shutdown()
    await zooKeeper.shutdown()
  })
})

describe('three brokers', () => {
  it('hand leadership over when one shuts down, and lose nothing', async () => {
    const cluster = await start({
      brokers: 3,
      config: { 'default.replication.factor': '3', 'min.insync.replicas': '2' },
    })
    const controller = clientOf(cluster, controllerOf(cluster))
    await createTopic(controller, 't', { replicas: 3 })
    const leader = await awaitLeader(controller, 't')
    const client = clientOf(cluster, leader)
    expect(await produce(client, 't', ['a'], { acks: -1 })).toMatchObject({
      ...{ errorCode: 0, baseOffset: 0 },
    })
    await cluster.brokers[leader]?.shutdown()

    // The other two know the new leader as soon as the shutdown is over.
    const rest = [0, 1, 2].filter((id) => id !== leader)
    const next = await awaitLeader(clientOf(cluster, rest[0]), 't')
    expect(rest).toContain(next)
    const heir = clientOf(cluster, next)

    // Wait for the new leader's high watermark: it trails until all have fetched once.
    const waiting = { maxWaitMs: 9000 }
    expect(await fetchTexts(heir, 't', 0, waiting)).toEqual(['a'])
    expect(await produce(heir, 't', ['b'], { acks: -1 })).toMatchObject({
      ...{ errorCode: 0, baseOffset: 1 },
    })

    // Come back, follow, and catch up.
    await cluster.brokers[leader]?.startup()
    const { replicaManager } = cluster.brokers[next]!
    const isr = () => replicaManager.leaderPartitions()[0]?.inSyncReplicas.size
    while (isr() !== 3) await produce(heir, 't', ['c'], { acks: -1 })
    const back = cluster.brokers[leader]!.replicaManager
    expect(back.partitionCount).toBe(1)
    for (const c of [controller, client, heir]) c.close()
  })
})
