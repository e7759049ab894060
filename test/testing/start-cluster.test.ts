/** Clusters come up, serve, and leave nothing behind. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type LogLine, setLogLevel, setLogSink } from '../../src/base/logger.ts'
import { memoryPlatform } from '../../src/base/platform/memory/memory-platform.ts'
import { TopicPartition } from '../../src/base/TopicPartition.ts'
import { withZooKeeper } from '../../src/cli/admin/open-zookeeper.ts'
import { type KafkaCluster, startCluster } from '../../src/testing/start-cluster.ts'
import {
  clientOf,
  controllerOf,
  createTopic,
  fetchTexts,
  produce,
} from '../server/clients.ts'

/** Every handle that could keep the process alive; the test runner has a timer or two. */
function handles(): number {
  const kinds = process.getActiveResourcesInfo()
  return kinds.filter((kind) => /^(TCP|Timeout|FSReq)/.test(kind)).length
}

/** Lets the host report sockets as closed. @returns handles that were not there before */
async function leftOver(before: number) {
  for (let turn = 0; turn < 1000 && handles() > before; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  return Math.max(0, handles() - before)
}

async function use(cluster: KafkaCluster) {
  const client = clientOf(cluster)
  await createTopic(client, 't').catch(() => undefined)
  const reachable = await produce(client, 't', ['x'])
  client.close()
  return reachable
}

describe('startCluster()', () => {
  it('serves on free ports, and closes every handle', async () => {
    const before = handles()
    const cluster = await startCluster()
    expect(cluster.bootstrapServers).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(cluster.zookeeperConnect).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(await use(cluster)).toMatchObject({ errorCode: 0 })
    await cluster.close()
    await cluster.close()
    expect(await leftOver(before)).toBe(0)
  })

  it('removes its temporary directory', async () => {
    const before = temporary()
    const cluster = await startCluster()
    const own = temporary().filter((name) => !before.includes(name))
    expect(own.length).toBeGreaterThan(0)
    const dirs = cluster.brokers.flatMap((broker) => broker.config.logDirs)
    expect(dirs.every((dir) => existsSync(dir))).toBe(true)
    await cluster.close()
    expect(dirs.some((dir) => existsSync(dir))).toBe(false)
  })

  it('keeps what is in a directory that it is given', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'start-cluster-test-'))
    const first = await startCluster({ dataDir })
    await use(first)
    await first.close()
    const second = await startCluster({ dataDir })
    const client = clientOf(second)

    // The topic is there, and led.
    const answer = await produce(client, 't', ['y'])
    expect(answer).toMatchObject({ errorCode: 0, baseOffset: 1 })
    expect(await fetchTexts(client, 't', 0)).toEqual(['x', 'y'])
    client.close()
    await second.close()
    rmSync(dataDir, { recursive: true })
  })

  it('is disposed of by `await using`', async () => {
    const cluster = await startCluster({ platform: 'memory' })
    await cluster[Symbol.asyncDispose]()
    expect(cluster.brokers[0]?.brokerState.currentState).toBe('NotRunning')
  })

  it('runs several brokers, which know each other', async () => {
    const cluster = await startCluster({ platform: 'memory', brokers: 3 })
    expect(cluster.bootstrapServers.split(',')).toHaveLength(3)
    const known = cluster.brokers.map((b) => b.metadataCache.getAliveBrokers().length)
    expect(known).toEqual([3, 3, 3])
    await cluster.close()
  })

  it('ends as a whole without elections and without a warning', async () => {
    // Fill three brokers beside an ensemble that outlives them.
    const outer = await startCluster()
    const zookeeperConnect = `${outer.zookeeperConnect}/inner`
    const inner = await startCluster({ brokers: 3, zookeeperConnect })
    const client = clientOf(inner, controllerOf(inner))
    const topics = Array.from({ length: 10 }, (_, i) => `t${i}`)
    for (const topic of topics) await createTopic(client, topic, { replicas: 3 })
    client.close()
    const states = () =>
      withZooKeeper(outer.platform, zookeeperConnect, async (zk) => {
        const all = topics.map((topic) => new TopicPartition(topic, 0))
        return [...(await zk.getTopicPartitionStates(all)).values()]
      })
    const before = await states()
    expect(before.map((state) => state.leaderAndIsr.isr.length)).toEqual(
      Array(10).fill(3),
    )

    // End them, and listen.
    const lines: LogLine[] = []
    const level = setLogLevel('warn')
    setLogSink((line) => lines.push(line))
    await inner.close()
    setLogSink(undefined)
    setLogLevel(level)
    expect(lines).toEqual([])
    expect(await states()).toEqual(before)
    await outer.close()
  })

  it('takes a ZooKeeper that runs already', async () => {
    const platform = memoryPlatform({ clock: 'real' })
    const first = await startCluster({ platform })
    const { zookeeperConnect } = first
    expect(zookeeperConnect).toMatch(/:\d+$/)
    await first.close()

    // Over real sockets: two clusters in one ensemble, kept apart by a path.
    const outer = await startCluster()
    const inner = await startCluster({
      zookeeperConnect: `${outer.zookeeperConnect}/inner`,
    })
    expect(await use(inner)).toMatchObject({ errorCode: 0 })
    expect(inner.brokers[0]?.clusterId).not.toBe(outer.brokers[0]?.clusterId)
    await inner.close()
    await outer.close()
  })

  it('closes what it began when a broker cannot start', async () => {
    const before = handles()
    const config = { 'zookeeper.session.timeout.ms': 'soon' }
    await expect(startCluster({ config })).rejects.toThrow(
      /soon.*zookeeper\.session\.timeout\.ms/,
    )
    expect(await leftOver(before)).toBe(0)
  })
})

function temporary(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('annotated-kafka-'))
}
