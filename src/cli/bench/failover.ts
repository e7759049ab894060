/**
 * # bench failover
 *
 * How long nobody leads. First, the leader of a partition with three replicas is killed:
 * from the kill to the end of its session, which is ZooKeeper's affair, and from there to
 * the first acknowledged record, which is ours. Second, the controller loses its office
 * with 100, 1,000 and 10,000 partitions: from there until another has read the cluster and
 * told every broker. In the second all brokers share one process, and partitions have one
 * replica.
 *
 * @module
 */
import { Deferred } from '../../base/async/Deferred.ts'
import { setLogLevel } from '../../base/logger.ts'
import { nodePlatform } from '../../base/platform/node/node-platform.ts'
import { Produce } from '../../protocol/messages/Produce.ts'
import { MemoryRecords } from '../../record/MemoryRecords.ts'
import { TopicLeaders } from '../../testing/chaos/TopicLeaders.ts'
import { startCluster } from '../../testing/start-cluster.ts'
import { AdminZkClient } from '../../zk/AdminZkClient.ts'
import { BrokerIdZNode } from '../../zk/cluster-znodes.ts'
import { connectWithNodeZookeeperClient } from '../../zookeeper/node-zookeeper-client-session.ts'
import { ZooKeeperClient } from '../../zookeeper/ZooKeeperClient.ts'
import {
  bootstrapOf,
  createAssigned,
  type ThreeBrokers,
  withThreeBrokers,
} from './three-brokers.ts'
import { fixed, percentile, table } from './windows.ts'

const SESSION_TIMEOUT_MS = 2000
const KILLS = 5
const ROUNDS = 5

/** Runs the benchmark and prints its tables. */
export async function failover(): Promise<string> {
  // What brokers say of partners that die is expected here.
  setLogLevel('fatal')
  const rows = [['failover, ms', 'min', 'median', 'max']]
  const config = { 'zookeeper.session.timeout.ms': String(SESSION_TIMEOUT_MS) }
  const leaders = await withThreeBrokers(config, (cluster) => killLeaders(cluster))
  rows.push(
    row(`kill -9 to the end of a session of ${SESSION_TIMEOUT_MS} ms`, leaders.expiry),
  )
  rows.push(row('  from there to the first record acknowledged by all', leaders.rest))
  for (const partitions of [100, 1000, 10_000])
    rows.push(
      row(`another controller, ${partitions} partitions`, await moveOffice(partitions)),
    )
  return table(rows)
}

function row(name: string, values: readonly number[]): string[] {
  const three = [Math.min(...values), percentile(values, 0.5), Math.max(...values)]
  return [name, ...three.map((value) => fixed(value, 0))]
}

// ── Leaders ─────────────────────────────────────────────────────────────────────────────

async function killLeaders(cluster: ThreeBrokers) {
  const { ports, zookeeper } = cluster
  const platform = nodePlatform()
  const { clock } = platform
  const zkClient = new ZooKeeperClient({
    ...{ connect: connectWithNodeZookeeperClient, clock, maxInFlightRequests: 10 },
    connectString: `127.0.0.1:${zookeeper.port}`,
    ...{ sessionTimeoutMs: 10_000, connectionTimeoutMs: 10_000 },
  })
  await zkClient.start()
  const expiry: number[] = []
  const rest: number[] = []
  for (let kill = 0; kill < KILLS; kill++) {
    // Each time another broker leads a topic of its own.
    const victim = kill % ports.length
    const topic = `failover-${kill}`
    const replicas = [0, 1, 2].map((at) => (victim + at) % ports.length)
    await createAssigned(cluster, topic, replicas)
    const bootstrapServers = bootstrapOf(ports)
    const of = { clientId: 'bench', bootstrapServers, topic, platform }
    const leaders = new TopicLeaders(of)
    await produceOne(leaders, topic)
    const path = BrokerIdZNode.path(victim)
    const expired = new Deferred<number>()
    const handleDeletion = () => expired.resolve(performance.now())
    zkClient.registerZNodeChangeHandler({ path, handleDeletion })
    await zkClient.exists(path)

    // Kill it, and send until somebody acknowledges.
    const broker = cluster.brokers[victim]
    const begin = performance.now()
    await broker?.kill()
    await produceOne(leaders, topic)
    const acknowledged = performance.now()
    const gone = await expired.promise
    expiry.push(gone - begin)
    rest.push(acknowledged - gone)
    leaders.close()
    await broker?.startUntilReady(() => clock.sleep(100))
  }
  await zkClient.close()
  return { expiry, rest }
}

/** Sends one record, again and again until every in-sync replica has it. */
async function produceOne(leaders: TopicLeaders, topic: string): Promise<void> {
  const value = Buffer.from('x')
  const records = MemoryRecords.withRecords(
    { magic: 2 },
    { value, timestamp: 0 },
  ).buffer
  const never = new AbortController().signal
  for (;;) {
    try {
      const leader = leaders.of(0)
      const body = {
        ...{ transactionalId: null, acks: -1, timeoutMs: 1000 },
        topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
      }
      const answer = leader && (await leaders.client.send(leader, Produce, 5, body))
      if (answer?.responses[0]?.partitionResponses[0]?.errorCode === 0) return
    } catch {
      // It is gone; ask who leads now.
    }
    await leaders.refresh(never)
  }
}

// ── Controllers ─────────────────────────────────────────────────────────────────────────

/** Takes the office away a few times. @returns ms until another is in it */
async function moveOffice(partitions: number): Promise<number[]> {
  const config = { 'auto.leader.rebalance.enable': 'false' }
  await using cluster = await startCluster({ brokers: 3, config })
  const [first] = cluster.brokers
  if (first === undefined) throw new Error('no broker')
  const admin = new AdminZkClient(first.zkClient, cluster.platform.random)
  const led = allLed(cluster.brokers, partitions)
  await admin.createTopic('many', partitions, 1)
  await led

  const took: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const inOffice = new Deferred<void>()
    for (const { kafkaController } of cluster.brokers) {
      const { onControllerFailover } = Object.getPrototypeOf(kafkaController)
      kafkaController.onControllerFailover = async () => {
        await onControllerFailover.call(kafkaController)
        inOffice.resolve()
      }
    }
    const begin = performance.now()
    await first.zkClient.deleteController()
    await inOffice.promise
    took.push(performance.now() - begin)
  }
  return took
}

/** Resolves when every broker knows a leader of every partition. */
async function allLed(
  brokers: Awaited<ReturnType<typeof startCluster>>['brokers'],
  partitions: number,
): Promise<void> {
  const each = brokers.map(({ metadataCache }) => {
    const known = new Deferred<void>()
    const look = () => {
      const led = Array.from({ length: partitions }, (_, p) => {
        return metadataCache.getPartitionInfo('many', p)?.leader ?? -1
      })
      if (led.every((leader) => leader >= 0)) known.resolve()
    }
    const stop = metadataCache.onUpdate(look)
    return known.promise.then(stop)
  })
  await Promise.all(each)
}
