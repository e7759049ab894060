/**
 * # startCluster
 *
 * A Kafka cluster inside this process: brokers, controller and ZooKeeper, for tests and
 * tools. It takes free ports, keeps its data in a temporary directory, and leaves nothing
 * behind when it is closed.
 *
 * ```ts
 * await using cluster = await startCluster()
 * const kafka = new Kafka({ brokers: [cluster.bootstrapServers] })
 * ```
 *
 * On the memory platform the same call opens no port and touches no disk.
 *
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onAbort, throwIfAborted } from '../base/async/abort.ts'
import { CountDownLatch } from '../base/async/CountDownLatch.ts'
import {
  InvalidReplicationFactorException,
  TopicExistsException,
} from '../base/errors.ts'
import { memoryPlatform } from '../base/platform/memory/memory-platform.ts'
import { nodePlatform } from '../base/platform/node/node-platform.ts'
import type { Platform } from '../base/platform/Platform.ts'
import type { TopicPartition } from '../base/TopicPartition.ts'
import { KafkaConfig } from '../server/KafkaConfig.ts'
import { KafkaServer } from '../server/KafkaServer.ts'
import { AdminZkClient } from '../zk/AdminZkClient.ts'
import type { KafkaZkClient } from '../zk/KafkaZkClient.ts'
import { GROUP_METADATA_TOPIC_NAME } from '../zk/Topic.ts'
import type { ZooKeeperConnect } from '../zookeeper/client.ts'
import { inProcessConnect } from '../zookeeper/in-process-session.ts'
import { connectWithNodeZookeeperClient } from '../zookeeper/node-zookeeper-client-session.ts'
import { ZooKeeperServer } from '../zookeeper/server/ZooKeeperServer.ts'

/** How long to wait for the leaders of partitions that were there before, in ms. */
const LEADERS_TIMEOUT_MS = 10_000

/** What kind of cluster to start. */
export interface StartClusterOptions {
  /** How many brokers; ids count from 0. Default 1. */
  readonly brokers?: number
  /** Real sockets and files (`node`, the default), all in memory, or one of your own. */
  readonly platform?: 'node' | 'memory' | Platform
  /** Log directories of each broker, on a disk each, as far as it can tell. Default 1. */
  readonly logDirs?: number
  /** Settings of every broker, as in `server.properties`. */
  readonly config?: Readonly<Record<string, string>>
  /** Where data is kept, and stays; a temporary directory when absent. */
  readonly dataDir?: string
  /** A ZooKeeper that runs already; an embedded one when absent. */
  readonly zookeeperConnect?: string
  /** How sessions with ZooKeeper are made; as suits the platform when absent. */
  readonly zooKeeperConnect?: ZooKeeperConnect
  /** Port of the first broker, the next take the next; free ones when absent or 0. */
  readonly port?: number
  /** Port of the embedded ZooKeeper; a free one when absent or 0. */
  readonly zookeeperPort?: number
  /** Whether the embedded ZooKeeper waits for the disk. Default false. */
  readonly zookeeperFsync?: boolean
  /**
   * Whether `startCluster` orders the topic of offsets at once. Kafka makes it when the
   * first group asks, and tells that group to come again, for which clients take their
   * time. Default true.
   */
  readonly offsetsTopic?: boolean
  /** The address that brokers bind and advertise. Default 127.0.0.1. */
  readonly host?: string
  /** Gives the start up: what has been started is shut down, and the call rejects. */
  readonly signal?: AbortSignal
}

/** A running cluster. */
export interface KafkaCluster {
  /** `host:port` of every broker, with commas. */
  readonly bootstrapServers: string
  /** `host:port` of ZooKeeper. */
  readonly zookeeperConnect: string
  /** The brokers themselves, in the order of their ids. */
  readonly brokers: readonly KafkaServer[]
  /** The embedded ZooKeeper; undefined when another one is used. */
  readonly zooKeeperServer: ZooKeeperServer | undefined
  /** Clock, network, disks and chance that all of them use. */
  readonly platform: Platform
  /** How a session with this cluster's ZooKeeper is made. */
  readonly zooKeeperConnect: ZooKeeperConnect
  /** Shuts everything down and removes temporary data. A second call does nothing. */
  close(): Promise<void>
  /** `close`, at the end of a scope with `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Settings that suit a test, where Kafka's own defaults suit production. */
function testingDefaults(brokers: number): Record<string, string> {
  const replicas = String(Math.min(brokers, 3))
  return {
    'group.initial.rebalance.delay.ms': '0',
    'offsets.topic.num.partitions': '5',
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.num.partitions': '5',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': '1',
    'controlled.shutdown.retry.backoff.ms': '200',
    'log.index.size.max.bytes': '1048576',

    // A follower's first fetch may come before its leader leads; do not sulk for a second.
    'replica.fetch.backoff.ms': '20',
  }
}

/**
 * Starts a cluster with settings that suit tests: small internal topics, and no wait for
 * a group's first members. What `config` says goes before them.
 *
 * @param options how many brokers, and where; one broker on free ports when absent
 * @returns the cluster, once every broker serves; end it with `close`
 * @throws ConfigException (rejects) with the key, the value and what was expected
 */
export async function startCluster(
  options: StartClusterOptions = {},
): Promise<KafkaCluster> {
  const { brokers = 1, config = {}, offsetsTopic = true } = options
  const cluster = await startBrokers({
    ...options,
    config: { ...testingDefaults(brokers), ...config },
  })
  if (offsetsTopic) await orderOffsetsTopic(cluster)
  return cluster
}

/** The first directory has the plain name, the others a number behind it. */
function logDirsOf(path: string, count: number): string {
  const others = Array.from({ length: count - 1 }, (_, i) => `${path}-${i + 1}`)
  return [path, ...others].join(',')
}

/** Has the controller make the topic of offsets; does not wait until it is led. */
async function orderOffsetsTopic({ brokers, platform }: KafkaCluster): Promise<void> {
  const [broker] = brokers
  if (!broker) return
  const { offsetsTopicPartitions, offsetsTopicReplicationFactor } = broker.config
  const admin = new AdminZkClient(broker.zkClient, {
    nextInt: (bound) => platform.random.nextInt(bound),
  })
  try {
    await admin.createTopic(
      GROUP_METADATA_TOPIC_NAME,
      offsetsTopicPartitions,
      offsetsTopicReplicationFactor,
      broker.groupCoordinator.offsetsTopicConfigs(),
    )
  } catch (error) {
    // It is there already, or the settings ask for more replicas than there are brokers.
    const known = error instanceof TopicExistsException
    if (!known && !(error instanceof InvalidReplicationFactorException)) throw error
  }
}

/** Starts a cluster with the settings that are given, and Kafka's defaults for the rest. */
export async function startBrokers(
  options: StartClusterOptions,
): Promise<KafkaCluster> {
  const platform = platformOf(options.platform ?? 'node')
  const inMemory = options.platform !== undefined && options.platform !== 'node'
  const host = options.host ?? '127.0.0.1'
  const home = homeOf(options, inMemory)
  const closing: (() => Promise<void> | void)[] = [() => home.remove()]
  const close = async () => {
    while (closing.length > 0) await closing.pop()?.()
  }
  try {
    // Start ZooKeeper, unless one is given.
    let zookeeperConnect = options.zookeeperConnect
    let zooKeeperConnect: ZooKeeperConnect = connectWithNodeZookeeperClient
    let zooKeeper: ZooKeeperServer | undefined
    if (zookeeperConnect === undefined) {
      const embedded = new ZooKeeperServer({
        ...{ platform, host, port: options.zookeeperPort ?? 0 },
        dataDir: `${home.path}/zookeeper`,
        fsync: options.zookeeperFsync ?? false,
      })
      await embedded.startup()
      closing.push(() => embedded.shutdown())
      zookeeperConnect = `${host}:${embedded.port}`
      if (inMemory) zooKeeperConnect = inProcessConnect(embedded)
      zooKeeper = embedded
    }
    zooKeeperConnect = options.zooKeeperConnect ?? zooKeeperConnect

    // Start the brokers side by side.
    const brokers = Array.from({ length: options.brokers ?? 1 }, (_, id) => {
      const port = options.port ? options.port + id : 0
      const { 'host.name': ownHost = host, port: ownPort = port } = options.config ?? {}
      const config = new KafkaConfig({
        'broker.id': String(id),
        'zookeeper.connect': zookeeperConnect ?? '',
        listeners: `PLAINTEXT://${ownHost}:${ownPort}`,
        'log.dirs': logDirsOf(`${home.path}/kafka-${id}`, options.logDirs ?? 1),
        ...options.config,
      })
      return new KafkaServer(config, { platform, zooKeeperConnect })
    })
    if (zooKeeper) expireFormerSelves(zooKeeper, brokers)
    closing.push(() => shutdownAll(brokers))
    await startAll(brokers, options.signal)
    await everythingIsLed(brokers, platform, options.signal)
    const ports = brokers.map((broker) => `${host}:${broker.boundPort()}`)
    return {
      bootstrapServers: ports.join(','),
      zookeeperConnect,
      ...{ brokers, platform, zooKeeperConnect, close },
      zooKeeperServer: zooKeeper,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * Starts brokers side by side. When one fails, the others are given up, and have ended
 * before the caller is told: a broker that starts cannot be shut down.
 */
async function startAll(
  brokers: readonly KafkaServer[],
  signal: AbortSignal | undefined,
): Promise<void> {
  // Who wants it to end, and who fails, ends it for all.
  const ending = new AbortController()
  const forget = signal && onAbort(signal, () => ending.abort(signal.reason))
  throwIfAborted(signal)
  let failure: { readonly error: unknown } | undefined
  const start = async (broker: KafkaServer) => {
    try {
      await broker.startup(ending.signal)
    } catch (error) {
      failure ??= { error }
      ending.abort(error)
    }
  }
  await Promise.all(brokers.map(start))
  forget?.()
  if (failure !== undefined) throw (failure as { error: unknown }).error
}

function platformOf(platform: 'node' | 'memory' | Platform): Platform {
  // In memory, too, time goes by itself; for a clock to move by hand, give a platform.
  if (platform === 'node') return nodePlatform()
  return platform === 'memory' ? memoryPlatform({ clock: 'real' }) : platform
}

/** The directory of a cluster, and what becomes of it in the end. */
function homeOf(options: StartClusterOptions, inMemory: boolean) {
  if (options.dataDir !== undefined) return { path: options.dataDir, remove: () => {} }
  if (inMemory) return { path: '/annotated-kafka', remove: () => {} }
  const path = mkdtempSync(join(tmpdir(), 'annotated-kafka-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/**
 * Ends the sessions that these brokers had in a run that was killed: ZooKeeper ran in the
 * same process, so it knows what a ZooKeeper elsewhere would have to wait out.
 */
function expireFormerSelves(
  zooKeeper: ZooKeeperServer,
  brokers: readonly KafkaServer[],
): void {
  for (const { config } of brokers) {
    const owner = zooKeeper.ephemeralOwner(`/brokers/ids/${config.brokerId}`)
    if (owner !== 0n) zooKeeper.expireSession(owner)
  }
}

/**
 * Ends all brokers. When others live on elsewhere, each broker hands over what it leads, as
 * a broker of Kafka does. When nobody is left to take over, handing over only costs time:
 * each partition would be led by every broker in turn. Then the controllers rest first, so
 * that no one answers the vanishing of brokers with elections, and every partition keeps
 * its leader and its in-sync replicas for the next start.
 */
async function shutdownAll(brokers: readonly KafkaServer[]): Promise<void> {
  const ordered = [...brokers].sort((a, b) => +isController(a) - +isController(b))
  const ids = new Set(brokers.map(({ config }) => config.brokerId))
  if (brokers.some((broker) => knowsOthers(broker, ids))) {
    for (const broker of ordered) await broker.shutdown()
    return
  }
  for (const broker of ordered) await broker.restController()
  await Promise.all(brokers.map((broker) => broker.shutdown(false)))
}

function isController(broker: KafkaServer): boolean {
  try {
    return broker.kafkaController.isActive
  } catch {
    // It never came so far as to have one.
    return false
  }
}

/** Whether a broker knows of live ones besides these. */
function knowsOthers(broker: KafkaServer, ids: ReadonlySet<number>): boolean {
  try {
    return broker.metadataCache.getAliveBrokers().some(({ id }) => !ids.has(id))
  } catch {
    // It never came so far as to have a cache.
    return false
  }
}

/**
 * Waits until the controller has told every broker of all brokers, and given leaders to
 * what was there before: who connects now finds everything.
 */
async function everythingIsLed(
  brokers: readonly KafkaServer[],
  { clock }: Platform,
  signal: AbortSignal | undefined,
): Promise<void> {
  const [first] = brokers
  if (!first) return
  const ids = new Set(brokers.map((broker) => broker.config.brokerId))
  const expected = await leadablePartitions(first.zkClient, ids)
  const all = Promise.all(brokers.map((broker) => knowsAll(broker, ids, expected)))

  // Do not wait for ever: a broker that lacks one partition serves the others.
  throwIfAborted(signal)
  const late = new AbortController()
  const forget = signal && onAbort(signal, () => late.abort())
  const timeout = clock.sleep(LEADERS_TIMEOUT_MS, late.signal).catch(() => {})
  await Promise.race([all, timeout])
  forget?.()
  late.abort()
  throwIfAborted(signal)
}

/** The partitions that one of these brokers can lead: it was in sync at the end. */
async function leadablePartitions(
  zkClient: KafkaZkClient,
  brokerIds: ReadonlySet<number>,
): Promise<TopicPartition[]> {
  const going = new Set(await zkClient.getTopicDeletions())
  const topics = (await zkClient.getAllTopicsInCluster()).filter((t) => !going.has(t))
  const assignment = await zkClient.getReplicaAssignmentForTopics(topics)
  const states = await zkClient.getTopicPartitionStates([...assignment.keys()])
  return [...states]
    .filter(([, { leaderAndIsr }]) => leaderAndIsr.isr.some((id) => brokerIds.has(id)))
    .map(([topicPartition]) => topicPartition)
}

/** Waits until a broker knows all brokers, knows who leads, and leads what it should. */
async function knowsAll(
  broker: KafkaServer,
  brokerIds: ReadonlySet<number>,
  expected: readonly TopicPartition[],
): Promise<void> {
  const { metadataCache, replicaManager, config } = broker
  const isLed = (topicPartition: TopicPartition) => {
    const { topic, partition } = topicPartition
    const leader = metadataCache.getPartitionInfo(topic, partition)?.leader ?? -1
    if (leader !== config.brokerId) return leader >= 0
    const here = replicaManager.nonOfflinePartition(topicPartition)
    return here?.leaderReplicaIfLocal !== undefined
  }
  const known = new CountDownLatch(1)
  const look = () => {
    const ready =
      metadataCache.getAliveBrokers().length >= brokerIds.size &&
      metadataCache.getControllerId() !== undefined &&
      expected.every(isLed)
    if (ready) known.countDown()
    return ready
  }
  if (look()) return
  const stop = metadataCache.onUpdate(look)
  await known.await()
  stop()
}
